//! Memory: what it is used for, what the kernel moved, and what its controllers corrected.

use std::path::Path;

use super::filter;
use super::scene::{Scene, Source};
use crate::host::Roots;
use crate::host::procfs::{Field, parse_meminfo, parse_vmstat};
use crate::host::sysfs::{Class, Member, list_names};

/// What was seen of memory.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pub meminfo: Option<Vec<Field>>,
    pub vmstat: Option<Vec<Field>>,
    pub controllers: Vec<EdacController>,
}

impl Memory {
    /// A field of `/proc/meminfo`, in bytes.
    pub fn bytes(&self, name: &str) -> Option<u64> {
        self.meminfo.as_ref()?.iter().find(|field| field.name == name).map(|field| field.value)
    }
}

/// Errors that a memory controller corrected or could not correct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdacController {
    pub controller: String,
    pub corrected: Option<u64>,
    pub uncorrected: Option<u64>,
    /// By row; the row `unknown` holds those that could not be placed.
    pub rows: Vec<(String, Option<u64>, Option<u64>)>,
}

/// How memory is looked at.
pub struct Look {
    meminfo: Source<Vec<Field>>,
    vmstat: Source<Vec<Field>>,
    edac: Class,
}

impl Look {
    pub fn new(roots: &Roots) -> Look {
        let controllers = roots.sysfs.join("devices/system/edac/mc");
        Look {
            meminfo: Source::piece(roots.procfs.join("meminfo"), parse_meminfo),
            vmstat: Source::rows(roots.procfs.join("vmstat"), |bytes| parse_vmstat(bytes, filter::wants_vmstat)),
            edac: Class::choosing(controllers, |name| name.starts_with("mc") && name != "mc", list_edac_files),
        }
    }

    pub fn look(&mut self, scene: &mut Scene<'_>) -> Memory {
        if scene.list {
            self.edac.list_devices();
        }
        let controllers = |members: Vec<Member>| members.iter().map(parse_controller).collect();
        Memory {
            meminfo: scene.run("meminfo", |reader| self.meminfo.look(reader)),
            vmstat: scene.run("vmstat", |reader| self.vmstat.look(reader)),
            controllers: scene
                .run("edac", |reader| Ok(Some(self.edac.read(reader).map(controllers).unwrap_or_default())))
                .unwrap_or_default(),
        }
    }
}

fn list_edac_files(dir: &Path) -> Vec<String> {
    let own = ["ce_count", "ce_noinfo_count", "ue_count", "ue_noinfo_count"];
    let mut files: Vec<String> = own.map(str::to_owned).to_vec();
    for row in list_names(dir).unwrap_or_default().into_iter().filter(|name| name.starts_with("csrow")) {
        files.extend(["ce_count", "ue_count"].map(|file| format!("{row}/{file}")));
    }
    files
}

fn parse_controller(member: &Member) -> EdacController {
    let mut rows = vec![("unknown".to_owned(), member.number("ce_noinfo_count"), member.number("ue_noinfo_count"))];
    let corrected = member.attributes().filter_map(|(file, _)| file.strip_suffix("/ce_count"));
    rows.extend(corrected.map(|row| {
        let number = row.trim_start_matches("csrow").to_owned();
        (number, member.number(&format!("{row}/ce_count")), member.number(&format!("{row}/ue_count")))
    }));
    EdacController {
        controller: member.name.trim_start_matches("mc").to_owned(),
        corrected: member.number("ce_count"),
        uncorrected: member.number("ue_count"),
        rows,
    }
}
