//! HTTP: one parse per byte string, however it is cut into reads, and nothing that another reader
//! could take for another number of requests.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use roost::http::{Decoder, Message, Progress};
use roost::limits;

use super::input::{Input, cuts, is_turn};

/// A request, in what has to be the same.
#[derive(PartialEq, Eq, Debug)]
struct Seen {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    keep_alive: bool,
}

/// What comes of a byte string.
#[derive(PartialEq, Eq, Debug)]
struct Outcome {
    requests: Vec<Seen>,
    /// The status of a refusal.
    refused: Option<u16>,
    /// It ends within a request.
    partial: bool,
}

/// Any bytes.
pub(crate) fn head(data: &[u8]) {
    same_for_all_reads(data);
}

/// A good head that announces a body, and any bytes behind it.
pub(crate) fn body(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.byte();
    let behind = input.rest();
    let mut bytes = b"POST /a HTTP/1.1\r\nHost: x\r\n".to_vec();
    if kind & 1 != 0 {
        bytes.extend_from_slice(b"Content-Encoding: gzip\r\n");
    }
    if kind & 2 != 0 {
        bytes.extend_from_slice(b"Expect: 100-continue\r\n");
    }
    match kind >> 2 & 3 {
        0 => bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n"),
        1 => {
            let len = behind.len() / 2;
            write!(bytes, "Content-Length: {len}\r\n\r\n").expect("memory");
        }
        2 => {
            let len = behind.len();
            write!(bytes, "Content-Length: {len}\r\n\r\n").expect("memory");
        }
        _ => return whole_body(bytes, behind, kind & 1 != 0),
    }
    bytes.extend_from_slice(behind);
    same_for_all_reads(&bytes);
}

/// What is packed, and cut into chunks, arrives as it was.
fn whole_body(mut bytes: Vec<u8>, content: &[u8], gzip: bool) {
    let packed = if gzip {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).expect("memory");
        encoder.finish().expect("memory")
    } else {
        content.to_vec()
    };
    bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
    let mut from = 0;
    for to in cuts(content, packed.len())
        .into_iter()
        .chain([packed.len()])
    {
        if to > from {
            write!(bytes, "{:x};a=b\r\n", to - from).expect("memory");
            bytes.extend_from_slice(&packed[from..to]);
            bytes.extend_from_slice(b"\r\n");
        }
        from = to;
    }
    bytes.extend_from_slice(b"0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let outcome = same_for_all_reads(&bytes);
    assert_eq!((outcome.requests.len(), outcome.refused), (2, None));
    assert_eq!(outcome.requests[0].body, content);
}

fn same_for_all_reads(data: &[u8]) -> Outcome {
    let whole = outcome(data, &[]);
    whole.requests.iter().for_each(unambiguous);
    assert_eq!(whole, outcome(data, &cuts(data, data.len())), "in pieces");
    if data.len() <= 256 && is_turn(data, 0, 4) {
        let each: Vec<usize> = (0..data.len()).collect();
        assert_eq!(whole, outcome(data, &each), "byte by byte");
    }
    whole
}

fn outcome(data: &[u8], cuts: &[usize]) -> Outcome {
    let mut decoder = Decoder::new();
    let mut seen = Outcome {
        requests: Vec::new(),
        refused: None,
        partial: false,
    };
    let mut pending = Vec::new();
    let mut from = 0;
    for end in cuts.iter().copied().chain([data.len()]) {
        pending.extend_from_slice(&data[from..end]);
        from = end;
        loop {
            match decoder.feed(&pending) {
                Ok((used, Progress::Complete(message))) => {
                    assert!(decoder.is_idle() && used > 0);
                    pending.drain(..used);
                    seen.requests.push(shown(&message));
                }
                // Whether the peer is told to go on depends on when its body begins.
                Ok((used, Progress::Partial | Progress::Continue)) => {
                    assert_eq!(
                        used,
                        pending.len(),
                        "all is used until a request is complete"
                    );
                    pending.clear();
                    break;
                }
                Err(refusal) => {
                    assert!((400..=505).contains(&refusal.status()));
                    assert_eq!(decoder.feed(b"GET / HTTP/1.1\r\n\r\n").err(), Some(refusal));
                    seen.refused = Some(refusal.status());
                    return seen;
                }
            }
        }
    }
    seen.partial = !decoder.is_idle();
    seen
}

fn shown(message: &Message) -> Seen {
    let headers = message.headers();
    let request = message.request(&headers);
    assert_eq!(request.body.len(), message.body_len());
    assert!(request.body.len() <= limits::HTTP_BODY_BYTES_MAX);
    assert!(request.path.starts_with('/') || (request.path, request.method) == ("*", "OPTIONS"));
    Seen {
        line: format!(
            "{} {} {} {:?}",
            request.method, request.path, request.query, request.version
        ),
        headers: headers
            .iter()
            .map(|(n, v)| ((*n).into(), (*v).into()))
            .collect(),
        body: request.body.to_vec(),
        keep_alive: message.terms().keep_alive,
    }
}

/// RFC 9112 section 11.2: how long a request is can be read in one way only.
fn unambiguous(seen: &Seen) {
    let all = |name: &str| -> Vec<&str> {
        let of_name = seen
            .headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name));
        of_name.map(|(_, value)| value.as_str()).collect()
    };
    let (lengths, codings) = (all("content-length"), all("transfer-encoding"));
    assert!(lengths.is_empty() || codings.is_empty(), "{seen:?}");
    assert!(
        lengths
            .iter()
            .all(|n| *n == lengths[0] && n.bytes().all(|b| b.is_ascii_digit()))
    );
    assert!(codings.len() <= 1 && codings.iter().all(|c| c.eq_ignore_ascii_case("chunked")));
    if codings.is_empty() && all("content-encoding").is_empty() {
        let announced = lengths.first().map_or(0, |n| n.parse().expect("digits"));
        assert_eq!(seen.body.len(), announced, "{seen:?}");
    }
    for (name, value) in &seen.headers {
        assert!(!name.is_empty() && !name.contains([' ', '\t', ':', '\r', '\n', '\0']));
        assert!(!value.contains(['\r', '\n', '\0']), "{seen:?}");
    }
    assert!(!seen.line.contains(['\r', '\n', '\0']), "{seen:?}");
}
