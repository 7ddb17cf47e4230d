//! Tells the organizer what the user answered (16.0+, `SendResponse`), once.

use super::decode::Told;
use crate::clock::UnixMs;
use crate::eas::context::Context;
use crate::eas::outgoing::{Submission, fresh_id, own_client_id, submit};
use crate::eas::status::{Common, Failure};
use crate::mailbox::ServerId;
use crate::pim::Event;
use crate::pim::invite::{self, Answer, Attending};
use crate::pim::mail::Mailbox;
use crate::pim::mail::imip::{self, Invitation};

/// A letter to the organizer.
pub(super) struct Letter<'a> {
    pub(super) ctx: &'a Context<'a>,
    pub(super) answer: Answer,
    /// The item that is answered, and when that was done before (0: never): with the answer they
    /// name the letter.
    pub(super) answered: (ServerId, UnixMs),
    /// The invitation.
    pub(super) event: &'a Event,
    /// The start of the one occurrence that is answered.
    pub(super) occurrence_ms: Option<i64>,
    pub(super) told: &'a Told,
}

impl Letter<'_> {
    /// Sends it, unless that was done before. False: nobody can be told. An invitation without an
    /// organizer has nobody to tell.
    pub(super) async fn send(&self) -> Result<bool, Failure> {
        let account = &self.ctx.account.account;
        if self.event.organizer_email.is_empty() || account.address().is_empty() {
            return Ok(true);
        }
        let mime = self.mime();
        let name = self.name();
        let submission = Submission {
            mime: &mime,
            client_id: Some(&name),
            save: true,
            answers: None,
        };
        match Box::pin(submit(self.ctx.eas, self.ctx.author(), submission)).await {
            Ok(()) | Err(Failure::Common(Common::MessagePreviouslySent)) => Ok(true),
            Err(Failure::Common(
                Common::MailSubmissionFailed
                | Common::MessageRecipientUnresolved
                | Common::MessageHasNoRecipient,
            )) => Ok(false),
            Err(e) => Err(e),
        }
    }

    fn name(&self) -> String {
        let (item, before_ms) = self.answered;
        let about = format!(
            "answer {item} {before_ms} {:?} {:?}",
            self.occurrence_ms, self.answer
        );
        own_client_id(&[about.as_bytes()])
    }

    fn mime(&self) -> Vec<u8> {
        let (ctx, event) = (self.ctx, self.event);
        let account = &ctx.account.account;
        let who = Attending {
            name: &account.display_name,
            addresses: &account.addresses,
        };
        let (proposed, now_ms) = (self.told.proposed, ctx.now_ms());
        let meeting = invite::reply(
            event,
            self.occurrence_ms,
            self.answer,
            proposed,
            who,
            now_ms,
        );
        let from = Mailbox {
            name: account.display_name.clone(),
            address: meeting
                .event
                .attendees
                .first()
                .map_or_else(String::new, |a| a.email.clone()),
        };
        let to = Mailbox {
            name: event.organizer_name.clone(),
            address: event.organizer_email.clone(),
        };
        let verb = match (proposed, self.answer) {
            (Some(_), _) => "New Time Proposed",
            (None, Answer::Accept) => "Accepted",
            (None, Answer::Tentative) => "Tentative",
            (None, Answer::Decline) => "Declined",
        };
        let (text, html) = imip::words(self.told.words.as_ref());
        imip::build(&Invitation {
            from: &from,
            to: &[to],
            subject: &format!("{verb}: {}", event.subject),
            text,
            html,
            date_ms: now_ms,
            message_id: &format!("{}@{}", fresh_id(), ctx.eas.settings().host),
            meeting: &meeting,
        })
    }
}
