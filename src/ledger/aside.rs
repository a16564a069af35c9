//! Damaged ledgers are kept, not deleted: moved beside the ledger under a name with the time, the newest few of them.

use std::fs;
use std::path::{Path, PathBuf};

use super::place::beside;
use crate::values::Now;

/// How many damaged ledgers are kept. The newest is never deleted.
const KEPT: usize = 3;
const MARK: &str = ".corrupt-";

/// The damaged ledgers (and torn journals) beside `ledger`, oldest first. Empty when the directory cannot be read.
pub fn list_aside(ledger: &Path) -> Vec<PathBuf> {
    let Some(directory) = ledger.parent() else { return Vec::new() };
    let prefix = beside(ledger, MARK).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)))
        .collect();
    found.sort();
    found
}

/// Moves the ledger and the files beside it away, and returns where it is now.
pub fn move_aside(ledger: &Path, now: &Now) -> std::io::Result<PathBuf> {
    let target = free_name(ledger, now);
    // The journal first: a kill in between leaves a damaged ledger without its journal, and the next start moves that.
    for suffix in ["-wal", "-shm"] {
        match fs::rename(beside(ledger, suffix), beside(&target, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(ledger, &target)?;
    drop_oldest(ledger);
    Ok(target)
}

/// Keeps a copy of a torn journal before SQLite cuts it.
pub fn copy_journal_aside(ledger: &Path, now: &Now) -> std::io::Result<PathBuf> {
    let target = beside(&free_name(ledger, now), "-wal");
    fs::copy(beside(ledger, "-wal"), &target)?;
    drop_oldest(ledger);
    Ok(target)
}

/// A name that sorts by time and is not taken.
fn free_name(ledger: &Path, now: &Now) -> PathBuf {
    let time = now.wall.strftime("%Y%m%dT%H%M%SZ").to_string();
    let name = |count: u32| match count {
        0 => beside(ledger, &format!("{MARK}{time}")),
        _ => beside(ledger, &format!("{MARK}{time}.{count}")),
    };
    let taken = |path: &PathBuf| path.exists() || beside(path, "-wal").exists();
    (0..100).map(name).find(|path| !taken(path)).unwrap_or_else(|| name(100))
}

/// Deletes damaged ledgers beyond the newest few, each with the files beside it. A failure leaves one too many.
fn drop_oldest(ledger: &Path) {
    let mut groups: Vec<(String, Vec<PathBuf>)> = Vec::new();
    for path in list_aside(ledger) {
        let text = path.to_string_lossy().into_owned();
        let name = text.trim_end_matches("-wal").trim_end_matches("-shm").to_owned();
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, files)) => files.push(path),
            None => groups.push((name, vec![path])),
        }
    }
    // By age of the files, not by name: a clock that was wrong once must not make the newest look old.
    groups.sort_by_key(|(_, files)| files.iter().filter_map(|file| fs::metadata(file).ok()?.modified().ok()).max());
    let surplus = groups.len().saturating_sub(KEPT);
    for file in groups.into_iter().take(surplus).flat_map(|(_, files)| files) {
        let _ = fs::remove_file(file);
    }
}
