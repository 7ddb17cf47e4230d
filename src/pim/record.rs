//! A record of any class, and its stored form: a head of ten bytes, then the archive.
//!
//! ```text
//! 0        1       2 .. 10                    10 ..
//! format   class   date, i64 big-endian, ms   rkyv archive of the class's struct
//! ```
//!
//! `format` is 1. A later format gets a number of its own; this one stays readable for ever.

use super::contact::ArchivedContact;
use super::event::ArchivedEvent;
use super::message::ArchivedMessage;
use super::note::ArchivedNote;
use super::task::ArchivedTask;
use super::{Body, Contact, Event, Exception, Message, Note, Task};

/// The kind of a record, and of a folder's contents.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Class {
    /// Mail.
    Email = 1,
    /// Contacts.
    Contacts = 2,
    /// Appointments.
    Calendar = 3,
    /// Tasks.
    Tasks = 4,
    /// Notes.
    Notes = 5,
}

/// A record, owned.
#[derive(Clone, PartialEq, Debug)]
pub enum Record {
    /// Mail.
    Message(Message),
    /// Contact.
    Contact(Contact),
    /// Appointment.
    Event(Event),
    /// Task.
    Task(Task),
    /// Note.
    Note(Note),
}

/// A record, read in place from stored bytes.
#[derive(Clone, Copy)]
pub enum RecordRef<'a> {
    /// Mail.
    Message(&'a ArchivedMessage),
    /// Contact.
    Contact(&'a ArchivedContact),
    /// Appointment.
    Event(&'a ArchivedEvent),
    /// Task.
    Task(&'a ArchivedTask),
    /// Note.
    Note(&'a ArchivedNote),
}

/// Stored bytes that are not a record of a format known here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordError {
    /// A format number that this build does not know.
    #[error("a record of format {0}, written by a newer release")]
    Format(u8),
    /// A class number that this build does not know.
    #[error("a record of the unknown class {0}")]
    Class(u8),
    /// Too short, or not an archive of its class.
    #[error("a damaged record")]
    Damaged,
}

const FORMAT: u8 = 1;
const HEAD_BYTES: usize = 10;

impl Class {
    /// The class with this stored number.
    #[must_use]
    pub fn from_number(n: u8) -> Option<Self> {
        Some(match n {
            1 => Self::Email,
            2 => Self::Contacts,
            3 => Self::Calendar,
            4 => Self::Tasks,
            5 => Self::Notes,
            _ => return None,
        })
    }
}

impl Record {
    /// Its class.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Message(_) => Class::Email,
            Self::Contact(_) => Class::Contacts,
            Self::Event(_) => Class::Calendar,
            Self::Task(_) => Class::Tasks,
            Self::Note(_) => Class::Notes,
        }
    }

    /// The same as if it had been created and stamped at the beginning of time: what tells two
    /// copies of one record apart is not when they came here.
    #[must_use]
    pub fn without_created(&self) -> Self {
        let mut record = self.clone();
        match &mut record {
            Self::Message(v) => v.received_ms = 0,
            Self::Contact(v) => v.created_ms = 0,
            Self::Event(v) => (v.created_ms, v.stamp_ms) = (0, 0),
            Self::Task(v) => v.created_ms = 0,
            Self::Note(v) => (v.created_ms, v.modified_ms) = (0, 0),
        }
        record
    }

    /// The bodies that it carries: its own, and those of changed occurrences. A mail has none.
    pub fn bodies_mut(&mut self) -> impl Iterator<Item = &mut Body> {
        let (own, exceptions): (Option<&mut Body>, &mut [Exception]) = match self {
            Self::Message(_) => (None, &mut []),
            Self::Contact(v) => (Some(&mut v.body), &mut []),
            Self::Event(v) => (Some(&mut v.body), &mut v.exceptions),
            Self::Task(v) => (Some(&mut v.body), &mut []),
            Self::Note(v) => (Some(&mut v.body), &mut []),
        };
        own.into_iter()
            .chain(exceptions.iter_mut().filter_map(|e| e.body.as_mut()))
    }

    /// The stored form; `date_ms` is the date by which the folder is ordered and windowed.
    ///
    /// # Errors
    /// [`RecordError::Damaged`] if the record cannot be archived (out of memory).
    pub fn to_stored(&self, date_ms: i64) -> Result<Vec<u8>, RecordError> {
        fn put<T>(out: Vec<u8>, v: &T) -> Result<Vec<u8>, RecordError>
        where
            T: for<'a> rkyv::Serialize<
                    rkyv::api::high::HighSerializer<
                        Vec<u8>,
                        rkyv::ser::allocator::ArenaHandle<'a>,
                        rkyv::rancor::Error,
                    >,
                >,
        {
            rkyv::api::high::to_bytes_in::<_, rkyv::rancor::Error>(v, out)
                .map_err(|_| RecordError::Damaged)
        }
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(&[FORMAT, self.class() as u8]);
        out.extend_from_slice(&date_ms.to_be_bytes());
        match self {
            Self::Message(v) => put(out, v),
            Self::Contact(v) => put(out, v),
            Self::Event(v) => put(out, v),
            Self::Task(v) => put(out, v),
            Self::Note(v) => put(out, v),
        }
    }
}

impl<'a> RecordRef<'a> {
    /// Reads stored bytes in place, checked. Returns the record and the date of its head.
    ///
    /// # Errors
    /// What [`RecordError`] lists; never a panic, whatever the bytes.
    pub fn read(stored: &'a [u8]) -> Result<(Self, i64), RecordError> {
        use rkyv::rancor::Error;
        let (head, archive) = stored
            .split_at_checked(HEAD_BYTES)
            .ok_or(RecordError::Damaged)?;
        let (&[format, class], date) = head.split_first_chunk::<2>().ok_or(RecordError::Damaged)?;
        if format != FORMAT {
            return Err(RecordError::Format(format));
        }
        let date_ms = i64::from_be_bytes(date.try_into().map_err(|_| RecordError::Damaged)?);
        let damaged = |_: Error| RecordError::Damaged;
        let record = match Class::from_number(class).ok_or(RecordError::Class(class))? {
            Class::Email => Self::Message(rkyv::access(archive).map_err(damaged)?),
            Class::Contacts => Self::Contact(rkyv::access(archive).map_err(damaged)?),
            Class::Calendar => Self::Event(rkyv::access(archive).map_err(damaged)?),
            Class::Tasks => Self::Task(rkyv::access(archive).map_err(damaged)?),
            Class::Notes => Self::Note(rkyv::access(archive).map_err(damaged)?),
        };
        Ok((record, date_ms))
    }

    /// An owned copy, to change it.
    ///
    /// # Errors
    /// [`RecordError::Damaged`], which a checked archive does not give.
    pub fn to_owned(self) -> Result<Record, RecordError> {
        use rkyv::rancor::Error;
        let damaged = |_: Error| RecordError::Damaged;
        Ok(match self {
            Self::Message(a) => Record::Message(rkyv::deserialize(a).map_err(damaged)?),
            Self::Contact(a) => Record::Contact(rkyv::deserialize(a).map_err(damaged)?),
            Self::Event(a) => Record::Event(rkyv::deserialize(a).map_err(damaged)?),
            Self::Task(a) => Record::Task(rkyv::deserialize(a).map_err(damaged)?),
            Self::Note(a) => Record::Note(rkyv::deserialize(a).map_err(damaged)?),
        })
    }
}
