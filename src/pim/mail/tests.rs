//! Odd mails, each of a kind that was seen in the wild, and damage to all of them.

use super::*;
use crate::limits::{HEADER_FIELD_BYTES_MAX, MIME_PARTS_MAX, TEXT_HEAD_BYTES, VALUE_BYTES_MAX};
use crate::pim::{BodyKind, Message, Record};
use proptest::prelude::*;

/// When the mails of these tests arrive.
const RECEIVED_MS: i64 = 1_795_348_800_000;

macro_rules! fixtures {
    ($($constant:ident = $file:literal,)+) => {
        $(const $constant: &[u8] = include_bytes!(concat!("../../../tests/fixtures/mail/", $file));)+
        const ALL: &[&[u8]] = &[$($constant),+];
    };
}

fixtures! {
    KOI8_R = "koi8-r.eml",
    ISO_2022_JP = "iso-2022-jp.eml",
    NAMES = "names.eml",
    NESTED = "nested.eml",
    BROKEN_BASE64 = "broken-base64.eml",
    CUT_SHORT = "cut-short.eml",
    UUENCODE = "uuencode.eml",
    LATIN_1 = "latin-1.eml",
    INVITATION = "invitation.eml",
    DECLINED = "declined.eml",
    BOUNCE = "bounce.eml",
    SIGNED = "signed.eml",
    INTERLEAVED = "interleaved.eml",
}

fn seen(raw: &[u8]) -> (Message, Inspected) {
    let (message, inspected) = inspect(raw, RECEIVED_MS);
    holds(raw, &message, &inspected);
    (message, inspected)
}

/// What is true of every record, whatever the mail.
fn holds(raw: &[u8], message: &Message, inspected: &Inspected) {
    assert_eq!(message.mime.bytes, raw.len() as u64);
    assert!(message.text_head.len() <= TEXT_HEAD_BYTES);
    assert!(inspected.text.starts_with(&message.text_head));
    assert_eq!(message.text_bytes as usize, inspected.text.len());
    assert!(!message.subject.contains(['\r', '\n']));
    for part in &message.parts {
        assert!(part.body_from <= part.body_to && part.body_to <= raw.len() as u64);
        let encoded = slice(raw, part.body_from, part.body_to);
        let decoded = decode(encoded, part.encoding);
        assert_eq!(decoded.len() as u64, part.bytes);
        assert!(!part.name.is_empty() && !part.name.contains(['/', '\\', '\r', '\n']));
    }
    let stored = Record::Message(message.clone()).to_stored(0).unwrap();
    assert!(stored.len() <= VALUE_BYTES_MAX, "{} bytes", stored.len());
}

/// The decoded bytes of an attachment.
fn bytes(raw: &[u8], message: &Message, index: usize) -> Vec<u8> {
    let part = &message.parts[index];
    let encoded = slice(raw, part.body_from, part.body_to);
    decode(encoded, part.encoding).into_owned()
}

#[test]
fn charsets_in_header_and_body() {
    let (m, seen_koi) = seen(KOI8_R);
    assert_eq!(m.from, "\"Вера Лугова\" <vera@example.org>");
    assert_eq!(m.subject, "Привет");
    assert_eq!(seen_koi.text.trim_end(), "До встречи в пятницу!");
    assert_eq!(m.code_page, 20_866);
    assert_eq!(m.sent_ms, 1_793_686_500_000);

    let (m, seen_jp) = seen(ISO_2022_JP);
    assert_eq!((m.subject.as_str(), m.code_page), ("こんにちは", 50_220));
    assert_eq!(seen_jp.text, "来週の会議は火曜日です。\r\n");
    assert_eq!(m.sent_ms, RECEIVED_MS);

    let (m, seen_latin) = seen(LATIN_1);
    assert_eq!(m.subject, "Grüße aus Köln");
    assert_eq!(m.from, "\"Jörg\" <j@example.org>");
    assert_eq!(seen_latin.text, "Schöne Grüße, „Jörg“\r\n");
}

#[test]
fn file_names_in_every_notation_and_never_a_path() {
    let (m, _) = seen(NAMES);
    let names: Vec<_> = m.parts.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "Rechnung März.pdf",
            "Grüße.txt",
            "pass wd",
            "attachment-4.png"
        ]
    );
}

#[test]
fn a_subject_that_is_cut_behind_a_blank_ends_with_its_topic() {
    for blanks in 0..8 {
        let subject = format!("Re: {}{}", "x".repeat(blanks), "abc def ".repeat(200));
        let (m, _) = seen(format!("Subject: {subject}\r\n\r\nx").as_bytes());
        assert!(
            m.subject.ends_with(&m.topic),
            "{:?} {:?}",
            m.subject,
            m.topic
        );
        assert!(subject.starts_with(&m.subject) && m.subject.len() + 1 >= HEADER_FIELD_BYTES_MAX);
    }
}

/// A fuzzer's find: behind a name of a thousand bytes nobody was the sender.
#[test]
fn a_name_that_is_too_long_leaves_the_address() {
    let name = "n".repeat(HEADER_FIELD_BYTES_MAX);
    let (m, _) = seen(format!("From: \"{name}\" <a@example.org>\r\n\r\n").as_bytes());
    assert_eq!(m.from, "a@example.org");
}

#[test]
fn a_nested_mail_keeps_its_order() {
    let (m, inspected) = seen(NESTED);
    assert_eq!(m.from, "\"Lee, Ann\" <ann@example.org>");
    assert_eq!(m.sender, "office@example.org");
    assert_eq!(m.reply_to, "replies@example.org");
    assert_eq!(m.to, "\"Bob\" <bob@example.org>, carol@example.org");
    assert_eq!(m.cc, "\"Dan \\\"D\\\" Roe\" <dan@example.org>");
    assert_eq!(m.display_to, "Bob; carol@example.org");
    assert_eq!(
        (m.subject.as_str(), m.topic.as_str()),
        ("Re: AW: Site plan", "Site plan")
    );
    assert_eq!((m.importance, m.native), (2, BodyKind::Html));
    assert_eq!(m.conversation_index.len(), 15);
    assert_eq!(m.message_class, "IPM.Note");
    assert_eq!(inspected.text, "The plan is attached – look at page 2.");

    let html = html(NESTED).unwrap();
    assert!(
        html.contains("charset=utf-8") && html.contains("café"),
        "{html}"
    );
    assert_eq!(m.html_bytes as usize, html.len());

    let parts: Vec<_> = m
        .parts
        .iter()
        .map(|p| (p.name.as_str(), p.inline, p.embedded))
        .collect();
    let expect = [
        ("logo.png", true, false),
        ("unseen.png", false, false),
        ("plan.pdf", false, false),
        ("The first draft.eml", false, true),
    ];
    assert_eq!(parts, expect);
    assert!(bytes(NESTED, &m, 0).starts_with(b"\x89PNG"));
    assert_eq!(
        bytes(NESTED, &m, 2),
        b"%PDF-1.4 not much of a plan\n".repeat(5)
    );
    let embedded = bytes(NESTED, &m, 3);
    assert!(embedded.starts_with(b"From: carol@") && embedded.ends_with(b"--inner--"));
    assert_eq!(seen(&embedded).1.text, "first");
}

#[test]
fn damage_costs_only_what_is_damaged() {
    let (m, inspected) = seen(BROKEN_BASE64);
    assert_eq!(inspected.text, "Grüße aus Köln\r\n100=% sure é");
    assert_eq!(bytes(BROKEN_BASE64, &m, 0), b"PK\x03\x04\x0a\0\0\0\0");
    let (m, inspected) = seen(CUT_SHORT);
    assert_eq!((inspected.text.as_str(), m.parts.len()), ("Only this", 0));
    assert_eq!(m.native, BodyKind::Html);
    let (_, inspected) = seen(UUENCODE);
    assert!(inspected.text.contains("begin 644 hi.txt"));
}

#[test]
fn calendar_objects_are_found_and_classed() {
    let (m, inspected) = seen(INVITATION);
    let calendar = inspected.calendar.unwrap();
    assert_eq!(calendar.method, "REQUEST");
    assert!(calendar.text.contains("SUMMARY:Überblick"));
    assert_eq!(m.message_class, "IPM.Schedule.Meeting.Request");
    assert_eq!(
        m.parts.len(),
        1,
        "the alternative is no attachment, the file is"
    );

    let (m, inspected) = seen(DECLINED);
    assert_eq!(inspected.calendar.unwrap().method, "REPLY");
    assert_eq!(m.message_class, "IPM.Schedule.Meeting.Resp.Neg");
}

#[test]
fn reports_and_signatures_have_their_class() {
    let (m, inspected) = seen(BOUNCE);
    assert_eq!(m.message_class, "REPORT.IPM.Note.NDR");
    assert_eq!(inspected.text, "The address does not exist.");
    assert_eq!(m.parts.len(), 2);
    let (m, inspected) = seen(SIGNED);
    assert_eq!(m.message_class, "IPM.Note.SMIME.MultipartSigned");
    assert_eq!((m.importance, m.parts.len()), (0, 1));
    assert_eq!(m.conversation_index.len(), 10);
    let flowed =
        "A paragraph that was wrapped by the sender.\r\n> Quoted words go on.\r\n-- \r\nAnn\r\n";
    assert_eq!(inspected.text, flowed);
}

#[test]
fn text_pictures_and_html_in_a_row_are_one_body() {
    let (m, inspected) = seen(INTERLEAVED);
    assert_eq!(inspected.text, "Before\r\nAfter");
    assert_eq!(
        html(INTERLEAVED).unwrap(),
        "<html><body>Before</body></html><b>After</b>"
    );
    assert_eq!(m.parts.len(), 1);
    assert!(!m.parts[0].inline, "the HTML does not show it");
}

#[test]
fn what_is_no_mail_has_its_bytes_as_text() {
    assert_eq!(seen(b"").1.text, "");
    assert_eq!(seen(b"just words\n").1.text, "just words\r\n");
    assert_eq!(seen(b"\0\x01\xff").1.text, "ÿ");
    let (m, inspected) = seen(b"Subject: only a header");
    assert_eq!(
        (m.subject.as_str(), inspected.text.as_str()),
        ("only a header", "")
    );
    let (m, inspected) = seen(b"From ann Sun Nov 22\nSubject: mbox\n\ntext");
    assert_eq!(
        (m.subject.as_str(), inspected.text.as_str()),
        ("mbox", "text")
    );
}

#[test]
fn nesting_and_counting_are_bounded() {
    let mut deep = String::new();
    for level in 0..5_000 {
        deep.push_str(&format!(
            "Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"
        ));
    }
    deep.push_str("\r\nbottom\r\n");
    assert!(seen(deep.as_bytes()).1.text.contains("bottom"));

    let embedded = "Content-Type: message/rfc822\r\n\r\n".repeat(100_000);
    assert_eq!(seen(embedded.as_bytes()).0.parts.len(), 1);

    let mut wide = "Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_owned();
    wide.push_str(&"--b\r\nContent-Type: image/png\r\n\r\nx\r\n".repeat(200_000));
    let (m, _) = seen(wide.as_bytes());
    assert!(m.parts.len() > 50 && m.parts.len() < MIME_PARTS_MAX);

    let list = "Some Person <person@example.org>,\r\n ".repeat(20_000);
    let crowd = format!("To: {list}\r\nCc: {list}\r\nBcc: {list}\r\nSubject: {list}\r\n\r\n");
    seen(crowd.as_bytes());
}

#[test]
fn cutting_keeps_characters_whole() {
    assert_eq!(cut("Grüße", 3), "Gr");
    assert_eq!(cut("Grüße", 4), "Grü");
    assert_eq!(cut("Grüße", 100), "Grüße");
    assert_eq!(cut_mime(b"abc", 2), b"ab");
    assert_eq!(cut_mime(b"abc", 9), b"abc");
}

#[test]
fn every_truncation_of_every_fixture_is_a_mail() {
    for raw in ALL {
        for end in 0..raw.len() {
            seen(&raw[..end]);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_mail(raw in prop::collection::vec(any::<u8>(), 0..2_000)) {
        seen(&raw);
    }

    #[test]
    fn any_damage_to_a_fixture_is_a_mail(
        which in 0..ALL.len(),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30),
    ) {
        let mut raw = ALL[which].to_vec();
        for (at, byte) in hits {
            let at = at.index(raw.len());
            raw[at] = byte;
        }
        seen(&raw);
    }

    #[test]
    fn any_soup_of_mime_is_a_mail(lines in prop::collection::vec(
        prop_oneof![
            Just("--a".to_owned()), Just("--a--".to_owned()), Just("--b".to_owned()),
            Just("--b--".to_owned()), Just(String::new()), Just(" folded".to_owned()),
            Just("Content-Type: multipart/mixed; boundary=a".to_owned()),
            Just("Content-Type: multipart/alternative; boundary=\"b\"".to_owned()),
            Just("Content-Type: message/rfc822".to_owned()),
            Just("Content-Type: text/html; charset=utf-7".to_owned()),
            Just("Content-Type: text/calendar; method=REQUEST".to_owned()),
            Just("Content-Transfer-Encoding: base64".to_owned()),
            Just("Content-Transfer-Encoding: quoted-printable".to_owned()),
            Just("Subject: =?utf-8?q?=C3?= =?x?b?!!?=".to_owned()),
            "[ -~]{0,40}",
        ],
        0..60,
    )) {
        seen(lines.join("\r\n").as_bytes());
    }
}
