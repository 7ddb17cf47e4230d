//! Validates documents against the 41 schemas as one set.
//!
//! No schema imports another, and libxml2 wants an import in every file that names a foreign
//! namespace: copies get them, and a driver per namespace includes its files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roost_load::Node;
use roost_load::tree::Content;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Files per run of the validator, so that no command line is too long.
const FILES_PER_RUN: usize = 500;

/// The documents that are not valid: their number, and what is wrong.
pub(super) fn validate(dir: &Path, schemas: &Path, all: &[(usize, Node)]) -> Vec<(usize, String)> {
    drivers(dir, schemas);
    let mut wrong = Vec::new();
    for some in all.chunks(FILES_PER_RUN) {
        for (i, root) in some {
            let mut text = String::new();
            write(root, "", &mut text);
            fs::write(dir.join(format!("{i}.xml")), text).unwrap();
        }
        wrong.extend(run(dir, some.iter().map(|(i, _)| *i)));
    }
    wrong
}

/// The same for documents that were sent as text.
pub(super) fn validate_texts(dir: &Path, schemas: &Path, all: &[&str]) -> Vec<(usize, String)> {
    drivers(dir, schemas);
    for (i, text) in all.iter().enumerate() {
        fs::write(dir.join(format!("{i}.xml")), text).unwrap();
    }
    run(dir, 0..all.len())
}

/// Validates the files of these numbers.
fn run(dir: &Path, numbers: impl Iterator<Item = usize>) -> Vec<(usize, String)> {
    let mut xmllint = Command::new("xmllint");
    xmllint
        .current_dir(dir)
        .args(["--noout", "--schema", "all.xsd"])
        .args(numbers.map(|i| format!("{i}.xml")));
    let ran = xmllint.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(
        !said.contains("failed to compile"),
        "the schemas do not compile:\n{said}"
    );
    let mut wrong: Vec<_> = said.lines().filter_map(complaint).collect();
    if !ran.status.success() && wrong.is_empty() {
        wrong.push((usize::MAX, format!("xmllint: {said}")));
    }
    wrong
}

/// `12.xml:1: element Folders: Schemas validity error : ...`
fn complaint(line: &str) -> Option<(usize, String)> {
    let (file, error) = line.split_once(".xml:")?;
    let said = error.contains("error").then_some(error)?;
    Some((
        file.parse().ok()?,
        said.split_once(": ")
            .map_or(said, |(_, said)| said)
            .to_owned(),
    ))
}

/// Copies of the schemas with imports, a driver per namespace, and one driver for all.
fn drivers(dir: &Path, schemas: &Path) {
    let mut spaces: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for entry in fs::read_dir(schemas).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "xsd") {
            let text = fs::read_to_string(&path).unwrap();
            let space = attribute(&text, "targetNamespace").to_owned();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            spaces.entry(space).or_default().push((name, text));
        }
    }
    let names: Vec<String> = spaces.keys().cloned().collect();
    let imports = |except: &str| {
        let others = names.iter().enumerate().filter(|(_, name)| *name != except);
        others.fold(String::new(), |mut out, (i, name)| {
            let _ = writeln!(
                out,
                r#"<xs:import namespace="{name}" schemaLocation="driver{i}.xsd"/>"#
            );
            out
        })
    };
    const XS: &str = r#"xmlns:xs="http://www.w3.org/2001/XMLSchema""#;
    for (i, (space, files)) in spaces.iter().enumerate() {
        let mut driver = format!(
            "<xs:schema {XS} targetNamespace=\"{space}\">\n{}",
            imports(space)
        );
        for (name, text) in files {
            let _ = writeln!(driver, r#"<xs:include schemaLocation="{name}"/>"#);
            let root = text.find("<xs:schema").unwrap();
            let after = root + text[root..].find('>').unwrap() + 1;
            let copy = format!("{}{}{}", &text[..after], imports(space), &text[after..]);
            fs::write(dir.join(name), copy.trim_start_matches('\u{feff}')).unwrap();
        }
        driver.push_str("</xs:schema>\n");
        fs::write(dir.join(format!("driver{i}.xsd")), driver).unwrap();
    }
    let all = format!("<xs:schema {XS}>\n{}</xs:schema>\n", imports(""));
    fs::write(dir.join("all.xsd"), all).unwrap();
}

fn attribute<'a>(text: &'a str, name: &str) -> &'a str {
    let (_, after) = text.split_once(name).unwrap();
    after.split('"').nth(1).unwrap()
}

/// Writes an element as the schemas know it: namespaces without the colon, pictures left out,
/// bytes that are no text as base64, and no character that XML has not.
fn write(node: &Node, outer: &str, out: &mut String) {
    let (space, name) = (node.tag.namespace(), node.tag.name());
    let _ = write!(out, "<{name}");
    if space != outer {
        let _ = write!(out, " xmlns=\"{space}\"");
    }
    out.push('>');
    match &node.content {
        Content::Nodes(nodes) => nodes.iter().for_each(|child| write(child, space, out)),
        Content::Empty => {}
        Content::Text(_) | Content::Opaque(_) if name == "Picture" => {}
        Content::Text(text) => escape(text, out),
        Content::Opaque(bytes) => out.push_str(&STANDARD.encode(bytes)),
    }
    let _ = write!(out, "</{name}>");
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' => out.push(c),
            '\u{10000}'.. => out.push(c),
            _ => {}
        }
    }
}
