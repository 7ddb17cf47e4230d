//! What a loss of power leaves of a disk: the models.

use std::collections::BTreeMap;

use super::{Change, Content, Disk, Kind, Names, Node, of, rename};
use crate::dice::Dice;

/// What is left after the power went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Model {
    /// Only what was synced.
    Synced,
    /// Everything.
    All,
    /// Of each file, and of the names, a part from the beginning.
    Prefix,
    /// Each write whole, missing, or cut at a sector; of each folder's names a part from the beginning.
    Torn,
    /// All names, but only synced content.
    Names,
}

pub(crate) const MODELS: [Model; 5] = [
    Model::Synced,
    Model::All,
    Model::Prefix,
    Model::Torn,
    Model::Names,
];

/// What a torn write is cut at.
const SECTOR_BYTES: usize = 512;

impl Disk {
    /// What a power loss at this moment leaves: by path, a file with its content or a folder.
    pub(crate) fn image(&self, model: Model, dice: &mut Dice) -> Vec<(String, Option<Content>)> {
        let names = self.left_names(model, dice);
        let mut tree = Vec::new();
        let mut folders = vec![(String::new(), 0)];
        while let Some((path, folder)) = folders.pop() {
            for (name, node) in &names[&folder] {
                let path = format!("{path}/{name}");
                let content = match &self.nodes[*node] {
                    Kind::File { synced, .. } => {
                        let unsynced: Vec<_> = of(&self.changes, *node).collect();
                        Some(left_of_file(synced, &unsynced, model, dice))
                    }
                    Kind::Folder { .. } => {
                        folders.push((path.clone(), *node));
                        None
                    }
                };
                tree.push((path, content));
            }
        }
        tree
    }

    pub(super) fn left_names(&self, model: Model, dice: &mut Dice) -> BTreeMap<Node, Names> {
        let folders = self.nodes.iter().enumerate();
        let mut left: BTreeMap<_, _> = folders
            .filter_map(|(node, kind)| match kind {
                Kind::Folder { synced, .. } => Some((node, synced.clone())),
                Kind::File { .. } => None,
            })
            .collect();
        let first = match model {
            Model::Synced => 0,
            Model::All | Model::Names | Model::Torn => self.namings.len(),
            Model::Prefix => dice.below(self.namings.len() + 1),
        };
        let first = &self.namings[..first];
        for (folder, names) in &mut left {
            let unsynced: Vec<_> = of(first, *folder).collect();
            let kept = match model {
                Model::Torn => dice.below(unsynced.len() + 1),
                _ => unsynced.len(),
            };
            unsynced[..kept]
                .iter()
                .for_each(|naming| rename(names, naming));
        }
        left
    }
}

fn left_of_file(synced: &Content, unsynced: &[&Change], model: Model, dice: &mut Dice) -> Content {
    let mut left = synced.clone();
    let first = match model {
        Model::Synced | Model::Names => 0,
        Model::All => unsynced.len(),
        Model::Prefix => dice.below(unsynced.len() + 1),
        Model::Torn => {
            let torn = unsynced.iter().filter_map(|change| tear(change, dice));
            torn.for_each(|change| left.apply(&change));
            0
        }
    };
    unsynced[..first]
        .iter()
        .for_each(|change| left.apply(change));
    left
}

/// A change as a torn disk has it, if at all.
fn tear(change: &Change, dice: &mut Dice) -> Option<Change> {
    match (dice.below(3), change) {
        (0, _) => None,
        (1, Change::Write { at, bytes }) => {
            // At a sector of the disk, wherever in it the write began.
            let within = *at as usize % SECTOR_BYTES;
            let sectors = (within + bytes.len()) / SECTOR_BYTES;
            let cut = dice.below(sectors + 1) * SECTOR_BYTES;
            let bytes = bytes[..cut.saturating_sub(within).min(bytes.len())].to_vec();
            Some(Change::Write { at: *at, bytes })
        }
        _ => Some(change.clone()),
    }
}
