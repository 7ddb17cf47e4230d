//! Words of many languages.

use super::*;
use crate::pim::{Attendee, ContactField};
use proptest::prelude::*;

fn words_of(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    tokens(text, &mut |token| {
        found.push(token.word.to_owned());
        found.extend(token.variant.map(|v| format!("/{v}")));
        true
    });
    found
}

fn note(subject: &str, text: &str) -> Record {
    Record::Note(Note {
        subject: subject.into(),
        body: Body {
            text: text.into(),
            ..Body::default()
        },
        ..Note::default()
    })
}

/// Whether plain words find an item, phrases as those of the record.
fn finds(record: &Record, query: &str) -> bool {
    let words = of(record, None);
    let words = words.as_ref().unwrap();
    let terms = terms(query, 50);
    !terms.is_empty()
        && terms.iter().all(|term| match term {
            Term::Word(needle) => words.holds(Field::Any, needle),
            Term::Phrase(needles) => {
                let mut found = false;
                texts(record, None, &mut |_, text| found |= follows(text, needles));
                found && needles.iter().all(|n| words.holds(Field::Any, n))
            }
        })
}

#[test]
fn texts_fall_into_folded_words() {
    let check = |text: &str, expect: &[&str]| assert_eq!(words_of(text), expect, "{text}");
    check("", &[]);
    check(" -- … ", &[]);
    check("Hello, World!", &["hello", "world"]);
    check(
        "john.smith_jr@example.org",
        &["john", "smith", "jr", "example", "org"],
    );
    check("l'été où ça", &["l", "ete", "ou", "ca"]);
    check("MÜNCHEN", &["munchen", "/muenchen"]);
    check("Mu\u{308}nchen", &["munchen", "/muenchen"]);
    check("Straße GROẞ", &["strasse", "gross"]);
    check("Ærø Łódź Åse", &["aero", "/aeroe", "lodz", "ase", "/aase"]);
    check("İstanbul ısı", &["istanbul", "isi"]);
    check("ΟΔΥΣΣΕΥΣ Ὀδυσσεύς", &["οδυσσευσ", "οδυσσευσ"]);
    check("Ёлка йод", &["елка", "иод"]);
    check("שָׁלוֹם", &["שלום"]);
    check("السَّلَامُ", &["السلام"]);
    check("हिन्दी भाषा", &["हिन्दी", "भाषा"]);
    check("ＡＢＣ１２ ﬁne ½", &["abc12", "fine", "1", "2"]);
    check("한국어 \u{1112}\u{1161}\u{11ab}", &["한국어", "한"]);
    check("東京", &["東京", "京"]);
    check("東京都 abc", &["東京", "京都", "都", "abc"]);
    check("山", &["山"]);
    check("がぎ", &["がぎ", "ぎ"]);
    check("か\u{3099}き\u{3099}", &["がぎ", "ぎ"]);
    check("ﾃｽﾄ・テスト", &["テス", "スト", "ト", "テス", "スト", "ト"]);
    check("ไทย", &["ไท", "ทย", "ย"]);
    check("v2.0-beta", &["v2", "0", "beta"]);
    check("soft\u{ad}hyphen", &["softhyphen"]);
    let long = "x".repeat(1_000);
    check(&long, &[&long[..WORD_BYTES]]);
}

const WORD_BYTES: usize = crate::limits::WORD_BYTES_MAX;

#[test]
fn an_item_is_found_by_the_beginnings_of_its_words() {
    let check = |text: &str, query: &str, expect: bool| {
        assert_eq!(
            finds(&note("Titel", text), query),
            expect,
            "{query} in {text}"
        );
    };
    check("Grüße aus München", "gruss", true);
    check("Grüße aus München", "GRUS", true);
    check("Grüße aus München", "Gruesse muenchen", true);
    check("Grüße aus München", "mün titel", true);
    check("Grüße aus Muenchen", "München", true);
    check("Grüße aus Munchen", "München", true);
    check("Grüße aus München", "unchen", false);
    check("Grüße aus München", "aus hamburg", false);
    check("東京都庁へ行く", "都庁", true);
    check("東京都庁へ行く", "東京都", true);
    check("東京都庁へ行く", "庁", true);
    // Both pairs are there, but not one behind the other.
    check("東京と京都", "東京都", false);
    check("สวัสดีชาวโลก", "ชาว", true);
    check("привет МИР", "Мир при", true);
    check("a.b@example.org", "example.org", true);
    check("ticket 4711", "471", true);
    check("anything", "", false);
}

#[test]
fn phrases_are_words_one_behind_the_other() {
    let check = |text: &str, query: &str, expect: bool| {
        let Some(Term::Phrase(words)) = phrase(query, 50) else {
            panic!("no phrase: {query}")
        };
        assert_eq!(follows(text, &words), expect, "{query} in {text}");
    };
    check("the quick brown fox", "quick brown", true);
    check("the quick, BROWN fox", "quick bro", true);
    check("the quick red brown fox", "quick brown", false);
    check("quick quick brown", "quick brown", true);
    check("brown quick", "quick brown", false);
    check("Größe München", "groesse munchen", true);
    check("東京都庁", "京都庁", true);
    check("東京 tower", "東京 tow", true);
    assert_eq!(phrase(" - ", 50), None);
    assert!(matches!(phrase("one", 50), Some(Term::Word(_))));
}

#[test]
fn fields_are_told_apart() {
    let event = Record::Event(Event {
        subject: "Review".into(),
        organizer_name: "Olga".into(),
        attendees: vec![Attendee {
            name: "Anna".into(),
            email: "anna@example.org".into(),
            ..Attendee::default()
        }],
        location: "Room 5".into(),
        body: Body {
            kind: BodyKind::Html,
            text: "<p class=hidden>Agenda</p>".into(),
            blob: None,
        },
        ..Event::default()
    });
    let words = of(&event, None);
    let words = words.as_ref().unwrap();
    assert_eq!(words.class(), Some(Class::Calendar));
    let holds = |field, query: &str| {
        let Some(Term::Word(needle)) = phrase(query, 1) else {
            panic!("no word: {query}")
        };
        words.holds(field, &needle)
    };
    assert!(holds(Field::Subject, "review") && holds(Field::Any, "review"));
    assert!(!holds(Field::From, "review") && holds(Field::From, "olga"));
    assert!(holds(Field::To, "anna") && !holds(Field::Cc, "anna"));
    assert!(holds(Field::Participants, "anna") && holds(Field::Participants, "olga"));
    assert!(!holds(Field::Participants, "agenda") && holds(Field::Text, "agenda"));
    assert!(holds(Field::Text, "room") && !holds(Field::Any, "hidden"));

    let mut contact = Contact::default();
    contact.set(ContactField::LastName, "Ällen");
    contact.set(ContactField::CompanyName, "ACME");
    assert!(finds(&Record::Contact(contact), "allen acme"));
}

#[test]
fn a_large_item_has_bounded_words_and_the_first_of_each_section() {
    let many: String = (0..100_000).map(|n| format!("w{n} ")).collect();
    let record = note(&many, &many.replace('w', "v"));
    let words = of(&record, None);
    assert!(words.clone().into_bytes().len() <= WORDS_BYTES_MAX);
    assert!(finds(&record, "w0 v0"));
    assert!(!finds(&record, "w99999"));
    assert_eq!(words.clone().into_bytes().split(|b| *b == b'\n').count(), 7);
    assert_eq!(WordsRef::read(&[2; 100]).map(|w| w.class()), None);
    assert!(WordsRef::read(&[FORMAT; 5]).is_none());
}

proptest! {
    #[test]
    fn any_text_has_words_that_find_it(text in "\\PC{0,40}") {
        let record = note("", &text);
        let mut all = true;
        for term in terms(&text, 1_000) {
            all &= match term {
                Term::Word(needle) => of(&record, None).as_ref().unwrap().holds(Field::Text, &needle),
                Term::Phrase(words) => follows(&text, &words),
            };
        }
        prop_assert!(all);
    }
}
