//! Checked credentials, remembered for some minutes as keyed digests.

use crate::clock::MonoMs;
use crate::limits::{CREDENTIAL_CACHE_MAX, CREDENTIAL_CACHE_S};
use aws_lc_rs::hmac;
use std::collections::HashMap;
use std::sync::Mutex;

/// HMAC over the stored hash, whose salt is its account's own, and the password that was right for it.
/// Its first half: nobody finds 128 bits of an HMAC by trying, and every phone's log-in lies here.
pub(super) type Digest = [u8; 16];

/// Digests of credentials that were right. The key lives as long as the process.
pub(super) struct Cache {
    key: hmac::Key,
    /// Digest to the moment from which it is no longer believed.
    until: Mutex<HashMap<Digest, MonoMs>>,
}

impl Cache {
    /// An empty cache under a fresh random key.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut key = [0u8; 32];
        getrandom::fill(&mut key)?;
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            until: Mutex::default(),
        })
    }

    /// The digest of a password tried against a stored hash. About 200 ns.
    pub(super) fn digest(&self, password: &str, phc: &str) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        // The hash holds no NUL, so the two cannot run into each other.
        context.update(phc.as_bytes());
        context.update(&[0]);
        context.update(password.as_bytes());
        let tag = context.sign();
        let mut half = Digest::default();
        let bytes = half.iter_mut().zip(tag.as_ref());
        bytes.for_each(|(to, from)| *to = *from);
        half
    }

    /// Was this digest right within the last minutes?
    pub(super) fn holds(&self, digest: &Digest, now: MonoMs) -> bool {
        let Ok(until) = self.until.lock() else {
            return false;
        };
        until.get(digest).is_some_and(|&t| now < t)
    }

    /// Remembers a digest that was right.
    pub(super) fn remember(&self, digest: Digest, now: MonoMs) {
        let Ok(mut until) = self.until.lock() else {
            return;
        };
        if until.len() >= CREDENTIAL_CACHE_MAX {
            until.retain(|_, &mut t| now < t);
        }
        if until.len() < CREDENTIAL_CACHE_MAX {
            until.insert(digest, now + CREDENTIAL_CACHE_S * 1000);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn believed_for_minutes_and_bound_to_the_hash() {
        let c = Cache::new().unwrap();
        let d = c.digest("secret", "$argon2id$1");
        assert!(!c.holds(&d, 0));
        c.remember(d, 1_000);
        assert!(c.holds(&d, 1_000));
        assert!(!c.holds(&d, 1_000 + CREDENTIAL_CACHE_S * 1000), "ran out");
        assert!(
            !c.holds(&c.digest("secret", "$argon2id$2"), 1_000),
            "password changed"
        );
        assert!(!c.holds(&c.digest("Secret", "$argon2id$1"), 1_000));
        assert_ne!(
            Cache::new().unwrap().digest("secret", "$argon2id$1"),
            d,
            "key per process"
        );
    }
}
