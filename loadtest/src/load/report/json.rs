//! A run as JSON: the one form that is read again.

use super::Error;
use crate::load::Run;
use crate::load::run::FORMAT;
use serde::Deserialize;

/// What has to be known before the rest is understood.
#[derive(Deserialize)]
struct Head {
    format: Option<u64>,
}

/// The run as JSON, indented, with a line break at the end.
///
/// # Errors
/// [`Error::Json`] where a number is none (JSON has no infinity).
pub fn write(run: &Run) -> Result<String, Error> {
    let mut text = serde_json::to_string_pretty(run)?;
    text.push('\n');
    Ok(text)
}

/// The run that a text holds.
///
/// # Errors
/// [`Error::Format`] for the run of a program that writes another format, [`Error::Json`] for
/// everything that is no run.
pub fn read(text: &str) -> Result<Run, Error> {
    let head: Head = serde_json::from_str(text)?;
    match head.format {
        Some(found) if found != u64::from(FORMAT) => Err(Error::Format {
            found,
            read: FORMAT,
        }),
        _ => Ok(serde_json::from_str(text)?),
    }
}
