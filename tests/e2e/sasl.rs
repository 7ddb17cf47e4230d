//! Who may log in at Postfix: the server's side of the protocol in which Postfix asks Dovecot.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

const USER: &str = "roost";
const SECRET: &str = "s\u{e9}same";

/// Answers at this socket: one user, one password, which is the token as well.
pub(crate) fn serve(at: &Path) {
    let listener = UnixListener::bind(at).unwrap();
    fs::set_permissions(at, fs::Permissions::from_mode(0o777)).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || converse(&stream));
        }
    });
}

fn converse(stream: &UnixStream) -> Option<()> {
    let mut out = stream;
    let hello = "VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nMECH\tXOAUTH2\n\
                 SPID\t1\nCUID\t1\nCOOKIE\t0123456789abcdef0123456789abcdef\nDONE\n";
    out.write_all(hello.as_bytes()).ok()?;
    // Mechanism, and what was answered so far.
    let mut login: (String, Vec<String>) = Default::default();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields[..] {
            ["AUTH", _, mechanism, ..] => {
                let first = fields.iter().find_map(|f| f.strip_prefix("resp="));
                let first = first.map(decoded).into_iter().collect();
                login = (mechanism.to_owned(), first);
            }
            ["CONT", _, answer] => login.1.push(decoded(answer)),
            _ => continue,
        }
        let id = fields[1];
        let said = match (login.0.as_str(), login.1.len()) {
            ("LOGIN", 0) => format!("CONT\t{id}\t{}\n", STANDARD.encode("Username:")),
            ("LOGIN", 1) => format!("CONT\t{id}\t{}\n", STANDARD.encode("Password:")),
            _ if is_right(&login) => format!("OK\t{id}\tuser={USER}\n"),
            ("XOAUTH2", 1) => format!("CONT\t{id}\t{}\n", STANDARD.encode("{\"status\":\"401\"}")),
            _ => format!("FAIL\t{id}\tuser={USER}\n"),
        };
        out.write_all(said.as_bytes()).ok()?;
    }
    Some(())
}

fn is_right((mechanism, answers): &(String, Vec<String>)) -> bool {
    match mechanism.as_str() {
        "PLAIN" => *answers == [format!("\0{USER}\0{SECRET}")],
        "LOGIN" => *answers == [USER, SECRET],
        "XOAUTH2" => *answers == [format!("user={USER}\x01auth=Bearer {SECRET}\x01\x01")],
        _ => false,
    }
}

fn decoded(text: &str) -> String {
    String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
}
