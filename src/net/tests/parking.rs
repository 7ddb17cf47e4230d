//! Parked requests: woken, due, abandoned, ended.

use std::time::Duration;

use super::rig::*;
use crate::net::*;

const PARK: &str = "POST /park HTTP/1.1\nHost: x\nContent-Length: 1\n\nz";

#[test]
fn a_wake_answers() {
    for driver in DRIVERS {
        let rig = Rig::new(driver);
        let mut client = rig.http();
        client.send(PARK);
        rig.stage.wait_parked(1);
        wait_for(|| rig.server.metrics().parked == 1);
        rig.ring();
        assert_eq!(client.answer().text(), "Woken");
        assert_eq!(client.get("/tls").status, 200);
        let metrics = rig.server.metrics();
        assert_eq!((metrics.parked, metrics.woken), (0, 1));
    }
}

#[test]
fn a_deadline_answers() {
    for driver in DRIVERS {
        let rig = Rig::new(driver);
        let mut client = rig.http();
        client.send(PARK);
        wait_for(|| rig.server.metrics().parked == 1);
        rig.clock.advance(60_000);
        assert_eq!(client.answer().text(), "Expired");
        assert_eq!(client.get("/tls").status, 200);
        assert_eq!(rig.server.metrics().expired, 1);
    }
}

#[test]
fn a_peer_that_closes_is_dropped_at_once() {
    for driver in DRIVERS {
        let rig = Rig::new(driver);
        let mut client = rig.http();
        client.send(PARK);
        wait_for(|| rig.server.metrics().parked == 1);
        drop(client);
        rig.stage.wait_dropped(1);
        rig.wait_closed();
        let metrics = rig.server.metrics();
        assert_eq!((metrics.parked, metrics.abandoned), (0, 1));
    }
}

#[test]
fn a_newer_request_ends_the_older() {
    for driver in DRIVERS {
        let rig = Rig::new(driver);
        let mut client = rig.http();
        client.send(PARK);
        wait_for(|| rig.server.metrics().parked == 1);
        // Its answer is the only one.
        assert_eq!(client.get("/tls").text(), "false");
        rig.stage.wait_dropped(1);
        // Both in one read.
        client.send(&format!("{PARK}GET /tls HTTP/1.1\nHost: x\n\n"));
        assert_eq!(client.answer().text(), "false");
        rig.stage.wait_dropped(2);
        assert_eq!(rig.server.metrics().abandoned, 2);
    }
}

#[test]
fn a_line_end_behind_a_body_is_no_newer_request() {
    let rig = Rig::new(Driver::Auto);
    let mut client = rig.http();
    client.send(&format!("{PARK}\n"));
    wait_for(|| rig.server.metrics().parked == 1);
    client.send("\n");
    rig.ring();
    assert_eq!(client.answer().text(), "Woken");
    assert_eq!(client.get("/tls").status, 200);
    assert_eq!(rig.server.metrics().abandoned, 0);
}

#[test]
fn a_stop_answers_as_if_the_time_had_come() {
    for driver in DRIVERS {
        let rig = Rig::new(driver);
        let mut client = rig.http();
        client.send(PARK);
        wait_for(|| rig.server.metrics().parked == 1);
        rig.server.stop(PATIENCE);
        let got = client.answer();
        assert_eq!(got.text(), "Expired");
        assert_eq!(got.headers["connection"], "close");
        client.assert_closed();
    }
}

#[test]
fn many_park_and_all_are_answered() {
    for driver in DRIVERS {
        let rig = Rig::new(driver);
        let mut clients: Vec<_> = (0..200).map(|_| rig.http()).collect();
        for client in &mut clients {
            client.send(PARK);
        }
        wait_for(|| rig.server.metrics().parked == 200);
        rig.clock.advance(60_000);
        for client in &mut clients {
            assert_eq!(client.answer().text(), "Expired");
        }
        drop(clients);
        rig.wait_closed();
        rig.stage.wait_dropped(200);
    }
}

#[test]
fn a_request_waits_on_the_core_of_its_account_and_hears_nothing_else() {
    for driver in DRIVERS {
        let rig = Rig::new(driver);
        let mut clients: Vec<_> = (0..20).map(|_| rig.http()).collect();
        for (n, client) in clients.iter_mut().enumerate() {
            client.send(&PARK.replace("/park", &format!("/park?{}", n / 2)));
        }
        wait_for(|| rig.server.metrics().parked == 20);
        assert!(rig.server.metrics().parked_bytes > 0);
        for (n, account) in (0..10_usize)
            .zip(0_u64..)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
        {
            rig.tell(Tell::Wake(account));
            let [one, two] = [2 * n, 2 * n + 1];
            assert_eq!(clients[one].answer().text(), "Woken");
            assert_eq!(clients[two].answer().text(), "Woken");
            wait_for(|| rig.server.metrics().parked == 2 * account);
        }
        // The connections stay where they are, and serve on.
        for client in &mut clients {
            assert_eq!(client.get("/tls").status, 200);
        }
        let metrics = rig.server.metrics();
        assert_eq!((metrics.woken, metrics.resumed), (20, 0));
        assert_eq!((metrics.parked, metrics.parked_bytes), (0, 0));
        drop(clients);
        rig.wait_closed();
    }
}

#[test]
fn what_cannot_answer_by_itself_is_resumed() {
    for driver in DRIVERS {
        let rig = Rig::new(driver);
        let mut clients: Vec<_> = (0..4).map(|_| rig.http()).collect();
        for (n, client) in clients.iter_mut().enumerate() {
            client.send(&PARK.replace("/park", &format!("/park?{n}r")));
        }
        wait_for(|| rig.server.metrics().parked == 4);
        rig.tell(Tell::Wake(1));
        assert_eq!(clients[1].answer().text(), "Woken");
        rig.clock.advance(60_000);
        for n in [0, 2, 3] {
            assert_eq!(clients[n].answer().text(), "Expired");
        }
        assert_eq!(rig.server.metrics().resumed, 4);
    }
}

#[test]
fn after_a_gap_everybody_looks_again() {
    for driver in DRIVERS {
        let rig = Rig::new(driver);
        let mut clients: Vec<_> = (0..600).map(|_| rig.http()).collect();
        for (n, client) in clients.iter_mut().enumerate() {
            client.send(&PARK.replace("/park", &format!("/park?{n}")));
        }
        wait_for(|| rig.server.metrics().parked == 600);
        rig.tell(Tell::Gap);
        for client in &mut clients {
            assert_eq!(client.answer().text(), "Woken");
        }
        assert_eq!(rig.server.metrics().resumed, 600);
    }
}

#[test]
fn a_commit_during_the_move_is_not_missed() {
    let rig = Rig::new(Driver::Auto);
    // Whatever parks from here on has something that it does not know of.
    rig.ring();
    let mut client = rig.http();
    client.send(PARK);
    assert_eq!(client.answer().text(), "Woken");
}

#[test]
fn a_panic_costs_one_signal() {
    for driver in DRIVERS {
        let rig = Rig::new(driver);
        let mut client = rig.http();
        client.send(PARK);
        wait_for(|| rig.server.metrics().parked == 1);
        rig.tell(Tell::Panic(0));
        wait_for(|| rig.server.metrics().panics == 1);
        rig.tell(Tell::Wake(0));
        assert_eq!(client.answer().text(), "Woken");
    }
}

#[test]
fn a_stop_spreads_its_answers() {
    let rig = Rig::with(Driver::Auto, |config| config.deadlines.drain_ms = 10_000);
    let mut clients: Vec<_> = (0..40).map(|_| rig.http()).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        client.send(&PARK.replace("/park", &format!("/park?{n}")));
    }
    wait_for(|| rig.server.metrics().parked == 40);
    let (clock, meter) = (rig.clock.clone(), rig.server.meter());
    let server = rig.server;
    let stop = std::thread::spawn(move || server.stop(PATIENCE));
    // Half a second at a time: no step sees more than a few of them.
    let mut most = 0;
    while meter.read().parked > 0 {
        let before = meter.read().expired;
        clock.advance(500);
        std::thread::yield_now();
        let (_never, pause) = flume::bounded::<()>(0);
        let _ = pause.recv_timeout(Duration::from_millis(20));
        most = most.max(meter.read().expired - before);
    }
    assert!(most < 30, "{most} of 40 at once");
    for client in &mut clients {
        assert_eq!(client.answer().text(), "Expired");
        client.assert_closed();
    }
    stop.join().unwrap();
}
