//! A phone: what the server has acknowledged, and what the user has done since.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Change, ChangeKind, Window};
use super::Random;
use super::server::{Answer, CONFLICT, Content, OK, Request, Sent};
use crate::mailbox::{DeviceNo, FolderId, ItemId, Place};

pub(super) struct Phone {
    pub(super) device: DeviceNo,
    pub(super) folder: FolderId,
    pub(super) key: u64,
    pub(super) window: Window,
    /// The items as the server knows that it has them.
    pub(super) has: BTreeMap<ItemId, Content>,
    /// What the user did and the server has not acknowledged.
    outbox: Vec<Sent>,
    /// The network has delivered something out of order: the key may be unknown.
    pub(super) disturbed: bool,
    next_client_id: u64,
}

impl Phone {
    pub(super) fn new(device: DeviceNo, folder: FolderId) -> Self {
        Self {
            device,
            folder,
            key: 0,
            window: Window::ALL,
            has: BTreeMap::new(),
            outbox: Vec::new(),
            disturbed: false,
            next_client_id: 0,
        }
    }

    pub(super) fn wants(&self, content: &Content) -> bool {
        self.window.holds(Place {
            date_ms: content.date_ms,
            complete: content.complete,
        })
    }

    /// The user does something. Edits of what was not acknowledged yet replace it.
    pub(super) fn edit(
        &mut self,
        random: &mut Random,
        mut content: Content,
        unwanted: &mut BTreeSet<String>,
    ) {
        if self.folder != FolderId::TASKS {
            content.complete = false;
        }
        let items: Vec<_> = self.has.iter().collect();
        let known = random.pick(&items).map(|(id, c)| (**id, (*c).clone()));
        match (random.below(10), known) {
            (0..=3, _) | (_, None) => self.edit_new(random, content),
            (4..=7, Some((item, old))) => {
                content.origin = old.origin;
                self.outbox.retain(|sent| !is_about(sent, item));
                self.outbox.push(Sent::Change(item, content));
            }
            (_, Some((item, old))) => {
                unwanted.insert(old.origin);
                self.outbox.retain(|sent| !is_about(sent, item));
                self.outbox.push(Sent::Delete(item));
            }
        }
    }

    /// A new item, or another edit of one that is on its way.
    fn edit_new(&mut self, random: &mut Random, mut content: Content) {
        let again = random.percent(30);
        let on_its_way = self.outbox.iter_mut().find_map(|sent| match sent {
            Sent::Add(_, old) if again => Some(old),
            _ => None,
        });
        if let Some(old) = on_its_way {
            content.origin.clone_from(&old.origin);
            *old = content;
            return;
        }
        self.next_client_id += 1;
        let client_id = format!("c{}", self.next_client_id);
        self.outbox.push(Sent::Add(client_id, content));
    }

    pub(super) fn forget_commands(&mut self) {
        self.outbox.clear();
    }

    /// The user removes and adds the account: everything from the beginning.
    pub(super) fn reset(&mut self) {
        self.key = 0;
        self.has.clear();
        self.outbox.clear();
    }

    pub(super) fn request(&self, random: &mut Random) -> Request {
        let commands = if self.key == 0 {
            Vec::new()
        } else {
            self.outbox.clone()
        };
        Request {
            device: self.device,
            folder: self.folder,
            key: self.key,
            window: self.window,
            limit: [1, 2, 5, 20, 100][random.below(5)],
            client_wins: random.percent(50),
            commands,
        }
    }

    /// An answer arrives.
    pub(super) fn take(
        &mut self,
        request: &Request,
        answer: Answer,
        acked: &mut BTreeSet<String>,
        dead: &mut BTreeSet<String>,
    ) {
        let Answer::Said {
            key,
            changes,
            responses,
            ..
        } = answer
        else {
            assert!(self.disturbed, "{:?} has to start over", self.device);
            self.reset();
            return;
        };
        self.key = key;
        self.disturbed = false;
        for (command, response) in request.commands.iter().zip(responses) {
            self.take_response(command, response, acked, dead);
        }
        for change in changes {
            self.take_change(change);
        }
    }

    fn take_response(
        &mut self,
        command: &Sent,
        (status, item): (u8, Option<ItemId>),
        acked: &mut BTreeSet<String>,
        dead: &mut BTreeSet<String>,
    ) {
        match command {
            Sent::Add(_, content) => {
                assert_eq!(status, OK);
                acked.insert(content.origin.clone());
                let old = self.has.insert(item.unwrap(), content.clone());
                assert_eq!(old, None, "an item for two adds");
            }
            Sent::Change(item, content) if status == OK => {
                let old = self.has.insert(*item, content.clone());
                assert!(old.is_some(), "acknowledged what is not there");
            }
            // The server's version follows, or the item is gone.
            Sent::Change(..) => {}
            Sent::Delete(item) => {
                assert_ne!(status, CONFLICT);
                let old = self.has.remove(item);
                dead.extend(old.map(|content| content.origin));
            }
        }
        self.outbox.retain(|sent| sent != command);
    }

    fn take_change(&mut self, change: Change) {
        let item = change.item;
        match change.kind {
            ChangeKind::Add(row) => {
                let old = self.has.insert(item, Content::of(&row));
                assert_eq!(old, None, "added twice");
            }
            ChangeKind::Change(row) => {
                let old = self.has.insert(item, Content::of(&row));
                assert!(old.is_some(), "changed without being there");
            }
            // It may have gone before a repeated answer could tell of it.
            ChangeKind::Delete => drop(self.has.remove(&item)),
            ChangeKind::SoftDelete => {
                assert!(
                    self.has.remove(&item).is_some(),
                    "taken back without being there"
                );
            }
        }
    }
}

fn is_about(sent: &Sent, item: ItemId) -> bool {
    match sent {
        Sent::Add(..) => false,
        Sent::Change(other, _) => *other == item,
        Sent::Delete(other) => *other == item,
    }
}
