//! A run from its beginning to its end: the fleet, mail from outside, what processes take, and the
//! verdict.

use super::fleet::{Fleet, FleetError};
use super::inject::{Books, Doors, Injector, Logins};
use super::judge::Judge;
use super::measure::Meters;
use super::report::demand;
use super::run::{FORMAT, Process, Run, Second};
use super::scenario::{Scenario, Way};
use super::share::Share;
use super::watch::{Taken, Watched, socket_bytes};
use super::wire::Target;
use serde::{Deserialize, Serialize};
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
    /// Where changes from outside go in.
    pub doors: Doors,
    /// The server's process, where it runs on this machine.
    pub watched: Option<Watched>,
    /// Ends the run early, in an orderly way.
    pub stop: Arc<AtomicBool>,
}

impl Order {
    /// The ways in that the scenario needs; none: it needs none.
    ///
    /// # Errors
    /// [`Error::NoDoor`], [`Error::NoCollection`], where one is needed that there is not.
    pub fn doors(&self) -> Result<Option<Doors>, Error> {
        let (mail, changes) = (&self.scenario.mail, &self.scenario.changes);
        let mut doors = self.doors.clone();
        let wants_mail = mail.per_s > 0.0 || !mail.to_all_at_s.is_empty();
        let outside = wants_mail && mail.by != Way::Eas;
        match outside {
            true if doors.mail.is_none() => return Err(Error::NoDoor),
            true => {}
            false => doors.mail = None,
        }
        let (events, contacts) = (changes.events_per_s > 0.0, changes.contacts_per_s > 0.0);
        if events && doors.caldav.is_none() {
            return Err(Error::NoCollection("appointments", "--caldav"));
        }
        if contacts && doors.carddav.is_none() {
            return Err(Error::NoCollection("contacts", "--carddav"));
        }
        Ok((outside || events || contacts).then_some(doors))
    }
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
        "the scenario wants mail from outside: say where it goes in (--lmtp, --smtp or --imap), or --no-mail"
    )]
    NoDoor,
    /// Changes are to come in, and there is no way.
    #[error("the scenario wants {0} from outside: say where their collections are ({1})")]
    NoCollection(&'static str, &'static str),
}

/// Where a run is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Part {
    /// Devices arrive: so many of so many are there.
    Arriving(u32, u32),
    /// All is as the scenario says: seconds since then, and in all.
    Running(u32, u32),
    /// Every device looks once more.
    Ending,
}

/// What whoever plays a part of a scenario is told besides.
pub struct Cue {
    /// Which part.
    pub share: Share,
    /// The number of the run, the same for all parts.
    pub number: u32,
    begin: AtomicBool,
    bell: (flume::Sender<()>, flume::Receiver<()>),
}

impl Cue {
    /// A cue that has not been given.
    #[must_use]
    pub fn new(share: Share, number: u32) -> Self {
        Self {
            share,
            number,
            begin: AtomicBool::new(false),
            bell: flume::bounded(1),
        }
    }

    /// The phase `run` begins: the devices of all parts are there.
    pub fn begin(&self) {
        self.begin.store(true, Ordering::SeqCst);
        self.ring();
    }

    /// Something changed that the part has to look at.
    pub fn ring(&self) {
        // If it rings already, that is enough.
        let _ = self.bell.0.try_send(());
    }
}

/// The number of a run that begins at this time (Unix milliseconds).
#[must_use]
pub fn number(started_ms: u64) -> u32 {
    // Its lower half: two runs of the same number are weeks apart.
    u32::try_from(started_ms & u64::from(u32::MAX)).unwrap_or(0)
}

/// Runs a scenario; `progress` is called each second.
///
/// # Errors
/// As [`Error`], before anything has begun.
pub fn drive(order: &Order, progress: &mut dyn FnMut(&Second, Part)) -> Result<Run, Error> {
    demand::check(&order.scenario.demands)?;
    let mut run = play(order, None, progress)?;
    run.verdicts = demand::evaluate(&order.scenario.demands, &run)?;
    Ok(run)
}

/// The same for a part of a scenario, or all of it; what its demands say is not judged.
///
/// # Errors
/// As [`Error`], before anything has begun.
pub fn play(
    order: &Order,
    cue: Option<&Cue>,
    progress: &mut dyn FnMut(&Second, Part),
) -> Result<Run, Error> {
    let share = cue.map_or(Share::WHOLE, |cue| cue.share);
    let scenario = &share.cut(&order.scenario);
    let doors = order.doors()?;
    let meters = Meters::new("arrive");
    let started_ms = u64::try_from(meters.clock().now_ms()).unwrap_or(0);
    let number = cue.map_or_else(|| number(started_ms), |cue| cue.number);
    let judge = Arc::new(Judge::new(number, share.first_number(), &meters));
    let mut watch = Watch::new(order.watched.clone());
    // Before there is any device.
    watch.look(meters.now_us());
    if cue.is_some() {
        meters.keep_spectra();
    }
    let part = (scenario, share, cue.is_some());
    let fleet = Fleet::start_part(part, &order.target, judge.clone(), Arc::clone(&meters))?;
    let mut clockwork = Clockwork::new(&meters, &order.stop, cue);
    let since_us = clockwork.arrive(&fleet, scenario, &mut watch, progress);
    let injector = match doors {
        Some(doors) => {
            let logins: Logins = (0..share.users(scenario.users.how_many()))
                .map(|place| scenario.users.login(share.user(place)))
                .collect();
            let books = Books {
                ledger: Arc::clone(&judge.ledger),
                numbers: Arc::clone(&judge.numbers),
                meters: Arc::clone(&meters),
                share,
            };
            let start = (share.seed(scenario.seed), since_us);
            Some(Injector::start(scenario, &doors, start, &logins, &books)?)
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
        devices: share.devices(scenario),
        phases: measured.phases,
        latencies: measured.latencies,
        seconds: measured.seconds,
        counters: measured.counters,
        errors: measured.errors,
        truth: judge.verdict(),
        ..Run::default()
    };
    for (error, n) in injected.errors {
        *run.errors.entry(error).or_default() += n;
    }
    watch.fill(&mut run, meters.began_us());
    Ok(run)
}

/// Microseconds that devices may take to arrive.
pub(super) fn arrival_us(devices: u32, connections_per_s: f64) -> u64 {
    let coming = f64::from(devices) / connections_per_s.max(0.01);
    let coming = Duration::try_from_secs_f64(coming).unwrap_or(Duration::MAX);
    let patience = coming.saturating_add(Duration::from_secs(ARRIVAL_S));
    u64::try_from(patience.as_micros()).unwrap_or(u64::MAX)
}

/// Wakes once a second.
struct Clockwork<'a> {
    meters: &'a Arc<Meters>,
    stop: &'a AtomicBool,
    cue: Option<&'a Cue>,
    shown: usize,
    /// A wait that ends with the time, or with the cue.
    bell: (flume::Sender<()>, flume::Receiver<()>),
}

impl<'a> Clockwork<'a> {
    fn new(meters: &'a Arc<Meters>, stop: &'a AtomicBool, cue: Option<&'a Cue>) -> Self {
        Self {
            meters,
            stop,
            cue,
            shown: 0,
            bell: cue.map_or_else(|| flume::bounded(0), |cue| cue.bell.clone()),
        }
    }

    fn second(&mut self, watch: &mut Watch, part: Part, progress: &mut dyn FnMut(&Second, Part)) {
        let _ = self.bell.1.recv_timeout(Duration::from_millis(1_000));
        watch.look(self.meters.now_us());
        for mut second in self.meters.seconds(self.shown) {
            self.shown += 1;
            watch.note(&mut second);
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
        let devices = self.cue.map_or(Share::WHOLE, |cue| cue.share);
        let devices = devices.devices(scenario);
        let late_us = arrival_us(devices, scenario.arrival.connections_per_s);
        loop {
            if let Some(since_us) = fleet.running_since_us() {
                return since_us;
            }
            let waited_us = self.meters.now_us() - self.meters.began_us();
            let begins = match self.cue {
                Some(cue) => cue.begin.load(Ordering::SeqCst),
                None => waited_us > late_us,
            };
            if begins || self.stop.load(Ordering::Relaxed) {
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

/// CPU between two looks, in percent of one core.
fn cpu(before: &Look, look: &Look, of: impl Fn(&Look) -> u64) -> f32 {
    let span_us = look.at_us.saturating_sub(before.at_us).max(1);
    let permille = of(look).saturating_sub(of(before)).saturating_mul(1_000) / span_us;
    f32::from(u16::try_from(permille).unwrap_or(u16::MAX)) / 10.0
}

/// What processes take over the run.
pub(super) struct Watch {
    server: Option<Watched>,
    tool: Watched,
    looks: Vec<Look>,
}

impl Watch {
    pub(super) fn new(server: Option<Watched>) -> Self {
        Self {
            server,
            tool: Watched::own(),
            looks: Vec::new(),
        }
    }

    pub(super) fn look(&mut self, at_us: u64) {
        self.looks.push(Look {
            at_us,
            server: self.server.as_ref().and_then(Watched::read),
            tool: self.tool.read().unwrap_or_default(),
            sockets: socket_bytes(),
        });
    }

    /// What the tool takes now, into a second that has just ended.
    fn note(&self, second: &mut Second) {
        if let [.., before, look] = self.looks.as_slice() {
            second.tool_cpu = cpu(before, look, |look| look.tool.cpu_us);
            second.tool_bytes = look.tool.bytes;
        }
    }

    /// Puts it into the seconds and the totals of a run that began then.
    pub(super) fn fill(&self, run: &mut Run, began_us: u64) {
        let parked = |second: &Second| second.devices.get("parked").copied().unwrap_or(0);
        let (mut most, mut most_at) = (0, 0);
        for second in &mut run.seconds {
            let end_us = began_us + (u64::from(second.at_s) + 1) * 1_000_000;
            let at = self.looks.partition_point(|look| look.at_us <= end_us);
            let Some([before, look]) = at.checked_sub(1).and_then(|i| self.looks.get(i..i + 2))
            else {
                continue;
            };
            if let (Some(now), Some(_)) = (look.server, before.server) {
                let of = |look: &Look| look.server.map_or(0, |taken| taken.cpu_us);
                second.server_cpu = Some(cpu(before, look, of));
                second.server_bytes = Some(now.bytes);
            }
            second.tool_cpu = cpu(before, look, |look| look.tool.cpu_us);
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
