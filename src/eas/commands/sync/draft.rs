//! Drafts in Sync (16.0+, [MS-ASCMD] 2.2.3.155): stored in Drafts, and sent from there.

use super::apply::{DONE, Desk, MALFORMED};
use crate::eas::classes::Draft;
use crate::eas::drafts::{self, Composed};
use crate::eas::outgoing::{Author, Submission, submit};
use crate::eas::status::{Common, Failure};
use crate::mailbox::{By, FolderKind, ItemRow, Round};
use crate::pim::words::Words;
use crate::pim::{Message, Record};

/// The draft has no recipient, or one that is none.
const INVALID_RECIPIENTS: u8 = 183;

impl Desk<'_> {
    /// The mail of a draft; none outside of Drafts, where a client writes no mail.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn compose(
        &self,
        round: &Round,
        draft: Draft,
        before: Option<Message>,
    ) -> Result<Result<Composed, u8>, Failure> {
        if round.folder().folder.kind != FolderKind::Drafts {
            return Ok(Err(MALFORMED));
        }
        let account = &self.env.account.account;
        let composed = drafts::compose(self.env.eas, account, draft, before);
        Ok(Ok(Box::pin(composed).await?))
    }

    /// Sends a draft; returns the status of its command. `name` is the same when the command is
    /// repeated, and so is the mail then.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn send(&self, composed: &Composed, name: &str) -> Result<u8, Failure> {
        let author = Author {
            account: self.env.account,
            device: self.env.device,
        };
        let submission = Submission {
            mime: &composed.raw,
            client_id: Some(name),
            save: true,
            answers: None,
        };
        match Box::pin(submit(self.env.eas, author, submission)).await {
            Ok(()) | Err(Failure::Common(Common::MessagePreviouslySent)) => Ok(DONE),
            Err(Failure::Common(
                Common::MessageHasNoRecipient | Common::MessageRecipientUnresolved,
            )) => Ok(INVALID_RECIPIENTS),
            Err(Failure::Common(common)) => Ok(u8::try_from(common.number()).unwrap_or(MALFORMED)),
            Err(e) => Err(e),
        }
    }

    /// Takes a draft that is sent out of Drafts. On nobody's behalf, so that this device is told, too.
    ///
    /// # Errors
    /// The store's; [`Failure::Conflict`].
    pub(super) async fn discard(&self, row: &ItemRow) -> Result<(), Failure> {
        let mailbox = self.env.eas.mailbox();
        let mut tx = mailbox.transaction(self.env.scope(), By::default());
        tx.delete(row)?;
        Box::pin(tx.commit()).await?;
        Ok(())
    }
}

/// The record of what was composed, and its words.
pub(super) fn record(composed: Composed) -> (Record, Option<Words>) {
    (Record::Message(composed.message), Some(composed.words))
}
