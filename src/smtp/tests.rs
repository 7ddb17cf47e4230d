//! Scripted dialogues. `C:` is what the peer sends (lines end with CRLF), `S:` what it must get.
//! Mailboxes: `alice` and `bob` take mail, `full` is full, `late` fails after the message.

use proptest::prelude::*;

use super::*;
use crate::limits;

fn judge(address: &str) -> Verdict {
    match address.split('@').next().unwrap() {
        "alice" | "bob" | "late" => Verdict::Accepted,
        "full" => Verdict::MailboxFull,
        "off" => Verdict::Disabled,
        _ => Verdict::UnknownMailbox,
    }
}

/// Runs a session over these reads; returns all replies, and what was delivered.
fn run<'a>(reads: impl Iterator<Item = &'a [u8]>) -> (String, Vec<(Envelope, Vec<u8>)>) {
    let mut session = Session::new("mail.test");
    let mut delivered = Vec::new();
    let mut replies = Vec::new();
    'reads: for read in reads {
        let mut input = read;
        loop {
            match session.step(&mut input) {
                Step::Read => break,
                Step::Recipient(address) => session.recipient(judge(&address)),
                Step::Deliver(envelope, message) => {
                    let verdict = |r: &String| match r.as_str() {
                        "late" => Verdict::SystemFull,
                        _ => Verdict::Accepted,
                    };
                    let verdicts: Vec<_> = envelope.recipients.iter().map(verdict).collect();
                    delivered.push((envelope, message));
                    session.delivered(&verdicts);
                }
                Step::Close => break 'reads,
            }
        }
        replies.extend(session.take_replies());
    }
    replies.extend(session.take_replies());
    (String::from_utf8(replies).unwrap(), delivered)
}

/// Checks a dialogue, sent in one go and byte by byte; returns what was delivered.
#[track_caller]
fn dialogue(script: &str) -> Vec<(Envelope, Vec<u8>)> {
    let said = |who: &str| -> String {
        let lines = script
            .lines()
            .filter_map(|l| l.trim_start().strip_prefix(who));
        lines
            .map(|l| format!("{}\r\n", l.strip_prefix(' ').unwrap_or(l)))
            .collect()
    };
    let (client, server) = (said("C:"), said("S:"));
    let (replies, delivered) = run(std::iter::once(client.as_bytes()));
    assert_eq!(replies, server);
    let (replies, again) = run(client.as_bytes().chunks(1));
    assert_eq!(replies, server, "byte by byte");
    assert_eq!(delivered, again);
    delivered
}

#[test]
fn a_delivery() {
    let delivered = dialogue(
        "S: 220 mail.test LMTP ready
         C: LHLO client.test
         S: 250-mail.test
         S: 250-PIPELINING
         S: 250-ENHANCEDSTATUSCODES
         S: 250-SIZE 67108864
         S: 250-8BITMIME
         S: 250 SMTPUTF8
         C: MAIL FROM:<carol@far.test> SIZE=100 BODY=8BITMIME
         S: 250 2.1.0 ok
         C: RCPT TO:<alice>
         S: 250 2.1.5 ok
         C: RCPT TO:<nobody>
         S: 550 5.1.1 no such mailbox
         C: RCPT TO:<full>
         S: 452 4.2.2 the mailbox is full, try again later
         C: RCPT TO:<off>
         S: 550 5.2.1 this mailbox takes no mail
         C: RCPT TO:<late>
         S: 250 2.1.5 ok
         C: RCPT TO:<bob@near.test>
         S: 250 2.1.5 ok
         C: DATA
         S: 354 end with <CRLF>.<CRLF>
         C: Subject: hello
         C:
         C: ..dot
         C: .
         S: 250 2.0.0 <alice> delivered
         S: 452 4.3.1 <late> no room at the moment, try again later
         S: 250 2.0.0 <bob@near.test> delivered
         C: QUIT
         S: 221 2.0.0 bye",
    );
    let [(envelope, message)] = delivered.as_slice() else {
        panic!("one message")
    };
    assert_eq!(envelope.sender, "carol@far.test");
    assert_eq!(envelope.recipients, ["alice", "late", "bob@near.test"]);
    assert_eq!(message, b"Subject: hello\r\n\r\n.dot\r\n");
}

const GREETED: &str = "S: 220 mail.test LMTP ready
    C: LHLO x
    S: 250-mail.test
    S: 250-PIPELINING
    S: 250-ENHANCEDSTATUSCODES
    S: 250-SIZE 67108864
    S: 250-8BITMIME
    S: 250 SMTPUTF8\n";

#[track_caller]
fn greeted(script: &str) -> Vec<(Envelope, Vec<u8>)> {
    dialogue(&format!("{GREETED}{script}"))
}

#[test]
fn two_messages_in_one_session() {
    let delivered = greeted(
        "C: MAIL FROM:<>
         S: 250 2.1.0 ok
         C: RCPT TO:<alice>
         S: 250 2.1.5 ok
         C: DATA
         S: 354 end with <CRLF>.<CRLF>
         C: .
         S: 250 2.0.0 <alice> delivered
         C: MAIL FROM:<jörg@far.test> SMTPUTF8
         S: 250 2.1.0 ok
         C: RCPT TO:<bob>
         S: 250 2.1.5 ok
         C: DATA
         S: 354 end with <CRLF>.<CRLF>
         C: second
         C: .
         S: 250 2.0.0 <bob> delivered",
    );
    assert_eq!(delivered.len(), 2);
    assert_eq!(delivered[0].1, b"");
    assert!(delivered[1].0.utf8);
}

#[test]
fn data_without_recipients() {
    let delivered = greeted(
        "C: MAIL FROM:<carol@far.test>
         S: 250 2.1.0 ok
         C: RCPT TO:<nobody>
         S: 550 5.1.1 no such mailbox
         C: DATA
         S: 503 5.5.1 no valid recipients
         C: RSET
         S: 250 2.0.0 ok
         C: DATA
         S: 503 5.5.1 no valid recipients",
    );
    assert!(delivered.is_empty());
}

#[test]
fn the_order_of_commands() {
    dialogue(
        "S: 220 mail.test LMTP ready
         C: NOOP
         S: 250 2.0.0 ok
         C: MAIL FROM:<>
         S: 503 5.5.1 say LHLO first
         C: EHLO x
         S: 500 5.5.1 this is LMTP, say LHLO
         C: HELO x
         S: 500 5.5.1 this is LMTP, say LHLO",
    );
    greeted(
        "C: RCPT TO:<alice>
         S: 503 5.5.1 say MAIL first
         C: MAIL FROM:<a@b>
         S: 250 2.1.0 ok
         C: MAIL FROM:<a@b>
         S: 503 5.5.1 one sender at a time
         C: RCPT TO:<alice>
         S: 250 2.1.5 ok
         C: LHLO again
         S: 250-mail.test
         S: 250-PIPELINING
         S: 250-ENHANCEDSTATUSCODES
         S: 250-SIZE 67108864
         S: 250-8BITMIME
         S: 250 SMTPUTF8
         C: RCPT TO:<alice>
         S: 503 5.5.1 say MAIL first",
    );
}

#[test]
fn what_is_not_offered() {
    greeted(
        "C: BDAT 10 LAST
         S: 502 5.5.1 not implemented
         C: STARTTLS
         S: 502 5.5.1 not implemented
         C: VRFY alice
         S: 252 2.5.0 send mail and see
         C: MAIL FROM:<a@b> SIZE=67108865
         S: 552 5.3.4 the message is too large
         C: MAIL FROM:<a@b> RET=FULL
         S: 555 5.5.4 parameter not supported
         C: MAIL FROM:<jörg@far.test>
         S: 553 5.6.7 needs SMTPUTF8
         C: MAIL FROM:a@b
         S: 501 5.5.4 syntax error in arguments
         C: RSET now
         S: 501 5.5.4 syntax error in arguments
         C: BLAH
         S: 500 5.5.1 unknown command",
    );
}

#[test]
fn a_browser_is_shown_out() {
    dialogue(
        "S: 220 mail.test LMTP ready
         C: POST / HTTP/1.1
         S: 500 5.5.1 unknown command
         C: LHLO x
         C: MAIL FROM:<>",
    );
}

#[test]
fn errors_end_a_session() {
    let mut script = GREETED.to_owned();
    for _ in 0..limits::LMTP_ERRORS_MAX {
        script.push_str("C: BLAH\nS: 500 5.5.1 unknown command\n");
    }
    script.push_str("S: 421 4.7.0 too many errors\nC: NOOP\n");
    dialogue(&script);
}

#[test]
fn long_lines_are_dropped_up_to_their_end() {
    let long = "a".repeat(limits::LMTP_LINE_BYTES_MAX);
    greeted(&format!(
        "C: NOOP {long}
         S: 500 5.5.2 line too long
         C: NOOP
         S: 250 2.0.0 ok"
    ));
}

#[test]
fn a_bare_line_feed_ends_no_command() {
    let (replies, _) = run(std::iter::once(b"LHLO x\r\nNOOP\nNOOP\r\n".as_slice()));
    assert!(replies.ends_with("500 5.5.2 lines end with CRLF\r\n250 2.0.0 ok\r\n"));
}

#[test]
fn nothing_is_acknowledged_before_the_caller_said_so() {
    let mut session = Session::new("mail.test");
    let mut input: &[u8] = b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<alice>\r\nDATA\r\nhello\r\n.\r\n";
    assert!(matches!(session.step(&mut input), Step::Recipient(_)));
    session.recipient(Verdict::Accepted);
    assert!(matches!(session.step(&mut input), Step::Deliver(..)));
    let replies = String::from_utf8(session.take_replies()).unwrap();
    assert!(replies.ends_with("354 end with <CRLF>.<CRLF>\r\n"));
    // A caller that goes on without an answer has not delivered.
    assert!(matches!(session.step(&mut input), Step::Read));
    let replies = String::from_utf8(session.take_replies()).unwrap();
    assert_eq!(
        replies,
        "451 4.3.0 <alice> local failure, try again later\r\n"
    );
}

#[test]
fn too_many_recipients() {
    let mut script = String::from("LHLO x\r\nMAIL FROM:<>\r\n");
    for i in 0..=limits::LMTP_RECIPIENTS_MAX {
        script.push_str(&format!("RCPT TO:<alice@{i}.test>\r\n"));
    }
    let (replies, _) = run(std::iter::once(script.as_bytes()));
    assert!(replies.ends_with("250 2.1.5 ok\r\n452 4.5.3 too many recipients\r\n"));
}

#[test]
fn the_last_words() {
    let mut session = Session::new("mail.test");
    let _ = session.take_replies();
    session.time_out();
    assert!(session.take_replies().starts_with(b"421 4.4.2 "));
    assert!(matches!(
        session.step(&mut b"NOOP\r\n".as_slice()),
        Step::Close
    ));
}

proptest! {
    #[test]
    fn random_bytes_do_not_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        step in 1usize..20,
    ) {
        let mut script = b"LHLO x\r\n".to_vec();
        script.extend_from_slice(&bytes);
        let one = run(std::iter::once(script.as_slice()));
        prop_assert_eq!(run(script.chunks(step)), one);
        run(bytes.chunks(step));
    }
}
