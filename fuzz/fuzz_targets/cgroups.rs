//! Files of cgroups, v1 and v2: bounded, and what was read, written again, reads back as the same.
#![no_main]

use hostkeeper::host::cgroups::*;
use hostkeeper_fuzz::{choose, halves, text};
use libfuzzer_sys::fuzz_target;

const PARSERS: [fn(&[u8]); 7] = [numbers, keyed, cpu_max, pressure, io, memberships, ids];

fuzz_target!(|data: &[u8]| {
    if let Some((parser, rest)) = choose(data, PARSERS.len()) {
        PARSERS[parser](rest);
    }
});

fn numbers(data: &[u8]) {
    let number = parse_number(data);
    assert_eq!(parse_limit(data), number.filter(|number| *number <= 1 << 62));
    if let Some(number) = parse_word(data) {
        assert_eq!(parse_word(number.to_string().as_bytes()), Some(number));
        assert_eq!(parse_number(data), Some(number));
    }
}

fn keyed(data: &[u8]) {
    let pairs: Vec<(&[u8], u64)> = parse_keyed(data).collect();
    let mut written = Vec::new();
    for (key, number) in &pairs {
        written.extend_from_slice(key);
        written.extend_from_slice(format!(" {number}\n").as_bytes());
    }
    assert_eq!(parse_keyed(&written).collect::<Vec<_>>(), pairs);
}

fn cpu_max(data: &[u8]) {
    if let Some((quota, period)) = parse_cpu_max(data) {
        let quota_word = quota.map_or("max".to_owned(), |quota| quota.to_string());
        assert_eq!(parse_cpu_max(format!("{quota_word} {period}\n").as_bytes()), Some((quota, period)));
    }
}

fn pressure(data: &[u8]) {
    let pressure = parse_pressure(data);
    let mut written = String::new();
    for (kind, total) in [("some", pressure.some_us), ("full", pressure.full_us)] {
        if let Some(total) = total {
            written.push_str(&format!("{kind} avg10=0.00 total={total}\n"));
        }
    }
    assert_eq!(parse_pressure(written.as_bytes()), pressure);
}

/// `io.stat`, and v1's two files apart by a NUL.
fn io(data: &[u8]) {
    let devices = parse_io_stat(data);
    assert!(devices.len() <= 256);
    let line = |io: &DeviceIo| {
        let DeviceIo { major, minor, read_bytes, written_bytes, reads, writes } = io;
        format!("{major}:{minor} rbytes={read_bytes} wbytes={written_bytes} rios={reads} wios={writes}\n")
    };
    let written: String = devices.iter().map(line).collect();
    assert_eq!(parse_io_stat(written.as_bytes()), devices);
    let (bytes, operations) = halves(data);
    let merged = merge_blkio(bytes, operations);
    assert!(merged.len() <= parse_blkio(bytes).len() + parse_blkio(operations).len() && merged.len() <= 1024);
    let mut numbers: Vec<(u32, u32)> = merged.iter().map(|io| (io.major, io.minor)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), merged.len(), "a device twice");
}

fn memberships(data: &[u8]) {
    let found = parse_memberships(data);
    assert!(found.len() <= 64);
    for Membership { controllers, path } in found {
        // The path is joined to a root: it must not lead out of it.
        assert!(path.starts_with('/') && !path.split('/').any(|part| part == ".."), "{path}");
        assert!(!controllers.iter().any(String::is_empty));
    }
}

fn ids(data: &[u8]) {
    let path = text(data);
    for component in path.split('/') {
        let Some(id) = parse_container_id(component) else { continue };
        assert!(id.len() == 64 && component.contains(id) && parse_container_id(id) == Some(id));
        let upto = parse_container_path(&path, id).expect("a component names it");
        let last = upto.rsplit('/').next().unwrap_or_default();
        assert!(path.starts_with(upto) && parse_container_id(last) == Some(id), "{path} {upto}");
    }
}
