//! What a process takes: its CPU and memory, read from Linux; and the kernel's memory of sockets.
//!
//! Deliberately absent: other hosts; a server elsewhere has metrics of its own.

use std::fs;
use std::path::{Path, PathBuf};

/// Microseconds of a tick of `/proc/PID/stat`: 100 a second on every Linux of today (`USER_HZ`).
const TICK_US: u64 = 10_000;
const PAGE_BYTES: u64 = 4_096;

/// Something whose consumption can be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Watched {
    /// A process.
    Process(u32),
    /// Several processes together; memory that they share counts once.
    Processes(Vec<u32>),
    /// A control group (v2), such as `/sys/fs/cgroup/system.slice/roost.service`: for servers that
    /// are many processes.
    Group(PathBuf),
}

/// What was taken until now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Taken {
    /// CPU, microseconds.
    pub cpu_us: u64,
    /// Resident memory, bytes.
    pub bytes: u64,
}

impl Watched {
    /// This process.
    #[must_use]
    pub fn own() -> Self {
        Self::Process(std::process::id())
    }

    /// Reads it; none: it is not there (any more).
    #[must_use]
    pub fn read(&self) -> Option<Taken> {
        match self {
            Self::Process(pid) => {
                let folder = PathBuf::from(format!("/proc/{pid}"));
                let stat = fs::read_to_string(folder.join("stat")).ok()?;
                let statm = fs::read_to_string(folder.join("statm")).ok()?;
                Some(Taken {
                    cpu_us: ticks(&stat)?.saturating_mul(TICK_US),
                    bytes: number(statm.split_whitespace().nth(1)?)?.saturating_mul(PAGE_BYTES),
                })
            }
            Self::Processes(pids) => pids.iter().try_fold(Taken::default(), |sum, pid| {
                let more = Self::Process(*pid).read()?;
                Some(Taken {
                    cpu_us: sum.cpu_us + more.cpu_us,
                    bytes: sum.bytes + proportional(*pid).unwrap_or(more.bytes),
                })
            }),
            Self::Group(folder) => {
                let cpu = fs::read_to_string(folder.join("cpu.stat")).ok()?;
                let memory = fs::read_to_string(folder.join("memory.stat")).ok()?;
                let field = |text: &str, name: &str| {
                    let line = text.lines().find_map(|l| l.strip_prefix(name));
                    line.and_then(|rest| number(rest.trim()))
                };
                Some(Taken {
                    cpu_us: field(&cpu, "usage_usec ")?,
                    bytes: field(&memory, "anon ")?,
                })
            }
        }
    }
}

/// Resident memory of which what is shared counts in parts: processes that were forked from one share
/// most of theirs. None: the system does not tell, or not us.
fn proportional(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("Pss:"))?;
    let kib = number(line.split_whitespace().next()?)?;
    Some(kib.saturating_mul(1_024))
}

/// CPU of user and system in ticks. The name of the command, in brackets, may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    Some(number(fields.next()?)? + number(fields.next()?)?)
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok()
}

/// The kernel's memory of TCP sockets on this machine, bytes.
#[must_use]
pub fn socket_bytes() -> Option<u64> {
    let text = fs::read_to_string(Path::new("/proc/net/sockstat")).ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("TCP:"))?;
    let mut words = line.split_whitespace();
    words.find(|word| *word == "mem")?;
    Some(number(words.next()?)?.saturating_mul(PAGE_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_can_be_read() {
        let taken = Watched::own().read().unwrap();
        assert!(taken.bytes > 100_000);
        assert!(socket_bytes().is_some());
        assert_eq!(Watched::Process(u32::MAX).read(), None);
        let own = std::process::id();
        let twice = Watched::Processes(vec![own, own]).read().unwrap();
        assert!(twice.bytes > taken.bytes && twice.cpu_us >= taken.cpu_us);
        assert_eq!(Watched::Processes(vec![own, u32::MAX]).read(), None);
        assert_eq!(Watched::Group("/nowhere".into()).read(), None);
    }

    #[test]
    fn a_name_with_brackets_and_blanks_is_no_field() {
        let stat = "7 (a) b) c) S 1 7 7 0 -1 4194560 100 0 0 0 25 17 0 0 20 0 1 0";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("nothing"), None);
    }
}
