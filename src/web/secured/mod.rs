//! The page's own security: TLS, client certificates, users, from a web configuration in the format of Prometheus'
//! exporters. Files are looked at again with every connection; a broken change leaves what was in force, and a change
//! never takes TLS or all authentication away while the process runs.

mod client;
mod fault;
mod file;
mod tls;
mod tls_section;
mod users;
mod words;
mod yaml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::header::{HeaderName, HeaderValue};
use rustls::ServerConfig;

use crate::host::marked::{Mark, read_mark, read_small};
use fault::{Fault, Spot};
use tls::{Pems, build_tls};
use tls_section::{Given, TlsSection};
use words::ClientAuth;
use yaml::FILE_LIMIT;

pub use fault::Faults;
pub use file::{WebFile, parse_web_file};
pub use users::{Checks, Verdict, parse_basic};

/// Certificates and keys are small.
const PEM_LIMIT: u64 = 256 * 1024;

/// What a connection is served under.
#[derive(Default)]
pub struct InForce {
    pub tls: Option<Arc<ServerConfig>>,
    /// Empty: nobody is asked for a password.
    pub users: BTreeMap<String, String>,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether a client must show a certificate that an authority of ours signed.
    known_clients: bool,
    /// What is written and has no effect.
    notes: Vec<String>,
}

impl InForce {
    /// Whether nobody unknown is answered.
    pub fn authenticates(&self) -> bool {
        !self.users.is_empty() || self.known_clients
    }
}

/// A web configuration and what of it is in force.
pub struct Secured {
    /// `None`: none is configured.
    path: Option<PathBuf>,
    state: Mutex<State>,
    pub checks: Checks,
}

struct State {
    in_force: Arc<InForce>,
    seen: Seen,
    /// Why the newest files are not in force.
    trouble: Option<String>,
}

/// The files as they were when they were read last.
type Seen = Vec<(PathBuf, Mark)>;

impl Secured {
    /// Without any security: for loopback alone.
    pub fn open() -> Secured {
        Secured::with(None, InForce::default(), Vec::new())
    }

    /// From the file at `path`; everything that is wrong with it otherwise.
    pub fn load(path: &Path) -> Result<Secured, Faults> {
        let (seen, read) = read(path);
        let in_force = read?;
        for note in &in_force.notes {
            tracing::warn!("{}: {note}", path.display());
        }
        Ok(Secured::with(Some(path.to_owned()), in_force, seen))
    }

    fn with(path: Option<PathBuf>, in_force: InForce, seen: Seen) -> Secured {
        let state = State { in_force: Arc::new(in_force), seen, trouble: None };
        Secured { path, state: Mutex::new(state), checks: Checks::new() }
    }

    /// What is in force now. Reads the files again when one of them has changed.
    pub fn current(&self) -> Arc<InForce> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &self.path
            && !state.seen.iter().all(|(file, mark)| mark.still(&read_mark(file)))
        {
            state.renew(path);
        }
        Arc::clone(&state.in_force)
    }

    /// Whether connections are under TLS. That never changes while the process runs.
    pub fn has_tls(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).in_force.tls.is_some()
    }

    /// Why the newest files are not in force, on one line.
    pub fn trouble(&self) -> Option<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).trouble.clone()
    }
}

/// Everything that is wrong with the web configuration at `path` and the files that it names.
pub fn check_file(path: &Path) -> Result<(), Faults> {
    read(path).1.map(|_| ())
}

impl State {
    fn renew(&mut self, path: &Path) {
        let (seen, read) = read(path);
        // A file of a moment ago is read again and again; what has not changed is not news.
        let pairs = seen.iter().zip(&self.seen);
        let news = seen.len() != self.seen.len()
            || !pairs.into_iter().all(|(new, old)| new.0 == old.0 && new.1.is_like(&old.1));
        self.seen = seen;
        let trouble = match read {
            Err(faults) => Some(faults.brief()),
            Ok(new) => match weakened(&self.in_force, &new) {
                Some(lost) => Some(format!("{}: {lost}", path.display())),
                None => {
                    self.in_force = Arc::new(new);
                    None
                }
            },
        };
        match &trouble {
            Some(why) if self.trouble != trouble => {
                tracing::error!("the web configuration does not hold, the earlier one stays in force: {why}");
            }
            None if news || self.trouble.is_some() => {
                tracing::info!("the web configuration was read again: {}", path.display())
            }
            _ => {}
        }
        self.trouble = trouble;
    }
}

/// What a change would take away that must not go while the process runs: a file that is just being written may look
/// like one without users.
fn weakened(old: &InForce, new: &InForce) -> Option<&'static str> {
    if old.tls.is_some() != new.tls.is_some() {
        return Some("TLS is switched on or off only by a restart: systemctl restart hostkeeper-web");
    }
    if old.authenticates() && !new.authenticates() {
        return Some("all authentication is taken away only by a restart: systemctl restart hostkeeper-web");
    }
    None
}

/// Everything from the files, and what they were like just before they were read.
fn read(path: &Path) -> (Seen, Result<InForce, Faults>) {
    let mut seen = vec![(path.to_owned(), read_mark(path))];
    let text = match read_text(path) {
        Ok(text) => text,
        Err(error) => {
            let fault = unreadable(Spot::default(), path, &error);
            return (seen, Err(Faults::of(path, "", vec![fault])));
        }
    };
    let settled = parse_web_file(&text).and_then(|file| settle(path, file, &mut seen));
    (seen, settled.map_err(|faults| Faults::of(path, &text, faults)))
}

fn read_text(path: &Path) -> io::Result<String> {
    let bytes = read_small(path, FILE_LIMIT as u64)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "this is not UTF-8 text"))
}

/// With certificates and keys, whose files are added to `seen`.
fn settle(path: &Path, file: WebFile, seen: &mut Seen) -> Result<InForce, Vec<Fault>> {
    let WebFile { tls, users, headers, notes } = file;
    let known_clients = tls.as_ref().is_some_and(|tls| tls.client_auth == ClientAuth::RequireAndVerify);
    let tls = match &tls {
        Some(section) => Some(read_tls(path, section, seen)?),
        None => None,
    };
    Ok(InForce { tls, users, headers, known_clients, notes })
}

fn read_tls(path: &Path, section: &TlsSection, seen: &mut Seen) -> Result<Arc<ServerConfig>, Vec<Fault>> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut faults = Vec::new();
    let mut read = |given: &Given| {
        if given.inline {
            return given.text.clone().into_bytes();
        }
        let file = folder.join(&given.text);
        seen.push((file.clone(), read_mark(&file)));
        read_small(&file, PEM_LIMIT).unwrap_or_else(|error| {
            faults.push(unreadable(given.spot, &file, &error));
            Vec::new()
        })
    };
    let pems =
        Pems { cert: read(&section.cert), key: read(&section.key), client_ca: section.client_ca.as_ref().map(read) };
    if faults.is_empty() { build_tls(section, &pems).map_err(|fault| vec![fault]) } else { Err(faults) }
}

fn unreadable(spot: Spot, file: &Path, error: &io::Error) -> Fault {
    let shown = file.display();
    let (what, cure) = match error.kind() {
        io::ErrorKind::NotFound => (
            "there is no such file",
            "name a file that there is; a relative path begins at the folder of the web configuration".to_owned(),
        ),
        io::ErrorKind::PermissionDenied => (
            "it may not be read by the page, which has no rights",
            format!("chgrp hostkeeper {shown} && chmod 640 {shown}, or hand it over with LoadCredential="),
        ),
        _ => ("it cannot be read", format!("look at it: ls -l {shown}")),
    };
    let why = if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) {
        String::new()
    } else {
        format!(": {error}")
    };
    Fault::new(spot, format!("{shown}: {what}{why}"), cure)
}
