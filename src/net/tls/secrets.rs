//! The secrets of a TLS 1.3 connection after its handshake, and what follows from them (RFC 8446
//! section 7).
//!
//! rustls hands out keys and IVs of both directions ("kernel TLS"), but not the traffic secrets that
//! the next keys of a KeyUpdate are derived from; the object that could derive them costs more than
//! everything else that a waiting connection holds. Its [`KeyLog`] does tell the secrets, while the
//! handshake computes them, on the thread that drives it: [`caught`] takes them from there. They are
//! looked at only when keys change, which hardly ever happens, and believed only if they lead to the
//! very keys that rustls handed out ([`Half::next`]); else the connection ends.

use std::cell::RefCell;
use std::hint::black_box;

use aws_lc_rs::hkdf::{self, KeyType, Prk};
use rustls::{ConnectionTrafficSecrets, KeyLog};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of the longest traffic secret (SHA-384).
const SECRET_BYTES_MAX: usize = 48;
/// Bytes of the longest key.
const KEY_BYTES_MAX: usize = 32;
/// Bytes of an IV.
const IV_BYTES: usize = 12;
/// KeyUpdates of a peer that rustls may have dealt with before the connection is ours.
const EARLY_UPDATES_MAX: usize = 4;

/// A cipher suite of TLS 1.3.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Suite {
    Aes128GcmSha256,
    Aes256GcmSha384,
    Chacha20Poly1305Sha256,
}

impl Suite {
    fn hash(self) -> hkdf::Algorithm {
        match self {
            Self::Aes256GcmSha384 => hkdf::HKDF_SHA384,
            Self::Aes128GcmSha256 | Self::Chacha20Poly1305Sha256 => hkdf::HKDF_SHA256,
        }
    }

    fn secret_bytes(self) -> usize {
        match self {
            Self::Aes256GcmSha384 => 48,
            Self::Aes128GcmSha256 | Self::Chacha20Poly1305Sha256 => 32,
        }
    }

    pub(super) fn key_bytes(self) -> usize {
        match self {
            Self::Aes128GcmSha256 => 16,
            Self::Aes256GcmSha384 | Self::Chacha20Poly1305Sha256 => 32,
        }
    }
}

/// One direction of a connection: 104 bytes, zeroed when dropped.
pub(super) struct Half {
    key: [u8; KEY_BYTES_MAX],
    iv: [u8; IV_BYTES],
    /// The number of the next record under this key.
    pub(super) seq: u64,
    secret: [u8; SECRET_BYTES_MAX],
    /// The key was derived from the secret by us.
    derived: bool,
}

impl Half {
    /// Reads what stands beside the key, with which that comes into the processor's caches. Nothing of
    /// the key itself is copied anywhere.
    pub(super) fn warm(&self) {
        black_box((self.seq, self.derived));
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        self.key.zeroize();
        self.iv.zeroize();
        self.secret.zeroize();
    }
}

impl Half {
    /// The direction whose present keys rustls handed out, with the secret that they are said to
    /// come from.
    pub(super) fn new(
        seq: u64,
        keys: &ConnectionTrafficSecrets,
        first: &[u8],
    ) -> Option<(Suite, Self)> {
        let (suite, key, iv) = match keys {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (Suite::Aes128GcmSha256, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (Suite::Aes256GcmSha384, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
                (Suite::Chacha20Poly1305Sha256, key, iv)
            }
            _ => return None,
        };
        let mut half = Self::empty();
        half.seq = seq;
        half.secret.get_mut(..first.len())?.copy_from_slice(first);
        let (key, iv) = (key.as_ref(), iv.as_ref());
        half.key.get_mut(..key.len())?.copy_from_slice(key);
        half.iv = iv.try_into().ok()?;
        (key.len() == suite.key_bytes()).then_some((suite, half))
    }

    fn empty() -> Self {
        Self {
            key: [0; KEY_BYTES_MAX],
            iv: [0; IV_BYTES],
            seq: 0,
            secret: [0; SECRET_BYTES_MAX],
            derived: false,
        }
    }

    fn of_secret(suite: Suite, secret: &[u8]) -> Option<Self> {
        let mut half = Self::empty();
        half.derived = true;
        half.secret.get_mut(..secret.len())?.copy_from_slice(secret);
        let prk = half.prk(suite)?;
        expand(&prk, b"key", half.key.get_mut(..suite.key_bytes())?)?;
        expand(&prk, b"iv", &mut half.iv)?;
        Some(half)
    }

    fn prk(&self, suite: Suite) -> Option<Prk> {
        let secret = self.secret.get(..suite.secret_bytes())?;
        Some(Prk::new_less_safe(suite.hash(), secret))
    }

    /// The direction after a KeyUpdate (RFC 8446 7.2); nothing where the present keys do not come
    /// from the secret that was caught.
    pub(super) fn next(&self, suite: Suite) -> Option<Self> {
        if self.derived {
            return self.following(suite);
        }
        let mut half = Self::of_secret(suite, self.secret.get(..suite.secret_bytes())?)?;
        for _ in 0..=EARLY_UPDATES_MAX {
            let next = half.following(suite)?;
            if half.key == self.key && half.iv == self.iv {
                return Some(next);
            }
            half = next;
        }
        None
    }

    fn following(&self, suite: Suite) -> Option<Self> {
        let mut next = Zeroizing::new([0; SECRET_BYTES_MAX]);
        let next = next.get_mut(..suite.secret_bytes())?;
        expand(&self.prk(suite)?, b"traffic upd", next)?;
        Self::of_secret(suite, next)
    }

    #[cfg(test)]
    pub(super) fn copy(&self) -> Self {
        Self {
            key: self.key,
            iv: self.iv,
            seq: self.seq,
            secret: self.secret,
            derived: self.derived,
        }
    }

    /// The key.
    pub(super) fn key(&self, suite: Suite) -> &[u8] {
        self.key.get(..suite.key_bytes()).unwrap_or_default()
    }

    /// The nonce of the next record, which it then is not any more (RFC 8446 5.3).
    pub(super) fn nonce(&mut self) -> [u8; IV_BYTES] {
        let mut nonce = self.iv;
        for (byte, seq) in nonce.iter_mut().skip(4).zip(self.seq.to_be_bytes()) {
            *byte ^= seq;
        }
        // 2^24 records are the limit long before this could wrap.
        self.seq = self.seq.wrapping_add(1);
        nonce
    }
}

/// HKDF-Expand-Label with an empty context (RFC 8446 7.1).
fn expand(prk: &Prk, label: &[u8], out: &mut [u8]) -> Option<()> {
    struct Length(usize);
    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let length = u16::try_from(out.len()).ok()?.to_be_bytes();
    let label_length = [u8::try_from(6 + label.len()).ok()?];
    let info: [&[u8]; 5] = [&length, &label_length, b"tls13 ", label, &[0]];
    let okm = prk.expand(&info, Length(out.len())).ok()?;
    okm.fill(out).ok()
}

/// The first traffic secrets of both directions, as they were computed.
#[derive(Default)]
pub(super) struct Caught {
    pub(super) client: Option<Zeroizing<Vec<u8>>>,
    pub(super) server: Option<Zeroizing<Vec<u8>>>,
}

impl Caught {
    /// Adds what has been computed since.
    pub(super) fn add(&mut self, newer: Self) {
        self.client = newer.client.or_else(|| self.client.take());
        self.server = newer.server.or_else(|| self.server.take());
    }
}

thread_local! {
    static CAUGHT: RefCell<Caught> = RefCell::default();
}

/// Takes what the handshake that was driven on this thread last has computed.
pub(super) fn caught() -> Caught {
    CAUGHT.with(RefCell::take)
}

/// Hands traffic secrets to [`caught`], and nothing to anybody else.
#[derive(Debug)]
pub(super) struct Catch;

const CLIENT: &str = "CLIENT_TRAFFIC_SECRET_0";
const SERVER: &str = "SERVER_TRAFFIC_SECRET_0";

impl KeyLog for Catch {
    fn log(&self, label: &str, _: &[u8], secret: &[u8]) {
        let secret = Some(Zeroizing::new(secret.to_vec()));
        CAUGHT.with_borrow_mut(|caught| match label {
            CLIENT => caught.client = secret,
            SERVER => caught.server = secret,
            _ => {}
        });
    }

    fn will_log(&self, label: &str) -> bool {
        matches!(label, CLIENT | SERVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|b| b.is_ascii_hexdigit()).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
        digits.chunks(2).map(|pair| byte(pair).unwrap()).collect()
    }

    /// RFC 8448 section 3, "{server} derive write traffic keys for application data".
    #[test]
    fn keys_follow_from_the_secret() {
        let secret = hex(
            "a1 1a f9 f0 55 31 f8 56 ad 47 11 6b 45 a9 50 32 82 04 b4 f4 4b fb 6b 3a 4b 4f 1f 3f cb 63 16 43",
        );
        let half = Half::of_secret(Suite::Aes128GcmSha256, &secret).unwrap();
        assert_eq!(
            half.key(Suite::Aes128GcmSha256),
            hex("9f 02 28 3b 6c 9c 07 ef c2 6b b9 f2 ac 92 e3 56")
        );
        assert_eq!(half.iv[..], hex("cf 78 2b 88 dd 83 54 9a ad f1 e9 84"));
    }

    #[test]
    fn a_nonce_is_never_used_twice() {
        let mut half = Half::of_secret(Suite::Aes128GcmSha256, &[7; 32]).unwrap();
        let first = half.nonce();
        assert_eq!(first, half.iv);
        let second = half.nonce();
        assert_eq!(second[..11], first[..11]);
        assert_eq!(second[11], first[11] ^ 1);
        let mut strange = half.copy();
        strange.derived = false;
        strange.key[3] ^= 1;
        assert!(strange.next(Suite::Aes128GcmSha256).is_none());
        let next = half.next(Suite::Aes128GcmSha256).unwrap();
        assert_ne!(
            next.key(Suite::Aes128GcmSha256),
            half.key(Suite::Aes128GcmSha256)
        );
        assert_eq!(next.seq, 0);
    }
}
