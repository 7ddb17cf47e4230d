//! Tasks ([MS-ASTASK]). Dates come in pairs, wall time and instant, and both are kept: a client
//! computes its zone from the difference.

use super::body::{self, OldTags};
use super::value::{self, write_dashed, write_known, write_strings};
use super::{Context, Decoded, Error, Slot, Source, check_version, date, recurrence};
use crate::eas::version::Version;
use crate::pim::task::{ArchivedTask, ArchivedTaskRecurrence, TaskRecurrence};
use crate::pim::{Record, Task};
use crate::wbxml::tags::{airsyncbase, tasks};
use crate::wbxml::{Reader, Tag, Writer};

const OLD_BODY: OldTags = OldTags {
    body: tasks::BODY,
    size: Some(tasks::BODY_SIZE),
    truncated: tasks::BODY_TRUNCATED,
    rtf: Some(tasks::COMPRESSED_RTF),
};

/// Writes the properties of a task.
pub(super) fn encode(w: &mut Writer, t: &ArchivedTask, ctx: &Context<'_>) {
    w.text(tasks::SUBJECT, &t.subject);
    // Always: Android 2.2 takes a missing one for low.
    w.num(tasks::IMPORTANCE, t.importance.min(2));
    w.flag(tasks::COMPLETE, t.complete);
    if t.complete {
        write_dashed(w, tasks::DATE_COMPLETED, value::ms(&t.completed_ms));
    }
    write_dashed(w, tasks::START_DATE, value::ms(&t.start_ms));
    write_dashed(w, tasks::UTC_START_DATE, value::ms(&t.utc_start_ms));
    write_dashed(w, tasks::DUE_DATE, value::ms(&t.due_ms));
    write_dashed(w, tasks::UTC_DUE_DATE, value::ms(&t.utc_due_ms));
    w.num(tasks::SENSITIVITY, t.sensitivity.min(3));
    let rings = value::ms(&t.reminder_ms).filter(|_| t.reminder_set);
    w.flag(tasks::REMINDER_SET, rings.is_some());
    write_dashed(w, tasks::REMINDER_TIME, rings);
    write_strings(w, tasks::CATEGORIES, tasks::CATEGORY, &t.categories);
    if let Some(series) = t.recurrence.as_ref() {
        write_series(w, series, ctx.version);
    }
    if ctx.version >= Version::V12_0 {
        write_dashed(w, tasks::ORDINAL_DATE, value::ms(&t.ordinal_ms));
    }
    write_known(w, ctx, tasks::SUB_ORDINAL_DATE, &t.sub_ordinal);
    body::write(w, ctx, &t.body, Some(OLD_BODY));
}

fn write_series(w: &mut Writer, series: &ArchivedTaskRecurrence, version: Version) {
    let rule = recurrence::owned(&series.rule);
    w.open(recurrence::TASKS.container);
    let until = rule.until_ms.map(date::dashed);
    recurrence::write(w, &recurrence::TASKS, &rule, version, until.as_deref());
    w.text(tasks::START, &date::dashed(series.start_ms.to_native()));
    w.flag(tasks::REGENERATE, series.regenerate);
    w.flag(tasks::DEAD_OCCUR, series.dead_occur);
    w.close();
}

/// Reads `ApplicationData`, just named. What is left out is deleted (tasks have no ghosts), save
/// the text ([MS-ASCMD] 2.2.3.24) and the subject, which nobody takes away on purpose.
pub(super) fn decode(
    r: &mut Reader<'_>,
    existing: Option<Task>,
    source: &Source<'_>,
) -> Result<Decoded, Error> {
    let existing = existing.unwrap_or_else(|| Task {
        created_ms: source.now_ms,
        ..Task::default()
    });
    let mut t = Task {
        subject: existing.subject,
        importance: 1,
        body: existing.body,
        uid: existing.uid,
        created_ms: existing.created_ms,
        ..Task::default()
    };
    // 2.5 cannot say these.
    if source.version == Version::V2_5 {
        t.ordinal_ms = existing.ordinal_ms;
        t.sub_ordinal = existing.sub_ordinal;
    }
    let mut uploads = Vec::new();
    while let Some(tag) = r.child()? {
        check_version(tag, source.version)?;
        element(&mut t, r, tag, source.version, &mut uploads)?;
    }
    if t.complete {
        t.completed_ms = t
            .completed_ms
            .or(existing.completed_ms)
            .or(Some(source.now_ms));
    } else {
        t.completed_ms = None;
    }
    if let Some(series) = &mut t.recurrence {
        if series.start_ms == 0 {
            series.start_ms = t.start_ms.or(t.due_ms).unwrap_or(source.now_ms);
        }
        let before = existing.recurrence.as_ref().map(|old| &old.rule);
        recurrence::keep(&mut series.rule, before, &recurrence::TASKS, source.version);
        recurrence::complete(&mut series.rule, series.start_ms);
    }
    Ok(Decoded {
        uploads,
        ..Decoded::of(Record::Task(t))
    })
}

fn element(
    t: &mut Task,
    r: &mut Reader<'_>,
    tag: Tag,
    version: Version,
    uploads: &mut Vec<(Slot, Vec<u8>)>,
) -> Result<(), Error> {
    match tag {
        tasks::SUBJECT => t.subject = value::text(r)?,
        tasks::IMPORTANCE => t.importance = value::within(r, tag, 0..=2)?.unwrap_or(1),
        tasks::COMPLETE => t.complete = value::flag(r, tag)?.unwrap_or(false),
        tasks::DATE_COMPLETED => t.completed_ms = value::time(r, tag)?,
        tasks::START_DATE => t.start_ms = value::time(r, tag)?,
        tasks::UTC_START_DATE => t.utc_start_ms = value::time(r, tag)?,
        tasks::DUE_DATE => t.due_ms = value::time(r, tag)?,
        tasks::UTC_DUE_DATE => t.utc_due_ms = value::time(r, tag)?,
        tasks::SENSITIVITY => t.sensitivity = value::within(r, tag, 0..=3)?.unwrap_or(0),
        tasks::REMINDER_SET => t.reminder_set = value::flag(r, tag)?.unwrap_or(false),
        tasks::REMINDER_TIME => t.reminder_ms = value::time(r, tag)?,
        tasks::CATEGORIES => t.categories = value::strings(r, tag, tasks::CATEGORY)?,
        tasks::ORDINAL_DATE => t.ordinal_ms = value::time(r, tag)?,
        tasks::SUB_ORDINAL_DATE => t.sub_ordinal = value::text(r)?,
        tasks::RECURRENCE => t.recurrence = read_series(r, version)?,
        airsyncbase::BODY => {
            if let Some(new) = body::read(r, version)? {
                body::set(&mut t.body, new, uploads);
            }
        }
        tasks::COMPRESSED_RTF => {
            if let Some(new) = body::read_rtf(r)? {
                body::set(&mut t.body, new, uploads);
            }
        }
        tasks::BODY => {
            let text = value::text(r)?;
            body::set(
                &mut t.body,
                body::NewBody {
                    text,
                    ..Default::default()
                },
                uploads,
            );
        }
        _ => r.skip()?,
    }
    Ok(())
}

fn read_series(r: &mut Reader<'_>, version: Version) -> Result<Option<TaskRecurrence>, Error> {
    let mut series = TaskRecurrence::default();
    let rule = recurrence::read(r, &recurrence::TASKS, version, |r, tag| {
        match tag {
            tasks::START => series.start_ms = value::time(r, tag)?.unwrap_or(0),
            tasks::REGENERATE => series.regenerate = value::flag(r, tag)?.unwrap_or(false),
            tasks::DEAD_OCCUR => series.dead_occur = value::flag(r, tag)?.unwrap_or(false),
            _ => r.skip()?,
        }
        Ok(())
    })?;
    Ok(rule.map(|rule| TaskRecurrence { rule, ..series }))
}
