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
        Ok(RecordRef::Event(e)) => e.event().subject.as_str(),
        Ok(RecordRef::Task(t)) => t.subject.as_str(),
        Ok(RecordRef::Note(n)) => n.subject.as_str(),
        Ok(RecordRef::Contact(c)) => c.fields.first().map_or("", |field| field.1.as_str()),
        Err(_) => "",
    };
    let shown = text.chars().filter(|c| !c.is_control());
    shown.take(SUBJECT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::Order;
    use crate::auth::{Naming, password};
    use crate::clock::Clock;
    use crate::mailbox::{Account, By, Mailbox};
    use crate::pim::{Note, Record};
    use crate::store::Store;
    use crate::work::block_on;

    /// Alice, and a phone of hers that has a stand-in of one of two notes; the note.
    async fn scene() -> (Desk, String) {
        let mailbox = Mailbox::new(Store::memory(), Clock::manual(7_000), true);
        let account = Account {
            login: "alice".into(),
            ..Account::default()
        };
        let scope = mailbox.add_account(&account).await.unwrap();
        let device = mailbox.get_or_add_device(scope, "PHONE", "Phone", "UA/1");
        let device = device.await.unwrap().number;
        let notes = mailbox.folder(scope, FolderId::NOTES).await.unwrap();
        let mut tx = mailbox.transaction(scope, By::default());
        for subject in ["fine", "odd"] {
            let note = Note {
                subject: subject.into(),
                ..Note::default()
            };
            tx.add(&notes, &Record::Note(note)).await.unwrap();
        }
        tx.commit().await.unwrap();
        let first = mailbox.sync(scope, device, notes.id, 0).await.unwrap();
        let key = first.unwrap().finish().await.unwrap().key;
        let round = mailbox.sync(scope, device, notes.id, key).await.unwrap();
        let mut round = round.unwrap();
        let mut odd = None;
        while let Some(change) = round.next().await.unwrap() {
            let row = round.item(change.item).await.unwrap().unwrap();
            if subject(&row) == "odd" {
                round.set_broken(&row, Fault::Refused);
                odd = Some(row.item);
            }
        }
        round.finish().await.unwrap();
        let cost = password::Cost {
            memory_kib: 64,
            passes: 1,
        };
        let item = format!("10:{}", odd.unwrap());
        (Desk::new(mailbox, Naming::default(), cost), item)
    }

    async fn listed(desk: &Desk) -> Vec<BrokenRow> {
        let (user, device) = ("alice".to_owned(), "PHONE".to_owned());
        let show = Order::DeviceShow {
            user,
            device,
            recovery_password: false,
        };
        match desk.carry_out(show, Vec::new()).await {
            Reply::Devices { devices } => devices[0].broken.clone(),
            other => panic!("{other:?}"),
        }
    }

    async fn again(desk: &Desk, item: Option<&str>) -> Reply {
        let order = Order::DeviceDeliverAgain {
            user: "alice".into(),
            device: "PHONE".into(),
            item: item.map(str::to_owned),
        };
        desk.carry_out(order, Vec::new()).await
    }

    #[test]
    fn what_a_device_has_a_note_of_is_shown_and_sent_again() {
        block_on(async {
            let (desk, item) = Box::pin(scene()).await;
            let rows = listed(&desk).await;
            let expect = BrokenRow {
                item: item.clone(),
                folder: "Notes".into(),
                subject: "odd".into(),
                why: "the device asked for it again and again".into(),
                at_ms: 7_000,
                is_retried: false,
            };
            assert_eq!(rows, [expect]);
            for wrong in ["nonsense", "10:999", "2:1"] {
                let reply = again(&desk, Some(wrong)).await;
                let is_wrong = |r: &Reply| matches!(r, Reply::Refused { refusal: Refusal::Wrong(text) } if text.contains(wrong));
                assert!(is_wrong(&reply), "{reply:?}");
            }
            assert!(!listed(&desk).await[0].is_retried);
            assert!(matches!(
                again(&desk, Some(&item)).await,
                Reply::Done { .. }
            ));
            assert!(listed(&desk).await[0].is_retried);
            assert!(matches!(again(&desk, None).await, Reply::Done { .. }));
        });
    }
}
