//! What is trusted: the roots and the revocation lists that the operator keeps in files.
//!
//! The files are read again when they change: lists of revoked certificates are replaced every few
//! days, and nobody restarts a server for that.

use crate::limits;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor};
use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

/// Where systems keep the roots that they trust.
const SYSTEM: [&str; 2] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
];

/// Why the operator's files do not serve.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TrustError {
    /// It cannot be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, String),
    /// There is none in it.
    #[error("{0} has no certificate of an issuer in it (PEM or DER)")]
    NoRoots(PathBuf),
}

/// Roots and revocation lists that were read.
#[derive(Default)]
pub struct Anchors {
    pub(super) roots: Vec<TrustAnchor<'static>>,
    pub(super) crls: Vec<CertRevocationList<'static>>,
}

impl fmt::Debug for Anchors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Anchors")
            .field("roots", &self.roots.len())
            .field("crls", &self.crls.len())
            .finish()
    }
}

impl Anchors {
    /// How many roots there are.
    #[must_use]
    pub fn roots(&self) -> usize {
        self.roots.len()
    }

    /// How many revocation lists there are.
    #[must_use]
    pub fn crls(&self) -> usize {
        self.crls.len()
    }

    /// Those of these certificates and lists, DER each. What cannot be read is left out.
    #[must_use]
    pub fn of(roots: &[Vec<u8>], crls: &[Vec<u8>]) -> Self {
        let mut lists: Vec<_> = crls.iter().filter_map(|der| list(der)).collect();
        // Of several lists of an issuer the latest counts, and the first is what is asked.
        lists.sort_by_key(|(made_s, _)| std::cmp::Reverse(*made_s));
        Self {
            roots: roots.iter().filter_map(|der| root(der)).collect(),
            crls: lists.into_iter().map(|(_, list)| list).collect(),
        }
    }
}

fn root(der: &[u8]) -> Option<TrustAnchor<'static>> {
    let der = CertificateDer::from(der);
    let anchor = webpki::anchor_from_trusted_cert(&der).ok()?;
    Some(anchor.to_owned())
}

/// A list, with the second that it was made.
fn list(der: &[u8]) -> Option<(i64, CertRevocationList<'static>)> {
    let (_, read) = CertificateRevocationList::from_der(der).ok()?;
    let made_s = read.last_update().timestamp();
    let list = OwnedCertRevocationList::from_der(der).ok()?;
    Some((made_s, list.into()))
}

/// A file as it was: name, length, when it was changed.
type Seen = (PathBuf, u64, Option<SystemTime>);

/// The files, and what was read from them. Reading blocks: a worker does it.
#[derive(Debug, Default)]
pub struct Trust {
    roots: Option<PathBuf>,
    crls: Option<PathBuf>,
    kept: Mutex<Option<(Vec<Seen>, Arc<Anchors>)>>,
}

impl Trust {
    /// Trusts the roots in `roots`, a file or a directory of files (empty: what the system trusts), and
    /// the revocation lists in `crls` likewise (empty: none).
    ///
    /// # Errors
    /// [`TrustError`] if a path that is not empty does not serve.
    pub fn open(roots: &Path, crls: &Path) -> Result<Self, TrustError> {
        let set = |path: &Path| (!path.as_os_str().is_empty()).then(|| path.to_owned());
        let system = || SYSTEM.iter().map(PathBuf::from).find(|p| p.is_file());
        for path in [set(roots), set(crls)].into_iter().flatten() {
            let unreadable =
                |e: std::io::Error| TrustError::Unreadable(path.clone(), e.to_string());
            fs::metadata(&path).map_err(unreadable)?;
        }
        let trust = Self {
            roots: set(roots).or_else(system),
            crls: set(crls),
            kept: Mutex::default(),
        };
        match set(roots) {
            Some(path) if trust.anchors().roots.is_empty() => Err(TrustError::NoRoots(path)),
            _ => Ok(trust),
        }
    }

    /// What the files hold now.
    #[must_use]
    pub fn anchors(&self) -> Arc<Anchors> {
        let (roots, crls) = (files(self.roots.as_deref()), files(self.crls.as_deref()));
        let seen: Vec<_> = roots.iter().chain(&crls).cloned().collect();
        // What is kept is replaced as a whole: a panic of another thread leaves it sound.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((before, anchors)) = &*kept
            && *before == seen
        {
            return Arc::clone(anchors);
        }
        let roots = contents(&roots, |bytes| {
            let all = CertificateDer::pem_slice_iter(bytes).filter_map(Result::ok);
            all.map(|der| der.to_vec()).collect()
        });
        let crls = contents(&crls, |bytes| {
            let all = CertificateRevocationListDer::pem_slice_iter(bytes).filter_map(Result::ok);
            all.map(|der| der.to_vec()).collect()
        });
        let anchors = Arc::new(Anchors::of(&roots, &crls));
        let left_out = roots.len() + crls.len() - anchors.roots.len() - anchors.crls.len();
        if left_out > 0 {
            tracing::warn!(left_out, "roots or revocation lists that cannot be used");
        }
        *kept = Some((seen, Arc::clone(&anchors)));
        anchors
    }
}

/// The file of this path, or the files of the directory, in the order of their names.
fn files(path: Option<&Path>) -> Vec<Seen> {
    let Some(path) = path else { return Vec::new() };
    let mut all = match fs::read_dir(path) {
        Ok(entries) => entries.filter_map(|e| Some(e.ok()?.path())).collect(),
        Err(_) => vec![path.to_owned()],
    };
    all.sort();
    let files = all.into_iter().filter_map(|path| {
        let meta = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
        Some((path, meta.len(), meta.modified().ok()))
    });
    files.take(limits::TRUST_FILES_MAX).collect()
}

/// Everything in these files that `pem` finds, or the file itself where that is nothing; each once.
fn contents(files: &[Seen], pem: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut room = limits::TRUST_BYTES_MAX;
    let (mut found, mut known) = (Vec::new(), HashSet::new());
    for (path, bytes, _) in files {
        let Some(left) = room.checked_sub(*bytes) else {
            tracing::error!(path = %path.display(), "too much: it is not read");
            continue;
        };
        room = left;
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) => {
                tracing::error!(path = %path.display(), error = %e, "it cannot be read");
                continue;
            }
        };
        let mut all = pem(&bytes);
        if all.is_empty() {
            all.push(bytes);
        }
        found.extend(all.into_iter().filter(|der| known.insert(der.clone())));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smime::testing::issuer;

    #[test]
    fn roots_and_lists_are_read_from_files_and_directories_and_again_when_they_change() {
        let dir = tempfile::tempdir().unwrap();
        let (roots, crls) = (dir.path().join("roots"), dir.path().join("crls"));
        fs::create_dir(&roots).unwrap();
        fs::create_dir(&crls).unwrap();
        let opened = Trust::open(&roots, &crls).map(drop);
        assert_eq!(opened, Err(TrustError::NoRoots(roots.clone())));
        let (one, two) = (issuer("One"), issuer("Two"));
        fs::write(roots.join("a.pem"), one.pem()).unwrap();
        fs::write(roots.join("b.pem"), one.pem()).unwrap();
        fs::write(roots.join("README"), "not a root").unwrap();
        let trust = Trust::open(&roots, &crls).unwrap();
        assert_eq!((trust.anchors().roots(), trust.anchors().crls()), (1, 0));
        fs::write(roots.join("c.der"), two.der()).unwrap();
        fs::write(crls.join("one.crl"), one.revokes(&[])).unwrap();
        assert_eq!((trust.anchors().roots(), trust.anchors().crls()), (2, 1));
        assert!(Arc::ptr_eq(&trust.anchors(), &trust.anchors()));
        let missing = Trust::open(&dir.path().join("nothing"), Path::new(""));
        assert!(matches!(missing, Err(TrustError::Unreadable(..))));
    }
}
