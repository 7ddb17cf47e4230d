//! The way to a smarthost: STARTTLS and TLS with a certificate that is held against roots, and every way to
//! log in, with a real Postfix.

use super::house::House;
use super::kill::titles;
use super::outgoing::{ALICE, BOB, phone, queue, send, until};
use super::postfix::{self, Postfix, free_port};
use super::sasl;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use roost::wbxml::tags::email;
use roost_load::Class;
use std::fs;
use std::path::Path;

const PASSWORD: &str = "s\u{e9}same";
/// Nobody sends who has not logged in, and nobody logs in without TLS.
const MAIN: &str = "\
smtpd_tls_cert_file = $here/chain.pem
smtpd_tls_key_file = $here/key.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = $here/auth
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
";

/// A root, and a certificate of `localhost`.
fn certificates(dir: &Path) {
    let mut root = CertificateParams::default();
    root.distinguished_name.push(DnType::CommonName, "Root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().unwrap();
    let made = root.self_signed(&key).unwrap();
    fs::write(dir.join("root.pem"), made.pem()).unwrap();
    let issuer = Issuer::from_params(&root, &key);
    let own = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned()];
    let made = CertificateParams::new(names).unwrap();
    let made = made.signed_by(&own, &issuer).unwrap();
    fs::write(dir.join("chain.pem"), made.pem()).unwrap();
    fs::write(dir.join("key.pem"), own.serialize_pem()).unwrap();
}

/// A house that sends by way of `localhost` with these settings.
fn house(port: u16, roots: &Path, settings: &str) -> House {
    let roots = roots.display();
    let more = format!(
        "[smarthost]\nhost = \"localhost\"\nport = {port}\nroots = \"{roots}\"\nuser = \"roost\"\n\
         {settings}\n[outgoing]\nretry_s = [1]\n"
    );
    House::configured(&[ALICE], &more)
}

#[test]
fn mail_goes_out_encrypted_and_logged_in_or_not_at_all() {
    if !postfix::is_here() {
        return;
    }
    let receiver = House::with_users(&[BOB]);
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path());
    sasl::serve(&dir.path().join("auth"));
    let other = tempfile::tempdir().unwrap();
    certificates(other.path());
    let (roots, strangers) = (dir.path().join("root.pem"), other.path().join("root.pem"));
    let secret = other.path().join("secret");
    fs::write(&secret, "wrong\n").unwrap();
    let (port, tls_port) = (free_port(), free_port());
    let services =
        format!("127.0.0.1:{tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n");
    let postfix = Postfix::in_folder(dir, port, receiver.lmtp, MAIN, &services);
    let password = format!("password = \"{PASSWORD}\"");

    // What is not trusted, and who is not let in, sends nothing.
    let distrustful = house(port, &strangers, &password);
    send(
        &mut phone(&distrustful, ALICE, "ALICE1"),
        "Distrust",
        &[BOB],
    );
    assert_waits(&distrustful, "invalid peer certificate");
    let locked_out = house(
        port,
        &roots,
        &format!("password_file = \"{}\"", secret.display()),
    );
    send(
        &mut phone(&locked_out, ALICE, "ALICE1"),
        "The password file",
        &[BOB],
    );
    assert_waits(&locked_out, "the log-in was refused: 535");
    let open = House::configured(
        &[ALICE],
        &format!(
            "[smarthost]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\nuser = \"roost\"\n\
             {password}\n[outgoing]\nretry_s = [1]\n"
        ),
    );
    send(&mut phone(&open, ALICE, "ALICE1"), "In the open", &[BOB]);
    assert_waits(&open, "does not offer this way to log in");
    assert_eq!(postfix.taken(), 0, "{}", postfix.log());

    // The password is read again for the next attempt.
    fs::write(&secret, format!("{PASSWORD}\n")).unwrap();
    let mut subjects = vec!["The password file".to_owned()];
    let mut houses = Vec::new();
    for (port, security) in [(port, "starttls"), (tls_port, "tls")] {
        for auth in ["plain", "login", "xoauth2"] {
            let settings = format!("{password}\nsecurity = \"{security}\"\nauth = \"{auth}\"");
            let house = house(port, &roots, &settings);
            let subject = format!("{security} {auth}");
            send(&mut phone(&house, ALICE, "ALICE1"), &subject, &[BOB]);
            subjects.push(subject);
            houses.push(house);
        }
    }
    let mut bob = phone(&receiver, BOB, "BOB1");
    until("all have come", || {
        bob.look();
        let found = titles(&bob, Class::Email, email::SUBJECT);
        subjects
            .iter()
            .all(|subject| found.get(subject.as_str()) == Some(&1))
    });
    assert_eq!(postfix.taken(), subjects.len(), "{}", postfix.log());
    assert!(queue(&locked_out).is_empty());
}

fn assert_waits(house: &House, why: &str) {
    until(why, || {
        let waiting = queue(house);
        let error = waiting[0]["last_error"].as_str().unwrap();
        assert!(error.is_empty() || error.contains(why), "{error}");
        !error.is_empty()
    });
}
