//! Containers: names and states from Docker, numbers from their cgroups, at every look. What Docker said is used only as
//! long as it can be true: a container whose cgroup vanished is not running, and when Docker cannot be asked, only what
//! the kernel says remains.

mod live;
mod network;
mod seen;
#[cfg(test)]
mod tests;

pub use crate::host::cgroups::{DeviceIo, Pressure, Throttle};
pub use seen::{ContainerSeen, ContainersSeen, Devices, DockerState, Identity, Life, Machine, Nic, Rates, Usage};

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::CollectorRun;
use super::projects::ProjectSums;
use crate::host::cgroups::{Cgroups, Layout, Place};
use crate::host::docker::{Answer, Docked, Listing, Poller, Settings};
use crate::host::{Host, Roots, docker, machine};
use crate::keepers::vitals::config::Config;
use crate::metrics::Group;
use crate::values::{Now, one_line};
use live::Live;
use network::NetworkLook;

/// How long a look waits for a Docker that has answered before, when a container vanished.
const SHORT_WAIT: Duration = Duration::from_millis(500);
/// Containers whose limits are read again in one look, so that no look is much longer than the others.
const LIMITS_PER_LOOK: usize = 8;
/// Device names kept.
const MAX_DEVICES: usize = 1024;

/// What is remembered from look to look. Holds open cgroup files, one netlink socket and the poller.
pub struct ContainersLook {
    patience: Duration,
    poller: Option<(Settings, Arc<Poller>, Instant)>,
    machine: Option<(Roots, Cgroups, Machine)>,
    live: BTreeMap<String, Live>,
    serial: u64,
    opened: u64,
    docker: DockerState,
    trouble: Option<String>,
    network: NetworkLook,
    projects: ProjectSums,
    devices: Devices,
    buffer: Vec<u8>,
    read_took: Duration,
}

impl Default for ContainersLook {
    fn default() -> Self {
        ContainersLook::new(docker::PATIENCE)
    }
}

impl ContainersLook {
    /// `patience`: how long Docker may take for one answer.
    pub fn new(patience: Duration) -> ContainersLook {
        ContainersLook {
            patience,
            poller: None,
            machine: None,
            live: BTreeMap::new(),
            serial: 0,
            opened: 0,
            docker: DockerState::Unasked,
            trouble: None,
            network: NetworkLook::default(),
            projects: ProjectSums::default(),
            devices: Devices::new(),
            buffer: Vec::new(),
            read_took: Duration::ZERO,
        }
    }

    /// Looks. Never fails: what could not be seen is said in `runs`. Waits for Docker only at the first look, and shortly
    /// when a container vanished. Needs a tokio runtime.
    pub async fn look(&mut self, config: &Config, host: &Host, now: &Now) -> ContainersSeen {
        let (started, roots) = (Instant::now(), &host.roots);
        let (cgroups, machine) = self.prepare(config, host);
        self.read_all();
        self.hear(&cgroups, roots).await;
        let docker_run = self.docker_run(started.elapsed());
        let mut seen = self.see(&cgroups, roots, now);
        seen.machine = machine;
        seen.runs.extend(docker_run);
        seen
    }

    /// Reads what was opened in this look, and tells everything that is followed.
    fn see(&mut self, cgroups: &Cgroups, roots: &Roots, now: &Now) -> ContainersSeen {
        let started = Instant::now();
        for live in self.live.values_mut().filter(|live| live.is_unread()) {
            live.read(&mut self.buffer);
        }
        for live in self.live.values_mut().filter(|live| live.has_old_limits()).take(LIMITS_PER_LOOK) {
            live.read_limits();
        }
        let network_run = self.network.look(self.live.values_mut());
        for live in self.live.values_mut() {
            live.settle(now.up);
        }
        let mut containers: Vec<ContainerSeen> = self.live.values().map(Live::seen).collect();
        containers.retain(|seen| seen.life.is_some() || seen.usage.is_some());
        containers.sort_by(|a, b| a.identity.name.cmp(&b.identity.name).then(a.identity.id.cmp(&b.identity.id)));
        self.name_devices(roots, &containers);
        let projects = self.projects.look(&containers, cgroups, now.up);
        let cgroup_run = self.cgroup_run(cgroups, self.read_took + started.elapsed());
        ContainersSeen {
            docker: self.docker.clone(),
            cgroups: Some(cgroups.layout()),
            containers,
            projects,
            devices: self.devices.clone(),
            at: now.wall.as_second(),
            runs: [Some(cgroup_run), network_run].into_iter().flatten().collect(),
            ..ContainersSeen::default()
        }
    }

    /// Starts over what the configuration changed.
    fn prepare(&mut self, config: &Config, host: &Host) -> (Cgroups, Machine) {
        let settings = docker::parse_address(&config.docker_socket).map(|socket| Settings {
            socket,
            interval: config.docker_interval.0,
            patience: self.patience,
            labels: config.container_labels.clone(),
        });
        if self.poller.as_ref().map(|(settings, ..)| settings) != settings.as_ref() {
            if settings.is_none() {
                self.live.clear();
                self.projects.clear();
            }
            self.serial = 0;
            self.lose_docker(DockerState::Unasked);
            self.poller = settings.map(|settings| {
                let poller = host.docker.poller(&settings);
                (settings, poller, Instant::now())
            });
        }
        if self.poller.is_none() {
            self.docker = match config.docker_socket.as_str() {
                "" => DockerState::Unasked,
                other => DockerState::Failing(format!("docker: \"{}\" is not a local socket", one_line(other, 80))),
            };
        }
        let roots = &host.roots;
        let same = self.machine.take().filter(|(before, ..)| before == roots);
        let (_, cgroups, machine) = self.machine.insert(same.unwrap_or_else(|| {
            let memory_bytes = machine::read_memory_bytes(roots);
            let size = Machine { cpu_cores: machine::read_cpu_cores(roots), memory_bytes };
            (roots.clone(), Cgroups::of(roots), size)
        }));
        (cgroups.clone(), *machine)
    }

    /// Reads the counters of all that run. Those that are gone lose their usage at once, and are asked for in `hear`.
    fn read_all(&mut self) {
        let started = Instant::now();
        for live in self.live.values_mut() {
            live.read(&mut self.buffer);
        }
        self.read_took = started.elapsed();
    }

    /// Takes Docker's newest answer; asks for a newer one when it cannot be true any more.
    async fn hear(&mut self, cgroups: &Cgroups, roots: &Roots) {
        let Some((_, poller, since)) = &self.poller else { return };
        let mut listing = poller.latest();
        if listing.answer == Answer::Pending {
            listing = poller.answer_since(*since, self.patience).await;
        }
        self.take_listing(&listing, cgroups, roots);
        let lost: Vec<String> = self.live.iter().filter(|(_, live)| live.is_lost()).map(|(id, _)| id.clone()).collect();
        let Some((_, poller, _)) = &self.poller else { return };
        if lost.is_empty() || !matches!(listing.answer, Answer::Up { .. }) {
            return;
        }
        let now = Instant::now();
        for id in &lost {
            poller.wake_for(id);
        }
        let listing = poller.answer_since(now, SHORT_WAIT).await;
        self.take_listing(&listing, cgroups, roots);
    }

    /// Brings what is followed in line with Docker's answer.
    fn take_listing(&mut self, listing: &Listing, cgroups: &Cgroups, roots: &Roots) {
        if listing.serial != self.serial {
            self.serial = listing.serial;
            match &listing.answer {
                Answer::Pending => {}
                Answer::Absent => self.lose_docker(DockerState::Absent("no socket".to_owned())),
                Answer::Failed(why) => self.lose_docker(DockerState::Failing(why.clone())),
                Answer::Up { version, containers, trouble, .. } => {
                    self.docker = DockerState::Up(version.clone());
                    self.trouble.clone_from(trouble);
                    self.follow(containers, listing.asked, cgroups, roots);
                }
            }
        }
        if !matches!(self.docker, DockerState::Up(_)) {
            self.live.retain(|_, live| live.is_running());
        }
    }

    fn lose_docker(&mut self, state: DockerState) {
        self.docker = state;
        self.trouble = None;
        for live in self.live.values_mut() {
            live.forget_life();
        }
    }

    fn follow(&mut self, containers: &[Docked], asked: Instant, cgroups: &Cgroups, roots: &Roots) {
        let ids: HashSet<&str> = containers.iter().map(|docked| docked.listed.id.as_str()).collect();
        self.live.retain(|id, _| ids.contains(id.as_str()));
        let mut walked: Option<HashMap<String, Place>> = None;
        for docked in containers {
            let id = &docked.listed.id;
            let live = self.live.entry(id.clone()).or_insert_with(|| Live::new(&docked.listed));
            if !live.take(docked, asked) {
                continue;
            }
            let pid = docked.inspected.as_ref().and_then(|inspected| inspected.pid);
            let place = pid.and_then(|pid| cgroups.read_place(pid, id));
            let place = place.or_else(|| walked.get_or_insert_with(|| cgroups.list_places()).get(id).cloned());
            let Some((place, group)) = place.and_then(|place| cgroups.open(&place).map(|group| (place, group))) else {
                continue;
            };
            self.opened += 1;
            live.open(self.opened, &place, group);
            let owner = pid.filter(|_| !docked.listed.borrows_network);
            live.set_network(owner.and_then(|pid| self.network.ask_namespace(&roots.procfs, pid)));
        }
    }

    fn name_devices(&mut self, roots: &Roots, containers: &[ContainerSeen]) {
        for io in containers.iter().filter_map(|seen| seen.usage.as_ref()).flat_map(|usage| &usage.counters.io) {
            if self.devices.len() >= MAX_DEVICES {
                self.devices.clear();
            }
            self.devices.entry((io.major, io.minor)).or_insert_with(|| {
                let name = machine::read_device_name(roots, io.major, io.minor);
                name.map_or_else(|| format!("{}:{}", io.major, io.minor), |name| format!("/dev/{name}"))
            });
        }
    }

    fn docker_run(&self, waited: Duration) -> Option<CollectorRun> {
        let asked = self.poller.as_ref().map(|(_, poller, _)| poller.latest().took);
        let outcome = match (&self.docker, &self.trouble) {
            (DockerState::Failing(why), _) => Err(why.clone()),
            (DockerState::Up(_), Some(trouble)) => Err(trouble.clone()),
            (DockerState::Up(_) | DockerState::Absent(_), _) => Ok(()),
            (DockerState::Unasked, _) if asked.is_none() => return None,
            (DockerState::Unasked, _) => Err(format!("docker: no answer yet within {:?}", self.patience)),
        };
        let took = asked.unwrap_or_default().max(waited);
        Some(CollectorRun { name: "docker", group: Group::Hostkeeper, took, outcome })
    }

    fn cgroup_run(&self, cgroups: &Cgroups, took: Duration) -> CollectorRun {
        let wanted = self.live.values().filter(|live| live.should_run()).count();
        let read = self.live.values().filter(|live| live.is_running()).count();
        let outcome = match (wanted, read) {
            (0, _) => Ok(()),
            (_, 0) if cgroups.layout() == Layout::Absent => Err("no cgroups are mounted".to_owned()),
            (wanted, 0) => Err(format!("none of {wanted} running containers has a cgroup that can be read")),
            _ => Ok(()),
        };
        CollectorRun { name: "cgroup", group: Group::Container, took, outcome }
    }
}
