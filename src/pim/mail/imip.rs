//! A mail that carries a meeting message (iMIP, RFC 6047): a text for people, and beside it the
//! calendar for programs.

use super::cut;
use super::header::{Mailbox, one_line};
use crate::limits::MEETING_WORDS_BYTES_MAX;
use crate::pim::BodyKind;
use crate::pim::event::Meeting;
use crate::pim::html;
use crate::pim::ical::meeting_to_ics;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::text::Text;
use mail_builder::mime::MimePart;

/// A meeting message and what goes with it.
#[derive(Debug, Clone, Copy)]
pub struct Invitation<'a> {
    /// Who writes.
    pub from: &'a Mailbox,
    /// Who gets it.
    pub to: &'a [Mailbox],
    /// `Subject`.
    pub subject: &'a str,
    /// What the user writes; may be empty.
    pub text: &'a str,
    /// The same as HTML, where it was written so.
    pub html: Option<&'a str>,
    /// `Date`, Unix milliseconds.
    pub date_ms: i64,
    /// `Message-ID` without angle brackets.
    pub message_id: &'a str,
    /// The message.
    pub meeting: &'a Meeting,
}

/// What a user wrote to a meeting message, cut to what one may hold: `text` and `html` of its
/// [`Invitation`].
#[must_use]
pub fn words(written: Option<&(BodyKind, String)>) -> (&str, Option<&str>) {
    let written = written.map(|(kind, words)| (*kind, cut(words, MEETING_WORDS_BYTES_MAX)));
    match written {
        Some((BodyKind::Html, html)) => ("", Some(html)),
        Some((BodyKind::Text, text)) => (text, None),
        _ => ("", None),
    }
}

/// Writes the mail.
#[must_use]
pub fn build(invitation: &Invitation<'_>) -> Vec<u8> {
    let address = |m: &Mailbox| {
        let name = one_line(&m.name);
        Address::new_address((!name.is_empty()).then_some(name), one_line(&m.address))
    };
    let calendar = meeting_to_ics(invitation.meeting);
    let kind = ContentType::new("text/calendar")
        .attribute("charset", "utf-8")
        .attribute("method", invitation.meeting.method.clone());
    let text = match invitation.html {
        Some(html) if invitation.text.is_empty() => html::to_text(html),
        _ => invitation.text.to_owned(),
    };
    let mut parts = vec![MimePart::new("text/plain", text)];
    if let Some(html) = invitation.html {
        parts.push(MimePart::new("text/html", html));
    }
    parts.push(MimePart::new(kind, calendar));
    let message = MessageBuilder::new()
        .message_id(one_line(invitation.message_id))
        .date(Date::new(invitation.date_ms.div_euclid(1_000)))
        .from(address(invitation.from))
        .to(Address::new_list(
            invitation.to.iter().map(address).collect(),
        ))
        .header("Subject", Text::new(one_line(invitation.subject)))
        .body(MimePart::new("multipart/alternative", parts));
    let mut out = Vec::new();
    // Writing to memory cannot fail.
    let _ = message.write_to(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pim::event::Event;
    use crate::pim::mail::inspect;

    #[test]
    fn people_and_programs_both_find_their_part() {
        let mailbox = |address: &str| Mailbox {
            name: "Änn".into(),
            address: address.into(),
        };
        let meeting = Meeting {
            method: "REPLY".into(),
            recurrence_id_ms: None,
            event: Event {
                uid: "u1".into(),
                subject: "Überblick".into(),
                ..Event::default()
            },
        };
        let raw = build(&Invitation {
            from: &mailbox("b@example.org"),
            to: &[mailbox("a@example.org")],
            subject: "Accepted: Überblick",
            text: "",
            html: Some("<p>Gladly</p>"),
            date_ms: 0,
            message_id: "m1@example.org",
            meeting: &meeting,
        });
        let (message, seen) = inspect(&raw, 0);
        assert_eq!(message.subject, "Accepted: Überblick");
        assert_eq!(message.message_id, "m1@example.org");
        assert_eq!(seen.text.trim(), "Gladly");
        let calendar = seen.calendar.unwrap();
        assert_eq!(calendar.method, "REPLY");
        assert!(
            calendar.text.contains("SUMMARY:Überblick"),
            "{}",
            calendar.text
        );
    }
}
