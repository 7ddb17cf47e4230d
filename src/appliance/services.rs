//! What the cores serve: the protocol and the door for mail, as the network wants them.

use crate::clock::Clock;
use crate::delivery::Door;
use crate::discover::{self, Discover};
use crate::eas::advisor::End;
use crate::eas::outgoing::{NotTaken, Outbound, Remote};
use crate::eas::{Eas, parked, request};
use crate::http::{Answer, Outcome, Peer, Request, Why};
use crate::mailbox::{Error, Mailbox};
use crate::net::{self, Gone, Heard, Lmtp, Parked, Service, Switch, Written};
use crate::pim::body::BlobRef;
use crate::push::{Carrier, Signal};
use crate::queue::{Queue, Queued};
use crate::smtp::{Envelope, Verdict};
use std::future::Future;
use std::pin::Pin;

/// Serves phones, and tells those that look for it where.
pub(super) struct Phones {
    pub(super) eas: Eas,
    pub(super) discover: Discover,
}

/// A waiting phone.
pub(super) struct Waiting(parked::Parked);

impl Parked for Waiting {
    type Signal = Signal;

    fn account(&self) -> u64 {
        self.0.scope().0
    }

    fn since_ms(&self) -> u64 {
        self.0.started_ms()
    }

    fn deadline_ms(&self) -> u64 {
        self.0.deadline_ms()
    }

    fn is_current(&self) -> bool {
        self.0.is_current()
    }

    fn hear(&self, signal: &Signal, document: &mut Vec<u8>) -> Heard {
        self.0.hear(signal, document)
    }

    fn expire(&self, document: &mut Vec<u8>) -> Heard {
        self.0.expire(document)
    }

    fn warm(&self) {
        self.0.warm();
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }

    fn version_tens(&self) -> u8 {
        self.0.version_tens()
    }
}

impl net::Signal for Signal {
    fn account(&self) -> Option<u64> {
        self.scope().map(|scope| scope.0)
    }

    fn durable_us(&self) -> Option<u64> {
        match self {
            Self::Moved { durable_us, .. } => Some(*durable_us),
            Self::End { .. } | Self::Gap => None,
        }
    }

    fn gap() -> Self {
        Self::Gap
    }
}

/// Signals travel over the network's switch.
impl Carrier for Switch<Signal> {
    fn carry(&self, signals: &mut dyn Iterator<Item = Signal>) {
        self.send(signals);
    }
}

impl Service for Phones {
    type Parked = Waiting;

    async fn handle(&self, request: &Request<'_>, peer: &Peer) -> Outcome<Waiting> {
        if request::is_service(request.path) {
            return wrapped(Box::pin(self.eas.handle(request, peer)).await);
        }
        if discover::is_service(request.path) {
            return Outcome::Answer(Box::pin(self.discover.handle(request, peer)).await);
        }
        Outcome::Answer(Answer::text(
            404,
            "Roost serves /Microsoft-Server-ActiveSync and /autodiscover/",
        ))
    }

    async fn resume(&self, parked: Waiting, why: Why) -> Outcome<Waiting> {
        wrapped(Box::pin(self.eas.resume(parked.0, why)).await)
    }

    fn answered(&self, parked: Waiting, _: &Peer, written: Written) {
        let now = (written.mono_ms, written.unix_ms);
        parked
            .0
            .answered(&self.eas, now, written.brief, written.bytes);
    }

    fn gone(&self, parked: Waiting, _: &Peer, gone: Gone) {
        let end = match gone {
            Gone::Closed => End::Closed,
            Gone::Reset => End::Reset,
            Gone::Vanished => End::Vanished,
            // That is the phone's own doing.
            Gone::Newer | Gone::Tls => return,
        };
        parked.0.cut(&self.eas, end);
    }
}

fn wrapped(outcome: Outcome<parked::Parked>) -> Outcome<Waiting> {
    match outcome {
        Outcome::Answer(answer) => Outcome::Answer(answer),
        Outcome::Park(parked) => Outcome::Park(Waiting(parked)),
    }
}

/// Takes mail for the accounts.
pub(super) struct LocalMail(pub(super) Door);

impl Lmtp for LocalMail {
    async fn recipient(&self, address: &str) -> Verdict {
        Box::pin(self.0.recipient(address)).await
    }

    async fn deliver(&self, envelope: Envelope, message: Vec<u8>) -> Vec<Verdict> {
        Box::pin(self.0.deliver(&envelope, message)).await
    }
}

/// Puts mail for others into the queue.
pub(super) struct Outgoing {
    queue: Queue,
    clock: Clock,
}

impl Outgoing {
    pub(super) fn new(mailbox: Mailbox) -> Self {
        Self {
            clock: mailbox.clock().clone(),
            queue: Queue::new(mailbox),
        }
    }

    async fn queue(&self, mail: &Remote) -> Result<(), NotTaken> {
        let queued = Queued {
            account: mail.account.0,
            sender: mail.from.clone(),
            recipients: mail.recipients.clone(),
            mime: BlobRef {
                hash: mail.raw.0,
                bytes: mail.raw_bytes,
            },
            queued_ms: self.clock.now_ms(),
            attempts: 0,
            last_error: String::new(),
            failed: Vec::new(),
        };
        // Always under the same name: a repeated mail goes out once.
        match self.queue.add(&mail.id, &queued).await {
            Ok(_) => Ok(()),
            Err(Error::TooLarge) => Err(NotTaken::Refused),
            Err(e) => {
                tracing::warn!(error = %e, "mail not queued");
                Err(NotTaken::Busy)
            }
        }
    }
}

impl Outbound for Outgoing {
    fn take<'a>(
        &'a self,
        mail: &'a Remote,
    ) -> Pin<Box<dyn Future<Output = Result<(), NotTaken>> + 'a>> {
        Box::pin(self.queue(mail))
    }
}
