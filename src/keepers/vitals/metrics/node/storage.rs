//! filesystem, mdadm, nvme.

use super::{Column, render_one, rows};
use crate::keepers::vitals::observe::host::{Disks, FilesystemSeen, MdArray, MdState, Member, Space};
use crate::metrics::{Family, Group, Page};

const NVME: Family =
    Family::gauge("node_nvme_info", "Non-numeric data from /sys/class/nvme/<device>, value is always 1.");
const ERROR: Family = Family::gauge(
    "node_filesystem_device_error",
    "Whether an error occurred while getting statistics for the given device.",
);
const READ_ONLY: Family = Family::gauge("node_filesystem_readonly", "Filesystem read-only status.");
const SPACES: [Column<Space>; 5] = [
    (Family::gauge("node_filesystem_size_bytes", "Filesystem size in bytes."), |s| s.size),
    (Family::gauge("node_filesystem_free_bytes", "Filesystem free space in bytes."), |s| s.free),
    (Family::gauge("node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes."), |s| {
        s.available
    }),
    (Family::gauge("node_filesystem_files", "Filesystem total file nodes."), |s| s.files),
    (Family::gauge("node_filesystem_files_free", "Filesystem total free file nodes."), |s| s.files_free),
];

pub fn measure(seen: &Disks, page: &mut Page) {
    if let Some(filesystems) = seen.filesystems.as_ref().filter(|_| page.wants(Group::Node, "filesystem")) {
        measure_filesystems(filesystems, page);
    }
    if let Some(arrays) = seen.arrays.as_ref().filter(|_| page.wants(Group::Node, "mdadm")) {
        measure_arrays(arrays, page);
    }
    if let Some(members) = seen.nvme.as_ref().filter(|_| page.wants(Group::Node, "nvme")) {
        measure_nvme(members, page);
    }
}

fn measure_filesystems(filesystems: &[FilesystemSeen], page: &mut Page) {
    let labels = |seen: &FilesystemSeen| {
        Page::render_labels(&[("device", &seen.device), ("fstype", &seen.fstype), ("mountpoint", &seen.mount_point)])
    };
    let rendered: Vec<String> = filesystems.iter().map(labels).collect();
    rows(page, &ERROR, &rendered, filesystems.iter().map(|seen| Some(seen.space.value().is_none())));
    rows(page, &READ_ONLY, &rendered, filesystems.iter().map(|seen| Some(seen.read_only)));
    for (family, part) in &SPACES {
        rows(page, family, &rendered, filesystems.iter().map(|seen| seen.space.value().map(part)));
    }
}

fn measure_arrays(arrays: &[MdArray], page: &mut Page) {
    const BLOCKS: Family = Family::gauge("node_md_blocks", "Total number of blocks on device.");
    const SYNCED: Family = Family::gauge("node_md_blocks_synced", "Number of blocks synced on device.");
    const DISKS: Family = Family::gauge("node_md_disks", "Number of active/failed/spare disks of device.");
    const REQUIRED: Family = Family::gauge("node_md_disks_required", "Total number of disks of device.");
    const STATE: Family = Family::gauge("node_md_state", "Indicates the state of md-device.");
    let rendered = render_one("device", arrays.iter().map(|array| array.name.as_str()));
    rows(page, &BLOCKS, &rendered, arrays.iter().map(|array| Some(array.blocks)));
    rows(page, &SYNCED, &rendered, arrays.iter().map(|array| Some(array.blocks_synced)));
    page.family(&DISKS);
    for (labels, array) in rendered.iter().zip(arrays) {
        page.sample_after(labels, &[("state", "active")], array.disks_active);
        page.sample_after(labels, &[("state", "failed")], array.disks_failed);
        page.sample_after(labels, &[("state", "spare")], array.disks_spare);
    }
    rows(page, &REQUIRED, &rendered, arrays.iter().map(|array| Some(array.disks_required)));
    page.family(&STATE);
    for (labels, array) in rendered.iter().zip(arrays) {
        for (state, word) in [
            (MdState::Active, "active"),
            (MdState::Inactive, "inactive"),
            (MdState::Recovering, "recovering"),
            (MdState::Checking, "check"),
            (MdState::Resyncing, "resync"),
        ] {
            page.sample_after(labels, &[("state", word)], array.state == state);
        }
    }
}

fn measure_nvme(members: &[Member], page: &mut Page) {
    page.family(&NVME);
    for member in members {
        let text = |file: &str| member.get(file).unwrap_or_default();
        let labels = [
            ("device", &*member.name),
            ("firmware_revision", text("firmware_rev")),
            ("model", text("model")),
            ("serial", text("serial")),
            ("state", text("state")),
        ];
        page.sample(&labels, 1_u64);
    }
}
