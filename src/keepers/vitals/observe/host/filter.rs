//! What node_exporter leaves out by default, as Debian packages it; written out because a dashboard depends on it.
//! Pure.

/// `^(oom_kill|pgpg|pswp|pg.*fault).*` of `/proc/vmstat`.
pub fn wants_vmstat(name: &[u8]) -> bool {
    let starts = |prefix: &[u8]| name.starts_with(prefix);
    let fault = || starts(b"pg") && name.windows(5).any(|window| window == b"fault");
    starts(b"oom_kill") || starts(b"pgpg") || starts(b"pswp") || fault()
}

/// The counts of protocols that are shown.
pub fn wants_netstat(protocol: &str, field: &str) -> bool {
    if matches!(field, "InErrors" | "InErrs") {
        return true;
    }
    match protocol {
        "Ip" => field == "Forwarding",
        "Ip6" | "IpExt" => matches!(field, "InOctets" | "OutOctets"),
        "Icmp" | "Icmp6" => matches!(field, "InMsgs" | "OutMsgs"),
        "TcpExt" => {
            field.starts_with("Listen")
                || field.starts_with("Syncookies")
                || matches!(field, "TCPSynRetrans" | "TCPTimeouts")
        }
        "Tcp" => matches!(
            field,
            "ActiveOpens" | "InSegs" | "OutSegs" | "OutRsts" | "PassiveOpens" | "RetransSegs" | "CurrEstab"
        ),
        "Udp" | "Udp6" => {
            matches!(field, "InDatagrams" | "OutDatagrams" | "NoPorts" | "RcvbufErrors" | "SndbufErrors")
        }
        _ => false,
    }
}

/// Not `^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$`: whole disks, no partitions, no loops.
pub fn wants_disk(name: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if stem.len() == name.len() {
        return true;
    }
    let partitioned = ["hd", "sd", "vd", "xvd"].iter().any(|prefix| {
        stem.strip_prefix(prefix)
            .is_some_and(|letter| letter.len() == 1 && letter.starts_with(|c: char| c.is_ascii_lowercase()))
    });
    !(matches!(stem, "ram" | "loop" | "fd") || partitioned || is_nvme_partition(stem))
}

/// `nvme0n1p`
fn is_nvme_partition(stem: &str) -> bool {
    let numbered = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let inner = stem.strip_prefix("nvme").and_then(|rest| rest.strip_suffix('p')).and_then(|rest| rest.split_once('n'));
    inner.is_some_and(|(controller, namespace)| numbered(controller) && numbered(namespace))
}

/// Not `^lo$`: Debian's default for the counters of interfaces.
pub fn wants_network_counters(device: &str) -> bool {
    device != "lo"
}

/// Not `^/(dev|proc|run|sys|mnt|media|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)`.
pub fn wants_mount_point(path: &str) -> bool {
    let under = |top: &str| path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let inside = |top: &str| path.strip_prefix(top).is_some_and(|rest| !rest.is_empty());
    !(["/dev", "/proc", "/run", "/sys", "/mnt", "/media"].into_iter().any(under)
        || inside("/var/lib/docker/")
        || inside("/var/lib/containers/storage/"))
}

/// Filesystems that have no room of their own.
pub fn wants_fstype(fstype: &str) -> bool {
    const NONE: [&str; 24] = [
        "autofs",
        "binfmt_misc",
        "bpf",
        "cgroup",
        "cgroup2",
        "configfs",
        "debugfs",
        "devpts",
        "devtmpfs",
        "fusectl",
        "hugetlbfs",
        "iso9660",
        "mqueue",
        "nsfs",
        "overlay",
        "proc",
        "procfs",
        "pstore",
        "rpc_pipefs",
        "securityfs",
        "selinuxfs",
        "squashfs",
        "sysfs",
        "tracefs",
    ];
    !NONE.contains(&fstype)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_without_their_parts() {
        for name in ["sda", "vda", "nvme0n1", "dm-0", "md127", "bcache0", "zram0", "sr0", "mmcblk0", "sdaa1", "nbd0"] {
            assert!(wants_disk(name), "{name}");
        }
        for name in ["sda1", "vdb15", "xvda1", "hda2", "nvme0n1p1", "nvme10n2p15", "loop0", "ram15", "fd0"] {
            assert!(!wants_disk(name), "{name}");
        }
    }

    #[test]
    fn mounts_of_people_not_of_programs() {
        for path in ["/", "/data", "/home", "/devel", "/var/lib/docker", "/var/lib/docker/", "/mnt2/x", "/runner"] {
            assert!(wants_mount_point(path), "{path}");
        }
        for path in ["/dev", "/dev/shm", "/run/user/0", "/mnt", "/mnt/a", "/media/x", "/var/lib/docker/overlay2/x"] {
            assert!(!wants_mount_point(path), "{path}");
        }
        assert!(wants_fstype("ext4") && wants_fstype("tmpfs") && wants_fstype("fuse.rclone"));
        assert!(!wants_fstype("overlay") && !wants_fstype("cgroup2"));
    }

    #[test]
    fn fields_of_the_kernel() {
        for name in ["oom_kill", "pgpgin", "pswpout", "pgfault", "pgmajfault"] {
            assert!(wants_vmstat(name.as_bytes()), "{name}");
        }
        for name in ["pgscan_kswapd", "nr_free_pages", "fault"] {
            assert!(!wants_vmstat(name.as_bytes()), "{name}");
        }
        for name in ["Tcp_CurrEstab", "TcpExt_ListenDrops", "Udp6_NoPorts", "UdpLite6_InErrors", "Ip6_InOctets"] {
            let (protocol, field) = name.split_once('_').unwrap();
            assert!(wants_netstat(protocol, field), "{name}");
        }
        for name in ["Tcp_MaxConn", "TcpExt_TCPOFOQueue", "Ip_InReceives", "IcmpMsg_InType3", "Udp_InCsumErrors"] {
            let (protocol, field) = name.split_once('_').unwrap();
            assert!(!wants_netstat(protocol, field), "{name}");
        }
    }
}
