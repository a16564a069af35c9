//! Which client certificates are let in beyond what the library decides: any at all, or only those with certain names.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

type Signature = Result<HandshakeSignatureValid, Error>;

/// Asks for a certificate and takes any: only that its key is held is proved. Nobody counts as known by it.
#[derive(Debug)]
pub struct AnyClient {
    required: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl AnyClient {
    pub fn new(required: bool, provider: &CryptoProvider) -> AnyClient {
        AnyClient { required, algorithms: provider.signature_verification_algorithms }
    }
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(&self, text: &[u8], cert: &CertificateDer<'_>, by: &DigitallySignedStruct) -> Signature {
        verify_tls12_signature(text, cert, by, &self.algorithms)
    }

    fn verify_tls13_signature(&self, text: &[u8], cert: &CertificateDer<'_>, by: &DigitallySignedStruct) -> Signature {
        verify_tls13_signature(text, cert, by, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Verifies as `inner` does, and then wants one of some names in the certificate.
#[derive(Debug)]
pub struct NamedClient {
    inner: Arc<dyn ClientCertVerifier>,
    names: Vec<ServerName<'static>>,
}

impl NamedClient {
    /// Without any name nobody is let in.
    pub fn new(inner: Arc<dyn ClientCertVerifier>, names: Vec<ServerName<'static>>) -> NamedClient {
        NamedClient { inner, names }
    }
}

impl ClientCertVerifier for NamedClient {
    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        cert: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.inner.verify_client_cert(cert, between, now)?;
        let parsed = ParsedCertificate::try_from(cert)?;
        if self.names.iter().any(|name| verify_server_name(&parsed, name).is_ok()) {
            return Ok(verified);
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(&self, text: &[u8], cert: &CertificateDer<'_>, by: &DigitallySignedStruct) -> Signature {
        self.inner.verify_tls12_signature(text, cert, by)
    }

    fn verify_tls13_signature(&self, text: &[u8], cert: &CertificateDer<'_>, by: &DigitallySignedStruct) -> Signature {
        self.inner.verify_tls13_signature(text, cert, by)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
