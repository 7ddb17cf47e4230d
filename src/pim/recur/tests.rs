//! What a rule expands to.

use super::*;
use crate::limits::OCCURRENCES_MAX;
use crate::pim::tz::{DAY_MS, Zone, civil, wall_of};
use crate::pim::{Event, Exception, Recurrence};
use jiff::civil::date;
use proptest::prelude::*;

const HOUR_MS: i64 = 3_600_000;

fn at(y: i16, m: i8, d: i8, h: i8) -> i64 {
    wall_of(date(y, m, d).at(h, 0, 0, 0))
}

/// An hour's appointment in a zone, from the wall time of its first start and an RRULE.
fn series(zone: &str, wall_ms: i64, rrule: &str) -> Event {
    let z = Zone::named(zone).unwrap();
    let start_ms = z.to_utc(wall_ms);
    Event {
        zone: zone.to_owned(),
        start_ms,
        end_ms: start_ms + HOUR_MS,
        recurrence: Some(from_rrule(rrule, start_ms, &z).expect(rrule)),
        ..Event::default()
    }
}

/// The first starts as wall time, `MM-DD HH`.
fn first(event: &Event, n: usize) -> Vec<String> {
    let zone = Zone::of(&event.zone, &event.zone_blob);
    occurrences(event, i64::MIN / 2, i64::MAX / 2, n)
        .iter()
        .map(|o| {
            civil(zone.to_local(o.start_ms))
                .strftime("%m-%d %H")
                .to_string()
        })
        .collect()
}

#[test]
fn each_kind_of_rule_gives_its_days() {
    let check = |rrule: &str, expect: &[&str]| {
        // Monday, 5 January 2026, nine o'clock.
        let event = series("Europe/Berlin", at(2026, 1, 5, 9), rrule);
        assert_eq!(first(&event, expect.len()), expect, "{rrule}");
    };
    check(
        "FREQ=DAILY;INTERVAL=3",
        &["01-05 09", "01-08 09", "01-11 09"],
    );
    check(
        "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;COUNT=6",
        &[
            "01-05 09", "01-06 09", "01-07 09", "01-08 09", "01-09 09", "01-12 09",
        ],
    );
    check(
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=MO",
        &["01-05 09", "01-11 09", "01-19 09", "01-25 09"],
    );
    check(
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU",
        &["01-05 09", "01-18 09", "01-19 09", "02-01 09"],
    );
    check(
        "FREQ=MONTHLY;BYMONTHDAY=31",
        &["01-31 09", "03-31 09", "05-31 09"],
    );
    check(
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        &["01-31 09", "02-28 09", "03-31 09"],
    );
    check(
        "FREQ=MONTHLY;BYDAY=2TU",
        &["01-13 09", "02-10 09", "03-10 09"],
    );
    check(
        "FREQ=MONTHLY;BYDAY=-1FR",
        &["01-30 09", "02-27 09", "03-27 09"],
    );
    check(
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        &["01-30 09", "02-27 09", "03-31 09"],
    );
    check("FREQ=YEARLY", &["01-05 09", "01-05 09"]);
    check(
        "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
        &["11-26 09", "11-25 09"],
    );
}

#[test]
fn nine_o_clock_stays_nine_o_clock_when_the_clocks_change() {
    let event = series("Europe/Berlin", at(2026, 3, 28, 9), "FREQ=DAILY;COUNT=3");
    assert_eq!(first(&event, 9), ["03-28 09", "03-29 09", "03-30 09"]);
    let starts: Vec<i64> = occurrences(&event, 0, i64::MAX, 9)
        .iter()
        .map(|o| o.start_ms)
        .collect();
    assert_eq!(
        [starts[1] - starts[0], starts[2] - starts[1]],
        [23 * HOUR_MS, 24 * HOUR_MS]
    );
}

#[test]
fn half_past_two_in_the_night_of_the_change_is_an_hour_later() {
    let event = series("Europe/Berlin", at(2026, 3, 28, 2), "FREQ=DAILY;COUNT=3");
    assert_eq!(first(&event, 9), ["03-28 02", "03-29 03", "03-30 02"]);
}

#[test]
fn whole_days_end_at_midnight_across_a_change() {
    let mut event = series("Europe/Berlin", at(2026, 3, 28, 0), "FREQ=DAILY;COUNT=3");
    event.all_day = true;
    event.end_ms = event.start_ms + DAY_MS;
    let zone = Zone::named("Europe/Berlin").unwrap();
    for o in occurrences(&event, 0, i64::MAX, 9) {
        assert_eq!(zone.to_local(o.end_ms).rem_euclid(DAY_MS), 0);
        assert_eq!(zone.to_local(o.end_ms) - zone.to_local(o.start_ms), DAY_MS);
    }
}

#[test]
fn a_window_far_from_the_start_is_found_at_once() {
    let event = series("Europe/Berlin", at(1930, 1, 1, 9), "FREQ=DAILY");
    let found = occurrences(&event, at(2026, 6, 1, 0), at(2026, 6, 3, 0), 100);
    let days: Vec<i8> = found.iter().map(|o| civil(o.start_ms).day()).collect();
    assert_eq!(days, [1, 2]);
}

#[test]
fn exceptions_move_and_delete() {
    let mut event = series("UTC", at(2026, 1, 5, 9), "FREQ=DAILY;COUNT=4");
    event.exceptions = vec![
        Exception {
            original_ms: at(2026, 1, 6, 9),
            deleted: true,
            ..Exception::default()
        },
        Exception {
            original_ms: at(2026, 1, 7, 9),
            start_ms: Some(at(2026, 1, 20, 15)),
            ..Exception::default()
        },
    ];
    assert_eq!(first(&event, 9), ["01-05 09", "01-08 09", "01-20 15"]);
    assert_eq!(last_end_ms(&event), Some(at(2026, 1, 20, 16)));
    let found = occurrences(&event, at(2026, 1, 20, 0), at(2026, 1, 21, 0), 9);
    assert_eq!(
        (found.len(), found[0].original_ms, found[0].exception),
        (1, at(2026, 1, 7, 9), Some(1))
    );
}

#[test]
fn the_last_end_is_that_of_the_last_occurrence() {
    let check = |rrule: &str, expect: Option<i64>| {
        let event = series("UTC", at(2026, 1, 5, 9), rrule);
        assert_eq!(last_end_ms(&event), expect, "{rrule}");
    };
    check("FREQ=DAILY", None);
    check("FREQ=DAILY;COUNT=3", Some(at(2026, 1, 7, 10)));
    check("FREQ=DAILY;COUNT=4000000000", None);
    check(
        "FREQ=DAILY;UNTIL=20260110T080000Z",
        Some(at(2026, 1, 9, 10)),
    );
    check(
        "FREQ=DAILY;UNTIL=20260110T090000Z",
        Some(at(2026, 1, 10, 10)),
    );
    check(
        "FREQ=YEARLY;UNTIL=99981231T000000Z",
        Some(at(9998, 1, 5, 10)),
    );
    check(
        "FREQ=WEEKLY;BYDAY=TU;UNTIL=20260301",
        Some(at(2026, 2, 24, 10)),
    );
    // It was over before it began.
    check("FREQ=DAILY;UNTIL=20200101", Some(at(2026, 1, 5, 10)));
    let single = Event {
        end_ms: 7,
        ..Event::default()
    };
    assert_eq!(last_end_ms(&single), Some(7));
}

#[test]
fn what_the_protocol_cannot_say_is_refused() {
    let zone = Zone::utc();
    for rrule in [
        "FREQ=HOURLY",
        "FREQ=SECONDLY;COUNT=3",
        "FREQ=MONTHLY;BYMONTHDAY=1,15",
        "FREQ=YEARLY;BYMONTH=1,7",
        "FREQ=YEARLY;BYYEARDAY=100",
        "FREQ=YEARLY;BYWEEKNO=20",
        "FREQ=MONTHLY;BYDAY=-2MO",
        "FREQ=MONTHLY;BYDAY=1MO,3MO",
        "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1",
        "FREQ=DAILY;INTERVAL=2;BYDAY=MO",
        "FREQ=DAILY;BYHOUR=9,17",
        "FREQ=DAILY;BYHOUR=9",
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR",
        "FREQ=YEARLY;BYDAY=1MO",
        "FREQ=MONTHLY;BYDAY=5MO",
        "COUNT=3",
        "FREQ",
        "",
        ";;",
        "FREQ=DAILY;COUNT=0",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=é",
        "FREQ=DAILY;UNTIL=2026",
        "FREQ=DAILY;UNTIL=20261345",
        "FREQ=DAILY;INTERVAL=-1",
    ] {
        assert_eq!(from_rrule(rrule, 0, &zone), None, "{rrule}");
    }
}

#[test]
fn rules_come_back_from_their_text() {
    let zone = Zone::named("America/New_York").unwrap();
    let start_ms = zone.to_utc(at(2026, 1, 5, 9));
    for rrule in [
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=2;COUNT=9",
        "FREQ=WEEKLY;BYDAY=MO,WE,SU",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;WKST=SU",
        "FREQ=MONTHLY;BYMONTHDAY=15",
        "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=2",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=YEARLY;BYMONTH=5;BYDAY=2SU",
        "FREQ=WEEKLY;BYDAY=FR;UNTIL=20261231T140000Z",
    ] {
        let rule = from_rrule(rrule, start_ms, &zone).expect(rrule);
        assert_eq!(to_rrule(&rule, false, &zone).as_deref(), Some(rrule));
    }
    let rule = from_rrule("FREQ=DAILY;UNTIL=20260201", start_ms, &zone).unwrap();
    assert_eq!(
        to_rrule(&rule, true, &zone).as_deref(),
        Some("FREQ=DAILY;UNTIL=20260201")
    );
}

fn any_rule() -> impl Strategy<Value = Recurrence> {
    let days = prop::option::of(any::<u8>());
    let months = (
        prop::option::of(any::<u8>()),
        prop::option::of(any::<u8>()),
        prop::option::of(any::<u8>()),
    );
    let end = (
        prop::option::of(any::<i64>()),
        prop::option::of(any::<u32>()),
        prop::option::of(any::<u8>()),
    );
    (0u8..9, any::<u16>(), days, months, end).prop_map(
        |(kind, interval, day_of_week, (dom, wom, moy), (until_ms, occurrences, first))| {
            Recurrence {
                kind,
                interval,
                day_of_week,
                day_of_month: dom,
                week_of_month: wom,
                month_of_year: moy,
                until_ms,
                occurrences,
                first_day_of_week: first,
                ..Recurrence::default()
            }
        },
    )
}

fn expressible() -> impl Strategy<Value = String> {
    let head = prop_oneof![
        Just("FREQ=DAILY".to_owned()),
        (1u8..128).prop_map(|m| {
            let days: Vec<&str> = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"]
                .into_iter()
                .enumerate()
                .filter(|(i, _)| m & (1 << i) != 0)
                .map(|(_, d)| d)
                .collect();
            format!("FREQ=WEEKLY;BYDAY={}", days.join(","))
        }),
        (1i32..32).prop_map(|d| format!("FREQ=MONTHLY;BYMONTHDAY={d}")),
        Just("FREQ=MONTHLY;BYMONTHDAY=-1".to_owned()),
        (1i32..5).prop_map(|n| format!("FREQ=MONTHLY;BYDAY={n}TH")),
        (1i32..5).prop_map(|n| format!("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS={n}")),
        (1i32..13, 1i32..32).prop_map(|(m, d)| format!("FREQ=YEARLY;BYMONTH={m};BYMONTHDAY={d}")),
        (1i32..13).prop_map(|m| format!("FREQ=YEARLY;BYMONTH={m};BYDAY=-1SA")),
    ];
    let first_day = prop_oneof![Just("MO"), Just("SU"), Just("WE")];
    (head, 1u16..7, first_day).prop_map(|(h, i, w)| format!("{h};INTERVAL={i};WKST={w}"))
}

proptest! {
    #[test]
    fn the_days_are_those_that_another_engine_finds(rrule in expressible(), day in 0i64..20_000) {
        let start_ms = day * DAY_MS + 9 * HOUR_MS;
        let event = series("UTC", start_ms, &rrule);
        let text = format!(
            "DTSTART:{}\nRRULE:{rrule}",
            civil(start_ms).strftime("%Y%m%dT%H%M%SZ"),
        );
        let other: ::rrule::RRuleSet = text.parse().unwrap();
        let expect: Vec<i64> = other.all(12).dates.iter().map(|d| d.timestamp_millis()).collect();
        let zone = Zone::utc();
        let rule = event.recurrence.as_ref().unwrap();
        let found: Vec<i64> = Starts::new(rule, start_ms, &zone).take(expect.len()).collect();
        prop_assert_eq!(&found, &expect, "{}", rrule);
        if let Some(late) = expect.get(7) {
            let jumped = Starts::new(rule, start_ms, &zone).from(*late).next();
            prop_assert_eq!(jumped, Some(*late));
        }
    }

    #[test]
    fn no_rule_is_too_hostile(rule in any_rule(), start_ms in any::<i64>(), from_ms in any::<i64>()) {
        let event = Event {
            zone: "Europe/Berlin".to_owned(),
            start_ms,
            end_ms: start_ms.saturating_add(HOUR_MS),
            recurrence: Some(rule.clone()),
            ..Event::default()
        };
        let found = occurrences(&event, from_ms, i64::MAX, 10);
        prop_assert!(found.len() <= 10);
        let _ = last_end_ms(&event);
        let zone = Zone::utc();
        if let Some(text) = to_rrule(&rule, false, &zone) {
            prop_assert!(from_rrule(&text, 0, &zone).is_some() || rule.interval > 1 || rule.occurrences == Some(0), "{}", text);
        }
    }

    #[test]
    fn no_text_is_too_hostile(text in "[A-Z0-9=;,é+-]{0,60}") {
        let _ = from_rrule(&text, 0, &Zone::utc());
        let _ = from_rrule(&format!("FREQ=MONTHLY;BYDAY={text}"), 0, &Zone::utc());
        let _ = from_rrule(&format!("FREQ=DAILY;UNTIL={text}"), 0, &Zone::utc());
    }
}

#[test]
fn an_expansion_is_bounded() {
    let event = series("UTC", at(1990, 1, 1, 9), "FREQ=DAILY");
    let found = occurrences(&event, i64::MIN, i64::MAX, usize::MAX);
    assert_eq!(found.len(), OCCURRENCES_MAX);
}

#[test]
fn times_beyond_the_calendar_do_no_harm() {
    let rule = |kind| Recurrence {
        kind,
        interval: u16::MAX,
        ..Recurrence::default()
    };
    for (start_ms, end_ms) in [(i64::MIN, i64::MAX), (i64::MAX, i64::MIN)] {
        for kind in [0, 1, 2, 3, 5, 6] {
            let event = Event {
                start_ms,
                end_ms,
                all_day: true,
                recurrence: Some(rule(kind)),
                ..Event::default()
            };
            assert!(occurrences(&event, i64::MIN, i64::MAX, 5).len() <= 5);
            let _ = last_end_ms(&event);
        }
    }
}
