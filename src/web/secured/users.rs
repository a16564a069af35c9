//! Users and their passwords: HTTP's basic authentication against bcrypt hashes. Checks are few at a time and take the
//! same time for a name that there is not; what was right is known for a while without a hash. Keeps no password.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

/// Checks at once; each takes a processor for some tens of milliseconds.
const MOST_CHECKS: usize = 2;
/// A request waits so long for its check to begin.
const WAIT: Duration = Duration::from_secs(5);
/// Right passwords that are known without a hash.
const MOST_KNOWN: usize = 100;
/// The longest name or password, bytes. bcrypt itself looks at 72.
const LONGEST: usize = 1024;

/// Whether a request may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Good,
    /// No password, or a wrong one.
    Bad,
    /// Too many are being checked.
    Busy,
}

/// A name and a password as they were sent.
#[derive(PartialEq, Eq)]
pub struct Credentials {
    pub name: String,
    pub password: Vec<u8>,
}

/// What an `Authorization` header says; nothing when it is not of the basic kind.
pub fn parse_basic(header: &HeaderValue) -> Option<Credentials> {
    let (scheme, rest) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let whole = STANDARD.decode(rest.trim()).ok().filter(|whole| whole.len() <= LONGEST)?;
    let colon = whole.iter().position(|byte| *byte == b':')?;
    let (name, password) = whole.split_at(colon);
    // bcrypt would read a password up to its first NUL.
    let password = password.get(1..).filter(|password| !password.contains(&0))?;
    Some(Credentials { name: String::from_utf8(name.to_vec()).ok()?, password: password.to_vec() })
}

/// The checks of one page.
pub struct Checks {
    places: Semaphore,
    /// Fingerprints of what was right, oldest first.
    known: Mutex<VecDeque<[u8; 32]>>,
}

impl Checks {
    pub fn new() -> Checks {
        Checks { places: Semaphore::new(MOST_CHECKS), known: Mutex::new(VecDeque::new()) }
    }

    /// Checks what was sent against `users`.
    pub async fn check(&self, users: &BTreeMap<String, String>, header: Option<&HeaderValue>) -> Verdict {
        let Some(sent) = header.and_then(parse_basic) else { return Verdict::Bad };
        let found = users.get(&sent.name);
        let hash = found.cloned().unwrap_or_else(|| stand_in(users));
        // With the hash, and its salt: a new password makes the old one unknown.
        let mark = fingerprint(&sent, &hash);
        if found.is_some() && self.is_known(&mark) {
            return Verdict::Good;
        }
        let Ok(Ok(_place)) = tokio::time::timeout(WAIT, self.places.acquire()).await else { return Verdict::Busy };
        let right = tokio::task::spawn_blocking(move || bcrypt::verify(&sent.password, &hash).unwrap_or(false)).await;
        if found.is_none() || !right.unwrap_or(false) {
            return Verdict::Bad;
        }
        self.keep(mark);
        Verdict::Good
    }

    #[cfg(test)]
    pub fn close(&self) {
        self.places.close();
    }

    fn is_known(&self, mark: &[u8; 32]) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(mark)
    }

    fn keep(&self, mark: [u8; 32]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KNOWN {
            known.pop_front();
        }
        known.push_back(mark);
    }
}

fn fingerprint(sent: &Credentials, hash: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in [sent.name.as_bytes(), hash.as_bytes(), &sent.password] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// A hash for a name that there is not, as dear as the dearest of the users': it takes as long to be wrong.
pub fn stand_in(users: &BTreeMap<String, String>) -> String {
    let cost = |hash: &String| hash.parse::<bcrypt::HashParts>().map(|parts| parts.get_cost()).ok();
    let cost = users.values().filter_map(cost).max().unwrap_or(bcrypt::DEFAULT_COST);
    format!("$2b${cost:02}$............................................................").chars().take(60).collect()
}
