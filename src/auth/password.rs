//! Password hashes: argon2id in PHC form. Burns tens of milliseconds: for the workers only.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

/// What a hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory, KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for Cost {
    /// 19 MiB and two passes: the recommendation of OWASP's password storage sheet.
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
        }
    }
}

/// Why no hash could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The cost is outside what argon2 takes.
    #[error("argon2 refuses this cost: {0}")]
    Cost(String),
    /// The machine gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
}

/// Hashes a password with a fresh salt.
///
/// # Errors
/// [`HashError`].
pub fn hash(password: &str, cost: Cost) -> Result<String, HashError> {
    let mut salt = [0u8; 16];
    getrandom::fill(&mut salt).map_err(|e| HashError::Random(e.to_string()))?;
    let salt = SaltString::encode_b64(&salt).map_err(|e| HashError::Random(e.to_string()))?;
    let params = Params::new(cost.memory_kib, cost.passes, 1, None)
        .map_err(|e| HashError::Cost(e.to_string()))?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.as_bytes(), &salt)
        .map(|h| h.to_string())
        .map_err(|e| HashError::Cost(e.to_string()))
}

/// Is this the password? A hash that cannot be read is no password's.
#[must_use]
pub fn verify(password: &str, phc: &str) -> bool {
    PasswordHash::new(phc).is_ok_and(|h| {
        Argon2::default()
            .verify_password(password.as_bytes(), &h)
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost {
        memory_kib: 64,
        passes: 1,
    };

    #[test]
    fn the_right_one_and_no_other() {
        let phc = hash("größe:1", CHEAP).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{phc}");
        assert!(verify("größe:1", &phc));
        for wrong in ["", "größe:2", "groesse:1"] {
            assert!(!verify(wrong, &phc), "{wrong}");
        }
        assert_ne!(
            phc,
            hash("größe:1", CHEAP).unwrap(),
            "every hash has its own salt"
        );
    }

    #[test]
    fn a_broken_hash_opens_nothing() {
        for phc in ["", "x", "$argon2id$", "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$"] {
            assert!(!verify("", phc));
        }
    }
}
