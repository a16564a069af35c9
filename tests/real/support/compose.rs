//! Compose v2 as the tests have it: built when it is missing. `None`, said aloud, where that is not possible; in CI a failure.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A Docker configuration (`DOCKER_CONFIG`) with Compose as plugin.
pub fn compose(test: &str) -> Option<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bin/compose");
    let output = Command::new(script).output().unwrap();
    if output.status.success() {
        return Some(PathBuf::from(String::from_utf8(output.stdout).unwrap().trim()));
    }
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{test} cannot run in CI: {why}");
    println!("skipped: {test} ({})", why.lines().last().unwrap_or_default());
    None
}
