//! The TLS of the page: from certificate, key and the clients' authority to what handshakes work from. Reads no file.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};

use super::client::{AnyClient, NamedClient};
use super::fault::{Fault, Spot};
use super::tls_section::TlsSection;
use super::words::{ClientAuth, Version};

/// The PEM that the section names.
pub struct Pems {
    pub cert: Vec<u8>,
    pub key: Vec<u8>,
    pub client_ca: Option<Vec<u8>>,
}

/// What handshakes work from, or what is wrong with a certificate, a key, or how they fit.
pub fn build_tls(section: &TlsSection, pems: &Pems) -> Result<Arc<ServerConfig>, Fault> {
    let provider = Arc::new(offered(section));
    let chain = parse_certificates(&pems.cert, section.cert.spot)?;
    let key = PrivateKeyDer::from_pem_slice(&pems.key).map_err(|_| {
        let cure =
            "name a PEM file with a private key that is not encrypted (openssl pkey -in KEY takes a password off)";
        Fault::hidden(section.key.spot, "there is no private key in it", cure)
    })?;
    let versions: Vec<_> = [(Version::Tls13, &TLS13), (Version::Tls12, &TLS12)]
        .into_iter()
        .filter(|(version, _)| (section.oldest..=section.newest).contains(version))
        .map(|(_, offered)| offered)
        .collect();
    let unusable = |error: rustls::Error| {
        let cure = "leave versions, suites and curves away: good ones are offered then";
        Fault::new(section.spot, format!("nothing can be agreed on: {error}"), cure)
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_protocol_versions(&versions).map_err(unusable)?;
    let builder = match client_verifier(section, pems, &provider)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(chain, key).map_err(|error| unfit(section, &error))?;
    Ok(Arc::new(settle(config, section)))
}

fn settle(mut config: ServerConfig, section: &TlsSection) -> ServerConfig {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ignore_client_order = section.server_order;
    // Each connection is agreed on anew: whoever was let in by an earlier file is asked again, and nothing is kept.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config
}

/// What is offered, less what the section leaves out.
fn offered(section: &TlsSection) -> CryptoProvider {
    let mut provider = ring::default_provider();
    if let Some(suites) = &section.suites {
        provider.cipher_suites.retain(|suite| suite.tls13().is_some() || suites.contains(&u16::from(suite.suite())));
    }
    if let Some(curves) = &section.curves {
        provider.kx_groups.retain(|group| curves.contains(&u16::from(group.name())));
    }
    provider
}

fn parse_certificates(pem: &[u8], spot: Spot) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let wrong = |what: &str| Fault::hidden(spot, what, "name a PEM file: -----BEGIN CERTIFICATE-----");
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = parsed.map_err(|_| wrong("the PEM in it is damaged"))?;
    if chain.is_empty() { Err(wrong("there is no certificate in it")) } else { Ok(chain) }
}

fn unfit(section: &TlsSection, error: &rustls::Error) -> Fault {
    match error {
        rustls::Error::InconsistentKeys(_) => {
            let cure = "put key and certificate that were made together in place, the certificate of this host first";
            Fault::hidden(section.key.spot, "the key is not that of the certificate", cure)
        }
        other => {
            let cure = "look at it: openssl x509 -noout -text -in CERTIFICATE; openssl pkey -noout -text -in KEY";
            Fault::hidden(section.cert.spot, format!("certificate and key cannot be used: {other}"), cure)
        }
    }
}

type Verifier = Arc<dyn ClientCertVerifier>;

fn client_verifier(
    section: &TlsSection,
    pems: &Pems,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Verifier>, Fault> {
    if section.client_auth == ClientAuth::None {
        return Ok(None);
    }
    if !section.client_auth.verifies() {
        return Ok(Some(Arc::new(AnyClient::new(section.client_auth.requires(), provider))));
    }
    let (Some(given), Some(pem)) = (&section.client_ca, &pems.client_ca) else {
        let what = "client_ca_file is missing: which client certificates are good?";
        return Err(Fault::hidden(
            section.spot,
            what,
            "name the authority that signs them: client_ca_file: clients.crt",
        ));
    };
    let wrong = |why: String| {
        Fault::hidden(
            given.spot,
            format!("no authority in it can be used: {why}"),
            "name a PEM file with the clients' CA",
        )
    };
    let mut roots = RootCertStore::empty();
    for authority in parse_certificates(pem, given.spot)? {
        roots.add(authority).map_err(|error| wrong(error.to_string()))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = if section.client_auth.requires() { builder } else { builder.allow_unauthenticated() };
    let verifier = builder.build().map_err(|error| wrong(error.to_string()))?;
    if section.client_names.is_empty() {
        return Ok(Some(verifier));
    }
    Ok(Some(Arc::new(NamedClient::new(verifier, section.client_names.clone()))))
}
