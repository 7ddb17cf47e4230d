//! Where a collection's state lies, and how it is read: the head, then the parts that it names.

use roaring::RoaringBitmap;

use super::broken::Entry;
use super::state::{Cursor, Head, Positions, State, from_bytes, uppers};
use crate::mailbox::{DeviceNo, Error, FolderId, Mailbox, unchanged};
use crate::store::{Condition, Row, Scope, Seq, Write, keys};

/// Whose state, of what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct At {
    pub(super) scope: Scope,
    pub(super) device: DeviceNo,
    pub(super) folder: FolderId,
}

/// A state with what is needed to replace it.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) state: State,
    /// Version of the head row.
    pub(super) version: Seq,
}

impl At {
    fn key(&self) -> Vec<u8> {
        keys::sync(self.scope, self.device.0, self.folder.0)
    }

    fn part_key(&self, upper: u16) -> Vec<u8> {
        keys::sync_part(self.scope, self.device.0, self.folder.0, upper)
    }

    /// Everything behind the head.
    fn parts_span(&self) -> keys::Span {
        keys::Span::prefix(self.key()).after(&self.key())
    }

    /// The condition that the state is still as it was read.
    pub(super) fn condition(&self, version: Option<Seq>) -> Condition {
        match version {
            Some(version) => Condition::Equals(self.key(), version),
            None => Condition::Absent(self.key()),
        }
    }

    /// The writes that bring the rows from `stored` (the set that the parts hold) to `state`.
    pub(super) fn writes(
        &self,
        state: &State,
        stored: &RoaringBitmap,
    ) -> Result<Vec<Write>, Error> {
        let mut writes = vec![Write::Put(self.key(), state.to_head()?)];
        for upper in uppers(&(&state.held ^ stored)) {
            let key = self.part_key(upper);
            writes.push(match state.to_part(upper)? {
                Some(part) => Write::Put(key, part),
                None => Write::Delete(key),
            });
        }
        Ok(writes)
    }

    /// Reads the state, if there is one.
    pub(super) async fn load(&self, mailbox: &Mailbox) -> Result<Option<Loaded>, Error> {
        loop {
            let Some(row) = mailbox.get(self.key()).await? else {
                return Ok(None);
            };
            let head = Head::read(row.value())?;
            let held = match &head.parts {
                Some(uppers) => self.parts(mailbox, uppers, row.version).await?,
                None => self.unnamed_parts(mailbox, &row).await?,
            };
            let Some(held) = held else {
                continue;
            };
            return Ok(Some(Loaded {
                state: State::of(head, held)?,
                version: row.version,
            }));
        }
    }

    /// The set whose head has this version; `None` if it was replaced meanwhile. A part is written
    /// with its head or before it: one that is younger, or gone, belongs to another.
    async fn parts(
        &self,
        mailbox: &Mailbox,
        uppers: &[u16],
        version: Seq,
    ) -> Result<Option<RoaringBitmap>, Error> {
        let mut held = RoaringBitmap::new();
        if uppers.is_empty() {
            return Ok(Some(held));
        }
        let keys: Vec<_> = uppers.iter().map(|upper| self.part_key(*upper)).collect();
        for row in mailbox.gets(&keys).await? {
            match row {
                Some(row) if row.version <= version => held |= from_bytes(row.value())?,
                _ => return self.replaced(mailbox, version).await.map(|()| None),
            }
        }
        Ok(Some(held))
    }

    /// A set whose parts do not match the head of this version: that was replaced, or it is damage.
    async fn replaced(&self, mailbox: &Mailbox, version: Seq) -> Result<(), Error> {
        match mailbox.get(self.key()).await? {
            Some(row) if row.version == version => {
                Err(Error::Damaged("a part of a set is missing"))
            }
            _ => Ok(()),
        }
    }

    /// The set behind a head of the first format; `None` if that was replaced meanwhile.
    async fn unnamed_parts(
        &self,
        mailbox: &Mailbox,
        head: &Row,
    ) -> Result<Option<RoaringBitmap>, Error> {
        let mut held = RoaringBitmap::new();
        for part in mailbox.all(self.parts_span()).await? {
            held |= from_bytes(part.value())?;
        }
        // Several reads are several snapshots: the head tells whether they are one state.
        let row = mailbox.get(self.key()).await?;
        let is_still = row.is_some_and(|row| unchanged(&row) == unchanged(head));
        Ok(is_still.then_some(held))
    }

    /// Reads positions and debts alone; `None` without a state. Cheap: one row.
    pub(super) async fn peek(&self, mailbox: &Mailbox) -> Result<Option<Peek>, Error> {
        let Some(row) = mailbox.get(self.key()).await? else {
            return Ok(None);
        };
        let Head {
            stored: head,
            broken,
            ..
        } = Head::read(row.value())?;
        Ok(Some(Peek {
            number: head.number,
            owes: !head.owed.is_empty(),
            positions: head.positions,
            options: head.options,
            broken,
        }))
    }

    /// Where the log of the folder ends at present.
    pub(super) async fn log_end(&self, mailbox: &Mailbox) -> Result<Cursor, Error> {
        let span = keys::changes(self.scope, self.folder.0);
        let rows = mailbox.range(span.read_reverse(1)).await?;
        let key = rows
            .rows
            .first()
            .and_then(|row| keys::parse_change(&row.key));
        Ok(key.map_or_else(Cursor::default, |key| Cursor {
            seq: key.seq,
            item: key.item,
        }))
    }
}

/// The head of a state.
pub(super) struct Peek {
    pub(super) number: u64,
    pub(super) owes: bool,
    pub(super) positions: Positions,
    pub(super) options: Vec<u8>,
    pub(super) broken: Vec<Entry>,
}

#[cfg(test)]
mod tests {
    use super::super::state::FORMAT_UNNAMED;
    use super::*;
    use crate::mailbox::testing::{account, block_on, mailbox};
    use crate::mailbox::{By, stored};

    async fn fixture() -> (Mailbox, At) {
        let mailbox = mailbox();
        let scope = mailbox.add_account(&account("anna")).await.unwrap();
        let (device, folder) = (DeviceNo(1), FolderId(2));
        let at = At {
            scope,
            device,
            folder,
        };
        (mailbox, at)
    }

    async fn write(mailbox: &Mailbox, at: &At, writes: impl IntoIterator<Item = Write>) {
        let mut tx = mailbox.transaction(at.scope, By::default());
        writes.into_iter().for_each(|write| tx.write(write));
        tx.commit().await.unwrap();
    }

    /// A state that holds items in two parts.
    fn state() -> State {
        let mut state = State::new(7, Cursor::default());
        state.held.extend([1, 2, 3, 0x1_0007]);
        state
    }

    async fn held(mailbox: &Mailbox, at: &At) -> Result<Vec<u32>, Error> {
        let loaded = at.load(mailbox).await?;
        Ok(loaded.unwrap().state.held.into_iter().collect())
    }

    #[test]
    fn a_state_is_read_as_it_was_written() {
        block_on(async {
            let (mailbox, at) = fixture().await;
            assert!(at.load(&mailbox).await.unwrap().is_none());
            let first = state();
            let writes = at.writes(&first, &RoaringBitmap::new()).unwrap();
            write(&mailbox, &at, writes).await;
            assert_eq!(held(&mailbox, &at).await.unwrap(), [1, 2, 3, 0x1_0007]);
            let mut second = first.clone();
            second.held = [1, 2, 4].into_iter().collect();
            write(&mailbox, &at, at.writes(&second, &first.held).unwrap()).await;
            assert_eq!(held(&mailbox, &at).await.unwrap(), [1, 2, 4]);
        });
    }

    #[test]
    fn a_state_of_the_first_format_is_read_and_goes_on() {
        block_on(async {
            let (mailbox, at) = fixture().await;
            let first = state();
            let mut writes = at.writes(&first, &RoaringBitmap::new()).unwrap();
            let head = stored::write(FORMAT_UNNAMED, &first.to_stored().unwrap()).unwrap();
            *writes.first_mut().unwrap() = Write::Put(at.key(), head);
            write(&mailbox, &at, writes).await;
            assert_eq!(held(&mailbox, &at).await.unwrap(), [1, 2, 3, 0x1_0007]);
            let mut second = first.clone();
            second.held.insert(9);
            write(&mailbox, &at, at.writes(&second, &first.held).unwrap()).await;
            assert_eq!(held(&mailbox, &at).await.unwrap(), [1, 2, 3, 9, 0x1_0007]);
        });
    }

    #[test]
    fn a_part_that_is_gone_is_damage_and_no_smaller_set() {
        block_on(async {
            let (mailbox, at) = fixture().await;
            let writes = at.writes(&state(), &RoaringBitmap::new()).unwrap();
            write(&mailbox, &at, writes).await;
            write(&mailbox, &at, [Write::Delete(at.part_key(1))]).await;
            assert!(matches!(held(&mailbox, &at).await, Err(Error::Damaged(_))));
        });
    }

    #[test]
    fn only_the_parts_that_changed_are_written() {
        let (before, mut after) = (state(), state());
        after.held.insert(4);
        block_on(async {
            let (_, at) = fixture().await;
            let writes = at.writes(&after, &before.held).unwrap();
            let key = |write| match write {
                Write::Put(key, _) => key,
                other => panic!("{other:?}"),
            };
            let keys: Vec<_> = writes.into_iter().map(key).collect();
            assert_eq!(keys, [at.key(), at.part_key(0)]);
        });
    }

    /// Several reads are several snapshots: between them another request may have replaced the state.
    #[test]
    fn parts_of_a_younger_state_are_not_taken_for_those_of_an_older_head() {
        block_on(async {
            let (mailbox, at) = fixture().await;
            let first = state();
            write(
                &mailbox,
                &at,
                at.writes(&first, &RoaringBitmap::new()).unwrap(),
            )
            .await;
            let version = at.load(&mailbox).await.unwrap().unwrap().version;
            let mut second = first.clone();
            second.held.insert(4);
            write(&mailbox, &at, at.writes(&second, &first.held).unwrap()).await;
            let parts = at.parts(&mailbox, &[0, 1], version).await;
            assert!(matches!(parts, Ok(None)), "{parts:?}");
            let version = at.load(&mailbox).await.unwrap().unwrap().version;
            let parts = at.parts(&mailbox, &[0, 1], version).await;
            assert!(matches!(parts, Ok(Some(held)) if held == second.held));
        });
    }
}
