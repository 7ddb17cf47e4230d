//! The mail of the demo users: conversations, newsletters, notices, chatter, and the odd ones.

mod files;
mod letters;
mod odd;
mod threads;
mod write;

use super::dice::Dice;
use super::words::{self, Person};
use crate::import::Folder;
use letters::{NEWSLETTERS, NOTICES, Newsletter};
use threads::{Cast, Extra, Line, THREADS, Thread};
use write::{Head, alternative, attachment, fresh_id, inline, multipart, text, write};

/// The seed of the acquaintances, which the address book shares.
pub const PEOPLE_SEED: u64 = 1;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Mails of passing acquaintances, per user.
const CHATTER: u64 = 90;
/// Notices of machines, per user.
const NOTICES_PER_USER: u64 = 24;
/// Issues of each newsletter that are kept.
const ISSUES: u32 = 8;

/// One mail for one of the demo users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoMail {
    /// Address of the user.
    pub user: String,
    /// Where it lies.
    pub folder: Folder,
    /// When it arrived (or was sent), Unix milliseconds.
    pub received_ms: i64,
    /// The message.
    pub raw: Vec<u8>,
    /// Opened.
    pub read: bool,
    /// Flagged for follow-up.
    pub flagged: bool,
}

/// A name and an address.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Who {
    name: String,
    email: String,
}

impl From<&Person> for Who {
    fn from(person: &Person) -> Self {
        Self {
            name: person.name(),
            email: person.email.clone(),
        }
    }
}

/// All mails of both users, the same for the same `now_ms` (Unix milliseconds), none later than it.
/// They are written one at a time, in no particular order.
pub fn mails(now_ms: i64) -> impl Iterator<Item = DemoMail> {
    let cast = Company::new(now_ms);
    let users = [cast.alice.clone(), cast.bob.clone()];
    let (two, three, four, five) = (cast.clone(), cast.clone(), cast.clone(), cast.clone());
    let conversations = THREADS.iter().flat_map(move |t| cast.conversation(t));
    let rest = users.into_iter().flat_map(move |user| {
        let letters = two.clone().newsletters(user.clone());
        let notices = three.clone().notices(user.clone());
        let chatter = four.clone().chatter(user.clone());
        let odd = five.clone().odd(user);
        letters.chain(notices).chain(chatter).chain(odd)
    });
    conversations.chain(rest)
}

/// Everybody who writes, and the time.
#[derive(Clone, Debug)]
struct Company {
    alice: Who,
    bob: Who,
    people: Vec<Who>,
    now_ms: i64,
}

impl Company {
    fn new(now_ms: i64) -> Self {
        let people = words::people(PEOPLE_SEED);
        Self {
            alice: Who::from(&words::alice()),
            bob: Who::from(&words::bob()),
            people: people.iter().map(Who::from).collect(),
            now_ms,
        }
    }

    fn who(&self, cast: Cast) -> Who {
        match cast {
            Cast::Alice => self.alice.clone(),
            Cast::Bob => self.bob.clone(),
            Cast::Other(n) => {
                let n = n % self.people.len().max(1);
                self.people.get(n).cloned().unwrap_or_default()
            }
        }
    }

    fn is_user(&self, who: &Who) -> bool {
        *who == self.alice || *who == self.bob
    }

    /// A mail in a user's folder; read and flagged by the dice, the older the likelier.
    fn lay(
        &self,
        dice: &mut Dice,
        user: &Who,
        folder: Folder,
        sent_ms: i64,
        raw: Vec<u8>,
    ) -> DemoMail {
        let is_own = matches!(folder, Folder::Sent | Folder::Drafts);
        let is_old = sent_ms < self.now_ms - 3 * DAY_MS;
        DemoMail {
            user: user.email.clone(),
            received_ms: sent_ms,
            read: dice.chance(if is_old { 93 } else { 35 }) || is_own,
            flagged: dice.chance(5) && !is_own,
            folder,
            raw,
        }
    }

    /// The mails of a conversation, each once for every user who takes part.
    fn conversation(&self, thread: &Thread) -> Vec<DemoMail> {
        let mut dice = Dice::new(seed_of(thread.subject));
        let mut members: Vec<Who> = Vec::new();
        for line in thread.lines {
            let who = self.who(line.who);
            if !members.contains(&who) {
                members.push(who);
            }
        }
        let day_ms = self.now_ms - i64::from(thread.days_ago) * DAY_MS;
        let mut sent_ms = day_ms.div_euclid(DAY_MS) * DAY_MS + 7 * HOUR_MS;
        let mut references: Vec<String> = Vec::new();
        let mut found = Vec::new();
        let mut before: Option<&Line> = None;
        for (i, line) in (0_i64..).zip(thread.lines) {
            let left = thread.lines.len() as i64 - i;
            sent_ms += i64::from(line.after_h) * HOUR_MS + (dice.below(50) as i64) * MINUTE_MS;
            let sent_ms = sent_ms.min(self.now_ms - left * MINUTE_MS);
            let from = self.who(line.who);
            let id = fresh_id(&mut dice, &from);
            let answers = before
                .filter(|_| i % 2 == 1)
                .map(|b| (self.who(b.who), b.text));
            let words = signed(line, &from, answers);
            let head = Head {
                to: members.iter().filter(|m| **m != from).cloned().collect(),
                from: from.clone(),
                subject: format!(
                    "{}{}",
                    if i > 0 { thread.reply } else { "" },
                    thread.subject
                ),
                sent_ms,
                id: id.clone(),
                references: references.clone(),
                ..Head::default()
            };
            let raw = write(&head, with_extra(&words, line.extra, &id));
            for user in members.iter().filter(|m| self.is_user(m)) {
                let folder = match thread.folder {
                    _ if *user == from => Folder::Sent,
                    "" => Folder::Inbox,
                    path => Folder::Named(path.split('/').map(str::to_owned).collect()),
                };
                found.push(self.lay(&mut dice, user, folder, sent_ms, raw.clone()));
            }
            references.push(id);
            before = Some(line);
        }
        found
    }

    fn newsletters(self, user: Who) -> impl Iterator<Item = DemoMail> {
        let issues = NEWSLETTERS
            .iter()
            .flat_map(|l| (0..ISSUES).map(move |n| (l, n)));
        issues.map(move |(letter, n)| self.issue(letter, n, &user))
    }

    fn issue(&self, letter: &Newsletter, n: u32, user: &Who) -> DemoMail {
        let mut dice = Dice::new(seed_of(letter.name) ^ seed_of(&user.email) ^ u64::from(n));
        let sent_ms = self.now_ms - i64::from(n * letter.every_days) * DAY_MS - 5 * HOUR_MS;
        let number = 118 - n;
        let from = dice.below(letter.stories.len());
        let stories: Vec<_> = letter
            .stories
            .iter()
            .cycle()
            .skip(from)
            .take(4)
            .copied()
            .collect();
        let sender = Who {
            name: letter.name.to_owned(),
            email: letter.email.to_owned(),
        };
        let id = fresh_id(&mut dice, &sender);
        let domain = letters::domain(letter);
        let headline = stories.first().map_or("", |s| s.0);
        let head = Head {
            subject: format!("{headline} – {} no. {number}", letter.name),
            to: vec![user.clone()],
            sent_ms,
            id: id.clone(),
            more: vec![
                ("List-Unsubscribe", format!("<https://{domain}/goodbye>")),
                ("Precedence", "bulk".to_owned()),
            ],
            from: sender,
            ..Head::default()
        };
        let body = alternative(
            &letters::issue_text(letter, number, &stories),
            &letters::issue_html(letter, number, &stories),
            &id,
        );
        let shade = u8::try_from(n * 30).unwrap_or(255);
        let picture = inline(
            "image/png",
            &format!("head@{domain}"),
            files::picture(120, 60, shade),
        );
        let raw = write(&head, multipart("related", &id, vec![body, picture]));
        let folder = Folder::Named(vec!["Newsletters".to_owned()]);
        self.lay(&mut dice, user, folder, sent_ms, raw)
    }

    fn notices(self, user: Who) -> impl Iterator<Item = DemoMail> {
        (0..NOTICES_PER_USER).map(move |n| {
            let mut dice = Dice::new(seed_of(&user.email) ^ (n << 32));
            let (name, email, subject, words) = dice.pick(NOTICES);
            let number = format!("{:07}", dice.below(9_999_999));
            let from = Who {
                name: name.to_owned(),
                email: email.to_owned(),
            };
            let sent_ms = self.some_time(&mut dice);
            let head = Head {
                to: vec![user.clone()],
                subject: subject.replace("{n}", &number),
                sent_ms,
                id: fresh_id(&mut dice, &from),
                more: vec![("Auto-Submitted", "auto-generated".to_owned())],
                from,
                ..Head::default()
            };
            let raw = write(&head, text(&words.replace("{n}", &number)));
            self.lay(&mut dice, &user, Folder::Inbox, sent_ms, raw)
        })
    }

    /// Some time in the last four months, rather lately.
    fn some_time(&self, dice: &mut Dice) -> i64 {
        let days = dice.below(120) * dice.below(120) / 120;
        let minutes = 1 + dice.below(24 * 60);
        self.now_ms - days as i64 * DAY_MS - minutes as i64 * MINUTE_MS
    }

    fn chatter(self, user: Who) -> impl Iterator<Item = DemoMail> {
        (0..CHATTER).flat_map(move |n| self.exchange(n, &user))
    }

    /// A mail of an acquaintance, and sometimes what the user answered.
    fn exchange(&self, n: u64, user: &Who) -> Vec<DemoMail> {
        let mut dice = Dice::new(seed_of(&user.email).wrapping_add(n));
        let from = self.who(Cast::Other(dice.below(self.people.len())));
        let sent_ms = self.some_time(&mut dice);
        let first = |w: &Who| w.name.split(' ').next().unwrap_or_default().to_owned();
        let paragraphs: Vec<String> = (0..1 + dice.below(3))
            .map(|_| {
                let sentences = 1 + dice.below(4);
                words::paragraph(&mut dice, sentences)
            })
            .collect();
        let greeting = dice.pick(&["Hi", "Hello", "Dear", "Good morning"]);
        let close = dice.pick(&[
            "Best wishes",
            "See you soon",
            "All the best",
            "Kind regards",
        ]);
        let plain = format!(
            "{greeting} {},\n\n{}\n\n{close}\n{}\n",
            first(user),
            paragraphs.join("\n\n"),
            first(&from)
        );
        let id = fresh_id(&mut dice, &from);
        let head = Head {
            to: vec![user.clone()],
            cc: if dice.chance(15) {
                vec![self.who(Cast::Other(dice.below(200)))]
            } else {
                Vec::new()
            },
            subject: words::subject(&mut dice),
            sent_ms,
            id: id.clone(),
            more: if dice.chance(6) {
                vec![("Importance", "high".to_owned())]
            } else {
                Vec::new()
            },
            from: from.clone(),
            ..Head::default()
        };
        let body = match dice.below(10) {
            0..=2 => alternative(&plain, &simple_html(&plain), &id),
            3 => with_extra(&plain, Extra::Picture("photo.png"), &id),
            4 => with_extra(
                &plain,
                Extra::Document("notes.pdf", &["Notes", "Three items that we finish"]),
                &id,
            ),
            _ => text(&plain),
        };
        let folder = match sent_ms < self.now_ms - 60 * DAY_MS {
            _ if dice.chance(6) => Folder::Trash,
            true => Folder::Named(vec!["Archive".to_owned()]),
            false => Folder::Inbox,
        };
        let mut found = vec![self.lay(&mut dice, user, folder, sent_ms, write(&head, body))];
        if dice.chance(25) {
            found.push(self.answer(&mut dice, &head, user));
        }
        found
    }

    /// What the user answered, or is about to.
    fn answer(&self, dice: &mut Dice, to: &Head, user: &Who) -> DemoMail {
        let hours = 1 + dice.below(30) as i64;
        let sent_ms = (to.sent_ms + hours * HOUR_MS).min(self.now_ms - MINUTE_MS);
        let head = Head {
            from: user.clone(),
            to: vec![to.from.clone()],
            subject: format!("Re: {}", to.subject),
            sent_ms,
            id: fresh_id(dice, user),
            references: vec![to.id.clone()],
            ..Head::default()
        };
        let words = words::paragraph(dice, 2);
        let folder = if dice.chance(8) {
            Folder::Drafts
        } else {
            Folder::Sent
        };
        let name = user.name.split(' ').next().unwrap_or_default();
        let raw = write(&head, text(&format!("{words}\n\n{name}\n")));
        self.lay(dice, user, folder, sent_ms, raw)
    }

    fn odd(self, user: Who) -> impl Iterator<Item = DemoMail> {
        (0..odd::count()).map(move |n| {
            let mut dice = Dice::new(seed_of(&user.email).rotate_left(17) ^ n as u64);
            let sent_ms = self.now_ms - (2 + n as i64 * 3) * DAY_MS - 3 * HOUR_MS;
            let id = fresh_id(&mut dice, &user);
            let raw = odd::mail(n, &user, sent_ms, &id);
            self.lay(&mut dice, &user, Folder::Inbox, sent_ms, raw)
        })
    }
}

/// The words of a line, its writer's name where they do not sign, and what they answer.
fn signed(line: &Line, from: &Who, answers: Option<(Who, &str)>) -> String {
    let mut words = line.text.trim_end().to_owned();
    if line.text.ends_with(',') || !matches!(line.who, Cast::Alice | Cast::Bob) {
        words.push_str(&format!("\n\n{}", from.name));
    }
    if let Some((who, text)) = answers {
        words.push_str(&format!("\n\n{} wrote:\n", who.name));
        for quoted in text.trim_end().lines() {
            words.push_str(&format!("> {quoted}\n"));
        }
    }
    words.push('\n');
    words
}

fn with_extra(words: &str, extra: Extra, id: &str) -> mail_builder::mime::MimePart<'static> {
    let file = match extra {
        Extra::Nothing => return text(words),
        Extra::Picture(name) => {
            let shade = u8::try_from(seed_of(name) % 256).unwrap_or(0);
            attachment("image/png", name, files::picture(320, 200, shade))
        }
        Extra::Document(name, lines) => {
            let title = name.trim_end_matches(".pdf");
            attachment("application/pdf", name, files::document(title, lines))
        }
        Extra::Archive(name) => {
            let chapter = words.repeat(20);
            let files = [
                ("chapter.txt", chapter.as_bytes()),
                ("notes.txt", words.as_bytes()),
            ];
            attachment("application/zip", name, files::archive(&files))
        }
        Extra::Table(name, rows) => attachment("text/csv", name, rows.replace('\n', "\r\n").into()),
    };
    multipart("mixed", id, vec![text(words), file])
}

fn simple_html(plain: &str) -> String {
    let escaped = plain.replace('&', "&amp;").replace('<', "&lt;");
    let paragraphs: Vec<String> = escaped
        .trim_end()
        .split("\n\n")
        .map(|p| format!("<p>{}</p>", p.replace('\n', "<br>\n")))
        .collect();
    format!(
        "<html><head><meta charset=\"utf-8\"></head>\n<body style=\"font-family:sans-serif\">\n{}\n</body></html>\n",
        paragraphs.join("\n")
    )
}

/// A seed out of a text (FNV-1a).
fn seed_of(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
