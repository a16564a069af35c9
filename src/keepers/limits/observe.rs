//! What Docker and the kernel say of the declared projects: which containers there are, what they may use, what they use,
//! and what is written of their slices.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use crate::host::cgroups::{Bounds, IoBound, Layout, OomCounts};
pub use crate::host::docker::Resources;
pub use crate::host::memory::MemoryNow;
pub use crate::host::units::Written;

use super::config::Config;
use super::gpu::observe::{GpuSeen, GpuWatch};
use super::lasting::Lasting;
use super::marks::Learner;
pub use super::marks::Marked;
use super::parking::parse_depends_on;
pub use super::pressure::gauge::Reading;
pub use super::pressure::watch::Eased;
use super::pressure::watch::PressureWatch;
use super::step::Step;
use super::victims::{Tallies, Victims};
use crate::host::cgroups::{Cgroups, Place};
use crate::host::docker::{self, Answer, Docked, Listing, Poller, Settings};
use crate::host::memory::read_memory_now;
use crate::host::{Host, Roots, machine, units};
use crate::values::{Known, Now, ProjectName, TENANTS, group_of_slice, slice_of};

/// How long the first look waits for Docker's first answer.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// Docker's answer may be so much older than its usual age.
const STALE: Duration = Duration::from_secs(60);

/// A slice stalls when all its tasks wait for memory for more than so many percent of ten seconds.
const STALLED_PERCENT: f64 = 40.0;
/// Docker tells of an end that much later, at most, than the kernel forgets the container; it waits for its output to be closed.
const LOST_AFTER: Duration = Duration::from_secs(10);

/// One running container of a declared project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerSeen {
    pub id: String,
    pub name: String,
    pub service: String,
    pub number: u32,
    /// What Docker was told.
    pub told: Resources,
    /// Its cgroup; `None`: not found.
    pub group: Option<String>,
    /// What the kernel keeps; `None`: it could not be read.
    pub bounds: Option<Bounds>,
    /// How long they could not be read, while Docker calls it running.
    pub unread: Option<Duration>,
    /// Seconds since 1970.
    pub began: i64,
    /// `None`: the kernel does not say.
    pub oom: Option<OomCounts>,
    /// Services of the same project.
    pub depends_on: Vec<String>,
}

impl ContainerSeen {
    /// Docker calls it running, and the kernel has not known it for longer than Docker needs to tell of an end.
    pub fn is_lost(&self) -> bool {
        self.unread.is_some_and(|unread| unread >= LOST_AFTER)
    }
}

/// One container of a declared project that does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedSeen {
    pub id: String,
    /// `None`: it never ran.
    pub ended: Option<jiff::Timestamp>,
}

/// One slice of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SliceSeen {
    /// `None`: there is no such group now.
    pub bounds: Option<Bounds>,
    pub written: Written,
    /// How long all its tasks have waited for memory most of the time.
    pub stalled: Option<Duration>,
}

/// What is known of one declared project's containers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectSeen {
    /// Those that run, by name.
    pub running: Vec<ContainerSeen>,
    pub stopped: Vec<StoppedSeen>,
    /// Ids, services and numbers of those whose last life ended with SIGKILL.
    pub killed: Vec<(String, String, u32)>,
    /// The services that have a container, running or not.
    pub services: Vec<String>,
}

/// Everything at one look.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub layout: Option<Layout>,
    /// How Docker makes cgroups: `systemd` or `cgroupfs`.
    pub driver: Option<String>,
    /// systemd is the first process, so that slices can be had.
    pub systemd: bool,
    pub memory: Option<u64>,
    pub cores: u32,
    /// Slices of the declared projects, the one above them, and those that were left behind.
    pub slices: BTreeMap<String, SliceSeen>,
    /// Processes that were killed for want of memory since the agent began to look, the last of each kind.
    pub victims: Tallies,
    /// `None`: nothing is said of it, or the kernel does not tell.
    pub pressure: Option<Reading>,
    /// What the last container that was stopped for want of memory should have been worth.
    pub eased: Option<Eased>,
    /// `None`: nothing is declared of GPUs. `Unknown`: they cannot be asked.
    pub gpus: Option<Known<GpuSeen>>,
    /// What the services of declared projects have needed since the agent began to look.
    pub marks: Arc<Marked>,
    /// `Unknown`: Docker cannot be asked.
    pub projects: Option<Known<BTreeMap<ProjectName, ProjectSeen>>>,
}

impl Seen {
    /// When the running container that an order is for began, seconds since 1970.
    pub fn began(&self, step: &Step) -> Option<i64> {
        let Step::Container { target, .. } = step else { return None };
        let seen = self.projects.as_ref()?.value()?.get(&target.project)?;
        seen.running.iter().find(|container| container.id == target.id).map(|container| container.began)
    }
}

/// What is remembered from look to look.
#[derive(Debug, Default)]
pub struct Watch {
    poller: Option<(Settings, Arc<Poller>, Instant)>,
    tree: Option<(Roots, Cgroups)>,
    victims: Victims,
    pub pressure: PressureWatch,
    gpus: GpuWatch,
    learner: Learner,
    /// Slices that stand still: above its `memory.high` a group is slowed down for ever, and never killed.
    stalled: Lasting<String>,
    /// Containers that cannot be read, by id.
    unread: Lasting<String>,
}

impl Watch {
    pub async fn look(&mut self, config: &Config, host: &Host, now: &Now) -> Seen {
        self.learner.keep_only(|project| config.projects.contains_key(project));
        if config.is_idle() {
            self.look_idly(config, host, now).await;
            let slices = look_at_slices(config, host, None);
            return Seen { slices, marks: self.learner.marks(), ..Seen::default() };
        }
        let cgroups = self.cgroups(&host.roots);
        let systemd = units::is_booted(&host.roots);
        if systemd {
            host.units.listen(&host.roots);
        }
        let listing = self.ask(config, host).await;
        let gpus = self.gpus.look(config, host, listing.as_deref(), now).await;
        let (driver, mut projects) = match listing {
            None => (None, Known::Unknown("Docker is not asked".into())),
            Some(listing) => read_projects(config, &listing, &cgroups),
        };
        if let Known::Known(projects) = &mut projects {
            self.count_unread(projects, now);
            self.victims.take(projects, &|path| cgroups.read_oom(&Place::at(path)), now);
            self.learn(projects, host, now);
            self.pressure.remember_needs(projects.values().flat_map(|project| &project.running).filter_map(need_of));
        }
        let mut slices = look_at_slices(config, host, Some(&cgroups));
        self.stalled.keep_only(|name| slices.contains_key(name));
        for (name, slice) in &mut slices {
            let percent = cgroups.read_stall(&Place::at(&group_of_slice(name)));
            let stalls = percent.is_some_and(|percent| percent > STALLED_PERCENT);
            slice.stalled = self.stalled.take(name, stalls, now.up);
        }
        Seen {
            victims: self.victims.tallies(),
            layout: Some(cgroups.layout()),
            driver,
            systemd,
            memory: machine::read_memory_bytes(&host.roots),
            cores: machine::read_cpu_cores(&host.roots),
            slices,
            gpus,
            marks: self.learner.marks(),
            pressure: self.pressure.look(config.pressure.as_ref(), host),
            eased: self.pressure.eased(),
            projects: Some(projects),
        }
    }

    fn count_unread(&mut self, projects: &mut BTreeMap<ProjectName, ProjectSeen>, now: &Now) {
        let running = || projects.values().flat_map(|project| &project.running);
        self.unread.keep_only(|id| running().any(|container| container.id == *id));
        for container in projects.values_mut().flat_map(|project| &mut project.running) {
            container.unread = self.unread.take(&container.id, container.bounds.is_none(), now.up);
        }
    }

    /// Nothing is kept: only what services need is looked at, now and then, so that something can be suggested.
    async fn look_idly(&mut self, config: &Config, host: &Host, now: &Now) {
        self.pressure = PressureWatch::default();
        if config.projects.is_empty() {
            self.poller = None;
        } else if self.learner.is_due(now) {
            let cgroups = self.cgroups(&host.roots);
            if let Some(listing) = self.ask(config, host).await
                && let Known::Known(projects) = read_projects(config, &listing, &cgroups).1
            {
                self.learn(&projects, host, now);
            }
        }
    }

    /// While the host is short of memory nobody has what it needs: then nothing is learned.
    fn learn(&mut self, projects: &BTreeMap<ProjectName, ProjectSeen>, host: &Host, now: &Now) {
        if self.learner.is_due(now) && read_memory_now(&host.roots).is_some_and(|memory| memory.psi_full_avg10 < 1.0) {
            self.learner.learn(projects, now);
        }
    }

    fn cgroups(&mut self, roots: &Roots) -> Cgroups {
        let same = self.tree.take().filter(|(before, _)| before == roots);
        let (_, cgroups) = self.tree.insert(same.unwrap_or_else(|| (roots.clone(), Cgroups::of(roots))));
        cgroups.clone()
    }

    /// Docker's newest answer; waits only for the first.
    async fn ask(&mut self, config: &Config, host: &Host) -> Option<Arc<Listing>> {
        let settings = Settings {
            socket: docker::parse_address(&config.socket)?,
            interval: config.docker_interval,
            patience: docker::PATIENCE,
            labels: config.labels.clone(),
        };
        if self.poller.as_ref().is_none_or(|(before, ..)| *before != settings) {
            let poller = host.docker.poller(&settings);
            self.poller = Some((settings, poller, Instant::now()));
        }
        let (_, poller, since) = self.poller.as_ref()?;
        let listing = poller.latest();
        if listing.answer == Answer::Pending {
            Some(poller.answer_since(*since, FIRST_WAIT).await)
        } else {
            Some(listing)
        }
    }
}

type Projects = Known<BTreeMap<ProjectName, ProjectSeen>>;

fn read_projects(config: &Config, listing: &Listing, cgroups: &Cgroups) -> (Option<String>, Projects) {
    let (driver, containers) = match &listing.answer {
        Answer::Up { driver, containers, .. } => (driver.clone(), containers),
        Answer::Failed(why) => return (None, Known::Unknown(why.clone())),
        Answer::Absent => return (None, Known::Known(BTreeMap::new())),
        Answer::Pending => return (None, Known::Unknown("Docker has not answered yet".into())),
    };
    if listing.asked.elapsed() > config.docker_interval + STALE {
        let age = listing.asked.elapsed().as_secs();
        return (driver, Known::Unknown(format!("Docker's newest answer is {age} s old")));
    }
    let mut projects: BTreeMap<ProjectName, ProjectSeen> =
        config.projects.keys().map(|name| (name.clone(), ProjectSeen::default())).collect();
    for docked in containers.iter().filter(|docked| !docked.listed.compose.oneoff) {
        let compose = &docked.listed.compose;
        let (Some(project), Some(service)) = (&compose.project, &compose.service) else { continue };
        let Some(seen) = projects.get_mut(project.as_str()) else { continue };
        if !seen.services.contains(service) {
            seen.services.push(service.clone());
        }
        let code = docked.inspected.as_ref().and_then(|inspected| inspected.exit_code);
        // A container that was started again keeps the code of its last end only until then: all that ended count.
        if code == Some(137) || docked.inspected.as_ref().is_some_and(|inspected| inspected.restarts > Some(0)) {
            let number = compose.number.unwrap_or(1);
            seen.killed.push((docked.listed.id.clone(), service.clone(), number));
        }
        let running = read_container(docked, service, cgroups);
        if running.is_none() && !is_running(docked) {
            let ended = docked.inspected.as_ref().and_then(|inspected| inspected.finished);
            seen.stopped.push(StoppedSeen { id: docked.listed.id.clone(), ended });
        }
        seen.running.extend(running);
    }
    for seen in projects.values_mut() {
        seen.services.sort();
        seen.running.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    }
    (driver, Known::Known(projects))
}

/// A paused one keeps its limits.
fn is_running(docked: &Docked) -> bool {
    matches!(docked.listed.state.as_str(), "running" | "paused")
}

fn need_of(container: &ContainerSeen) -> Option<(String, u64)> {
    Some((container.id.clone(), container.bounds.as_ref()?.needed))
}

/// `None`: it does not run, or nothing is known of it yet.
fn read_container(docked: &Docked, service: &str, cgroups: &Cgroups) -> Option<ContainerSeen> {
    let listed = &docked.listed;
    if !is_running(docked) {
        return None;
    }
    let inspected = docked.inspected.as_ref()?;
    let place = cgroups.read_place(inspected.pid?, &listed.id);
    Some(ContainerSeen {
        id: listed.id.clone(),
        name: listed.name.clone(),
        service: service.to_owned(),
        number: listed.compose.number.unwrap_or(1),
        told: inspected.resources.clone(),
        bounds: place.as_ref().and_then(|place| cgroups.read_bounds(place)),
        unread: None,
        began: inspected.started.map(|began| began.as_second()).unwrap_or_default(),
        oom: place.as_ref().and_then(|place| cgroups.read_oom(place)),
        group: place.map(|place| place.shown),
        depends_on: listed.compose.depends_on.as_deref().map(parse_depends_on).unwrap_or_default(),
    })
}

/// The slices that are wanted, and those of which something is written.
fn look_at_slices(config: &Config, host: &Host, cgroups: Option<&Cgroups>) -> BTreeMap<String, SliceSeen> {
    let wanted = config.projects.iter().filter(|(_, project)| project.wants_slice());
    let mut names: Vec<String> = wanted.filter_map(|(name, _)| slice_of(name.as_str())).collect();
    if !names.is_empty() {
        names.push(TENANTS.to_owned());
    }
    names.extend(units::list_written(&host.roots, "tenants-"));
    names.extend(units::list_written(&host.roots, TENANTS));
    names.sort();
    names.dedup();
    let look = |name: String| {
        let place = Place::at(&group_of_slice(&name));
        let bounds =
            cgroups.filter(|cgroups| cgroups.layout() == Layout::Unified).and_then(|tree| tree.read_bounds(&place));
        let written = units::read_written(&host.roots, &name);
        (name, SliceSeen { bounds, written, stalled: None })
    };
    names.into_iter().map(look).collect()
}
