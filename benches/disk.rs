//! `storage bench` beside fio, in turns on one file system: sequential writes of 1 MiB and random reads of 4 KiB, both
//! past the page cache, one at a time. Reports ratios; asserts nothing, because timing never decides a test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use hostkeeper::host::Roots;
use hostkeeper::keepers::storage::bench::{Bounds, measure};
use hostkeeper::keepers::storage::config::Tier;
use hostkeeper::values::Bytes;

const SIZE: u64 = 512 << 20;
const SECONDS: u64 = 5;

/// Bytes per second written, reads per second: what fio finds on a file of its own.
fn fio(dir: &Path) -> Option<(f64, f64)> {
    let file = dir.join("fio.scratch");
    let run = |arguments: &[&str]| {
        let output = Command::new("fio")
            .args(["--name=a", "--ioengine=psync", "--direct=1", "--output-format=json", "--randrepeat=0"])
            .arg(format!("--filename={}", file.display()))
            .arg(format!("--size={SIZE}"))
            .args(arguments)
            .output()
            .ok()?;
        serde_json::from_slice::<serde_json::Value>(&output.stdout).ok()
    };
    let write = run(&["--rw=write", "--bs=1M", "--end_fsync=0"])?;
    let read = run(&["--rw=randread", "--bs=4k", "--time_based", &format!("--runtime={SECONDS}")])?;
    std::fs::remove_file(&file).unwrap();
    Some((write["jobs"][0]["write"]["bw_bytes"].as_f64()?, read["jobs"][0]["read"]["iops"].as_f64()?))
}

fn ours(dir: &Path) -> (f64, f64) {
    let tier = Tier { path: dir.display().to_string(), ..Tier::default() };
    let bounds = Bounds { size: Bytes(SIZE), limit: Duration::from_secs(SECONDS) };
    let found = measure(&Roots::default(), ("bench", &tier), bounds, &mut |_, _| true).unwrap();
    (found.sequential_write.bytes_per_second(), found.random_read.operations_per_second())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let base = std::env::var("HOSTKEEPER_BENCH_DIR").unwrap_or_else(|_| env!("CARGO_TARGET_TMPDIR").to_owned());
    let dir = tempfile::tempdir_in(base).unwrap();
    let mut columns = vec![Vec::new(); 4];
    for _ in 0..5 {
        let Some(theirs) = fio(dir.path()) else {
            println!("skipped: fio is missing");
            return;
        };
        let ours = ours(dir.path());
        for (column, value) in columns.iter_mut().zip([ours.0, theirs.0, ours.1, theirs.1]) {
            column.push(value);
        }
    }
    let [ours_write, fio_write, ours_read, fio_read] =
        [0, 1, 2, 3].map(|index: usize| median(&mut columns[index].clone()));
    println!("{:<34} {:>14} {:>14} {:>7}", "median of 5 in turns", "hostkeeper", "fio", "ratio");
    let mega = 1e6;
    let (ours_mb, fio_mb) = (ours_write / mega, fio_write / mega);
    println!("{:<34} {ours_mb:>14.0} {fio_mb:>14.0} {:>7.2}", "sequential write, MB/s", ours_write / fio_write);
    println!("{:<34} {ours_read:>14.0} {fio_read:>14.0} {:>7.2}", "random 4 KiB read, per s", ours_read / fio_read);
}
