//! A run from its beginning to its end: the fleet, mail from outside, what processes take, and the
//! verdict.

use super::fleet::{Fleet, FleetError};
use super::inject::{Addresses, Books, Door, Injector};
use super::judge::Judge;
use super::measure::Meters;
use super::report::demand;
use super::run::{FORMAT, Process, Run, Second};
use super::scenario::{Scenario, Way};
use super::watch::{Taken, Watched, socket_bytes};
use super::wire::Target;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Seconds that devices may take to arrive beyond what their connections take.
const ARRIVAL_S: u64 = 60;

/// What is to be run, against what.
pub struct Order {
    /// The scenario.
    pub scenario: Scenario,
    /// The server.
    pub target: Target,
    /// As the user named it.
    pub server: String,
    /// Where mail from outside goes in.
    pub door: Option<Door>,
    /// The server's process, where it runs on this machine.
    pub watched: Option<Watched>,
    /// Ends the run early, in an orderly way.
    pub stop: Arc<AtomicBool>,
}

/// Why a run did not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The fleet's.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// A demand that nobody understands.
    #[error(transparent)]
    Demand(#[from] demand::Error),
    /// The system's.
    #[error("a thread cannot be started: {0}")]
    Thread(#[from] std::io::Error),
    /// Mail is to come in, and there is no way.
    #[error(
        "the scenario wants mail from outside: say where it goes in (--lmtp or --smtp), or --no-mail"
    )]
    NoDoor,
}

/// Where a run is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Devices arrive: so many of so many are there.
    Arriving(u32, u32),
    /// All is as the scenario says: seconds since then, and in all.
    Running(u32, u32),
    /// Every device looks once more.
    Ending,
}

/// Runs a scenario; `progress` is called each second.
///
/// # Errors
/// As [`Error`], before anything has begun.
pub fn drive(order: &Order, progress: &mut dyn FnMut(&Second, Part)) -> Result<Run, Error> {
    let scenario = &order.scenario;
    demand::check(&scenario.demands)?;
    let wants_mail = scenario.mail.per_s > 0.0 || !scenario.mail.to_all_at_s.is_empty();
    let outside = wants_mail && scenario.mail.by != Way::Eas;
    if outside && order.door.is_none() {
        return Err(Error::NoDoor);
    }
    let meters = Meters::new("arrive");
    let started_ms = u64::try_from(meters.clock().now_ms()).unwrap_or(0);
    // Its lower half: two runs of the same number are weeks apart.
    let number = u32::try_from(started_ms & u64::from(u32::MAX)).unwrap_or(0);
    let judge = Arc::new(Judge::new(number, &meters));
    let mut watch = Watch::new(order.watched.clone());
    let fleet = Fleet::start(scenario, &order.target, judge.clone(), Arc::clone(&meters))?;
    let mut clockwork = Clockwork::new(&meters, &order.stop);
    let since_us = clockwork.arrive(&fleet, scenario, &mut watch, progress);
    let injector = match order.door.filter(|_| outside) {
        Some(door) => {
            let addresses: Addresses = (1..=scenario.users.how_many())
                .map(|n| scenario.users.login(n).address)
                .collect();
            let books = Books {
                ledger: Arc::clone(&judge.ledger),
                numbers: Arc::clone(&judge.numbers),
                meters: Arc::clone(&meters),
            };
            let start = (scenario.seed, since_us);
            Some(Injector::start(
                &scenario.mail,
                door,
                start,
                &addresses,
                &books,
            )?)
        }
        None => None,
    };
    clockwork.run(since_us, scenario.duration_s, &mut watch, progress);
    let injected = injector.map(Injector::stop).unwrap_or_default();
    progress(&Second::default(), Part::Ending);
    let measured = fleet.stop();
    watch.look(meters.now_us());
    let mut run = Run {
        format: FORMAT,
        scenario: scenario.name.clone(),
        about: scenario.about.clone(),
        server: order.server.clone(),
        server_software: measured.server_software,
        started_ms,
        duration_s: measured.duration_s,
        seed: scenario.seed,
        devices: scenario.population.devices,
        phases: measured.phases,
        latencies: measured.latencies,
        seconds: measured.seconds,
        counters: measured.counters,
        errors: measured.errors,
        truth: judge.verdict(),
        ..Run::default()
    };
    for (error, n) in injected.errors {
        *run.errors.entry(format!("mail: {error}")).or_default() += n;
    }
    watch.fill(&mut run, meters.began_us());
    run.verdicts = demand::evaluate(&scenario.demands, &run)?;
    Ok(run)
}

/// Wakes once a second.
struct Clockwork<'a> {
    meters: &'a Arc<Meters>,
    stop: &'a AtomicBool,
    shown: usize,
    /// Nobody sends into it: a wait that ends with the time.
    nothing: flume::Receiver<()>,
    _bell: flume::Sender<()>,
}

impl<'a> Clockwork<'a> {
    fn new(meters: &'a Arc<Meters>, stop: &'a AtomicBool) -> Self {
        let (bell, nothing) = flume::bounded(0);
        Self {
            meters,
            stop,
            shown: 0,
            nothing,
            _bell: bell,
        }
    }

    fn second(&mut self, watch: &mut Watch, part: Part, progress: &mut dyn FnMut(&Second, Part)) {
        let _ = self.nothing.recv_timeout(Duration::from_millis(1_000));
        watch.look(self.meters.now_us());
        for second in self.meters.seconds(self.shown) {
            self.shown += 1;
            progress(&second, part);
        }
    }

    /// Until all devices are there, or it is too late for them; when the run began.
    fn arrive(
        &mut self,
        fleet: &Fleet,
        scenario: &Scenario,
        watch: &mut Watch,
        progress: &mut dyn FnMut(&Second, Part),
    ) -> u64 {
        let devices = scenario.population.devices;
        let coming = f64::from(devices) / scenario.arrival.connections_per_s.max(0.01);
        let coming = Duration::try_from_secs_f64(coming).unwrap_or(Duration::MAX);
        let patience = coming.saturating_add(Duration::from_secs(ARRIVAL_S));
        let late_us = u64::try_from(patience.as_micros()).unwrap_or(u64::MAX);
        loop {
            if let Some(since_us) = fleet.running_since_us() {
                return since_us;
            }
            let waited_us = self.meters.now_us() - self.meters.began_us();
            if waited_us > late_us || self.stop.load(Ordering::Relaxed) {
                fleet.run_now();
                return self.meters.now_us();
            }
            self.second(watch, Part::Arriving(fleet.arrived(), devices), progress);
        }
    }

    fn run(
        &mut self,
        since_us: u64,
        duration_s: u32,
        watch: &mut Watch,
        progress: &mut dyn FnMut(&Second, Part),
    ) {
        loop {
            let run_s = self.meters.now_us().saturating_sub(since_us) / 1_000_000;
            let run_s = u32::try_from(run_s).unwrap_or(u32::MAX);
            if run_s >= duration_s || self.stop.load(Ordering::Relaxed) {
                return;
            }
            self.second(watch, Part::Running(run_s, duration_s), progress);
        }
    }
}

/// What was taken at one time.
#[derive(Clone, Copy, Default)]
struct Look {
    at_us: u64,
    server: Option<Taken>,
    tool: Taken,
    sockets: Option<u64>,
}

/// What processes take over the run.
struct Watch {
    server: Option<Watched>,
    tool: Watched,
    looks: Vec<Look>,
}

impl Watch {
    fn new(server: Option<Watched>) -> Self {
        Self {
            server,
            tool: Watched::own(),
            looks: Vec::new(),
        }
    }

    fn look(&mut self, at_us: u64) {
        self.looks.push(Look {
            at_us,
            server: self.server.as_ref().and_then(Watched::read),
            tool: self.tool.read().unwrap_or_default(),
            sockets: socket_bytes(),
        });
    }

    /// Puts it into the seconds and the totals of a run that began then.
    fn fill(&self, run: &mut Run, began_us: u64) {
        let parked = |second: &Second| second.devices.get("parked").copied().unwrap_or(0);
        let (mut most, mut most_at) = (0, 0);
        for second in &mut run.seconds {
            let end_us = began_us + (u64::from(second.at_s) + 1) * 1_000_000;
            let at = self.looks.partition_point(|look| look.at_us <= end_us);
            let Some([before, look]) = at.checked_sub(1).and_then(|i| self.looks.get(i..i + 2))
            else {
                continue;
            };
            let span_us = look.at_us.saturating_sub(before.at_us).max(1);
            let cpu = |now: u64, then: u64| {
                let permille = now.saturating_sub(then).saturating_mul(1_000) / span_us;
                f32::from(u16::try_from(permille).unwrap_or(u16::MAX)) / 10.0
            };
            if let (Some(now), Some(then)) = (look.server, before.server) {
                second.server_cpu = Some(cpu(now.cpu_us, then.cpu_us));
                second.server_bytes = Some(now.bytes);
            }
            second.tool_cpu = cpu(look.tool.cpu_us, before.tool.cpu_us);
            second.tool_bytes = look.tool.bytes;
            second.socket_bytes = look.sockets;
            if parked(second) > most {
                (most, most_at) = (parked(second), look.at_us);
            }
        }
        let of = |taken: &dyn Fn(&Look) -> Option<Taken>| {
            let all: Vec<_> = self
                .looks
                .iter()
                .filter_map(|l| Some((l.at_us, taken(l)?)))
                .collect();
            let (Some((_, first)), Some((_, last))) = (all.first(), all.last()) else {
                return None;
            };
            let at_most = all.iter().find(|(at, _)| *at == most_at);
            Some(Process {
                cpu_s: Duration::from_micros(last.cpu_us.saturating_sub(first.cpu_us))
                    .as_secs_f64(),
                begin_bytes: first.bytes,
                max_bytes: all.iter().map(|(_, t)| t.bytes).max().unwrap_or(0),
                parked_bytes: at_most.map_or(0, |(_, t)| t.bytes),
                parked: most,
            })
        };
        run.process = of(&|look| look.server);
        run.tool = of(&|look| Some(look.tool)).unwrap_or_default();
    }
}
