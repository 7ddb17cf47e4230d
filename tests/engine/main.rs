//! What every engine of the store has to do, one behaviour per function, run on each engine.
//!
//! `suite!` makes a test of each behaviour for each engine; what only the engine on disk has
//! (opening, closing, the lock, the commit mark) is in `disk`, what only the one in memory has in
//! `faults`, and the comparison of the two under random batches in `differential`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that finds something else than it expects has to fail"
)]

mod batches;
mod blobs;
mod conditions;
mod differential;
mod disk;
mod faults;
mod kit;
mod limits;
mod moments;
mod ranges;
mod wakes;

/// Makes a module of tests, `memory` and `fjall`, out of functions over any engine.
macro_rules! suite {
    ($($behaviour:ident),+ $(,)?) => {
        mod memory {
            $(#[test] fn $behaviour() { super::$behaviour(&crate::kit::memory()); })+
        }
        mod fjall {
            $(#[test] fn $behaviour() {
                let folder = crate::kit::Folder::new();
                super::$behaviour(&folder.open());
            })+
        }
    };
}
use suite;
