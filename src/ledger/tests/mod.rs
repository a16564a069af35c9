//! The ledger tried: what is written is read back, what is damaged is said, what is full comes back.

mod book;
mod damage;
mod memory;
mod migration;
mod pools;
mod retention;
mod tear;

use std::time::Duration;

use super::{Event, Intent};
use crate::values::Now;

/// A moment `seconds` after the beginning of boot `a`.
fn at(seconds: i64) -> Now {
    at_boot("a", seconds)
}

fn at_boot(boot: &str, seconds: i64) -> Now {
    let start: jiff::Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
    let up = Duration::from_secs(u64::try_from(seconds.max(0)).unwrap());
    Now { wall: start + jiff::SignedDuration::from_secs(seconds), up, boot: boot.into() }
}

fn order(step: &str) -> Intent {
    Intent {
        plan: "p1".into(),
        step: step.into(),
        key: format!("storage:create_directory:{step}"),
        keeper: "storage".into(),
        kind: "create_directory".into(),
        project: Some("athena".parse().unwrap()),
        thing: Some("postgres".into()),
        class: "safe".into(),
        text: format!("create directory {step}"),
        because: "it is missing".into(),
        evidence: "[]".into(),
        payload: format!(r#"{{"create":"{step}"}}"#),
        undo: Some(format!(r#"{{"remove":"{step}"}}"#)),
        origin: "round".into(),
        trial: false,
    }
}

fn started() -> Vec<Event> {
    vec![Event::new("started", "the agent started")]
}
