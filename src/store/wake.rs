//! Who is told of a durable commit.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Batch, Committed, Hint, Scope, Seq};
use crate::limits;

/// Sent after a commit is durable. May be repeated or late: the change log is the truth.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wake {
    /// A scope moved on.
    Moved {
        /// The scope.
        scope: Scope,
        /// To this number.
        seq: Seq,
        /// Which folders changed, by whom.
        hints: Arc<[Hint]>,
    },
    /// Wakes were dropped since this subscriber was too slow: look at everything again.
    Gap,
}

impl Wake {
    /// The wake that a commit sends: one for every batch with something to tell, and for every batch
    /// of a system scope.
    pub(super) fn of(batch: &Batch, committed: Committed) -> Option<Self> {
        if batch.log.is_empty() && batch.tell.is_empty() && batch.scope >= Scope::FIRST_ACCOUNT {
            return None;
        }
        let mut hints: Vec<Hint> = Vec::new();
        for hint in batch.log.iter().map(|entry| &entry.hint).chain(&batch.tell) {
            if !hints.contains(hint) {
                hints.push(*hint);
            }
        }
        Some(Self::Moved {
            scope: batch.scope,
            seq: committed.seq,
            hints: hints.into(),
        })
    }
}

/// Told of each group of commits on the thread that made them durable, so it must not block.
pub type Listener = Box<dyn Fn(&[Wake]) + Send + Sync>;

/// Everyone who wants to be told.
#[derive(Default)]
pub(super) struct Subscribers {
    queues: Mutex<Vec<Subscriber>>,
    listeners: Mutex<Vec<Listener>>,
}

struct Subscriber {
    tx: flume::Sender<Wake>,
    /// The last element that was queued is a gap.
    gap: bool,
}

impl Subscribers {
    /// A new subscription, for everything from now on.
    pub(super) fn subscribe(&self) -> flume::Receiver<Wake> {
        let (tx, rx) = flume::bounded(limits::WAKE_QUEUE_MAX);
        lock(&self.queues).push(Subscriber { tx, gap: false });
        rx
    }

    /// One more who is told without a queue, for everything from now on.
    pub(super) fn listen(&self, listener: Listener) {
        lock(&self.listeners).push(listener);
    }

    /// Tells everyone; forgets those who have gone. The listeners first: they are who wakes phones.
    pub(super) fn publish(&self, wakes: &[Wake]) {
        if wakes.is_empty() {
            return;
        }
        for listener in lock(&self.listeners).iter() {
            listener(wakes);
        }
        lock(&self.queues).retain_mut(|subscriber| {
            wakes.iter().for_each(|wake| subscriber.offer(wake));
            !subscriber.tx.is_disconnected()
        });
    }
}

fn lock<T>(list: &Mutex<Vec<T>>) -> std::sync::MutexGuard<'_, Vec<T>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Subscriber {
    /// The last place of the queue is for the gap. While the gap is the last element that was
    /// queued, whoever comes to it has everything else behind: then dropping is safe, because
    /// what is dropped was durable before the gap is read.
    fn offer(&mut self, wake: &Wake) {
        let room = self.tx.len() + 1 < limits::WAKE_QUEUE_MAX;
        if room {
            self.gap = self.tx.try_send(wake.clone()).is_err();
        } else if !self.gap {
            self.gap = self.tx.try_send(Wake::Gap).is_ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wake(seq: Seq) -> Wake {
        Wake::Moved {
            scope: Scope(16),
            seq,
            hints: Arc::from([]),
        }
    }

    fn seqs(rx: &flume::Receiver<Wake>) -> Vec<Option<Seq>> {
        let seq = |wake| match wake {
            Wake::Moved { seq, .. } => Some(seq),
            Wake::Gap => None,
        };
        rx.try_iter().map(seq).collect()
    }

    #[test]
    fn a_slow_subscriber_hears_of_the_gap_and_goes_on() {
        let subscribers = Subscribers::default();
        let (slow, quick) = (subscribers.subscribe(), subscribers.subscribe());
        let max = limits::WAKE_QUEUE_MAX as Seq;
        for seq in 1..=max + 5 {
            subscribers.publish(&[wake(seq)]);
            assert_eq!(seqs(&quick), [Some(seq)]);
        }
        let heard = seqs(&slow);
        assert_eq!(heard.len() as Seq, max);
        assert_eq!(heard[heard.len() - 2..], [Some(max - 1), None]);
        subscribers.publish(&[wake(max + 6)]);
        assert_eq!(seqs(&slow), [Some(max + 6)]);
    }

    #[test]
    fn a_second_gap_is_announced_as_well() {
        let subscribers = Subscribers::default();
        let rx = subscribers.subscribe();
        let flood =
            || (0..2 * limits::WAKE_QUEUE_MAX).for_each(|_| subscribers.publish(&[wake(1)]));
        flood();
        assert_eq!(rx.try_iter().take(10).count(), 10);
        flood();
        assert_eq!(seqs(&rx).iter().filter(|seq| seq.is_none()).count(), 2);
    }

    #[test]
    fn a_listener_hears_a_group_at_once() {
        let subscribers = Subscribers::default();
        let (tx, rx) = flume::unbounded();
        subscribers.listen(Box::new(move |wakes| tx.send(wakes.len()).unwrap()));
        subscribers.publish(&[wake(1), wake(2)]);
        subscribers.publish(&[]);
        subscribers.publish(&[wake(3)]);
        assert_eq!(rx.drain().collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn who_has_gone_is_forgotten() {
        let subscribers = Subscribers::default();
        drop(subscribers.subscribe());
        subscribers.publish(&[wake(1)]);
        assert_eq!(lock(&subscribers.queues).len(), 0);
    }
}
