//! ResolveRecipients ([MS-ASCMD] 2.2.1.15): whom names lead to, with certificates, photos, and free and
//! busy times.
//!
//! Deliberately absent: groups (the address list has none), and the small form of certificates, which
//! Exchange makes for itself.

mod busy;
mod decode;
mod found;

use crate::eas::context::{Context, Done, Reply};
use crate::eas::people::{self, photos};
use crate::eas::status::Failure;
use crate::wbxml::Writer;
use crate::wbxml::tags::resolverecipients as tags;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use busy::Calendars;
use decode::{Asked, Retrieval};
use found::Recipient;

const DONE: u16 = 1;
const AMBIGUOUS: u16 = 2;
const AMBIGUOUS_IN_PART: u16 = 3;
const NOBODY: u16 = 4;
const INVALID: u16 = 5;
const NO_CERTIFICATE: u16 = 7;
const CERTIFICATES_REACHED: u16 = 8;

/// Carries out the command.
///
/// # Errors
/// A document that cannot be read; the store's.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let mut r = ctx.document(tags::RESOLVE_RECIPIENTS)?;
    let Some(asked) = decode::read(&mut r, ctx)? else {
        let mut w = Writer::new();
        w.open(tags::RESOLVE_RECIPIENTS);
        w.num(tags::STATUS, INVALID);
        w.close();
        return Ok(Reply::document(w, INVALID).into());
    };
    let found = Box::pin(found::all(ctx, &asked.names)).await?;
    let mut answer = Answer {
        ctx,
        certificates: asked.certificates_max,
        photos: asked.photos.map(photos::Room::new),
        calendars: asked.availability.map(|span| Calendars::new(ctx, span)),
        asked: &asked,
        w: Writer::new(),
    };
    answer.w.open(tags::RESOLVE_RECIPIENTS);
    answer.w.num(tags::STATUS, DONE);
    for (name, recipients) in asked.names.iter().zip(&found) {
        answer.response(name, recipients).await?;
    }
    answer.w.close();
    let reply = Reply::document(answer.w, DONE);
    Ok(reply.with_changes(found.len()).into())
}

/// An answer under construction.
struct Answer<'a> {
    ctx: &'a Context<'a>,
    asked: &'a Asked,
    /// How many certificates it may still carry.
    certificates: usize,
    photos: Option<photos::Room>,
    /// Where free and busy times are wanted.
    calendars: Option<Calendars>,
    w: Writer,
}

impl Answer<'_> {
    async fn response(&mut self, name: &str, recipients: &[Recipient]) -> Result<(), Failure> {
        let shown = match recipients.len() {
            1 => 1,
            all => all.min(self.asked.suggestions_max),
        };
        let status = match recipients.len() {
            0 => NOBODY,
            1 => DONE,
            all if all == shown => AMBIGUOUS,
            _ => AMBIGUOUS_IN_PART,
        };
        self.w.open(tags::RESPONSE);
        self.w.text(tags::TO, name);
        self.w.num(tags::STATUS, status);
        if status != NOBODY {
            let all = i64::try_from(recipients.len()).unwrap_or(i64::MAX);
            self.w.num(tags::RECIPIENT_COUNT, all);
        }
        for recipient in recipients.iter().take(shown) {
            self.recipient(recipient, status == DONE).await?;
        }
        self.w.close();
        Ok(())
    }

    /// Certificates and times are only for those who are meant for sure.
    async fn recipient(&mut self, recipient: &Recipient, is_sure: bool) -> Result<(), Failure> {
        let kind: u8 = match recipient {
            Recipient::Person(_) => 1,
            Recipient::Contact { .. } => 2,
        };
        self.w.open(tags::RECIPIENT);
        self.w.num(tags::TYPE, kind);
        self.w.text(tags::DISPLAY_NAME, recipient.name());
        self.w.text(tags::EMAIL_ADDRESS, recipient.address());
        if is_sure && let Some(calendars) = &mut self.calendars {
            calendars.write(self.ctx, &mut self.w, recipient).await?;
        }
        if is_sure && self.asked.retrieval != Retrieval::None {
            self.certificates(recipient).await?;
        }
        if let Some(room) = &mut self.photos {
            let photo = room.take(self.ctx, recipient.photo()).await?;
            photo.write(&mut self.w, (tags::PICTURE, tags::STATUS, tags::DATA));
        }
        self.w.close();
        Ok(())
    }

    /// The certificates of a recipient: all of them, or none if they are more than may be sent.
    async fn certificates(&mut self, recipient: &Recipient) -> Result<(), Failure> {
        let all = match recipient {
            Recipient::Person(person) if self.asked.retrieval == Retrieval::Full => {
                let now_s = self.ctx.now_ms().div_euclid(1_000);
                people::certificates(self.ctx.mailbox(), person, now_s).await?
            }
            _ => Vec::new(),
        };
        let status = match all.len() {
            0 => NO_CERTIFICATE,
            count if count > self.certificates => CERTIFICATES_REACHED,
            _ => DONE,
        };
        self.w.open(tags::CERTIFICATES);
        self.w.num(tags::STATUS, status);
        let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
        self.w.num(tags::CERTIFICATE_COUNT, count);
        self.w.num(tags::RECIPIENT_COUNT, 1);
        if status == DONE {
            self.certificates -= all.len();
            for der in &all {
                self.w.text(tags::CERTIFICATE, &STANDARD.encode(der));
            }
        }
        self.w.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
