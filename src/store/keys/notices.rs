//! What attendees of a meeting are to be told.

use super::{Fields, Key, Kind, Scope, Span};

/// `m`: what attendees of a meeting are to be told, by a name that it has for ever.
#[must_use]
pub fn notice(scope: Scope, name: &[u8; 16]) -> Vec<u8> {
    Key::scoped(Kind::Notice, scope).bytes(name).0
}

/// All that attendees are to be told by an account.
#[must_use]
pub fn notices(scope: Scope) -> Span {
    Span::prefix(Key::scoped(Kind::Notice, scope).0)
}

/// The same of all accounts.
#[must_use]
pub fn all_notices() -> Span {
    Span::prefix(Key::new(Kind::Notice).0)
}

/// Scope and name of an `m` key.
#[must_use]
pub fn parse_notice(key: &[u8]) -> Option<(Scope, [u8; 16])> {
    let mut fields = Fields::of(key, Kind::Notice)?;
    let parts = (fields.scope()?, fields.array()?);
    fields.end().map(|()| parts)
}
