//! Configuration: one file (`a`), main file and one of conf.d apart by a NUL (`b`), single values (`c`), `config explain`
//! (`d`). What holds is shown as TOML that holds the same; what does not is told within bounds and without a character
//! that commands a terminal.
#![no_main]

use hostkeeper::config::{Loaded, Located, Problems, Settings, Source, check, diff, explain, parse_sources, show};
use hostkeeper::keepers::storage::config::{Tier, check_path, parse_mode, parse_owner, parse_place};
use hostkeeper::values::{Bytes, Every, ProjectName, Window};
use hostkeeper_fuzz::{choose, halves, text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match choose(data, 4) {
        Some((0, rest)) => read(&[source("hostkeeper.toml", rest)]),
        Some((1, rest)) => {
            let (main, below) = halves(rest);
            read(&[source("hostkeeper.toml", main), source("conf.d/athena.toml", below)]);
        }
        Some((2, rest)) => values(&text(rest)),
        Some((_, rest)) => ask(&text(rest)),
        None => {}
    }
});

fn source(name: &str, bytes: &[u8]) -> Source {
    Source { name: name.into(), bytes: bytes.to_vec() }
}

fn read(sources: &[Source]) {
    let outcome = parse_sources(sources);
    let answer = check(&outcome);
    assert_eq!(answer.good, outcome.is_ok());
    match &outcome {
        Ok(loaded) => shown_is_the_same(loaded),
        Err(problems) => told(problems, sources),
    }
}

/// What `config show` prints can be read again and means the same.
fn shown_is_the_same(loaded: &Loaded) {
    let shown = show(loaded, true).text;
    let again = parse_sources(&[source("shown.toml", shown.as_bytes())]);
    let again = again.unwrap_or_else(|problems| panic!("{problems}\n{shown}"));
    assert_eq!(diff(loaded, &again).text, "no difference\n");
    let (was, is): (&Settings, &Settings) = (&loaded.settings, &again.settings);
    assert!(was == is, "{shown}");
}

fn told(problems: &Problems, sources: &[Source]) {
    assert!((1..=200).contains(&problems.problems.len()));
    assert!(harmless(&problems.to_string()));
    for problem in &problems.problems {
        assert!(!problem.text.is_empty() && !problem.cure.is_empty(), "{problem:?}");
        placed(problem, sources);
    }
}

/// A place lies in its file.
fn placed(problem: &Located, sources: &[Source]) {
    let (Some(line), Some(column)) = (problem.line(), problem.column()) else { return };
    let file = sources.iter().find(|source| source.name == problem.file).expect("a file that was given");
    let lines: Vec<&[u8]> = file.bytes.split(|byte| *byte == b'\n').collect();
    let found = lines.get(line - 1).unwrap_or_else(|| panic!("no line {line}: {problem:?}"));
    assert!(column <= found.len() + 1, "{problem:?}");
}

fn harmless(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c))
}

fn values(text: &str) {
    if let Ok(every) = text.parse::<Every>() {
        assert_eq!(every.exact().parse::<Every>().ok(), Some(every));
        assert!(every.to_string().parse::<Every>().is_ok_and(|shown| shown <= every));
    }
    if let Ok(bytes) = text.parse::<Bytes>() {
        assert_eq!(format!("{}B", bytes.0).parse::<Bytes>().ok(), Some(bytes));
        assert!(bytes.to_string().parse::<Bytes>().is_ok() || bytes.0 > 1 << 63);
    }
    if let Ok(name) = text.parse::<ProjectName>() {
        assert_eq!(name.as_str(), text);
    }
    if let Ok(window) = serde_json::from_str::<Window>(text) {
        let written = serde_json::to_string(&window).expect("a window can be written");
        assert_eq!(serde_json::from_str::<Window>(&written).ok(), Some(window));
    }
    if let Some(mode) = parse_mode(text) {
        assert!(mode <= 0o7777);
    }
    if let Some((user, group)) = parse_owner(text) {
        assert_eq!(parse_owner(&format!("{user}:{group}")), Some((user, group)));
    }
    place(text);
}

/// A declared directory stays below its tier, whatever is written.
fn place(text: &str) {
    let Ok(tier) = serde_json::from_str::<Tier>(r#"{"path": "/srv/ssd"}"#) else { panic!("not a tier") };
    if let Ok(place) = parse_place(&tier, text) {
        assert!(place.starts_with("/srv/ssd/") && check_path(&place).is_ok(), "{place}");
        assert!(!place.split('/').skip(1).any(|part| matches!(part, "" | "." | "..")), "{place}");
    }
}

fn ask(key: &str) {
    let loaded = parse_sources(&[]).expect("the defaults hold");
    let answer = explain(&loaded, key);
    assert!(!answer.text.is_empty() && answer.text.len() <= 16 * 1024 + key.len());
}
