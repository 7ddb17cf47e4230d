//! The vocabulary that all made-up content shares: people, companies, places, subjects.

use super::dice::Dice;

/// Somebody who writes mails, stands in the address book and is invited.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Person {
    /// First name.
    pub first: String,
    /// Last name.
    pub last: String,
    /// Employer.
    pub company: String,
    /// Mail address.
    pub email: String,
    /// What they do there.
    pub job: String,
    /// Where in the company.
    pub department: String,
    /// Mobile number.
    pub mobile: String,
    /// Number at work.
    pub phone: String,
    /// Street and number.
    pub street: String,
    /// Town.
    pub city: String,
    /// Postal code.
    pub postal: String,
    /// Country.
    pub country: String,
    /// IANA name of the zone they live in.
    pub zone: String,
}

impl Person {
    /// First and last name.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.first, self.last)
    }
}

/// How many people [`people`] makes.
pub const PEOPLE: usize = 260;

/// Family and given names, with the spelling for an address.
const FIRST: &[(&str, &str)] = &[
    ("Ada", "ada"),
    ("Amir", "amir"),
    ("Anneliese", "anneliese"),
    ("Beatriz", "beatriz"),
    ("Björn", "bjoern"),
    ("Carla", "carla"),
    ("Chidi", "chidi"),
    ("Clémence", "clemence"),
    ("Daniel", "daniel"),
    ("Dörte", "doerte"),
    ("Edith", "edith"),
    ("Emre", "emre"),
    ("Fatima", "fatima"),
    ("Felix", "felix"),
    ("Fiona", "fiona"),
    ("Giulia", "giulia"),
    ("Hanna", "hanna"),
    ("Hiroshi", "hiroshi"),
    ("Ines", "ines"),
    ("Ivo", "ivo"),
    ("Jasper", "jasper"),
    ("Jürgen", "juergen"),
    ("Katarína", "katarina"),
    ("Kenji", "kenji"),
    ("Lars", "lars"),
    ("Leïla", "leila"),
    ("Łukasz", "lukasz"),
    ("Mara", "mara"),
    ("Mateo", "mateo"),
    ("Milan", "milan"),
    ("Nadia", "nadia"),
    ("Niamh", "niamh"),
    ("Olga", "olga"),
    ("Oskar", "oskar"),
    ("Paula", "paula"),
    ("Pavel", "pavel"),
    ("Quentin", "quentin"),
    ("Rania", "rania"),
    ("Rosa", "rosa"),
    ("Ruben", "ruben"),
    ("Sanna", "sanna"),
    ("Søren", "soeren"),
    ("Tamsin", "tamsin"),
    ("Tomáš", "tomas"),
    ("Uma", "uma"),
    ("Viktor", "viktor"),
    ("Wanda", "wanda"),
    ("Xavier", "xavier"),
    ("Yara", "yara"),
    ("Zoë", "zoe"),
    ("美咲", "misaki"),
    ("Ирина", "irina"),
];

const LAST: &[(&str, &str)] = &[
    ("Abbott", "abbott"),
    ("Almeida", "almeida"),
    ("Bäcker", "baecker"),
    ("Bellamy", "bellamy"),
    ("Castellano", "castellano"),
    ("Dvořák", "dvorak"),
    ("Eklund", "eklund"),
    ("Ferreira", "ferreira"),
    ("Fontaine", "fontaine"),
    ("Gärtner", "gaertner"),
    ("Hartley", "hartley"),
    ("Holloway", "holloway"),
    ("Ibrahim", "ibrahim"),
    ("Iversen", "iversen"),
    ("Janssen", "janssen"),
    ("Kowalski", "kowalski"),
    ("Lindqvist", "lindqvist"),
    ("MacLeod", "macleod"),
    ("Meadows", "meadows"),
    ("Moreau", "moreau"),
    ("Nakamura", "nakamura"),
    ("Novák", "novak"),
    ("O'Brien", "obrien"),
    ("Okafor", "okafor"),
    ("Pellegrini", "pellegrini"),
    ("Quist", "quist"),
    ("Rossi", "rossi"),
    ("Sandoval", "sandoval"),
    ("Schröder", "schroeder"),
    ("Stenberg", "stenberg"),
    ("Tanaka", "tanaka"),
    ("Thornton", "thornton"),
    ("Ueda", "ueda"),
    ("van der Berg", "vanderberg"),
    ("Vesely", "vesely"),
    ("Whitlock", "whitlock"),
    ("Yıldız", "yildiz"),
    ("Zhang", "zhang"),
    ("佐藤", "sato"),
    ("Соколова", "sokolova"),
];

/// Companies and the domains of their addresses.
pub const COMPANIES: &[(&str, &str)] = &[
    ("Alder & Finch Printing", "alderfinch.example"),
    ("Blue Lantern Bakery", "bluelantern.example"),
    ("Brückenbau Nord", "brueckenbau.example"),
    ("Cedar Street Clinic", "cedarclinic.example"),
    ("Copperfield Instruments", "copperfield-inst.example"),
    ("Dune Cartography", "dunemaps.example"),
    ("Estuary Shipping", "estuary.example"),
    ("Fernweh Reisen", "fernweh.example"),
    ("Granite Peak Software", "granitepeak.example"),
    ("Harbour Press", "harbourpress.example"),
    ("Juniper Gardens", "junipergardens.example"),
    ("Kestrel Bicycles", "kestrelbikes.example"),
    ("Lumen Theatre", "lumentheatre.example"),
    ("Millbrook School", "millbrook.example"),
    ("Osprey Architects", "ospreyarch.example"),
    ("Pinecone Robotics", "pineconerobotics.example"),
    ("Quillon Translations", "quillon.example"),
    ("Redwood Orchestra", "redwoodorchestra.example"),
    ("Tidewater Energy", "tidewater.example"),
    ("Zephyr Kites", "zephyrkites.example"),
];

const JOBS: &[(&str, &str)] = &[
    ("Accountant", "Finance"),
    ("Architect", "Design"),
    ("Buyer", "Purchasing"),
    ("Cellist", "Strings"),
    ("Developer", "Engineering"),
    ("Editor", "Publishing"),
    ("Event planner", "Office"),
    ("Head of Sales", "Sales"),
    ("Illustrator", "Design"),
    ("Librarian", "Archive"),
    ("Logistics lead", "Warehouse"),
    ("Managing director", "Board"),
    ("Nurse", "Ward 3"),
    ("Support engineer", "Customer care"),
    ("Teacher", "Sciences"),
    ("Translator", "Languages"),
];

/// Town, country, dialling code, beginning of the postal code, zone.
const PLACES: &[(&str, &str, &str, &str, &str)] = &[
    ("Hamburg", "Germany", "+49 40", "20", "Europe/Berlin"),
    ("Wien", "Austria", "+43 1", "10", "Europe/Vienna"),
    ("Lisboa", "Portugal", "+351 21", "11", "Europe/Lisbon"),
    (
        "Edinburgh",
        "United Kingdom",
        "+44 131",
        "EH",
        "Europe/London",
    ),
    ("Galway", "Ireland", "+353 91", "H9", "Europe/Dublin"),
    ("Göteborg", "Sweden", "+46 31", "41", "Europe/Stockholm"),
    ("Praha", "Czechia", "+420 2", "11", "Europe/Prague"),
    ("Montréal", "Canada", "+1 514", "H2", "America/Toronto"),
    ("Denver", "United States", "+1 303", "80", "America/Denver"),
    ("São Paulo", "Brazil", "+55 11", "01", "America/Sao_Paulo"),
    ("Pune", "India", "+91 20", "41", "Asia/Kolkata"),
    ("京都市", "Japan", "+81 75", "60", "Asia/Tokyo"),
    (
        "Wellington",
        "New Zealand",
        "+64 4",
        "60",
        "Pacific/Auckland",
    ),
];

const STREETS: &[&str] = &[
    "Alte Mühle",
    "Bridge Street",
    "Canal Walk",
    "Elm Row",
    "Gartenweg",
    "Harbour Lane",
    "Lindenallee",
    "Mill Road",
    "Orchard Close",
    "Rua das Flores",
    "Station Square",
    "Windmill Hill",
];

/// Rooms and other places to meet.
pub const ROOMS: &[&str] = &[
    "Room Aurora",
    "Room Baltic",
    "Room Cedar",
    "Library corner",
    "Roof terrace",
    "Café Kanal",
    "Workshop 2",
    "Video call",
    "Small meeting room",
    "Canteen, long table",
];

/// What one works on.
pub const PROJECTS: &[&str] = &[
    "Lighthouse",
    "Spring catalogue",
    "Office move",
    "Harbour map",
    "Summer concert",
    "Winter menu",
    "New web shop",
    "Annual report",
    "School garden",
    "Kite festival",
    "Archive scanning",
    "Bicycle sharing",
];

/// What one says about a project, to be completed with its name.
pub const TOPICS: &[&str] = &[
    "Budget for {}",
    "Draft of {}",
    "{}: next steps",
    "{}: open questions",
    "Photos for {}",
    "Schedule of {}",
    "{}: who does what",
    "Review of {}",
    "Feedback on {}",
    "{}: kick-off",
];

/// Categories, as people colour their items with.
pub const CATEGORIES: &[&str] = &[
    "Business", "Family", "Friends", "Ideas", "Project", "Travel",
];

/// One sentence each, to put texts together from.
pub const SENTENCES: &[&str] = &[
    "The printer's proof looks good, only the blue is a little too loud.",
    "Could you have a look at the numbers before Thursday?",
    "I have put the photos into the shared folder, sorted by day.",
    "We moved the table closer to the window, and everybody likes it better.",
    "Let us keep the list short: three items that we finish are better than ten that we start.",
    "The train arrives at ten past nine, so I will be there in good time.",
    "Please bring the samples, the small ones are enough.",
    "Nobody has answered the tender yet, but there is a week left.",
    "The weather should hold until the weekend.",
    "I asked the neighbours, and they are happy to lend us their ladder.",
    "There is coffee, tea, and what is left of the plum cake.",
    "If it does not fit, we take the other one and swap later.",
    "Thank you for the quick answer yesterday.",
    "The second floor stays closed until the paint is dry.",
    "My notes from the last meeting are below.",
    "It would help me to know how many people are coming.",
    "The old contract ends in March, so there is no hurry.",
    "We counted twice and came to the same result.",
    "I will call you in the afternoon, after the school run.",
    "The map still shows the ferry that stopped running years ago.",
];

/// The first demo user.
#[must_use]
pub fn alice() -> Person {
    user(
        "Alice",
        "Archer",
        "alice@example.org",
        "Europe/Berlin",
        "Hamburg",
        "Germany",
    )
}

/// The second demo user.
#[must_use]
pub fn bob() -> Person {
    user(
        "Bob",
        "Baker",
        "bob@example.org",
        "America/New_York",
        "Boston",
        "United States",
    )
}

fn user(first: &str, last: &str, email: &str, zone: &str, city: &str, country: &str) -> Person {
    Person {
        first: first.to_owned(),
        last: last.to_owned(),
        company: "Harbour Press".to_owned(),
        email: email.to_owned(),
        job: "Editor".to_owned(),
        department: "Publishing".to_owned(),
        city: city.to_owned(),
        country: country.to_owned(),
        zone: zone.to_owned(),
        ..Person::default()
    }
}

/// The people whom both users know: [`PEOPLE`] of them, no two with the same name or address.
#[must_use]
pub fn people(seed: u64) -> Vec<Person> {
    let mut dice = Dice::new(seed);
    let mut found: Vec<Person> = Vec::with_capacity(PEOPLE);
    while found.len() < PEOPLE {
        let person = person(&mut dice);
        if found
            .iter()
            .all(|p| p.email != person.email && p.name() != person.name())
        {
            found.push(person);
        }
    }
    found
}

fn person(dice: &mut Dice) -> Person {
    let ((first, f), (last, l)) = (dice.pick(FIRST), dice.pick(LAST));
    let (company, domain) = dice.pick(COMPANIES);
    let (job, department) = dice.pick(JOBS);
    let (city, country, dial, postal, zone) = dice.pick(PLACES);
    Person {
        first: first.to_owned(),
        last: last.to_owned(),
        company: company.to_owned(),
        email: format!("{f}.{l}@{domain}"),
        job: job.to_owned(),
        department: department.to_owned(),
        // 555 01xx is never given to anyone in America; elsewhere it is as good as any.
        mobile: format!("{dial} 555 01{:02}", dice.below(100)),
        phone: format!(
            "{dial} 555 01{:02}-{}",
            dice.below(100),
            10 + dice.below(90)
        ),
        street: format!("{} {}", dice.pick(STREETS), 1 + dice.below(120)),
        city: city.to_owned(),
        postal: format!("{postal}{:03}", dice.below(1000)),
        country: country.to_owned(),
        zone: zone.to_owned(),
    }
}

/// A subject about a project.
#[must_use]
pub fn subject(dice: &mut Dice) -> String {
    dice.pick(TOPICS).replace("{}", dice.pick(PROJECTS))
}

/// So many sentences in one paragraph.
#[must_use]
pub fn paragraph(dice: &mut Dice, sentences: usize) -> String {
    let picked: Vec<&str> = (0..sentences).map(|_| dice.pick(SENTENCES)).collect();
    picked.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn people_are_the_same_each_time_and_differ_from_each_other() {
        let people = people(1);
        assert_eq!(people.len(), PEOPLE);
        assert_eq!(people, super::people(1));
        assert_ne!(people, super::people(2));
        let emails: HashSet<_> = people.iter().map(|p| &p.email).collect();
        assert_eq!(emails.len(), PEOPLE);
        assert!(
            people
                .iter()
                .all(|p| p.email.is_ascii() && p.email.ends_with(".example"))
        );
    }

    #[test]
    fn a_subject_names_its_project() {
        let mut dice = Dice::new(3);
        for _ in 0..50 {
            let subject = subject(&mut dice);
            assert!(PROJECTS.iter().any(|p| subject.contains(p)), "{subject}");
        }
    }
}
