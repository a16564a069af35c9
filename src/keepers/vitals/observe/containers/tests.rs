use std::fs;
use std::path::Path;

use super::*;
use crate::host::docker::{Compose, Inspected, Listed, Version};
use crate::values::ProjectName;

/// A scratch tree of cgroup v2 with one container in it at a time.
struct Tree {
    directory: tempfile::TempDir,
}

impl Tree {
    fn new() -> Tree {
        // In memory where possible: a disk would flush each of many thousand small files.
        let memory = Path::new("/dev/shm");
        let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let root = directory.path().join("sys/fs/cgroup/system.slice");
        fs::create_dir_all(root).unwrap();
        fs::write(directory.path().join("sys/fs/cgroup/cgroup.controllers"), "cpu memory").unwrap();
        Tree { directory }
    }

    fn roots(&self) -> Roots {
        let top = self.directory.path();
        Roots { procfs: top.join("proc"), sysfs: top.join("sys"), rootfs: "/".into() }
    }

    fn scope(&self, id: &str) -> std::path::PathBuf {
        self.directory.path().join(format!("sys/fs/cgroup/system.slice/docker-{id}.scope"))
    }

    fn put(&self, id: &str, cpu_us: u64) {
        let scope = self.scope(id);
        fs::create_dir_all(&scope).unwrap();
        let write = |name: &str, text: String| fs::write(scope.join(name), text).unwrap();
        write("cpu.stat", format!("usage_usec {cpu_us}\nuser_usec 0\nsystem_usec 0\n"));
        write("memory.current", "1000\n".into());
        write("memory.stat", "anon 10\ninactive_file 400\n".into());
        write("memory.max", "5000\n".into());
    }

    fn remove(&self, id: &str) {
        fs::remove_dir_all(self.scope(id)).unwrap();
    }
}

fn id(number: u64) -> String {
    format!("{number:064x}")
}

fn docked(id: &str, state: &str) -> Docked {
    let compose = Compose { project: Some("shop".into()), service: Some("web".into()), ..Compose::default() };
    let listed = Listed {
        id: id.into(),
        name: format!("shop-web-{}", id.trim_start_matches('0')),
        image: "app:1".into(),
        state: state.into(),
        compose,
        ..Listed::default()
    };
    let inspected = Inspected { pid: Some(1), exit_code: Some(0), restarts: Some(0), ..Inspected::default() };
    Docked { listed, inspected: Some(inspected), inspected_at: Some(Instant::now()) }
}

/// A look with an answer of Docker given by hand.
struct ByHand {
    look: ContainersLook,
    cgroups: Cgroups,
    roots: Roots,
    listing: Listing,
    seconds: u64,
}

impl ByHand {
    fn new(tree: &Tree) -> ByHand {
        let roots = tree.roots();
        let cgroups = Cgroups::of(&roots);
        let pending = Answer::Pending;
        let listing = Listing { serial: 0, asked: Instant::now(), took: Duration::ZERO, answer: pending };
        ByHand { look: ContainersLook::default(), cgroups, roots, listing, seconds: 0 }
    }

    fn look(&mut self, answer: Option<Answer>) -> ContainersSeen {
        self.look.read_all();
        if let Some(answer) = answer {
            let serial = self.listing.serial + 1;
            self.listing = Listing { serial, asked: Instant::now(), took: Duration::ZERO, answer };
        }
        self.look.take_listing(&self.listing, &self.cgroups, &self.roots);
        self.seconds += 1;
        let now = Now { wall: jiff::Timestamp::UNIX_EPOCH, up: Duration::from_secs(self.seconds), boot: String::new() };
        self.look.see(&self.cgroups, &self.roots, &now)
    }
}

fn up(containers: Vec<Docked>) -> Option<Answer> {
    Some(Answer::Up { version: Version::default(), driver: None, containers, trouble: None })
}

fn files_in(tree: &Path) -> usize {
    let links = fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    links.filter(|link| link.starts_with(tree)).count()
}

#[test]
fn a_thousand_recreations_leak_no_file_and_no_series() {
    let tree = Tree::new();
    let mut hand = ByHand::new(&tree);
    let (mut before, mut files) = (0, None);
    for number in 1..=1000 {
        let id = id(number);
        tree.put(&id, 40);
        hand.look(up(vec![docked(&id, "running")]));
        tree.put(&id, 100);
        let seen = hand.look(None);
        assert_eq!((seen.containers.len(), seen.projects.len()), (1, 1));
        let now = seen.projects[0].counters[&super::super::projects::Counter::Cpu];
        assert!(now > before, "{number}: {before}, {now}");
        before = now;
        assert_eq!(*files.get_or_insert_with(|| files_in(tree.directory.path())), files_in(tree.directory.path()));
        tree.remove(&id);
        let seen = hand.look(None);
        assert!(seen.containers.is_empty(), "gone at once, before Docker says so");
        assert_eq!(files_in(tree.directory.path()), 0);
    }
    assert_eq!(before, 1000 * 100_000);
    assert!(files.unwrap() >= 3, "the files were open in between");
    hand.look(up(Vec::new()));
    assert!(hand.look.live.is_empty());
}

#[test]
fn what_docker_said_before_a_cgroup_vanished_is_not_believed() {
    let tree = Tree::new();
    let mut hand = ByHand::new(&tree);
    tree.put(&id(1), 1);
    let old = Instant::now();
    hand.look(up(vec![docked(&id(1), "running")]));
    tree.remove(&id(1));
    hand.look.read_all();
    let answer = up(vec![docked(&id(1), "running")]).unwrap();
    hand.listing = Listing { serial: 99, asked: old, took: Duration::ZERO, answer };
    assert!(hand.look(None).containers.is_empty());
    let seen = hand.look(up(vec![docked(&id(1), "exited")]));
    assert_eq!(seen.containers[0].life.as_ref().unwrap().state, "exited");
    tree.put(&id(1), 1);
    let seen = hand.look(up(vec![docked(&id(1), "running")]));
    assert!(seen.containers[0].usage.is_some(), "started again");
}

#[test]
fn without_docker_only_what_the_kernel_says_remains() {
    let tree = Tree::new();
    let mut hand = ByHand::new(&tree);
    tree.put(&id(1), 1);
    let seen = hand.look(up(vec![docked(&id(1), "running"), docked(&id(2), "exited")]));
    assert_eq!(seen.containers.len(), 2);
    let seen = hand.look(Some(Answer::Failed("no".into())));
    assert_eq!(seen.containers.len(), 1);
    assert!(seen.containers[0].usage.is_some() && seen.containers[0].life.is_none());
    assert_eq!(seen.projects[0].states, None);
    assert_eq!(seen.docker, DockerState::Failing("no".into()));
    tree.remove(&id(1));
    assert!(hand.look(None).containers.is_empty());
    assert!(hand.look.live.is_empty());
}

#[test]
fn a_restart_is_another_life_and_its_counters_begin_anew() {
    let tree = Tree::new();
    let mut hand = ByHand::new(&tree);
    tree.put(&id(1), 100);
    let first = hand.look(up(vec![docked(&id(1), "running")])).containers[0].usage.clone().unwrap();
    tree.remove(&id(1));
    hand.look(None);
    tree.put(&id(1), 300);
    let seen = hand.look(up(vec![docked(&id(1), "running")]));
    assert_ne!(seen.containers[0].usage.as_ref().unwrap().instance, first.instance);
    let told = seen.projects[0].counters[&super::super::projects::Counter::Cpu];
    assert_eq!(told, 400_000, "both lives, whole");
}

#[test]
fn rates_and_limits_come_from_the_cgroup() {
    let tree = Tree::new();
    let mut hand = ByHand::new(&tree);
    tree.put(&id(1), 0);
    assert_eq!(hand.look(up(vec![docked(&id(1), "running")])).containers[0].rates, None);
    tree.put(&id(1), 1_500_000);
    let seen = hand.look(None);
    assert_eq!(seen.containers[0].rates.unwrap().cpu_cores, 1.5);
    let usage = seen.containers[0].usage.as_ref().unwrap();
    assert_eq!((usage.limits.memory, usage.counters.memory.unwrap().working_set()), (Some(5000), 600));
}

#[test]
fn running_containers_without_any_cgroup_are_a_failure_of_the_collector() {
    let tree = Tree::new();
    let mut hand = ByHand::new(&tree);
    let seen = hand.look(up(vec![docked(&id(1), "running")]));
    let run = seen.runs.iter().find(|run| run.name == "cgroup").unwrap();
    assert!(run.outcome.as_ref().unwrap_err().contains("none of 1"));
    assert!(seen.containers[0].usage.is_none());
}

#[test]
fn what_is_no_projects_name_is_no_project_but_stays_a_label() {
    let tree = Tree::new();
    let mut hand = ByHand::new(&tree);
    let mut odd = docked(&id(1), "exited");
    odd.listed.compose.project = Some("Not A Name".into());
    let seen = hand.look(up(vec![odd]));
    assert_eq!(seen.containers[0].identity.project, None::<ProjectName>);
    assert!(seen.containers[0].identity.rendered.contains("Not A Name"));
    assert!(seen.projects.is_empty());
}
