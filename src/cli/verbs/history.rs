//! `history`: the ledger, filtered, newest first.

use jiff::{Timestamp, Zoned, civil, tz::TimeZone};

use super::super::args::{Filters, HistoryArgs};
use super::super::desk::{Desk, shaped};
use super::super::failure::{BLOCKED, DONE, Failure};
use super::super::rows;
use crate::api::request::encode_query;
use crate::api::shapes::History;
use crate::values::Every;

/// Shows what was done and what happened.
pub fn run(desk: &mut Desk<'_>, args: &HistoryArgs) -> Result<u8, Failure> {
    let since = match &args.since {
        Some(text) => Some(parse_since(text, &desk.seat.now.to_zoned(desk.seat.zone.clone()))?),
        None => None,
    };
    let query = query_of(&args.filters, args.limit, since);
    let value = desk.read(&format!("/v1/history?{query}"))?;
    if desk.json {
        desk.out().json(&value)?;
        return Ok(DONE);
    }
    let history: History = shaped("/v1/history", &value)?;
    if history.entries.is_empty() {
        desk.out().say("nothing in the history matches")?;
    }
    for entry in &history.entries {
        rows::print_entry(desk, entry)?;
    }
    if history.more {
        desk.out().say("there is more: use --limit, or --since with a filter")?;
    }
    Ok(DONE)
}

/// The filters as the API takes them.
pub fn query_of(filters: &Filters, limit: u32, since: Option<Timestamp>) -> String {
    let limit = limit.to_string();
    let since = since.map(|since| since.to_string());
    let pairs = [
        ("since", since.as_deref()),
        ("project", filters.project.as_deref()),
        ("keeper", filters.keeper.as_deref()),
        ("kind", filters.kind.as_deref()),
        ("limit", Some(limit.as_str())),
    ];
    let pairs: Vec<(&str, &str)> = pairs.iter().filter_map(|(name, value)| value.map(|value| (*name, value))).collect();
    encode_query(&pairs)
}

/// A moment in the past: a length back, an RFC 3339 time, or a date and time of the local zone.
fn parse_since(text: &str, now: &Zoned) -> Result<Timestamp, Failure> {
    let local = |at: civil::DateTime| zoned(at, now.time_zone());
    let found = match text.parse::<Every>() {
        Ok(back) => now.timestamp().checked_sub(back.0).ok(),
        Err(_) => text
            .parse::<Timestamp>()
            .ok()
            .or_else(|| text.parse::<civil::DateTime>().ok().and_then(local))
            .or_else(|| text.parse::<civil::Date>().ok().and_then(|date| local(date.at(0, 0, 0, 0)))),
    };
    found.ok_or_else(|| {
        let what = format!("cannot read --since \"{text}\": not a length of time and not a time");
        let cure = "use 90m, 1h30m, 7d, 2026-11-21, \"2026-11-21 03:00\" or 2026-11-21T03:00:00Z";
        Failure::new(BLOCKED, "usage", what, cure)
    })
}

fn zoned(at: civil::DateTime, zone: &TimeZone) -> Option<Timestamp> {
    at.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_the_local_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(3));
        let now = "2026-11-21T12:00:00Z".parse::<Timestamp>().unwrap().to_zoned(zone);
        for (text, expected) in [
            ("90m", "2026-11-21T10:30:00Z"),
            ("2026-11-21T09:00:00+03:00", "2026-11-21T06:00:00Z"),
            ("2026-11-21 03:00", "2026-11-21T00:00:00Z"),
            ("2026-11-21", "2026-11-20T21:00:00Z"),
        ] {
            assert_eq!(parse_since(text, &now).unwrap().to_string(), expected, "{text}");
        }
        for wrong in ["", "yesterday", "10", "99999999999999d", "2026-13-01"] {
            assert_eq!(parse_since(wrong, &now).unwrap_err().exit, BLOCKED, "{wrong}");
        }
    }
}
