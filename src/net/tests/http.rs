//! Requests and answers, deadlines, caps, panics, the end.

use std::io::Write;
use std::time::Duration;

use super::rig::*;
use crate::limits;
use crate::net::*;

#[test]
fn a_connection_stays_for_many_requests() {
    for driver in DRIVERS {
        let rig = Rig::new(driver);
        let mut client = rig.http();
        for _ in 0..50 {
            assert_eq!(client.get("/tls").text(), "false");
        }
        assert_eq!(client.get("/nowhere").status, 404);
        let date = client.get("/tls").headers["date"].clone();
        assert_eq!(date, "Sun, 06 Nov 1994 08:49:37 GMT");
        client.send("GET /tls HTTP/1.1\nHost: x\nConnection: close\n\n");
        assert_eq!(client.answer().headers["connection"], "close");
        client.assert_closed();
        let metrics = rig.server.metrics();
        assert_eq!((metrics.accepted, metrics.requests), (1, 53));
        rig.wait_closed();
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    for driver in DRIVERS {
        let rig = Rig::new(driver);
        let mut client = rig.http();
        let mut text = String::new();
        for i in 0..100 {
            text.push_str(&format!(
                "POST /echo HTTP/1.1\nHost: x\nContent-Length: 3\n\n{i:03}"
            ));
        }
        client.send(&text);
        for i in 0..100 {
            assert_eq!(client.answer().text(), format!("{i:03}"));
        }
    }
}

#[test]
fn bodies_of_all_kinds() {
    let rig = Rig::new(Driver::Auto);
    let mut client = rig.http();
    client.send("POST /echo HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n3\nabc\n");
    client.send("2\nde\n0\n\n");
    assert_eq!(client.answer().text(), "abcde");

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&[b'z'; 500_000]).unwrap();
    let body = encoder.finish().unwrap();
    client.send(&format!(
        "POST /length HTTP/1.1\nHost: x\nContent-Encoding: gzip\nContent-Length: {}\n\n",
        body.len()
    ));
    client.send_raw(&body);
    assert_eq!(client.answer().text(), "500000");

    client.send("POST /echo HTTP/1.1\nHost: x\nExpect: 100-continue\nContent-Length: 2\n\n");
    assert_eq!(client.answer().status, 100);
    client.send("ok");
    assert_eq!(client.answer().text(), "ok");

    client.send("GET /text HTTP/1.1\nHost: x\nAccept-Encoding: gzip\n\n");
    assert_eq!(client.answer().headers["content-encoding"], "gzip");
    assert_eq!(client.get("/text").body.len(), 5_001);
}

#[test]
fn large_bodies_both_ways() {
    for driver in DRIVERS {
        let rig = Rig::new(driver);
        let mut client = rig.http();
        let n = 8 * 1024 * 1024;
        client.send(&format!(
            "POST /length HTTP/1.1\nHost: x\nContent-Length: {n}\n\n"
        ));
        client.send_raw(&vec![b'a'; n]);
        assert_eq!(client.answer().text(), n.to_string());
        assert_eq!(client.get(&format!("/big?{n}")).body.len(), n);
        assert_eq!(client.get("/tls").status, 200);
    }
}

#[test]
fn what_is_no_request_is_refused_and_closed() {
    let rig = Rig::new(Driver::Auto);
    let check = |bytes: &[u8], status: u16| {
        let mut client = rig.http();
        client.send_raw(bytes);
        let got = client.answer();
        assert_eq!(
            (got.status, got.headers["connection"].as_str()),
            (status, "close")
        );
        client.assert_closed();
    };
    check(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400);
    check(b"GET / HTTP/1.1\r\n\r\n", 400);
    check(b"GET / HTTP/3.0\r\n\r\n", 505);
    check(
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
        413,
    );
    check(&vec![b'a'; limits::HTTP_HEAD_BYTES_MAX + 1], 431);
    let mut random = Vec::new();
    for i in 0..5_000_u32 {
        random.extend_from_slice(&i.wrapping_mul(2_654_435_761).to_le_bytes());
    }
    check(&random, 400);
    assert_eq!(rig.server.metrics().bad_requests, 6);
    rig.wait_closed();
}

#[test]
fn deadlines_end_a_connection() {
    for driver in DRIVERS {
        let rig = Rig::new(driver);
        let silent = |bytes: &str| {
            let mut client = rig.http();
            client.send(bytes);
            rig.wait_timed_out(&mut client.socket)
        };
        assert!(silent("").is_empty(), "nothing");
        assert!(silent("GET / HT").is_empty(), "half a head");
        assert!(silent("POST /echo HTTP/1.1\nHost: x\nContent-Length: 9\n\nabc").is_empty());
        wait_for(|| rig.server.metrics().timed_out == 3);
        // An idle connection is no failure.
        assert!(silent("GET /tls HTTP/1.1\nHost: x\n\n").ends_with(b"false\n"));
        rig.wait_closed();
        assert_eq!(rig.server.metrics().timed_out, 3);
    }
}

#[test]
fn a_peer_that_does_not_read_is_cut_off() {
    let rig = Rig::new(Driver::Auto);
    let mut client = rig.http();
    client.send("GET /big?30000000 HTTP/1.1\nHost: x\n\n");
    wait_for(|| {
        rig.clock.advance(10_000);
        rig.server.metrics().open == 0 && rig.server.metrics().requests == 1
    });
    assert_eq!(rig.server.metrics().timed_out, 1);
}

#[test]
fn a_panic_ends_one_connection() {
    for driver in DRIVERS {
        let rig = Rig::on_cores(1, driver, |_| {});
        let mut other = rig.http();
        assert_eq!(other.get("/tls").status, 200);
        let mut client = rig.http();
        client.send("GET /panic HTTP/1.1\nHost: x\n\n");
        client.assert_closed();
        assert_eq!(other.get("/tls").status, 200);
        assert_eq!(rig.http().get("/tls").status, 200);
        wait_for(|| rig.server.metrics().panics == 1);
    }
}

#[test]
fn caps_refuse_with_a_word() {
    let rig = Rig::with(Driver::Auto, |config| config.caps.per_address = 2);
    let mut kept = [rig.http(), rig.http()];
    for client in &mut kept {
        assert_eq!(client.get("/tls").status, 200);
    }
    let mut third = rig.http();
    let got = third.answer();
    assert_eq!(
        (got.status, got.headers["retry-after"].as_str()),
        (503, "30")
    );
    third.assert_closed();
    assert_eq!(rig.server.metrics().refused, 1);
    drop(kept);
    rig.wait_closed();
    assert_eq!(rig.http().get("/tls").status, 200);
}

#[test]
fn bodies_beyond_the_room_for_all_are_refused() {
    let rig = Rig::with(Driver::Auto, |config| config.caps.body_bytes = 100_000);
    let mut client = rig.http();
    client.send("POST /length HTTP/1.1\nHost: x\nContent-Length: 200000\n\n");
    client.send_raw(&[b'a'; 150_000]);
    assert_eq!(client.answer().status, 503);
    let mut client = rig.http();
    client.send("POST /length HTTP/1.1\nHost: x\nContent-Length: 90000\n\n");
    client.send_raw(&[b'a'; 90_000]);
    assert_eq!(client.answer().text(), "90000");
    assert_eq!(rig.server.metrics().busy, 1);
}

#[test]
fn an_orderly_stop_closes_idle_connections_and_the_port() {
    for driver in DRIVERS {
        let rig = Rig::new(driver);
        let addr = rig.server.http()[0];
        let mut idle = rig.http();
        assert_eq!(idle.get("/tls").status, 200);
        rig.server.stop(PATIENCE);
        idle.assert_closed();
        assert!(std::net::TcpStream::connect(addr).is_err());
    }
}

#[test]
fn a_stop_does_not_wait_for_ever() {
    let rig = Rig::new(Driver::Auto);
    let mut client = rig.http();
    client.send("POST /echo HTTP/1.1\nHost: x\nContent-Length: 9\n\nabc");
    wait_for(|| rig.server.metrics().open == 1);
    rig.server.stop(Duration::from_millis(10));
    client.assert_closed();
}

#[test]
fn an_address_that_is_taken_is_an_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = Config {
        http: vec![taken.local_addr().unwrap()],
        ..Config::default()
    };
    let stage = std::sync::Arc::new(Stage::default());
    let clock = crate::clock::Clock::system();
    let made = start(config, clock.clone(), Switch::new(1), move |_| {
        let toy = || Toy::new(&stage, &clock);
        (toy(), toy())
    });
    let error = made.err().unwrap().to_string();
    assert!(error.starts_with("cannot listen on 127.0.0.1:"), "{error}");
}
