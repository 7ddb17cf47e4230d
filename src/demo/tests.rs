//! What the demo shows.

use super::*;
use crate::pim::contact::ContactField;
use crate::pim::recur::{last_end_ms, occurrences};
use crate::pim::{Event, ical, vcard};
use std::collections::HashSet;

/// Sunday, 22 November 2026.
const NOW_MS: i64 = 1_795_352_400_000;

#[test]
fn each_user_has_some_hundred_contacts_most_with_a_photo() {
    for user in ["alice@example.org", "bob@example.org"] {
        let all: Vec<_> = contacts(NOW_MS).filter(|c| c.user == user).collect();
        let photos = all.iter().filter(|c| c.item.photo.is_some()).count();
        assert!(
            all.len() > 180 && photos * 2 > all.len(),
            "{} {photos}",
            all.len()
        );
        // 48 KB of base64 is what the protocol takes.
        assert!(
            all.iter()
                .filter_map(|c| c.item.photo.as_ref())
                .all(|p| p.len() < 32_000)
        );
        assert!(
            all.iter()
                .all(|c| !c.item.contact.get(ContactField::Email1Address).is_empty())
        );
    }
}

#[test]
fn contacts_and_events_can_be_written_and_read_again() {
    for c in contacts(NOW_MS).step_by(7) {
        let text = vcard::to_vcf(&c.item.contact, c.item.photo.as_deref(), vcard::Version::V3);
        let back = vcard::parse(text.as_bytes(), c.item.contact.created_ms).unwrap();
        assert_eq!(back, [c.item]);
    }
    for e in events(NOW_MS).step_by(11) {
        let text = ical::event_to_ics(&e.item, "");
        let zone = e.item.zone.clone();
        let defaults = ical::Defaults {
            zone: &zone,
            ..ical::Defaults::default()
        };
        let back = ical::parse(text.as_bytes(), &defaults).unwrap();
        assert_eq!(back.skipped, []);
        let [ical::Found::Event(found)] = back.found.as_slice() else {
            panic!("{text}");
        };
        assert_eq!(found.recurrence, e.item.recurrence, "{text}");
        assert_eq!(found.exceptions.len(), e.item.exceptions.len());
        assert_eq!(
            (found.start_ms, found.end_ms),
            (e.item.start_ms, e.item.end_ms),
            "{text}"
        );
    }
}

#[test]
fn the_calendar_has_every_kind_of_appointment() {
    let all: Vec<_> = events(NOW_MS)
        .filter(|e| e.user == "alice@example.org")
        .map(|e| e.item)
        .collect();
    assert!(all.len() > 200, "{}", all.len());
    let kinds: HashSet<u8> = all
        .iter()
        .filter_map(|e| e.recurrence.as_ref())
        .map(|r| r.kind)
        .collect();
    assert_eq!(kinds, HashSet::from([0, 1, 2, 3, 5, 6]));
    let exceptions = || all.iter().flat_map(|e| &e.exceptions);
    assert!(exceptions().any(|x| x.deleted) && exceptions().any(|x| x.start_ms.is_some()));
    assert!(all.iter().any(|e| e.all_day) && all.iter().any(|e| e.zone == "Asia/Tokyo"));
    let statuses: HashSet<u8> = all.iter().map(|e| e.meeting_status).collect();
    assert_eq!(statuses, HashSet::from([0, 1, 3, 7]));
    let sensitivities: HashSet<u8> = all.iter().map(|e| e.sensitivity).collect();
    assert_eq!(sensitivities, HashSet::from([0, 1, 2, 3]));
    let ids: HashSet<&String> = all.iter().map(|e| &e.uid).collect();
    assert_eq!(ids.len(), all.len());
}

#[test]
fn every_series_begins_with_its_own_first_day() {
    for e in events(NOW_MS)
        .map(|e| e.item)
        .filter(|e| e.recurrence.is_some())
    {
        let first = occurrences(
            &Event {
                exceptions: Vec::new(),
                ..e.clone()
            },
            i64::MIN,
            i64::MAX,
            1,
        );
        assert_eq!(
            first.first().map(|o| o.start_ms),
            Some(e.start_ms),
            "{}",
            e.subject
        );
        assert!(last_end_ms(&e).is_none_or(|end| end > e.start_ms));
        let days = e.exceptions.iter().map(|x| x.original_ms);
        assert!(days.is_sorted());
    }
}

#[test]
fn both_have_their_copy_of_a_meeting() {
    let of = |user: &str| -> HashSet<String> {
        let mine = events(NOW_MS)
            .filter(|e| e.user == user)
            .map(|e| e.item.uid);
        mine.filter(|uid| uid.contains("together")).collect()
    };
    assert_eq!(of("alice@example.org"), of("bob@example.org"));
}

#[test]
fn tasks_and_notes_are_there_and_the_same_each_time() {
    assert_eq!(
        tasks(NOW_MS).collect::<Vec<_>>(),
        tasks(NOW_MS).collect::<Vec<_>>()
    );
    assert_eq!(
        notes(NOW_MS).collect::<Vec<_>>(),
        notes(NOW_MS).collect::<Vec<_>>()
    );
    assert_eq!(
        events(NOW_MS).collect::<Vec<_>>(),
        events(NOW_MS).collect::<Vec<_>>()
    );
    let tasks: Vec<_> = tasks(NOW_MS).map(|t| t.item).collect();
    assert!(tasks.iter().any(|t| t.complete) && tasks.iter().any(|t| t.recurrence.is_some()));
    assert!(tasks.iter().any(|t| t.reminder_set) && tasks.iter().any(|t| t.due_ms.is_none()));
    assert!(notes(NOW_MS).any(|n| !n.item.categories.is_empty()));
    assert_eq!(notes(NOW_MS).count(), 48);
}
