//! Appointments: whole days, series and their exceptions, ghosts.

use super::samples::{self, HOUR_MS, NOW_MS};
use super::*;
use crate::pim::{Event, Recurrence, tz};
use crate::wbxml::tags::{airsyncbase, calendar};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

fn event(d: Result<Decoded, Error>) -> Event {
    match d {
        Ok(Decoded {
            record: Some(Record::Event(e)),
            ..
        }) => e,
        other => panic!("{other:?}"),
    }
}

fn read(
    version: Version,
    existing: Option<&Event>,
    write: impl FnOnce(&mut Writer),
) -> Result<Decoded, Error> {
    let supported = Supported::default();
    let existing = existing.cloned().map(Record::Event);
    decoded(
        &data(write),
        Class::Calendar,
        existing,
        &source(version, &supported),
    )
}

/// Onto itself, and as a new one, in each version.
fn comes_back(e: &Event) {
    let record = Record::Event(e.clone());
    for version in versions(Class::Calendar) {
        let document = encoded(
            &record,
            &samples::options(version),
            version,
            &Fetched::default(),
        );
        let supported = Supported::default();
        let source = source(version, &supported);
        let again = event(decoded(
            &document,
            Class::Calendar,
            Some(record.clone()),
            &source,
        ));
        assert_eq!(&again, e, "{version}");
        let source = Source {
            zone: "Europe/Berlin",
            ..source
        };
        let mut new = event(decoded(&document, Class::Calendar, None, &source));
        // What this version cannot say.
        new.response_requested = e.response_requested;
        if version == Version::V2_5 {
            for (a, b) in new.attendees.iter_mut().zip(&e.attendees) {
                (a.status, a.kind) = (b.status, b.kind);
            }
        }
        if e.all_day && version >= Version::V16_0 {
            new.zone_blob.clone_from(&e.zone_blob);
        }
        assert_eq!(&new, e, "{version}, new");
    }
}

#[test]
fn they_come_back() {
    comes_back(&samples::series());
    comes_back(&samples::whole_day());
    let mut days = samples::whole_day();
    days.recurrence = Some(Recurrence {
        kind: 5,
        interval: 1,
        day_of_month: Some(24),
        month_of_year: Some(12),
        until_ms: Some(days.start_ms + 365 * 24 * HOUR_MS),
        ..Recurrence::default()
    });
    days.exceptions = vec![crate::pim::Exception {
        original_ms: days.start_ms + 365 * 24 * HOUR_MS,
        deleted: true,
        ..Default::default()
    }];
    comes_back(&days);
}

#[test]
fn times_and_places_of_each_version() {
    let series = Record::Event(samples::series());
    let check = |version, has: &[&str], has_not: &[&str]| {
        let xml = xml(&series, &samples::options(version), version);
        for part in has {
            assert!(xml.contains(part), "{version} lacks {part}: {xml}");
        }
        for part in has_not {
            assert!(!xml.contains(part), "{version} has {part}");
        }
    };
    let always = [
        "<calendar:StartTime>20261122T130000Z</calendar:StartTime>",
        "<calendar:DtStamp>20261122T130000Z</calendar:DtStamp>",
        "<calendar:Timezone>xP///",
        "<calendar:Email>anna@example.org</calendar:Email><calendar:Name>anna</calendar:Name>",
        "<calendar:UID>uid-1@example.org</calendar:UID>",
        "<calendar:Reminder>15</calendar:Reminder>",
    ];
    versions(Class::Calendar).for_each(|v| check(v, &always, &[]));
    check(
        Version::V2_5,
        &[
            "<calendar:Body>agenda</calendar:Body>",
            "<calendar:Location>Room 1<",
        ],
        &["AttendeeStatus", "airsyncbase", "ResponseType"],
    );
    check(
        Version::V14_1,
        &[
            "<calendar:ExceptionStartTime>20261129T130000Z<",
            "<calendar:ResponseType>1<",
        ],
        &["InstanceId", "airsyncbase:Location"],
    );
    check(
        Version::V16_1,
        &[
            "<airsyncbase:InstanceId>20261129T130000Z<",
            "<airsyncbase:Location><airsyncbase:DisplayName>Room 1<",
        ],
        &["ExceptionStartTime", "<calendar:Location>"],
    );
}

#[test]
fn whole_days() {
    let day = Record::Event(samples::whole_day());
    let old = xml(&day, &Options::default(), Version::V14_1);
    assert!(
        old.contains("<calendar:StartTime>20261223T230000Z<"),
        "{old}"
    );
    assert!(old.contains("<calendar:Timezone>"));
    let new = xml(&day, &Options::default(), Version::V16_0);
    assert!(
        new.contains("<calendar:StartTime>20261224T000000Z<"),
        "{new}"
    );
    assert!(new.contains("<calendar:EndTime>20261225T000000Z<"));
    assert!(!new.contains("Timezone"));
    // TbSync 5 writes midnight of UTC beside a zone, in old versions too.
    let berlin = STANDARD.encode(tz::blob_of("Europe/Berlin", 2026).unwrap());
    let check = |start: &str, end: &str| {
        let e = event(read(Version::V14_1, None, |w| {
            w.text(calendar::TIMEZONE, &berlin);
            w.flag(calendar::ALL_DAY_EVENT, true);
            w.text(calendar::START_TIME, start);
            w.text(calendar::END_TIME, end);
        }));
        let expect = samples::whole_day();
        assert_eq!(
            (e.start_ms, e.end_ms),
            (expect.start_ms, expect.end_ms),
            "{start} {end}"
        );
        assert_eq!(e.zone, "Europe/Berlin");
    };
    check("20261224T000000Z", "20261225T000000Z");
    check("20261223T230000Z", "20261224T230000Z");
    check("20261223T230000Z", "20261224T225959Z");
    check("20261223T231500Z", "20261223T231500Z");
}

#[test]
fn what_a_change_leaves_out() {
    let before = samples::series();
    let change = |supported: &Supported, version| {
        let document = data(|w| w.text(calendar::SUBJECT, "New"));
        let existing = Some(Record::Event(before.clone()));
        event(decoded(
            &document,
            Class::Calendar,
            existing,
            &source(version, supported),
        ))
    };
    // Everything is the client's: gone, but for times, names and texts.
    let e = change(&Supported::default(), Version::V14_1);
    assert_eq!(
        (e.subject.as_str(), e.location.as_str(), e.reminder_min),
        ("New", "", None)
    );
    assert!(e.attendees.is_empty() && e.recurrence.is_none() && e.categories.is_empty());
    assert_eq!(
        (e.start_ms, e.end_ms, &e.uid, &e.body),
        (before.start_ms, before.end_ms, &before.uid, &before.body)
    );
    // 16.x: everything stays.
    let e = change(&Supported::default(), Version::V16_1);
    assert_eq!(
        e,
        Event {
            subject: "New".to_owned(),
            ..before.clone()
        }
    );
    let mut r_bytes = Writer::new();
    r_bytes.open(airsync::SUPPORTED);
    r_bytes.empty(calendar::LOCATION);
    r_bytes.close();
    let bytes = r_bytes.finish();
    let mut r = Reader::new(&bytes).unwrap();
    r.root().unwrap();
    let only_location = Supported::decode(&mut r).unwrap();
    let e = change(&only_location, Version::V14_1);
    let expect = Event {
        subject: "New".to_owned(),
        location: String::new(),
        ..before.clone()
    };
    assert_eq!(e, expect);
}

#[test]
fn one_occurrence_by_its_instance_id() {
    let series = samples::series();
    let week = 7 * 24 * HOUR_MS;
    let third = NOW_MS + 4 * week;
    let id = date::compact(third);
    let supported = Supported::default();
    let change = |within: bool, existing: &Event, write: &dyn Fn(&mut Writer)| {
        let document = data(|w| {
            if within {
                w.text(airsyncbase::INSTANCE_ID, &id);
            }
            write(w);
        });
        let instance_ms = (!within).then_some(third);
        let source = Source {
            instance_ms,
            ..source(Version::V16_1, &supported)
        };
        decoded(
            &document,
            Class::Calendar,
            Some(Record::Event(existing.clone())),
            &source,
        )
    };
    for within in [true, false] {
        let once = event(change(within, &series, &|w| {
            w.text(calendar::SUBJECT, "Once")
        }));
        let x = once
            .exceptions
            .iter()
            .find(|x| x.original_ms == third)
            .unwrap();
        assert_eq!(x.subject.as_deref(), Some("Once"));
        assert_eq!(once.exceptions.len(), 3);
        assert_eq!(once.subject, series.subject);
        // Again: what is left out stays.
        let twice = event(change(within, &once, &|w| w.empty(calendar::REMINDER)));
        let x = twice
            .exceptions
            .iter()
            .find(|x| x.original_ms == third)
            .unwrap();
        assert_eq!(
            (x.subject.as_deref(), x.reminder_min),
            (Some("Once"), Some(None))
        );
        let gone = event(change(within, &twice, &|w| w.flag(calendar::DELETED, true)));
        assert!(
            gone.exceptions
                .iter()
                .any(|x| x.original_ms == third && x.deleted)
        );
        assert!(gone.exceptions.is_sorted_by_key(|x| x.original_ms));
    }
    let single = samples::whole_day();
    let refused = change(true, &single, &|w| w.text(calendar::SUBJECT, "Once"));
    assert_eq!(refused, Err(Error::Value(airsyncbase::INSTANCE_ID)));
    let mut deleted = series.clone();
    delete_occurrence(&mut deleted, third).unwrap();
    assert!(
        deleted
            .exceptions
            .iter()
            .any(|x| x.original_ms == third && x.deleted)
    );
    assert!(delete_occurrence(&mut samples::whole_day(), third).is_err());
}

#[test]
fn a_client_need_not_say_much() {
    // What iOS sends in 16.1, with empty containers everywhere.
    let e = event(read(Version::V16_1, None, |w| {
        w.text(calendar::TIMEZONE, &STANDARD.encode([0u8; 172]));
        w.text(calendar::SUBJECT, "Lunch");
        w.text(calendar::START_TIME, "20261122T120000Z");
        w.text(calendar::END_TIME, "20261122T130000Z");
        for tag in [
            calendar::REMINDER,
            calendar::ATTENDEES,
            calendar::RECURRENCE,
            calendar::CATEGORIES,
            calendar::EXCEPTIONS,
            airsyncbase::LOCATION,
        ] {
            w.empty(tag);
        }
        w.text(calendar::CLIENT_UID, "client-uid");
    }));
    assert_eq!((e.uid.as_str(), e.zone.as_str()), ("client-uid", "UTC"));
    assert_eq!((e.reminder_min, e.recurrence), (None, None));
    let bare = event(read(Version::V14_0, None, |w| {
        w.text(calendar::SUBJECT, "Later")
    }));
    assert_eq!(bare.uid, "fresh-uid");
    assert_eq!(
        (bare.start_ms, bare.end_ms),
        (NOW_MS + HOUR_MS / 2, NOW_MS + HOUR_MS)
    );
    // The one who invites is the user.
    let meeting = event(read(Version::V16_0, None, |w| {
        w.open(calendar::ATTENDEES);
        w.open(calendar::ATTENDEE);
        w.text(calendar::EMAIL, "x@example.org");
        w.close();
        w.open(calendar::ATTENDEE);
        w.text(calendar::NAME, "without an address");
        w.close();
        w.close();
    }));
    assert_eq!(
        (meeting.meeting_status, meeting.organizer_email.as_str()),
        (1, "anna@example.org")
    );
    assert_eq!(
        (meeting.attendees.len(), meeting.attendees[0].name.as_str()),
        (1, "x@example.org")
    );
    // A location as text, in a version that has the container.
    let text = event(read(Version::V16_1, None, |w| {
        w.text(airsyncbase::LOCATION, "Hall")
    }));
    assert_eq!(text.location, "Hall");
}

#[test]
fn rules_are_completed_and_checked() {
    let rule = |write: fn(&mut Writer)| {
        let d = read(Version::V14_1, None, |w| {
            // A Sunday, the 22nd: the fourth one of November.
            w.text(calendar::START_TIME, "20261122T130000Z");
            w.text(calendar::END_TIME, "20261122T140000Z");
            w.open(calendar::RECURRENCE);
            write(w);
            w.close();
        });
        d.map(|d| event(Ok(d)).recurrence.unwrap())
    };
    let weekly = rule(|w| w.num(calendar::TYPE, 1)).unwrap();
    assert_eq!((weekly.day_of_week, weekly.interval), (Some(1), 1));
    let yearly = rule(|w| w.num(calendar::TYPE, 5)).unwrap();
    assert_eq!(
        (yearly.day_of_month, yearly.month_of_year),
        (Some(22), Some(11))
    );
    let nth = rule(|w| w.num(calendar::TYPE, 6)).unwrap();
    assert_eq!(
        (nth.week_of_month, nth.day_of_week, nth.month_of_year),
        (Some(4), Some(1), Some(11))
    );
    let both = rule(|w| {
        w.num(calendar::TYPE, 0);
        w.num(calendar::OCCURRENCES, 5);
        w.text(calendar::UNTIL, "20270101T000000Z");
    })
    .unwrap();
    assert_eq!((both.until_ms.is_some(), both.occurrences), (true, None));
    let bad = |write: fn(&mut Writer), tag| assert_eq!(rule(write).unwrap_err(), Error::Value(tag));
    bad(|w| w.num(calendar::INTERVAL, 2), calendar::TYPE);
    bad(|w| w.num(calendar::TYPE, 4), calendar::TYPE);
    bad(|w| w.num(calendar::TYPE, 7), calendar::TYPE);
    bad(|w| w.num(calendar::INTERVAL, 1000), calendar::INTERVAL);
    bad(|w| w.num(calendar::DAY_OF_WEEK, 128), calendar::DAY_OF_WEEK);
    bad(|w| w.text(calendar::UNTIL, "soon"), calendar::UNTIL);
}

#[test]
fn refused() {
    let check = |expect: Error, write: fn(&mut Writer)| {
        assert_eq!(read(Version::V14_1, None, write).unwrap_err(), expect);
    };
    check(Error::Value(calendar::TIMEZONE), |w| {
        w.text(calendar::TIMEZONE, "AAAA")
    });
    check(Error::Value(calendar::TIMEZONE), |w| {
        w.text(calendar::TIMEZONE, "?")
    });
    check(Error::Value(calendar::END_TIME), |w| {
        w.text(calendar::START_TIME, "20261122T130000Z");
        w.text(calendar::END_TIME, "20261122T120000Z");
    });
    check(Error::Value(calendar::SENSITIVITY), |w| {
        w.num(calendar::SENSITIVITY, 4)
    });
    check(Error::Missing(calendar::EXCEPTION_START_TIME), |w| {
        w.open(calendar::EXCEPTIONS);
        w.open(calendar::EXCEPTION);
        w.flag(calendar::DELETED, true);
        w.close();
        w.close();
    });
    check(Error::Many(calendar::ATTENDEES), |w| {
        w.open(calendar::ATTENDEES);
        (0..=crate::limits::ATTENDEES_MAX).for_each(|_| w.empty(calendar::ATTENDEE));
        w.close();
    });
    check(Error::Many(calendar::EXCEPTIONS), |w| {
        w.open(calendar::EXCEPTIONS);
        for _ in 0..=crate::limits::EXCEPTIONS_MAX {
            w.open(calendar::EXCEPTION);
            w.text(calendar::EXCEPTION_START_TIME, "20261122T130000Z");
            w.close();
        }
        w.close();
    });
    check(Error::Many(calendar::CATEGORIES), |w| {
        w.open(calendar::CATEGORIES);
        (0..301).for_each(|_| w.text(calendar::CATEGORY, "x"));
        w.close();
    });
}

#[test]
fn texts_of_exceptions_stay_and_give_way() {
    let mut before = samples::series();
    let again = event(read(Version::V14_1, Some(&before), |w| {
        w.open(calendar::RECURRENCE);
        w.num(calendar::TYPE, 1);
        w.close();
        w.open(calendar::EXCEPTIONS);
        w.open(calendar::EXCEPTION);
        w.text(
            calendar::EXCEPTION_START_TIME,
            &date::compact(before.exceptions[0].original_ms),
        );
        w.close();
        w.close();
    }));
    assert_eq!(again.exceptions.len(), 1);
    assert_eq!(again.exceptions[0].body, before.exceptions[0].body);
    // Too much for one record: the series is kept, its exceptions without their texts.
    before.recurrence = None;
    let long = "x".repeat(10_000);
    let full = event(read(Version::V14_1, None, |w| {
        w.text(calendar::START_TIME, "20261122T130000Z");
        w.open(calendar::RECURRENCE);
        w.num(calendar::TYPE, 0);
        w.close();
        w.open(calendar::EXCEPTIONS);
        for day in 23..30 {
            w.open(calendar::EXCEPTION);
            w.text(
                calendar::EXCEPTION_START_TIME,
                &format!("202611{day}T130000Z"),
            );
            w.open(airsyncbase::BODY);
            w.num(airsyncbase::TYPE, 1);
            w.text(airsyncbase::DATA, &long);
            w.close();
            w.close();
        }
        w.close();
    }));
    assert_eq!(full.exceptions.len(), 7);
    assert!(full.exceptions.iter().all(|x| x.body.is_none()));
}

#[test]
fn a_whole_day_among_timed_ones() {
    let mut series = samples::series();
    let x = &mut series.exceptions[0];
    let midnight = NOW_MS + (7 * 24 - 14) * HOUR_MS;
    (x.all_day, x.start_ms, x.end_ms) = (Some(true), Some(midnight), Some(midnight + 24 * HOUR_MS));
    comes_back(&series);
    let new = xml(&Record::Event(series), &Options::default(), Version::V16_1);
    assert!(
        new.contains("<airsyncbase:InstanceId>20261129T130000Z<"),
        "{new}"
    );
    assert!(
        new.contains("<calendar:StartTime>20261129T000000Z<"),
        "{new}"
    );
}
