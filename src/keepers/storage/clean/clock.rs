//! Whether the wall clock may be believed when files are called old. A pure judgement of what the kernel and the ledger
//! say: nothing here reads a clock.

use std::time::Duration;

use jiff::Timestamp;

use crate::values::{Every, Now, Stamp};

/// The wall clock may be set by so much without making files look old or young, seconds.
pub const JUMP: i64 = 600;
/// How long nothing is deleted after it was set forward by more.
const DOUBT: Duration = Duration::from_secs(24 * 3600);
/// The host may have been off for so long without anybody vouching for its clock, seconds.
const AWAY: i64 = 24 * 3600;

/// What is remembered of the clock.
#[derive(Debug, Default)]
pub struct ClockWatch {
    /// When an earlier life of the agent was last alive, until the kernel vouches for the clock.
    last: Option<Stamp>,
    vouched: bool,
    /// Time since boot at the first judgement.
    first: Option<Duration>,
    /// The moment of boot by the wall clock, seconds since 1970, and until when (time since boot) it is doubted.
    booted: Option<i64>,
    doubted: Duration,
}

impl ClockWatch {
    /// Takes in when an earlier life of the agent was last alive. What is said first holds.
    pub fn recall(&mut self, last: Option<&Stamp>) {
        if self.last.is_none() && !self.vouched {
            self.last = last.cloned();
        }
    }

    /// Why files may look older or younger than they are. `is_synchronised`: a time service keeps the clock right.
    pub fn judge(&mut self, now: &Now, is_synchronised: bool) -> Option<String> {
        let booted = boot_moment(now.wall, now.up);
        let started = *self.first.get_or_insert(now.up);
        let same_boot = self.last.as_ref().filter(|last| last.boot == now.boot);
        let earlier = same_boot.map(|last| boot_moment(last.wall, last.up));
        let before = self.booted.replace(booted).or(earlier).unwrap_or(booted);
        if booted.saturating_sub(before) > JUMP {
            self.doubted = now.up.saturating_add(DOUBT);
        }
        if is_synchronised {
            (self.last, self.vouched) = (None, true);
        }
        if now.up < self.doubted {
            return Some("the clock was set forward, and files may only look old".to_owned());
        }
        let last = self.last.as_ref().filter(|last| last.boot != now.boot)?;
        doubt_start(booted.saturating_add(seconds(started)), last)
    }
}

/// What is odd about a start at this moment after the agent was last alive in an earlier boot.
fn doubt_start(started: i64, last: &Stamp) -> Option<String> {
    let away = started.saturating_sub(last.wall.as_second());
    let odd = if away > AWAY {
        format!("the agent started {} after it was last alive ({}): files may only look old", length(away), last.wall)
    } else if away < -JUMP {
        format!(
            "the agent started {} before it was last alive ({}): new files may look oldest",
            length(away),
            last.wall
        )
    } else {
        return None;
    };
    Some(format!("by a clock that is not synchronised {odd}"))
}

fn boot_moment(wall: Timestamp, up: Duration) -> i64 {
    wall.as_second().saturating_sub(seconds(up))
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

fn length(seconds: i64) -> Every {
    Every(Duration::from_secs(seconds.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;
    /// 2026-11-01T00:00:00Z.
    const START: i64 = 1_793_491_200;

    fn at(wall: i64, up: i64, boot: &str) -> Now {
        let wall = Timestamp::from_second(wall).unwrap();
        Now { wall, up: Duration::from_secs(up.unsigned_abs()), boot: boot.into() }
    }

    /// The first judgement, `wall` seconds after an earlier life was last alive in the boot `boot`.
    fn start(after: i64, boot: &str) -> (ClockWatch, Option<String>) {
        let mut watch = ClockWatch::default();
        watch.recall(Some(&at(START, 5000, boot).stamp()));
        let doubt = watch.judge(&at(START + after, 5000 + 60, "now"), false);
        (watch, doubt)
    }

    #[test]
    fn without_an_earlier_life_the_clock_is_taken_as_it_is() {
        let mut watch = ClockWatch::default();
        watch.recall(None);
        assert_eq!(watch.judge(&at(START, 60, "now"), false), None);
        assert_eq!(watch.judge(&at(START + 90, 150, "now"), false), None);
    }

    #[test]
    fn a_start_long_after_or_before_the_last_life_is_doubted() {
        for (after, doubted) in [
            (600, false),
            (20 * HOUR, false),
            (25 * HOUR, true),
            (11 * 365 * 24 * HOUR, true),
            (-300, false),
            (-700, true),
            (-START, true),
        ] {
            assert_eq!(start(after, "before").1.is_some(), doubted, "{after}");
        }
        let ahead = start(40 * 24 * HOUR, "before").1.unwrap();
        assert!(ahead.contains("started 40d after it was last alive (2026-11-01T00:00:00Z)"), "{ahead}");
        assert!(start(-START, "before").1.unwrap().contains("before it was last alive"));
    }

    #[test]
    fn the_doubt_ends_when_the_clock_is_vouched_for_or_set_right_and_not_with_time() {
        let (mut watch, doubt) = start(4000 * HOUR, "before");
        assert!(doubt.is_some());
        assert!(watch.judge(&at(START + 4100 * HOUR, 5060 + 100 * HOUR, "now"), false).is_some());
        assert_eq!(watch.judge(&at(START + 4101 * HOUR, 5060 + 101 * HOUR, "now"), true), None);
        watch.recall(Some(&at(START, 5000, "before").stamp()));
        assert_eq!(watch.judge(&at(START + 4102 * HOUR, 5060 + 102 * HOUR, "now"), false), None);
        let (mut watch, _) = start(4000 * HOUR, "before");
        assert_eq!(watch.judge(&at(START + 5 * HOUR, 5060 + HOUR, "now"), false), None);
    }

    #[test]
    fn set_forward_while_the_agent_was_stopped_or_ran() {
        assert!(start(3 * HOUR, "now").1.unwrap().contains("set forward"));
        assert_eq!(start(60, "now").1, None);
        // Backwards within a boot: files dated later are found by the walk.
        assert_eq!(start(-3 * HOUR, "now").1, None);
        let (mut watch, _) = start(60, "now");
        assert!(watch.judge(&at(START + 2 * HOUR, 5060 + 60, "now"), true).unwrap().contains("set forward"));
        assert!(watch.judge(&at(START + 25 * HOUR, 5060 + 23 * HOUR, "now"), true).is_some());
        assert_eq!(watch.judge(&at(START + 26 * HOUR + 60, 5060 + 24 * HOUR + 60, "now"), true), None);
    }
}
