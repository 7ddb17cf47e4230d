//! The door for LMTP: who is known here, and mail into their Inboxes.

use super::fingerprint;
use super::intake::{self, Seen};
use crate::auth::{self, Naming};
use crate::limits::CONFLICT_RETRIES_MAX;
use crate::mailbox::{AccountRow, AccountStatus, Delivery, Error, FolderId, Mailbox};
use crate::pim::{self, mail::Asker};
use crate::queue;
use crate::smtp::{Envelope, Verdict};
use crate::store::BlobId;
use crate::work::{Pool, join_all};
use std::sync::Arc;

/// Takes mail for the accounts of the appliance. A cheap clone.
#[derive(Clone, Debug)]
pub struct Door {
    mailbox: Mailbox,
    naming: Naming,
    workers: Pool,
}

/// A mail on its way to its recipients.
struct Mail {
    seen: Seen,
    raw: Arc<[u8]>,
    blob: BlobId,
    fingerprint: [u8; 32],
    is_stored: bool,
    /// Who is told where a recipient is absent.
    asker: Option<Arc<Asker>>,
}

impl Door {
    /// A door to `mailbox`; `naming` reads recipients without an address.
    #[must_use]
    pub fn new(mailbox: Mailbox, naming: Naming, workers: Pool) -> Self {
        Self {
            mailbox,
            naming,
            workers,
        }
    }

    /// Whether mail for this address is taken.
    pub async fn recipient(&self, address: &str) -> Verdict {
        match self.find(address).await {
            Ok(Some(row)) if row.account.status == AccountStatus::Active => Verdict::Accepted,
            Ok(Some(_)) => Verdict::Disabled,
            Ok(None) => Verdict::UnknownMailbox,
            Err(e) => verdict(&e),
        }
    }

    /// Delivers to every recipient of the envelope; one verdict each, in their order.
    /// [`Verdict::Accepted`] is durable.
    pub async fn deliver(&self, envelope: &Envelope, message: Vec<u8>) -> Vec<Verdict> {
        let raw: Arc<[u8]> = message.into();
        let count = envelope.recipients.len();
        let now_ms = self.mailbox.clock().now_ms();
        let seen = match intake::look_from_core(&self.workers, &raw, now_ms).await {
            Ok(seen) => seen,
            Err(e) => {
                tracing::warn!(error = %e, "mail refused for the time being");
                return vec![Verdict::SystemFull; count];
            }
        };
        let blob = BlobId::of(&raw);
        let asker = pim::mail::asker(&raw, &envelope.sender).map(Arc::new);
        let mail = Mail {
            fingerprint: fingerprint::of(&raw, blob, seen.has_message_id()),
            seen,
            blob,
            raw,
            // The MIME of a mail to one is stored with its item, that of a mail to many before.
            is_stored: count > 1,
            asker,
        };
        if mail.is_stored
            && let Err(e) = self.mailbox.put_mime(&mail.raw).await
        {
            return vec![verdict(&e); count];
        }
        let each = envelope.recipients.iter();
        join_all(each.map(|to| self.deliver_to(to, &mail))).await
    }

    async fn deliver_to(&self, to: &str, mail: &Mail) -> Verdict {
        let row = match self.find(to).await {
            Ok(Some(row)) => row,
            Ok(None) => return Verdict::UnknownMailbox,
            Err(e) => return verdict(&e),
        };
        let mut outcome = Err(Error::Conflict);
        for _ in 0..CONFLICT_RETRIES_MAX {
            outcome = Box::pin(self.put(&row, mail)).await;
            if outcome != Err(Error::Conflict) {
                break;
            }
        }
        if outcome.is_ok() && mail.asker.is_some() {
            queue::answer(&self.mailbox, row.scope).await;
        }
        outcome.map_or_else(|e| verdict(&e), |()| Verdict::Accepted)
    }

    async fn put(&self, row: &AccountRow, mail: &Mail) -> Result<(), Error> {
        let inbox = self.mailbox.folder(row.scope, FolderId::INBOX).await?;
        let (message, meeting) = mail.seen.arriving_for(&row.account);
        let delivery = Delivery {
            raw: mail.blob,
            raw_bytes: mail.raw.len() as u64,
            unstored: (!mail.is_stored).then(|| Arc::clone(&mail.raw)),
            message,
            words: Some(mail.seen.words().clone()),
            fingerprint: Some(mail.fingerprint),
            meeting,
            asker: mail.asker.clone(),
        };
        Box::pin(self.mailbox.deliver(row.scope, &inbox, delivery))
            .await
            .map(drop)
    }

    /// By address; an address with a tag (`mike+lists@ox.io`) means the one without; else by
    /// log-in name.
    async fn find(&self, address: &str) -> Result<Option<AccountRow>, Error> {
        if let Some(row) = self.mailbox.find_address(address).await? {
            return Ok(Some(row));
        }
        if let Some((local, domain)) = address.rsplit_once('@')
            && let Some((bare, _)) = local.split_once('+')
            && let Some(row) = self
                .mailbox
                .find_address(&format!("{bare}@{domain}"))
                .await?
        {
            return Ok(Some(row));
        }
        match self.naming.parse(address) {
            Some(name) => auth::find(&self.mailbox, &name).await,
            None => Ok(None),
        }
    }
}

fn verdict(e: &Error) -> Verdict {
    match e {
        Error::Busy | Error::Conflict => Verdict::SystemFull,
        Error::TooLarge => Verdict::BadMessage,
        Error::Limit => Verdict::MailboxFull,
        other => {
            tracing::error!(error = %other, "delivery failed");
            Verdict::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::mailbox::Account;
    use crate::store::{Fault, FaultPlan, Options, Scope, Store};
    use crate::work::block_on;

    const MAIL: &[u8] = b"From: a@b.example\r\nSubject: hello\r\n\r\nbody\r\n";

    fn door() -> (Door, Store, Scope) {
        door_to(Store::memory())
    }

    fn door_to(store: Store) -> (Door, Store, Scope) {
        let mailbox = Mailbox::new(store.clone(), Clock::manual(1_000), true);
        let mike = Account {
            login: "mike".into(),
            addresses: vec!["mike@ox.io".into()],
            ..Account::default()
        };
        let scope = block_on(mailbox.add_account(&mike)).unwrap();
        (
            Door::new(mailbox, Naming::default(), Pool::start(1).unwrap()),
            store,
            scope,
        )
    }

    fn to(recipients: &[&str]) -> Envelope {
        let recipients = recipients.iter().map(ToString::to_string).collect();
        Envelope {
            recipients,
            ..Envelope::default()
        }
    }

    fn count(door: &Door, scope: Scope) -> usize {
        block_on(door.mailbox.count_items(scope, FolderId::INBOX, 100)).unwrap()
    }

    #[test]
    fn recipients_are_known_by_address_tag_and_name() {
        let (door, ..) = door();
        for known in [
            "mike@ox.io",
            "MIKE@OX.IO",
            "mike+news@ox.io",
            "mike",
            "mike@defaultcontext",
        ] {
            assert_eq!(
                block_on(door.recipient(known)),
                Verdict::Accepted,
                "{known}"
            );
        }
        for unknown in ["", "anna@ox.io", "mike@other.example", "@ox.io", "+x@ox.io"] {
            assert_eq!(
                block_on(door.recipient(unknown)),
                Verdict::UnknownMailbox,
                "{unknown}"
            );
        }
    }

    #[test]
    fn a_repeated_delivery_is_accepted_and_stored_once() {
        let (door, _, scope) = door();
        let envelope = to(&["mike@ox.io", "nobody@ox.io", "mike"]);
        let expect = [
            Verdict::Accepted,
            Verdict::UnknownMailbox,
            Verdict::Accepted,
        ];
        for _ in 0..3 {
            assert_eq!(block_on(door.deliver(&envelope, MAIL.to_vec())), expect);
        }
        assert_eq!(count(&door, scope), 1);
        assert_eq!(
            block_on(door.deliver(&envelope, b"Subject: other\r\n\r\n".to_vec())),
            expect
        );
        assert_eq!(count(&door, scope), 2);
    }

    #[test]
    fn a_mail_that_the_servers_before_us_have_doubled_is_stored_once() {
        let (door, _, scope) = door();
        let envelope = to(&["mike@ox.io"]);
        for (queue_id, expect) in [("A1", 1), ("B2", 1)] {
            let mail = format!(
                "Received: from roost by mx (Postfix) id {queue_id}\r\nMessage-ID: <1@b.example>\r\n\r\nhi\r\n"
            );
            let verdicts = block_on(door.deliver(&envelope, mail.into_bytes()));
            assert_eq!(verdicts, [Verdict::Accepted]);
            assert_eq!(count(&door, scope), expect, "{queue_id}");
        }
    }

    #[test]
    fn mail_to_one_takes_one_sync() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            reserve_bytes: 0,
            ..Options::default()
        };
        let (door, store, scope) = door_to(Store::open(folder.path(), &options).unwrap());
        let Store::Fjall(engine) = &store else {
            panic!("another engine")
        };
        let before = engine.syncs();
        let envelope = to(&["mike@ox.io"]);
        let delivered = block_on(door.deliver(&envelope, MAIL.to_vec()));
        assert_eq!(delivered, [Verdict::Accepted]);
        assert_eq!(engine.syncs(), before + 1);
        assert_eq!(count(&door, scope), 1);
        let raw = block_on(store.get_blob(BlobId::of(MAIL), 0..1_000));
        assert_eq!(&raw.unwrap()[..], MAIL);
    }

    #[test]
    fn a_full_store_is_a_refusal_for_the_time_being() {
        let (door, store, scope) = door();
        let Store::Memory(memory) = &store else {
            panic!("another engine")
        };
        // Two commits made the account.
        memory.inject(FaultPlan::none().commit(3, Fault::Full));
        let envelope = to(&["mike@ox.io"]);
        assert_eq!(
            block_on(door.deliver(&envelope, MAIL.to_vec())),
            [Verdict::SystemFull]
        );
        assert_eq!(count(&door, scope), 0);
        assert_eq!(
            block_on(door.deliver(&envelope, MAIL.to_vec())),
            [Verdict::Accepted]
        );
        assert_eq!(count(&door, scope), 1);
    }
}
