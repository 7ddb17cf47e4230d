//! Series: the rule, what is left out (`EXDATE`), what differs (`RECURRENCE-ID`), what is added
//! (`RDATE`); and series that the protocol cannot say, as the appointments that [`apart`](super::apart) finds.

use super::super::event::{Event, Exception};
use super::super::recur::{from_rrule, occurrences};
use super::super::tz::{DAY_MS, Zone, civil};
use super::apart::Patience;
use super::event::{event, is_cancelled};
use super::props::{Props, Stamp, stamps_of};
use super::{Calendar, Found, Reader, Skipped};
use crate::limits::{EXCEPTIONS_MAX, SINGLE_INSTANCES_MAX};
use calcard::icalendar::{
    ICalendarComponent, ICalendarComponentType as Kind, ICalendarRecurrenceRule,
    ICalendarValue as Value,
};
use std::collections::{BTreeMap, HashMap};

/// A `VEVENT` and its overrides.
struct Group<'a> {
    master: Option<&'a ICalendarComponent>,
    overrides: Vec<&'a ICalendarComponent>,
}

/// Reads all events of a calendar.
pub(super) fn events(reader: &Reader<'_>, out: &mut Calendar) {
    let mut patience = Patience::of_a_file();
    for group in groups(reader) {
        let Some(master) = group.master else {
            for component in group.overrides {
                lone_override(reader, component, out);
            }
            continue;
        };
        let Some(event) = event(reader, master) else {
            out.skipped.push(skip(master, "no start that can be read"));
            continue;
        };
        let event = match with_series(reader, master, &group.overrides, event) {
            Ok(event) => {
                extra_dates(reader, master, &event, out);
                out.found.push(Found::Event(event));
                continue;
            }
            Err(event) => event,
        };
        let starts = rule_of(master)
            .map(|rule| patience.starts(rule, &event, reader.defaults.now_ms))
            .unwrap_or_default();
        if starts.is_empty() {
            out.skipped.push(skip(
                master,
                "a series that nobody can follow: its first only",
            ));
            out.found.push(Found::Event(event));
            continue;
        }
        let excluded = excluded(reader, master, &event);
        let overridden = group
            .overrides
            .iter()
            .filter_map(|c| c.stamp("RECURRENCE-ID"));
        let overridden: Vec<i64> = overridden.map(|s| original(reader, &s, &event)).collect();
        let usual = |s: &i64| !excluded.contains(s) && !overridden.contains(s);
        out.found.extend(
            starts
                .into_iter()
                .filter(usual)
                .map(|s| Found::Event(single(&event, s))),
        );
        extra_dates(reader, master, &event, out);
        for component in group.overrides {
            lone_override(reader, component, out);
        }
    }
}

/// The event of a meeting message: the series with its overrides, or the occurrence that it is
/// about.
pub(super) fn meeting(reader: &Reader<'_>) -> Option<(Event, Option<i64>)> {
    let mut groups = groups(reader);
    let at = groups.iter().position(|g| g.master.is_some()).unwrap_or(0);
    if at >= groups.len() {
        return None;
    }
    let group = groups.swap_remove(at);
    if let Some(master) = group.master {
        // A cancellation may leave the start out: the UID says what it is about.
        let event = event(reader, master).or_else(|| event_without_start(reader, master))?;
        let event = with_series(reader, master, &group.overrides, event).unwrap_or_else(|e| e);
        return Some((event, None));
    }
    let component = group.overrides.first()?;
    let id = component.stamp("RECURRENCE-ID")?;
    let event = event(reader, component).or_else(|| event_without_start(reader, component))?;
    let original_ms = original(reader, &id, &event);
    Some((event, Some(original_ms)))
}

fn event_without_start(reader: &Reader<'_>, component: &ICalendarComponent) -> Option<Event> {
    let mut with_start = component.clone();
    let start = component
        .first("RECURRENCE-ID")
        .or_else(|| component.first("DTSTAMP"))?;
    let mut start = start.clone();
    start.name = calcard::icalendar::ICalendarProperty::Dtstart;
    with_start.entries.push(start);
    event(reader, &with_start)
}

/// The `VEVENT`s by their UID, in the order of the file. Two without `RECURRENCE-ID` and with one
/// UID are two events.
fn groups<'a>(reader: &Reader<'a>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut by_uid: HashMap<String, usize> = HashMap::new();
    let events = || {
        reader
            .calendar
            .components
            .iter()
            .filter(|c| c.component_type == Kind::VEvent)
    };
    let is_override = |c: &ICalendarComponent| c.stamp("RECURRENCE-ID").is_some();
    for component in events().filter(|c| !is_override(c)) {
        if let Some(uid) = component.text("UID") {
            by_uid.entry(uid).or_insert(groups.len());
        }
        groups.push(Group {
            master: Some(component),
            overrides: Vec::new(),
        });
    }
    for component in events().filter(|c| is_override(c)) {
        let uid = component.text("UID").unwrap_or_default();
        let at = *by_uid.entry(uid).or_insert(groups.len());
        if at == groups.len() {
            groups.push(Group {
                master: None,
                overrides: Vec::new(),
            });
        }
        if let Some(group) = groups.get_mut(at) {
            group.overrides.push(component);
        }
    }
    groups
}

fn skip(component: &ICalendarComponent, why: &'static str) -> Skipped {
    Skipped {
        what: component.text("UID").unwrap_or_else(|| "VEVENT".to_owned()),
        why,
    }
}

/// An override whose series is not in the file: an appointment of its own.
fn lone_override(reader: &Reader<'_>, component: &ICalendarComponent, out: &mut Calendar) {
    match event(reader, component).or_else(|| event_without_start(reader, component)) {
        Some(event) => out.found.push(Found::Event(event)),
        None => out
            .skipped
            .push(skip(component, "no start that can be read")),
    }
}

fn rule_of(component: &ICalendarComponent) -> Option<&ICalendarRecurrenceRule> {
    component.all("RRULE").find_map(|e| match e.values.first() {
        Some(Value::RecurrenceRule(rule)) => Some(rule.as_ref()),
        _ => None,
    })
}

/// The event with its rule and exceptions; `Err` if it has a rule that the protocol cannot say.
#[allow(clippy::result_large_err, reason = "the event goes on either way")]
fn with_series(
    reader: &Reader<'_>,
    master: &ICalendarComponent,
    overrides: &[&ICalendarComponent],
    mut event: Event,
) -> Result<Event, Event> {
    let mut rules = master.all("RRULE");
    let Some(first) = rules.next() else {
        // Overrides of no series: nothing to except from.
        return Ok(event);
    };
    let zone = Zone::of(&event.zone, &event.zone_blob);
    let text = match first.values.first() {
        Some(Value::RecurrenceRule(rule)) => rule.to_string(),
        Some(Value::Text(text)) if !text.trim().is_empty() => text.clone(),
        // "RRULE:" says nothing.
        _ => return Ok(event),
    };
    let Some(rule) = from_rrule(&text, event.start_ms, &zone) else {
        return Err(event);
    };
    // Two rules, or rules of exclusion, are for nobody but the first edition of the standard.
    if rules.next().is_some() || master.first("EXRULE").is_some() {
        return Err(event);
    }
    event.recurrence = Some(rule);
    let mut exceptions: BTreeMap<i64, Exception> = BTreeMap::new();
    for original_ms in excluded(reader, master, &event) {
        let deleted = Exception {
            original_ms,
            deleted: true,
            ..Exception::default()
        };
        exceptions.insert(original_ms, deleted);
    }
    for component in overrides.iter().take(EXCEPTIONS_MAX) {
        if let Some(exception) = exception(reader, component, &event) {
            exceptions.insert(exception.original_ms, exception);
        }
    }
    event.exceptions = exceptions.into_values().take(EXCEPTIONS_MAX).collect();
    Ok(event)
}

/// The starts that `EXDATE` takes out.
fn excluded(reader: &Reader<'_>, master: &ICalendarComponent, event: &Event) -> Vec<i64> {
    let stamps = master.all("EXDATE").flat_map(stamps_of);
    stamps
        .take(EXCEPTIONS_MAX)
        .map(|s| original(reader, &s, event))
        .collect()
}

/// The start that a date of a series means: a date alone has the time of day of the series, and
/// of a series of whole days a midnight (Google writes it in UTC) means the day.
fn original(reader: &Reader<'_>, stamp: &Stamp<'_>, event: &Event) -> i64 {
    let is_day = stamp.is_date || (event.all_day && stamp.wall_ms.rem_euclid(DAY_MS) == 0);
    if !is_day {
        return reader.zones.instant(stamp);
    }
    let zone = Zone::of(&event.zone, &event.zone_blob);
    let time = zone.to_local(event.start_ms).rem_euclid(DAY_MS);
    zone.to_utc(stamp.wall_ms.saturating_add(time))
}

/// What an override says otherwise than the series.
fn exception(
    reader: &Reader<'_>,
    component: &ICalendarComponent,
    series: &Event,
) -> Option<Exception> {
    let original_ms = original(reader, &component.stamp("RECURRENCE-ID")?, series);
    if is_cancelled(reader, component) {
        return Some(Exception {
            original_ms,
            deleted: true,
            ..Exception::default()
        });
    }
    let mut own = event(reader, component).or_else(|| event_without_start(reader, component))?;
    if own.all_day {
        adopt_days(&mut own, series);
    }
    let length = series.end_ms - series.start_ms;
    let moved = own.start_ms != original_ms;
    let resized = own.end_ms - own.start_ms != length;
    fn differs<T: PartialEq>(own: T, series: &T) -> Option<T> {
        (own != *series).then_some(own)
    }
    Some(Exception {
        original_ms,
        deleted: false,
        subject: differs(own.subject, &series.subject),
        location: differs(own.location, &series.location),
        start_ms: (moved || resized).then_some(own.start_ms),
        end_ms: (moved || resized).then_some(own.end_ms),
        all_day: differs(own.all_day, &series.all_day),
        busy: differs(own.busy, &series.busy),
        sensitivity: differs(own.sensitivity, &series.sensitivity),
        reminder_min: differs(own.reminder_min, &series.reminder_min),
        meeting_status: differs(own.meeting_status, &series.meeting_status),
        attendees: differs(own.attendees, &series.attendees),
        categories: differs(own.categories, &series.categories),
        body: differs(own.body, &series.body),
        response: differs(own.response, &series.response),
        appointment_reply_ms: None,
        stamp_ms: differs(own.stamp_ms, &series.stamp_ms),
    })
}

/// Whole days of an override are days of the series' zone: an exception has none of its own.
fn adopt_days(own: &mut Event, series: &Event) {
    let from = Zone::of(&own.zone, &own.zone_blob);
    let to = Zone::of(&series.zone, &series.zone_blob);
    for ms in [&mut own.start_ms, &mut own.end_ms] {
        *ms = to.to_utc(from.to_local(*ms));
    }
}

/// `RDATE`: each further date is an appointment of its own.
fn extra_dates(
    reader: &Reader<'_>,
    master: &ICalendarComponent,
    event: &Event,
    out: &mut Calendar,
) {
    let excluded = excluded(reader, master, event);
    let stamps = master
        .all("RDATE")
        .flat_map(stamps_of)
        .take(SINGLE_INSTANCES_MAX);
    for start_ms in stamps.map(|s| original(reader, &s, event)) {
        // Some programs write the start, or what the rule gives anyway, once more.
        let known = !occurrences(event, start_ms, start_ms.saturating_add(1), 9)
            .iter()
            .all(|o| o.start_ms != start_ms);
        if !known && !excluded.contains(&start_ms) {
            out.found.push(Found::Event(single(event, start_ms)));
        }
    }
}

/// One occurrence of a series as an appointment. Its id names the day, so that it stays apart
/// from its sisters.
fn single(series: &Event, start_ms: i64) -> Event {
    let zone = Zone::of(&series.zone, &series.zone_blob);
    let end_ms = if series.all_day {
        let length = zone.to_local(series.end_ms) - zone.to_local(series.start_ms);
        zone.to_utc(zone.to_local(start_ms).saturating_add(length))
    } else {
        start_ms.saturating_add(series.end_ms - series.start_ms)
    };
    let day = civil(zone.to_local(start_ms)).strftime("%Y%m%dT%H%M%S");
    Event {
        uid: format!("{}-{day}", series.uid),
        start_ms,
        end_ms,
        recurrence: None,
        exceptions: Vec::new(),
        ..series.clone()
    }
}
