//! An LMTP session, from the greeting to QUIT.

use super::command::{self, Command};
use super::message::Message;
use super::{Envelope, Verdict};
use crate::limits;

/// What the caller has to do next.
#[derive(Debug)]
pub enum Step {
    /// Send the replies and read more: all input is used.
    Read,
    /// Say with [`Session::recipient`] whether mail for this address is taken.
    Recipient(String),
    /// Make the message durable, and say with [`Session::delivered`] what became of it.
    Deliver(Envelope, Vec<u8>),
    /// Send the replies and close.
    Close,
}

/// The server's side of one connection.
#[derive(Debug)]
pub struct Session {
    hostname: String,
    state: State,
    /// A command line as far as it has arrived.
    line: Vec<u8>,
    /// The line is longer than allowed: it is dropped up to its end.
    overlong: bool,
    greeted: bool,
    errors: u32,
    replies: Vec<u8>,
    message_bytes_max: usize,
}

#[derive(Debug)]
enum State {
    /// No transaction.
    Ready,
    /// After MAIL.
    Mail(Envelope),
    /// Waiting for the caller's word on this recipient.
    Recipient(Envelope, String),
    /// After DATA.
    Data(Envelope, Message),
    /// Waiting for the caller's word on the message for these recipients.
    Deliver(Vec<String>),
    Closed,
}

impl Session {
    /// A session whose greeting waits in [`Session::take_replies`].
    #[must_use]
    pub fn new(hostname: &str) -> Self {
        let mut session = Self {
            hostname: hostname.to_owned(),
            state: State::Ready,
            line: Vec::new(),
            overlong: false,
            greeted: false,
            errors: 0,
            replies: Vec::new(),
            message_bytes_max: limits::MESSAGE_BYTES_MAX,
        };
        session.reply(&format!("220 {hostname} LMTP ready"));
        session
    }

    /// Takes messages of so many bytes at most, and says so with SIZE.
    #[must_use]
    pub fn with_limit(mut self, message_bytes_max: usize) -> Self {
        self.message_bytes_max = message_bytes_max.min(limits::MESSAGE_BYTES_MAX);
        self
    }

    /// What is to be sent, in order. To be sent before more is read.
    #[must_use]
    pub fn take_replies(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.replies)
    }

    /// Bytes of message that are held.
    #[must_use]
    pub fn message_len(&self) -> usize {
        match &self.state {
            State::Data(_, message) => message.len(),
            _ => 0,
        }
    }

    /// Goes on with `input` and takes what was used off it. A question that the caller left
    /// unanswered counts as answered with [`Verdict::Failed`].
    pub fn step(&mut self, input: &mut &[u8]) -> Step {
        match &self.state {
            State::Recipient(..) => self.recipient(Verdict::Failed),
            State::Deliver(_) => self.delivered(&[]),
            _ => {}
        }
        loop {
            if let State::Closed = self.state {
                return Step::Close;
            }
            if let State::Data(_, message) = &mut self.state {
                if !message.feed(input) {
                    return Step::Read;
                }
                if let Some(step) = self.end_of_data() {
                    return step;
                }
                continue;
            }
            let Some(line) = self.line(input) else {
                return Step::Read;
            };
            let recipient = match line {
                Ok(line) => self.command(&line),
                Err(refused) => self.refuse(refused),
            };
            if let Some(recipient) = recipient {
                return Step::Recipient(recipient);
            }
        }
    }

    /// The answer to [`Step::Recipient`].
    pub fn recipient(&mut self, verdict: Verdict) {
        let State::Recipient(mut envelope, recipient) = self.take_state() else {
            return;
        };
        match verdict.reply() {
            (250, _) => {
                envelope.recipients.push(recipient);
                self.reply("250 2.1.5 ok");
            }
            (code, text) => self.reply(&format!("{code} {text}")),
        }
        self.state = State::Mail(envelope);
    }

    /// The answer to [`Step::Deliver`]: one verdict per recipient, in their order.
    pub fn delivered(&mut self, verdicts: &[Verdict]) {
        let State::Deliver(recipients) = self.take_state() else {
            return;
        };
        for (i, recipient) in recipients.iter().enumerate() {
            let (code, text) = verdicts.get(i).unwrap_or(&Verdict::Failed).reply();
            let (status, text) = text.split_once(' ').unwrap_or((text, ""));
            self.reply(&format!("{code} {status} <{recipient}> {text}"));
        }
    }

    /// The peer was silent for too long.
    pub fn time_out(&mut self) {
        self.close("421 4.4.2 silent for too long");
    }

    /// The appliance has no room for this session, or stops.
    pub fn shut_down(&mut self) {
        self.close("421 4.3.2 not available, try again later");
    }

    fn close(&mut self, reply: &str) {
        self.reply(reply);
        self.state = State::Closed;
    }

    fn take_state(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Ready)
    }

    fn reply(&mut self, line: &str) {
        self.replies.extend_from_slice(line.as_bytes());
        self.replies.extend_from_slice(b"\r\n");
    }

    /// The next command line without its end, or the reply to what is none.
    fn line(&mut self, input: &mut &[u8]) -> Option<Result<Vec<u8>, command::Refused>> {
        let end = input.iter().position(|b| *b == b'\n').map(|i| i + 1);
        let (now, rest) = input.split_at(end.unwrap_or(input.len()));
        *input = rest;
        if self.line.len() + now.len() > limits::LMTP_LINE_BYTES_MAX {
            self.overlong = true;
            self.line = Vec::new();
        }
        if !self.overlong {
            self.line.extend_from_slice(now);
        }
        end?;
        let mut line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.overlong) {
            return Some(Err("500 5.5.2 line too long"));
        }
        if !line.ends_with(b"\r\n") {
            return Some(Err("500 5.5.2 lines end with CRLF"));
        }
        line.truncate(line.len() - 2);
        Some(Ok(line))
    }

    /// Carries out a command; returns a recipient that the caller has to judge.
    fn command(&mut self, line: &[u8]) -> Option<String> {
        let command = match command::parse(line) {
            Ok(command) => command,
            Err(refused) => return self.refuse(refused),
        };
        match command {
            Command::Lhlo => self.lhlo(),
            Command::Mail { sender, size, utf8 } => return self.mail(sender, size, utf8),
            Command::Rcpt { recipient } => return self.rcpt(recipient),
            Command::Data => return self.data(),
            Command::Rset => {
                self.state = State::Ready;
                self.reply("250 2.0.0 ok");
            }
            Command::Noop => self.reply("250 2.0.0 ok"),
            Command::Vrfy => self.reply("252 2.5.0 send mail and see"),
            Command::Help => self.reply("214 2.0.0 RFC 2033"),
            Command::Quit => self.close("221 2.0.0 bye"),
            Command::Smtp => return self.refuse("500 5.5.1 this is LMTP, say LHLO"),
            Command::Extension => return self.refuse("502 5.5.1 not implemented"),
        }
        None
    }

    /// Replies with an error. Many of them, or one before LHLO (a web browser that was sent here
    /// to speak for its page), end the session.
    fn refuse(&mut self, reply: &str) -> Option<String> {
        self.errors += 1;
        self.reply(reply);
        if !self.greeted && reply.starts_with("500 ") && !reply.contains("LHLO") {
            self.state = State::Closed;
        } else if self.errors >= limits::LMTP_ERRORS_MAX {
            self.close("421 4.7.0 too many errors");
        }
        None
    }

    fn lhlo(&mut self) {
        self.greeted = true;
        self.state = State::Ready;
        let hostname = self.hostname.clone();
        self.reply(&format!("250-{hostname}"));
        self.reply("250-PIPELINING");
        self.reply("250-ENHANCEDSTATUSCODES");
        self.reply(&format!("250-SIZE {}", self.message_bytes_max));
        self.reply("250-8BITMIME");
        self.reply("250 SMTPUTF8");
    }

    fn mail(&mut self, sender: String, size: u64, utf8: bool) -> Option<String> {
        if !self.greeted {
            return self.refuse("503 5.5.1 say LHLO first");
        }
        if !matches!(self.state, State::Ready) {
            return self.refuse("503 5.5.1 one sender at a time");
        }
        if usize::try_from(size).map_or(true, |n| n > self.message_bytes_max) {
            return self.refuse("552 5.3.4 the message is too large");
        }
        if !utf8 && !sender.is_ascii() {
            return self.refuse("553 5.6.7 needs SMTPUTF8");
        }
        self.state = State::Mail(Envelope {
            sender,
            recipients: Vec::new(),
            utf8,
        });
        self.reply("250 2.1.0 ok");
        None
    }

    fn rcpt(&mut self, recipient: String) -> Option<String> {
        match self.take_state() {
            State::Mail(envelope) => {
                if envelope.recipients.len() >= limits::LMTP_RECIPIENTS_MAX {
                    self.state = State::Mail(envelope);
                    // Not an error of the peer: it sends the others in another transaction.
                    self.reply("452 4.5.3 too many recipients");
                    return None;
                }
                if !envelope.utf8 && !recipient.is_ascii() {
                    self.state = State::Mail(envelope);
                    return self.refuse("553 5.6.7 needs SMTPUTF8");
                }
                self.state = State::Recipient(envelope, recipient.clone());
                Some(recipient)
            }
            other => {
                self.state = other;
                self.refuse("503 5.5.1 say MAIL first")
            }
        }
    }

    fn data(&mut self) -> Option<String> {
        match self.take_state() {
            State::Mail(envelope) if !envelope.recipients.is_empty() => {
                self.state = State::Data(envelope, Message::new(self.message_bytes_max));
                self.reply("354 end with <CRLF>.<CRLF>");
                None
            }
            other => {
                self.state = other;
                // RFC 2033 4.2: with pipelining this is how a peer learns that nobody is left.
                self.refuse("503 5.5.1 no valid recipients")
            }
        }
    }

    fn end_of_data(&mut self) -> Option<Step> {
        let State::Data(envelope, message) = self.take_state() else {
            return None;
        };
        let Some(message) = message.finish() else {
            for recipient in &envelope.recipients {
                self.reply(&format!("552 5.3.4 <{recipient}> the message is too large"));
            }
            return None;
        };
        self.state = State::Deliver(envelope.recipients.clone());
        Some(Step::Deliver(envelope, message))
    }
}
