//! The load test: a fleet of devices of the model over real connections, and what came of it.
//!
//! A [`Scenario`] says who does what, when and for how long. Running it gives a [`Run`]: everything
//! that was measured and found, in one value that is written as JSON, shown as a report and held
//! against another one.

pub mod agents;
pub mod drive;
pub mod fleet;
pub mod inject;
pub mod judge;
pub mod marker;
pub mod measure;
pub mod report;
pub mod run;
pub mod scenario;
pub mod share;
pub mod shipped;
pub mod spread;
#[cfg(test)]
mod testing;
pub mod truth;
pub mod watch;
pub mod wire;

pub use run::Run;
pub use scenario::Scenario;
