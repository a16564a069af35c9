//! A folder for each wrong configuration; `expected.txt` is what must be said, to the character.
//! `UPDATE=1 cargo test --release --test config` writes it anew: read what changes.

use std::fs;
use std::path::{Path, PathBuf};

use hostkeeper::config::{Source, check, load, parse_sources};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/wrong");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

#[test]
fn every_wrong_file_is_told_all_its_problems() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut differ = Vec::new();
    for case in cases() {
        let answer = check(&load(&case.join("hostkeeper.toml")));
        assert!(!answer.good, "{} holds", case.display());
        let expected = case.join("expected.txt");
        if update {
            fs::write(&expected, &answer.text).unwrap();
        }
        if fs::read_to_string(&expected).unwrap_or_default() != answer.text {
            differ.push(format!("{}\n{}", case.display(), answer.text));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n----\n"));
}

#[test]
fn every_problem_has_a_place_a_key_and_a_cure() {
    let cases = cases();
    assert!(cases.len() >= 50, "{} cases", cases.len());
    for case in cases {
        let problems = load(&case.join("hostkeeper.toml")).unwrap_err();
        let json = problems.to_json();
        assert_eq!(json["schema"], "hostkeeper.config-problems/1");
        for (located, json) in problems.problems.iter().zip(json["problems"].as_array().unwrap()) {
            let told = format!("{}: {located}", case.display());
            assert!(located.line().is_some() && located.column().is_some(), "{told}");
            assert!(!located.key.is_empty() && !located.text.is_empty() && !located.cure.is_empty(), "{told}");
            assert_eq!(json["line"].as_u64().unwrap() as usize, located.line().unwrap());
            assert!(json["file"].as_str().unwrap().ends_with(".toml"), "{told}");
        }
    }
}

#[test]
fn no_drawn_line_is_wider_than_80_columns_but_the_headline() {
    for case in cases() {
        let text = check(&load(&case.join("hostkeeper.toml"))).text;
        for line in text.lines().filter(|line| !line.starts_with("error: ")) {
            assert!(line.chars().count() <= 80, "{}: {line}", case.display());
        }
        assert!(!text.contains("hunter") && !text.contains("tok-123456"), "a secret is shown:\n{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}']), "the terminal could be commanded:\n{text}");
    }
}

/// A file that is being written, or that a disk spoilt: each beginning of each file, and each byte of it flipped.
#[test]
fn cut_and_spoilt_files_are_read_or_refused() {
    for case in cases() {
        let whole = fs::read(case.join("hostkeeper.toml")).unwrap();
        for at in 0..whole.len() {
            let mut spoilt = whole.clone();
            spoilt[at] ^= 0x21;
            for bytes in [whole[..at].to_vec(), spoilt] {
                let outcome = parse_sources(&[Source { name: "hostkeeper.toml".into(), bytes }]);
                let told = outcome.err().map(|problems| (problems.problems.len(), problems.to_string()));
                assert!(told.is_none_or(|(count, text)| count > 0 && text.len() > 20), "{} at {at}", case.display());
            }
        }
    }
}
