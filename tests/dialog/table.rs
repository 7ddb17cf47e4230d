//! The table of commands and versions (`table.txt`): for each cell `yes`, which a dialogue with a
//! success at that version shows, or the refusal that a request of that version is answered with:
//! an HTTP code or a status. What OPTIONS promises, at each ceiling, is what the table says.

use crate::house::{self, House};
use crate::run::Exchange;
use crate::text::{Deed, Line, Step, Versions};
use crate::wire_form::{self, Form};
use roost::eas::dispatch::Command;
use roost::eas::version::Version;
use roost_load::Answer;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

/// All that a client may ask for, in the order in which servers list them.
fn all_commands() -> impl Iterator<Item = &'static str> {
    wire_form::CODES.into_iter().chain(["Notify"])
}

/// Whether an answer is one to a command that was carried out.
fn is_success(e: &Exchange) -> bool {
    if e.answer.status != 200 {
        return false;
    }
    let success: &[&str] = match e.command.as_str() {
        "MoveItems" => &["3"],
        "Ping" => &["1", "2"],
        _ => &["1"],
    };
    let Some(root) = &e.root else {
        // Nothing to say, or the bytes of an attachment.
        return true;
    };
    let mut all = true;
    root.walk(&mut |parent, element| {
        if element.tag.name() == "Status" && parent.tag.name() != "Flag" {
            all &= success.contains(&element.text());
        }
    });
    all
}

/// Asks in a house where nothing has happened; with a document that says nothing, if the command
/// has documents.
fn probe(house: &mut House, command: &str, version: Version) -> Answer {
    let root = Command::by_name(command).and_then(|c| c.row().root);
    let sent = root.map(|(root, _)| Line {
        no: 0,
        text: root.name().to_owned(),
    });
    let step = Step {
        no: 0,
        deed: Deed::Ask {
            command: command.to_owned(),
            parameters: Vec::new(),
            device: "phone".to_owned(),
            user: "alice".to_owned(),
        },
        versions: Versions::ALL,
        sent: sent.into_iter().collect(),
        heard: Vec::new(),
        place: 0..0,
    };
    let request = wire_form::request(&step, &house.names, version, Form::Plain).unwrap();
    house.ask("phone", &request).0.unwrap()
}

/// The refusal of an answer: 501, 137, 138 and so on. None: it is no refusal.
fn refusal(answer: &Answer) -> Option<String> {
    if answer.status != 200 {
        let text = String::from_utf8_lossy(&answer.body);
        // 400 stands for much; its text says for what.
        let is_one = answer.status == 501 || text.starts_with("138 ");
        return is_one.then(|| answer.status.to_string());
    }
    let root = crate::outline::read(&answer.body).ok()?;
    let mut status = None;
    root.walk(&mut |_, e| {
        if e.tag.name() == "Status" && status.is_none() {
            status = Some(e.text().to_owned());
        }
    });
    status.filter(|s| s == "137" || s == "138")
}

type Grid = BTreeMap<(&'static str, u8), String>;

fn grid() -> Grid {
    let mut grid = Grid::new();
    let (mut house, _) = House::new(&[]).unwrap();
    for command in all_commands() {
        for version in Version::ALL {
            let shown = crate::all()
                .0
                .iter()
                .any(|e| e.command == command && e.version == version && is_success(e));
            let refused = refusal(&probe(&mut house, command, version));
            let cell = match (shown, refused) {
                (true, None) => "yes".to_owned(),
                (false, Some(refusal)) => refusal,
                (true, Some(refusal)) => format!("{refusal}!"),
                (false, None) => "?".to_owned(),
            };
            grid.insert((command, version as u8), cell);
        }
    }
    grid
}

fn show(grid: &Grid) -> String {
    let mut out = format!("{:<18}", "");
    for version in Version::ALL {
        let _ = write!(out, "{:<6}", version.text());
    }
    for command in all_commands() {
        out.truncate(out.trim_end().len());
        let _ = write!(out, "\n{command:<18}");
        for version in Version::ALL {
            let _ = write!(out, "{:<6}", grid[&(command, version as u8)]);
        }
    }
    out.truncate(out.trim_end().len());
    out + "\n"
}

#[test]
fn every_command_at_every_version_is_served_or_refused_as_the_table_says() {
    if std::env::var_os("ROOST_DIALOG").is_some() {
        return;
    }
    let grid = grid();
    let shown = show(&grid);
    let path = house::folder().join("table.txt");
    if std::env::var_os("ROOST_DIALOG_WRITE").is_some() {
        fs::write(&path, &shown).unwrap();
    }
    let expect = fs::read_to_string(&path).unwrap();
    assert!(
        shown == expect,
        "the table says\n{expect}\nbut it is (?: served, but no dialogue shows it; !: a dialogue \
         shows what is refused)\n{shown}"
    );
    let odd: Vec<_> = grid
        .iter()
        .filter(|(_, cell)| cell.contains(['?', '!']))
        .collect();
    assert!(odd.is_empty(), "{odd:?}");
}

#[test]
fn every_command_has_three_dialogues_at_least() {
    if std::env::var_os("ROOST_DIALOG").is_some() {
        return;
    }
    let dialogues = crate::dialogues();
    for command in all_commands() {
        let served = Command::by_name(command).is_some_and(|c| c.row().run.is_some());
        let asked = |d: &crate::text::Dialogue| {
            let asks = |s: &Step| matches!(&s.deed, Deed::Ask { command: c, .. } if c == command);
            d.steps.iter().any(asks)
        };
        let count = dialogues.iter().filter(|d| asked(d)).count();
        assert!(!served || count >= 3, "{command} has {count}");
    }
}

/// What a ceiling cuts off, OPTIONS does not promise and no command does.
#[test]
fn options_promises_what_the_table_has_up_to_the_ceiling() {
    let path = house::folder().join("table.txt");
    let table = fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(1)
        .map(|l| l.split_whitespace().collect())
        .collect();
    for ceiling in Version::ALL {
        let (mut house, _) = House::new(&[format!("ceiling {ceiling}")]).unwrap();
        let answer = probe(&mut house, "OPTIONS", Version::V12_1);
        let offered = Version::ALL.iter().filter(|v| **v <= ceiling);
        let versions: Vec<&str> = offered.clone().map(|v| v.text()).collect();
        let commands: Vec<&str> = rows
            .iter()
            .filter(|row| {
                row[1..]
                    .iter()
                    .zip(offered.clone())
                    .any(|(cell, _)| *cell == "yes")
            })
            .map(|row| row[0])
            .collect();
        let said = |name| answer.header(name).unwrap_or_default().to_owned();
        assert_eq!(
            said("MS-ASProtocolVersions"),
            versions.join(","),
            "up to {ceiling}"
        );
        assert_eq!(
            said("MS-ASProtocolCommands"),
            commands.join(","),
            "up to {ceiling}"
        );
        assert_eq!((answer.status, answer.body.len()), (200, 0));
        for above in Version::ALL.into_iter().filter(|v| *v > ceiling) {
            for command in all_commands() {
                let refused = refusal(&probe(&mut house, command, above));
                // A command without documents has no place for a status.
                let fits = ["138", "400", "501"].contains(&refused.as_deref().unwrap_or_default());
                assert!(fits, "{command} {above} up to {ceiling}: {refused:?}");
            }
        }
    }
}
