//! What the API, the command line and the page show of clean rules. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::config::{Rule, Target, parse_target};
use super::decide::{MOST, count_due, find_disorder};
use super::observe::{CleanSeen, Found, RuleKey};
use crate::keepers::storage::config::Config;
use crate::keepers::storage::observe::Seen;
use crate::keepers::storage::proof::find_fault;
use crate::round::{CleanView, DeletedView};
use crate::values::{Bytes, Every, Known};

/// Every declared rule, as its files were last seen.
pub fn show(config: &Config, seen: &Seen) -> Vec<CleanView> {
    let view = |(key, rule): (&RuleKey, &Rule)| {
        let target = parse_target(config, &key.0, &rule.path).ok()?;
        let found = match seen.cleans.get(key) {
            Some(CleanSeen::Found(found)) => Some(found),
            _ => None,
        };
        let (state, why) = judge(config, seen, (key, rule, &target));
        Some(CleanView { state: state.to_owned(), why, ..facts(seen, (key, rule, &target), found) })
    };
    config.cleans.iter().filter_map(view).collect()
}

fn facts(seen: &Seen, (key, rule, target): (&RuleKey, &Rule, &Target), found: Option<&Found>) -> CleanView {
    let pattern = target.pattern.as_ref().map(|pattern| format!("/{pattern}")).unwrap_or_default();
    let oldest = found.and_then(|found| found.met.oldest.first());
    let due = found.map(|found| found.met.oldest.iter().take(count_due(rule, found)));
    CleanView {
        project: key.0.clone(),
        rule: key.1.clone(),
        dir: target.dir.clone(),
        tier: target.place.tier.clone(),
        path: format!("{}{pattern}", target.shown()),
        older_than_seconds: rule.older_than.map(|age| age.0.as_secs_f64()),
        keep_last: rule.keep_last,
        max_bytes: rule.max_bytes.map(|most| most.0),
        state: String::new(),
        why: String::new(),
        looked_at: found.map(|found| found.at),
        files: found.map(|found| found.met.files),
        bytes: found.map(|found| found.met.bytes),
        due_files: due.clone().map(|due| due.count() as u64),
        due_bytes: due.map(|due| due.map(|file| file.size).fold(0, u64::saturating_add)),
        oldest: oldest.map(|file| file.name.clone()),
        oldest_at: oldest.and_then(|file| Timestamp::from_second(file.modified.0).ok()),
        left_out: found.map(|found| found.met.left_out),
        deleted: seen.deleted.get(key).map(|last| DeletedView { at: last.at, files: last.files, bytes: last.bytes }),
    }
}

/// How the rule stands, in a word and in a sentence.
fn judge(config: &Config, seen: &Seen, (key, rule, target): (&RuleKey, &Rule, &Target)) -> (&'static str, String) {
    let tier = &target.place.tier;
    let fault = match (config.tiers.get(tier), seen.tiers.get(tier)) {
        (Some(declared), Some(found @ Known::Known(_))) => find_fault(tier, declared, found).map(|fault| fault.text),
        _ => Some("nothing is known of it".to_owned()),
    };
    if let Some(fault) = fault {
        return ("blind", format!("tier {tier} cannot be used: {fault}"));
    }
    match seen.cleans.get(key) {
        None | Some(CleanSeen::Walking) => ("looking", "its files are not looked at yet, or not again".to_owned()),
        Some(CleanSeen::Trouble(why) | CleanSeen::Doubted(why)) => ("blind", why.clone()),
        Some(CleanSeen::Found(found)) => match (find_disorder(rule, &found.met, found.ended), count_due(rule, found)) {
            (Some(why), _) => ("blind", why),
            (None, 0) => ("idle", say_kept(rule, found)),
            (None, MOST) => ("due", format!("{MOST} files go with the next step, and there may be more after them")),
            (None, 1) => ("due", "1 file goes with the next step".to_owned()),
            (None, count) => ("due", format!("{count} files go with the next step")),
        },
    }
}

/// Why the oldest stays, and so all.
fn say_kept(rule: &Rule, found: &Found) -> String {
    let met = &found.met;
    let Some(oldest) = met.oldest.first() else { return "no file matches".to_owned() };
    let age = found.at.as_second().saturating_sub(oldest.modified.0);
    let age = Every(Duration::from_secs(u64::try_from(age).unwrap_or(0)));
    match (rule.keep_last, rule.max_bytes, rule.older_than) {
        (Some(keep), _, _) if met.files <= keep => format!("keep_last keeps {keep}, and there are {}", met.files),
        (_, Some(most), _) if met.bytes <= most.0 => {
            format!("all together take {}, max_bytes allows {most}", Bytes(met.bytes))
        }
        (_, _, Some(least)) if age.0 <= least.0 => format!("the oldest is {age} old, older_than says {least}"),
        _ => "the oldest was changed within the last minute".to_owned(),
    }
}
