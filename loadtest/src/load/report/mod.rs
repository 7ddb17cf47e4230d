//! What a [`Run`](crate::load::Run) looks like: JSON, a terminal, a page, a histogram log, and two
//! runs side by side.
//!
//! Everything here is a function from a run to text; nothing opens a file, knows the time or asks
//! the terminal what it can do. A page is one HTML file that needs neither a network nor a script.
//! Deliberately absent: measuring, and what the exit code is.

pub mod compare;
pub mod demand;
mod figures;
pub mod hdr;
pub mod html;
pub mod json;
mod page;
mod plot;
mod plots;
#[cfg(test)]
mod sample;
mod series;
mod tables;
pub mod terminal;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_few;
mod units;

/// Why a report cannot be read or made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not JSON, or not that of a run.
    #[error("this is not the JSON of a run: {0}")]
    Json(#[from] serde_json::Error),
    /// Written by another version of this program.
    #[error("the run is written in format {found}; this program reads format {read} only")]
    Format {
        /// What the file says.
        found: u64,
        /// What this program reads.
        read: u32,
    },
    /// A histogram that does not decode.
    #[error("the histogram of {what} does not decode: {why}")]
    Histogram {
        /// Which operation.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// Fewer than two runs.
    #[error("a comparison takes two runs or more")]
    OneRun,
}
