//! Runs `wbxml2xml` and compares what it read with what our own decoder read.
//!
//! libwbxml 0.11.8 knows the tags of all versions but for code page 25 and three tags of 16.1,
//! which it shows as `unknown`; it spells some names its own way, and shows some bytes as base64.

use super::Seen;
use super::xml::{self, Element};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roost_load::Node;
use roost_load::tree::Content;
use std::fs;
use std::path::Path;
use std::process::Command;

/// One shell for all documents: a process each, but started by something small.
const SCRIPT: &str = r#"for f in *.wbxml; do
    wbxml2xml -k -m 0 -l ACTIVESYNC -o "${f%.wbxml}.decoded" "$f" >"${f%.wbxml}.said" 2>&1 || rm -f "${f%.wbxml}.decoded"
done"#;

/// Our name and theirs, where neither case, a prefix nor an underscore explains the difference.
const ALIASES: [(&str, &str); 7] = [
    ("AssistantPhoneNumber", "AssistantTelephoneNumber"),
    ("RequireStorageCardEncryption", "DeviceEncryptionEnabled"),
    ("RightsManagementInformation", "ihsManagementInformation"),
    (
        "RemoveRightsManagementProtection",
        "RemoveRightsManagementDistribution",
    ),
    ("Owner", "RMOwner"),
    ("Status", "FlagStatus"),
    ("Name", "ForwardeeName"),
];

/// Each document as libwbxml reads it, or what it said against it.
pub(super) fn decode(dir: &Path, seen: &[Seen]) -> Vec<Result<Element, String>> {
    for (i, seen) in seen.iter().enumerate() {
        fs::write(dir.join(format!("{i}.wbxml")), &seen.document).unwrap();
    }
    let ran = Command::new("sh")
        .args(["-c", SCRIPT])
        .current_dir(dir)
        .status()
        .unwrap();
    assert!(ran.success());
    (0..seen.len())
        .map(|i| match fs::read(dir.join(format!("{i}.decoded"))) {
            Ok(text) => xml::parse(&String::from_utf8_lossy(&text)),
            Err(_) => {
                let said = fs::read_to_string(dir.join(format!("{i}.said"))).unwrap_or_default();
                Err(format!("wbxml2xml: {}", said.trim()))
            }
        })
        .collect()
}

/// Whether both read the same.
pub(super) fn compare(ours: &Node, theirs: &Element) -> Result<(), String> {
    compare_in(ours, theirs, true)
}

/// `has_page`: the element around it is known to libwbxml, which loses its way within one that is not,
/// and then shows no namespace, or that of a page before.
fn compare_in(ours: &Node, theirs: &Element, has_page: bool) -> Result<(), String> {
    let differs = |what: &str| Err(format!("{} read as <{}>: {what}", ours.tag, theirs.name));
    if !same_name(ours, theirs, has_page) {
        return differs("another element");
    }
    let (mine, other) = (ours.children(), &theirs.children);
    if mine.len() != other.len() {
        return differs(&format!("{} children and {}", mine.len(), other.len()));
    }
    mine.iter()
        .zip(other)
        .try_for_each(|(mine, other)| compare_in(mine, other, theirs.name != "unknown"))?;
    let same = match &ours.content {
        Content::Nodes(_) => true,
        Content::Empty => theirs.text.is_empty(),
        Content::Text(text) => same_text(text.as_bytes(), &theirs.text),
        Content::Opaque(bytes) => same_text(bytes, &theirs.text),
    };
    if same {
        Ok(())
    } else {
        differs(&format!("{:?} and {:?}", ours.content, theirs.text))
    }
}

fn same_text(ours: &[u8], theirs: &str) -> bool {
    String::from_utf8_lossy(ours) == theirs || STANDARD.encode(ours) == theirs
}

fn same_name(ours: &Node, theirs: &Element, has_page: bool) -> bool {
    if theirs.name == "unknown" {
        let recent = (ours.tag.namespace(), ours.tag.name());
        return matches!(
            recent,
            ("Find", _)
                | ("Provision", "AccountOnlyRemoteWipe")
                | ("MeetingResponse", "ProposedStartTime" | "ProposedEndTime")
        );
    }
    let namespace = theirs.namespace.trim_end_matches(':');
    if has_page && !namespace.eq_ignore_ascii_case(ours.tag.namespace()) {
        return false;
    }
    let name = ours.tag.name();
    let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    let bare = theirs
        .name
        .split_once('_')
        .map_or(theirs.name.as_str(), |(_, bare)| bare);
    plain(name) == plain(&theirs.name)
        || name == bare
        || name.replace("Address", "") == theirs.name
        || ALIASES.contains(&(name, theirs.name.as_str()))
}
