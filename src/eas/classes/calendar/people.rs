//! Attendees ([MS-ASCAL] 2.2.2.3). Each has an address and a name: some clients read no others.

use crate::eas::classes::{Error, check_version, value};
use crate::eas::version::Version;
use crate::limits::ATTENDEES_MAX;
use crate::pim::Attendee;
use crate::pim::event::ArchivedAttendee;
use crate::wbxml::tags::calendar;
use crate::wbxml::{Reader, Writer};

/// Writes those that have an address; nothing if none has.
pub(super) fn write(w: &mut Writer, attendees: &[ArchivedAttendee], version: Version) {
    let before = w.mark();
    let mut any = false;
    w.open(calendar::ATTENDEES);
    for a in attendees.iter().filter(|a| !a.email.is_empty()) {
        any = true;
        w.open(calendar::ATTENDEE);
        w.text(calendar::EMAIL, &a.email);
        w.text(
            calendar::NAME,
            if a.name.is_empty() { &a.email } else { &a.name },
        );
        if version >= Version::V12_0 {
            w.num(calendar::ATTENDEE_STATUS, status(a.status));
            w.num(calendar::ATTENDEE_TYPE, a.kind.clamp(1, 3));
        }
        w.close();
    }
    w.close();
    if !any {
        w.rewind(before);
    }
}

/// Reads `Attendees`, just named. What 2.5 cannot say is taken from `before`.
pub(super) fn read(
    r: &mut Reader<'_>,
    version: Version,
    before: &[Attendee],
) -> Result<Vec<Attendee>, Error> {
    let mut all = Vec::new();
    let mut n = 0;
    while let Some(tag) = r.child()? {
        if tag != calendar::ATTENDEE {
            return Err(Error::Value(tag));
        }
        n += 1;
        if n > ATTENDEES_MAX {
            return Err(Error::Many(calendar::ATTENDEES));
        }
        if let Some(attendee) = read_one(r, version, before)? {
            all.push(attendee);
        }
    }
    Ok(all)
}

/// None for one without an address.
fn read_one(
    r: &mut Reader<'_>,
    version: Version,
    before: &[Attendee],
) -> Result<Option<Attendee>, Error> {
    let mut a = Attendee::default();
    let (mut status, mut kind) = (None, None);
    while let Some(tag) = r.child()? {
        check_version(tag, version)?;
        match tag {
            calendar::EMAIL => a.email = value::text(r)?.trim().to_owned(),
            calendar::NAME => a.name = value::text(r)?,
            calendar::ATTENDEE_STATUS => status = value::within(r, tag, 0..=5)?,
            calendar::ATTENDEE_TYPE => kind = value::within(r, tag, 1..=3)?,
            _ => r.skip()?,
        }
    }
    if a.email.is_empty() {
        return Ok(None);
    }
    if a.name.is_empty() {
        a.name.clone_from(&a.email);
    }
    let known = before
        .iter()
        .find(|b| b.email.eq_ignore_ascii_case(&a.email));
    a.status = status.or_else(|| known.map(|b| b.status)).unwrap_or(0);
    a.kind = kind.or_else(|| known.map(|b| b.kind)).unwrap_or(1);
    Ok(Some(a))
}

/// The statuses that there are; 1 is none of them.
fn status(n: u8) -> u8 {
    if n == 1 || n > 5 { 0 } else { n }
}
