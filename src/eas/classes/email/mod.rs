//! Mail ([MS-ASEMAIL]): every property but the body, which `body.rs` writes.
//!
//! Absent: voice mail, rights management, `AccountId` (an account has one address
//! book of its own), `ReceivedAsBcc`.

pub(in crate::eas::classes) mod body;
pub(in crate::eas::classes) mod decode;
pub(in crate::eas::classes) mod draft;
mod flag;
mod meeting;

use super::value::write_strings;
use super::{Context, FileReference, date};
use crate::eas::version::Version;
use crate::pim::message::{ArchivedMessage, ArchivedPart};
use crate::wbxml::tags::{airsyncbase, email, email2};
use crate::wbxml::{Tag, Writer};

/// Characters of `To` and `From` ([MS-ASEMAIL] 2.2.2.79, 2.2.2.36).
const ADDRESSES_MAX: usize = 32_768;
/// Characters of `Bcc` (2.2.2.9).
const BCC_MAX: usize = 1_024;

/// Writes the properties of a mail.
pub(super) fn encode(w: &mut Writer, m: &ArchivedMessage, ctx: &Context<'_>) {
    write_addresses(w, email::TO, &m.to, ADDRESSES_MAX);
    write_addresses(w, email::CC, &m.cc, ADDRESSES_MAX);
    write_addresses(w, email::FROM, &m.from, ADDRESSES_MAX);
    w.text(email::SUBJECT, &m.subject);
    w.text_if(email::REPLY_TO, &m.reply_to);
    let received = date::dashed(m.received_ms.to_native());
    w.ascii(email::DATE_RECEIVED, received.ascii());
    w.text_if(email::DISPLAY_TO, &m.display_to);
    w.text_if(email::THREAD_TOPIC, &m.topic);
    // Always: Android 2.2 takes a missing one for low.
    w.num(email::IMPORTANCE, m.importance.min(2));
    w.flag(email::READ, m.read);
    write_attachments(w, m, ctx);
    body::write(w, m, ctx);
    write_class(w, m);
    write_code_page(w, m.code_page.to_native());
    if let Some(meeting) = m.meeting.as_ref() {
        meeting::write(w, meeting, ctx);
    }
    if ctx.version >= Version::V12_0 {
        flag::write(w, m.flag.as_ref());
        write_content_class(w, m);
    }
    if ctx.version >= Version::V14_0 {
        w.opaque(email2::CONVERSATION_ID, &m.conversation_id);
        w.opaque(email2::CONVERSATION_INDEX, &m.conversation_index);
        w.text_if(email2::SENDER, &m.sender);
        write_marks_of_14(w, m);
    }
    if ctx.version >= Version::V16_0 {
        w.flag(email2::IS_DRAFT, m.draft);
        write_addresses(w, email2::BCC, &m.bcc, BCC_MAX);
    }
}

/// Writes what can change of a mail that was delivered.
pub(super) fn encode_marks(w: &mut Writer, m: &ArchivedMessage, version: Version) {
    w.flag(email::READ, m.read);
    if version >= Version::V12_0 {
        flag::write(w, m.flag.as_ref());
    }
    if version >= Version::V14_0 {
        write_marks_of_14(w, m);
    }
}

/// The marks that came with 14.0.
fn write_marks_of_14(w: &mut Writer, m: &ArchivedMessage) {
    // Written when empty too: that is how a device hears that the last one went.
    if m.categories.is_empty() {
        w.empty(email::CATEGORIES);
    }
    write_strings(w, email::CATEGORIES, email::CATEGORY, &m.categories);
    w.num(email2::LAST_VERB_EXECUTED, m.last_verb);
    if m.last_verb != 0 {
        let at = date::dashed(m.last_verb_ms.to_native());
        w.ascii(email2::LAST_VERB_EXECUTION_TIME, at.ascii());
    }
}

fn write_class(w: &mut Writer, m: &ArchivedMessage) {
    match m.message_class.as_str() {
        "" | "IPM.Note" => w.ascii(email::MESSAGE_CLASS, &[*b"IPM.Note"]),
        class => w.text(email::MESSAGE_CLASS, class),
    }
}

/// Nearly always UTF-8.
fn write_code_page(w: &mut Writer, code_page: u32) {
    match code_page {
        65_001 => w.ascii(email::INTERNET_CPID, &[*b"65001"]),
        _ => w.num(email::INTERNET_CPID, code_page),
    }
}

fn write_content_class(w: &mut Writer, m: &ArchivedMessage) {
    if m.meeting.is_some() {
        w.ascii(
            email::CONTENT_CLASS,
            &[*b"urn:content-classes:calendarmessage"],
        );
    } else {
        w.ascii(email::CONTENT_CLASS, &[*b"urn:content-classes:message"]);
    }
}

/// A list of addresses, whole ones only, up to so many characters.
#[inline(always)]
fn write_addresses(w: &mut Writer, tag: Tag, list: &str, max: usize) {
    // A character has at least a byte.
    if list.len() <= max {
        return w.text_if(tag, list);
    }
    write_first_addresses(w, tag, list, max);
}

fn write_first_addresses(w: &mut Writer, tag: Tag, list: &str, max: usize) {
    let end = list.char_indices().nth(max).map_or(list.len(), |(i, _)| i);
    let mut kept = list.get(..end).unwrap_or_default();
    if end < list.len() {
        kept = kept.rsplit_once(", ").map_or(kept, |(whole, _)| whole);
    }
    w.text(tag, kept);
}

fn write_attachments(w: &mut Writer, m: &ArchivedMessage, ctx: &Context<'_>) {
    if m.parts.is_empty() {
        return;
    }
    let old = ctx.version == Version::V2_5;
    w.open(if old {
        email::ATTACHMENTS
    } else {
        airsyncbase::ATTACHMENTS
    });
    for part in m.parts.iter() {
        let (folder, item) = ctx.item;
        let part_index = part.index.to_native();
        let name = FileReference {
            folder,
            item,
            part: part_index,
        }
        .to_string();
        if old {
            write_old_attachment(w, part, &name);
        } else {
            write_attachment(w, part, &name);
        }
    }
    w.close();
}

fn write_attachment(w: &mut Writer, part: &ArchivedPart, reference: &str) {
    w.open(airsyncbase::ATTACHMENT);
    w.text(airsyncbase::DISPLAY_NAME, &part.name);
    w.text(airsyncbase::FILE_REFERENCE, reference);
    w.num(airsyncbase::METHOD, method(part));
    w.num(
        airsyncbase::ESTIMATED_DATA_SIZE,
        super::body::clamped(part.bytes.to_native()),
    );
    w.text_if(airsyncbase::CONTENT_ID, &part.content_id);
    w.text_if(airsyncbase::CONTENT_LOCATION, &part.content_location);
    if part.inline {
        w.flag(airsyncbase::IS_INLINE, true);
    }
    w.close();
}

fn write_old_attachment(w: &mut Writer, part: &ArchivedPart, name: &str) {
    w.open(email::ATTACHMENT);
    w.text(email::ATT_NAME, name);
    w.num(
        email::ATT_SIZE,
        super::body::clamped(part.bytes.to_native()),
    );
    w.num(email::ATT_METHOD, method(part));
    w.text(email::DISPLAY_NAME, &part.name);
    w.close();
}

/// 5 for an embedded message, else 1.
fn method(part: &ArchivedPart) -> u8 {
    if part.embedded { 5 } else { 1 }
}
