//! What is wrong with disks and arrays. Nothing here is ours to fix. Pure.

use super::{DiskSeen, DisksSeen, MdArray};
use crate::round::{Concern, Evidence, Severity, Subject};

/// Endurance used up, percent: time to order another disk, and past what the maker promises.
const WORN: [u64; 2] = [90, 100];

/// Everything that is wrong.
pub fn find_trouble(seen: &DisksSeen) -> Vec<Concern> {
    let disks = seen.disks.iter().flat_map(|(name, disk)| judge_disk(name, disk));
    disks.chain(seen.arrays.iter().filter_map(judge_array)).collect()
}

fn judge_disk(name: &str, disk: &DiskSeen) -> Vec<Concern> {
    let about = About { name };
    let blind = || {
        let why = disk.trouble.as_ref().filter(|_| disk.named)?;
        let cure = format!("see what smartctl says: {}", about.command());
        Some(about.concern(
            ("disk-blind", Severity::Warning),
            format!("could not be asked for its health: {why}"),
            &[],
            cure,
        ))
    };
    let told = disk.told.as_ref().map(|(smart, _)| smart);
    let failing = || {
        let smart = told?;
        let warned = smart.critical_warning.filter(|bits| *bits != 0);
        if smart.passed != Some(false) && warned.is_none() {
            return None;
        }
        let mut facts = vec![("smart_status passed", smart.passed.unwrap_or(true).to_string())];
        facts.extend(warned.map(|bits| ("critical_warning", format!("{bits:#04x}"))));
        let cure = "copy what is on it away now, then replace it".to_owned();
        Some(about.concern(("disk-failing", Severity::Critical), "says that it is failing".into(), &facts, cure))
    };
    let errors = || {
        let smart = told?;
        let counts = [
            ("sectors that cannot be read", smart.pending_sectors),
            ("errors in which data was lost", smart.media_errors),
        ];
        let facts: Vec<(&str, String)> = counts
            .into_iter()
            .filter_map(|(what, count)| Some((what, count.filter(|count| *count > 0)?.to_string())))
            .collect();
        let text: Vec<String> = facts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        let cure =
            format!("see which files are hit: dmesg -T | grep {}; check the backups; replace it", about.kernel());
        let text = format!("has {}", text.join(" and "));
        (!facts.is_empty()).then(|| about.concern(("disk-errors", Severity::Warning), text, &facts, cure))
    };
    let worn = || {
        let smart = told?;
        let used = smart.percentage_used.filter(|used| *used >= WORN[0]);
        let spare = smart.available_spare.filter(|(left, least)| left <= least);
        let severe = used.is_some_and(|used| used >= WORN[1]) || spare.is_some();
        let text = match (used, spare) {
            (_, Some((left, least))) => format!("has {left} % of its spare blocks left, {least} % is its least"),
            (Some(used), None) => format!("has used up {used} % of its endurance"),
            (None, None) => return None,
        };
        let severity = if severe { Severity::Critical } else { Severity::Warning };
        let facts = [("percentage_used", used.map_or_else(|| "below 90".into(), |used| used.to_string()))];
        Some(about.concern(("disk-worn", severity), text, &facts, "replace it at the next occasion".into()))
    };
    [failing(), errors(), worn(), blind()].into_iter().flatten().collect()
}

/// An array that has fewer disks than it should.
fn judge_array(array: &MdArray) -> Option<Concern> {
    let missing = array.disks_required.saturating_sub(array.disks_active);
    if missing == 0 && array.disks_failed == 0 {
        return None;
    }
    let name = &array.name;
    let text = format!(
        "array {name} runs with {} of {} disks, {} failed",
        array.disks_active, array.disks_required, array.disks_failed
    );
    let evidence = vec![
        Evidence::new("active disks", array.disks_active, "/proc/mdstat"),
        Evidence::new("required disks", array.disks_required, "/proc/mdstat"),
    ];
    Some(Concern {
        id: "raid-degraded".into(),
        severity: Severity::Critical,
        subject: Subject::thing(format!("array:{name}")),
        text,
        evidence,
        cure: format!("see mdadm --detail /dev/{name}; replace the disk: mdadm /dev/{name} --add /dev/DISK"),
    })
}

struct About<'a> {
    name: &'a str,
}

impl About<'_> {
    fn concern(
        &self,
        (id, severity): (&str, Severity),
        what: String,
        facts: &[(&str, String)],
        cure: String,
    ) -> Concern {
        let evidence = facts.iter().map(|(what, value)| Evidence::new(*what, value, self.command())).collect();
        let text = format!("disk {} {what}", self.name);
        Concern {
            id: id.into(),
            severity,
            subject: Subject::thing(format!("disk:{}", self.name)),
            text,
            evidence,
            cure,
        }
    }

    fn kernel(&self) -> &str {
        self.name.split(':').next().unwrap_or_default()
    }

    fn command(&self) -> String {
        match self.name.split_once(':') {
            Some((name, kind)) => format!("smartctl -a -d {kind} /dev/{name}"),
            None => format!("smartctl -a /dev/{}", self.name),
        }
    }
}
