//! `tls_server_config` as it is written: whose certificate, who may come, which versions. Pure.

use rustls::pki_types::ServerName;

use super::fault::Spot;
use super::file::{Reading, short};
use super::words::{CURVES, CURVES_WITHOUT_EFFECT, ClientAuth, SUITES, SUITES_WITHOUT_EFFECT, Version, find, suggest};
use super::yaml::{Entry, Node};

const KEYS: &[&str] = &[
    "cert_file",
    "key_file",
    "cert",
    "key",
    "client_auth_type",
    "client_ca_file",
    "client_ca",
    "client_allowed_sans",
    "min_version",
    "max_version",
    "cipher_suites",
    "prefer_server_cipher_suites",
    "curve_preferences",
];

/// PEM that is given as the name of a file or as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub spot: Spot,
    pub text: String,
    /// `text` is PEM; else the path of a file, below the folder of the web configuration when it is relative.
    pub inline: bool,
}

/// What the section says; it holds.
#[derive(Clone, Debug)]
pub struct TlsSection {
    pub spot: Spot,
    pub cert: Given,
    pub key: Given,
    pub client_auth: ClientAuth,
    pub client_ca: Option<Given>,
    /// A verified client must have one of these names; empty: any.
    pub client_names: Vec<ServerName<'static>>,
    pub oldest: Version,
    pub newest: Version,
    /// Of TLS 1.2, by number; `None`: all that are offered.
    pub suites: Option<Vec<u16>>,
    pub curves: Option<Vec<u16>>,
    pub server_order: bool,
}

/// What was found, before it is looked at together.
#[derive(Default)]
struct Draft {
    cert: Option<Given>,
    key: Option<Given>,
    client_auth: Option<(ClientAuth, Spot)>,
    client_ca: Option<Given>,
    client_names: Option<(Vec<ServerName<'static>>, Spot)>,
    oldest: Option<(Version, Spot)>,
    newest: Option<(Version, Spot)>,
    suites: Option<(Vec<u16>, Spot)>,
    curves: Option<(Vec<u16>, Spot)>,
    server_order: Option<bool>,
}

/// The section; nothing when it is empty, or when something in it is wrong.
pub fn read_tls(reading: &mut Reading, node: &Node) -> Option<TlsSection> {
    let entries = reading.map(node, "tls_server_config");
    let mut draft = Draft::default();
    for entry in entries {
        draft.take(reading, entry);
    }
    if entries.is_empty() { None } else { draft.settle(reading, entries.first()?.spot) }
}

impl Draft {
    fn take(&mut self, reading: &mut Reading, entry: &Entry) {
        match entry.name.as_str() {
            "cert_file" | "cert" => give(reading, &mut self.cert, entry),
            "key_file" | "key" => give(reading, &mut self.key, entry),
            "client_ca_file" | "client_ca" => give(reading, &mut self.client_ca, entry),
            "client_auth_type" => self.client_auth = read_word(reading, entry, ClientAuth::NAMES),
            "client_allowed_sans" => self.client_names = Some((read_names(reading, entry), entry.spot)),
            "min_version" => self.oldest = read_version(reading, entry),
            "max_version" => self.newest = read_version(reading, entry),
            "cipher_suites" => self.suites = read_numbers(reading, entry, SUITES, SUITES_WITHOUT_EFFECT),
            "curve_preferences" => self.curves = read_numbers(reading, entry, CURVES, CURVES_WITHOUT_EFFECT),
            "prefer_server_cipher_suites" => self.server_order = reading.bool(entry),
            _ => reading.unknown(entry, KEYS),
        }
    }

    fn settle(self, reading: &mut Reading, spot: Spot) -> Option<TlsSection> {
        let auth = self.client_auth.map_or(ClientAuth::None, |(auth, _)| auth);
        self.check_clients(reading, auth);
        let newest = self.newest.map_or(Version::Tls13, |(version, _)| version);
        let oldest = self.oldest.map_or(Version::Tls12, |(version, _)| version);
        if let (true, Some((_, at))) = (oldest > newest, self.oldest.or(self.newest)) {
            reading.fault(at, "min_version is above max_version", "leave both away: TLS 1.2 and 1.3 are offered then");
        }
        if self.cert.is_none() {
            reading.fault(spot, "cert_file is missing", "name the certificate with its chain: cert_file: server.crt");
        }
        if self.key.is_none() {
            reading.fault(spot, "key_file is missing", "name the key of the certificate: key_file: server.key");
        }
        self.check_offers(reading, newest);
        Some(TlsSection {
            spot,
            cert: self.cert?,
            key: self.key?,
            client_auth: auth,
            client_ca: self.client_ca,
            client_names: self.client_names.unwrap_or_default().0,
            oldest,
            newest,
            suites: self.suites.map(|(suites, _)| suites),
            curves: self.curves.map(|(curves, _)| curves),
            server_order: self.server_order.unwrap_or(true),
        })
    }

    /// A list of which nothing is offered leaves nothing to agree on.
    fn check_offers(&self, reading: &mut Reading, newest: Version) {
        if let (Version::Tls12, Some((suites, spot))) = (newest, &self.suites)
            && suites.is_empty()
        {
            reading.fault(*spot, "none of these suites is offered", suggest("", SUITES.iter().map(|(name, _)| *name)));
        }
        if let Some((curves, spot)) = &self.curves
            && curves.is_empty()
        {
            reading.fault(*spot, "none of these curves is offered", suggest("", CURVES.iter().map(|(name, _)| *name)));
        }
    }

    fn check_clients(&self, reading: &mut Reading, auth: ClientAuth) {
        match (&self.client_ca, self.client_auth) {
            (Some(ca), _) if !auth.verifies() => {
                let cure = "add client_auth_type: RequireAndVerifyClientCert, or remove it";
                reading.fault(ca.spot, "client_ca_file has no effect: no client certificate is verified", cure);
            }
            (None, Some((_, spot))) if auth.verifies() => {
                let cure = "name the authority that signs the clients' certificates: client_ca_file: clients.crt";
                reading.fault(spot, "client_ca_file is missing: which client certificates are good?", cure);
            }
            _ => {}
        }
        if let (false, Some((_, spot))) = (auth.verifies(), &self.client_names) {
            let cure = "add client_auth_type: RequireAndVerifyClientCert";
            reading.fault(*spot, "client_allowed_sans has no effect: no client certificate is verified", cure);
        }
    }
}

fn give(reading: &mut Reading, slot: &mut Option<Given>, entry: &Entry) {
    let inline = !entry.name.ends_with("_file");
    let Some(text) = reading.text(entry) else { return };
    if slot.is_some() {
        let file = entry.name.trim_end_matches("_file");
        let what = format!("{file} and {file}_file are both there");
        reading.faults.push(super::fault::Fault::hidden(entry.spot, what, "keep one of the two"));
        return;
    }
    *slot = Some(Given { spot: entry.node.spot, text: text.to_owned(), inline });
}

fn read_word<T: Copy>(reading: &mut Reading, entry: &Entry, table: &[(&str, T)]) -> Option<(T, Spot)> {
    let word = reading.text(entry)?;
    let found = find(table, word);
    if found.is_none() {
        let cure = suggest(word, table.iter().map(|(name, _)| *name));
        reading.fault(entry.node.spot, format!("{} knows no \"{}\"", entry.name, short(word)), cure);
    }
    Some((found?, entry.node.spot))
}

fn read_version(reading: &mut Reading, entry: &Entry) -> Option<(Version, Spot)> {
    let (version, spot) = read_word(reading, entry, Version::NAMES)?;
    if version < Version::Tls12 {
        reading.fault(spot, "TLS before 1.2 is broken and not offered", "write TLS12 or TLS13");
        return None;
    }
    Some((version, spot))
}

fn read_names(reading: &mut Reading, entry: &Entry) -> Vec<ServerName<'static>> {
    let list = reading.list(entry);
    if list.is_empty() {
        reading.fault(entry.spot, "client_allowed_sans names nobody", "name who may come, or remove it");
    }
    let mut names = Vec::new();
    for (name, spot) in list {
        match ServerName::try_from(name.to_owned()) {
            Ok(known) => names.push(known),
            Err(_) => {
                let what = format!("\"{}\" is no host name and no address", short(name));
                reading.fault(spot, what, "only DNS names and IP addresses of certificates are compared");
            }
        }
    }
    names
}

/// The numbers of words of a table; known words without effect are noted.
fn read_numbers(
    reading: &mut Reading,
    entry: &Entry,
    table: &[(&str, u16)],
    without_effect: &[&str],
) -> Option<(Vec<u16>, Spot)> {
    let mut numbers = Vec::new();
    let list = reading.list(entry);
    let empty = list.is_empty();
    for (name, spot) in list {
        match find(table, name) {
            Some(number) => numbers.push(number),
            None if without_effect.contains(&name) => {
                reading.notes.push(format!("{} {name} has no effect here", entry.name));
            }
            None => {
                let cure = suggest(name, table.iter().map(|(name, _)| *name));
                reading.fault(spot, format!("{} knows no \"{}\"", entry.name, short(name)), cure);
            }
        }
    }
    (!empty).then_some((numbers, entry.spot))
}
