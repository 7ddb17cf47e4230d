//! Mail out over a real Postfix and in again: everything arrives, once, whatever happens on the way.

use super::cutter::{Cut, Wire};
use super::dice::Dice;
use super::house::House;
use super::kill::titles;
use super::phone::Phone;
use super::postfix::{self, Postfix, free_port};
use super::wire;
use roost::wbxml::tags::email;
use roost_load::{Class, Operation, QueryForm, Version, profile};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) const ALICE: &str = "alice@example.org";
pub(crate) const BOB: &str = "bob@remote.example";
const INBOX: u32 = 2;
const PATIENCE: Duration = Duration::from_secs(90);
const KILLS: usize = 50;
/// Postfix knows nobody of this name.
const KNOWN: &str = "smtpd_recipient_restrictions = check_recipient_access \
                     inline:{{nobody@remote.example = 550 5.1.1 nobody of this name}}, permit_mynetworks, reject\n";

/// Two houses with a Postfix between them: alice's sends by way of it, bob's is where it delivers.
struct Town {
    alice: House,
    bob: House,
    postfix: Postfix,
}

fn settings(smarthost: SocketAddr) -> String {
    format!(
        "[server]\nhost = \"mail.example.org\"\n\
         [smarthost]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n\
         [outgoing]\nretry_s = [1]\n",
        smarthost.port()
    )
}

impl Town {
    fn new() -> Self {
        let bob = House::with_users(&[BOB]);
        let postfix = Postfix::start(bob.lmtp, KNOWN);
        let alice = House::configured(&[ALICE], &settings(postfix.smtp));
        Self {
            alice,
            bob,
            postfix,
        }
    }
}

pub(crate) fn phone(house: &House, user: &str, id: &str) -> Phone {
    let (form, profile) = (QueryForm::Base64, &profile::PLAIN);
    let mut phone = Phone::new(house, user, id, Version::V14_1, form, profile);
    phone.catch_up();
    phone
}

fn letter(subject: &str, to: &[&str]) -> Operation {
    let mime = format!(
        "From: {ALICE}\r\nTo: {}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
         Gr\u{fc}\u{df}e!\r\n.\r\n..and dots\r\n{}",
        to.join(", "),
        "a line that is long enough to be cut\r\n".repeat(50)
    );
    Operation::SendMail {
        client_id: subject.replace(' ', "-"),
        mime: mime.into_bytes(),
        save: false,
    }
}

pub(crate) fn send(phone: &mut Phone, subject: &str, to: &[&str]) {
    let outcome = phone.ask(letter(subject, to));
    assert!(outcome.ok(), "{outcome:?}");
}

/// Waits until it is so.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !so() {
        assert!(since.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn queue(house: &House) -> Vec<serde_json::Value> {
    let listed = house.run(&["queue", "list", "--json"]);
    assert!(listed.status.success(), "{listed:?}");
    serde_json::from_slice(&listed.stdout).unwrap()
}

/// All mails with these subjects have come, once each, and nothing is on the way any more.
fn assert_arrive(town: &Town, bob: &mut Phone, subjects: &[String]) {
    until("the queues run empty", || {
        queue(&town.alice).is_empty() && town.postfix.is_idle()
    });
    bob.look();
    let found = titles(bob, Class::Email, email::SUBJECT);
    for subject in subjects {
        assert_eq!(
            found.get(subject.as_str()),
            Some(&1),
            "{subject}: {found:?}\n{}",
            town.postfix.log()
        );
    }
}

#[test]
fn mail_from_postfix_wakes_a_phone() {
    if !postfix::is_here() {
        return;
    }
    let mut town = Town::new();
    let mut bob = phone(&town.bob, BOB, "BOB1");
    let mut alice = phone(&town.alice, ALICE, "ALICE1");
    let inbox = bob.device.folder(INBOX).unwrap().id.clone();
    let folders = vec![inbox.clone()];
    let waiting = bob.park(Operation::Ping {
        folders,
        heartbeat_s: 600,
    });
    // The umlauts, the dots and the line ends stay what they were.
    send(&mut alice, "Over the hills", &[BOB]);
    let outcome = bob.woken(waiting);
    assert_eq!((outcome.status, outcome.folders), (Some(2), vec![inbox]));
    assert_arrive(&town, &mut bob, &["Over the hills".into()]);
    let mails = bob
        .device
        .collections
        .values()
        .filter(|c| c.class == Class::Email);
    let texts: Vec<String> = mails
        .flat_map(|c| c.items.values())
        .map(|item| format!("{item:?}"))
        .collect();
    assert!(texts[0].contains("Gr\u{fc}\u{df}e!"), "{texts:?}");
    assert!(texts[0].contains("..and dots"), "{texts:?}");
    town.alice.assert_well();
    town.bob.assert_well();
    wire::check(&bob.seen);
}

#[test]
fn what_is_refused_comes_back_and_the_rest_arrives() {
    if !postfix::is_here() {
        return;
    }
    let town = Town::new();
    let mut bob = phone(&town.bob, BOB, "BOB1");
    let mut alice = phone(&town.alice, ALICE, "ALICE1");
    let request = alice
        .device
        .request(letter("To two", &[BOB, "nobody@remote.example"]));
    // The device has not heard of the answer, and says it again; with its id, it is told that it has.
    for _ in 0..3 {
        let answer = alice.exchange(&request);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_arrive(&town, &mut bob, &["To two".into()]);
    assert_eq!(town.postfix.taken(), 1, "{}", town.postfix.log());
    let mut other = phone(&town.alice, ALICE, "ALICE2");
    let subject = "Undelivered mail";
    until("the bounce is there", || {
        other.look();
        titles(&other, Class::Email, email::SUBJECT).contains_key(subject)
    });
    let found = titles(&other, Class::Email, email::SUBJECT);
    assert_eq!(found.get(subject), Some(&1));
    let bounce = format!("{:?}", other.device.collections);
    for expect in ["nobody@remote.example", "nobody of this name", "To two"] {
        assert!(bounce.contains(expect), "{bounce}");
    }
    wire::check(&other.seen);
}

#[test]
fn mail_waits_for_a_smarthost_that_is_down() {
    if !postfix::is_here() {
        return;
    }
    let bob = House::with_users(&[BOB]);
    let port = free_port();
    let here = SocketAddr::from(([127, 0, 0, 1], port));
    let mut alice = House::configured(&[ALICE], &settings(here));
    let mut sender = phone(&alice, ALICE, "ALICE1");
    let subjects: Vec<String> = (0..3).map(|n| format!("Patience {n}")).collect();
    for subject in &subjects {
        send(&mut sender, subject, &[BOB]);
    }
    until("an attempt has failed", || {
        let waiting = queue(&alice);
        let tried = waiting
            .iter()
            .any(|mail| mail["attempts"].as_u64() > Some(0));
        waiting.len() == 3 && tried
    });
    let waiting = queue(&alice);
    let why = waiting[0]["last_error"].as_str().unwrap().to_owned();
    assert!(why.contains("no connection to 127.0.0.1"), "{why}");
    // The queue is the same for an operator when the appliance is stopped.
    alice.kill();
    assert_eq!(queue(&alice).len(), 3);
    let id = waiting[0]["id"].as_str().unwrap();
    let shown = alice.run(&["queue", "show", id]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("Patience") && shown.contains(BOB), "{shown}");
    alice.kill_and_restart();
    let postfix = Postfix::on_port(port, bob.lmtp, "");
    let retried = alice.run(&["queue", "retry", "--all"]);
    assert!(retried.status.success(), "{retried:?}");
    let town = Town {
        alice,
        bob,
        postfix,
    };
    let mut bob = phone(&town.bob, BOB, "BOB1");
    assert_arrive(&town, &mut bob, &subjects);
    assert_eq!(town.postfix.taken(), 3, "{}", town.postfix.log());
}

#[test]
fn an_address_with_umlauts_is_reached() {
    if !postfix::is_here() {
        return;
    }
    let umlauts = "j\u{f6}rg@remote.example";
    let receiver = House::with_users(&[&format!("{BOB} --address {umlauts}")]);
    let postfix = Postfix::start(receiver.lmtp, "");
    let alice = House::configured(&[ALICE], &settings(postfix.smtp));
    let mut sender = phone(&alice, ALICE, "ALICE1");
    send(&mut sender, "Umlauts", &[umlauts]);
    let mut bob = phone(&receiver, BOB, "BOB1");
    until("it arrives", || {
        bob.look();
        titles(&bob, Class::Email, email::SUBJECT).get("Umlauts") == Some(&1)
    });
    assert!(queue(&alice).is_empty());
}

#[test]
fn domains_have_servers_of_their_own() {
    if !postfix::is_here() {
        return;
    }
    let bob = House::with_users(&[BOB]);
    let postfix = Postfix::start(bob.lmtp, "");
    let nobody = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let route = format!(
        "[outgoing.routes]\n\"remote.example\" = {{ host = \"127.0.0.1\", port = {}, security = \"none\" }}\n",
        postfix.smtp.port()
    );
    let alice = House::configured(&[ALICE], &(settings(nobody) + &route));
    let mut sender = phone(&alice, ALICE, "ALICE1");
    send(&mut sender, "Two ways", &[BOB, "carl@elsewhere.example"]);
    let mut bob = phone(&bob, BOB, "BOB1");
    until("the one arrives", || {
        bob.look();
        titles(&bob, Class::Email, email::SUBJECT).get("Two ways") == Some(&1)
    });
    until("the other waits", || {
        let waiting = queue(&alice);
        let error = waiting[0]["last_error"].as_str().unwrap().to_owned();
        waiting.len() == 1 && error.contains("no connection")
    });
    assert_eq!(queue(&alice)[0]["recipients"][0], "carl@elsewhere.example");
}

#[test]
fn a_cut_connection_loses_nothing_and_doubles_nothing() {
    if !postfix::is_here() {
        return;
    }
    let bob = House::with_users(&[BOB]);
    let postfix = Postfix::start(bob.lmtp, "");
    let cutter = Wire::to(postfix.smtp);
    let alice = House::configured(&[ALICE], &settings(cutter.addr));
    let town = Town {
        alice,
        bob,
        postfix,
    };
    let mut sender = phone(&town.alice, ALICE, "ALICE1");
    let mut bob = phone(&town.bob, BOB, "BOB1");
    for (n, cut) in [Cut::InMessage, Cut::BeforeReply].into_iter().enumerate() {
        let subject = format!("{cut:?}");
        cutter.cut(&[cut, cut]);
        send(&mut sender, &subject, &[BOB]);
        assert_arrive(&town, &mut bob, &[subject]);
        assert_eq!(cutter.made(), 2 * n + 2);
    }
    // The first was never whole; of the second Postfix has three, and the door has let in one.
    assert_eq!(town.postfix.taken(), 1 + 3, "{}", town.postfix.log());
}

#[test]
fn sent_mail_survives_fifty_kills() {
    if !postfix::is_here() {
        return;
    }
    let mut town = Town::new();
    let mut sender = phone(&town.alice, ALICE, "ALICE1");
    let mut bob = phone(&town.bob, BOB, "BOB1");
    let mut dice = Dice::new(6);
    let mut sent = 0;
    for _ in 0..KILLS {
        let writer = thread::spawn(move || write_on(sender, sent));
        thread::sleep(Duration::from_millis(
            u64::try_from(20 + dice.below(180)).unwrap(),
        ));
        town.alice.kill_and_restart();
        (sender, sent) = writer.join().unwrap();
        sender.move_to(&town.alice);
        // What got no answer is said again, as phones do; the mail may have gone out long ago.
        let request = sender.device.repeat().unwrap();
        let answer = sender.exchange(&request);
        assert_eq!(answer.status, 200, "{answer:?}");
        sent += 1;
    }
    assert!(sent > KILLS, "nothing was sent between the kills");
    let subjects: Vec<String> = (0..sent).map(|n| format!("Letter {n}")).collect();
    assert_arrive(&town, &mut bob, &subjects);
    let doubled = town.postfix.taken() - sent;
    println!("{sent} mails, {KILLS} kills: Postfix has taken {doubled} twice, bob has each once");
    town.alice.assert_well();
}

/// Sends mails until the server is gone. Gives the number of the one that got no answer.
fn write_on(mut phone: Phone, mut next: usize) -> (Phone, usize) {
    while phone
        .try_ask(letter(&format!("Letter {next}"), &[BOB]))
        .is_ok()
    {
        next += 1;
    }
    (phone, next)
}

#[test]
fn without_a_smarthost_mail_waits_and_says_so() {
    let mut house = House::with_users(&[ALICE]);
    let mut alice = phone(&house, ALICE, "ALICE1");
    send(
        &mut alice,
        "Nowhere",
        &["a@elsewhere.example", "b@elsewhere.example"],
    );
    until("it was looked at", || {
        let waiting = queue(&house);
        waiting.len() == 1
            && waiting[0]["last_error"]
                .as_str()
                .unwrap()
                .contains("no server")
    });
    let id = queue(&house)[0]["id"].as_str().unwrap().to_owned();
    let dropped = house.run(&["queue", "drop", "--yes", &id]);
    assert!(dropped.status.success(), "{dropped:?}");
    assert!(queue(&house).is_empty());
    let again = house.run(&["queue", "drop", "--yes", &id]);
    assert!(!again.status.success(), "{again:?}");
    house.assert_well();
}
