//! Signals and deadlines become answers: written by the parked request, encrypted in place, handed
//! over by the batch.

use std::hint::black_box;
use std::os::fd::AsFd;

use super::entry::Waits;
use super::{Answered, Ended, Inner, Lot, Now, Start, Turn};
use crate::http::{Brief, Heard, Why, encode_brief};
use crate::net::post::Signal;
use crate::net::ready::{Ready, Token};
use crate::net::service::Parked;

/// Buffers that are kept for the next answers: one turn's.
const BUFFERS_KEPT: usize = super::ANSWERS_PER_TURN;
/// Signals whose entries are fetched together.
const SIGNALS_AHEAD: usize = 16;
/// A buffer that grew beyond this is not kept.
const BUFFER_BYTES_KEPT: usize = 2 * 1024;

/// What is used again from turn to turn, so that an answer allocates nothing.
#[derive(Default)]
pub(super) struct Scratch {
    buffers: Vec<Vec<u8>>,
    document: Vec<u8>,
    pub(super) numbers: Vec<u32>,
}

impl Scratch {
    fn buffer(&mut self) -> Vec<u8> {
        self.buffers
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(512))
    }

    pub(super) fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.buffers.len() < BUFFERS_KEPT && buffer.capacity() <= BUFFER_BYTES_KEPT {
            buffer.clear();
            self.buffers.push(buffer);
        }
    }
}

/// Why an answer is written.
#[derive(Clone, Copy)]
struct Cause {
    why: Why,
    durable_us: Option<u64>,
}

impl<P: Parked> Inner<P> {
    pub(super) fn work_off_signals(
        &mut self,
        lot: &Lot<P>,
        now: &Now<'_>,
        room: &mut usize,
        turn: &mut Turn<P>,
    ) {
        let mut looked_at = 0;
        while *room > 0 {
            if looked_at == 0 {
                looked_at = self.look_ahead();
            }
            let Some(signal) = self.signals.pop_front() else {
                return;
            };
            looked_at = looked_at.saturating_sub(1);
            let Some(account) = signal.account() else {
                self.everybody_looks_again();
                continue;
            };
            let mut numbers = std::mem::take(&mut self.scratch.numbers);
            self.accounts.of(&mut self.slab, account, &mut numbers);
            for index in numbers.drain(..) {
                *room = room.saturating_sub(1);
                self.hear(lot, now, index, &signal, turn);
            }
            self.scratch.numbers = numbers;
        }
    }

    /// Touches the entries that the next signals are for: in a storm none of them is in the processor's
    /// caches, which fetch many at a time as soon as one. Returns how many signals that were.
    fn look_ahead(&mut self) -> usize {
        if self.signals.len() < 2 {
            return self.signals.len();
        }
        let ahead = self.signals.iter().take(SIGNALS_AHEAD);
        for account in ahead.filter_map(Signal::account) {
            let Some(entry) = self.accounts.first(&mut self.slab, account) else {
                continue;
            };
            if let Waits::Answer(parked, _) = &entry.waits {
                parked.warm();
                entry.link.tls.warm();
                black_box((self.wheel.deadline(entry.timer), entry.counted));
            }
        }
        self.signals.len().min(SIGNALS_AHEAD)
    }

    fn everybody_looks_again(&mut self) {
        for index in self.slab.numbers().collect::<Vec<_>>() {
            let uses = self.slab.uses(index);
            if matches!(
                self.slab.get_mut(index).map(|e| &e.waits),
                Some(Waits::Answer(..))
            ) {
                self.again.push_back(Token::entry(index, uses));
            }
        }
    }

    fn hear(
        &mut self,
        lot: &Lot<P>,
        now: &Now<'_>,
        index: u32,
        signal: &P::Signal,
        turn: &mut Turn<P>,
    ) {
        let Some(Waits::Answer(parked, _)) = self.slab.get_mut(index).map(|e| &e.waits) else {
            return;
        };
        self.scratch.document.clear();
        let cause = Cause {
            why: Why::Woken,
            durable_us: signal.durable_us(),
        };
        match parked.hear(signal, &mut self.scratch.document) {
            Heard::Nothing => {}
            Heard::Answer(brief) => self.answer(lot, now, index, brief, cause, turn),
            Heard::Resume => self.resume(&lot.ready, index, Why::Woken, turn),
        }
    }

    pub(super) fn work_off_due(
        &mut self,
        lot: &Lot<P>,
        now: &Now<'_>,
        room: &mut usize,
        turn: &mut Turn<P>,
    ) {
        while *room > 0 {
            let Some(token) = self.due.pop_front() else {
                return;
            };
            let index = token.index();
            if self.named(token).is_none() {
                continue;
            }
            *room -= 1;
            let Some(entry) = self.slab.get_mut(index) else {
                continue;
            };
            match &entry.waits {
                // It was renewed after it had come.
                _ if self.wheel.deadline(entry.timer) > now.ms => {}
                Waits::Request => self.finish(&lot.ready, index, Ended::Done, turn),
                Waits::Sent { .. } => entry.link.abort(),
                Waits::Answer(parked, _) => {
                    self.scratch.document.clear();
                    let cause = Cause {
                        why: Why::Expired,
                        durable_us: None,
                    };
                    match parked.expire(&mut self.scratch.document) {
                        Heard::Answer(brief) => self.answer(lot, now, index, brief, cause, turn),
                        _ => self.resume(&lot.ready, index, Why::Expired, turn),
                    }
                }
            }
        }
    }

    fn resume(&mut self, ready: &Ready, index: u32, why: Why, turn: &mut Turn<P>) {
        if let Some(waiting) = self.take_parked(index, Waits::Request) {
            self.depart(ready, index, Start::Resume(waiting, why), turn);
        }
    }

    /// Sends what the request has written into the scratch document.
    fn answer(
        &mut self,
        lot: &Lot<P>,
        now: &Now<'_>,
        index: u32,
        brief: Brief,
        cause: Cause,
        turn: &mut Turn<P>,
    ) {
        let Some((parked, mut terms)) = self.take_parked(index, Waits::Sent { stays: true }) else {
            return;
        };
        terms.keep_alive &= !now.stopping;
        let token = Token::entry(index, self.slab.uses(index));
        let mut buffer = self.scratch.buffer();
        let document = &self.scratch.document;
        let Some(entry) = self.slab.get_mut(index) else {
            return;
        };
        let begun = entry.link.tls.begin(&mut buffer);
        let stays = encode_brief(brief, document, terms, now.date, &mut buffer);
        entry.waits = Waits::Sent { stays };
        let peer = entry.link.peer;
        if entry.link.tls.end(&mut buffer, begun).is_err() {
            turn.gone.push((parked, peer, super::Gone::Tls));
            drop(self.remove(&lot.ready, index));
            return;
        }
        lot.ready.send(entry.link.fd.as_fd(), buffer, token);
        self.wheel.set(entry.timer, now.ms + lot.patience.write_ms);
        turn.answered.push(Answered {
            since_ms: parked.since_ms(),
            parked,
            peer,
            brief,
            bytes: self.scratch.document.len(),
            durable_us: cause.durable_us,
            why: cause.why,
        });
    }
}
