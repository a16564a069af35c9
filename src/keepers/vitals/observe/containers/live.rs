//! One container that is followed from look to look: its open cgroup, its network, and what it had used before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::seen::{ContainerSeen, Identity, Life, Nic, Rates, Usage};
use crate::host::cgroups::{Counters, Gone, Group, Limits, Place};
use crate::host::docker::{Docked, Listed};
use crate::metrics::Page;
use crate::values::ProjectName;

/// Rates are means over at least this long: over less they are noise.
const LEAST_SPAN: Duration = Duration::from_millis(500);
/// Limits are read again this often, in case something else than Docker changed them.
const LIMITS_AGAIN: Duration = Duration::from_secs(30);

/// The network of a container: our number for its name space, and the names of its links by our index.
#[derive(Debug, Default)]
pub(super) struct Network {
    pub namespace: i32,
    pub names: BTreeMap<u32, Option<String>>,
}

/// A running container's open cgroup.
#[derive(Debug)]
struct Running {
    instance: u64,
    group: Group,
    rendered: Arc<str>,
    path: Arc<str>,
    limits: Limits,
    limits_read: Instant,
    /// `None`: opened, not read yet.
    counters: Option<Counters>,
    /// `None`: shares the host's or another container's network, or cannot be told.
    network: Option<Network>,
    nics: Vec<Nic>,
    before: Option<(Duration, Sums)>,
    rates: Option<Rates>,
}

/// A container that is followed.
#[derive(Debug)]
pub(super) struct Live {
    pub identity: Arc<Identity>,
    life: Option<Life>,
    running: Option<Running>,
    /// When its cgroup vanished: what Docker said before that is no longer true.
    gone_at: Option<Instant>,
}

/// What rates are made from.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    cpu_ns: u64,
    io_read: u64,
    io_written: u64,
    received: u64,
    transmitted: u64,
    periods: u64,
    throttled: u64,
}

/// Whether Docker's word means that there are processes.
fn has_processes(state: &str) -> bool {
    matches!(state, "running" | "paused")
}

impl Live {
    pub fn new(listed: &Listed) -> Live {
        Live { identity: Arc::new(identify(listed)), life: None, running: None, gone_at: None }
    }

    /// Takes what Docker says, asked at `asked`. Whether its cgroup is to be opened now.
    pub fn take(&mut self, docked: &Docked, asked: Instant) -> bool {
        let identity = identify(&docked.listed);
        if *self.identity != identity {
            self.identity = Arc::new(identity);
            if let Some(running) = &mut self.running {
                running.rendered = render_five(&self.identity, &running.path).into();
            }
        }
        if self.gone_at.is_some_and(|gone| gone > asked) {
            return false;
        }
        self.gone_at = None;
        self.life = Some(tell_life(docked));
        if !has_processes(&docked.listed.state) {
            self.running = None;
            return false;
        }
        match &mut self.running {
            Some(running) => {
                // It may have been inspected because its limits were changed.
                if docked.inspected_at.is_some_and(|inspected| inspected > running.limits_read) {
                    running.read_limits();
                }
                false
            }
            None => true,
        }
    }

    /// Docker cannot be asked: only what the kernel says is still true.
    pub fn forget_life(&mut self) {
        self.life = None;
    }

    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Whether it was opened and not read yet.
    pub fn is_unread(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.counters.is_none())
    }

    /// Whether its cgroup vanished and Docker has not said anything newer.
    pub fn is_lost(&self) -> bool {
        self.gone_at.is_some() && self.life.is_none()
    }

    /// Whether Docker says that it runs.
    pub fn should_run(&self) -> bool {
        self.life.as_ref().is_some_and(|life| has_processes(&life.state))
    }

    /// Takes its opened cgroup: the `instance`th that was opened.
    pub fn open(&mut self, instance: u64, place: &Place, group: Group) {
        let limits = group.read_limits();
        let limits_read = Instant::now();
        let path: Arc<str> = place.shown.as_str().into();
        self.running = Some(Running {
            instance,
            group,
            rendered: render_five(&self.identity, &path).into(),
            path,
            limits,
            limits_read,
            counters: None,
            network: None,
            nics: Vec::new(),
            before: None,
            rates: None,
        });
    }

    pub fn set_network(&mut self, namespace: Option<i32>) {
        if let Some(running) = &mut self.running {
            running.network = namespace.map(|namespace| Network { namespace, ..Network::default() });
        }
    }

    pub fn network(&mut self) -> Option<(&mut Network, &mut Vec<Nic>)> {
        let running = self.running.as_mut()?;
        Some((running.network.as_mut()?, &mut running.nics))
    }

    /// Reads its counters. When its cgroup is gone, it does not run, and what Docker said of it is no longer true.
    pub fn read(&mut self, buffer: &mut Vec<u8>) {
        let Some(running) = &mut self.running else { return };
        match running.group.read(buffer) {
            Ok(counters) => running.counters = Some(counters),
            Err(Gone) => {
                self.running = None;
                self.life = None;
                self.gone_at = Some(Instant::now());
            }
        }
    }

    /// Whether its limits were read long ago: they may have been changed past Docker.
    pub fn has_old_limits(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.limits_read.elapsed() > LIMITS_AGAIN)
    }

    pub fn read_limits(&mut self) {
        if let Some(running) = &mut self.running {
            running.read_limits();
        }
    }

    /// Makes the rates of the time since the look before; `up` is the time since boot.
    pub fn settle(&mut self, up: Duration) {
        let Some(running) = &mut self.running else { return };
        let sums = running.sums();
        match running.before {
            Some((then, _)) if up.saturating_sub(then) < LEAST_SPAN => {}
            Some((then, before)) => {
                let network = running.network.is_some();
                running.rates = Some(sums.since(&before, up.saturating_sub(then).as_secs_f64(), network));
                running.before = Some((up, sums));
            }
            None => running.before = Some((up, sums)),
        }
    }

    pub fn seen(&self) -> ContainerSeen {
        let usage = self.running.as_ref().map(|running| Usage {
            instance: running.instance,
            rendered: Arc::clone(&running.rendered),
            path: Arc::clone(&running.path),
            counters: running.counters.clone().unwrap_or_default(),
            limits: running.limits,
            nics: running.nics.clone(),
        });
        let rates = self.running.as_ref().and_then(|running| running.rates);
        ContainerSeen { identity: Arc::clone(&self.identity), life: self.life.clone(), usage, rates }
    }
}

impl Running {
    fn read_limits(&mut self) {
        self.limits = self.group.read_limits();
        self.limits_read = Instant::now();
    }

    fn sums(&self) -> Sums {
        let unread = Counters::default();
        let counters = self.counters.as_ref().unwrap_or(&unread);
        let throttle = counters.throttle.unwrap_or_default();
        Sums {
            cpu_ns: counters.cpu.map_or(0, |cpu| cpu.usage_ns),
            io_read: counters.io.iter().map(|io| io.read_bytes).fold(0, u64::saturating_add),
            io_written: counters.io.iter().map(|io| io.written_bytes).fold(0, u64::saturating_add),
            received: self.nics.iter().map(|nic| nic.receive_bytes).fold(0, u64::saturating_add),
            transmitted: self.nics.iter().map(|nic| nic.transmit_bytes).fold(0, u64::saturating_add),
            periods: throttle.periods,
            throttled: throttle.throttled_periods,
        }
    }
}

impl Sums {
    fn since(&self, before: &Sums, seconds: f64, network: bool) -> Rates {
        let per_second = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        let periods = self.periods.saturating_sub(before.periods);
        let throttled = self.throttled.saturating_sub(before.throttled);
        Rates {
            cpu_cores: per_second(self.cpu_ns, before.cpu_ns) / 1e9,
            throttled_percent: (periods > 0).then(|| 100.0 * throttled as f64 / periods as f64),
            io_read_bytes: per_second(self.io_read, before.io_read),
            io_write_bytes: per_second(self.io_written, before.io_written),
            network: network.then(|| {
                (per_second(self.received, before.received), per_second(self.transmitted, before.transmitted))
            }),
        }
    }
}

fn tell_life(docked: &Docked) -> Life {
    let inspected = docked.inspected.as_ref();
    let running = has_processes(&docked.listed.state);
    Life {
        state: docked.listed.state.clone(),
        health: docked.listed.health.clone(),
        // Of a running container Docker shows a 0 that is no exit code.
        exit_code: inspected.and_then(|inspected| inspected.exit_code).filter(|_| !running),
        restarts: inspected.and_then(|inspected| inspected.restarts),
        started: inspected.and_then(|inspected| inspected.started).filter(|_| running),
    }
}

fn identify(listed: &Listed) -> Identity {
    let project = listed.compose.project.as_deref();
    let mut labels: Vec<(String, String)> = Vec::new();
    for (key, value) in &listed.labels {
        let name = format!("container_label_{}", fit_label_name(key));
        if labels.iter().all(|(taken, _)| *taken != name) {
            labels.push((name, value.clone()));
        }
    }
    Identity {
        id: listed.id.clone(),
        name: listed.name.clone(),
        image: listed.image.clone(),
        created: listed.created,
        project: project.and_then(|name| name.parse::<ProjectName>().ok()),
        rendered: Page::render_labels(&[
            ("name", &listed.name),
            ("project", project.unwrap_or_default()),
            ("service", listed.compose.service.as_deref().unwrap_or_default()),
        ]),
        compose: listed.compose.clone(),
        labels,
    }
}

/// A label name that Prometheus takes: letters, digits and underscores.
fn fit_label_name(key: &str) -> String {
    key.chars().take(128).map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// cAdvisor's labels, always exactly these five.
fn render_five(identity: &Identity, path: &str) -> String {
    Page::render_labels(&[
        ("id", path),
        ("name", &identity.name),
        ("image", &identity.image),
        ("container_label_com_docker_compose_project", identity.compose.project.as_deref().unwrap_or_default()),
        ("container_label_com_docker_compose_service", identity.compose.service.as_deref().unwrap_or_default()),
    ])
}
