//! The metrics of limits. Pure.

use super::config::Config;
use super::observe::Seen;
use super::pressure::ladder;
use super::show::show;
use crate::metrics::{Family, Page};
use crate::round::{BoundState, BoundView, LimitsView};

/// The name of these metrics in `collect[]` and `exclude[]`.
pub const COLLECTOR: &str = "limits";

const BACKING: Family = Family::gauge(
    "hostkeeper_envelope_backing",
    "Who guarantees a part of a project's envelope: kernel (all its containers are in the slice that has the bound), agent (it is looked after and told) or none; always 1.",
);
const IN_SLICE: Family = Family::gauge(
    "hostkeeper_project_containers_in_slice",
    "Running containers of a project that are in its slice; only projects that are meant to have one.",
);
const CONFIGURED: Family = Family::gauge(
    "hostkeeper_limit_configured",
    "A declared limit, by dimension: bytes, cores, tasks, or bytes per second. Without a service: of the whole project.",
);
const IN_FORCE: Family = Family::gauge(
    "hostkeeper_limit_in_force",
    "A declared limit as the kernel has it, in the same unit; +Inf: the kernel has none.",
);
const DRIFT: Family = Family::gauge(
    "hostkeeper_limit_drift",
    "Whether the kernel has another limit than the declared one (1), or the same (0).",
);
const PRESSURE: Family = Family::gauge(
    "hostkeeper_memory_pressure_level",
    "How short of memory the host is by [host.pressure]: 0 not, 1 soft, 2 hard. Only with that table.",
);
const KILLS: Family = Family::counter(
    "hostkeeper_oom_kills_total",
    "Processes killed for want of memory since the agent began to look, by whose limit: own, envelope (of the project), tenants (of all projects) or host.",
);

pub fn measure(config: &Config, seen: &Seen, page: &mut Page) {
    let views = show(config, seen);
    page.family(&BACKING);
    for view in &views {
        for bound in &view.envelope {
            let labels = [
                ("project", view.project.as_str()),
                ("dimension", bound.what.as_str()),
                ("backing", bound.backing.as_str()),
            ];
            page.sample(&labels, 1_u64);
        }
    }
    if let (Some(table), Some(reading)) = (&config.pressure, &seen.pressure) {
        page.family(&PRESSURE);
        page.sample(&[], ladder::level_of(table, &reading.spans));
    }
    page.family(&KILLS);
    for (victim, tally) in seen.victims.all.iter() {
        let labels = [
            ("project", victim.project.as_str()),
            ("service", victim.thing.as_str()),
            ("cause", victim.cause.as_str()),
        ];
        page.sample(&labels, tally.processes);
    }
    page.family(&IN_SLICE);
    for view in views.iter().filter(|view| view.slice.is_some()) {
        page.sample(&[("project", view.project.as_str())], u64::from(view.containers_in_slice));
    }
    each(&CONFIGURED, &views, page, |bound| bound.configured);
    each(&IN_FORCE, &views, page, |bound| match bound.state {
        BoundState::Unknown => None,
        _ => Some(bound.in_force.unwrap_or(f64::INFINITY)),
    });
    each(&DRIFT, &views, page, |bound| match bound.state {
        BoundState::Ok => Some(0.0),
        BoundState::Differs => Some(1.0),
        BoundState::Unknown | BoundState::Free => None,
    });
}

/// One family over everything that is declared; what is not declared has no sample.
fn each(family: &Family, views: &[LimitsView], page: &mut Page, value: fn(&BoundView) -> Option<f64>) {
    page.family(family);
    for view in views {
        let whole = view.envelope.iter().map(|bound| ("", "", bound));
        let services = view.services.iter().flat_map(|service| {
            let container = service.container.as_deref().unwrap_or_default();
            service.bounds.iter().map(move |bound| (service.service.as_str(), container, bound))
        });
        for (service, container, bound) in whole.chain(services).filter(|(.., bound)| bound.state != BoundState::Free) {
            let Some(value) = value(bound) else { continue };
            let labels = [
                ("project", view.project.as_str()),
                ("service", service),
                ("name", container),
                ("dimension", bound.what.as_str()),
            ];
            page.sample(&labels, value);
        }
    }
}
