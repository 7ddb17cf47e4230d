//! What a device answered to an invitation, so that the same request once more does nothing and is
//! answered alike. Kept [`crate::limits::SENT_KEPT_DAYS`] days, for all devices of the account: the
//! mail has moved meanwhile, and another device may know it by its old id still.

use super::sent::{Remembered, remembered};
use super::{DeviceNo, Error, FolderId, ItemId, Mailbox, ServerId, Tx};
use crate::clock::UnixMs;
use crate::store::{Scope, keys};

/// An answer that was carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answered {
    /// The device that gave it.
    pub device: DeviceNo,
    /// Which it was: a number of the caller's.
    pub answer: u8,
    /// The appointment, where there is one then.
    pub event: Option<ServerId>,
    /// Where the item is now that was answered.
    pub item: ServerId,
}

const BYTES: usize = 21;

fn key(scope: Scope, item: ServerId, instance_ms: Option<i64>) -> Vec<u8> {
    let name = match instance_ms {
        Some(ms) => format!("meet {item} {ms}"),
        None => format!("meet {item}"),
    };
    keys::sent(scope, DeviceNo::NONE.0, name.as_bytes())
}

impl Answered {
    fn to_value(self) -> Vec<u8> {
        let nowhere = ServerId {
            folder: FolderId::ROOT,
            item: ItemId(0),
        };
        let event = self.event.unwrap_or(nowhere);
        let mut value = Vec::with_capacity(BYTES);
        value.push(self.answer);
        let ids = [
            self.device.0,
            event.folder.0,
            event.item.0,
            self.item.folder.0,
            self.item.item.0,
        ];
        value.extend(ids.iter().flat_map(|id| id.to_be_bytes()));
        value
    }

    /// Reads what was written; a damaged value is none.
    fn of(value: &[u8]) -> Option<Self> {
        let (&answer, ids) = value.split_first()?;
        let (ids, rest) = ids.as_chunks::<4>();
        let &[device, event_folder, event, folder, item] = ids else {
            return None;
        };
        if !rest.is_empty() {
            return None;
        }
        let id = |folder: [u8; 4], item: [u8; 4]| ServerId {
            folder: FolderId(u32::from_be_bytes(folder)),
            item: ItemId(u32::from_be_bytes(item)),
        };
        let event = id(event_folder, event);
        Some(Self {
            device: DeviceNo(u32::from_be_bytes(device)),
            answer,
            event: (event.folder != FolderId::ROOT).then_some(event),
            item: id(folder, item),
        })
    }
}

impl Mailbox {
    /// What was answered to this item last (or to the occurrence of it that starts then), and when,
    /// in Unix milliseconds.
    ///
    /// # Errors
    /// The store's.
    pub async fn answered(
        &self,
        scope: Scope,
        item: ServerId,
        instance_ms: Option<i64>,
    ) -> Result<Option<(UnixMs, Answered)>, Error> {
        let row = self.get(key(scope, item, instance_ms)).await?;
        let done = row.and_then(|row| remembered(row.value()));
        Ok(done.and_then(|(at_ms, done)| Some((at_ms, Answered::of(&done)?))))
    }
}

impl Tx {
    /// Notes what was answered to the item of this name.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it cannot be archived (out of memory).
    pub fn note_answer(
        &mut self,
        item: ServerId,
        instance_ms: Option<i64>,
        answered: Answered,
    ) -> Result<(), Error> {
        let key = key(self.scope(), item, instance_ms);
        self.remember(Remembered {
            key,
            at_ms: self.now_ms(),
            outcome: answered.to_value(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_written() {
        let id = |folder, item| ServerId {
            folder: FolderId(folder),
            item: ItemId(item),
        };
        for event in [None, Some(id(8, 9))] {
            let answered = Answered {
                device: DeviceNo(3),
                answer: 2,
                event,
                item: id(4, 5),
            };
            let value = answered.to_value();
            assert_eq!(value.len(), BYTES);
            assert_eq!(Answered::of(&value), Some(answered));
            assert_eq!(Answered::of(&value[1..]), None);
        }
    }
}
