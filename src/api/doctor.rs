//! The named checks of `doctor`, derived from the snapshot alone: what holds, what does not, why it matters, what to do.
//! Pure: the present time and the collectors' costs are arguments.

use jiff::Timestamp;

use super::Refusal;
use super::shapes::{Check, CheckCounts, Doctor, Mark};
use super::types::CollectorCost;
use super::views::{self, Origins, count};
use crate::round::{Gate, LedgerState, Severity, Snapshot};
use crate::values::{Every, Mode};

/// Seconds without a round that are strange, and that are wrong; three and ten intervals when that is longer.
const STALE_WARN: f64 = 180.0;
const STALE_FAIL: f64 = 900.0;

/// All checks: the agent's own first, then every concern, worst first.
pub fn render_doctor(
    snapshot: &Snapshot,
    costs: Result<&[CollectorCost], &Refusal>,
    now: Timestamp,
    origins: Origins<'_>,
) -> Doctor {
    let mut checks = vec![
        check_daemon(snapshot),
        check_round(snapshot, now, origins),
        check_configuration(snapshot),
        check_ledger(snapshot),
        check_mode(snapshot),
        check_plan(snapshot),
        check_docker(snapshot),
        check_cgroups(snapshot),
        check_pressure(snapshot),
        check_gpu(snapshot),
        check_collectors(costs),
    ];
    checks.extend(snapshot.keepers.iter().map(|keeper| {
        let id = format!("keeper-{}", keeper.keeper);
        let why = "what a keeper cannot see it neither keeps nor reports";
        match &keeper.trouble {
            None => Note::new(&id, "keeper", why).ok(format!("{} sees what it has to see", keeper.keeper)),
            Some(trouble) => Note::new(&id, "keeper", why)
                .fail(format!("{}: {trouble}", keeper.keeper), format!("hostkeeper explain {}", keeper.keeper)),
        }
    }));
    checks.extend(views::render_findings(snapshot.concerns.iter(), origins).into_iter().map(|finding| Check {
        result: match finding.severity {
            Severity::Critical => Mark::Fail,
            Severity::Warning => Mark::Warn,
            Severity::Info => Mark::Ok,
        },
        why: format!("concern {}: its heading in the runbook says what follows from it", finding.id),
        id: finding.id,
        subject: finding.subject,
        text: finding.text,
        fix: Some(finding.cure).filter(|cure| !cure.is_empty()),
        evidence: finding.evidence,
    }));
    let of = |mark| checks.iter().filter(|check| check.result == mark).count();
    Doctor {
        schema: "hostkeeper.doctor/1".into(),
        at: snapshot.at,
        worst: checks.iter().map(|check| check.result).max().unwrap_or(Mark::Skip),
        counts: CheckCounts { ok: of(Mark::Ok), warn: of(Mark::Warn), fail: of(Mark::Fail), skip: of(Mark::Skip) },
        checks,
    }
}

/// A check whose outcome is still to be said.
struct Note<'a> {
    id: &'a str,
    subject: &'a str,
    why: &'a str,
}

impl<'a> Note<'a> {
    fn new(id: &'a str, subject: &'a str, why: &'a str) -> Note<'a> {
        Note { id, subject, why }
    }

    fn is(self, result: Mark, text: String, fix: Option<String>) -> Check {
        let (id, subject, why) = (self.id.to_owned(), self.subject.to_owned(), self.why.to_owned());
        Check { id, result, subject, text, why, fix, evidence: Vec::new() }
    }

    fn ok(self, text: impl Into<String>) -> Check {
        self.is(Mark::Ok, text.into(), None)
    }

    fn skip(self, text: impl Into<String>, fix: impl Into<String>) -> Check {
        self.is(Mark::Skip, text.into(), Some(fix.into()))
    }

    fn warn(self, text: impl Into<String>, fix: impl Into<String>) -> Check {
        self.is(Mark::Warn, text.into(), Some(fix.into()))
    }

    fn fail(self, text: impl Into<String>, fix: impl Into<String>) -> Check {
        self.is(Mark::Fail, text.into(), Some(fix.into()))
    }
}

fn check_daemon(snapshot: &Snapshot) -> Check {
    let note = Note::new("agent", "agent", "without a running agent nothing is watched, kept or recorded");
    let agent = &snapshot.agent;
    if agent.daemon {
        return note.ok(format!("hostkeeper {} runs since {}", agent.version, seconds_only(agent.started)));
    }
    note.warn("no agent runs: this is a single look by this command", "systemctl start hostkeeper")
}

fn check_round(snapshot: &Snapshot, now: Timestamp, origins: Origins<'_>) -> Check {
    let interval = origins("host.interval").and_then(|key| key.value.trim_matches('"').parse::<Every>().ok());
    let interval = interval.map_or(0.0, |interval| interval.0.as_secs_f64());
    let note = Note::new("rounds", "agent", "each round looks at everything again; without rounds all below is old");
    let age = now.duration_since(snapshot.at).as_secs_f64();
    let fix = "journalctl -u hostkeeper --since -1h; then: systemctl restart hostkeeper";
    if age < -5.0 {
        let text = format!("the last round lies {} in the future: the clock was set back", views::render_age(-age));
        return note.warn(text, "check the clock: timedatectl");
    }
    let text =
        format!("round {} ended {} ago and took {:.2}s", snapshot.round, views::render_age(age), snapshot.took_seconds);
    if age > STALE_FAIL.max(10.0 * interval) {
        note.fail(text, fix)
    } else if age > STALE_WARN.max(3.0 * interval) {
        note.warn(text, fix)
    } else {
        note.ok(text)
    }
}

fn check_configuration(snapshot: &Snapshot) -> Check {
    let note = Note::new("configuration", "agent", "the agent keeps what the configuration declares, nothing else");
    let agent = &snapshot.agent;
    let loaded = seconds_only(agent.config_loaded);
    if let Some(refused) = &agent.config_refused {
        let text = format!("the last reload was refused: {refused}; in force is the one of {loaded}");
        return note.fail(text, "hostkeeper config check; then: hostkeeper reload");
    }
    if agent.config_files.is_empty() {
        let text = "no configuration file: the host is observed with the defaults";
        return note.warn(text, "hostkeeper config init > /etc/hostkeeper/hostkeeper.toml; then: hostkeeper reload");
    }
    note.ok(format!("{} read {loaded}", count(agent.config_files.len(), "file")))
}

fn check_ledger(snapshot: &Snapshot) -> Check {
    let note = Note::new("ledger", "agent", "the agent never acts without writing down first what it is about to do");
    match &snapshot.ledger {
        LedgerState::Writable => note.ok("the ledger is writable"),
        LedgerState::Unwritable(why) => note.fail(
            format!("the ledger cannot be written: {why}; nothing is changed until it can"),
            "make room on, or remount, the file system of the state directory; the agent comes back by itself",
        ),
    }
}

fn check_mode(snapshot: &Snapshot) -> Check {
    let note =
        Note::new("mode", "agent", "observe and warn change nothing; trial undoes unless confirmed; enforce acts");
    let text = match snapshot.mode {
        Mode::Observe => "the host's mode is observe: the agent looks and plans and changes nothing",
        Mode::Warn => "the host's mode is warn: the agent changes nothing and raises a concern for what it would do",
        Mode::Trial => "the host's mode is trial: what is done is undone unless it is confirmed in time",
        Mode::Enforce => "the host's mode is enforce",
    };
    note.ok(text)
}

fn check_plan(snapshot: &Snapshot) -> Check {
    let note =
        Note::new("plan", "agent", "a step that waits is a difference between configuration and host that stays");
    let blocked = snapshot.plan.iter().filter(|step| step.gate != Gate::Open).count();
    let steps = snapshot.plan.len();
    match (steps, blocked) {
        (0, _) => note.ok("the host is as the configuration says"),
        (_, 0) => note.ok(format!("{} will be carried out", count(steps, "step"))),
        _ => note.warn(format!("{blocked} of {} held back", count(steps, "step")), "hostkeeper plan"),
    }
}

/// `HostView::docker` holds a version (which begins with a digit), `absent: …`, or why it could not be asked.
fn check_docker(snapshot: &Snapshot) -> Check {
    let note = Note::new("docker", "host", "containers, their names and their projects come from Docker");
    match snapshot.host.docker.as_deref() {
        None => note.skip("Docker is not looked at", "set [vitals] docker_socket if this host runs containers"),
        Some(version) if version.starts_with(|c: char| c.is_ascii_digit()) => {
            note.ok(format!("Docker {version} answers"))
        }
        Some(why) if why.starts_with("absent") => note.skip(
            format!("Docker is {why}"),
            "start Docker, or set [vitals] docker_socket, if this host runs containers",
        ),
        Some(why) => note.warn(
            format!("Docker cannot be asked: {}", why.trim_start_matches("cannot be asked: ")),
            "systemctl status docker; or set [vitals] docker_socket = \"\" on a host without containers",
        ),
    }
}

/// `HostView::cgroups` holds the kind of tree as its `Display` says it.
fn check_cgroups(snapshot: &Snapshot) -> Check {
    let note = Note::new("cgroups", "host", "usage and limits of containers are read from, and kept in, cgroup files");
    let boot = "boot with systemd.unified_cgroup_hierarchy=1 (the default of Debian 11 and later)";
    match snapshot.host.cgroups.as_deref() {
        None => note.skip("cgroups were not looked at", "hostkeeper doctor, once the agent runs"),
        Some("v2") => note.ok("cgroup v2"),
        Some("none") => note.fail("no cgroups are mounted: containers cannot be measured", boot),
        Some(old) => note.warn(format!("cgroup {old}: containers are measured, limits need v2"), boot),
    }
}

fn check_pressure(snapshot: &Snapshot) -> Check {
    let note = Note::new("pressure", "host", "pressure stall information tells a busy host from a starved one");
    if snapshot.host.pressure_percent.is_empty() {
        return note.skip("the kernel gives no pressure stall information", "boot with psi=1");
    }
    note.ok("the kernel gives pressure stall information")
}

fn check_gpu(snapshot: &Snapshot) -> Check {
    let note = Note::new("gpu", "host", "GPU memory by project comes from NVIDIA's management library");
    match snapshot.host.gpus.len() {
        0 => {
            note.skip("no NVIDIA GPU, or no management library", "install the driver's libnvidia-ml if there is a GPU")
        }
        some => note.ok(format!("{} visible", count(some, "GPU"))),
    }
}

fn check_collectors(costs: Result<&[CollectorCost], &Refusal>) -> Check {
    let note = Note::new("collectors", "metrics", "a failing collector drops its series; dashboards show a hole");
    let costs = match costs {
        Ok(costs) => costs,
        Err(refusal) => {
            return note.skip(format!("metrics could not be asked: {}", refusal.text), refusal.cure.clone());
        }
    };
    let failing: Vec<String> = costs
        .iter()
        .filter(|cost| !cost.success)
        .map(|cost| format!("{} ({})", cost.collector, cost.error.as_deref().unwrap_or("no reason given")))
        .collect();
    if failing.is_empty() {
        return note.ok(format!("{} work", count(costs.len(), "collector")));
    }
    let text = format!("{} of {} fail: {}", failing.len(), count(costs.len(), "collector"), failing.join(", "));
    note.warn(crate::values::one_line(&text, 1000), "hostkeeper metrics --cost")
}

fn seconds_only(at: Timestamp) -> String {
    at.round(jiff::Unit::Second).unwrap_or(at).to_string()
}
