//! `/proc/pressure/*` and `/proc/loadavg`: how much waits.

use super::text::{lines, number, words};

/// One resource's stall. Microseconds since boot, and percent of the last ten seconds, or of the last minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pressure {
    pub some_total: Option<u64>,
    pub full_total: Option<u64>,
    pub some_percent: Option<f64>,
    pub full_percent: Option<f64>,
    pub some_minute_percent: Option<f64>,
}

/// Parses `/proc/pressure/RESOURCE`.
pub fn parse_pressure(bytes: &[u8]) -> Option<Pressure> {
    let mut pressure = Pressure::default();
    for line in lines(bytes) {
        let mut fields = words(line);
        let kind = fields.next();
        let mut total = None;
        let (mut percent, mut minute) = (None, None);
        for field in fields {
            if let Some(value) = field.strip_prefix(b"total=") {
                total = number(value);
            } else if let Some(value) = field.strip_prefix(b"avg10=") {
                percent = decimal(value);
            } else if let Some(value) = field.strip_prefix(b"avg60=") {
                minute = decimal(value);
            }
        }
        match kind {
            Some(b"some") => {
                (pressure.some_total, pressure.some_percent, pressure.some_minute_percent) = (total, percent, minute);
            }
            Some(b"full") => (pressure.full_total, pressure.full_percent) = (total, percent),
            _ => {}
        }
    }
    pressure.some_total.is_some().then_some(pressure)
}

/// Parses the three averages of `/proc/loadavg`.
pub fn parse_loadavg(bytes: &[u8]) -> Option<[f64; 3]> {
    let mut fields = words(lines(bytes).next()?).map(decimal);
    Some([fields.next()??, fields.next()??, fields.next()??])
}

fn decimal(word: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(word).ok()?;
    text.parse().ok().filter(|value: &f64| value.is_finite())
}
