//! What the fleet tells goes into the books: the [`Witness`] of a run.

use super::fleet::{Moment, Seen, Who, Witness};
use super::marker::Marker;
use super::measure::{Meter, Meters};
use super::run;
use super::truth::{Ledger, Woken};
use crate::Violation;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Folders in which what is found counts, by type: the Inbox, tasks, calendar, contacts, notes. In Sent
/// and Deleted Items copies are as they should be.
const COUNTED: [u32; 5] = [2, 7, 8, 9, 10];

/// The witness of a run.
pub struct Judge {
    /// The books.
    pub ledger: Arc<Ledger>,
    /// Counts the items of the run.
    pub numbers: Arc<AtomicU32>,
    meters: Arc<Meters>,
    meter: Arc<Mutex<Meter>>,
    /// Devices that have looked at everything once more.
    looked: Mutex<Vec<(u32, u32)>>,
    /// How many have not.
    unseen: AtomicU32,
}

impl Judge {
    /// Of a run with this number; its items count from `first`.
    #[must_use]
    pub fn new(run: u32, first: u32, meters: &Arc<Meters>) -> Self {
        Self {
            ledger: Arc::new(Ledger::new(run)),
            numbers: Arc::new(AtomicU32::new(first)),
            meter: meters.meter(),
            meters: Arc::clone(meters),
            looked: Mutex::default(),
            unseen: AtomicU32::new(0),
        }
    }

    /// What is wrong at the end.
    #[must_use]
    pub fn verdict(&self) -> run::Truth {
        let looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        run::Truth {
            unseen: self.unseen.load(Ordering::Relaxed),
            ..self.ledger.judge(&looked)
        }
    }

    fn marker(&self, subject: &str) -> Option<Marker> {
        Marker::find(subject).filter(|marker| marker.run == self.ledger.run())
    }
}

impl Witness for Judge {
    fn subject(&self, _: Who, _: &str, _: u32, to_user: u32) -> String {
        let marker = Marker {
            run: self.ledger.run(),
            number: self.numbers.fetch_add(1, Ordering::Relaxed),
            user: to_user,
        };
        marker.to_string()
    }

    fn is_ours(&self, subject: &str) -> bool {
        self.marker(subject).is_some()
    }

    fn holds(&self, who: Who, item: &Seen<'_>, when: Moment) {
        let Some(marker) = Marker::find(item.subject).filter(|_| COUNTED.contains(&item.folder))
        else {
            return;
        };
        let device = (who.device, who.user);
        let woken = when.waited_since_us.zip(when.woken_us);
        let woken = woken.map(|(since_us, first_us)| Woken { since_us, first_us });
        let push = self
            .ledger
            .told(device, item.collection, marker, woken, when.told_us);
        if let Some(read) = item.read {
            self.ledger.told_mark(who.device, marker, read);
        }
        if let Some(push) = push.filter(|_| matches!(item.folder, 2 | 8 | 9)) {
            let phase = self.meters.phase();
            let mut meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(us) = push.heard_us {
                meter.pushed(phase, us);
                meter.latency("push to synced", phase, push.synced_us);
            }
        }
    }

    fn changed(&self, who: Who, item: &Seen<'_>, _: Moment) {
        if let (Some(marker), Some(read)) = (self.marker(item.subject), item.read) {
            self.ledger.told_mark(who.device, marker, read);
        }
    }

    fn dropped(&self, who: Who, item: &Seen<'_>, _: Moment) {
        if let Some(marker) = self.marker(item.subject)
            && COUNTED.contains(&item.folder)
        {
            self.ledger.gone(who.device, marker);
        }
    }

    fn forgot(&self, who: Who, collection: &str) {
        self.ledger.forgot(who.device, collection);
    }

    fn marks(&self, who: Who, item: &Seen<'_>, read: bool, done: bool) {
        let Some(marker) = self.marker(item.subject) else {
            return;
        };
        if done {
            self.ledger.marked(marker, read);
            self.ledger.told_mark(who.device, marker, read);
        } else {
            self.ledger.marking(marker);
        }
    }

    fn unsure(&self, _: Who, subject: &str) {
        if let Some(marker) = self.marker(subject) {
            self.ledger.mark_is_unsure(marker);
        }
    }

    fn deletes(&self, who: Who, item: &Seen<'_>, done: bool) {
        let Some(marker) = self.marker(item.subject) else {
            return;
        };
        if done {
            self.ledger.deleted(marker);
            self.ledger.gone(who.device, marker);
        } else {
            self.ledger.doubts(marker);
        }
    }

    fn adds(&self, who: Who, collection: &str, subject: &str, id: Option<&str>) {
        let Some(marker) = self.marker(subject) else {
            return;
        };
        match id {
            None => self.ledger.uncertain(marker),
            Some(_) => {
                let now_us = self.meters.now_us();
                self.ledger.acknowledged(marker, now_us);
                let device = (who.device, who.user);
                self.ledger.told(device, collection, marker, None, now_us);
            }
        }
    }

    fn sends(&self, _: Who, _: u32, subject: &str, accepted_us: Option<u64>) {
        let Some(marker) = self.marker(subject) else {
            return;
        };
        match accepted_us {
            None => self.ledger.uncertain(marker),
            Some(us) => self.ledger.acknowledged(marker, us),
        }
    }

    fn violation(&self, who: Who, at: &str, what: &Violation) {
        let words = what.to_string();
        self.ledger
            .violation((who.device, at), &what.kind(), &words);
    }

    fn looked(&self, who: Who, whole: bool) {
        if whole {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            looked.push((who.device, who.user));
        } else {
            self.unseen.fetch_add(1, Ordering::Relaxed);
        }
    }
}
