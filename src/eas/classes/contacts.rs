//! Contacts ([MS-ASCNTC]), in the pages Contacts and Contacts2.

use super::body::{self, OldTags};
use super::value::{self, write_dashed, write_strings};
use super::{Context, Decoded, Error, Slot, Source, check_version};
use crate::eas::quirks::{Quirk, Quirks};
use crate::pim::contact::ArchivedContact;
use crate::pim::tz::DAY_MS;
use crate::pim::{Class, Contact, ContactField, Record};
use crate::wbxml::tags::{airsyncbase, contacts, contacts2};
use crate::wbxml::{Reader, Tag, Writer};
use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{alphabet, engine::DecodePaddingMode};

const HOUR_MS: i64 = 3_600_000;
/// Bytes of a picture in base64 ([MS-ASCNTC] 2.2.2.56: 48 KB).
const PICTURE_TEXT_MAX: usize = 48 * 1024;

const OLD_BODY: OldTags = OldTags {
    body: contacts::BODY,
    size: Some(contacts::BODY_SIZE),
    truncated: contacts::BODY_TRUNCATED,
    rtf: Some(contacts::COMPRESSED_RTF),
};

/// Clients differ in whether they pad.
const PICTURE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Every text property and its tag, in the order of the properties. Which versions have it is in
/// the table of tags.
const FIELDS: &[(ContactField, Tag)] = &[
    (ContactField::FileAs, contacts::FILE_AS),
    (ContactField::FirstName, contacts::FIRST_NAME),
    (ContactField::MiddleName, contacts::MIDDLE_NAME),
    (ContactField::LastName, contacts::LAST_NAME),
    (ContactField::Title, contacts::TITLE),
    (ContactField::Suffix, contacts::SUFFIX),
    (ContactField::Alias, contacts::ALIAS),
    (ContactField::CompanyName, contacts::COMPANY_NAME),
    (ContactField::Department, contacts::DEPARTMENT),
    (ContactField::JobTitle, contacts::JOB_TITLE),
    (ContactField::OfficeLocation, contacts::OFFICE_LOCATION),
    (ContactField::AssistantName, contacts::ASSISTANT_NAME),
    (ContactField::ManagerName, contacts2::MANAGER_NAME),
    (ContactField::Spouse, contacts::SPOUSE),
    (ContactField::NickName, contacts2::NICK_NAME),
    (ContactField::Email1Address, contacts::EMAIL1_ADDRESS),
    (ContactField::Email2Address, contacts::EMAIL2_ADDRESS),
    (ContactField::Email3Address, contacts::EMAIL3_ADDRESS),
    (ContactField::ImAddress, contacts2::IM_ADDRESS),
    (ContactField::ImAddress2, contacts2::IM_ADDRESS2),
    (ContactField::ImAddress3, contacts2::IM_ADDRESS3),
    (ContactField::WebPage, contacts::WEB_PAGE),
    (
        ContactField::BusinessPhoneNumber,
        contacts::BUSINESS_PHONE_NUMBER,
    ),
    (
        ContactField::Business2PhoneNumber,
        contacts::BUSINESS2_PHONE_NUMBER,
    ),
    (
        ContactField::BusinessFaxNumber,
        contacts::BUSINESS_FAX_NUMBER,
    ),
    (ContactField::HomePhoneNumber, contacts::HOME_PHONE_NUMBER),
    (ContactField::Home2PhoneNumber, contacts::HOME2_PHONE_NUMBER),
    (ContactField::HomeFaxNumber, contacts::HOME_FAX_NUMBER),
    (
        ContactField::MobilePhoneNumber,
        contacts::MOBILE_PHONE_NUMBER,
    ),
    (ContactField::CarPhoneNumber, contacts::CAR_PHONE_NUMBER),
    (ContactField::RadioPhoneNumber, contacts::RADIO_PHONE_NUMBER),
    (ContactField::PagerNumber, contacts::PAGER_NUMBER),
    (
        ContactField::AssistantPhoneNumber,
        contacts::ASSISTANT_PHONE_NUMBER,
    ),
    (
        ContactField::CompanyMainPhone,
        contacts2::COMPANY_MAIN_PHONE,
    ),
    (ContactField::Mms, contacts2::MMS),
    (
        ContactField::BusinessAddressStreet,
        contacts::BUSINESS_ADDRESS_STREET,
    ),
    (
        ContactField::BusinessAddressCity,
        contacts::BUSINESS_ADDRESS_CITY,
    ),
    (
        ContactField::BusinessAddressState,
        contacts::BUSINESS_ADDRESS_STATE,
    ),
    (
        ContactField::BusinessAddressPostalCode,
        contacts::BUSINESS_ADDRESS_POSTAL_CODE,
    ),
    (
        ContactField::BusinessAddressCountry,
        contacts::BUSINESS_ADDRESS_COUNTRY,
    ),
    (
        ContactField::HomeAddressStreet,
        contacts::HOME_ADDRESS_STREET,
    ),
    (ContactField::HomeAddressCity, contacts::HOME_ADDRESS_CITY),
    (ContactField::HomeAddressState, contacts::HOME_ADDRESS_STATE),
    (
        ContactField::HomeAddressPostalCode,
        contacts::HOME_ADDRESS_POSTAL_CODE,
    ),
    (
        ContactField::HomeAddressCountry,
        contacts::HOME_ADDRESS_COUNTRY,
    ),
    (
        ContactField::OtherAddressStreet,
        contacts::OTHER_ADDRESS_STREET,
    ),
    (ContactField::OtherAddressCity, contacts::OTHER_ADDRESS_CITY),
    (
        ContactField::OtherAddressState,
        contacts::OTHER_ADDRESS_STATE,
    ),
    (
        ContactField::OtherAddressPostalCode,
        contacts::OTHER_ADDRESS_POSTAL_CODE,
    ),
    (
        ContactField::OtherAddressCountry,
        contacts::OTHER_ADDRESS_COUNTRY,
    ),
    (ContactField::YomiFirstName, contacts::YOMI_FIRST_NAME),
    (ContactField::YomiLastName, contacts::YOMI_LAST_NAME),
    (ContactField::YomiCompanyName, contacts::YOMI_COMPANY_NAME),
    (ContactField::CustomerId, contacts2::CUSTOMER_ID),
    (ContactField::GovernmentId, contacts2::GOVERNMENT_ID),
    (ContactField::AccountName, contacts2::ACCOUNT_NAME),
    (ContactField::WeightedRank, contacts::WEIGHTED_RANK),
];

/// The tag of each property and the versions that have it, at the place that is its number.
static BY_NUMBER: [Option<(Tag, u8)>; 84] = by_number();

#[expect(clippy::indexing_slicing, reason = "runs when the server is built")]
const fn by_number() -> [Option<(Tag, u8)>; 84] {
    let mut table = [None; 84];
    let mut fields = FIELDS;
    while let [(field, tag), rest @ ..] = fields {
        table[*field as usize] = Some((*tag, tag.versions_in_table()));
        fields = rest;
    }
    table
}

/// Writes the properties of a contact.
pub(super) fn encode(w: &mut Writer, c: &ArchivedContact, ctx: &Context<'_>) {
    // A contact without a name still needs one property.
    if c.fields.is_empty() {
        w.empty(contacts::FILE_AS);
    }
    for field in c.fields.iter() {
        let (field, text) = (ContactField::from(field.0), field.1.as_str());
        if let Some(Some((tag, versions))) = BY_NUMBER.get(field as usize).copied()
            && ctx.version.is_of(versions)
            && (field != ContactField::WeightedRank || text.parse::<i32>().is_ok())
        {
            w.text(tag, text);
        }
    }
    let day = |ms| value::ms(ms).map(|ms| day_for(ms, ctx.quirks));
    write_dashed(w, contacts::BIRTHDAY, day(&c.birthday_ms));
    write_dashed(w, contacts::ANNIVERSARY, day(&c.anniversary_ms));
    write_strings(w, contacts::CATEGORIES, contacts::CATEGORY, &c.categories);
    write_strings(w, contacts::CHILDREN, contacts::CHILD, &c.children);
    if let Some(picture) = ctx.fetched.picture.as_deref() {
        let text = STANDARD.encode(picture);
        if text.len() <= PICTURE_TEXT_MAX {
            w.text(contacts::PICTURE, &text);
        }
    }
    body::write(w, ctx, &c.body, Some(OLD_BODY));
}

/// Reads `ApplicationData`, just named.
pub(super) fn decode(
    r: &mut Reader<'_>,
    existing: Option<Contact>,
    source: &Source<'_>,
) -> Result<Decoded, Error> {
    let fresh = existing.is_none();
    let mut c = existing.unwrap_or_else(|| Contact {
        created_ms: source.now_ms,
        ..Contact::default()
    });
    let mut seen: Vec<Tag> = Vec::with_capacity(32);
    let mut uploads = Vec::new();
    while let Some(tag) = r.child()? {
        check_version(tag, source.version)?;
        if !seen.contains(&tag) {
            seen.push(tag);
        }
        element(&mut c, r, tag, source, &mut uploads)?;
    }
    if !fresh {
        clear(&mut c, &seen, source);
    }
    Ok(Decoded {
        uploads,
        ..Decoded::of(Record::Contact(c))
    })
}

fn element(
    c: &mut Contact,
    r: &mut Reader<'_>,
    tag: Tag,
    source: &Source<'_>,
    uploads: &mut Vec<(Slot, Vec<u8>)>,
) -> Result<(), Error> {
    match tag {
        contacts::BIRTHDAY => c.birthday_ms = day(r, tag, source.quirks)?,
        contacts::ANNIVERSARY => c.anniversary_ms = day(r, tag, source.quirks)?,
        contacts::CATEGORIES => c.categories = value::strings(r, tag, contacts::CATEGORY)?,
        contacts::CHILDREN => c.children = value::strings(r, tag, contacts::CHILD)?,
        contacts::PICTURE => match picture(r)? {
            Some(bytes) => uploads.push((Slot::Picture, bytes)),
            None if source.quirks.has(Quirk::EmptyPictureKept) => {}
            None => c.picture = None,
        },
        airsyncbase::BODY => {
            if let Some(new) = body::read(r, source.version)? {
                body::set(&mut c.body, new, uploads);
            }
        }
        contacts::COMPRESSED_RTF => {
            if let Some(new) = body::read_rtf(r)? {
                body::set(&mut c.body, new, uploads);
            }
        }
        contacts::BODY => {
            let text = value::text(r)?;
            body::set(
                &mut c.body,
                body::NewBody {
                    text,
                    ..Default::default()
                },
                uploads,
            );
        }
        _ => match field_of(tag) {
            Some(field) => c.set(field, value::text(r)?),
            None => r.skip()?,
        },
    }
    Ok(())
}

/// A birthday or anniversary. Of a client that takes them for dates, the date, whatever time it sends:
/// the others leave the time that they were given.
fn day(r: &mut Reader<'_>, tag: Tag, quirks: Quirks) -> Result<Option<i64>, Error> {
    let at = value::time(r, tag)?;
    Ok(at.map(|ms| match quirks.birthday_hour() {
        Some(_) => ms - ms.rem_euclid(DAY_MS),
        None => ms,
    }))
}

/// The same as a client is told: where it takes them for dates, the date at its hour. The midnight of
/// another zone belongs to the nearest date, noon to its own.
fn day_for(ms: i64, quirks: Quirks) -> i64 {
    match quirks.birthday_hour() {
        Some(hour) => {
            let late = ms.saturating_add(DAY_MS / 2 - 1);
            late - late.rem_euclid(DAY_MS) + hour * HOUR_MS
        }
        None => ms,
    }
}

/// None for an empty element.
fn picture(r: &mut Reader<'_>) -> Result<Option<Vec<u8>>, Error> {
    let text = r.text()?;
    if text.len() > PICTURE_TEXT_MAX + PICTURE_TEXT_MAX / 16 {
        return Err(Error::Many(contacts::PICTURE));
    }
    // Some clients break the text into lines.
    let solid: String = text.split_ascii_whitespace().collect();
    match PICTURE.decode(solid) {
        Ok(bytes) if bytes.is_empty() => Ok(None),
        Ok(bytes) => Ok(Some(bytes)),
        Err(_) => Err(Error::Value(contacts::PICTURE)),
    }
}

/// Deletes what the client owns and left out. The notes stay in any case, and the picture too:
/// several clients leave it out of edits.
fn clear(c: &mut Contact, seen: &[Tag], source: &Source<'_>) {
    let gone = |tag: Tag| {
        !seen.contains(&tag)
            // A client of an old version cannot mean what it has no tag for.
            && source.version.has(tag)
            && source.supported.owns(tag, Class::Contacts, source.version)
    };
    for (field, tag) in FIELDS {
        if gone(*tag) {
            c.set(*field, "");
        }
    }
    if gone(contacts::BIRTHDAY) {
        c.birthday_ms = None;
    }
    if gone(contacts::ANNIVERSARY) {
        c.anniversary_ms = None;
    }
    if gone(contacts::CATEGORIES) {
        c.categories.clear();
    }
    if gone(contacts::CHILDREN) {
        c.children.clear();
    }
}

fn field_of(tag: Tag) -> Option<ContactField> {
    FIELDS.iter().find(|(_, t)| *t == tag).map(|(f, _)| *f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_one_tag() {
        for field in ContactField::ALL {
            let (tag, versions) = BY_NUMBER[*field as usize].unwrap();
            assert_eq!(field_of(tag), Some(*field));
            assert_eq!(versions, tag.versions());
        }
        assert_eq!(FIELDS.len(), ContactField::ALL.len());
    }
}
