//! `events`: the last of the history, oldest first; with `-f` also what comes, across restarts of the daemon.

use std::time::Duration;

use serde_json::Value;

use super::super::args::EventsArgs;
use super::super::ask::Unreached;
use super::super::desk::{Desk, shaped};
use super::super::failure::{DONE, Failure};
use super::super::out::{Tint, tinted};
use super::super::rows;
use super::history::query_of;
use crate::api::request::encode_query;
use crate::api::shapes::{EntryRow, EventShown, GapShown, History};

/// How often, a second apart, a daemon that went away is looked for.
const TRIES: u32 = 60;

/// Shows events.
pub fn run(desk: &mut Desk<'_>, args: &EventsArgs) -> Result<u8, Failure> {
    if args.follow {
        let value = desk.read("/v1/history?limit=1")?;
        if desk.is_direct() {
            return Err(Unreached::NoDaemon.failure(&desk.places.socket).so("nothing can be followed"));
        }
        let newest: History = shaped("/v1/history", &value)?;
        let mut last = newest.entries.first().map(|entry| entry.id).unwrap_or_default();
        last = last.max(print_past(desk, args)?);
        return follow(desk, args, last);
    }
    print_past(desk, args)?;
    Ok(DONE)
}

/// Prints what was; returns the newest id.
fn print_past(desk: &mut Desk<'_>, args: &EventsArgs) -> Result<i64, Failure> {
    if args.limit == 0 {
        return Ok(0);
    }
    let value = desk.read(&format!("/v1/history?{}", query_of(&args.filters, args.limit, None)))?;
    let history: History = shaped("/v1/history", &value)?;
    for entry in history.entries.iter().rev() {
        print_event(desk, entry)?;
    }
    desk.out().flush()?;
    Ok(history.entries.first().map(|entry| entry.id).unwrap_or_default())
}

fn print_event(desk: &mut Desk<'_>, entry: &EntryRow) -> Result<(), Failure> {
    if !desk.json {
        return Ok(rows::print_entry(desk, entry)?);
    }
    let shown = EventShown { schema: "hostkeeper.event/1".into(), entry: entry.clone() };
    let value = serde_json::to_value(shown).map_err(|error| Failure::strange_answer("/v1/events", error))?;
    Ok(desk.out().json(&value)?)
}

/// Reads the stream until the reader goes away, and again when the daemon comes back.
fn follow(desk: &mut Desk<'_>, args: &EventsArgs, mut last: i64) -> Result<u8, Failure> {
    let agent = desk.house.agent(&desk.places);
    let mut tries = 0;
    loop {
        let mut failed = None;
        let ended = agent.follow(&stream_query(args, last), &mut |data| {
            tries = 0;
            match take(desk, &data) {
                Ok(id) => last = last.max(id),
                Err(failure) => failed = Some(failure),
            }
            failed.is_none()
        });
        if let Some(failure) = failed {
            return Err(failure);
        }
        match ended {
            Ok(()) | Err(Unreached::NoDaemon | Unreached::Silent) if tries < TRIES => tries += 1,
            Ok(()) => return Err(Unreached::NoDaemon.failure(&desk.places.socket).so("following ended")),
            Err(unreached) => return Err(unreached.failure(&desk.places.socket).so("following ended")),
        }
        if tries == 1 {
            let said = "hostkeeper: the daemon went away; following goes on when it is back";
            desk.seat.err.line(&[tinted(Tint::Dim, said)])?;
            desk.seat.err.flush()?;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn stream_query(args: &EventsArgs, last: i64) -> String {
    let after = last.to_string();
    let filters = &args.filters;
    let pairs = [
        ("after", Some(after.as_str())),
        ("project", filters.project.as_deref()),
        ("keeper", filters.keeper.as_deref()),
        ("kind", filters.kind.as_deref()),
    ];
    encode_query(&pairs.iter().filter_map(|(name, value)| value.map(|value| (*name, value))).collect::<Vec<_>>())
}

/// Prints one event and gives its id; a gap is said beside the answer.
fn take(desk: &mut Desk<'_>, data: &Value) -> Result<i64, Failure> {
    if data.get("schema").and_then(Value::as_str) == Some("hostkeeper.gap/1") {
        let gap: GapShown = shaped("/v1/events", data)?;
        if desk.json {
            desk.out().json(data)?;
        } else {
            desk.out().line(&[tinted(
                Tint::Warn,
                format!("entries {} to {} were missed: hostkeeper history", gap.after + 1, gap.resumed_at - 1),
            )])?;
        }
        desk.out().flush()?;
        return Ok(gap.after);
    }
    let event: EventShown = shaped("/v1/events", data)?;
    print_event(desk, &event.entry)?;
    desk.out().flush()?;
    Ok(event.entry.id)
}
