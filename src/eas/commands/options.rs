//! OPTIONS ([MS-ASHTTP] 2.2.3): which versions and commands there are.

use crate::eas::dispatch;
use crate::eas::version::Version;
use crate::http::Answer;

/// What the server is called. The name is no secret, since the answers give it away; the version is
/// the operator's business. It is said here alone, where clients ask first and none is in a hurry.
const SERVER: &str = "Roost";

/// The answer for an account with this ceiling.
#[must_use]
pub fn answer(ceiling: Version) -> Answer {
    Answer::new(200)
        .with("Server", SERVER)
        .with("MS-ASProtocolVersions", dispatch::versions(ceiling))
        .with("MS-ASProtocolCommands", dispatch::commands(ceiling))
        .with("Public", "OPTIONS,POST")
        .with("Allow", "OPTIONS,POST")
}
