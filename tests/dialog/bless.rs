//! Writes answers into the files of dialogues. They are to be read then, every one of them, with
//! the specification beside: a file that holds an error is worse than none.

use crate::pattern::Names;
use crate::run::Run;
use crate::text::{Dialogue, Versions};
use roost::eas::version::Version;
use std::fs;

/// What is an id, and how one of its kind is called that has no name yet; "": not at all, since the
/// client has named it.
const IDS: &[(&str, &str)] = &[
    ("PolicyKey", "policy"),
    ("ServerId", "item"),
    ("CollectionId", ""),
    ("ParentId", ""),
    ("FolderId", ""),
    ("Folder", ""),
    ("SrcMsgId", ""),
    ("DstMsgId", "item"),
    ("ItemId", ""),
    ("LongId", "long"),
    ("RequestId", ""),
    ("CalendarId", "item"),
    ("FileReference", "file"),
    ("AttName", "file"),
    ("ConversationId", "conversation"),
];
/// What is not determined, or too long to be of use.
const ANYTHING: &[&str] = &["MS-ASProtocolCommands:", "ConversationIndex", "MessageId"];

/// Puts names where ids are; new ones get a new name. Keys of a device other than the phone have
/// its name in front.
pub(crate) fn name(lines: &[String], names: &mut Names, device: &str) -> Vec<String> {
    let root = lines
        .iter()
        .find(|l| !l.starts_with('<') && !l.contains(": "));
    let of_folders = root.is_some_and(|l| l.starts_with("Folder"));
    let mut named = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let (element, value) = trimmed.split_once(' ').unwrap_or((trimmed, ""));
        let local = element.rsplit_once(':').map_or(element, |(_, l)| l);
        if !value.is_empty() && (ANYTHING.contains(&element) || ANYTHING.contains(&local)) {
            named.push(line.replace(value, "{*}"));
            continue;
        }
        let kind = match local {
            "SyncKey" if of_folders => Some("folders"),
            "SyncKey" => Some("key"),
            "ServerId" if of_folders => Some("folder"),
            _ => IDS.iter().find(|(n, _)| *n == local).map(|(_, k)| *k),
        };
        let Some(kind) = kind.filter(|_| !value.is_empty() && value != "0") else {
            named.push(line.clone());
            continue;
        };
        let of_device = ["key", "folders", "policy"].contains(&kind) && device != "phone";
        let prefix = if of_device {
            format!("{device}-")
        } else {
            String::new()
        };
        // A key of a collection has the name of none other.
        let collection = lines
            .get(i + 1)
            .and_then(|l| l.trim().strip_prefix("CollectionId "));
        let same = |name: &str| match (kind, name.strip_suffix("-key"), collection) {
            ("key", Some(folder), Some(id)) => {
                let folder = folder.rsplit_once('-').map_or(folder, |(_, f)| f);
                names.get(folder).is_some_and(|v| v == id)
            }
            _ => true,
        };
        let found = known(kind, &prefix, value, names, &same);
        if kind.is_empty() && found.is_none() {
            named.push(line.clone());
            continue;
        }
        let name = found.unwrap_or_else(|| {
            let mut all = (1..).map(|n| match n {
                1 => format!("{prefix}{kind}"),
                n => format!("{prefix}{kind}{n}"),
            });
            let name = all.find(|n| !names.contains_key(n)).unwrap();
            names.insert(name.clone(), value.to_owned());
            name
        });
        named.push(line.replace(value, &format!("{{{name}}}")));
    }
    named
}

fn known(
    kind: &str,
    prefix: &str,
    value: &str,
    names: &Names,
    fits_too: &dyn Fn(&str) -> bool,
) -> Option<String> {
    let is_key = |name: &str| name.starts_with("key") || name.contains("-key");
    let is_folders = |name: &str| name.starts_with("folders") || name.contains("-folders");
    let fits = |name: &str| match kind {
        "key" => is_key(name),
        "folders" => is_folders(name),
        "policy" => name.contains("policy"),
        _ => !is_key(name) && !is_folders(name) && !name.contains("policy"),
    };
    let mut all = names.iter();
    all.find(|(name, v)| *v == value && fits(name) && name.starts_with(prefix) && fits_too(name))
        .map(|(name, _)| name.clone())
}

/// Rewrites the answers of a file that differ.
pub(crate) fn rewrite(dialogue: &Dialogue, runs: &[(Version, Run)]) {
    let mut lines = dialogue.lines.clone();
    for (i, step) in dialogue.steps.iter().enumerate().rev() {
        let mut all_fit = true;
        let mut merged: Vec<(String, Versions)> = Vec::new();
        let mut among = Versions::NONE;
        for (version, run) in runs {
            let Some((_, heard, fits)) = run.heard.iter().find(|(n, ..)| *n == i) else {
                continue;
            };
            all_fit &= fits;
            among = among.with(*version);
            merged = merge(merged, heard, *version);
        }
        if !all_fit {
            lines.splice(step.place.clone(), blocks(&merged, among));
        }
    }
    fs::write(&dialogue.path, lines.join("\n") + "\n").unwrap();
}

/// Adds the lines of one more version.
fn merge(
    all: Vec<(String, Versions)>,
    lines: &[String],
    version: Version,
) -> Vec<(String, Versions)> {
    let (n, m) = (all.len(), lines.len());
    let mut common = vec![vec![0_usize; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            common[i][j] = if all[i].0 == lines[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    while i < n || j < m {
        if i < n && j < m && all[i].0 == lines[j] {
            out.push((all[i].0.clone(), all[i].1.with(version)));
            (i, j) = (i + 1, j + 1);
        } else if j == m || i < n && common[i + 1][j] >= common[i][j + 1] {
            out.push(all[i].clone());
            i += 1;
        } else {
            out.push((lines[j].clone(), Versions::NONE.with(version)));
            j += 1;
        }
    }
    out
}

/// Lines with `when` where they do not hold at all versions.
fn blocks(merged: &[(String, Versions)], among: Versions) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut out = Vec::new();
    let mut current: Option<(Versions, usize)> = None;
    for (line, versions) in merged {
        if *versions == among {
            current = None;
            out.push(line.clone());
            continue;
        }
        let fits = |(v, i): (Versions, usize)| v == *versions && i <= indent(line);
        if !current.is_some_and(fits) {
            let at = indent(line);
            current = Some((*versions, at));
            let blanks = " ".repeat(at);
            out.push(format!("{blanks}when {}:", versions.among(among)));
        }
        out.push(format!("  {line}"));
    }
    out
}

#[test]
fn what_differs_stands_in_blocks() {
    let of = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let mut merged = Vec::new();
    let mut among = Versions::NONE;
    for (version, text) in [
        (Version::V12_0, "< 200\nSync\n  Class Email\n  Status 1"),
        (Version::V12_1, "< 200\nSync\n  Status 1"),
        (Version::V14_0, "< 200\nSync\n  Status 1\n    More"),
    ] {
        among = among.with(version);
        merged = merge(merged, &of(text), version);
    }
    let text = "< 200\nSync\n  when 12.0:\n    Class Email\n  Status 1\n    when 14.0:\n      More";
    assert_eq!(blocks(&merged, among).join("\n"), text);
}

#[test]
fn ids_get_names() {
    let mut names = Names::from([("inbox".to_owned(), "1".to_owned())]);
    names.insert("inbox-key".into(), "1".into());
    let lines = [
        "< 200",
        "Sync",
        "  SyncKey 2",
        "  CollectionId 1",
        "  ServerId 1:3",
    ];
    let named = name(&lines.map(str::to_owned), &mut names, "phone");
    assert_eq!(
        named,
        [
            "< 200",
            "Sync",
            "  SyncKey {key}",
            "  CollectionId {inbox}",
            "  ServerId {item}"
        ]
    );
    assert_eq!(names["item"], "1:3");
}
