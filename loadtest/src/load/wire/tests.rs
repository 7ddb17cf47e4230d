//! The wire against a server that says what it is told to.

use super::*;
use crate::load::testing::{Does, Scripted, answer, request};
use crate::{Answer, Request};
use flate2::Compression;
use flate2::write::GzEncoder;
use monoio::{FusionDriver, RuntimeBuilder};
use roost::clock::Clock;
use std::io::Write as _;
use std::rc::Rc;
use std::time::Duration;

/// Runs a test with a bell.
fn run<T>(test: impl AsyncFnOnce(Rc<Bell>) -> T) -> T {
    let runtime = RuntimeBuilder::<FusionDriver>::new().enable_timer().build();
    runtime.unwrap().block_on(async {
        let alarms = Alarms::new(Clock::system());
        let bell = alarms.bell();
        monoio::spawn(alarms.keep(|| false));
        test(bell).await
    })
}

fn target(server: &Scripted, roots: Option<Roots>) -> Target {
    let trust = |roots| Trust {
        roots,
        resume: true,
        tls12: false,
    };
    Target {
        addr: server.addr,
        host: "localhost".to_owned(),
        tls: roots.map(|roots| trust(roots).config().unwrap()),
        sources: Sources::parse("127.0.0.2-127.0.0.5").unwrap(),
        threads: 1,
    }
}

async fn open(target: &Target, bell: &Rc<Bell>) -> Result<Connection, WireError> {
    let opened = Connection::open(target, &"localhost".into(), target.sources.of(1), bell).await;
    opened.map(|(connection, _)| connection)
}

async fn ask(connection: &mut Connection, bell: &Bell) -> Result<Answer, WireError> {
    connection.send(&request()).await?;
    connection.receive(bell.now_us() + 30_000_000).await
}

/// The answer to one request, plain and over TLS.
fn both(does: &Does) -> Result<Answer, WireError> {
    let mut results = [false, true].map(|tls| {
        let does = does.clone();
        let server = Scripted::start(tls, move |_| does.clone());
        let target = target(&server, tls.then_some(Roots::Anybody));
        run(async |bell| {
            let mut connection = open(&target, &bell).await.unwrap();
            ask(&mut connection, &bell).await
        })
    });
    assert_eq!(results[0], results[1], "TLS changes nothing");
    std::mem::replace(&mut results[0], Err(WireError::Closed))
}

#[test]
fn answers_come_in_every_form() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&b"inflated ".repeat(5_000)).unwrap();
    let gzip = gzip.finish().unwrap();
    let whole = answer(200, &[("X", "y")], b"plain");
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        5;x=y\r\nchunk\r\n2\r\ned\r\n0\r\nTrailer: z\r\n\r\n";
    let interim = [b"HTTP/1.1 100 Continue\r\n\r\n".as_slice(), &whole].concat();
    let rest = b"HTTP/1.0 200 OK\r\n\r\nto the end".to_vec();
    let later = Duration::from_millis(20);
    let body = |does| both(&does).map(|a| (a.status, a.body));
    let ok = |body: &[u8]| Ok((200, body.to_vec()));
    assert_eq!(body(Does::Says(whole.clone())), ok(b"plain"));
    assert_eq!(body(Does::Says(chunked.to_vec())), ok(b"chunked"));
    assert_eq!(body(Does::Says(interim)), ok(b"plain"));
    assert_eq!(body(Does::Last(rest)), ok(b"to the end"));
    let inflated = b"inflated ".repeat(5_000);
    let deflated = answer(200, &[("Content-Encoding", "gzip")], &gzip);
    assert_eq!(body(Does::Says(deflated)), ok(&inflated));
    for at in [1, 30, chunked.len() - 20, chunked.len() - 3] {
        let split = Does::Splits(chunked.to_vec(), at, later);
        assert_eq!(body(split), ok(b"chunked"), "split at {at}");
    }
}

#[test]
fn what_is_no_answer_is_an_error_of_its_kind() {
    let says = |text: &str| both(&Does::Says(text.as_bytes().to_vec())).unwrap_err();
    assert_eq!(says("not http\r\n\r\n").to_string(), "malformed");
    let wrong = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n";
    assert_eq!(says(wrong).to_string(), "malformed");
    let large = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n";
    assert_eq!(says(large), WireError::TooLarge);
    let brotli = "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(says(brotli).to_string(), "malformed");
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx".to_vec();
    assert_eq!(both(&Does::Last(cut)), Err(WireError::Closed));
    assert_eq!(both(&Does::Hangs(Duration::ZERO)), Err(WireError::Closed));
}

#[test]
fn a_connection_is_kept_and_a_session_resumed() {
    let server = Scripted::start(true, |_| Does::Says(answer(200, &[], b"x")));
    let target = target(&server, Some(Roots::Anybody));
    let resumed = run(async |bell| {
        let mut first = open(&target, &bell).await.unwrap();
        ask(&mut first, &bell).await.unwrap();
        ask(&mut first, &bell).await.unwrap();
        assert!(first.keeps && first.served == 2);
        let again = Connection::open(&target, &"localhost".into(), None, &bell).await;
        let (mut second, opened) = again.unwrap();
        ask(&mut second, &bell).await.unwrap();
        opened.resumed
    });
    assert!(resumed);
    let connections: Vec<usize> = server.asked().iter().map(|a| a.connection).collect();
    assert_eq!(connections, [0, 0, 1]);
}

#[test]
fn a_certificate_of_nobody_is_refused_and_a_closed_port_too() {
    let server = Scripted::start(true, |_| Does::Says(answer(200, &[], b"x")));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let strict = target(&server, Some(Roots::Pem(made.cert.pem())));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut nobody = target(&server, None);
    nobody.addr = closed.local_addr().unwrap();
    drop(closed);
    let kinds = run(async |bell| {
        let strict = open(&strict, &bell).await.err().unwrap();
        let nobody = open(&nobody, &bell).await.err().unwrap();
        [strict.to_string(), nobody.to_string()]
    });
    assert_eq!(kinds, ["tls", "connect"]);
}

#[test]
fn a_wait_ends_with_an_answer_or_its_time_or_a_ring() {
    let split = Does::Splits(answer(200, &[], b"x"), 1, Duration::from_millis(300));
    let server = Scripted::start(true, move |asked| match asked.body.as_slice() {
        b"body" => Does::Hangs(Duration::from_secs(5)),
        _ => split.clone(),
    });
    let target = target(&server, Some(Roots::Anybody));
    run(async |bell| {
        let mut quiet = open(&target, &bell).await.unwrap();
        quiet.send(&request()).await.unwrap();
        let began_us = bell.now_us();
        let woken = quiet.wait(began_us + 50_000).await;
        assert_eq!(woken, Ok(Woken::Due));
        assert!(bell.now_us() >= began_us + 50_000);
        bell.ring();
        assert_eq!(quiet.wait(u64::MAX).await, Ok(Woken::Rung));
        quiet.cut();
        let mut spoken = open(&target, &bell).await.unwrap();
        let other = Request {
            body: b"other".to_vec(),
            ..request()
        };
        spoken.send(&other).await.unwrap();
        assert_eq!(spoken.wait(u64::MAX).await, Ok(Woken::Done(())));
        let answer = spoken.receive(bell.now_us() + 30_000_000).await;
        assert_eq!(answer.unwrap().body, b"x");
    });
}

#[test]
fn a_slow_reader_gets_all_of_it() {
    let body = vec![7; 3_000];
    let said = answer(200, &[], &body);
    let server = Scripted::start(false, move |_| Does::Says(said.clone()));
    let target = target(&server, None);
    let (answer, took_us) = run(async |bell| {
        let mut connection = open(&target, &bell).await.unwrap();
        connection.pace = Some(Pace {
            bytes: 500,
            pause_us: 2_000,
        });
        let began_us = bell.now_us();
        let answer = ask(&mut connection, &bell).await.unwrap();
        (answer, bell.now_us() - began_us)
    });
    assert_eq!(answer.body, body);
    assert!(took_us >= 10_000, "{took_us}");
}
