//! What earlier tries of the same kind of step say: back-off after failures, the breaker, a try under way.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Proposal, blocked};
use crate::ledger::{Attempt, Outcome, Past};
use crate::round::{Block, Limits};
use crate::values::{Every, Now, Stamp};

/// Attempts by key, oldest first.
pub(super) struct Histories<'a>(BTreeMap<&'a str, Vec<&'a Attempt>>);

impl<'a> Histories<'a> {
    pub(super) fn of(past: &'a Past) -> Histories<'a> {
        let mut map: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
        for attempt in &past.attempts {
            map.entry(&attempt.key).or_default().push(attempt);
        }
        for attempts in map.values_mut() {
            attempts.sort_by_key(|attempt| attempt.intent);
        }
        Histories(map)
    }

    pub(super) fn block(&self, proposal: &Proposal, ordered: bool, limits: &Limits, now: &Now) -> Option<Block> {
        let attempts = self.0.get(proposal.view.key.as_str())?;
        if attempts.iter().any(|attempt| attempt.outcome.is_none()) {
            return blocked("under_way", "a try whose result is not known yet is under way");
        }
        if ordered {
            return None;
        }
        breaker(attempts, limits, now).or_else(|| backoff(attempts, limits, now))
    }
}

fn failed(attempt: &Attempt) -> bool {
    matches!(attempt.outcome, Some(Outcome::Failed(_)))
}

fn ended(attempt: &Attempt) -> &Stamp {
    attempt.ended.as_ref().unwrap_or(&attempt.began)
}

/// `first * 2^n`, at most `max`.
fn doubled(first: Duration, max: Duration, n: usize) -> Duration {
    let factor = u32::try_from(n).ok().and_then(|n| 2_u32.checked_pow(n)).unwrap_or(u32::MAX);
    first.checked_mul(factor).unwrap_or(max).min(max)
}

/// 80 to 120 % of `wait`, always the same for the same key and try: without it all steps that failed together would
/// be tried together for ever.
fn jittered(wait: Duration, key: &str, n: usize) -> Duration {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ n as u64;
    for byte in key.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    wait.mul_f64(0.8 + 0.4 * ((hash >> 40) as f64 / 16_777_216.0))
}

fn backoff(attempts: &[&Attempt], limits: &Limits, now: &Now) -> Option<Block> {
    let failures = attempts.iter().rev().take_while(|attempt| failed(attempt)).count();
    let last = attempts.last().filter(|_| failures > 0)?;
    let wait = doubled(limits.backoff_first.0, limits.backoff_max.0, failures - 1);
    let left =
        jittered(wait, &last.key, failures).checked_sub(now.since(ended(last))).filter(|left| !left.is_zero())?;
    blocked("backoff", format!("failed {failures} times in a row, next try in {}", Every(left)))
}

/// The state of a breaker after replaying its history.
#[derive(Debug, Default)]
struct Breaker<'a> {
    /// Counted tries while closed, or the tries since it opened.
    tries: Vec<&'a Attempt>,
    open: bool,
}

impl<'a> Breaker<'a> {
    /// How long an open breaker waits after its last try: doubles with each half-open try.
    fn wait(&self, limits: &Limits) -> Duration {
        doubled(limits.breaker_retry.0, limits.breaker_retry_max.0, self.tries.len().saturating_sub(1))
    }

    fn record(&mut self, attempt: &'a Attempt, limits: &Limits, now: &Now) {
        // A half-open try that helped, and was not needed again as soon as it was allowed, closes the breaker.
        if self.open
            && self.tries.last().is_some_and(|last| {
                !failed(last) && rested(last, attempt, self.wait(limits) + limits.breaker_window.0, now)
            })
        {
            *self = Breaker::default();
        }
        if self.open {
            self.tries.push(attempt);
            return;
        }
        self.tries.retain(|earlier| !rested(earlier, attempt, limits.breaker_window.0, now));
        self.tries.push(attempt);
        if self.tries.len() >= limits.breaker_tries as usize {
            self.open = true;
            self.tries = vec![attempt];
        }
    }
}

/// Whether more than `length` passed between the two tries.
fn rested(earlier: &Attempt, later: &Attempt, length: Duration, now: &Now) -> bool {
    now.since(ended(earlier)).saturating_sub(now.since(&later.began)) > length
}

/// Failures count in every class; a disruptive step counts also when it succeeded, because being needed again and again
/// means that it does not help.
fn breaker(attempts: &[&Attempt], limits: &Limits, now: &Now) -> Option<Block> {
    let mut breaker = Breaker::default();
    for attempt in attempts.iter().filter(|attempt| failed(attempt) || attempt.class == "disruptive") {
        if matches!(attempt.outcome, Some(Outcome::AlreadySo)) {
            continue;
        }
        breaker.record(attempt, limits, now);
    }
    let last = breaker.tries.last().filter(|_| breaker.open)?;
    let helped = attempts.last().is_some_and(|newest| !failed(newest) && newest.class != "disruptive");
    let left = breaker.wait(limits).checked_sub(now.since(ended(last))).filter(|left| !left.is_zero() && !helped)?;
    let text = format!(
        "quarantined: {} tries within {} did not help, one more try in {}",
        limits.breaker_tries,
        limits.breaker_window,
        Every(left)
    );
    blocked("quarantine", text)
}
