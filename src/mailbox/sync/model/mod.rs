//! Everything at once, from a seed: devices that keep a database as a phone does, other writers,
//! lost and doubled requests, requests that cross, changing windows, a store that fails, crashes.
//!
//! When the faults stop and every device has synced until nothing is left, each has exactly what
//! its windows hold; each thing that a device added is there once; what was acknowledged as
//! deleted is gone; no device ever was told to start over without a reason.
//!
//! `ROOST_MODEL_SEEDS=1000` runs more seeds than the few that every test run takes,
//! `ROOST_MODEL_SEED=7` one of them.

mod phone;
mod server;

use std::collections::{BTreeMap, BTreeSet};

use super::Window;
use crate::clock::Clock;
use crate::mailbox::purge::DAY_MS;
use crate::mailbox::testing::{NEW_YEAR_MS, account, block_on};
use crate::mailbox::{By, DeviceNo, Error, FolderId, ItemId, Mailbox, Watched};
use crate::store::{FaultPlan, Memory, Rates, Scope, Store, keys};
use phone::Phone;
use server::{Content, Request, handle, in_turns};

const FOLDERS: [FolderId; 2] = [FolderId::INBOX, FolderId::TASKS];
const DEVICES: u32 = 3;
const STEPS: u32 = 250;
const SEEDS: u64 = 40;

/// Random numbers that repeat with their seed (splitmix64).
pub(super) struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    pub(super) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        match from.len() {
            0 => None,
            n => from.get(self.below(n)),
        }
    }
}

/// What has to be true of the items, by where each came from.
#[derive(Default)]
struct Ledger {
    /// Adds that were acknowledged, and server items that were committed.
    acked: BTreeSet<String>,
    /// Somebody wanted it gone, whether it came to that or not.
    unwanted: BTreeSet<String>,
    /// It is gone for good.
    dead: BTreeSet<String>,
    next: u64,
}

struct World {
    random: Random,
    memory: Memory,
    mailbox: Mailbox,
    clock: Clock,
    scope: Scope,
    phones: Vec<Phone>,
    ledger: Ledger,
    /// Requests that the network may deliver again: phone, request.
    old: Vec<(usize, Request)>,
}

impl World {
    async fn new(seed: u64) -> Self {
        let memory = Memory::new();
        let clock = Clock::manual(NEW_YEAR_MS);
        let mailbox = Mailbox::new(Store::Memory(memory.clone()), clock.clone(), true);
        let scope = mailbox.add_account(&account("anna")).await.unwrap();
        let mut phones = Vec::new();
        for number in 1..=DEVICES {
            let id = format!("D{number}");
            mailbox
                .get_or_add_device(scope, &id, "x", "y")
                .await
                .unwrap();
            phones.extend(FOLDERS.map(|folder| Phone::new(DeviceNo(number), folder)));
        }
        Self {
            random: Random(seed),
            memory,
            mailbox,
            clock,
            scope,
            phones,
            ledger: Ledger::default(),
            old: Vec::new(),
        }
    }

    fn content(&mut self, origin: Option<String>) -> Content {
        self.ledger.next += 1;
        let n = self.ledger.next;
        Content {
            origin: origin.unwrap_or_else(|| format!("o{n}")),
            text: format!("t{n}"),
            date_ms: NEW_YEAR_MS - self.random.below(40) as i64 * DAY_MS,
            complete: self.random.percent(30),
        }
    }

    async fn step(&mut self) {
        match self.random.below(100) {
            0..=24 => self.edit_on_server().await,
            25..=49 => self.edit_on_phone(),
            50..=89 => self.sync().await,
            90..=93 => self.redeliver().await,
            94..=95 => self.tidy().await,
            96 => self.crash(),
            97 => self.set_faults(),
            _ => self.forget(),
        }
    }

    fn set_faults(&mut self) {
        let seed = self.random.next();
        let mut rate = |max: usize| u16::try_from(self.random.below(max)).unwrap();
        let rates = Rates {
            full: rate(30),
            conflict: rate(60),
            ack_lost: rate(30),
            lost: rate(30),
            late: rate(300),
        };
        let mut plan = FaultPlan::random(seed, rates);
        if self.random.percent(40) {
            plan = plan.short_ranges(1 + self.random.below(5));
        }
        self.memory.inject(plan);
    }

    /// A kill and a restart: what is in memory is gone, what was durable is there.
    fn crash(&mut self) {
        self.memory = self.memory.crash();
        let store = Store::Memory(self.memory.clone());
        self.mailbox = Mailbox::new(store, self.clock.clone(), true);
    }

    /// Deliveries, another client without sync: new items, changes, deletions, moves.
    async fn edit_on_server(&mut self) {
        let folder = FOLDERS[self.random.below(2)];
        // A refused commit is no edit: whether it is in the store is what counts.
        let _ = self.edit_in(folder).await;
    }

    async fn edit_in(&mut self, folder: FolderId) -> Result<(), Error> {
        let (mailbox, scope) = (self.mailbox.clone(), self.scope);
        let target = mailbox.folder(scope, folder).await?;
        let mut tx = mailbox.transaction(scope, By::default());
        let page = mailbox.list_items(scope, folder, None, 200).await?;
        let row = self.random.pick(&page.items).cloned();
        match (self.random.below(10), row) {
            (0..=3, _) | (_, None) => {
                let mut made = Vec::new();
                for _ in 0..1 + self.random.below(4) {
                    let content = self.content(None);
                    tx.add(&target, &content.record(folder)).await?;
                    made.push(content.origin);
                }
                tx.commit().await?;
                self.ledger.acked.extend(made);
            }
            (4..=6, Some(row)) => {
                let content = self.content(Some(Content::of(&row).origin));
                tx.update(&row, &content.record(folder))?;
                tx.commit().await?;
            }
            (_, Some(row)) => {
                let origin = Content::of(&row).origin;
                self.ledger.unwanted.insert(origin.clone());
                tx.delete(&row)?;
                tx.commit().await?;
                self.ledger.dead.insert(origin);
            }
        }
        Ok(())
    }

    fn edit_on_phone(&mut self) {
        let which = self.random.below(self.phones.len());
        let content = self.content(None);
        let random = &mut self.random;
        self.phones[which].edit(random, content, &mut self.ledger.unwanted);
    }

    fn forget(&mut self) {
        let which = self.random.below(self.phones.len());
        let phone = &mut self.phones[which];
        match self.random.below(6) {
            // Some clients do not repeat what they sent, and want to see it come back.
            0..=2 => phone.forget_commands(),
            3 => phone.reset(),
            _ => {
                let since_ms = NEW_YEAR_MS - self.random.below(45) as i64 * DAY_MS;
                let all = self.random.percent(30);
                phone.window = Window {
                    since_ms: if all { i64::MIN } else { since_ms },
                    incomplete_only: self.random.percent(30),
                };
            }
        }
    }

    /// A request and, perhaps, its answer.
    async fn sync(&mut self) {
        let which = self.random.below(self.phones.len());
        let request = self.phones[which].request(&mut self.random);
        let fate = self.random.below(100);
        if fate < 5 {
            // Never arrives; but the network may deliver it later.
            self.remember(which, request);
            return;
        }
        let (mailbox, scope) = (self.mailbox.clone(), self.scope);
        let answer = if fate < 15 {
            // Both have the same room: the second answer is as long as the first.
            let one = Box::pin(handle(&mailbox, scope, &request, None));
            let two = Box::pin(handle(&mailbox, scope, &request, None));
            let (one, two) = in_turns(one, two).await;
            if self.random.percent(50) { one } else { two }
        } else {
            let seed = Some(self.random.next());
            Box::pin(handle(&mailbox, scope, &request, seed)).await
        };
        self.remember(which, request.clone());
        let lost = (15..30).contains(&fate);
        match answer {
            Ok(answer) if !lost => {
                let ledger = &mut self.ledger;
                let (acked, dead) = (&mut ledger.acked, &mut ledger.dead);
                self.phones[which].take(&request, answer, acked, dead);
            }
            // 503, or nothing: the phone asks again.
            _ => {}
        }
    }

    fn remember(&mut self, which: usize, request: Request) {
        self.old.push((which, request));
        if self.old.len() > 12 {
            let at = self.random.below(self.old.len());
            self.old.remove(at);
        }
    }

    /// An old request arrives again, and nobody waits for its answer.
    async fn redeliver(&mut self) {
        let Some((which, request)) = self.random.pick(&self.old).cloned() else {
            return;
        };
        self.phones[which].disturbed = true;
        let seed = Some(self.random.next());
        let (mailbox, scope) = (self.mailbox.clone(), self.scope);
        let _ = Box::pin(handle(&mailbox, scope, &request, seed)).await;
    }

    /// Time passes, and the background work is done.
    async fn tidy(&mut self) {
        let days = self.random.below(40) as i64;
        self.clock.advance(days * DAY_MS);
        let _ = self.mailbox.purge_all(self.scope).await;
    }

    /// The faults stop: every phone syncs until nothing is left, and everything agrees.
    async fn settle(&mut self) {
        self.memory.inject(FaultPlan::none());
        for which in 0..self.phones.len() {
            let mut rounds = 0;
            loop {
                rounds += 1;
                assert!(rounds < 300, "no end in sight");
                let request = self.phones[which].request(&mut self.random);
                let (mailbox, scope) = (self.mailbox.clone(), self.scope);
                let answer = Box::pin(handle(&mailbox, scope, &request, None))
                    .await
                    .unwrap();
                let ledger = &mut self.ledger;
                let (acked, dead) = (&mut ledger.acked, &mut ledger.dead);
                let quiet = request.commands.is_empty() && request.key != 0;
                let done = quiet && answer.is_quiet(request.key);
                self.phones[which].take(&request, answer, acked, dead);
                if done {
                    break;
                }
            }
        }
        // What a later phone did, the earlier ones have not seen.
        for which in 0..self.phones.len() {
            self.drain(which).await;
        }
    }

    async fn drain(&mut self, which: usize) {
        loop {
            let request = self.phones[which].request(&mut self.random);
            let (mailbox, scope) = (self.mailbox.clone(), self.scope);
            let answer = Box::pin(handle(&mailbox, scope, &request, None))
                .await
                .unwrap();
            let done = answer.is_quiet(request.key);
            let ledger = &mut self.ledger;
            let (acked, dead) = (&mut ledger.acked, &mut ledger.dead);
            self.phones[which].take(&request, answer, acked, dead);
            if done {
                return;
            }
        }
    }

    async fn check(&self) {
        let mut live: BTreeMap<String, usize> = BTreeMap::new();
        for folder in FOLDERS {
            let items = self.items(folder).await;
            for content in items.values() {
                *live.entry(content.origin.clone()).or_default() += 1;
            }
            for phone in self.phones.iter().filter(|phone| phone.folder == folder) {
                let mut expect = items.clone();
                expect.retain(|_, content| phone.wants(content));
                let differs = |(item, content): &(&ItemId, &Content)| {
                    phone.has.get(item) != expect.get(item) && !content.text.is_empty()
                };
                let both = phone.has.iter().chain(&expect);
                let odd: Vec<_> = both.filter(differs).collect();
                let empty = Vec::new();
                assert_eq!(odd, empty, "{:?} {folder:?}", phone.device);
                let (mailbox, device) = (&self.mailbox, phone.device);
                let watched = mailbox.watch(self.scope, device, folder).await;
                assert_eq!(watched, Ok(Watched::Unchanged));
                let estimate = mailbox.estimate(self.scope, device, folder, phone.key, None, 9);
                assert_eq!(estimate.await, Ok(Some(0)));
            }
        }
        for (origin, count) in &live {
            assert_eq!(*count, 1, "{origin} is there {count} times");
            assert!(!self.ledger.dead.contains(origin), "{origin} has come back");
        }
        for origin in self.ledger.acked.difference(&self.ledger.unwanted) {
            assert!(live.contains_key(origin), "{origin} is lost");
        }
        self.check_rows().await;
    }

    /// One entry of the log and one place per item, and states that do not grow.
    async fn check_rows(&self) {
        let rows = async |span| self.mailbox.all(span).await.unwrap();
        for folder in FOLDERS {
            let items = rows(keys::items(self.scope, folder.0)).await;
            let dates = rows(keys::dates(self.scope, folder.0)).await;
            assert_eq!(items.len(), dates.len());
            let log = rows(keys::changes(self.scope, folder.0)).await;
            let mut entries = BTreeMap::new();
            for row in &log {
                let key = keys::parse_change(&row.key).unwrap();
                assert_eq!(entries.insert(key.item, key.seq), None, "two entries");
            }
            for row in &items {
                let key = keys::parse_item(&row.key).unwrap();
                assert_eq!(entries.get(&key.item), Some(&row.version));
            }
        }
        for device in 1..=DEVICES {
            let states = rows(keys::syncs(self.scope, device)).await;
            assert!(states.len() <= 2 * FOLDERS.len());
            let bytes: usize = states.iter().map(|row| row.value().len()).sum();
            assert!(bytes < 8_000, "{bytes} bytes of state");
        }
    }

    async fn items(&self, folder: FolderId) -> BTreeMap<ItemId, Content> {
        let page = self.mailbox.list_items(self.scope, folder, None, 1_000);
        let items = page.await.unwrap().items;
        items
            .iter()
            .map(|row| (row.item, Content::of(row)))
            .collect()
    }
}

async fn run(seed: u64) {
    let mut world = World::new(seed).await;
    for _ in 0..STEPS {
        world.step().await;
    }
    world.settle().await;
    world.check().await;
}

#[test]
fn after_the_faults_every_device_has_what_the_server_has() {
    let of = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let seeds = match of("ROOST_MODEL_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..of("ROOST_MODEL_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        println!("seed {seed}");
        block_on(run(seed));
    }
}
