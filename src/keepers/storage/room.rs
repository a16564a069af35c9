//! Whether a tier has the free space that must remain, and when it will be full. Pure.

use super::config::Tier;
use super::growth::Growth;
use super::observe::Ground;
use super::proof::subject;
use crate::round::{Concern, Evidence, Severity};
use crate::values::{Bytes, Every};

/// A tier that will be full within this is a concern, seconds.
const SOON: f64 = 24.0 * 3600.0;
/// Within this it is a critical one, seconds.
const AT_ONCE: f64 = 2.0 * 3600.0;

/// Concerns about the room of a tier that is proved to be the declared one.
pub fn find_shortage((name, tier): (&str, &Tier), ground: &Ground, grown: Option<Growth<'_>>) -> Vec<Concern> {
    let mut found: Vec<Concern> =
        [low_space(name, tier, ground), filling(name, tier, ground)].into_iter().flatten().collect();
    for concern in found.iter_mut() {
        if let Some(grown) = &grown {
            concern.text.push_str(&format!("; of the declared directories {} grew most", grown.subject()));
            concern.evidence.push(grown.fact());
        }
    }
    found
}

fn low_space(name: &str, tier: &Tier, ground: &Ground) -> Option<Concern> {
    let least = tier.min_free?;
    if ground.available >= least.0 {
        return None;
    }
    let severity = if ground.available < least.0 / 2 { Severity::Critical } else { Severity::Warning };
    let (free, size) = (Bytes(ground.available), Bytes(ground.size));
    let until = ground.full_in.map(|seconds| format!("; at this pace it is full in {}", span(seconds)));
    let text = format!("{} has {free} of {size} free, less than {least}{}", tier.path, until.unwrap_or_default());
    let cure = if least.0 > ground.size {
        format!("storage.tier.{name}.min_free is more than the whole file system: lower it")
    } else {
        format!("see what takes the room: du -xhd2 {} | sort -h | tail", tier.path)
    };
    let mut evidence = vec![Evidence::new("min_free", least, format!("config:storage.tier.{name}.min_free"))];
    evidence.extend(facts(tier, ground));
    Some(Concern { id: "tier-low-space".into(), severity, subject: subject(name), text, evidence, cure })
}

fn filling(name: &str, tier: &Tier, ground: &Ground) -> Option<Concern> {
    let seconds = ground.full_in.filter(|seconds| *seconds < SOON)?;
    let severity = if seconds < AT_ONCE { Severity::Critical } else { Severity::Warning };
    let text =
        format!("{} is full in {} at its present pace, {} are free", tier.path, span(seconds), Bytes(ground.available));
    let cure = format!("see what grows: find {} -xdev -type f -mmin -30 -size +50M -ls", tier.path);
    let evidence = facts(tier, ground);
    Some(Concern { id: "tier-filling".into(), severity, subject: subject(name), text, evidence, cure })
}

fn facts(tier: &Tier, ground: &Ground) -> Vec<Evidence> {
    let source = format!("statvfs {}", tier.path);
    vec![
        Evidence::new("available bytes", ground.available, source.clone()),
        Evidence::new("size bytes", ground.size, source),
    ]
}

/// Whole minutes: a text that changes every second is no news.
fn span(seconds: f64) -> Every {
    let minutes = (seconds / 60.0).clamp(1.0, 1e9) as u64;
    Every(std::time::Duration::from_secs(minutes * 60))
}
