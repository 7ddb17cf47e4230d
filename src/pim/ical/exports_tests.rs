//! What Google, Apple, Outlook and Exchange export comes in, and goes out again with its
//! recurrence, alarms and attendees. The samples are those that come with the `calcard` package.
//!
//! What was lost is found by others than the code under test: attendees and alarms are read off the
//! lines of the file, and series are followed by that package.

use super::*;
use crate::pim::Recurrence;
use crate::pim::tz::DAY_MS;
use calcard::common::timezone::Tz;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::str::FromStr;

/// Who exported, as `PRODID` has it.
const ORIGINS: [&str; 5] = ["google", "apple", "outlook", "exchange", "microsoft"];
/// What is known of single files, by a word of it, and why.
const KNOWN: &[(&str, &str, &str)] = &[
    (
        "019.ics",
        "occurrences",
        "the other reader takes a UTC start for one of the file's zone",
    ),
    (
        "197.ics",
        "occurrences",
        "an occurrence that is left out and one of its own at once",
    ),
    (
        "495.ics",
        "occurrences",
        "a rule of six weekdays that nobody can follow: its first",
    ),
    (
        "500.ics",
        "occurrences",
        "a rule of the Hebrew calendar: its first",
    ),
    (
        "856.ics",
        "occurrences",
        "an occurrence without its series is an appointment",
    ),
    (
        "985.ics",
        "f81b0b41a2e138ae0903daee0a966e1e: lost",
        "begins on the 32nd of October",
    ),
];
/// Occurrences that are compared in a file.
const OCCURRENCES_MAX: usize = 3_000;
/// Files that are too large for a test: their kinds are in others.
const FILE_BYTES_MAX: usize = 200_000;

/// What a tool says.
fn told(mut tool: Command) -> Vec<u8> {
    let told = tool.output().unwrap();
    let complaint = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{tool:?}: {complaint}");
    told.stdout
}

/// The folder of samples, wherever packages are kept.
fn samples() -> PathBuf {
    let mut rustc = Command::new("rustc");
    rustc.arg("-vV");
    let version = String::from_utf8(told(rustc)).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["metadata", "--format-version", "1", "--offline", "--locked"]);
    // Packages for other systems are not there where only this one was ever built for.
    cargo.args(["--filter-platform", host.unwrap()]);
    let told: serde_json::Value = serde_json::from_slice(&told(cargo)).unwrap();
    let packages = told["packages"].as_array().unwrap();
    let calcard = packages.iter().find(|p| p["name"] == "calcard").unwrap();
    let manifest = PathBuf::from(calcard["manifest_path"].as_str().unwrap());
    manifest.parent().unwrap().join("resources/ical")
}

/// The exports among them: name and text, those of each origin.
fn exports() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(samples()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|e| e != "ics") {
            continue;
        }
        let text = text_of(&std::fs::read(&path).unwrap()).into_owned();
        let made_by = text
            .lines()
            .find(|line| line.to_ascii_uppercase().starts_with("PRODID"));
        let made_by = made_by.unwrap_or_default().to_ascii_lowercase();
        if ORIGINS.iter().any(|o| made_by.contains(o)) && text.len() < FILE_BYTES_MAX {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            found.push((name, text));
        }
    }
    found.sort();
    found
}

fn reading(zone: &str, now_ms: i64) -> Defaults<'_> {
    Defaults {
        zone,
        now_ms,
        addresses: &[],
    }
}

/// Around when the file's appointments are: a series that is taken apart is so around now.
fn now_of(text: &str) -> i64 {
    let far = reading("", 0);
    let calendar = parse(text.as_bytes(), &far).unwrap();
    let starts = calendar.found.iter().filter_map(|found| match found {
        Found::Event(event) => Some(event.start_ms),
        _ => None,
    });
    starts.max().unwrap_or(0)
}

fn events(text: &str, zone: &str, now_ms: i64) -> Vec<Event> {
    let calendar = parse(text.as_bytes(), &reading(zone, now_ms)).unwrap();
    let events = calendar.found.into_iter().filter_map(|found| match found {
        Found::Event(event) => Some(event),
        _ => None,
    });
    events.collect()
}

// ---- read off the lines --------------------------------------------------------------------------

/// A component of a file, by its lines: name, parameters, value.
#[derive(Default, Debug)]
struct Lines {
    own: Vec<(String, String, String)>,
    alarms: Vec<Vec<(String, String, String)>>,
}

impl Lines {
    fn value(&self, name: &str) -> Option<&str> {
        let found = self.own.iter().find(|(n, _, _)| n == name);
        found.map(|(_, _, value)| value.trim())
    }
}

/// Name, parameters and value of a line; a colon between quotes is none.
fn split(line: &str) -> Option<(String, String, String)> {
    let mut quoted = false;
    let colon = line.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == ':' && !quoted
    });
    let (head, value) = line.split_at(colon?.0);
    let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
    Some((
        name.trim().to_ascii_uppercase(),
        parameters.to_ascii_uppercase(),
        value.get(1..)?.to_owned(),
    ))
}

/// The `VEVENT`s of a file.
fn components(text: &str) -> Vec<Lines> {
    let unfolded = text
        .replace("\r\n", "\n")
        .replace("\n ", "")
        .replace("\n\t", "");
    let mut found: Vec<Lines> = Vec::new();
    let mut within: Vec<String> = Vec::new();
    for line in unfolded.lines() {
        let Some((name, parameters, value)) = split(line) else {
            continue;
        };
        let kind = value.trim().to_ascii_uppercase();
        match name.as_str() {
            "BEGIN" => {
                match kind.as_str() {
                    "VEVENT" => found.push(Lines::default()),
                    "VALARM" if within.last().is_some_and(|w| w == "VEVENT") => {
                        found.last_mut().unwrap().alarms.push(Vec::new());
                    }
                    _ => {}
                }
                within.push(kind);
            }
            "END" => {
                within.pop();
            }
            _ => match within.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                [.., "VEVENT"] => found
                    .last_mut()
                    .unwrap()
                    .own
                    .push((name, parameters, value)),
                [.., "VEVENT", "VALARM"] => {
                    let alarm = found.last_mut().unwrap().alarms.last_mut().unwrap();
                    alarm.push((name, parameters, value));
                }
                _ => {}
            },
        }
    }
    found
}

/// Address to answer and role of everybody but the organizer.
fn attendees(of: &Lines) -> BTreeMap<String, (String, &'static str)> {
    let address = |value: &str| {
        let value = value.trim().to_ascii_lowercase();
        value
            .strip_prefix("mailto:")
            .unwrap_or(&value)
            .trim()
            .to_owned()
    };
    let organizer = of.value("ORGANIZER").map(address).unwrap_or_default();
    let mut all = BTreeMap::new();
    for (name, parameters, value) in &of.own {
        let email = address(value);
        if name != "ATTENDEE" || email == organizer || !email.contains('@') {
            continue;
        }
        let parameter = |name: &str| {
            let all = parameters.split(';');
            let found = all
                .filter_map(|p| p.split_once('='))
                .find(|(n, _)| *n == name);
            found.map_or("", |(_, value)| value.trim_matches('"'))
        };
        let answer = match parameter("PARTSTAT") {
            known @ ("ACCEPTED" | "DECLINED" | "TENTATIVE" | "NEEDS-ACTION") => known,
            _ => "",
        };
        let role = match (parameter("CUTYPE"), parameter("ROLE")) {
            ("RESOURCE" | "ROOM", _) => "resource",
            (_, "OPT-PARTICIPANT" | "NON-PARTICIPANT") => "optional",
            _ => "required",
        };
        let entry = all.entry(email);
        entry.or_insert_with(|| (answer.to_owned(), role));
    }
    all
}

/// Minutes of a trigger before the start, in whole; none: not that kind of trigger.
fn minutes_before(trigger: &str) -> Option<i64> {
    let (sign, rest) = match trigger.strip_prefix('-') {
        Some(rest) => (1, rest),
        None => (-1, trigger.strip_prefix('+').unwrap_or(trigger)),
    };
    let mut minutes = 0;
    let mut number = String::new();
    for c in rest.strip_prefix('P')?.chars() {
        let unit = match c {
            '0'..='9' => {
                number.push(c);
                continue;
            }
            'T' => continue,
            'W' => 7 * 24 * 60 * 60,
            'D' => 24 * 60 * 60,
            'H' => 60 * 60,
            'M' => 60,
            'S' => 1,
            _ => return None,
        };
        minutes += number.parse::<i64>().ok()? * unit;
        number.clear();
    }
    Some((sign * minutes / 60).max(0))
}

/// When the first alarm for the eye or ear rings; the inner none: not relative to the start.
fn alarm(of: &Lines) -> Option<Option<i64>> {
    let all = of.alarms.iter().find_map(|lines| {
        let value = |name: &str| lines.iter().find(|(n, _, _)| n == name);
        let action = value("ACTION").map_or("", |(_, _, v)| v.trim());
        let heard = !["EMAIL", "PROCEDURE", "NONE"].contains(&action.to_ascii_uppercase().as_str());
        value("TRIGGER").filter(|_| heard)
    });
    let (_, parameters, trigger) = all?;
    // Apple's sign for none.
    if trigger.trim() == "19760401T005545Z" {
        return None;
    }
    let from_start = !parameters.contains("RELATED=END") && !parameters.contains("DATE-TIME");
    Some(minutes_before(trigger.trim()).filter(|_| from_start))
}

// ---- series --------------------------------------------------------------------------------------

/// When everything in a file begins that is not an occurrence of its own, in seconds, within a year
/// before and two after `now_ms`.
fn starts(text: &str, zone: &str, now_ms: i64) -> BTreeSet<i64> {
    let zone = Tz::from_str(zone).unwrap_or(Tz::UTC);
    let window = now_ms / 1_000 - 366 * DAY_MS / 1_000..now_ms / 1_000 + 700 * DAY_MS / 1_000;
    let mut starts = BTreeSet::new();
    for mut calendar in calendars(text.as_bytes()).unwrap_or_default() {
        let mut own = Vec::new();
        for (n, component) in calendar.components.iter_mut().enumerate() {
            if component.component_type.has_time_ranges() {
                let is_event = component.component_type == Kind::VEvent;
                if is_event && component.first("RECURRENCE-ID").is_none() {
                    own.push(n);
                }
                component.component_type = Kind::Other("X".to_owned());
            }
        }
        // One at a time: the bound is for all together.
        for n in own {
            calendar.components[n].component_type = Kind::VEvent;
            let expanded = calendar.expand_dates(zone, OCCURRENCES_MAX).events;
            starts.extend(expanded.iter().map(|event| event.start.timestamp()));
            calendar.components[n].component_type = Kind::Other("X".to_owned());
        }
    }
    starts.retain(|start| window.contains(start));
    starts
}

/// Occurrences of their own, by series: how many there are.
fn own_occurrences(components: &[Lines]) -> BTreeMap<String, usize> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for component in components {
        let is_off = component
            .value("STATUS")
            .is_some_and(|s| s.eq_ignore_ascii_case("CANCELLED"));
        if let (Some(uid), Some(id), false) = (
            component.value("UID"),
            component.value("RECURRENCE-ID"),
            is_off,
        ) {
            all.entry(uid.to_owned()).or_default().insert(id.to_owned());
        }
    }
    all.into_iter().map(|(uid, ids)| (uid, ids.len())).collect()
}

/// Zones of a file that only the file explains: nobody else can follow its series.
fn has_own_zones(text: &str) -> bool {
    let ids = text
        .lines()
        .filter_map(split)
        .filter_map(|(name, parameters, value)| {
            let parameter = parameters.split(';').find_map(|p| p.strip_prefix("TZID="));
            match (name.as_str(), parameter) {
                ("TZID", _) => Some(value.trim().to_owned()),
                (_, Some(id)) => Some(id.trim_matches('"').to_owned()),
                _ => None,
            }
        });
    let known: BTreeSet<_> = chrono_tz::TZ_VARIANTS
        .iter()
        .map(|tz| tz.name().to_ascii_uppercase())
        .collect();
    ids.into_iter()
        .any(|id| !known.contains(&id.to_ascii_uppercase()) && Tz::from_str(&id).is_err())
}

/// What went wrong in one file.
fn lost(text: &str) -> Vec<String> {
    let mut lost = Vec::new();
    let now_ms = now_of(text);
    let events = events(text, "", now_ms);
    let written: Vec<String> = events.iter().map(|e| event_to_ics(e, "")).collect();
    for (event, written) in events.iter().zip(&written) {
        // Days are days of the reader's zone.
        let back = self::events(written, &event.zone, now_ms);
        let [back] = back.as_slice() else {
            lost.push(format!("{}: became {}", event.uid, back.len()));
            continue;
        };
        // The end of a series of days is a day, at whatever hour it is said; see the occurrences.
        let rule = |e: &Event| {
            e.recurrence.clone().map(|rule| Recurrence {
                until_ms: None,
                ..rule
            })
        };
        if (rule(back), back.reminder_min) != (rule(event), event.reminder_min) {
            lost.push(format!(
                "{}: {:?} {:?} became {:?} {:?}",
                event.uid, event.recurrence, event.reminder_min, back.recurrence, back.reminder_min
            ));
        }
        if back.exceptions.len() != event.exceptions.len() {
            lost.push(format!("{}: other exceptions", event.uid));
        }
    }
    // As an invitation the first of them is the same, but for what a mail has no room for.
    let invited = invitation(text.as_bytes(), &reading("", now_ms)).map(|m| m.event);
    let same = |e: &Event| {
        let whole = e.clone();
        (
            whole.recurrence,
            whole.attendees,
            whole.reminder_min,
            whole.exceptions,
        )
    };
    if let Some(invited) = &invited
        && let Some(event) = events
            .iter()
            .find(|e| e.uid == invited.uid && e.start_ms == invited.start_ms)
        && same(invited) != same(event)
    {
        lost.push(format!("{}: is another as an invitation", invited.uid));
    }
    lost.extend(lost_lines(text, &events, &written.concat()));
    lost.extend(lost_occurrences(text, &events, &written, now_ms));
    lost
}

/// What the lines of the file say that those of what was written do not.
fn lost_lines(text: &str, events: &[Event], written: &str) -> Vec<String> {
    let mut lost = Vec::new();
    // Once per UID: what stands first for it in the file.
    let firsts = |components: Vec<Lines>| {
        let mut firsts = BTreeMap::new();
        for component in components {
            let is_own = component.value("RECURRENCE-ID").is_none();
            if let Some(uid) = component.value("UID").filter(|_| is_own) {
                firsts.entry(uid.to_owned()).or_insert(component);
            }
        }
        firsts
    };
    let before = firsts(components(text));
    let after = firsts(components(written));
    for (uid, was) in &before {
        let Some(is) = after.get(uid) else {
            // A series that the protocol cannot say becomes appointments.
            let is_apart = events.iter().any(|e| e.uid.starts_with(uid));
            let start = was.value("DTSTART").unwrap_or_default();
            if !is_apart && start.starts_with(|c: char| c.is_ascii_digit()) {
                lost.push(format!("{uid}: lost"));
            }
            continue;
        };
        if attendees(was) != attendees(is) {
            lost.push(format!(
                "{uid}: {:?} became {:?}",
                attendees(was),
                attendees(is)
            ));
        }
        match (alarm(was), alarm(is)) {
            (None, None) | (Some(None), Some(_)) => {}
            (a, b) if a == b => {}
            (a, b) => lost.push(format!("{uid}: alarm {a:?} became {b:?}")),
        }
    }
    let (was, is) = (
        own_occurrences(&components(text)),
        own_occurrences(&components(written)),
    );
    // Without their series they are appointments.
    for (uid, n) in was.iter().filter(|(uid, _)| before.contains_key(*uid)) {
        if is.get(uid) != Some(n) {
            lost.push(format!(
                "{uid}: {n} occurrences of their own became {:?}",
                is.get(uid)
            ));
        }
    }
    lost
}

/// What begins at another time than before, where others can follow the file.
fn lost_occurrences(
    text: &str,
    events: &[Event],
    written: &[String],
    now_ms: i64,
) -> Option<String> {
    if has_own_zones(text) {
        return None;
    }
    let own_zone = text
        .lines()
        .filter_map(split)
        .find(|(n, _, _)| n == "X-WR-TIMEZONE");
    let own_zone = own_zone.map(|(_, _, value)| value).unwrap_or_default();
    let was = starts(text, own_zone.trim(), now_ms);
    let each = events.iter().zip(written);
    let is = each.flat_map(|(event, written)| starts(written, &event.zone, now_ms));
    let is: BTreeSet<i64> = is.collect();
    let some = |of: std::collections::btree_set::Difference<'_, i64>| of.take(3).copied().collect();
    let (gone, new): (Vec<i64>, Vec<i64>) = (some(was.difference(&is)), some(is.difference(&was)));
    (was != is).then(|| format!("{} occurrences: gone {gone:?}, new {new:?}", was.len()))
}

#[test]
fn exports_come_in_and_go_out_again_whole() {
    let exports = exports();
    assert!(exports.len() > 100, "{}", exports.len());
    let mut wrong = Vec::new();
    for (name, text) in &exports {
        let lost = lost(text);
        let is_known = |l: &String| {
            KNOWN
                .iter()
                .any(|(file, word, _)| file == name && l.contains(word))
        };
        let new = lost.into_iter().filter(|l| !is_known(l));
        wrong.extend(new.map(|l| format!("{name}: {l}")));
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        exports.len(),
        wrong.join("\n")
    );
}
