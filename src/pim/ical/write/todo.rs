//! Tasks and notes.

use super::super::super::lines::Lines;
use super::super::super::note::Note;
use super::super::super::recur::to_rrule;
use super::super::super::task::Task;
use super::super::super::tz::{DAY_MS, Zone};
use super::{alarm, begin, body, categories, class, date, end, time, utc};

/// A task as a calendar. Its dates are wall time and stay it: they are written without a zone.
#[must_use]
pub fn task_to_ics(task: &Task) -> String {
    let mut out = begin("");
    out.raw("BEGIN", "VTODO");
    out.text("UID", &task.uid);
    out.raw("DTSTAMP", &utc(task.created_ms));
    // Start and due date have to be of one kind (RFC 5545 3.8.2.3).
    let dates = [task.start_ms, task.due_ms];
    let days = dates.iter().flatten().all(|ms| ms.rem_euclid(DAY_MS) == 0);
    for (name, ms) in [("DTSTART", task.start_ms), ("DUE", task.due_ms)] {
        match ms {
            Some(ms) if days => out.raw(&format!("{name};VALUE=DATE"), &date(ms)),
            Some(ms) => out.raw(name, &time(ms)),
            None => {}
        }
    }
    let rule = task.recurrence.as_ref();
    if let Some(text) = rule.and_then(|r| to_rrule(&r.rule, days, &Zone::utc())) {
        // What has no zone ends without one.
        out.raw("RRULE", text.trim_end_matches('Z'));
    }
    out.text("SUMMARY", &task.subject);
    body(&mut out, &task.body);
    categories(&mut out, &task.categories);
    class(&mut out, task.sensitivity);
    match task.importance {
        0 => out.raw("PRIORITY", "9"),
        2 => out.raw("PRIORITY", "1"),
        _ => {}
    }
    if task.complete {
        out.raw("STATUS", "COMPLETED");
        out.raw("PERCENT-COMPLETE", "100");
        if let Some(ms) = task.completed_ms {
            out.raw("COMPLETED", &utc(ms));
        }
    } else {
        out.raw("STATUS", "NEEDS-ACTION");
    }
    reminder(&mut out, task);
    out.raw("END", "VTODO");
    end(out)
}

fn reminder(out: &mut Lines, task: &Task) {
    let Some(at) = task.reminder_ms.filter(|_| task.reminder_set) else {
        return;
    };
    let ahead = |from: i64| {
        let seconds = at.saturating_sub(from) / 1000;
        let sign = if seconds < 0 { "-" } else { "" };
        format!("{sign}PT{}S", seconds.unsigned_abs())
    };
    match (task.start_ms, task.due_ms) {
        (Some(start), _) => alarm(out, "TRIGGER", &ahead(start)),
        (None, Some(due)) => alarm(out, "TRIGGER;RELATED=END", &ahead(due)),
        // Wall time like the rest: in UTC, as RFC 5545 3.8.6.3 has it, it would be another time for whoever
        // reads it, since its zone is not known here.
        (None, None) => alarm(out, "TRIGGER;VALUE=DATE-TIME", &time(at)),
    }
}

/// A note as a calendar (`VJOURNAL`). Its id is when it was made and what it is called.
#[must_use]
pub fn note_to_ics(note: &Note) -> String {
    let mut out = begin("");
    out.raw("BEGIN", "VJOURNAL");
    let name: String = note
        .subject
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .collect();
    out.raw("UID", &format!("note-{:x}-{name}", note.created_ms));
    out.raw("DTSTAMP", &utc(note.modified_ms));
    out.raw("LAST-MODIFIED", &utc(note.modified_ms));
    out.text("SUMMARY", &note.subject);
    body(&mut out, &note.body);
    categories(&mut out, &note.categories);
    out.raw("END", "VJOURNAL");
    end(out)
}
