//! Batches and answers in few words.

use roost::store::{
    Batch, BatchId, CommitError, Committed, Condition, Engine, Fjall, Hint, LogEntry, Memory,
    Options, Read, Row, Rows, Scope, Seq, Write, keys,
};
pub(crate) use roost::work::block_on as wait;

/// The account that most tests use.
pub(crate) const A: Scope = Scope(16);
/// Another account.
pub(crate) const B: Scope = Scope(17);

pub(crate) fn memory() -> Memory {
    Memory::new()
}

/// A temporary folder with a store on disk.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        self.0.path()
    }

    /// Opens the store with a small cache and without a reserve, so that any machine will do.
    pub(crate) fn open(&self) -> Fjall {
        Fjall::open(self.path(), &options()).unwrap()
    }
}

pub(crate) fn options() -> Options {
    Options {
        cache_bytes: 4 << 20,
        answers_bytes: 1 << 20,
        reserve_bytes: 0,
        ..Options::default()
    }
}

/// A batch with an id of its own.
pub(crate) struct Make(Batch);

pub(crate) fn batch(scope: Scope) -> Make {
    Make(Batch::new(scope))
}

impl Make {
    pub(crate) fn id(mut self, id: u8) -> Self {
        self.0.id = BatchId([id; 16]);
        self
    }

    pub(crate) fn put(self, key: Vec<u8>, value: &[u8]) -> Self {
        self.write(Write::Put(key, value.to_vec()))
    }

    pub(crate) fn delete(self, key: Vec<u8>) -> Self {
        self.write(Write::Delete(key))
    }

    pub(crate) fn write(mut self, write: Write) -> Self {
        self.0.writes.push(write);
        self
    }

    pub(crate) fn absent(mut self, key: Vec<u8>) -> Self {
        self.0.conditions.push(Condition::Absent(key));
        self
    }

    pub(crate) fn equals(mut self, key: Vec<u8>, seq: Seq) -> Self {
        self.0.conditions.push(Condition::Equals(key, seq));
        self
    }

    /// A change of an item, by a device.
    pub(crate) fn log(mut self, folder: u32, item: u32, device: u32) -> Self {
        self.0.log.push(LogEntry {
            prefix: keys::change_prefix(self.0.scope, folder),
            suffix: keys::change_suffix(item),
            value: vec![1],
            hint: Hint { folder, device },
        });
        self
    }

    pub(crate) fn done(self) -> Batch {
        self.0
    }

    pub(crate) fn commit(self, engine: &impl Engine) -> Result<Committed, CommitError> {
        wait(engine.commit(self.0))
    }

    /// Commits and expects that it goes through.
    pub(crate) fn seq(self, engine: &impl Engine) -> Seq {
        self.commit(engine).unwrap().seq
    }
}

pub(crate) fn get(engine: &impl Engine, key: &[u8]) -> Option<Row> {
    let answers = wait(engine.read(&[Read::Get(key)])).unwrap();
    answers.into_iter().next().unwrap().into_row()
}

/// The value under a key.
pub(crate) fn value(engine: &impl Engine, key: &[u8]) -> Option<Vec<u8>> {
    get(engine, key).map(|row| row.value().to_vec())
}

pub(crate) fn range(engine: &impl Engine, read: Read<'_>) -> Rows {
    let answers = wait(engine.read(&[read])).unwrap();
    answers.into_iter().next().unwrap().into_rows()
}

/// The item numbers of the rows of a range over items or changes.
pub(crate) fn items(rows: &Rows) -> Vec<u32> {
    let item = |row: &Row| {
        let item = keys::parse_item(&row.key).map(|key| key.item);
        item.or_else(|| keys::parse_change(&row.key).map(|key| key.item))
    };
    rows.rows.iter().map(|row| item(row).unwrap()).collect()
}
