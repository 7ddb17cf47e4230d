//! Whether a machine may answer a mail, and what its answer hangs on (RFC 3834 2 and 3).
//!
//! No answer goes to machines: to automatic mail, to lists and whoever sends in bulk, to addresses that
//! nobody reads. In doubt there is none: an answer that does not come is missed by few, one that goes
//! around in circles by nobody.

use super::compose::is_address;
use super::header::{Headers, one_line};
use super::structure;
use crate::limits::{ASKER_REFERENCES_MAX, MIME_HEADER_BYTES_MAX};
use mail_parser::HeaderName;

/// Who may be answered, and about what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asker {
    /// The envelope sender: where the answer goes to.
    pub sender: String,
    /// The addresses of `To` and `Cc`, in lower case. Whoever is not among them was not asked.
    pub asked: Vec<String>,
    /// `Subject`.
    pub subject: String,
    /// `References` and `Message-ID` without angle brackets, oldest first: those of the answer.
    pub references: Vec<String>,
}

/// Local parts that no person reads mail for.
const MACHINES: [&str; 17] = [
    "mailer-daemon",
    "mdaemon",
    "postmaster",
    "daemon",
    "listserv",
    "listproc",
    "majordomo",
    "mailman",
    "noreply",
    "no-reply",
    "no_reply",
    "no.reply",
    "donotreply",
    "do-not-reply",
    "do_not_reply",
    "bounce",
    "bounces",
];
/// Beginnings of such.
const PREFIXES: [&str; 9] = [
    "owner-",
    "request-",
    "bounce-",
    "bounces-",
    "bounce+",
    "bounces+",
    "noreply-",
    "noreply+",
    "no-reply-",
];
/// Ends of such.
const SUFFIXES: [&str; 9] = [
    "-request",
    "-owner",
    "-relay",
    "-bounce",
    "-bounces",
    "-noreply",
    "-no-reply",
    "-errors",
    "-confirm",
];

/// Whether a person reads what is sent to this address.
#[must_use]
pub fn is_personal(address: &str) -> bool {
    // Without a domain it is somebody of this appliance, by log-in name.
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    let local = local.to_ascii_lowercase();
    is_address(address)
        && !MACHINES.contains(&local.as_str())
        && !PREFIXES.iter().any(|p| local.starts_with(p))
        && !SUFFIXES.iter().any(|s| local.ends_with(s))
}

/// Who may be answered, if anybody: of a mail that came from this envelope sender.
#[must_use]
pub fn asker(raw: &[u8], sender: &str) -> Option<Asker> {
    let (head, _) = structure::split(raw);
    if head.len() > MIME_HEADER_BYTES_MAX || !is_personal(sender) {
        return None;
    }
    if structure::fields(head).any(|(name, field)| is_of_machine(name, field)) {
        return None;
    }
    let headers = Headers::parse(head);
    let by_machine = |field| {
        let names = headers.mailboxes(&field);
        names.iter().any(|m| !is_personal(&m.address))
    };
    let is_report = headers
        .mime_type()
        .is_some_and(|kind| kind == "multipart/report" || kind == "message/delivery-status");
    if is_report || by_machine(HeaderName::From) || by_machine(HeaderName::Sender) {
        return None;
    }
    let named = [HeaderName::To, HeaderName::Cc];
    let asked = named.iter().flat_map(|field| headers.mailboxes(field));
    let asked = asked.map(|m| m.address.to_lowercase()).collect();
    let mut references = headers.ids(&HeaderName::References);
    if references.len() > ASKER_REFERENCES_MAX {
        // The first one names the conversation.
        references.drain(1..=references.len() - ASKER_REFERENCES_MAX);
    }
    let id = headers.text(&HeaderName::MessageId);
    references.retain(|other| *other != id);
    references.extend(Some(id).filter(|id| !id.is_empty()));
    Some(Asker {
        sender: one_line(sender),
        asked,
        subject: headers.text(&HeaderName::Subject),
        references,
    })
}

/// Whether a field says that a machine or a list has sent it, or that no answer is wanted.
fn is_of_machine(name: &[u8], field: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    let value = field.splitn(2, |b| *b == b':').nth(1).unwrap_or_default();
    let value = String::from_utf8_lossy(value).to_ascii_lowercase();
    let mut words = value
        .split([',', ';', ' ', '\t', '\r', '\n'])
        .filter(|word| !word.is_empty());
    match name.as_str() {
        "auto-submitted" => words.next() != Some("no"),
        "x-auto-response-suppress" => words.any(|w| matches!(w, "all" | "oof" | "autoreply")),
        "precedence" => words.any(|w| matches!(w, "bulk" | "list" | "junk" | "auto_reply")),
        "x-spam-flag" => words.next() == Some("yes"),
        "mailing-list"
        | "x-mailing-list"
        | "x-beenthere"
        | "x-mailman-version"
        | "x-loop"
        | "x-autoreply"
        | "x-autorespond"
        | "x-auto-reply"
        | "feedback-id"
        | "x-ms-exchange-generated-message-source" => true,
        // Nobody answers an answer to an invitation.
        "content-type" => value.contains("text/calendar") && value.contains("method=reply"),
        // List-Id, List-Unsubscribe, List-Post, ...
        other => other.starts_with("list-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(more: &str, sender: &str) -> Option<Asker> {
        let raw = format!(
            "From: Zoe <zoe@far.example>\r\nTo: Ann <Ann@Example.org>, b@x\r\nCc: c@x\r\n\
            Message-ID: <2@far.example>\r\nReferences: <0@x> <1@x>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\
            {more}\r\nhello\r\n"
        );
        asker(raw.as_bytes(), sender)
    }

    #[test]
    fn a_person_is_answered_where_the_envelope_says() {
        let asker = ask("", "zoe@mail.far.example").unwrap();
        assert_eq!(asker.sender, "zoe@mail.far.example");
        assert_eq!(asker.asked, ["ann@example.org", "b@x", "c@x"]);
        assert_eq!(asker.subject, "Grüße");
        assert_eq!(asker.references, ["0@x", "1@x", "2@far.example"]);
    }

    #[test]
    fn what_does_not_stand_against_it_does_not() {
        for fine in [
            "Auto-Submitted: no\r\n",
            "Auto-Submitted: No ; because\r\n",
            "X-Auto-Response-Suppress: DR, RN, NRN\r\n",
            "Precedence: first-class\r\n",
            "Listen: well\r\n",
            "Content-Type: text/calendar; method=REQUEST\r\n",
            "X-Spam-Flag: NO\r\n",
        ] {
            assert!(ask(fine, "zoe@far.example").is_some(), "{fine}");
        }
    }

    #[test]
    fn lists_bulk_and_machines_are_not_answered() {
        for bad in [
            "Auto-Submitted: auto-generated\r\n",
            "Auto-Submitted: auto-replied; owner=x\r\n",
            "AUTO-SUBMITTED:\r\n\tauto-notified\r\n",
            "X-Auto-Response-Suppress: OOF, DR\r\n",
            "X-Auto-Response-Suppress: DR, AutoReply\r\n",
            "X-Auto-Response-Suppress: All\r\n",
            "Precedence: bulk\r\n",
            "precedence: List\r\n",
            "Precedence: junk\r\n",
            "List-Id: <l.example>\r\n",
            "List-Unsubscribe: <https://l.example>\r\n",
            "X-BeenThere: l@l.example\r\n",
            "X-Spam-Flag: YES\r\n",
            "Sender: owner-l@l.example\r\n",
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
            "Content-Type: text/calendar; charset=utf-8; method=REPLY\r\n",
        ] {
            assert_eq!(ask(bad, "zoe@far.example"), None, "{bad}");
        }
        for machine in [
            "",
            "<>",
            "MAILER-DAEMON",
            "mailer-daemon@far.example",
            "NoReply@far.example",
            "no-reply@far.example",
            "owner-l@far.example",
            "l-request@far.example",
            "bounces+ann=example.org@far.example",
            "l-bounces@far.example",
            "zoe@far.example\r\nBcc: x@y",
        ] {
            assert_eq!(ask("", machine), None, "{machine}");
        }
    }

    #[test]
    fn long_threads_keep_their_beginning() {
        let ids: String = (0..500).map(|n| format!(" <{n}@x>\r\n")).collect();
        let raw = format!("From: z@x\r\nMessage-ID: <me@x>\r\nReferences:{ids}\r\nhi");
        let asker = asker(raw.as_bytes(), "z@x").unwrap();
        let all = &asker.references;
        assert_eq!(all.len(), ASKER_REFERENCES_MAX + 1);
        assert_eq!(
            (all[0].as_str(), all[all.len() - 1].as_str()),
            ("0@x", "me@x")
        );
    }
}
