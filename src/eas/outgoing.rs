//! Mail that goes out from an account: to those who live here at once, to others by way of a queue,
//! and a copy into Sent Items.
//!
//! Sending happens once, whatever becomes of the answer: all that is derived from a mail hangs on
//! its ClientId and the time of the first attempt, so that a second attempt finds what the first one
//! did. Without a ClientId (up to 12.1) the content itself takes its place.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::eas::Eas;
use crate::eas::status::{Common, Failure, retrying};
use crate::limits::MESSAGE_BYTES_MAX;
use crate::mailbox::{AccountRow, Arriving, By, Delivery, DeviceNo, FolderId, ItemId, Sent};
use crate::pim::body::BlobRef;
use crate::pim::mail::Asker;
use crate::pim::mail::answer::{self, Answer};
use crate::pim::mail::compose::{self, ComposeError, Outgoing};
use crate::pim::words::{self, Words};
use crate::pim::{Message, Record, mail};
use crate::queue;
use crate::store::{BlobId, Scope};

/// Takes mail for other hosts.
pub trait Outbound: Send + Sync {
    /// Takes a mail, durably. A mail of an id that was taken before is not sent again.
    fn take<'a>(
        &'a self,
        mail: &'a Remote,
    ) -> Pin<Box<dyn Future<Output = Result<(), NotTaken>> + 'a>>;
}

/// A mail for other hosts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remote {
    /// Names it for ever.
    pub id: [u8; 32],
    /// The account that sends it.
    pub account: Scope,
    /// Envelope sender.
    pub from: String,
    /// Envelope recipients, none of whom lives here.
    pub recipients: Vec<String>,
    /// The MIME, stored already.
    pub raw: BlobId,
    /// Its length in bytes.
    pub raw_bytes: u64,
}

/// Why a mail was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotTaken {
    /// Later, perhaps.
    #[error("the queue takes nothing at the moment")]
    Busy,
    /// Never.
    #[error("no mail leaves this appliance")]
    Refused,
}

/// Who sends.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// The account.
    pub account: &'a AccountRow,
    /// The device.
    pub device: DeviceNo,
}

/// The mail that another one answers.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Its folder.
    pub folder: FolderId,
    /// The item.
    pub item: ItemId,
    /// How it is answered.
    pub how: Answer,
    /// Its MIME, to be put below what the client wrote; its beginning, where the client has done that.
    pub original: Arc<Vec<u8>>,
    /// The client has put it into its mail itself.
    pub is_replaced: bool,
}

/// A mail as a client hands it over.
#[derive(Clone, Debug)]
pub struct Submission<'a> {
    /// The MIME.
    pub mime: &'a [u8],
    /// The client's name for it; none: the content is the name.
    pub client_id: Option<&'a str>,
    /// Keep a copy in Sent Items.
    pub save: bool,
    /// What it answers; that is marked so together with the end of sending.
    pub answers: Option<Answered>,
}

/// Sixteen random bytes as hex: a UID, or the left part of a Message-ID.
#[must_use]
pub fn fresh_id() -> String {
    let mut bytes = [0_u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Without random bytes TLS does not work either; an id that is empty is replaced later.
        return String::new();
    }
    hex(&bytes)
}

/// Names a mail of the appliance's own by what it is about: a ClientId of 40 characters at most, and
/// none that a client would choose.
#[must_use]
pub fn own_client_id(about: &[&[u8]]) -> String {
    let print = digest(about);
    format!("own {}", hex(print.get(..16).unwrap_or_default()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Sends a mail, once.
///
/// # Errors
/// 118 for one that was sent before under its ClientId; 107, 116, 119, 120, 122; the store's.
pub async fn submit(
    eas: &Eas,
    author: Author<'_>,
    submission: Submission<'_>,
) -> Result<(), Failure> {
    let scope = author.account.scope;
    let print = match &submission.answers {
        Some(a) => digest(&[
            submission.mime,
            &a.folder.0.to_be_bytes(),
            &a.item.0.to_be_bytes(),
        ]),
        None => digest(&[submission.mime]),
    };
    let client_id = match submission.client_id {
        Some(id) => id.to_owned(),
        // Half of the digest: a ClientId has at most 40 characters.
        None => format!("mime {}", hex(print.get(..16).unwrap_or_default())),
    };
    let mailbox = eas.mailbox();
    let device = author.device;
    let begin = || async { Ok(mailbox.begin_send(scope, device, &client_id).await?) };
    let begun_ms = match retrying(begin).await? {
        Sent::Begun(begun) => begun.at_ms,
        // Up to 12.1 there is no way to say so, and the client wants to hear of success.
        Sent::Done(_) if submission.client_id.is_none() => return Ok(()),
        Sent::Done(_) => return Err(Common::MessagePreviouslySent.into()),
    };
    let seed = digest(&[
        &scope.0.to_be_bytes(),
        &device.0.to_be_bytes(),
        client_id.as_bytes(),
        &begun_ms.to_be_bytes(),
    ]);
    let prepared = prepare(eas, author, &submission, begun_ms, &seed).await?;
    let outgoing = prepared.outgoing;
    let raw = mailbox.store().put_blob(&outgoing.raw).await?;
    let post = Post {
        eas,
        sender: author.account.scope,
        outgoing: &outgoing,
        record: &prepared.record,
        words: &prepared.words,
        calendar: prepared.calendar.as_ref(),
        asker: prepared.asker.as_ref(),
        raw,
        seed,
    };
    post.distribute().await?;
    let own = match &prepared.kept {
        Some(kept) => {
            let raw = mailbox.store().put_blob(&kept.raw).await?;
            (raw, &kept.record, &kept.words)
        }
        None => (raw, post.record, post.words),
    };
    let save = submission.save.then_some(own);
    let answered = submission.answers.as_ref().map(|a| Mark {
        folder: a.folder,
        item: a.item,
        verb: verb(a.how, outgoing.recipients.len()),
        at_ms: begun_ms,
    });
    retrying(|| finish(eas, author, &client_id, save, answered)).await
}

/// What becomes of the mail that was answered.
#[derive(Clone, Copy)]
struct Mark {
    folder: FolderId,
    item: ItemId,
    verb: u8,
    at_ms: i64,
}

/// `LastVerbExecuted` ([MS-ASEMAIL] 2.2.2.44). Whoever writes to several has answered all.
fn verb(how: Answer, recipients: usize) -> u8 {
    match how {
        Answer::Reply if recipients > 1 => 2,
        Answer::Reply => 1,
        Answer::Forward => 3,
    }
}

/// A message that is fit for sending.
struct Prepared {
    outgoing: Outgoing,
    record: Message,
    words: Words,
    kept: Option<Kept>,
    /// The calendar in it.
    calendar: Option<mail::Calendar>,
    /// Who is told where a recipient is absent.
    asker: Option<Arc<Asker>>,
}

/// Makes the client's message fit for sending, and its record.
async fn prepare(
    eas: &Eas,
    author: Author<'_>,
    submission: &Submission<'_>,
    begun_ms: i64,
    seed: &[u8; 32],
) -> Result<Prepared, Failure> {
    let account = author.account.account.clone();
    let host = &eas.settings().host;
    let message_id = format!("{}@{host}", hex(seed.get(..16).unwrap_or_default()));
    let mut mime = submission.mime.to_vec();
    let answers = submission.answers.as_ref();
    let original = answers.map(|a| (a.how, Arc::clone(&a.original), a.is_replaced));
    let foreign = eas.settings().foreign_from;
    let save = submission.save;
    let work = move || {
        if let Some((how, original, is_replaced)) = original {
            mime = match is_replaced {
                true => answer::threaded(&mime, &original),
                false => answer::complete(&mime, &original, how),
            };
        }
        let sender = compose::Sender {
            primary: account.address(),
            addresses: &account.addresses,
            name: &account.display_name,
            foreign,
        };
        let outgoing = compose::submit(&mime, sender, begun_ms, &message_id)?;
        drop(mime);
        if outgoing.raw.len() > MESSAGE_BYTES_MAX {
            return Ok(None);
        }
        let kept = (save && !outgoing.bcc.is_empty()).then(|| Kept::of(&outgoing, begun_ms));
        let (record, seen) = mail::inspect(&outgoing.raw, begun_ms);
        let words = words::of_mail(&record, Some(&seen.text));
        let asker = mail::asker(&outgoing.raw, &outgoing.from);
        Ok::<_, ComposeError>(Some(Prepared {
            kept,
            asker: asker.map(Arc::new),
            outgoing,
            record,
            words,
            calendar: seen.calendar,
        }))
    };
    let done = eas.workers().run(work).await?;
    let done = done.map_err(|e| {
        Failure::Common(match e {
            ComposeError::NotMime | ComposeError::HeaderTooLong(_) => Common::InvalidMime,
            ComposeError::NoRecipient => Common::MessageHasNoRecipient,
            ComposeError::TooManyRecipients(_) | ComposeError::ForeignSender(_) => {
                Common::MailSubmissionFailed
            }
            ComposeError::BadRecipient(_) => Common::MessageRecipientUnresolved,
        })
    })?;
    done.ok_or_else(|| Common::AttachmentIsTooLarge.into())
}

/// The sender's own copy where it differs from what goes out: it names those of `Bcc`.
struct Kept {
    raw: Vec<u8>,
    record: Message,
    words: Words,
}

impl Kept {
    fn of(outgoing: &Outgoing, begun_ms: i64) -> Self {
        let raw = [&outgoing.bcc[..], &outgoing.raw].concat();
        let (record, seen) = mail::inspect(&raw, begun_ms);
        Self {
            words: words::of_mail(&record, Some(&seen.text)),
            raw,
            record,
        }
    }
}

struct Post<'a> {
    eas: &'a Eas,
    sender: Scope,
    outgoing: &'a Outgoing,
    record: &'a Message,
    words: &'a Words,
    calendar: Option<&'a mail::Calendar>,
    asker: Option<&'a Arc<Asker>>,
    raw: BlobId,
    seed: [u8; 32],
}

impl Post<'_> {
    /// To everyone: those who live here at once, the others by way of the queue.
    async fn distribute(&self) -> Result<(), Failure> {
        let mut remote = Vec::new();
        let mut local: Vec<AccountRow> = Vec::new();
        for recipient in &self.outgoing.recipients {
            match self.resident(recipient).await? {
                Some(account) if local.iter().any(|a| a.scope == account.scope) => {}
                Some(account) => local.push(account),
                None if recipient.contains('@') => remote.push(recipient.clone()),
                None => return Err(Common::MessageRecipientUnresolved.into()),
            }
        }
        // The others first: if the queue does not take it, nobody gets it.
        if !remote.is_empty() {
            self.queue(remote).await?;
        }
        for account in &local {
            retrying(|| self.deliver(account)).await?;
            if self.asker.is_some() {
                queue::answer(self.eas.mailbox(), account.scope).await;
            }
        }
        Ok(())
    }

    async fn resident(&self, recipient: &str) -> Result<Option<AccountRow>, Failure> {
        let mailbox = self.eas.mailbox();
        let found = mailbox.find_address(recipient).await?;
        if found.is_some() || recipient.contains('@') {
            return Ok(found);
        }
        Ok(mailbox.find_login(recipient, "").await?)
    }

    async fn queue(&self, recipients: Vec<String>) -> Result<(), Failure> {
        let outbound = self.eas.outbound().ok_or(Common::MailSubmissionFailed)?;
        let mail = Remote {
            id: self.seed,
            account: self.sender,
            from: self.outgoing.from.clone(),
            recipients,
            raw: self.raw,
            raw_bytes: self.outgoing.raw.len() as u64,
        };
        outbound.take(&mail).await.map_err(|e| match e {
            NotTaken::Busy => Failure::Busy,
            NotTaken::Refused => Common::MailSubmissionFailed.into(),
        })
    }

    async fn deliver(&self, account: &AccountRow) -> Result<(), Failure> {
        let mailbox = self.eas.mailbox();
        let inbox = mailbox.folder(account.scope, FolderId::INBOX).await?;
        let mut message = self.record.clone();
        let meeting = self.calendar.and_then(|calendar| {
            // An invitation says what it means for this person.
            let own = &account.account.addresses;
            Arriving::note(&mut message, &calendar.text, &calendar.method, own)
        });
        let delivery = Delivery {
            raw: self.raw,
            raw_bytes: self.outgoing.raw.len() as u64,
            unstored: None,
            words: Some(self.words.clone()),
            message,
            fingerprint: Some(self.seed),
            meeting,
            asker: self.asker.cloned(),
        };
        Box::pin(mailbox.deliver(account.scope, &inbox, delivery)).await?;
        Ok(())
    }
}

/// Says that it is sent, together with the copy in Sent Items and the mark on what it answers; unless a repetition that came at the
/// same time has done so.
async fn finish(
    eas: &Eas,
    author: Author<'_>,
    client_id: &str,
    save: Option<(BlobId, &Message, &Words)>,
    answered: Option<Mark>,
) -> Result<(), Failure> {
    let (mailbox, scope) = (eas.mailbox(), author.account.scope);
    let Sent::Begun(begun) = mailbox.begin_send(scope, author.device, client_id).await? else {
        return Ok(());
    };
    let by = By {
        // The copy is news to the device that sent it, too.
        device: DeviceNo::NONE,
        via_sync: false,
    };
    let mut tx = mailbox.transaction(scope, by);
    if let Some((raw, message, words)) = save {
        let folder = mailbox.folder(scope, FolderId::SENT).await?;
        let mut copy = message.clone();
        copy.read = true;
        copy.mime = BlobRef {
            hash: raw.0,
            bytes: message.mime.bytes,
        };
        let copy = Record::Message(copy);
        tx.add(&folder, (&copy, Some(words))).await?;
    }
    if let Some(mark) = answered
        && let Some(row) = mailbox.item(scope, mark.folder, mark.item).await?
        && let Ok(Record::Message(mut mail)) = row.to_record()
    {
        (mail.last_verb, mail.last_verb_ms) = (mark.verb, mark.at_ms);
        tx.update(&row, &Record::Message(mail))?;
    }
    tx.finish_send(author.device, client_id, begun, Vec::new())?;
    Box::pin(tx.commit()).await?;
    Ok(())
}

/// SHA-256 over the parts, each with its length in front.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}
