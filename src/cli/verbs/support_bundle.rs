//! `support-bundle`: what the agent knows of itself and the host, masked, in one tar.gz that only its owner may read.

pub mod archive;
mod masking;
mod secrets;

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::args::BundleArgs;
use super::super::desk::Desk;
use super::super::failure::{DONE, FAILED, Failure};
use super::super::house::ConfigQuestion;
use super::super::out::{Tint, plain, tinted};
use crate::values::Bytes;
use archive::{Archive, Member};
pub use masking::{redact, redact_json};

/// The routes that are asked, and the file that holds each answer.
const ASKED: &[(&str, &str)] = &[
    ("status.json", "/v1/status"),
    ("containers.json", "/v1/containers"),
    ("plan.json", "/v1/plan"),
    ("concerns.json", "/v1/concerns"),
    ("doctor.json", "/v1/doctor"),
    ("history.json", "/v1/history?limit=1000"),
    ("metric-cost.json", "/v1/metrics/cost"),
];

/// Writes the bundle and lists what is in it.
pub fn run(desk: &mut Desk<'_>, args: &BundleArgs) -> Result<u8, Failure> {
    let mut missing = Vec::new();
    let members = collect(desk, &mut missing);
    let path = args.output.clone().unwrap_or_else(|| name_of(desk, &members));
    let written = Archive::create(&path).and_then(|archive| archive.write(&members, desk.seat.now));
    written.map_err(|error| {
        let text = format!("cannot write {}: {error}", path.display());
        Failure::new(FAILED, "output", text, "choose another file with --output; an existing one is not replaced")
    })?;
    if desk.json {
        let files = members.iter().map(|member| json!({"name": member.name, "bytes": member.bytes.len()}));
        let files: Vec<Value> = files.collect();
        let value = json!({"schema": "hostkeeper.support-bundle/1", "path": path.to_string_lossy(), "files": files,
            "missing": missing, "daemon": !desk.is_direct()});
        desk.out().json(&value)?;
        return Ok(DONE);
    }
    let out = desk.out();
    for member in &members {
        out.line(&[plain(format!("{:>8}  {}", Bytes(member.bytes.len() as u64), member.name))])?;
    }
    for reason in &missing {
        out.hang(&[tinted(Tint::Warn, " missing  ")], &plain(reason.as_str()))?;
    }
    out.line(&[plain(format!("written to {}", path.display()))])?;
    out.say("Secrets are masked, but look into it before you send it.")?;
    Ok(DONE)
}

/// Everything that can be had; what cannot is named in `missing`, which is a file of the bundle too.
fn collect(desk: &mut Desk<'_>, missing: &mut Vec<String>) -> Vec<Member> {
    let mut members = vec![Member::new("versions.txt", versions())];
    for (name, route) in ASKED {
        match desk.read(route) {
            Ok(value) => members.push(Member::new(name, pretty(redact_json(value)))),
            Err(failure) => missing.push(redact(&format!("{name}: {}", failure.text))),
        }
    }
    match desk.read_text("/v1/metrics") {
        Ok(page) => members.push(Member::new("metrics.txt", redact(&String::from_utf8_lossy(&page)))),
        Err(failure) => missing.push(redact(&format!("metrics.txt: {}", failure.text))),
    }
    match desk.house.config(&desk.places, &ConfigQuestion::Show { effective: true }) {
        Ok(answer) => members.push(Member::new("config.txt", redact(&answer.text))),
        Err(failure) => missing.push(redact(&format!("config.txt: {}", failure.text))),
    }
    if !missing.is_empty() {
        members.push(Member::new("missing.txt", missing.join("\n") + "\n"));
    }
    members
}

fn pretty(value: Value) -> String {
    format!("{value:#}\n")
}

/// This program and the kernel it runs on.
fn versions() -> String {
    let kernel = nix::sys::utsname::uname();
    let field =
        |text: Option<&std::ffi::OsStr>| text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
    let (system, machine) = match &kernel {
        Ok(name) => {
            (format!("{} {}", field(Some(name.sysname())), field(Some(name.release()))), field(Some(name.machine())))
        }
        Err(error) => (error.to_string(), String::new()),
    };
    format!("hostkeeper {}\nkernel {system} {machine}\n", env!("CARGO_PKG_VERSION"))
}

/// `hostkeeper-support-HOST-TIME.tar.gz` in the current directory. The host's name is made fit for a file.
fn name_of(desk: &Desk<'_>, members: &[Member]) -> PathBuf {
    let status = members.iter().find(|member| member.name == "status.json");
    let status = status.and_then(|member| serde_json::from_slice::<Value>(&member.bytes).ok()).unwrap_or_default();
    let host = status.pointer("/host/hostname").and_then(Value::as_str).unwrap_or("host");
    let host: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(63).collect();
    let at = desk.seat.now.strftime("%Y%m%dT%H%M%SZ");
    PathBuf::from(format!("hostkeeper-support-{host}-{at}.tar.gz"))
}
