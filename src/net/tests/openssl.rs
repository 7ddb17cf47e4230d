//! Our record layer against OpenSSL's: `openssl s_client`, driven over its standard input.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};

use super::rig::*;
use super::tls::Tls;
use crate::net::*;

/// A running s_client.
struct OpenSsl {
    child: Child,
    stdin: ChildStdin,
    said: Receiver<Vec<u8>>,
    heard: String,
}

impl OpenSsl {
    /// Nothing where there is no openssl, which may not be in CI.
    fn connect(tls: &Tls, arguments: &[&str]) -> Option<Self> {
        let mut command = Command::new("openssl");
        command
            .args([
                "s_client",
                "-crlf",
                "-connect",
                &tls.rig.server.https()[0].to_string(),
            ])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let Ok(mut child) = command.spawn() else {
            assert!(std::env::var_os("CI").is_none(), "openssl is not installed");
            println!("skipped: openssl is not installed");
            return None;
        };
        // It speaks of new keys on standard error.
        let (say, said) = mpsc::channel();
        forward(child.stdout.take().unwrap(), say.clone());
        forward(child.stderr.take().unwrap(), say);
        Some(Self {
            stdin: child.stdin.take().unwrap(),
            child,
            said,
            heard: String::new(),
        })
    }

    /// Types a line.
    fn types(&mut self, line: &str) {
        self.stdin.write_all(line.as_bytes()).unwrap();
        self.stdin.flush().unwrap();
    }

    /// Waits for a text, and forgets what came up to its end.
    #[track_caller]
    fn hears(&mut self, text: &str) {
        loop {
            if let Some(at) = self.heard.find(text) {
                self.heard.drain(..at + text.len());
                return;
            }
            let more = self.said.recv_timeout(PATIENCE);
            let more = more.unwrap_or_else(|_| panic!("no {text:?} in {:?}", self.heard));
            self.heard.push_str(&String::from_utf8_lossy(&more));
        }
    }

    #[track_caller]
    fn asks(&mut self) {
        self.types("GET /tls HTTP/1.1\nHost: x\n\n");
        self.hears("HTTP/1.1 200 OK");
        self.hears("true");
    }
}

/// Hands on what the process writes, as it comes.
fn forward(mut from: impl Read + Send + 'static, say: Sender<Vec<u8>>) {
    std::thread::spawn(move || {
        let mut buf = [0; 4096];
        while let Ok(n) = from.read(&mut buf)
            && n > 0
        {
            let _ = say.send(buf[..n].to_vec());
        }
    });
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SUITES: [&str; 3] = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
];

#[test]
fn requests_and_new_keys_in_all_suites() {
    for suite in SUITES {
        let tls = Tls::new(Driver::Auto);
        let arguments = ["-tls1_3", "-ciphersuites", suite];
        let Some(mut client) = OpenSsl::connect(&tls, &arguments) else {
            return;
        };
        client.hears("Verify return code");
        client.asks();
        for update in ["k\n", "K\n", "K\n", "k\n"] {
            client.types(update);
            client.hears("KEYUPDATE");
            client.asks();
        }
        // Parked, new keys meanwhile, woken.
        client.types("POST /park?5 HTTP/1.1\nHost: x\nContent-Length: 0\n\n");
        wait_for(|| tls.rig.server.metrics().parked_tls13 == 1);
        client.types("K\n");
        client.hears("KEYUPDATE");
        // At once: whether it finds the request in the lot or on its way there, it is heard.
        tls.rig.tell(Tell::Wake(5));
        client.hears("Woken");
        client.asks();
        // An orderly end.
        client.types("Q\n");
        tls.rig.wait_closed();
        let metrics = tls.rig.server.metrics();
        assert_eq!((metrics.tls_errors, metrics.panics), (0, 0), "{suite}");
    }
}

#[test]
fn the_older_version_waits_as_well() {
    let tls = Tls::new(Driver::Auto);
    let Some(mut client) = OpenSsl::connect(&tls, &["-tls1_2"]) else {
        return;
    };
    client.hears("Verify return code");
    client.asks();
    client.types("POST /park?5 HTTP/1.1\nHost: x\nContent-Length: 0\n\n");
    wait_for(|| tls.rig.server.metrics().parked_tls12 == 1);
    tls.rig.tell(Tell::Wake(5));
    client.hears("Woken");
    client.asks();
}
