//! From paths to what they hold, one thing at a time.

use super::folder::Folder;
use super::kind::{Format, HEAD_BYTES, Kind, format, looks_like_mail};
use super::marks::Marks;
use super::mbox::Mbox;
use super::{Found, Refused, maildir};
use crate::limits::{IMPORT_DEPTH_MAX, MESSAGE_BYTES_MAX};
use crate::pim::mail;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::PathBuf;

/// A file or directory that is still to be visited.
#[derive(Debug, Clone)]
struct Stop {
    path: PathBuf,
    /// The levels of folders that its directory stands for.
    levels: Vec<String>,
    in_maildir: bool,
    /// Directories between it and the path that was given.
    depth: usize,
}

/// An mbox in the middle of which the walk stands.
struct Opened {
    path: PathBuf,
    folder: Folder,
    mails: Mbox<BufReader<File>>,
    bytes_before: u64,
}

/// Everything that the paths hold, in the order of the names. See [`walk`].
pub struct Walk {
    /// The next stop is the last one.
    stops: Vec<Stop>,
    opened: Option<Opened>,
    bytes_total: u64,
    bytes_done: u64,
}

/// A walk through files and directories. Looks at names and sizes first, for the progress; symbolic
/// links are followed only where they are given.
#[must_use]
pub fn walk(paths: &[PathBuf]) -> Walk {
    let stops: Vec<Stop> = paths
        .iter()
        .rev()
        .map(|path| Stop {
            path: path.clone(),
            levels: Vec::new(),
            in_maildir: false,
            depth: 0,
        })
        .collect();
    Walk {
        bytes_total: bytes_below(stops.clone()),
        stops,
        opened: None,
        bytes_done: 0,
    }
}

fn bytes_below(mut stops: Vec<Stop>) -> u64 {
    let mut bytes = 0;
    while let Some(stop) = stops.pop() {
        match fs::metadata(&stop.path) {
            Ok(found) if found.is_dir() => stops.extend(children(&stop).unwrap_or_default()),
            Ok(found) => bytes += found.len(),
            Err(_) => {}
        }
    }
    bytes
}

impl Iterator for Walk {
    type Item = Result<Found, Refused>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(mail) = self.next_of_mbox() {
                return Some(mail);
            }
            let stop = self.stops.pop()?;
            match self.visit(&stop) {
                Ok(Some(found)) => return Some(Ok(found)),
                Ok(None) => {}
                Err(why) => {
                    return Some(Err(Refused {
                        path: stop.path,
                        offset: 0,
                        why,
                    }));
                }
            }
        }
    }
}

impl Walk {
    /// Bytes of all files that the paths hold.
    #[must_use]
    pub fn bytes_total(&self) -> u64 {
        self.bytes_total
    }

    /// Bytes of those that were read.
    #[must_use]
    pub fn bytes_done(&self) -> u64 {
        let opened = self.opened.as_ref();
        opened.map_or(self.bytes_done, |o| o.bytes_before + o.mails.bytes_done())
    }

    /// The next mail of the mbox that is open, if one is.
    fn next_of_mbox(&mut self) -> Option<Result<Found, Refused>> {
        let opened = self.opened.as_mut()?;
        let (offset, why) = match opened.mails.next() {
            Ok(None) => {
                self.bytes_done = self.bytes_done();
                self.opened = None;
                return None;
            }
            Ok(Some(entry)) => match entry.mail {
                Some(bytes) => {
                    let path = opened.path.clone();
                    let mail = found_mail(path, entry.offset, opened.folder.clone(), bytes);
                    return Some(Ok(mail));
                }
                None => (entry.offset, too_large()),
            },
            Err(error) => (opened.mails.bytes_done(), error.to_string()),
        };
        let path = opened.path.clone();
        if why != too_large() {
            // An error of reading would come again.
            self.bytes_done = self.bytes_done();
            self.opened = None;
        }
        Some(Err(Refused { path, offset, why }))
    }

    fn visit(&mut self, stop: &Stop) -> Result<Option<Found>, String> {
        let found = fs::metadata(&stop.path).map_err(|e| in_words(&e))?;
        if found.is_dir() {
            if stop.depth > IMPORT_DEPTH_MAX {
                return Err(format!("more than {IMPORT_DEPTH_MAX} directories deep"));
            }
            let children = children(stop).map_err(|e| in_words(&e))?;
            self.stops.extend(children);
            return Ok(None);
        }
        if !found.is_file() {
            return Err("not a file".to_owned());
        }
        let bytes_before = self.bytes_done;
        self.bytes_done += found.len();
        let mut file = File::open(&stop.path).map_err(|e| in_words(&e))?;
        let head = read_up_to(&mut file, HEAD_BYTES).map_err(|e| in_words(&e))?;
        let format = if stop.in_maildir {
            Format::Whole(Kind::Mail)
        } else {
            format(&stop.path, &head)
        };
        match format {
            Format::Index => Ok(None),
            Format::Foreign(why) => Err(why.to_owned()),
            Format::Mbox => {
                self.bytes_done = bytes_before;
                // The head is read again: an mbox is read line by line from its beginning.
                let file = File::open(&stop.path).map_err(|e| in_words(&e))?;
                self.opened = Some(Opened {
                    path: stop.path.clone(),
                    folder: folder_of_mbox(stop),
                    mails: Mbox::new(BufReader::new(file)),
                    bytes_before,
                });
                Ok(None)
            }
            Format::Whole(kind) => whole(stop, kind, head, file).map(Some),
            Format::Emlx => whole(stop, Kind::Mail, head, file)
                .and_then(out_of_emlx)
                .map(Some),
        }
    }
}

fn whole(stop: &Stop, kind: Kind, head: Vec<u8>, mut file: File) -> Result<Found, String> {
    let mut bytes = head;
    let rest = read_up_to(&mut file, MESSAGE_BYTES_MAX.saturating_add(1));
    bytes.append(&mut rest.map_err(|e| in_words(&e))?);
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(too_large());
    }
    if bytes.trim_ascii().is_empty() {
        return Err("an empty file".to_owned());
    }
    let start = bytes.get(..HEAD_BYTES).unwrap_or(&bytes);
    if kind == Kind::Mail && start.contains(&0) && !looks_like_mail(start) {
        return Err("not a mail: it has no header".to_owned());
    }
    let folder = maildir::folder(&stop.levels);
    let mut found = match kind {
        Kind::Mail => found_mail(stop.path.clone(), 0, folder, bytes),
        Kind::Calendar | Kind::Cards => Found {
            path: stop.path.clone(),
            offset: 0,
            kind,
            folder: Folder::Inbox,
            marks: Marks::default(),
            received_ms: None,
            bytes,
        },
    };
    if stop.in_maildir {
        found.marks = maildir::marks(&stop.path);
        found.received_ms = mail::dates(&found.bytes)
            .received_ms
            .or_else(|| maildir::delivered_ms(&stop.path))
            .or(found.received_ms);
    }
    Ok(found)
}

fn found_mail(path: PathBuf, offset: u64, folder: Folder, bytes: Vec<u8>) -> Found {
    let dates = mail::dates(&bytes);
    Found {
        path,
        offset,
        kind: Kind::Mail,
        folder,
        marks: Marks::of_fields(&bytes).unwrap_or(Marks::OLD),
        received_ms: dates.received_ms.or(dates.sent_ms),
        bytes,
    }
}

/// The mail between the length and the property list of Apple's format.
fn out_of_emlx(mut found: Found) -> Result<Found, String> {
    let line = found.bytes.iter().position(|&b| b == b'\n');
    let mail = line.and_then(|end| {
        let digits = std::str::from_utf8(found.bytes.get(..end)?).ok()?;
        let len: usize = digits.trim().parse().ok()?;
        found.bytes.get(end + 1..)?.get(..len)
    });
    let mail = mail
        .ok_or("not an .emlx file: its length is missing")?
        .to_vec();
    let dates = mail::dates(&mail);
    found.received_ms = dates.received_ms.or(dates.sent_ms);
    found.bytes = mail;
    Ok(found)
}

/// What a directory holds, the first one last.
fn children(stop: &Stop) -> io::Result<Vec<Stop>> {
    let is_maildir = maildir::is_maildir(&stop.path);
    let mut names: Vec<(PathBuf, bool)> = Vec::new();
    for entry in fs::read_dir(&stop.path)? {
        let entry = entry?;
        // Of the link itself, so that a link to a directory above cannot lead in circles.
        let kind = entry.file_type()?;
        if kind.is_dir() || kind.is_file() {
            names.push((entry.path(), kind.is_dir()));
        }
    }
    names.sort();
    let stops = names.into_iter().rev().filter_map(|(path, is_directory)| {
        let name = path.file_name()?.to_string_lossy().into_owned();
        let holds_mail = is_maildir && matches!(name.as_str(), "cur" | "new");
        let wanted = if is_directory {
            !(is_maildir && name == "tmp") && (is_maildir || !name.starts_with('.'))
        } else {
            stop.in_maildir || (!is_maildir && !name.starts_with('.'))
        };
        wanted.then(|| Stop {
            levels: match () {
                () if holds_mail || !is_directory => stop.levels.clone(),
                () if name.starts_with('.') => maildir::levels(&path, &stop.levels),
                () => below(&stop.levels, &name),
            },
            in_maildir: holds_mail || (stop.in_maildir && !is_directory),
            depth: stop.depth + 1,
            path,
        })
    });
    Ok(stops.collect())
}

/// The levels of a directory: Thunderbird keeps `Name.sbd`, Apple Mail `Name.mbox/Messages`.
fn below(levels: &[String], name: &str) -> Vec<String> {
    let mut levels = levels.to_vec();
    let name = name
        .strip_suffix(".sbd")
        .or_else(|| name.strip_suffix(".mbox"))
        .unwrap_or(name);
    if name != "Messages" {
        levels.push(super::folder::decode_utf7(name));
    }
    levels
}

/// The folder of an mbox: its name below its directory, or its role where it was given alone.
fn folder_of_mbox(stop: &Stop) -> Folder {
    let stem = stop.path.file_stem().unwrap_or_default().to_string_lossy();
    let counts = stem != "mbox" && (stop.depth > 0 || Folder::has_role(&stem));
    let own = counts.then_some(stem.as_ref());
    Folder::of_levels(stop.levels.iter().map(String::as_str).chain(own))
}

fn read_up_to(file: &mut File, bytes: usize) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    Read::take(file, bytes as u64).read_to_end(&mut out)?;
    Ok(out)
}

fn too_large() -> String {
    format!("larger than {} MiB", MESSAGE_BYTES_MAX / (1024 * 1024))
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read".to_owned(),
        _ => error.to_string(),
    }
}
