//! Runs a dialogue at a version, and says where it went another way.

use crate::bless;
use crate::house::House;
use crate::outline::{self, Element};
use crate::pattern::{Names, diff, matches};
use crate::text::{Deed, Dialogue, Line, Step, at};
use crate::wire_form::{self, Form};
use roost::eas::version::Version;
use roost_load::{Answer, Request};

/// A request and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// Where it stands.
    pub(crate) place: String,
    pub(crate) command: String,
    pub(crate) version: Version,
    pub(crate) answer: Answer,
    /// The answer's document.
    pub(crate) root: Option<Element>,
}

/// What came of a dialogue at one version.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) exchanges: Vec<Exchange>,
    /// The first difference.
    pub(crate) wrong: Option<String>,
    /// For each step that was taken: its number, the lines of its answer with names, and whether
    /// they were as expected.
    pub(crate) heard: Vec<(usize, Vec<String>, bool)>,
}

/// Runs it. With `write` it goes on where answers differ, as if they were expected.
pub(crate) fn run(dialogue: &Dialogue, version: Version, form: Form, write: bool) -> Run {
    let mut run = Run::default();
    if let Err(wrong) = steps(dialogue, version, form, write, &mut run) {
        let place = dialogue.path.display();
        run.wrong = Some(format!("{place} at {version}, {form:?} query: {wrong}"));
    }
    run
}

fn steps(
    dialogue: &Dialogue,
    version: Version,
    form: Form,
    write: bool,
    run: &mut Run,
) -> Result<(), String> {
    let setup = at(&dialogue.setup, version)?;
    let lines: Vec<String> = setup.iter().map(|l| l.text.clone()).collect();
    let (mut house, rest) = House::new(&lines)?;
    for line in rest {
        event(&mut house, &line, version).map_err(|e| format!("{line}: {e}"))?;
    }
    let mut last = String::new();
    for (i, step) in dialogue.steps.iter().enumerate() {
        if !step.versions.has(version) {
            continue;
        }
        if let Deed::Ask { command, .. } = &step.deed {
            last.clone_from(command);
        }
        let place = format!("{}:{}", dialogue.path.display(), step.no);
        let answers =
            take(&mut house, step, version, form).map_err(|e| format!("line {}: {e}", step.no))?;
        let mut actual = Vec::new();
        for (n, answer) in answers.into_iter().enumerate() {
            let Some(answer) = answer else {
                actual.push("< waits".to_owned());
                continue;
            };
            let mut lines = wire_form::show(&answer, &last);
            // One that waited, and that this request ends.
            if n > 0 && matches!(step.deed, Deed::Ask { .. }) {
                lines[0].replace_range(..1, "< the one before:");
            }
            actual.extend(lines);
            run.exchanges.push(Exchange {
                place: place.clone(),
                command: last.clone(),
                version,
                root: outline::read(&answer.body).ok(),
                answer,
            });
        }
        let expect = at(&step.heard, version)?;
        let sent: Vec<String> = at(&step.sent, version)?
            .into_iter()
            .map(|l| l.text)
            .collect();
        let said = Said {
            number: i,
            sent,
            expect,
            actual,
        };
        check(step, said, &mut house.names, write, run)?;
    }
    Ok(())
}

/// What was said in a step.
struct Said {
    number: usize,
    sent: Vec<String>,
    expect: Vec<Line>,
    actual: Vec<String>,
}

/// Holds an answer against what is expected, and learns its names.
fn check(
    step: &Step,
    said: Said,
    names: &mut Names,
    write: bool,
    run: &mut Run,
) -> Result<(), String> {
    let Said {
        number,
        sent,
        expect,
        actual,
    } = said;
    let lines: Vec<String> = expect.iter().map(|l| l.text.clone()).collect();
    let lines: Vec<String> = lines.into_iter().filter(|l| !l.is_empty()).collect();
    if let Some(known) = matches(&lines, &actual, names) {
        *names = known;
        run.heard.push((number, lines, true));
        return Ok(());
    }
    if !write {
        let expect: Vec<_> = expect.iter().map(|l| (l.no, l.text.clone())).collect();
        return Err(format!(
            "line {}: another answer\n{}",
            step.no,
            diff(&expect, &actual, names)
        ));
    }
    let device = match &step.deed {
        Deed::Ask { device, .. } => device.as_str(),
        Deed::Event(_) => "phone",
    };
    let named = bless::name(&actual, names, device, &sent);
    run.heard.push((number, named, false));
    Ok(())
}

/// Takes a step: the answers that it brings, none for a request that waits.
fn take(
    house: &mut House,
    step: &Step,
    version: Version,
    form: Form,
) -> Result<Vec<Option<Answer>>, String> {
    let others = match &step.deed {
        Deed::Event(line) => {
            event(house, line, version)?;
            house.heard()
        }
        Deed::Ask { device, .. } => {
            let request = wire_form::request(step, &house.names, version, form)?;
            let (answer, others) = house.ask(device, &request);
            let mut answers = vec![answer];
            answers.extend(others.into_iter().map(Some));
            return Ok(answers);
        }
    };
    Ok(others.into_iter().map(Some).collect())
}

/// Something that happens, or that a device has done.
fn event(house: &mut House, line: &str, version: Version) -> Result<(), String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        [device, "knows", "folders"] => knows(house, device, version),
        [device, "has", folders @ ..]
            if !matches!(folders.first(), Some(&("a" | "certificate"))) =>
        {
            if !house.names.contains_key(&named("folders", device)) {
                knows(house, device, version)?;
            }
            let folders = folders.iter().filter(|f| **f != "and");
            folders
                .into_iter()
                .try_for_each(|f| has(house, device, f, version))
        }
        _ => house.perform(line),
    }
}

/// The name of what the phone, or another device, knows.
fn named(name: &str, device: &str) -> String {
    match device {
        "phone" => name.to_owned(),
        other => format!("{other}-{name}"),
    }
}

fn knows(house: &mut House, device: &str, version: Version) -> Result<(), String> {
    let root = ask(
        house,
        device,
        "FolderSync",
        &["FolderSync", "  SyncKey 0"],
        version,
    )?;
    let key = text(&root, "SyncKey").ok_or("no key")?;
    house.names.insert(named("folders", device), key);
    Ok(())
}

fn has(house: &mut House, device: &str, folder: &str, version: Version) -> Result<(), String> {
    let folder = folder.trim_end_matches(',');
    let id = house.names.get(folder).ok_or("no such folder")?.clone();
    let mut key = "0".to_owned();
    let class = match folder {
        "calendar" | "contacts" | "tasks" => {
            format!("{}{}", folder[..1].to_uppercase(), &folder[1..])
        }
        _ => "Email".to_owned(),
    };
    loop {
        let mut lines = vec![
            "Sync".to_owned(),
            "  Collections".to_owned(),
            "    Collection".to_owned(),
        ];
        if version < Version::V12_1 {
            lines.push(format!("      Class {class}"));
        }
        lines.push(format!("      SyncKey {key}"));
        lines.push(format!("      CollectionId {id}"));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let first = key == "0";
        let root = ask(house, device, "Sync", &lines, version)?;
        if let Some(next) = text(&root, "SyncKey") {
            key = next;
        }
        if !first && !has_element(&root, "MoreAvailable") {
            break;
        }
    }
    house
        .names
        .insert(named(&format!("{folder}-key"), device), key);
    Ok(())
}

fn ask(
    house: &mut House,
    device: &str,
    command: &str,
    lines: &[&str],
    version: Version,
) -> Result<Option<Element>, String> {
    let sent = lines.iter().map(|l| Line {
        no: 0,
        text: (*l).to_owned(),
    });
    let mut step = Step {
        no: 0,
        deed: Deed::Ask {
            command: command.to_owned(),
            parameters: Vec::new(),
            device: device.to_owned(),
            user: "alice".to_owned(),
        },
        versions: crate::text::Versions::ALL,
        sent: sent.collect(),
        heard: Vec::new(),
        place: 0..0,
    };
    if let Some(key) = house.names.get("policy-key") {
        let text = format!("X-MS-PolicyKey: {key}");
        step.sent.insert(0, Line { no: 0, text });
    }
    let request: Request = wire_form::request(&step, &house.names, version, Form::Plain)?;
    let (answer, _) = house.ask(device, &request);
    let answer = answer.ok_or("waits")?;
    match outline::read(&answer.body) {
        _ if answer.body.is_empty() => Ok(None),
        Ok(root) => Ok(Some(root)),
        Err(_) => Err(wire_form::show(&answer, command).join("\n")),
    }
}

fn text(root: &Option<Element>, name: &str) -> Option<String> {
    let mut found = None;
    root.as_ref()?.walk(&mut |_, e| {
        if e.tag.name() == name && found.is_none() {
            found = Some(e.text().to_owned());
        }
    });
    found
}

fn has_element(root: &Option<Element>, name: &str) -> bool {
    let mut found = false;
    if let Some(root) = root {
        root.walk(&mut |_, e| found |= e.tag.name() == name);
    }
    found
}
