//! The follow-up flag of a mail, 12.0+ ([MS-ASEMAIL] 2.2.2.34).

use crate::eas::classes::value::{self, write_dashed};
use crate::eas::classes::{Error, check_version};
use crate::eas::version::Version;
use crate::pim::message::{ArchivedFlag, Flag};
use crate::wbxml::tags::{email, tasks};
use crate::wbxml::{Reader, Writer};

/// Writes the flag; an empty element says that there is none, which is how one is cleared.
pub(super) fn write(w: &mut Writer, flag: Option<&ArchivedFlag>) {
    let Some(flag) = flag.filter(|f| f.status != 0) else {
        return w.empty(email::FLAG);
    };
    w.open(email::FLAG);
    w.text_if(tasks::SUBJECT, &flag.subject);
    w.num(email::STATUS, flag.status.min(2));
    w.text(
        email::FLAG_TYPE,
        if flag.kind.is_empty() {
            "Flag for follow up"
        } else {
            &flag.kind
        },
    );
    write_dashed(w, tasks::DATE_COMPLETED, value::ms(&flag.completed_ms));
    write_dashed(w, email::COMPLETE_TIME, value::ms(&flag.complete_time_ms));
    write_dashed(w, tasks::START_DATE, value::ms(&flag.start_ms));
    write_dashed(w, tasks::DUE_DATE, value::ms(&flag.due_ms));
    write_dashed(w, tasks::UTC_START_DATE, value::ms(&flag.utc_start_ms));
    write_dashed(w, tasks::UTC_DUE_DATE, value::ms(&flag.utc_due_ms));
    w.flag(tasks::REMINDER_SET, flag.reminder_set);
    write_dashed(w, tasks::REMINDER_TIME, value::ms(&flag.reminder_ms));
    write_dashed(w, tasks::ORDINAL_DATE, value::ms(&flag.ordinal_ms));
    w.text_if(tasks::SUB_ORDINAL_DATE, &flag.sub_ordinal);
    w.close();
}

/// Reads `Flag`, just named. None: the flag is cleared.
pub(super) fn read(
    r: &mut Reader<'_>,
    version: Version,
    now_ms: i64,
) -> Result<Option<Flag>, Error> {
    let mut flag = Flag::default();
    while let Some(tag) = r.child()? {
        check_version(tag, version)?;
        match tag {
            email::STATUS => flag.status = value::within(r, tag, 0..=2)?.unwrap_or(0),
            email::FLAG_TYPE => flag.kind = value::text(r)?,
            tasks::SUBJECT => flag.subject = value::text(r)?,
            tasks::START_DATE => flag.start_ms = value::time(r, tag)?,
            tasks::UTC_START_DATE => flag.utc_start_ms = value::time(r, tag)?,
            tasks::DUE_DATE => flag.due_ms = value::time(r, tag)?,
            tasks::UTC_DUE_DATE => flag.utc_due_ms = value::time(r, tag)?,
            tasks::DATE_COMPLETED => flag.completed_ms = value::time(r, tag)?,
            email::COMPLETE_TIME => flag.complete_time_ms = value::time(r, tag)?,
            tasks::REMINDER_SET => flag.reminder_set = value::flag(r, tag)?.unwrap_or(false),
            tasks::REMINDER_TIME => flag.reminder_ms = value::time(r, tag)?,
            tasks::ORDINAL_DATE => flag.ordinal_ms = value::time(r, tag)?,
            tasks::SUB_ORDINAL_DATE => flag.sub_ordinal = value::text(r)?,
            _ => r.skip()?,
        }
    }
    if flag.status == 0 {
        return Ok(None);
    }
    if flag.status == 1 {
        // Both are required of a completed flag, and some clients send only one.
        let at = flag
            .complete_time_ms
            .or(flag.completed_ms)
            .unwrap_or(now_ms);
        flag.completed_ms.get_or_insert(at);
        flag.complete_time_ms.get_or_insert(at);
    }
    Ok(Some(flag))
}
