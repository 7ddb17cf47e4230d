//! Whether what arrived is what was sent: the oracle of a run, on the devices' side.
//!
//! It knows what was acknowledged and for whom ([`Ledger::acknowledged`]), and is told by each device
//! what it holds. When the run is over and every device has looked once more, [`Ledger::judge`] says
//! what is lost, doubled, came back, belongs to somebody else, or bears an old mark.
//!
//! Deliberately absent: what was there before the run (only what bears a [`Marker`] counts), and the
//! form of answers, which the device model judges.

use super::marker::Marker;
use super::run;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Findings that are kept in words.
const FINDINGS_MAX: usize = 100;

/// A device of the fleet, counted from 0.
pub type DeviceNo = u32;

/// What somebody did with an item in the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Fate {
    deleted: bool,
    /// Somebody asked for its deletion and was not answered: it may be there or not.
    is_in_doubt: bool,
    /// Read or not, as it was last set and acknowledged; none: never set, or nobody can say which of
    /// several devices was the last.
    read: Option<bool>,
    /// Devices that are setting it, and have no answer yet.
    setting: u32,
    /// Several did so at one time: the server alone knows who was the last.
    clashed: bool,
    /// When it was acknowledged, microseconds of the monotonic clock.
    acknowledged_us: u64,
    /// It was: else it may be anywhere or nowhere.
    is_certain: bool,
}

/// What a device holds of an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Held {
    /// How many items bear its mark.
    copies: u32,
    /// The collection that it stands in, hashed.
    collection: u64,
    read: Option<bool>,
}

#[derive(Default)]
struct Books {
    sent: HashMap<Marker, Fate>,
    held: HashMap<DeviceNo, BTreeMap<Marker, Held>>,
    /// What went from a device again.
    gone: HashMap<DeviceNo, BTreeSet<Marker>>,
    found: run::Truth,
}

/// How long a change took to a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Push {
    /// From its acknowledgement to the first byte that woke the device, microseconds; none: the
    /// device was not waiting then.
    pub heard_us: Option<u64>,
    /// From its acknowledgement to the device holding it, microseconds.
    pub synced_us: u64,
}

/// A wait that was answered, microseconds of the monotonic clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Woken {
    /// When the waiting request had been sent.
    pub since_us: u64,
    /// When the first byte of its answer came.
    pub first_us: u64,
}

/// The books of a run.
pub struct Ledger {
    run: u32,
    books: Mutex<Books>,
}

impl Ledger {
    /// Empty books of a run.
    #[must_use]
    pub fn new(run: u32) -> Self {
        Self {
            run,
            books: Mutex::default(),
        }
    }

    /// Names the run in marks.
    #[must_use]
    pub fn run(&self) -> u32 {
        self.run
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An item was accepted by the server at `now_us`: from now on it has to arrive.
    pub fn acknowledged(&self, item: Marker, now_us: u64) {
        let mut books = self.books();
        let fate = books.sent.entry(item).or_default();
        if !fate.is_certain {
            fate.is_certain = true;
            fate.acknowledged_us = now_us;
        }
    }

    /// Nobody said whether an item was accepted: it may arrive, once.
    pub fn uncertain(&self, item: Marker) {
        self.books().sent.entry(item).or_default();
    }

    /// A device of the item's user wants it deleted, and has no answer yet.
    pub fn doubts(&self, item: Marker) {
        self.books().sent.entry(item).or_default().is_in_doubt = true;
    }

    /// A device of the item's user deleted it, and the server said yes.
    pub fn deleted(&self, item: Marker) {
        self.books().sent.entry(item).or_default().deleted = true;
    }

    /// A device sets whether the item is read, and has no answer yet.
    pub fn marking(&self, item: Marker) {
        let mut books = self.books();
        let fate = books.sent.entry(item).or_default();
        fate.clashed = fate.setting > 0;
        fate.setting += 1;
        fate.read = None;
    }

    /// The server said yes to a mark that a device has set.
    pub fn marked(&self, item: Marker, read: bool) {
        let mut books = self.books();
        let fate = books.sent.entry(item).or_default();
        fate.setting = fate.setting.saturating_sub(1);
        fate.read = Some(read).filter(|_| fate.setting == 0 && !fate.clashed);
    }

    /// Nobody said what became of a mark that a device has set.
    pub fn mark_is_unsure(&self, item: Marker) {
        let mut books = self.books();
        if let Some(fate) = books.sent.get_mut(&item) {
            // If it is still on its way, it clashes with the next one.
            fate.setting = fate.setting.saturating_sub(1);
            fate.read = None;
        }
    }

    /// A device of `user` was told of an item in a collection. `woken` is the wait that led to it. Gives how long it took, where the item is one of this run that had not been there.
    pub fn told(
        &self,
        (device, user): (DeviceNo, u32),
        collection: &str,
        item: Marker,
        woken: Option<Woken>,
        now_us: u64,
    ) -> Option<Push> {
        let mut books = self.books();
        if item.user != 0 && item.user != user {
            books.found.foreign += 1;
            let words = format!("device {device} of user {user} was told of {item}");
            books.note(words);
            return None;
        }
        if item.run != self.run {
            return None;
        }
        let held = books.held.entry(device).or_default();
        let held = held.entry(item).or_default();
        held.copies += 1;
        held.collection = hashed(collection);
        held.read = None;
        let copies = held.copies;
        let fate = books.sent.get(&item).copied().unwrap_or_default();
        let is_back = books.gone.get(&device).is_some_and(|g| g.contains(&item));
        if fate.deleted && is_back && copies == 1 {
            books.found.resurrected += 1;
            let words = format!("device {device} was told once more of {item}, which was deleted");
            books.note(words);
        }
        if !fate.is_certain || copies > 1 {
            return None;
        }
        let since = |us: u64| us.saturating_sub(fate.acknowledged_us);
        // It waited when the item came; what came while it was busy waited for it.
        let heard = woken.filter(|w| w.since_us <= fate.acknowledged_us);
        Some(Push {
            heard_us: heard.map(|w| since(w.first_us)),
            synced_us: since(now_us),
        })
    }

    /// A device was told that an item is read, or not.
    pub fn told_mark(&self, device: DeviceNo, item: Marker, read: bool) {
        let mut books = self.books();
        if let Some(held) = books.held.entry(device).or_default().get_mut(&item) {
            held.read = Some(read);
        }
    }

    /// A device does not hold an item any more: it was deleted, or fell out of the filter.
    pub fn gone(&self, device: DeviceNo, item: Marker) {
        let mut books = self.books();
        let books = &mut *books;
        let Some(all) = books.held.get_mut(&device) else {
            return;
        };
        if let Some(held) = all.get_mut(&item) {
            held.copies = held.copies.saturating_sub(1);
            if held.copies == 0 {
                all.remove(&item);
                books.gone.entry(device).or_default().insert(item);
            }
        }
    }

    /// A device holds nothing of a collection any more, and is told of it all again.
    pub fn forgot(&self, device: DeviceNo, collection: &str) {
        let collection = hashed(collection);
        let mut books = self.books();
        if let Some(held) = books.held.get_mut(&device) {
            held.retain(|_, held| held.collection != collection);
        }
        books.gone.remove(&device);
    }

    /// The server broke a rule of the protocol before a device, in what it speaks and in an answer: of
    /// this kind, in these words.
    pub fn violation(&self, (device, at): (DeviceNo, &str), kind: &str, words: &str) {
        let mut books = self.books();
        let found = &mut books.found;
        *found.violations.entry(kind.to_owned()).or_default() += 1;
        // One example of each kind says enough.
        if !found.examples.contains_key(kind) {
            let mut example = format!("device {device}, {at}");
            if words != kind {
                example.push_str(": ");
                example.push_str(words);
            }
            found.examples.insert(kind.to_owned(), example);
        }
    }

    /// What is wrong at the end, for these devices and their users: those that have looked once more.
    #[must_use]
    pub fn judge(&self, devices: &[(DeviceNo, u32)]) -> run::Truth {
        let books = self.books();
        let mut found = books.found.clone();
        let mut words = Vec::new();
        let empty = BTreeMap::new();
        for (device, user) in devices {
            let held = books.held.get(device).unwrap_or(&empty);
            for (item, fate) in &books.sent {
                let is_theirs = item.user == 0 || item.user == *user;
                if is_theirs && fate.is_certain && !fate.deleted && !fate.is_in_doubt {
                    found.expected += 1;
                    match held.contains_key(item) {
                        true => found.arrived += 1,
                        false => {
                            found.lost += 1;
                            words.push(format!("device {device} of user {user} lacks {item}"));
                        }
                    }
                }
            }
            for (item, held) in held {
                if held.copies > 1 {
                    found.doubled += 1;
                    words.push(format!(
                        "device {device} holds {item} {} times",
                        held.copies
                    ));
                }
                let fate = books.sent.get(item);
                // Who was told before it was deleted has heard of that by now.
                if fate.is_some_and(|fate| fate.deleted) {
                    found.resurrected += 1;
                    words.push(format!("device {device} holds {item}, which was deleted"));
                }
                let set = fate.and_then(|fate| fate.read);
                if let (Some(set), Some(told)) = (set, held.read)
                    && set != told
                {
                    found.stale += 1;
                    words.push(format!("device {device} shows an old mark of {item}"));
                }
            }
        }
        let mut seen: BTreeSet<String> = found.findings.iter().cloned().collect();
        words.retain(|w| seen.insert(w.clone()));
        let room = FINDINGS_MAX.saturating_sub(found.findings.len());
        found.findings.extend(words.into_iter().take(room));
        found
    }
}

impl Books {
    fn note(&mut self, words: String) {
        if self.found.findings.len() < FINDINGS_MAX {
            self.found.findings.push(words);
        }
    }
}

/// A collection's id as a number: there are many items, and few collections.
fn hashed(collection: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    collection.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: (DeviceNo, u32) = (3, 7);
    const WOKEN: Woken = Woken {
        since_us: 900_000,
        first_us: 1_000_250,
    };

    fn item(number: u32) -> Marker {
        Marker {
            run: 1,
            number,
            user: 7,
        }
    }

    fn ledger() -> Ledger {
        let ledger = Ledger::new(1);
        ledger.acknowledged(item(1), 1_000_000);
        ledger
    }

    #[test]
    fn what_arrives_once_is_right_and_timed() {
        let ledger = ledger();
        let push = ledger
            .told(ME, "2", item(1), Some(WOKEN), 1_002_000)
            .unwrap();
        assert_eq!((push.heard_us, push.synced_us), (Some(250), 2_000));
        let truth = ledger.judge(&[ME]);
        assert!(truth.holds(), "{truth:?}");
        assert_eq!((truth.expected, truth.arrived), (1, 1));
    }

    #[test]
    fn what_came_while_a_device_was_busy_did_not_wake_it() {
        let ledger = ledger();
        let later = Woken {
            since_us: 1_500_000,
            first_us: 1_500_100,
        };
        let push = ledger
            .told(ME, "2", item(1), Some(later), 1_600_000)
            .unwrap();
        assert_eq!((push.heard_us, push.synced_us), (None, 600_000));
    }

    #[test]
    fn what_a_device_lacks_is_lost() {
        let truth = ledger().judge(&[ME, (4, 8)]);
        assert_eq!((truth.expected, truth.lost), (1, 1));
        assert!(truth.findings[0].contains("lacks"), "{truth:?}");
        assert!(!truth.holds());
    }

    #[test]
    fn what_is_there_twice_is_doubled_until_one_goes() {
        let ledger = ledger();
        for _ in 0..2 {
            ledger.told(ME, "2", item(1), None, 0);
        }
        assert_eq!(ledger.judge(&[ME]).doubled, 1);
        ledger.gone(ME.0, item(1));
        assert_eq!(ledger.judge(&[ME]).lost, 0);
        ledger.forgot(ME.0, "3");
        assert_eq!(ledger.judge(&[ME]).lost, 0);
        ledger.forgot(ME.0, "2");
        assert_eq!(ledger.judge(&[ME]).lost, 1);
    }

    #[test]
    fn what_was_deleted_may_not_come_back() {
        let ledger = ledger();
        ledger.told(ME, "2", item(1), None, 0);
        ledger.gone(ME.0, item(1));
        ledger.deleted(item(1));
        assert!(ledger.judge(&[ME]).holds());
        // Another device of the user was told in the same moment, and hears of it later.
        ledger.told((4, 7), "2", item(1), None, 0);
        assert_eq!(ledger.judge(&[ME]).resurrected, 0);
        assert_eq!(ledger.judge(&[(4, 7)]).resurrected, 1);
        ledger.gone(4, item(1));
        ledger.told(ME, "2", item(1), None, 0);
        ledger.gone(ME.0, item(1));
        assert_eq!(ledger.judge(&[ME]).resurrected, 1);
    }

    #[test]
    fn what_is_for_somebody_else_is_an_alarm_of_any_run() {
        let ledger = ledger();
        ledger.told((5, 8), "2", item(1), None, 0);
        ledger.told((5, 8), "2", Marker { run: 9, ..item(2) }, None, 0);
        let everybody = Marker { user: 0, ..item(3) };
        ledger.told((5, 8), "2", everybody, None, 0);
        assert_eq!(ledger.judge(&[]).foreign, 2);
    }

    #[test]
    fn an_old_mark_is_found() {
        let ledger = ledger();
        ledger.told(ME, "2", item(1), None, 0);
        ledger.told_mark(ME.0, item(1), false);
        ledger.marked(item(1), true);
        assert_eq!(ledger.judge(&[ME]).stale, 1);
        ledger.told_mark(ME.0, item(1), true);
        let truth = ledger.judge(&[ME]);
        assert_eq!(truth.violations.len(), 0);
    }

    #[test]
    fn the_last_mark_counts_and_of_two_at_one_time_neither() {
        let ledger = ledger();
        ledger.told(ME, "2", item(1), None, 0);
        let set = |read| {
            ledger.marking(item(1));
            ledger.marked(item(1), read);
        };
        set(true);
        set(false);
        // The marks came in the wrong order: the older one is what the device shows.
        ledger.told_mark(ME.0, item(1), false);
        ledger.told_mark(ME.0, item(1), true);
        assert_eq!(ledger.judge(&[ME]).stale, 1);
        ledger.told_mark(ME.0, item(1), false);
        assert_eq!(ledger.judge(&[ME]).stale, 0);
        // Two devices at one time: either may have been the last.
        ledger.marking(item(1));
        ledger.marking(item(1));
        ledger.marked(item(1), true);
        ledger.marked(item(1), false);
        ledger.told_mark(ME.0, item(1), true);
        assert_eq!(ledger.judge(&[ME]).stale, 0);
        // One after them is the last again; one without an answer is not.
        set(false);
        assert_eq!(ledger.judge(&[ME]).stale, 1);
        ledger.marking(item(1));
        ledger.mark_is_unsure(item(1));
        assert_eq!(ledger.judge(&[ME]).stale, 0);
    }

    #[test]
    fn what_nobody_acknowledged_may_arrive_or_not() {
        let ledger = Ledger::new(1);
        ledger.uncertain(item(1));
        assert!(ledger.judge(&[ME]).holds());
        assert_eq!(ledger.told(ME, "2", item(1), None, 5), None);
        assert!(ledger.judge(&[ME]).holds());
        ledger.violation((3, "14.1, Sync"), "Sync", "no key");
        assert!(!ledger.judge(&[ME]).holds());
    }

    #[test]
    fn every_kind_of_breach_has_one_example_whatever_else_was_found() {
        let ledger = Ledger::new(1);
        for number in 0..2 * FINDINGS_MAX {
            let number = u32::try_from(number).unwrap();
            ledger.told((5, 8), "2", item(number), None, 0);
        }
        // A kind that says all there is to say, and one of which the words say more.
        ledger.violation(
            (3, "14.1, Sync"),
            "Class may not stand here",
            "Class may not stand here",
        );
        ledger.violation(
            (4, "2.5, Sync"),
            "Class may not stand here",
            "Class may not stand here",
        );
        ledger.violation((4, "2.5, Sync"), "an unchanged key", "an unchanged key 7");
        let truth = ledger.judge(&[ME]);
        assert_eq!(truth.findings.len(), FINDINGS_MAX);
        assert_eq!(truth.violations["Class may not stand here"], 2);
        let examples: Vec<(&str, &str)> = (truth.examples.iter())
            .map(|(kind, example)| (kind.as_str(), example.as_str()))
            .collect();
        assert_eq!(
            examples,
            [
                ("Class may not stand here", "device 3, 14.1, Sync"),
                (
                    "an unchanged key",
                    "device 4, 2.5, Sync: an unchanged key 7"
                ),
            ]
        );
    }
}
