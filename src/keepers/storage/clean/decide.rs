//! Which files may go by a rule, and the step that deletes them. Pure.

use jiff::Timestamp;

use super::clock::JUMP;
use super::config::{Rule, Target, parse_target};
use super::observe::{CleanSeen, Found, Gathered, RuleKey};
use super::step::{CleanOrder, Doomed};
use crate::keepers::storage::config::Config;
use crate::keepers::storage::observe::Seen;
use crate::keepers::storage::step::Step;
use crate::keepers::storage::verdict::is_usable;
use crate::round::{Class, Concern, Evidence, Gate, Plan, Planned, Reason, Severity, Subject};
use crate::values::{Bytes, one_line};

/// Files of one step.
pub const MOST: usize = 1000;
/// What was changed within this is never deleted, whatever the rule says, seconds.
const SETTLE: i64 = 60;
/// So many are told one by one.
const FEW: usize = 20;
/// Else so many from either end, and all in lists of so many names.
const EXAMPLES: usize = 3;
const LIST: usize = 50;

const CLOCK_CURE: &str = "compare date with a clock that is right; timedatectl set-ntp true, or when it is right: systemctl restart hostkeeper";
const DATE_CURE: &str = "compare date with a clock that is right; when it is, touch the files that are dated after it";

/// How many of the oldest may go by the rule at this moment.
pub fn count_doomed(rule: &Rule, met: &Gathered, now: Timestamp) -> usize {
    let age = rule.older_than.map_or(0, |age| i64::try_from(age.0.as_secs()).unwrap_or(i64::MAX)).max(SETTLE);
    let before = now.as_second().saturating_sub(age);
    let keep = rule.keep_last.unwrap_or(0);
    let mut left = (met.files, met.bytes);
    let mut count = 0;
    for file in &met.oldest {
        let fits = rule.max_bytes.is_some_and(|most| left.1 <= most.0);
        if left.0 <= keep || fits || file.modified.0 >= before {
            break;
        }
        left = (left.0 - 1, left.1.saturating_sub(file.size));
        count += 1;
    }
    count
}

/// Why a rule that goes by the order of files cannot: one of them is dated after `ended`, when the walk was over. By the
/// same clock others may be dated long before they were written.
pub fn find_disorder(rule: &Rule, met: &Gathered, ended: Timestamp) -> Option<String> {
    let by_order = rule.keep_last.is_some() || rule.max_bytes.is_some();
    let newest = met.newest.as_ref().filter(|_| by_order)?;
    if newest.modified.0 <= ended.as_second().saturating_add(JUMP) {
        return None;
    }
    let (name, at) = (one_line(&newest.name, 200), Timestamp::from_second(newest.modified.0));
    let at = at.map_or_else(|_| "the far future".to_owned(), |at| at.to_string());
    Some(format!("{name} is dated {at}, after the present, so nobody knows which files are the oldest"))
}

/// How many go with the next step.
pub fn count_due(rule: &Rule, found: &Found) -> usize {
    if find_disorder(rule, &found.met, found.ended).is_some() { 0 } else { count_doomed(rule, &found.met, found.at) }
}

/// Steps for rules whose tier is proved.
pub fn decide(config: &Config, seen: &Seen, plan: &mut Plan<Step>) {
    for (key, rule) in &config.cleans {
        let Ok(target) = parse_target(config, &key.0, &rule.path) else { continue };
        if !is_usable(config, seen, &target.place.tier) {
            continue;
        }
        match seen.cleans.get(key) {
            Some(CleanSeen::Found(found)) => match find_disorder(rule, &found.met, found.ended) {
                Some(why) => plan.concerns.push(blind(key, &target, (&why, DATE_CURE))),
                None => plan.steps.extend(delete(key, rule, &target, found)),
            },
            Some(CleanSeen::Trouble(why)) => plan.concerns.push(blind(key, &target, (why, ""))),
            Some(CleanSeen::Doubted(why)) => plan.concerns.push(blind(key, &target, (why, CLOCK_CURE))),
            Some(CleanSeen::Walking) | None => {}
        }
    }
}

fn source(key: &RuleKey, field: &str) -> String {
    format!("config:project.{}.clean.{}.{field}", key.0, key.1)
}

fn delete(key: &RuleKey, rule: &Rule, target: &Target, found: &Found) -> Option<Planned<Step>> {
    let count = count_due(rule, found);
    let files: Vec<Doomed> = found.met.oldest.iter().take(count).map(Doomed::of).collect();
    if files.is_empty() {
        return None;
    }
    let more = if count == MOST { ", and there may be more after them" } else { "" };
    let text = format!(
        "the rule lets them go: {} of {} files that match ({}){more}; a delete cannot be taken back",
        count,
        found.met.files,
        Bytes(found.met.bytes)
    );
    let mut evidence = vec![Evidence::new("path", &rule.path, source(key, "path"))];
    evidence.extend(rule.older_than.map(|age| Evidence::new("older_than", age, source(key, "older_than"))));
    evidence.extend(rule.keep_last.map(|keep| Evidence::new("keep_last", keep, source(key, "keep_last"))));
    evidence.extend(rule.max_bytes.map(|most| Evidence::new("max_bytes", most, source(key, "max_bytes"))));
    let order = CleanOrder {
        project: key.0.clone(),
        rule: key.1.clone(),
        place: target.place.clone(),
        below: target.below.clone(),
        pattern: target.pattern.clone(),
        files,
    };
    evidence.extend(tell_files(&order));
    Some(Planned {
        step: Step::Clean { order },
        subject: Subject::of(key.0.clone(), key.1.clone()),
        because: Reason::new(text, evidence),
        undo: None,
        class: Class::Disruptive,
        gate: Gate::Open,
    })
}

/// Each file with size and age where they are few; else the oldest and the newest so, and all of them by name.
fn tell_files(order: &CleanOrder) -> Vec<Evidence> {
    let files = &order.files;
    let fact = |what: &str, file: &Doomed| Evidence::new(what, file.in_words(), order.shown());
    if files.len() <= FEW {
        return files.iter().map(|file| fact("file", file)).collect();
    }
    let oldest = files.iter().take(EXAMPLES).map(|file| fact("oldest", file));
    let newest = files.iter().skip(files.len() - EXAMPLES).map(|file| fact("newest", file));
    let lists = files.chunks(LIST).enumerate().map(|(index, part)| {
        let names: Vec<String> = part.iter().map(|file| one_line(&file.name, 300)).collect();
        let (first, last) = (index * LIST + 1, index * LIST + part.len());
        Evidence::new(format!("files {first} to {last}"), names.join(", "), order.shown())
    });
    oldest.chain(newest).chain(lists).collect()
}

/// `cure` is left empty where looking at the path is what helps.
fn blind(key: &RuleKey, target: &Target, (why, cure): (&str, &str)) -> Concern {
    let shown = target.shown();
    Concern {
        id: "dir-clean-blind".into(),
        severity: Severity::Warning,
        subject: Subject::of(key.0.clone(), key.1.clone()),
        text: format!("clean rule {} deletes nothing in {shown}: {why}", key.1),
        evidence: vec![Evidence::new("path", &shown, source(key, "path"))],
        cure: if cure.is_empty() { format!("look at it: ls -ld {shown}") } else { cure.to_owned() },
    }
}
