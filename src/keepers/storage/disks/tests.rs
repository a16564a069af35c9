use super::config::{Smart as Config, parse_device};
use super::decide::find_trouble;
use super::*;
use crate::host::procfs::MdState;
use crate::metrics::{Filter, Page};
use crate::round::{Concern, Severity};
use crate::values::Every;

fn disk(smart: Smart) -> DisksSeen {
    let told = Some((smart, jiff::Timestamp::UNIX_EPOCH));
    let seen = DiskSeen { named: false, told, trouble: None };
    DisksSeen { disks: [("sda:megaraid,0".to_owned(), seen)].into(), arrays: Vec::new() }
}

fn ids(concerns: &[Concern]) -> Vec<(&str, Severity)> {
    concerns.iter().map(|concern| (concern.id.as_str(), concern.severity)).collect()
}

#[test]
fn a_healthy_disk_is_no_concern() {
    let smart = Smart {
        passed: Some(true),
        percentage_used: Some(89),
        available_spare: Some((11, 10)),
        critical_warning: Some(0),
        media_errors: Some(0),
        pending_sectors: Some(0),
        reallocated_sectors: Some(9),
        ..Smart::default()
    };
    assert_eq!(find_trouble(&disk(smart)), []);
    assert_eq!(find_trouble(&disk(Smart::default())), []);
}

#[test]
fn a_failing_a_worn_and_a_lossy_disk_are_told_apart() {
    let cases = [
        (Smart { passed: Some(false), ..Smart::default() }, "disk-failing", Severity::Critical, "failing"),
        (Smart { critical_warning: Some(4), ..Smart::default() }, "disk-failing", Severity::Critical, "failing"),
        (Smart { percentage_used: Some(90), ..Smart::default() }, "disk-worn", Severity::Warning, "used up 90 %"),
        (Smart { percentage_used: Some(100), ..Smart::default() }, "disk-worn", Severity::Critical, "used up 100 %"),
        (
            Smart { available_spare: Some((10, 10)), ..Smart::default() },
            "disk-worn",
            Severity::Critical,
            "10 % of its spare",
        ),
        (Smart { pending_sectors: Some(3), ..Smart::default() }, "disk-errors", Severity::Warning, "3 sectors"),
        (Smart { media_errors: Some(1), ..Smart::default() }, "disk-errors", Severity::Warning, "1 errors in which"),
    ];
    for (smart, id, severity, text) in cases {
        let concerns = find_trouble(&disk(smart));
        assert_eq!(ids(&concerns), [(id, severity)]);
        assert!(concerns[0].text.contains(text), "{}", concerns[0].text);
        assert!(concerns[0].evidence.iter().all(|fact| fact.source == "smartctl -a -d megaraid,0 /dev/sda"));
    }
}

#[test]
fn only_a_named_disk_must_answer() {
    let mut seen = disk(Smart::default());
    let silent = seen.disks.values_mut().next().unwrap();
    silent.trouble = Some("no such device".into());
    assert_eq!(find_trouble(&seen), []);
    seen.disks.values_mut().next().unwrap().named = true;
    assert_eq!(ids(&find_trouble(&seen)), [("disk-blind", Severity::Warning)]);
}

#[test]
fn an_array_without_a_disk_is_a_concern_until_it_is_whole() {
    let whole = MdArray {
        name: "md0".into(),
        state: MdState::Active,
        disks_active: 2,
        disks_required: 2,
        disks_failed: 0,
        disks_spare: 0,
        blocks: 100,
        blocks_synced: 100,
        sync_blocks: None,
    };
    let seen = |array: MdArray| DisksSeen { arrays: vec![array], ..DisksSeen::default() };
    assert_eq!(find_trouble(&seen(whole.clone())), []);
    let rebuilt = MdArray { disks_active: 1, state: MdState::Recovering, ..whole.clone() };
    let concerns = find_trouble(&seen(rebuilt));
    assert_eq!(ids(&concerns), [("raid-degraded", Severity::Critical)]);
    assert_eq!(concerns[0].text, "array md0 runs with 1 of 2 disks, 0 failed");
    assert_eq!(find_trouble(&seen(MdArray { disks_failed: 1, ..whole })).len(), 1);
}

#[test]
fn names_of_disks_are_checked() {
    assert_eq!(parse_device("sda"), Some(("sda", None)));
    assert_eq!(parse_device("sda:megaraid,0"), Some(("sda", Some("megaraid,0"))));
    for wrong in ["", ":", "sda:", "/dev/sda", "../sda", "-d", "sda:-x", "sda megaraid", "sda:a;b"] {
        assert_eq!(parse_device(wrong), None, "{wrong}");
    }
    let devices = Some(vec!["sda".into(), "sda".into(), "/dev/sdb".into()]);
    let config = Config { every: Every(std::time::Duration::from_secs(60)), devices };
    let keys: Vec<String> = config.check().into_iter().map(|problem| problem.key).collect();
    assert_eq!(keys, ["storage.smart.every", "storage.smart.devices[1]", "storage.smart.devices[2]"]);
    assert_eq!(Config::default().check(), []);
}

#[test]
fn what_a_disk_says_is_measured_and_what_it_does_not_say_is_not() {
    let smart = Smart { passed: Some(true), percentage_used: Some(7), power_on_hours: Some(2), ..Smart::default() };
    let mut page = Page::new(Filter::default(), 100);
    metrics::measure(&disk(smart), &mut page);
    let text = String::from_utf8(page.finish()).unwrap();
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        samples,
        [
            "hostkeeper_smart_healthy{device=\"sda:megaraid,0\"} 1",
            "hostkeeper_smart_percentage_used_ratio{device=\"sda:megaraid,0\"} 0.07",
            "hostkeeper_smart_power_on_seconds{device=\"sda:megaraid,0\"} 7200",
            "hostkeeper_smart_last_read_timestamp_seconds{device=\"sda:megaraid,0\"} 0",
        ]
    );
    assert!(samples.iter().all(|line| metrics::FAMILIES.iter().any(|family| line.starts_with(&*family.name))));
}
