//! Files of projects that hold secrets: `.env` and Compose files. Which variables hold some, who may read the file, and how
//! old it is; the values stay here.

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use jiff::Timestamp;
use nix::libc::O_NONBLOCK;

use super::environment::find_secret;
use crate::values::one_line;

/// Bytes that are read of a file.
const MOST: u64 = 1024 * 1024;
/// Names that are kept of a file.
const MOST_NAMES: usize = 50;

/// A file that holds secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretFile {
    pub path: String,
    /// The variables that are secrets, without their values.
    pub names: Vec<String>,
    /// Whether any user of the host may read it.
    pub readable: bool,
    pub mode: u32,
    pub changed: Option<Timestamp>,
}

/// Looks into one file below `rootfs`. `None`: it is not there, is no regular file, or holds no secret.
pub fn read_secret_file(rootfs: &Path, path: &str) -> Option<SecretFile> {
    let at = rootfs.join(path.trim_start_matches('/'));
    // A pipe must keep nobody waiting.
    let file = OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(&at).ok()?;
    let facts = file.metadata().ok().filter(fs::Metadata::is_file)?;
    let mut text = Vec::new();
    file.take(MOST).read_to_end(&mut text).ok()?;
    let names = parse_secret_names(&String::from_utf8_lossy(&text));
    if names.is_empty() {
        return None;
    }
    Some(SecretFile {
        path: one_line(path, 4096),
        names,
        readable: facts.mode() & 0o004 != 0 && is_reachable(&at),
        mode: facts.mode() & 0o7777,
        changed: Timestamp::from_second(facts.mtime()).ok(),
    })
}

/// Whether every directory above lets anybody through, links followed.
fn is_reachable(path: &Path) -> bool {
    let Ok(path) = fs::canonicalize(path) else { return false };
    path.ancestors().skip(1).all(|above| fs::metadata(above).is_ok_and(|facts| facts.mode() & 0o001 != 0))
}

/// Names that are given a secret in lines such as `NAME=value`, `NAME: value`, `- NAME=value`, `- "NAME=value"`.
pub fn parse_secret_names(text: &str) -> Vec<String> {
    let mut names: Vec<String> = text.lines().filter_map(parse_line).take(MOST_NAMES * 4).collect();
    names.sort();
    names.dedup();
    names.truncate(MOST_NAMES);
    names
}

fn parse_line(line: &str) -> Option<String> {
    let line = line.trim().trim_start_matches("- ").trim().trim_start_matches("export ").trim_matches(['"', '\'']);
    if line.starts_with('#') {
        return None;
    }
    let at = line.find(['=', ':'])?;
    let (name, value) = (line.get(..at)?.trim(), line.get(at + 1..)?.trim());
    let named = !name.is_empty() && name.len() <= 100 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let value = value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
    // What another file or a shell gives stands elsewhere.
    let literal = named && !value.starts_with('$') && !value.contains("${") && !["|", ">", "{", "["].contains(&value);
    (literal && find_secret(name, value).is_some()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn names_are_found_in_both_forms_and_values_stay() {
        let text = "# DB_PASSWORD=old\nDB_PASSWORD=hunter2\nexport TOKEN='x'\nSAFE=1\nEMPTY_PASSWORD=\n    environment:\n      \
                    API_KEY: sk-1\n      OTHER_PASSWORD: ${PASSWORD}\n      - PG_PASSWORD=\"a b\" # why\n      - URL=redis://:p@h\n\
                    secrets:\n  db_password:\n    file: ./x\n";
        assert_eq!(parse_secret_names(text), ["API_KEY", "DB_PASSWORD", "PG_PASSWORD", "TOKEN", "URL"]);
    }

    #[test]
    fn who_may_read_it_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let (place, file) = (directory.path(), directory.path().join("env"));
        std::fs::write(&file, "DB_PASSWORD=PLANTED\n").unwrap();
        let chmod = |path: &Path, mode| std::fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let read = || read_secret_file(place, "/env").unwrap();
        chmod(place, 0o755);
        chmod(&file, 0o644);
        assert!(read().readable && read().names == ["DB_PASSWORD"] && read().changed.is_some());
        assert!(!format!("{:?}", read()).contains("PLANTED"));
        chmod(place, 0o700);
        assert!(!read().readable, "nobody gets there");
        chmod(place, 0o755);
        chmod(&file, 0o640);
        assert!(!read().readable);
        assert_eq!(read_secret_file(place, "/none"), None);
        nix::unistd::mkfifo(&place.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(read_secret_file(place, "/pipe"), None);
    }
}
