//! SMTP as a client: whatever a server says, every recipient has one fate, nothing secret is said before
//! there is TLS, nothing is accepted that was not sent, and a session is the same however it is cut.

use roost::smtp::client::{
    Client, Envelope, Fate, Login, Mechanism, Report, Step, Stuffing, Terms,
};

use super::input::{Input, cuts};

const SECRET: &str = "c2VjcmV0";

/// What a session came to.
#[derive(PartialEq, Eq, Debug, Default)]
struct Story {
    said: String,
    reports: Vec<Report>,
    closed: Option<Option<String>>,
}

/// One byte of what is wanted, then what the server says.
pub(crate) fn session(data: &[u8]) {
    let mut input = Input::new(data);
    let wanted = input.byte();
    let said = input.rest();
    let whole = play(said, &[], wanted);
    // What comes behind the reply to STARTTLS is encrypted or an attack: there cuts tell.
    if wanted & 1 == 0 {
        assert_eq!(
            whole,
            play(said, &cuts(said, said.len()), wanted),
            "in pieces"
        );
    }
}

fn play(said: &[u8], cuts: &[usize], wanted: u8) -> Story {
    let starttls = wanted & 1 != 0;
    let mechanism = match wanted >> 1 & 3 {
        0 => None,
        1 => Some(Mechanism::Auto),
        2 => Some(Mechanism::Login),
        _ => Some(Mechanism::XOAuth2),
    };
    let terms = Terms {
        helo: "mail.example.org".into(),
        starttls,
        login: mechanism.map(|mechanism| Login {
            mechanism,
            user: "me".into(),
            secret: "secret".into(),
        }),
    };
    let recipients = usize::from(wanted >> 3 & 7) * 20 + 1;
    let envelope = Envelope {
        id: "id".into(),
        sender: "me@example.org".into(),
        recipients: (0..recipients)
            .map(|n| format!("r{n}@example.net"))
            .collect(),
        bytes: 100,
        eight_bit: wanted & 0x40 != 0,
    };
    let mut client = Client::new(terms, false);
    let mut story = Story::default();
    let mut play = Play {
        envelope,
        is_encrypted: !starttls,
        contents: 0,
        mails: 0,
    };
    let mut from = 0;
    for end in cuts.iter().copied().chain([said.len()]) {
        let piece = &said[from..end];
        from = end;
        if play.hear(&mut client, &mut story, piece) {
            return story;
        }
    }
    if let Some(report) = client.lost("lost") {
        play.check(&report);
        story.reports.push(report);
    }
    story
}

struct Play {
    envelope: Envelope,
    is_encrypted: bool,
    contents: usize,
    mails: usize,
}

impl Play {
    /// Whether the session is over.
    fn hear(&mut self, client: &mut Client, story: &mut Story, piece: &[u8]) -> bool {
        let mut piece = piece;
        loop {
            let step = client.step(std::mem::take(&mut piece));
            let output = client.take_output();
            let is_said = !output.is_empty();
            let output = String::from_utf8(output).expect("UTF-8");
            assert!(output.is_empty() || output.ends_with("\r\n"), "{output:?}");
            assert!(self.is_encrypted || !output.contains(SECRET), "{output:?}");
            story.said.push_str(&output);
            match step {
                Step::Read if is_said => {}
                Step::Read => return false,
                Step::StartTls => {
                    self.is_encrypted = true;
                    client.encrypted();
                }
                Step::Ready if self.mails < 3 => {
                    self.mails += 1;
                    if let Some(report) = client.send(self.envelope.clone()) {
                        self.check(&report);
                        story.reports.push(report);
                    }
                }
                Step::Ready => client.quit(),
                Step::Content => {
                    self.contents += 1;
                    client.end_content(Stuffing::default());
                }
                Step::Report(report) => {
                    self.check(&report);
                    story.reports.push(report);
                }
                Step::Closed(why) => {
                    story.closed = Some(why);
                    return true;
                }
            }
        }
    }

    fn check(&self, report: &Report) {
        assert_eq!(report.fates.len(), self.envelope.recipients.len());
        let accepted = report.fates.contains(&Fate::Accepted);
        assert!(!accepted || self.contents > 0, "accepted, and never sent");
        assert!(!report.in_doubt || (!accepted && report.is_lost));
    }
}
