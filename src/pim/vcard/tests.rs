//! Contacts from cards and back.

use super::*;
use crate::limits::CATEGORIES_MAX;
use crate::pim::body::Body;
use crate::pim::contact::ContactField as F;
use crate::pim::tz::wall_of;
use jiff::civil::date;
use proptest::prelude::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

fn cards(lines: &str) -> Vec<ParsedContact> {
    let text = format!("BEGIN:VCARD\nVERSION:3.0\n{lines}\nEND:VCARD\n");
    parse(text.replace('\n', "\r\n").as_bytes(), 7).unwrap()
}

/// The fields that a card with these lines fills.
fn check(lines: &str, expect: &[(F, &str)]) {
    let found = cards(lines).remove(0).contact;
    for (field, value) in expect {
        assert_eq!(found.get(*field), *value, "{field:?} of {lines}");
    }
}

fn day(y: i16, m: i8, d: i8) -> Option<i64> {
    Some(wall_of(date(y, m, d).at(0, 0, 0, 0)))
}

#[test]
fn names_and_companies() {
    check(
        "FN:Dr. Ada Quist\nN:Quist;Ada;Maria,Luise;Dr.;MSc\nNICKNAME:Addie\nORG:Dune Maps;Design;Fonts\nTITLE:Head\nROLE:Boss",
        &[
            (F::FileAs, "Dr. Ada Quist"),
            (F::LastName, "Quist"),
            (F::FirstName, "Ada"),
            (F::MiddleName, "Maria Luise"),
            (F::Title, "Dr."),
            (F::Suffix, "MSc"),
            (F::NickName, "Addie"),
            (F::CompanyName, "Dune Maps"),
            (F::Department, "Design; Fonts"),
            (F::JobTitle, "Head"),
        ],
    );
    check(
        "FN:Only a Name",
        &[(F::FileAs, "Only a Name"), (F::LastName, "Only a Name")],
    );
    check("EMAIL:lone@example.org", &[(F::FileAs, "lone@example.org")]);
    check(
        "ORG:Dune Maps",
        &[(F::FileAs, "Dune Maps"), (F::LastName, "")],
    );
}

#[test]
fn a_scheme_is_no_part_of_a_number_or_an_address() {
    let expect = [
        (F::HomePhoneNumber, "1"),
        (F::Email1Address, "a@example.org"),
    ];
    for lines in [
        "TEL;TYPE=HOME:tel:1\nEMAIL:mailto:a@example.org",
        "TEL;TYPE=HOME:TEL: 1\nEMAIL:Mailto:a@example.org",
        "TEL;TYPE=HOME;VALUE=uri:tel:tel: tel:1\nEMAIL:mailto:mailto:a@example.org",
    ] {
        check(&format!("FN:x\n{lines}"), &expect);
    }
    check("FN:x\nTEL;TYPE=HOME:tel", &[(F::HomePhoneNumber, "tel")]);
}

#[test]
fn every_number_finds_its_field() {
    check(
        "FN:x\nTEL;TYPE=WORK,VOICE:1\nTEL;TYPE=WORK:2\nTEL;TYPE=HOME:3\nTEL;TYPE=CELL:4\nTEL;TYPE=FAX:5\n\
         TEL;TYPE=HOME,FAX:6\nTEL;TYPE=PAGER:7\nTEL;CAR:8\nTEL:9\nTEL;TYPE=CELL;VALUE=uri:tel:+1-10",
        &[
            (F::BusinessPhoneNumber, "1"),
            (F::Business2PhoneNumber, "2"),
            (F::HomePhoneNumber, "3"),
            (F::MobilePhoneNumber, "4"),
            (F::BusinessFaxNumber, "5"),
            (F::HomeFaxNumber, "6"),
            (F::PagerNumber, "7"),
            (F::CarPhoneNumber, "8"),
            (F::Home2PhoneNumber, "9"),
        ],
    );
    check(
        "FN:x\nTEL:1\nTEL;TYPE=CELL,PREF:2",
        &[(F::MobilePhoneNumber, "2"), (F::HomePhoneNumber, "1")],
    );
}

#[test]
fn addresses_of_work_home_and_elsewhere() {
    check(
        "FN:x\nADR;TYPE=WORK:Box 1;Floor 2;Mill Road 3;Galway;Connacht;H91;Ireland\n\
         ADR;TYPE=HOME:;;Elm Row 4\\nBack door;Wien;;1010;Austria\nADR:;;Nowhere 5;;;;",
        &[
            (F::BusinessAddressStreet, "Box 1\nFloor 2\nMill Road 3"),
            (F::BusinessAddressCity, "Galway"),
            (F::BusinessAddressState, "Connacht"),
            (F::BusinessAddressPostalCode, "H91"),
            (F::BusinessAddressCountry, "Ireland"),
            (F::HomeAddressStreet, "Elm Row 4\nBack door"),
            (F::HomeAddressCity, "Wien"),
            (F::OtherAddressStreet, "Nowhere 5"),
        ],
    );
}

#[test]
fn a_group_is_called_what_its_first_label_says() {
    check(
        "FN:x\nITEM1.X-ABRELATEDNAMES:Robin\nitem1.X-ABLABEL:_$!<Spouse>!$_\nitem1.X-ABLabel:Child\n\
         item2.X-ABRELATEDNAMES:Kim\nX-ABLabel:Spouse",
        &[(F::Spouse, "Robin")],
    );
}

/// Minutes, if each property looks through all others for the label of its group.
#[test]
fn a_card_may_have_many_groups() {
    let group = |n| format!("item{n}.X-ABRELATEDNAMES:name {n}\nitem{n}.X-ABLabel:Child\n");
    let lines: String = (0..60_000).map(group).collect();
    let found = cards(&format!("FN:x\n{}", lines.trim_end()))
        .remove(0)
        .contact;
    assert_eq!(found.children.len(), CATEGORIES_MAX);
    assert_eq!(found.children.last().unwrap(), "name 299");
}

#[test]
fn what_programs_write_beyond_the_standard() {
    check(
        "FN:x\nitem1.X-ABRELATEDNAMES:Robin\nitem1.X-ABLabel:_$!<Spouse>!$_\nX-EVOLUTION-MANAGER:Bo\n\
         item2.URL:https://example.org\nitem2.X-ABLabel:_$!<HomePage>!$_\nX-JABBER:x@example.org\n\
         X-PHONETIC-LAST-NAME:さとう",
        &[
            (F::Spouse, "Robin"),
            (F::ManagerName, "Bo"),
            (F::WebPage, "https://example.org"),
            (F::ImAddress, "x@example.org"),
            (F::YomiLastName, "さとう"),
        ],
    );
}

#[test]
fn dates_with_and_without_a_year() {
    let birthday = |lines: &str| {
        cards(&format!("FN:x\n{lines}"))
            .remove(0)
            .contact
            .birthday_ms
    };
    assert_eq!(birthday("BDAY:1980-02-29"), day(1980, 2, 29));
    assert_eq!(birthday("BDAY:19800229"), day(1980, 2, 29));
    assert_eq!(
        birthday("BDAY;VALUE=date-time:1980-02-29T23:00:00Z"),
        day(1980, 2, 29)
    );
    assert_eq!(
        birthday("BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-01"),
        day(1604, 4, 1)
    );
    assert_eq!(birthday("BDAY:circa 1800"), None);
    let v4 = parse(b"BEGIN:VCARD\nVERSION:4.0\nFN:x\nBDAY:--0401\nEND:VCARD", 0).unwrap();
    assert_eq!(v4[0].contact.birthday_ms, day(1604, 4, 1));
}

#[test]
fn old_cards_with_their_encodings() {
    let old = "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:B=C3=A4cker;J=C3=BCrgen\r\n\
        TEL;CELL;PREF:1\r\nNOTE;ENCODING=QUOTED-PRINTABLE:one=0D=0Atwo =\r\nthree\r\n\
        PHOTO;ENCODING=BASE64;PNG:\r\n iVBORw0KGgog\r\n YW5kIHNvIG9u\r\n\r\nEND:VCARD\r\n\
        BEGIN:VCARD\r\nVERSION:2.1\r\nN:Zwei\r\nEND:VCARD\r\n";
    let found = parse(old.as_bytes(), 0).unwrap();
    assert_eq!(found.len(), 2);
    let first = &found[0];
    assert_eq!(
        (
            first.contact.get(F::LastName),
            first.contact.get(F::FirstName)
        ),
        ("Bäcker", "Jürgen")
    );
    assert_eq!(first.contact.get(F::MobilePhoneNumber), "1");
    assert_eq!(first.contact.body.text, "one\r\ntwo three");
    assert_eq!(
        first.photo.as_deref(),
        Some(b"\x89PNG\r\n\x1a\n and so on".as_slice())
    );
    assert_eq!(found[1].contact.get(F::LastName), "Zwei");
}

/// A fuzzer's find: how many blanks were left depended on where the line was folded.
#[test]
fn names_of_a_list_have_single_blanks() {
    let lines = "NICKNAME:A\\,   a   b\nCATEGORIES:A\\,     B     C,D     E";
    let contact = cards(lines).remove(0).contact;
    assert_eq!(contact.categories, ["A, B C", "D E"]);
    assert_eq!(contact.get(F::NickName), "A, a b");
}

#[test]
fn what_is_no_card_is_an_error() {
    let check = |bytes: &[u8], expect| assert_eq!(parse(bytes, 0).err(), Some(expect));
    check(b"", Error::NotCard);
    check(b"BEGIN:VCARD\nEND:VCARD", Error::NotCard);
    check(b"BEGIN:VCALENDAR\nEND:VCALENDAR", Error::NotCard);
    check(
        &vec![0; VCARD_BYTES_MAX + 1],
        Error::TooLarge(VCARD_BYTES_MAX + 1),
    );
}

/// A contact with a value in every field.
fn full() -> ParsedContact {
    let mut contact = Contact {
        birthday_ms: day(1980, 2, 29),
        anniversary_ms: day(1604, 6, 1),
        categories: vec!["Friends".to_owned(), "A, B; C".to_owned()],
        children: vec!["Mia".to_owned(), "Ben".to_owned()],
        body: Body {
            text: "First; second,\nthird \\ end".to_owned(),
            ..Body::default()
        },
        uid: "urn:uuid:1".to_owned(),
        created_ms: 7,
        ..Contact::default()
    };
    for field in F::ALL {
        contact.set(*field, format!("{field:?}; ä, \\ x"));
    }
    contact.set(F::Department, "Design; Fonts");
    ParsedContact {
        contact,
        photo: Some(PNG.to_vec()),
    }
}

#[test]
fn a_contact_is_read_as_it_was_written() {
    let full = full();
    for version in [Version::V3, Version::V4] {
        let text = to_vcf(&full.contact, full.photo.as_deref(), version);
        assert!(text.split("\r\n").all(|l| l.len() <= 75), "{text}");
        let back = parse(text.as_bytes(), 7).unwrap().remove(0);
        for field in F::ALL {
            assert_eq!(
                back.contact.get(*field),
                full.contact.get(*field),
                "{version:?} {field:?}"
            );
        }
        assert_eq!(back, full);
    }
}

#[test]
fn an_empty_contact_is_still_a_card() {
    let text = to_vcf(&Contact::default(), None, Version::V4);
    assert!(text.contains("FN:\r\n"), "{text}");
}

proptest! {
    #[test]
    fn no_bytes_are_too_hostile(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes, 0);
        let mut framed = b"BEGIN:VCARD\nVERSION:2.1\n".to_vec();
        framed.extend_from_slice(&bytes);
        let _ = parse(&framed, 0);
    }

    #[test]
    fn no_cut_is_too_deep(cut in 0usize..4000) {
        let full = full();
        let text = to_vcf(&full.contact, full.photo.as_deref(), Version::V3);
        let _ = parse(text.as_bytes().get(..cut).unwrap_or_default(), 0);
    }

    #[test]
    fn no_lines_are_too_hostile(lines in prop::collection::vec(
        ("(item1\\.)?(N|FN|TEL|ADR|ORG|BDAY|PHOTO|X-ABLabel|RELATED|VERSION|END|BEGIN)",
         "(;TYPE=[A-Z,\"]{0,9}|;ENCODING=(B|QUOTED-PRINTABLE)|;CHARSET=[a-z0-9-]{0,9}|;PREF=[0-9]{1,12})?",
         "[A-Za-z0-9;,=+/ -]{0,40}").prop_map(|(n, p, v)| format!("{n}{p}:{v}\n")), 0..20))
    {
        let _ = parse(format!("BEGIN:VCARD\n{}", lines.concat()).as_bytes(), 0);
    }
}
