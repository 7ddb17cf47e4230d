//! What the fleet tells of itself.

use crate::Violation;

/// A device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Who {
    /// Its number, from 0.
    pub device: u32,
    /// The number of its user, from 1.
    pub user: u32,
}

/// An item as a device has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen<'a> {
    /// The type of the folder that it is in (2 Inbox, 8 Calendar, ...).
    pub folder: u32,
    /// The folder's id.
    pub collection: &'a str,
    /// Its `ServerId`.
    pub id: &'a str,
    /// Its subject, or the last name of a contact; may be empty.
    pub subject: &'a str,
    /// Whether it is read; `None`: not a mail, or not said.
    pub read: Option<bool>,
}

/// When a device was told something, on the clock of the meters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// The first byte of the waiting request's answer that led to it; `None`: it looked by itself.
    pub woken_us: Option<u64>,
    /// When that request had been sent: what happened before was not what it waited for.
    pub waited_since_us: Option<u64>,
    /// When it was told the item itself.
    pub told_us: u64,
}

/// A mail that a device sends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Letter {
    /// The number of the device that sends it.
    pub from_device: u32,
    /// The number of the user that it goes to.
    pub to_user: u32,
    /// Its subject, which says which one it is.
    pub subject: String,
    /// All of it.
    pub mime: Vec<u8>,
}

/// Who is told of what happens. Calls come from the fleet's threads and hold them up: be quick.
///
/// What a device does to an item by itself is told before it is asked of the server, since its effects
/// may be seen elsewhere before the answer comes, and again when it is acknowledged.
pub trait Witness: Send + Sync {
    /// The subject of what a device makes by itself: its `made`th item, of this kind (`mail`, `contact`,
    /// `event`), and for whom. It has to be ours by [`Witness::is_ours`].
    fn subject(&self, who: Who, kind: &str, made: u32, to_user: u32) -> String {
        let Who { device, user } = who;
        format!("roost-load {kind} {made} of device {device} of user {user} for user {to_user}")
    }

    /// Whether an item with this subject was made by a run of this tool: nothing else is touched.
    fn is_ours(&self, subject: &str) -> bool {
        subject.contains("roost-load")
    }

    /// A device is told of a new item (an Add). With a subject that it holds already under another id it
    /// holds that twice.
    fn holds(&self, who: Who, item: &Seen<'_>, when: Moment) {
        let _ = (who, item, when);
    }

    /// A device is told that an item changed; this is how it is now.
    fn changed(&self, who: Who, item: &Seen<'_>, when: Moment) {
        let _ = (who, item, when);
    }

    /// A device is told that an item is gone.
    fn dropped(&self, who: Who, item: &Seen<'_>, when: Moment) {
        let _ = (who, item, when);
    }

    /// The device lost what it had of a collection (a key was refused, or it begins anew): it holds nothing
    /// of it, and is told of all of it again.
    fn forgot(&self, who: Who, collection: &str) {
        let _ = (who, collection);
    }

    /// The waiting request of a device was answered with a change; its first byte came now.
    fn woken(&self, who: Who, first_byte_us: u64) {
        let _ = (who, first_byte_us);
    }

    /// A device that was woken is up to date again.
    fn synced(&self, who: Who, at_us: u64) {
        let _ = (who, at_us);
    }

    /// A device marks a mail as read or as unread; `done`: acknowledged.
    fn marks(&self, who: Who, item: &Seen<'_>, read: bool, done: bool) {
        let _ = (who, item, read, done);
    }

    /// A device deletes an item; `done`: acknowledged.
    fn deletes(&self, who: Who, item: &Seen<'_>, done: bool) {
        let _ = (who, item, done);
    }

    /// A device adds an item with this subject to a collection. `id`: acknowledged under this `ServerId`,
    /// and the device holds it from now on.
    fn adds(&self, who: Who, collection: &str, subject: &str, id: Option<&str>) {
        let _ = (who, collection, subject, id);
    }

    /// A device sends a mail to a user. `accepted_us`: when it was acknowledged.
    fn sends(&self, who: Who, to_user: u32, subject: &str, accepted_us: Option<u64>) {
        let _ = (who, to_user, subject, accepted_us);
    }

    /// Something that a device asked for was not acknowledged after all tries, or was refused: it may or may
    /// not have happened. The subject is that of the item or mail.
    fn unsure(&self, who: Who, subject: &str) {
        let _ = (who, subject);
    }

    /// The server broke the protocol; `at` is what the device speaks and what was answered (`14.1, Sync`).
    /// The device goes on over it where a phone does, and else forgets everything and begins anew.
    fn violation(&self, who: Who, at: &str, what: &Violation) {
        let _ = (who, at, what);
    }

    /// The last look of a device at the end; not `whole`: it could not look at everything, so what it lacks
    /// proves nothing.
    fn looked(&self, who: Who, whole: bool) {
        let _ = (who, whole);
    }
}

/// Nobody listens.
impl Witness for () {}
