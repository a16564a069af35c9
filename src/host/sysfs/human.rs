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

/// What a number printed this way may stand for: every value from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Printed {
    pub low: i64,
    pub high: i64,
}

impl Printed {
    /// Whether the number may be `value`.
    pub fn may_be(self, value: u64) -> bool {
        i64::try_from(value).is_ok_and(|value| (self.low..=self.high).contains(&value))
    }

    /// Whether it is less than a sector: `0.0k` stands for up to 102 bytes.
    pub fn is_nothing(self) -> bool {
        self.low > -512 && self.high < 512
    }

    /// The least that it may be, never negative.
    pub fn least(self) -> u64 {
        u64::try_from(self.low).unwrap_or(0)
    }
}

/// Parses such a number as what it is, a range. The kernel divides by 1024 until less than 1000 is left, and prints one
/// decimal of the last remainder, cut off.
pub fn parse_printed(text: &str) -> Option<Printed> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (low, high) = match text.chars().last().filter(|unit| !unit.is_ascii_digit()) {
        None => {
            let value = whole(text)?;
            (value, value)
        }
        Some(unit) => {
            let scale = 1024_i128.checked_pow(u32::try_from("kMGTPEZY".find(unit)?).ok()?)?;
            let (units, tenth) = text.strip_suffix(unit)?.split_once('.')?;
            let (units, tenth) = (whole(units)?, whole(tenth).filter(|tenth| *tenth < 10)?);
            let low = units.checked_mul(1024)?.checked_add((tenth * 1024 + 9) / 10)?;
            let above = units.checked_mul(1024)?.checked_add((tenth * 1024 + 1024 + 9) / 10)?;
            // `0.9T` is printed from 1000G on; what is less is printed in the lesser unit.
            let low = if units == 0 && scale > 1 { low.max(1000) } else { low };
            (low.checked_mul(scale)?, above.checked_mul(scale)? - 1)
        }
    };
    let (low, high) = if negative { (-high, -low) } else { (low, high) };
    (low <= high).then_some(())?;
    Some(Printed { low: i64::try_from(low).ok()?, high: i64::try_from(high).ok()? })
}

fn whole(text: &str) -> Option<i128> {
    let plain = !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
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
