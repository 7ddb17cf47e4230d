//! SmartForward of an appointment to `Forwardees` (16.0+, [MS-ASCMD] 2.2.1.19): they get an invitation in
//! the organizer's name. Whom the organizer forwards a meeting to is an attendee from then on.
//!
//! Deliberately absent: the note by which a forwarding attendee's server tells the organizer.

use crate::eas::classes::{date, instance_start};
use crate::eas::context::{Context, Done, Reply};
use crate::eas::outgoing::{Submission, fresh_id, submit};
use crate::eas::status::{Common, Failure, retrying};
use crate::mailbox::{By, FolderId, ItemId};
use crate::pim::event::Meeting;
use crate::pim::invite::{self, NotAnswered};
use crate::pim::mail::Mailbox;
use crate::pim::mail::imip::{self, Invitation};
use crate::pim::{Attendee, BodyKind, Event, Record, notice};

/// What is to be forwarded.
pub(super) struct Forward<'a> {
    pub(super) ctx: &'a Context<'a>,
    pub(super) client_id: &'a str,
    pub(super) at: (FolderId, ItemId),
    /// The occurrence, as the client writes it.
    pub(super) instance: Option<&'a str>,
    pub(super) to: Vec<Mailbox>,
    /// What the user writes to them.
    pub(super) words: Option<(BodyKind, String)>,
}

impl Forward<'_> {
    /// Carries it out, once.
    pub(super) async fn carry_out(&self) -> Result<Done, Failure> {
        let event = self.event().await?.ok_or(Common::MailSubmissionFailed)?;
        let original_ms = match self.instance {
            Some(written) => {
                let written_ms = date::parse(written).ok_or(Common::InvalidDateTime)?;
                Some(instance_start(&event, written_ms))
            }
            None => None,
        };
        let meeting = notice::forwarded(&event, original_ms, &self.attendees());
        let mime = self.mime(&meeting.map_err(status)?);
        let submission = Submission {
            mime: &mime,
            client_id: Some(self.client_id),
            save: true,
            answers: None,
        };
        let sent = Box::pin(submit(self.ctx.eas, self.ctx.author(), submission)).await;
        // Sent before, and perhaps no more than that.
        let is_sent = matches!(
            sent,
            Ok(()) | Err(Failure::Common(Common::MessagePreviouslySent))
        );
        if is_sent && self.is_own(&event) {
            retrying(|| self.note(original_ms)).await?;
        }
        sent?;
        Ok(Reply::nothing().into())
    }

    /// The appointment, with its organizer; none: there is no meeting that could be forwarded.
    async fn event(&self) -> Result<Option<Event>, Failure> {
        let (mailbox, scope) = (self.ctx.mailbox(), self.ctx.scope());
        let row = mailbox.item(scope, self.at.0, self.at.1).await?;
        let row = row.ok_or(Common::ItemNotFound)?;
        let Ok(Record::Event(mut event)) = row.to_record() else {
            return Ok(None);
        };
        let account = &self.ctx.account.account;
        if event.organizer_email.is_empty() {
            account.address().clone_into(&mut event.organizer_email);
            event.organizer_name.clone_from(&account.display_name);
            event.meeting_status |= 1;
        }
        let is_sound = !invite::is_cancelled(&event) && !event.organizer_email.is_empty();
        Ok(is_sound.then_some(event))
    }

    fn is_own(&self, event: &Event) -> bool {
        let mut own = self.ctx.account.account.addresses.iter();
        own.any(|a| a.eq_ignore_ascii_case(&event.organizer_email))
    }

    fn attendees(&self) -> Vec<Attendee> {
        let attendee = |m: &Mailbox| Attendee {
            name: match m.name.is_empty() {
                true => m.address.clone(),
                false => m.name.clone(),
            },
            email: m.address.clone(),
            kind: 1,
            ..Attendee::default()
        };
        self.to.iter().map(attendee).collect()
    }

    /// The organizer has asked more people.
    async fn note(&self, original_ms: Option<i64>) -> Result<(), Failure> {
        let (mailbox, scope) = (self.ctx.mailbox(), self.ctx.scope());
        let row = mailbox.item(scope, self.at.0, self.at.1).await?;
        let (Some(row), Some(mut event)) = (row, self.event().await?) else {
            return Ok(());
        };
        let added = notice::ask_more(&mut event, original_ms, &self.attendees());
        let record = Record::Event(event);
        if added.is_err() || row.to_record().ok().as_ref() == Some(&record) {
            return Ok(());
        }
        let mut tx = mailbox.transaction(scope, By::default());
        tx.update(&row, &record)?;
        Box::pin(tx.commit()).await?;
        Ok(())
    }

    fn mime(&self, meeting: &Meeting) -> Vec<u8> {
        let account = &self.ctx.account.account;
        let from = Mailbox {
            name: account.display_name.clone(),
            address: account.address().to_owned(),
        };
        let (text, html) = imip::words(self.words.as_ref());
        imip::build(&Invitation {
            from: &from,
            to: &self.to,
            subject: &format!("FW: {}", meeting.event.subject),
            text,
            html,
            date_ms: self.ctx.now_ms(),
            message_id: &format!("{}@{}", fresh_id(), self.ctx.eas.settings().host),
            meeting,
        })
    }
}

fn status(e: NotAnswered) -> Failure {
    Failure::Common(match e {
        NotAnswered::NoSeries => Common::NoRecurrenceInCalendar,
        NotAnswered::NoOccurrence => Common::ItemNotFound,
        NotAnswered::TooMany => Common::MailSubmissionFailed,
    })
}
