//! Writes answers into the files of dialogues. They are to be read then, every one of them, with
//! the specification beside: a file that holds an error is worse than none.

use crate::pattern::{Names, fill};
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
    ("Certificate", ""),
];
/// What is not determined, or too long to be of use.
const ANYTHING: &[&str] = &["MS-ASProtocolCommands:", "ConversationIndex", "MessageId"];

/// Puts names where ids are; new ones get a new name. Keys of a device other than the phone have
/// its name in front.
pub(crate) fn name(
    lines: &[String],
    names: &mut Names,
    device: &str,
    sent: &[String],
) -> Vec<String> {
    // What the request said comes back as it stands there.
    let said: Vec<(&str, String, &str)> = sent
        .iter()
        .filter_map(|line| {
            let (element, value) = line.trim_start().split_once(' ')?;
            let local = element.rsplit_once(':').map_or(element, |(_, l)| l);
            Some((local, fill(value, names).ok()?, value))
        })
        .filter(|(local, ..)| *local != "SyncKey")
        .collect();
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
        let mut all = said.iter();
        if let Some((.., text)) = all.find(|(l, filled, _)| *l == local && filled == value) {
            named.push(line.replace(value, text));
            continue;
        }
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
    let is_own = |name: &str| name.starts_with("key") || name.ends_with("-key");
    let is_folders = |name: &str| name.starts_with("folders") || name.contains("-folders");
    let fits = |name: &str| match kind {
        "key" if prefix.is_empty() => is_own(name),
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
        let mut merged = Vec::new();
        let mut among = Versions::NONE;
        for (version, run) in runs {
            let Some((_, heard, fits)) = run.heard.iter().find(|(n, ..)| *n == i) else {
                continue;
            };
            all_fit &= fits;
            among = among.with(*version);
            merged = merge(&merged, &nodes(heard, *version));
        }
        if !all_fit {
            let mut text = Vec::new();
            blocks(&merged, among, among, &mut text);
            lines.splice(step.place.clone(), text);
        }
    }
    fs::write(&dialogue.path, lines.join("\n") + "\n").unwrap();
}

/// A line with those below it, and the versions that have it.
#[derive(Clone, Debug)]
struct Node {
    line: String,
    versions: Versions,
    below: Vec<Self>,
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn nodes(lines: &[String], version: Version) -> Vec<Node> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += 1;
        let deeper = lines[at..].iter().take_while(|l| indent(l) > indent(line));
        let count = deeper.count();
        out.push(Node {
            line: line.clone(),
            versions: Versions::NONE.with(version),
            below: nodes(&lines[at..at + count], version),
        });
        at += count;
    }
    out
}

/// How many lines two lists have in common, from each pair of places on.
fn common(a: &[Node], b: &[Node]) -> Vec<Vec<usize>> {
    let mut common = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            let skipped = common[i + 1][j].max(common[i][j + 1]);
            let same = if a[i].line == b[j].line {
                1 + common[i + 1][j + 1] + self::common(&a[i].below, &b[j].below)[0][0]
            } else {
                0
            };
            common[i][j] = skipped.max(same);
        }
    }
    common
}

fn merge(a: &[Node], b: &[Node]) -> Vec<Node> {
    let common = common(a, b);
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    while i < a.len() || j < b.len() {
        if j == b.len() || i < a.len() && common[i + 1][j] == common[i][j] {
            out.push(a[i].clone());
            i += 1;
        } else if i == a.len() || common[i][j + 1] == common[i][j] {
            out.push(b[j].clone());
            j += 1;
        } else {
            out.push(Node {
                line: a[i].line.clone(),
                versions: a[i].versions.or(b[j].versions),
                below: merge(&a[i].below, &b[j].below),
            });
            (i, j) = (i + 1, j + 1);
        }
    }
    out
}

/// Lines with `when` where they do not hold at all versions of what they stand below.
fn blocks(nodes: &[Node], above: Versions, among: Versions, out: &mut Vec<String>) {
    let mut at = 0;
    while let Some(node) = nodes.get(at) {
        let versions = node.versions;
        let run = nodes[at..].iter().take_while(|n| n.versions == versions);
        let run: Vec<&Node> = run.collect();
        at += run.len();
        let from = out.len();
        for node in run {
            out.push(node.line.clone());
            blocks(&node.below, versions, among, out);
        }
        if versions != above {
            out[from..].iter_mut().for_each(|l| l.insert_str(0, "  "));
            let blanks = " ".repeat(indent(&node.line));
            out.insert(from, format!("{blanks}when {}:", versions.among(among)));
        }
    }
}

#[test]
fn what_differs_stands_in_blocks() {
    let of = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let mut merged = Vec::new();
    let mut among = Versions::NONE;
    for (version, text) in [
        (Version::V12_0, "< 200\nSync\n  Class Email\n  Status 1"),
        (Version::V12_1, "< 200\nSync\n  Status 1"),
        (
            Version::V14_0,
            "< 200\nSync\n  Status 1\n  More\n    Class Email\n    Yes",
        ),
        (Version::V14_1, "< 200\nSync\n  Status 1\n  More\n    Yes"),
    ] {
        among = among.with(version);
        merged = merge(&merged, &nodes(&of(text), version));
    }
    let text = "< 200\nSync\n  when 12.0:\n    Class Email\n  Status 1\n  when 14.0..:\n    More\n      when 14.0:\n        Class Email\n      Yes";
    let mut lines = Vec::new();
    blocks(&merged, among, among, &mut lines);
    assert_eq!(lines.join("\n"), text);
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
    let named = name(&lines.map(str::to_owned), &mut names, "phone", &[]);
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
