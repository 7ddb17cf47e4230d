//! Directories as mail programs leave them, walked and summed up.

use super::*;
use std::fs;
use std::path::Path;

const FROM: &str = "From ann@example.org Sun Nov 22 13:00:00 2026\n";

fn put(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn maildir(root: &Path, name: &str) {
    for sub in ["cur", "new", "tmp"] {
        fs::create_dir_all(root.join(name).join(sub)).unwrap();
    }
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Everything that a walk finds, as `file@offset kind folder`, and what it refuses.
fn walked(root: &Path) -> (Vec<String>, Vec<String>) {
    let mut walk = walk(&[root.to_owned()]);
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    for next in &mut walk {
        match next {
            Ok(f) => {
                let folder = match &f.folder {
                    Folder::Named(levels) => levels.join("/"),
                    role => format!("{role:?}"),
                };
                found.push(format!(
                    "{}@{} {:?} {folder}",
                    name_of(&f.path),
                    f.offset,
                    f.kind
                ));
            }
            Err(r) => refused.push(format!("{}: {}", name_of(&r.path), r.why)),
        }
    }
    assert_eq!(walk.bytes_done(), walk.bytes_total());
    (found, refused)
}

#[test]
fn a_directory_of_everything() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    put(root, "a.eml", "Subject: a\n\nx");
    put(root, "b.ics", "BEGIN:VCALENDAR\nEND:VCALENDAR\n");
    put(root, "c.vcf", "BEGIN:VCARD\nEND:VCARD\n");
    put(
        root,
        "d.mbox",
        &format!("{FROM}Subject: 1\n\nx\n\n{FROM}Subject: 2\n\nx\n"),
    );
    put(root, "e.txt", "Dear diary");
    put(root, "f.eml", "");
    put(root, "g.msf", "index");
    put(root, "Sent/h.eml", "Subject: h\n\nx");
    put(root, "Clubs.sbd/Chess", &format!("{FROM}Subject: 3\n\nx\n"));
    let (found, refused) = walked(root);
    let expect = [
        "Chess@0 Mail Clubs/Chess",
        "h.eml@0 Mail Sent",
        "a.eml@0 Mail Inbox",
        "b.ics@0 Calendar Inbox",
        "c.vcf@0 Cards Inbox",
        "d.mbox@0 Mail d",
        "d.mbox@61 Mail d",
    ];
    let mut sorted = found.clone();
    sorted.sort();
    let mut expect: Vec<_> = expect.iter().map(|e| (*e).to_owned()).collect();
    expect.sort();
    assert_eq!(sorted, expect);
    assert_eq!(
        refused,
        [
            "e.txt: neither mail, calendar nor cards",
            "f.eml: an empty file"
        ]
    );
}

#[test]
fn a_maildir_with_subfolders() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    maildir(root, "");
    maildir(root, ".Sent");
    maildir(root, ".Clubs.Chess");
    put(root, "cur/1795348800.M1.host:2,FS", "Subject: a\n\nx");
    put(root, "new/1795348801.M2.host", "Subject: b\n\nx");
    put(root, "tmp/1795348802.M3.host", "half of a mail");
    put(root, ".Sent/cur/1795348803.M4.host:2,S", "Subject: c\n\nx");
    put(
        root,
        ".Clubs.Chess/cur/1795348804.M5.host:2,",
        "no header, but a mail by its place",
    );
    put(root, "dovecot.index.log", "x");
    let mut all: Vec<Found> = walk(&[root.to_owned()]).map(Result::unwrap).collect();
    all.sort_by_key(|f| f.received_ms);
    let folders: Vec<_> = all.iter().map(|f| f.folder.clone()).collect();
    let chess = Folder::Named(vec!["Clubs".to_owned(), "Chess".to_owned()]);
    assert_eq!(folders, [Folder::Inbox, Folder::Inbox, Folder::Sent, chess]);
    assert_eq!(all[0].received_ms, Some(1_795_348_800_000));
    assert!(all[0].marks.read && all[0].marks.flagged);
    assert!(!all[1].marks.read && !all[3].marks.read);
    let (_, refused) = walked(root);
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn single_files_and_missing_ones() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    put(
        root,
        "Sent.mbox",
        &format!("{FROM}Subject: 1\nStatus: O\n\nx\n"),
    );
    put(root, "old.mbox", &format!("{FROM}Subject: 2\n\nx\n"));
    put(root, "m.emlx", "15\nSubject: 3\n\nxy\n<plist/>");
    let paths = ["Sent.mbox", "old.mbox", "m.emlx", "gone.eml"].map(|n| root.join(n));
    let all: Vec<_> = walk(&paths).collect();
    let folder = |i: usize| all[i].as_ref().unwrap().folder.clone();
    assert_eq!((folder(0), folder(1)), (Folder::Sent, Folder::Inbox));
    assert!(!all[0].as_ref().unwrap().marks.read && all[1].as_ref().unwrap().marks.read);
    assert_eq!(all[2].as_ref().unwrap().bytes, b"Subject: 3\n\nxy\n");
    assert_eq!(
        all[3].as_ref().unwrap_err().why,
        "no such file or directory"
    );
}

#[test]
fn a_summary_names_what_was_not_taken() {
    let refused = |path: &str, offset, why: &str| Refused {
        path: path.into(),
        offset,
        why: why.into(),
    };
    let mut summary = Summary {
        items: 1,
        ..Summary::default()
    };
    assert_eq!(summary.to_string(), "1 item imported");
    summary.known = 2;
    summary.refused = vec![
        refused("b.ics", 0, "no events in it"),
        refused("old.mbox", 77, "cut off"),
    ];
    assert_eq!(
        summary.to_string(),
        "1 item imported, 2 there already, 2 not taken:\n  b.ics: no events in it\n  old.mbox \
         (at byte 77): cut off"
    );
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_in_circles() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "a/b.eml", "Subject: a\n\nx");
    std::os::unix::fs::symlink(root.path(), root.path().join("a/loop")).unwrap();
    let (found, refused) = walked(root.path());
    assert_eq!((found.len(), refused.len()), (1, 0));
}
