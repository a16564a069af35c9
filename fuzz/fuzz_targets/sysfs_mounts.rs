//! Mount table, projects and directory entries (`a`), numbers of `/sys` (`b`), names of sensors (`c`), CPU lists (`d`),
//! and metrics in text files (`e`). What was read, written again, reads back as the same.
#![no_main]

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use hostkeeper::host::machine::parse_cpu_list;
use hostkeeper::host::mounts::{Mount, mount_of, parse_mountinfo};
use hostkeeper::host::quota::parse_projects;
use hostkeeper::host::sysfs::{parse_human, parse_printed, parse_sensor_file, parse_writeback_rate};
use hostkeeper::host::walk::parse_dirents;
use hostkeeper::keepers::vitals::observe::host::{TextFamily, parse_textfile};
use hostkeeper::metrics::{Family, Filter, Page, check_page};
use hostkeeper_fuzz::{choose, text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match choose(data, 5) {
        Some((0, rest)) => mounts(rest),
        Some((1, rest)) => numbers(&text(rest)),
        Some((2, rest)) => sensor(&text(rest)),
        Some((3, rest)) => cpus(&text(rest)),
        Some((_, rest)) => textfile(&text(rest)),
        None => {}
    }
});

fn mounts(data: &[u8]) {
    let mounts = parse_mountinfo(data);
    let written: Vec<String> = mounts.iter().map(render_mount).collect();
    assert_eq!(parse_mountinfo(written.concat().as_bytes()), mounts);
    for mount in &mounts {
        let holder = mount_of(&mounts, &mount.mount_point).expect("its own mount holds it");
        assert!(mount.mount_point.is_absolute() && mount.mount_point.starts_with(&holder.mount_point));
    }
    assert_eq!(mount_of(&mounts, Path::new("relative")), None);
    assert!(parse_projects(data).iter().all(|(_, path)| path.is_empty() || path.starts_with('/')));
    assert!(parse_dirents(data).iter().all(|entry| !entry.name.is_empty() && !entry.name.contains(&0)));
}

/// A line with every byte escaped: the harshest form that the kernel's own escapes allow.
fn render_mount(mount: &Mount) -> String {
    let octal = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\{byte:03o}")).collect::<String>();
    let (major, minor) = mount.device;
    let paths = [&mount.root, &mount.mount_point].map(|path| octal(path.as_os_str().as_bytes()));
    let optional: String = mount.optional.iter().map(|field| format!("{} ", octal(field.as_bytes()))).collect();
    let rest = [mount.fstype.as_bytes(), mount.source.as_bytes(), mount.super_options.as_bytes()].map(octal);
    let options = octal(mount.options.as_bytes());
    let head = format!("{} {} {major}:{minor} {}", mount.id, mount.parent, paths.join(" "));
    format!("{head} {options} {optional}- {}\n", rest.join(" "))
}

fn numbers(text: &str) {
    parse_writeback_rate(text);
    if let Some(printed) = parse_printed(text) {
        assert!(printed.low <= printed.high);
    }
    if let Some(number) = parse_human(text) {
        if !text.starts_with('-') {
            assert_eq!(parse_human(&format!("-{text}")), Some(-number));
        }
        if number.unsigned_abs() < 1 << 53 {
            assert_eq!(parse_human(&number.to_string()), Some(number));
        }
    }
}

fn sensor(name: &str) {
    let Some((kind, number, element)) = parse_sensor_file(name) else { return };
    assert!(name.starts_with(kind) && name.ends_with(element));
    if !element.is_empty() {
        assert_eq!(parse_sensor_file(&format!("{kind}{number}_{element}")), Some((kind, number, element)));
    }
}

fn cpus(text: &str) {
    if let Some(count) = parse_cpu_list(text) {
        assert!(count > 0);
        assert_eq!(parse_cpu_list(&format!("0-{}", count - 1)), Some(count));
    }
}

/// What other programs left is passed on: the page made of it is good, and read back it gives the same page.
fn textfile(text: &str) {
    let Some(families) = parse_textfile(text) else { return };
    let page = render(&families);
    let again = parse_textfile(std::str::from_utf8(&page).expect("a page is text")).expect("our own page is read");
    assert_eq!(String::from_utf8_lossy(&render(&again)), String::from_utf8_lossy(&page));
    // Names that belong to somebody else are not ours to judge, but Prometheus' own label names are.
    if !text.contains("__") && !text.contains("hostkeeper_") {
        let checked = check_page(&page);
        assert!(checked.faults.is_empty(), "{:?}\n{}", checked.faults, String::from_utf8_lossy(&page));
    }
}

fn render(families: &[TextFamily]) -> Vec<u8> {
    let mut page = Page::new(Filter::default(), 1000);
    for family in families {
        let Some(kind) = family.kind else { continue };
        page.family(&Family { name: family.name.clone().into(), help: family.help.clone().into(), kind });
        for sample in &family.samples {
            let labels: Vec<(&str, &str)> =
                sample.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            page.sample(&labels, sample.value);
        }
    }
    page.finish()
}
