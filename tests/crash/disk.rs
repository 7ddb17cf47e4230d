//! A file system that forgets: what is on the disk for certain, and what may or may not be.
//!
//! Files and folders are nodes, as on a real disk, so that a name and what it stands for last each
//! by itself. A change lasts once a sync of its node returned that began after the change was done;
//! a name lasts with the sync of its folder. All in the strict reading of POSIX: that ext4 and
//! others let more last is not relied on, with one exception.
//!
//! The exception: the engine (lsm-tree 3.1.10) never syncs the folder of its separated values, so
//! that on a strict disk a store may not open any more after its first table of such values. On
//! ext4, XFS and btrfs the sync of a new file lets its name last, too, and in this folder that is
//! relied on until the engine does better.

mod loss;

use std::collections::{BTreeMap, BTreeSet};

use crate::dice::Dice;
pub(crate) use loss::{MODELS, Model};

/// The number of a node; 0 is the folder that everything is in.
pub(crate) type Node = usize;

/// The content of a file: bytes, and zeros up to its length.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    pub(crate) len: u64,
}

/// A change to the content of a file.
#[derive(Clone, Debug)]
enum Change {
    Write { at: u64, bytes: Vec<u8> },
    Length(u64),
}

/// A change to the names of a folder.
#[derive(Clone, Debug)]
enum Naming {
    Link(String, Node),
    Unlink(String),
    /// Both or neither.
    Rename(String, String, Node),
}

/// Something that may not be on the disk yet: whose it is, what it is, which call made it.
#[derive(Clone, Debug)]
struct Pending<T> {
    node: Node,
    what: T,
    call: usize,
}

type Names = BTreeMap<String, Node>;

#[derive(Clone, Debug)]
enum Kind {
    File { synced: Content, len: u64 },
    Folder { synced: Names, now: Names },
}

/// The disk and the memory in front of it.
#[derive(Clone)]
pub(crate) struct Disk {
    nodes: Vec<Kind>,
    changes: Vec<Pending<Change>>,
    namings: Vec<Pending<Naming>>,
    /// Calls that have not returned.
    running: BTreeSet<usize>,
    /// What each sync that has begun will make last: the calls that were done before.
    syncs: BTreeMap<usize, (Node, BTreeSet<usize>)>,
    /// Folders where a file's name lasts with the file.
    lenient: Vec<Node>,
}

/// What a folder is called whose names last with its files.
const LENIENT: &str = "blobs";

/// A write that had not returned: its call, file, offset and bytes.
pub(crate) type UnderWay<'a> = (usize, Node, u64, &'a [u8]);

/// Which calls came to pass although they never returned, and with how many bytes.
pub(crate) type Settled = BTreeMap<usize, usize>;

impl Content {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Write { bytes, .. } if bytes.is_empty() => {}
            Change::Write { at, bytes } => {
                let (from, to) = (*at as usize, *at as usize + bytes.len());
                let end = self.bytes.len().max(to);
                self.bytes.resize(end, 0);
                self.bytes[from..to].copy_from_slice(bytes);
                self.len = self.len.max(to as u64);
            }
            Change::Length(len) => {
                self.len = *len;
                self.bytes.truncate(*len as usize);
            }
        }
    }
}

fn rename(names: &mut Names, naming: &Naming) {
    match naming {
        Naming::Link(name, node) => {
            names.insert(name.clone(), *node);
        }
        Naming::Unlink(name) => {
            names.remove(name);
        }
        Naming::Rename(from, to, node) => {
            names.remove(from);
            names.insert(to.clone(), *node);
        }
    }
}

impl Disk {
    /// An empty disk.
    pub(crate) fn new() -> Self {
        Self {
            nodes: vec![folder()],
            changes: Vec::new(),
            namings: Vec::new(),
            running: BTreeSet::new(),
            syncs: BTreeMap::new(),
            lenient: Vec::new(),
        }
    }

    fn names(&mut self, folder: Node) -> &mut Names {
        match &mut self.nodes[folder] {
            Kind::Folder { now, .. } => now,
            Kind::File { .. } => panic!("a name in a file"),
        }
    }

    /// What a path stands for at the moment.
    pub(crate) fn find(&mut self, folder: Node, path: &str) -> Option<Node> {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        parts.try_fold(folder, |at, name| self.names(at).get(name).copied())
    }

    /// A path that stands for a node at the moment.
    pub(crate) fn path(&self, node: Node) -> Option<String> {
        let within = |folder: &Kind| match folder {
            Kind::Folder { now, .. } => {
                let found = now.iter().find(|(_, of)| **of == node);
                found.map(|(name, _)| name.clone())
            }
            Kind::File { .. } => None,
        };
        let mut folders = self.nodes.iter().enumerate();
        let (folder, name) = folders.find_map(|(n, kind)| Some((n, within(kind)?)))?;
        match folder {
            0 => Some(name),
            folder => Some(format!("{}/{name}", self.path(folder)?)),
        }
    }

    fn name(&mut self, folder: Node, naming: Naming, call: usize) {
        rename(self.names(folder), &naming);
        self.running.insert(call);
        self.namings.push(Pending {
            node: folder,
            what: naming,
            call,
        });
    }

    fn change(&mut self, file: Node, change: Change, call: usize) {
        match (&mut self.nodes[file], &change) {
            (Kind::File { len, .. }, Change::Length(to)) => *len = *to,
            (Kind::File { len, .. }, Change::Write { at, bytes }) => {
                *len = (*len).max(at + bytes.len() as u64);
            }
            (Kind::Folder { .. }, _) => panic!("content of a folder"),
        }
        self.running.insert(call);
        self.changes.push(Pending {
            node: file,
            what: change,
            call,
        });
    }

    pub(crate) fn create_file(&mut self, folder: Node, name: &str, call: usize) -> Node {
        self.create(folder, name, file(), call)
    }

    pub(crate) fn create_folder(&mut self, parent: Node, name: &str, call: usize) -> Node {
        let node = self.create(parent, name, folder(), call);
        if name == LENIENT {
            self.lenient.push(node);
        }
        node
    }

    fn create(&mut self, folder: Node, name: &str, kind: Kind, call: usize) -> Node {
        self.nodes.push(kind);
        let node = self.nodes.len() - 1;
        self.name(folder, Naming::Link(name.to_owned(), node), call);
        node
    }

    pub(crate) fn unlink(&mut self, folder: Node, name: &str, call: usize) {
        self.name(folder, Naming::Unlink(name.to_owned()), call);
    }

    pub(crate) fn rename(&mut self, folder: Node, from: &str, to: &str, call: usize) {
        let node = self.names(folder)[from];
        let naming = Naming::Rename(from.to_owned(), to.to_owned(), node);
        self.name(folder, naming, call);
    }

    pub(crate) fn write(&mut self, file: Node, at: u64, bytes: Vec<u8>, call: usize) {
        self.change(file, Change::Write { at, bytes }, call);
    }

    pub(crate) fn set_len(&mut self, file: Node, len: u64, call: usize) {
        self.change(file, Change::Length(len), call);
    }

    pub(crate) fn len(&self, file: Node) -> u64 {
        match &self.nodes[file] {
            Kind::File { len, .. } => *len,
            Kind::Folder { .. } => panic!("the length of a folder"),
        }
    }

    pub(crate) fn is_folder(&self, node: Node) -> bool {
        matches!(self.nodes[node], Kind::Folder { .. })
    }

    /// A call has returned: what it did is done, but not on the disk yet.
    pub(crate) fn done(&mut self, call: usize) {
        self.running.remove(&call);
    }

    /// The calls whose changes may or may not have come to pass, as they had not returned; apart
    /// from these the writes, which may have done a part.
    pub(crate) fn under_way(&self) -> (Vec<usize>, Vec<UnderWay<'_>>) {
        let namings = self.namings.iter().map(|p| p.call);
        let mut calls: Vec<_> = namings.filter(|call| self.running.contains(call)).collect();
        let mut writes = Vec::new();
        let changes = self.changes.iter();
        for change in changes.filter(|p| self.running.contains(&p.call)) {
            match &change.what {
                Change::Write { at, bytes } => {
                    writes.push((change.call, change.node, *at, &bytes[..]));
                }
                Change::Length(_) => calls.push(change.call),
            }
        }
        (calls, writes)
    }

    /// The process has ended: these of the calls that were under way came to pass, a write with so
    /// many of its bytes; the others did not.
    pub(crate) fn settle(&mut self, done: &Settled) {
        self.syncs.clear();
        let running = std::mem::take(&mut self.running);
        let lasts = |call| !running.contains(&call) || done.contains_key(&call);
        self.changes.retain(|p| lasts(p.call));
        self.namings.retain(|p| lasts(p.call));
        for pending in self
            .changes
            .iter_mut()
            .filter(|p| running.contains(&p.call))
        {
            if let Change::Write { bytes, .. } = &mut pending.what {
                bytes.truncate(done[&pending.call]);
            }
        }
        // What did not come to pass may have been counted before.
        let now = self.left_names(Model::All, &mut Dice::new(0));
        for (folder, names) in now {
            *self.names(folder) = names;
        }
        for node in 0..self.nodes.len() {
            let changes: Vec<_> = of(&self.changes, node).collect();
            if let Kind::File { synced, len } = &mut self.nodes[node] {
                let all = |len, change: &&Change| match change {
                    Change::Length(to) => *to,
                    Change::Write { at, bytes } => u64::max(len, at + bytes.len() as u64),
                };
                *len = changes.iter().fold(synced.len, all);
            }
        }
    }

    /// A sync begins.
    pub(crate) fn begin_sync(&mut self, node: Node, call: usize) {
        let changes = self.changes.iter().map(|p| (p.node, p.call));
        let all = changes.chain(self.namings.iter().map(|p| (p.node, p.call)));
        let covered = all.filter(|(of, call)| *of == node && !self.running.contains(call));
        let covered = covered.map(|(_, call)| call).collect();
        self.syncs.insert(call, (node, covered));
    }

    /// A sync has returned without error.
    pub(crate) fn end_sync(&mut self, call: usize) {
        let (node, covered) = self.syncs.remove(&call).unwrap();
        let lasts = |of: Node, call| of == node && covered.contains(&call);
        let (nodes, kept) = (&mut self.nodes, std::mem::take(&mut self.changes));
        for change in kept {
            match &mut nodes[node] {
                Kind::File { synced, .. } if lasts(change.node, change.call) => {
                    synced.apply(&change.what);
                }
                _ => self.changes.push(change),
            }
        }
        // With a new file in a lenient folder goes all that was done to the folder's names before.
        let lenient = &self.lenient;
        let last = self.namings.iter().rposition(|p| {
            lenient.contains(&p.node) && matches!(p.what, Naming::Link(_, file) if file == node)
        });
        let with = last.map(|last| (last, self.namings[last].node));
        for (n, naming) in std::mem::take(&mut self.namings).into_iter().enumerate() {
            let with_file = with.is_some_and(|(last, folder)| n <= last && naming.node == folder);
            match &mut nodes[naming.node] {
                Kind::Folder { synced, .. } if with_file || lasts(naming.node, naming.call) => {
                    rename(synced, &naming.what);
                }
                _ => self.namings.push(naming),
            }
        }
    }
}

fn file() -> Kind {
    Kind::File {
        synced: Content::default(),
        len: 0,
    }
}

fn folder() -> Kind {
    Kind::Folder {
        synced: Names::new(),
        now: Names::new(),
    }
}

fn of<T>(pending: &[Pending<T>], node: Node) -> impl Iterator<Item = &T> {
    let of_node = pending.iter().filter(move |p| p.node == node);
    of_node.map(|p| &p.what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with a synced folder `f`, and in it the file `a`.
    fn disk() -> (Disk, Node, Node) {
        let mut disk = Disk::new();
        let folder = disk.create_folder(0, "f", 1);
        let file = disk.create_file(folder, "a", 2);
        disk.done(1);
        disk.done(2);
        sync(&mut disk, 0, 3);
        (disk, folder, file)
    }

    fn sync(disk: &mut Disk, node: Node, call: usize) {
        disk.begin_sync(node, call);
        disk.end_sync(call);
    }

    fn left(disk: &Disk, model: Model) -> Vec<(String, Vec<u8>)> {
        let image = disk.image(model, &mut Dice::new(7)).into_iter();
        let files = image.filter_map(|(path, content)| Some((path, content?.bytes)));
        files.collect()
    }

    #[test]
    fn content_and_name_last_each_by_itself() {
        let (mut disk, folder, file) = disk();
        disk.write(file, 0, b"one".to_vec(), 4);
        disk.done(4);
        sync(&mut disk, file, 5);
        assert_eq!(left(&disk, Model::Synced), []);
        assert_eq!(
            left(&disk, Model::Names),
            [("/f/a".into(), b"one".to_vec())]
        );
        sync(&mut disk, folder, 6);
        disk.write(file, 3, b"two".to_vec(), 7);
        disk.rename(folder, "a", "b", 8);
        assert_eq!(
            left(&disk, Model::Synced),
            [("/f/a".into(), b"one".to_vec())]
        );
        assert_eq!(
            left(&disk, Model::All),
            [("/f/b".into(), b"onetwo".to_vec())]
        );
    }

    #[test]
    fn a_sync_covers_what_was_done_before_it_began() {
        let (mut disk, folder, file) = disk();
        sync(&mut disk, folder, 4);
        disk.write(file, 0, b"done".to_vec(), 5);
        disk.done(5);
        disk.write(file, 4, b"under way".to_vec(), 6);
        disk.begin_sync(file, 7);
        disk.done(6);
        disk.write(file, 13, b"later".to_vec(), 8);
        disk.done(8);
        assert_eq!(left(&disk, Model::Synced), [("/f/a".into(), Vec::new())]);
        disk.end_sync(7);
        assert_eq!(
            left(&disk, Model::Synced),
            [("/f/a".into(), b"done".to_vec())]
        );
        assert_eq!(disk.len(file), 18);
    }
}
