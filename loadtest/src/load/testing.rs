//! A server for the tests: it answers each request as a script says, and remembers what it was asked.

use crate::Request;
use rcgen::generate_simple_self_signed;
use roost::clock::Clock;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What the server does with a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Does {
    /// Says these bytes.
    Says(Vec<u8>),
    /// Says them in two pieces, the second so much later.
    Splits(Vec<u8>, usize, Duration),
    /// Says them, and closes.
    Last(Vec<u8>),
    /// Closes without a word, after this time.
    Hangs(Duration),
    /// Says nothing, and listens on.
    Waits,
}

/// A request as it came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Asked {
    /// The command of the query, or the method.
    pub(crate) command: String,
    /// All of it.
    pub(crate) bytes: Vec<u8>,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// When, microseconds.
    pub(crate) at_us: u64,
    /// The connection that it came on, from 0.
    pub(crate) connection: usize,
}

type Script = dyn Fn(&Asked) -> Does + Send + Sync;

/// A server.
pub(crate) struct Scripted {
    pub(crate) addr: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    gone: Arc<Mutex<Vec<usize>>>,
}

impl Scripted {
    /// Begins to answer.
    pub(crate) fn start(
        tls: bool,
        script: impl Fn(&Asked) -> Does + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let config = tls.then(server_config);
        let clock = Clock::system();
        let script: Arc<Script> = Arc::new(script);
        let log = Arc::clone(&asked);
        let gone = Arc::new(Mutex::new(Vec::new()));
        let went = Arc::clone(&gone);
        thread::spawn(move || {
            for (number, socket) in listener.incoming().enumerate() {
                let Ok(socket) = socket else { return };
                let (config, script, log) = (config.clone(), Arc::clone(&script), Arc::clone(&log));
                let (clock, went) = (clock.clone(), Arc::clone(&went));
                thread::spawn(move || {
                    // The client may go when it likes.
                    let _ = match config {
                        None => serve(socket, number, &*script, &log, &clock),
                        Some(config) => {
                            let session = ServerConnection::new(config).unwrap();
                            serve(
                                StreamOwned::new(session, socket),
                                number,
                                &*script,
                                &log,
                                &clock,
                            )
                        }
                    };
                    went.lock().unwrap().push(number);
                });
            }
        });
        Self { addr, asked, gone }
    }

    /// Connections that are over, by their numbers.
    pub(crate) fn gone(&self) -> Vec<usize> {
        self.gone.lock().unwrap().clone()
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// TLS with a certificate of nobody.
pub(crate) fn server_config() -> Arc<ServerConfig> {
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into());
    Arc::new(config.unwrap())
}

fn serve(
    mut stream: impl Read + Write,
    connection: usize,
    script: &Script,
    log: &Mutex<Vec<Asked>>,
    clock: &Clock,
) -> io::Result<()> {
    loop {
        let mut asked = read(&mut stream, connection)?;
        asked.at_us = clock.mono_us();
        log.lock().unwrap().push(asked.clone());
        let pause = |time: Duration| {
            let (_keep, never) = std::sync::mpsc::channel::<()>();
            let _ = never.recv_timeout(time);
        };
        match script(&asked) {
            Does::Says(bytes) => stream.write_all(&bytes)?,
            Does::Splits(bytes, at, later) => {
                stream.write_all(&bytes[..at])?;
                stream.flush()?;
                pause(later);
                stream.write_all(&bytes[at..])?;
            }
            Does::Last(bytes) => {
                stream.write_all(&bytes)?;
                return stream.flush();
            }
            Does::Waits => {}
            Does::Hangs(time) => {
                pause(time);
                return Ok(());
            }
        }
        stream.flush()?;
    }
}

fn read(stream: &mut impl Read, connection: usize) -> io::Result<Asked> {
    let mut bytes = Vec::new();
    let mut one = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut one)?;
        bytes.push(one[0]);
    }
    let head = String::from_utf8(bytes.clone()).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body)?;
    bytes.extend_from_slice(&body);
    let command = match head.split_once("Cmd=") {
        Some((_, rest)) => rest.split(['&', ' ']).next().unwrap_or_default(),
        None => head.split(' ').next().unwrap_or_default(),
    };
    Ok(Asked {
        command: command.to_owned(),
        bytes,
        body,
        at_us: 0,
        connection,
    })
}

/// An answer with headers and a body.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Said\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A request.
pub(crate) fn request() -> Request {
    Request {
        method: "POST",
        target: "/x?Cmd=Ping".to_owned(),
        headers: vec![("Accept-Encoding".to_owned(), "gzip".to_owned())],
        body: b"body".to_vec(),
    }
}
