//! The ItemOperations request.

use crate::eas::options::{Options, OptionsError};
use crate::eas::status::{Common, Failure};
use crate::eas::value;
use crate::eas::version::Version;
use crate::limits::ITEM_OPERATIONS_MAX;
use crate::wbxml::tags::rightsmanagement;
use crate::wbxml::tags::{airsync, airsyncbase, documentlibrary, itemoperations as tags, search};
use crate::wbxml::{Reader, Tag};

/// One operation.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    /// An item, or an attachment.
    Fetch(Box<Fetch>),
    /// Everything out of a folder.
    Empty {
        /// CollectionId as sent.
        folder: String,
        /// The folders below it go, too.
        subfolders: bool,
    },
    /// A conversation into another folder.
    Move(Conversation),
}

/// A conversation that is moved.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Conversation {
    /// Names it.
    pub conversation: Vec<u8>,
    /// The folder as sent.
    pub to: String,
    /// Also what comes later.
    pub always: bool,
}

/// What is fetched; what was named is repeated in the answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Fetch {
    /// `Mailbox` or `DocumentLibrary`.
    pub store: String,
    /// CollectionId.
    pub collection: Option<String>,
    /// ServerId.
    pub server_id: Option<String>,
    /// LongId.
    pub long_id: Option<String>,
    /// FileReference.
    pub file_reference: Option<String>,
    /// The link of a document.
    pub link_id: Option<String>,
    /// Two of a kind, or an option that does not belong there.
    pub malformed: bool,
    /// In which form.
    pub options: Options,
    /// Which bytes of an attachment.
    pub range: Option<(u64, u64)>,
    /// Which properties of an item; none: all.
    pub schema: Option<Vec<Tag>>,
    has_range: bool,
    has_log_in: bool,
    has_other_options: bool,
}

/// Properties that a `Schema` may name: more than there are.
const SCHEMA_MAX: usize = 500;

impl Fetch {
    /// A range that cannot be read.
    #[must_use]
    pub(super) fn bad_range(&self) -> bool {
        self.has_range && self.range.is_none()
    }

    /// It names one thing, and has options of that only.
    fn is_sound(&self) -> bool {
        let named = (
            self.collection.is_some() && self.server_id.is_some(),
            self.collection.is_some() || self.server_id.is_some(),
            self.long_id.is_some(),
            self.file_reference.is_some(),
            self.link_id.is_some(),
        );
        let of_item = self.has_other_options || self.schema.is_some();
        match named {
            (true, _, false, false, false) | (_, false, true, false, false) => {
                !self.has_range && !self.has_log_in
            }
            (_, false, false, true, false) => !of_item && !self.has_log_in,
            (_, false, false, false, true) => !of_item,
            _ => false,
        }
    }
}

/// Reads the operations, one more than is allowed at most; the reader stands within the root.
///
/// # Errors
/// A document that cannot be read or breaks the schema.
pub(super) fn operations(r: &mut Reader<'_>, version: Version) -> Result<Vec<Operation>, Failure> {
    let mut all = Vec::new();
    while let Some(tag) = r.child()? {
        if version.too_old_for(tag) {
            return Err(Common::InvalidXml.into());
        }
        let one = match tag {
            tags::FETCH => Operation::Fetch(Box::new(fetch(r, version)?)),
            tags::EMPTY_FOLDER_CONTENTS => empty(r)?,
            tags::MOVE => Operation::Move(conversation(r)?),
            _ => return Err(Common::InvalidXml.into()),
        };
        if all.len() <= ITEM_OPERATIONS_MAX {
            all.push(one);
        }
    }
    if all.is_empty() {
        return Err(Common::InvalidXml.into());
    }
    Ok(all)
}

fn fetch(r: &mut Reader<'_>, version: Version) -> Result<Fetch, Failure> {
    let mut fetch = Fetch::default();
    while let Some(tag) = r.child()? {
        if version.too_old_for(tag) {
            return Err(Common::InvalidXml.into());
        }
        let slot = match tag {
            tags::STORE => {
                fetch.store = r.text()?.into_owned();
                continue;
            }
            tags::OPTIONS => {
                options(r, version, &mut fetch)?;
                continue;
            }
            rightsmanagement::REMOVE_RIGHTS_MANAGEMENT_PROTECTION => {
                r.skip()?;
                continue;
            }
            airsync::COLLECTION_ID => &mut fetch.collection,
            airsync::SERVER_ID => &mut fetch.server_id,
            search::LONG_ID => &mut fetch.long_id,
            airsyncbase::FILE_REFERENCE => &mut fetch.file_reference,
            documentlibrary::LINK_ID => &mut fetch.link_id,
            _ => return Err(Common::InvalidXml.into()),
        };
        fetch.malformed |= slot.replace(r.text()?.into_owned()).is_some();
    }
    fetch.malformed |= !fetch.is_sound();
    Ok(fetch)
}

fn options(r: &mut Reader<'_>, version: Version, fetch: &mut Fetch) -> Result<(), Failure> {
    while let Some(tag) = r.child()? {
        if version.too_old_for(tag) {
            return Err(Common::InvalidXml.into());
        }
        match tag {
            tags::RANGE => {
                fetch.has_range = true;
                fetch.range = value::range(&r.text()?);
            }
            tags::SCHEMA => {
                let names = fetch.schema.get_or_insert_default();
                while let Some(tag) = r.child()? {
                    r.skip()?;
                    if names.len() == SCHEMA_MAX {
                        return Err(Common::InvalidXml.into());
                    }
                    names.push(tag);
                }
            }
            tags::USER_NAME | tags::PASSWORD => {
                fetch.has_log_in = true;
                r.skip()?;
            }
            _ => {
                let taken = fetch.options.element(r, tag, version);
                let taken = taken.map_err(|e| match e {
                    OptionsError::Wbxml(e) => Failure::from(e),
                    OptionsError::Invalid(_) => Common::InvalidXml.into(),
                    OptionsError::BodyPartType => Common::BodyPartPreferenceTypeNotSupported.into(),
                })?;
                if !taken {
                    return Err(Common::InvalidXml.into());
                }
                fetch.has_other_options = true;
            }
        }
    }
    Ok(())
}

fn empty(r: &mut Reader<'_>) -> Result<Operation, Failure> {
    let (mut folder, mut subfolders) = (None, false);
    while let Some(tag) = r.child()? {
        match tag {
            airsync::COLLECTION_ID => folder = Some(r.text()?.into_owned()),
            tags::OPTIONS => {
                while let Some(tag) = r.child()? {
                    match tag {
                        tags::DELETE_SUB_FOLDERS => subfolders = value::flag(r)?,
                        _ => return Err(Common::InvalidXml.into()),
                    }
                }
            }
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    let folder = folder.ok_or(Common::InvalidXml)?;
    Ok(Operation::Empty { folder, subfolders })
}

fn conversation(r: &mut Reader<'_>) -> Result<Conversation, Failure> {
    let (mut conversation, mut to, mut always) = (None, None, false);
    while let Some(tag) = r.child()? {
        match tag {
            tags::CONVERSATION_ID => conversation = Some(r.bytes()?.to_vec()),
            tags::DST_FLD_ID => to = Some(r.text()?.into_owned()),
            tags::OPTIONS => {
                while let Some(tag) = r.child()? {
                    match tag {
                        tags::MOVE_ALWAYS => always = value::flag(r)?,
                        _ => return Err(Common::InvalidXml.into()),
                    }
                }
            }
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    Ok(Conversation {
        conversation: conversation.ok_or(Common::InvalidXml)?,
        to: to.ok_or(Common::InvalidXml)?,
        always,
    })
}
