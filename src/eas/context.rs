//! What a command works with, and what it comes to.

use crate::eas::advisor::Origin;
use crate::eas::classes::{self, Fetched};
use crate::eas::options::Options;
use crate::eas::parked::Waiting;
use crate::eas::quirks::{Quirk, Quirks};
use crate::eas::request::Target;
use crate::eas::status::{Common, Failure};
use crate::eas::version::Version;
use crate::eas::{Eas, outgoing::Author};
use crate::mailbox::{AccountRow, DeviceNo, DeviceRow, ItemRow, Mailbox};
use crate::pim::body::BlobRef;
use crate::store::{BlobId, Scope};
use crate::wbxml::{Reader, Tag, Writer};
use crate::work;

/// One request, authenticated, with its device.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The house.
    pub eas: &'a Eas,
    /// The connection that the request came on.
    pub origin: Origin,
    /// The request line.
    pub target: &'a Target,
    /// Who asks.
    pub account: &'a AccountRow,
    /// With which device.
    pub device: &'a DeviceRow,
    /// What is done differently for it.
    pub quirks: Quirks,
    /// The content.
    pub body: &'a [u8],
}

/// What a command came to.
#[derive(Debug)]
pub enum Done {
    /// To be answered at once.
    Reply(Reply),
    /// Nothing to say yet.
    Park(Waiting),
}

/// An answer with HTTP 200, and what the log says of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// What goes out.
    pub content: Content,
    /// The status of the whole, for the log.
    pub status: u16,
    /// How many changes, items or results it carries, for the log.
    pub changes: usize,
    /// The lists of versions and commands go with it (`X-MS-RP`).
    pub renegotiate: bool,
}

/// The content of an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// None: for Sync nothing new, for SendMail success.
    Nothing,
    /// A document.
    Wbxml(Vec<u8>),
    /// Something else, with its type.
    Other(String, Vec<u8>),
}

impl Reply {
    /// An answer without content.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            content: Content::Nothing,
            status: 1,
            changes: 0,
            renegotiate: false,
        }
    }

    /// A document, with the status of the whole for the log.
    #[must_use]
    pub fn document(w: Writer, status: u16) -> Self {
        Self {
            content: Content::Wbxml(w.finish()),
            status,
            ..Self::nothing()
        }
    }

    /// The same with a count for the log.
    #[must_use]
    pub fn with_changes(self, changes: usize) -> Self {
        Self { changes, ..self }
    }
}

impl From<Reply> for Done {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

impl<'a> Context<'a> {
    /// The version of the request.
    #[must_use]
    pub fn version(&self) -> Version {
        self.target.version
    }

    /// Whether this is done differently for the client.
    #[must_use]
    pub fn quirk(&self, quirk: Quirk) -> bool {
        self.quirks.has(quirk)
    }

    /// The account.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.account.scope
    }

    /// The device's number.
    #[must_use]
    pub fn device_no(&self) -> DeviceNo {
        self.device.number
    }

    /// The user data.
    #[must_use]
    pub fn mailbox(&self) -> &'a Mailbox {
        self.eas.mailbox()
    }

    /// The shortest and the longest heartbeat that this device may ask for, in seconds.
    #[must_use]
    pub fn heartbeat_s(&self) -> (u32, u32) {
        let settings = self.eas.settings();
        let device = (self.scope(), self.device_no().0);
        let max = settings.heartbeat_s_max;
        let cap_s = self
            .eas
            .advisor()
            .cap_s(self.origin, device, max, self.now_ms());
        (settings.heartbeat_s_min, cap_s)
    }

    /// Now, Unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.eas.clock().now_ms()
    }

    /// A reader that stands within the root element of the request.
    ///
    /// # Errors
    /// A document that cannot be read, or one of another command.
    pub fn document(&self, root: Tag) -> Result<Reader<'a>, Failure> {
        if self.body.is_empty() {
            return Err(Common::InvalidContent.into());
        }
        let mut r = Reader::new(self.body)?;
        if r.root()? != root {
            return Err(Common::InvalidXml.into());
        }
        Ok(r)
    }

    /// Who sends mail in this request.
    #[must_use]
    pub fn author(&self) -> Author<'a> {
        Author {
            account: self.account,
            device: self.device.number,
        }
    }
}

/// Reads what an item needs beside its record. What cannot be read is left out of the answer,
/// which then says that it was cut.
///
/// # Errors
/// The store's, or too much waiting for the workers.
pub async fn fetch(
    eas: &Eas,
    row: &ItemRow,
    options: &Options,
    version: Version,
) -> Result<Fetched, Failure> {
    let Ok(record) = row.record() else {
        return Ok(Fetched {
            unreadable: true,
            ..Fetched::default()
        });
    };
    let need = classes::needs(record, options, version);
    if need.is_none() {
        return Ok(Fetched::default());
    }
    let mut fetched = Fetched::default();
    if let Some((mime, bytes)) = need.mime {
        let raw = blob(eas, mime, bytes).await?;
        // Making renditions of a large mail would hold up the core.
        fetched = rendered(eas.workers().run(move || Fetched::mail(&need, raw)).await)?;
    }
    if let Some(body) = need.body {
        let text = blob(eas, body, body.bytes).await?;
        fetched.body = Some(String::from_utf8_lossy(&text).into_owned());
    }
    if let Some(picture) = need.picture {
        fetched.picture = Some(blob(eas, picture, picture.bytes).await?);
    }
    Ok(fetched)
}

/// A mail whose rendition fails is sent without a body: it is not to keep the others from a device.
fn rendered(done: Result<Fetched, work::Error>) -> Result<Fetched, Failure> {
    match done {
        Err(work::Error::Panicked) => {
            tracing::error!("a mail cannot be rendered");
            Ok(Fetched {
                unreadable: true,
                ..Fetched::default()
            })
        }
        done => Ok(done?),
    }
}

/// The first `bytes` of a blob; nothing if it is lost.
///
/// # Errors
/// The store's.
pub async fn blob(eas: &Eas, blob: BlobRef, bytes: u64) -> Result<Vec<u8>, Failure> {
    let store = eas.mailbox().store();
    match store.get_blob(BlobId(blob.hash), 0..bytes).await {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(crate::store::Error::NoBlob) => {
            tracing::error!(blob = ?BlobId(blob.hash), "a message body is missing");
            Ok(Vec::new())
        }
        Err(e) => Err(e.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mail_does_not_hold_up_the_others() {
        let panicked = rendered(Err(work::Error::Panicked));
        assert!(panicked.is_ok_and(|f| f.unreadable && f.text.is_none() && f.mime.is_none()));
        assert_eq!(rendered(Err(work::Error::Busy)).err(), Some(Failure::Busy));
    }
}
