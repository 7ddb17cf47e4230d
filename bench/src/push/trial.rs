//! One server and one fleet as child processes, and what is asked of them.

use crate::must;
use crate::push::sys::{anonymous_bytes, cpu_us, now_ns};
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Which server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The appliance.
    Roost,
    /// tokio and rustls.
    Reference,
}

/// Both, in the order of their turns.
pub const KINDS: [Kind; 2] = [Kind::Roost, Kind::Reference];

/// Mebibytes of caches of a server whose own memory is measured.
const LEAN_CACHE_MIB: &str = "2";

/// A child process that is told lines and says lines.
pub struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Process {
    /// Starts this program with other arguments.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(arguments: &[&str]) -> Self {
        let program = must(std::env::current_exe());
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = must(child);
        let stdin = must(child.stdin.take().ok_or("no input"));
        let stdout = must(child.stdout.take().ok_or("no output"));
        Self {
            child,
            stdin,
            stdout: BufReader::new(stdout),
        }
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it says.
    ///
    /// # Panics
    /// If it has ended.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        let n = must(self.stdout.read_line(&mut line));
        assert!(n > 0, "a process of the bench has ended");
        line.trim_end().to_owned()
    }

    /// Tells it a line.
    ///
    /// # Panics
    /// If it has ended.
    pub fn tell(&mut self, line: &str) {
        must(writeln!(self.stdin, "{line}"));
        must(self.stdin.flush());
    }

    /// Tells it a line, and waits for what it says.
    pub fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.hear()
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = writeln!(self.stdin, "quit");
        let _ = self.stdin.flush();
        for _ in 0..100 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            rest(20);
        }
        self.kill();
    }
}

/// Waits until a server that was just started has done what it does once: looking through its
/// accounts, for one.
fn settle(pid: u32) -> std::io::Result<()> {
    const LOOKS_MAX: usize = 100;
    const LOOK_MS: u64 = 200;
    /// Half a per cent of a core.
    const QUIET_US: u64 = LOOK_MS * 5;
    for _ in 0..LOOKS_MAX {
        let begun = cpu_us(pid)?;
        rest(LOOK_MS);
        if cpu_us(pid)? - begun < QUIET_US {
            break;
        }
    }
    Ok(())
}

/// Waits so many milliseconds.
pub fn rest(ms: u64) {
    std::thread::park_timeout(Duration::from_millis(ms));
}

/// A server and its fleet.
pub struct Trial {
    /// The server.
    pub server: Process,
    /// The fleet.
    pub fleet: Process,
    /// Where mail comes in.
    pub lmtp: String,
    /// Where TLS is spoken.
    pub https: String,
}

/// How phones connect in a trial.
#[derive(Clone, Copy, Debug)]
pub struct Wire<'a> {
    /// `tls13`, `tls12` or `plain`.
    pub kind: &'a str,
    /// Sessions are resumed.
    pub resumes: bool,
}

/// TLS 1.3 with full handshakes.
pub const TLS13: Wire<'static> = Wire {
    kind: "tls13",
    resumes: false,
};

impl Trial {
    /// Starts both; the server has `users` users.
    #[must_use]
    pub fn start(kind: Kind, folder: &Path, users: usize, wire: Wire<'_>) -> Self {
        let folder = folder.to_string_lossy();
        let server = match kind {
            Kind::Roost => Process::start(&["serve-roost", &folder]),
            Kind::Reference => Process::start(&["serve-reference", &folder, &users.to_string()]),
        };
        Self::with(server, wire)
    }

    /// The same with a server that caches next to nothing.
    #[must_use]
    pub fn start_lean(kind: Kind, folder: &Path, users: usize, wire: Wire<'_>) -> Self {
        if kind == Kind::Reference {
            return Self::start(kind, folder, users, wire);
        }
        let folder = folder.to_string_lossy();
        Self::with(
            Process::start(&["serve-roost", &folder, LEAN_CACHE_MIB]),
            wire,
        )
    }

    fn with(mut server: Process, wire: Wire<'_>) -> Self {
        let said = server.hear();
        let words: Vec<&str> = said.split(' ').collect();
        let word = |n: usize| (*words.get(n).unwrap_or(&"")).to_owned();
        let addr = if wire.kind == "plain" {
            word(2)
        } else {
            word(1)
        };
        let resumes = if wire.resumes { "resumes" } else { "full" };
        let mut fleet = Process::start(&["fleet", &addr, wire.kind, resumes]);
        fleet.hear();
        let _ = settle(server.id());
        Self {
            server,
            fleet,
            lmtp: word(3),
            https: word(1),
        }
    }

    /// Tells the fleet something that has to succeed.
    ///
    /// # Panics
    /// If a phone failed.
    pub fn fleet(&mut self, line: &str) -> String {
        let said = self.fleet.ask(line);
        assert!(said.ends_with("failed=0"), "{line}: {said}");
        said
    }

    /// What the server counts under a name.
    pub fn counter(&mut self, name: &str) -> u64 {
        word(&self.server.ask("counters"), name).unwrap_or(0)
    }

    /// Waits until so many requests wait at the server.
    ///
    /// # Panics
    /// If they never do.
    pub fn wait_parked(&mut self, count: u64) {
        for n in 0..700_u64 {
            if self.counter("parked") == count {
                return;
            }
            // Soon at first: a single phone is there within a millisecond.
            rest((2 * n).clamp(1, 50));
        }
        panic_at(&format!("{} of {count} wait", self.counter("parked")));
    }

    /// A phone that was sent one mail: waits for its answer, lets it sync and park again; whether
    /// the Sync brought something.
    pub fn fetches(&mut self, user: usize, patience_ms: u64) -> bool {
        let said = self.fleet.ask(&format!("fetch {user} {patience_ms}"));
        said.starts_with("fetched 1 ") && said.ends_with("failed=0")
    }

    /// Waits for the answer of a user's phone; microseconds from `sent` to it.
    pub fn answered_after(&mut self, user: usize, sent: u64) -> Option<f64> {
        let answered = self.fleet("collect 1");
        let seen = pairs(&answered).get(&(user as u64)).copied();
        seen.map(|ns| us(ns.saturating_sub(sent)))
    }

    /// Tells the users `a` to `b` of news, all at once; microseconds to the last answer.
    pub fn storm(&mut self, a: usize, b: usize) -> f64 {
        let said = self.server.ask(&format!("storm {a} {b}"));
        let begun = said
            .split(' ')
            .nth(1)
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        let answered = self.fleet(&format!("collect {}", b - a));
        let seen = pairs(&answered);
        assert_eq!(seen.len(), b - a, "a wake was lost");
        us(seen
            .values()
            .max()
            .map_or(0, |last| last.saturating_sub(begun)))
    }

    /// Microseconds of CPU that the server has used.
    #[must_use]
    pub fn cpu_us(&self) -> u64 {
        cpu_us(self.server.id()).unwrap_or(0)
    }

    /// Bytes of memory that the server holds.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        anonymous_bytes(self.server.id()).unwrap_or(0)
    }

    /// Commits for the users `a` to `b` and waits for the answers: from each commit's durability to
    /// its answer at the phone in microseconds, in order; and from the first commit to the last
    /// answer.
    pub fn wake(&mut self, a: usize, b: usize) -> (Vec<f64>, f64) {
        let durable = self.server.ask(&format!("commit {a} {b}"));
        let answered = self.fleet(&format!("collect {}", b - a));
        let stamps = pairs(&durable);
        let seen = pairs(&answered);
        let mut waits: Vec<f64> = seen
            .iter()
            .filter_map(|(user, ns)| Some(us(ns.saturating_sub(*stamps.get(user)?))))
            .collect();
        assert_eq!(waits.len(), b - a, "a wake was lost");
        let first = stamps.values().min().copied().unwrap_or(0);
        let last = seen.values().max().copied().unwrap_or(0);
        waits.sort_by(f64::total_cmp);
        (waits, us(last.saturating_sub(first)))
    }
}

#[expect(clippy::panic, reason = "a bench ends where what it drives fails")]
fn panic_at(text: &str) {
    panic!("{text}");
}

/// The number behind `name=` in a line.
pub fn word(line: &str, name: &str) -> Option<u64> {
    let found = line
        .split(' ')
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    found?.parse().ok()
}

/// Nanoseconds in microseconds.
pub fn us(ns: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let ns = ns as f64;
    ns / 1_000.0
}

/// `word user:ns user:ns ...`.
fn pairs(line: &str) -> HashMap<u64, u64> {
    let pair = |word: &str| -> Option<(u64, u64)> {
        let (user, ns) = word.split_once(':')?;
        Some((user.parse().ok()?, ns.parse().ok()?))
    };
    line.split(' ').filter_map(pair).collect()
}

/// Microseconds that something took.
pub fn timed(run: impl FnOnce()) -> f64 {
    let begun = now_ns();
    run();
    us(now_ns() - begun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let found = pairs("answered 3:1000 7:2000 failed=0");
        assert_eq!((found.len(), found.get(&7)), (2, Some(&2_000)));
    }
}
