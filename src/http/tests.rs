//! What peers may send, and above all what they may not: one outcome per byte string, however it
//! is cut into reads.

use std::io::Write;

use proptest::prelude::*;

use super::*;
use crate::limits;

/// All that comes of a byte string: a line per request, and how it ended.
fn outcome(bytes: &[u8], cuts: &[usize]) -> Vec<String> {
    let mut decoder = Decoder::new();
    let mut seen = Vec::new();
    let mut pending = Vec::new();
    let mut from = 0;
    let mut ends: Vec<usize> = cuts.iter().map(|c| c % (bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    for end in ends {
        pending.extend_from_slice(&bytes[from..end]);
        from = end;
        loop {
            match decoder.feed(&pending) {
                Ok((used, Progress::Complete(message))) => {
                    pending.drain(..used);
                    let headers = message.headers();
                    let r = message.request(&headers);
                    let body = String::from_utf8_lossy(r.body);
                    let keep = if message.terms().keep_alive {
                        ""
                    } else {
                        " close"
                    };
                    seen.push(format!("{} {} {:?}{keep}", r.method, r.path, body));
                }
                Ok((used, _)) => {
                    assert_eq!(used, pending.len());
                    pending.clear();
                    break;
                }
                Err(refusal) => {
                    seen.push(refusal.status().to_string());
                    return seen;
                }
            }
        }
    }
    if !decoder.is_idle() {
        seen.push("more".into());
    }
    seen
}

/// `\n` in the readable forms below stands for CRLF.
fn crlf(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

fn check(text: &str, expect: &[&str]) {
    let bytes = crlf(text);
    assert_eq!(outcome(&bytes, &[]), expect, "{text:?}");
    let each: Vec<usize> = (0..bytes.len()).collect();
    assert_eq!(outcome(&bytes, &each), expect, "byte by byte: {text:?}");
}

fn raw(bytes: &[u8], expect: &[&str]) {
    let shown = String::from_utf8_lossy(bytes);
    assert_eq!(outcome(bytes, &[]), expect, "{shown:?}");
    let each: Vec<usize> = (0..bytes.len()).collect();
    assert_eq!(outcome(bytes, &each), expect, "byte by byte: {shown:?}");
}

#[test]
fn good_requests() {
    check("GET / HTTP/1.1\nHost: x\n\n", &["GET / \"\""]);
    check("GET / HTTP/1.0\n\n", &["GET / \"\" close"]);
    check(
        "GET / HTTP/1.0\nConnection: Keep-Alive\n\n",
        &["GET / \"\""],
    );
    check(
        "GET / HTTP/1.1\nHost: x\nConnection: foo, CLOSE\n\n",
        &["GET / \"\" close"],
    );
    check("OPTIONS * HTTP/1.1\nHost: x\n\n", &["OPTIONS * \"\""]);
    check("GET http://x/a?b HTTP/1.1\nHost: x\n\n", &["GET /a \"\""]);
    check("\n\nGET / HTTP/1.1\nHost: x\n\n", &["GET / \"\""]);
    check(
        "POST /a HTTP/1.1\nhost: x\ncontent-length: 3\n\nabc",
        &["POST /a \"abc\""],
    );
    check(
        "POST /a HTTP/1.1\nHost: x\nContent-Length:3\nContent-Length: 3 \n\nabc",
        &["POST /a \"abc\""],
    );
    check(
        "POST /a HTTP/1.1\nHost: x\nContent-Length: 0003\n\nabc",
        &["POST /a \"abc\""],
    );
    check(
        "POST /a HTTP/1.1\nHost: x\nX:\nContent-Encoding: identity\n\n",
        &["POST /a \"\""],
    );
    check(
        "DELETE /a HTTP/1.1\nHost: x\nContent-Length: 1\n\nz",
        &["DELETE /a \"z\""],
    );
}

#[test]
fn pipelined_requests_stay_apart() {
    check(
        "POST /1 HTTP/1.1\nHost: x\nContent-Length: 3\n\nabcGET /2 HTTP/1.1\nHost: x\n\nGET /3 HT",
        &["POST /1 \"abc\"", "GET /2 \"\"", "more"],
    );
    check(
        "POST /1 HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n1\na\n0\n\nGET /2 HTTP/1.1\nHost: x\n\n",
        &["POST /1 \"a\"", "GET /2 \"\""],
    );
    check(
        "GET /1 HTTP/1.1\nHost: x\n\nrubbish\n\n",
        &["GET /1 \"\"", "400"],
    );
}

#[test]
fn abuse_of_the_request_line() {
    for text in [
        "GET  / HTTP/1.1\nHost: x\n\n",
        "GET / HTTP/1.1 \nHost: x\n\n",
        " GET / HTTP/1.1\nHost: x\n\n",
        "GET\t/ HTTP/1.1\nHost: x\n\n",
        "GET /\nHost: x\n\n",
        "GET / \nHost: x\n\n",
        "GET HTTP/1.1\nHost: x\n\n",
        "G\u{e9}T / HTTP/1.1\nHost: x\n\n",
        "GET / http/1.1\nHost: x\n\n",
        "GET / HTTP/1.1x\nHost: x\n\n",
        "GET a HTTP/1.1\nHost: x\n\n",
        "GET * HTTP/1.1\nHost: x\n\n",
        "GET ftp://x/ HTTP/1.1\nHost: x\n\n",
        "GET /a#b HTTP/1.1\nHost: x\n\n",
        "CONNECT x:443 HTTP/1.1\nHost: x\n\n",
        "GET /a b HTTP/1.1\nHost: x\n\n",
        "\n\n\n\n\nGET / HTTP/1.1\nHost: x\n\n",
        "(GET) / HTTP/1.1\nHost: x\n\n",
        "GET /\u{1} HTTP/1.1\nHost: x\n\n",
    ] {
        check(text, &["400"]);
    }
    check("GET / HTTP/2.0\nHost: x\n\n", &["505"]);
    check("PRI * HTTP/2.0\n\nSM\n\n", &["505"]);
    check("GET / HTTP/0.9\nHost: x\n\n", &["505"]);
    raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", &["400"]);
    raw(b"GET / HTTP/1.1\nHost: x\n\n", &["400"]);
    raw(b"GET / HTTP/1.1\r\r\nHost: x\r\n\r\n", &["400"]);
    raw(b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", &["400"]);
}

#[test]
fn abuse_of_headers() {
    for text in [
        "GET / HTTP/1.1\n\n",
        "GET / HTTP/1.1\nHost: x\nHost: x\n\n",
        "GET / HTTP/1.1\nHost : x\n\n",
        "GET / HTTP/1.1\nHost: x\n folded\n\n",
        "GET / HTTP/1.1\nHost: x\nA: b\n\tfolded\n\n",
        "GET / HTTP/1.1\n Host: x\n\n",
        "GET / HTTP/1.1\nHost: x\nno colon\n\n",
        "GET / HTTP/1.1\nHost: x\n: empty name\n\n",
        "GET / HTTP/1.1\nHost: x\na b: c\n\n",
        "GET / HTTP/1.1\nHost: x\na\u{e9}: c\n\n",
        "GET / HTTP/1.1\nHost: x\nA: \u{7f}\n\n",
        "GET / HTTP/1.1\nHost: x\nA: \u{8}\n\n",
    ] {
        check(text, &["400"]);
    }
    raw(b"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", &["400"]);
    raw(b"GET / HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n", &["400"]);
    raw(b"GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n", &["400"]);
    check("GET / HTTP/1.1\nHost: x\nExpect: 200-ok\n\n", &["417"]);
    check(
        "POST / HTTP/1.1\nHost: x\nContent-Encoding: br\n\n",
        &["415"],
    );
    check(
        "POST / HTTP/1.1\nHost: x\nContent-Encoding: gzip, gzip\n\n",
        &["415"],
    );
    let many = "A: b\n".repeat(limits::HTTP_HEADERS_MAX);
    check(&format!("GET / HTTP/1.1\nHost: x\n{many}\n"), &["431"]);
    let long = "a".repeat(limits::HTTP_HEAD_BYTES_MAX);
    check(&format!("GET / HTTP/1.1\nHost: x\nA: {long}\n\n"), &["431"]);
    check(&format!("GET /{long} HTTP/1.1\nHost: x\n\n"), &["431"]);
}

#[test]
fn abuse_of_framing() {
    let with = |headers: &str| format!("POST / HTTP/1.1\nHost: x\n{headers}\n\nabc");
    for bad in [
        "Content-Length: 3\nContent-Length: 4",
        "Content-Length: 3\nContent-Length: 03",
        "Content-Length: 3, 3",
        "Content-Length: +3",
        "Content-Length: -3",
        "Content-Length: 0x3",
        "Content-Length: 3 3",
        "Content-Length: 3a",
        "Content-Length: ",
        "Content-Length: \u{663}",
        "Content-Length: 3\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\nContent-Length: 3",
        "Transfer-Encoding: ",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: \u{b}chunked",
        "Content-Length : 3",
        "Transfer-Encoding : chunked",
    ] {
        check(&with(bad), &["400"]);
    }
    for unknown in [
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip\nTransfer-Encoding: chunked",
    ] {
        check(&with(unknown), &["501"]);
    }
    check(
        "POST / HTTP/1.0\nTransfer-Encoding: chunked\n\n0\n\n",
        &["400"],
    );
    check(&with("Content-Length: 33554433"), &["413"]);
    check(&with("Content-Length: 99999999999999999999999"), &["413"]);
}

#[test]
fn chunked_bodies() {
    let with =
        |body: &str| format!("POST / HTTP/1.1\nHost: x\nTransfer-Encoding: CHUNKED\n\n{body}");
    let good = |body: &str, expect: &str| check(&with(body), &[&format!("POST / {expect:?}")]);
    good("3\nabc\n0\n\n", "abc");
    good("3\nabc\nA\n0123456789\n0\n\n", "abc0123456789");
    good("003;x=y;z=\"a b\"\nabc\n000\n\n", "abc");
    good("3\nabc\n0\nTrailer: x\nB:\n\n", "abc");
    good("0\n\n", "");
    for bad in [
        "3 \nabc\n0\n\n",
        " 3\nabc\n0\n\n",
        "+3\nabc\n0\n\n",
        "0x3\nabc\n0\n\n",
        "g\nabc\n0\n\n",
        "\nabc\n0\n\n",
        ";x\nabc\n0\n\n",
        "-1\nabc\n0\n\n",
        "2\nabc\n0\n\n",
        "3\nabc0\n\n",
        "3;\u{1}\nabc\n0\n\n",
        "3\nabc\n0\nno colon\n\n",
        "3\nabc\n0\n folded: x\n\n",
        "3\nabc\n0\na : b\n\n",
        "3\nabc\n0\n: b\n\n",
    ] {
        check(&with(bad), &["400"]);
    }
    check(&with("ffffffffffffffff\nabc"), &["413"]);
    check(&with("10000000000000003\nabc"), &["413"]);
    check(&with("2000001\n"), &["413"]);
    check(&with("4\nabc\n0\n\n"), &["400"]);
    check(&with("5\nabc\n0\n\n"), &["400"]);
    check(&with(&format!("{}3\n", "0".repeat(20_000))), &["400"]);
    check(&with(&format!("3;{}\n", "x".repeat(20_000))), &["400"]);
    check(&with(&format!("0\n{}", "a: b\n".repeat(10_000))), &["400"]);
    let lines = |body: &[u8]| {
        let mut bytes = crlf(&with(""));
        bytes.extend_from_slice(body);
        bytes
    };
    raw(&lines(b"3\nabc\r\n0\r\n\r\n"), &["400"]);
    raw(&lines(b"3\r\nabc\n0\r\n\r\n"), &["400"]);
    raw(&lines(b"3\r\nabc\r\n0\n\n"), &["400"]);
    raw(&lines(b"3\r\nabc\r\n0\r\n\n"), &["400"]);
    raw(&lines(b"3\r\nabc\r\n0\r\na: b\n\r\n"), &["400"]);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gzip_request(body: &[u8]) -> Vec<u8> {
    let mut bytes = crlf(&format!(
        "POST / HTTP/1.1\nHost: x\nContent-Encoding: gzip\nContent-Length: {}\n\n",
        body.len()
    ));
    bytes.extend_from_slice(body);
    bytes
}

#[test]
fn gzip_bodies() {
    raw(&gzip_request(&gzip(b"hello")), &["POST / \"hello\""]);
    raw(&gzip_request(b""), &["POST / \"\""]);
    let good = gzip(b"hello");
    raw(&gzip_request(&good[..good.len() - 1]), &["400"]);
    raw(&gzip_request(&good[..12]), &["400"]);
    raw(&gzip_request(b"hello"), &["400"]);
    let mut crc = good.clone();
    crc[good.len() - 5] ^= 1;
    raw(&gzip_request(&crc), &["400"]);
    let mut behind = good.clone();
    behind.extend_from_slice(b"GET /");
    raw(&gzip_request(&behind), &["400"]);
}

#[test]
fn a_bomb_is_refused_at_the_bound() {
    let bomb = gzip(&vec![0; limits::HTTP_BODY_BYTES_MAX + 1]);
    assert!(bomb.len() < 64 * 1024);
    assert_eq!(outcome(&gzip_request(&bomb), &[]), ["413"]);
    let most = gzip(&vec![b'a'; limits::HTTP_BODY_BYTES_MAX]);
    let bytes = gzip_request(&most);
    let Ok((_, Progress::Complete(message))) = Decoder::new().feed(&bytes) else {
        panic!("the largest body is taken")
    };
    assert_eq!(message.request(&[]).body.len(), limits::HTTP_BODY_BYTES_MAX);
    // A bomb in a bomb is one layer to us.
    assert_eq!(outcome(&gzip_request(&gzip(&bomb)), &[]).len(), 1);
}

#[test]
fn a_waiting_peer_is_told_once_to_go_on() {
    let head = crlf("POST / HTTP/1.1\nHost: x\nExpect: 100-Continue\nContent-Length: 2\n\n");
    let mut decoder = Decoder::new();
    let told = |d: &mut Decoder, b: &[u8]| matches!(d.feed(b), Ok((_, Progress::Continue)));
    assert!(told(&mut decoder, &head));
    assert!(!told(&mut decoder, b""));
    assert!(!told(&mut decoder, b"a"));
    assert!(matches!(decoder.feed(b"b"), Ok((1, Progress::Complete(_)))));

    // One that goes on by itself, or that has nothing to send, is not told.
    let mut eager = head.clone();
    eager.push(b'a');
    assert!(!told(&mut Decoder::new(), &eager));
    let empty = crlf("POST / HTTP/1.1\nHost: x\nExpect: 100-continue\nContent-Length: 0\n\n");
    assert!(matches!(
        Decoder::new().feed(&empty),
        Ok((_, Progress::Complete(_)))
    ));
}

#[test]
fn a_decoder_between_requests_holds_nothing() {
    assert!(size_of::<Decoder>() <= 32);
    let mut decoder = Decoder::new();
    let bytes = crlf("GET / HTTP/1.1\nHost: x\n\n");
    assert!(matches!(
        decoder.feed(&bytes),
        Ok((_, Progress::Complete(_)))
    ));
    assert!(decoder.is_idle());
}

#[test]
fn a_refusal_is_final() {
    let mut decoder = Decoder::new();
    assert!(decoder.feed(b"\n").is_err());
    assert!(decoder.feed(&crlf("GET / HTTP/1.1\nHost: x\n\n")).is_err());
}

/// Requests good and bad, glued.
fn conversation() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(crlf("GET / HTTP/1.1\nHost: x\n\n")),
        Just(crlf(
            "POST /a HTTP/1.1\nHost: x\nContent-Length: 11\n\nhello world"
        )),
        Just(crlf(
            "POST /b HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n5;e=1\nhello\n0\nT: v\n\n"
        )),
        Just(crlf(
            "POST /c HTTP/1.0\nExpect: 100-continue\nContent-Length: 1\n\nz"
        )),
        Just(gzip_request(&gzip(b"compressed"))),
        Just(crlf("\n")),
        Just(b"\r".to_vec()),
        Just(crlf(
            "POST /d HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n5\nhell\n0\n\n"
        )),
        proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_cut_gives_the_same(
        bytes in conversation(),
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
    ) {
        let each: Vec<usize> = (0..bytes.len()).collect();
        let whole = outcome(&bytes, &[]);
        prop_assert_eq!(&outcome(&bytes, &cuts), &whole);
        prop_assert_eq!(&outcome(&bytes, &each), &whole);
    }

    #[test]
    fn random_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        outcome(&bytes, &[]);
        let mut chunked = crlf("POST / HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n");
        chunked.extend_from_slice(&bytes);
        outcome(&chunked, &[]);
        outcome(&gzip_request(&bytes), &[]);
    }
}
