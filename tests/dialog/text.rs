//! The file of a dialogue: what it says at each version.

use roost::eas::version::Version;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A line of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Line {
    /// Its number, from 1 on.
    pub(crate) no: usize,
    pub(crate) text: String,
}

/// Versions at which something holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Versions(u8);

impl Versions {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self(0x7F);

    /// `all`, `12.1`, `14.0..`, `..12.1`, `12.1..14.1`, and lists of them.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut all = Self::NONE;
        for piece in text.split(',').map(str::trim) {
            let (from, to) = match piece.split_once("..") {
                _ if piece == "all" => (Version::V2_5, Version::V16_1),
                None => (exactly(piece)?, exactly(piece)?),
                Some(("", to)) => (Version::V2_5, exactly(to)?),
                Some((from, "")) => (exactly(from)?, Version::V16_1),
                Some((from, to)) => (exactly(from)?, exactly(to)?),
            };
            let within = Version::ALL.into_iter().filter(|v| (from..=to).contains(v));
            within.for_each(|v| all = all.with(v));
        }
        Some(all)
    }

    pub(crate) fn has(self, v: Version) -> bool {
        self.0 & 1 << (v as u8) != 0
    }

    pub(crate) fn with(self, v: Version) -> Self {
        Self(self.0 | 1 << (v as u8))
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn each(self) -> impl Iterator<Item = Version> {
        Version::ALL.into_iter().filter(move |v| self.has(*v))
    }
}

fn exactly(text: &str) -> Option<Version> {
    Version::ALL.into_iter().find(|v| v.text() == text)
}

impl Versions {
    /// As it is written where only versions of `among` count.
    pub(crate) fn among(self, among: Self) -> String {
        let all: Vec<Version> = among.each().collect();
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < all.len() {
            let run = all[at..].iter().take_while(|v| self.has(**v)).count();
            if run == 0 {
                at += 1;
                continue;
            }
            let (first, last) = (all[at], all[at + run - 1]);
            pieces.push(match (at == 0, at + run == all.len()) {
                (true, true) => "all".to_owned(),
                _ if run == 1 => first.to_string(),
                (true, _) => format!("..{last}"),
                (_, true) => format!("{first}.."),
                _ => format!("{first}..{last}"),
            });
            at += run;
        }
        pieces.join(", ")
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.among(Self::ALL))
    }
}

/// What is done in a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Deed {
    /// A request: `> Sync CollectionId={inbox} by tablet for bob`.
    Ask {
        command: String,
        /// Of the query.
        parameters: Vec<(String, String)>,
        device: String,
        user: String,
    },
    /// Something else that happens: `! 60 seconds pass`.
    Event(String),
}

/// One step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Step {
    pub(crate) no: usize,
    pub(crate) deed: Deed,
    pub(crate) versions: Versions,
    /// Headers and content of a request.
    pub(crate) sent: Vec<Line>,
    /// The answer, from `<` on.
    pub(crate) heard: Vec<Line>,
    /// Where the answer stands or is to stand, as lines from 0 on.
    pub(crate) place: Range<usize>,
}

/// A file.
#[derive(Clone, Debug)]
pub(crate) struct Dialogue {
    pub(crate) path: PathBuf,
    pub(crate) versions: Versions,
    pub(crate) setup: Vec<Line>,
    pub(crate) steps: Vec<Step>,
    pub(crate) lines: Vec<String>,
}

impl Dialogue {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it, with its line.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, String> {
        let lines: Vec<String> = text.lines().map(|l| l.trim_end().to_owned()).collect();
        let mut dialogue = Self {
            path: path.to_owned(),
            versions: Versions::NONE,
            setup: Vec::new(),
            steps: Vec::new(),
            lines: lines.clone(),
        };
        for (i, line) in lines.iter().enumerate() {
            let no = i + 1;
            let wrong = |what: &str| format!("{}:{no}: {what}", path.display());
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            let begins = line.strip_prefix("> ").or_else(|| line.strip_prefix("! "));
            if let Some(words) = begins {
                let step = step(line, words, no);
                dialogue
                    .steps
                    .push(step.ok_or_else(|| wrong("not a step"))?);
                continue;
            }
            let held = Line {
                no,
                text: line.clone(),
            };
            match dialogue.steps.last_mut() {
                None => match line.strip_prefix("versions: ") {
                    Some(text) => {
                        let versions = Versions::parse(text);
                        dialogue.versions = versions.ok_or_else(|| wrong("not versions"))?;
                    }
                    None => dialogue.setup.push(held),
                },
                Some(step) => {
                    let next = lines.get(no).map_or("", String::as_str);
                    let answers = line.starts_with('<')
                        || line.starts_with("when ") && next.starts_with("  <");
                    if answers && step.heard.is_empty() {
                        step.place = i..i;
                    }
                    if step.heard.is_empty() && !answers {
                        step.sent.push(held);
                        step.place = no..no;
                    } else {
                        step.heard.push(held);
                        step.place.end = no;
                    }
                }
            }
        }
        if dialogue.versions == Versions::NONE {
            return Err(format!("{}: no versions", path.display()));
        }
        Ok(dialogue)
    }
}

/// A step from its first line, which may end in its versions: `(14.0..)`.
fn step(line: &str, words: &str, no: usize) -> Option<Step> {
    let (words, versions) = match words.strip_suffix(')').and_then(|w| w.rsplit_once(" (")) {
        Some((words, versions)) => (words, Versions::parse(versions)?),
        None => (words, Versions::ALL),
    };
    let deed = if line.starts_with('!') {
        Deed::Event(words.to_owned())
    } else {
        let mut pieces = words.split_whitespace();
        let command = pieces.next()?.to_owned();
        let (mut device, mut user) = ("phone".to_owned(), "alice".to_owned());
        let mut parameters = Vec::new();
        while let Some(piece) = pieces.next() {
            match (piece, piece.split_once('=')) {
                ("by", _) => device = pieces.next()?.to_owned(),
                ("for", _) => user = pieces.next()?.to_owned(),
                (_, Some((name, value))) => parameters.push((name.into(), value.into())),
                _ => return None,
            }
        }
        Deed::Ask {
            command,
            parameters,
            device,
            user,
        }
    };
    Some(Step {
        no,
        deed,
        versions,
        sent: Vec::new(),
        heard: Vec::new(),
        place: no..no,
    })
}

/// What of these lines holds at a version: what stands below `when 14.0..:` holds there alone, one
/// level to the left.
pub(crate) fn at(lines: &[Line], version: Version) -> Result<Vec<Line>, String> {
    let mut out = Vec::new();
    let mut i = 0;
    while let Some(line) = lines.get(i) {
        i += 1;
        let trimmed = line.text.trim_start();
        let Some(when) = trimmed.strip_prefix("when ") else {
            out.push(line.clone());
            continue;
        };
        let indent = line.text.len() - trimmed.len();
        let versions = when.strip_suffix(':').and_then(Versions::parse);
        let versions = versions.ok_or_else(|| format!("line {}: not versions", line.no))?;
        let deeper = |l: &&Line| l.text.len() - l.text.trim_start().len() > indent;
        let block: Vec<Line> = lines[i..]
            .iter()
            .take_while(deeper)
            .map(|l| Line {
                no: l.no,
                text: l.text.get(2..).unwrap_or_default().to_owned(),
            })
            .collect();
        i += block.len();
        if versions.has(version) {
            out.extend(at(&block, version)?);
        }
    }
    Ok(out)
}

/// What stands below `repeat 101:` as often as that, one level to the left, `{n}` counting from 1.
pub(crate) fn repeated(lines: &[Line]) -> Result<Vec<Line>, String> {
    let mut out = Vec::new();
    let mut i = 0;
    while let Some(line) = lines.get(i) {
        i += 1;
        let trimmed = line.text.trim_start();
        let Some(count) = trimmed.strip_prefix("repeat ") else {
            out.push(line.clone());
            continue;
        };
        let indent = line.text.len() - trimmed.len();
        let count = count
            .strip_suffix(':')
            .and_then(|n| n.parse::<usize>().ok());
        let count = count.ok_or_else(|| format!("line {}: not a count", line.no))?;
        let deeper = |l: &&Line| l.text.len() - l.text.trim_start().len() > indent;
        let block: Vec<&Line> = lines[i..].iter().take_while(deeper).collect();
        i += block.len();
        for n in 1..=count {
            out.extend(block.iter().map(|l| Line {
                no: l.no,
                text: l.text[2..].replace("{n}", &n.to_string()),
            }));
        }
    }
    Ok(out)
}

#[test]
fn versions_are_read_and_shown() {
    let check = |text: &str, expect: &str| {
        assert_eq!(Versions::parse(text).unwrap().to_string(), expect);
    };
    check("all", "all");
    check("..12.1", "..12.1");
    check("2.5, 14.0..14.1,16.1", "2.5, 14.0..14.1, 16.1");
    check("14.0, 14.1, 16.0..", "14.0..");
    assert_eq!(Versions::parse("15.0"), None);
    let since = Versions::parse("12.1..").unwrap();
    assert_eq!(
        Versions::parse("14.0..16.1").unwrap().among(since),
        "14.0.."
    );
    assert_eq!(
        Versions::parse("12.1..14.1").unwrap().among(since),
        "..14.1"
    );
}

#[test]
fn blocks_hold_at_their_versions() {
    let text =
        "a\n  when ..12.1:\n      b\n    c\n  when 14.0..:\n    d\n    when 16.1:\n      e\nf";
    let lines: Vec<Line> = (1..)
        .zip(text.lines())
        .map(|(no, text)| Line {
            no,
            text: text.to_owned(),
        })
        .collect();
    let seen = |v| {
        let lines = at(&lines, v).unwrap();
        lines.into_iter().map(|l| l.text).collect::<Vec<_>>()
    };
    assert_eq!(seen(Version::V2_5), ["a", "    b", "  c", "f"]);
    assert_eq!(seen(Version::V14_0), ["a", "  d", "f"]);
    assert_eq!(seen(Version::V16_1), ["a", "  d", "  e", "f"]);
}

#[test]
fn a_file_is_read() {
    let text = "# Says it.\nversions: 14.0..\nmail lunch\n\n> Sync A=1 by tablet (16.0..)\nMS-X: y\nSync\n  Status 1\n\nwhen 14.0:\n  < 200\n  Sync\nwhen 14.1..:\n  < 400\n\n! 5 seconds pass\n< 200 empty\n";
    let dialogue = Dialogue::parse(Path::new("x.txt"), text).unwrap();
    assert_eq!((dialogue.setup[0].no, dialogue.steps.len()), (3, 2));
    let [ask, event] = &dialogue.steps[..] else {
        unreachable!()
    };
    assert_eq!((ask.sent.len(), ask.heard.len()), (3, 5));
    assert_eq!((ask.place.clone(), event.place.clone()), (9..14, 16..17));
    assert_eq!(ask.versions.to_string(), "16.0..");
    assert_eq!(event.deed, Deed::Event("5 seconds pass".into()));
}
