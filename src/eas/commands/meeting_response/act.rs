//! What an answer changes: the appointment, and the mail that asked. In one commit.

use super::decode::Told;
use super::{FAILED, INVALID, tell};
use crate::eas::classes::instance_start;
use crate::eas::context::{Context, blob};
use crate::eas::status::{Common, Failure, retrying};
use crate::eas::version::Version;
use crate::mailbox::{Answered, By, FolderId, ItemRow, ServerId, Tx};
use crate::pim::event::Meeting;
use crate::pim::invite::{self, Answer, NotAnswered};
use crate::pim::{Event, Message, Record, ical, mail};

/// An answer to be carried out.
pub(super) struct Act<'a> {
    pub(super) ctx: &'a Context<'a>,
    /// The mail, or the appointment.
    pub(super) id: ServerId,
    pub(super) answer: Answer,
    /// The occurrence as the client names it.
    pub(super) instance_ms: Option<i64>,
    /// What the organizer is told; none: nothing.
    pub(super) told: Option<&'a Told>,
}

/// What is answered.
enum Invited {
    /// The invitation in a mail.
    Mail(Box<Meeting>),
    /// An appointment of the calendar.
    Event(Box<Event>),
}

type Outcome = Result<Option<ServerId>, u16>;

impl Act<'_> {
    /// Tells the organizer, then changes what there is to change: whatever is cut short between the
    /// two is done by the same request once more, and nothing twice.
    pub(super) async fn carry_out(&self) -> Result<Outcome, Failure> {
        let ctx = self.ctx;
        let before = ctx
            .mailbox()
            .answered(ctx.scope(), self.id, self.instance_ms);
        let before = before.await?;
        if let Some((_, before)) = before
            && (before.device, before.answer) == (ctx.device_no(), self.answer.number())
        {
            return Ok(Ok(before.event));
        }
        let at = match self.row(self.id).await? {
            Some(_) => self.id,
            // Another device, or another answer of this one, has moved it.
            None => match before {
                Some((_, before)) => before.item,
                None => return Ok(Err(INVALID)),
            },
        };
        let Some(row) = self.row(at).await? else {
            return Ok(Err(INVALID));
        };
        let Some(invited) = Box::pin(self.invited(&row)).await? else {
            return Ok(Err(INVALID));
        };
        let tried = match Box::pin(self.plan(&row, &invited, None)).await? {
            Ok(plan) => plan,
            Err(status) => return Ok(Err(status)),
        };
        if let Some(told) = self.told.filter(|_| !tried.is_over) {
            let (event, occurrence_ms) = (&tried.of, tried.occurrence_ms);
            let letter = tell::Letter {
                ctx,
                answer: self.answer,
                answered: (self.id, before.map_or(0, |(at_ms, _)| at_ms)),
                event,
                occurrence_ms,
                told,
            };
            if !Box::pin(letter.send()).await? {
                return Ok(Err(FAILED));
            }
        }
        retrying(|| self.attempt(at, &invited)).await
    }

    async fn row(&self, id: ServerId) -> Result<Option<ItemRow>, Failure> {
        let (mailbox, scope) = (self.ctx.mailbox(), self.ctx.scope());
        Ok(mailbox.item(scope, id.folder, id.item).await?)
    }

    /// What the item invites to; none: it is nothing that this user could answer.
    async fn invited(&self, row: &ItemRow) -> Result<Option<Invited>, Failure> {
        let own = &self.ctx.account.account.addresses;
        match row.to_record() {
            Ok(Record::Message(message)) => {
                let meeting = self.meeting(message).await?;
                let meeting = meeting.filter(|m| invite::is_for(m, own));
                Ok(meeting.map(|m| Invited::Mail(Box::new(m))))
            }
            Ok(Record::Event(event)) if self.ctx.version() >= Version::V14_1 => {
                let received = invite::is_received(&event);
                Ok(received.then(|| Invited::Event(Box::new(event))))
            }
            _ => Ok(None),
        }
    }

    /// The invitation in a mail, whole: its record has only the beginning of it.
    async fn meeting(&self, message: Message) -> Result<Option<Meeting>, Failure> {
        if message.meeting.is_none() && !message.message_class.starts_with("IPM.Schedule.") {
            return Ok(None);
        }
        let raw = blob(self.ctx.eas, message.mime, message.mime.bytes).await?;
        let addresses = self.ctx.account.account.addresses.clone();
        let (kept, now_ms) = (message.meeting, self.ctx.now_ms());
        let read = move || {
            let (_, seen) = mail::inspect(&raw, message.received_ms);
            let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
            let defaults = ical::Defaults {
                zone: "",
                now_ms,
                addresses: &addresses,
            };
            let found = seen.calendar.and_then(|calendar| {
                let mut meeting = ical::invitation(calendar.text.as_bytes(), &defaults)?;
                // The part's own word counts where the calendar has none.
                meeting.method = calendar.method;
                Some(meeting)
            });
            found.or_else(|| kept.map(|meeting| *meeting))
        };
        Ok(self.ctx.eas.workers().run(read).await?)
    }

    /// Computes the change from what there is now, and commits it.
    async fn attempt(&self, at: ServerId, invited: &Invited) -> Result<Outcome, Failure> {
        let Some(row) = self.row(at).await? else {
            return Ok(Err(INVALID));
        };
        // What it makes of the calendar is news to the device that gave the answer, too.
        let by = By::default();
        let mut tx = self.ctx.mailbox().transaction(self.ctx.scope(), by);
        match Box::pin(self.plan(&row, invited, Some(&mut tx))).await? {
            Ok(plan) => {
                let answered = Answered {
                    device: self.ctx.device_no(),
                    answer: self.answer.number(),
                    event: plan.event,
                    item: plan.item,
                };
                tx.note_answer(self.id, self.instance_ms, answered)?;
                Box::pin(tx.commit()).await?;
                Ok(Ok(plan.event))
            }
            Err(status) => Ok(Err(status)),
        }
    }

    /// What is to be changed; changed in `tx`, where there is one.
    async fn plan(
        &self,
        row: &ItemRow,
        invited: &Invited,
        tx: Option<&mut Tx>,
    ) -> Result<Result<Plan, u16>, Failure> {
        let (mailbox, scope) = (self.ctx.mailbox(), self.ctx.scope());
        let (existing, mail) = match invited {
            Invited::Event(_) => (Some(row.clone()), None),
            Invited::Mail(meeting) => {
                let (uid, one_ms) = (&meeting.event.uid, meeting.recurrence_id_ms);
                let found = Box::pin(mailbox.find_meeting(scope, uid, one_ms));
                (found.await?, Some(row))
            }
        };
        let event = match existing.as_ref().map(ItemRow::to_record) {
            Some(Ok(Record::Event(event))) => Some(event),
            Some(_) => return Ok(Err(FAILED)),
            None => None,
        };
        let is_over = event.as_ref().is_some_and(invite::is_cancelled);
        if is_over && self.answer != Answer::Decline {
            return Ok(Err(INVALID));
        }
        let change = match self.changed(event, invited) {
            Ok(change) => change,
            Err(e) => return Ok(Err(status(e))),
        };
        let mut plan = Plan {
            of: change.of,
            occurrence_ms: change.occurrence_ms,
            is_over,
            event: None,
            item: self.id,
        };
        let Some(tx) = tx else {
            return Ok(Ok(plan));
        };
        plan.event = match (change.becomes, &existing) {
            (Some(event), existing) => {
                let Some(record) = self.ctx.mailbox().fitted(event).await? else {
                    return Ok(Err(FAILED));
                };
                Some(Box::pin(self.put(tx, existing.as_ref(), record)).await?)
            }
            (None, Some(row)) => {
                tx.delete(row)?;
                None
            }
            (None, None) => None,
        };
        // Declined is what is not in the calendar; of a series it may be one occurrence only.
        plan.event = plan.event.filter(|_| self.answer != Answer::Decline);
        if let Some(mail) = mail {
            plan.item = Box::pin(self.put_away(tx, mail)).await?;
        }
        Ok(Ok(plan))
    }

    /// What becomes of the appointment; `event` as it is now, if there is one.
    fn changed(&self, event: Option<Event>, invited: &Invited) -> Result<Change, NotAnswered> {
        let own = &self.ctx.account.account.addresses;
        let now_ms = self.ctx.now_ms();
        let (invitation, one_ms) = match invited {
            Invited::Mail(meeting) => (&meeting.event, meeting.recurrence_id_ms),
            Invited::Event(event) => (&**event, event.lone_ms()),
        };
        let known = event.is_some();
        let mut becomes = event.unwrap_or_else(|| match one_ms {
            Some(ms) => invite::unanswered_one(invitation, ms),
            None => invite::unanswered(invitation),
        });
        // An invitation to one occurrence of a series that is not here: the organizer has the series.
        let lone_ms = one_ms.filter(|_| becomes.recurrence.is_none());
        let one_ms = one_ms.filter(|_| becomes.recurrence.is_some());
        let occurrence_ms = match (self.instance_ms, one_ms) {
            (Some(written_ms), _) => Some(instance_start(&becomes, written_ms)),
            (None, one_ms) => one_ms,
        };
        let told_ms = occurrence_ms.or(lone_ms);
        let of = invitation.clone();
        match occurrence_ms {
            Some(original_ms) => {
                if one_ms == Some(original_ms) && self.answer != Answer::Decline {
                    invite::adopt_one(&mut becomes, original_ms, invitation)?;
                }
                invite::answer_one(&mut becomes, original_ms, self.answer, now_ms)?;
                Ok(Change {
                    of,
                    occurrence_ms: told_ms,
                    becomes: Some(becomes),
                })
            }
            None if self.answer == Answer::Decline => Ok(Change {
                of,
                occurrence_ms: told_ms,
                becomes: None,
            }),
            None => {
                if known && matches!(invited, Invited::Mail(_)) {
                    invite::renew(&mut becomes, invitation);
                }
                let busy = match invited {
                    Invited::Mail(_) => invitation.busy,
                    Invited::Event(event) => event.busy,
                };
                invite::answer(&mut becomes, self.answer, busy, own, now_ms);
                Ok(Change {
                    of,
                    occurrence_ms: told_ms,
                    becomes: Some(becomes),
                })
            }
        }
    }

    async fn put(
        &self,
        tx: &mut Tx,
        existing: Option<&ItemRow>,
        record: Record,
    ) -> Result<ServerId, Failure> {
        if let Some(row) = existing {
            if row.to_record().ok().as_ref() != Some(&record) {
                tx.update(row, &record)?;
            }
            return Ok(ServerId {
                folder: row.folder,
                item: row.item,
            });
        }
        let scope = self.ctx.scope();
        let calendar = self.ctx.mailbox().folder(scope, FolderId::CALENDAR).await?;
        let item = tx.add(&calendar, &record).await?;
        let folder = calendar.id;
        Ok(ServerId { folder, item })
    }

    /// The mail has done what it came for; where it is then. One that is about a whole series stays
    /// when one occurrence is answered.
    async fn put_away(&self, tx: &mut Tx, mail: &ItemRow) -> Result<ServerId, Failure> {
        let at = ServerId {
            folder: mail.folder,
            item: mail.item,
        };
        if self.instance_ms.is_some() || mail.folder == FolderId::DELETED {
            return Ok(at);
        }
        let scope = self.ctx.scope();
        let trash = self.ctx.mailbox().folder(scope, FolderId::DELETED).await?;
        let item = tx.move_to(mail, &trash).await?;
        let folder = trash.id;
        Ok(ServerId { folder, item })
    }
}

/// What an answer comes to.
struct Plan {
    /// The invitation.
    of: Event,
    /// The start of the one occurrence that is answered.
    occurrence_ms: Option<i64>,
    /// It was cancelled: nobody waits for an answer.
    is_over: bool,
    /// The appointment that there is then.
    event: Option<ServerId>,
    /// Where the item is then that was answered.
    item: ServerId,
}

struct Change {
    of: Event,
    occurrence_ms: Option<i64>,
    /// None: it goes.
    becomes: Option<Event>,
}

fn status(e: NotAnswered) -> u16 {
    match e {
        NotAnswered::NoSeries => Common::NoRecurrenceInCalendar.number(),
        NotAnswered::NoOccurrence => INVALID,
        NotAnswered::TooMany => FAILED,
    }
}
