//! One LMTP connection.

use std::rc::Rc;

use super::admission::{Held, Place};
use super::core::Core;
use super::service::{Lmtp, Service};
use super::transport::{End, Read, Transport};
use crate::smtp::{Session, Step};

/// One LMTP connection.
pub(super) struct Delivery<S: Service, L: Lmtp> {
    core: Rc<Core<S, L>>,
    transport: Transport,
    session: Session,
    held: Held,
    _place: Place,
}

impl<S: Service, L: Lmtp> Delivery<S, L> {
    pub(super) fn new(core: Rc<Core<S, L>>, transport: Transport, place: Place) -> Self {
        Self {
            session: Session::new(&core.shared.hostname).with_limit(core.shared.message_bytes_max),
            held: core.shared.admission.held(),
            core,
            transport,
            _place: place,
        }
    }

    /// Serves the connection to its end.
    pub(super) async fn run(mut self) {
        self.core.counters().lmtp_sessions.add();
        match self.serve().await {
            Ok(()) | Err(End::Done | End::PeerClosed | End::PeerGone) => {}
            Err(End::TimedOut) => {
                self.core.counters().timed_out.add();
                self.session.time_out();
                self.say_goodbye(false).await;
            }
            Err(End::Socket | End::Tls) => self.core.counters().socket_errors.add(),
        }
        self.transport.finish();
    }

    async fn serve(&mut self) -> Result<(), End> {
        let mut pending = Vec::new();
        loop {
            let closing = self.work(&mut pending).await;
            let replies = self.session.take_replies();
            self.transport.write(&replies).await?;
            if closing {
                return Ok(());
            }
            let has_room = self.held.set(self.session.message_len());
            if !has_room || self.core.is_stopping() {
                self.session.shut_down();
                let _ = self.held.set(0);
                self.say_goodbye(!has_room).await;
                return Ok(());
            }
            self.transport
                .timer
                .set_in(self.core.shared.deadlines.lmtp_ms);
            self.read(&mut pending).await?;
        }
    }

    /// Works off what was read; returns whether the session is over.
    async fn work(&mut self, pending: &mut Vec<u8>) -> bool {
        let mut input = pending.as_slice();
        let closing = loop {
            match self.session.step(&mut input) {
                Step::Read => break false,
                Step::Close => break true,
                Step::Recipient(address) => {
                    let verdict = self.core.lmtp.recipient(&address).await;
                    self.session.recipient(verdict);
                }
                Step::Deliver(envelope, message) => {
                    self.core.counters().messages.add();
                    let verdicts = self.core.lmtp.deliver(envelope, message).await;
                    self.session.delivered(&verdicts);
                }
            }
        };
        pending.clear();
        closing
    }

    async fn read(&mut self, pending: &mut Vec<u8>) -> Result<(), End> {
        let core = Rc::clone(&self.core);
        loop {
            let read = self.transport.read(&core.scratch, core.counters(), pending);
            if read.await? == Read::Bytes {
                return Ok(());
            }
            // An orderly stop does not cut a session that waits: it is told.
            if core.is_stopping() {
                return Ok(());
            }
            self.transport.readable_or(|| core.is_stopping()).await?;
        }
    }

    /// Sends the last words; lingers where the peer is in the middle of a message.
    async fn say_goodbye(&mut self, lingers: bool) {
        let replies = self.session.take_replies();
        if self.transport.write(&replies).await.is_ok() && lingers {
            self.transport.linger(&self.core.scratch).await;
        }
    }
}
