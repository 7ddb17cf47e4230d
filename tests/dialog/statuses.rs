//! Every status of `statuses.txt` is reached by a dialogue, or `absent.txt` says why it is not.

use crate::run::Exchange;
use roost::eas::dispatch::Command;
use std::collections::{BTreeMap, BTreeSet};

/// Lines `Sync 3: why` or `Provision 1 Policy: why`.
fn listed(text: &str) -> BTreeMap<String, String> {
    let lines = text
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty());
    let pair = |line: &str| {
        let (status, why) = line.split_once(": ").unwrap_or((line, ""));
        (status.to_owned(), why.to_owned())
    };
    lines.map(pair).collect()
}

/// What an answer reaches: with the element that the status stands in, and without.
fn reached(e: &Exchange) -> Vec<String> {
    let mut all = Vec::new();
    let mut reach = |status: &str, parent: &str| {
        all.push(format!("{} {status}", e.command));
        all.push(format!("{} {status} {parent}", e.command));
        all.push(format!("any {status}"));
    };
    if let Some(root) = &e.root {
        root.walk(&mut |parent, element| {
            // The Status of a flag is none.
            if element.tag.name() == "Status" && parent.tag.name() != "Flag" {
                reach(element.text(), parent.tag.name());
            }
        });
    } else if e.answer.status != 200 {
        // Up to 12.1 the HTTP code stands for it; its text has the number: `103 (InvalidXml)`.
        let text = String::from_utf8_lossy(&e.answer.body);
        if let Some((status, _)) = text.split_once(" (") {
            reach(status, "");
        }
    }
    all
}

/// Whether the command of a status is carried out.
fn counts(status: &str) -> bool {
    let command = status.split(' ').next().unwrap_or_default();
    command == "any" || Command::by_name(command).is_some_and(|c| c.row().run.is_some())
}

#[test]
fn every_status_is_reached_or_its_absence_has_a_reason() {
    if std::env::var_os("ROOST_DIALOG").is_some() {
        return;
    }
    let reached: BTreeSet<String> = crate::all().0.iter().flat_map(reached).collect();
    let absent = listed(include_str!("absent.txt"));
    let all = listed(include_str!("statuses.txt"));
    let mut wrong = Vec::new();
    for (status, what) in all.iter().filter(|(status, _)| counts(status)) {
        match (reached.contains(status), absent.get(status)) {
            (false, None) => wrong.push(format!("no dialogue reaches {status} ({what})")),
            (true, Some(_)) => wrong.push(format!("{status} is no longer absent")),
            (false, Some(why)) if why.is_empty() => wrong.push(format!("{status}: why?")),
            _ => {}
        }
    }
    for status in absent.keys().filter(|status| !all.contains_key(*status)) {
        wrong.push(format!("{status} is absent, but not in the list"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
