//! A day in some minutes: a fleet waits, mail comes in, some reconnect all the time, a storm and a
//! crash come in between; and no wake is lost.
//!
//! The oracle: every delivered mail leads to an answer for its phone (Status 2, or an answer at once
//! to the Ping after a reconnect), and the phone's next Sync brings it. At the end as many requests
//! wait as the fleet has phones, and the memory is what it was.

use crate::must;
use crate::push::appliance;
use crate::push::door::Door;
use crate::push::sys::now_ns;
use crate::push::trial::{Kind, Process, TLS13, Trial, rest};

/// Mails each minute.
const MAILS_PER_MINUTE: usize = 1_000;
/// Of a hundred phones, so many reconnect each minute.
const RECONNECTS_PERCENT: usize = 1;
/// How long the answer to a mail may take before it counts as lost: far more than it does.
const LOST_MS: u64 = 30_000;

/// What the day came to.
#[derive(Default, Debug)]
struct Day {
    mails: usize,
    reconnects: usize,
    woken: usize,
    early: u64,
    late: u64,
}

/// Lives through a day; whether nothing was lost and nothing leaked.
///
/// # Panics
/// If a process fails.
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for the terminal"
)]
#[must_use]
pub fn run(minutes: usize, devices: usize) -> bool {
    let folder = must(tempfile::tempdir());
    eprintln!("making {devices} users ...");
    appliance::make(folder.path(), devices, 0);
    let mut trial = Trial::start(Kind::Roost, folder.path(), devices, TLS13);
    trial.fleet(&format!("prepare 0 {devices}"));
    trial.fleet(&format!("park 0 {devices}"));
    trial.wait_parked(devices as u64);
    let mut day = Day::default();
    for minute in 0..minutes {
        eprintln!("minute {} of {minutes}: {day:?}", minute + 1);
        if minute == minutes / 3 {
            storm(&mut trial, devices);
        }
        if minute == minutes / 2 {
            restart(&mut trial, folder.path(), devices);
        }
        pass_a_minute(&mut trial, devices, &mut day);
        if minute == 1 {
            day.early = trial.bytes();
        }
        day.late = trial.bytes();
    }
    rest(1_000);
    let parked = trial.counter("parked");
    let grown = mib(day.late) - mib(day.early);
    println!(
        "{} mails, {} reconnects, {} woken; {parked} of {devices} wait at the end; memory {:.1} MiB \
         after the second minute, {:+.1} MiB at the end",
        day.mails,
        day.reconnects,
        day.woken,
        mib(day.early),
        grown
    );
    // The store's caches and memtables fill up; a leak of entries or buffers is far more.
    let flat = grown < 96.0;
    let holds = parked == devices as u64 && day.woken == day.mails && flat;
    println!("{}", if holds { "holds" } else { "FAILS" });
    holds
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

/// Mails and reconnects, evenly over a minute, in steps of a second.
fn pass_a_minute(trial: &mut Trial, devices: usize, day: &mut Day) {
    let mut door = Door::open(&trial.lmtp);
    let begun = now_ns();
    for second in 0..60_u64 {
        let mails = share(MAILS_PER_MINUTE, second);
        let mut users = Vec::new();
        for _ in 0..mails {
            // Every phone in turn, neighbours far from each other.
            let user = day.mails * 7_919 % devices;
            let _ = door.deliver(user, day.mails);
            day.mails += 1;
            users.push(user);
        }
        let reconnects = share(devices * RECONNECTS_PERCENT / 100, second);
        for _ in 0..reconnects {
            let user = (day.reconnects * 104_729 + 13) % devices;
            day.reconnects += 1;
            if !users.contains(&user) {
                trial.fleet(&format!("close {user} {}", user + 1));
                trial.fleet(&format!("park {user} {}", user + 1));
            }
        }
        users.sort_unstable();
        users.dedup();
        for user in users {
            day.woken += usize::from(trial.fetches(user, LOST_MS));
        }
        let now = now_ns() - begun;
        rest(((second + 1) * 1_000_000_000).saturating_sub(now) / 1_000_000);
    }
}

/// The share of `n` that falls into a second of a minute.
fn share(n: usize, second: u64) -> usize {
    let second = usize::try_from(second).unwrap_or(0);
    (second + 1) * n / 60 - second * n / 60
}

fn storm(trial: &mut Trial, devices: usize) {
    trial.wake(0, devices);
    trial.fleet(&format!("park 0 {devices}"));
    trial.wait_parked(devices as u64);
}

/// A crash, and all phones come back.
fn restart(trial: &mut Trial, folder: &std::path::Path, devices: usize) {
    trial.server.kill();
    let _ = trial.fleet.ask(&format!("close 0 {devices}"));
    let folder = folder.to_string_lossy();
    trial.server = Process::start(&["serve-roost", &folder]);
    let said = trial.server.hear();
    let words: Vec<&str> = said.split(' ').collect();
    (*words.get(3).unwrap_or(&"")).clone_into(&mut trial.lmtp);
    trial.fleet(&format!("move {}", words.get(1).unwrap_or(&"")));
    trial.fleet(&format!("park 0 {devices}"));
    trial.wait_parked(devices as u64);
}
