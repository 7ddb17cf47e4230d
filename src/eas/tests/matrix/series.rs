//! Series through all versions: created by a device of one, changed by a device of another, as a
//! whole and occurrence by occurrence, and read by all. What a reader shows is held against a list
//! of occurrences that the test keeps itself.

use super::zones::WallClock;
use super::{Client, Node};
use crate::eas::testing::House;
use crate::eas::version::Version;
use crate::pim::{Class, tz};
use crate::wbxml::Tag;
use crate::wbxml::tags::{airsync, airsyncbase, calendar};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::ToSpan;
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

static READERS: AtomicU32 = AtomicU32::new(0);

/// Occurrences of a series. The clocks change behind the third.
const COUNT: i64 = 8;

/// What a series is to look like.
#[derive(Clone)]
struct Series {
    zone: &'static str,
    /// The first start, on the wall clock there.
    start: DateTime,
    all_day: bool,
    subject: &'static str,
    /// How many.
    count: i64,
    /// What is special about the nth; none: it does not take place.
    special: BTreeMap<i64, Option<Special>>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Special {
    start: DateTime,
    subject: &'static str,
}

impl Series {
    fn new(all_day: bool) -> Self {
        Self {
            zone: "Europe/Berlin",
            start: date(2026, 3, 12).at(if all_day { 0 } else { 9 }, 0, 0, 0),
            all_day,
            subject: "weekly",
            count: COUNT,
            special: BTreeMap::new(),
        }
    }

    fn zone(&self) -> TimeZone {
        TimeZone::get(self.zone).unwrap()
    }

    fn nth(&self, n: i64) -> DateTime {
        self.start.saturating_add((7 * n).days())
    }

    fn end_of(&self, start: DateTime) -> DateTime {
        match self.all_day {
            true => start.saturating_add(1.day()),
            false => start.saturating_add(1.hour()),
        }
    }

    /// A wall time as a version writes it: the instant, and the bare day of a whole one from 16.0 on.
    fn written(&self, wall: DateTime, version: Version) -> String {
        let at = match self.all_day && version >= Version::V16_0 {
            true => wall,
            false => {
                let at = self.zone().to_timestamp(wall).unwrap();
                TimeZone::UTC.to_datetime(at)
            }
        };
        at.strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    /// The whole series as a version sends it; up to 14.1 with everything that is special.
    fn item(&self, version: Version) -> Node {
        let mut data = Node::new(airsync::APPLICATION_DATA);
        if version < Version::V16_0 || !self.all_day {
            let blob = tz::blob_of(self.zone, 2026).unwrap();
            data.put(&[calendar::TIMEZONE], &STANDARD.encode(blob));
        }
        data.put(
            &[calendar::ALL_DAY_EVENT],
            if self.all_day { "1" } else { "0" },
        );
        data.put(&[calendar::SUBJECT], self.subject);
        let times = [
            (calendar::START_TIME, self.start),
            (calendar::END_TIME, self.end_of(self.start)),
        ];
        for (tag, at) in times {
            data.put(&[tag], &self.written(at, version));
        }
        let mask = 1 << self.start.weekday().to_sunday_zero_offset();
        let rule = [
            (calendar::TYPE, "1".to_owned()),
            (calendar::OCCURRENCES, self.count.to_string()),
            (calendar::DAY_OF_WEEK, format!("{mask}")),
        ];
        for (tag, value) in rule {
            data.put(&[calendar::RECURRENCE, tag], &value);
        }
        if version < Version::V16_0 && !self.special.is_empty() {
            let mut all = Node::new(calendar::EXCEPTIONS);
            for (n, special) in &self.special {
                let mut one = self.exception(special.as_ref(), version);
                let id = self.written(self.nth(*n), version);
                one.put(&[calendar::EXCEPTION_START_TIME], &id);
                if special.is_none() {
                    one.put(&[calendar::DELETED], "1");
                }
                all.children.push(one);
            }
            data.children.push(all);
        }
        data
    }

    fn exception(&self, special: Option<&Special>, version: Version) -> Node {
        let mut one = Node::new(calendar::EXCEPTION);
        if let Some(special) = special {
            one.put(&[calendar::SUBJECT], special.subject);
            one.put(
                &[calendar::START_TIME],
                &self.written(special.start, version),
            );
            let end = self.end_of(special.start);
            one.put(&[calendar::END_TIME], &self.written(end, version));
        }
        one
    }

    /// What a phone shows: start and subject of each occurrence.
    fn shown(&self) -> Vec<(DateTime, String)> {
        let mut shown: Vec<_> = (0..self.count)
            .filter_map(|n| match self.special.get(&n) {
                None => Some((self.nth(n), self.subject.to_owned())),
                Some(None) => None,
                Some(Some(special)) => Some((special.start, special.subject.to_owned())),
            })
            .collect();
        shown.sort();
        shown
    }

    /// What a phone makes of what it is told.
    fn told(&self, told: &Node, version: Version) -> Vec<(DateTime, String)> {
        let one = |node: &Node, tag: Tag| node.at(&[tag]).first().map(|text| (*text).to_owned());
        let zone = one(told, calendar::TIMEZONE);
        let clock = zone.map(|blob| WallClock::read(&STANDARD.decode(blob).unwrap()));
        // Whole days have no zone from 16.0 on.
        assert_eq!(clock.is_none(), self.all_day && version >= Version::V16_0);
        let clock = clock.as_ref();
        let subject = one(told, calendar::SUBJECT).unwrap_or_default();
        let start = read(&one(told, calendar::START_TIME).unwrap(), clock);
        let count = told.at(&[calendar::RECURRENCE, calendar::OCCURRENCES]);
        let count = *count
            .first()
            .unwrap_or_else(|| panic!("{}", told.written()));
        let id = match version >= Version::V16_0 {
            true => airsyncbase::INSTANCE_ID,
            false => calendar::EXCEPTION_START_TIME,
        };
        let mut special = BTreeMap::new();
        for exception in told.all(&[calendar::EXCEPTIONS, calendar::EXCEPTION]) {
            let original = read(&one(exception, id).unwrap(), clock);
            let deleted = one(exception, calendar::DELETED).as_deref() == Some("1");
            let at = one(exception, calendar::START_TIME);
            let at = at.map_or(original, |text| read(&text, clock));
            let name = one(exception, calendar::SUBJECT);
            let name = name.unwrap_or_else(|| subject.clone());
            special.insert(original, (!deleted).then_some((at, name)));
        }
        let mut shown: Vec<_> = (0..count.parse::<i64>().unwrap())
            .filter_map(|n| {
                let original = start.saturating_add((7 * n).days());
                let usual = || Some((original, subject.clone()));
                special.remove(&original).unwrap_or_else(usual)
            })
            .collect();
        assert!(special.is_empty(), "no such occurrences: {special:?}");
        shown.sort();
        shown
    }
}

/// What a phone shows for a time that it is told, by the zone that it is told with it.
fn read(text: &str, clock: Option<&WallClock>) -> DateTime {
    let at = DateTime::strptime("%Y%m%dT%H%M%SZ", text).unwrap();
    match clock {
        Some(clock) => clock.show(TimeZone::UTC.to_timestamp(at).unwrap()),
        None => at,
    }
}

/// A command about one occurrence, as 16.0 has it.
fn of_instance(command: Tag, id: &str, instance: &str, data: Option<Node>) -> Node {
    let mut node = Node::new(command);
    node.put(&[airsync::SERVER_ID], id);
    node.put(&[airsyncbase::INSTANCE_ID], instance);
    node.children.extend(data);
    node
}

/// A phone with a series, which it changes as its version does.
struct Editor<'a> {
    client: Client<'a>,
    id: String,
}

impl Editor<'_> {
    fn whole(&mut self, series: &Series) {
        let data = series.item(self.client.version());
        self.client.change(&[(&self.id, data)]);
    }

    /// Makes the nth occurrence what the series says of it.
    fn occurrence(&mut self, series: &Series, n: i64) {
        let version = self.client.version();
        if version < Version::V16_0 {
            return self.whole(series);
        }
        let instance = series.written(series.nth(n), version);
        let command = match &series.special[&n] {
            None => of_instance(airsync::DELETE, &self.id, &instance, None),
            Some(special) => {
                let data = Node {
                    tag: airsync::APPLICATION_DATA,
                    ..series.exception(Some(special), version)
                };
                of_instance(airsync::CHANGE, &self.id, &instance, Some(data))
            }
        };
        let told = self.client.sync(&[command]);
        for tag in [airsync::CHANGE, airsync::DELETE] {
            let failed = told.all(&[airsync::RESPONSES, tag, airsync::STATUS]);
            assert!(failed.iter().all(|s| s.text == "1"), "{}", told.written());
        }
    }
}

#[track_caller]
fn hold(house: &House, expected: &BTreeMap<String, Series>, step: &str) {
    for reader in Version::ALL {
        // Another device each time, which knows nothing yet.
        let name = format!("r{}x", READERS.fetch_add(1, Ordering::Relaxed));
        let told = Client::of(house, &name, Class::Calendar, reader).fetch();
        assert_eq!(told.len(), expected.len(), "{step}, {reader}");
        for (id, series) in expected {
            let shown = series.told(&told[id], reader);
            assert_eq!(shown, series.shown(), "{step}, {reader}");
        }
    }
}

/// Everything that is done with a series, by a device of `version`.
fn life(house: &House, id: String, mut series: Series, version: Version, who: &str) {
    let mut client = Client::of(house, "e", Class::Calendar, version);
    client.fetch();
    let mut editor = Editor { client, id };
    let id = editor.id.clone();
    let one = |series: &Series| BTreeMap::from([(id.clone(), series.clone())]);
    hold(house, &one(&series), &format!("{who} created"));

    // Around the change of the clocks: one is moved to the day before, one is off, one has a name.
    let moved = series.nth(2).saturating_sub(1.day());
    let special = |start, subject| Some(Special { start, subject });
    for (n, what) in [
        (2, special(moved, "moved")),
        (3, None),
        (5, special(series.nth(5), "named")),
    ] {
        series.special.insert(n, what);
        editor.occurrence(&series, n);
        hold(house, &one(&series), &format!("{who} occurrence {n}"));
    }
    // One that was changed is changed once more, then taken off.
    for what in [special(series.nth(5), "renamed"), None] {
        series.special.insert(5, what);
        editor.occurrence(&series, 5);
        hold(house, &one(&series), &format!("{who} occurrence 5 again"));
    }
    // The whole: its name. What is special stays.
    series.subject = "every week";
    editor.whole(&series);
    hold(house, &one(&series), &format!("{who} renamed"));

    // This and following: the old one ends before, and another one begins.
    let mut later = series.clone();
    later.start = series.nth(6);
    later.count = series.count - 6;
    later.subject = "from now on";
    later.special.clear();
    series.count = 6;
    editor.whole(&series);
    let data = later.item(version);
    let new = editor.client.add(&[data]).remove(0);
    let mut both = one(&series);
    both.insert(new.clone(), later);
    hold(house, &both, &format!("{who} this and following"));

    // The first one goes as a whole.
    let mut gone = Node::new(airsync::DELETE);
    gone.put(&[airsync::SERVER_ID], &id);
    editor.client.sync(&[gone]);
    both.remove(&id);
    hold(house, &both, &format!("{who} deleted"));

    // The other one moves to another zone, at the same hour there.
    let moved = both.get_mut(&new).unwrap();
    if !moved.all_day {
        moved.zone = "America/New_York";
        editor.id.clone_from(&new);
        editor.whole(&moved.clone());
        hold(house, &both, &format!("{who} another zone"));
    }
}

#[test]
fn series_are_the_same_for_all_whoever_changes_them() {
    for writer in Version::ALL {
        for editor in Version::ALL {
            for all_day in [false, true] {
                let house = House::new();
                let series = Series::new(all_day);
                let items = [series.item(writer)];
                let mut client = Client::of(&house, "w", Class::Calendar, writer);
                let id = client.add(&items).remove(0);
                let who = format!("{writer} {editor} all day {all_day}");
                life(&house, id, series, editor, &who);
            }
        }
    }
}
