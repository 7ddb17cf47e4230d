//! The engine on disk against the one in memory: the same batches come to the same, the same
//! questions are answered the same, also when the store is closed in between.

use std::sync::{LazyLock, Mutex, PoisonError};

use roost::store::{
    Batch, BatchId, Condition, Engine, Fjall, Hint, LogEntry, Memory, Options, Read, Row, Scope,
    Write, keys,
};
use roost::work::{block_on, join_all};
use tempfile::TempDir;

use super::input::{Input, is_turn};

const STEPS_MAX: usize = 40;
/// Executions on one store; each has a scope of its own.
const SCOPES_MAX: u64 = 1_000;
/// One input of so many may close the store: that takes longer than all the rest of it.
const REOPENS: u64 = 512;

/// A store on disk takes long to make: it is used again.
struct Disk {
    folder: TempDir,
    store: Option<Fjall>,
    scope: u64,
}

static DISK: LazyLock<Mutex<Disk>> = LazyLock::new(|| Mutex::new(Disk::new()));

impl Disk {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            store: None,
            scope: 16,
        }
    }

    fn open(&mut self) -> Fjall {
        let options = Options {
            cache_bytes: 4 << 20,
            answers_bytes: 1 << 20,
            reserve_bytes: 0,
            accept_loss: false,
            ..Options::default()
        };
        let open = || Fjall::open(self.folder.path(), &options).expect("a store");
        self.store.get_or_insert_with(open).clone()
    }

    fn next_scope(&mut self) -> Scope {
        self.scope += 1;
        if self.scope > SCOPES_MAX {
            *self = Self::new();
        }
        Scope(self.scope)
    }
}

/// Choices of batches and questions. Batches that follow each other are queued together, so that they
/// share a group or not, as it comes.
pub(crate) fn operations(data: &[u8]) {
    let mut disk = DISK.lock().unwrap_or_else(PoisonError::into_inner);
    let mut input = Input::new(data);
    let scope = disk.next_scope();
    let memory = Memory::new();
    let mut store = disk.open();
    let mut may_reopen = is_turn(data, 0, REOPENS);
    let mut queued = Vec::new();
    for _ in 0..STEPS_MAX {
        if input.is_empty() {
            break;
        }
        match input.byte() {
            0..=180 => queued.push(batch(&mut input, scope)),
            181..=254 => {
                commit(&mut queued, &memory, &store);
                question(&mut input, scope, &memory, &store);
            }
            255 if may_reopen => {
                may_reopen = false;
                commit(&mut queued, &memory, &store);
                drop(store);
                disk.store = None;
                store = disk.open();
            }
            255 => {}
        }
    }
    commit(&mut queued, &memory, &store);
    same_rows(scope, &memory, &store);
}

/// What is queued, in this order.
fn commit(queued: &mut Vec<Batch>, memory: &Memory, store: &Fjall) {
    let expect = queued
        .iter()
        .map(|batch| block_on(memory.commit(batch.clone())));
    let expect: Vec<_> = expect.collect();
    let all = queued.iter().map(|batch| store.commit(batch.clone()));
    assert_eq!(block_on(join_all(all)), expect, "{queued:?}");
    queued.clear();
}

/// Everything of a scope.
fn same_rows(scope: Scope, memory: &Memory, store: &Fjall) {
    let ends = keys::Kind::ALL.map(|kind| {
        let at = |scope: u64| [&[kind as u8][..], &scope.to_be_bytes()].concat();
        (at(scope.0), at(scope.0 + 1))
    });
    let reads: Vec<Read<'_>> = ends
        .iter()
        .map(|(from, to)| Read::Range {
            from,
            to,
            limit: 1_000,
            reverse: false,
        })
        .collect();
    assert_eq!(rows(memory, &reads), rows(store, &reads), "{scope:?}");
}

/// A key out of few, so that batches meet.
fn key(input: &mut Input<'_>, scope: Scope) -> Vec<u8> {
    let (folder, n) = (input.byte() as u32 % 3, input.byte() as u32 % 5);
    match input.below(6) {
        0 | 1 => keys::item(scope, folder, n),
        2 => keys::folder(scope, n),
        3 => keys::date(scope, folder, i64::from(n) - 2, n),
        4 => keys::counter(scope, n % 2),
        _ => keys::sync(scope, n, folder),
    }
}

fn batch(input: &mut Input<'_>, scope: Scope) -> Batch {
    let mut batch = Batch::new(scope);
    // Few ids: some batches come again. Of other scopes there are none.
    batch.id = BatchId([input.byte() % 48; 16]);
    for _ in 0..input.below(3) {
        let key = key(input, scope);
        batch.conditions.push(match input.below(2) {
            0 => Condition::Absent(key),
            _ => Condition::Equals(key, u64::from(input.byte() % 16)),
        });
    }
    for _ in 0..input.below(6) {
        let first = key(input, scope);
        batch.writes.push(match input.below(9) {
            0..=3 => Write::Put(first, input.piece().to_vec()),
            4 | 5 => Write::Delete(first),
            6 => Write::DeleteRange(first, key(input, scope)),
            7 => keys::items(scope, u32::from(input.byte() % 3)).delete(),
            _ => Write::Max(
                keys::counter(scope, u32::from(input.byte() % 2)),
                input.u64(),
            ),
        });
    }
    for _ in 0..input.below(3) {
        let (folder, item) = (u32::from(input.byte() % 3), u32::from(input.byte() % 5));
        batch.log.push(LogEntry {
            prefix: keys::change_prefix(scope, folder),
            suffix: keys::change_suffix(item),
            value: input.take(3).to_vec(),
            hint: Hint { folder, device: 0 },
        });
    }
    batch
}

fn question(input: &mut Input<'_>, scope: Scope, memory: &Memory, store: &Fjall) {
    let (from, to) = (key(input, scope), key(input, scope));
    same(&from, &to, input.below(9), input.flag(), memory, store);
    let get = [Read::Get(&from)];
    assert_eq!(rows(memory, &get), rows(store, &get), "{get:?}");
}

fn same(from: &[u8], to: &[u8], limit: usize, reverse: bool, memory: &Memory, store: &Fjall) {
    let read = Read::Range {
        from,
        to,
        limit,
        reverse,
    };
    assert_eq!(rows(memory, &[read]), rows(store, &[read]), "{read:?}");
}

/// Key, version and value of each row of an answer.
fn rows(engine: &impl Engine, reads: &[Read<'_>]) -> Vec<(Vec<u8>, u64, Vec<u8>)> {
    let answers = block_on(engine.read(reads)).expect("an answer");
    let row = |row: Row| (row.key.to_vec(), row.version, row.value().to_vec());
    let all = answers
        .into_iter()
        .flat_map(|answer| answer.into_rows().rows);
    all.map(row).collect()
}
