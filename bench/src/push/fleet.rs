//! The fleet: thousands of phones in one process, on one epoll descriptor.
//!
//! Told on standard input, line by line, what to do (`prepare`, `park`, `repark`, `close`, `requests`,
//! `connect`, `first-sync`, `collect`), it says on standard output when that is done, and with
//! which times. Times are nanoseconds of the monotonic clock, which the servers stamp with, too.

#![expect(clippy::print_stderr, reason = "what goes wrong goes to the terminal")]

use crate::push::client::{Answer, Client, Way};
use crate::push::phone::{self, FOLDERS};
use crate::push::sys::{Epoll, now_ns};
use roost::mailbox::FolderId;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::BufRead as _;

/// Connections that are being made at a time: well below what a listener lets wait.
const CONNECTING_MAX: usize = 512;
/// How long nothing may happen before the fleet gives up.
const PATIENCE_NS: u64 = 60_000_000_000;

/// Bytes that one read takes at most.
const BUFFER_BYTES: usize = 16 * 1024;
/// How long the fleet's core stays awake after it was told something.
const AWAKE_NS: u64 = 500_000_000;

/// What a phone is to do, one request after the other.
type Script = VecDeque<Step>;

#[derive(Clone, PartialEq, Eq, Debug)]
enum Step {
    FolderSync,
    /// Sync of all folders with key 0, then with the keys that came, until nothing more comes.
    Sync,
    /// A request that is sent as it is, so often.
    Repeat(Vec<u8>, usize),
    Ping,
}

/// One phone.
struct Phone {
    user: usize,
    client: Option<Client>,
    script: Script,
    keys: Vec<(FolderId, String)>,
    items: usize,
    /// A Ping waits.
    parked: bool,
    /// When the last Ping was answered, unless that was told.
    answered_ns: Option<u64>,
    /// With which status.
    status: u32,
}

impl Phone {
    fn new(user: usize) -> Self {
        Self {
            user,
            client: None,
            script: Script::new(),
            keys: Vec::new(),
            items: 0,
            parked: false,
            answered_ns: None,
            status: 0,
        }
    }

    /// The next request; nothing where the script is at its end.
    fn next(&mut self) -> Option<Vec<u8>> {
        match self.script.front_mut()? {
            Step::FolderSync => Some(phone::folder_sync(self.user, "0")),
            Step::Sync => {
                if self.keys.is_empty() {
                    self.keys = FOLDERS.map(|f| (f, "0".to_owned())).into();
                }
                Some(phone::sync(self.user, &self.keys))
            }
            Step::Repeat(bytes, left) => {
                *left -= 1;
                let bytes = bytes.clone();
                if *left == 0 {
                    self.script.pop_front();
                }
                Some(bytes)
            }
            Step::Ping => {
                self.script.pop_front();
                self.parked = true;
                Some(phone::ping(self.user))
            }
        }
    }

    /// What an answer means.
    fn hear(&mut self, answer: &Answer, now: u64) {
        if self.parked {
            self.parked = false;
            self.answered_ns = Some(now);
            self.status = phone::ping_status(&answer.body);
            return;
        }
        match self.script.front() {
            Some(Step::FolderSync) => drop(self.script.pop_front()),
            Some(Step::Sync) => {
                let was_first = self.keys.iter().any(|(_, key)| key == "0");
                let sections = phone::synced(&answer.body);
                let more = sections.iter().any(|s| s.3);
                for (folder, key, items, _) in sections {
                    self.items += items;
                    if let Some(known) = self.keys.iter_mut().find(|(f, _)| f.0 == folder) {
                        known.1 = key;
                    }
                }
                if !was_first && !more {
                    self.script.pop_front();
                }
            }
            _ => {}
        }
    }
}

/// All phones, and what they wait for.
pub struct Fleet {
    epoll: Epoll,
    way: Way,
    phones: Vec<Phone>,
    /// Phones that have something to do and no connection yet.
    waiting: VecDeque<usize>,
    /// Phones that are at work.
    busy: usize,
    /// The connection ends with the script.
    closing: bool,
    /// Connections made since the start: chooses addresses.
    made: usize,
    failed: usize,
    /// Answers to Pings since they were last collected.
    answers: usize,
    /// What connections read through.
    buffer: Vec<u8>,
}

impl Fleet {
    /// # Errors
    /// When there is no descriptor left.
    pub fn new(way: Way) -> std::io::Result<Self> {
        Ok(Self {
            epoll: Epoll::new()?,
            way,
            phones: Vec::new(),
            waiting: VecDeque::new(),
            busy: 0,
            closing: false,
            made: 0,
            failed: 0,
            answers: 0,
            buffer: vec![0; BUFFER_BYTES],
        })
    }

    fn phone(&mut self, user: usize) -> &mut Phone {
        while self.phones.len() <= user {
            self.phones.push(Phone::new(self.phones.len()));
        }
        #[expect(clippy::indexing_slicing, reason = "made just now")]
        &mut self.phones[user]
    }

    /// Gives phones something to do; `at_once` of them at a time.
    fn run(&mut self, users: std::ops::Range<usize>, script: &[Step], at_once: usize) {
        for user in users {
            self.phone(user).script.extend(script.iter().cloned());
            self.waiting.push_back(user);
        }
        let begun = now_ns();
        let mut last = begun;
        loop {
            while self.busy < at_once
                && let Some(user) = self.waiting.pop_front()
            {
                self.busy += 1;
                self.begin(user);
            }
            if self.busy == 0 && self.waiting.is_empty() {
                return;
            }
            // Not asleep: a core that has to be woken costs whoever wakes it.
            if self.turn(0) {
                last = now_ns();
            } else if now_ns() - last > PATIENCE_NS {
                self.failed += self.busy;
                self.busy = 0;
                return;
            }
        }
    }

    fn begin(&mut self, user: usize) {
        if self.phone(user).client.is_none() {
            self.made += 1;
            let client = Client::connect(&self.way, self.made % 40_000);
            match client {
                Ok(client) => {
                    let _ = self.epoll.add(client.fd(), user as u64);
                    self.phone(user).client = Some(client);
                }
                Err(_) => return self.lost(user),
            }
        }
        self.go_on(user);
    }

    /// Sends the next request of a phone, or notes that it has none.
    fn go_on(&mut self, user: usize) {
        let closing = self.closing;
        let phone = self.phone(user);
        let Some(request) = phone.next() else {
            if closing {
                phone.client = None;
            }
            self.busy = self.busy.saturating_sub(1);
            return;
        };
        let parks = phone.parked;
        let sent = phone.client.as_mut().map(|c| c.send(&request));
        if !matches!(sent, Some(Ok(()))) {
            return self.lost(user);
        }
        if parks && self.phone(user).script.is_empty() {
            self.busy = self.busy.saturating_sub(1);
        }
    }

    fn lost(&mut self, user: usize) {
        let phone = self.phone(user);
        phone.client = None;
        phone.script.clear();
        let was_parked = std::mem::take(&mut phone.parked);
        self.failed += 1;
        if !was_parked {
            self.busy = self.busy.saturating_sub(1);
        }
    }

    /// Deals with what is ready; says whether anything was.
    fn turn(&mut self, timeout_ms: i32) -> bool {
        let mut tokens = Vec::new();
        self.epoll.wait(timeout_ms, &mut tokens);
        for (token, ends) in &tokens {
            let user = usize::try_from(*token).unwrap_or(0);
            self.ready(user, *ends);
        }
        !tokens.is_empty()
    }

    fn ready(&mut self, user: usize, ends: bool) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let phone = self.phone(user);
        let read = phone.client.as_mut().map(|client| {
            client.flush()?;
            client.read(&mut buffer, ends)
        });
        self.buffer = buffer;
        let Some(read) = read else { return };
        let phone = self.phone(user);
        let now = now_ns();
        let mut answers = Vec::new();
        while let Some(answer) = phone.client.as_mut().and_then(Client::answer) {
            answers.push(answer);
        }
        for answer in answers {
            if answer.status != 200 {
                eprintln!("user {user} is answered {}", answer.status);
                return self.lost(user);
            }
            let phone = self.phone(user);
            let was_parked = phone.parked;
            phone.hear(&answer, now);
            if was_parked {
                self.answers += 1;
                if self.phone(user).status != 2 {
                    self.failed += 1;
                }
            } else {
                self.go_on(user);
            }
        }
        if read.is_err() && self.phone(user).client.is_some() {
            self.lost(user);
        }
    }

    /// Waits until so many Pings were answered; says who and when.
    fn collect(&mut self, count: usize) -> String {
        let begun = now_ns();
        while self.answers < count && now_ns() - begun < PATIENCE_NS {
            self.turn(0);
        }
        self.failed += count.saturating_sub(self.answers);
        self.answers = 0;
        let mut said = String::from("answered");
        for phone in &mut self.phones {
            if let Some(ns) = phone.answered_ns.take() {
                let _ = write!(said, " {}:{ns}", phone.user);
            }
        }
        said
    }

    /// Waits until a phone's Ping is answered, syncs, and parks again; says how many items came.
    fn fetch(&mut self, user: usize, patience_ms: u64) -> String {
        let begun = now_ns();
        while self.phone(user).parked && now_ns() - begun < patience_ms * 1_000_000 {
            self.turn(5);
        }
        // A connection that was lost is no answer, and neither is the end of the time.
        self.forget_answer(user);
        let phone = self.phone(user);
        let told = std::mem::take(&mut phone.status) == 2;
        phone.items = 0;
        self.run(user..user + 1, &[Step::Sync, Step::Ping], 1);
        let items = self.phone(user).items;
        format!("fetched {}", if told { items } else { 0 })
    }

    /// An answer that nobody will collect.
    fn forget_answer(&mut self, user: usize) {
        if self.phone(user).answered_ns.take().is_some() {
            self.answers = self.answers.saturating_sub(1);
        }
    }

    fn close(&mut self, users: std::ops::Range<usize>) {
        for user in users {
            self.forget_answer(user);
            let phone = self.phone(user);
            phone.client = None;
            phone.parked = false;
            phone.script.clear();
        }
    }

    /// New connections, each with one request; says how many nanoseconds they took in all.
    fn connections(&mut self, count: usize) -> String {
        self.closing = true;
        let begun = now_ns();
        let step = [Step::Repeat(phone::options(0), 1)];
        let first = 20_000;
        self.run(first..first + count, &step, 32);
        self.closing = false;
        format!("connected {}", now_ns() - begun)
    }

    /// One line of what it is told; what it says of it.
    fn obey(&mut self, words: &[&str]) -> String {
        let number = |n: usize| -> usize { words.get(n).and_then(|w| w.parse().ok()).unwrap_or(0) };
        let users = number(1)..number(2);
        self.failed = 0;
        let said = match words.first().copied().unwrap_or_default() {
            "prepare" => {
                self.closing = true;
                self.run(users, &[Step::FolderSync, Step::Sync], CONNECTING_MAX);
                self.closing = false;
                "prepared".to_owned()
            }
            "park" => {
                self.run(users, &[Step::Ping], CONNECTING_MAX);
                "parked".to_owned()
            }
            "collect" => self.collect(number(1)),
            "close" => {
                self.close(users);
                "closed".to_owned()
            }
            "requests" => {
                let (user, count) = (number(2), number(3));
                let request = self.warm_request(words.get(1).copied().unwrap_or_default(), user);
                let begun = now_ns();
                self.run(user..user + 1, &[Step::Repeat(request, count)], 1);
                format!("requested {}", now_ns() - begun)
            }
            "connections" => self.connections(number(1)),
            "first-sync" => {
                let user = number(1);
                self.phone(user).keys.clear();
                self.phone(user).items = 0;
                self.run(user..user + 1, &[Step::Sync], 1);
                // Who never presents the last key has not heard the last answer, and who begins anew
                // then is taken for one that trips over its items.
                let heard = self.warm_request("sync", user);
                self.run(user..user + 1, &[Step::Repeat(heard, 1)], 1);
                format!("synced {}", self.phone(user).items)
            }
            "fetch" => self.fetch(number(1), number(2) as u64),
            "move" => {
                if let Some(addr) = words.get(1).and_then(|w| w.parse().ok()) {
                    self.way.addr = addr;
                }
                "moved".to_owned()
            }
            _ => "unknown".to_owned(),
        };
        format!("{said} failed={}", self.failed)
    }

    /// A request that tells nothing new, on a connection that is there.
    fn warm_request(&mut self, kind: &str, user: usize) -> Vec<u8> {
        match kind {
            "options" => phone::options(user),
            "folder-sync" => phone::folder_sync(user, "1"),
            _ => {
                if self.phone(user).keys.is_empty() {
                    self.run(user..user + 1, &[Step::Sync], 1);
                }
                let keys: Vec<_> = self
                    .phone(user)
                    .keys
                    .iter()
                    .filter(|(f, _)| *f == FolderId::INBOX)
                    .cloned()
                    .collect();
                phone::sync(user, &keys)
            }
        }
    }
}

/// Does what it is told until the input ends.
///
/// # Errors
/// When there is no descriptor left.
#[expect(clippy::print_stdout, reason = "what it says goes to who drives it")]
pub fn serve(way: Way) -> std::io::Result<()> {
    let mut fleet = Fleet::new(way)?;
    let (tx, lines) = flume::unbounded();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = tx.send(line);
        }
    });
    println!("ready");
    let mut told = now_ns();
    loop {
        match lines.try_recv() {
            Ok(line) => {
                told = now_ns();
                let words: Vec<&str> = line.split(' ').collect();
                println!("{}", fleet.obey(&words));
            }
            // Awake, for a while after it was told something.
            Err(flume::TryRecvError::Empty) => {
                let is_busy = now_ns() - told < AWAKE_NS;
                fleet.turn(i32::from(!is_busy));
            }
            Err(flume::TryRecvError::Disconnected) => return Ok(()),
        }
    }
}
