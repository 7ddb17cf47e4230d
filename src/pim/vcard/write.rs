//! A [`Contact`] as a card.

use super::super::body::BodyKind;
use super::super::contact::{Contact, ContactField as F};
use super::super::lines::{Lines, escaped};
use super::super::tz::civil;
use super::super::{html, rtf};
use super::Version;
use super::entry::NO_YEAR;
use super::read::{COMMON, OWN, display_name};
use super::slots::{AddressFields, BUSINESS, HOME, OTHER};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const PHONES: &[(F, &str)] = &[
    (F::BusinessPhoneNumber, "TEL;TYPE=WORK,VOICE"),
    (F::Business2PhoneNumber, "TEL;TYPE=WORK,VOICE"),
    (F::HomePhoneNumber, "TEL;TYPE=HOME,VOICE"),
    (F::Home2PhoneNumber, "TEL;TYPE=HOME,VOICE"),
    (F::MobilePhoneNumber, "TEL;TYPE=CELL"),
    (F::BusinessFaxNumber, "TEL;TYPE=WORK,FAX"),
    (F::HomeFaxNumber, "TEL;TYPE=HOME,FAX"),
    (F::CarPhoneNumber, "TEL;TYPE=CAR"),
    (F::RadioPhoneNumber, "TEL;TYPE=X-RADIO"),
    (F::PagerNumber, "TEL;TYPE=PAGER"),
    (F::AssistantPhoneNumber, "TEL;TYPE=X-ASSISTANT"),
    (F::CompanyMainPhone, "TEL;TYPE=X-COMPANY"),
];

/// A contact as a card, with the bytes of its photo.
#[must_use]
pub fn to_vcf(contact: &Contact, photo: Option<&[u8]>, version: Version) -> String {
    let mut out = Lines::default();
    out.raw("BEGIN", "VCARD");
    out.raw(
        "VERSION",
        if version == Version::V4 { "4.0" } else { "3.0" },
    );
    names(&mut out, contact);
    for (field, name) in PHONES {
        out.text(name, contact.get(*field));
    }
    for field in [F::Email1Address, F::Email2Address, F::Email3Address] {
        out.text("EMAIL;TYPE=INTERNET", contact.get(field));
    }
    for field in [F::ImAddress, F::ImAddress2, F::ImAddress3] {
        out.text("IMPP", contact.get(field));
    }
    address(&mut out, contact, "ADR;TYPE=WORK", &BUSINESS);
    address(&mut out, contact, "ADR;TYPE=HOME", &HOME);
    address(&mut out, contact, "ADR", &OTHER);
    for (field, names) in COMMON {
        out.text(names.first().unwrap_or(&""), contact.get(*field));
    }
    for (field, name) in OWN {
        out.text(name, contact.get(*field));
    }
    dates(&mut out, contact, version);
    let child = if version == Version::V4 {
        "RELATED;TYPE=child;VALUE=text"
    } else {
        "X-MS-CHILD"
    };
    for name in &contact.children {
        out.text(child, name);
    }
    if !contact.categories.is_empty() {
        let names: Vec<String> = contact.categories.iter().map(|c| escaped(c)).collect();
        out.raw("CATEGORIES", &names.join(","));
    }
    match contact.body.kind {
        BodyKind::Text => out.text("NOTE", &contact.body.text),
        BodyKind::Html => out.text("NOTE", &html::to_text(&contact.body.text)),
        BodyKind::Rtf => out.text("NOTE", &rtf::to_text(&contact.body.text)),
        BodyKind::Mime => {}
    }
    if let Some(photo) = photo.filter(|p| !p.is_empty()) {
        picture(&mut out, photo, version);
    }
    out.text("UID", &contact.uid);
    out.raw("END", "VCARD");
    out.finish()
}

fn names(out: &mut Lines, contact: &Contact) {
    let shown = match contact.get(F::FileAs) {
        "" => display_name(contact),
        name => name.to_owned(),
    };
    // `FN` has to be there, even if there is nothing to say.
    out.raw("FN", &escaped(&shown));
    let parts = [
        F::LastName,
        F::FirstName,
        F::MiddleName,
        F::Title,
        F::Suffix,
    ];
    out.raw("N", &parts.map(|f| escaped(contact.get(f))).join(";"));
    out.text("NICKNAME", contact.get(F::NickName));
    let (company, department) = (contact.get(F::CompanyName), contact.get(F::Department));
    if !company.is_empty() || !department.is_empty() {
        let mut parts = vec![escaped(company)];
        parts.extend(
            department
                .split("; ")
                .filter(|d| !d.is_empty())
                .map(escaped),
        );
        out.raw("ORG", &parts.join(";"));
    }
}

fn address(out: &mut Lines, contact: &Contact, name: &str, fields: &AddressFields) {
    if fields.iter().any(|f| !contact.get(*f).is_empty()) {
        let parts = fields.map(|f| escaped(contact.get(f))).join(";");
        out.raw(name, &format!(";;{parts}"));
    }
}

/// Dates of a wall calendar: the day in UTC.
fn dates(out: &mut Lines, contact: &Contact, version: Version) {
    let anniversary = if version == Version::V4 {
        "ANNIVERSARY"
    } else {
        "X-ANNIVERSARY"
    };
    let dates = [
        ("BDAY", contact.birthday_ms),
        (anniversary, contact.anniversary_ms),
    ];
    for (name, ms) in dates {
        let Some(day) = ms.map(|ms| civil(ms).date()) else {
            continue;
        };
        let omitted = day.year() == NO_YEAR;
        match version {
            Version::V4 if omitted => out.raw(name, &day.strftime("--%m%d").to_string()),
            Version::V4 => out.raw(name, &day.strftime("%Y%m%d").to_string()),
            Version::V3 if omitted => {
                let name = format!("{name};X-APPLE-OMIT-YEAR={NO_YEAR}");
                out.raw(&name, &day.strftime("%Y-%m-%d").to_string());
            }
            Version::V3 => out.raw(name, &day.strftime("%Y-%m-%d").to_string()),
        }
    }
}

fn picture(out: &mut Lines, photo: &[u8], version: Version) {
    let kind = if photo.starts_with(b"\x89PNG") {
        "PNG"
    } else if photo.starts_with(b"GIF8") {
        "GIF"
    } else {
        "JPEG"
    };
    let text = STANDARD.encode(photo);
    match version {
        Version::V3 => out.raw(&format!("PHOTO;ENCODING=b;TYPE={kind}"), &text),
        Version::V4 => {
            let kind = kind.to_ascii_lowercase();
            out.raw("PHOTO", &format!("data:image/{kind};base64,{text}"));
        }
    }
}
