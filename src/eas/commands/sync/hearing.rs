//! What the presented key says of the answer before, and what follows for this one.

use roaring::RoaringBitmap;

use super::Env;
use super::answer::Told;
use crate::eas::status::Failure;
use crate::eas::strikes::{At, Heard, Standing};
use crate::mailbox::{Fault, ItemId, Presented, Round};

/// How the answer before fared. To be noted once this one is durable.
pub(super) struct Hearing {
    at: At,
    heard: Heard,
    standing: Standing,
}

impl Hearing {
    /// Looks at a round before anything is told. Nothing is read.
    pub(super) fn of(env: &Env<'_>, round: &Round) -> Self {
        let strikes = env.eas.strikes();
        let mut hearing = Self {
            at: (env.scope(), env.device, round.folder().id),
            heard: match round.presented() {
                Presented::Current => Heard::Yes,
                Presented::Previous | Presented::First => Heard::No,
            },
            standing: Standing::default(),
        };
        if hearing.heard == Heard::No || !strikes.is_clear(hearing.at) {
            let told = || round.told_last();
            hearing.standing = strikes.standing(hearing.at, hearing.heard, told);
        }
        hearing
    }

    /// An item that has had its strikes: it is broken from here on.
    pub(super) fn broken(&self) -> Option<ItemId> {
        self.standing.broken.map(ItemId)
    }

    /// Items that are told one by one.
    pub(super) fn suspects(&self) -> &RoaringBitmap {
        &self.standing.suspects
    }

    /// The answer is durable, and tells this.
    pub(super) fn note(&self, env: &Env<'_>, told: &[Told]) {
        let strikes = env.eas.strikes();
        if self.heard == Heard::Yes && strikes.is_clear(self.at) {
            return;
        }
        let items = told.iter().filter_map(|told| match told {
            Told::Add(row, _) | Told::Change(row, _) | Told::Part(row) => Some(row.item.0),
            Told::Delete(_) | Told::SoftDelete(_) => None,
        });
        strikes.note(self.at, self.heard, &self.standing, items.collect());
    }
}

/// From here on the device gets a stand-in for this item.
///
/// # Errors
/// The store's.
pub(super) async fn give_up(round: &mut Round, item: ItemId) -> Result<(), Failure> {
    if let Some(row) = round.item(item).await? {
        round.set_broken(&row, Fault::Refused);
        let (folder, item) = (row.folder.0, item.0);
        tracing::warn!(
            folder,
            item,
            "a device does not take an item: it gets a note instead"
        );
    }
    Ok(())
}
