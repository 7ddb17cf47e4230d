//! Series that live: created, moved, cut and put into another zone by devices of all versions in turn,
//! an occurrence changed here and deleted there; after each step they take place when a person would say.

use super::{Client, Node, sent_back};
use crate::eas::classes::date;
use crate::eas::testing::House;
use crate::eas::version::Version;
use crate::mailbox::FolderId;
use crate::pim::tz::{DAY_MS, Zone, blob_of};
use crate::pim::{Class, Event, Record, recur};
use crate::wbxml::Tag;
use crate::wbxml::tags::{airsync, airsyncbase, calendar};
use crate::work::block_on;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::{BTreeMap, BTreeSet};

const HOUR_MS: i64 = 3_600_000;
/// 1 January 2026, as days since 1970.
const NEW_YEAR: i64 = 20_454;

const ZONES: [&str; 8] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Sydney",
    "Asia/Kolkata",
    "America/Los_Angeles",
    "Europe/London",
    "Pacific/Auckland",
    "Asia/Tokyo",
];

/// Numbers that look random and are always the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % sides
    }

    fn version(&mut self) -> Version {
        let n = usize::try_from(self.roll(7)).unwrap();
        Version::ALL[n]
    }
}

/// A series as a person thinks of it: days and hours of the wall clock.
#[derive(Clone, Debug)]
struct Series {
    zone: &'static str,
    all_day: bool,
    /// The first day, and how many days lie between two.
    day: i64,
    step: i64,
    hour: i64,
    count: i64,
    deleted: BTreeSet<i64>,
    /// Occurrences at another hour (all-day ones: another day), by number.
    moved: BTreeMap<i64, i64>,
}

impl Series {
    fn zone(&self) -> Zone {
        Zone::named(self.zone).unwrap()
    }

    /// Start and end on a day, at an hour.
    fn at(&self, day: i64, hour: i64) -> (i64, i64) {
        let zone = self.zone();
        match self.all_day {
            true => (zone.to_utc(day * DAY_MS), zone.to_utc((day + 1) * DAY_MS)),
            false => {
                let start = zone.to_utc(day * DAY_MS + hour * HOUR_MS);
                (start, start + HOUR_MS)
            }
        }
    }

    /// When the series has its occurrence of this number.
    fn usual(&self, n: i64) -> (i64, i64) {
        self.at(self.day + n * self.step, self.hour)
    }

    /// When that takes place.
    fn real(&self, n: i64) -> (i64, i64) {
        match self.moved.get(&n) {
            Some(day) if self.all_day => self.at(*day, 0),
            Some(hour) => self.at(self.day + n * self.step, *hour),
            None => self.usual(n),
        }
    }

    fn expected(&self) -> Vec<(i64, i64)> {
        let alive = (0..self.count).filter(|n| !self.deleted.contains(n));
        let mut all: Vec<_> = alive.map(|n| self.real(n)).collect();
        all.sort_unstable();
        all
    }

    /// A time as a client of this version writes it.
    fn written(&self, ms: i64, version: Version) -> String {
        let ms = match self.all_day && version >= Version::V16_0 {
            true => self.zone().to_local(ms),
            false => ms,
        };
        date::compact(ms).to_string()
    }

    /// The properties that say when it is.
    fn times(&self, version: Version, data: &mut Node) {
        let blob = blob_of(self.zone, 2026).unwrap();
        let (start, end) = self.usual(0);
        // Whole days have no zone from 16.0 on, but for the one that they are in already.
        set(data, calendar::TIMEZONE, &STANDARD.encode(blob));
        set(data, calendar::START_TIME, &self.written(start, version));
        set(data, calendar::END_TIME, &self.written(end, version));
        set(
            data,
            calendar::ALL_DAY_EVENT,
            if self.all_day { "1" } else { "0" },
        );
    }

    fn rule(&self, version: Version, until_n: Option<i64>) -> Node {
        let mut rule = Node::new(calendar::RECURRENCE);
        match self.step % 7 {
            0 => {
                // 1970 began on a Thursday.
                let weekday = (self.day + 4).rem_euclid(7);
                rule.put(&[calendar::TYPE], "1");
                until(self, &mut rule, version, until_n);
                rule.put(&[calendar::INTERVAL], &(self.step / 7).to_string());
                rule.put(&[calendar::DAY_OF_WEEK], &(1 << weekday).to_string());
            }
            step => {
                rule.put(&[calendar::TYPE], "0");
                until(self, &mut rule, version, until_n);
                rule.put(&[calendar::INTERVAL], &step.to_string());
            }
        }
        rule
    }
}

fn until(series: &Series, rule: &mut Node, version: Version, until_n: Option<i64>) {
    match until_n {
        Some(n) => {
            let (start, _) = series.usual(n);
            rule.put(&[calendar::UNTIL], &series.written(start, version));
        }
        None => rule.put(&[calendar::OCCURRENCES], &series.count.to_string()),
    }
}

/// Puts a value in the place of the one that is there.
fn set(data: &mut Node, tag: Tag, text: &str) {
    data.children.retain(|c| c.tag != tag);
    data.put(&[tag], text);
}

fn created(series: &Series, version: Version, until_n: Option<i64>) -> Node {
    let mut data = Node::new(airsync::APPLICATION_DATA);
    series.times(version, &mut data);
    data.put(&[calendar::SUBJECT], "Standup");
    data.put(&[calendar::BUSY_STATUS], "2");
    if version < Version::V16_0 {
        data.put(
            &[calendar::UID],
            &format!("uid-{}-{}", series.zone, series.day),
        );
    }
    data.children.push(series.rule(version, until_n));
    data
}

/// A step of a device: what it was told last is what it works on.
struct Step<'a> {
    client: Client<'a>,
    id: String,
    told: Node,
}

impl<'a> Step<'a> {
    fn by(house: &'a House, n: usize, version: Version, id: &str) -> Self {
        let mut client = Client::of(house, &format!("d{n}v"), Class::Calendar, version);
        let told = client.fetch().remove(id).unwrap();
        let id = id.to_owned();
        Self { client, id, told }
    }

    fn version(&self) -> Version {
        self.client.phone.version
    }

    fn send(&mut self, command: Tag, instance: Option<String>, data: Option<Node>) {
        let mut node = Node::new(command);
        node.put(&[airsync::SERVER_ID], &self.id);
        if let Some(instance) = instance {
            node.put(&[airsyncbase::INSTANCE_ID], &instance);
        }
        node.children.extend(data);
        let told = self.client.sync(&[node]);
        let refused = told.all(&[airsync::RESPONSES, command]);
        let refused: Vec<_> = refused.iter().map(|n| n.written()).collect();
        assert!(refused.is_empty(), "{}: {refused:?}", self.version());
    }

    /// Changes or deletes one occurrence.
    fn occurrence(&mut self, series: &Series, n: i64, to: Option<(i64, i64)>) {
        let version = self.version();
        let original = series.written(series.usual(n).0, version);
        let mut times = Vec::new();
        if let Some((start, end)) = to {
            times.push((calendar::START_TIME, series.written(start, version)));
            times.push((calendar::END_TIME, series.written(end, version)));
        }
        if version >= Version::V16_0 {
            if to.is_none() {
                return self.send(airsync::DELETE, Some(original), None);
            }
            let mut data = Node::new(airsync::APPLICATION_DATA);
            times.iter().for_each(|(tag, text)| data.put(&[*tag], text));
            return self.send(airsync::CHANGE, Some(original), Some(data));
        }
        let mut exception = Node::new(calendar::EXCEPTION);
        if to.is_none() {
            exception.put(&[calendar::DELETED], "1");
        }
        exception.put(&[calendar::EXCEPTION_START_TIME], &original);
        times
            .iter()
            .for_each(|(tag, text)| exception.put(&[*tag], text));
        let mut data = sent_back(&self.told, version);
        let has = data.children.iter().any(|c| c.tag == calendar::EXCEPTIONS);
        if !has {
            data.children.push(Node::new(calendar::EXCEPTIONS));
        }
        for all in data
            .children
            .iter_mut()
            .filter(|c| c.tag == calendar::EXCEPTIONS)
        {
            let named = |x: &Node| x.at(&[calendar::EXCEPTION_START_TIME]) == [original.as_str()];
            all.children.retain(|x| !named(x));
            all.children.push(exception.clone());
        }
        self.send(airsync::CHANGE, None, Some(data));
    }

    /// Changes the series as a whole; the occurrences that differ are sent as they were, or not at all.
    fn whole(&mut self, change: impl Fn(&mut Node, Version)) {
        let version = self.version();
        let mut data = match version >= Version::V16_0 {
            true => Node::new(airsync::APPLICATION_DATA),
            false => sent_back(&self.told, version),
        };
        change(&mut data, version);
        self.send(airsync::CHANGE, None, Some(data));
    }
}

fn stored(house: &House) -> Vec<Event> {
    let scope = house.account("alice").scope;
    let page = house
        .eas
        .mailbox()
        .list_items(scope, FolderId::CALENDAR, None, 100);
    let rows = block_on(page).unwrap().items;
    let event = |record| match record {
        Record::Event(event) => event,
        _ => panic!("no appointment"),
    };
    rows.iter()
        .map(|row| event(row.to_record().unwrap()))
        .collect()
}

/// When everything in the calendar takes place.
fn real(house: &House) -> Vec<(i64, i64)> {
    let all = stored(house);
    let times = all
        .iter()
        .flat_map(|e| recur::occurrences(e, 0, i64::MAX, 1_000));
    let mut times: Vec<_> = times.map(|o| (o.start_ms, o.end_ms)).collect();
    times.sort_unstable();
    times
}

/// A house, chance, and what has happened so far.
struct World {
    house: House,
    dice: Dice,
    devices: usize,
    log: Vec<String>,
}

impl World {
    /// Another device, of a version that chance has chosen.
    fn step(&mut self, id: &str) -> (Step<'_>, Dice) {
        self.devices += 1;
        let version = self.dice.version();
        (
            Step::by(&self.house, self.devices, version, id),
            Dice(self.dice.0),
        )
    }

    #[track_caller]
    fn check(&self, all: &[&Series]) {
        let mut expect: Vec<_> = all.iter().flat_map(|s| s.expected()).collect();
        expect.sort_unstable();
        let (log, events) = (&self.log, stored(&self.house));
        assert_eq!(real(&self.house), expect, "{log:#?} {events:#?}");
    }

    fn begin(&mut self, zone: &'static str, all_day: bool) -> (Series, String) {
        let dice = &mut self.dice;
        let step = [1, 2, 7, 14][usize::try_from(dice.roll(4)).unwrap()];
        // Around the changes of the clock in spring and autumn, north and south.
        let days = [60, 75, 80, 270, 285, 297];
        let series = Series {
            zone,
            all_day,
            day: NEW_YEAR + days[usize::try_from(dice.roll(6)).unwrap()],
            step,
            hour: 1 + dice.roll(22),
            count: 8 + dice.roll(6),
            deleted: BTreeSet::new(),
            moved: BTreeMap::new(),
        };
        let by_count = dice.roll(2) == 0;
        let version = dice.version();
        let until_n = (!by_count).then(|| series.count - 1);
        let mut first = Client::of(&self.house, "first", Class::Calendar, version);
        let id = first.add(&[created(&series, version, until_n)]).remove(0);
        self.log.push(format!("{series:?}, made by {version}"));
        self.check(&[&series]);
        (series, id)
    }

    /// Something happens to the series.
    fn turn(&mut self, series: &mut Series, id: &str) {
        let (mut step, mut dice) = self.step(id);
        let version = step.version();
        let n = dice.roll(series.count);
        let alive = !series.deleted.contains(&n);
        let said = match dice.roll(5) {
            0 if alive => {
                step.occurrence(series, n, None);
                series.deleted.insert(n);
                format!("{version} deletes {n}")
            }
            1 | 2 if alive && !series.moved.contains_key(&n) => {
                let to = match series.all_day {
                    true => series.day + n * series.step + 1,
                    false => (series.hour + 1 + dice.roll(3)) % 24,
                };
                series.moved.insert(n, to);
                step.occurrence(series, n, Some(series.real(n)));
                format!("{version} moves {n} to {to}")
            }
            3 if !series.all_day => {
                // Those that were moved by themselves stay where they are; one that stands where the others
                // stand goes with them.
                series.moved.retain(|_, hour| *hour != series.hour);
                series.hour = (series.hour + 1).min(23);
                step.whole(|data, version| series.times(version, data));
                format!("{version} moves all to {}", series.hour)
            }
            _ => {
                step.whole(|data, _| set(data, calendar::SUBJECT, "Sitdown"));
                format!("{version} renames it")
            }
        };
        self.log.push(said);
        self.dice = dice;
        self.check(&[series]);
    }

    /// This and following: the old one ends before, and a new one begins.
    fn cut(&mut self, series: &mut Series, id: &str) -> (Series, String) {
        let (mut step, mut dice) = self.step(id);
        let cut = 1 + dice.roll(series.count - 1);
        let rest = Series {
            day: series.day + cut * series.step,
            count: series.count - cut,
            deleted: BTreeSet::new(),
            moved: BTreeMap::new(),
            hour: (series.hour + 2) % 24,
            ..series.clone()
        };
        step.whole(|data, version| {
            data.children.retain(|c| c.tag != calendar::RECURRENCE);
            // What was changed behind the end goes with it.
            let late = |x: &Node| {
                let original = x.at(&[calendar::EXCEPTION_START_TIME]);
                let is_late = |o: &&str| date::parse(o).unwrap() >= series.usual(cut).0;
                original.first().is_some_and(is_late)
            };
            let exceptions = data.children.iter_mut();
            for all in exceptions.filter(|c| c.tag == calendar::EXCEPTIONS) {
                all.children.retain(|x| !late(x));
            }
            data.children.push(series.rule(version, Some(cut - 1)));
        });
        let version = step.version();
        let second = step.client.add(&[created(&rest, version, None)]).remove(0);
        series.count = cut;
        series.deleted.retain(|n| *n < cut);
        series.moved.retain(|n, _| *n < cut);
        self.log.push(format!("{version} cuts it before {cut}"));
        self.dice = dice;
        self.check(&[series, &rest]);
        (rest, second)
    }

    /// The new one loses an occurrence, and goes to another zone: the same hours of the wall clock there.
    fn travel(&mut self, series: &Series, rest: &mut Series, id: &str) {
        let (mut step, mut dice) = self.step(id);
        let n = dice.roll(rest.count);
        step.occurrence(rest, n, None);
        rest.deleted.insert(n);
        let said = format!("{} deletes {n} of the new one", step.version());
        self.log.push(said);
        self.dice = dice;
        if rest.all_day && n > 0 {
            // Days stay the same days there.
            let (mut step, dice) = self.step(id);
            rest.moved.insert(0, rest.day + 1);
            step.occurrence(rest, 0, Some(rest.real(0)));
            let said = format!("{} moves 0 of the new one", step.version());
            self.log.push(said);
            self.dice = dice;
        }
        let (mut step, mut dice) = self.step(id);
        rest.zone = ZONES[usize::try_from(dice.roll(8)).unwrap()];
        step.whole(|data, version| rest.times(version, data));
        let said = format!("{} puts the new one into {}", step.version(), rest.zone);
        self.log.push(said);
        self.dice = dice;
        self.check(&[series, rest]);
    }
}

fn life(seed: u64, all_day: bool, zone: &'static str) {
    let mut world = World {
        house: House::new(),
        dice: Dice(seed),
        devices: 0,
        log: vec![format!("seed {seed}")],
    };
    let (mut series, id) = world.begin(zone, all_day);
    for _ in 0..6 {
        world.turn(&mut series, &id);
    }
    let (mut rest, second) = world.cut(&mut series, &id);
    world.travel(&series, &mut rest, &second);
    told_alike(&world.house, &world.log);
    // And gone as a whole.
    let (mut step, _) = world.step(&second);
    step.send(airsync::DELETE, None, None);
    world.check(&[&series]);
}

/// Devices of all versions are told the same times and the same exceptions.
fn told_alike(house: &House, log: &[String]) {
    let events = stored(house);
    for version in Version::ALL {
        let told = Client::of(house, "reader", Class::Calendar, version).fetch();
        assert_eq!(told.len(), events.len(), "{version} {log:#?}");
        for data in told.values() {
            let uid = data.at(&[calendar::UID]);
            let start = date::parse(data.at(&[calendar::START_TIME])[0]).unwrap();
            let event = events.iter().find(|e| match uid.first() {
                Some(uid) => e.uid == *uid,
                None => true,
            });
            let event = event.unwrap();
            let zone = Zone::of(&event.zone, &event.zone_blob);
            let seen = |ms: i64| match event.all_day && version >= Version::V16_0 {
                true => zone.to_local(ms),
                false => ms,
            };
            assert_eq!(start, seen(event.start_ms), "{version} {log:#?}");
            let original = match version >= Version::V16_0 {
                true => airsyncbase::INSTANCE_ID,
                false => calendar::EXCEPTION_START_TIME,
            };
            let exceptions = data.all(&[calendar::EXCEPTIONS, calendar::EXCEPTION]);
            let exceptions: Vec<_> = exceptions
                .iter()
                .map(|x| {
                    let at = |tag| x.at(&[tag]).first().map(|t| date::parse(t).unwrap());
                    let deleted = x.at(&[calendar::DELETED]) == ["1"];
                    (at(original).unwrap(), deleted, at(calendar::START_TIME))
                })
                .collect();
            let expect = event.exceptions.iter().map(|x| {
                (
                    seen(x.original_ms),
                    x.deleted,
                    x.start_ms.map(seen).filter(|_| !x.deleted),
                )
            });
            assert_eq!(exceptions, expect.collect::<Vec<_>>(), "{version} {log:#?}");
        }
    }
}

#[test]
fn a_series_takes_place_when_a_person_would_say_whoever_changes_it() {
    for (n, zone) in (0..).zip(ZONES) {
        for seed in 0..6 {
            life(seed * 100 + n, false, zone);
        }
    }
}

#[test]
fn a_series_of_whole_days_keeps_its_days_whoever_changes_it() {
    for (n, zone) in (0..).zip(ZONES) {
        for seed in 0..6 {
            life(seed * 1_000 + n, true, zone);
        }
    }
}
