//! bcache's numbers: powers of 1024 with one truncated decimal, `1.1k`, `-4.0M`.

/// Parses such a number the way node_exporter does: `1.1k` is 1024 + 100. The true value lies within a tenth of the unit.
pub fn parse_human(text: &str) -> Option<i64> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let unit = text.chars().last().filter(|unit| !unit.is_ascii_digit());
    let value = match unit {
        None => text.parse::<f64>().ok()?,
        Some(unit) => {
            let power = "kMGTPEZY".find(unit)?;
            let (whole, tenths) = text.strip_suffix(unit)?.split_once('.').unwrap_or((text.strip_suffix(unit)?, "0"));
            let mantissa = digits(whole)? + digits(tenths)? / 10.24;
            mantissa * 1024_f64.powi(i32::try_from(power).ok()? + 1)
        }
    };
    let magnitude = (value.is_finite() && value.abs() < i64::MAX as f64).then_some(value as i64)?;
    Some(if negative { -magnitude } else { magnitude })
}

fn digits(text: &str) -> Option<f64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// `writeback_rate_debug` of a backing device. Bytes, bytes per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WritebackRate {
    pub rate: Option<i64>,
    pub dirty: Option<i64>,
    pub target: Option<i64>,
    pub proportional: Option<i64>,
    pub integral: Option<i64>,
    pub change: Option<i64>,
}

/// Parses the file; lines it does not know are left out.
pub fn parse_writeback_rate(text: &str) -> WritebackRate {
    let mut rate = WritebackRate::default();
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let slot = match key.trim() {
            "rate" => &mut rate.rate,
            "dirty" => &mut rate.dirty,
            "target" => &mut rate.target,
            "proportional" => &mut rate.proportional,
            "integral" => &mut rate.integral,
            "change" => &mut rate.change,
            _ => continue,
        };
        let value = value.trim();
        *slot = parse_human(value.strip_suffix("/sec").unwrap_or(value));
    }
    rate
}
