//! The Find request ([MS-ASCMD] 2.2.1.2).

use super::INVALID;
use crate::eas::context::Context;
use crate::eas::people::photos;
use crate::eas::status::{Common, Failure};
use crate::eas::value;
use crate::limits::SEARCH_TEXT_CHARS_MAX;
use crate::wbxml::Reader;
use crate::wbxml::tags::{airsync, find as tags};

/// What is looked for, and where.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Criterion {
    /// In the mailbox.
    Mailbox(Mailbox),
    /// In the address list.
    Gal(String),
}

/// A query of the mailbox.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Mailbox {
    /// Class, as sent.
    pub(super) class: Option<String>,
    /// CollectionId, as sent.
    pub(super) folder: Option<String>,
    /// The query; none: there was none.
    pub(super) text: Option<String>,
    /// Also in the folders below.
    pub(super) deep: bool,
}

/// What a request says.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// Names the search.
    pub(super) id: String,
    /// What is looked for.
    pub(super) criterion: Option<Criterion>,
    /// Which results; the inner none: not a range.
    pub(super) range: Option<Option<(u64, u64)>>,
    /// What is wanted of photos, if they are.
    pub(super) photos: Option<photos::Asked>,
}

/// Reads the request.
///
/// # Errors
/// A document that cannot be read or breaks the schema.
pub(super) fn read(ctx: &Context<'_>) -> Result<Asked, Failure> {
    let mut r = ctx.document(tags::FIND)?;
    let mut asked = Asked::default();
    while let Some(tag) = r.child()? {
        match tag {
            tags::SEARCH_ID => r.text()?.trim().clone_into(&mut asked.id),
            tags::EXECUTE_SEARCH => {
                while let Some(tag) = r.child()? {
                    let criterion = match tag {
                        tags::MAIL_BOX_SEARCH_CRITERION => in_mailbox(&mut r, &mut asked)?,
                        tags::GAL_SEARCH_CRITERION => in_gal(&mut r, &mut asked)?,
                        _ => return Err(Common::InvalidXml.into()),
                    };
                    if asked.criterion.replace(criterion).is_some() {
                        return Err(Common::InvalidXml.into());
                    }
                }
            }
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    Ok(asked)
}

fn in_mailbox(r: &mut Reader<'_>, asked: &mut Asked) -> Result<Criterion, Failure> {
    let mut query = Mailbox::default();
    while let Some(tag) = r.child()? {
        match tag {
            tags::QUERY => {
                while let Some(tag) = r.child()? {
                    let slot = match tag {
                        airsync::CLASS => &mut query.class,
                        airsync::COLLECTION_ID => &mut query.folder,
                        tags::FREE_TEXT => &mut query.text,
                        _ => return Err(Common::InvalidXml.into()),
                    };
                    *slot = Some(r.text()?.trim().to_owned());
                }
            }
            tags::OPTIONS => query.deep |= options(r, asked)?,
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    Ok(Criterion::Mailbox(query))
}

fn in_gal(r: &mut Reader<'_>, asked: &mut Asked) -> Result<Criterion, Failure> {
    let mut query = String::new();
    while let Some(tag) = r.child()? {
        match tag {
            tags::QUERY => r.text()?.trim().clone_into(&mut query),
            tags::OPTIONS => drop(options(r, asked)?),
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    Ok(Criterion::Gal(query))
}

/// Reads the options; returns whether `DeepTraversal` is among them.
fn options(r: &mut Reader<'_>, asked: &mut Asked) -> Result<bool, Failure> {
    let mut deep = false;
    while let Some(tag) = r.child()? {
        match tag {
            tags::RANGE => asked.range = Some(value::range(&r.text()?)),
            tags::DEEP_TRAVERSAL => deep = value::flag(r)?,
            tags::PICTURE => {
                let photos = photos::Asked::read(r, tags::MAX_SIZE, tags::MAX_PICTURES)?;
                asked.photos = Some(photos);
            }
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    Ok(deep)
}

impl Mailbox {
    /// The query's text; the error: the status of one that is none.
    pub(super) fn text(&self) -> Result<&str, u16> {
        let text = self.text.as_deref().unwrap_or_default();
        match text.is_empty() || text.chars().count() > SEARCH_TEXT_CHARS_MAX {
            true => Err(INVALID),
            false => Ok(text),
        }
    }
}
