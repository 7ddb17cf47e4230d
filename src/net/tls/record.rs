//! Our record layer: TLS 1.3 after the handshake (RFC 8446 sections 4.6.3 and 5), on the keys that
//! rustls agreed on.
//!
//! See [`super`] for why it may be trusted. Records are opened and sealed where they lie; nothing is
//! held between them but keys, counts, and half a record where one has arrived.

use std::hint::black_box;

use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, MAX_TAG_LEN, Nonce, UnboundKey,
};

use super::Fed;
use super::secrets::{Half, Suite};

/// Bytes of a record's head.
const HEAD_BYTES: usize = 5;
/// Bytes of content that a record may carry.
const CONTENT_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a record behind its head, at most (RFC 8446 5.2).
const RECORD_BYTES_MAX: usize = CONTENT_BYTES_MAX + 256;
/// Bytes of a tag, in all suites.
const TAG_BYTES: usize = MAX_TAG_LEN;
/// Records under one key, at most (RFC 8446 5.5 allows 2^24.5 for AES-GCM).
const RECORDS_MAX: u64 = 1 << 24;
/// Records in a row that carry no data before the peer is dropped.
const IDLE_RECORDS_MAX: u8 = 32;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const KEY_UPDATE: u8 = 24;

/// What is wrong with what the peer sent, or with us.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(in crate::net) enum Breach {
    /// A record that cannot be opened.
    #[error("a record that does not open")]
    BadRecord,
    /// A record, or what is in it, is too long.
    #[error("a record that is too long")]
    Overflow,
    /// Something that has no place here.
    #[error("an unexpected message")]
    Unexpected,
    /// A value that does not exist.
    #[error("an unknown value")]
    Illegal,
    /// The peer said that it gives up.
    #[error("an alert")]
    Alert,
    /// After an error, or under keys that are used up.
    #[error("the connection is over")]
    Over,
}

impl Breach {
    /// The alert that tells the peer (RFC 8446 6.2); none to an alert of its own.
    fn alert(self) -> Option<u8> {
        match self {
            Self::Unexpected => Some(10),
            Self::BadRecord => Some(20),
            Self::Overflow => Some(22),
            Self::Illegal => Some(47),
            Self::Alert | Self::Over => None,
        }
    }
}

/// A connection reduced to what it needs.
pub(in crate::net) struct Reduced {
    tx: Half,
    rx: Half,
    /// A record that has not arrived completely. Owns no memory otherwise.
    carry: Vec<u8>,
    suite: Suite,
    /// Records in a row without data.
    idle: u8,
    /// The peer has ended its side.
    closed: bool,
    failed: bool,
    /// Records under one key, as a power of two: 24, but in tests.
    records_max_log: u8,
}

impl Reduced {
    pub(super) fn new(suite: Suite, tx: Half, rx: Half) -> Self {
        Self {
            tx,
            rx,
            carry: Vec::new(),
            suite,
            idle: 0,
            closed: false,
            failed: false,
            records_max_log: u8::try_from(RECORDS_MAX.ilog2()).unwrap_or(24),
        }
    }

    pub(super) fn carried(&self) -> usize {
        self.carry.capacity()
    }

    /// Reads what the next record to be sent will need.
    pub(super) fn warm(&self) {
        self.tx.warm();
        black_box((self.suite, self.failed));
    }

    fn records_max(&self) -> u64 {
        1 << self.records_max_log
    }

    /// Opens the records in `input` and in what was left of earlier ones.
    pub(super) fn feed(
        &mut self,
        input: &mut [u8],
        plain: &mut Vec<u8>,
        wire: &mut Vec<u8>,
    ) -> Result<Fed, Breach> {
        if self.failed {
            return Err(Breach::Over);
        }
        let opened = self.open_all(input, plain, wire);
        if let Err(breach) = opened {
            if let Some(alert) = breach.alert() {
                let _ = self.seal_as(ALERT, &[2, alert], wire);
            }
            self.failed = true;
            self.carry = Vec::new();
        }
        opened
    }

    fn open_all(
        &mut self,
        input: &mut [u8],
        plain: &mut Vec<u8>,
        wire: &mut Vec<u8>,
    ) -> Result<Fed, Breach> {
        if self.carry.is_empty() {
            let used = self.open(input, plain, wire)?;
            if !self.closed {
                self.carry
                    .extend_from_slice(input.get(used..).unwrap_or_default());
            }
        } else {
            let mut carry = std::mem::take(&mut self.carry);
            carry.extend_from_slice(input);
            let used = self.open(&mut carry, plain, wire)?;
            if used < carry.len() && !self.closed {
                carry.drain(..used);
                self.carry = carry;
            }
        }
        Ok(if self.closed { Fed::Closed } else { Fed::Open })
    }

    /// Opens what is complete; returns how many bytes that was.
    fn open(
        &mut self,
        input: &mut [u8],
        plain: &mut Vec<u8>,
        wire: &mut Vec<u8>,
    ) -> Result<usize, Breach> {
        let mut key = aead(self.suite, &self.rx)?;
        let mut used = 0;
        while !self.closed {
            let rest = input.get_mut(used..).unwrap_or_default();
            let Some((head, body)) = rest.split_first_chunk_mut::<HEAD_BYTES>() else {
                break;
            };
            let head = *head;
            // The version in the head is ignored (RFC 8446 5.1).
            let [kind, _, _, high, low] = head;
            let len = usize::from(u16::from_be_bytes([high, low]));
            if len > RECORD_BYTES_MAX {
                return Err(Breach::Overflow);
            }
            // Everything is encrypted by now. A client's change_cipher_spec comes before its
            // Finished, so to rustls and not to us.
            if kind != APPLICATION_DATA {
                return Err(Breach::Unexpected);
            }
            let Some(sealed) = body.get_mut(..len) else {
                break;
            };
            let nonce = Nonce::assume_unique_for_key(self.rx.nonce());
            let opened = key.open_in_place(nonce, Aad::from(head), sealed);
            let content = opened.map_err(|_| Breach::BadRecord)?;
            let (kind, content) = inner(content)?;
            match kind {
                APPLICATION_DATA => self.data(content, plain)?,
                ALERT => self.alerted(content)?,
                HANDSHAKE => {
                    self.updated(content, wire)?;
                    key = aead(self.suite, &self.rx)?;
                }
                _ => return Err(Breach::Unexpected),
            }
            used += HEAD_BYTES + len;
            if self.rx.seq > self.records_max() {
                return Err(Breach::Over);
            }
        }
        Ok(used)
    }

    fn data(&mut self, content: &[u8], plain: &mut Vec<u8>) -> Result<(), Breach> {
        if content.is_empty() {
            return self.idled();
        }
        self.idle = 0;
        plain.extend_from_slice(content);
        Ok(())
    }

    /// One more record without data.
    fn idled(&mut self) -> Result<(), Breach> {
        self.idle += 1;
        if self.idle > IDLE_RECORDS_MAX {
            return Err(Breach::Unexpected);
        }
        Ok(())
    }

    fn alerted(&mut self, content: &[u8]) -> Result<(), Breach> {
        match content {
            // close_notify: what comes behind it is not read (RFC 8446 6.1).
            [_, 0] => {
                self.closed = true;
                Ok(())
            }
            // user_canceled is followed by a close_notify.
            [_, 90] => self.idled(),
            [_, _] => Err(Breach::Alert),
            _ => Err(Breach::Unexpected),
        }
    }

    /// The peer has new keys (RFC 8446 4.6.3). The message fills its record: none may stand behind
    /// it under the old keys. All other messages of a handshake have no place here.
    fn updated(&mut self, content: &[u8], wire: &mut Vec<u8>) -> Result<(), Breach> {
        let [KEY_UPDATE, 0, 0, 1, requested] = *content else {
            return Err(Breach::Unexpected);
        };
        self.idled()?;
        if requested > 1 {
            return Err(Breach::Illegal);
        }
        self.rx = self.rx.next(self.suite).ok_or(Breach::Over)?;
        if requested == 1 {
            self.update(wire)?;
        }
        Ok(())
    }

    /// Says that our keys change, and changes them.
    fn update(&mut self, wire: &mut Vec<u8>) -> Result<(), Breach> {
        // Derived first: a change that cannot be made must not be announced.
        let Some(next) = self.tx.next(self.suite) else {
            self.failed = true;
            return Err(Breach::Over);
        };
        self.seal_as(HANDSHAKE, &[KEY_UPDATE, 0, 0, 1, 0], wire)?;
        self.tx = next;
        Ok(())
    }

    /// New keys in good time: at least one record has to remain for the message that says so.
    fn keep_fresh(&mut self, records: usize, wire: &mut Vec<u8>) -> Result<(), Breach> {
        if self.failed {
            return Err(Breach::Over);
        }
        if self.tx.seq + records as u64 + 2 > self.records_max() {
            self.update(wire)?;
        }
        Ok(())
    }

    /// Appends `plain` as records.
    pub(super) fn seal(&mut self, plain: &[u8], wire: &mut Vec<u8>) -> Result<(), Breach> {
        for part in plain.chunks(CONTENT_BYTES_MAX) {
            self.keep_fresh(1, wire)?;
            self.seal_as(APPLICATION_DATA, part, wire)?;
        }
        Ok(())
    }

    /// See [`super::Tls::begin`].
    pub(super) fn begin(&mut self, wire: &mut Vec<u8>) -> usize {
        // A failure shows in `end`.
        let _ = self.keep_fresh(1, wire);
        let begun = wire.len();
        wire.extend_from_slice(&[0; HEAD_BYTES]);
        begun
    }

    /// See [`super::Tls::end`].
    pub(super) fn end(&mut self, wire: &mut Vec<u8>, begun: usize) -> Result<(), Breach> {
        let content = wire.len().saturating_sub(begun + HEAD_BYTES);
        if content > CONTENT_BYTES_MAX {
            let plain = wire.split_off(begun + HEAD_BYTES);
            wire.truncate(begun);
            return self.seal(&plain, wire);
        }
        self.seal_from(APPLICATION_DATA, wire, begun)
    }

    /// Appends close_notify.
    pub(super) fn close(&mut self, wire: &mut Vec<u8>) -> Result<(), Breach> {
        if self.failed {
            return Err(Breach::Over);
        }
        self.seal_as(ALERT, &[1, 0], wire)
    }

    fn seal_as(&mut self, kind: u8, content: &[u8], wire: &mut Vec<u8>) -> Result<(), Breach> {
        let begun = wire.len();
        wire.reserve(HEAD_BYTES + content.len() + 1 + TAG_BYTES);
        wire.extend_from_slice(&[0; HEAD_BYTES]);
        wire.extend_from_slice(content);
        self.seal_from(kind, wire, begun)
    }

    /// Makes a record of what stands behind the room for its head.
    fn seal_from(&mut self, kind: u8, wire: &mut Vec<u8>, begun: usize) -> Result<(), Breach> {
        if self.failed || self.tx.seq >= self.records_max() {
            wire.truncate(begun);
            return Err(Breach::Over);
        }
        wire.push(kind);
        let len = wire.len() - begun - HEAD_BYTES + TAG_BYTES;
        let [high, low] = u16::try_from(len).map_err(|_| Breach::Over)?.to_be_bytes();
        let head = [APPLICATION_DATA, 3, 3, high, low];
        let key = aead(self.suite, &self.tx)?;
        let nonce = Nonce::assume_unique_for_key(self.tx.nonce());
        let content = wire.get_mut(begun + HEAD_BYTES..).unwrap_or_default();
        let sealed = key.seal_in_place_separate_tag(nonce, Aad::from(head), content);
        let tag = sealed.map_err(|_| Breach::Over)?;
        if let Some(room) = wire.get_mut(begun..begun + HEAD_BYTES) {
            room.copy_from_slice(&head);
        }
        wire.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// The kind and the content of one record, whatever it is.
    #[cfg(test)]
    pub(super) fn open_anything(&mut self, wire: &mut [u8]) -> (u8, Vec<u8>) {
        let (head, sealed) = wire.split_first_chunk_mut::<HEAD_BYTES>().unwrap();
        let nonce = Nonce::assume_unique_for_key(self.rx.nonce());
        let key = aead(self.suite, &self.rx).unwrap();
        let opened = key.open_in_place(nonce, Aad::from(*head), sealed).unwrap();
        let (kind, content) = inner(opened).unwrap();
        (kind, content.to_vec())
    }

    /// Changes its own keys, having said so.
    #[cfg(test)]
    pub(super) fn update_own(&mut self) {
        self.tx = self.tx.next(self.suite).unwrap();
    }

    #[cfg(test)]
    pub(super) fn with_records_max_log(mut self, log: u8) -> Self {
        self.records_max_log = log;
        self
    }

    /// A record of any kind, as a peer that misbehaves would send it.
    #[cfg(test)]
    pub(super) fn seal_anything(&mut self, kind: u8, content: &[u8], wire: &mut Vec<u8>) {
        self.seal_as(kind, content, wire).unwrap();
    }

    /// The peer's side of the connection.
    #[cfg(test)]
    pub(super) fn mirrored(&self) -> Self {
        let copy = |half: &Half| half.copy();
        Self::new(self.suite, copy(&self.rx), copy(&self.tx))
    }
}

/// The cipher of a direction. 121 ns: nothing beside a send, and it keeps 500 bytes out of every
/// connection that waits.
fn aead(suite: Suite, half: &Half) -> Result<LessSafeKey, Breach> {
    let algorithm = match suite {
        Suite::Aes128GcmSha256 => &AES_128_GCM,
        Suite::Aes256GcmSha384 => &AES_256_GCM,
        Suite::Chacha20Poly1305Sha256 => &CHACHA20_POLY1305,
    };
    let key = UnboundKey::new(algorithm, half.key(suite)).map_err(|_| Breach::Over)?;
    Ok(LessSafeKey::new(key))
}

/// The type and the content within an opened record: behind the type there are zeros only.
fn inner(opened: &[u8]) -> Result<(u8, &[u8]), Breach> {
    if opened.len() > CONTENT_BYTES_MAX + 1 {
        return Err(Breach::Overflow);
    }
    let end = opened.iter().rposition(|b| *b != 0);
    let (kind, content) = end
        .and_then(|end| Some((*opened.get(end)?, opened.get(..end)?)))
        .ok_or(Breach::Unexpected)?;
    Ok((kind, content))
}
