//! The address list with all that it shows of people.

use crate::eas::testing::House;
use crate::eas::version::Version;
use crate::limits;
use crate::mailbox::{Account, AccountStatus, Details, Portrait};
use crate::work::block_on;

fn ask(query: &str, options: &str) -> String {
    format!(
        "<search:Search><search:Store><search:Name>GAL</search:Name><search:Query>{query}</search:Query><search:Options>{options}</search:Options></search:Store></search:Search>"
    )
}

fn add(house: &House, login: &str, name: &str, change: impl FnOnce(&mut Account)) {
    let mut account = Account {
        login: login.into(),
        display_name: name.into(),
        addresses: vec![format!("{login}@example.org")],
        ..Account::default()
    };
    change(&mut account);
    block_on(house.eas.mailbox().add_account(&account)).unwrap();
}

fn portray(house: &House, login: &str, details: Details, photo: Option<Vec<u8>>) {
    let scope = house.account(login).scope;
    let change = |_| Portrait {
        details,
        photo,
        certificates: None,
    };
    block_on(house.eas.mailbox().portray(scope, change)).unwrap();
}

fn details() -> Details {
    Details {
        first_name: "Robert".into(),
        last_name: "Brown".into(),
        title: "Miller".into(),
        company: "Mill".into(),
        department: "Stones".into(),
        office: "3".into(),
        phone: "+1 1".into(),
        home_phone: "+1 2".into(),
        mobile_phone: "+1 3".into(),
        photo: None,
    }
}

#[test]
fn everything_that_a_person_shows_is_there_in_every_version() {
    let house = House::new();
    portray(&house, "bob", details(), None);
    let expect = "<search:Search><search:Status>1</search:Status><search:Response><search:Store><search:Status>1</search:Status><search:Result><search:Properties><gal:DisplayName>Bob Brown</gal:DisplayName><gal:Phone>+1 1</gal:Phone><gal:Office>3</gal:Office><gal:Title>Miller</gal:Title><gal:Company>Mill</gal:Company><gal:Alias>bob</gal:Alias><gal:FirstName>Robert</gal:FirstName><gal:LastName>Brown</gal:LastName><gal:HomePhone>+1 2</gal:HomePhone><gal:MobilePhone>+1 3</gal:MobilePhone><gal:EmailAddress>bob@example.org</gal:EmailAddress></search:Properties></search:Result><search:Range>0-0</search:Range><search:Total>1</search:Total></search:Store></search:Response></search:Search>";
    for version in Version::ALL {
        let phone = house.phone(version);
        for query in ["robert", "BOB B", "brown", "bob@"] {
            phone.check("Search", &ask(query, ""), expect);
        }
    }
}

#[test]
fn pages_are_sorted_by_name_and_hold_nobody_who_is_not_there() {
    let house = House::new();
    add(&house, "z", "ann zulu", |_| ());
    add(&house, "y", "Ann Alpha", |_| ());
    add(&house, "x", "Ann Blocked", |a| {
        a.status = AccountStatus::Blocked
    });
    add(&house, "w", "Ann Other", |a| {
        a.domain = "other.example".into()
    });
    add(&house, "v", "Ann Mike", |_| ());
    let phone = house.phone(Version::V14_1);
    let names = |range: &str| {
        let said = phone.says(
            "Search",
            &ask("ann", &format!("<search:Range>{range}</search:Range>")),
        );
        let all = said.split("<gal:DisplayName>").skip(1);
        let all = all.map(|rest| rest.split_once('<').unwrap().0.to_owned());
        let end = said
            .split_once("<search:Range>")
            .map(|(_, end)| end.to_owned());
        (all.collect::<Vec<_>>(), end.unwrap_or_default())
    };
    let (all, end) = names("0-99");
    assert_eq!(all, ["Ann Alpha", "Ann Mike", "ann zulu"]);
    assert!(
        end.starts_with("0-2</search:Range><search:Total>3<"),
        "{end}"
    );
    let (some, end) = names("1-1");
    assert_eq!(some, ["Ann Mike"]);
    assert!(
        end.starts_with("1-1</search:Range><search:Total>3<"),
        "{end}"
    );
    assert_eq!(names("3-9"), (Vec::new(), String::new()));
}

#[test]
fn photos_come_within_the_bounds_of_the_client_and_of_the_house() {
    let house = House::new();
    for (login, photo) in [("p1", 3), ("p2", 5), ("p3", 0), ("p4", 3)] {
        add(&house, login, login, |_| ());
        if photo > 0 {
            portray(&house, login, Details::default(), Some(vec![b'x'; photo]));
        }
    }
    let phone = house.phone(Version::V14_1);
    let statuses = |bounds: &str| {
        let picture = format!("<search:Picture>{bounds}</search:Picture>");
        let said = phone.says("Search", &ask("p", &picture));
        let all = said.split("<gal:Status>").skip(1);
        let all = all.map(|rest| rest.split_once('<').unwrap().0.parse().unwrap());
        (
            all.collect::<Vec<u16>>(),
            said.matches("<gal:Data>").count(),
        )
    };
    let bound = |name: &str, value: &str| format!("<search:{name}>{value}</search:{name}>");
    let (size, count) = (bound("MaxSize", "4"), bound("MaxPictures", "1"));
    assert_eq!(statuses(""), (vec![1, 1, 173, 1], 3));
    assert_eq!(statuses(&size), (vec![1, 174, 173, 1], 2));
    assert_eq!(statuses(&count), (vec![1, 175, 173, 175], 1));
    assert_eq!(
        statuses(&format!("{size}{count}")),
        (vec![1, 174, 173, 175], 1)
    );

    let plain = phone.says("Search", &ask("p", ""));
    assert!(!plain.contains("gal:Picture"), "{plain}");
    for bad in [bound("MaxSize", "big"), bound("Range", "0-1")] {
        let said = phone.says(
            "Search",
            &ask("p", &format!("<search:Picture>{bad}</search:Picture>")),
        );
        assert!(said.contains("<search:Store><search:Status>2<"), "{said}");
    }
    let old = house.phone(Version::V14_0);
    let said = old.says("Search", &ask("p", "<search:Picture/>"));
    assert!(said.contains("<search:Store><search:Status>2<"), "{said}");

    let large = vec![b'x'; limits::PHOTO_BYTES_MAX];
    let most = limits::PHOTOS_BYTES_MAX / large.len();
    for i in 0..=most {
        let login = format!("q{i:02}");
        add(&house, &login, &login, |_| ());
        portray(&house, &login, Details::default(), Some(large.clone()));
    }
    let said = phone.says("Search", &ask("q", "<search:Picture/>"));
    assert_eq!(said.matches("<gal:Status>1<").count(), most);
    assert_eq!(said.matches("<gal:Status>175<").count(), 1);
}
