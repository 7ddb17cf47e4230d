//! Numbers and addresses: which of the protocol's fields each one goes to.

use super::super::contact::{Contact, ContactField as F};
use super::entry::Property;

/// What stands behind the scheme of a URI (`tel:`), in a value that may be one. Behind a second scheme,
/// too: what is written of it is read as the same.
pub(super) fn bare<'a>(text: &'a str, scheme: &str) -> &'a str {
    let mut rest = text.trim();
    while let Some((head, behind)) = rest.split_at_checked(scheme.len())
        && head.eq_ignore_ascii_case(scheme)
    {
        rest = behind.trim_start();
    }
    rest
}

/// Puts a telephone number into the first free field that fits.
pub(super) fn phone(contact: &mut Contact, property: &Property<'_>) {
    let text = property.text();
    let number = bare(&text, "tel:");
    if number.is_empty() {
        return;
    }
    let (home, work) = (property.is(&["HOME"]), property.is(&["WORK"]));
    let fields: &[F] = if property.is(&["FAX", "HOMEFAX", "WORKFAX", "HOME FAX", "WORK FAX"]) {
        if home || property.is(&["HOMEFAX", "HOME FAX"]) {
            &[F::HomeFaxNumber]
        } else {
            &[F::BusinessFaxNumber, F::HomeFaxNumber]
        }
    } else if property.is(&["PAGER"]) {
        &[F::PagerNumber]
    } else if property.is(&["CAR"]) {
        &[F::CarPhoneNumber]
    } else if property.is(&["X-RADIO", "X-EVOLUTION-RADIO", "RADIO"]) {
        &[F::RadioPhoneNumber]
    } else if property.is(&["X-ASSISTANT", "X-EVOLUTION-ASSISTANT", "ASSISTANT"]) {
        &[F::AssistantPhoneNumber]
    } else if property.is(&[
        "X-COMPANY",
        "X-EVOLUTION-COMPANY",
        "COMPANY",
        "MAIN",
        "MAIN-NUMBER",
    ]) {
        &[F::CompanyMainPhone, F::BusinessPhoneNumber]
    } else if property.is(&["CELL", "IPHONE", "MOBILE"]) {
        &[
            F::MobilePhoneNumber,
            F::Home2PhoneNumber,
            F::Business2PhoneNumber,
        ]
    } else if work {
        &[
            F::BusinessPhoneNumber,
            F::Business2PhoneNumber,
            F::CompanyMainPhone,
        ]
    } else if home {
        &[F::HomePhoneNumber, F::Home2PhoneNumber]
    } else {
        &[
            F::MobilePhoneNumber,
            F::HomePhoneNumber,
            F::BusinessPhoneNumber,
            F::Home2PhoneNumber,
        ]
    };
    first_free(contact, fields, number);
}

/// Sets the first of these fields that is empty; nothing if none is.
pub(super) fn first_free(contact: &mut Contact, fields: &[F], value: &str) {
    if fields.iter().any(|f| contact.get(*f) == value) {
        return;
    }
    if let Some(field) = fields.iter().find(|f| contact.get(**f).is_empty()) {
        contact.set(*field, value);
    }
}

/// Street, town, region, postal code and country of one address.
pub(super) type AddressFields = [F; 5];

/// The three addresses of the protocol.
pub(super) const BUSINESS: AddressFields = [
    F::BusinessAddressStreet,
    F::BusinessAddressCity,
    F::BusinessAddressState,
    F::BusinessAddressPostalCode,
    F::BusinessAddressCountry,
];
/// See [`BUSINESS`].
pub(super) const HOME: AddressFields = [
    F::HomeAddressStreet,
    F::HomeAddressCity,
    F::HomeAddressState,
    F::HomeAddressPostalCode,
    F::HomeAddressCountry,
];
/// See [`BUSINESS`].
pub(super) const OTHER: AddressFields = [
    F::OtherAddressStreet,
    F::OtherAddressCity,
    F::OtherAddressState,
    F::OtherAddressPostalCode,
    F::OtherAddressCountry,
];

/// Puts an address into the first free place that fits.
pub(super) fn address(contact: &mut Contact, property: &Property<'_>) {
    // Post-office box, extension and street are lines of one field.
    let lines = [property.part(0), property.part(1), property.part(2)];
    let lines: Vec<String> = lines.into_iter().filter(|l| !l.is_empty()).collect();
    let values = [
        lines.join("\n"),
        property.part(3),
        property.part(4),
        property.part(5),
        property.part(6),
    ];
    if values.iter().all(String::is_empty) {
        return;
    }
    let places: &[AddressFields] = if property.is(&["WORK"]) {
        &[BUSINESS, OTHER]
    } else if property.is(&["HOME"]) {
        &[HOME, OTHER]
    } else {
        &[OTHER, HOME, BUSINESS]
    };
    let free = |place: &&AddressFields| place.iter().all(|f| contact.get(*f).is_empty());
    if let Some(place) = places.iter().find(free) {
        for (field, value) in place.iter().zip(values) {
            contact.set(*field, value);
        }
    }
}
