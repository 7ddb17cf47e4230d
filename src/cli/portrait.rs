//! What the address list shows of a user, as typed and as shown.

use super::args::Portrait;
use super::{Failure, table};
use crate::admin::order::{PortraitChange, PortraitRow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Bytes of a file that is read: more than any bound behind it, so that the refusal names the bound.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The change that was typed, with the files that it names; none: nothing was.
pub(super) fn read(typed: Portrait) -> Result<Option<PortraitChange>, Failure> {
    let details = [
        ("first_name", typed.first_name),
        ("last_name", typed.last_name),
        ("title", typed.title),
        ("company", typed.company),
        ("department", typed.department),
        ("office", typed.office),
        ("phone", typed.phone),
        ("home_phone", typed.home_phone),
        ("mobile_phone", typed.mobile_phone),
    ];
    let given = details.into_iter();
    let details = given.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let photo = match &typed.photo {
        Some(path) if is_none(path) => Some(String::new()),
        Some(path) => Some(file(path)?),
        None => None,
    };
    let certificates = match &typed.certificate[..] {
        [] => None,
        [path] if is_none(path) => Some(Vec::new()),
        paths => Some(paths.iter().map(|p| file(p)).collect::<Result<_, _>>()?),
    };
    let change = PortraitChange {
        details: details.collect(),
        photo,
        certificates,
    };
    Ok((change != PortraitChange::default()).then_some(change))
}

fn is_none(path: &Path) -> bool {
    path.as_os_str() == "none"
}

fn file(path: &Path) -> Result<String, Failure> {
    let cannot = |e| Failure::new(format_args!("cannot read {}: {e}", path.display()));
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(cannot)?;
    let read = file.take(FILE_BYTES_MAX).read_to_end(&mut bytes);
    match read.map_err(cannot)? {
        0 => Err(Failure::new(format_args!("{} is empty", path.display()))),
        _ => Ok(STANDARD.encode(bytes)),
    }
}

/// Lines for a person.
pub(super) fn shown(portrait: &PortraitRow) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    for (name, value) in &portrait.details {
        let _ = writeln!(out, "{:<12} {value}", name.replace('_', " "));
    }
    if portrait.photo_bytes > 0 {
        let _ = writeln!(out, "{:<12} {} bytes", "photo", portrait.photo_bytes);
    }
    for certificate in &portrait.certificates {
        let (from, until) = (certificate.from_ms, certificate.until_ms);
        let _ = writeln!(
            out,
            "{:<12} {} by {}, {} to {}, number {}",
            "certificate",
            certificate.addresses.join(", "),
            certificate.issuer,
            table::moment(from),
            table::moment(until),
            certificate.serial,
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_an_order_and_nothing_none() {
        assert_eq!(read(Portrait::default()).unwrap(), None);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("photo.png");
        std::fs::write(&path, b"png").unwrap();
        let typed = Portrait {
            title: Some(String::new()),
            photo: Some(path.clone()),
            certificate: vec!["none".into()],
            ..Portrait::default()
        };
        let change = read(typed).unwrap().unwrap();
        assert_eq!(change.details, [("title".to_owned(), String::new())]);
        assert_eq!(change.photo.as_deref(), Some("cG5n"));
        assert_eq!(change.certificates, Some(Vec::new()));
        std::fs::write(&path, b"").unwrap();
        for path in [path, dir.path().join("absent")] {
            let typed = Portrait {
                photo: Some(path),
                ..Portrait::default()
            };
            assert!(read(typed).is_err());
        }
    }
}
