//! The program as an agent: processes that wait, say where, and end.

use roost_load::load::agents::{Locals, WAITS_AT, assemble};
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_roost-load");

#[test]
fn agents_of_this_machine_wait_for_who_started_them_and_end_with_it() {
    let locals = Locals::start(Path::new(PROGRAM), 2).unwrap();
    assert_eq!(locals.peers.len(), 2);
    assert!(locals.peers.iter().all(|peer| peer.fingerprint.is_some()));
    let stranger = assemble(&locals.peers, "another").err().unwrap();
    assert!(stranger.to_string().contains("token"), "{stranger}");
    let crew = assemble(&locals.peers, &locals.token);
    assert!(crew.is_ok());
    let waited_at: Vec<_> = locals.peers.iter().map(|peer| peer.addr).collect();
    drop(crew);
    drop(locals);
    for addr in waited_at {
        assert!(TcpStream::connect(addr).is_err(), "{addr} is still there");
    }
}

#[test]
fn an_agent_says_one_line_and_ends_with_its_standard_input() {
    let mut child = Command::new(PROGRAM)
        .args(["agent", "--listen", "127.0.0.1:0", "--until-eof"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = said.next().unwrap().unwrap();
    assert!(line.starts_with(WAITS_AT) && line.contains('#'), "{line}");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert!(said.next().is_none());
}

#[test]
fn beyond_this_machine_an_agent_needs_a_token() {
    let run = |more: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.args(["agent", "--listen", "0.0.0.0:0", "--until-eof"]);
        command.args(more).stdin(Stdio::null());
        command.env_remove("ROOST_LOAD_TOKEN").output().unwrap()
    };
    let refused = run(&[]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("token") && refused.status.code() == Some(1),
        "{said}"
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let empty = run(&["--token-file", path]);
    assert_eq!(empty.status.code(), Some(1));
    std::fs::write(file.path(), "a token\n").unwrap();
    assert!(run(&["--token-file", path]).status.success());
}
