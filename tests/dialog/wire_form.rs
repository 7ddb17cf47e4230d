//! A step of a dialogue as a request, and an answer as lines.

use crate::outline;
use crate::pattern::{Names, fill};
use crate::text::{Deed, Line, Step, at, repeated};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roost::eas::dispatch::Command;
use roost::eas::version::Version;
use roost_load::{Answer, Request};

/// How the query is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Plain,
    Base64,
}

const WBXML: &str = "application/vnd.ms-sync.wbxml";
const MULTIPART: &str = "application/vnd.ms-sync.multipart";
/// What every answer carries.
const COMMON: [&str; 3] = ["MS-Server-ActiveSync", "Cache-Control", "Content-Type"];
/// Commands by their codes in a base64 query ([MS-ASHTTP] 2.2.1.1.1.1.2).
pub(crate) const CODES: [&str; 24] = [
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
];

/// The page of the command's own namespace: that of names without a prefix.
pub(crate) fn page_of(command: &str) -> u8 {
    match command {
        // Its answer is of the folders' page.
        "GetHierarchy" => roost::wbxml::tags::folderhierarchy::FOLDERS.page(),
        _ => {
            let root = Command::by_name(command).and_then(|c| c.row().root);
            root.map_or(0, |(tag, _)| tag.page())
        }
    }
}

/// The request of a step at a version.
pub(crate) fn request(
    step: &Step,
    names: &Names,
    version: Version,
    form: Form,
) -> Result<Request, String> {
    let Deed::Ask {
        command,
        parameters,
        device,
        user,
    } = &step.deed
    else {
        return Err("not a request".into());
    };
    let sent = repeated(&at(&step.sent, version)?)?;
    let filled =
        |line: &Line| fill(&line.text, names).map_err(|e| format!("line {}: {e}", line.no));
    let texts: Vec<String> = sent.iter().map(filled).collect::<Result<_, _>>()?;
    let header = |text: &&String| is_header(text);
    let count = texts.iter().take_while(header).count();
    let (mut headers, mut other_form) = (Vec::new(), form);
    let login = STANDARD.encode(format!("{user}:{}", crate::appliance::PASSWORD));
    let mut defaults = vec![
        ("Authorization", format!("Basic {login}")),
        ("MS-ASProtocolVersion", version.text().to_owned()),
    ];
    let is_mail = ["SendMail", "SmartReply", "SmartForward"].contains(&command.as_str());
    let (lines, body) = texts.split_at(count);
    if !body.is_empty() {
        let is_mime = is_mail && version < Version::V14_0;
        let kind = if is_mime { "message/rfc822" } else { WBXML };
        defaults.push(("Content-Type", kind.to_owned()));
    }
    for line in lines {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        defaults.retain(|(n, _)| *n != name);
        if name == "MS-ASProtocolVersion" {
            other_form = Form::Plain;
        }
        if !value.is_empty() {
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    headers.extend(defaults.into_iter().map(|(n, v)| (n.to_owned(), v)));
    let query = Query {
        command,
        parameters: parameters
            .iter()
            .map(|(name, value)| Ok((name.as_str(), fill(value, names)?)))
            .collect::<Result<_, String>>()?,
        device,
        user,
    };
    let options = command == "OPTIONS";
    let target = match other_form {
        _ if options => String::new(),
        Form::Base64 if CODES.contains(&command.as_str()) => {
            let key = take(&mut headers, "X-MS-PolicyKey");
            take(&mut headers, "MS-ASProtocolVersion");
            format!("?{}", percent(&STANDARD.encode(query.bytes(version, key))))
        }
        _ => format!("?{}", query.plain()),
    };
    Ok(Request {
        method: if options { "OPTIONS" } else { "POST" },
        target: format!("/Microsoft-Server-ActiveSync{target}"),
        headers,
        body: content(body, command).map_err(|(i, e)| {
            let line = sent.get(count + i).map_or(step.no, |l| l.no);
            format!("line {line}: {e}")
        })?,
    })
}

fn content(lines: &[String], command: &str) -> Result<Vec<u8>, (usize, String)> {
    match lines.first() {
        None => Ok(Vec::new()),
        Some(first) if first.starts_with('|') => {
            Ok(outline::unbar(lines.iter().map(String::as_str), "\r\n").into_bytes())
        }
        Some(first) if first.starts_with("= ") => {
            let digits = first.trim_start_matches("= ");
            outline::hex(digits).ok_or_else(|| (0, "not hex".to_owned()))
        }
        Some(_) => outline::write(lines, page_of(command)),
    }
}

/// `Name: value`, but not `airsync:Sync`.
fn is_header(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, value)| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
        name.chars().all(fits) && (value.is_empty() || value.starts_with(' '))
    })
}

fn take(headers: &mut Vec<(String, String)>, name: &str) -> Option<String> {
    let at = headers.iter().position(|(n, _)| n == name)?;
    Some(headers.remove(at).1)
}

struct Query<'a> {
    command: &'a str,
    parameters: Vec<(&'a str, String)>,
    device: &'a str,
    user: &'a str,
}

impl Query<'_> {
    /// A parameter of the step, or else this.
    fn or<'a>(&'a self, name: &str, other: &'a str) -> &'a str {
        let mut all = self.parameters.iter();
        all.find(|(n, _)| *n == name).map_or(other, |(_, v)| v)
    }

    fn plain(&self) -> String {
        let mut query = format!(
            "Cmd={}&User={}&DeviceId={}&DeviceType={}",
            self.command,
            percent(self.or("User", self.user)),
            percent(self.or("DeviceId", self.device)),
            percent(self.or("DeviceType", "Dialog")),
        );
        for (name, value) in &self.parameters {
            if !["User", "DeviceId", "DeviceType"].contains(name) {
                query.push_str(&format!("&{name}={}", percent(value)));
            }
        }
        query
    }

    fn bytes(&self, version: Version, key: Option<String>) -> Vec<u8> {
        let code = CODES.iter().position(|c| *c == self.command).unwrap_or(0);
        let tens: u8 = version.text().replace('.', "").parse().unwrap();
        let mut out = vec![tens, u8::try_from(code).unwrap(), 9, 4];
        field(&mut out, self.or("DeviceId", self.device).as_bytes());
        match key.and_then(|k| k.parse::<u32>().ok()) {
            Some(key) => field(&mut out, &key.to_le_bytes()),
            None => out.push(0),
        }
        field(&mut out, self.or("DeviceType", "Dialog").as_bytes());
        for (name, value) in &self.parameters {
            let tag = match *name {
                "AttachmentName" => 0,
                "CollectionId" => 1,
                "ItemId" => 3,
                "LongId" => 4,
                "Occurrence" => 6,
                "SaveInSent" => 7,
                _ => continue,
            };
            out.push(tag);
            match tag {
                7 => field(&mut out, &[u8::from(value == "T")]),
                _ => field(&mut out, value.as_bytes()),
            }
        }
        out.push(8);
        field(&mut out, self.user.as_bytes());
        out
    }
}

fn field(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(u8::try_from(bytes.len()).unwrap());
    out.extend_from_slice(bytes);
}

fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// An answer as lines: the code, headers that not every answer has, the content.
pub(crate) fn show(answer: &Answer, command: &str) -> Vec<String> {
    let kind = answer.header("Content-Type").unwrap_or_default();
    let text = String::from_utf8_lossy(&answer.body);
    let mut lines = vec![match answer.body.is_empty() {
        true => format!("< {} empty", answer.status),
        false if answer.status == 200 => "< 200".to_owned(),
        false => format!("< {} {}", answer.status, text.trim_end()),
    }];
    let seldom = |name: &str| !COMMON.iter().any(|c| c.eq_ignore_ascii_case(name));
    let headers = answer.headers.iter().filter(|(name, _)| seldom(name));
    lines.extend(headers.map(|(name, value)| format!("{name}: {value}")));
    if answer.status != 200 || answer.body.is_empty() {
        return lines;
    }
    let page = page_of(command);
    match kind {
        WBXML => match outline::read(&answer.body) {
            Ok(root) => lines.extend(outline::show(&root, page)),
            Err(e) => lines.push(format!("not a document: {e}")),
        },
        MULTIPART => lines.extend(parts(&answer.body, page)),
        kind => {
            lines.push(format!("Content-Type: {kind}"));
            lines.extend(outline::bars(&text, "\r\n"));
        }
    }
    lines
}

/// The parts of a multipart answer ([MS-ASCMD] 2.2.1.10.1).
fn parts(body: &[u8], page: u8) -> Vec<String> {
    let number = |at: usize| {
        let bytes = body.get(at..at + 4).and_then(|b| b.try_into().ok());
        bytes.map_or(0, u32::from_le_bytes) as usize
    };
    let mut lines = vec!["Content-Type: multipart".to_owned()];
    for part in 0..number(0) {
        let (from, len) = (number(4 + 8 * part), number(8 + 8 * part));
        let bytes = body.get(from..from + len).unwrap_or_default();
        lines.push(format!("part {part}"));
        match outline::read(bytes) {
            Ok(root) if part == 0 => lines.extend(outline::show(&root, page)),
            _ => lines.extend(outline::bars(&String::from_utf8_lossy(bytes), "\r\n")),
        }
    }
    lines
}

#[test]
fn the_example_of_the_specification_is_written() {
    let query = Query {
        command: "Sync",
        parameters: vec![("DeviceType", "SmartPhone".to_owned())],
        device: "v140Device",
        user: "a",
    };
    let bytes = query.bytes(Version::V14_0, None);
    let text = STANDARD.encode(&bytes[..27]);
    assert_eq!(text, "jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l");
}
