//! How often memory ran out in a group, how many processes were killed for it, and how much it stalls.

use super::find::{Cgroups, Layout, Place, read_small};
use super::parse::{parse_keyed, parse_number};
use crate::host::procfs::parse_pressure;

/// Counts since the group was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OomCounts {
    /// The group's own limit was hit and nothing could be taken back. v1: how often the limit was hit at all.
    pub own: u64,
    /// A limit was hit in the group or in one below it; v2 only.
    pub within: u64,
    /// Processes of the group, and of those below it on v2, that were killed, by whichever limit.
    pub kills: u64,
}

impl Cgroups {
    /// The counts of a group; `None`: there is no such group, or it does not say.
    pub fn read_oom(&self, place: &Place) -> Option<OomCounts> {
        let directory = self.directory_of("memory", place)?;
        let find = |name: &str, key: &[u8]| find_count(&read_small(&directory.join(name))?, key);
        match self.layout() {
            Layout::Unified => Some(OomCounts {
                own: find("memory.events.local", b"oom")?,
                within: find("memory.events", b"oom")?,
                kills: find("memory.events", b"oom_kill")?,
            }),
            Layout::Hybrid | Layout::Legacy => {
                let own = parse_number(&read_small(&directory.join("memory.failcnt"))?)?;
                Some(OomCounts { own, within: own, kills: find("memory.oom_control", b"oom_kill")? })
            }
            Layout::Absent => None,
        }
    }
}

impl Cgroups {
    /// Percent of the last ten seconds in which all tasks of a group waited for memory; v2 only.
    pub fn read_stall(&self, place: &Place) -> Option<f64> {
        if self.layout() != Layout::Unified {
            return None;
        }
        let text = read_small(&self.directory_of("memory", place)?.join("memory.pressure"))?;
        parse_pressure(&text)?.full_percent
    }
}

fn find_count(text: &[u8], wanted: &[u8]) -> Option<u64> {
    parse_keyed(text).find(|(key, _)| *key == wanted).map(|(_, count)| count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Roots;

    #[test]
    fn both_kinds_of_trees_are_read() {
        let scratch = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = scratch.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let roots = |name: &str| Roots { sysfs: scratch.path().join(name), ..Roots::default() };
        write("v2/fs/cgroup/cgroup.controllers", "memory\n");
        write("v2/fs/cgroup/a.slice/memory.events", "low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\n");
        write("v2/fs/cgroup/a.slice/memory.events.local", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 0\n");
        let found = Cgroups::of(&roots("v2")).read_oom(&Place::at("/a.slice"));
        assert_eq!(found, Some(OomCounts { own: 1, within: 3, kills: 2 }));
        assert_eq!(Cgroups::of(&roots("v2")).read_oom(&Place::at("/b.slice")), None);
        let stalls =
            "some avg10=60.00 avg60=2.50 avg300=0.10 total=5\nfull avg10=45.50 avg60=0.50 avg300=0.00 total=3\n";
        write("v2/fs/cgroup/a.slice/memory.pressure", stalls);
        assert_eq!(Cgroups::of(&roots("v2")).read_stall(&Place::at("/a.slice")), Some(45.5));
        assert_eq!(Cgroups::of(&roots("v2")).read_stall(&Place::at("/b.slice")), None);
        write("v1/fs/cgroup/memory/docker/x/memory.failcnt", "12\n");
        write("v1/fs/cgroup/memory/docker/x/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n");
        let found = Cgroups::of(&roots("v1")).read_oom(&Place::at("/docker/x"));
        assert_eq!(found, Some(OomCounts { own: 12, within: 12, kills: 4 }));
    }
}
