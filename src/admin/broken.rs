//! Items that a device has stand-ins of: shown with it, and delivered again.

use super::Reply;
use super::desk::Desk;
use super::order::{BrokenRow, Refusal};
use crate::mailbox::{Broken, DeviceNo, Fault, FolderId, ItemRow, ServerId};
use crate::pim::RecordRef;
use crate::store::Scope;
use std::collections::BTreeSet;

/// Characters of a subject that are shown.
const SUBJECT_CHARS_MAX: usize = 60;

impl Desk {
    /// What a device has stand-ins of, the oldest first.
    pub(super) async fn broken(
        &self,
        scope: Scope,
        device: DeviceNo,
    ) -> Result<Vec<BrokenRow>, Refusal> {
        let mut rows = Vec::new();
        for broken in self.mailbox().broken(scope, device).await? {
            let folder = self.mailbox().folder(scope, broken.folder).await?;
            let item = self
                .mailbox()
                .item(scope, broken.folder, broken.item)
                .await?;
            rows.push(row(&broken, folder.folder.name, item.as_ref()));
        }
        Ok(rows)
    }

    /// Delivers an item of a device's list again, or all of them.
    pub(super) async fn deliver_again(
        &self,
        user: &str,
        device: &str,
        item: Option<&str>,
    ) -> Result<Reply, Refusal> {
        let (row, found) = self.device(user, device).await?;
        let wanted = match item {
            None => None,
            Some(text) => Some(ServerId::parse(text).ok_or_else(|| {
                Refusal::Wrong(format!(
                    "{text} is not an item; `roost device show` lists those like 5:17"
                ))
            })?),
        };
        let folders: BTreeSet<FolderId> = match wanted {
            Some(id) => [id.folder].into(),
            None => {
                let all = self.mailbox().broken(row.scope, found.number).await?;
                all.iter().map(|broken| broken.folder).collect()
            }
        };
        let mut any = false;
        for folder in folders {
            let item = wanted.map(|id| id.item);
            any |= self
                .mailbox()
                .deliver_again(row.scope, found.number, folder, item)
                .await?;
        }
        match (any, item) {
            (true, _) => Ok(Reply::Done {
                text: format!("{device} gets it again when it next syncs"),
            }),
            (false, Some(item)) => Err(Refusal::Wrong(format!(
                "{device} has no stand-in of {item}; `roost device show` lists those that it has"
            ))),
            (false, None) => Ok(Reply::Done {
                text: format!("{device} has everything as it is: nothing to deliver again"),
            }),
        }
    }
}

fn row(broken: &Broken, folder: String, item: Option<&ItemRow>) -> BrokenRow {
    let id = ServerId {
        folder: broken.folder,
        item: broken.item,
    };
    let why = match broken.fault {
        Fault::Refused => "the device asked for it again and again",
        Fault::Damaged => "it cannot be read in the store",
        Fault::Unreadable => "its message cannot be taken apart",
    };
    BrokenRow {
        item: id.to_string(),
        folder,
        subject: item.map(subject).unwrap_or_default(),
        why: why.into(),
        at_ms: broken.at_ms,
        is_retried: broken.is_retried,
    }
}

fn subject(row: &ItemRow) -> String {
    let text = match row.record() {
        Ok(RecordRef::Message(m)) => m.subject.as_str(),
        Ok(RecordRef::Event(e)) => e.subject.as_str(),
        Ok(RecordRef::Task(t)) => t.subject.as_str(),
        Ok(RecordRef::Note(n)) => n.subject.as_str(),
        Ok(RecordRef::Contact(c)) => c.fields.first().map_or("", |field| field.1.as_str()),
        Err(_) => "",
    };
    let shown = text.chars().filter(|c| !c.is_control());
    shown.take(SUBJECT_CHARS_MAX).collect()
}
