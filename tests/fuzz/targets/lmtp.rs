//! LMTP: nothing is acknowledged before it was delivered, lines and messages are bounded, and a
//! session is the same however it is cut into reads.

use roost::limits::{LMTP_ERRORS_MAX, LMTP_LINE_BYTES_MAX, LMTP_RECIPIENTS_MAX};
use roost::smtp::{Envelope, Session, Step, Verdict};

use super::input::{Input, cuts, is_turn};

const VERDICTS: [Verdict; 8] = [
    Verdict::Accepted,
    Verdict::Accepted,
    Verdict::UnknownMailbox,
    Verdict::Disabled,
    Verdict::MailboxFull,
    Verdict::SystemFull,
    Verdict::Failed,
    Verdict::BadMessage,
];
/// Small, so that it is reached.
const MESSAGE_BYTES_MAX: usize = 600;

/// What a session came to.
#[derive(PartialEq, Eq, Debug)]
struct Story {
    replies: String,
    delivered: Vec<(Envelope, Vec<u8>)>,
    closed: bool,
}

/// One byte of answers, then what the peer sends.
pub(crate) fn session(data: &[u8]) {
    let mut input = Input::new(data);
    let (seed, greeted) = (input.byte(), input.flag());
    let mut said = if greeted {
        b"LHLO x\r\n".to_vec()
    } else {
        Vec::new()
    };
    said.extend_from_slice(input.rest());
    let whole = play(&said, &[], seed);
    assert_eq!(
        whole,
        play(&said, &cuts(&said, said.len()), seed),
        "in pieces"
    );
    if said.len() <= 256 && is_turn(data, 0, 4) {
        let each: Vec<usize> = (0..said.len()).collect();
        assert_eq!(whole, play(&said, &each, seed), "byte by byte");
    }
}

fn play(said: &[u8], cuts: &[usize], seed: u8) -> Story {
    let mut session = Session::new("mail.example.org").with_limit(MESSAGE_BYTES_MAX);
    let mut story = Story {
        replies: String::new(),
        delivered: Vec::new(),
        closed: false,
    };
    // Recipients that were asked for and are not answered for.
    let mut verdicts = VERDICTS.iter().cycle().skip(seed.into());
    let mut next = move || *verdicts.next().expect("endless");
    let mut from = 0;
    for end in cuts.iter().copied().chain([said.len()]) {
        let mut input = &said[from..end];
        from = end;
        loop {
            let step = session.step(&mut input);
            hear(&mut session, &mut story);
            match step {
                Step::Read => break assert!(input.is_empty()),
                Step::Close => {
                    story.closed = true;
                    return story;
                }
                Step::Recipient(address) => {
                    assert!(!address.is_empty() && address.len() <= LMTP_LINE_BYTES_MAX);
                    let verdict = next();
                    session.recipient(verdict);
                    let said = hear(&mut session, &mut story);
                    assert_eq!(said.starts_with("250"), verdict.is_accepted(), "{said}");
                }
                Step::Deliver(envelope, message) => {
                    deliver(&mut session, &mut story, envelope, message, &mut next)
                }
            }
        }
        assert!(session.message_len() <= MESSAGE_BYTES_MAX);
    }
    story
}

/// The only place where a message is acknowledged.
fn deliver(
    session: &mut Session,
    story: &mut Story,
    envelope: Envelope,
    message: Vec<u8>,
    next: &mut impl FnMut() -> Verdict,
) {
    let count = envelope.recipients.len();
    assert!((1..=LMTP_RECIPIENTS_MAX).contains(&count) && message.len() <= MESSAGE_BYTES_MAX);
    let verdicts: Vec<Verdict> = (0..count).map(|_| next()).collect();
    session.delivered(&verdicts);
    let said = hear(session, story);
    let replies: Vec<&str> = said.lines().collect();
    assert_eq!(replies.len(), count, "one reply for each recipient: {said}");
    for ((reply, verdict), recipient) in replies.iter().zip(&verdicts).zip(&envelope.recipients) {
        assert!(reply.contains(&format!("<{recipient}>")), "{reply}");
        assert_eq!(reply.starts_with("250"), verdict.is_accepted(), "{reply}");
    }
    story.delivered.push((envelope, message));
}

/// Takes the replies. None of them acknowledges a message: who calls this after a delivery looks
/// at them himself.
fn hear(session: &mut Session, story: &mut Story) -> String {
    let said = String::from_utf8(session.take_replies()).expect("UTF-8");
    if said.is_empty() {
        return said;
    }
    assert!(said.ends_with("\r\n"), "{said:?}");
    for line in said.split_terminator("\r\n") {
        assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
        let (code, _) = line.split_at_checked(3).expect("a code");
        assert!(code.bytes().all(|b| b.is_ascii_digit()), "{line:?}");
    }
    let refused = said.lines().filter(|line| line.starts_with('5')).count();
    assert!(refused <= LMTP_ERRORS_MAX as usize + LMTP_RECIPIENTS_MAX);
    story.replies.push_str(&said);
    said
}
