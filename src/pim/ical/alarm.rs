//! `VALARM`: when a reminder rings.

use super::Reader;
use super::props::{Props, duration_ms, param, stamps_of};
use calcard::icalendar::{
    ICalendarComponent, ICalendarComponentType as Kind, ICalendarParameterName as Param,
};

/// 1976-04-01T00:55:45Z: where Apple's calendar lets an alarm ring that its user has switched off.
const APPLE_NEVER_MS: i64 = 197_168_145_000;

/// What an alarm's trigger is relative to.
pub(super) enum Trigger {
    /// So many milliseconds from the start.
    Start(i64),
    /// So many milliseconds from the end.
    End(i64),
    /// An instant.
    At(i64),
}

/// The first alarm that shows or sounds; mails and programs are not for a phone.
pub(super) fn first(reader: &Reader<'_>, component: &ICalendarComponent) -> Option<Trigger> {
    let mut alarms = reader
        .children(component)
        .filter(|c| c.component_type == Kind::VAlarm);
    alarms.find_map(|alarm| {
        let action = alarm
            .text("ACTION")
            .unwrap_or_default()
            .to_ascii_uppercase();
        if matches!(action.as_str(), "EMAIL" | "PROCEDURE" | "NONE") {
            return None;
        }
        let trigger = alarm.first("TRIGGER")?;
        if let Some(stamp) = stamps_of(trigger).next() {
            let at = reader.zones.instant(&stamp);
            return (at != APPLE_NEVER_MS).then_some(Trigger::At(at));
        }
        let ahead = duration_ms(trigger.values.first()?)?;
        let end = param(trigger, &Param::Related).is_some_and(|v| v.eq_ignore_ascii_case("END"));
        Some(if end {
            Trigger::End(ahead)
        } else {
            Trigger::Start(ahead)
        })
    })
}

/// Minutes before the start; an alarm after it counts as at the start.
pub(super) fn minutes(trigger: &Trigger, start_ms: i64, end_ms: i64) -> u32 {
    let at = match trigger {
        Trigger::Start(ahead) => start_ms.saturating_add(*ahead),
        Trigger::End(ahead) => end_ms.saturating_add(*ahead),
        Trigger::At(at) => *at,
    };
    let minutes = start_ms.saturating_sub(at).max(0) / 60_000;
    u32::try_from(minutes).unwrap_or(u32::MAX)
}
