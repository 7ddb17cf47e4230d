//! The client's side of SMTP (RFC 5321) as a state machine over bytes.
//!
//! [`Client`] says what to do next; the caller owns socket, encryption and patience, sends what
//! [`Client::take_output`] has before it reads, and streams the message itself between
//! [`Step::Content`] and [`Client::end_content`]. Every recipient gets a [`Fate`] of its own.
//!
//! Whether a mail was taken is known only when the reply to its last dot is there. A connection that is
//! lost between the two leaves that open ([`Report::in_doubt`]): no client can tell, and RFC 5321 has
//! it try again.
//!
//! Deliberately absent: sockets, TLS itself, CHUNKING, LMTP as a client, conversion of messages for
//! servers without 8BITMIME.

mod content;
mod login;
mod offer;
mod reply;
#[cfg(test)]
mod tests;
mod transfer;

pub use content::Stuffing;
pub use login::{Login, Mechanism};
pub use offer::Offer;
pub use reply::Reply;
pub use transfer::{Envelope, Fate, Reason, Report};

use login::{Exchange, Turn};
use reply::Replies;
use transfer::{Next, Transfer};

/// How a session is to be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Terms {
    /// The name that the client gives itself.
    pub helo: String,
    /// TLS by STARTTLS, or nothing.
    pub starttls: bool,
    /// Who logs in.
    pub login: Option<Login>,
}

/// What the caller has to do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Send the output and read more.
    Read,
    /// Begin TLS, and say so with [`Client::encrypted`].
    StartTls,
    /// The session is open: [`Client::send`] or [`Client::quit`].
    Ready,
    /// Send the message through a [`Stuffing`], and say so with [`Client::end_content`].
    Content,
    /// What became of a mail.
    Report(Report),
    /// The session is over. A text where that is not as it should be.
    Closed(Option<String>),
}

#[derive(Debug)]
enum State {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Encrypting,
    LoggingIn(Exchange),
    Ready,
    Transfer(Transfer),
    /// After RSET, with what is to be told then.
    Reset(Report),
    Quit,
    Closed(Option<String>),
}

/// The client's side of one connection.
#[derive(Debug)]
pub struct Client {
    terms: Terms,
    encrypted: bool,
    offer: Offer,
    replies: Replies,
    output: Vec<u8>,
    state: State,
}

impl Client {
    /// A session that waits for the greeting; `encrypted`: TLS was there from the first byte.
    #[must_use]
    pub fn new(terms: Terms, encrypted: bool) -> Self {
        Self {
            terms,
            encrypted,
            offer: Offer::default(),
            replies: Replies::default(),
            output: Vec::new(),
            state: State::Greeting,
        }
    }

    /// What is to be sent, in order, before more is read.
    #[must_use]
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// What the server can do.
    #[must_use]
    pub fn offer(&self) -> &Offer {
        &self.offer
    }

    /// Waits for the reply to the last dot, for which servers take their time.
    #[must_use]
    pub fn awaits_acceptance(&self) -> bool {
        matches!(&self.state, State::Transfer(transfer) if transfer.awaits_acceptance())
    }

    /// Goes on with bytes of the server (none: with what is there).
    pub fn step(&mut self, input: &[u8]) -> Step {
        self.replies.feed(input);
        loop {
            match &self.state {
                State::Ready => return Step::Ready,
                State::Encrypting => return Step::StartTls,
                State::Closed(why) => return Step::Closed(why.clone()),
                State::Transfer(transfer) if transfer.wants_content() => return Step::Content,
                _ => {}
            }
            if !self.output.is_empty() {
                // Nothing is heard before it is asked for.
                return Step::Read;
            }
            match self.replies.next() {
                Ok(None) => return Step::Read,
                Ok(Some(reply)) => {
                    if let Some(report) = self.hear(&reply) {
                        return Step::Report(report);
                    }
                }
                Err(_) => {
                    if let Some(report) = self.lost("the server does not speak SMTP") {
                        return Step::Report(report);
                    }
                }
            }
        }
    }

    /// TLS is there. What was said before counts no more (RFC 3207 4.2).
    pub fn encrypted(&mut self) {
        if !matches!(self.state, State::Encrypting) {
            return;
        }
        self.encrypted = true;
        self.offer = Offer::default();
        self.say_hello();
    }

    /// Begins to send a mail, after [`Step::Ready`]. What the server can never take is reported without
    /// asking it.
    pub fn send(&mut self, envelope: Envelope) -> Option<Report> {
        if !matches!(self.state, State::Ready) {
            return Some(Report::later(&envelope, "no session is open"));
        }
        if let Some((status, text)) = self.offer.objection(&envelope) {
            return Some(Report::refused(&envelope, status, text));
        }
        match Transfer::begin(envelope, &self.offer, &mut self.output) {
            Ok(transfer) => {
                self.state = State::Transfer(transfer);
                None
            }
            Err(report) => Some(report),
        }
    }

    /// The message was sent through `stuffing`, all of it: its end goes out.
    pub fn end_content(&mut self, stuffing: Stuffing) {
        if let State::Transfer(transfer) = &mut self.state
            && transfer.end_content()
        {
            stuffing.end(&mut self.output);
        }
    }

    /// Ends the session.
    pub fn quit(&mut self) {
        if matches!(self.state, State::Ready) {
            self.say("QUIT");
            self.state = State::Quit;
        }
    }

    /// The connection is gone, for this reason. Gives what that means for a mail that was on its way.
    pub fn lost(&mut self, why: &str) -> Option<Report> {
        let closed = State::Closed(Some(why.to_owned()));
        match std::mem::replace(&mut self.state, closed) {
            State::Transfer(transfer) => Some(transfer.lost(why)),
            State::Reset(report) => Some(report),
            State::Quit => {
                self.state = State::Closed(None);
                None
            }
            State::Closed(why) => {
                self.state = State::Closed(why);
                None
            }
            _ => None,
        }
    }

    fn say(&mut self, line: &str) {
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }

    fn say_hello(&mut self) {
        let line = format!("EHLO {}", self.terms.helo);
        self.say(&line);
        self.state = State::Ehlo;
    }

    fn close(&mut self, what: &str, reply: &Reply) {
        self.state = State::Closed(Some(format!("{what}: {}", reply.text())));
    }

    fn hear(&mut self, reply: &Reply) -> Option<Report> {
        match std::mem::replace(&mut self.state, State::Closed(None)) {
            State::Greeting if reply.code == 220 => self.say_hello(),
            State::Greeting => self.close("the server has no time", reply),
            State::Ehlo if reply.code == 250 => {
                self.offer = Offer::of(reply);
                self.open(reply);
            }
            // An old server. It has no TLS and no log-in.
            State::Ehlo
                if reply.is_permanent() && !self.terms.starttls && self.terms.login.is_none() =>
            {
                let line = format!("HELO {}", self.terms.helo);
                self.say(&line);
                self.state = State::Helo;
            }
            State::Helo if reply.code == 250 => self.state = State::Ready,
            State::Ehlo | State::Helo => self.close("the greeting was refused", reply),
            State::StartTls if reply.code == 220 => {
                // Somebody on the way has put words in front of the encrypted ones.
                self.state = match self.replies.has_more() {
                    true => {
                        State::Closed(Some("there were words behind the reply to STARTTLS".into()))
                    }
                    false => State::Encrypting,
                };
            }
            State::StartTls => self.close("STARTTLS was refused", reply),
            State::LoggingIn(exchange) => self.log_in(exchange, reply),
            State::Transfer(transfer) => return self.transfer(transfer, reply),
            State::Reset(report) => {
                self.state = match reply.code {
                    250 => State::Ready,
                    _ => State::Closed(Some(format!("RSET was refused: {}", reply.text()))),
                };
                return Some(report);
            }
            State::Quit => {}
            other @ (State::Encrypting | State::Ready | State::Closed(_)) => {
                self.state = other;
                self.close("the server spoke unasked", reply);
            }
        }
        None
    }

    /// After EHLO: encryption first, then the log-in, then mail.
    fn open(&mut self, reply: &Reply) {
        if self.terms.starttls && !self.encrypted {
            if !self.offer.starttls {
                return self.close("the server offers no STARTTLS", reply);
            }
            self.say("STARTTLS");
            self.state = State::StartTls;
            return;
        }
        let Some(login) = self.terms.login.clone() else {
            self.state = State::Ready;
            return;
        };
        match Exchange::begin(&login, &self.offer.auth) {
            Some((exchange, line)) => {
                self.say(&line);
                self.state = State::LoggingIn(exchange);
            }
            None => self.close("the server does not offer this way to log in", reply),
        }
    }

    fn log_in(&mut self, mut exchange: Exchange, reply: &Reply) {
        match exchange.hear(reply) {
            Turn::In => self.state = State::Ready,
            Turn::Say(line) => {
                self.say(&line);
                self.state = State::LoggingIn(exchange);
            }
            Turn::Refused => self.close("the log-in was refused", reply),
        }
    }

    fn transfer(&mut self, mut transfer: Transfer, reply: &Reply) -> Option<Report> {
        if reply.code == 421 {
            self.state = State::Closed(Some(reply.text()));
            return Some(transfer.turned_away(reply));
        }
        match transfer.hear(reply, &self.offer, &mut self.output) {
            Next::Go => self.state = State::Transfer(transfer),
            Next::Reset => {
                self.say("RSET");
                self.state = State::Reset(transfer.report());
            }
            Next::Done => {
                self.state = State::Ready;
                return Some(transfer.report());
            }
            Next::Broken => {
                self.state = State::Closed(Some(format!("out of step: {}", reply.text())));
                return Some(transfer.lost("the server is out of step"));
            }
        }
        None
    }
}
