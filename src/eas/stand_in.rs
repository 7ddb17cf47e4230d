//! What a device gets in place of an item that it cannot take, or that cannot be shown: a small item of
//! the same class that says what and why, made of plain words only.
//!
//! It has the item's own ServerId, so that whatever becomes of the item concerns it, too. Deliberately
//! absent: when there is one ([`crate::mailbox::Fault`], [`super::strikes`]).

use crate::eas::classes::Fetched;
use crate::mailbox::{Fault, ItemRow};
use crate::pim::mail::{self, Mailbox, compose};
use crate::pim::{
    Body, BodyKind, Class, Contact, ContactField, Event, Message, Note, Record, RecordRef, Task,
};

/// Characters of a name or a subject that are repeated.
const NAME_CHARS_MAX: usize = 80;
const TITLE: &str = "Not shown on this device";

/// The item as the device gets it.
#[must_use]
pub fn of(row: &ItemRow, fault: Fault) -> (ItemRow, Fetched) {
    let words = Words::of(row);
    let text = words.text(row, fault);
    let class = row.class().unwrap_or(Class::Email);
    let mut fetched = Fetched::default();
    let record = match class {
        Class::Email => {
            let (message, raw) = message(row, &words, &text);
            fetched.text = Some(text);
            fetched.mime = Some(raw);
            Record::Message(message)
        }
        class => other(row, class, &words, text),
    };
    // A row that could not be made says at least that the item is damaged.
    let stood_in = row.with_record(&record).unwrap_or_else(|_| row.clone());
    (stood_in, fetched)
}

/// What may be repeated of the item.
#[derive(Default)]
struct Words {
    name: String,
    from: String,
    at_ms: i64,
    end_ms: i64,
}

impl Words {
    fn of(row: &ItemRow) -> Self {
        let mut words = Self::default();
        match row.record() {
            Ok(RecordRef::Message(m)) => {
                words.name = plain(&m.subject);
                words.from = plain(&m.from);
                words.at_ms = m.received_ms.to_native();
            }
            Ok(RecordRef::Event(e)) => {
                words.name = plain(&e.subject);
                words.at_ms = sane(e.start_ms.to_native());
                words.end_ms = sane(e.end_ms.to_native()).max(words.at_ms);
            }
            Ok(RecordRef::Task(t)) => words.name = plain(&t.subject),
            Ok(RecordRef::Note(n)) => words.name = plain(&n.subject),
            Ok(RecordRef::Contact(c)) => {
                let names = c.fields.iter().take(3);
                let names: Vec<_> = names.map(|field| plain(&field.1)).collect();
                words.name = names.join(" ");
            }
            Err(_) => {}
        }
        words
    }

    fn title(&self) -> String {
        match self.name.as_str() {
            "" => TITLE.into(),
            name => format!("{TITLE}: {name}"),
        }
    }

    fn text(&self, row: &ItemRow, fault: Fault) -> String {
        let id = format!("{}:{}", row.folder.0, row.item.0);
        let why = match fault {
            Fault::Refused => {
                "This device asked for the item again and again without accepting it, so it gets \
                 this note instead. The item itself is unharmed: other devices show it."
            }
            Fault::Damaged => "The item is damaged on the server and cannot be read.",
            Fault::Unreadable => {
                "The message cannot be taken apart for display. It is unharmed: a program that \
                 fetches it whole can still show it."
            }
        };
        let mut lines = vec![why.to_owned(), String::new()];
        for (label, value) in [("From", &self.from), ("Subject", &self.name)] {
            if !value.is_empty() {
                lines.push(format!("{label}: {value}"));
            }
        }
        lines.push(format!("Item: {id}"));
        lines.push(String::new());
        lines.push(format!(
            "To have it sent once more, ask the administrator (roost device deliver-again, item {id}). \
             Deleting this note deletes the item."
        ));
        lines.join("\r\n")
    }
}

/// The mail, and its MIME for devices that want that.
fn message(row: &ItemRow, words: &Words, text: &str) -> (Message, Vec<u8>) {
    let raw = compose::build(&compose::Draft {
        from: Mailbox {
            name: words.from.clone(),
            address: "not-shown@localhost".into(),
        },
        subject: &words.title(),
        date_ms: words.at_ms,
        message_id: &format!("not-shown.{}.{}@localhost", row.folder.0, row.item.0),
        automatic: Some(compose::Automatic::Generated),
        text,
        ..compose::Draft::default()
    });
    let (mut message, _) = mail::inspect(&raw, words.at_ms);
    message.mime.bytes = raw.len() as u64;
    if let Ok(RecordRef::Message(m)) = row.record() {
        message.read = m.read;
        message.draft = m.draft;
    }
    (message, raw)
}

fn other(row: &ItemRow, class: Class, words: &Words, text: String) -> Record {
    let title = words.title();
    let body = Body {
        kind: BodyKind::Text,
        text,
        blob: None,
    };
    match class {
        Class::Contacts => {
            let mut contact = Contact {
                body,
                ..Contact::default()
            };
            // Phones show the name, whatever it is filed as.
            contact.set(ContactField::FileAs, title.clone());
            contact.set(ContactField::LastName, title);
            Record::Contact(contact)
        }
        Class::Calendar => Record::Event(Event {
            uid: format!("not-shown-{}-{}", row.folder.0, row.item.0),
            subject: title,
            start_ms: words.at_ms,
            end_ms: words.end_ms,
            stamp_ms: words.at_ms,
            body,
            ..Event::default()
        }),
        Class::Tasks => Record::Task(Task {
            subject: title,
            importance: 1,
            body,
            ..Task::default()
        }),
        Class::Notes | Class::Email => Record::Note(Note {
            subject: title,
            message_class: "IPM.StickyNote".into(),
            body,
            ..Note::default()
        }),
    }
}

/// Letters, digits and the commonest signs: what breaks a device is not repeated to it.
fn plain(text: &str) -> String {
    let is_plain = |c: &char| c.is_alphanumeric() || " .,:;@()-_'".contains(*c);
    let kept: String = text.chars().filter(is_plain).take(NAME_CHARS_MAX).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A time between 1970 and 2100.
fn sane(ms: i64) -> i64 {
    const YEAR_2100_MS: i64 = 4_102_444_800_000;
    ms.clamp(0, YEAR_2100_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words_are_repeated() {
        assert_eq!(
            plain("Re: Grüße \u{202e}\u{0}<b>\"x\"</b> 🎉"),
            "Re: Grüße bxb"
        );
        assert_eq!(plain(&"ä".repeat(500)).chars().count(), NAME_CHARS_MAX);
        assert_eq!(sane(i64::MIN), 0);
    }
}
