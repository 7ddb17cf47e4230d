//! How an agent and its controller know each other.
//!
//! The agent makes a certificate when it starts, and prints its fingerprint; the controller takes this
//! certificate and no other. The token then goes over TLS to whoever has the key of that certificate.

use aws_lc_rs::digest::{SHA256, digest};
use rcgen::generate_simple_self_signed;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme,
};
use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

/// What certificates are made out to; nobody looks.
const NAME: &str = "roost-load-agent";
/// Bytes of a token that nobody has to type.
const TOKEN_BYTES: usize = 24;

/// The SHA-256 of a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    fn of(certificate: &CertificateDer<'_>) -> Self {
        let mut bytes = [0; 32];
        for (byte, found) in bytes.iter_mut().zip(digest(&SHA256, certificate).as_ref()) {
            *byte = *found;
        }
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
        let digits = digits.filter(|digits| digits.len() == 64)?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::try_from(pair.iter().fold(0, |sum, digit| sum * 16 + digit)).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It cannot be made.
    #[error("no certificate can be made: {0}")]
    Make(#[from] rcgen::Error),
    /// It cannot be used.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The system has no random numbers.
    #[error("no random numbers")]
    Random,
}

/// An agent's certificate and key.
pub struct Identity {
    /// How the agent speaks TLS.
    pub(super) config: Arc<ServerConfig>,
    /// By which its controller knows it.
    pub fingerprint: Fingerprint,
}

impl Identity {
    /// A new one.
    ///
    /// # Errors
    /// As [`IdentityError`].
    pub fn new() -> Result<Self, IdentityError> {
        let made = generate_simple_self_signed([NAME.to_owned()])?;
        let certificate = made.cert.der().clone();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let fingerprint = Fingerprint::of(&certificate);
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key.into())?;
        Ok(Self {
            config: Arc::new(config),
            fingerprint,
        })
    }
}

/// How a controller speaks TLS with the agent of this fingerprint; none: with any.
pub(super) fn client(fingerprint: Option<Fingerprint>) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = provider();
    let pinned = Pinned {
        fingerprint,
        provider: Arc::clone(&provider),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(pinned))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The name that TLS wants to be told.
pub(super) fn name() -> Result<ServerName<'static>, rustls::Error> {
    let name = ServerName::try_from(NAME);
    name.map_err(|e| rustls::Error::General(e.to_string()))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Takes the one certificate, from whoever has its key.
#[derive(Debug)]
struct Pinned {
    fingerprint: Option<Fingerprint>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.fingerprint {
            Some(known) if known != Fingerprint::of(certificate) => {
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let known = &self.provider.signature_verification_algorithms;
        known.supported_schemes()
    }
}

/// A token that nobody guesses.
///
/// # Errors
/// [`IdentityError::Random`].
pub fn random_token() -> Result<String, IdentityError> {
    let mut bytes = [0; TOKEN_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| IdentityError::Random)?;
    let mut token = String::new();
    for byte in bytes {
        // Writing into memory does not fail.
        let _ = write!(token, "{byte:02x}");
    }
    Ok(token)
}

/// Whether both tokens are the same; how long it takes says nothing about where they differ.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    // Digests are of one length, whatever the tokens are.
    let (one, other) = (
        digest(&SHA256, one.as_bytes()),
        digest(&SHA256, other.as_bytes()),
    );
    aws_lc_rs::constant_time::verify_slices_are_equal(one.as_ref(), other.as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_it_is_printed() {
        let one = Identity::new().unwrap().fingerprint;
        assert_eq!(Fingerprint::parse(&one.to_string()), Some(one));
        assert_eq!(
            Fingerprint::parse(&one.to_string().to_uppercase()),
            Some(one)
        );
        assert_ne!(Identity::new().unwrap().fingerprint, one);
        for wrong in ["", "ab", &"g".repeat(64), &"a".repeat(66)] {
            assert_eq!(Fingerprint::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn tokens_are_compared_whole() {
        assert!(is_same("one", "one") && is_same("", ""));
        assert!(!is_same("one", "two") && !is_same("one", "one ") && !is_same("", "one"));
        assert_ne!(random_token().unwrap(), random_token().unwrap());
    }
}
