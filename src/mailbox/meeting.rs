//! A meeting message that is delivered: what it does to the calendar goes into the commit of its mail.
//!
//! The editions that came are remembered for [`crate::limits::SENT_KEPT_DAYS`] days, also of meetings
//! that are not in the calendar: a declined invitation that comes once more does not come back. The
//! row that remembers is what keeps two messages about one meeting apart that come at one time.

use super::sent::{Remembered, remembered};
use super::{DeviceNo, Error, FolderId, ItemRow, Mailbox, Tx};
use crate::limits::{BODY_INLINE_BYTES_MAX, LONE_OCCURRENCES_MAX, RANGE_ROWS_MAX};
use crate::pim::body::BlobRef;
use crate::pim::event::Meeting;
use crate::pim::itip::{self, Arrived, Edition, Taken};
use crate::pim::{Class, Event, Exception, Message, Record, RecordRef, ical, invite, mail};
use crate::store::{BlobId, Condition, Scope, keys};

/// A meeting message on its way to one user.
#[derive(Clone, PartialEq, Debug)]
pub struct Arriving {
    /// All that it says.
    meeting: Meeting,
    /// The addresses of the user who gets it.
    own: Vec<String>,
}

impl Arriving {
    /// What the calendar in a mail means for the user with these addresses; the record of the mail
    /// gets the short form of it. `method` is what the mail says. None: it can be read as nothing.
    #[must_use]
    pub fn note(message: &mut Message, text: &str, method: &str, own: &[String]) -> Option<Self> {
        let meeting = ical::meeting_for(text, method, message.received_ms, own)?;
        message.meeting = Some(Box::new(ical::brief(&meeting)));
        let own = own.to_vec();
        Some(Self { meeting, own })
    }
}

/// What a delivery does to the calendar.
pub(super) struct Effect {
    /// The appointment, where there is one, and what it becomes.
    becomes: Option<(Option<ItemRow>, Record)>,
    /// Occurrences that stood alone until their series came.
    gone: Vec<ItemRow>,
    remember: Remembered,
    same: Condition,
}

impl Effect {
    pub(super) async fn apply(self, tx: &mut Tx) -> Result<(), Error> {
        match self.becomes {
            Some((Some(row), record)) => tx.update(&row, &record)?,
            Some((None, record)) => {
                let (mailbox, scope) = (tx.mailbox().clone(), tx.scope());
                let calendar = mailbox.folder(scope, FolderId::CALENDAR).await?;
                tx.add(&calendar, &record).await?;
            }
            None => {}
        }
        for row in self.gone {
            tx.delete(&row)?;
        }
        tx.require(self.same);
        tx.remember(self.remember)
    }
}

impl Mailbox {
    /// What a meeting message does, and what its mail says of it.
    pub(super) async fn arrive(
        &self,
        scope: Scope,
        message: &mut Message,
        arriving: &Arriving,
    ) -> Result<Option<Effect>, Error> {
        let meeting = &arriving.meeting;
        let Some(about) = itip::about(meeting) else {
            return Ok(None);
        };
        let rows = self.find_meetings(scope, &meeting.event.uid).await?;
        let key = keys::sent(scope, DeviceNo::NONE.0, &BlobId::of(about.as_bytes()).0);
        let before = self.get(key.clone()).await?;
        let latest = before.as_ref().and_then(|row| remembered(row.value()));
        let from = mail::addresses(&message.from).into_iter().next();
        let arrived = Arrived {
            meeting,
            from: from.as_ref().map_or("", |m| m.address.as_str()),
            own: &arriving.own,
            latest: latest.and_then(|(_, edition)| of_value(&edition)),
        };
        let (at, mut others) = choose(rows, meeting.recurrence_id_ms);
        let existing = at.as_ref().map(|(_, event)| event);
        if let Some(event) = existing {
            show_proposal(message, event);
        }
        let taken = itip::take(&arrived, existing);
        tell(message, &taken);
        if !taken.counts {
            return Ok(None);
        }
        let becomes_series = |e: &Event| e.recurrence.is_some();
        if !taken.becomes.as_ref().is_some_and(becomes_series) {
            others.clear();
        }
        let record = match taken.becomes {
            Some(event) => self.fitted(event).await?,
            None => None,
        };
        let same = match &before {
            Some(row) => Condition::Equals(key.clone(), row.version),
            None => Condition::Absent(key.clone()),
        };
        Ok(Some(Effect {
            becomes: record.map(|record| (at.map(|(row, _)| row), record)),
            gone: others,
            remember: Remembered {
                key,
                at_ms: self.clock().now_ms(),
                outcome: to_value(itip::edition(&meeting.event)),
            },
            same,
        }))
    }

    /// The appointments of this UID, those of the default calendar first: usually one. More than one
    /// are occurrences whose series is not there.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_meetings(&self, scope: Scope, uid: &str) -> Result<Vec<ItemRow>, Error> {
        let folders = self.folders(scope).await?;
        let is_calendar = |id: &FolderId| *id != FolderId::CALENDAR;
        let calendars = folders
            .iter()
            .filter(|f| f.class() == Some(Class::Calendar));
        let others = calendars.map(|f| f.id).filter(is_calendar);
        let mut found = Vec::new();
        for folder in std::iter::once(FolderId::CALENDAR).chain(others) {
            let mut span = keys::items(scope, folder.0);
            loop {
                let page = self.range(span.read(RANGE_ROWS_MAX)).await?;
                let last = page.rows.last().filter(|_| page.more);
                let next = last.map(|row| row.key.to_vec());
                for row in page.rows {
                    let row = ItemRow::of(row)?;
                    let same =
                        matches!(row.record(), Ok(RecordRef::Event(e)) if e.uid.as_str() == uid);
                    if same && found.len() < LONE_OCCURRENCES_MAX {
                        found.push(row);
                    }
                }
                match next {
                    Some(last) => span = span.after(&last),
                    None => break,
                }
            }
        }
        Ok(found)
    }

    /// The appointment that a meeting message of this UID is about, where it is about the occurrence
    /// of `instance_ms` (none: the whole).
    ///
    /// # Errors
    /// The store's.
    pub async fn find_meeting(
        &self,
        scope: Scope,
        uid: &str,
        instance_ms: Option<i64>,
    ) -> Result<Option<ItemRow>, Error> {
        let rows = self.find_meetings(scope, uid).await?;
        Ok(choose(rows, instance_ms).0.map(|(row, _)| row))
    }

    /// An appointment as it is stored: a long text goes into a blob. None: it is too large.
    ///
    /// # Errors
    /// The store's.
    pub async fn fitted(&self, mut event: Event) -> Result<Option<Record>, Error> {
        let body = &mut event.body;
        if body.text.len() > BODY_INLINE_BYTES_MAX && body.blob.is_none() {
            let hash = self.put_mime(body.text.as_bytes()).await?;
            body.blob = Some(BlobRef {
                hash: hash.0,
                bytes: body.text.len() as u64,
            });
            body.text = mail::cut(&body.text, BODY_INLINE_BYTES_MAX).to_owned();
        }
        Ok(invite::fit(&mut event).then_some(Record::Event(event)))
    }
}

/// The appointment that a message is about, and those that are occurrences on their own.
fn choose(
    rows: Vec<ItemRow>,
    instance_ms: Option<i64>,
) -> (Option<(ItemRow, Event)>, Vec<ItemRow>) {
    let (mut whole, mut lone, mut others) = (None, None, Vec::new());
    for row in rows {
        let Ok(Record::Event(event)) = row.to_record() else {
            continue;
        };
        match event.lone_ms() {
            Some(ms) if instance_ms == Some(ms) => lone = lone.or(Some((row, event))),
            Some(_) => others.push(row),
            None => whole = whole.or(Some((row, event))),
        }
    }
    // Beside an appointment that is no series an occurrence of it stands by itself.
    if instance_ms.is_some() && !matches!(&whole, Some((_, e)) if e.recurrence.is_some()) {
        whole = None;
    }
    others.extend(
        lone.iter()
            .filter(|_| whole.is_some())
            .map(|(row, _)| row.clone()),
    );
    (whole.or(lone), others)
}

/// A counter-proposal says which time it would have instead; its mail says of which. That stands in the
/// one exception of what is no series.
fn show_proposal(message: &mut Message, event: &Event) {
    let Some(meeting) = message.meeting.as_mut().filter(|m| m.asks() == "COUNTER") else {
        return;
    };
    let at_ms = meeting.recurrence_id_ms;
    let find = |x: &&Exception| Some(x.original_ms) == at_ms;
    let exception = event.exceptions.iter().find(find);
    let length_ms = event.end_ms.saturating_sub(event.start_ms);
    let usual_ms = at_ms.unwrap_or(event.start_ms);
    let start_ms = exception.and_then(|x| x.start_ms).unwrap_or(usual_ms);
    let end_ms = exception.and_then(|x| x.end_ms);
    let end_ms = end_ms.unwrap_or_else(|| usual_ms.saturating_add(length_ms));
    let told = &mut meeting.event;
    told.recurrence = None;
    told.exceptions = vec![Exception {
        original_ms: start_ms,
        start_ms: Some(told.start_ms),
        end_ms: Some(told.end_ms),
        ..Exception::default()
    }];
    (told.start_ms, told.end_ms) = (start_ms, end_ms);
}

/// The mail says what it was to the calendar.
fn tell(message: &mut Message, taken: &Taken) {
    if let (Some(meeting), Some(standing)) = (&mut message.meeting, taken.standing) {
        meeting.method = format!("{} {}", meeting.asks(), standing.word());
    }
}

fn to_value((sequence, stamp_ms): Edition) -> Vec<u8> {
    [&sequence.to_be_bytes()[..], &stamp_ms.to_be_bytes()].concat()
}

fn of_value(value: &[u8]) -> Option<Edition> {
    let (sequence, stamp) = value.split_first_chunk::<4>()?;
    let stamp_ms = i64::from_be_bytes(stamp.try_into().ok()?);
    Some((u32::from_be_bytes(*sequence), stamp_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::By;
    use crate::mailbox::testing::{account, block_on, mailbox};

    #[test]
    fn an_appointment_is_found_by_its_uid() {
        block_on(async {
            let mailbox = mailbox();
            let scope = mailbox.add_account(&account("anna")).await.unwrap();
            let calendar = mailbox.folder(scope, FolderId::CALENDAR).await.unwrap();
            let mut added = Vec::new();
            for n in 0..1_200 {
                let mut tx = mailbox.transaction(scope, By::default());
                let event = Event {
                    uid: format!("uid {n}"),
                    ..Event::default()
                };
                added.push(tx.add(&calendar, &Record::Event(event)).await.unwrap());
                tx.commit().await.unwrap();
            }
            let find = async |uid: &str| mailbox.find_meeting(scope, uid, None).await.unwrap();
            for n in [0, 600, 1_199] {
                let found = find(&format!("uid {n}")).await.unwrap();
                assert_eq!(found.item, added[n]);
            }
            assert!(find("uid 1200").await.is_none());
        });
    }
}
