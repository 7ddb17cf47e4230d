//! Certificates: read from files, replaced without a restart, made where there are none.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use chrono::{DateTime, Datelike};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::clock::UnixMs;

/// Days that a certificate made here is good for. iOS refuses more than 825.
const SELF_SIGNED_DAYS: i64 = 820;
const DAY_MS: i64 = 86_400_000;

/// Why there is no certificate to serve with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not PEM, or holds no certificate or key.
    #[error("{path}: {source}")]
    Pem {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The key does not belong to the certificate, or is of an unknown kind.
    #[error("{path}: {source}")]
    Pair {
        /// The file of the key.
        path: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// A certificate cannot be made for these names.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
}

/// The certificate that new handshakes are served with; live connections keep theirs.
#[derive(Debug)]
pub struct Certificates {
    chain_path: PathBuf,
    key_path: PathBuf,
    current: ArcSwap<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    key: Arc<CertifiedKey>,
    /// Of both files, when they were read.
    changed: [Option<SystemTime>; 2],
}

impl Certificates {
    /// Reads a chain (the server's own certificate first) and its private key, both PEM.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn load(chain_path: &Path, key_path: &Path) -> Result<Arc<Self>, Error> {
        let loaded = read(chain_path, key_path)?;
        Ok(Arc::new(Self {
            chain_path: chain_path.to_owned(),
            key_path: key_path.to_owned(),
            current: ArcSwap::from_pointee(loaded),
        }))
    }

    /// Reads the files again; the old certificate stays when they cannot be used.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn reload(&self) -> Result<(), Error> {
        let loaded = read(&self.chain_path, &self.key_path)?;
        self.current.store(Arc::new(loaded));
        Ok(())
    }

    /// The same, only if a file has another time than when it was read. Says whether it was.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn reload_if_changed(&self) -> Result<bool, Error> {
        let changed = [changed(&self.chain_path), changed(&self.key_path)];
        if self.current.load().changed == changed {
            return Ok(false);
        }
        self.reload().map(|()| true)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.load().key))
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|m| m.modified()).ok()
}

fn read(chain_path: &Path, key_path: &Path) -> Result<Loaded, Error> {
    // The times come first: a change while we read is seen the next time.
    let changed = [changed(chain_path), changed(key_path)];
    let pem = |path: &Path, source| match source {
        pem::Error::Io(source) => Error::File {
            path: path.to_owned(),
            source,
        },
        source => Error::Pem {
            path: path.to_owned(),
            source,
        },
    };
    let chain = CertificateDer::pem_file_iter(chain_path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| pem(chain_path, e))?;
    if chain.is_empty() {
        return Err(pem(chain_path, pem::Error::NoItemsFound));
    }
    let key = PrivateKeyDer::from_pem_file(key_path).map_err(|e| pem(key_path, e))?;
    let key =
        CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(|source| {
            Error::Pair {
                path: key_path.to_owned(),
                source,
            }
        })?;
    Ok(Loaded {
        key: Arc::new(key),
        changed,
    })
}

/// Makes an ECDSA P-256 certificate for these names and addresses (the first is its subject)
/// and writes both files, the key readable for the owner only.
///
/// # Errors
/// [`Error::Make`] for a name that is none, [`Error::File`].
pub fn make_self_signed(
    names: &[String],
    chain_path: &Path,
    key_path: &Path,
    now_ms: UnixMs,
) -> Result<(), Error> {
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    let subject = names.first().map_or("roost", String::as_str);
    params.distinguished_name.push(DnType::CommonName, subject);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Whole days. One back: a phone's clock may be behind ours.
    let day = |ms: UnixMs| {
        let date = DateTime::from_timestamp_millis(ms).unwrap_or_default();
        let small = |n: u32| u8::try_from(n).unwrap_or(1);
        rcgen::date_time_ymd(date.year(), small(date.month()), small(date.day()))
    };
    params.not_before = day(now_ms - DAY_MS);
    params.not_after = day(now_ms + SELF_SIGNED_DAYS * DAY_MS);
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.self_signed(&key)?;
    write(key_path, key.serialize_pem().as_bytes())?;
    write(chain_path, certificate.pem().as_bytes())
}

/// Replaces a file in one step, so that nobody reads half of it.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let attempt = || {
        let _ = fs::remove_file(&new);
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    attempt().map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn names() -> Vec<String> {
        vec!["mail.example.org".into(), "127.0.0.1".into(), "::1".into()]
    }

    #[test]
    fn a_certificate_is_made_once_and_reloaded_when_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (chain, key) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
        make_self_signed(&names(), &chain, &key, 1_800_000_000_000).unwrap();
        let mode = fs::metadata(&key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let certificates = Certificates::load(&chain, &key).unwrap();
        let served = || Arc::clone(&certificates.current.load().key);
        let first = served();
        assert!(!certificates.reload_if_changed().unwrap());

        make_self_signed(&names(), &chain, &key, 1_800_000_000_000).unwrap();
        let file = fs::File::options().write(true).open(&chain).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert!(certificates.reload_if_changed().unwrap());
        assert_ne!(served().cert, first.cert);
    }

    #[test]
    fn files_that_cannot_be_used_leave_the_old_certificate() {
        let dir = tempfile::tempdir().unwrap();
        let (chain, key) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
        make_self_signed(&names(), &chain, &key, 1_800_000_000_000).unwrap();
        let certificates = Certificates::load(&chain, &key).unwrap();
        let before = Arc::clone(&certificates.current.load().key);

        let other = dir.path().join("other.pem");
        make_self_signed(&names(), &other, &dir.path().join("k"), 1_800_000_000_000).unwrap();
        fs::copy(&other, &chain).unwrap();
        assert!(matches!(certificates.reload(), Err(Error::Pair { .. })));
        fs::write(&chain, "no certificate").unwrap();
        assert!(matches!(certificates.reload(), Err(Error::Pem { .. })));
        fs::remove_file(&chain).unwrap();
        assert!(matches!(certificates.reload(), Err(Error::File { .. })));
        assert!(Arc::ptr_eq(&before, &certificates.current.load().key));
    }
}
