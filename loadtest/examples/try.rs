//! By hand.
use roost_load::load::fleet::*;
use roost_load::load::measure::Meters;
use roost_load::load::wire::*;
use roost_load::load::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
#[derive(Default)]
struct W(Mutex<BTreeMap<String, u64>>);
impl W {
    fn c(&self, s: &str) {
        *self.0.lock().unwrap().entry(s.to_owned()).or_default() += 1;
    }
}
impl Witness for W {
    fn holds(&self, _: Who, _i: &Seen<'_>, w: Moment) {
        self.c(if w.woken_us.is_some() {
            "holds woken"
        } else {
            "holds"
        });
    }
    fn changed(&self, _: Who, _i: &Seen<'_>, _w: Moment) {
        self.c("changed");
    }
    fn dropped(&self, _: Who, _i: &Seen<'_>, _w: Moment) {
        self.c("dropped");
    }
    fn forgot(&self, _: Who, _c: &str) {
        self.c("forgot");
    }
    fn woken(&self, _: Who, _: u64) {
        self.c("woken");
    }
    fn synced(&self, _: Who, _: u64) {
        self.c("synced");
    }
    fn reads(&self, _: Who, _: &Seen<'_>, d: bool) {
        self.c(if d { "reads done" } else { "reads" });
    }
    fn deletes(&self, _: Who, _: &Seen<'_>, d: bool) {
        self.c(if d { "deletes done" } else { "deletes" });
    }
    fn adds(&self, _: Who, _: u32, _: &str, d: Option<&str>) {
        self.c(if d.is_some() { "adds done" } else { "adds" });
    }
    fn sends(&self, _: Who, _: u32, _: &str, d: Option<u64>) {
        self.c(if d.is_some() { "sends done" } else { "sends" });
    }
    fn unsure(&self, _: Who, _: &str) {
        self.c("unsure");
    }
    fn violation(&self, w: Who, s: &str) {
        self.c(&format!("violation {s}"));
        eprintln!("{w:?} {s}");
    }
    fn looked(&self, _: Who, w: bool) {
        self.c(&format!("looked {w}"));
    }
}
fn main() {
    let mut a = std::env::args().skip(1);
    let addr = a.next().unwrap().parse().unwrap();
    let file = a.next().unwrap();
    let secs: u64 = a.next().unwrap().parse().unwrap();
    let s: Scenario = toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let tls = Trust {
        roots: Roots::Anybody,
        resume: s.arrival.resume,
        tls12: false,
    }
    .config()
    .unwrap();
    let t = Target {
        addr,
        host: "localhost".into(),
        tls: Some(tls),
        sources: Sources::parse("127.0.0.1-127.0.0.18").unwrap(),
        threads: 0,
    };
    let m = Meters::new("arrive");
    let w = Arc::new(W::default());
    let f = Fleet::start(&s, &t, w.clone(), m.clone()).unwrap();
    let mut n = 0;
    let mut since = None;
    loop {
        std::thread::sleep(std::time::Duration::from_secs(1));
        for x in m.seconds(n) {
            n += 1;
            eprintln!(
                "{} {:?} ans {} err {} wake {} conn {} p50 {} p99 {} {:?}",
                x.at_s,
                x.devices,
                x.answers,
                x.errors,
                x.wakes,
                x.connections,
                x.p50_us,
                x.p99_us,
                rss()
            );
        }
        if let Some(r) = f.running_since_us() {
            since.get_or_insert(r);
            if m.now_us() > r + secs * 1_000_000 {
                break;
            }
        }
        if n > 300 {
            break;
        }
    }
    let r = f.stop();
    for l in &r.latencies {
        if l.phase.is_empty() {
            println!(
                "{:12} {:6} p50 {} p99 {} max {}",
                l.what, l.count, l.p50_us, l.p99_us, l.max_us
            );
        }
    }
    println!(
        "{:#?}\n{:#?}\n{:#?} {:?} {}",
        r.counters,
        r.errors,
        w.0.lock().unwrap(),
        r.phases,
        r.server_software
    );
}
fn rss() -> u64 {
    let s = std::fs::read_to_string("/proc/self/status").unwrap();
    s.lines()
        .find(|l| l.starts_with("RssAnon"))
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}
