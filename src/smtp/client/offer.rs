//! What a server says that it can do (RFC 5321 4.1.1.1), and what is said of a mail because of it.

use super::Envelope;
use super::reply::Reply;
use std::fmt::Write as _;

/// The extensions of a server that matter here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Offer {
    /// Commands in one go (RFC 2920).
    pub pipelining: bool,
    /// Lines with bytes above 127 (RFC 6152).
    pub eight_bit: bool,
    /// Addresses in UTF-8 (RFC 6531).
    pub utf8: bool,
    /// Delivery status notifications (RFC 3461).
    pub dsn: bool,
    /// TLS from now on (RFC 3207).
    pub starttls: bool,
    /// The size of a mail beforehand (RFC 1870).
    pub size: bool,
    /// Bytes of the largest mail; 0: not said.
    pub size_max: u64,
    /// Ways to log in (RFC 4954).
    pub auth: Vec<String>,
}

impl Offer {
    pub(super) fn of(reply: &Reply) -> Self {
        let mut offer = Self::default();
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            // Some servers still write AUTH=.
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next().unwrap_or_default() {
                "PIPELINING" => offer.pipelining = true,
                "8BITMIME" => offer.eight_bit = true,
                "SMTPUTF8" => offer.utf8 = true,
                "DSN" => offer.dsn = true,
                "STARTTLS" => offer.starttls = true,
                "SIZE" => {
                    offer.size = true;
                    offer.size_max = words.next().and_then(|n| n.parse().ok()).unwrap_or(0);
                }
                "AUTH" => offer.auth.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        offer
    }

    /// Why this server can never take the mail: enhanced code and text.
    pub(super) fn objection(&self, envelope: &Envelope) -> Option<(&'static str, &'static str)> {
        if self.size_max > 0 && envelope.bytes > self.size_max {
            return Some(("5.3.4", "the message is larger than the server takes"));
        }
        if envelope.eight_bit && !self.eight_bit {
            return Some((
                "5.6.3",
                "the message has bytes that the server does not take (8BITMIME)",
            ));
        }
        if !self.utf8 && !envelope.is_ascii() {
            return Some((
                "5.6.7",
                "an address that the server does not understand (SMTPUTF8)",
            ));
        }
        None
    }

    pub(super) fn mail(&self, envelope: &Envelope) -> String {
        let mut line = format!("MAIL FROM:<{}>", envelope.sender);
        if self.size {
            let _ = write!(line, " SIZE={}", envelope.bytes);
        }
        if envelope.eight_bit && self.eight_bit {
            line.push_str(" BODY=8BITMIME");
        }
        if !envelope.is_ascii() {
            line.push_str(" SMTPUTF8");
        }
        if self.dsn {
            let _ = write!(line, " RET=HDRS ENVID={}", xtext(&envelope.id));
        }
        line
    }

    pub(super) fn rcpt(&self, envelope: &Envelope, recipient: &str) -> String {
        let mut line = format!("RCPT TO:<{recipient}>");
        if self.dsn {
            // Nobody hears of what becomes of a mail without a sender.
            let notify = match envelope.sender.is_empty() {
                true => "NEVER",
                false => "FAILURE,DELAY",
            };
            let _ = write!(line, " NOTIFY={notify}");
            if recipient.is_ascii() {
                let _ = write!(line, " ORCPT=rfc822;{}", xtext(recipient));
            }
        }
        line
    }
}

/// RFC 3461 4.
fn xtext(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if (b'!'..=b'~').contains(&byte) && byte != b'+' && byte != b'=' {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "+{byte:02X}");
        }
    }
    out
}
