//! Help, man pages, completions and the reference: each made from the command, each looked at by its own reader.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::canned::run;

/// Every verb as words: `["config", "check"]`.
fn verbs() -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for verb in hostkeeper::cli::command().get_subcommands() {
        found.push(vec![verb.get_name().to_owned()]);
        for below in verb.get_subcommands() {
            found.push(vec![verb.get_name().to_owned(), below.get_name().to_owned()]);
        }
    }
    found
}

/// Runs a program on `input`; a missing program is an error in CI and a named skip elsewhere.
fn feed(program: &str, args: &[&str], input: &[u8]) -> Option<String> {
    let started =
        Command::new(program).args(args).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = started else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{program} is missing");
        eprintln!("skipped: {program} is missing");
        return None;
    };
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program}: {said}");
    Some(said)
}

#[test]
fn every_verb_has_help_with_an_example_and_exit_codes() {
    for verb in verbs() {
        let words: Vec<&str> = verb.iter().map(String::as_str).chain(["--help"]).collect();
        let ran = run(&words);
        assert_eq!(ran.exit, 0, "{words:?}");
        let example = format!("  hostkeeper {}", verb.join(" "));
        let named = ran.out.split("Examples:\n").nth(1).unwrap_or_default();
        assert!(named.contains(verb.last().unwrap()), "{example}: {}", ran.out);
        assert!(ran.out.contains("Exit codes:\n  0 "), "{}", ran.out);
        assert!(ran.out.contains("Common options:"), "{}", ran.out);
    }
}

#[test]
fn examples_are_command_lines_that_parse() {
    let reference = hostkeeper::cli::render_reference();
    let mut tried = 0;
    for line in reference.lines().filter(|line| line.starts_with("hostkeeper ")) {
        let line = line.split("   #").next().unwrap();
        for part in line.split(['|', '&']).map(str::trim).filter(|part| part.starts_with("hostkeeper ")) {
            let parsed = hostkeeper::cli::command().try_get_matches_from(part.split_whitespace());
            assert!(parsed.is_ok(), "{part}: {:?}", parsed.err());
            tried += 1;
        }
    }
    assert!(tried >= 30, "{tried}");
}

#[test]
fn man_pages_render_without_warnings() {
    for verb in std::iter::once(Vec::new()).chain(verbs()) {
        let page = hostkeeper::cli::render_man(&verb).unwrap().unwrap();
        let text = String::from_utf8(page.clone()).unwrap();
        for section in ["NAME", "SYNOPSIS", "OPTIONS", "FILES", "ENVIRONMENT"] {
            assert!(text.contains(&format!(".SH {section}")), "{verb:?} has no {section}");
        }
        assert_eq!(text.contains(".SH \"EXIT STATUS\""), !verb.is_empty(), "{verb:?}: {text}");
        if let Some(said) = feed("groff", &["-man", "-Tutf8", "-ww", "-z"], &page) {
            assert_eq!(said, "", "{verb:?}");
        }
    }
}

#[test]
fn completions_load_in_their_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = run(&["completion", shell]);
        assert_eq!(ran.exit, 0);
        assert!(ran.out.contains("support-bundle"), "{shell}");
        if shell == "bash" {
            feed("bash", &["-n"], ran.out.as_bytes());
        }
    }
}

#[test]
fn the_reference_is_the_generated_one() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    let made = hostkeeper::cli::render_reference();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &made).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap_or_default() == made, "docs/cli.md is old: run with UPDATE=1");
}

#[test]
fn version_and_help_go_out() {
    assert!(run(&["--version"]).out.starts_with("hostkeeper "));
    let help = run(&["--help"]);
    assert_eq!((help.exit, help.err.as_str()), (0, ""));
    assert!(help.out.lines().all(|line| line.chars().count() <= 80), "{}", help.out);
}
