//! Conversations that were moved for good ([MS-ASCON] 3.1.5.2): what they have already goes into
//! another folder, and what comes later is delivered there instead of into the Inbox.
//!
//! The rules of an account are one row, bounded, the oldest first; a delivery reads it and names it
//! in its commit, so that a mail is either moved or delivered to the right place.
//!
//! What the user wrote, and what was thrown away, stays where it is: Drafts, Outbox, Sent Items,
//! Deleted Items. Deliberately absent: an index by conversation. All mail is looked through.

use super::item::ItemRow;
use super::{By, Error, FolderId, FolderRow, Mailbox};
use crate::limits;
use crate::pim::{Class, RecordRef};
use crate::store::{Condition, Row, Scope, Write, keys};

/// The first byte of the row; rules of twenty bytes follow: conversation, folder.
const FORMAT: u8 = 1;
const NAME: &[u8] = b"conversations";

/// Names a conversation.
pub type ConversationId = [u8; 16];

/// Where the future mail of a conversation goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Rule {
    conversation: ConversationId,
    folder: FolderId,
}

/// The rules of an account as they were read.
pub(super) struct Rules {
    row: Option<Row>,
    key: Vec<u8>,
    all: Vec<Rule>,
}

impl Rules {
    pub(super) async fn load(mailbox: &Mailbox, scope: Scope) -> Result<Self, Error> {
        let key = keys::own(scope, NAME);
        let row = mailbox.get(key.clone()).await?;
        let all = row.as_ref().map(|row| parse(row.value())).transpose()?;
        Ok(Self {
            row,
            key,
            all: all.unwrap_or_default(),
        })
    }

    /// The folder for new mail of a conversation; none: the Inbox.
    pub(super) fn folder_of(&self, conversation: &ConversationId) -> Option<FolderId> {
        let mut rules = self.all.iter();
        let rule = rules.find(|r| r.conversation == *conversation);
        rule.map(|r| r.folder)
    }

    /// The condition that they are still the same.
    pub(super) fn unchanged(&self) -> Condition {
        match &self.row {
            Some(row) => super::unchanged(row),
            None => Condition::Absent(self.key.clone()),
        }
    }

    /// The rules with one more; none if that is one of them.
    fn with(&self, new: Rule) -> Option<Vec<Rule>> {
        if self.all.contains(&new) {
            return None;
        }
        let mut all = self.all.clone();
        all.retain(|r| r.conversation != new.conversation);
        all.push(new);
        let surplus = all.len().saturating_sub(limits::CONVERSATIONS_MOVED_MAX);
        all.drain(..surplus);
        Some(all)
    }
}

fn parse(value: &[u8]) -> Result<Vec<Rule>, Error> {
    const DAMAGED: Error = Error::Damaged("rules for conversations");
    let (format, rules) = value.split_first().ok_or(DAMAGED)?;
    let (rules, rest) = rules.as_chunks::<20>();
    if *format != FORMAT || !rest.is_empty() {
        return Err(DAMAGED);
    }
    let rule = |bytes: &[u8; 20]| {
        let (conversation, folder) = bytes.split_first_chunk()?;
        Some(Rule {
            conversation: *conversation,
            folder: FolderId(u32::from_be_bytes(*folder.first_chunk()?)),
        })
    };
    rules.iter().map(rule).collect::<Option<_>>().ok_or(DAMAGED)
}

fn to_value(rules: &[Rule]) -> Vec<u8> {
    let mut value = vec![FORMAT];
    for rule in rules {
        value.extend_from_slice(&rule.conversation);
        value.extend_from_slice(&rule.folder.0.to_be_bytes());
    }
    value
}

/// Whether mail of a conversation is moved out of this folder.
fn gives(folder: &FolderRow) -> bool {
    let stays = [
        FolderId::DRAFTS,
        FolderId::OUTBOX,
        FolderId::SENT,
        FolderId::DELETED,
    ];
    folder.class() == Some(Class::Email) && !stays.contains(&folder.id)
}

impl Mailbox {
    /// Whether there is any mail of a conversation.
    ///
    /// # Errors
    /// The store's.
    pub async fn has_conversation(
        &self,
        scope: Scope,
        conversation: &ConversationId,
    ) -> Result<bool, Error> {
        for folder in self.folders(scope).await? {
            if folder.class() != Some(Class::Email) {
                continue;
            }
            let mut pages = Pages::of(self, scope, folder.id);
            while let Some(page) = pages.next().await? {
                if page.iter().any(|row| is_of(row, conversation)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// From now on new mail of a conversation goes into `folder`; into the Inbox: nowhere else any
    /// more.
    ///
    /// # Errors
    /// [`Error::Conflict`]; the store's.
    pub async fn redirect_conversation(
        &self,
        scope: Scope,
        conversation: ConversationId,
        folder: &FolderRow,
    ) -> Result<(), Error> {
        let rules = Rules::load(self, scope).await?;
        let new = Rule {
            conversation,
            folder: folder.id,
        };
        let Some(all) = rules.with(new) else {
            return Ok(());
        };
        let mut tx = self.transaction(scope, By::default());
        tx.require(rules.unchanged());
        tx.require(folder.unchanged(scope));
        tx.write(Write::Put(rules.key, to_value(&all)));
        Box::pin(tx.commit()).await.map(drop)
    }

    /// Moves what there is of a conversation into `to`, in commits of bounded size; returns how many
    /// mails were moved. Cut short it can be asked for again.
    ///
    /// # Errors
    /// [`Error::Conflict`]; the store's.
    pub async fn move_conversation(
        &self,
        scope: Scope,
        by: By,
        conversation: &ConversationId,
        to: &FolderRow,
    ) -> Result<usize, Error> {
        let mut moved = 0;
        let folders = self.folders(scope).await?;
        for folder in folders.iter().filter(|f| gives(f) && f.id != to.id) {
            let mut pages = Pages::of(self, scope, folder.id);
            while let Some(page) = pages.next().await? {
                let mut tx = self.transaction(scope, by);
                for row in page.iter().filter(|row| is_of(row, conversation)) {
                    if tx.is_full() {
                        let full = std::mem::replace(&mut tx, self.transaction(scope, by));
                        Box::pin(full.commit()).await?;
                    }
                    tx.move_to(row, to).await?;
                    moved += 1;
                }
                Box::pin(tx.commit()).await?;
            }
        }
        Ok(moved)
    }
}

fn is_of(row: &ItemRow, conversation: &ConversationId) -> bool {
    matches!(row.record(), Ok(RecordRef::Message(m)) if m.conversation_id == *conversation)
}

/// The items of a folder, a page at a time.
struct Pages<'a> {
    mailbox: &'a Mailbox,
    span: Option<keys::Span>,
}

impl<'a> Pages<'a> {
    fn of(mailbox: &'a Mailbox, scope: Scope, folder: FolderId) -> Self {
        let span = Some(keys::items(scope, folder.0));
        Self { mailbox, span }
    }

    async fn next(&mut self) -> Result<Option<Vec<ItemRow>>, Error> {
        let Some(span) = self.span.take() else {
            return Ok(None);
        };
        let page = self
            .mailbox
            .range(span.read(limits::RANGE_ROWS_MAX))
            .await?;
        let last = page.rows.last().filter(|_| page.more);
        self.span = last.map(|row| span.clone().after(&row.key));
        let rows: Result<_, _> = page.rows.into_iter().map(ItemRow::of).collect();
        rows.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::testing::{account, block_on, mail, mailbox};
    use crate::mailbox::{Delivered, Delivery, FolderKind};
    use crate::pim::Record;

    fn of(conversation: u8, subject: &str) -> crate::pim::Message {
        crate::pim::Message {
            conversation_id: [conversation; 16],
            ..mail(subject, 5)
        }
    }

    async fn deliver(mailbox: &Mailbox, scope: Scope, conversation: u8) -> FolderId {
        let inbox = mailbox.folder(scope, FolderId::INBOX).await.unwrap();
        let raw = mailbox.put_mime(&[conversation]).await.unwrap();
        let delivery = Delivery {
            words: None,
            raw,
            raw_bytes: 1,
            unstored: None,
            message: of(conversation, "new"),
            fingerprint: None,
            meeting: None,
            asker: None,
        };
        match Box::pin(mailbox.deliver(scope, &inbox, delivery)).await {
            Ok(Delivered::Now(id)) => id.folder,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_there_is_moves_and_what_comes_follows() {
        block_on(async {
            let mailbox = mailbox();
            let scope = mailbox.add_account(&account("anna")).await.unwrap();
            let make = mailbox.create_folder(scope, FolderId::ROOT, "Work", FolderKind::UserMail);
            let work = mailbox.folder(scope, make.await.unwrap()).await.unwrap();
            for folder in [FolderId::INBOX, FolderId::SENT] {
                let folder = mailbox.folder(scope, folder).await.unwrap();
                for n in 0..150 {
                    let mut tx = mailbox.transaction(scope, By::default());
                    let message = of(1 + n % 3, "old");
                    tx.add(&folder, &Record::Message(message)).await.unwrap();
                    tx.commit().await.unwrap();
                }
            }
            let one = [1; 16];
            assert!(mailbox.has_conversation(scope, &one).await.unwrap());
            assert!(!mailbox.has_conversation(scope, &[9; 16]).await.unwrap());
            assert_eq!(deliver(&mailbox, scope, 1).await, FolderId::INBOX);
            for expect in [51, 0] {
                mailbox
                    .redirect_conversation(scope, one, &work)
                    .await
                    .unwrap();
                let moved = mailbox.move_conversation(scope, By::default(), &one, &work);
                assert_eq!(moved.await.unwrap(), expect);
            }
            assert_eq!(mailbox.count_items(scope, work.id, 999).await, Ok(51));
            assert_eq!(
                mailbox.count_items(scope, FolderId::INBOX, 999).await,
                Ok(100)
            );
            assert_eq!(
                mailbox.count_items(scope, FolderId::SENT, 999).await,
                Ok(150)
            );
            assert_eq!(deliver(&mailbox, scope, 1).await, work.id);
            assert_eq!(deliver(&mailbox, scope, 2).await, FolderId::INBOX);
            // A folder that went leaves the mail to the Inbox.
            mailbox.delete_folder(scope, work.id).await.unwrap();
            assert_eq!(deliver(&mailbox, scope, 1).await, FolderId::INBOX);
        });
    }

    #[test]
    fn the_oldest_rule_gives_way() {
        let rules = |all: Vec<Rule>| Rules {
            row: None,
            key: Vec::new(),
            all,
        };
        let rule = |n: usize, folder: u32| Rule {
            conversation: [u8::try_from(n).unwrap(); 16],
            folder: FolderId(folder),
        };
        let mut all = Vec::new();
        for n in 0..=limits::CONVERSATIONS_MOVED_MAX {
            all = rules(all).with(rule(n, 40)).unwrap();
        }
        assert_eq!(all.len(), limits::CONVERSATIONS_MOVED_MAX);
        assert_eq!(all.first(), Some(&rule(1, 40)));
        assert_eq!(rules(all.clone()).with(rule(1, 40)), None);
        let changed = rules(all.clone()).with(rule(1, 41)).unwrap();
        assert_eq!(
            (changed.len(), changed.last()),
            (all.len(), Some(&rule(1, 41)))
        );
        assert_eq!(parse(&to_value(&all)).unwrap(), all);
        assert!(parse(&[]).is_err() && parse(&[2]).is_err() && parse(&[1, 0]).is_err());
    }
}
