//! Sessions with servers that do what they should, and with others.

use super::*;

const OFFER: &str =
    "250-mx\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250-DSN\r\n250 AUTH PLAIN\r\n";

fn envelope(recipients: &[&str]) -> Envelope {
    Envelope {
        id: "e=1".into(),
        sender: "me@example.org".into(),
        recipients: recipients.iter().map(ToString::to_string).collect(),
        bytes: 100,
        eight_bit: false,
    }
}

fn terms() -> Terms {
    Terms {
        helo: "mail.example.org".into(),
        ..Terms::default()
    }
}

/// A client that has greeted a server with this offer.
fn ready(offer: &str) -> Client {
    let mut client = Client::new(terms(), false);
    assert_eq!(client.step(b""), Step::Read);
    assert_eq!(client.step(b"220 mx\r\n"), Step::Read);
    assert_eq!(said(&mut client), "EHLO mail.example.org\r\n");
    assert_eq!(client.step(offer.as_bytes()), Step::Ready);
    client
}

fn said(client: &mut Client) -> String {
    String::from_utf8(client.take_output()).unwrap()
}

fn report(step: Step) -> Report {
    match step {
        Step::Report(report) => report,
        other => panic!("{other:?}"),
    }
}

fn content(client: &mut Client) {
    let (mut stuffing, mut wire) = (Stuffing::default(), Vec::new());
    stuffing.push(b"Subject: x\r\n\r\n.y\r\n", &mut wire);
    assert_eq!(wire, b"Subject: x\r\n\r\n..y\r\n");
    client.end_content(stuffing);
    assert_eq!(said(client), ".\r\n");
    assert!(client.awaits_acceptance());
}

#[test]
fn a_mail_goes_out_and_every_recipient_is_told_apart() {
    let mut client = ready(OFFER);
    assert_eq!(
        client.send(envelope(&["a@x.example", "b@x.example", "c@x.example"])),
        None
    );
    assert_eq!(
        said(&mut client),
        "MAIL FROM:<me@example.org> SIZE=100 RET=HDRS ENVID=e+3D1\r\n\
         RCPT TO:<a@x.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a@x.example\r\n\
         RCPT TO:<b@x.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;b@x.example\r\n\
         RCPT TO:<c@x.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;c@x.example\r\n"
    );
    assert_eq!(
        client.step(b"250 ok\r\n250 ok\r\n550 5.1.1 nobody\r\n"),
        Step::Read
    );
    assert_eq!(client.step(b"451 4.7.1 greylisted\r\n"), Step::Read);
    assert_eq!(said(&mut client), "DATA\r\n");
    assert_eq!(client.step(b"354 go\r\n"), Step::Content);
    content(&mut client);
    let report = report(client.step(b"250 2.0.0 queued\r\n"));
    let [Fate::Accepted, Fate::Refused(nobody), Fate::Later(grey)] = &report.fates[..] else {
        panic!("{report:?}")
    };
    assert_eq!(
        (nobody.status.as_str(), grey.status.as_str()),
        ("5.1.1", "4.7.1")
    );
    assert_eq!(nobody.text, "550 5.1.1 nobody");
    assert!(!report.in_doubt && !report.is_lost);
    assert_eq!(client.step(b""), Step::Ready);
    client.quit();
    assert_eq!(said(&mut client), "QUIT\r\n");
    assert_eq!(client.step(b"221 bye\r\n"), Step::Closed(None));
}

#[test]
fn without_pipelining_one_waits_for_the_other() {
    let mut client = ready("250 mx\r\n");
    client.send(envelope(&["a@x.example", "b@x.example"]));
    for (expect, reply) in [
        ("MAIL FROM:<me@example.org>\r\n", &b"250 ok\r\n"[..]),
        ("RCPT TO:<a@x.example>\r\n", b"250 ok\r\n"),
        ("RCPT TO:<b@x.example>\r\n", b"250 ok\r\n"),
    ] {
        assert_eq!(said(&mut client), expect);
        assert_eq!(client.step(reply), Step::Read);
    }
    assert_eq!(said(&mut client), "DATA\r\n");
    assert_eq!(client.step(b"451 later\r\n"), Step::Read);
    assert_eq!(said(&mut client), "RSET\r\n");
    let report = report(client.step(b"250 ok\r\n"));
    assert!(
        report.fates.iter().all(|f| matches!(f, Fate::Later(_))),
        "{report:?}"
    );
    assert_eq!(client.step(b""), Step::Ready);
}

#[test]
fn a_refused_sender_means_everyone_and_the_session_goes_on() {
    let mut client = ready(OFFER);
    client.send(envelope(&["a@x.example", "b@x.example"]));
    let _ = client.take_output();
    assert_eq!(client.step(b"553 no\r\n503 a\r\n503 b\r\n"), Step::Read);
    assert_eq!(said(&mut client), "RSET\r\n");
    let first = report(client.step(b"250 ok\r\n"));
    let all_refused = |r: &Report| r.fates.iter().all(|f| matches!(f, Fate::Refused(_)));
    assert!(all_refused(&first), "{first:?}");
    assert_eq!(client.step(b""), Step::Ready);
    // A missing log-in is not the mail's fault.
    client.send(envelope(&["a@x.example"]));
    let _ = client.take_output();
    assert_eq!(client.step(b"530 5.7.0 log in\r\n503 a\r\n"), Step::Read);
    let _ = client.take_output();
    let second = report(client.step(b"250 ok\r\n"));
    assert!(matches!(second.fates[..], [Fate::Later(_)]), "{second:?}");
}

#[test]
fn what_a_lost_connection_means_depends_on_the_last_dot() {
    let begin = || {
        let mut client = ready(OFFER);
        client.send(envelope(&["a@x.example", "b@x.example"]));
        let _ = client.take_output();
        client.step(b"250 ok\r\n250 ok\r\n550 no\r\n");
        let _ = client.take_output();
        assert_eq!(client.step(b"354 go\r\n"), Step::Content);
        client
    };
    let mut before = begin();
    let lost = before.lost("reset").unwrap();
    assert!(!lost.in_doubt && lost.is_lost);
    assert!(
        matches!(lost.fates[..], [Fate::Later(_), Fate::Refused(_)]),
        "{lost:?}"
    );
    assert_eq!(before.step(b""), Step::Closed(Some("reset".into())));
    let mut behind = begin();
    content(&mut behind);
    let lost = behind.lost("reset").unwrap();
    assert!(lost.in_doubt && lost.is_lost, "{lost:?}");
    assert!(
        matches!(lost.fates[..], [Fate::Later(_), Fate::Refused(_)]),
        "{lost:?}"
    );
    let mut told = begin();
    content(&mut told);
    let away = report(told.step(b"421 4.3.2 stopping\r\n"));
    assert!(!away.in_doubt && away.is_lost, "{away:?}");
}

#[test]
fn more_recipients_than_a_server_takes_follow_at_once() {
    for reply in ["452 4.5.3 too many", "452 too many", "552 too many"] {
        let mut client = ready(OFFER);
        client.send(envelope(&["a@x.example", "b@x.example"]));
        let _ = client.take_output();
        client.step(format!("250 ok\r\n250 ok\r\n{reply}\r\n").as_bytes());
        let _ = client.take_output();
        client.step(b"354 go\r\n");
        content(&mut client);
        let report = report(client.step(b"250 ok\r\n"));
        assert!(report.more_at_once, "{reply}");
        assert!(
            matches!(report.fates[..], [Fate::Accepted, Fate::Later(_)]),
            "{reply}"
        );
    }
}

#[test]
fn encryption_comes_before_the_password() {
    let terms = Terms {
        starttls: true,
        login: Some(Login {
            mechanism: Mechanism::Auto,
            user: "me".into(),
            secret: "secret".into(),
        }),
        ..terms()
    };
    let mut client = Client::new(terms.clone(), false);
    client.step(b"220 mx\r\n");
    let _ = client.take_output();
    client.step(b"250-mx\r\n250-STARTTLS\r\n250 AUTH LOGIN\r\n");
    assert_eq!(said(&mut client), "STARTTLS\r\n");
    assert_eq!(client.step(b"220 go\r\n"), Step::StartTls);
    client.encrypted();
    assert_eq!(said(&mut client), "EHLO mail.example.org\r\n");
    client.step(OFFER.as_bytes());
    assert_eq!(said(&mut client), "AUTH PLAIN AG1lAHNlY3JldA==\r\n");
    assert_eq!(client.step(b"235 in\r\n"), Step::Ready);

    // Without the offer, and with words that somebody put behind the reply, nothing is said.
    let mut bare = Client::new(terms.clone(), false);
    bare.step(b"220 mx\r\n");
    let _ = bare.take_output();
    assert!(matches!(bare.step(OFFER.as_bytes()), Step::Closed(Some(_))));
    assert_eq!(said(&mut bare), "");
    let mut injected = Client::new(terms, false);
    injected.step(b"220 mx\r\n");
    let _ = injected.take_output();
    injected.step(b"250-mx\r\n250 STARTTLS\r\n");
    let _ = injected.take_output();
    let step = injected.step(b"220 go\r\n250 AUTH PLAIN\r\n");
    assert!(matches!(step, Step::Closed(Some(_))), "{step:?}");
}

#[test]
fn a_refused_log_in_ends_the_session() {
    let terms = Terms {
        login: Some(Login {
            mechanism: Mechanism::Plain,
            user: "me".into(),
            secret: "wrong".into(),
        }),
        ..terms()
    };
    let mut client = Client::new(terms, true);
    client.step(b"220 mx\r\n");
    let _ = client.take_output();
    client.step(OFFER.as_bytes());
    let _ = client.take_output();
    let Step::Closed(Some(why)) = client.step(b"535 5.7.8 no\r\n") else {
        panic!("still open")
    };
    assert_eq!(why, "the log-in was refused: 535 5.7.8 no");
}

#[test]
fn what_the_server_cannot_take_is_not_tried() {
    let mut client = ready("250-mx\r\n250 SIZE 50\r\n");
    let status = |report: Option<Report>| match &report.unwrap().fates[..] {
        [Fate::Refused(reason)] => reason.status.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(status(client.send(envelope(&["a@x.example"]))), "5.3.4");
    let mut odd = envelope(&["ä@x.example"]);
    odd.bytes = 10;
    assert_eq!(status(client.send(odd.clone())), "5.6.7");
    odd.recipients = vec!["a@x.example>\r\nRSET".into()];
    assert_eq!(status(client.send(odd.clone())), "5.1.3");
    (odd.recipients, odd.eight_bit) = (vec!["a@x.example".into()], true);
    assert_eq!(status(client.send(odd)), "5.6.3");
    assert_eq!(said(&mut client), "");
    assert_eq!(client.step(b""), Step::Ready);
}

#[test]
fn an_old_server_is_greeted_in_its_way() {
    let mut client = Client::new(terms(), false);
    client.step(b"220 mx\r\n");
    let _ = client.take_output();
    client.step(b"502 what\r\n");
    assert_eq!(said(&mut client), "HELO mail.example.org\r\n");
    assert_eq!(client.step(b"250 mx\r\n"), Step::Ready);
    let mut other = Client::new(terms(), false);
    assert!(matches!(
        other.step(b"554 no mail here\r\n"),
        Step::Closed(Some(_))
    ));
    let mut web = Client::new(terms(), false);
    assert!(matches!(
        web.step(b"HTTP/1.1 400 Bad\r\n"),
        Step::Closed(Some(_))
    ));
}
