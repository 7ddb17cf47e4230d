//! No request whatever brings the house down.

use crate::eas::testing::{House, Phone};
use crate::eas::version::Version;
use crate::wbxml::{Tag, Writer};
use proptest::prelude::*;

const COMMANDS: [&str; 25] = [
    "Sync",
    "SendMail",
    "SmartForward",
    "SmartReply",
    "GetAttachment",
    "GetHierarchy",
    "CreateCollection",
    "DeleteCollection",
    "MoveCollection",
    "FolderSync",
    "FolderCreate",
    "FolderDelete",
    "FolderUpdate",
    "MoveItems",
    "GetItemEstimate",
    "MeetingResponse",
    "Search",
    "Settings",
    "Ping",
    "ItemOperations",
    "Provision",
    "ResolveRecipients",
    "ValidateCert",
    "Find",
    "Notify",
];

/// What a random document is made of: depth changes, tags by their place in the table, values.
#[derive(Clone, Debug)]
enum Step {
    Open(usize),
    Close,
    Text(usize, String),
    Opaque(usize, Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![
        Just("0".to_owned()),
        Just("1".to_owned()),
        Just("2".to_owned()),
        Just("2:1".to_owned()),
        Just(String::new()),
        "\\PC{0,20}",
    ];
    prop_oneof![
        any::<usize>().prop_map(Step::Open),
        Just(Step::Close),
        (any::<usize>(), value).prop_map(|(t, v)| Step::Text(t, v)),
        (any::<usize>(), prop::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(t, v)| Step::Opaque(t, v)),
    ]
}

/// A document whose root and most tags belong to the command.
fn document(command: &str, steps: &[Step]) -> Vec<u8> {
    let all: Vec<Tag> = Tag::all().collect();
    let root = all
        .iter()
        .find(|t| t.name() == command)
        .copied()
        .unwrap_or(all[0]);
    let own: Vec<Tag> = all
        .iter()
        .copied()
        .filter(|t| t.page() == root.page() || t.page() == 0)
        .collect();
    let pick = |n: usize| {
        let from = if n.is_multiple_of(8) { &all } else { &own };
        from[n / 8 % from.len()]
    };
    let mut w = Writer::new();
    let mut depth = 1;
    w.open(root);
    for step in steps {
        match step {
            Step::Open(n) if depth < 30 => {
                w.open(pick(*n));
                depth += 1;
            }
            Step::Close if depth > 1 => {
                w.close();
                depth -= 1;
            }
            Step::Text(n, text) => w.text(pick(*n), &text.replace('\0', "")),
            Step::Opaque(n, bytes) => w.opaque(pick(*n), bytes),
            Step::Open(_) | Step::Close => {}
        }
    }
    (0..depth).for_each(|_| w.close());
    w.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_command_takes_everything(
        steps in prop::collection::vec(step(), 0..40),
        bytes in prop::collection::vec(any::<u8>(), 0..60),
        version in prop::sample::select(Version::ALL.to_vec()),
    ) {
        thread_local!(static HOUSE: House = House::new());
        HOUSE.with(|house| {
            let phone: Phone<'_> = house.phone(version);
            for command in COMMANDS {
                let _ = phone.ask(command, &document(command, &steps));
                let _ = phone.ask(command, &bytes);
            }
        });
    }
}
