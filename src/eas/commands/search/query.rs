//! The query of a mailbox search ([MS-ASCMD] 2.2.3.146): one `And`, and what may stand in it.

use super::{INVALID, TOO_COMPLEX};
use crate::clock::UnixMs;
use crate::eas::classes::date;
use crate::eas::options::class_of;
use crate::eas::status::Failure;
use crate::eas::version::Version;
use crate::limits::{SEARCH_TERMS_MAX, SEARCH_TEXT_CHARS_MAX};
use crate::mailbox::FolderId;
use crate::mailbox::search::{Expr, Query};
use crate::pim::Class;
use crate::pim::words::{Field, Term, terms};
use crate::wbxml::tags::{airsync, email, search as tags};
use crate::wbxml::{Reader, Tag};

/// Bytes of a conversation's name.
const CONVERSATION_BYTES: usize = 16;

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Wanted {
    classes: Vec<u8>,
    folders: Vec<u32>,
    anywhere: bool,
    texts: Vec<String>,
    conversation: Option<Vec<u8>>,
    /// Behind this moment.
    after_ms: Option<UnixMs>,
    /// Before this moment.
    before_ms: Option<UnixMs>,
    /// Also in the folders below.
    pub(super) deep: bool,
}

/// Reads the `Query` just named. The inner error: the status of one that is refused; the reader then
/// stands behind it all the same.
///
/// # Errors
/// A document that cannot be read.
pub(super) fn read(r: &mut Reader<'_>, version: Version) -> Result<Result<Wanted, u16>, Failure> {
    let mut wanted = None;
    let mut refused = None;
    while let Some(tag) = r.child()? {
        let allowed = tag == tags::AND && wanted.is_none();
        if !allowed || version.too_old_for(tag) {
            r.skip()?;
            refused = refused.or(Some(TOO_COMPLEX));
            continue;
        }
        let mut one = Wanted::default();
        while let Some(tag) = r.child()? {
            if let Err(status) = one.take(r, tag, version)? {
                refused = refused.or(Some(status));
            }
        }
        wanted = Some(one);
    }
    Ok(match (refused, wanted) {
        (Some(status), _) => Err(status),
        (None, None) => Err(TOO_COMPLEX),
        (None, Some(wanted)) => wanted.checked(),
    })
}

impl Wanted {
    /// Takes one condition.
    fn take(
        &mut self,
        r: &mut Reader<'_>,
        tag: Tag,
        version: Version,
    ) -> Result<Result<(), u16>, Failure> {
        if version.too_old_for(tag) {
            r.skip()?;
            return Ok(Err(INVALID));
        }
        match tag {
            airsync::CLASS => match class_of(r.text()?.trim(), version) {
                Some(class) => self.classes.push(class as u8),
                None => return Ok(Err(INVALID)),
            },
            airsync::COLLECTION_ID => match r.text()?.trim() {
                // All folders: what Outlook sends.
                "" | "0" => self.anywhere = true,
                id => match FolderId::parse(id) {
                    Some(id) => self.folders.push(id.0),
                    None => return Ok(Err(INVALID)),
                },
            },
            tags::FREE_TEXT => {
                let text = r.text()?;
                if text.chars().count() > SEARCH_TEXT_CHARS_MAX {
                    return Ok(Err(TOO_COMPLEX));
                }
                self.texts.push(text.trim().to_owned());
            }
            tags::CONVERSATION_ID => {
                let id = r.bytes()?;
                if id.len() != CONVERSATION_BYTES {
                    return Ok(Err(INVALID));
                }
                self.conversation = Some(id.to_vec());
            }
            tags::GREATER_THAN | tags::LESS_THAN => {
                let Some(ms) = moment(r)? else {
                    return Ok(Err(INVALID));
                };
                let (slot, pick): (_, fn(UnixMs, UnixMs) -> UnixMs) = match tag {
                    tags::GREATER_THAN => (&mut self.after_ms, Ord::max),
                    _ => (&mut self.before_ms, Ord::min),
                };
                *slot = Some(slot.map_or(ms, |before| pick(before, ms)));
            }
            // Another And, an Or, a comparison of documents.
            _ => {
                r.skip()?;
                return Ok(Err(TOO_COMPLEX));
            }
        }
        Ok(Ok(()))
    }

    /// Something has to be asked for.
    fn checked(self) -> Result<Self, u16> {
        let has_text = self.texts.iter().any(|text| !text.is_empty());
        let has_date = self.after_ms.is_some() || self.before_ms.is_some();
        match has_text || has_date || self.conversation.is_some() {
            true => Ok(self),
            false => Err(INVALID),
        }
    }

    /// The search; the error: the status of one with too many words. None: nothing can match.
    pub(super) fn query(&self) -> Result<Option<Query>, u16> {
        let mut all = Vec::new();
        let mut count = 0;
        for text in self.texts.iter().filter(|text| !text.is_empty()) {
            let terms = terms(text, SEARCH_TERMS_MAX + 1);
            if terms.is_empty() {
                return Ok(None);
            }
            count += terms.iter().map(Term::count).sum::<usize>();
            all.push(Expr::of_terms(Field::Any, terms));
        }
        if count > SEARCH_TERMS_MAX {
            return Err(TOO_COMPLEX);
        }
        if let Some(id) = &self.conversation {
            all.push(Expr::Conversation(id.clone()));
        }
        let from_ms = self.after_ms.map_or(UnixMs::MIN, |ms| ms.saturating_add(1));
        let to_ms = self
            .before_ms
            .map_or(UnixMs::MAX, |ms| ms.saturating_sub(1));
        all.push(Expr::Dated(from_ms, to_ms));
        let folders = match self.anywhere {
            true => Vec::new(),
            false => self.folders.iter().copied().map(FolderId).collect(),
        };
        let classes = self.classes.iter().copied();
        Ok(Some(Query {
            expr: Expr::And(all),
            classes: classes.filter_map(Class::from_number).collect(),
            folders,
            deep: self.deep,
        }))
    }
}

/// `GreaterThan` or `LessThan`: `DateReceived`, and the moment in `Value`.
fn moment(r: &mut Reader<'_>) -> Result<Option<UnixMs>, Failure> {
    let (mut is_dated, mut ms, mut is_sound) = (false, None, true);
    while let Some(tag) = r.child()? {
        match tag {
            email::DATE_RECEIVED => {
                r.skip()?;
                is_dated = true;
            }
            tags::VALUE => ms = date::parse(r.text()?.trim()),
            _ => {
                r.skip()?;
                is_sound = false;
            }
        }
    }
    Ok(ms.filter(|_| is_dated && is_sound))
}
