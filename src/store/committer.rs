//! The one thread that writes: it takes what waits, writes it as one, syncs once, answers all,
//! and then wakes who waits.
//!
//! While one group is being synced the next one gathers, so the load decides how much is merged
//! and nobody ever waits for company. Blobs pass through the same queue: a blob that is handed in
//! before a batch is in the same sync as the batch, or in an earlier one.
//!
//! Deliberately absent: what a disk is ([`Disk`]), and what a group comes to (`plan`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::plan::{Changes, Plan, View};
use super::poison::Poison;
use super::wake::{Subscribers, Wake};
use super::{Batch, Bytes, CommitError, Committed, Error};
use crate::limits;

/// What a committer writes to.
pub(super) trait Disk: Send + 'static {
    /// The durable rows at one moment.
    type View: View;

    /// The durable rows now.
    fn view(&self) -> Self::View;

    /// Whether there is room enough to write safely.
    fn has_room(&self) -> bool;

    /// Writes blobs and rows as the group of this number. On return all of it is durable, and
    /// before that readers see none of the rows.
    fn write(&mut self, number: u64, blobs: Vec<BlobRow>, rows: Changes) -> Result<(), String>;
}

/// A row that holds a blob or a part of one.
pub(super) type BlobRow = (Vec<u8>, Bytes);

/// The outcome of a job; a job without batch is answered with the number 0.
type Outcome = Result<Committed, CommitError>;

/// Something to write.
struct Job {
    blobs: Vec<BlobRow>,
    batch: Option<Batch>,
    bytes: usize,
    reply: flume::Sender<Outcome>,
}

/// What committer, callers and observers share.
#[derive(Default)]
pub(super) struct Shared {
    /// Who is told of commits.
    pub(super) subscribers: Subscribers,
    /// Whether the store has failed.
    pub(super) poison: Poison,
    /// The number of the last durable group.
    pub(super) number: AtomicU64,
    waiting_bytes: AtomicUsize,
}

/// The way into the queue, and the thread behind it.
pub(super) struct Committer {
    jobs: Option<flume::Sender<Job>>,
    thread: Option<std::thread::JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl Committer {
    /// Starts the thread.
    pub(super) fn start(disk: impl Disk, shared: Arc<Shared>) -> std::io::Result<Self> {
        let (tx, rx) = flume::bounded(limits::COMMIT_QUEUE_MAX);
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("commit".into())
            .spawn(move || run(disk, &rx, &of_thread))?;
        Ok(Self {
            jobs: Some(tx),
            thread: Some(thread),
            shared,
        })
    }

    /// Commits a batch with the blobs that it names, in one sync. Queued at the first poll.
    pub(super) async fn commit(&self, blobs: Vec<BlobRow>, batch: Option<Batch>) -> Outcome {
        self.shared.poison.check()?;
        let blob_bytes: usize = blobs.iter().map(|(_, row)| row.len()).sum();
        let bytes = blob_bytes + batch.as_ref().map_or(0, Batch::bytes);
        let (reply, outcome) = flume::bounded(1);
        let job = Job {
            blobs,
            batch,
            bytes,
            reply,
        };
        self.enqueue(job)?;
        // The thread answers every job, so a lost reply means that it is gone.
        let outcome = outcome.into_recv_async().await;
        outcome.unwrap_or(Err(CommitError::Unknown))
    }

    fn enqueue(&self, job: Job) -> Result<(), CommitError> {
        let bytes = job.bytes;
        let waiting = &self.shared.waiting_bytes;
        if waiting.fetch_add(bytes, Ordering::Relaxed) + bytes > limits::COMMIT_QUEUE_BYTES_MAX {
            waiting.fetch_sub(bytes, Ordering::Relaxed);
            return Err(CommitError::Full);
        }
        let ended = || CommitError::Poisoned("the committer has ended".into());
        let jobs = self.jobs.as_ref().ok_or_else(ended)?;
        jobs.try_send(job).map_err(|e| {
            waiting.fetch_sub(bytes, Ordering::Relaxed);
            match e {
                flume::TrySendError::Full(_) => CommitError::Full,
                flume::TrySendError::Disconnected(_) => ended(),
            }
        })
    }
}

impl Drop for Committer {
    /// Lets the thread finish what is queued, and waits for it.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has ended the process before.
            let _ = thread.join();
        }
    }
}

/// A committer that panicked knows no more what is durable: the process ends at once.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

fn run(mut disk: impl Disk, jobs: &flume::Receiver<Job>, shared: &Shared) {
    let _guard = AbortOnPanic;
    while let Ok(first) = jobs.recv() {
        commit(gather(first, jobs), &mut disk, shared);
    }
}

/// Takes what waits, up to the bounds of a group.
fn gather(first: Job, jobs: &flume::Receiver<Job>) -> Vec<Job> {
    let mut bytes = first.bytes;
    let mut group = vec![first];
    while group.len() < limits::COMMIT_GROUP_MAX && bytes < limits::COMMIT_GROUP_BYTES_MAX {
        let Ok(job) = jobs.try_recv() else { break };
        bytes += job.bytes;
        group.push(job);
    }
    group
}

// IMPORTANT: the order is the promise: durable, then answered, then heard of.
fn commit(mut group: Vec<Job>, disk: &mut impl Disk, shared: &Shared) {
    let blobs = group
        .iter_mut()
        .flat_map(|job| job.blobs.drain(..))
        .collect();
    let outcomes = match write(&group, blobs, disk, shared) {
        Ok(outcomes) => outcomes,
        Err(error) => vec![Err(error); group.len()],
    };
    let bytes: usize = group.iter().map(|job| job.bytes).sum();
    shared.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
    let mut wakes = Vec::new();
    for (job, outcome) in group.into_iter().zip(outcomes) {
        if let (Some(batch), Ok(committed)) = (&job.batch, &outcome) {
            wakes.extend(Wake::of(batch, *committed));
        }
        // A caller that has gone does not take its batch back.
        let _ = job.reply.send(outcome);
    }
    shared.subscribers.publish(&wakes);
}

/// Plans the group and makes it durable; the outcome of each job, or one error for all of them.
fn write(
    group: &[Job],
    blobs: Vec<BlobRow>,
    disk: &mut impl Disk,
    shared: &Shared,
) -> Result<Vec<Outcome>, CommitError> {
    shared.poison.check()?;
    if !disk.has_room() {
        return Err(CommitError::Full);
    }
    let (outcomes, rows) = plan(group, disk).map_err(|e| fail(shared, &e.to_string()))?;
    if rows.is_empty() && blobs.is_empty() {
        return Ok(outcomes);
    }
    let number = shared.number.load(Ordering::Acquire) + 1;
    disk.write(number, blobs, rows)
        .map_err(|e| fail(shared, &e))?;
    shared.number.store(number, Ordering::Release);
    Ok(outcomes)
}

fn plan(group: &[Job], disk: &impl Disk) -> Result<(Vec<Outcome>, Changes), Error> {
    let view = disk.view();
    let mut plan = Plan::new(&view);
    let outcomes: Result<Vec<_>, _> = group
        .iter()
        .map(|job| match &job.batch {
            Some(batch) => plan.add(batch),
            None => Ok(Ok(Committed { seq: 0 })),
        })
        .collect();
    Ok((outcomes?, plan.finish()))
}

fn fail(shared: &Shared, reason: &str) -> CommitError {
    shared.poison.set(reason);
    CommitError::Poisoned(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Mutex;
    use std::task::{Context, Poll, Waker};

    use super::super::plan::tests::Rows;
    use super::super::{Condition, Scope, Write, keys};
    use super::*;

    /// A disk that waits for a permit before each write, and notes what it wrote.
    struct Slow {
        rows: Arc<Mutex<Rows>>,
        permits: flume::Receiver<Result<(), String>>,
        writes: flume::Sender<usize>,
        room: bool,
    }

    impl Disk for Slow {
        type View = Rows;

        fn view(&self) -> Rows {
            self.rows.lock().unwrap().clone()
        }

        fn has_room(&self) -> bool {
            self.room
        }

        fn write(&mut self, _: u64, blobs: Vec<BlobRow>, rows: Changes) -> Result<(), String> {
            self.writes.send(rows.len() + blobs.len()).unwrap();
            self.permits.recv().map_err(|e| e.to_string())??;
            self.rows.lock().unwrap().apply(rows);
            Ok(())
        }
    }

    // Dropped in this order: without permits the thread behind the committer ends.
    struct Bench {
        permit: flume::Sender<Result<(), String>>,
        committer: Committer,
        shared: Arc<Shared>,
        writes: flume::Receiver<usize>,
    }

    fn bench(room: bool) -> Bench {
        let (permit, permits) = flume::unbounded();
        let (tx, writes) = flume::unbounded();
        let disk = Slow {
            rows: Arc::default(),
            permits,
            writes: tx,
            room,
        };
        let shared = Arc::<Shared>::default();
        Bench {
            committer: Committer::start(disk, Arc::clone(&shared)).unwrap(),
            shared,
            permit,
            writes,
        }
    }

    fn put(scope: Scope, folder: u32) -> Batch {
        let mut batch = Batch::new(scope);
        batch
            .writes
            .push(Write::Put(keys::folder(scope, folder), vec![]));
        batch
    }

    fn queued(future: std::pin::Pin<&mut impl Future<Output = Outcome>>) {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(future.poll(&mut cx), Poll::Pending));
    }

    fn wait(future: impl Future<Output = Outcome>) -> Outcome {
        let mut future = pin!(future);
        loop {
            let mut cx = Context::from_waker(Waker::noop());
            if let Poll::Ready(outcome) = future.as_mut().poll(&mut cx) {
                return outcome;
            }
            std::thread::yield_now();
        }
    }

    const A: Scope = Scope(16);
    const B: Scope = Scope(17);

    #[test]
    fn what_gathers_during_a_write_is_one_write() {
        let bench = bench(true);
        let commit = |batch| bench.committer.commit(vec![], Some(batch));
        let mut first = pin!(commit(put(A, 1)));
        queued(first.as_mut());
        assert_eq!(bench.writes.recv(), Ok(2));
        let mut others: Vec<_> = (2..9).map(|n| Box::pin(commit(put(B, n)))).collect();
        others.iter_mut().for_each(|other| queued(other.as_mut()));
        bench.permit.send(Ok(())).unwrap();
        assert_eq!(wait(first), Ok(Committed { seq: 1 }));
        assert_eq!(bench.writes.recv(), Ok(8));
        bench.permit.send(Ok(())).unwrap();
        for (n, other) in (1..).zip(others) {
            assert_eq!(wait(other), Ok(Committed { seq: n }));
        }
        assert_eq!(bench.shared.number.load(Ordering::Acquire), 2);
    }

    #[test]
    fn nobody_hears_of_anything_before_it_is_durable() {
        let bench = bench(true);
        let wakes = bench.shared.subscribers.subscribe();
        let mut batch = put(Scope::SYSTEM, 1);
        batch.scope = Scope::SYSTEM;
        let mut commit = pin!(bench.committer.commit(vec![], Some(batch)));
        queued(commit.as_mut());
        bench.writes.recv().unwrap();
        queued(commit.as_mut());
        assert!(wakes.is_empty());
        bench.permit.send(Ok(())).unwrap();
        assert!(wait(commit).is_ok());
        assert!(matches!(wakes.recv(), Ok(Wake::Moved { seq: 1, .. })));
    }

    #[test]
    fn a_failed_write_ends_the_store() {
        let bench = bench(true);
        let poisoned = bench.shared.poison.listen();
        bench.permit.send(Err("sync failed".into())).unwrap();
        let failed = Err(CommitError::Poisoned("sync failed".into()));
        assert_eq!(
            wait(bench.committer.commit(vec![], Some(put(A, 1)))),
            failed
        );
        assert_eq!(
            wait(bench.committer.commit(vec![], Some(put(A, 2)))),
            failed
        );
        assert_eq!(poisoned.recv().unwrap(), "sync failed");
        assert_eq!(bench.writes.len(), 1);
    }

    #[test]
    fn a_full_disk_refuses_and_ends_nothing() {
        let bench = bench(false);
        let full = wait(bench.committer.commit(vec![], Some(put(A, 1))));
        assert_eq!(full, Err(CommitError::Full));
        assert!(bench.writes.is_empty() && bench.shared.poison.check().is_ok());
    }

    #[test]
    fn a_conflict_writes_nothing() {
        let bench = bench(true);
        let mut batch = put(A, 1);
        batch
            .conditions
            .push(Condition::Equals(keys::folder(A, 1), 3));
        let outcome = wait(bench.committer.commit(vec![], Some(batch)));
        assert_eq!(outcome, Err(CommitError::Conflict));
        assert!(bench.writes.is_empty());
    }

    #[test]
    fn too_much_waiting_is_refused_and_the_rest_is_done() {
        let bench = bench(true);
        let mut waiting = Vec::new();
        let row = Bytes::from(vec![0; limits::COMMIT_QUEUE_BYTES_MAX / 4]);
        for n in 0..4 {
            let blob = vec![(vec![b'b', n], row.clone())];
            waiting.push(Box::pin(bench.committer.commit(blob, None)));
        }
        waiting.iter_mut().for_each(|job| queued(job.as_mut()));
        let refused = wait(bench.committer.commit(vec![], Some(put(A, 1))));
        assert_eq!(refused, Err(CommitError::Full));
        (0..4).for_each(|_| bench.permit.send(Ok(())).unwrap());
        for job in waiting {
            assert_eq!(wait(job), Ok(Committed { seq: 0 }));
        }
        bench.permit.send(Ok(())).unwrap();
        assert!(wait(bench.committer.commit(vec![], Some(put(A, 1)))).is_ok());
    }
}
