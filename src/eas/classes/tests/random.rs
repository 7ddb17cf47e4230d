//! Properties in any order with any values: an error or a record, never a panic, and the reader
//! stands behind the item.

use super::*;
use crate::wbxml::tags::airsync;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Node {
    Text(Tag, String),
    Bytes(Tag, Vec<u8>),
    Container(Tag, Vec<Self>),
}

/// Tags of the pages that items are made of.
fn any_tag() -> impl Strategy<Value = Tag> {
    let pages = [1, 2, 4, 9, 12, 17, 22, 23];
    let tags: Vec<Tag> = Tag::all().filter(|t| pages.contains(&t.page())).collect();
    proptest::sample::select(tags)
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[0-9]{1,6}",
        "-?[0-9]{1,20}",
        "(0000|1969|2026|9999)(0[1-9]|1[0-2])(0[1-9]|2[0-8])T[01][0-9]0000Z",
        "20[0-9]{2}-0[1-9]-[0-3][0-9]T[0-2][0-9]:00:00.000Z",
        Just(base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            [0xFF; 172]
        )),
        "[ -~ä]{0,30}",
    ]
}

fn any_node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        (any_tag(), any_text()).prop_map(|(t, s)| Node::Text(t, s)),
        (any_tag(), proptest::collection::vec(any::<u8>(), 0..9))
            .prop_map(|(t, b)| Node::Bytes(t, b)),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        (any_tag(), proptest::collection::vec(inner, 0..6)).prop_map(|(t, c)| Node::Container(t, c))
    })
}

fn write(w: &mut Writer, node: &Node) {
    match node {
        Node::Text(t, s) => w.text(*t, s),
        Node::Bytes(t, b) => w.opaque(*t, b),
        Node::Container(t, children) => {
            w.open(*t);
            children.iter().for_each(|c| write(w, c));
            w.close();
        }
    }
}

/// Reads one item between two others; what comes of it can be stored, and sent in every version.
fn survives(nodes: &[Node], class: Class, existing: Option<Record>, version: Version) {
    let mut w = Writer::new();
    w.open(airsync::COMMANDS);
    w.open(airsync::APPLICATION_DATA);
    nodes.iter().for_each(|n| write(&mut w, n));
    w.close();
    w.empty(airsync::MORE_AVAILABLE);
    w.close();
    let document = w.finish();
    let mut r = Reader::new(&document).unwrap();
    r.root().unwrap();
    r.child().unwrap();
    let supported = Supported::default();
    match decode(&mut r, class, existing, &source(version, &supported)) {
        Ok(d) => {
            for (record, v) in d
                .record
                .iter()
                .flat_map(|r| versions(class).map(move |v| (r, v)))
            {
                let sent = encoded(record, &samples::options(v), v, &Fetched::default());
                assert!(tags_of(&sent).iter().all(|t| v.has(*t)));
            }
        }
        Err(e) => assert!(e.costs_one_item(), "{e}"),
    }
    assert_eq!(r.child(), Ok(Some(airsync::MORE_AVAILABLE)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_client_sends(
        nodes in proptest::collection::vec(any_node(), 0..8),
        version in proptest::sample::select(Version::ALL.to_vec()),
    ) {
        for record in samples::all() {
            let class = record.class();
            if versions(class).any(|v| v == version) {
                survives(&nodes, class, None, version);
                survives(&nodes, class, Some(record), version);
            }
        }
    }
}
