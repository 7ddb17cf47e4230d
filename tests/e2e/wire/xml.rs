//! The little XML that `wbxml2xml` writes: elements, default namespaces, text. It is read leniently,
//! since mail brings characters that no XML parser takes.

/// An element.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Element {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) children: Vec<Self>,
    pub(super) text: String,
}

/// Reads a document.
pub(super) fn parse(document: &str) -> Result<Element, String> {
    let mut rest = document;
    let mut open: Vec<Element> = Vec::new();
    while let Some(at) = rest.find('<') {
        let (text, markup) = rest.split_at(at);
        if let Some(element) = open.last_mut() {
            element.text.push_str(&unescape(text));
        }
        if let Some(data) = markup.strip_prefix("<![CDATA[") {
            let (text, after) = data.split_once("]]>").ok_or("CDATA without an end")?;
            if let Some(element) = open.last_mut() {
                element.text.push_str(text);
            }
            rest = after;
            continue;
        }
        let (tag, after) = markup[1..].split_once('>').ok_or("a tag without an end")?;
        rest = after;
        if tag.starts_with(['?', '!']) {
            continue;
        }
        let closes = tag.starts_with('/') || tag.ends_with('/');
        if !tag.starts_with('/') {
            let outer = open.last().map(|e| e.namespace.clone()).unwrap_or_default();
            open.push(element(tag.trim_end_matches('/'), outer));
        }
        if closes {
            let mut done = open.pop().ok_or("an end without a beginning")?;
            if !done.children.is_empty() {
                done.text.clear();
            }
            match open.last_mut() {
                Some(outer) => outer.children.push(done),
                None => return Ok(done),
            }
        }
    }
    Err("no root element".to_owned())
}

fn element(tag: &str, outer: String) -> Element {
    let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
    let namespace = attributes
        .split_once("xmlns=\"")
        .and_then(|(_, v)| v.split_once('"'));
    Element {
        namespace: namespace.map_or(outer, |(value, _)| value.to_owned()),
        name: name.to_owned(),
        children: Vec::new(),
        text: String::new(),
    }
}

fn unescape(text: &str) -> String {
    let mut pieces = text.split('&');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (entity, after) = piece.split_once(';').unwrap_or((piece, ""));
        match entity {
            "lt" => out.push('<'),
            "gt" => out.push('>'),
            "amp" => out.push('&'),
            "quot" => out.push('"'),
            "apos" => out.push('\''),
            number => {
                let hex = number
                    .strip_prefix("#x")
                    .map(|n| u32::from_str_radix(n, 16));
                let number = hex.or_else(|| number.strip_prefix('#').map(str::parse));
                out.extend(number.and_then(Result::ok).and_then(char::from_u32));
            }
        }
        out.push_str(after);
    }
    out
}

#[test]
fn namespaces_are_inherited_and_text_is_unescaped() {
    let root = parse(
        "<?xml version=\"1.0\"?><!DOCTYPE x><A xmlns=\"P:\"><B/><C xmlns=\"Q:\">&lt;&#13;x</C></A>",
    );
    let root = root.unwrap();
    let of = |e: &Element| (e.namespace.clone(), e.name.clone(), e.text.clone());
    let expect = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(of(&root.children[0]), expect("P:", "B", ""));
    assert_eq!(of(&root.children[1]), expect("Q:", "C", "<\rx"));
}
