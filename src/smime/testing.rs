//! Certificates and revocation lists made on the spot, for tests.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use std::sync::atomic::{AtomicU64, Ordering};

/// 2026-01-01T00:00:00Z.
pub(crate) const NOW_S: i64 = 1_767_225_600;

/// What a certificate is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    Mail,
    Encryption,
    Anything,
    Unsaid,
    Server,
    Crls,
}

/// A certificate with its key.
pub(crate) struct Made {
    certificate: rcgen::Certificate,
    params: CertificateParams,
    key: KeyPair,
}

/// A root of this name, from 2025 to 2030.
pub(crate) fn issuer(name: &str) -> Made {
    let params = issuing(name, 2025, 2030);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Made {
        certificate,
        params,
        key,
    }
}

fn named(name: &str, from: i32, to: i32) -> CertificateParams {
    static SERIAL: AtomicU64 = AtomicU64::new(1);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    params.serial_number = Some(SerialNumber::from(serial));
    if name.contains('@') {
        let address = SanType::Rfc822Name(name.try_into().unwrap());
        params.subject_alt_names.push(address);
    }
    params
}

fn issuing(name: &str, from: i32, to: i32) -> CertificateParams {
    let mut params = named(name, from, to);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl Made {
    pub(crate) fn der(&self) -> &[u8] {
        self.certificate.der()
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    fn issues(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = params.signed_by(&key, &issuer).unwrap();
        Self {
            certificate,
            params,
            key,
        }
    }

    /// A certificate of a person.
    pub(crate) fn mail(&self, address: &str, purpose: Purpose) -> Self {
        let mut params = named(address, 2025, 2030);
        let (usage, extended) = match purpose {
            Purpose::Mail => (
                Some(KeyUsagePurpose::DigitalSignature),
                Some(ExtendedKeyUsagePurpose::EmailProtection),
            ),
            Purpose::Encryption => (
                Some(KeyUsagePurpose::KeyEncipherment),
                Some(ExtendedKeyUsagePurpose::EmailProtection),
            ),
            Purpose::Anything => (None, Some(ExtendedKeyUsagePurpose::Any)),
            Purpose::Unsaid => (None, None),
            Purpose::Server => (
                Some(KeyUsagePurpose::DigitalSignature),
                Some(ExtendedKeyUsagePurpose::ServerAuth),
            ),
            Purpose::Crls => (Some(KeyUsagePurpose::CrlSign), None),
        };
        params.key_usages = usage.into_iter().collect();
        params.extended_key_usages = extended.into_iter().collect();
        self.issues(params)
    }

    /// A certificate of a person, between the first days of two years.
    pub(crate) fn dated(&self, address: &str, from: i32, to: i32) -> Self {
        self.issues(named(address, from, to))
    }

    /// One with a critical extension that nobody knows.
    pub(crate) fn with_unknown_extension(&self, address: &str) -> Self {
        let mut params = named(address, 2025, 2030);
        let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 99_999], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
        self.issues(params)
    }

    /// An issuer below this one.
    pub(crate) fn issuer(&self, name: &str) -> Self {
        self.issues(issuing(name, 2025, 2030))
    }

    pub(crate) fn dated_issuer(&self, name: &str, from: i32, to: i32) -> Self {
        self.issues(issuing(name, from, to))
    }

    /// An issuer that is itself for something.
    pub(crate) fn issuer_for(&self, name: &str, purpose: Purpose) -> Self {
        let mut params = issuing(name, 2025, 2030);
        match purpose {
            Purpose::Crls => params.key_usages = vec![KeyUsagePurpose::CrlSign],
            _ => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth],
        }
        self.issues(params)
    }

    /// An issuer that has no issuers below it.
    pub(crate) fn issuer_of_leaves(&self, name: &str) -> Self {
        let mut params = issuing(name, 2025, 2030);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        self.issues(params)
    }

    /// The list of those that it has revoked, DER.
    pub(crate) fn revokes(&self, revoked: &[&Self]) -> Vec<u8> {
        self.revokes_in(revoked, 2025)
    }

    /// The same, made in this year for the two that follow; in 2024, just that year.
    pub(crate) fn revokes_in(&self, revoked: &[&Self], year: i32) -> Vec<u8> {
        let until = if year < 2025 { year + 1 } else { year + 2 };
        let revoked = revoked.iter().map(|made| RevokedCertParams {
            serial_number: made.params.serial_number.clone().unwrap(),
            revocation_time: date_time_ymd(year, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(year, 1, 1),
            next_update: date_time_ymd(until, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let issuer = Issuer::from_params(&self.params, &self.key);
        params.signed_by(&issuer).unwrap().der().to_vec()
    }
}
