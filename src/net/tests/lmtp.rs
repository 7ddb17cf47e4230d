//! LMTP over sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

use super::rig::*;
use crate::net::*;

/// Sends a script and returns all that comes back.
fn talk(mut socket: impl Read + Write, script: &str) -> String {
    let script = script.replace('\n', "\r\n");
    socket.write_all(script.as_bytes()).unwrap();
    let mut said = String::new();
    BufReader::new(socket).read_to_string(&mut said).unwrap();
    said
}

const SCRIPT: &str = "LHLO x\nMAIL FROM:<a@b>\nRCPT TO:<alice>\nRCPT TO:<nobody>\nDATA\n\
                      Subject: x\n\n..\n.\nQUIT\n";

#[test]
fn a_delivery() {
    for driver in DRIVERS {
        let rig = Rig::new(driver);
        let said = talk(connect(rig.server.lmtp()[0]), SCRIPT);
        assert!(said.starts_with("220 mail.test LMTP ready\r\n"), "{said}");
        assert!(said.contains("550 5.1.1 no such mailbox\r\n"));
        assert!(said.ends_with("250 2.0.0 <alice> delivered\r\n221 2.0.0 bye\r\n"));
        let delivered = rig.stage.delivered.lock().unwrap();
        assert_eq!(delivered[0].1, b"Subject: x\r\n\r\n.\r\n");
    }
}

#[test]
fn over_a_unix_socket() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lmtp.sock");
    let rig = Rig::with(Driver::Auto, |c| c.lmtp_socket = Some(path.clone()));
    let said = talk(UnixStream::connect(&path).unwrap(), SCRIPT);
    assert!(said.ends_with("221 2.0.0 bye\r\n"), "{said}");
    drop(rig);
    // What a process left behind is replaced.
    let rig = Rig::with(Driver::Auto, |c| c.lmtp_socket = Some(path.clone()));
    assert!(UnixStream::connect(&path).is_ok());
    drop(rig);
}

#[test]
fn silence_ends_a_session_with_a_word() {
    let rig = Rig::new(Driver::Auto);
    let mut socket = connect(rig.server.lmtp()[0]);
    let said = rig.wait_timed_out(&mut socket);
    let said = String::from_utf8(said).unwrap();
    assert!(
        said.ends_with("421 4.4.2 silent for too long\r\n"),
        "{said}"
    );
}

#[test]
fn a_stop_ends_a_session_with_a_word() {
    for driver in DRIVERS {
        let rig = Rig::new(driver);
        let mut lines = BufReader::new(connect(rig.server.lmtp()[0])).lines();
        assert!(lines.next().unwrap().unwrap().starts_with("220 "));
        rig.server.stop(PATIENCE);
        assert!(lines.next().unwrap().unwrap().starts_with("421 4.3.2 "));
        assert!(lines.next().is_none());
    }
}

#[test]
fn a_panic_ends_one_session() {
    let rig = Rig::on_cores(1, Driver::Auto, |_| {});
    let said = talk(
        connect(rig.server.lmtp()[0]),
        "LHLO x\nMAIL FROM:<>\nRCPT TO:<panic>\n",
    );
    assert!(!said.contains("2.1.5"));
    wait_for(|| rig.server.metrics().panics == 1);
    let said = talk(connect(rig.server.lmtp()[0]), SCRIPT);
    assert!(said.ends_with("221 2.0.0 bye\r\n"));
}

#[test]
fn sessions_are_capped() {
    let rig = Rig::with(Driver::Auto, |config| config.caps.lmtp_sessions = 1);
    let mut first = BufReader::new(connect(rig.server.lmtp()[0])).lines();
    assert!(first.next().unwrap().unwrap().starts_with("220 "));
    let said = talk(connect(rig.server.lmtp()[0]), "");
    assert_eq!(said, "421 4.3.2 too many connections\r\n");
}

#[test]
fn random_bytes_end_a_session() {
    let rig = Rig::new(Driver::Auto);
    let mut socket = connect(rig.server.lmtp()[0]);
    let mut random = Vec::new();
    for i in 0..5_000_u32 {
        random.extend_from_slice(&i.wrapping_mul(2_654_435_761).to_le_bytes());
    }
    random.extend_from_slice(b"\r\n");
    let _ = socket.write_all(&random);
    rig.wait_closed();
}
