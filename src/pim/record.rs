//! A record of any class, and its stored form: a head of ten bytes, then the archive.
//!
//! ```text
//! 0        1       2 .. 10                    10 ..
//! format   class   date, i64 big-endian, ms   rkyv archive of the class's struct
//! ```
//!
//! `format` is 1, or 2 for an appointment with files, whose archive has them beside the appointment.
//! A later format gets a number of its own; these stay readable for ever.

use super::contact::ArchivedContact;
use super::event::{ArchivedEvent, ArchivedEventFile, EventFile};
use super::message::ArchivedMessage;
use super::note::ArchivedNote;
use super::task::ArchivedTask;
use std::ops::Deref;

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
    Event(EventRef<'a>),
    /// Task.
    Task(&'a ArchivedTask),
    /// Note.
    Note(&'a ArchivedNote),
}

/// An appointment, read in place, with the files that stand beside it.
#[derive(Clone, Copy)]
pub struct EventRef<'a> {
    event: &'a ArchivedEvent,
    files: &'a [ArchivedEventFile],
}

impl<'a> EventRef<'a> {
    /// The appointment.
    #[must_use]
    pub fn event(self) -> &'a ArchivedEvent {
        self.event
    }

    /// Its files.
    #[must_use]
    pub fn files(self) -> &'a [ArchivedEventFile] {
        self.files
    }
}

impl Deref for EventRef<'_> {
    type Target = ArchivedEvent;

    fn deref(&self) -> &ArchivedEvent {
        self.event
    }
}

/// The archive of an appointment with files.
#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
struct WithFiles {
    event: Event,
    files: Vec<EventFile>,
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
/// An appointment with files.
const FORMAT_WITH_FILES: u8 = 2;
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
        let has_files = matches!(self, Self::Event(v) if !v.files.is_empty());
        let format = if has_files { FORMAT_WITH_FILES } else { FORMAT };
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(&[format, self.class() as u8]);
        out.extend_from_slice(&date_ms.to_be_bytes());
        match self {
            Self::Message(v) => put(out, v),
            Self::Contact(v) => put(out, v),
            Self::Event(v) if has_files => {
                let (event, files) = (v.clone(), v.files.clone());
                put(out, &WithFiles { event, files })
            }
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
        let is_known = match format {
            FORMAT => true,
            FORMAT_WITH_FILES => class == Class::Calendar as u8,
            _ => false,
        };
        if !is_known {
            return Err(RecordError::Format(format));
        }
        let date_ms = i64::from_be_bytes(date.try_into().map_err(|_| RecordError::Damaged)?);
        let damaged = |_: Error| RecordError::Damaged;
        let record = match Class::from_number(class).ok_or(RecordError::Class(class))? {
            Class::Email => Self::Message(rkyv::access(archive).map_err(damaged)?),
            Class::Contacts => Self::Contact(rkyv::access(archive).map_err(damaged)?),
            Class::Calendar if format == FORMAT_WITH_FILES => {
                let both: &ArchivedWithFiles = rkyv::access(archive).map_err(damaged)?;
                let (event, files) = (&both.event, both.files.as_slice());
                Self::Event(EventRef { event, files })
            }
            Class::Calendar => Self::Event(EventRef {
                event: rkyv::access(archive).map_err(damaged)?,
                files: &[],
            }),
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
            Self::Event(a) => {
                let mut event: Event = rkyv::deserialize(a.event).map_err(damaged)?;
                for file in a.files {
                    event.files.push(rkyv::deserialize(file).map_err(damaged)?);
                }
                Record::Event(event)
            }
            Self::Task(a) => Record::Task(rkyv::deserialize(a).map_err(damaged)?),
            Self::Note(a) => Record::Note(rkyv::deserialize(a).map_err(damaged)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pim::body::BlobRef;

    #[test]
    fn an_appointment_with_files_has_a_format_of_its_own() {
        let plain = Event {
            subject: "Review".into(),
            ..Event::default()
        };
        let file = EventFile {
            index: 7,
            name: "a.txt".into(),
            blob: BlobRef {
                hash: [9; 32],
                bytes: 5,
            },
            ..EventFile::default()
        };
        let with_files = Event {
            files: vec![file],
            ..plain.clone()
        };
        for (event, format, files) in [(plain, 1, 0), (with_files, 2, 1)] {
            let record = Record::Event(event);
            let stored = record.to_stored(5).unwrap();
            assert_eq!(stored.first(), Some(&format));
            let (read, date_ms) = RecordRef::read(&stored).unwrap();
            let RecordRef::Event(e) = read else {
                panic!("no appointment")
            };
            assert_eq!(
                (e.subject.as_str(), e.files().len(), date_ms),
                ("Review", files, 5)
            );
            assert_eq!(read.to_owned().unwrap(), record);
            // Every part of it, and other classes in that format, are no record.
            for end in 0..stored.len() {
                assert!(RecordRef::read(&stored[..end]).is_err(), "{end}");
            }
        }
        let mut stored = Record::Note(Note::default()).to_stored(0).unwrap();
        stored[0] = 2;
        assert_eq!(RecordRef::read(&stored).err(), Some(RecordError::Format(2)));
    }
}
