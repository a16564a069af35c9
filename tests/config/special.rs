//! Files that are made on the spot: large, deep, binary, missing, unreadable, pipes, links.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use hostkeeper::config::{Problems, load};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn of_main(bytes: impl AsRef<[u8]>) -> Result<hostkeeper::config::Loaded, Problems> {
    let folder = folder();
    let main = folder.path().join("hostkeeper.toml");
    fs::write(&main, bytes).unwrap();
    load(&main)
}

/// The one problem, drawn.
fn one(outcome: Result<hostkeeper::config::Loaded, Problems>) -> String {
    let problems = outcome.unwrap_err();
    assert_eq!(problems.problems.len(), 1, "{problems}");
    problems.to_string()
}

#[test]
fn large_files_are_refused_by_their_limit() {
    let text = one(of_main(vec![b'#'; 10 << 20]));
    assert!(text.starts_with("error: hostkeeper.toml: larger than 1 MiB"), "{text}");
    assert!(of_main(vec![b'#'; 1 << 20]).is_ok());
}

#[test]
fn deep_nesting_is_refused_with_its_place() {
    let list = one(of_main(format!("[host]\nname = {}", "[".repeat(100_000))));
    assert!(list.contains("hostkeeper.toml:2:24: ") && list.contains("nests deeper than 16 levels"), "{list}");
    let tables = one(of_main(format!("x = {}", "{ a = ".repeat(100_000))));
    assert!(tables.contains("nests deeper"), "{tables}");
    let dotted = one(of_main(format!("{}a = 1", "a.".repeat(100_000))));
    assert!(dotted.contains("nests deeper"), "{dotted}");
    let header = one(of_main(format!("[{}a]", "a.".repeat(14))));
    assert!(header.contains("nests deeper than 12 levels"), "{header}");
    for hostile in ["[\n", "{\n", "[a.a.a.a.a.a.a.a.a.a.a.a.a.a.a\n", "x={a.a.a.a.a.a.a.a.a.a.a.a={", "\"\"\"[", "'[\n"]
    {
        assert!(of_main(hostile.repeat(100_000 / hostile.len())).is_err(), "{hostile}");
    }
}

/// Whatever is repeated, it ends, is no crash, and is told within the bound.
#[test]
fn repeated_nonsense_is_bounded() {
    for nonsense in [
        "a\n", "=\n", "a=\n", "a=b\n", "\"\n", "[\n", "]\n", "[a]\n", "[[a]]\n", "a={\n", "a=[1 \n", "\u{1}\n", "\r",
        "a.a=1\n",
    ] {
        let problems = of_main(nonsense.repeat((1 << 20) / nonsense.len())).unwrap_err();
        assert!((1..=200).contains(&problems.problems.len()), "{nonsense:?}: {}", problems.count());
    }
}

#[test]
fn what_is_no_text_is_told_where() {
    let latin = one(of_main(b"[host]\nname = \"M\xfcnchen\"\n"));
    assert!(latin.starts_with("error: hostkeeper.toml:2:10: not UTF-8: the byte 0xfc"), "{latin}");
    assert!(latin.contains("save the file as UTF-8"), "{latin}");
    let nul = one(of_main(b"[host]\nmode = \0\"observe\"\n"));
    assert!(nul.starts_with("error: hostkeeper.toml:2:8: a NUL byte"), "{nul}");
    let wide = one(of_main(b"\xff\xfe[\0h\0"));
    assert!(wide.contains("UTF-16"), "{wide}");
    assert!(of_main(b"").is_ok() && of_main(b"\xef\xbb\xbf").is_ok() && of_main(b"\r\n\r\n").is_ok());
}

#[test]
fn a_broken_file_does_not_hide_the_others() {
    let folder = folder();
    fs::create_dir(folder.path().join("conf.d")).unwrap();
    fs::write(folder.path().join("hostkeeper.toml"), b"\xff").unwrap();
    fs::write(folder.path().join("conf.d/a.toml"), "[host]\nmode = \"x\"\n").unwrap();
    fs::write(folder.path().join("conf.d/b.toml"), "[hots]\n").unwrap();
    let text = load(&folder.path().join("hostkeeper.toml")).unwrap_err().to_string();
    assert!(text.ends_with("3 problems in 3 files"), "{text}");
}

#[test]
fn missing_files_are_named() {
    let folder = folder();
    let missing = one(load(&folder.path().join("hostkeeper.toml")));
    assert!(missing.contains("no such file") && missing.contains("--config"), "{missing}");
    symlink("/nowhere/at/all", folder.path().join("hostkeeper.toml")).unwrap();
    let dangling = one(load(&folder.path().join("hostkeeper.toml")));
    assert!(dangling.contains("the link leads nowhere"), "{dangling}");
    let directory = one(load(folder.path()));
    assert!(directory.contains("is a directory, not a file"), "{directory}");
}

#[test]
fn conf_d_is_looked_at_file_by_file() {
    let folder = folder();
    let (main, below) = (folder.path().join("hostkeeper.toml"), folder.path().join("conf.d"));
    fs::write(&main, "").unwrap();
    fs::create_dir_all(below.join("directory.toml")).unwrap();
    symlink("/nowhere", below.join("link.toml")).unwrap();
    nix::unistd::mkfifo(&below.join("pipe.toml"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::write(below.join(".hidden.toml"), "wrong").unwrap();
    fs::write(below.join("note.txt"), "wrong").unwrap();
    fs::write(below.join("old.toml~"), "wrong").unwrap();
    let text = load(&main).unwrap_err().to_string();
    for part in
        ["conf.d/directory.toml: is a directory", "conf.d/link.toml: the link", "conf.d/pipe.toml: cannot be read"]
    {
        assert!(text.contains(part), "{text}");
    }
    assert!(text.ends_with("3 problems in 3 files"), "{text}");
}

#[test]
fn conf_d_has_bounds_and_must_be_a_directory() {
    let folder = folder();
    let (main, below) = (folder.path().join("hostkeeper.toml"), folder.path().join("conf.d"));
    fs::write(&main, "").unwrap();
    fs::write(&below, "").unwrap();
    assert!(one(load(&main)).contains("conf.d: is no directory"));
    fs::remove_file(&below).unwrap();
    symlink("/nowhere", &below).unwrap();
    assert!(one(load(&main)).contains("conf.d: the link leads nowhere"));
    fs::remove_file(&below).unwrap();
    fs::create_dir(&below).unwrap();
    for number in 0..500 {
        fs::write(below.join(format!("{number}.toml")), format!("[project.p{number}]\nmode = \"warn\"\n")).unwrap();
    }
    assert_eq!(load(&main).unwrap().settings.projects.len(), 500);
    fs::write(below.join("500.toml"), "").unwrap();
    assert!(one(load(&main)).contains("conf.d: more than 500 files"));
}

#[test]
fn problems_beyond_the_bound_are_counted_as_more() {
    let text: String = (0..5000).map(|number| format!("[project.p{number}]\nmode = \"x\"\n")).collect();
    let problems = of_main(text).unwrap_err();
    assert_eq!(problems.problems.len(), 200);
    assert!(problems.to_string().ends_with("more than 200 problems in 1 file"), "{}", problems.count());
}

#[test]
fn a_file_that_everyone_may_write_is_a_warning() {
    let folder = folder();
    let main = folder.path().join("hostkeeper.toml");
    fs::write(&main, "").unwrap();
    fs::set_permissions(&main, fs::Permissions::from_mode(0o666)).unwrap();
    let loaded = load(&main).unwrap();
    assert_eq!(loaded.warnings.len(), 1);
    assert!(loaded.warnings[0].to_string().starts_with("warning: hostkeeper.toml: everyone may write here"));
    fs::set_permissions(&main, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(load(&main).unwrap().warnings.is_empty());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(load(&main).unwrap().warnings.len(), 1);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    assert!(load(&main).unwrap().warnings.is_empty());
}

#[test]
fn an_unreadable_file_is_told() {
    if nix::unistd::geteuid().is_root() {
        eprintln!("skipped: root may read every file");
        return;
    }
    let folder = folder();
    let main = folder.path().join("hostkeeper.toml");
    fs::write(&main, "").unwrap();
    fs::set_permissions(&main, fs::Permissions::from_mode(0o000)).unwrap();
    assert!(one(load(&main)).contains("may not be read"));
}

#[test]
fn files_are_listed_in_the_order_of_reading() {
    let folder = folder();
    fs::create_dir(folder.path().join("conf.d")).unwrap();
    for name in ["hostkeeper.toml", "conf.d/20-b.toml", "conf.d/10-a.toml"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let loaded = load(&folder.path().join("hostkeeper.toml")).unwrap();
    let names: Vec<_> = loaded.files.iter().map(|file| file.strip_prefix(folder.path()).unwrap()).collect();
    assert_eq!(names, ["hostkeeper.toml", "conf.d/10-a.toml", "conf.d/20-b.toml"].map(Path::new));
}
