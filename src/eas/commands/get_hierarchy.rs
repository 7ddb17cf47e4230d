//! GetHierarchy ([MS-ASCMD] 2.2.1.9): the mail folders, without a key, up to 12.1.

use crate::eas::context::{Context, Done, Reply};
use crate::eas::status::Failure;
use crate::mailbox::{FolderId, FolderKind, FolderRow};
use crate::pim::Class;
use crate::wbxml::Writer;
use crate::wbxml::tags::folderhierarchy as tags;
use std::collections::HashSet;

/// Carries out the command.
///
/// # Errors
/// The store's.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let mut folders = ctx.mailbox().folders(ctx.scope()).await?;
    folders.retain(|row| row.class() == Some(Class::Email));
    let ordered = parents_first(&folders);
    let mut w = Writer::new();
    w.open(tags::FOLDERS);
    for (row, parent) in &ordered {
        w.open(tags::FOLDER);
        w.text(tags::DISPLAY_NAME, &row.folder.name);
        w.text(tags::SERVER_ID, &row.id.to_string());
        w.num(tags::TYPE, kind(row.folder.kind));
        w.text(tags::PARENT_ID, &parent.to_string());
        w.close();
    }
    w.close();
    Ok(Reply::document(w, 1).with_changes(ordered.len()).into())
}

/// The types of this command end at 6: what a user made is generic.
fn kind(kind: FolderKind) -> u8 {
    match kind.number() {
        n @ 1..=6 => n,
        _ => 1,
    }
}

/// Each folder with its parent, no child before it. A folder below one that holds no mail, which
/// is not told here, stands at the top.
fn parents_first(folders: &[FolderRow]) -> Vec<(&FolderRow, FolderId)> {
    let all: HashSet<_> = folders.iter().map(|row| row.id).collect();
    let parent = |row: &FolderRow| match row.parent() {
        id if all.contains(&id) => id,
        _ => FolderId::ROOT,
    };
    let mut left: Vec<_> = folders.iter().map(|row| (row, parent(row))).collect();
    let mut told = HashSet::from([FolderId::ROOT]);
    let mut ordered = Vec::with_capacity(left.len());
    loop {
        let before = left.len();
        left.retain(|(row, parent)| {
            let ready = told.contains(parent);
            if ready {
                told.insert(row.id);
                ordered.push((*row, *parent));
            }
            !ready
        });
        if left.len() == before {
            return ordered;
        }
    }
}
