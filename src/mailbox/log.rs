//! Entries of the change log: what happened to an item, who did it, and when.
//!
//! Fourteen bytes: kind, flags, device (u32), time (i64), numbers big-endian. There is exactly one
//! live entry per item, its latest; it stands under the number that is the item row's version.

use super::{DeviceNo, FolderId, ItemId};
use crate::clock::UnixMs;
use crate::store::{Hint, LogEntry, Row, Scope, Seq, keys};

/// Who changes something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct By {
    /// The device; [`DeviceNo::NONE`] for a delivery, an import, the appliance.
    pub device: DeviceNo,
    /// By a command of that collection's own Sync: the device knows already.
    pub via_sync: bool,
}

/// An entry of the change log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    /// The commit.
    pub(super) seq: Seq,
    /// The item (in folder 0: the folder).
    pub(super) item: u32,
    /// It is gone; else it was put.
    pub(super) deleted: bool,
    /// Who did it.
    pub(super) by: By,
    /// When.
    pub(super) at_ms: UnixMs,
}

const PUT: u8 = 1;
const DELETED: u8 = 2;
const VIA_SYNC: u8 = 1;

/// The entry to append for a change of `item`.
pub(super) fn entry(
    scope: Scope,
    folder: FolderId,
    item: ItemId,
    deleted: bool,
    by: By,
    at_ms: UnixMs,
) -> LogEntry {
    let mut value = Vec::with_capacity(14);
    value.push(if deleted { DELETED } else { PUT });
    value.push(if by.via_sync { VIA_SYNC } else { 0 });
    value.extend_from_slice(&by.device.0.to_be_bytes());
    value.extend_from_slice(&at_ms.to_be_bytes());
    LogEntry {
        prefix: keys::change_prefix(scope, folder.0),
        suffix: keys::change_suffix(item.0),
        value,
        hint: Hint {
            folder: folder.0,
            device: by.device.0,
        },
    }
}

/// Reads a row of the log; `None` if its key is none. A damaged value counts as a change that no
/// device made: then the item itself tells whether it is there.
pub(super) fn parse(row: &Row) -> Option<Entry> {
    let key = keys::parse_change(&row.key)?;
    let (deleted, by, at_ms) = parse_value(row.value()).unwrap_or_default();
    Some(Entry {
        seq: key.seq,
        item: key.item,
        deleted,
        by,
        at_ms,
    })
}

fn parse_value(value: &[u8]) -> Option<(bool, By, UnixMs)> {
    let (&[kind, flags], rest) = value.split_first_chunk()?;
    let (device, rest) = rest.split_first_chunk()?;
    let at_ms = i64::from_be_bytes(*rest.first_chunk()?);
    let deleted = match kind {
        PUT => false,
        DELETED => true,
        _ => return None,
    };
    let by = By {
        device: DeviceNo(u32::from_be_bytes(*device)),
        via_sync: flags & VIA_SYNC != 0,
    };
    Some((deleted, by, at_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_written() {
        for deleted in [false, true] {
            for via_sync in [false, true] {
                let device = DeviceNo(7);
                let by = By { device, via_sync };
                let written = entry(Scope(20), FolderId(5), ItemId(9), deleted, by, -3);
                assert_eq!(parse_value(&written.value), Some((deleted, by, -3)));
            }
        }
    }

    #[test]
    fn damaged_entries_are_none() {
        for value in [&[][..], &[3; 14], &[1; 13]] {
            assert_eq!(parse_value(value), None);
        }
    }
}
