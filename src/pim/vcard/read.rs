//! A card as a [`Contact`].

use super::super::body::Body;
use super::super::contact::{Contact, ContactField as F};
use super::super::lines::single_spaced;
use super::ParsedContact;
use super::entry::{Labels, Property, preferred};
use super::slots::{address, bare, first_free, phone};
use crate::limits::CATEGORIES_MAX;
use calcard::vcard::VCard;

/// Text fields of ours that no version of the standard has a name for.
pub(super) const OWN: &[(F, &str)] = &[
    (F::Alias, "X-ROOST-ALIAS"),
    (F::Mms, "X-ROOST-MMS"),
    (F::CustomerId, "X-ROOST-CUSTOMER-ID"),
    (F::GovernmentId, "X-ROOST-GOVERNMENT-ID"),
    (F::AccountName, "X-ROOST-ACCOUNT-NAME"),
    (F::WeightedRank, "X-ROOST-WEIGHTED-RANK"),
];

/// Text fields by the names that several programs have for them; the first one is written.
pub(super) const COMMON: &[(F, &[&str])] = &[
    (F::JobTitle, &["TITLE"]),
    (F::WebPage, &["URL"]),
    (
        F::OfficeLocation,
        &["X-EVOLUTION-OFFICE", "X-KADDRESSBOOK-X-OFFICE", "X-OFFICE"],
    ),
    (
        F::ManagerName,
        &[
            "X-EVOLUTION-MANAGER",
            "X-KADDRESSBOOK-X-MANAGERSNAME",
            "X-MANAGER",
            "X-MS-MANAGER",
        ],
    ),
    (
        F::AssistantName,
        &[
            "X-EVOLUTION-ASSISTANT",
            "X-KADDRESSBOOK-X-ASSISTANTSNAME",
            "X-ASSISTANT",
            "X-MS-ASSISTANT",
        ],
    ),
    (
        F::Spouse,
        &[
            "X-EVOLUTION-SPOUSE",
            "X-KADDRESSBOOK-X-SPOUSESNAME",
            "X-SPOUSE",
            "X-MS-SPOUSE",
        ],
    ),
    (F::YomiFirstName, &["X-PHONETIC-FIRST-NAME"]),
    (F::YomiLastName, &["X-PHONETIC-LAST-NAME"]),
    (
        F::YomiCompanyName,
        &["X-PHONETIC-ORG", "X-PHONETIC-COMPANY-NAME"],
    ),
];

const EMAILS: [F; 3] = [F::Email1Address, F::Email2Address, F::Email3Address];
const CHATS: [F; 3] = [F::ImAddress, F::ImAddress2, F::ImAddress3];

/// Reads a card; none if it says nothing.
pub(super) fn contact(card: &VCard, now_ms: i64) -> Option<ParsedContact> {
    let mut out = ParsedContact::default();
    out.contact.created_ms = now_ms;
    let labels = Labels::of(card);
    let properties = card.entries.iter().map(|e| Property::of(e, &labels));
    let mut properties: Vec<Property<'_>> = properties.collect();
    // The preferred number is the one that a phone dials; the sort keeps the order of the rest.
    properties.sort_by_key(preferred);
    for property in &properties {
        take(&mut out, property);
    }
    name_it(&mut out.contact);
    (!out.contact.fields.is_empty()).then_some(out)
}

fn take(out: &mut ParsedContact, property: &Property<'_>) {
    let contact = &mut out.contact;
    match property.name().as_str() {
        "FN" => first_free(contact, &[F::FileAs], &property.text()),
        "N" => name(contact, property),
        "NICKNAME" => first_free(contact, &[F::NickName], &single_spaced(&property.text())),
        "ORG" => organization(contact, property),
        "EMAIL" => {
            first_free(contact, &EMAILS, bare(&property.text(), "mailto:"));
        }
        "TEL" => phone(contact, property),
        "ADR" => address(contact, property),
        "IMPP" | "X-JABBER" | "X-SKYPE" | "X-SKYPE-USERNAME" | "X-AIM" | "X-ICQ" | "X-MSN"
        | "X-YAHOO" | "X-GOOGLE-TALK" | "X-GTALK" | "X-MS-IMADDRESS" => {
            first_free(contact, &CHATS, &property.text());
        }
        "BDAY" => contact.birthday_ms = contact.birthday_ms.or_else(|| property.date_ms()),
        "ANNIVERSARY"
        | "X-ANNIVERSARY"
        | "X-EVOLUTION-ANNIVERSARY"
        | "X-KADDRESSBOOK-X-ANNIVERSARY"
        | "X-MS-ANNIVERSARY" => anniversary(contact, property),
        "X-ABDATE" if property.is(&["ANNIVERSARY"]) => anniversary(contact, property),
        "CATEGORIES" => categories(contact, property),
        "NOTE" => note(contact, property),
        "UID" if contact.uid.is_empty() => contact.uid = property.text(),
        "PHOTO" if out.photo.is_none() => out.photo = property.bytes(),
        "RELATED" | "X-ABRELATEDNAMES" => related(contact, property),
        "X-MS-CHILD" | "X-CHILD" => child(contact, property.text()),
        "ROLE" => {
            if contact.get(F::JobTitle).is_empty() {
                contact.set(F::JobTitle, property.text());
            }
        }
        other => {
            let common = COMMON
                .iter()
                .find(|(_, names)| names.contains(&other))
                .map(|c| c.0);
            let own = OWN.iter().find(|(_, name)| *name == other).map(|o| o.0);
            if let Some(field) = common.or(own) {
                // A title displaces the role that was taken for want of one.
                let replace = field == F::JobTitle || contact.get(field).is_empty();
                if replace && !property.text().is_empty() {
                    contact.set(field, property.text());
                }
            }
        }
    }
}

fn name(contact: &mut Contact, property: &Property<'_>) {
    let fields = [
        F::LastName,
        F::FirstName,
        F::MiddleName,
        F::Title,
        F::Suffix,
    ];
    for (i, field) in fields.into_iter().enumerate() {
        if contact.get(field).is_empty() {
            contact.set(field, property.names(i));
        }
    }
}

/// The company, then its units, the largest first.
fn organization(contact: &mut Contact, property: &Property<'_>) {
    let mut parts = property.parts().into_iter().map(|p| p.trim().to_owned());
    if !contact.get(F::CompanyName).is_empty() || !contact.get(F::Department).is_empty() {
        return;
    }
    contact.set(F::CompanyName, parts.next().unwrap_or_default());
    let units: Vec<String> = parts.filter(|p| !p.is_empty()).collect();
    contact.set(F::Department, units.join("; "));
}

fn anniversary(contact: &mut Contact, property: &Property<'_>) {
    contact.anniversary_ms = contact.anniversary_ms.or_else(|| property.date_ms());
}

fn categories(contact: &mut Contact, property: &Property<'_>) {
    for name in property.parts() {
        let name = single_spaced(&name);
        let known = contact.categories.contains(&name);
        if !name.is_empty() && !known && contact.categories.len() < CATEGORIES_MAX {
            contact.categories.push(name);
        }
    }
}

fn note(contact: &mut Contact, property: &Property<'_>) {
    let text = property.parts().join(",");
    if contact.body.text.is_empty() {
        contact.body = Body {
            text,
            ..Body::default()
        };
    } else if !text.is_empty() {
        contact.body.text.push('\n');
        contact.body.text.push_str(&text);
    }
}

/// `RELATED` and Apple's names: family, superior and assistant.
fn related(contact: &mut Contact, property: &Property<'_>) {
    let text = property.text();
    if text.starts_with("urn:") {
        return; // Another card, not a name.
    }
    if property.is(&["SPOUSE", "PARTNER", "SWEETHEART"]) {
        first_free(contact, &[F::Spouse], &text);
    } else if property.is(&["CHILD", "SON", "DAUGHTER"]) {
        child(contact, text);
    } else if property.is(&["MANAGER", "X-MANAGER"]) {
        first_free(contact, &[F::ManagerName], &text);
    } else if property.is(&["ASSISTANT", "AGENT", "X-ASSISTANT"]) {
        first_free(contact, &[F::AssistantName], &text);
    }
}

fn child(contact: &mut Contact, name: String) {
    let known = contact.children.contains(&name);
    if !name.is_empty() && !known && contact.children.len() < CATEGORIES_MAX {
        contact.children.push(name);
    }
}

/// A contact without a name gets the best there is, so that a phone has something to show.
fn name_it(contact: &mut Contact) {
    if contact.get(F::FileAs).is_empty() {
        let name = display_name(contact);
        contact.set(F::FileAs, name);
    }
    let nameless = [F::FirstName, F::LastName, F::MiddleName, F::CompanyName];
    if nameless.iter().all(|f| contact.get(*f).is_empty()) {
        let name = contact.get(F::FileAs).to_owned();
        contact.set(F::LastName, name);
    }
}

/// First, middle and last name; else company, mail address or number.
pub(super) fn display_name(contact: &Contact) -> String {
    let names = [F::FirstName, F::MiddleName, F::LastName].map(|f| contact.get(f));
    let names: Vec<&str> = names.into_iter().filter(|n| !n.is_empty()).collect();
    if !names.is_empty() {
        return names.join(" ");
    }
    let others = [
        F::CompanyName,
        F::NickName,
        F::Email1Address,
        F::MobilePhoneNumber,
    ];
    let others = others.into_iter().chain(F::ALL.iter().copied());
    let mut known = others.map(|f| contact.get(f)).filter(|v| !v.is_empty());
    known.next().unwrap_or_default().to_owned()
}
