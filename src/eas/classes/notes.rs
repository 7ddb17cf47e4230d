//! Notes, 14.0+ ([MS-ASNOTE]). Their time is compact.

use super::value::{self, write_strings};
use super::{Context, Decoded, Error, Source, body, check_version, date};
use crate::pim::note::ArchivedNote;
use crate::pim::{Note, Record};
use crate::wbxml::tags::{airsyncbase, notes};
use crate::wbxml::{Reader, Writer};

/// The class of every note ([MS-ASNOTE] 2.2.2.5).
const MESSAGE_CLASS: &str = "IPM.StickyNote";

/// Writes the properties of a note.
pub(super) fn encode(w: &mut Writer, n: &ArchivedNote, ctx: &Context<'_>) {
    w.text(notes::SUBJECT, &n.subject);
    w.text(
        notes::MESSAGE_CLASS,
        if n.message_class.is_empty() {
            MESSAGE_CLASS
        } else {
            &n.message_class
        },
    );
    w.text(
        notes::LAST_MODIFIED_DATE,
        &date::compact(n.modified_ms.to_native()),
    );
    write_strings(w, notes::CATEGORIES, notes::CATEGORY, &n.categories);
    body::write(w, ctx, &n.body, None);
}

/// Reads `ApplicationData`, just named. What is left out is deleted (notes have no ghosts), save
/// the text and the subject.
pub(super) fn decode(
    r: &mut Reader<'_>,
    existing: Option<Note>,
    source: &Source<'_>,
) -> Result<Decoded, Error> {
    let existing = existing.unwrap_or_else(|| Note {
        message_class: MESSAGE_CLASS.to_owned(),
        created_ms: source.now_ms,
        ..Note::default()
    });
    let mut n = Note {
        categories: Vec::new(),
        // The server's own, whatever the client says (2.2.2.4).
        modified_ms: source.now_ms,
        ..existing
    };
    let mut uploads = Vec::new();
    while let Some(tag) = r.child()? {
        check_version(tag, source.version)?;
        match tag {
            notes::SUBJECT => n.subject = value::text(r)?,
            notes::MESSAGE_CLASS => {
                let class = value::text(r)?;
                // Others are no notes (2.2.2.5).
                if !class.starts_with(MESSAGE_CLASS) {
                    return Err(Error::Value(tag));
                }
                n.message_class = class;
            }
            notes::CATEGORIES => n.categories = value::strings(r, tag, notes::CATEGORY)?,
            airsyncbase::BODY => {
                if let Some(new) = body::read(r, source.version)? {
                    body::set(&mut n.body, new, &mut uploads);
                }
            }
            _ => r.skip()?,
        }
    }
    Ok(Decoded {
        uploads,
        ..Decoded::of(Record::Note(n))
    })
}
