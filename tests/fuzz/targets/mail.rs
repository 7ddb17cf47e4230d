//! Mail: any bytes become a record that fits, a view that is cut between characters, attachments that
//! lie within the mail, and, from a client, a message that can be sent.

use roost::delivery::intake;
use roost::limits::{
    ADDRESS_LIST_BYTES_MAX, HEADER_FIELD_BYTES_MAX, RECIPIENTS_MAX, TEXT_HEAD_BYTES,
    VALUE_BYTES_MAX,
};
use roost::mailbox::Account;
use roost::pim::mail::compose::{self, Sender};
use roost::pim::mail::{self, Renditions};
use roost::pim::{Message, Record, RecordRef};

use super::input::is_turn;

/// 2026-01-01T00:00:00Z.
pub(crate) const NEW_YEAR_MS: i64 = 1_767_225_600_000;

/// Any bytes.
pub(crate) fn view(data: &[u8]) {
    let (message, inspected) = mail::inspect(data, NEW_YEAR_MS);
    let Renditions { text, html } = mail::renditions(data);
    assert_eq!(inspected.text, text);
    assert_eq!(message.text_bytes as usize, text.len());
    assert_eq!(
        message.html_bytes as usize,
        html.as_ref().map_or(0, String::len)
    );
    assert!(text.starts_with(&message.text_head) && message.text_head.len() <= TEXT_HEAD_BYTES);
    assert!(
        !text.replace("\r\n", "").contains(['\r', '\n']),
        "lines end in CRLF: {text:?}"
    );
    for bytes in [0, 1, 7, text.len() / 2, text.len()] {
        let cut = mail::cut(&text, bytes);
        assert!(
            cut.len() <= bytes && text.starts_with(cut) && cut.len() + 3 >= bytes.min(text.len())
        );
        assert_eq!(mail::cut_mime(data, bytes), &data[..bytes.min(data.len())]);
    }
    fields(&message);
    attachments(data, &message);
    // Each of the rest reads the mail once more.
    if is_turn(data, 0, 4) {
        stored(data);
    }
    if is_turn(data, 1, 4) {
        submitted(data);
    }
    if is_turn(data, 2, 4) {
        let dates = mail::dates(data);
        assert!(dates.sent_ms.is_none_or(|ms| ms == message.sent_ms));
        let _ = mail::field(data, "X-Status");
    }
    if is_turn(data, 3, 4) {
        assert_eq!((mail::text(data), mail::html(data)), (text, html));
    }
}

fn fields(message: &Message) {
    for line in [
        &message.subject,
        &message.topic,
        &message.message_id,
        &message.display_to,
    ] {
        assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
    }
    assert!(message.subject.ends_with(&message.topic));
    assert!(message.subject.len() <= HEADER_FIELD_BYTES_MAX);
    for list in [&message.to, &message.cc, &message.bcc] {
        assert!(list.len() <= ADDRESS_LIST_BYTES_MAX);
        assert!(!list.contains(['\r', '\n', '\0']), "{list:?}");
    }
    for list in [&message.from, &message.sender, &message.reply_to] {
        assert!(list.len() <= HEADER_FIELD_BYTES_MAX);
    }
}

fn attachments(data: &[u8], message: &Message) {
    for part in &message.parts {
        assert!(part.body_from <= part.body_to && part.body_to <= data.len() as u64);
        assert!(
            !part.name.is_empty() && !part.name.contains(['\r', '\n', '\0']),
            "{:?}",
            part.name
        );
        let encoded = mail::slice(data, part.body_from, part.body_to);
        let whole = mail::decode(encoded, part.encoding);
        assert_eq!(whole.len() as u64, part.bytes);
        assert_eq!(mail::decoded_len(encoded, part.encoding), part.bytes);
        for (from, to) in [(0, 1), (1, 5), (part.bytes / 2, part.bytes + 9), (7, 3)] {
            let range = mail::decode_range(encoded, part.encoding, from..to);
            let at = |n: u64| usize::try_from(n.min(part.bytes)).expect("short");
            let expect = whole.get(at(from)..at(to)).unwrap_or_default();
            assert_eq!(range, expect, "{from}..{to}");
        }
    }
}

/// The record as an account gets it, with the invitation in it: it fits, and is read back.
fn stored(data: &[u8]) {
    let account = Account {
        addresses: vec!["alice@example.org".into()],
        ..Account::default()
    };
    let message = intake::look(data, NEW_YEAR_MS).record_for(&account);
    let record = Record::Message(message);
    let bytes = record.to_stored(NEW_YEAR_MS).expect("archived");
    assert!(bytes.len() <= VALUE_BYTES_MAX, "{} bytes", bytes.len());
    let (read, date_ms) = RecordRef::read(&bytes).expect("readable");
    assert_eq!(date_ms, NEW_YEAR_MS);
    assert_eq!(read.to_owned(), Ok(record));
}

/// What a client sends goes out in its user's name, without those that nobody shall see.
fn submitted(data: &[u8]) {
    let addresses = ["alice@example.org".to_owned()];
    let sender = Sender {
        name: "Alice Ällen",
        primary: &addresses[0],
        addresses: &addresses,
        foreign: compose::Foreign::Correct,
    };
    let Ok(out) = compose::submit(data, sender, NEW_YEAR_MS, "fresh@example.org") else {
        return;
    };
    assert!((1..=RECIPIENTS_MAX).contains(&out.recipients.len()));
    assert!(
        out.recipients.iter().all(|to| compose::is_address(to)),
        "{:?}",
        out.recipients
    );
    assert!(out.from.eq_ignore_ascii_case(&addresses[0]), "{}", out.from);
    if let Some(asker) = mail::asker(data, &out.from) {
        assert_eq!(asker.sender, out.from);
        assert!(!asker.subject.contains(['\r', '\n', '\0']));
    }
    let (seen, _) = mail::inspect(&out.raw, NEW_YEAR_MS);
    assert_eq!(seen.bcc, "", "{:?}", String::from_utf8_lossy(&out.raw));
    assert!(
        seen.from.to_ascii_lowercase().contains(&addresses[0]),
        "{:?}",
        seen.from
    );
}

/// What a person typed as a list of recipients, and a subject.
pub(crate) fn typed(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let topic = mail::topic(&text);
    assert!(text.contains(topic));
    for mailbox in mail::addresses(&text) {
        assert!(!mailbox.address.is_empty());
        let shown = mail::display(&mailbox);
        assert!(!shown.contains(['\r', '\n']), "{shown:?}");
        let _ = compose::is_address(&mailbox.address);
    }
}
