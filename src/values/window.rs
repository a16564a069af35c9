//! Maintenance windows: a cron expression for the beginning, a length, and a time zone.

use std::str::FromStr;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{Every, ParseError};

/// A recurring span of time, such as Sunday 03:00 to 05:00 in Europe/Moscow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Window {
    written: Written,
    schedule: jiff_cron::Schedule,
    zone: TimeZone,
}

/// As in TOML: `{ cron = "0 3 * * 0", duration = "2h", tz = "Europe/Moscow" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    cron: String,
    duration: Every,
    #[serde(default = "utc")]
    tz: String,
}

fn utc() -> String {
    "UTC".into()
}

impl Window {
    /// Whether `at` lies in the window: it began within the last `duration`.
    pub fn contains(&self, at: Timestamp) -> bool {
        let Ok(length) = jiff::SignedDuration::try_from(self.written.duration.0) else { return false };
        let Ok(earliest) = at.checked_sub(length) else { return false };
        let begin = self.schedule.after(earliest.to_zoned(self.zone.clone())).next();
        begin.is_some_and(|begin| begin.timestamp() <= at)
    }
}

impl TryFrom<Written> for Window {
    type Error = ParseError;

    fn try_from(written: Written) -> Result<Self, ParseError> {
        let fields = written.cron.split_whitespace().count();
        if fields != 5 {
            let what = format!("\"{}\" has {fields} fields, a cron expression has five", written.cron);
            return Err(ParseError::new(what, "write minute hour day month weekday, such as \"0 3 * * 0\""));
        }
        let schedule =
            jiff_cron::Schedule::from_str(&format!("0 {}", sunday_first(&written.cron))).map_err(|error| {
                let what = format!("\"{}\" is not a cron expression: {error}", written.cron);
                ParseError::new(what, "write minute hour day month weekday, such as \"0 3 * * 0\"")
            })?;
        let zone = TimeZone::get(&written.tz).map_err(|_| {
            let what = format!("unknown time zone \"{}\"", written.tz);
            ParseError::new(what, "use a name of the IANA database, such as \"Europe/Moscow\" or \"UTC\"")
        })?;
        Ok(Window { written, schedule, zone })
    }
}

impl From<Window> for Written {
    fn from(window: Window) -> Written {
        window.written
    }
}

/// cron counts weekdays from Sunday = 0 (7 is Sunday too); the schedule crate from Sunday = 1. Names are the same in both.
fn sunday_first(cron: &str) -> String {
    let mut fields: Vec<String> = cron.split_whitespace().map(str::to_owned).collect();
    if let Some(weekday) = fields.last_mut() {
        *weekday = shift_weekdays(weekday);
    }
    fields.join(" ")
}

/// Adds one to every weekday number of a list such as `0,2-4` (steps after `/` are left alone).
fn shift_weekdays(field: &str) -> String {
    let mut shifted = String::new();
    let mut digits = String::new();
    let mut step = false;
    for c in field.chars().chain(std::iter::once('\0')) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        match digits.parse::<u32>() {
            Ok(day) if !step => shifted.push_str(&(day % 7 + 1).to_string()),
            _ => shifted.push_str(&digits),
        }
        digits.clear();
        step = c == '/';
        if c != '\0' {
            shifted.push(c);
        }
    }
    shifted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(cron: &str, tz: &str) -> Window {
        Window::try_from(Written { cron: cron.into(), duration: "2h".parse().unwrap(), tz: tz.into() }).unwrap()
    }

    #[test]
    fn sunday_night_in_moscow() {
        let window = window("0 3 * * 0", "Europe/Moscow");
        // 2026-11-22 is a Sunday; 03:00 in Moscow is 00:00 UTC.
        for (at, inside) in [
            ("2026-11-21T23:59:59Z", false),
            ("2026-11-22T00:00:00Z", true),
            ("2026-11-22T01:59:59Z", true),
            ("2026-11-22T02:00:01Z", false),
            ("2026-11-23T00:30:00Z", false),
        ] {
            assert_eq!(window.contains(at.parse().unwrap()), inside, "{at}");
        }
    }

    #[test]
    fn weekday_numbers_are_crons() {
        assert_eq!(shift_weekdays("0,2-4"), "1,3-5");
        assert_eq!(shift_weekdays("*/2"), "*/2");
        assert_eq!(shift_weekdays("7"), "1");
        assert_eq!(shift_weekdays("MON-FRI"), "MON-FRI");
    }

    #[test]
    fn wrong_windows_say_what_to_write() {
        let wrong = |cron: &str, tz: &str| {
            let written = Written { cron: cron.into(), duration: "2h".parse().unwrap(), tz: tz.into() };
            Window::try_from(written).unwrap_err().to_string()
        };
        assert!(wrong("0 3 * *", "UTC").contains("four") || wrong("0 3 * *", "UTC").contains("4 fields"));
        assert!(wrong("0 33 * * 0", "UTC").contains("not a cron expression"));
        assert!(wrong("0 3 * * 0", "Mars/Base").contains("unknown time zone"));
    }
}
