//! The other side of a connection, written a second time (RFC 8446 sections 5.2 and 7): it seals
//! whatever it is told to, right or wrong.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, HKDF_SHA384, KeyType, Prk};
use rustls::ConnectionTrafficSecrets;
use rustls::crypto::cipher::{AeadKey, Iv};

/// One direction.
#[derive(Clone)]
pub(super) struct Direction {
    /// AES-256 with SHA-384; else ChaCha20 with SHA-256.
    aes: bool,
    secret: Vec<u8>,
    key: [u8; 32],
    /// The same, ready for use.
    cipher: Arc<LessSafeKey>,
    iv: [u8; 12],
    seq: u64,
}

impl Direction {
    pub(super) fn new(aes: bool, byte: u8) -> Self {
        Self::of_secret(aes, vec![byte; if aes { 48 } else { 32 }])
    }

    fn of_secret(aes: bool, secret: Vec<u8>) -> Self {
        let (mut key, mut iv) = ([0; 32], [0; 12]);
        expand(aes, &secret, b"key", &mut key);
        expand(aes, &secret, b"iv", &mut iv);
        let algorithm = if aes {
            &AES_256_GCM
        } else {
            &CHACHA20_POLY1305
        };
        let cipher = LessSafeKey::new(UnboundKey::new(algorithm, &key).expect("a key"));
        Self {
            aes,
            secret,
            key,
            cipher: Arc::new(cipher),
            iv,
            seq: 0,
        }
    }

    /// The keys after a KeyUpdate.
    pub(super) fn update(&mut self) {
        let mut next = vec![0; self.secret.len()];
        expand(self.aes, &self.secret, b"traffic upd", &mut next);
        *self = Self::of_secret(self.aes, next);
    }

    pub(super) fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// As rustls hands them out.
    pub(super) fn handed_out(&self) -> ConnectionTrafficSecrets {
        let (key, iv) = (AeadKey::from(self.key), Iv::new(self.iv));
        if self.aes {
            ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        } else {
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv }
        }
    }

    fn nonce(&mut self) -> Nonce {
        let mut nonce = self.iv;
        for (byte, seq) in nonce.iter_mut().skip(4).zip(self.seq.to_be_bytes()) {
            *byte ^= seq;
        }
        self.seq += 1;
        Nonce::assume_unique_for_key(nonce)
    }

    /// A record of this kind and content, with zeros behind them.
    pub(super) fn seal(&mut self, kind: u8, content: &[u8], zeros: usize) -> Vec<u8> {
        let mut inner = [content, &[kind]].concat();
        inner.resize(inner.len() + zeros, 0);
        let len = u16::try_from(inner.len() + 16).expect("short enough");
        let [high, low] = len.to_be_bytes();
        let head = [23, 3, 3, high, low];
        let nonce = self.nonce();
        self.cipher
            .seal_in_place_append_tag(nonce, Aad::from(head), &mut inner)
            .expect("sealed");
        [&head[..], &inner].concat()
    }

    /// The kind and the content of each record.
    pub(super) fn open(&mut self, mut wire: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut opened = Vec::new();
        while let Some((head, rest)) = wire.split_first_chunk::<5>() {
            let [23, 3, 3, high, low] = *head else {
                panic!("a record's head: {head:?}");
            };
            let (sealed, rest) = rest.split_at(u16::from_be_bytes([high, low]).into());
            let mut sealed = sealed.to_vec();
            let nonce = self.nonce();
            let inner = self
                .cipher
                .open_in_place(nonce, Aad::from(*head), &mut sealed)
                .expect("a record that opens");
            let (kind, content) = inner.split_last().expect("a kind");
            opened.push((*kind, content.to_vec()));
            if (*kind, content) == (22, &[24, 0, 0, 1, 0][..]) {
                self.update();
            }
            wire = rest;
        }
        assert!(wire.is_empty(), "half a record");
        opened
    }
}

/// HKDF-Expand-Label.
fn expand(aes: bool, secret: &[u8], label: &[u8], out: &mut [u8]) {
    struct Length(usize);
    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let hash = if aes { HKDF_SHA384 } else { HKDF_SHA256 };
    let short = |n: usize| u8::try_from(n).expect("short");
    let info: [&[u8]; 5] = [
        &[0, short(out.len())],
        &[short(6 + label.len())],
        b"tls13 ",
        label,
        &[0],
    ];
    let prk = Prk::new_less_safe(hash, secret);
    let okm = prk.expand(&info, Length(out.len())).expect("a length");
    okm.fill(out).expect("the same length");
}
