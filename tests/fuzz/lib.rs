//! The targets for the binaries, compiled once.

mod net;
mod targets;

/// What has to hold of an input of this target.
#[must_use]
pub const fn check(target: &str) -> fn(&[u8]) {
    targets::by_name(target).check
}
