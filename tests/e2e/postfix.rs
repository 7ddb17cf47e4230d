//! Debian's Postfix as the mail server in front and as the smarthost: with a configuration, a queue and a
//! port of its own, all in a folder of the test.
//!
//! It takes root to start it. Where it is missing the tests say that they are skipped; in CI they fail.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a daemon may take to be there.
const PATIENCE: Duration = Duration::from_secs(60);

const MASTER: &str = "\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";

/// A Postfix.
pub(crate) struct Postfix {
    dir: TempDir,
    /// Where it takes mail.
    pub(crate) smtp: SocketAddr,
}

/// Whether the tests with Postfix can run.
///
/// # Panics
/// In CI, where they have to.
pub(crate) fn is_here() -> bool {
    let root = Path::new("/proc/self");
    let is_root = fs::metadata(root).is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    let is_installed = Path::new("/usr/lib/postfix/sbin/master").is_file();
    if is_root && is_installed {
        return true;
    }
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    let what = if is_installed { "root" } else { "Postfix" };
    assert!(
        !ci,
        "the tests with Postfix may not be skipped here: {what} is missing"
    );
    println!("tests with Postfix skipped: {what} is missing");
    false
}

/// A port that nobody uses, below those that the system hands out, and of this process alone.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = std::process::id() % 200 * 50;
    loop {
        let next = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(20_000 + (first + next) % 12_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Postfix {
    /// Starts one that delivers mail for `remote.example` by LMTP at `lmtp`. `more`: lines for main.cf.
    pub(crate) fn start(lmtp: SocketAddr, more: &str) -> Self {
        Self::on_port(free_port(), lmtp, more)
    }

    /// The same on a port that was announced before.
    pub(crate) fn on_port(port: u16, lmtp: SocketAddr, more: &str) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), port, lmtp, more, "")
    }

    /// The same in a folder that has files for it, which `more` calls `$here`; with `services` in master.cf.
    pub(crate) fn in_folder(
        dir: TempDir,
        port: u16,
        lmtp: SocketAddr,
        more: &str,
        services: &str,
    ) -> Self {
        let at = dir.path();
        for (path, mode) in [
            ("", 0o755),
            ("conf", 0o755),
            ("queue", 0o755),
            ("data", 0o700),
        ] {
            let path = at.join(path);
            fs::create_dir_all(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let owned = Command::new("chown")
            .arg("postfix")
            .arg(at.join("data"))
            .status();
        assert!(owned.unwrap().success());
        let here = at.display();
        let more = more.replace("$here", &here.to_string());
        let main = format!(
            "compatibility_level = 3.6\n\
             queue_directory = {here}/queue\ndata_directory = {here}/data\n\
             maillog_file = {here}/mail.log\nmaillog_file_prefixes = {here}\n\
             command_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\n\
             meta_directory = /etc/postfix\nshlib_directory = /usr/lib/postfix\n\
             mail_owner = postfix\nsetgid_group = postdrop\n\
             myhostname = mx.test\nmydestination =\nalias_maps =\nalias_database =\n\
             inet_interfaces = loopback-only\ninet_protocols = ipv4\nmynetworks = 127.0.0.0/8\n\
             disable_dns_lookups = yes\nsmtp_host_lookup = native\n\
             virtual_mailbox_domains = remote.example\nvirtual_mailbox_maps =\n\
             virtual_transport = lmtp:inet:{lmtp}\n\
             minimal_backoff_time = 1s\nmaximal_backoff_time = 2s\nqueue_run_delay = 1s\n\
             transport_retry_time = 1s\nsmtpd_error_sleep_time = 0\n{more}"
        );
        fs::write(at.join("conf/main.cf"), main).unwrap();
        let master = format!("127.0.0.1:{port} inet n - n - - smtpd\n{services}{MASTER}");
        fs::write(at.join("conf/master.cf"), master).unwrap();
        let postfix = Self {
            smtp: SocketAddr::from(([127, 0, 0, 1], port)),
            dir,
        };
        let mut begun = postfix.command("postfix");
        let begun = begun.arg("start").output().unwrap();
        assert!(begun.status.success(), "{begun:?}\n{}", postfix.log());
        let since = Instant::now();
        while TcpStream::connect(postfix.smtp).is_err() {
            assert!(since.elapsed() < PATIENCE, "{}", postfix.log());
            thread::sleep(Duration::from_millis(20));
        }
        postfix
    }

    /// Nothing waits in its queue.
    pub(crate) fn is_idle(&self) -> bool {
        let listed = self.command("postqueue").arg("-j").output().unwrap();
        assert!(listed.status.success(), "{listed:?}");
        listed.stdout.is_empty()
    }

    /// What it has written.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("mail.log")).unwrap_or_default()
    }

    /// Mails that it has taken in.
    pub(crate) fn taken(&self) -> usize {
        let log = self.log();
        let queued = |line: &&str| line.contains("/qmgr[") && line.contains("queue active");
        let ids = log.lines().filter(queued).filter_map(|line| {
            let (_, behind) = line.split_once("]: ")?;
            Some(behind.split(':').next()?.to_owned())
        });
        ids.collect::<std::collections::BTreeSet<_>>().len()
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(format!("/usr/sbin/{name}"));
        command.arg("-c").arg(self.dir.path().join("conf"));
        command.stdin(Stdio::null());
        command
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let _ = self.command("postfix").arg("stop").output();
    }
}
