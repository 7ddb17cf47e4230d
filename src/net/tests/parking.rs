//! Parked requests: woken, due, abandoned, ended.

use super::rig::*;
use crate::net::connection::Connection;
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
        rig.stage.ring();
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
    rig.stage.ring();
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
fn a_waiting_connection_is_small() {
    fn size<F: Future>(_: impl FnOnce(Connection<Toy, Toy>) -> F) -> usize {
        size_of::<F>()
    }
    let waiting = size(Connection::run);
    assert!(waiting <= 1_024, "{waiting} bytes");
}
