//! Session tickets (RFC 8446 4.6.1, RFC 5077) under keys that may outlive the process: a phone that
//! comes back after a restart resumes its session.
//!
//! A ticket is the name of its key, a random nonce, and the session sealed with AES-256-GCM. The
//! first key seals, all open. Deliberately absent: where the keys are kept and when they change, which
//! is the appliance's affair.

use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rustls::server::ProducesTickets;
use zeroize::Zeroize;

use crate::clock::UnixMs;

/// Bytes of a key's name.
const NAME_BYTES: usize = 16;

/// How long a ticket may be used, in seconds: as long as its key seals and is kept after that.
const LIFETIME_S: u32 = 24 * 60 * 60;

/// A key for session tickets. Zeroed when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct TicketKey {
    /// Random; stands in each ticket.
    pub name: [u8; NAME_BYTES],
    /// Random.
    pub secret: [u8; 32],
    /// When it was made.
    pub made_ms: UnixMs,
}

impl std::fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TicketKey")
            .field("made_ms", &self.made_ms)
            .finish_non_exhaustive()
    }
}

impl Drop for TicketKey {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl TicketKey {
    /// A new one.
    ///
    /// # Errors
    /// When the machine has no random bytes.
    pub fn make(now_ms: UnixMs) -> Result<Self, getrandom::Error> {
        let mut key = Self {
            name: [0; NAME_BYTES],
            secret: [0; 32],
            made_ms: now_ms,
        };
        getrandom::fill(&mut key.name)?;
        getrandom::fill(&mut key.secret)?;
        Ok(key)
    }

    fn aead(&self) -> Option<LessSafeKey> {
        Some(LessSafeKey::new(
            UnboundKey::new(&AES_256_GCM, &self.secret).ok()?,
        ))
    }
}

/// The keys that tickets are sealed and opened with.
#[derive(Debug)]
pub struct Tickets(ArcSwap<Vec<TicketKey>>);

impl Tickets {
    /// The first key seals, all open.
    #[must_use]
    pub fn new(keys: Vec<TicketKey>) -> Arc<Self> {
        Arc::new(Self(ArcSwap::from_pointee(keys)))
    }

    /// Takes other keys from now on.
    pub fn replace(&self, keys: Vec<TicketKey>) {
        self.0.store(Arc::new(keys));
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        !self.0.load().is_empty()
    }

    fn lifetime(&self) -> u32 {
        LIFETIME_S
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let keys = self.0.load();
        let key = keys.first()?;
        let mut nonce = [0; NONCE_LEN];
        // Random: 2^32 tickets are the limit of a key, and its hours end long before.
        aws_lc_rs::rand::fill(&mut nonce).ok()?;
        let mut sealed = plain.to_vec();
        let at = Nonce::assume_unique_for_key(nonce);
        key.aead()?
            .seal_in_place_append_tag(at, Aad::from(key.name), &mut sealed)
            .ok()?;
        Some([&key.name[..], &nonce, &sealed].concat())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_first_chunk::<NAME_BYTES>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let keys = self.0.load();
        let key = keys.iter().find(|key| key.name == *name)?;
        let mut opened = sealed.to_vec();
        let at = Nonce::assume_unique_for_key(*nonce);
        let plain = key.aead()?.open_in_place(at, Aad::from(*name), &mut opened);
        let len = plain.ok()?.len();
        opened.truncate(len);
        Some(opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_keys_open_and_the_first_seals() {
        let key = || TicketKey::make(0).unwrap();
        let (old, new) = (key(), key());
        let tickets = Tickets::new(vec![old.clone()]);
        let ticket = tickets.encrypt(b"session").unwrap();
        tickets.replace(vec![new.clone(), old.clone()]);
        assert_eq!(tickets.decrypt(&ticket).as_deref(), Some(&b"session"[..]));
        let newer = tickets.encrypt(b"session").unwrap();
        tickets.replace(vec![new]);
        assert!(tickets.decrypt(&ticket).is_none() && tickets.decrypt(&newer).is_some());
        let other = Tickets::new(vec![old]);
        assert!(other.decrypt(&newer).is_none());
        assert!(!Tickets::new(Vec::new()).enabled());
    }

    #[test]
    fn a_forged_ticket_opens_nothing() {
        let tickets = Tickets::new(vec![TicketKey::make(0).unwrap()]);
        let ticket = tickets.encrypt(b"session").unwrap();
        for at in 0..ticket.len() {
            let mut forged = ticket.clone();
            forged[at] ^= 1;
            assert!(tickets.decrypt(&forged).is_none(), "byte {at}");
            assert!(tickets.decrypt(&ticket[..at]).is_none(), "cut at {at}");
        }
    }
}
