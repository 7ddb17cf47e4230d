//! What goes on beside the cores: tidying, telling attendees what was not told yet, completing the search index of accounts that an older release
//! has filled, and new keys for session tickets.

use super::tickets;
use crate::eas::{Eas, notices};
use crate::mailbox::{Error, Mailbox};
use crate::net::Tickets;
use crate::queue;
use crate::queue::Queue;
use crate::work::block_on;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How often accounts are tidied.
const PERIOD: Duration = Duration::from_secs(60 * 60);

/// Between two steps of completing an index: others want to write, too.
const BREATH: Duration = Duration::from_millis(10);

/// Forgets what is old (tombstones, outcomes of sent mail, fingerprints, names of
/// mails that went out), account by account.
pub(super) struct Upkeep {
    /// Dropped to end it.
    end: flume::Sender<()>,
}

impl Upkeep {
    /// `keys`: where the keys of session tickets are handed on.
    pub(super) fn start(
        mailbox: Mailbox,
        eas: Eas,
        keys: Option<Arc<Tickets>>,
    ) -> io::Result<Self> {
        let (end, ended) = flume::bounded::<()>(0);
        let tidy = move || {
            // What a crash has left behind.
            block_on(notices::send_all(&eas));
            answer(&mailbox);
            if let Err(e) = block_on(index(&mailbox, &ended)) {
                tracing::warn!(error = %e, "the search index is completed later");
            }
            while let Err(flume::RecvTimeoutError::Timeout) = ended.recv_timeout(PERIOD) {
                if let Some(keys) = &keys {
                    match block_on(tickets::fresh(mailbox.store(), mailbox.clock().now_ms())) {
                        Ok(fresh) => keys.replace(fresh),
                        Err(e) => tracing::warn!(error = %e, "ticket keys stay as they are"),
                    }
                }
                block_on(notices::send_all(&eas));
                answer(&mailbox);
                if let Err(e) = block_on(purge(&mailbox, &ended)) {
                    tracing::warn!(error = %e, "tidying goes on later");
                }
                if let Err(e) = block_on(index(&mailbox, &ended)) {
                    tracing::warn!(error = %e, "the search index is completed later");
                }
            }
        };
        std::thread::Builder::new()
            .name("upkeep".into())
            .spawn(tidy)?;
        Ok(Self { end })
    }

    /// Ends it after the step that it is at.
    pub(super) fn stop(self) {
        drop(self.end);
    }
}

/// Sends what absent users owe to those who wrote to them, and what was not sent at once.
fn answer(mailbox: &Mailbox) {
    if let Err(e) = block_on(queue::answer_all(mailbox)) {
        tracing::warn!(error = %e, "those who wrote to absent users are told later");
    }
}

async fn purge(mailbox: &Mailbox, ended: &flume::Receiver<()>) -> Result<(), Error> {
    for account in mailbox.accounts().await? {
        let mut mark = None;
        loop {
            match mailbox.purge(account.scope, mark.clone()).await {
                Ok(next) => mark = next,
                Err(Error::Conflict) => {}
                Err(e) => return Err(e),
            }
            if mark.is_none() || ended.is_disconnected() {
                break;
            }
        }
    }
    let (queue, mut after) = (Queue::new(mailbox.clone()), None);
    loop {
        after = queue.forget(after.as_deref()).await?;
        if after.is_none() || ended.is_disconnected() {
            return Ok(());
        }
    }
}

/// Gives the items of older releases their words, account by account, a few items at a time.
async fn index(mailbox: &Mailbox, ended: &flume::Receiver<()>) -> Result<(), Error> {
    for account in mailbox.accounts().await? {
        let mut mark = None;
        loop {
            match mailbox.fill_words(account.scope, mark).await {
                Ok(next) => mark = next,
                Err(Error::Conflict) => {}
                Err(e) => return Err(e),
            }
            if mark.is_none() {
                break;
            }
            if let Err(flume::RecvTimeoutError::Disconnected) = ended.recv_timeout(BREATH) {
                return Ok(());
            }
        }
    }
    Ok(())
}
