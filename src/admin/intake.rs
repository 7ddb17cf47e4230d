//! Imported mails and files into an account: each item once, however often it is imported.

use super::Refusal;
use crate::delivery::intake as mail_intake;
use crate::import::{Folder, Kind, Marks, Taken};
use crate::limits::{BODY_INLINE_BYTES_MAX, CONFLICT_RETRIES_MAX, FOLDERS_MAX};
use crate::mailbox::{
    AccountRow, Delivered, Entry, Error, FolderId, FolderKind, FolderRow, Mailbox,
};
use crate::pim::body::BlobRef;
use crate::pim::{Body, Class, Record, ical, mail, vcard};
use aws_lc_rs::digest;

/// One mail, or one file.
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) folder: Folder,
    pub(super) marks: Marks,
    pub(super) received_ms: Option<i64>,
    pub(super) bytes: Vec<u8>,
}

/// Takes it in. Durable when it returns; what is in it and cannot be taken is named in the outcome.
pub(super) async fn take(
    mailbox: &Mailbox,
    row: &AccountRow,
    item: Item,
) -> Result<Taken, Refusal> {
    let mut taken = Taken::default();
    match item.kind {
        Kind::Mail => Box::pin(take_mail(mailbox, row, item, &mut taken)).await?,
        Kind::Calendar => Box::pin(take_calendar(mailbox, row, &item.bytes, &mut taken)).await?,
        Kind::Cards => Box::pin(take_cards(mailbox, row, &item.bytes, &mut taken)).await?,
    }
    taken.skipped = counted(taken.skipped);
    Ok(taken)
}

/// Each reason once, with how often it came up.
fn counted(reasons: Vec<String>) -> Vec<String> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for reason in reasons {
        match counts.iter_mut().find(|(r, _)| *r == reason) {
            Some((_, n)) => *n += 1,
            None => counts.push((reason, 1)),
        }
    }
    let said = |(reason, n)| match n {
        1 => reason,
        n => format!("{reason} ({n} times)"),
    };
    counts.into_iter().map(said).collect()
}

async fn take_mail(
    mailbox: &Mailbox,
    row: &AccountRow,
    item: Item,
    taken: &mut Taken,
) -> Result<(), Refusal> {
    let now_ms = mailbox.clock().now_ms();
    let received_ms = item
        .received_ms
        .or_else(|| mail::dates(&item.bytes).received_ms);
    let received_ms = received_ms.unwrap_or(now_ms).min(now_ms);
    let seen = mail_intake::look(&item.bytes, received_ms);
    let mut message = seen.record_for(&row.account);
    message.read = item.marks.read;
    message.draft = item.marks.draft;
    if item.marks.flagged {
        message.flag = Some(mail_intake::follow_up());
    }
    if item.marks.replied || item.marks.forwarded {
        message.last_verb = if item.marks.replied { 1 } else { 3 };
        message.last_verb_ms = received_ms;
    }
    let blob = mailbox.put_mime(&item.bytes).await?;
    message.mime = BlobRef {
        hash: blob.0,
        bytes: item.bytes.len() as u64,
    };
    let folder = folder_for(mailbox, row, &item.folder).await?;
    let record = Record::Message(message);
    put(
        mailbox,
        row,
        &folder,
        (&record, Some(seen.words())),
        fingerprint(&folder, &item.bytes),
        taken,
    )
    .await
}

async fn take_calendar(
    mailbox: &Mailbox,
    row: &AccountRow,
    bytes: &[u8],
    taken: &mut Taken,
) -> Result<(), Refusal> {
    let addresses: Vec<_> = row.account.addresses.iter().map(String::as_str).collect();
    let now_ms = mailbox.clock().now_ms();
    let defaults = ical::Defaults {
        zone: "",
        now_ms,
        addresses: &addresses,
    };
    let calendar = match ical::parse(bytes, &defaults) {
        Ok(calendar) => calendar,
        Err(e) => return skip(taken, e.to_string()),
    };
    if calendar.found.is_empty() && calendar.skipped.is_empty() {
        return skip(taken, "no appointment, task or note in it".to_owned());
    }
    for skipped in calendar.skipped {
        taken
            .skipped
            .push(format!("{}: {}", skipped.what, skipped.why));
    }
    for found in calendar.found {
        let record = match found {
            ical::Found::Event(event) => Record::Event(event),
            ical::Found::Task(task) => Record::Task(task),
            ical::Found::Note(note) => Record::Note(note),
        };
        Box::pin(take_record(mailbox, row, record, None, taken)).await?;
    }
    Ok(())
}

async fn take_cards(
    mailbox: &Mailbox,
    row: &AccountRow,
    bytes: &[u8],
    taken: &mut Taken,
) -> Result<(), Refusal> {
    let cards = match vcard::parse(bytes, mailbox.clock().now_ms()) {
        Ok(cards) => cards,
        Err(e) => return skip(taken, e.to_string()),
    };
    for card in cards {
        let record = Record::Contact(card.contact);
        Box::pin(take_record(
            mailbox,
            row,
            record,
            card.photo.as_deref(),
            taken,
        ))
        .await?;
    }
    Ok(())
}

/// Takes a record into the default folder of its class, a contact with its photo.
pub(super) async fn take_record(
    mailbox: &Mailbox,
    row: &AccountRow,
    mut record: Record,
    photo: Option<&[u8]>,
    taken: &mut Taken,
) -> Result<(), Refusal> {
    if let (Record::Contact(contact), Some(photo)) = (&mut record, photo) {
        let blob = mailbox.put_mime(photo).await?;
        contact.picture = Some(BlobRef {
            hash: blob.0,
            bytes: photo.len() as u64,
        });
    }
    // The moment of the import is no part of what is imported.
    let print = match record.without_created().to_stored(0) {
        Ok(stored) => stored,
        Err(e) => return skip(taken, e.to_string()),
    };
    for body in record.bodies_mut() {
        move_out(mailbox, body).await?;
    }
    let folder = match record.class() {
        Class::Email => FolderId::INBOX,
        Class::Contacts => FolderId::CONTACTS,
        Class::Calendar => FolderId::CALENDAR,
        Class::Tasks => FolderId::TASKS,
        Class::Notes => FolderId::NOTES,
    };
    let folder = mailbox.folder(row.scope, folder).await?;
    let print = fingerprint(&folder, &print);
    put(mailbox, row, &folder, &record, print, taken).await
}

fn skip(taken: &mut Taken, why: String) -> Result<(), Refusal> {
    taken.skipped.push(why);
    Ok(())
}

/// A body that is too long for its record becomes a blob; its beginning stays.
async fn move_out(mailbox: &Mailbox, body: &mut Body) -> Result<(), Refusal> {
    if body.text.len() > BODY_INLINE_BYTES_MAX && body.blob.is_none() {
        let blob = mailbox.put_mime(body.text.as_bytes()).await?;
        body.blob = Some(BlobRef {
            hash: blob.0,
            bytes: body.text.len() as u64,
        });
        body.text = mail::cut(&body.text, BODY_INLINE_BYTES_MAX).to_owned();
    }
    Ok(())
}

async fn put(
    mailbox: &Mailbox,
    row: &AccountRow,
    folder: &FolderRow,
    entry: impl Into<Entry<'_>>,
    print: [u8; 32],
    taken: &mut Taken,
) -> Result<(), Refusal> {
    let entry = entry.into();
    let mut outcome = Err(Error::Conflict);
    for _ in 0..CONFLICT_RETRIES_MAX {
        outcome = Box::pin(mailbox.put_once(row.scope, folder, entry, Some(print))).await;
        if outcome != Err(Error::Conflict) {
            break;
        }
    }
    match outcome {
        Ok(Delivered::Now(_)) => taken.items += 1,
        Ok(Delivered::Before(_)) => taken.known += 1,
        Err(Error::TooLarge) => taken.skipped.push("too large to be stored".to_owned()),
        Err(e) => return Err(e.into()),
    }
    Ok(())
}

/// The same bytes in another folder are another item.
fn fingerprint(folder: &FolderRow, bytes: &[u8]) -> [u8; 32] {
    let mut sha = digest::Context::new(&digest::SHA256);
    sha.update(&folder.id.0.to_be_bytes());
    sha.update(bytes);
    let mut print = [0; 32];
    print
        .iter_mut()
        .zip(sha.finish().as_ref())
        .for_each(|(to, from)| *to = *from);
    print
}

/// The folder where a mail belongs; the folders of a path are made where they are missing.
async fn folder_for(
    mailbox: &Mailbox,
    row: &AccountRow,
    folder: &Folder,
) -> Result<FolderRow, Refusal> {
    let id = match folder {
        Folder::Inbox => FolderId::INBOX,
        Folder::Sent => FolderId::SENT,
        Folder::Drafts => FolderId::DRAFTS,
        Folder::Trash => FolderId::DELETED,
        Folder::Named(levels) => {
            let mut parent = FolderId::ROOT;
            for level in levels {
                parent = level_below(mailbox, row, parent, level).await?;
            }
            parent
        }
    };
    Ok(mailbox.folder(row.scope, id).await?)
}

async fn level_below(
    mailbox: &Mailbox,
    row: &AccountRow,
    parent: FolderId,
    name: &str,
) -> Result<FolderId, Refusal> {
    for _ in 0..CONFLICT_RETRIES_MAX {
        let folders = mailbox.folders(row.scope).await?;
        let same = |f: &&FolderRow| {
            f.parent() == parent && f.folder.name.to_lowercase() == name.to_lowercase()
        };
        if let Some(found) = folders.iter().find(same) {
            return Ok(found.id);
        }
        if folders.len() >= FOLDERS_MAX {
            return Err(Refusal::Wrong("the account has too many folders".into()));
        }
        match mailbox
            .create_folder(row.scope, parent, name, FolderKind::UserMail)
            .await
        {
            Ok(id) => return Ok(id),
            // Another part of the same import was first.
            Err(Error::Conflict | Error::Taken) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Err(Refusal::Busy)
}
