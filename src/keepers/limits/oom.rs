//! Who ran out of memory, and by whose limit: its own, the project's envelope, that of all projects, or the host's. Told by
//! what rose between two looks, never by what Docker says of a container. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::keepers::limits::observe::OomCounts;

/// Whose limit it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The container's.
    Own,
    /// The project's slice.
    Envelope,
    /// The slice above all projects.
    Tenants,
    /// The host had none left.
    Host,
}

impl Cause {
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Own => "own",
            Cause::Envelope => "envelope",
            Cause::Tenants => "tenants",
            Cause::Host => "host",
        }
    }
}

/// One life of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// When it began: another one after each start.
    pub began: i64,
    /// The group above its own.
    pub parent: String,
    pub counts: OomCounts,
}

/// What was counted at one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Running containers by id.
    pub lives: BTreeMap<String, Life>,
    /// Groups above them, by path.
    pub groups: BTreeMap<String, OomCounts>,
    /// Of the slice above all projects.
    pub tenants: Option<OomCounts>,
}

/// Processes of one container that were killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kill {
    pub id: String,
    pub cause: Cause,
    /// At least so many.
    pub processes: u64,
}

/// What happened between two looks. `ended_by_kill`: containers whose last life ended with SIGKILL, by whomever.
pub fn attribute(before: &Sample, after: &Sample, ended_by_kill: &[String]) -> Vec<Kill> {
    let mut kills = Vec::new();
    // What is explained by those that live: processes killed, and limits hit, by the group above.
    let mut explained: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (id, life) in &after.lives {
        let same = before.lives.get(id).filter(|earlier| earlier.began == life.began);
        // Of a life that began since, all is new.
        let earlier = same.map(|earlier| earlier.counts).unwrap_or_default();
        let (own, processes) = (rise(earlier.own, life.counts.own), rise(earlier.kills, life.counts.kills));
        let known = explained.entry(&life.parent).or_default();
        *known = (known.0 + processes, known.1 + own);
        if processes > 0 {
            let cause = if own > 0 { Cause::Own } else { above(before, after, &life.parent) };
            kills.push(Kill { id: id.clone(), cause, processes });
        }
    }
    kills.extend(of_the_dead(before, after, ended_by_kill, &explained));
    kills
}

/// A dead container's group is gone with its counts; the group above it still has them.
fn of_the_dead(
    before: &Sample,
    after: &Sample,
    ended_by_kill: &[String],
    explained: &BTreeMap<&str, (u64, u64)>,
) -> Vec<Kill> {
    let mut dead: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for (id, life) in &before.lives {
        let ended = after.lives.get(id).is_none_or(|later| later.began != life.began);
        if ended && ended_by_kill.contains(id) {
            dead.entry(&life.parent).or_default().push(id);
        }
    }
    let mut kills = Vec::new();
    for (parent, ids) in dead {
        let (Some(earlier), Some(later)) = (before.groups.get(parent), after.groups.get(parent)) else { continue };
        let (processes, hits) = explained.get(parent).copied().unwrap_or_default();
        let left = rise(earlier.kills, later.kills).saturating_sub(processes);
        if left == 0 {
            continue;
        }
        let own_hits = rise(earlier.within, later.within).saturating_sub(hits);
        let cause = match above(before, after, parent) {
            Cause::Host if own_hits > 0 => Cause::Own,
            cause => cause,
        };
        let each = (left / ids.len() as u64).max(1);
        kills.extend(ids.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)).map(|id| Kill {
            id: id.clone(),
            cause,
            processes: each,
        }));
    }
    kills
}

/// The limit above a container that was hit; the host's, when none was.
fn above(before: &Sample, after: &Sample, parent: &str) -> Cause {
    let rose = |earlier: Option<&OomCounts>, later: Option<&OomCounts>| {
        rise(earlier.map_or(0, |counts| counts.own), later.map_or(0, |counts| counts.own)) > 0
    };
    let known = before.groups.contains_key(parent);
    if known && rose(before.groups.get(parent), after.groups.get(parent)) {
        Cause::Envelope
    } else if before.tenants.is_some() && rose(before.tenants.as_ref(), after.tenants.as_ref()) {
        Cause::Tenants
    } else {
        Cause::Host
    }
}

/// A count that fell belongs to a group that was made again.
fn rise(before: u64, after: u64) -> u64 {
    if after < before { after } else { after - before }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLICE: &str = "/tenants.slice/tenants-a.slice";

    fn counts(own: u64, within: u64, kills: u64) -> OomCounts {
        OomCounts { own, within, kills }
    }

    fn sample(lives: &[(&str, i64, OomCounts)], slice: OomCounts, tenants: OomCounts) -> Sample {
        let life = |(id, began, counts): &(&str, i64, OomCounts)| {
            ((*id).to_owned(), Life { began: *began, parent: SLICE.into(), counts: *counts })
        };
        Sample {
            lives: lives.iter().map(life).collect(),
            groups: BTreeMap::from([(SLICE.to_owned(), slice)]),
            tenants: Some(tenants),
        }
    }

    fn kill(id: &str, cause: Cause, processes: u64) -> Kill {
        Kill { id: id.into(), cause, processes }
    }

    const NONE: OomCounts = OomCounts { own: 0, within: 0, kills: 0 };

    #[test]
    fn a_child_killed_at_the_containers_own_limit() {
        let before = sample(&[("a", 1, NONE), ("b", 1, NONE)], NONE, NONE);
        let after = sample(&[("a", 1, counts(1, 1, 1)), ("b", 1, NONE)], counts(0, 1, 1), counts(0, 1, 1));
        assert_eq!(attribute(&before, &after, &[]), [kill("a", Cause::Own, 1)]);
        assert!(attribute(&after, &after, &[]).is_empty(), "and only once");
    }

    #[test]
    fn a_container_that_died_at_its_own_limit() {
        let before = sample(&[("a", 1, NONE), ("b", 1, NONE)], NONE, NONE);
        let after = sample(&[("b", 1, NONE)], counts(0, 1, 1), counts(0, 1, 1));
        assert_eq!(attribute(&before, &after, &["a".into()]), [kill("a", Cause::Own, 1)]);
        // It was started again by Docker in between.
        let again = sample(&[("a", 9, NONE), ("b", 1, NONE)], counts(0, 1, 1), counts(0, 1, 1));
        assert_eq!(attribute(&before, &again, &["a".into()]), [kill("a", Cause::Own, 1)]);
    }

    #[test]
    fn who_ended_by_itself_meanwhile_is_not_blamed() {
        let before = sample(&[("a", 1, NONE), ("b", 1, NONE)], NONE, NONE);
        let after = sample(&[], counts(0, 1, 1), counts(0, 1, 1));
        assert_eq!(attribute(&before, &after, &["b".into()]), [kill("b", Cause::Own, 1)]);
    }

    #[test]
    fn of_a_new_life_everything_is_new() {
        let before = sample(&[("a", 1, counts(1, 1, 1))], counts(0, 1, 1), counts(0, 1, 1));
        let after = sample(&[("a", 9, counts(1, 1, 1))], counts(0, 2, 2), counts(0, 2, 2));
        assert_eq!(attribute(&before, &after, &[]), [kill("a", Cause::Own, 1)]);
    }

    #[test]
    fn the_envelope_is_blamed_when_its_limit_was_hit() {
        let before = sample(&[("a", 1, NONE), ("b", 1, NONE)], NONE, NONE);
        let alive = sample(&[("a", 1, counts(0, 0, 2)), ("b", 1, NONE)], counts(1, 1, 2), counts(0, 1, 2));
        assert_eq!(attribute(&before, &alive, &[]), [kill("a", Cause::Envelope, 2)]);
        let dead = sample(&[("b", 1, NONE)], counts(1, 1, 1), counts(0, 1, 1));
        assert_eq!(attribute(&before, &dead, &["a".into()]), [kill("a", Cause::Envelope, 1)]);
    }

    #[test]
    fn all_projects_and_the_host_are_told_apart() {
        let before = sample(&[("a", 1, NONE)], NONE, NONE);
        let tenants = sample(&[("a", 1, counts(0, 0, 1))], counts(0, 0, 1), counts(1, 1, 1));
        assert_eq!(attribute(&before, &tenants, &[]), [kill("a", Cause::Tenants, 1)]);
        let host = sample(&[("a", 1, counts(0, 0, 1))], counts(0, 0, 1), counts(0, 0, 1));
        assert_eq!(attribute(&before, &host, &[]), [kill("a", Cause::Host, 1)]);
        let dead = sample(&[], counts(0, 0, 1), counts(0, 0, 1));
        assert_eq!(attribute(&before, &dead, &["a".into()]), [kill("a", Cause::Host, 1)]);
    }

    #[test]
    fn a_plain_stop_of_an_earlier_victim_is_none() {
        let victim = counts(1, 1, 1);
        let before = sample(&[("a", 1, victim)], counts(0, 1, 1), counts(0, 1, 1));
        let stopped = sample(&[], counts(0, 1, 1), counts(0, 1, 1));
        assert!(attribute(&before, &stopped, &["a".into()]).is_empty(), "exit 137 of docker stop");
        // One stops plainly while another's child is killed.
        let two = sample(&[("a", 1, NONE), ("b", 1, NONE)], NONE, NONE);
        let after = sample(&[("b", 1, counts(1, 1, 1))], counts(0, 1, 1), counts(0, 1, 1));
        assert_eq!(attribute(&two, &after, &["a".into()]), [kill("b", Cause::Own, 1)]);
    }

    #[test]
    fn without_counts_above_nothing_is_invented() {
        let mut before = sample(&[("a", 1, NONE)], NONE, NONE);
        before.groups.clear();
        let after = sample(&[], counts(0, 5, 5), NONE);
        assert!(attribute(&before, &after, &["a".into()]).is_empty(), "those may be older than the agent");
        let mut found = sample(&[("a", 1, counts(0, 0, 1))], counts(5, 5, 5), NONE);
        assert_eq!(attribute(&before, &found, &[]), [kill("a", Cause::Host, 1)], "so may its limit that was hit");
        found.groups.clear();
        assert_eq!(attribute(&before, &found, &[]), [kill("a", Cause::Host, 1)]);
        let fell = sample(&[("a", 1, counts(0, 0, 1))], NONE, NONE);
        assert_eq!(attribute(&sample(&[("a", 1, counts(5, 5, 5))], NONE, NONE), &fell, &[]).len(), 1);
    }
}
