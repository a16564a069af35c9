//! The promises of the guard over random histories: a flapping world is simulated for hours, the guard decides, and
//! what it let through is counted.

use proptest::prelude::*;

use super::super::decide_gates;
use super::*;

/// A world that wants the same restarts every ten seconds; each try fails or not as `luck` says.
fn simulate(subjects: &[&str], luck: &[bool], hours: u64) -> Vec<Attempt> {
    let mut past = Past::default();
    let proposals: Vec<Proposal> = subjects.iter().map(|subject| restart(subject)).collect();
    let mut number = 0;
    for second in (400..hours * 3600).step_by(10) {
        let gates = decide_gates(&rules(), &proposals, &past, &calm(), &at(second));
        for (proposal, gate) in proposals.iter().zip(gates) {
            if gate == Gate::Open {
                let fails = luck[number as usize % luck.len()];
                let outcome = if fails { Outcome::Failed("no".into()) } else { Outcome::Made };
                past.attempts.push(attempt(proposal, number, second, Some(outcome)));
                number += 1;
            }
        }
    }
    past.attempts
}

fn most_within(attempts: &[Attempt], seconds: u64, keep: impl Fn(&Attempt) -> bool) -> usize {
    let times: Vec<u64> = attempts.iter().filter(|a| keep(a)).map(|a| a.began.up.as_secs()).collect();
    times.iter().map(|from| times.iter().filter(|t| **t >= *from && **t < from + seconds).count()).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn budgets_and_breaker_hold_in_a_flapping_world(luck in prop::collection::vec(any::<bool>(), 1..12)) {
        let subjects = ["a/x", "a/y", "a/z", "b/x", "b/y", "c/x", "d/x"];
        let attempts = simulate(&subjects, &luck, 5);
        prop_assert!(!attempts.is_empty());
        prop_assert!(most_within(&attempts, 600, |_| true) <= 10, "host budget");
        for name in ["a", "b", "c", "d"] {
            let of = |attempt: &Attempt| attempt.project.as_ref().is_some_and(|p| p.as_str() == name);
            prop_assert!(most_within(&attempts, 600, of) <= 6, "project budget");
            prop_assert!(most_within(&attempts, 1, of) <= 1, "one at once");
        }
        for subject in subjects {
            let key = format!("health:restart:{subject}");
            let mine: Vec<Attempt> = attempts.iter().filter(|a| a.key == key).cloned().collect();
            prop_assert!(most_within(&mine, 600, |_| true) <= 3, "service budget");
            // After three tries within ten minutes: at most one try per half hour.
            let ended = |n: usize| mine[n].ended.as_ref().unwrap().up.as_secs();
            let tripped = (2..mine.len()).find(|n| mine[*n].began.up.as_secs() - ended(n - 2) <= 600);
            let late = mine.iter().skip(tripped.map_or(mine.len(), |n| n + 1)).cloned().collect::<Vec<_>>();
            prop_assert!(most_within(&late, 1800, |_| true) <= 1, "half-open tries of {subject}: {late:?}");
        }
    }

    #[test]
    fn shuffled_input_gives_the_same_gates(
        order in Just((0..8_usize).collect::<Vec<_>>()).prop_shuffle(),
        history in prop::collection::vec((0..8_usize, 0..2000_u64, 0..4_u8), 0..40),
        bad in 0..8_u32,
    ) {
        let subjects = ["a/x", "a/y", "a/z", "b/x", "b/y", "c/x", "d/x", "e/x"];
        let proposals: Vec<Proposal> = subjects.iter().enumerate().map(|(n, subject)| {
            let class = [Class::Safe, Class::Tightening, Class::Disruptive][n % 3];
            proposal(subject, class, [Purpose::Heal, Purpose::Configure, Purpose::Evict][n % 3])
        }).collect();
        let outcome = |word: u8| match word {
            0 => None,
            1 => Some(Outcome::Made),
            2 => Some(Outcome::AlreadySo),
            _ => Some(Outcome::Failed("no".into())),
        };
        let attempts = history.iter().enumerate().map(|(n, (which, second, word))| {
            attempt(&proposals[*which], n as i64, *second, outcome(*word))
        }).collect();
        let past = Past { attempts, ..Past::default() };
        let circumstances = Circumstances { storm: Storm { bad, watched: 20 }, ..calm() };
        let straight = decide_gates(&rules(), &proposals, &past, &circumstances, &at(2500));
        let shuffled: Vec<Proposal> = order.iter().map(|n| proposals[*n].clone()).collect();
        let gates = decide_gates(&rules(), &shuffled, &past, &circumstances, &at(2500));
        for (place, n) in order.iter().enumerate() {
            prop_assert_eq!(&gates[place], &straight[*n]);
        }
    }

    #[test]
    fn below_trial_nothing_is_ever_open(
        host in prop::sample::select(vec![Mode::Observe, Mode::Warn]),
        class in prop::sample::select(vec![Class::Safe, Class::Tightening, Class::Disruptive]),
        second in 0..100_000_u64,
    ) {
        let rules = Rules { host, ..Rules::default() };
        let step = proposal("shop/api", class, Purpose::Configure);
        prop_assert_ne!(rule(&rules, &step, &Past::default(), &calm(), &at(second)), "open");
    }
}
