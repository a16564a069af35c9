//! Names of slices, and where they are in the tree of cgroups. Pure. Source: systemd.slice(5), systemd-escape(1).

use std::fmt::Write;

/// systemd refuses longer names.
const LONGEST: usize = 255;
/// The slice above those of all projects.
pub const TENANTS: &str = "tenants.slice";

/// The slice of a project: every dash would nest a level, so it is escaped. `None`: the name would be too long.
pub fn slice_of(project: &str) -> Option<String> {
    let name = format!("tenants-{}.slice", escape(project));
    (name.len() <= LONGEST).then_some(name)
}

/// As `systemd-escape` writes one part of a unit's name.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for (index, byte) in text.bytes().enumerate() {
        let kept = byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':' || (byte == b'.' && index > 0);
        if kept {
            escaped.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(escaped, "\\x{byte:02x}");
        }
    }
    escaped
}

/// Where a slice is below the root of the unified tree: `a-b.slice` is in `a.slice`.
pub fn group_of_slice(slice: &str) -> String {
    let stem = slice.strip_suffix(".slice").unwrap_or(slice);
    let mut path = String::new();
    for (dash, _) in stem.match_indices('-') {
        let _ = write!(path, "/{}.slice", stem.get(..dash).unwrap_or_default());
    }
    format!("{path}/{stem}.slice")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_project_has_one_slice_right_below_the_tenants() {
        for (project, slice) in [
            ("athena", "tenants-athena.slice"),
            ("my-proj", "tenants-my\\x2dproj.slice"),
            ("a--b", "tenants-a\\x2d\\x2db.slice"),
            ("wx_library-2", "tenants-wx_library\\x2d2.slice"),
        ] {
            assert_eq!(slice_of(project).as_deref(), Some(slice));
            assert_eq!(group_of_slice(slice), format!("/tenants.slice/{slice}"));
        }
        assert_eq!(slice_of(&"a".repeat(63)).map(|name| name.len()), Some(77));
        assert_eq!(slice_of(&format!("a{}", "-".repeat(62))), None, "263 characters");
        assert_eq!(group_of_slice(TENANTS), "/tenants.slice");
        assert_eq!(group_of_slice("a-b-c.slice"), "/a.slice/a-b.slice/a-b-c.slice");
    }

    #[test]
    fn different_projects_never_share_a_slice() {
        let names = ["a-b", "a_b", "ab", "a--b", "a-b-", "a", "a-x2db", "ax2db"];
        let slices: std::collections::BTreeSet<_> = names.iter().map(|name| slice_of(name)).collect();
        assert_eq!(slices.len(), names.len());
    }
}
