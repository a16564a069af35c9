//! The support bundle: what is in it, who may read it, and that nothing secret is.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;

use crate::canned::{Bench, Rooms};

const PLANTED: &[&str] = &["hunter2hunter2", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "MIIEowIBAAKCAQEA"];

fn rooms_with_secrets() -> Rooms {
    let mut rooms = Rooms::usual();
    let status = crate::canned::file("status.json").replace(
        "14 containers belong",
        "POSTGRES_PASSWORD=hunter2hunter2 token: ghp_16C7e42F292c6912E7710c838347Ae178B4a postgres://u:hunter2hunter2@db belong",
    );
    rooms = rooms.with_body("/v1/status", 200, status);
    rooms.config.text = "[x]\napi_token = \"hunter2hunter2\"\npem = '''\n-----BEGIN KEY-----\nMIIEowIBAAKCAQEA\n-----END KEY-----\n'''\n".into();
    rooms
}

/// Names and texts of the files in a bundle.
fn members(path: &std::path::Path) -> Vec<(String, String)> {
    let file = std::fs::File::open(path).unwrap();
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry: tar::Entry<'_, flate2::read::GzDecoder<std::fs::File>> = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        (name, text)
    };
    tar.entries().unwrap().map(read).collect()
}

#[test]
fn planted_secrets_are_in_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hk.tar.gz");
    let words = ["support-bundle", "--output", path.to_str().unwrap()];
    let ran = Bench::of(rooms_with_secrets()).run(&words);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let members = members(&path);
    for (name, text) in &members {
        for secret in PLANTED {
            assert!(!text.contains(secret), "{name} has {secret}");
        }
        let file = name.strip_prefix("hostkeeper-support/").unwrap();
        assert!(ran.out.contains(file), "{file} is not listed: {}", ran.out);
    }
    let names: Vec<&str> = members.iter().map(|(name, _)| name.rsplit('/').next().unwrap()).collect();
    for wanted in
        ["versions.txt", "status.json", "plan.json", "doctor.json", "history.json", "metrics.txt", "config.txt"]
    {
        assert!(names.contains(&wanted), "{wanted}");
    }
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_helps_is_still_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hk.tar.gz");
    Bench::of(Rooms::usual()).run(&["support-bundle", "-o", path.to_str().unwrap()]);
    let members = members(&path);
    let status = &members.iter().find(|(name, _)| name.ends_with("status.json")).unwrap().1;
    let value: serde_json::Value = serde_json::from_str(status).unwrap();
    assert_eq!(value["verdict"]["text"], "db1: 2 problems, 3 projects, 35 containers, up 12d");
    assert_eq!(value["tiers"][1]["path"], "/home/vitiana/Athena/data_ssd");
    assert_eq!(value["projects"][0]["cpu_used_cores"], 1.74);
}

#[test]
fn an_existing_file_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hk.tar.gz");
    std::fs::write(&path, "mine").unwrap();
    let ran = Bench::of(Rooms::usual()).run(&["support-bundle", "--output", path.to_str().unwrap()]);
    assert_eq!(ran.exit, 1);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn what_cannot_be_had_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hk.tar.gz");
    let mut rooms = Rooms::usual();
    rooms.daemon = Some(hostkeeper::cli::Unreached::Silent);
    let ran = Bench::of(rooms).run(&["support-bundle", "--output", path.to_str().unwrap(), "--json"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let missing = members(&path).into_iter().find(|(name, _)| name.ends_with("missing.txt")).unwrap().1;
    assert!(missing.contains("status.json: the daemon at"), "{missing}");
}
