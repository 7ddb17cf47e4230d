//! The status page, served: `/` for people, `/status.json` and `/metrics` for programs.

use super::outbound::Counts;
use crate::admin::measure::{self, Counter, Distribution, QUANTILES};
use crate::admin::page::{self, Status};
use crate::admin::{Desk, Order, Reply};
use crate::http::{Answer, Outcome, Peer, Request, Why};
use crate::net::{self, Counted, Heard, Histogram, Lmtp, Meter, Parked, Report, Service};
use crate::queue::Queue;
use crate::smtp::{Envelope, Verdict};
use std::convert::Infallible;
use std::sync::Arc;

/// Serves the page.
#[derive(Clone)]
pub(super) struct Pages {
    desk: Desk,
    meter: Meter,
    outgoing: Arc<Counts>,
    started_ms: i64,
}

impl Pages {
    pub(super) fn new(desk: Desk, meter: Meter, outgoing: Arc<Counts>, started_ms: i64) -> Self {
        Self {
            desk,
            meter,
            outgoing,
            started_ms,
        }
    }

    async fn status(&self) -> Status {
        let users = match self.desk.carry_out(Order::UserList, Vec::new()).await {
            Reply::Users { users } => users,
            _ => Vec::new(),
        };
        let all = Order::DeviceList { user: None };
        let devices = match self.desk.carry_out(all, Vec::new()).await {
            Reply::Devices { devices } => devices,
            _ => Vec::new(),
        };
        let heartbeats = match self.desk.carry_out(Order::Heartbeats, Vec::new()).await {
            Reply::Heartbeats { heartbeats } => heartbeats,
            _ => Vec::new(),
        };
        let now_ms = self.desk.mailbox().clock().now_ms();
        let report = self.meter.report();
        Status {
            version: env!("CARGO_PKG_VERSION"),
            now_ms,
            up_s: (now_ms - self.started_ms).max(0) / 1000,
            users,
            devices,
            counters: self.counters(&report).await,
            heartbeats,
            turn_us_max: report.turn_us_max.clone(),
            distributions: distributions(&report),
        }
    }
}

impl Pages {
    /// All counters: of the cores, and of outgoing mail.
    async fn counters(&self, report: &Report) -> Vec<Counter> {
        let mut all = counters(report);
        let of = |name, help, is_gauge, value| Counter {
            name,
            help,
            is_gauge,
            value,
            cores: Vec::new(),
        };
        let queue = Queue::new(self.desk.mailbox().clone());
        if let Ok(queued) = queue.count().await {
            let help = "Mails that wait in the queue.";
            all.push(of("outgoing_queued", help, true, queued));
        }
        let counts = self.outgoing.all().into_iter();
        all.extend(counts.map(|(name, help, value)| of(name, help, false, value)));
        all
    }
}

/// The counters of the cores, as the page wants them.
fn counters(report: &Report) -> Vec<Counter> {
    let each: Vec<Vec<Counted>> = report.cores.iter().map(net::Metrics::counted).collect();
    let of_cores = |n: usize, counted: &Counted| {
        let known = each.iter().filter(|_| !counted.is_of_the_whole());
        known.filter_map(|core| Some(core.get(n)?.value)).collect()
    };
    let total = report.total.counted().into_iter().enumerate();
    total
        .map(|(n, counted)| Counter {
            name: counted.name,
            help: counted.help,
            is_gauge: counted.is_gauge(),
            value: counted.value,
            cores: of_cores(n, &counted),
        })
        .collect()
}

fn distributions(report: &Report) -> Vec<Distribution> {
    vec![
        distribution(
            "wake_us",
            "Microseconds from a durable commit to the answer handed to the kernel.",
            &report.wake_us,
        ),
        distribution(
            "turn_us",
            "Microseconds that a core did not return to its ring, where they were many.",
            &report.turn_us,
        ),
        distribution(
            "parked_s",
            "Seconds that requests had waited when they were answered.",
            &report.parked_s,
        ),
    ]
}

fn distribution(name: &'static str, help: &'static str, measured: &Histogram<u64>) -> Distribution {
    let (mut bars, mut below, mut bound) = (Vec::new(), 0, 32);
    while below < measured.len() && bars.len() < BARS_MAX {
        let up_to = measured.count_between(0, bound);
        bars.push((bound, up_to - below));
        (below, bound) = (up_to, bound * 2);
    }
    Distribution {
        name,
        help,
        count: measured.len(),
        sum: measured.iter_recorded().fold(0, |sum: u64, value| {
            let all = value
                .value_iterated_to()
                .saturating_mul(value.count_at_value());
            sum.saturating_add(all)
        }),
        max: measured.max(),
        quantiles: QUANTILES.map(|share| measured.value_at_quantile(share)),
        bars,
    }
}

/// Columns of a picture; what is above the last is in none.
const BARS_MAX: usize = 24;

/// Nothing waits here.
pub(super) struct Never(Infallible);

impl Parked for Never {
    type Signal = ();

    fn account(&self) -> u64 {
        match self.0 {}
    }

    fn since_ms(&self) -> u64 {
        match self.0 {}
    }

    fn deadline_ms(&self) -> u64 {
        match self.0 {}
    }

    fn is_current(&self) -> bool {
        match self.0 {}
    }

    fn hear(&self, _: &(), _: &mut Vec<u8>) -> Heard {
        match self.0 {}
    }

    fn expire(&self, _: &mut Vec<u8>) -> Heard {
        match self.0 {}
    }

    fn bytes(&self) -> usize {
        match self.0 {}
    }

    fn version_tens(&self) -> u8 {
        match self.0 {}
    }
}

impl Service for Pages {
    type Parked = Never;

    async fn handle(&self, request: &Request<'_>, _: &Peer) -> Outcome<Never> {
        // A page of another site that had its name resolved to loopback learns nothing.
        if !page::is_local(request.header("Host").unwrap_or_default()) {
            return Outcome::Answer(Answer::text(403, "ask for 127.0.0.1 or localhost"));
        }
        if request.method != "GET" {
            return Outcome::Answer(Answer::text(405, "look, do not touch").with("Allow", "GET"));
        }
        let answer = match request.path {
            "/" => {
                let body = page::html(&Box::pin(self.status()).await);
                Answer::new(200).with_body("text/html; charset=utf-8", body.into_bytes())
            }
            "/status.json" => match serde_json::to_vec(&Box::pin(self.status()).await) {
                Ok(body) => Answer::new(200).with_body("application/json", body),
                Err(_) => Answer::text(500, "no status"),
            },
            "/metrics" => {
                let report = self.meter.report();
                let body = measure::text(&self.counters(&report).await, &distributions(&report));
                Answer::new(200).with_body("text/plain; version=0.0.4", body.into_bytes())
            }
            _ => Answer::text(404, "there are /, /status.json and /metrics"),
        };
        Outcome::Answer(answer.with("Cache-Control", "no-store"))
    }

    async fn resume(&self, parked: Never, _: Why) -> Outcome<Never> {
        match parked.0 {}
    }
}

/// No mail comes in here.
pub(super) struct NoMail;

impl Lmtp for NoMail {
    async fn recipient(&self, _: &str) -> Verdict {
        Verdict::UnknownMailbox
    }

    async fn deliver(&self, _: Envelope, _: Vec<u8>) -> Vec<Verdict> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use crate::appliance::start;
    use crate::config::Config;
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpStream};

    fn get(at: SocketAddr, path: &str, host: &str) -> String {
        let mut socket = TcpStream::connect(at).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        socket.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn the_status_page_is_there_and_for_this_machine_only() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        config.server.data = dir.path().join("data");
        (config.server.https, config.server.http) = (Vec::new(), vec![any]);
        (config.lmtp.listen, config.server.admin) = (vec![any], vec![any]);
        (config.auth.argon2_memory_kib, config.server.cores) = (64, 1);
        let running = start(&config, false).unwrap();
        let at = running.admin[0];
        for (path, host, expect) in [
            ("/", "127.0.0.1", "phones waiting"),
            ("/status.json", "localhost", "\"counters\""),
            ("/metrics", "[::1]:80", "roost_parked{core=\"0\"} 0"),
            ("/metrics", "[::1]:80", "roost_outgoing_queued 0\n"),
            ("/", "evil.example", "403"),
            ("/Microsoft-Server-ActiveSync", "localhost", "404"),
        ] {
            let answer = get(at, path, host);
            assert!(answer.contains(expect), "{path} {host}: {answer}");
        }
        let phones = get(running.http[0], "/", "localhost");
        assert!(phones.starts_with("HTTP/1.1 404"), "{phones}");
        running.stop();
    }
}
