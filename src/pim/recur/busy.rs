//! How busy somebody is, from appointments: one state for each slot of a span of time.
//!
//! Deliberately absent: working hours, and whose calendar it is.

use super::occurrences;
use crate::limits::{BUSY_OCCURRENCES_MAX, FREE_BUSY_SLOTS_MAX};
use crate::pim::{Event, RecordRef};

/// How busy somebody is; what is later here wins over what is earlier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Busy {
    /// Free.
    #[default]
    Free,
    /// Perhaps not.
    Tentative,
    /// Not free.
    Busy,
    /// Out of office.
    Away,
}

impl Busy {
    /// Of [`Event::busy`]. Who works elsewhere can be asked for a meeting.
    #[must_use]
    pub fn of(number: u8) -> Self {
        match number {
            1 => Self::Tentative,
            2 => Self::Busy,
            3 => Self::Away,
            _ => Self::Free,
        }
    }
}

/// [`Event::meeting_status`]: cancelled.
const CANCELLED: u8 = 4;
/// [`Event::response`]: declined.
const DECLINED: u8 = 4;

/// How much of the user's time an appointment takes: none once it is cancelled or declined.
fn taken(busy: u8, meeting_status: u8, response: u8) -> Busy {
    if meeting_status & CANCELLED != 0 || response == DECLINED {
        return Busy::Free;
    }
    Busy::of(busy)
}

/// A span of time in slots of the same length.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slots {
    from_ms: i64,
    slot_ms: i64,
    states: Vec<Busy>,
}

impl Slots {
    /// Everything free from `from_ms` to `to_ms` (Unix milliseconds), in slots of `slot_ms`; one that
    /// has begun counts. At most [`FREE_BUSY_SLOTS_MAX`] of them.
    #[must_use]
    pub fn new(from_ms: i64, to_ms: i64, slot_ms: i64) -> Self {
        let slot_ms = slot_ms.max(1);
        let span_ms = to_ms.saturating_sub(from_ms).max(0);
        let begun = span_ms.saturating_add(slot_ms - 1) / slot_ms;
        let count = usize::try_from(begun).unwrap_or(FREE_BUSY_SLOTS_MAX);
        Self {
            from_ms,
            slot_ms,
            states: vec![Busy::Free; count.min(FREE_BUSY_SLOTS_MAX)],
        }
    }

    /// Where they begin, Unix milliseconds.
    #[must_use]
    pub fn from_ms(&self) -> i64 {
        self.from_ms
    }

    /// Where they end, Unix milliseconds, exclusive.
    #[must_use]
    pub fn to_ms(&self) -> i64 {
        let count = i64::try_from(self.states.len()).unwrap_or(i64::MAX);
        self.from_ms
            .saturating_add(count.saturating_mul(self.slot_ms))
    }

    /// The state of each slot.
    #[must_use]
    pub fn states(&self) -> &[Busy] {
        &self.states
    }

    /// Takes every slot that the time from `start_ms` to `end_ms` touches.
    pub fn take(&mut self, start_ms: i64, end_ms: i64, state: Busy) {
        let (start_ms, end_ms) = (start_ms.max(self.from_ms), end_ms.min(self.to_ms()));
        if start_ms >= end_ms || state == Busy::Free {
            return;
        }
        let slot = |ms: i64| usize::try_from((ms - self.from_ms) / self.slot_ms).unwrap_or(0);
        let (first, last) = (slot(start_ms), slot(end_ms - 1));
        for taken in self.states.get_mut(first..=last).unwrap_or_default() {
            *taken = state.max(*taken);
        }
    }

    /// Takes the slots of an appointment, or of the occurrences of a series.
    pub fn add(&mut self, event: &Event) {
        let all = occurrences(event, self.from_ms, self.to_ms(), BUSY_OCCURRENCES_MAX);
        for occurrence in all {
            let exception = occurrence.exception.and_then(|i| event.exceptions.get(i));
            let state = taken(
                exception.and_then(|x| x.busy).unwrap_or(event.busy),
                exception
                    .and_then(|x| x.meeting_status)
                    .unwrap_or(event.meeting_status),
                exception.and_then(|x| x.response).unwrap_or(event.response),
            );
            self.take(occurrence.start_ms, occurrence.end_ms, state);
        }
    }

    /// Takes the slots of a stored appointment, without a copy of it; a series that has to be followed
    /// is handed back, for [`Slots::add`].
    #[must_use]
    pub fn add_stored(&mut self, record: RecordRef<'_>) -> Option<Event> {
        let RecordRef::Event(event) = record else {
            return None;
        };
        let start_ms = event.start_ms.to_native();
        if event.recurrence.is_none() {
            let state = taken(event.busy, event.meeting_status, event.response);
            self.take(start_ms, event.end_ms.to_native(), state);
            return None;
        }
        // An occurrence may have been moved to before the first.
        let begins = start_ms < self.to_ms() || !event.exceptions.is_empty();
        let whole = begins.then(|| record.to_owned().ok()).flatten();
        match whole {
            Some(crate::pim::Record::Event(event)) => Some(event),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pim::tz::{DAY_MS, Zone};
    use crate::pim::{Exception, Record, Recurrence};

    const SLOT_MS: i64 = 30 * 60_000;
    /// Monday, 5 January 2026, midnight UTC.
    const MONDAY_MS: i64 = 1_767_571_200_000;

    fn digits(slots: &Slots) -> String {
        let digit = |busy: &Busy| char::from(b'0' + *busy as u8);
        slots.states().iter().map(digit).collect()
    }

    fn event(from_min: i64, to_min: i64, busy: u8) -> Event {
        Event {
            start_ms: MONDAY_MS + from_min * 60_000,
            end_ms: MONDAY_MS + to_min * 60_000,
            busy,
            ..Event::default()
        }
    }

    fn day(events: &[Event]) -> String {
        let mut slots = Slots::new(MONDAY_MS, MONDAY_MS + 4 * SLOT_MS, SLOT_MS);
        events.iter().for_each(|e| slots.add(e));
        digits(&slots)
    }

    #[test]
    fn every_slot_that_is_touched_is_taken_and_the_strongest_state_wins() {
        assert_eq!(day(&[]), "0000");
        assert_eq!(day(&[event(30, 60, 2)]), "0200");
        assert_eq!(day(&[event(29, 31, 2)]), "2200");
        assert_eq!(day(&[event(60, 60, 2)]), "0000", "it takes no time");
        assert_eq!(day(&[event(-60, 1, 1)]), "1000");
        assert_eq!(day(&[event(119, 600, 3)]), "0003");
        assert_eq!(day(&[event(-60, 0, 3), event(120, 180, 3)]), "0000");
        let both = [event(0, 60, 1), event(30, 90, 3), event(0, 120, 2)];
        assert_eq!(day(&both), "2332");
        for free in [0, 4, 9] {
            assert_eq!(day(&[event(0, 60, free)]), "0000", "{free}");
        }
    }

    #[test]
    fn what_is_cancelled_or_declined_takes_no_time() {
        for status in [5, 7, 13, 15] {
            let cancelled = Event {
                meeting_status: status,
                ..event(0, 60, 2)
            };
            assert_eq!(day(&[cancelled]), "0000", "{status}");
        }
        let answered = |response: u8| Event {
            response,
            meeting_status: 3,
            ..event(0, 60, 2)
        };
        assert_eq!(day(&[answered(4)]), "0000");
        assert_eq!(day(&[answered(3)]), "2200");
    }

    #[test]
    fn a_slot_that_has_begun_counts_and_there_are_not_more_than_fit() {
        let count = |to_ms: i64| Slots::new(0, to_ms, SLOT_MS).states().len();
        assert_eq!([0, 1, SLOT_MS, SLOT_MS + 1].map(count), [0, 1, 1, 2]);
        assert_eq!(count(i64::MAX), FREE_BUSY_SLOTS_MAX);
        assert_eq!(count(i64::MIN), 0);
    }

    #[test]
    fn occurrences_differ_from_their_series() {
        let at = |day: i64| MONDAY_MS + day * DAY_MS;
        let series = Event {
            recurrence: Some(Recurrence {
                interval: 1,
                ..Recurrence::default()
            }),
            exceptions: vec![
                Exception {
                    original_ms: at(1),
                    deleted: true,
                    ..Exception::default()
                },
                Exception {
                    original_ms: at(2),
                    busy: Some(3),
                    ..Exception::default()
                },
                Exception {
                    original_ms: at(3),
                    start_ms: Some(at(3) + 2 * SLOT_MS),
                    end_ms: Some(at(3) + 3 * SLOT_MS),
                    ..Exception::default()
                },
                Exception {
                    original_ms: at(4),
                    meeting_status: Some(7),
                    ..Exception::default()
                },
            ],
            ..event(0, 30, 2)
        };
        let on = |day: i64| {
            let mut slots = Slots::new(at(day), at(day) + 4 * SLOT_MS, SLOT_MS);
            slots.add(&series);
            digits(&slots)
        };
        let days = [-1, 0, 1, 2, 3, 4, 5].map(on);
        assert_eq!(
            days,
            ["0000", "2000", "0000", "3000", "0020", "0000", "2000"]
        );
    }

    /// Minutes of a day that are taken, found out minute by minute from the wall clock of a zone.
    #[test]
    fn nine_o_clock_is_nine_o_clock_in_forty_zones_across_clock_changes() {
        let names = [
            "Europe/Berlin",
            "Europe/London",
            "Europe/Dublin",
            "Europe/Lisbon",
            "Europe/Moscow",
            "Europe/Istanbul",
            "Europe/Athens",
            "Europe/Helsinki",
            "Europe/Chisinau",
            "Atlantic/Azores",
            "Atlantic/Reykjavik",
            "America/New_York",
            "America/Chicago",
            "America/Denver",
            "America/Phoenix",
            "America/Los_Angeles",
            "America/Anchorage",
            "America/St_Johns",
            "America/Halifax",
            "America/Sao_Paulo",
            "America/Santiago",
            "America/Asuncion",
            "America/Caracas",
            "America/Havana",
            "America/Nuuk",
            "Africa/Cairo",
            "Africa/Casablanca",
            "Africa/Johannesburg",
            "Asia/Jerusalem",
            "Asia/Beirut",
            "Asia/Tehran",
            "Asia/Kolkata",
            "Asia/Kathmandu",
            "Asia/Tokyo",
            "Asia/Shanghai",
            "Australia/Sydney",
            "Australia/Adelaide",
            "Australia/Lord_Howe",
            "Pacific/Auckland",
            "Pacific/Chatham",
        ];
        for name in names {
            let zone = Zone::named(name).unwrap();
            // 1 January 2025, nine o'clock there, a daily hour; and whole days, each Sunday.
            let wall_ms = 1_735_689_600_000;
            let daily = Event {
                start_ms: zone.to_utc(wall_ms + 9 * 60 * 60_000),
                end_ms: zone.to_utc(wall_ms + 10 * 60 * 60_000),
                zone: name.into(),
                busy: 2,
                recurrence: Some(Recurrence {
                    interval: 1,
                    ..Recurrence::default()
                }),
                ..Event::default()
            };
            let sunday_ms = wall_ms + 4 * DAY_MS;
            let sundays = Event {
                start_ms: zone.to_utc(sunday_ms),
                end_ms: zone.to_utc(sunday_ms + DAY_MS),
                all_day: true,
                busy: 3,
                recurrence: Some(Recurrence {
                    kind: 1,
                    interval: 1,
                    day_of_week: Some(1),
                    ..Recurrence::default()
                }),
                ..daily.clone()
            };
            // Three years in windows of 42 days.
            for window in 0..26 {
                let from_ms = wall_ms + window * 42 * DAY_MS;
                let mut slots = Slots::new(from_ms, from_ms + 42 * DAY_MS, SLOT_MS);
                slots.add(&daily);
                slots.add(&sundays);
                let mut at_ms = from_ms;
                for state in slots.states() {
                    let minutes = [0, 10, 20].map(|m| zone.to_local(at_ms + m * 60_000));
                    let each = minutes.map(|wall| {
                        let day = wall.div_euclid(DAY_MS);
                        match (day + 4).rem_euclid(7) {
                            0 if wall >= sunday_ms => Busy::Away,
                            _ if wall < wall_ms => Busy::Free,
                            _ if (wall - day * DAY_MS) / 3_600_000 == 9 => Busy::Busy,
                            _ => Busy::Free,
                        }
                    });
                    assert_eq!(Some(state), each.iter().max(), "{name} at {at_ms}");
                    at_ms += SLOT_MS;
                }
            }
        }
    }

    #[test]
    fn a_stored_appointment_counts_as_the_one_in_memory() {
        let series = Event {
            recurrence: Some(Recurrence {
                interval: 2,
                ..Recurrence::default()
            }),
            ..event(-3 * 24 * 60, -3 * 24 * 60 + 45, 2)
        };
        let later = Event {
            start_ms: MONDAY_MS + 9 * DAY_MS,
            end_ms: MONDAY_MS + 9 * DAY_MS + SLOT_MS,
            ..series.clone()
        };
        for one in [event(10, 20, 1), event(10, 20, 0), series, later] {
            let mut expect = Slots::new(MONDAY_MS, MONDAY_MS + 2 * DAY_MS, SLOT_MS);
            let mut slots = expect.clone();
            expect.add(&one);
            let stored = Record::Event(one).to_stored(0).unwrap();
            let (record, _) = RecordRef::read(&stored).unwrap();
            if let Some(series) = slots.add_stored(record) {
                slots.add(&series);
            }
            assert_eq!(slots, expect);
        }
    }
}
