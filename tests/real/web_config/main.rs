//! The page under a web configuration, as programs that speak TLS meet it: curl, openssl, Prometheus. The agent behind it is
//! scripted; certificates are made by openssl.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

#[path = "../../scripted/agent.rs"]
mod scripted;

mod certificates;
mod exposed;
mod page;
mod prometheus;
mod tls;
mod users;

use std::path::Path;

/// Whether the programs are there; in CI they must be.
fn have(programs: &[&str]) -> bool {
    let there = |program: &&&str| {
        std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(Path::new(program)).exists()))
    };
    let missing: Vec<_> = programs.iter().filter(|program| !there(program)).collect();
    assert!(missing.is_empty() || std::env::var("CI").as_deref() != Ok("true"), "CI needs {missing:?}");
    if !missing.is_empty() {
        println!("skipped: {missing:?} not there");
    }
    missing.is_empty()
}
