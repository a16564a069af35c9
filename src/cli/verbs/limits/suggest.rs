//! `limits suggest`: reservations and limits as TOML, from what services have needed since the agent began to look.

use serde_json::json;

use super::super::super::desk::Desk;
use super::super::super::failure::{BLOCKED, DONE, Failure};
use super::read_limits;
use crate::round::{LimitsView, ObservedView, ServiceLimitsView};
use crate::values::{Bytes, Every};

/// What is suggested is a multiple of this: nobody reads 1043.2 MiB.
const GRAIN: u64 = 16 << 20;
/// Shorter than this, and the busy hours were perhaps not seen.
const LONG_ENOUGH: u64 = 24 * 3600;
/// From this share of looks at the limit on a higher one is suggested.
const OFTEN: f64 = 0.01;

pub fn run(desk: &mut Desk<'_>, project: Option<&str>) -> Result<u8, Failure> {
    let (shown, _) = read_limits(desk, project)?;
    let text: String = shown.projects.iter().map(render).collect();
    if text.is_empty() {
        let cure =
            "declare the project ([project.NAME]) and wait: the agent looks once a minute while its containers run";
        return Err(Failure::new(BLOCKED, "nothing_seen", "nothing was observed yet", cure));
    }
    if desk.json {
        let value = json!({"schema": "hostkeeper.limits-suggest/1", "toml": text});
        desk.out().json(&value)?;
    } else {
        desk.out().page(text.as_bytes())?;
    }
    Ok(DONE)
}

/// The tables of one project; empty: nothing was seen.
fn render(view: &LimitsView) -> String {
    let mut seen: Vec<(&ServiceLimitsView, ObservedView)> =
        view.services.iter().filter_map(|service| Some((service, service.observed?))).collect();
    seen.dedup_by(|a, b| a.0.service == b.0.service);
    let Some(longest) = seen.iter().map(|(_, observed)| observed.seconds).max() else { return String::new() };
    let span = Every(std::time::Duration::from_secs(longest));
    let mut text = format!("# {}: observed for {span}, once a minute.", view.project);
    if longest < LONG_ENOUGH {
        text.push_str("\n# A day with its busy hours tells more.");
    }
    text.push('\n');
    for (service, observed) in seen {
        text.push_str(&suggest(view, service, &observed));
    }
    text
}

fn suggest(view: &LimitsView, service: &ServiceLimitsView, observed: &ObservedView) -> String {
    let name = match service.service.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
        true => service.service.clone(),
        false => format!("\"{}\"", service.service),
    };
    let limit_now = service.bounds.iter().find(|bound| bound.what == "memory").and_then(|bound| bound.in_force);
    let squeezed = observed.at_limit_ratio >= OFTEN;
    let reservation = rounded(observed.p95_bytes);
    let limit = match limit_now.filter(|_| squeezed) {
        Some(limit) => rounded(limit as u64 / 2 * 3),
        None => rounded(observed.highest_bytes / 4 * 5),
    };
    let mut why = format!(
        "# 95 of 100 looks needed {} or less, none more than {}",
        Bytes(shown(observed.p95_bytes)),
        Bytes(shown(observed.highest_bytes))
    );
    if squeezed {
        let percent = (observed.at_limit_ratio * 100.0).ceil();
        why.push_str(&format!(".\n# It was at its limit in {percent} % of them: what it would need is not known"));
    }
    format!(
        "\n{why}\n[project.{}.service.{name}]\nreservation = {{ memory = \"{}\" }}\nlimits = {{ memory = \"{}\" }}\n",
        view.project,
        Bytes(reservation),
        Bytes(limit.max(reservation))
    )
}

/// Up to the next grain, and one at least.
fn rounded(bytes: u64) -> u64 {
    bytes.div_ceil(GRAIN).max(1).saturating_mul(GRAIN)
}

/// To whole MiB.
fn shown(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20) << 20
}
