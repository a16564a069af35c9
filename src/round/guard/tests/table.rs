//! Each rule of the guard by example.

use super::super::decide_gates;
use super::*;

fn failed() -> Option<Outcome> {
    Some(Outcome::Failed("no".into()))
}

#[test]
fn a_calm_host_in_enforce_lets_a_restart_through() {
    assert_eq!(rule(&rules(), &restart("shop/api"), &Past::default(), &calm(), &at(1000)), "open");
}

#[test]
fn the_lowest_mode_wins() {
    use Mode::{Enforce, Observe, Trial, Warn};
    let cases = [
        (Enforce, None, None, "open"),
        (Enforce, Some(Warn), None, "mode"),
        (Enforce, None, Some(Observe), "mode"),
        (Observe, Some(Enforce), Some(Enforce), "mode"),
        (Warn, Some(Enforce), Some(Enforce), "mode"),
        (Trial, None, None, "trial"),
        (Enforce, Some(Trial), Some(Enforce), "trial"),
    ];
    for (host, keeper, of_project, expected) in cases {
        let mut rules = Rules { host, ..Rules::default() };
        rules.keepers.extend(keeper.map(|mode| ("health".to_owned(), mode)));
        rules.projects.extend(of_project.map(|mode| (project("shop"), mode)));
        let got = rule(&rules, &restart("shop/api"), &Past::default(), &calm(), &at(1000));
        assert_eq!(got, expected, "{host} {keeper:?} {of_project:?}");
    }
}

#[test]
fn a_trial_needs_an_undo() {
    let mut step = restart("shop/api");
    step.view.undo = Some("start it".into());
    let rules = Rules { host: Mode::Trial, ..Rules::default() };
    assert_eq!(rule(&rules, &step, &Past::default(), &calm(), &at(1000)), "open");
}

#[test]
fn nothing_is_done_without_ledger_or_under_the_kill_switch_even_on_order() {
    let step = restart("shop/api");
    let ordered = BTreeSet::from([step.view.id.clone()]);
    let unwritable =
        Circumstances { ledger: LedgerState::Unwritable("disk full".into()), ordered: ordered.clone(), ..calm() };
    assert_eq!(rule(&rules(), &step, &Past::default(), &unwritable, &at(1000)), "ledger");
    let killed = Circumstances { kill_switch: true, ordered, ..calm() };
    assert_eq!(rule(&rules(), &step, &Past::default(), &killed, &at(1000)), "kill_switch");
}

#[test]
fn a_persons_word_passes_mode_hold_back_off_and_quiet_but_not_the_storm() {
    let step = restart("shop/api");
    let past = Past {
        held: vec![step.view.id.clone()],
        human: vec![(None, stamp(990))],
        attempts: (0..3).map(|n| attempt(&step, n, 980 + n as u64, failed())).collect(),
        ..Past::default()
    };
    let rules = Rules { host: Mode::Observe, ..Rules::default() };
    let ordered = Circumstances { ordered: BTreeSet::from([step.view.id.clone()]), ..calm() };
    // The three failed tries still count as spent budget.
    assert_eq!(rule(&rules, &step, &past, &ordered, &at(1000)), "budget");
    assert_eq!(rule(&rules, &step, &past, &ordered, &at(1700)), "open");
    let storm = Circumstances { storm: Storm { bad: 6, watched: 60 }, ..ordered };
    assert_eq!(rule(&rules, &step, &past, &storm, &at(1700)), "storm");
}

#[test]
fn grace_after_boot_and_after_start_only_for_disruptive_steps() {
    let started = Circumstances { agent_started: stamp(900), ..calm() };
    assert_eq!(rule(&rules(), &restart("shop/api"), &Past::default(), &started, &at(1000)), "boot_grace");
    assert_eq!(rule(&rules(), &restart("shop/api"), &Past::default(), &started, &at(1200)), "open");
    let safe = proposal("shop/dir", Class::Safe, Purpose::Configure);
    assert_eq!(rule(&rules(), &safe, &Past::default(), &started, &at(901)), "open");
    let mut booted = at(1000);
    booted.up = Duration::from_secs(299);
    assert_eq!(rule(&rules(), &restart("shop/api"), &Past::default(), &calm(), &booted), "boot_grace");
}

#[test]
fn a_person_at_work_keeps_us_away_from_that_project_only() {
    let past = Past { human: vec![(Some(project("shop")), stamp(950))], ..Past::default() };
    assert_eq!(rule(&rules(), &restart("shop/api"), &past, &calm(), &at(1000)), "quiet_period");
    assert_eq!(rule(&rules(), &restart("blog/api"), &past, &calm(), &at(1000)), "open");
    assert_eq!(rule(&rules(), &restart("shop/api"), &past, &calm(), &at(1071)), "open");
}

#[test]
fn windows_hold_configuration_not_healing() {
    let window: crate::values::Window =
        serde_json::from_str(r#"{"cron":"0 3 * * *","duration":"1h","tz":"UTC"}"#).unwrap();
    let mut rules = rules();
    rules.windows.insert(project("shop"), vec![window]);
    let configure = proposal("shop/api", Class::Disruptive, Purpose::Configure);
    assert_eq!(rule(&rules, &configure, &Past::default(), &calm(), &at(1000)), "window");
    assert_eq!(rule(&rules, &restart("shop/api"), &Past::default(), &calm(), &at(1000)), "open");
    let at_night = at(15 * 3600 + 600);
    assert_eq!(rule(&rules, &configure, &Past::default(), &calm(), &at_night), "open");
}

#[test]
fn failures_back_off_and_double() {
    let step = proposal("shop/dir", Class::Safe, Purpose::Configure);
    let once = Past { attempts: vec![attempt(&step, 1, 1000, failed())], ..Past::default() };
    assert_eq!(rule(&rules(), &step, &once, &calm(), &at(1005)), "backoff");
    assert_eq!(rule(&rules(), &step, &once, &calm(), &at(1014)), "open");
    let twice = Past {
        attempts: vec![attempt(&step, 1, 1000, failed()), attempt(&step, 2, 1014, failed())],
        ..Past::default()
    };
    assert_eq!(rule(&rules(), &step, &twice, &calm(), &at(1027)), "backoff");
    assert_eq!(rule(&rules(), &step, &twice, &calm(), &at(1040)), "open");
    let helped = Past {
        attempts: vec![attempt(&step, 1, 1000, failed()), attempt(&step, 2, 1014, Some(Outcome::Made))],
        ..Past::default()
    };
    assert_eq!(rule(&rules(), &step, &helped, &calm(), &at(1016)), "open");
}

#[test]
fn three_tries_in_ten_minutes_quarantine_then_one_half_open_try() {
    let step = restart("shop/api");
    let mut past = Past {
        attempts: [0, 200, 400]
            .iter()
            .zip(1..)
            .map(|(s, n)| attempt(&step, n, 1000 + s, Some(Outcome::Made)))
            .collect(),
        ..Past::default()
    };
    assert_eq!(rule(&rules(), &step, &past, &calm(), &at(1500)), "quarantine");
    assert_eq!(rule(&rules(), &step, &past, &calm(), &at(1400 + 1790)), "quarantine");
    assert_eq!(rule(&rules(), &step, &past, &calm(), &at(1402 + 1800)), "open");
    // The half-open try did not help: the next waits twice as long.
    past.attempts.push(attempt(&step, 4, 3210, failed()));
    assert_eq!(rule(&rules(), &step, &past, &calm(), &at(3211 + 3590)), "quarantine");
    assert_eq!(rule(&rules(), &step, &past, &calm(), &at(3212 + 3600)), "open");
}

#[test]
fn a_half_open_try_that_helped_closes_the_breaker() {
    let step = restart("shop/api");
    let mut attempts: Vec<Attempt> =
        (0..3).map(|n| attempt(&step, n, 1000 + 10 * n as u64, Some(Outcome::Made))).collect();
    attempts.push(attempt(&step, 4, 3000, Some(Outcome::Made)));
    // Well for five hours, then sick again: a new story.
    attempts.push(attempt(&step, 5, 21_000, Some(Outcome::Made)));
    let past = Past { attempts, ..Past::default() };
    assert_eq!(rule(&rules(), &step, &past, &calm(), &at(21_100)), "open");
}

#[test]
fn a_try_without_result_blocks_the_next() {
    let step = restart("shop/api");
    let past = Past { attempts: vec![attempt(&step, 1, 10, None)], ..Past::default() };
    assert_eq!(rule(&rules(), &step, &past, &calm(), &at(90_000)), "under_way");
}

#[test]
fn one_disruptive_step_per_project_and_two_per_host_at_once() {
    let proposals: Vec<Proposal> = ["a/x", "a/y", "b/x", "c/x"].iter().map(|subject| restart(subject)).collect();
    let gates = decide_gates(&rules(), &proposals, &Past::default(), &calm(), &at(1000));
    let words: Vec<String> = gates.iter().map(word).collect();
    assert_eq!(words, ["open", "in_flight", "open", "in_flight"]);
}

#[test]
fn a_storm_stops_healing_by_count_and_by_share() {
    for (bad, watched, expected) in
        [(4, 60, "open"), (5, 60, "storm"), (3, 10, "storm"), (2, 10, "open"), (0, 0, "open")]
    {
        let circumstances = Circumstances { storm: Storm { bad, watched }, ..calm() };
        let got = rule(&rules(), &restart("shop/api"), &Past::default(), &circumstances, &at(1000));
        assert_eq!(got, expected, "{bad} of {watched}");
    }
}

#[test]
fn what_is_evicted_is_not_healed_and_roots_come_first() {
    let evict = proposal("shop/api", Class::Disruptive, Purpose::Evict);
    let mut dependent = restart("blog/api");
    dependent.waits_for = vec![Subject::of(project("blog"), "db")];
    let proposals = [restart("shop/api"), evict, dependent, restart("blog/db")];
    let gates = decide_gates(&rules(), &proposals, &Past::default(), &calm(), &at(1000));
    let words: Vec<String> = gates.iter().map(word).collect();
    assert_eq!(words, ["evicted", "open", "root_cause", "open"]);
}

#[test]
fn a_clock_jump_releases_no_back_off() {
    let step = proposal("shop/dir", Class::Safe, Purpose::Configure);
    let past = Past { attempts: vec![attempt(&step, 1, 1000, failed())], ..Past::default() };
    let mut jumped = at(1003);
    jumped.wall += Duration::from_secs(10 * 365 * 86_400);
    assert_eq!(rule(&rules(), &step, &past, &calm(), &jumped), "backoff");
    let mut back = at(1003);
    back.wall -= Duration::from_secs(86_400);
    assert_eq!(rule(&rules(), &step, &past, &calm(), &back), "backoff");
}
