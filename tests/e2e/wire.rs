//! Holds what the server sent against two things that are not ours: the decoder of libwbxml, and,
//! from 12.1 on, Microsoft's schemas of server answers.
//!
//! Both come as packages or files that a developer may not have: without them the check says so
//! and passes, except where `CI` is set, since there they have to be. The schemas are looked for in
//! `ROOST_XSD`, else in `../shared/protocol/xsd` beside the checkout.
//!
//! Not held against the schemas: versions below 12.1, which they do not cover, and pictures.

// The paths are for the tests that share this file.
#[path = "wire/libwbxml.rs"]
mod libwbxml;
#[path = "wire/schema.rs"]
mod schema;
#[path = "wire/xml.rs"]
mod xml;

use roost_load::{Node, Version};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A WBXML document that the server sent.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// What it answered, for the report.
    pub(crate) what: String,
    /// The version it was sent in.
    pub(crate) version: Version,
    /// The document.
    pub(crate) document: Vec<u8>,
}

/// Checks all documents.
///
/// # Panics
/// If one does not decode, decodes differently, or does not validate; in CI also if the tools are
/// missing.
pub(crate) fn check(seen: &[Seen]) {
    let wrong = problems(seen);
    assert!(
        wrong.is_empty(),
        "{} of {} answers:\n{}",
        wrong.len(),
        seen.len(),
        wrong.join("\n")
    );
}

/// Checks documents that are sent as XML: what they answer, and the text.
///
/// # Panics
/// If one does not validate; in CI also if the tools are missing.
pub(crate) fn check_xml(documents: &[(&str, String)]) {
    let Some(schemas) = schemas() else { return };
    let dir = tempfile::tempdir().unwrap();
    let texts: Vec<&str> = documents.iter().map(|(_, text)| text.as_str()).collect();
    let wrong = schema::validate_texts(dir.path(), &schemas, &texts);
    let named = |(i, error): &(usize, String)| {
        let what = documents.get(*i).map_or("", |(what, _)| what);
        format!("{what}: {error}")
    };
    let wrong: Vec<String> = wrong.iter().map(named).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn problems(seen: &[Seen]) -> Vec<String> {
    if !available("wbxml2xml") {
        missing("wbxml2xml (libwbxml2-utils)");
        return Vec::new();
    }
    let dir = tempfile::tempdir().unwrap();
    let decoded = libwbxml::decode(dir.path(), seen);
    let mut wrong = Vec::new();
    let mut valid = Vec::new();
    for (i, (seen, theirs)) in seen.iter().zip(decoded).enumerate() {
        let ours = Node::decode(&seen.document).map_err(|e| format!("does not decode: {e}"));
        let compared = ours.and_then(|ours| {
            let theirs = theirs?;
            libwbxml::compare(&ours, &theirs)?;
            Ok(ours)
        });
        match compared {
            Ok(ours) if seen.version >= Version::V12_1 => valid.push((i, ours)),
            Ok(_) => {}
            Err(error) => wrong.push(format!("{} in {}: {error}", seen.what, seen.version)),
        }
    }
    let Some(schemas) = schemas() else {
        return wrong;
    };
    for (i, error) in schema::validate(dir.path(), &schemas, &valid) {
        let about = seen
            .get(i)
            .map(|s| format!("{} in {}: ", s.what, s.version));
        wrong.push(format!("{}{error}", about.unwrap_or_default()));
    }
    wrong
}

/// The folder of the schemas, if it and the validator are here.
fn schemas() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/protocol/xsd");
    let folder = std::env::var_os("ROOST_XSD").map_or(beside, PathBuf::from);
    if !available("xmllint") {
        missing("xmllint (libxml2-utils)");
        return None;
    }
    if !folder.join("SyncResponse.xsd").is_file() {
        missing("the schemas (ROOST_XSD, ../shared/protocol/xsd)");
        return None;
    }
    Some(folder)
}

fn available(tool: &str) -> bool {
    // Neither tool ends well without arguments; it is enough that it runs.
    Command::new(tool).output().is_ok()
}

fn missing(what: &str) {
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(
        !ci,
        "the wire checks may not be skipped here: {what} is missing"
    );
    println!("wire checks skipped: {what} is missing");
}

#[cfg(test)]
mod tests {
    use super::*;
    use roost::wbxml::tags::{airsync, airsyncbase, calendar, email, email2, gal, ping, search};
    use roost_load::tree::{empty, node, opaque, text};

    fn seen(version: Version, root: &Node) -> Seen {
        Seen {
            what: "sample".to_owned(),
            version,
            document: root.encode(),
        }
    }

    fn sync(properties: Vec<Node>) -> Node {
        let data = node(airsync::APPLICATION_DATA, properties);
        let add = node(airsync::ADD, vec![text(airsync::SERVER_ID, "2:1"), data]);
        let collection = vec![
            text(airsync::SYNC_KEY, "2"),
            text(airsync::COLLECTION_ID, "2"),
            text(airsync::STATUS, "1"),
            node(airsync::COMMANDS, vec![add]),
        ];
        let collection = node(airsync::COLLECTION, collection);
        node(
            airsync::SYNC,
            vec![node(airsync::COLLECTIONS, vec![collection])],
        )
    }

    fn samples() -> Vec<Node> {
        let body = vec![
            text(airsyncbase::TYPE, "4"),
            text(airsyncbase::ESTIMATED_DATA_SIZE, "9"),
            opaque(airsyncbase::DATA, *b"From: \xe9\x01\r\n"),
        ];
        let recurrence = vec![text(calendar::TYPE, "1"), text(calendar::INTERVAL, "1")];
        let properties = vec![text(gal::DISPLAY_NAME, "Al"), empty(gal::FIRST_NAME)];
        let result = node(search::RESULT, vec![node(search::PROPERTIES, properties)]);
        let found = vec![
            text(search::STATUS, "1"),
            result,
            text(search::RANGE, "0-0"),
        ];
        let response = node(search::RESPONSE, vec![node(search::STORE, found)]);
        vec![
            sync(vec![
                text(email::SUBJECT, "<h\u{e9}> & \"so\" "),
                text(email::REPLY_TO, "a@x"),
                empty(email::FLAG),
                node(airsyncbase::BODY, body),
                opaque(email2::CONVERSATION_ID, [0, 0xFF, 1]),
            ]),
            sync(vec![
                text(calendar::TIMEZONE, "AAAA"),
                text(calendar::DT_STAMP, "20260101T000000Z"),
                text(calendar::ORGANIZER_NAME, "A"),
                node(calendar::RECURRENCE, recurrence),
            ]),
            node(search::SEARCH, vec![text(search::STATUS, "1"), response]),
        ]
    }

    #[test]
    fn good_samples_pass() {
        let good: Vec<Seen> = samples().iter().map(|s| seen(Version::V14_1, s)).collect();
        assert_eq!(problems(&good), [""; 0]);
    }

    #[test]
    fn odd_text_is_read_the_same() {
        let long = "long ".repeat(40_000);
        let odd = [
            " leading and trailing ",
            " ",
            "\r\n",
            "\t\n",
            "a\r\nb",
            "]]>",
            "<![CDATA[x]]>",
            "&amp;",
            "\u{1F600}\u{FFFD}\u{85}\u{2028}\u{FEFF}",
            "\u{7F}",
            "AAAA",
            "<?xml version=\"1.0\"?>",
            &long,
        ];
        let seen: Vec<Seen> = odd
            .iter()
            .flat_map(|odd| {
                let body = vec![text(airsyncbase::TYPE, "1"), text(airsyncbase::DATA, *odd)];
                let body = node(airsyncbase::BODY, body);
                let inline = sync(vec![text(email::SUBJECT, *odd), body]);
                let data = opaque(airsyncbase::DATA, odd.as_bytes());
                let body = node(airsyncbase::BODY, vec![text(airsyncbase::TYPE, "4"), data]);
                [inline, sync(vec![body])]
            })
            .map(|root| seen(Version::V14_1, &root))
            .collect();
        assert_eq!(problems(&seen), [""; 0]);
    }

    #[test]
    fn bad_samples_are_found() {
        if !available("wbxml2xml") || schemas().is_none() {
            return;
        }
        let folders = node(ping::FOLDERS, vec![text(ping::FOLDER, "2")]);
        let swapped = node(ping::PING, vec![folders, text(ping::STATUS, "2")]);
        let cut = Seen {
            document: vec![3, 1, 0x6A, 0, 0x45, 0x4E],
            ..seen(Version::V2_5, &swapped)
        };
        let wrong = problems(&[
            seen(Version::V14_1, &samples()[0]),
            seen(Version::V14_1, &swapped),
            seen(Version::V2_5, &swapped),
            cut,
        ]);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].contains("does not decode"), "{wrong:?}");
        assert!(
            wrong[1].starts_with("sample in 14.1") && wrong[1].contains("Folders"),
            "{wrong:?}"
        );
    }
}
