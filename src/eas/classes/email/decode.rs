//! What a client may change in a mail: `Read`, `Flag` and `Categories` of any, all of a draft in
//! 16.0+ ([MS-ASEMAIL] 3.1.5). What it leaves out stays.

use super::draft::{Draft, Marks, TextMessage};
use super::flag;
use crate::eas::classes::{Decoded, Error, Source, check_version, value};
use crate::eas::version::Version;
use crate::pim::{Message, Record};
use crate::wbxml::Reader;
use crate::wbxml::tags::email;

/// Reads `ApplicationData`, just named. Without an existing mail it is a new draft (16.0+).
pub(in crate::eas::classes) fn decode(
    r: &mut Reader<'_>,
    existing: Option<Message>,
    source: &Source<'_>,
) -> Result<Decoded, Error> {
    let may_draft = source.version >= Version::V16_0 || source.sms;
    if existing.is_none() && !may_draft {
        return Err(Error::Mail);
    }
    let (mut draft, mut drafted) = (Draft::default(), existing.is_none());
    draft.text = source.sms.then(TextMessage::default);
    let mut marks = Marks::default();
    while let Some(tag) = r.child()? {
        check_version(tag, source.version)?;
        match tag {
            email::READ => marks.read = value::flag(r, tag)?,
            email::FLAG => marks.flag = Some(flag::read(r, source.version, source.now_ms)?),
            email::CATEGORIES => marks.categories = Some(value::strings(r, tag, email::CATEGORY)?),
            _ if let Some(text) = &mut draft.text
                && text.element(r, tag)? => {}
            _ if may_draft && draft.element(r, tag, source.version)? => {
                drafted = true;
            }
            // Whatever else a client repeats to us is ours to say.
            _ => r.skip()?,
        }
    }
    if drafted && existing.as_ref().is_some_and(|m| !m.draft) {
        return Err(Error::Mail);
    }
    let record = existing.map(|mut m| {
        marks.apply(&mut m);
        Record::Message(m)
    });
    draft.marks = marks;
    Ok(Decoded {
        adds_files: drafted && !draft.add.is_empty(),
        record,
        draft: drafted.then_some(draft),
        ..Decoded::default()
    })
}
