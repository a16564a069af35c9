//! Numbers of bcache, names of sensors, and classes of devices that come and go.

#![allow(clippy::string_slice)]

use proptest::prelude::*;

use super::*;
use crate::host::kept::Reader;

#[test]
fn bcaches_numbers() {
    for (text, value) in [
        ("0", Some(0)),
        ("512", Some(512)),
        ("1.0k", Some(1024)),
        ("1.1k", Some(1124)),
        ("1.1M", Some(1_150_976)),
        ("20.4G", Some(21_894_266_880)),
        ("-1.1k", Some(-1124)),
        ("4k", Some(4096)),
        ("1.1", Some(1)),
        ("k", None),
        ("", None),
        ("-", None),
        ("1.k", None),
        ("1.1Q", None),
        ("nan", None),
        ("99999999999Y", None),
    ] {
        assert_eq!(parse_human(text), value, "{text}");
    }
    let rate = parse_writeback_rate(
        "rate:\t\t1.1M/sec\ndirty:\t\t20.4G\nintegral:\t-790.0k\nchange:\t0/sec\nnext io:\t17ms\njunk",
    );
    assert_eq!((rate.rate, rate.integral, rate.change), (Some(1_150_976), Some(-808_960), Some(0)));
    assert_eq!((rate.target, rate.proportional), (None, None));
}

#[test]
fn a_printed_number_is_a_range() {
    for (text, range) in [
        ("0.0k", Some((0, 102))),
        ("0.5k", Some((512, 614))),
        ("4.0M", Some((4 << 20, (4 << 20) + (103 << 10) - 1))),
        ("3.9M", Some(((3 << 20) + (922 << 10), (4 << 20) - 1))),
        ("1.1k", Some((1024 + 103, 1024 + 204))),
        ("-0.1k", Some((-204, -103))),
        ("-4.0M", Some((-(4 << 20) - (103 << 10) + 1, -(4 << 20)))),
        ("999.9k", Some((999 * 1024 + 922, 1000 * 1024 - 1))),
        ("512", Some((512, 512))),
        ("0", Some((0, 0))),
        ("4k", None),
        ("1.12k", None),
        ("1.k", None),
        (".1k", None),
        ("k", None),
        ("-", None),
        ("", None),
        ("1.1Q", None),
        ("+1.1k", None),
        ("999.9Y", None),
        ("99999999999999999999999", None),
    ] {
        assert_eq!(parse_printed(text), range.map(|(low, high)| Printed { low, high }), "{text}");
    }
    let nothing = |text: &str| parse_printed(text).unwrap().is_nothing();
    assert!(nothing("0.0k") && nothing("-0.0k") && nothing("0") && !nothing("0.5k") && !nothing("512"));
    assert!(parse_printed("4.0M").unwrap().may_be(4 << 20) && !parse_printed("3.9M").unwrap().may_be(4 << 20));
}

/// As `bch_hprint` of the kernel prints it.
fn hprint(value: i64) -> String {
    let mut rest = value.unsigned_abs();
    for unit in "kMGTPEZY".chars() {
        let last = rest % 1024;
        rest /= 1024;
        if rest < 1000 {
            let sign = if value < 0 { "-" } else { "" };
            return format!("{sign}{rest}.{}{unit}", last * 10 / 1024);
        }
    }
    panic!("larger than any")
}

#[test]
fn sensor_files() {
    for (name, parts) in [
        ("temp1_input", Some(("temp", 1, "input"))),
        ("temp12_crit_alarm", Some(("temp", 12, "crit_alarm"))),
        ("pwm1", Some(("pwm", 1, ""))),
        ("beep_enable", Some(("beep_enable", 0, ""))),
        ("intrusion0_alarm", Some(("intrusion", 0, "alarm"))),
        ("vrm", Some(("vrm", 0, ""))),
        ("freq1_input", None),
        ("name", None),
        ("temp1_", None),
        ("temp1x", None),
        ("temp99999999999_input", None),
        ("1", None),
    ] {
        assert_eq!(parse_sensor_file(name), parts, "{name}");
    }
}

#[test]
fn devices_that_stay_keep_their_files_open() {
    let dir = tempfile::tempdir().unwrap();
    let add = |name: &str| {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        std::fs::write(dir.path().join(name).join("temp"), "41\n").unwrap();
    };
    let mut reader = Reader::new(8);
    let mut class = Class::new(dir.path().to_owned(), |name| name.starts_with("zone"), &["temp", "type"]);
    assert_eq!(class.read(&mut reader), None);
    for name in ["zone0", "zone1", "cooler0"] {
        add(name);
    }
    class.list_devices();
    let zones = class.read(&mut reader).unwrap();
    assert_eq!(zones.len(), 2);
    assert_eq!((zones[0].number("temp"), zones[0].get("type")), (Some(41_u64), None));
    assert_eq!(reader.open_files(), 2);
    std::fs::remove_dir_all(dir.path().join("zone0")).unwrap();
    add("zone2");
    class.list_devices();
    assert_eq!(reader.open_files(), 1);
    let names: Vec<String> = class.read(&mut reader).unwrap().iter().map(|zone| zone.name.to_string()).collect();
    assert_eq!(names, ["zone1", "zone2"]);
}

proptest! {
    /// The range holds the number that was printed, and nothing that would be printed otherwise.
    #[test]
    fn the_range_of_a_printed_number_is_exact(value in -(1_i64 << 60)..1 << 60, shift in 0..60_u32) {
        let value = value >> shift;
        let text = hprint(value);
        let Printed { low, high } = parse_printed(&text).unwrap();
        prop_assert!((low..=high).contains(&value), "{value} {text} {low} {high}");
        for inside in [low, high, low + (high - low) / 2] {
            prop_assert!(hprint(inside) == text || inside == 0, "{inside} prints {} not {text}", hprint(inside));
        }
        prop_assert!(hprint(high + 1) != text && (hprint(low - 1) != text), "{text} {low} {high}");
    }

    #[test]
    fn any_text_is_survived(text in ".{0,60}", digits in "-?[0-9]{0,30}\\.?[0-9]{0,30}[kMGTPEZYx]?") {
        parse_human(&text);
        parse_printed(&text);
        parse_printed(&digits);
        parse_human(&digits);
        parse_sensor_file(&text);
        parse_writeback_rate(&format!("rate: {digits}/sec\n{text}"));
    }

    /// What the kernel prints for a number, read back, is at most a tenth of the unit below it.
    #[test]
    fn printed_numbers_come_back(value in 0_u64..1 << 50) {
        let power = (0..5).rev().find(|power| value >> (10 * power) > 0).unwrap_or(0);
        let unit = 1_u64 << (10 * power);
        let text = match power {
            0 => value.to_string(),
            power => format!("{}.{}{}", value / unit, value % unit * 10 / unit, &"kMGTP"[power - 1..power]),
        };
        let read = parse_human(&text).unwrap() as u64;
        let off = value.abs_diff(read);
        prop_assert!(power == 0 && off == 0 || off <= unit / 8, "{value} printed {text} read {read}");
    }
}
