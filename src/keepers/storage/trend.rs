//! Where the free space of a tier is heading: samples of the last day, and robust slopes over them. Pure.

use std::collections::VecDeque;
use std::time::Duration;

/// Between two samples.
const EVERY: Duration = Duration::from_secs(60);
/// Most samples: a day.
const MOST: usize = 24 * 60;
/// The spans over which a slope is taken. A short one sees a runaway log, a long one slow growth.
const SPANS: [Duration; 3] =
    [Duration::from_secs(30 * 60), Duration::from_secs(6 * 3600), Duration::from_secs(24 * 3600)];
/// Points of a span that are compared with each other.
const POINTS: usize = 48;
/// A slope speaks for the future no longer than this many times the span it was taken over.
const FORESIGHT: f64 = 8.0;

/// Samples of free space, by the boot clock.
#[derive(Clone, Debug, Default)]
pub struct Trend {
    samples: VecDeque<(Duration, u64)>,
}

impl Trend {
    /// Adds what is available now, at most once a minute.
    pub fn push(&mut self, up: Duration, available: u64) {
        let due = self.samples.back().is_none_or(|(last, _)| up >= last.saturating_add(EVERY) || up < *last);
        if self.samples.back().is_some_and(|(last, _)| up < *last) {
            self.samples.clear();
        }
        if due {
            self.samples.push_back((up, available));
        }
        while self.samples.len() > MOST {
            self.samples.pop_front();
        }
    }

    /// Seconds until nothing is available, by the span that says so soonest; `None` when it is not filling, or not
    /// foreseeably.
    pub fn full_in(&self) -> Option<f64> {
        let (_, available) = *self.samples.back()?;
        let soonest = |span| {
            let rate = self.fall(span)?;
            let seconds = available as f64 / rate;
            (seconds <= FORESIGHT * Duration::as_secs_f64(&span)).then_some(seconds)
        };
        SPANS.into_iter().filter_map(soonest).min_by(f64::total_cmp)
    }

    /// Bytes per second by which it falls over `span` (the median of the slopes between its points, which one large
    /// copy or deletion does not move); `None` when it does not, or when there are too few samples.
    fn fall(&self, span: Duration) -> Option<f64> {
        let (latest, _) = *self.samples.back()?;
        let from = latest.checked_sub(span)?;
        let within: Vec<(f64, f64)> = self
            .samples
            .iter()
            .filter(|(at, _)| *at >= from)
            .map(|(at, available)| (at.as_secs_f64(), *available as f64))
            .collect();
        let covered = latest.as_secs_f64() - within.first()?.0;
        if within.len() < 10 || covered < 0.8 * span.as_secs_f64() {
            return None;
        }
        let stride = within.len().div_ceil(POINTS);
        let points: Vec<(f64, f64)> = within.into_iter().rev().step_by(stride).collect();
        let mut slopes = Vec::with_capacity(POINTS * POINTS / 2);
        for (index, (later, after)) in points.iter().enumerate() {
            slopes.extend(points.iter().skip(index + 1).map(|(earlier, before)| (before - after) / (later - earlier)));
        }
        let middle = slopes.len() / 2;
        let (_, median, _) = slopes.select_nth_unstable_by(middle, f64::total_cmp);
        (*median > 0.0).then_some(*median)
    }
}
