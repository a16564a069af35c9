//! What a scrape of 100 containers costs: cgroups of the kernel's own where they can be made (root, cgroup v1), a scratch
//! tree of v2 otherwise; a Docker that answers from memory. Prints the
//! processor time of looking and of writing the page.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hostkeeper::host::{Clock, Host, Roots};
use hostkeeper::keepers::vitals::config::Config;
use hostkeeper::keepers::vitals::metrics::{container, machine, project};
use hostkeeper::keepers::vitals::observe::containers::ContainersLook;
use hostkeeper::metrics::{Filter, Page};

use crate::fake_docker::{FakeDocker, Reply};

const CONTAINERS: u64 = 100;
const SCRAPES: usize = 1000;

/// Cgroups made for this; gone with it.
struct Groups {
    made: Vec<PathBuf>,
    scratch: Option<tempfile::TempDir>,
}

impl Groups {
    fn make(ids: &[String]) -> Groups {
        let controllers = ["cpu", "cpuacct", "memory", "blkio", "pids"];
        let tops = controllers.map(|controller| Path::new("/sys/fs/cgroup").join(controller).join("hostkeeper-bench"));
        let mut groups = Groups { made: Vec::new(), scratch: None };
        if tops.iter().all(|top| fs::create_dir(top).is_ok()) {
            groups.made.extend(tops.iter().cloned());
            for id in ids {
                for top in &tops {
                    fs::create_dir(top.join(id)).expect("a cgroup");
                    groups.made.push(top.join(id));
                }
            }
            return groups;
        }
        let captured =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captured/cgroup/v2/sys/fs/cgroup/tenants.slice");
        let source = captured.join("tenants-shop.slice");
        let scratch = tempfile::tempdir().expect("a directory");
        let root = scratch.path().join("sys/fs/cgroup");
        for id in ids {
            let scope = root.join(format!("system.slice/docker-{id}.scope"));
            fs::create_dir_all(&scope).expect("a scope");
            for file in fs::read_dir(&source).expect("captured files").flatten().filter(|file| file.path().is_file()) {
                fs::copy(file.path(), scope.join(file.file_name())).expect("a copy");
            }
        }
        fs::write(root.join("cgroup.controllers"), "cpu").expect("a file");
        groups.scratch = Some(scratch);
        groups
    }

    fn roots(&self) -> Roots {
        match &self.scratch {
            Some(scratch) => Roots { sysfs: scratch.path().join("sys"), ..Roots::default() },
            None => Roots::default(),
        }
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for directory in self.made.iter().rev() {
            if let Err(error) = fs::remove_dir(directory) {
                eprintln!("{}: {error}", directory.display());
            }
        }
    }
}

fn list(ids: &[String]) -> String {
    let entry = |(number, id): (usize, &String)| {
        serde_json::json!({
            "Id": id, "Names": [format!("/project{}-web-{number}", number % 5)], "Image": "app:1", "ImageID": "",
            "Created": 1, "State": "running", "Status": "Up 5 minutes",
            "Labels": {
                "com.docker.compose.project": format!("project{}", number % 5),
                "com.docker.compose.service": "web",
            },
        })
    };
    serde_json::Value::Array(ids.iter().enumerate().map(entry).collect()).to_string()
}

/// Processor time of this thread: what a scrape costs, however busy the machine is otherwise.
fn spent() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("{what:>6}: p50 {:.3} ms, p99 {:.3} ms of processor time", at(0.50), at(0.99));
}

#[tokio::test]
#[ignore = "a measurement: cargo test --release --test containers -- --ignored --nocapture a_hundred"]
async fn a_hundred_containers() {
    let ids: Vec<String> = (1..=CONTAINERS).map(|number| format!("{number:064x}")).collect();
    let groups = Groups::make(&ids);
    let fake = FakeDocker::start();
    fake.answer("/containers/json", Reply::Json(list(&ids)));
    let config = Config { docker_socket: fake.socket().display().to_string(), ..Config::default() };
    let (mut look, clock, host) = (ContainersLook::default(), Clock::of_this_boot(), Host::new(groups.roots()));
    let (mut looks, mut pages, mut both) = (Vec::new(), Vec::new(), Vec::new());
    let mut series = 0;
    for scrape in 0..SCRAPES + 20 {
        let started = spent();
        let seen = look.look(&config, &host, &clock.now()).await;
        let looked = spent() - started;
        let mut page = Page::new(Filter::default(), 20_000);
        project::measure(&seen, &mut page);
        container::measure(&seen, &mut page);
        machine::measure(&seen, &mut page);
        series = page.series();
        drop(page.finish());
        if scrape >= 20 {
            looks.push(looked);
            pages.push(spent() - started - looked);
            both.push(spent() - started);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let asked = fake.asked().len();
    let tree = if groups.scratch.is_some() { "a scratch tree" } else { "the kernel's cgroups" };
    println!("{CONTAINERS} containers in {tree}, {series} series, {SCRAPES} scrapes, Docker asked {asked} times");
    tell("look", looks);
    tell("page", pages);
    tell("both", both);
}
