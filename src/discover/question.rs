//! What an Autodiscover request asks for. Any schema of answers but one is nobody's here.
//!
//! No document type, no entities but the five of XML, bounded depth: nothing in a request is
//! fetched or expanded.

use crate::limits::{DISCOVER_BYTES_MAX, DISCOVER_DEPTH_MAX};
use quick_xml::events::Event;
use quick_xml::reader::Reader;

/// The schema in which phones want their answer ([MS-ASCMD] 2.2.3.1).
const MOBILE_SYNC: &str =
    "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006";

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Question {
    /// The settings of ActiveSync.
    MobileSync,
    /// Something that is not served here.
    OtherSchema,
}

/// Not an Autodiscover request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unreadable;

/// Reads a request. An empty one is a phone's: early Androids send credentials and nothing else.
pub(super) fn read(body: &[u8]) -> Result<Question, Unreadable> {
    if body.is_empty() {
        return Ok(Question::MobileSync);
    }
    if body.len() > DISCOVER_BYTES_MAX {
        return Err(Unreadable);
    }
    let found = fields(body)?;
    match (found.schema.as_deref(), found.address.as_deref()) {
        (Some(MOBILE_SYNC), Some("") | None) | (None, _) => Err(Unreadable),
        (Some(MOBILE_SYNC), Some(_)) => Ok(Question::MobileSync),
        // These may be asked for by another name than an address.
        (Some(_), _) => Ok(Question::OtherSchema),
    }
}

#[derive(Default)]
struct Fields {
    schema: Option<String>,
    address: Option<String>,
}

/// Finds the two fields where they belong: `Autodiscover/Request/...`, in any namespace, since
/// clients disagree on it.
fn fields(body: &[u8]) -> Result<Fields, Unreadable> {
    let mut reader = Reader::from_reader(body);
    let mut found = Fields::default();
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut roots = 0;
    loop {
        match reader.read_event().map_err(|_| Unreadable)? {
            Event::Start(element) => {
                roots += usize::from(path.is_empty());
                path.push(element.local_name().as_ref().to_owned());
                text.clear();
                if path.len() > DISCOVER_DEPTH_MAX || roots > 1 {
                    return Err(Unreadable);
                }
            }
            Event::End(_) => {
                let value = text.trim().to_owned();
                match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                    ["Autodiscover", "Request", "AcceptableResponseSchema"] => {
                        found.schema = Some(value);
                    }
                    ["Autodiscover", "Request", "EMailAddress"] => found.address = Some(value),
                    _ => {}
                }
                text.clear();
                path.pop();
            }
            Event::Text(part) => text.push_str(&part),
            Event::CData(part) => text.push_str(&part),
            Event::GeneralRef(entity) => text.push(resolved(&entity)?),
            Event::DocType(_) => return Err(Unreadable),
            Event::Eof => break,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    if path.is_empty() {
        Ok(found)
    } else {
        Err(Unreadable)
    }
}

/// The character of one of the five entities, or of a number.
fn resolved(entity: &quick_xml::events::BytesRef<'_>) -> Result<char, Unreadable> {
    if let Some(c) = entity.resolve_char_ref().map_err(|_| Unreadable)? {
        return Ok(c);
    }
    Ok(match &**entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return Err(Unreadable),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str =
        "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/requestschema/2006";

    fn request(inner: &str) -> String {
        format!(
            r#"<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{REQUEST}"><Request>{inner}</Request></Autodiscover>"#
        )
    }

    fn check(body: &str, expect: Result<Question, Unreadable>) {
        assert_eq!(read(body.as_bytes()), expect, "{body}");
    }

    #[test]
    fn what_phones_ask() {
        let schema =
            format!("<AcceptableResponseSchema> {MOBILE_SYNC}\n</AcceptableResponseSchema>");
        let address = "<EMailAddress>a&amp;b@example.org</EMailAddress>";
        check("", Ok(Question::MobileSync));
        check(
            &request(&format!("{address}{schema}")),
            Ok(Question::MobileSync),
        );
        check(
            &request(&format!("{schema}{address}")),
            Ok(Question::MobileSync),
        );
        check(&request(&schema), Err(Unreadable));
        check(
            &request(&format!("<EMailAddress/>{schema}")),
            Err(Unreadable),
        );
        check(&request(address), Err(Unreadable));
        let outlook =
            "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";
        let outlook = format!("<AcceptableResponseSchema>{outlook}</AcceptableResponseSchema>");
        check(
            &request(&format!("{address}{outlook}")),
            Ok(Question::OtherSchema),
        );
        check(&request(&outlook), Ok(Question::OtherSchema));
    }

    #[test]
    fn what_is_no_question() {
        let schema = format!("<AcceptableResponseSchema>{MOBILE_SYNC}</AcceptableResponseSchema>");
        let whole = request(&format!("<EMailAddress>a@b</EMailAddress>{schema}"));
        check(&whole, Ok(Question::MobileSync));
        let entity = whole.replace(
            "<Autodiscover",
            r#"<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Autodiscover"#,
        );
        check(&entity, Err(Unreadable));
        check(&whole.replace("a@b", "&x;"), Err(Unreadable));
        check(&whole.replace("</Request>", ""), Err(Unreadable));
        check(&whole[..whole.len() - 3], Err(Unreadable));
        check(&whole.replace("EMailAddress", "Address"), Err(Unreadable));
        check(&format!("{whole}{whole}"), Err(Unreadable));
        check("hello", Err(Unreadable));
        check("\u{0}\u{1}", Err(Unreadable));
        check(&"<a>".repeat(100_000), Err(Unreadable));
        check(&"<a>".repeat(1_000), Err(Unreadable));
        assert_eq!(read(&[0xff, 0xfe, b'<', 0]), Err(Unreadable));
    }
}
