//! What the tests of this module share.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::{Account, Mailbox};
use crate::clock::Clock;
use crate::pim::body::{BlobRef, BodyKind};
use crate::pim::{Message, Task};
use crate::store::Store;

/// 2026-01-01T00:00:00Z.
pub(crate) const NEW_YEAR_MS: i64 = 1_767_225_600_000;

/// Polls until it is ready: the memory store answers by itself.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// An empty mailbox in memory, at New Year.
pub(crate) fn mailbox() -> Mailbox {
    Mailbox::new(Store::memory(), Clock::manual(NEW_YEAR_MS), true)
}

/// An account in the default context.
pub(crate) fn account(login: &str) -> Account {
    Account {
        login: login.to_owned(),
        addresses: vec![format!("{login}@example.org")],
        ..Account::default()
    }
}

/// A mail with this subject.
pub(crate) fn mail(subject: &str, received_ms: i64) -> Message {
    Message {
        mime: BlobRef {
            hash: [0; 32],
            bytes: 0,
        },
        message_id: String::new(),
        conversation_id: [0; 16],
        conversation_index: Vec::new(),
        from: "a@example.org".into(),
        sender: String::new(),
        to: "b@example.org".into(),
        cc: String::new(),
        bcc: String::new(),
        reply_to: String::new(),
        display_to: String::new(),
        subject: subject.to_owned(),
        topic: subject.to_owned(),
        received_ms,
        sent_ms: received_ms,
        importance: 1,
        code_page: 65_001,
        message_class: "IPM.Note".into(),
        native: BodyKind::Text,
        text_head: String::new(),
        text_bytes: 0,
        html_bytes: 0,
        parts: Vec::new(),
        read: false,
        draft: false,
        last_verb: 0,
        last_verb_ms: 0,
        flag: None,
        categories: Vec::new(),
        meeting: None,
    }
}

/// A task with this subject, due at a date.
pub(crate) fn task(subject: &str, due_ms: i64, complete: bool) -> Task {
    Task {
        subject: subject.to_owned(),
        utc_due_ms: Some(due_ms),
        complete,
        ..Task::default()
    }
}
