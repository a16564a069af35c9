//! The only file of this room that touches the machine: which files there are, and their bytes. Every read is
//! bounded; nothing is waited for (a pipe in conf.d is refused, not read).

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::located::{Located, Problems};
use super::source::{FILE_LIMIT, Source};
use super::{Loaded, parse_sources};

/// Where the packaged configuration is. Only there a missing file means: defaults.
pub const DEFAULT_PATH: &str = "/etc/hostkeeper/hostkeeper.toml";

/// More files than this are refused.
const MOST_FILES: usize = 500;

/// Reads `path` and `conf.d/*.toml` beside it, in the order of their names.
pub fn load(path: &Path) -> Result<Loaded, Problems> {
    let mut found = Found::default();
    let main = name_of(path);
    match read_bounded(path) {
        Ok(bytes) => found.add(path.to_path_buf(), Source { name: main, bytes }),
        Err(error) if is_absent(&error, path) && path == Path::new(DEFAULT_PATH) => {}
        Err(error) => found.problems.push(refused(&main, path, &error)),
    }
    let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let below = beside.join("conf.d");
    found.add_directory(&below);
    found.warn_writable([beside, &below]);
    found.parse()
}

#[derive(Default)]
struct Found {
    paths: Vec<PathBuf>,
    sources: Vec<Source>,
    problems: Vec<Located>,
    warnings: Vec<Located>,
}

impl Found {
    fn add(&mut self, path: PathBuf, source: Source) {
        self.paths.push(path);
        self.sources.push(source);
    }

    fn add_directory(&mut self, directory: &Path) {
        let files = match list_toml(directory) {
            Ok(files) => files,
            Err(error) if is_absent(&error, directory) => return,
            Err(error) => return self.problems.push(refused("conf.d", directory, &error)),
        };
        if files.len() > MOST_FILES {
            let text = format!("more than {MOST_FILES} files");
            self.problems.push(Located::of_file("conf.d", text, "one file for each project is the habit"));
            return;
        }
        for path in files {
            let name = format!("conf.d/{}", name_of(&path));
            match read_bounded(&path) {
                Ok(bytes) => self.add(path, Source { name, bytes }),
                Err(error) => self.problems.push(refused(&name, &path, &error)),
            }
        }
    }

    /// Who can write these files, or put others in their place, commands the agent.
    fn warn_writable(&mut self, folders: [&Path; 2]) {
        let files = self.sources.iter().map(|source| source.name.clone()).zip(&self.paths);
        let mut open: Vec<(String, &Path)> =
            files.filter(|(_, path)| mode_of(path) & 0o002 != 0).map(|(name, path)| (name, path.as_path())).collect();
        // In a sticky folder such as /tmp nobody can replace the file of another.
        let folders = folders.into_iter().filter(|folder| mode_of(folder) & 0o1002 == 0o002);
        open.extend(folders.map(|folder| (format!("{}/", folder.display()), folder)));
        for (name, path) in open {
            let cure = format!("chmod o-w {}", path.display());
            self.warnings.push(Located::of_file(&name, "everyone may write here", &cure).warning());
        }
    }

    fn parse(self) -> Result<Loaded, Problems> {
        let Found { paths, sources, mut problems, warnings } = self;
        match parse_sources(&sources) {
            Ok(loaded) if problems.is_empty() => Ok(Loaded { files: paths, warnings, ..loaded }),
            Ok(_) => Err(Problems::of(problems, warnings)),
            Err(found) => {
                problems.extend(found.problems);
                Err(Problems { more: found.more, ..Problems::of(problems, warnings) })
            }
        }
    }
}

/// The visible `*.toml` of a directory by name; one more than allowed at most.
fn list_toml(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = name_of(&path);
        if name.ends_with(".toml") && !name.starts_with('.') {
            files.push(path);
        }
        if files.len() > MOST_FILES {
            break;
        }
    }
    files.sort();
    Ok(files)
}

/// At most one byte more than is allowed, so that the parser can refuse a large file with its place.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let file: File = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if !kind.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Nothing is there at all: a dangling link is there.
fn is_absent(error: &io::Error, path: &Path) -> bool {
    error.kind() == ErrorKind::NotFound && fs::symlink_metadata(path).is_err()
}

fn refused(name: &str, path: &Path, error: &io::Error) -> Located {
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_symlink());
    let shown = path.display();
    let (text, cure) = match error.kind() {
        ErrorKind::NotFound if is_link => ("the link leads nowhere".into(), format!("repair or remove {shown}")),
        ErrorKind::NotFound => (format!("no such file: {shown}"), "name an existing file with --config".into()),
        ErrorKind::IsADirectory => ("is a directory, not a file".into(), format!("move {shown} away, or name a file")),
        ErrorKind::NotADirectory => ("is no directory".into(), format!("make {shown} a directory, or remove it")),
        ErrorKind::PermissionDenied => ("may not be read".into(), format!("run as root, or allow reading {shown}")),
        _ => (format!("cannot be read: {error}"), format!("look at {shown}")),
    };
    Located::of_file(name, text, &cure)
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).map(|metadata| metadata.mode()).unwrap_or_default()
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
