//! Made-up records of usual size: a contact with 16 properties, a mail with 500 bytes of text.

use roost::pim::body::BlobRef;
use roost::pim::{BodyKind, Class, Contact, ContactField, Message, Record};

/// 2026-11-22T13:00:00Z.
pub const NOW_MS: i64 = 1_795_352_400_000;

/// What the text of every mail consists of: 50 bytes, ten times.
const LINE: &str = "We meet at ten, please bring the minutes along. \r\n";

/// The record number `n` of mail or contacts.
///
/// # Panics
/// For another class.
#[must_use]
#[expect(clippy::panic, reason = "benches have two classes")]
pub fn record(class: Class, n: u32) -> Record {
    match class {
        Class::Email => Record::Message(mail(n)),
        Class::Contacts => Record::Contact(contact(n)),
        other => panic!("no samples of {other:?}"),
    }
}

/// A contact: 16 text properties, no picture, no notes.
#[must_use]
pub fn contact(n: u32) -> Contact {
    use ContactField::*;
    let mut contact = Contact {
        created_ms: NOW_MS + i64::from(n),
        ..Contact::default()
    };
    let fields = [
        (FileAs, format!("Mustermann{n}, Fritz{n}")),
        (FirstName, format!("Fritz{n}")),
        (LastName, format!("Mustermann{n}")),
        (Email1Address, format!("fritz.mustermann{n}@example.org")),
        (Email2Address, format!("f{n}@home.example.net")),
        (CompanyName, "Example Industries GmbH".to_owned()),
        (Department, "Research and Development".to_owned()),
        (JobTitle, "Senior Engineer".to_owned()),
        (MobilePhoneNumber, format!("+49 170 555{n:04}")),
        (BusinessPhoneNumber, format!("+49 30 555{n:04}")),
        (HomePhoneNumber, format!("+49 89 555{n:04}")),
        (BusinessAddressStreet, format!("Hauptstr. {}", n % 200)),
        (BusinessAddressCity, "Berlin".to_owned()),
        (BusinessAddressPostalCode, format!("1{:04}", n % 10_000)),
        (BusinessAddressCountry, "Germany".to_owned()),
        (WebPage, format!("https://www.example.org/people/{n}")),
    ];
    for (field, value) in fields {
        contact.set(field, value);
    }
    contact
}

/// A mail of 500 bytes of plain text, without attachments.
#[must_use]
pub fn mail(n: u32) -> Message {
    let text = LINE.repeat(10);
    Message {
        mime: BlobRef {
            hash: [7; 32],
            bytes: 1_800,
        },
        message_id: format!("{n}.4711@mail.example.org"),
        conversation_id: [9; 16],
        conversation_index: vec![1; 10],
        from: format!("\"Fritz Mustermann\" <fritz{n}@example.org>"),
        sender: String::new(),
        to: format!("\"Anna Example\" <anna{n}@example.org>"),
        cc: String::new(),
        bcc: String::new(),
        reply_to: String::new(),
        display_to: "Anna Example".to_owned(),
        subject: format!("Re: minutes of the meeting no. {n} and next steps"),
        topic: format!("minutes of the meeting no. {n} and next steps"),
        received_ms: NOW_MS + i64::from(n),
        sent_ms: NOW_MS,
        importance: 1,
        code_page: 65_001,
        message_class: "IPM.Note".to_owned(),
        native: BodyKind::Text,
        text_bytes: u32::try_from(text.len()).unwrap_or(u32::MAX),
        text_head: text,
        html_bytes: 0,
        parts: Vec::new(),
        read: n.is_multiple_of(3),
        draft: false,
        last_verb: 0,
        last_verb_ms: 0,
        flag: None,
        categories: Vec::new(),
        meeting: None,
    }
}

/// Stored forms of the first records of a class.
///
/// # Panics
/// If a record cannot be stored.
#[must_use]
pub fn stored(class: Class, count: u32) -> Vec<Vec<u8>> {
    let stored = |n| crate::must(record(class, n).to_stored(NOW_MS + i64::from(n)));
    (0..count).map(stored).collect()
}
