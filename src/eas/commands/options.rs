//! OPTIONS ([MS-ASHTTP] 2.2.3): which versions and commands there are.

use crate::eas::dispatch;
use crate::eas::version::Version;
use crate::http::Answer;

/// The answer for an account with this ceiling.
#[must_use]
pub fn answer(ceiling: Version) -> Answer {
    Answer::new(200)
        .with("MS-ASProtocolVersions", dispatch::versions(ceiling))
        .with("MS-ASProtocolCommands", dispatch::commands(ceiling))
        .with("Public", "OPTIONS,POST")
        .with("Allow", "OPTIONS,POST")
}
