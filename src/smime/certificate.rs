//! What a certificate says of itself.

use crate::limits;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

/// Not a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    /// Neither PEM nor DER, or something behind it.
    #[error("not an X.509 certificate")]
    NotX509,
    /// Larger than [`limits::CERTIFICATE_BYTES_MAX`].
    #[error("a certificate beyond {} KiB", limits::CERTIFICATE_BYTES_MAX / 1024)]
    TooLarge,
}

/// A certificate that was read. Nothing in it has been verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certificate {
    /// The bytes that it is, DER.
    pub der: Vec<u8>,
    /// Who it is about, as text.
    pub subject: String,
    /// Who issued it, as text.
    pub issuer: String,
    /// Its number, hexadecimal.
    pub serial: String,
    /// Mail addresses that it is about.
    pub addresses: Vec<String>,
    /// The second that it is valid from, Unix time.
    pub not_before_s: i64,
    /// The last second of it, Unix time.
    pub not_after_s: i64,
    /// It may be used to sign or to encrypt mail.
    pub for_mail: bool,
    /// It was made to issue others.
    pub is_ca: bool,
    subject_raw: Vec<u8>,
    issuer_raw: Vec<u8>,
    may_issue: bool,
}

impl Certificate {
    /// Reads one from DER.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn from_der(der: &[u8]) -> Result<Self, Unreadable> {
        if der.len() > limits::CERTIFICATE_BYTES_MAX {
            return Err(Unreadable::TooLarge);
        }
        let (rest, read) = X509Certificate::from_der(der).map_err(|_| Unreadable::NotX509)?;
        if !rest.is_empty() {
            return Err(Unreadable::NotX509);
        }
        // An extension that stands there twice, or cannot be read, makes the whole unfit.
        let key_usage = read.key_usage().map_err(|_| Unreadable::NotX509)?;
        let purposes = read
            .extended_key_usage()
            .map_err(|_| Unreadable::NotX509)?
            .is_none_or(|purposes| purposes.value.any || purposes.value.email_protection);
        // A key for signing and one for encryption may have a certificate each (RFC 8550 4.4.2).
        let usable = key_usage.as_ref().is_none_or(|usage| {
            let usage = usage.value;
            usage.digital_signature()
                || usage.non_repudiation()
                || usage.key_encipherment()
                || usage.key_agreement()
        });
        Ok(Self {
            der: der.to_vec(),
            subject: read.subject().to_string(),
            issuer: read.issuer().to_string(),
            serial: read.raw_serial_as_string(),
            addresses: addresses(&read),
            not_before_s: read.validity().not_before.timestamp(),
            not_after_s: read.validity().not_after.timestamp(),
            for_mail: purposes && usable,
            is_ca: read.is_ca(),
            subject_raw: read.subject().as_raw().to_vec(),
            issuer_raw: read.issuer().as_raw().to_vec(),
            may_issue: key_usage.is_none_or(|usage| usage.value.key_cert_sign()),
        })
    }

    /// Reads those of a file: PEM with one or several, or one as DER.
    ///
    /// # Errors
    /// [`Unreadable`] if one of them cannot be read, or there is none.
    pub fn from_file(bytes: &[u8]) -> Result<Vec<Self>, Unreadable> {
        let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
        let all = all.map_err(|_| Unreadable::NotX509)?;
        if all.is_empty() {
            return Ok(vec![Self::from_der(bytes)?]);
        }
        all.iter().map(|der| Self::from_der(der)).collect()
    }

    /// Whether this moment (Unix seconds) lies in its period.
    #[must_use]
    pub fn is_in_time(&self, now_s: i64) -> bool {
        (self.not_before_s..=self.not_after_s).contains(&now_s)
    }

    /// Whether `other` bears the name of its issuer.
    pub(super) fn names_as_issuer(&self, other: &Self) -> bool {
        self.issuer_raw == other.subject_raw
    }

    /// Whether its issuer bears its own name.
    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer_raw == self.subject_raw
    }

    /// Whether both are about somebody of the same name.
    pub(super) fn is_namesake_of(&self, other: &Self) -> bool {
        self.subject_raw == other.subject_raw
    }

    /// Whether its key usage lets it issue certificates.
    pub(super) fn may_issue(&self) -> bool {
        self.may_issue
    }
}

/// The addresses of the alternative names, and those in the subject, where old ones have them.
fn addresses(read: &X509Certificate<'_>) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(Some(names)) = read.subject_alternative_name() {
        for name in &names.value.general_names {
            if let GeneralName::RFC822Name(address) = name {
                found.push((*address).to_owned());
            }
        }
    }
    for address in read.subject().iter_email() {
        if let Ok(address) = address.as_str()
            && !found.iter().any(|a| a.eq_ignore_ascii_case(address))
        {
            found.push(address.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smime::testing::{Purpose, issuer};

    #[test]
    fn a_certificate_is_read_from_pem_and_der() {
        let root = issuer("Root");
        let made = root.mail("alice@example.org", Purpose::Mail);
        let pem = Certificate::from_file(made.pem().as_bytes()).unwrap();
        let der = Certificate::from_file(made.der()).unwrap();
        assert_eq!(pem, der);
        let [read] = &pem[..] else { panic!("one") };
        assert_eq!(read.addresses, ["alice@example.org"]);
        assert_eq!(
            (read.subject.as_str(), read.issuer.as_str()),
            ("CN=alice@example.org", "CN=Root")
        );
        assert!(read.for_mail && !read.is_ca);
        assert!(read.is_in_time(1_767_225_600) && !read.is_in_time(0));
        let both = format!("{}{}", made.pem(), root.pem());
        assert_eq!(Certificate::from_file(both.as_bytes()).unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_certificate_is_named() {
        let read = Certificate::from_file(b"junk");
        assert_eq!(read, Err(Unreadable::NotX509));
        let mut behind = issuer("Root").der().to_vec();
        behind.push(0);
        assert_eq!(Certificate::from_der(&behind), Err(Unreadable::NotX509));
        let large = vec![0x30; limits::CERTIFICATE_BYTES_MAX + 1];
        assert_eq!(Certificate::from_der(&large), Err(Unreadable::TooLarge));
    }

    #[test]
    fn the_purpose_has_to_be_mail_or_anything() {
        let root = issuer("Root");
        let check = |purpose, expect| {
            let made = root.mail("a@example.org", purpose);
            let read = Certificate::from_der(made.der()).unwrap();
            assert_eq!(read.for_mail, expect, "{purpose:?}");
        };
        check(Purpose::Mail, true);
        check(Purpose::Anything, true);
        check(Purpose::Unsaid, true);
        check(Purpose::Encryption, true);
        check(Purpose::Server, false);
        check(Purpose::Crls, false);
    }
}
