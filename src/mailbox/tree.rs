//! Changes of the folder hierarchy: create, rename, move, delete.
//!
//! Every change takes the hierarchy's guard (the row of folder 0), so that names stay unique and
//! no cycle arises whoever else changes folders at the same time. The change log of folder 0 says
//! which folders changed. Deleting marks the folder; its items are buried afterwards, in bounded
//! steps ([`Mailbox::purge`]), so that a crash leaves nothing that would be found by nobody.

use std::collections::{BTreeSet, HashMap};

use super::folder::DEFAULTS;
use super::{
    By, Error, FOLDER_IDS, Folder, FolderId, FolderKind, FolderRow, ItemId, Mailbox, Tx, used,
};
use crate::limits;
use crate::store::{Condition, Scope, Seq, Write, keys};

/// Folders that one commit of a deletion marks.
const DOOMED_PER_COMMIT: usize = 80;

/// The folders of an account as they were read, and the guard that they were read under.
pub(super) struct Tree {
    scope: Scope,
    guard: Option<Seq>,
    pub(super) folders: Vec<FolderRow>,
}

impl Tree {
    pub(super) async fn load(mailbox: &Mailbox, scope: Scope) -> Result<Self, Error> {
        // The guard first: what is read after it is at least as new.
        let guard = mailbox.get(keys::folder(scope, FolderId::ROOT.0)).await?;
        Ok(Self {
            scope,
            guard: guard.map(|row| row.version),
            folders: mailbox.folders(scope).await?,
        })
    }

    pub(super) fn get(&self, id: FolderId) -> Result<&FolderRow, Error> {
        let found = self.folders.iter().find(|row| row.id == id);
        found.ok_or(Error::NotFound)
    }

    /// Takes the guard: no other change of the hierarchy may have come between.
    fn take_guard(&self, tx: &mut Tx) {
        let key = keys::folder(self.scope, FolderId::ROOT.0);
        tx.require(match self.guard {
            Some(version) => Condition::Equals(key.clone(), version),
            None => Condition::Absent(key.clone()),
        });
        tx.write(Write::Put(key, Vec::new()));
    }

    /// The parent exists, and the name is one and is free under it.
    fn check_place(&self, of: FolderId, parent: FolderId, name: &str) -> Result<(), Error> {
        if parent != FolderId::ROOT {
            self.get(parent)?;
        }
        check_name(name)?;
        let taken = self.folders.iter().any(|row| {
            row.id != of && row.parent() == parent && Folder::same_name(&row.folder.name, name)
        });
        if taken {
            return Err(Error::Taken);
        }
        Ok(())
    }

    pub(super) async fn create(
        &self,
        mailbox: &Mailbox,
        tx: &mut Tx,
        (parent, name, kind): (FolderId, &str, FolderKind),
        by: By,
    ) -> Result<FolderId, Error> {
        if self.folders.len() >= limits::FOLDERS_MAX {
            return Err(Error::Limit);
        }
        self.check_place(FolderId::ROOT, parent, name)?;
        let id = FolderId(mailbox.allocate(self.scope, FOLDER_IDS, 1).await?);
        self.take_guard(tx);
        let key = keys::folder(self.scope, id.0);
        tx.require(Condition::Absent(key.clone()));
        let folder = Folder::new(parent, name, kind);
        tx.write(Write::Put(key, folder.to_stored()?));
        tx.write(used(self.scope, FOLDER_IDS, id.0));
        tx.log(FolderId::ROOT, ItemId(id.0), false, by);
        Ok(id)
    }

    pub(super) fn update(
        &self,
        tx: &mut Tx,
        id: FolderId,
        (parent, name): (FolderId, &str),
        by: By,
    ) -> Result<(), Error> {
        let row = self.get(id)?;
        if is_protected(row) {
            return Err(Error::Protected);
        }
        self.check_place(id, parent, name)?;
        if self.subtree(id).contains(&parent) {
            return Err(Error::Cycle);
        }
        self.take_guard(tx);
        let mut folder = row.folder.clone();
        folder.parent = parent.0;
        name.clone_into(&mut folder.name);
        self.replace(tx, row, &folder, by)
    }

    fn replace(&self, tx: &mut Tx, row: &FolderRow, new: &Folder, by: By) -> Result<(), Error> {
        tx.require(row.unchanged(self.scope));
        let key = keys::folder(self.scope, row.id.0);
        tx.write(Write::Put(key, new.to_stored()?));
        let old_entry = keys::change(self.scope, FolderId::ROOT.0, row.version, row.id.0);
        tx.write(Write::Delete(old_entry));
        tx.log(FolderId::ROOT, ItemId(row.id.0), new.doomed, by);
        Ok(())
    }

    /// Marks folders as deleted.
    fn doom(&self, tx: &mut Tx, ids: &[FolderId], by: By) -> Result<(), Error> {
        self.take_guard(tx);
        for id in ids {
            let row = self.get(*id)?;
            let mut folder = row.folder.clone();
            folder.doomed = true;
            self.replace(tx, row, &folder, by)?;
        }
        Ok(())
    }

    /// The folder and all below it, the folder itself last.
    pub(super) fn subtree(&self, id: FolderId) -> Vec<FolderId> {
        let mut children: HashMap<FolderId, Vec<FolderId>> = HashMap::new();
        for row in &self.folders {
            children.entry(row.parent()).or_default().push(row.id);
        }
        let mut order = vec![id];
        let mut next = 0;
        while let Some(parent) = order.get(next) {
            // Removing them keeps this finite whatever the rows say.
            order.extend(children.remove(parent).unwrap_or_default());
            next += 1;
        }
        order.reverse();
        order
    }

    /// Deletes a folder with all below it, into `tx`; what is too much for one commit is deleted
    /// before, from the leaves up. Returns all that is gone then.
    pub(super) async fn delete(
        &mut self,
        mailbox: &Mailbox,
        tx: &mut Tx,
        id: FolderId,
        by: By,
    ) -> Result<Vec<FolderId>, Error> {
        if is_protected(self.get(id)?) {
            return Err(Error::Protected);
        }
        let gone = self.subtree(id);
        let mut left = gone.as_slice();
        while left.len() > DOOMED_PER_COMMIT {
            let (now, later) = left.split_at(DOOMED_PER_COMMIT);
            let mut before = mailbox.transaction(self.scope, by);
            self.doom(&mut before, now, by)?;
            before.commit().await?;
            *self = Self::load(mailbox, self.scope).await?;
            left = later;
        }
        self.doom(tx, left, by)?;
        Ok(gone)
    }

    /// The folders in an order in which no child comes before its parent.
    pub(super) fn parents_first(&self) -> Vec<&FolderRow> {
        let mut seen = BTreeSet::from([FolderId::ROOT]);
        let mut order = Vec::with_capacity(self.folders.len());
        let mut left: Vec<_> = self.folders.iter().collect();
        loop {
            let before = left.len();
            left.retain(|row| {
                let ready = seen.contains(&row.parent());
                if ready {
                    seen.insert(row.id);
                    order.push(*row);
                }
                !ready
            });
            if left.is_empty() || left.len() == before {
                // Orphans, which there are not, would still be told.
                order.extend(left);
                return order;
            }
        }
    }
}

fn is_protected(row: &FolderRow) -> bool {
    row.id.is_default() || row.folder.kind == FolderKind::RecipientCache
}

fn check_name(name: &str) -> Result<(), Error> {
    let length = name.chars().count();
    let bad = name.trim().is_empty()
        || length > limits::FOLDER_NAME_CHARS_MAX
        || name.chars().any(char::is_control);
    if bad { Err(Error::BadName) } else { Ok(()) }
}

/// The writes that make the default folders of a new account.
pub(super) fn put_defaults(tx: &mut Tx) -> Result<(), Error> {
    let scope = tx.scope();
    for (kind, name) in DEFAULTS {
        let id = u32::from(kind.number());
        let folder = Folder::new(FolderId::ROOT, name, kind);
        tx.write(Write::Put(keys::folder(scope, id), folder.to_stored()?));
        tx.log(FolderId::ROOT, ItemId(id), false, By::default());
    }
    Ok(())
}

impl Mailbox {
    /// Creates a folder, on nobody's behalf.
    ///
    /// # Errors
    /// [`Error::NotFound`] (the parent), [`Error::Taken`], [`Error::BadName`], [`Error::Limit`],
    /// [`Error::Conflict`]; the store's.
    pub async fn create_folder(
        &self,
        scope: Scope,
        parent: FolderId,
        name: &str,
        kind: FolderKind,
    ) -> Result<FolderId, Error> {
        let tree = Tree::load(self, scope).await?;
        let mut tx = self.transaction(scope, By::default());
        let place = (parent, name, kind);
        let id = tree.create(self, &mut tx, place, By::default()).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Renames or moves a folder, on nobody's behalf.
    ///
    /// # Errors
    /// As [`Mailbox::create_folder`]; [`Error::Protected`], [`Error::Cycle`].
    pub async fn update_folder(
        &self,
        scope: Scope,
        folder: FolderId,
        parent: FolderId,
        name: &str,
    ) -> Result<(), Error> {
        let tree = Tree::load(self, scope).await?;
        let mut tx = self.transaction(scope, By::default());
        tree.update(&mut tx, folder, (parent, name), By::default())?;
        tx.commit().await.map(drop)
    }

    /// Deletes a folder with all below it, on nobody's behalf.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Protected`], [`Error::Conflict`]; the store's.
    pub async fn delete_folder(&self, scope: Scope, folder: FolderId) -> Result<(), Error> {
        let mut tree = Tree::load(self, scope).await?;
        let mut tx = self.transaction(scope, By::default());
        Box::pin(tree.delete(self, &mut tx, folder, By::default())).await?;
        tx.commit().await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::testing::{account, block_on, mail, mailbox};
    use crate::pim::Record;

    const MAIL: FolderKind = FolderKind::UserMail;

    async fn fixture() -> (Mailbox, Scope) {
        let mailbox = mailbox();
        let scope = mailbox.add_account(&account("anna")).await.unwrap();
        (mailbox, scope)
    }

    #[test]
    fn names_are_unique_under_their_parent() {
        block_on(async {
            let (mailbox, scope) = fixture().await;
            let create = async |parent, name| {
                let created = mailbox.create_folder(scope, parent, name, MAIL);
                created.await
            };
            let a = create(FolderId::ROOT, "Work").await.unwrap();
            assert_eq!(create(FolderId::ROOT, "wORK").await, Err(Error::Taken));
            assert_eq!(create(FolderId::ROOT, "inbox").await, Err(Error::Taken));
            let b = create(a, "work").await.unwrap();
            let moved = mailbox
                .update_folder(scope, b, FolderId::ROOT, "work")
                .await;
            assert_eq!(moved, Err(Error::Taken));
            // Its own name in another spelling is no other folder's.
            mailbox
                .update_folder(scope, a, FolderId::ROOT, "WORK")
                .await
                .unwrap();
            assert_eq!(create(FolderId(99), "x").await, Err(Error::NotFound));
            for bad in ["", "  ", "a\tb", &"x".repeat(300)] {
                assert_eq!(create(FolderId::ROOT, bad).await, Err(Error::BadName));
            }
        });
    }

    #[test]
    fn default_folders_stay_and_no_folder_goes_under_itself() {
        block_on(async {
            let (mailbox, scope) = fixture().await;
            let inbox = FolderId::INBOX;
            let deleted = Box::pin(mailbox.delete_folder(scope, inbox));
            assert_eq!(deleted.await, Err(Error::Protected));
            let renamed = mailbox.update_folder(scope, inbox, FolderId::ROOT, "x");
            assert_eq!(renamed.await, Err(Error::Protected));
            let a = mailbox
                .create_folder(scope, inbox, "a", MAIL)
                .await
                .unwrap();
            let b = mailbox.create_folder(scope, a, "b", MAIL).await.unwrap();
            for parent in [a, b] {
                let moved = mailbox.update_folder(scope, a, parent, "a").await;
                assert_eq!(moved, Err(Error::Cycle));
            }
        });
    }

    #[test]
    fn of_two_changes_of_the_hierarchy_at_once_one_is_computed_again() {
        block_on(async {
            let (mailbox, scope) = fixture().await;
            let tree = Tree::load(&mailbox, scope).await.unwrap();
            let other = mailbox.create_folder(scope, FolderId::ROOT, "same", MAIL);
            other.await.unwrap();
            let mut tx = mailbox.transaction(scope, By::default());
            let place = (FolderId::ROOT, "same", MAIL);
            tree.create(&mailbox, &mut tx, place, By::default())
                .await
                .unwrap();
            assert_eq!(tx.commit().await, Err(Error::Conflict));
        });
    }

    #[test]
    fn a_deleted_folder_goes_with_all_below_it_and_takes_no_items_any_more() {
        block_on(async {
            let (mailbox, scope) = fixture().await;
            let top = mailbox.create_folder(scope, FolderId::ROOT, "top", MAIL);
            let top = top.await.unwrap();
            let mut parent = top;
            // More than one commit marks, and deep.
            for n in 0..2 * DOOMED_PER_COMMIT {
                let name = n.to_string();
                parent = mailbox
                    .create_folder(scope, parent, &name, MAIL)
                    .await
                    .unwrap();
            }
            let leaf = mailbox.folder(scope, parent).await.unwrap();
            let record = Record::Message(mail("a", 5));
            for _ in 0..3 {
                let mut tx = mailbox.transaction(scope, By::default());
                for _ in 0..40 {
                    tx.add(&leaf, &record).await.unwrap();
                }
                tx.commit().await.unwrap();
            }
            Box::pin(mailbox.delete_folder(scope, top)).await.unwrap();
            assert_eq!(mailbox.folders(scope).await.unwrap().len(), DEFAULTS.len());
            let mut late = mailbox.transaction(scope, By::default());
            late.add(&leaf, &record).await.unwrap();
            assert_eq!(late.commit().await, Err(Error::Conflict));
            mailbox.purge_all(scope).await.unwrap();
            let left = mailbox.all(keys::items(scope, leaf.id.0)).await.unwrap();
            assert!(left.is_empty());
            let rows = mailbox.folders_with_doomed(scope).await.unwrap();
            assert_eq!(rows.len(), DEFAULTS.len());
        });
    }
}
