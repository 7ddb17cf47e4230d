//! The stored form of a collection's state: one head row, and the set of items in parts.
//!
//! The head stands under `keys::sync`; a part holds the items whose numbers share the upper
//! sixteen bits, under the head's key with those bits behind it. A commit writes the head and the
//! parts that changed: some kilobytes, however large the folder is. The head names its parts, so
//! that all are read by name: a range would pass every older version that the engine still has. Only a
//! head with a list of broken items has the format that knows them.

use rkyv::{Archive, Deserialize, Serialize};
use roaring::RoaringBitmap;

use super::super::stored;
use super::{Command, Outcome, Window, broken};
use crate::limits;
use crate::mailbox::{Error, ItemId};
use crate::store::Seq;

/// The head names its parts and lists broken items.
const FORMAT_BROKEN: u8 = 3;
/// The head names its parts.
const FORMAT: u8 = 2;
/// It does not: they are all rows behind it. Read, not written.
pub(super) const FORMAT_UNNAMED: u8 = 1;

/// A place between two entries of the change log, or two rows of the index by date.
#[derive(
    Archive, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default,
)]
pub(super) struct Cursor {
    pub(super) seq: Seq,
    pub(super) item: u32,
}

/// A place in the index by date.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Pos {
    pub(super) date_ms: i64,
    pub(super) item: u32,
}

impl Pos {
    /// Above every item.
    pub(super) const TOP: Self = Self {
        date_ms: i64::MAX,
        item: u32::MAX,
    };

    /// Below every item of this date.
    pub(super) fn start_of(date_ms: i64) -> Self {
        Self { date_ms, item: 0 }
    }
}

/// The part of the index that a narrower window takes items back from.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sweep {
    /// The first place that was not looked at yet.
    pub(super) from: Pos,
    /// Where it ends, exclusive.
    pub(super) to: Pos,
}

/// Up to where the device was told everything, and what it wants.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub(super) struct Positions {
    pub(super) cursor: Cursor,
    pub(super) low: Pos,
    pub(super) sweep: Option<Sweep>,
    pub(super) since_ms: i64,
    pub(super) incomplete_only: bool,
}

impl Positions {
    /// Nothing was told yet, except that the log up to `cursor` is part of what the index shows.
    pub(super) fn new(cursor: Cursor, window: Window) -> Self {
        Self {
            cursor,
            low: Pos::TOP,
            sweep: None,
            since_ms: window.since_ms,
            incomplete_only: window.incomplete_only,
        }
    }

    pub(super) fn window(&self) -> Window {
        Window {
            since_ms: self.since_ms,
            incomplete_only: self.incomplete_only,
        }
    }

    /// Where the window begins.
    pub(super) fn target(&self) -> Pos {
        Pos::start_of(self.since_ms)
    }

    /// The index was sent down to the beginning of the window, and nothing is to be taken back.
    pub(super) fn is_filled(&self) -> bool {
        self.low <= self.target() && self.sweep.is_none()
    }

    /// Another window: what left it is to be swept, what came in is to be filled.
    pub(super) fn set_window(&mut self, window: Window) {
        let old = self.window();
        if old == window {
            return;
        }
        let mut sweep = self.sweep;
        let mut widen = |from: Pos, to: Pos| {
            sweep = Some(match sweep {
                Some(s) => Sweep {
                    from: s.from.min(from),
                    to: s.to.max(to),
                },
                None => Sweep { from, to },
            });
        };
        let target = Pos::start_of(window.since_ms);
        if window.since_ms > old.since_ms {
            widen(self.target(), target);
            // What is below was taken back, or will be: a wider window has to bring it again.
            self.low = self.low.max(target);
        }
        if window.incomplete_only && !old.incomplete_only {
            widen(target.min(self.target()), Pos::TOP);
        }
        if old.incomplete_only && !window.incomplete_only {
            self.low = Pos::TOP;
        }
        self.sweep = sweep;
        self.since_ms = window.since_ms;
        self.incomplete_only = window.incomplete_only;
    }
}

#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
enum StoredCommand {
    Add(String),
    Change(u32),
    Delete(u32),
}

#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
struct StoredOutcome {
    command: StoredCommand,
    item: Option<u32>,
    status: u8,
    print: u64,
}

#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
struct StoredPrevious {
    number: u64,
    /// Items that are in one of the two sets and not in the other.
    difference: Vec<u8>,
}

/// The first format of the head; today's, before its parts.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub(super) struct StoredHead {
    pub(super) number: u64,
    pub(super) positions: Positions,
    pub(super) owed: Vec<u8>,
    changed: Vec<u8>,
    outcomes: Vec<StoredOutcome>,
    pub(super) options: Vec<u8>,
    previous: Option<StoredPrevious>,
}

#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
struct StoredNamed {
    head: StoredHead,
    /// The upper sixteen bits of each part.
    parts: Vec<u16>,
}

#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
struct StoredBroken {
    named: StoredNamed,
    broken: Vec<broken::Entry>,
}

/// A head as read: of the first format, its parts have no names.
pub(super) struct Head {
    pub(super) stored: StoredHead,
    pub(super) parts: Option<Vec<u16>>,
    pub(super) broken: Vec<broken::Entry>,
}

impl Head {
    pub(super) fn read(stored: &[u8]) -> Result<Self, Error> {
        let (StoredNamed { head, parts }, broken) = match stored.first() {
            Some(&FORMAT_UNNAMED) => {
                return Ok(Self {
                    stored: stored::read(FORMAT_UNNAMED, stored)?,
                    parts: None,
                    broken: Vec::new(),
                });
            }
            Some(&FORMAT_BROKEN) => {
                let StoredBroken { named, broken } = stored::read(FORMAT_BROKEN, stored)?;
                (named, broken)
            }
            _ => (stored::read(FORMAT, stored)?, Vec::new()),
        };
        Ok(Self {
            stored: head,
            parts: Some(parts),
            broken,
        })
    }
}

/// The generation before the current one.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Previous {
    /// Its SyncKey.
    pub(super) number: u64,
    /// The items on the device.
    pub(super) held: RoaringBitmap,
}

/// The state of a collection on a device.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct State {
    /// The current SyncKey.
    pub(super) number: u64,
    pub(super) positions: Positions,
    /// The items on the device, if it got the current answer.
    pub(super) held: RoaringBitmap,
    /// Items to look at again.
    pub(super) owed: RoaringBitmap,
    /// Items that the current answer told the device a Change of.
    pub(super) changed: RoaringBitmap,
    /// What the commands of the current generation's request came to.
    pub(super) outcomes: Vec<(Command, Outcome)>,
    /// The caller's.
    pub(super) options: Vec<u8>,
    /// `None` directly after the first key: it cannot be repeated but by key 0.
    pub(super) previous: Option<Previous>,
    /// Items that the device has a stand-in of, or is about to.
    pub(super) broken: Vec<broken::Entry>,
}

impl State {
    /// A state in which the device holds nothing.
    pub(super) fn new(number: u64, cursor: Cursor) -> Self {
        Self {
            number,
            positions: Positions::new(cursor, Window::ALL),
            held: RoaringBitmap::new(),
            owed: RoaringBitmap::new(),
            changed: RoaringBitmap::new(),
            outcomes: Vec::new(),
            options: Vec::new(),
            previous: None,
            broken: Vec::new(),
        }
    }

    /// Nothing was ever sent under its number: a repeated key 0 may be answered with it again.
    pub(super) fn is_pristine(&self) -> bool {
        self.previous.is_none() && self.held.is_empty() && self.outcomes.is_empty()
    }

    /// The head row.
    pub(super) fn to_head(&self) -> Result<Vec<u8>, Error> {
        let named = StoredNamed {
            head: self.to_stored()?,
            parts: uppers(&self.held),
        };
        let head = if self.broken.is_empty() {
            stored::write(FORMAT, &named)?
        } else {
            let broken = self.broken.clone();
            stored::write(FORMAT_BROKEN, &StoredBroken { named, broken })?
        };
        if head.len() > limits::VALUE_BYTES_MAX {
            return Err(Error::TooLarge);
        }
        Ok(head)
    }

    /// The row of one part; `None` if it is empty.
    pub(super) fn to_part(&self, upper: u16) -> Result<Option<Vec<u8>>, Error> {
        let base = u32::from(upper) << 16;
        // Container by container: a page of a first Sync would pay for every item that is held already.
        let mut part = RoaringBitmap::new();
        part.insert_range(base..=base | 0xffff);
        part &= &self.held;
        if part.is_empty() {
            return Ok(None);
        }
        to_bytes(part).map(Some)
    }

    /// The head without the names of its parts.
    pub(super) fn to_stored(&self) -> Result<StoredHead, Error> {
        let previous = self.previous.as_ref().map(|previous| {
            let difference = to_bytes(&previous.held ^ &self.held)?;
            Ok::<_, Error>(StoredPrevious {
                number: previous.number,
                difference,
            })
        });
        Ok(StoredHead {
            number: self.number,
            positions: self.positions.clone(),
            owed: to_bytes(self.owed.clone())?,
            changed: to_bytes(self.changed.clone())?,
            outcomes: self.outcomes.iter().map(StoredOutcome::of).collect(),
            options: self.options.clone(),
            previous: previous.transpose()?,
        })
    }

    /// The state of a head whose parts hold this set.
    pub(super) fn of(head: Head, held: RoaringBitmap) -> Result<Self, Error> {
        let (broken, head) = (head.broken, head.stored);
        let previous = match head.previous {
            Some(p) => Some(Previous {
                number: p.number,
                held: &held ^ &from_bytes(&p.difference)?,
            }),
            None => None,
        };
        Ok(Self {
            number: head.number,
            positions: head.positions,
            owed: from_bytes(&head.owed)?,
            changed: from_bytes(&head.changed)?,
            outcomes: head.outcomes.into_iter().map(StoredOutcome::to).collect(),
            options: head.options,
            previous,
            held,
            broken,
        })
    }
}

impl StoredOutcome {
    fn of((command, outcome): &(Command, Outcome)) -> Self {
        Self {
            command: match command {
                Command::Add(client_id) => StoredCommand::Add(client_id.clone()),
                Command::Change(item) => StoredCommand::Change(item.0),
                Command::Delete(item) => StoredCommand::Delete(item.0),
            },
            item: outcome.item.map(|item| item.0),
            status: outcome.status,
            print: outcome.print,
        }
    }

    fn to(self) -> (Command, Outcome) {
        let command = match self.command {
            StoredCommand::Add(client_id) => Command::Add(client_id),
            StoredCommand::Change(item) => Command::Change(ItemId(item)),
            StoredCommand::Delete(item) => Command::Delete(ItemId(item)),
        };
        let outcome = Outcome {
            item: self.item.map(ItemId),
            status: self.status,
            print: self.print,
        };
        (command, outcome)
    }
}

/// The upper halves that occur in a set.
pub(super) fn uppers(set: &RoaringBitmap) -> Vec<u16> {
    let mut uppers = Vec::new();
    let mut next = set.min();
    while let Some(item) = next {
        let upper = item >> 16;
        uppers.extend(u16::try_from(upper));
        next = match upper.checked_add(1).and_then(|n| n.checked_mul(1 << 16)) {
            Some(from) => set.range(from..).next(),
            None => None,
        };
    }
    uppers
}

pub(super) fn to_bytes(mut set: RoaringBitmap) -> Result<Vec<u8>, Error> {
    if set.is_empty() {
        return Ok(Vec::new());
    }
    set.optimize();
    let mut bytes = Vec::with_capacity(set.serialized_size());
    set.serialize_into(&mut bytes)
        .map_err(|_| Error::Damaged("a set that cannot be written"))?;
    Ok(bytes)
}

pub(super) fn from_bytes(bytes: &[u8]) -> Result<RoaringBitmap, Error> {
    if bytes.is_empty() {
        return Ok(RoaringBitmap::new());
    }
    RoaringBitmap::deserialize_from(bytes).map_err(|_| Error::Damaged("a set of items"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_that_fits_no_value_is_refused() {
        let mut state = State::new(1, Cursor::default());
        state.options = vec![0; limits::VALUE_BYTES_MAX];
        assert_eq!(state.to_head(), Err(Error::TooLarge));
        state.options.truncate(limits::VALUE_BYTES_MAX / 2);
        assert!(state.to_head().is_ok());
    }

    #[test]
    fn uppers_are_found_without_looking_at_every_item() {
        let set: RoaringBitmap = [1, 2, 0xffff, 0x3_0001, 0xffff_0000, u32::MAX]
            .into_iter()
            .collect();
        assert_eq!(uppers(&set), [0, 3, 0xffff]);
        assert!(uppers(&RoaringBitmap::new()).is_empty());
    }

    #[test]
    fn sets_are_read_as_written() {
        for set in [
            RoaringBitmap::new(),
            (5..90_000).collect(),
            [7].into_iter().collect(),
        ] {
            assert_eq!(from_bytes(&to_bytes(set.clone()).unwrap()).unwrap(), set);
        }
        assert!(from_bytes(&[1, 2, 3]).is_err());
    }

    #[test]
    fn a_head_of_the_first_format_is_read() {
        let mut state = State::new(7, Cursor { seq: 3, item: 4 });
        state.options = b"options".to_vec();
        let first = stored::write(FORMAT_UNNAMED, &state.to_stored().unwrap()).unwrap();
        let head = Head::read(&first).unwrap();
        assert_eq!(head.parts, None);
        assert_eq!(State::of(head, RoaringBitmap::new()).unwrap(), state);
        state.held.extend([1, 0x1_0000]);
        let head = Head::read(&state.to_head().unwrap()).unwrap();
        assert_eq!(head.parts, Some(vec![0, 1]));
    }

    #[test]
    fn windows_move_the_positions() {
        let filled = |since_ms| Positions {
            low: Pos::start_of(since_ms),
            ..Positions::new(Cursor::default(), Window::since(since_ms))
        };
        let mut p = filled(100);
        p.set_window(Window::since(200));
        assert_eq!(p.low, Pos::start_of(200));
        let sweep = |from, to| Some(Sweep { from, to });
        assert_eq!(p.sweep, sweep(Pos::start_of(100), Pos::start_of(200)));
        // Wider again while the sweep goes on: from 200 down is to be filled.
        p.set_window(Window::since(50));
        assert_eq!((p.low, p.is_filled()), (Pos::start_of(200), false));

        let mut p = filled(i64::MIN);
        let incomplete_only = true;
        let incomplete = Window {
            incomplete_only,
            ..Window::ALL
        };
        p.set_window(incomplete);
        assert_eq!(p.sweep, sweep(Pos::start_of(i64::MIN), Pos::TOP));
        p.set_window(Window::ALL);
        assert_eq!(p.low, Pos::TOP);
    }
}
