//! The appliance as an operator runs it: the binary, a data directory, users.

use super::sandbox;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The password of every user.
pub(crate) const PASSWORD: &str = "corr\u{e9}ct horse";

/// Cheap password checks, since the tests are about other things, and small messages.
const CONFIG: &str = "\
[auth]
argon2_memory_kib = 64
argon2_passes = 1
[lmtp]
message_bytes_max = 2097152
";

/// So long memory does not fall any more before it counts as settled.
const SETTLED_AFTER: Duration = Duration::from_secs(4);

/// A running appliance.
pub(crate) struct House {
    child: Child,
    dir: TempDir,
    panics: Arc<Mutex<Vec<String>>>,
    /// Where phones connect.
    pub(crate) https: SocketAddr,
    /// Where mail comes in.
    pub(crate) lmtp: SocketAddr,
}

impl House {
    /// Starts one with these users: each a name, or what `roost user add` takes besides.
    pub(crate) fn with_users(users: &[&str]) -> Self {
        Self::configured(users, "")
    }

    /// The same, with more in its configuration.
    pub(crate) fn configured(users: &[&str], more: &str) -> Self {
        Self::on(furnished(users, more))
    }

    /// The same in a sandbox that denies io_uring, as container runtimes do.
    pub(crate) fn without_io_uring(users: &[&str]) -> Self {
        let dir = furnished(users, "");
        let panics = Arc::default();
        let mut command = serving(dir.path());
        sandbox::deny_io_uring(&mut command);
        let (child, said) = spawn(&mut command, &panics);
        let (https, lmtp) = addresses(&said);
        Self {
            child,
            dir,
            panics,
            https,
            lmtp,
        }
    }

    /// Starts the demo.
    pub(crate) fn demo() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let panics = Arc::default();
        let mut command = roost(dir.path());
        command.args([
            "demo",
            "--dir",
            "demo",
            "--https",
            "127.0.0.1:0",
            "--lmtp",
            "127.0.0.1:0",
        ]);
        let (child, said) = spawn(&mut command, &panics);
        // The address is a word of its own, the port of LMTP the last word of a command line.
        let https = addr_in(&said, |line| {
            let (_, after) = line.split_once("  server ")?;
            after.split_whitespace().next()?.parse().ok()
        });
        let lmtp = addr_in(&said, |line| {
            let (_, after) = line.split_once("| nc ")?;
            after.trim().replace(' ', ":").parse().ok()
        });
        Self {
            child,
            dir,
            panics,
            https,
            lmtp,
        }
    }

    /// Kills the process and starts another on the same data, as after a power cut of the process.
    pub(crate) fn kill_and_restart(&mut self) {
        self.kill();
        (self.child, self.https, self.lmtp) = start(self.dir.path(), &self.panics);
    }

    /// Runs a subcommand on this house, which goes on running.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = roost(self.dir.path());
        command.args(arguments);
        place(&mut command, self.dir.path());
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// The same for somebody who has heard enough before it begins: what it says to standard error.
    pub(crate) fn run_unheard(&self, arguments: &[&str]) -> String {
        let mut command = roost(self.dir.path());
        command.args(arguments);
        place(&mut command, self.dir.path());
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdin(Stdio::null()).stdout(writer);
        let said = command.stderr(Stdio::piped()).output().unwrap();
        assert!(said.status.success(), "{said:?}");
        String::from_utf8(said.stderr).unwrap()
    }

    fn on(dir: TempDir) -> Self {
        let panics = Arc::default();
        let (child, https, lmtp) = start(dir.path(), &panics);
        Self {
            child,
            dir,
            panics,
            https,
            lmtp,
        }
    }

    /// Starts one on a data directory that an earlier release has left behind, packed by `tar`.
    pub(crate) fn of(packed: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(packed).arg("-C").arg(dir.path());
        assert!(tar.status().unwrap().success());
        Self::on(dir)
    }

    /// Packs the data directory of one that is killed, without its certificate.
    pub(crate) fn pack(&self, to: &Path) {
        let mut tar = Command::new("tar");
        tar.args(["--exclude=*.pem", "-czSf"]).arg(to);
        tar.arg("-C").arg(self.dir.path()).arg(".");
        assert!(tar.status().unwrap().success());
    }

    /// Kills the appliance, and leaves it so.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The folder around the data, for files of a test's own.
    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Resident memory of the process, KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// The same once it does not fall any more: freed memory is given back after a delay.
    pub(crate) fn settled_kib(&self) -> u64 {
        let mut least = self.resident_kib();
        let mut since = Instant::now();
        while since.elapsed() < SETTLED_AFTER {
            thread::sleep(Duration::from_millis(200));
            let now = self.resident_kib();
            if now < least {
                (least, since) = (now, Instant::now());
            }
        }
        least
    }

    /// The process is alive, and nothing in it has panicked.
    pub(crate) fn assert_well(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "the server has ended: {ended:?}");
        let panics = self.panics.lock().unwrap();
        assert!(panics.is_empty(), "{panics:?}");
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn roost(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roost"));
    command
        .env_remove("ROOST_CONFIG")
        .env_remove("ROOST_DATA")
        .current_dir(dir);
    // The whole suite may be run that way.
    if std::env::var_os("ROOST_TEST_NO_IO_URING").is_some() {
        sandbox::deny_io_uring(&mut command);
    }
    command
}

fn place(command: &mut Command, dir: &Path) {
    command
        .arg("--config")
        .arg(dir.join("roost.toml"))
        .arg("--data")
        .arg(dir.join("data"));
}

/// A folder with a configuration, and a data directory with these users.
fn furnished(users: &[&str], more: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("roost.toml"), format!("{CONFIG}{more}")).unwrap();
    for user in users {
        add_user(dir.path(), user);
    }
    dir
}

fn add_user(dir: &Path, name: &str) {
    let mut command = roost(dir);
    command
        .args(["user", "add", "--password-stdin"])
        .args(name.split(' '));
    place(&mut command, dir);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    assert!(child.wait().unwrap().success(), "roost user add {name}");
}

fn serving(dir: &Path) -> Command {
    let mut command = roost(dir);
    command
        .arg("serve")
        .args(["--https", "127.0.0.1:0", "--lmtp", "127.0.0.1:0"]);
    place(&mut command, dir);
    command
}

fn start(dir: &Path, panics: &Arc<Mutex<Vec<String>>>) -> (Child, SocketAddr, SocketAddr) {
    let (child, said) = spawn(&mut serving(dir), panics);
    let (https, lmtp) = addresses(&said);
    (child, https, lmtp)
}

fn addresses(said: &Receiver<String>) -> (SocketAddr, SocketAddr) {
    let https = addr_in(said, |line| {
        line.strip_prefix("roost: https on ")?.parse().ok()
    });
    let lmtp = addr_in(said, |line| {
        line.strip_prefix("roost: lmtp on ")?.parse().ok()
    });
    (https, lmtp)
}

/// Starts a process whose lines are read to their end, so that it never waits for a reader.
fn spawn(command: &mut Command, panics: &Arc<Mutex<Vec<String>>>) -> (Child, Receiver<String>) {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (say, said) = mpsc::channel();
    let stdout: Box<dyn Read + Send> = Box::new(child.stdout.take().unwrap());
    let stderr: Box<dyn Read + Send> = Box::new(child.stderr.take().unwrap());
    for stream in [stdout, stderr] {
        let (say, panics) = (say.clone(), Arc::clone(panics));
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if std::env::var_os("ROOST_TEST_LOG").is_some() {
                    println!("{line}");
                }
                if line.contains("panicked at") {
                    panics.lock().unwrap().push(line.clone());
                }
                let _ = say.send(line);
            }
        });
    }
    (child, said)
}

/// The first address that a line names. Generous: the demo makes its data first.
fn addr_in(said: &Receiver<String>, find: impl Fn(&str) -> Option<SocketAddr>) -> SocketAddr {
    loop {
        let line = said
            .recv_timeout(Duration::from_secs(300))
            .expect("the server did not start");
        if let Some(addr) = find(line.trim_end()) {
            return addr;
        }
    }
}
