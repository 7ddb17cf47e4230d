//! Files of appointments (16.0+, [MS-ASAIRS] 2.2.2.8): written as a list, changed by `Add` and `Delete`.

use crate::eas::classes::email::draft::{ATTACHMENTS_MAX, added, deleted};
use crate::eas::classes::{Error, FileReference, Slot, Source, body, check_version};
use crate::pim::EventFile;
use crate::pim::event::ArchivedEventFile;
use crate::wbxml::tags::airsyncbase;
use crate::wbxml::{Reader, Writer};

/// Writes `Attachments`, if there are any.
pub(super) fn write(w: &mut Writer, files: &[ArchivedEventFile], (folder, item): (u32, u32)) {
    if files.is_empty() {
        return;
    }
    w.open(airsyncbase::ATTACHMENTS);
    for file in files {
        let part = file.index.to_native();
        let reference = FileReference { folder, item, part };
        w.open(airsyncbase::ATTACHMENT);
        w.text(airsyncbase::DISPLAY_NAME, &file.name);
        w.text(airsyncbase::FILE_REFERENCE, &reference.to_string());
        w.num(airsyncbase::METHOD, if file.embedded { 5 } else { 1 });
        let bytes = body::clamped(file.blob.bytes.to_native());
        w.num(airsyncbase::ESTIMATED_DATA_SIZE, bytes);
        w.text_if(airsyncbase::CONTENT_ID, &file.content_id);
        w.text_if(airsyncbase::CONTENT_LOCATION, &file.content_location);
        if file.inline {
            w.flag(airsyncbase::IS_INLINE, true);
        }
        w.close();
    }
    w.close();
}

/// Reads `Attachments`, just named: what is added and what goes, everything else stays. True if
/// something is added. The source's UID is fresh, and with it the names of new files: what a client still knows
/// of one that is gone must not lead to another.
pub(super) fn read(
    r: &mut Reader<'_>,
    files: &mut Vec<EventFile>,
    source: &Source<'_>,
    uploads: &mut Vec<(Slot, Vec<u8>)>,
) -> Result<bool, Error> {
    let mut next = source.uid.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let mut adds = false;
    while let Some(tag) = r.child()? {
        check_version(tag, source.version)?;
        match tag {
            airsyncbase::ADD => {
                if files.len() >= ATTACHMENTS_MAX {
                    return Err(Error::Many(airsyncbase::ATTACHMENTS));
                }
                next = next.wrapping_add(1);
                adds = true;
                let new = added(r)?;
                uploads.push((Slot::File(next), new.content));
                files.push(EventFile {
                    index: next,
                    name: new.name,
                    content_type: new.content_type,
                    content_id: new.content_id,
                    content_location: new.content_location,
                    inline: new.inline,
                    embedded: new.method == 5,
                    ..EventFile::default()
                });
            }
            airsyncbase::DELETE => {
                let gone = deleted(r)?;
                files.retain(|f| f.index != gone.part);
            }
            _ => r.skip()?,
        }
    }
    Ok(adds)
}
