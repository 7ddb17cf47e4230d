//! The mails that break mail programs, in friendly form: old charsets, none at all, very long,
//! empty, an invitation, a mail within a mail, a bounce.

use super::Who;
use super::write::{Head, alternative, attachment, multipart, text, write};
use encoding_rs::Encoding;
use mail_builder::mime::MimePart;

/// Sentence, charset and transfer encoding, sender's name and address, subject.
const OLD_CHARSETS: &[(&str, &str, &str, &str, &str)] = &[
    (
        "iso-2022-jp",
        "佐藤 美咲",
        "misaki@nihonbooks.example",
        "校正のお願い",
        "お世話になっております。\n第三章の校正刷りをお送りします。来週の金曜日までにご確認ください。\n\n佐藤\n",
    ),
    (
        "koi8-r",
        "Вера Лугова",
        "vera@lugovo.example",
        "Фотографии с реки",
        "Здравствуйте!\n\nНа выходных мы ходили вдоль реки, и лёд уже сошёл. Фотографии пришлю, как только найду провод.\n\nВера\n",
    ),
    (
        "windows-1252",
        "Zoë Müller",
        "zoe@mueller-druck.example",
        "„Probedruck“ – bitte prüfen",
        "Hallo,\n\nder Probedruck ist fertig – „schöner als gedacht“, sagt der Chef. Kosten: 48 € statt 52 €.\n\nZoë\n",
    ),
    (
        "iso-8859-2",
        "Łukasz Żak",
        "lukasz@zaglowka.example",
        "Żagle na wiosnę",
        "Cześć,\n\nżagle są już uszyte, brakuje tylko lin. Dźwig przyjedzie w środę.\n\nŁukasz\n",
    ),
    (
        "gb18030",
        "李小梅",
        "xiaomei@shanshui.example",
        "书展照片",
        "您好！\n\n书展的照片已经整理好了，下周寄给您。祝工作顺利！\n\n小梅\n",
    ),
    (
        "euc-kr",
        "김하늘",
        "haneul@badabooks.example",
        "등대 그림",
        "안녕하세요.\n\n등대 그림을 잘 받았습니다. 정말 아름답네요!\n\n김하늘\n",
    ),
    (
        "windows-1253",
        "Ελένη Παππά",
        "eleni@limani.example",
        "Το λιμάνι το πρωί",
        "Καλημέρα,\n\nτο λιμάνι σήμερα ήταν σαν καθρέφτης. Σας περιμένουμε το καλοκαίρι!\n\nΕλένη\n",
    ),
];

/// Number of the odd mails.
pub(super) fn count() -> usize {
    OLD_CHARSETS.len() + 8
}

/// The odd mail of this number, to `to`; its sender is said by the mail itself.
pub(super) fn mail(number: usize, to: &Who, sent_ms: i64, id: &str) -> Vec<u8> {
    if let Some((charset, name, email, subject, words)) = OLD_CHARSETS.get(number) {
        let from = Who {
            name: (*name).to_owned(),
            email: (*email).to_owned(),
        };
        return old_charset(charset, &from, to, subject, words, sent_ms, id);
    }
    let from = Who {
        name: "Nora Quist".to_owned(),
        email: "nora.quist@papermill.example".to_owned(),
    };
    let head = |subject: &str| Head {
        from: from.clone(),
        to: vec![to.clone()],
        subject: subject.to_owned(),
        sent_ms,
        id: id.to_owned(),
        ..Head::default()
    };
    match number - OLD_CHARSETS.len() {
        0 => no_charset(&from, to, sent_ms, id),
        1 => write(
            &head("The whole inventory, as you asked"),
            text(&inventory()),
        ),
        2 => write(&head(""), text("")),
        3 => write(
            &head("Invitation: Paper tasting, with samples"),
            invitation(&from, to, sent_ms, id),
        ),
        4 => write(&head("Fwd: The letter that I mentioned"), embedded(id)),
        5 => bounce(to, sent_ms, id),
        6 => write(
            &head("🎉 Printed! 🎉 Alles fertig, tout est prêt, みんなありがとう"),
            emoji(id),
        ),
        _ => write(
            &head("Files with difficult names"),
            multipart(
                "mixed",
                id,
                vec![
                    text(
                        "Three files, three alphabets. If you can open all of them, everything works.\n",
                    ),
                    attachment(
                        "text/plain",
                        "Übersicht – März.txt",
                        "eins, zwei, drei\r\n".into(),
                    ),
                    attachment("text/plain", "список.txt", "один, два, три\r\n".into()),
                    attachment("text/plain", "一覧 (最終版).txt", "一、二、三\r\n".into()),
                ],
            ),
        ),
    }
}

/// Header and body in a charset of the last century, as programs of that time wrote them.
fn old_charset(
    charset: &str,
    from: &Who,
    to: &Who,
    subject: &str,
    words: &str,
    sent_ms: i64,
    id: &str,
) -> Vec<u8> {
    use base64::Engine;
    let encode = |s: &str| {
        let encoding = Encoding::for_label(charset.as_bytes()).unwrap_or(encoding_rs::UTF_8);
        encoding.encode(s).0.into_owned()
    };
    let word = |s: &str| {
        let base64 = base64::engine::general_purpose::STANDARD.encode(encode(s));
        format!("=?{charset}?B?{base64}?=")
    };
    let is_7bit = charset.starts_with("iso-2022");
    let mut raw = format!(
        "From: {} <{}>\r\nTo: {} <{}>\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <{id}>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {}\r\n\r\n",
        word(&from.name),
        from.email,
        to.name,
        to.email,
        word(subject),
        rfc822(sent_ms),
        if is_7bit { "7bit" } else { "8bit" },
    )
    .into_bytes();
    raw.extend(encode(&words.replace('\n', "\r\n")));
    raw
}

/// Raw ISO-8859-1 without a word about it.
fn no_charset(from: &Who, to: &Who, sent_ms: i64, id: &str) -> Vec<u8> {
    let mail = format!(
        "From: {} <{}>\r\nTo: {} <{}>\r\nSubject: Käse für Jörg\r\nDate: {}\r\nMessage-ID: <{id}>\r\n\r\n\
         Hallo,\r\n\r\ndieses Programm ist von 1996 und hält Umlaute für selbstverständlich: äöüß.\r\n",
        from.name,
        from.email,
        to.name,
        to.email,
        rfc822(sent_ms)
    );
    mail.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect()
}

fn rfc822(ms: i64) -> String {
    mail_builder::headers::date::Date::new(ms.div_euclid(1_000)).to_rfc822()
}

/// A long mail: some 100 kB of lines.
fn inventory() -> String {
    const THINGS: &[&str] = &[
        "boxes of envelopes, grey",
        "rolls of binding thread",
        "bone folders",
        "jars of wheat paste",
        "sheets of marbled paper",
        "awls, sharp",
        "awls, blunt",
        "brass corners",
        "yards of book linen",
    ];
    let mut text = "You asked for everything. Here is everything.\n\n".to_owned();
    for shelf in 1..=2_000_usize {
        let thing = THINGS
            .get(shelf * 7 % THINGS.len())
            .copied()
            .unwrap_or_default();
        text.push_str(&format!(
            "Shelf {shelf:4}: {:3} {thing}\n",
            shelf * 13 % 97 + 1
        ));
    }
    text.push_str("\nThat was all of it. The cat is not part of the inventory.\n");
    text
}

fn invitation(from: &Who, to: &Who, sent_ms: i64, id: &str) -> MimePart<'static> {
    // Ten o'clock (UTC), a week after the invitation was sent.
    let day_ms = 86_400_000;
    let start_ms = (sent_ms.div_euclid(day_ms) + 7) * day_ms + 10 * 3_600_000;
    let calendar = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Paper Mill//Calendar//EN\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n\
         UID:{id}\r\nSEQUENCE:0\r\nDTSTAMP:{}\r\nDTSTART:{}\r\nDTEND:{}\r\nSUMMARY:Paper tasting\\, with samples\r\n\
         LOCATION:Paper mill\\, first floor\r\nDESCRIPTION:Twelve papers\\, one blindfold.\r\n\
         ORGANIZER;CN={}:mailto:{}\r\n\
         ATTENDEE;CN={};ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE\r\n :mailto:{}\r\n\
         BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT30M\r\nDESCRIPTION:Paper tasting\r\nEND:VALARM\r\n\
         END:VEVENT\r\nEND:VCALENDAR\r\n",
        stamp(sent_ms),
        stamp(start_ms),
        stamp(start_ms + 5_400_000),
        from.name,
        from.email,
        to.name,
        to.email,
    );
    let kind = mail_builder::headers::content_type::ContentType::new("text/calendar")
        .attribute("charset", "utf-8")
        .attribute("method", "REQUEST");
    let words =
        "Dear all,\n\nplease come and taste twelve papers, one of them blindfolded.\n\nNora\n";
    multipart(
        "alternative",
        id,
        vec![text(words), MimePart::new(kind, calendar)],
    )
}

/// `20261122T130000Z`.
fn stamp(ms: i64) -> String {
    let date = mail_parser::DateTime::from_timestamp(ms.div_euclid(1_000)).to_rfc3339();
    date.chars().filter(|c| !matches!(c, '-' | ':')).collect()
}

fn embedded(id: &str) -> MimePart<'static> {
    let letter = "From: Grandpa Quist <old.quist@papermill.example>\r\nTo: Nora Quist <nora.quist@papermill.example>\r\n\
                  Subject: The water wheel turns again\r\nDate: Sat, 3 Oct 2026 08:00:00 +0200\r\n\
                  Message-ID: <wheel@papermill.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
                  Dear Nora,\r\n\r\nthe wheel turns again. It squeaks in B flat. Tell the orchestra.\r\n\r\nGrandpa\r\n";
    let message = MimePart::new("message/rfc822", letter)
        .transfer_encoding("8bit")
        .header(
            "Content-Description",
            mail_builder::headers::raw::Raw::new("the letter"),
        );
    multipart(
        "mixed",
        id,
        vec![
            text("This is the letter that I told you about.\n\nNora\n"),
            message,
        ],
    )
}

fn bounce(to: &Who, sent_ms: i64, id: &str) -> Vec<u8> {
    format!(
        "Return-Path: <>\r\nFrom: Mail Delivery System <mailer-daemon@mail.example.org>\r\nTo: {to}\r\n\
         Subject: Undelivered mail returned to sender\r\nDate: {date}\r\nMessage-ID: <{id}>\r\n\
         Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"=_report\"\r\n\r\n\
         --=_report\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
         Your message could not be delivered. The address nobody@gone.example does not\r\nexist any more.\r\n\
         --=_report\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mail.example.org\r\n\r\n\
         Final-Recipient: rfc822; nobody@gone.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\
         --=_report\r\nContent-Type: message/rfc822\r\n\r\n\
         From: {to}\r\nTo: nobody@gone.example\r\nSubject: Are you still there?\r\n\r\n\
         I found your address on a postcard from 2009.\r\n--=_report--\r\n",
        to = to.email,
        date = rfc822(sent_ms),
    )
    .into_bytes()
}

fn emoji(id: &str) -> MimePart<'static> {
    alternative(
        "🎉🎉🎉\n\nThe book is printed! Das Buch ist gedruckt! Le livre est imprimé ! 本ができました！\n\n📚 x 3000\n☕ x 41\n😴 x 0\n",
        "<html><body style=\"font-size:18px\"><p>🎉🎉🎉</p><p>The book is <b>printed</b>! Das Buch ist gedruckt! Le livre est \
         imprimé&nbsp;! 本ができました！</p><ul><li>📚 &times; 3000<li>☕ &times; 41<li>😴 &times; 0</ul></body></html>\n",
        id,
    )
}
