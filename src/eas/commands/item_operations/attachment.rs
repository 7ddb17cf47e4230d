//! Attachments: the bytes behind a FileReference, whole or in part.

use crate::eas::classes::FileReference;
use crate::eas::context::Context;
use crate::eas::status::Failure;
use crate::mailbox::{FolderId, ItemId};
use crate::pim::message::Transfer;
use crate::pim::{RecordRef, mail};
use crate::store::BlobId;

/// An attachment, as far as it was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attachment {
    /// Its type.
    pub content_type: String,
    /// The bytes asked for.
    pub bytes: Vec<u8>,
    /// Where they begin.
    pub from: u64,
    /// Bytes of the whole.
    pub total: u64,
}

/// Why there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    /// The reference names nothing (any more).
    Reference,
    /// The range lies beyond the end.
    Range,
    /// It is larger than an answer may be.
    Large,
}

/// The bytes of `range` (inclusive; none: all) of an attachment, `bytes_max` at most.
///
/// # Errors
/// The store's.
pub async fn read(
    ctx: &Context<'_>,
    reference: &str,
    range: Option<(u64, u64)>,
    bytes_max: u64,
) -> Result<Result<Attachment, Missing>, Failure> {
    let Ok(reference) = reference.parse::<FileReference>() else {
        return Ok(Err(Missing::Reference));
    };
    let (folder, item) = (FolderId(reference.folder), ItemId(reference.item));
    let row = ctx.mailbox().item(ctx.scope(), folder, item).await?;
    let Some(place) = row.as_ref().and_then(|row| match row.record() {
        Ok(RecordRef::Message(m)) => {
            let part = m.parts.iter().find(|p| p.index == reference.part)?;
            Some(Place {
                blob: BlobId(m.mime.hash),
                body: part.body_from.to_native()..part.body_to.to_native(),
                encoding: transfer(&part.encoding),
                content_type: part.content_type.as_str().to_owned(),
                total: part.bytes.to_native(),
            })
        }
        Ok(RecordRef::Event(e)) => {
            let mut files = e.files().iter();
            let file = files.find(|f| f.index == reference.part)?;
            let total = file.blob.bytes.to_native();
            Some(Place {
                blob: BlobId(file.blob.hash),
                body: 0..total,
                encoding: Transfer::Identity,
                content_type: match file.content_type.as_str() {
                    "" => "application/octet-stream".to_owned(),
                    known => known.to_owned(),
                },
                total,
            })
        }
        _ => None,
    }) else {
        return Ok(Err(Missing::Reference));
    };
    place.read(ctx, range, bytes_max).await
}

/// Where an attachment is.
struct Place {
    blob: BlobId,
    body: std::ops::Range<u64>,
    encoding: Transfer,
    content_type: String,
    total: u64,
}

impl Place {
    async fn read(
        self,
        ctx: &Context<'_>,
        range: Option<(u64, u64)>,
        bytes_max: u64,
    ) -> Result<Result<Attachment, Missing>, Failure> {
        let wanted = match range {
            None => 0..self.total,
            Some((from, _)) if from >= self.total => return Ok(Err(Missing::Range)),
            Some((from, to)) => from..to.saturating_add(1).min(self.total),
        };
        if wanted.end - wanted.start > bytes_max {
            return Ok(Err(Missing::Large));
        }
        let store = ctx.mailbox().store();
        let encoded = match store.get_blob(self.blob, self.body).await {
            Ok(encoded) => encoded,
            Err(crate::store::Error::NoBlob) => return Ok(Err(Missing::Reference)),
            Err(e) => return Err(e.into()),
        };
        let (encoding, from) = (self.encoding, wanted.start);
        let decode = move || mail::decode_range(&encoded, encoding, wanted);
        Ok(Ok(Attachment {
            content_type: self.content_type,
            bytes: ctx.eas.workers().run(decode).await?,
            from,
            total: self.total,
        }))
    }
}

fn transfer(encoding: &crate::pim::message::ArchivedTransfer) -> Transfer {
    use crate::pim::message::ArchivedTransfer as Archived;
    match encoding {
        Archived::Identity => Transfer::Identity,
        Archived::Base64 => Transfer::Base64,
        Archived::QuotedPrintable => Transfer::QuotedPrintable,
    }
}
