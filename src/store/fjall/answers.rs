//! Answers that were read a moment ago and still hold: the small rows that every request asks for.
//!
//! A request of a phone asks for its account, its device, its folders and its sync state, again and
//! again, and hardly ever does any of these change in between. Out of the tables each question costs
//! microseconds, and may cost a disk; out of here a tenth of one.
//!
//! **Never stale.** The rows of one kind in one scope have a counter (by hash, so that two may share
//! one). The committer makes those of everything that it writes odd before it writes, and even again
//! before it answers ([`Answers::writing`]). An answer is kept under the count at which it was read, and only if that
//! was even and the same before and after: so whatever is found under the present count is what the
//! tables say. While a count is odd the tables are asked, which go forward only: nobody sees a change
//! and then the rows from before it.
//!
//! Nothing is removed by hand: what stands under an older count is never asked for again, and goes
//! when there is need of room. Deliberately absent: items, bodies and dates, which are read once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::store::keys::{self, Kind};
use crate::store::{Answer, Bytes, Read, Row, Rows};

/// Counters, 1 MiB in all: with more accounts than these are for, some share, and read a little more.
const COUNTS: usize = 128 * 1024;
/// Rows of an answer that is kept.
const ROWS_MAX: usize = 32;
/// Bytes of an answer that is kept.
const BYTES_MAX: usize = 4 * 1024;
/// Bytes of an ordinary answer with what it costs to keep: how many there will be.
const BYTES_USUAL: u64 = 300;
/// What a row costs beside its bytes.
const ROW_BYTES: usize = size_of::<Row>() + 64;

/// What was asked, and at which count.
type Question = Vec<u8>;

/// The answers of all scopes.
pub(super) struct Answers {
    counts: Box<[AtomicU64]>,
    cache: Cache<Question, Answer, Weight>,
}

/// Questions that were not answered from here: to be [kept](Answers::keep) with their answers.
pub(super) struct Asked(Vec<Option<Question>>);

#[derive(Clone)]
struct Weight;

impl Weighter<Question, Answer> for Weight {
    fn weight(&self, question: &Question, answer: &Answer) -> u64 {
        let rows: usize = rows(answer).map(bytes_of).sum();
        (size_of::<Answer>() + question.len() + rows) as u64
    }
}

/// Rows are being written, until this is dropped.
pub(super) struct Writing<'a> {
    answers: &'a Answers,
    slots: BTreeSet<usize>,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.answers.count(&self.slots);
    }
}

impl Answers {
    /// Keeps about so many bytes.
    pub(super) fn new(bytes: u64) -> Self {
        let usual = usize::try_from(bytes / BYTES_USUAL).unwrap_or(usize::MAX);
        Self {
            counts: (0..COUNTS).map(|_| AtomicU64::new(0)).collect(),
            cache: Cache::with_weighter(usual.max(1), bytes, Weight),
        }
    }

    /// The answers to all of these, as of one moment; else what to keep them under.
    ///
    /// IMPORTANT: call it before taking the moment to read at.
    pub(super) fn find(&self, reads: &[Read<'_>]) -> Result<Vec<Answer>, Asked> {
        let questions = Asked(reads.iter().map(|read| self.question(read)).collect());
        let found: Option<Vec<Answer>> = questions
            .0
            .iter()
            .map(|question| self.cache.get(question.as_ref()?))
            .collect();
        // Of one moment: nothing was written between the first count and the last look.
        match found {
            Some(found) if self.hold(&questions, reads) => Ok(found),
            _ => Err(questions),
        }
    }

    /// Keeps what the tables answered, if they did not change meanwhile.
    pub(super) fn keep<'a>(
        &self,
        asked: Asked,
        reads: impl Iterator<Item = Read<'a>>,
        answers: &[Answer],
    ) {
        for ((question, read), answer) in asked.0.into_iter().zip(reads).zip(answers) {
            if let Some(question) = question
                && is_small(answer)
                && self.question(&read).as_ref() == Some(&question)
            {
                self.cache.insert(question, compact(answer));
            }
        }
    }

    /// These keys are about to be written: nothing of their kinds in their scopes is found or kept
    /// meanwhile.
    pub(super) fn writing<'a>(&self, keys: impl Iterator<Item = &'a Vec<u8>>) -> Writing<'_> {
        let slots = keys.filter_map(|key| slot_of(key)).collect();
        self.count(&slots);
        Writing {
            answers: self,
            slots,
        }
    }

    fn count(&self, slots: &BTreeSet<usize>) {
        for slot in slots {
            if let Some(count) = self.counts.get(*slot) {
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    fn hold(&self, questions: &Asked, reads: &[Read<'_>]) -> bool {
        // A single answer is of one moment by itself.
        reads.len() == 1
            || reads
                .iter()
                .zip(&questions.0)
                .all(|(read, question)| self.question(read) == *question)
    }

    /// The question with the present count; none where answers are not kept, or not now.
    fn question(&self, read: &Read<'_>) -> Option<Question> {
        let (from, to, limit, kind) = match *read {
            Read::Get(key) => (key, &[][..], 0, 0),
            Read::Range {
                from,
                to,
                limit,
                reverse,
            } => (from, to, limit, 1 + u8::from(reverse)),
        };
        if !is_kept(from) || !(kind == 0 || is_of_one_scope(from, to)) {
            return None;
        }
        let count = self.counts.get(slot_of(from)?)?.load(Ordering::SeqCst);
        if count % 2 == 1 {
            return None;
        }
        let mut question = Vec::with_capacity(32 + from.len() + to.len());
        question.extend_from_slice(&count.to_be_bytes());
        question.push(kind);
        question.extend_from_slice(&(limit as u64).to_be_bytes());
        question.extend_from_slice(&(from.len() as u64).to_be_bytes());
        question.extend_from_slice(from);
        question.extend_from_slice(to);
        Some(question)
    }
}

/// Whether answers of this kind are asked for again.
fn is_kept(key: &[u8]) -> bool {
    !matches!(
        Kind::of(key),
        None | Some(
            Kind::Item
                | Kind::Date
                | Kind::Words
                | Kind::Queue
                | Kind::Sent
                | Kind::Delivered
                | Kind::Blob
        )
    )
}

/// Whether a range lies within the scope that it begins in.
fn is_of_one_scope(from: &[u8], to: &[u8]) -> bool {
    let prefix = keys::scope_prefix(from);
    let is_whole = keys::scope_of(from).is_some();
    is_whole && (to.starts_with(prefix) || to <= keys::prefix_end(prefix).as_slice())
}

/// The counter of a key's kind and scope; none for a key of no kind.
fn slot_of(key: &[u8]) -> Option<usize> {
    let kind = Kind::of(key)?;
    let scope = match kind {
        Kind::Blob => return None,
        Kind::Head => u64::from_be_bytes(*key.get(1..)?.first_chunk()?),
        _ => keys::scope_of(key)?.0,
    };
    let of_kind = Kind::ALL.iter().position(|one| *one == kind)?;
    // Scopes are handed out one after the other: neighbours have counters of their own.
    let first = usize::try_from(scope % (COUNTS / Kind::ALL.len()) as u64).ok()?;
    Some(first * Kind::ALL.len() + of_kind)
}

fn rows(answer: &Answer) -> impl Iterator<Item = &Row> {
    match answer {
        Answer::Row(row) => row.as_slice(),
        Answer::Rows(rows) => &rows.rows,
    }
    .iter()
}

fn bytes_of(row: &Row) -> usize {
    ROW_BYTES + row.key.len() + row.value().len()
}

fn is_small(answer: &Answer) -> bool {
    rows(answer).count() <= ROWS_MAX && rows(answer).map(bytes_of).sum::<usize>() <= BYTES_MAX
}

/// The same rows in memory of their own: what the tables give are views into large blocks.
fn compact(answer: &Answer) -> Answer {
    match answer {
        Answer::Row(row) => Answer::Row(row.as_ref().map(own)),
        Answer::Rows(rows) => Answer::Rows(Rows {
            rows: rows.rows.iter().map(own).collect(),
            more: rows.more,
        }),
    }
}

fn own(row: &Row) -> Row {
    Row::new(
        Bytes::new(&row.key),
        row.version,
        Bytes::new(row.value()),
        0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Scope;

    const A: Scope = Scope(16);
    const B: Scope = Scope(17);

    fn answer(key: &[u8], value: &[u8]) -> Answer {
        Answer::Row(Some(Row::new(Bytes::new(key), 1, Bytes::new(value), 0)))
    }

    fn ask(answers: &Answers, key: &[u8]) -> Option<Vec<u8>> {
        let found = answers.find(&[Read::Get(key)]).ok()?;
        let row = found.into_iter().next()?.into_row()?;
        Some(row.value().to_vec())
    }

    fn keep(answers: &Answers, key: &[u8], value: &[u8]) {
        let reads = [Read::Get(key)];
        if let Err(asked) = answers.find(&reads) {
            answers.keep(asked, reads.into_iter(), &[answer(key, value)]);
        }
    }

    #[test]
    fn what_was_read_is_found_until_its_kind_is_written() {
        let answers = Answers::new(1 << 20);
        let (a, b) = (keys::account(A), keys::account(B));
        keep(&answers, &a, b"a");
        keep(&answers, &b, b"b");
        assert_eq!(ask(&answers, &a).as_deref(), Some(&b"a"[..]));
        drop(answers.writing([&keys::folder(A, 7)].into_iter()));
        assert_eq!(ask(&answers, &a).as_deref(), Some(&b"a"[..]));
        let writing = answers.writing([&a].into_iter());
        assert_eq!(ask(&answers, &a), None, "it is being written");
        assert_eq!(ask(&answers, &b).as_deref(), Some(&b"b"[..]));
        keep(&answers, &a, b"too early");
        drop(writing);
        assert_eq!(ask(&answers, &a), None, "it was written");
        keep(&answers, &a, b"new");
        assert_eq!(ask(&answers, &a).as_deref(), Some(&b"new"[..]));
    }

    #[test]
    fn what_was_read_around_a_write_is_not_kept() {
        let answers = Answers::new(1 << 20);
        let a = keys::account(A);
        let reads = [Read::Get(&a)];
        let Err(asked) = answers.find(&reads) else {
            panic!("nothing was kept");
        };
        drop(answers.writing([&a].into_iter()));
        answers.keep(asked, reads.into_iter(), &[answer(&a, b"old")]);
        assert_eq!(ask(&answers, &a), None);
    }

    #[test]
    fn two_scopes_of_one_counter_are_written_at_once() {
        let answers = Answers::new(1 << 20);
        let far = Scope(A.0 + (COUNTS / Kind::ALL.len()) as u64);
        let (a, b) = (keys::account(A), keys::account(far));
        assert_eq!(slot_of(&a), slot_of(&b));
        keep(&answers, &a, b"a");
        drop(answers.writing([&a, &b].into_iter()));
        keep(&answers, &a, b"A");
        keep(&answers, &b, b"B");
        assert_eq!(ask(&answers, &a).as_deref(), Some(&b"A"[..]));
        assert_eq!(ask(&answers, &b).as_deref(), Some(&b"B"[..]));
    }

    #[test]
    fn ranges_of_one_scope_are_kept_and_large_answers_are_not() {
        let answers = Answers::new(1 << 20);
        let folders = keys::folders(A);
        let everybody = keys::accounts();
        assert!(answers.question(&folders.read(10)).is_some());
        assert!(answers.question(&everybody.read(10)).is_none());
        assert_ne!(
            answers.question(&folders.read(10)),
            answers.question(&folders.read(11))
        );
        assert!(answers.question(&keys::items(A, 2).read(10)).is_none());
        let a = keys::account(A);
        keep(&answers, &a, &[0; BYTES_MAX]);
        assert_eq!(ask(&answers, &a), None);
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let answers = Answers::new(64 * 1024);
        for n in 0..10_000 {
            let key = keys::account(Scope(16 + n));
            keep(&answers, &key, &[0; 200]);
        }
        assert!(answers.cache.weight() <= 64 * 1024);
    }
}
