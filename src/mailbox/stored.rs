//! The stored form of the small records: one byte of format, then the rkyv archive.
//!
//! A new format gets a new number; the old ones stay readable for ever.

use super::Error;
use rkyv::api::high::{HighDeserializer, HighSerializer, HighValidator};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor;
use rkyv::ser::allocator::ArenaHandle;
use rkyv::{Archive, Deserialize, Serialize};

/// The stored form of `record`.
pub(crate) fn write<T>(format: u8, record: &T) -> Result<Vec<u8>, Error>
where
    T: for<'a> Serialize<HighSerializer<Vec<u8>, ArenaHandle<'a>, rancor::Error>>,
{
    let mut out = Vec::with_capacity(256);
    out.push(format);
    rkyv::api::high::to_bytes_in::<_, rancor::Error>(record, out)
        .map_err(|_| Error::Damaged("a record that cannot be archived"))
}

/// The record of stored bytes of this format.
pub(crate) fn read<T>(format: u8, stored: &[u8]) -> Result<T, Error>
where
    T: Archive,
    T::Archived: for<'a> CheckBytes<HighValidator<'a, rancor::Error>>
        + Deserialize<T, HighDeserializer<rancor::Error>>,
{
    match stored.split_first() {
        Some((&found, archive)) if found == format => rkyv::from_bytes::<T, rancor::Error>(archive)
            .map_err(|_| Error::Damaged("an archive that does not check")),
        _ => Err(Error::Damaged("a record of an unknown format")),
    }
}
