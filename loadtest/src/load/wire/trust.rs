//! Whom a device trusts, and how it speaks TLS.

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// Where distributions keep the roots that everybody trusts.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Whom a device trusts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Roots {
    /// Whom this system trusts.
    System,
    /// These certificates (PEM).
    Pem(String),
    /// Anybody (`--insecure`).
    Anybody,
}

/// How a device speaks TLS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trust {
    /// Whom it trusts.
    pub roots: Roots,
    /// Sessions are resumed.
    pub resume: bool,
    /// TLS 1.2 only.
    pub tls12: bool,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// No roots: the file does not exist, or holds none.
    #[error("no trusted certificates in {0}")]
    NoRoots(String),
    /// The library's.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl Trust {
    /// The configuration that all devices share, and with it the tickets of their sessions.
    ///
    /// # Errors
    /// When there are no roots.
    pub fn config(&self) -> Result<Arc<ClientConfig>, TrustError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let versions: &[_] = if self.tls12 {
            &[&rustls::version::TLS12]
        } else {
            rustls::ALL_VERSIONS
        };
        let builder =
            ClientConfig::builder_with_provider(provider).with_protocol_versions(versions)?;
        let mut config = match &self.roots {
            Roots::Anybody => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anybody))
                .with_no_client_auth(),
            roots => builder
                .with_root_certificates(read(roots)?)
                .with_no_client_auth(),
        };
        if !self.resume {
            config.resumption = Resumption::disabled();
        }
        Ok(Arc::new(config))
    }
}

fn read(roots: &Roots) -> Result<RootCertStore, TrustError> {
    let mut store = RootCertStore::empty();
    if let Roots::Pem(pem) = roots {
        let certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
        store.add_parsable_certificates(certificates.flatten());
        return match store.is_empty() {
            true => Err(TrustError::NoRoots("what --roots names".to_owned())),
            false => Ok(store),
        };
    }
    for path in BUNDLES {
        let Ok(certificates) = CertificateDer::pem_file_iter(path) else {
            continue;
        };
        store.add_parsable_certificates(certificates.flatten());
        if !store.is_empty() {
            return Ok(store);
        }
    }
    Err(TrustError::NoRoots(BUNDLES.join(", ")))
}

/// Takes any certificate.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
