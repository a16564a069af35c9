use proptest::prelude::*;

use super::*;
use crate::values::{Bytes, Mode};

fn source(name: &str, text: impl AsRef<[u8]>) -> Source {
    Source { name: name.into(), bytes: text.as_ref().into() }
}

fn parse(text: &str) -> Loaded {
    parse_sources(&[source("hostkeeper.toml", text)]).unwrap_or_else(|problems| panic!("{problems}"))
}

fn two(main: &str, other: &str) -> Loaded {
    let sources = [source("hostkeeper.toml", main), source("conf.d/athena.toml", other)];
    parse_sources(&sources).unwrap_or_else(|problems| panic!("{problems}"))
}

const MAIN: &str = "[host]\nmode = \"warn\"\n\n[storage]\nmode = \"enforce\"\n\n[storage.tier.ssd]\npath = \"/srv\"\n";
const ATHENA: &str = "[project.athena]\nmode = \"trial\"\nmaintenance_windows = [{ cron = \"0 3 * * 0\", duration = \"2h\" }]\n\
    [project.athena.dir.postgres]\ntier = \"ssd\"\npath = \"postgres\"\nowner = \"999:998\"\nmode = \"2770\"\n";

#[test]
fn the_drawn_form_is_that_of_the_specification() {
    let text = "\n\n\n\n\n[storage.tier.x]\nmin_free = \"16Gb\"\npath = \"/x\"\n";
    let problems = parse_sources(&[source("conf.d/athena.toml", text)]).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "error: conf.d/athena.toml:7:12: min_free = \"16Gb\": unknown unit \"Gb\"\n  \
         7 | min_free = \"16Gb\"\n    \
         |            ^^^^^^  use \"16GiB\" (17179869184) or \"16GB\" (16000000000)\n\n\
         1 problem in 1 file"
    );
    assert_eq!(
        problems.to_json()["problems"][0],
        serde_json::json!({
            "file": "conf.d/athena.toml", "line": 7, "column": 12, "key": "storage.tier.x.min_free",
            "text": "unknown unit \"Gb\"", "cure": "use \"16GiB\" (17179869184) or \"16GB\" (16000000000)",
        })
    );
}

#[test]
fn files_are_merged_into_settings() {
    let settings = two(MAIN, ATHENA).settings;
    let athena: crate::values::ProjectName = "athena".parse().unwrap();
    assert_eq!(settings.host.mode, Mode::Warn);
    assert_eq!(settings.projects[&athena].windows.len(), 1);
    let dir = &settings.storage.dirs[&(athena.clone(), "postgres".into())];
    assert_eq!((dir.mode_bits(), dir.owner_ids()), (Some(0o2770), Some((999, 998))));
    let rules = settings.rules();
    assert_eq!(rules.mode("storage", Some(&athena)), Mode::Warn);
    assert_eq!(rules.keepers["storage"], Mode::Enforce);
    assert_eq!(rules.projects[&athena], Mode::Trial);
    assert_eq!(rules.windows[&athena].len(), 1);
}

#[test]
fn show_says_where_each_value_is_set() {
    let answer = show(&two(MAIN, ATHENA), true);
    assert!(answer.text.contains("\nmode = \"warn\"  # hostkeeper.toml:2:8\n"), "{}", answer.text);
    assert!(answer.text.contains("\ninterval = \"10s\"  # default\n"), "{}", answer.text);
    assert!(answer.text.contains("owner = \"999:998\"  # conf.d/athena.toml:7:9\n"), "{}", answer.text);
    let values = answer.json["values"].as_array().unwrap();
    let owner = values.iter().find(|value| value["key"] == "project.athena.dir.postgres.owner").unwrap();
    assert_eq!((owner["file"].as_str(), owner["line"].as_u64()), (Some("conf.d/athena.toml"), Some(7)));
    let written = show(&two(MAIN, ATHENA), false);
    assert!(written.text.contains("\nmode = \"warn\"  # hostkeeper.toml:2:8\n"), "{}", written.text);
    assert!(written.text.contains("owner = \"999:998\""), "{}", written.text);
    assert!(!written.text.contains("# default") && !written.text.contains("interval"), "{}", written.text);
    assert!(written.json["values"].as_array().unwrap().iter().all(|value| value["line"].is_u64()));
}

#[test]
fn explain_tells_value_place_default_and_meaning() {
    let loaded = two(MAIN, ATHENA);
    let mode = explain(&loaded, "host.mode");
    for part in ["host.mode = \"warn\"", "hostkeeper.toml:2:8", "default  \"observe\"", "look and plan"] {
        assert!(mode.text.contains(part), "{}", mode.text);
    }
    let owner = explain(&loaded, "project.athena.dir.postgres.owner");
    assert!(owner.text.contains("uid:gid") && owner.text.contains("conf.d/athena.toml:7:9"), "{}", owner.text);
    let unset = explain(&loaded, "storage.tier.ssd.min_free");
    assert!(unset.good && unset.text.starts_with("storage.tier.ssd.min_free is not set"), "{}", unset.text);
    let table = explain(&loaded, "[project.athena]");
    assert!(table.text.contains("mode = \"trial\"") && table.text.contains("dir (table)"), "{}", table.text);
    let unknown = explain(&loaded, "host.intervall");
    assert!(!unknown.good && unknown.text.contains("did you mean host.interval?"), "{}", unknown.text);
    for nonsense in ["", ".", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p", "project.", "[", "x\u{1b}[2J"] {
        assert!(!explain(&loaded, nonsense).text.contains('\u{1b}'));
    }
}

#[test]
fn diff_names_every_change_once() {
    let answer = diff(&parse(MAIN), &two("[host]\nmode = \"enforce\"\n[storage.tier.ssd]\npath = \"/srv\"\n", ATHENA));
    let lines: Vec<&str> = answer.text.lines().collect();
    assert_eq!(lines[0], "~ host.mode: \"warn\" -> \"enforce\"  (hostkeeper.toml:2:8)");
    assert!(lines.contains(&"+ project.athena.mode = \"trial\"  (conf.d/athena.toml:2:8)"), "{}", answer.text);
    assert!(lines.contains(&"- storage.mode = \"enforce\"  (was hostkeeper.toml:5:8)"), "{}", answer.text);
    assert_eq!(answer.json["changes"].as_array().unwrap().len(), lines.len());
    assert_eq!(diff(&parse(MAIN), &parse(MAIN)).text, "no difference\n");
}

#[test]
fn check_says_what_holds() {
    let answer = check(&Ok(two(MAIN, ATHENA)));
    assert!(answer.good);
    assert_eq!(answer.text, "configuration holds: 0 files, 1 project, 1 tier, 1 directory, mode warn\n");
}

fn found(name: &str) -> Discovered {
    let name = name.to_owned();
    let mount = |path: &str| FoundMount {
        path: path.into(),
        device: "bcache0".into(),
        fstype: name.clone(),
        size: Bytes(1 << 40),
        free: Bytes(1 << 30),
        rotational: None,
    };
    Discovered {
        host: name.clone(),
        projects: vec![
            FoundProject { name: name.clone(), working_dir: name.clone(), containers: vec![name.clone(); 3] },
            FoundProject { name: "athena".into(), ..FoundProject::default() },
        ],
        mounts: vec![mount("/data"), mount("/data/"), mount("/"), mount(&name), mount(&format!("/{name}"))],
        bcache: vec![FoundBcache { name: "bcache0".into(), mode: name.clone() }],
        postgres: vec![FoundPostgres { container: name.clone(), project: None, image: name.clone() }],
        frpc: vec![name.clone()],
        gpus: vec![name],
    }
}

#[test]
fn init_writes_what_holds_and_observes() {
    let text = init(&found("wxlibrary"));
    let loaded = parse(&text);
    assert_eq!(loaded.settings.host.mode, Mode::Observe);
    assert_eq!(loaded.settings.projects.len(), 2);
    assert!(loaded.settings.storage.tiers.contains_key("data"), "{text}");
    assert!(text.contains("#[project.athena.dir.data]"), "{text}");
    let switched_on = text.replace("\n#[", "\n[").replace("\n#tier", "\ntier").replace("\n#path", "\npath");
    parse(&switched_on.replace("\n#owner", "\nowner").replace("\n#mode = \"07", "\nmode = \"07"));
}

/// Pieces of which wrong and right files are made.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "[host]\n",
        "[",
        "]",
        "{",
        "}",
        "mode = ",
        "\"observe\"",
        "\n",
        "\"",
        "\"\"\"",
        "'",
        "=",
        ".",
        ",",
        "#",
        "\\",
        "[project.a.dir.b]\n",
        "[storage.tier.x]\n",
        "path = \"/x\"\n",
        "tier = \"x\"\n",
        "min_free = ",
        "5",
        "1e400",
        "2026-11-21",
        "true",
        "\r\n",
        "\t",
        "ä",
        "\u{feff}",
        "maintenance_windows = [",
        "cron = \"* * * * *\"",
        "🦀",
    ];
    prop_oneof![4 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,4}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Err(problems) = parse_sources(&[source("a.toml", bytes)]) {
            prop_assert!(!problems.problems.is_empty() && !problems.to_string().is_empty());
        }
    }

    #[test]
    fn any_pieces_are_read_or_refused_with_cures(pieces in prop::collection::vec(piece(), 0..40)) {
        let text = pieces.concat();
        match parse_sources(&[source("a.toml", &text)]) {
            Ok(loaded) => prop_assert_eq!(parse(&show(&loaded, true).text).settings, loaded.settings),
            Err(problems) => {
                prop_assert!(!problems.problems.is_empty());
                for problem in &problems.problems {
                    prop_assert!(!problem.text.is_empty() && !problem.cure.is_empty(), "{}", problem);
                    prop_assert!(problem.line().is_some(), "{}", problem);
                }
            }
        }
    }

    #[test]
    fn what_is_shown_reads_back_the_same(
        mode in prop::sample::select(vec!["observe", "warn", "trial", "enforce"]),
        interval in 1_u64..3600,
        label in "[a-z\"\\\\äß🦀.]{1,12}",
        names in prop::collection::btree_set("[a-z0-9][a-z0-9_-]{0,8}", 0..4),
    ) {
        let label = super::show::render_text(&label);
        let mut text = format!(
            "[host]\nmode = \"{mode}\"\ninterval = \"{interval}s\"\n[vitals]\ncontainer_labels = [{label}]\n\
             [storage.tier.x]\npath = \"/x\"\n"
        );
        for name in &names {
            text.push_str(&format!("[project.{name}]\n[project.{name}.dir.\"{name}\"]\ntier = \"x\"\npath = {label}\n"));
        }
        if let Ok(loaded) = parse_sources(&[source("a.toml", &text)]) {
            for effective in [true, false] {
                prop_assert_eq!(&parse(&show(&loaded, effective).text).settings, &loaded.settings);
            }
        } else {
            prop_assert!(names.len() > 1 || label.contains('.'), "{}", text);
        }
    }

    #[test]
    fn init_holds_whatever_is_found(name in "\\PC{0,20}|[a-z\\n\"\\\\/.\\[\\]#= -]{0,20}") {
        let text = init(&found(&name));
        let outcome = parse_sources(&[source("hostkeeper.toml", &text)]);
        prop_assert!(outcome.is_ok(), "{}\n{}", text, outcome.unwrap_err());
    }
}
