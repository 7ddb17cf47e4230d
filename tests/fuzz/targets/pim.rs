//! Calendars, contacts, HTML and the stored records.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roost::pim::ical::{self, Defaults, Found};
use roost::pim::recur::{Occurrence, last_end_ms, occurrences};
use roost::pim::vcard::{self, Version};
use roost::pim::{Event, Record, RecordRef, html, rtf};

use super::input::{Input, is_turn};
use super::mail::NEW_YEAR_MS;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const DEFAULTS: Defaults<'_> = Defaults {
    zone: "Europe/Berlin",
    now_ms: NEW_YEAR_MS,
    addresses: &["alice@example.org"],
};

/// Any bytes as a calendar file, and as the calendar part of a mail.
pub(crate) fn ical(data: &[u8]) {
    // Reads it once more.
    if is_turn(data, 0, 4) {
        let _ = ical::meeting(data, &DEFAULTS).map(|meeting| ical::meeting_to_ics(&meeting));
    }
    let Ok(calendar) = ical::parse(data, &DEFAULTS) else {
        return;
    };
    for found in calendar.found.iter().take(3) {
        if let Found::Event(event) = found {
            series(event);
        }
        survives(&record(found.clone()));
        // What is written is read as the same, once it has been through here.
        let once = ical::parse(text(found).as_bytes(), &DEFAULTS)
            .expect("ours")
            .found;
        let twice: Vec<Found> = once
            .iter()
            .flat_map(|found| {
                ical::parse(text(found).as_bytes(), &DEFAULTS)
                    .expect("ours")
                    .found
            })
            .collect();
        assert_eq!(once, twice, "{}", text(found));
    }
}

fn text(found: &Found) -> String {
    match found {
        Found::Event(event) => ical::event_to_ics(event, ""),
        Found::Task(task) => ical::task_to_ics(task),
        Found::Note(note) => ical::note_to_ics(note),
    }
}

fn record(found: Found) -> Record {
    match found {
        Found::Event(event) => Record::Event(event),
        Found::Task(task) => Record::Task(task),
        Found::Note(note) => Record::Note(note),
    }
}

fn series(event: &Event) {
    let _ = last_end_ms(event);
    let from = event.start_ms.saturating_sub(DAY_MS);
    let to = event.start_ms.saturating_add(900 * DAY_MS);
    let some = occurrences(event, from, to, 40);
    assert!(some.is_sorted_by_key(|o| o.start_ms) && some.len() <= 40);
    let ends = |o: &Occurrence| o.end_ms.max(o.start_ms.saturating_add(1));
    assert!(some.iter().all(|o| o.start_ms < to && ends(o) > from));
}

fn survives(record: &Record) {
    let bytes = record.to_stored(7).expect("archived");
    let (read, date_ms) = RecordRef::read(&bytes).expect("readable");
    assert_eq!(date_ms, 7);
    assert_eq!(read.to_owned().as_ref(), Ok(record));
}

/// Any bytes as cards.
pub(crate) fn vcard(data: &[u8]) {
    let Ok(found) = vcard::parse(data, NEW_YEAR_MS) else {
        return;
    };
    for parsed in &found {
        survives(&Record::Contact(parsed.contact.clone()));
        for version in [Version::V3, Version::V4] {
            let written = vcard::to_vcf(&parsed.contact, parsed.photo.as_deref(), version);
            let Ok(once) = vcard::parse(written.as_bytes(), NEW_YEAR_MS) else {
                continue;
            };
            assert_eq!(once.len(), 1, "{written}");
            let again = vcard::to_vcf(&once[0].contact, once[0].photo.as_deref(), version);
            let twice = vcard::parse(again.as_bytes(), NEW_YEAR_MS).expect("ours");
            assert_eq!(once, twice, "{written}");
        }
    }
}

/// Any text as HTML, and as text to be shown as HTML.
pub(crate) fn html(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let plain = html::to_text(&text);
    assert!(
        plain
            .lines()
            .all(|line| line.trim_end_matches([' ', '\t']) == line),
        "{plain:?}"
    );
    assert!(
        !plain.contains("\n\n\n") && !plain.contains('\0'),
        "{plain:?}"
    );
    let shown = html::from_text(&text);
    let inside = shown
        .strip_prefix("<html><body>")
        .and_then(|s| s.strip_suffix("</body></html>"));
    let inside = inside.expect("one body").replace("<br>\r\n", "");
    assert!(!inside.contains(['<', '>', '"']), "{inside:?}");
    for chars in [0, 1, 20, 255] {
        let preview = html::preview(&plain, chars);
        assert!(preview.chars().count() <= chars && !preview.contains(['\n', '\r', '\t']));
    }
}

/// Any bytes as a stored record: an error, or one that can be used and stored again.
pub(crate) fn record_bytes(data: &[u8]) {
    let mut input = Input::new(data);
    let class = 1 + input.below(5);
    let whole = [&[1, class as u8][..], &[0; 8], input.rest()].concat();
    for stored in [data, &whole] {
        let Ok((read, date_ms)) = RecordRef::read(stored) else {
            continue;
        };
        let record = read.to_owned().expect("checked");
        if let Record::Event(event) = &record {
            series(event);
            let _ = ical::event_to_ics(event, "REQUEST");
        }
        let again = record.to_stored(date_ms).expect("archived");
        let (read, date) = RecordRef::read(&again).expect("readable");
        assert_eq!((read.to_owned(), date), (Ok(record), date_ms));
    }
}

/// Any bytes as the rich text of an old device: compressed, and in base64.
pub(crate) fn rich_text(data: &[u8]) {
    let shown = rtf::to_text(&String::from_utf8_lossy(data));
    let packed = STANDARD.encode(data);
    assert!(rtf::to_text(&packed).len() <= 8 * 1024 * 1024);
    // What is shown once is shown the same for ever.
    let again = rtf::to_text(&rtf::from_text(&shown));
    assert_eq!(rtf::to_text(&rtf::from_text(&again)), again);
}
