//! `storage bench`: measures a tier in this very process and has the agent keep what came out.

use serde_json::json;

use super::super::super::desk::Desk;
use super::super::super::failure::{DONE, FAILED, Failure};
use super::super::super::out::{Tint, plain, tinted};
use super::super::super::storage_args::BenchArgs;
use crate::daemon::{BenchOrder, Measured};

/// Slower than this part of what is expected is a finding.
const ENOUGH: f64 = 0.85;
/// Progress is shown in steps of so many bytes.
const PIECE: u64 = 128 << 20;

pub fn run(desk: &mut Desk<'_>, args: &BenchArgs) -> Result<u8, Failure> {
    let order = BenchOrder { tier: args.tier.clone(), size: args.size, limit: args.limit.0 };
    let house = desk.house;
    let places = desk.places.clone();
    let live = !desk.json && desk.seat.err.screen().terminal;
    let mut shown = ("", u64::MAX);
    let measured = house.bench(&places, &order, &mut |what, done| {
        let now = (what, done / PIECE);
        if live && now != shown {
            shown = now;
            let line = format!("{what}: {} MiB", done >> 20);
            let said = desk.seat.err.line(&[tinted(Tint::Dim, line)]).and_then(|()| desk.seat.err.flush());
            return said.is_ok();
        }
        true
    })?;
    let kept = keep(desk, &measured);
    let slow = measured.of_expected.iter().flatten().any(|part| *part < ENOUGH);
    print(desk, &measured, &kept)?;
    Ok(if slow { FAILED } else { DONE })
}

/// What the agent says of it, or why it is not kept.
fn keep(desk: &mut Desk<'_>, measured: &Measured) -> Result<String, String> {
    let body = serde_json::to_value(&measured.note).unwrap_or_default();
    match desk.order("/v1/storage/speed", &body) {
        Ok(done) => Ok(done.text),
        Err(failure) => Err(failure.text),
    }
}

fn print(desk: &mut Desk<'_>, measured: &Measured, kept: &Result<String, String>) -> Result<(), Failure> {
    let note = &measured.note;
    let [write, read] = measured.of_expected;
    if desk.json {
        let value = json!({
            "schema": "hostkeeper.bench/1",
            "tier": note.tier,
            "path": measured.path,
            "device": note.device,
            "size_bytes": note.size_bytes,
            "sequential_write_bytes_per_second": note.sequential_write_bytes_per_second,
            "random_reads_per_second": note.random_reads_per_second,
            "sequential_write_of_expected": write,
            "random_read_of_expected": read,
            "kept": kept.is_ok(),
        });
        return Ok(desk.out().json(&value)?);
    }
    let beside = |part: Option<f64>| {
        let Some(part) = part else { return plain("") };
        let tint = if part < ENOUGH { Tint::Bad } else { Tint::Good };
        tinted(tint, format!("{:.0} % of what is expected", part * 100.0))
    };
    let device = note.device.as_ref().map(|device| format!(" on {device}")).unwrap_or_default();
    let out = desk.out();
    out.say(&format!("tier {}: {}{device}", note.tier, measured.path))?;
    let written = format!("{:.0} MB/s", note.sequential_write_bytes_per_second as f64 / 1e6);
    out.line(&[plain(format!("  sequential write   {written:>14}   ")), beside(write)])?;
    let reads = format!("{} /s", note.random_reads_per_second);
    out.line(&[plain(format!("  random read 4 KiB  {reads:>14}   ")), beside(read)])?;
    match kept {
        Ok(text) => out.say(text)?,
        Err(why) => out.say(&format!("not kept: {why}"))?,
    }
    Ok(())
}
