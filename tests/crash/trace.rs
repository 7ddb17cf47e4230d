//! The system calls of a child, recorded by `strace` and read back.
//!
//! Everything is recorded but calls that are known to change no file, and a call that is not
//! understood ends the test: what the replay does not know of, it must not pass over.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// Calls that change no file, and nothing about which file a descriptor stands for.
const HARMLESS: &str = "\
    access arch_prctl brk clock_getres clock_gettime clock_nanosleep epoll_ctl epoll_pwait \
    epoll_wait execve exit exit_group faccessat faccessat2 fadvise64 flock fstat fstatfs futex \
    get_robust_list getcwd getdents64 getegid geteuid getgid getpid getppid getpriority \
    getrandom getrlimit getrusage gettid gettimeofday getuid ioctl kill lstat madvise membarrier \
    mlock mprotect mremap munlock munmap nanosleep newfstatat poll ppoll prctl pread64 prlimit64 \
    readlink readlinkat restart_syscall rseq rt_sigaction rt_sigprocmask rt_sigreturn \
    sched_getaffinity sched_setaffinity sched_yield set_robust_list set_tid_address sigaltstack \
    stat statfs statx sysinfo tgkill uname";

/// One system call.
#[derive(Debug)]
pub(crate) struct Call {
    /// Its name.
    pub(crate) name: String,
    /// Its arguments as `strace` writes them, strings in hexadecimal.
    args: String,
    /// What it returned; `None` if it failed, or if the process ended before it returned.
    pub(crate) result: Option<i64>,
    /// Whether it returned.
    pub(crate) left: bool,
}

/// A moment of the record: a call begins or returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Moment {
    /// The call of this number is made.
    Enters(usize),
    /// It has returned.
    Leaves(usize),
}

/// All calls of one run of a child, and the order in which they began and returned.
#[derive(Default)]
pub(crate) struct Trace {
    pub(crate) calls: Vec<Call>,
    pub(crate) moments: Vec<Moment>,
}

/// Why `strace` cannot be used here; `None` if it can.
pub(crate) fn missing() -> Option<String> {
    let tried = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .output();
    match tried {
        Err(e) => Some(format!(
            "strace does not start ({e}); install it, in Debian: apt install strace"
        )),
        Ok(tried) if !tried.status.success() => Some(format!(
            "strace may not trace here: {}",
            String::from_utf8_lossy(&tried.stderr).trim()
        )),
        Ok(_) => None,
    }
}

/// `strace` with its record going to `log`; the program is still to be named.
pub(crate) fn record(log: &Path) -> Command {
    let quiet = HARMLESS.split_whitespace().map(|name| format!("?{name}"));
    let quiet: Vec<_> = quiet.collect();
    let mut strace = strace(log);
    strace.args(["-e", &format!("trace=!{}", quiet.join(","))]);
    strace
}

/// `strace` with its record going to `log`; the calls and the program are still to be named.
pub(crate) fn strace(log: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "--seccomp-bpf", "-xx", "-s", "1000000000", "-o"])
        .arg(log)
        .stdin(Stdio::null());
    strace
}

impl Trace {
    /// Reads a record.
    pub(crate) fn read(log: &Path) -> Self {
        let text = std::fs::read_to_string(log).unwrap();
        let mut trace = Self::default();
        // The call that each thread is in.
        let mut inside = HashMap::new();
        for line in text.lines() {
            let (thread, rest) = line.split_once(' ').unwrap();
            let rest = rest.trim_start();
            // Of a thread that was ended before its call was made nothing is known but that.
            if ["+++", "---", "???"]
                .iter()
                .any(|word| rest.starts_with(word))
            {
                continue;
            }
            if let Some(resumed) = rest.strip_prefix("<... ") {
                let Some(call) = inside.remove(thread) else {
                    assert!(resumed.starts_with("???"), "{line:.200}");
                    continue;
                };
                let (_, rest) = resumed.split_once(" resumed>").unwrap();
                trace.leave(call, rest);
                continue;
            }
            let (name, rest) = rest.split_once('(').unwrap();
            trace.moments.push(Moment::Enters(trace.calls.len()));
            trace.calls.push(Call {
                name: name.to_owned(),
                args: String::new(),
                result: None,
                left: false,
            });
            let call = trace.calls.len() - 1;
            match rest.strip_suffix("<unfinished ...>") {
                Some(args) => {
                    trace.calls[call].args.push_str(args);
                    inside.insert(thread, call);
                }
                None => trace.leave(call, rest),
            }
        }
        trace
    }

    /// A call returns: the rest of its arguments, a parenthesis and its result.
    fn leave(&mut self, call: usize, rest: &str) {
        let of = &mut self.calls[call];
        // The words for an error stand in parentheses, too.
        let ends = rest.rmatch_indices(')').map(|(at, _)| at);
        let end = ends.filter(|at| is_result(&rest[at + 1..])).max().unwrap();
        let (args, result) = (&rest[..end], &rest[end + 1..]);
        of.args.push_str(args);
        let result = result.trim_start().strip_prefix("= ").unwrap();
        let word = result.split_whitespace().next().unwrap();
        of.left = word != "?";
        // An address is not of interest.
        let result = word
            .strip_prefix("0x")
            .map_or_else(|| word.parse().ok(), |_| Some(0));
        of.result = result.filter(|n| *n >= 0);
        if of.left {
            self.moments.push(Moment::Leaves(call));
        }
    }
}

fn is_result(text: &str) -> bool {
    text.trim_start().starts_with("= ")
}

impl Call {
    /// The arguments.
    pub(crate) fn args(&self) -> Vec<&str> {
        // Strings are in hexadecimal, so no comma stands in one; what stands in braces is of no interest.
        self.args.split(", ").map(str::trim).collect()
    }

    /// A number among the arguments.
    pub(crate) fn number(&self, n: usize) -> i64 {
        let args = self.args();
        args[n].parse().unwrap_or_else(|_| panic!("{self:.200?}"))
    }

    /// A string among the arguments.
    pub(crate) fn bytes(&self, n: usize) -> Vec<u8> {
        let args = self.args();
        let hex = args[n]
            .strip_prefix('"')
            .and_then(|hex| hex.strip_suffix('"'));
        let hex = hex.unwrap_or_else(|| panic!("a string that is cut: {self:.200?}"));
        hex.as_bytes().chunks(4).map(byte).collect()
    }

    /// A path among the arguments.
    pub(crate) fn path(&self, n: usize) -> String {
        String::from_utf8(self.bytes(n)).unwrap()
    }

    /// Whether `strace` could not read an argument: of a thread that is being ended.
    pub(crate) fn has_no_sense(&self) -> bool {
        let args = self.args();
        args.iter()
            .any(|arg| *arg == "NULL" || arg.starts_with("0x"))
    }

    pub(crate) fn is_harmless(&self) -> bool {
        HARMLESS.split_whitespace().any(|name| name == self.name)
    }
}

/// A byte, written as `\x2f`.
fn byte(escape: &[u8]) -> u8 {
    let digit = |at: usize| match escape[at] {
        d @ b'0'..=b'9' => d - b'0',
        d => d - b'a' + 10,
    };
    assert_eq!(escape[..2], *b"\\x");
    digit(2) << 4 | digit(3)
}

#[test]
fn a_record_is_read_in_the_order_of_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let text = r#"7 openat(AT_FDCWD, "\x2f\x61", O_RDONLY|O_CLOEXEC) = -1 EIO (Input/output error) (INJECTED)
7 write(3, "\x61\x28"..., 2 <unfinished ...>
8 fsync(4)                          = 0
7 <... write resumed>) = 2
8 --- SIGCHLD {si_signo=SIGCHLD} ---
8 exit_group(0) = ?
7 fdatasync(3 <unfinished ...>) = ?
8 +++ exited with 0 +++
"#;
    std::fs::write(&log, text).unwrap();
    let trace = Trace::read(&log);
    let names: Vec<_> = trace.calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(
        names,
        ["openat", "write", "fsync", "exit_group", "fdatasync"]
    );
    let results: Vec<_> = trace.calls.iter().map(|call| call.result).collect();
    assert_eq!(results, [None, Some(2), Some(0), None, None]);
    use Moment::{Enters, Leaves};
    let order = [
        Enters(0),
        Leaves(0),
        Enters(1),
        Enters(2),
        Leaves(2),
        Leaves(1),
        Enters(3),
        Enters(4),
    ];
    assert_eq!(trace.moments, order);
    assert_eq!(trace.calls[0].path(1), "/a");
}
