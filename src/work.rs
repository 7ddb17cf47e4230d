//! A small bounded pool of threads for what blocks or burns: password hashes, large MIME, HTML,
//! cold reads.
//!
//! Runtime-agnostic: the future completes from any thread. Deliberately absent: priorities,
//! cancellation of a job that has begun, growth.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use crate::limits;

type Job = Box<dyn FnOnce() + Send>;

/// Why a job has no result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// [`limits::WORK_QUEUE_MAX`] jobs are waiting: the job was not taken. Retry later.
    #[error("too much is waiting for the workers")]
    Busy,
    /// The job panicked. The worker lives on.
    #[error("a job panicked")]
    Panicked,
}

/// A handle on the pool, cheap to clone. The threads end when the last handle is gone.
#[derive(Clone, Debug)]
pub struct Pool {
    /// None: jobs are done by whoever asks.
    jobs: Option<flume::Sender<Job>>,
}

impl Pool {
    /// Starts `threads` workers (at least one).
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(threads: usize) -> io::Result<Self> {
        Self::named("worker", threads)
    }

    /// The same; the threads are called `name` and a number.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn named(name: &str, threads: usize) -> io::Result<Self> {
        let (jobs, queue) = flume::bounded::<Job>(limits::WORK_QUEUE_MAX);
        for n in 0..threads.max(1) {
            let queue = queue.clone();
            thread::Builder::new()
                .name(format!("{name}-{n}"))
                .spawn(move || queue.iter().for_each(|job| job()))?;
        }
        Ok(Self { jobs: Some(jobs) })
    }

    /// A pool without threads: every job is done at once by who asks for it. For simulations, in which
    /// nothing may depend on the order of threads.
    #[must_use]
    pub fn inline() -> Self {
        Self { jobs: None }
    }

    /// Runs `job` on a worker. Dropping the future lets a job that has not begun be skipped.
    ///
    /// # Errors
    /// [`Error::Busy`] at once when the queue is full; [`Error::Panicked`].
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (job, result) = Self::job(job);
        match &self.jobs {
            Some(jobs) => jobs.try_send(job).map_err(|_| Error::Busy)?,
            None => job(),
        }
        Self::outcome(result).await
    }

    /// The same, but waits for a place in a full queue: for callers whose number is bounded.
    ///
    /// # Errors
    /// [`Error::Panicked`]; [`Error::Busy`] when the pool has ended.
    pub async fn run_in_turn<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (job, result) = Self::job(job);
        match &self.jobs {
            Some(jobs) => {
                let queued = jobs.send_async(job).await;
                queued.map_err(|_| Error::Busy)?;
            }
            None => job(),
        }
        Self::outcome(result).await
    }

    fn job<T: Send + 'static>(
        job: impl FnOnce() -> T + Send + 'static,
    ) -> (Job, flume::Receiver<Result<T, ()>>) {
        let (done, result) = flume::bounded(1);
        let job = move || {
            if done.is_disconnected() {
                return;
            }
            // What a panicking job leaves half-done is dropped with its closure.
            let outcome = catch_unwind(AssertUnwindSafe(job));
            let _ = done.send(outcome.map_err(|panic: Box<dyn Any + Send>| drop(panic)));
        };
        (Box::new(job), result)
    }

    async fn outcome<T>(result: flume::Receiver<Result<T, ()>>) -> Result<T, Error> {
        match result.into_recv_async().await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(())) | Err(flume::RecvError::Disconnected) => Err(Error::Panicked),
        }
    }
}

/// Drives a future on this thread, which sleeps while it waits: for threads that are no core (the
/// command line, the admin socket, tests).
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// Drives several futures at once; their results in their order.
pub async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|f| (Box::pin(f), None)).collect();
    poll_fn(|cx| {
        let mut waiting = false;
        for (future, result) in running.iter_mut().filter(|(_, result)| result.is_none()) {
            match future.as_mut().poll(cx) {
                Poll::Ready(value) => *result = Some(value),
                Poll::Pending => waiting = true,
            }
        }
        if waiting {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
    running
        .into_iter()
        .filter_map(|(_, result)| result)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_comes_back_from_another_thread() {
        let pool = Pool::start(2).unwrap();
        let here = thread::current().id();
        let there = block_on(pool.run(|| thread::current().id())).unwrap();
        assert_ne!(here, there);
    }

    #[test]
    fn all_results_come_in_their_order() {
        let pool = Pool::start(4).unwrap();
        let squares = block_on(join_all((0..100).map(|n| pool.run(move || n * n))));
        assert!(squares.into_iter().eq((0..100).map(|n| Ok(n * n))));
        assert!(block_on(join_all::<std::future::Ready<()>>([])).is_empty());
    }

    #[test]
    fn a_panic_is_an_error_and_the_worker_lives() {
        let pool = Pool::start(1).unwrap();
        let outcome = block_on(pool.run(|| panic!("on purpose")));
        assert_eq!(outcome, Err::<(), _>(Error::Panicked));
        assert_eq!(block_on(pool.run(|| 7)), Ok(7));
    }

    #[test]
    fn a_full_queue_refuses_at_once() {
        let pool = Pool::start(1).unwrap();
        let (go, gate) = flume::bounded::<()>(0);
        let (begun, began) = flume::bounded::<()>(0);
        let mut waiting = Vec::new();
        let mut first = Box::pin(pool.run(move || {
            let _ = begun.send(());
            let _ = gate.recv();
        }));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut cx).is_pending());
        began.recv().unwrap();
        for _ in 0..limits::WORK_QUEUE_MAX {
            let mut job = Box::pin(pool.run(|| ()));
            assert!(job.as_mut().poll(&mut cx).is_pending());
            waiting.push(job);
        }
        assert_eq!(block_on(pool.run(|| ())), Err(Error::Busy));
        drop(go);
        for job in waiting {
            assert_eq!(block_on(job), Ok(()));
        }
    }
}
