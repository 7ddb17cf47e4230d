//! Invitations that the server sends for clients of 16.0 and later ([MS-ASCAL] 3.1.4): what a command
//! makes of a meeting is told to its attendees. Older clients tell them by themselves.

use super::Env;
use super::answer::Section;
use super::apply::Desk;
use super::decode::Request;
use crate::eas::status::Failure;
use crate::eas::version::Version;
use crate::limits::{NOTICE_BYTES_MAX, NOTICES_BYTES_MAX};
use crate::mailbox::{Error, ItemRow, notice};
use crate::pim::notice::{self as told, Notice};
use crate::pim::{Body, Class, Event, Record};

/// Whether commands of a request may have left something to be told.
pub(super) fn may_have_announced(
    env: &Env<'_>,
    request: &Request<'_>,
    sections: &[Section],
) -> bool {
    let has_commands = request.collections.iter().any(|c| !c.commands.is_empty());
    let is_calendar = |s: &Section| s.class == Some(Class::Calendar);
    env.version >= Version::V16_0 && has_commands && sections.iter().any(is_calendar)
}

impl Desk<'_> {
    fn tells_attendees(&self) -> bool {
        self.class == Class::Calendar && self.env.version >= Version::V16_0
    }

    /// What is to be told when the item (none: a new one) becomes `record`, which becomes the next
    /// edition of the meeting then.
    pub(super) fn notices(
        &self,
        row: Option<&ItemRow>,
        record: &mut Record,
    ) -> Result<Vec<Notice>, Failure> {
        let Record::Event(after) = record else {
            return Ok(Vec::new());
        };
        if !self.tells_attendees() {
            return Ok(Vec::new());
        }
        let before = match row.map(ItemRow::to_record) {
            Some(Ok(Record::Event(before))) => Some(before),
            Some(_) => return Ok(Vec::new()),
            None => None,
        };
        let own = &self.env.account.account.addresses;
        let now_ms = self.env.eas.clock().now_ms();
        let notices = told::of_change(before.as_ref(), after, own, now_ms);
        fitted(notices, after)
    }

    /// What is to be told when the item is deleted.
    pub(super) fn notices_of_deletion(&self, row: &ItemRow) -> Result<Vec<Notice>, Failure> {
        if !self.tells_attendees() {
            return Ok(Vec::new());
        }
        let Ok(Record::Event(before)) = row.to_record() else {
            return Ok(Vec::new());
        };
        let own = &self.env.account.account.addresses;
        let now_ms = self.env.eas.clock().now_ms();
        let notices = told::of_deletion(&before, own, now_ms);
        fitted(notices, &before)
    }
}

/// The messages as they fit into the commit of their change: rather without texts, or about the whole,
/// than not at all.
fn fitted(mut notices: Vec<Notice>, whole: &Event) -> Result<Vec<Notice>, Failure> {
    if fits(&notices)? {
        return Ok(notices);
    }
    notices.iter_mut().for_each(cut);
    if fits(&notices)? {
        return Ok(notices);
    }
    let mut all: Vec<Notice> = notices.into_iter().take(1).collect();
    for notice in &mut all {
        notice.meeting.event = whole.clone();
        notice.meeting.recurrence_id_ms = None;
        cut(notice);
        notice.meeting.event.exceptions.clear();
    }
    Ok(all)
}

fn cut(notice: &mut Notice) {
    notice.meeting.event.body = Body::default();
    for exception in &mut notice.meeting.event.exceptions {
        exception.body = None;
    }
}

fn fits(notices: &[Notice]) -> Result<bool, Error> {
    let mut sum = 0;
    for notice in notices {
        let bytes = notice::bytes(notice)?;
        if bytes > NOTICE_BYTES_MAX {
            return Ok(false);
        }
        sum += bytes;
    }
    Ok(sum <= NOTICES_BYTES_MAX)
}
