//! Maildir: one file per mail in `cur` and `new`, state in the file's name, subfolders behind a dot.

use super::folder::{Folder, decode_utf7};
use super::marks::Marks;
use std::path::Path;

/// Whether the directory is a Maildir.
pub(super) fn is_maildir(directory: &Path) -> bool {
    directory.join("cur").is_dir() && directory.join("new").is_dir()
}

/// The state that a file name in `cur` carries; one in `new` was not seen yet.
pub(super) fn marks(path: &Path) -> Marks {
    if parent_name(path) == "new" {
        return Marks::default();
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Some file systems take no colon.
    let letters = [":2,", ";2,", "!2,", "_2,"]
        .iter()
        .find_map(|mark| name.rsplit_once(mark).map(|(_, letters)| letters));
    letters.map_or_else(Marks::default, Marks::of_letters)
}

/// When the mail was delivered, Unix milliseconds: the file name begins with it in seconds.
pub(super) fn delivered_ms(path: &Path) -> Option<i64> {
    let name = path.file_name()?.to_str()?;
    let seconds: i64 = name.split('.').next()?.parse().ok()?;
    (100_000_000..10_000_000_000)
        .contains(&seconds)
        .then_some(seconds * 1_000)
}

/// The folder that a Maildir stands for, by its name: `.Clubs.Chess` is Chess below Clubs.
/// `above` are the levels of the Maildir that it stands in.
pub(super) fn levels(directory: &Path, above: &[String]) -> Vec<String> {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    let own = match name.strip_prefix('.') {
        Some(dotted) => dotted.split('.').map(decode_utf7).collect(),
        None => vec![decode_utf7(&name)],
    };
    above.iter().cloned().chain(own).collect()
}

/// The folder of these levels.
pub(super) fn folder(levels: &[String]) -> Folder {
    Folder::of_levels(levels.iter().map(String::as_str))
}

fn parent_name(path: &Path) -> String {
    let parent = path.parent().and_then(Path::file_name);
    parent.unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_state_and_time() {
        let path = Path::new("m/cur/1795348800.M1P2.host:2,FRS");
        let marks_of = marks(path);
        assert!(marks_of.read && marks_of.flagged && marks_of.replied && !marks_of.draft);
        assert_eq!(delivered_ms(path), Some(1_795_348_800_000));
        let fresh = Path::new("m/new/1795348800.M1P2.host");
        assert_eq!(marks(fresh), Marks::default());
        assert_eq!(delivered_ms(Path::new("m/cur/mail-1")), None);
    }

    #[test]
    fn subfolders_are_levels() {
        let check = |name: &str, expect: &[&str]| {
            assert_eq!(levels(Path::new(name), &[]), expect, "{name}");
        };
        check("Maildir/.Sent", &["Sent"]);
        check("Maildir/.Clubs.Chess", &["Clubs", "Chess"]);
        check("Maildir/.Entw&APw-rfe", &["Entwürfe"]);
        check("Maildir/Archive", &["Archive"]);
        assert_eq!(levels(Path::new("a/b"), &["a".to_owned()]), ["a", "b"]);
    }
}
