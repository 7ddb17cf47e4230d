//! A recorded run, played again call by call on a [`Disk`] of ours.

use std::collections::HashMap;

use crate::disk::{Disk, Node, Settled};
use crate::trace::{Call, Moment, Trace};

/// An open file or folder.
#[derive(Clone, Copy)]
struct Open {
    node: Node,
    at: u64,
    append: bool,
    writable: bool,
}

/// The disk as far as the record was played, and what the child had said by then.
pub(crate) struct Replay {
    /// The path that became the folder of the disk.
    root: String,
    pub(crate) disk: Disk,
    /// What it acknowledged, line by line.
    pub(crate) heard: Vec<String>,
    open: HashMap<i64, Open>,
    /// What was under the path when the call that opens it began; another thread may remove it
    /// before the call is seen to return.
    opening: HashMap<usize, Node>,
    /// What the child said of a line that is not complete.
    said: String,
    calls: usize,
    /// For planted faults.
    pub(crate) lie: Lie,
}

/// What a disk may pretend that syncs do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lie {
    None,
    /// No sync does anything.
    Syncs,
    /// Syncs of folders do nothing.
    FolderSyncs,
}

/// How the file that is open as the standard output is told from those on the disk.
const STDOUT: i64 = 1;

impl Replay {
    pub(crate) fn new(root: &str) -> Self {
        Self {
            root: root.to_owned(),
            disk: Disk::new(),
            heard: Vec::new(),
            open: HashMap::new(),
            opening: HashMap::new(),
            said: String::new(),
            calls: 0,
            lie: Lie::None,
        }
    }

    /// The process ended, and these of the calls that were under way came to pass. Another one may
    /// go on, on the same disk.
    pub(crate) fn end_run(&mut self, trace: &Trace, done: &Settled) {
        self.disk.settle(done);
        self.open.clear();
        self.said.clear();
        // The calls of each run are numbered upwards from those of the run before.
        self.calls += trace.calls.len();
    }

    /// Plays one moment of a run.
    pub(crate) fn play(&mut self, trace: &Trace, moment: Moment) {
        match moment {
            Moment::Enters(n) => self.enter(&trace.calls[n], self.calls + n),
            Moment::Leaves(n) => self.leave(&trace.calls[n], self.calls + n),
        }
    }

    /// A call begins. What it changes may be on the disk from now on.
    fn enter(&mut self, call: &Call, id: usize) {
        let is_noise = !call.left && call.has_no_sense();
        if (call.left && call.result.is_none()) || is_noise {
            return;
        }
        match call.name.as_str() {
            // The number may be given to another file before this is seen to return.
            "close" => drop(self.open.remove(&call.number(0))),
            // Where it did not return, nobody may have heard it.
            "write" if call.number(0) == STDOUT && call.left => self.say(&call.bytes(1)),
            "write" => self.write(call, id),
            "ftruncate" => {
                if let Some(open) = self.open.get(&call.number(0)) {
                    self.disk.set_len(open.node, call.number(1) as u64, id);
                }
            }
            "fsync" | "fdatasync" => {
                if let Some(open) = self.open.get(&call.number(0)) {
                    self.disk.begin_sync(open.node, id);
                }
            }
            "mkdir" => self.at(&call.path(0), |disk, folder, name| {
                disk.create_folder(folder, name, id);
            }),
            "mkdirat" => {
                assert_eq!(call.args()[0], "AT_FDCWD");
                self.at(&call.path(1), |disk, folder, name| {
                    disk.create_folder(folder, name, id);
                });
            }
            "unlink" | "rmdir" => {
                self.at(&call.path(0), |disk, folder, name| {
                    disk.unlink(folder, name, id)
                });
            }
            "unlinkat" => self.unlink_in(call, id),
            "rename" => self.rename(&call.path(0), &call.path(1), id),
            "renameat" | "renameat2" => {
                assert!(call.args()[0] == "AT_FDCWD" && call.args()[2] == "AT_FDCWD");
                assert!(call.name == "renameat" || call.args()[4] == "0");
                self.rename(&call.path(1), &call.path(3), id);
            }
            "openat" if call.args()[0] == "AT_FDCWD" && !call.left => {
                self.open_at_the_end(&call.path(1), call.args()[2], id);
            }
            "open" => self.opening(&call.path(0), id),
            "openat" if call.args()[0] == "AT_FDCWD" => self.opening(&call.path(1), id),
            "openat" | "lseek" | "read" | "fcntl" => {}
            "mmap" => self.map(call),
            "clone" | "clone3" => assert!(call.args().concat().contains("CLONE_FILES")),
            // Those that are not ours are not synced to anything either.
            "socket" | "socketpair" | "eventfd2" | "pipe2" | "epoll_create1" => {}
            // Of a thread that the end of the process interrupts, strace may say what is not so; what
            // was so is seen on the real disk.
            _ => assert!(
                call.is_harmless() || !call.left,
                "not understood: {call:.300?}"
            ),
        }
    }

    /// A call has returned.
    fn leave(&mut self, call: &Call, id: usize) {
        self.disk.done(id);
        let Some(result) = call.result else {
            // A call that failed did nothing, and a sync that failed is no sync.
            return;
        };
        match call.name.as_str() {
            "open" => self.opened(&call.path(0), call.args()[1], result, id),
            "openat" if call.args()[0] == "AT_FDCWD" => {
                self.opened(&call.path(1), call.args()[2], result, id);
            }
            // Of a folder that is about to be removed; nothing is created that way.
            "openat" => self.opened_in(call, result),
            "lseek" => {
                if let Some(open) = self.open.get_mut(&call.number(0)) {
                    open.at = result as u64;
                }
            }
            "read" => {
                if let Some(open) = self.open.get_mut(&call.number(0)) {
                    open.at += result as u64;
                }
            }
            "fcntl" if call.args()[1].starts_with("F_DUPFD") => {
                let of = self.open.get(&call.number(0));
                assert!(of.is_none(), "two descriptors with one position: {call:?}");
            }
            "fsync" | "fdatasync" => {
                if let Some(open) = self.open.get(&call.number(0)) {
                    let lies = match self.lie {
                        Lie::None => false,
                        Lie::Syncs => true,
                        Lie::FolderSyncs => self.disk.is_folder(open.node),
                    };
                    if !lies {
                        self.disk.end_sync(id);
                    }
                }
            }
            _ => {}
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        self.said.push_str(&String::from_utf8_lossy(bytes));
        while let Some(end) = self.said.find('\n') {
            let line: String = self.said.drain(..=end).collect();
            // The harness may have begun the line.
            if let Some((_, said)) = line.trim_end().split_once("ack ") {
                self.heard.push(format!("ack {said}"));
            }
        }
    }

    fn write(&mut self, call: &Call, id: usize) {
        let Some(open) = self.open.get_mut(&call.number(0)) else {
            return;
        };
        let mut bytes = call.bytes(1);
        if let Some(written) = call.result {
            bytes.truncate(written as usize);
        }
        if open.append {
            open.at = self.disk.len(open.node);
        }
        let at = open.at;
        open.at += bytes.len() as u64;
        self.disk.write(open.node, at, bytes, id);
    }

    /// The path within the disk; `None` if it is elsewhere.
    fn within<'a>(&self, path: &'a str) -> Option<&'a str> {
        assert!(path.starts_with('/'), "a path that is not absolute: {path}");
        let rest = path.strip_prefix(&self.root)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }

    /// Does something to a name in its folder.
    fn at(&mut self, path: &str, act: impl FnOnce(&mut Disk, Node, &str)) {
        if let Some(path) = self.within(path) {
            let (folder, name) = path.rsplit_once('/').unwrap();
            let folder = self.disk.find(0, folder).unwrap();
            act(&mut self.disk, folder, name);
        }
    }

    fn rename(&mut self, from: &str, to: &str, id: usize) {
        let (Some(from), Some(to)) = (self.within(from), self.within(to)) else {
            assert!(self.within(from).is_none() && self.within(to).is_none());
            return;
        };
        let (folder, from) = from.rsplit_once('/').unwrap();
        let (target, to) = to.rsplit_once('/').unwrap();
        assert_eq!(folder, target, "from folder to folder");
        let folder = self.disk.find(0, folder).unwrap();
        self.disk.rename(folder, from, to, id);
    }

    fn unlink_in(&mut self, call: &Call, id: usize) {
        let path = call.path(1);
        match call.args()[0] {
            "AT_FDCWD" => self.at(&path, |disk, folder, name| disk.unlink(folder, name, id)),
            folder => {
                if let Some(open) = self.open.get(&folder.parse().unwrap()) {
                    self.disk.unlink(open.node, &path, id);
                }
            }
        }
    }

    fn opening(&mut self, path: &str, id: usize) {
        let found = self.within(path).map(|path| self.disk.find(0, path));
        if let Some(node) = found.flatten() {
            self.opening.insert(id, node);
        }
    }

    /// The process ended while it opened a file: that may have come to pass.
    fn open_at_the_end(&mut self, path: &str, flags: &str, id: usize) {
        let Some(path) = self.within(path) else {
            return;
        };
        match self.disk.find(0, path) {
            Some(node) if flags.contains("O_TRUNC") => self.disk.set_len(node, 0, id),
            None if flags.contains("O_CREAT") => {
                let (folder, name) = path.rsplit_once('/').unwrap();
                let folder = self.disk.find(0, folder).unwrap();
                self.disk.create_file(folder, name, id);
            }
            _ => {}
        }
    }

    fn opened(&mut self, path: &str, flags: &str, result: i64, id: usize) {
        let Some(path) = self.within(path) else {
            return;
        };
        let has = |flag| flags.split('|').any(|f| f == flag);
        let before = self.opening.remove(&id);
        let node = match before.or_else(|| self.disk.find(0, path)) {
            Some(node) => node,
            None => {
                assert!(has("O_CREAT"), "{path} is not there, {flags}");
                let (folder, name) = path.rsplit_once('/').unwrap();
                let folder = self.disk.find(0, folder).unwrap();
                self.disk.create_file(folder, name, id)
            }
        };
        if has("O_TRUNC") {
            self.disk.set_len(node, 0, id);
        }
        self.disk.done(id);
        let known = ["O_SYNC", "O_DSYNC", "O_DIRECT", "O_TMPFILE"];
        assert!(!known.into_iter().any(has), "{flags}");
        let open = Open {
            node,
            at: 0,
            append: has("O_APPEND"),
            writable: !has("O_RDONLY"),
        };
        self.open.insert(result, open);
    }

    fn opened_in(&mut self, call: &Call, result: i64) {
        assert!(!call.args()[2].contains("O_CREAT"), "{call:?}");
        let Some(folder) = self.open.get(&call.number(0)).copied() else {
            return;
        };
        let node = self.disk.find(folder.node, &call.path(1)).unwrap();
        self.open.insert(result, Open { node, ..folder });
    }

    /// What is written to a shared map of a file is not in the record.
    fn map(&self, call: &Call) {
        let args = call.args();
        let open = args[4].parse().ok().and_then(|fd: i64| self.open.get(&fd));
        let shared = args[3].contains("MAP_SHARED");
        assert!(
            !(shared && open.is_some_and(|open| open.writable)),
            "{call:?}"
        );
    }
}
