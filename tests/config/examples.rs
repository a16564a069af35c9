//! Every example in the repository holds: the files in `etc/`, the TOML blocks of the documents, the reference itself.

use std::fs;
use std::path::{Path, PathBuf};

use hostkeeper::config::{Loaded, Problems, Source, load, parse_sources, reference, words_of};
use hostkeeper::keepers::vitals;
use hostkeeper::round::Limits;
use hostkeeper::values::Mode;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn parse(text: &str) -> Result<Loaded, Problems> {
    parse_sources(&[Source { name: "hostkeeper.toml".into(), bytes: text.into() }])
}

fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.to_string_lossy().ends_with(end)).collect();
    files.sort();
    files
}

#[test]
fn every_packaged_file_holds_and_observes() {
    let etc = root().join("etc");
    let mut all = files(&etc.join("examples"), ".toml");
    all.push(etc.join("hostkeeper.toml"));
    assert!(all.len() >= 3);
    for file in all {
        let loaded = load(&file).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(loaded.settings.host.mode, Mode::Observe, "{}", file.display());
    }
}

#[test]
fn the_demonstration_holds() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().to_str().unwrap();
    fs::create_dir(folder.path().join("conf.d")).unwrap();
    let demo = root().join("etc/demo");
    for file in files(&demo, ".toml").into_iter().chain(files(&demo.join("conf.d"), ".toml")) {
        let text = fs::read_to_string(&file).unwrap().replace("@RUN@", run);
        fs::write(folder.path().join(file.strip_prefix(&demo).unwrap()), text).unwrap();
    }
    let loaded = load(&folder.path().join("hostkeeper.toml")).unwrap_or_else(|problems| panic!("{problems}"));
    let settings = loaded.settings;
    assert_eq!(settings.host.mode, Mode::Enforce);
    assert_eq!(settings.projects.keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["library", "museum", "shop"]);
    assert!(settings.host.kill_switch.starts_with(run));
    assert!(settings.storage.tiers.values().all(|tier| tier.path.starts_with(run)));
    assert_eq!(settings.rules().mode("storage", Some(&"museum".parse().unwrap())), Mode::Observe);
}

/// The blocks of a document between ```toml and ```.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("```toml\n") {
        let (block, after) = after.split_once("```").unwrap();
        blocks.push(block.to_owned());
        rest = after;
    }
    blocks
}

#[test]
fn every_toml_block_of_the_documents_holds() {
    let mut documents = files(&root().join("docs"), ".md");
    documents.extend(
        ["README.md", "CONTRIBUTING.md"].map(|name| root().join(name)).into_iter().filter(|path| path.exists()),
    );
    let mut count = 0;
    for document in documents {
        for block in blocks(&fs::read_to_string(&document).unwrap()) {
            count += 1;
            let problems = parse(&block).err().map(|problems| problems.to_string());
            assert_eq!(problems, None, "{}:\n{block}", document.display());
        }
    }
    assert!(count > 0);
}

#[test]
fn the_document_holds_the_reference() {
    let path = root().join("docs/configuration.md");
    let text = fs::read_to_string(&path).unwrap();
    let (head, mark) = text.split_once("<!-- below: ").unwrap();
    let (mark, _) = mark.split_once("-->\n").unwrap();
    let expected = format!("{head}<!-- below: {mark}-->\n{}", reference());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, expected, "UPDATE=1 cargo test --release --test config");
}

fn defaults() -> String {
    fs::read_to_string(root().join("src/config/defaults.toml")).unwrap()
}

#[test]
fn the_defaults_are_those_of_the_parts() {
    let settings = parse("").unwrap().settings;
    assert_eq!(settings.guard, Limits::default());
    assert_eq!(settings.vitals, vitals::config::Config::default());
    assert_eq!(settings.host.mode, Mode::Observe);
    assert_eq!(settings.web.listen.to_string(), "127.0.0.1:9733");
    assert!(settings.metrics.off().is_empty() && settings.projects.is_empty());
    assert_eq!(parse(&defaults()).unwrap().settings, settings, "the defaults are a configuration");
}

/// With every example line switched on, the reference is a configuration: the examples in it are true.
#[test]
fn the_examples_of_the_reference_hold() {
    let lines = defaults();
    let switched_on = lines.lines().map(|line| match line.strip_prefix('#') {
        Some(example) if !example.starts_with(' ') => example.replace("NAME", "bcache"),
        _ => line.to_owned(),
    });
    // The members that the example of a pool names.
    let members = ["zk1", "zk2", "zk3"];
    let members = members.map(|name| format!("[project.bcache.dir.{name}]\ntier = \"bcache\"\npath = \"pool/{name}\""));
    let logs = "[project.bcache.dir.nginx_logs]\ntier = \"bcache\"\npath = \"nginx_logs\"".to_owned();
    let text = switched_on.chain(members).chain([logs]).collect::<Vec<_>>().join("\n");
    let settings = parse(&text).unwrap_or_else(|problems| panic!("{problems}")).settings;
    assert_eq!((settings.storage.tiers.len(), settings.storage.dirs.len(), settings.projects.len()), (1, 5, 1));
    assert_eq!((settings.storage.pools.len(), settings.storage.cleans.len()), (1, 1));
}

/// The reader itself says which keys it knows; each must be in the reference, and nothing else.
#[test]
fn every_key_is_in_the_reference() {
    let tables = [
        "host",
        "guard",
        "metrics",
        "vitals",
        "storage",
        "storage.smart",
        "storage.tier.x",
        "storage.tier.x.expected",
        "storage.tier.x.cache",
        "project.x",
        "project.x.dir.x",
        "project.x.clean.x",
        "api",
        "web",
        "ledger",
    ];
    for table in tables {
        let problems = parse(&format!("[{table}]\nqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq = 1\n")).unwrap_err();
        let unknown = problems.problems.iter().find(|problem| problem.text.starts_with("unknown key")).unwrap();
        let known: Vec<&str> = unknown.cure.split('"').skip(1).step_by(2).collect();
        assert!(!known.is_empty(), "{unknown}");
        for key in &known {
            let nested =
                words_of(&format!("{table}.{key}")).is_some() || words_of(&format!("{table}.{key}.x")).is_some();
            assert!(nested, "{table}.{key} is not in the reference");
        }
        let heading = format!("### `[{}]`", table.replace(".x", ".NAME"));
        let section =
            reference().split("\n### ").map(|part| format!("### {part}")).find(|part| part.contains(&heading));
        let rows = section.unwrap().lines().filter(|line| line.starts_with("| `")).count();
        let is_key = |key: &str| {
            let own_heading = format!("### `[{}]`", format!("{table}.{key}").replace(".x", ".NAME"));
            words_of(&format!("{table}.{key}")).is_some() && !reference().contains(&own_heading)
        };
        let without_tables = known.iter().filter(|key| is_key(key)).count();
        assert_eq!(rows, without_tables, "{table}");
    }
}
