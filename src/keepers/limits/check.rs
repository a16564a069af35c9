//! What can be wrong with declared limits: each alone, and together. What depends on the host is a concern of `decide`. Pure.

use super::config::{BOUNDS_NOTHING, Config, Envelope, IoBound, Project, Rate, Reservation, Service};
use crate::values::{Bytes, Problem, ProjectName, slice_of};

/// Docker takes no smaller limit.
const LEAST_MEMORY: Bytes = Bytes(6 << 20);
/// A host has less.
const MOST_MEMORY: Bytes = Bytes(1 << 50);
/// Fewer tasks, and not even a shell with a pipe runs.
const LEAST_PIDS: u64 = 4;
/// The kernel's own greatest number of tasks.
const MOST_PIDS: u64 = 4 << 20;
/// Less than this, and nothing ever ends.
const LEAST_RATE: Rate = Rate(64 << 10);
/// The greatest priority; higher lives longer.
const MOST_PRIORITY: u32 = 1000;

/// Everything that is wrong.
pub fn check(config: &Config) -> Vec<Problem> {
    let mut found = Found(Vec::new());
    found.reservation("host.reserve", &config.reserve);
    found.0.extend(config.pressure.iter().flat_map(super::pressure::config::Table::check));
    found.0.extend(super::gpu::config::check(&config.projects));
    for (name, project) in &config.projects {
        found.project(name, project);
    }
    found.0
}

struct Found(Vec<Problem>);

impl Found {
    fn add(&mut self, key: String, what: impl Into<String>, cure: impl Into<String>) {
        self.0.push(Problem::new(key, what, cure));
    }

    fn project(&mut self, name: &ProjectName, project: &Project) {
        let key = format!("project.{name}");
        if project.wants_slice() && slice_of(name.as_str()).is_none() {
            let cure = "shorten the project's name (a dash counts four), or write placement = \"flat\"";
            self.add(format!("{key}.placement"), "the name of its slice would be longer than systemd allows", cure);
        }
        if project.priority > MOST_PRIORITY {
            self.add(format!("{key}.priority"), format!("must be 0 to {MOST_PRIORITY}"), "use 50");
        }
        self.envelope(&format!("{key}.envelope"), &project.envelope);
        self.reservation(&format!("{key}.reservation"), &project.reservation);
        self.within(&key, ("reservation", &project.reservation), ("its envelope", &project.envelope.ceiling()));
        for (index, bound) in project.io.iter().enumerate() {
            self.io(&format!("{key}.io[{index}]"), bound);
        }
        for (service, declared) in &project.services {
            self.service(&key, service, declared, &project.envelope);
        }
        self.sums(&key, project);
    }

    fn envelope(&mut self, key: &str, envelope: &Envelope) {
        self.memory(format!("{key}.memory_max"), envelope.memory_max);
        self.memory(format!("{key}.memory_high"), envelope.memory_high);
        self.pids(format!("{key}.pids"), envelope.pids);
        if let (Some(high), Some(max)) = (envelope.memory_high, envelope.memory_max)
            && high > max
        {
            let cure =
                format!("use less than \"{max}\": it is where the project is slowed down, before memory_max kills");
            self.add(format!("{key}.memory_high"), format!("{high} is above memory_max of {max}"), cure);
        }
    }

    fn service(&mut self, project: &str, name: &str, service: &Service, envelope: &Envelope) {
        let key = format!("{project}.service.{name}");
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.len() > 128 || !name.chars().all(fits) {
            let cure = "write the service's name as in the Compose file: letters, digits, ., _ and -";
            return self.add(key, "is no name of a service", cure);
        }
        let limits = &service.limits;
        self.memory(format!("{key}.limits.memory"), limits.memory);
        self.pids(format!("{key}.limits.pids"), limits.pids);
        if limits.swap.is_some() && limits.memory.is_none() {
            let cure = "add memory = \"…\" beside it: Docker bounds swap only together with memory";
            self.add(format!("{key}.limits.swap"), "a bound for swap without one for memory", cure);
        }
        self.reservation(&format!("{key}.reservation"), &service.reservation);
        let limit = Reservation { memory: limits.memory, cpus: limits.cpus };
        self.within(&key, ("reservation", &service.reservation), ("its limit", &limit));
        self.within_envelope(&key, "limits", &limit, &envelope.ceiling());
        self.within_envelope(&key, "reservation", &service.reservation, &envelope.ceiling());
        if let (Some(pids), Some(all)) = (limits.pids, envelope.pids)
            && pids > all
        {
            let cure = format!("use {all} or less");
            self.add(format!("{key}.limits.pids"), format!("{pids} is above the project's envelope of {all}"), cure);
        }
    }

    /// What services reserve together is within what the project reserves.
    fn sums(&mut self, key: &str, project: &Project) {
        let alone = Project { reservation: Reservation::default(), ..project.clone() };
        if let Some(all) = project.reservation.memory
            && alone.reserved_memory() > all.0
        {
            let sum = Bytes(alone.reserved_memory());
            let cure = format!("use \"{sum}\" or more, or reserve less for the services");
            let what = format!("{all} is less than the {sum} that its services reserve together");
            self.add(format!("{key}.reservation.memory"), what, cure);
        }
        let sum = crate::values::Cpus(alone.reserved_cpus());
        if let Some(all) = project.reservation.cpus
            && sum > all
        {
            let cure = format!("use {sum} or more, or reserve less for the services");
            let what = format!("{all} is less than the {sum} cores that its services reserve together");
            self.add(format!("{key}.reservation.cpus"), what, cure);
        }
    }

    /// `lower` is not above `upper`, both parts of the table `key`.
    fn within(&mut self, key: &str, (lower, low): (&str, &Reservation), (upper, high): (&str, &Reservation)) {
        if let (Some(low), Some(high)) = (low.memory, high.memory)
            && low > high
        {
            let what = format!("{low} is above {upper} of {high}");
            self.add(format!("{key}.{lower}.memory"), what, format!("use \"{high}\" or less"));
        }
        if let (Some(low), Some(high)) = (low.cpus, high.cpus)
            && low > high
        {
            let what = format!("{low} is above {upper} of {high}");
            self.add(format!("{key}.{lower}.cpus"), what, format!("use {high} or less"));
        }
    }

    fn within_envelope(&mut self, key: &str, part: &str, low: &Reservation, envelope: &Reservation) {
        self.within(key, (part, low), ("the project's envelope", envelope));
    }

    fn reservation(&mut self, key: &str, reservation: &Reservation) {
        self.memory(format!("{key}.memory"), reservation.memory);
    }

    fn memory(&mut self, key: String, memory: Option<Bytes>) {
        if let Some(memory) = memory.filter(|memory| !(LEAST_MEMORY..=MOST_MEMORY).contains(memory)) {
            let cure = format!("use \"{LEAST_MEMORY}\" to \"{MOST_MEMORY}\"; without the key there is none");
            self.add(key, format!("{memory} is no amount of memory that can be kept"), cure);
        }
    }

    fn pids(&mut self, key: String, pids: Option<u64>) {
        if pids.is_some_and(|pids| !(LEAST_PIDS..=MOST_PIDS).contains(&pids)) {
            self.add(key, format!("must be {LEAST_PIDS} to {MOST_PIDS}"), "use 1024; without the key there is none");
        }
    }

    fn io(&mut self, key: &str, bound: &IoBound) {
        if !bound.path.starts_with('/') || bound.path.contains("/../") || bound.path.chars().any(char::is_control) {
            let cure = "write the whole path of a directory on the device, such as \"/data/athena\"";
            self.add(format!("{key}.path"), "is no absolute path", cure);
        }
        if bound.read_max.is_none() && bound.write_max.is_none() {
            self.add(key.to_owned(), BOUNDS_NOTHING, "add read_max or write_max, such as write_max = \"200MiB/s\"");
        }
        for (name, rate) in [("read_max", bound.read_max), ("write_max", bound.write_max)] {
            if rate.is_some_and(|rate| rate < LEAST_RATE) {
                self.add(
                    format!("{key}.{name}"),
                    "so slow that nothing would ever end",
                    format!("use \"{LEAST_RATE}\" or more"),
                );
            }
        }
    }
}

impl Envelope {
    /// The most that can be reserved within it.
    fn ceiling(&self) -> Reservation {
        Reservation { memory: self.memory_max.into_iter().chain(self.memory_high).min(), cpus: self.cpus }
    }
}
