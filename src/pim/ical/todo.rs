//! `VTODO` as a [`Task`].

use super::super::event::Recurrence;
use super::super::recur::from_rrule;
use super::super::task::{Task, TaskRecurrence};
use super::super::tz::Zone;
use super::event::{body, line, sensitivity};
use super::props::{Props, Stamp};
use super::{Reader, alarm};
use calcard::icalendar::{ICalendarComponent, ICalendarValue as Value};

/// Reads a task. All of it may be missing.
pub(super) fn task(reader: &Reader<'_>, component: &ICalendarComponent) -> Task {
    let instant = |s: &Stamp<'_>| reader.zones.instant(s);
    let start = component.stamp("DTSTART");
    let due = component.stamp("DUE");
    let status = component
        .text("STATUS")
        .unwrap_or_default()
        .to_ascii_uppercase();
    let completed = component.stamp("COMPLETED");
    let complete = status == "COMPLETED"
        || (status.is_empty()
            && (completed.is_some() || component.number("PERCENT-COMPLETE") == Some(100)));
    let mut task = Task {
        subject: line(component, "SUMMARY"),
        importance: importance(component.number("PRIORITY")),
        complete,
        completed_ms: completed.as_ref().map(instant).filter(|_| complete),
        start_ms: start.as_ref().map(|s| wall(reader, s)),
        utc_start_ms: start.as_ref().map(instant),
        due_ms: due.as_ref().map(|s| wall(reader, s)),
        utc_due_ms: due.as_ref().map(instant),
        sensitivity: sensitivity(component),
        categories: component.categories(),
        body: body(component),
        uid: component.text("UID").unwrap_or_default(),
        created_ms: reader.defaults.now_ms,
        ..Task::default()
    };
    task.recurrence = recurrence(component, &task);
    task.reminder_ms = reminder(reader, component, &task);
    task.reminder_set = task.reminder_ms.is_some();
    task
}

/// RFC 5545 3.8.1.9: 1 to 4 high, 6 to 9 low.
fn importance(priority: Option<i64>) -> u8 {
    match priority {
        Some(1..=4) => 2,
        Some(6..=9) => 0,
        _ => 1,
    }
}

/// The wall time where it was written; of an instant, that of the reader's zone.
fn wall(reader: &Reader<'_>, stamp: &Stamp<'_>) -> i64 {
    match stamp.offset_s {
        Some(_) if !stamp.is_date => {
            let zone = &reader.zones.default().zone;
            zone.to_local(reader.zones.instant(stamp))
        }
        _ => stamp.wall_ms,
    }
}

/// A rule of tasks steps from the start, or else from when it is due, in wall time. What the
/// protocol cannot say is left out: the task stands for its first occurrence.
fn recurrence(component: &ICalendarComponent, task: &Task) -> Option<TaskRecurrence> {
    let text = match component.first("RRULE")?.values.first()? {
        Value::RecurrenceRule(rule) => rule.to_string(),
        _ => return None,
    };
    let start_ms = task.start_ms.or(task.due_ms)?;
    let rule: Recurrence = from_rrule(&text, start_ms, &Zone::utc())?;
    Some(TaskRecurrence {
        rule,
        start_ms,
        ..TaskRecurrence::default()
    })
}

fn reminder(reader: &Reader<'_>, component: &ICalendarComponent, task: &Task) -> Option<i64> {
    let start = task.start_ms.or(task.due_ms);
    let end = task.due_ms.or(task.start_ms);
    match alarm::first(reader, component)? {
        alarm::Trigger::Start(ahead) => Some(start?.saturating_add(ahead)),
        alarm::Trigger::End(ahead) => Some(end?.saturating_add(ahead)),
        alarm::Trigger::At(at) => Some(reader.zones.default().zone.to_local(at)),
    }
}
