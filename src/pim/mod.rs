//! The five kinds of records (mail, contact, event, task, note) and their text forms.
//!
//! Records are rkyv archives, read in place from the engine's bytes; a stored record is never
//! re-serialised unless it changes. What arrived as text (MIME) is kept byte for byte as a blob
//! beside its record.
//!
//! Deliberately absent: the protocol (tokens, statuses, versions), the store, the clock.

pub mod body;
pub mod contact;
pub mod decode;
pub mod event;
pub mod html;
pub mod ical;
pub mod invite;
pub mod itip;
mod lines;
pub mod mail;
pub mod message;
pub mod note;
pub mod notice;
pub mod place;
pub mod record;
pub mod recur;
pub mod rtf;
pub mod task;
pub mod tz;
pub mod vcard;
pub mod words;

pub use body::{Body, BodyKind};
pub use contact::{Contact, ContactField};
pub use event::{Attendee, Event, EventFile, Exception, Recurrence};
pub use message::{Message, Part};
pub use note::Note;
pub use record::{Class, Record, RecordRef};
pub use task::Task;
