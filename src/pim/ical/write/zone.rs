//! `VTIMEZONE`, and times that refer to it.

use super::super::super::lines::Lines;
use super::super::super::tz::{self, Rule, Tzi, Zone, civil};
use super::time;

/// The zone that an event's times are written in.
pub(super) struct Written {
    /// To compute with.
    pub(super) zone: Zone,
    /// `TZID`; "" for UTC.
    tzid: String,
    rules: Tzi,
}

impl Written {
    /// The zone of an event; its rules are those of the year of `start_ms`.
    pub(super) fn of(name: &str, blob: &[u8], start_ms: i64) -> Self {
        let zone = Zone::of(name, blob);
        let id = zone.id().to_owned();
        let (tzid, rules) = match &zone {
            Zone::Named(_) if id == "UTC" => (String::new(), Tzi::default()),
            Zone::Named(named) => (id, Tzi::of_zone(named, civil(start_ms).year())),
            Zone::Rules(tzi) if tzi.same_rules(&Tzi::default()) => (String::new(), tzi.clone()),
            Zone::Rules(tzi) => ("Customized Time Zone".to_owned(), tzi.clone()),
        };
        Self { zone, tzid, rules }
    }

    /// Its definition, unless it is UTC.
    pub(super) fn define(&self, out: &mut Lines) {
        if self.tzid.is_empty() {
            return;
        }
        let (std, dst) = (self.rules.std_offset_s(), self.rules.dst_offset_s());
        out.raw("BEGIN", "VTIMEZONE");
        out.raw("TZID", &self.tzid);
        if self.rules.has_dst() {
            let rules = &self.rules;
            period(out, "STANDARD", &rules.std_name, &rules.std, (dst, std));
            period(out, "DAYLIGHT", &rules.dst_name, &rules.dst, (std, dst));
        } else {
            period(
                out,
                "STANDARD",
                &self.rules.std_name,
                &Rule::default(),
                (std, std),
            );
        }
        out.raw("END", "VTIMEZONE");
    }

    /// A line with an instant in this zone.
    pub(super) fn stamp(&self, out: &mut Lines, name: &str, ms: i64) {
        let wall = time(self.zone.to_local(ms));
        if self.tzid.is_empty() {
            out.raw(name, &format!("{wall}Z"));
        } else {
            let tzid = super::super::super::lines::parameter(&self.tzid);
            out.raw(&format!("{name};TZID={tzid}"), &wall);
        }
    }
}

/// One part of the year; the clocks change from one offset (seconds east) to the other.
fn period(out: &mut Lines, kind: &str, name: &str, rule: &Rule, (from_s, to_s): (i64, i64)) {
    const FIRST_YEAR: i16 = 1970;
    let year = i16::try_from(rule.year)
        .ok()
        .filter(|y| *y != 0)
        .unwrap_or(FIRST_YEAR);
    let first = rule.wall_in(year).map_or(0, tz::wall_of);
    out.raw("BEGIN", kind);
    out.raw("DTSTART", &time(first));
    out.raw("TZOFFSETFROM", &offset(from_s));
    out.raw("TZOFFSETTO", &offset(to_s));
    out.text("TZNAME", name);
    if rule.month != 0 && rule.year == 0 {
        const DAYS: [&str; 7] = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];
        let day = DAYS.get(usize::from(rule.weekday)).unwrap_or(&"SU");
        let nth = if rule.day == 5 {
            "-1".to_owned()
        } else {
            rule.day.to_string()
        };
        out.raw(
            "RRULE",
            &format!("FREQ=YEARLY;BYMONTH={};BYDAY={nth}{day}", rule.month),
        );
    }
    out.raw("END", kind);
}

/// `+0100`.
fn offset(seconds: i64) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
}
