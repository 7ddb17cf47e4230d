//! One mail over a session: MAIL, RCPT for each, DATA, and what becomes of every recipient.

use super::offer::Offer;
use super::reply::Reply;
use crate::limits;

/// A mail for the next server, without its content.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Envelope {
    /// The same at every attempt: servers with DSN are told it.
    pub id: String,
    /// Without brackets; empty: nobody hears of what becomes of it.
    pub sender: String,
    /// Without brackets.
    pub recipients: Vec<String>,
    /// Bytes of the message.
    pub bytes: u64,
    /// There are bytes above 127 in it.
    pub eight_bit: bool,
}

impl Envelope {
    /// All addresses are ASCII.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.sender.is_ascii() && self.recipients.iter().all(|r| r.is_ascii())
    }
}

/// Why a recipient did not get it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reason {
    /// The enhanced status code (RFC 3463).
    pub status: String,
    /// What the server said, or what we say.
    pub text: String,
    /// It was the server that said it.
    pub is_remote: bool,
}

impl Reason {
    fn of(reply: &Reply) -> Self {
        let class = if reply.is_permanent() { 5 } else { 4 };
        Self {
            status: reply
                .enhanced()
                .map_or_else(|| format!("{class}.0.0"), str::to_owned),
            text: reply.text(),
            is_remote: true,
        }
    }

    fn own(status: &str, text: &str) -> Self {
        Self {
            status: status.to_owned(),
            text: text.to_owned(),
            is_remote: false,
        }
    }
}

/// What became of a recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// The next server has it, and answers for it.
    Accepted,
    /// Never.
    Refused(Reason),
    /// Not now.
    Later(Reason),
}

/// What became of a mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// One for each recipient, in their order.
    pub fates: Vec<Fate>,
    /// The message was sent to its end, and no reply came: the server may have it all the same.
    pub in_doubt: bool,
    /// The session broke.
    pub is_lost: bool,
    /// There was more than the server takes at one time, and the rest may follow at once.
    pub more_at_once: bool,
}

impl Report {
    pub(super) fn refused(envelope: &Envelope, status: &str, text: &str) -> Self {
        let fate = Fate::Refused(Reason::own(status, text));
        Self::all(envelope, fate)
    }

    /// Nothing was sent, for this reason.
    #[must_use]
    pub fn later(envelope: &Envelope, text: &str) -> Self {
        let fate = Fate::Later(Reason::own("4.4.1", text));
        Self {
            is_lost: true,
            ..Self::all(envelope, fate)
        }
    }

    fn all(envelope: &Envelope, fate: Fate) -> Self {
        Self {
            fates: vec![fate; envelope.recipients.len()],
            in_doubt: false,
            is_lost: false,
            more_at_once: false,
        }
    }
}

/// How a transfer goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// With the next reply, or the content.
    Go,
    /// It is over, and the server is to forget it.
    Reset,
    /// It is over.
    Done,
    /// The server says what has no meaning here.
    Broken,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// MAIL and RCPT.
    Envelope,
    Data,
    Content,
    /// After the last dot.
    Dot,
}

#[derive(Debug)]
pub(super) struct Transfer {
    envelope: Envelope,
    phase: Phase,
    /// MAIL is the first, RCPT follow.
    said: usize,
    heard: usize,
    /// Of the sender, where it was refused.
    refused: Option<Fate>,
    /// None: taken so far.
    fates: Vec<Option<Fate>>,
    more_at_once: bool,
}

impl Transfer {
    /// Begins it; a report where no command can be made of the addresses.
    pub(super) fn begin(
        envelope: Envelope,
        offer: &Offer,
        output: &mut Vec<u8>,
    ) -> Result<Self, Report> {
        let mut all = envelope.recipients.iter().chain([&envelope.sender]);
        let is_sayable = all.all(|address| is_sayable(address));
        drop(all);
        if envelope.recipients.is_empty() || !is_sayable {
            return Err(Report::refused(&envelope, "5.1.3", "not a mail address"));
        }
        let mut transfer = Self {
            phase: Phase::Envelope,
            said: 0,
            heard: 0,
            refused: None,
            fates: vec![None; envelope.recipients.len()],
            envelope,
            more_at_once: false,
        };
        transfer.speak(offer, output);
        Ok(transfer)
    }

    pub(super) fn wants_content(&self) -> bool {
        self.phase == Phase::Content
    }

    pub(super) fn awaits_acceptance(&self) -> bool {
        self.phase == Phase::Dot
    }

    pub(super) fn end_content(&mut self) -> bool {
        let is_content = self.wants_content();
        if is_content {
            self.phase = Phase::Dot;
        }
        is_content
    }

    /// Says as many commands as the server takes before its replies are heard.
    fn speak(&mut self, offer: &Offer, output: &mut Vec<u8>) {
        let window = if offer.pipelining {
            limits::SMTP_PIPELINE_MAX
        } else {
            1
        };
        while self.refused.is_none()
            && self.said <= self.envelope.recipients.len()
            && self.said - self.heard < window
        {
            let line = match self.said.checked_sub(1) {
                None => offer.mail(&self.envelope),
                Some(n) => match self.envelope.recipients.get(n) {
                    Some(recipient) => offer.rcpt(&self.envelope, recipient),
                    None => return,
                },
            };
            output.extend_from_slice(line.as_bytes());
            output.extend_from_slice(b"\r\n");
            self.said += 1;
        }
    }

    pub(super) fn hear(&mut self, reply: &Reply, offer: &Offer, output: &mut Vec<u8>) -> Next {
        match self.phase {
            Phase::Envelope => {
                self.heard += 1;
                match self.heard.checked_sub(2) {
                    None => self.refused = fate(reply),
                    Some(n) => self.recipient(n, reply),
                }
                self.speak(offer, output);
                if self.heard < self.said {
                    return Next::Go;
                }
                if self.refused.is_some() || self.fates.iter().all(Option::is_some) {
                    return Next::Reset;
                }
                if self.said > self.envelope.recipients.len() {
                    output.extend_from_slice(b"DATA\r\n");
                    self.phase = Phase::Data;
                }
                Next::Go
            }
            Phase::Data if reply.code == 354 => {
                self.phase = Phase::Content;
                Next::Go
            }
            Phase::Data => match fate(reply) {
                None => Next::Broken,
                Some(fate) => {
                    self.settle(&fate);
                    Next::Reset
                }
            },
            // The server gives up in the middle, or speaks out of turn.
            Phase::Content => Next::Broken,
            Phase::Dot => {
                self.settle(&fate(reply).unwrap_or(Fate::Accepted));
                Next::Done
            }
        }
    }

    fn recipient(&mut self, n: usize, reply: &Reply) {
        let mut fate = fate(reply);
        let others = self.fates.iter().take(n).any(Option::is_none);
        let too_many = match reply.code {
            452 => reply.enhanced().is_none_or(|e| e == "4.5.3"),
            // Old servers say so (RFC 5321 4.5.3.1.10).
            552 => reply.enhanced().is_none_or(|e| e == "5.5.3"),
            _ => false,
        };
        if others && too_many && self.refused.is_none() {
            self.more_at_once = true;
            fate = Some(Fate::Later(Reason {
                status: "4.5.3".into(),
                ..Reason::of(reply)
            }));
        }
        if let Some(slot) = self.fates.get_mut(n) {
            *slot = fate;
        }
    }

    /// The same for all that were taken so far.
    fn settle(&mut self, fate: &Fate) {
        for slot in &mut self.fates {
            slot.get_or_insert_with(|| fate.clone());
        }
    }

    /// What became of it, after the end.
    pub(super) fn report(self) -> Report {
        let rest = Fate::Later(Reason::own("4.5.0", "not sent"));
        let fates = match self.refused {
            // With the sender everyone was refused, whatever was said of them.
            Some(fate) => vec![fate; self.fates.len()],
            None => self
                .fates
                .into_iter()
                .map(|fate| fate.unwrap_or_else(|| rest.clone()))
                .collect(),
        };
        Report {
            fates,
            in_doubt: false,
            is_lost: false,
            more_at_once: self.more_at_once,
        }
    }

    /// The connection is gone.
    pub(super) fn lost(mut self, why: &str) -> Report {
        let in_doubt = self.phase == Phase::Dot && self.fates.iter().any(Option::is_none);
        self.settle(&Fate::Later(Reason::own("4.4.2", why)));
        Report {
            in_doubt,
            is_lost: true,
            more_at_once: false,
            ..self.report()
        }
    }

    /// The server ends the session with a 421.
    pub(super) fn turned_away(mut self, reply: &Reply) -> Report {
        self.settle(&Fate::Later(Reason::of(reply)));
        Report {
            is_lost: true,
            more_at_once: false,
            ..self.report()
        }
    }
}

/// None: it is well.
fn fate(reply: &Reply) -> Option<Fate> {
    let reason = Reason::of(reply);
    match reply.code {
        200..=299 => None,
        // Not the mail's fault: the log-in is missing or not good enough.
        530 | 534 | 535 | 538 => Some(Fate::Later(reason)),
        500..=599 => Some(Fate::Refused(reason)),
        _ => Some(Fate::Later(reason)),
    }
}

/// Fits into a command: nothing can be said behind it.
fn is_sayable(address: &str) -> bool {
    let is_plain = |c: char| !c.is_control() && c != '<' && c != '>';
    let blank = address.contains(' ') && !address.starts_with('"');
    address.len() <= limits::ADDRESS_BYTES_MAX && !blank && address.chars().all(is_plain)
}
