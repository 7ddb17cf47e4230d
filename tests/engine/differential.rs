//! Random batches come to the same on every engine, also when the store is closed in between.

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use roost::store::{Batch, BatchId, Condition, Engine, Hint, LogEntry, Memory, Scope, Write, keys};

use crate::kit::{Folder, range, wait};

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    Commit(Batch),
    Reopen,
}

fn scope() -> impl Strategy<Value = Scope> {
    (16..18_u64).prop_map(Scope)
}

/// A key out of few, so that batches meet.
fn key(scope: Scope) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (0..3_u32, 0..4_u32).prop_map(move |(folder, n)| keys::item(scope, folder, n)),
        (0..3_u32).prop_map(move |n| keys::folder(scope, n)),
        (0..2_u32, -2..2_i64).prop_map(move |(folder, d)| keys::date(scope, folder, d, 1)),
        (0..2_u32).prop_map(move |n| keys::counter(scope, n)),
    ]
}

fn write(scope: Scope) -> impl Strategy<Value = Write> {
    let value = proptest::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        4 => (key(scope), value).prop_map(|(key, value)| Write::Put(key, value)),
        2 => key(scope).prop_map(Write::Delete),
        1 => (key(scope), key(scope)).prop_map(|(from, to)| Write::DeleteRange(from, to)),
        1 => (0..3_u32).prop_map(move |folder| keys::items(scope, folder).delete()),
        2 => (0..2_u32, 0..9_u64).prop_map(move |(n, max)| Write::Max(keys::counter(scope, n), max)),
    ]
}

fn condition(scope: Scope) -> impl Strategy<Value = Condition> {
    prop_oneof![
        key(scope).prop_map(Condition::Absent),
        (key(scope), 0..12_u64).prop_map(|(key, seq)| Condition::Equals(key, seq)),
    ]
}

fn entry(scope: Scope) -> impl Strategy<Value = LogEntry> {
    (0..3_u32, 0..4_u32).prop_map(move |(folder, item)| LogEntry {
        prefix: keys::change_prefix(scope, folder),
        suffix: keys::change_suffix(item),
        value: vec![1],
        hint: Hint { folder, device: 0 },
    })
}

fn commit() -> impl Strategy<Value = Batch> {
    scope().prop_flat_map(|scope| {
        let conditions = proptest::collection::vec(condition(scope), 0..2);
        let writes = proptest::collection::vec(write(scope), 0..6);
        let log = proptest::collection::vec(entry(scope), 0..3);
        // Few ids: some batches come again.
        let made = (0..40_u8, conditions, writes, log);
        made.prop_map(move |(id, conditions, writes, log)| Batch {
            scope,
            id: BatchId([id; 16]),
            conditions,
            writes,
            log,
            tell: Vec::new(),
        })
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![30 => commit().prop_map(Step::Commit), 1 => Just(Step::Reopen)];
    proptest::collection::vec(step, 1..60)
}

/// All rows of both accounts, with their versions, by way of ranges.
fn rows(engine: &impl Engine) -> Vec<(Vec<u8>, u64, Vec<u8>)> {
    let mut all = Vec::new();
    for kind in keys::Kind::ALL {
        let mut span = keys::Span::prefix([&[kind as u8][..], &[0; 7]].concat());
        loop {
            let page = range(engine, span.read(7));
            let row =
                |row: &roost::store::Row| (row.key.to_vec(), row.version, row.value().to_vec());
            all.extend(page.rows.iter().map(row));
            let Some(last) = page.rows.last().filter(|_| page.more) else {
                break;
            };
            span = span.after(&last.key);
        }
    }
    all
}

fn same(steps: Vec<Step>) -> TestCaseResult {
    let (memory, folder) = (Memory::new(), Folder::new());
    let mut disk = Some(folder.open());
    for step in steps {
        match (step, &disk) {
            (Step::Commit(batch), Some(disk)) => {
                let one = wait(memory.commit(batch.clone()));
                prop_assert_eq!(one, wait(disk.commit(batch)));
            }
            (_, _) => {
                disk = None;
                disk = disk.or_else(|| Some(folder.open()));
            }
        }
    }
    let disk = disk.unwrap_or_else(|| folder.open());
    prop_assert_eq!(rows(&memory), rows(&disk));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_batches_come_to_the_same(steps in steps()) {
        same(steps)?;
    }
}
