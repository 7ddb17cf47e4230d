//! The address books.

use super::dice::Dice;
use super::mail::PEOPLE_SEED;
use super::words::{self, Person};
use super::{DAY_MS, Owned, png};
use crate::pim::contact::ContactField as F;
use crate::pim::tz::wall_of;
use crate::pim::vcard::ParsedContact;
use crate::pim::{Body, Contact};
use jiff::civil::date;

/// Most people are known to both users, some to one of them only.
const SHARED: std::ops::Range<usize> = 60..200;

/// The contacts of both users, with their photos; the same for the same `now_ms` (Unix
/// milliseconds).
pub fn contacts(now_ms: i64) -> impl Iterator<Item = Owned<ParsedContact>> {
    let people = words::people(PEOPLE_SEED);
    let (alice, bob) = (words::alice(), words::bob());
    let book = |user: &Person, friend: &Person, known: &[Person]| {
        let all = std::iter::once(friend).chain(known);
        let cards = all.map(|p| Owned {
            user: user.email.clone(),
            item: contact(p, now_ms),
        });
        cards.collect::<Vec<_>>()
    };
    let of_alice = people.get(..SHARED.end).unwrap_or_default();
    let of_bob = people.get(SHARED.start..).unwrap_or_default();
    let mut found = book(&alice, &bob, of_alice);
    found.extend(book(&bob, &alice, of_bob));
    found.into_iter()
}

/// The birthday of somebody, Unix milliseconds of its midnight; not everybody's is known.
pub(super) fn birthday_ms(person: &Person) -> Option<i64> {
    let mut dice = dice_of(person);
    let years = i16::try_from(dice.below(45)).unwrap_or(0);
    let month = i8::try_from(1 + dice.below(12)).unwrap_or(1);
    let day = i8::try_from(1 + dice.below(28)).unwrap_or(1);
    let known = dice.chance(55);
    known.then(|| wall_of(date(1955 + years, month, day).at(0, 0, 0, 0)))
}

/// What is random about somebody is the same wherever they turn up.
fn dice_of(person: &Person) -> Dice {
    let seed = person.email.bytes();
    Dice::new(seed.fold(17, |s, b| s.wrapping_mul(257).wrapping_add(u64::from(b))))
}

fn contact(person: &Person, now_ms: i64) -> ParsedContact {
    let mut dice = dice_of(person);
    let mut c = Contact {
        uid: format!("{}-contact", person.email.replace('@', "-at-")),
        birthday_ms: birthday_ms(person),
        created_ms: now_ms - DAY_MS * i64::try_from(30 + dice.below(700)).unwrap_or(30),
        ..Contact::default()
    };
    let domain = person.email.split_once('@').map_or("", |(_, d)| d);
    c.set(F::FileAs, format!("{}, {}", person.last, person.first));
    for (field, value) in [
        (F::FirstName, &person.first),
        (F::LastName, &person.last),
        (F::CompanyName, &person.company),
        (F::Department, &person.department),
        (F::JobTitle, &person.job),
        (F::Email1Address, &person.email),
        (F::MobilePhoneNumber, &person.mobile),
        (F::BusinessPhoneNumber, &person.phone),
        (F::BusinessAddressStreet, &person.street),
        (F::BusinessAddressCity, &person.city),
        (F::BusinessAddressPostalCode, &person.postal),
        (F::BusinessAddressCountry, &person.country),
    ] {
        c.set(field, value.as_str());
    }
    c.set(F::WebPage, format!("https://www.{domain}/"));
    private_side(&mut c, person, &mut dice);
    if dice.chance(40) {
        let sentences = 1 + dice.below(3);
        c.body = Body {
            text: words::paragraph(&mut dice, sentences),
            ..Body::default()
        };
    }
    let photo = dice.chance(65).then(|| png::portrait(&person.name()));
    ParsedContact { contact: c, photo }
}

/// What only friends have in their address book.
fn private_side(c: &mut Contact, person: &Person, dice: &mut Dice) {
    if dice.chance(70) {
        c.categories.push(dice.pick(words::CATEGORIES).to_owned());
    }
    if dice.chance(30) {
        let name = person
            .email
            .split_once('@')
            .map_or("", |(n, _)| n)
            .replace('.', "");
        c.set(F::Email2Address, format!("{name}@post.example"));
        c.set(
            F::HomePhoneNumber,
            person.phone.replace("555 01", "555 012"),
        );
        c.set(
            F::HomeAddressStreet,
            format!("{} {}", "Elm Row", 1 + dice.below(60)),
        );
        c.set(F::HomeAddressCity, person.city.as_str());
        c.set(F::HomeAddressCountry, person.country.as_str());
    }
    if dice.chance(15) {
        let nick: String = person.first.chars().take(3).collect();
        c.set(F::NickName, nick);
        c.set(F::ImAddress, format!("xmpp:{}", person.email));
    }
    if dice.chance(12) {
        c.set(
            F::Spouse,
            dice.pick(&["Alex", "Kim", "Noor", "Robin", "Sascha"]),
        );
        c.children = (0..dice.below(3))
            .map(|_| dice.pick(&["Mia", "Ben", "Lou"]).to_owned())
            .collect();
        c.children.dedup();
        c.anniversary_ms = c.birthday_ms.map(|ms| ms + DAY_MS * 365 * 26);
    }
}
