//! The rule of a series, which appointments, invitations and tasks write with tags of their own
//! ([MS-ASCAL] 2.2.2.37, [MS-ASEMAIL] 2.2.2.60, [MS-ASTASK] 2.2.2.18).

use super::value::{number, within};
use super::{Error, check_version, date, value};
use crate::eas::version::Version;
use crate::pim::Recurrence;
use crate::pim::event::ArchivedRecurrence;
use crate::wbxml::tags::{calendar, email, email2, tasks};
use crate::wbxml::{Reader, Tag, Writer};

/// The tags of one class.
pub(super) struct Tags {
    pub(super) container: Tag,
    kind: Tag,
    interval: Tag,
    until: Tag,
    occurrences: Tag,
    week_of_month: Tag,
    day_of_month: Tag,
    day_of_week: Tag,
    month_of_year: Tag,
    calendar_type: Tag,
    is_leap_month: Tag,
    first_day_of_week: Tag,
    /// The most occurrences that its schema has room for.
    occurrences_max: u32,
}

pub(super) const CALENDAR: Tags = Tags {
    container: calendar::RECURRENCE,
    kind: calendar::TYPE,
    interval: calendar::INTERVAL,
    until: calendar::UNTIL,
    occurrences: calendar::OCCURRENCES,
    week_of_month: calendar::WEEK_OF_MONTH,
    day_of_month: calendar::DAY_OF_MONTH,
    day_of_week: calendar::DAY_OF_WEEK,
    month_of_year: calendar::MONTH_OF_YEAR,
    calendar_type: calendar::CALENDAR_TYPE,
    is_leap_month: calendar::IS_LEAP_MONTH,
    first_day_of_week: calendar::FIRST_DAY_OF_WEEK,
    occurrences_max: 0xFFFF,
};

const EMAIL: Tags = Tags {
    container: email::RECURRENCE,
    kind: email::TYPE,
    interval: email::INTERVAL,
    until: email::UNTIL,
    occurrences: email::OCCURRENCES,
    week_of_month: email::WEEK_OF_MONTH,
    day_of_month: email::DAY_OF_MONTH,
    day_of_week: email::DAY_OF_WEEK,
    month_of_year: email::MONTH_OF_YEAR,
    calendar_type: email2::CALENDAR_TYPE,
    is_leap_month: email2::IS_LEAP_MONTH,
    first_day_of_week: email2::FIRST_DAY_OF_WEEK,
    occurrences_max: 0xFFFF,
};

pub(super) const TASKS: Tags = Tags {
    container: tasks::RECURRENCE,
    kind: tasks::TYPE,
    interval: tasks::INTERVAL,
    until: tasks::UNTIL,
    occurrences: tasks::OCCURRENCES,
    week_of_month: tasks::WEEK_OF_MONTH,
    day_of_month: tasks::DAY_OF_MONTH,
    day_of_week: tasks::DAY_OF_WEEK,
    month_of_year: tasks::MONTH_OF_YEAR,
    calendar_type: tasks::CALENDAR_TYPE,
    is_leap_month: tasks::IS_LEAP_MONTH,
    first_day_of_week: tasks::FIRST_DAY_OF_WEEK,
    occurrences_max: 0xFF,
};

/// The rule as it was before it was archived.
pub(super) fn owned(rule: &ArchivedRecurrence) -> Recurrence {
    // A checked archive of plain numbers always comes back.
    rkyv::deserialize::<Recurrence, rkyv::rancor::Error>(rule).unwrap_or_default()
}

/// Writes the rule of an invitation.
pub(super) fn write_of_mail(w: &mut Writer, rule: &Recurrence, version: Version) {
    w.open(EMAIL.container);
    write(
        w,
        &EMAIL,
        rule,
        version,
        rule.until_ms.map(date::compact).as_deref(),
    );
    w.close();
}

/// Writes the children of a rule, those that its kind has, in the order of the strictest schema.
pub(super) fn write(
    w: &mut Writer,
    tags: &Tags,
    rule: &Recurrence,
    version: Version,
    until: Option<&str>,
) {
    w.num(tags.kind, rule.kind);
    w.num(tags.interval, rule.interval.clamp(1, 999));
    match (until, rule.occurrences) {
        (Some(until), _) => w.text(tags.until, until),
        (None, Some(n)) => w.num(tags.occurrences, n.clamp(1, tags.occurrences_max)),
        (None, None) => {}
    }
    let mut optional = |tag: Tag, n: Option<u8>, kinds: &[u8]| {
        if let Some(n) = n
            && version.has(tag)
            && kinds.contains(&rule.kind)
        {
            w.num(tag, n);
        }
    };
    optional(tags.week_of_month, rule.week_of_month, &[3, 6]);
    optional(tags.day_of_month, rule.day_of_month, &[2, 5]);
    optional(tags.day_of_week, rule.day_of_week, &[0, 1, 3, 6]);
    optional(tags.month_of_year, rule.month_of_year, &[5, 6]);
    optional(tags.calendar_type, Some(rule.calendar_type), &[2, 3, 5, 6]);
    optional(tags.is_leap_month, rule.leap_month.then_some(1), &[5, 6]);
    optional(
        tags.first_day_of_week,
        rule.first_day_of_week,
        &[0, 1, 3, 6],
    );
}

/// Reads a rule, just named; `other` is offered what is no part of the rule itself. None for an
/// empty element.
pub(super) fn read(
    r: &mut Reader<'_>,
    tags: &Tags,
    version: Version,
    mut other: impl FnMut(&mut Reader<'_>, Tag) -> Result<(), Error>,
) -> Result<Option<Recurrence>, Error> {
    let mut rule = Recurrence {
        interval: 1,
        ..Recurrence::default()
    };
    let mut kind = None;
    let mut empty = true;
    while let Some(tag) = r.child()? {
        check_version(tag, version)?;
        empty = false;
        match tag {
            t if t == tags.kind => kind = within(r, tag, 0..=6)?,
            t if t == tags.interval => rule.interval = within(r, tag, 0..=999)?.unwrap_or(1).max(1),
            t if t == tags.until => rule.until_ms = value::time(r, tag)?,
            t if t == tags.occurrences => rule.occurrences = number(r, tag)?.filter(|n| *n > 0),
            t if t == tags.week_of_month => rule.week_of_month = within(r, tag, 1..=5)?,
            t if t == tags.day_of_month => rule.day_of_month = within(r, tag, 1..=31)?,
            t if t == tags.day_of_week => rule.day_of_week = within(r, tag, 1..=127)?,
            t if t == tags.month_of_year => rule.month_of_year = within(r, tag, 1..=12)?,
            t if t == tags.calendar_type => {
                rule.calendar_type = within(r, tag, 0..=23)?.unwrap_or(0);
            }
            t if t == tags.is_leap_month => rule.leap_month = value::flag(r, tag)?.unwrap_or(false),
            t if t == tags.first_day_of_week => rule.first_day_of_week = within(r, tag, 0..=6)?,
            _ => other(r, tag)?,
        }
    }
    if empty {
        return Ok(None);
    }
    rule.kind = kind.filter(|k| *k != 4).ok_or(Error::Value(tags.kind))?;
    if rule.until_ms.is_some() {
        rule.occurrences = None;
    }
    Ok(Some(rule))
}

/// Keeps of the rule that there was what the version has no word for, as long as the rule is of the
/// same kind.
pub(super) fn keep(
    rule: &mut Recurrence,
    before: Option<&Recurrence>,
    tags: &Tags,
    version: Version,
) {
    let Some(before) = before.filter(|b| b.kind == rule.kind) else {
        return;
    };
    if !version.has(tags.calendar_type) {
        rule.calendar_type = before.calendar_type;
    }
    if !version.has(tags.is_leap_month) {
        rule.leap_month = before.leap_month;
    }
    if !version.has(tags.first_day_of_week) {
        rule.first_day_of_week = before.first_day_of_week;
    }
}

/// Fills in what a rule needs and a client left out, from the wall time of the first start
/// ([MS-ASCAL] 2.2.2.37.1 names it required, several clients do not send it).
pub(super) fn complete(rule: &mut Recurrence, wall_ms: i64) {
    let first = crate::pim::tz::civil(wall_ms);
    let month = first.month().cast_unsigned();
    let weekday = 1u8 << first.weekday().to_sunday_zero_offset().clamp(0, 6);
    let day = first.day().cast_unsigned();
    match rule.kind {
        1 => rule.day_of_week = rule.day_of_week.or(Some(weekday)),
        2 | 5 => rule.day_of_month = rule.day_of_month.or(Some(day)),
        3 | 6 => {
            rule.day_of_week = rule.day_of_week.or(Some(weekday));
            rule.week_of_month = rule.week_of_month.or_else(|| Some(day.div_ceil(7)));
        }
        _ => {}
    }
    if rule.kind >= 5 {
        rule.month_of_year = rule.month_of_year.or(Some(month));
    }
}
