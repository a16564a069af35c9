//! `quota` of a declared directory: what can be wrong with it, and the project id that the directory gets.

use std::collections::BTreeMap;

use crate::keepers::storage::config::Dir;
use crate::keepers::storage::observe::Key;
use crate::values::{Bytes, Problem, fingerprint};

/// File systems count in blocks: less than this is no quota that means what it says.
const LEAST: Bytes = Bytes(1 << 20);
/// What file systems can count.
const MOST: Bytes = Bytes(1 << 60);

/// Limits are set in whole blocks of the file system; no file system here has larger ones.
const GRAIN: u64 = 4096;

/// The first of our project ids. Below are those that people, Docker and Kubernetes give; above those of systemd.
const FIRST: u32 = 0x4000_0000;

/// The project id of a directory. It follows from its name alone: it is the same after a restart, with another ledger and
/// on another host, and nobody has to remember it.
pub fn project_id(key: &Key) -> u32 {
    let name = fingerprint(format!("{}/{}", key.0, key.1).as_bytes());
    let number = name.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default();
    FIRST | number & (FIRST - 1)
}

/// A limit as it is set: whole blocks, never more than was asked for.
pub fn whole_blocks(limit: u64) -> u64 {
    limit / GRAIN * GRAIN
}

/// Whether a limit is the wanted one, as near as the file system keeps it: xfs rounds up to its own blocks.
pub fn is_same(found: Option<u64>, wanted: Option<Bytes>) -> bool {
    match (found, wanted) {
        (Some(found), Some(wanted)) => found.abs_diff(wanted.0) < 16 * GRAIN,
        (found, wanted) => found.is_none() && wanted.is_none(),
    }
}

/// Everything that is wrong with quotas.
pub fn check(dirs: &BTreeMap<Key, Dir>, problems: &mut Vec<Problem>) {
    let mut taken: BTreeMap<u32, &Key> = BTreeMap::new();
    for (key, dir) in dirs {
        let Some(quota) = dir.quota else { continue };
        let name = format!("project.{}.dir.{}.quota", key.0, key.1);
        if !(LEAST..=MOST).contains(&quota) {
            let cure = format!("use \"{LEAST}\" to \"{MOST}\", such as \"200GB\"; without the key there is none");
            problems.push(Problem::new(&name, format!("{quota} is no quota"), cure));
        }
        if let Some(other) = taken.insert(project_id(key), key) {
            let what = format!("would be counted together with project.{}.dir.{}", other.0, other.1);
            problems.push(Problem::new(name, what, "give one of the two directories another name"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_names_and_stay() {
        let key = |project: &str, dir: &str| -> Key { (project.parse().unwrap(), dir.into()) };
        assert_eq!(project_id(&key("athena", "postgres")), project_id(&key("athena", "postgres")));
        // An id that changed would make every directory a stranger to its own quota.
        assert_eq!(project_id(&key("athena", "postgres")), 2_006_201_259);
        let ids: std::collections::BTreeSet<u32> =
            (0..2000).map(|index| project_id(&key("athena", &format!("d{index}")))).collect();
        assert!(ids.len() >= 1999 && ids.iter().all(|id| (0x4000_0000..0x8000_0000).contains(id)));
    }
}
