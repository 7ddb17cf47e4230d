//! The controller: it finds its agents, has them play the parts of a task, and makes one run of theirs.

use super::agent::pause;
use super::line::{Line, LineError};
use super::merge::{merge, process};
use super::peer::Peer;
use super::protocol::{Hello, Job, Say, Tell, Welcome};
use super::series::Series;
use super::silence::Silence;
use super::task::Task;
use super::{ALIVE_S, FORMAT, HELLO_S, LOOK_MS, READY_S, WRONG_MS, tls};
use crate::load::drive::{self, Part, Watch, arrival_us};
use crate::load::report::{self, demand};
use crate::load::run::{Run, Second, Verdict};
use crate::load::share::{Share, ShareError};
use crate::load::watch::Watched;
use roost::clock::Clock;
use rustls::{ClientConnection, Connection};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Why it did not come to a run, or to the end of one.
#[derive(Debug, thiserror::Error)]
pub enum CrewError {
    /// The scenario cannot be shared so.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// A demand that nobody understands.
    #[error(transparent)]
    Demand(#[from] demand::Error),
    /// An agent cannot be had.
    #[error("agent {0}: {1}")]
    Agent(String, String),
    /// Nobody is left.
    #[error("all agents were lost: {0}")]
    AllLost(String),
    /// What an agent sent is no run.
    #[error(transparent)]
    Report(#[from] report::Error),
}

/// Agents that take orders.
pub struct Crew(Vec<Member>);

/// An agent, and how far it is.
struct Member {
    name: String,
    line: Line,
    share: Share,
    /// Its devices.
    devices: u32,
    arrived: u32,
    /// Seconds that it has told.
    told: u32,
    is_ending: bool,
    silence: Silence,
    run: Option<Box<Run>>,
    /// It is lost since this second, and why.
    lost: Option<(u32, String)>,
}

impl Member {
    fn is_there(&self) -> bool {
        self.lost.is_none()
    }

    fn is_at_work(&self) -> bool {
        self.is_there() && self.run.is_none()
    }

    fn say(&self, what: &Say) {
        // A line that is broken shows when it is read.
        let _ = self.line.send(what);
    }

    fn failed(&self, why: impl ToString) -> CrewError {
        CrewError::Agent(self.name.clone(), why.to_string())
    }
}

/// Finds the agents, and shows them the token.
///
/// # Errors
/// [`CrewError::Agent`] for the first that is not there, is somebody else, or refuses.
pub fn assemble(peers: &[Peer], token: &str) -> Result<Crew, CrewError> {
    let member = |peer: &Peer| {
        let failed = |why: String| CrewError::Agent(peer.name.clone(), why);
        let line = meet(peer, token).map_err(failed)?;
        Ok(Member {
            name: peer.name.clone(),
            line,
            share: Share::WHOLE,
            devices: 0,
            arrived: 0,
            told: 0,
            is_ending: false,
            silence: Silence::new(0),
            run: None,
            lost: None,
        })
    };
    let members: Result<Vec<_>, CrewError> = peers.iter().map(member).collect();
    members.map(Crew)
}

fn meet(peer: &Peer, token: &str) -> Result<Line, String> {
    let words = |e: &dyn std::fmt::Display| e.to_string();
    let patience = Duration::from_secs(HELLO_S);
    let socket = TcpStream::connect_timeout(&peer.addr, patience).map_err(|e| words(&e))?;
    let config = tls::client(peer.fingerprint).map_err(|e| words(&e))?;
    let name = tls::name().map_err(|e| words(&e))?;
    let tls = ClientConnection::new(config, name).map_err(|e| words(&e))?;
    let line = Line::new(socket, Connection::from(tls)).map_err(|e| words(&e))?;
    let hello = Hello {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        token: token.to_owned(),
    };
    line.send(&hello).map_err(|e| words(&e))?;
    let patience = patience + Duration::from_millis(WRONG_MS);
    let welcome: Welcome = line.recv(patience).map_err(|e| match e {
        LineError::Broken(why) if why.contains("ApplicationVerificationFailure") => {
            "its certificate is not the one of that fingerprint: another start of the agent has \
             another one, and somebody else would have, too"
                .to_owned()
        }
        e => words(&e),
    })?;
    if !welcome.refused.is_empty() {
        return Err(format!("it refuses: {}", welcome.refused));
    }
    if welcome.format != FORMAT {
        return Err(format!(
            "it (roost-load {}) speaks format {}, this controller format {FORMAT}: take the same \
             version for both",
            welcome.version, welcome.format
        ));
    }
    line.trusts();
    Ok(line)
}

impl Crew {
    /// Has them play it; `progress` is called each second with what all of them did in it. The run is the
    /// sum of theirs, with what the server takes where it runs on this machine, and judged as a whole.
    ///
    /// # Errors
    /// As [`CrewError`].
    pub fn conduct(
        mut self,
        task: &Task,
        watched: Option<Watched>,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(&Second, Part),
    ) -> Result<Run, CrewError> {
        let scenario = &task.scenario;
        demand::check(&scenario.demands)?;
        let clock = Clock::system();
        let started_ms = u64::try_from(clock.now_ms()).unwrap_or(0);
        self.prepare(task, drive::number(started_ms))?;
        let mut watch = Watch::new(watched);
        let began_us = clock.mono_us();
        for member in &mut self.0 {
            member.silence = Silence::new(clock.mono_ms());
            member.say(&Say::Go);
        }
        let mut conduct = Conduct {
            members: self.0,
            clock,
            began_us,
            series: Series::default(),
            run_us: None,
            late_us: arrival_us(
                scenario.population.devices,
                scenario.arrival.connections_per_s,
            ),
            duration_s: scenario.duration_s,
            has_stopped: false,
            shown_ending: false,
        };
        conduct.follow(&mut watch, stop, progress)?;
        conduct.finish(task, &mut watch)
    }

    /// Gives each its part, and waits until all of them can play it.
    fn prepare(&mut self, task: &Task, number: u32) -> Result<(), CrewError> {
        let count = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        let shares = Share::all(count, &task.scenario)?;
        for (member, share) in self.0.iter_mut().zip(shares) {
            member.share = share;
            member.devices = share.devices(&task.scenario);
            let job = Job {
                task: task.clone(),
                share,
                number,
            };
            let sent = member.line.send(&Say::Prepare(Box::new(job)));
            sent.map_err(|e| member.failed(e))?;
        }
        for member in &self.0 {
            match member.line.recv(Duration::from_secs(READY_S)) {
                Ok(Tell::Ready) => {}
                Ok(Tell::Failed(why)) => return Err(member.failed(why)),
                Ok(_) => return Err(member.failed("it spoke out of turn")),
                Err(e) => return Err(member.failed(e)),
            }
            // The first one may have to wait for the last.
            self.0.iter().for_each(|member| member.say(&Say::Alive));
        }
        Ok(())
    }
}

/// A run of several agents on its way.
struct Conduct {
    members: Vec<Member>,
    clock: Clock,
    began_us: u64,
    series: Series,
    /// When the phase `run` began.
    run_us: Option<u64>,
    late_us: u64,
    duration_s: u32,
    has_stopped: bool,
    shown_ending: bool,
}

impl Conduct {
    /// Until every agent is done or lost.
    fn follow(
        &mut self,
        watch: &mut Watch,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(&Second, Part),
    ) -> Result<(), CrewError> {
        let (mut looked_us, mut said_ms) = (0, 0);
        watch.look(self.clock.mono_us());
        while self.members.iter().any(Member::is_at_work) {
            let (now_us, now_ms) = (self.clock.mono_us(), self.clock.mono_ms());
            if now_us.saturating_sub(looked_us) >= 1_000_000 {
                looked_us = now_us;
                watch.look(now_us);
            }
            for at in 0..self.members.len() {
                self.hear(at, now_ms);
            }
            if !self.members.iter().any(Member::is_there) {
                break;
            }
            let stops = stop.load(Ordering::SeqCst);
            if stops && !self.has_stopped {
                self.has_stopped = true;
                self.say_all(&Say::Stop);
            }
            if now_ms.saturating_sub(said_ms) >= ALIVE_S * 1_000 {
                said_ms = now_ms;
                self.say_all(&Say::Alive);
            }
            let mut there = self.members.iter().filter(|m| m.is_there());
            let is_late = now_us.saturating_sub(self.began_us) > self.late_us;
            if self.run_us.is_none() && (is_late || there.all(|m| m.arrived >= m.devices)) {
                self.run_us = Some(self.clock.mono_us());
                self.say_all(&Say::Run);
            }
            self.show(progress);
            pause(LOOK_MS);
        }
        watch.look(self.clock.mono_us());
        if self.members.iter().any(Member::is_there) {
            return Ok(());
        }
        let lost = self.members.iter().filter_map(|m| {
            let (_, why) = m.lost.as_ref()?;
            Some(format!("{}: {why}", m.name))
        });
        Err(CrewError::AllLost(lost.collect::<Vec<_>>().join("; ")))
    }

    fn say_all(&self, what: &Say) {
        let at_work = self.members.iter().filter(|m| m.is_at_work());
        at_work.for_each(|member| member.say(what));
    }

    /// Takes in what an agent has said.
    fn hear(&mut self, at: usize, now_ms: u64) {
        let began_us = self.began_us;
        let Some(member) = self.members.get_mut(at).filter(|m| m.is_at_work()) else {
            return;
        };
        let lost = loop {
            let said = member.line.recv::<Tell>(Duration::ZERO);
            if said.is_ok() {
                member.silence.ends();
            }
            match said {
                Ok(Tell::Second(second, part)) => {
                    match part {
                        Part::Arriving(there, _) => member.arrived = there,
                        Part::Running(..) => member.arrived = member.devices,
                        Part::Ending => {
                            member.is_ending = true;
                            continue;
                        }
                    }
                    member.told = second.at_s.saturating_add(1);
                    self.series.add(*second);
                }
                Ok(Tell::Rest(seconds)) => {
                    for second in seconds {
                        member.told = second.at_s.saturating_add(1);
                        self.series.add(second);
                    }
                }
                Ok(Tell::Done(run)) => {
                    member.run = Some(run);
                    member.say(&Say::Bye);
                    return;
                }
                Ok(Tell::Alive | Tell::Ready) => {}
                Ok(Tell::Failed(why)) => break why,
                Err(LineError::Silence) if !member.silence.lasts(now_ms) => return,
                Err(e) => break e.to_string(),
            }
        };
        let at_s = self.clock.mono_us().saturating_sub(began_us) / 1_000_000;
        member.lost = Some((u32::try_from(at_s).unwrap_or(u32::MAX), lost));
    }

    /// Shows the seconds that all who are there have told.
    fn show(&mut self, progress: &mut dyn FnMut(&Second, Part)) {
        let at_work = || self.members.iter().filter(|m| m.is_at_work());
        let part = match self.run_us {
            None => {
                let there = self.members.iter().filter(|m| m.is_there());
                let sum = |of: fn(&Member) -> u32| there.clone().map(of).sum();
                Part::Arriving(sum(|m| m.arrived), sum(|m| m.devices))
            }
            Some(run_us) => {
                let run_s = self.clock.mono_us().saturating_sub(run_us) / 1_000_000;
                Part::Running(u32::try_from(run_s).unwrap_or(u32::MAX), self.duration_s)
            }
        };
        let is_ending = at_work().all(|member| member.is_ending);
        let Some(told) = at_work().map(|member| member.told).min() else {
            return;
        };
        for second in self.series.close(told) {
            if !self.shown_ending {
                progress(second, part);
            }
        }
        if is_ending && !self.shown_ending {
            self.shown_ending = true;
            progress(&Second::default(), Part::Ending);
        }
    }

    /// One run out of all.
    fn finish(self, task: &Task, watch: &mut Watch) -> Result<Run, CrewError> {
        let scenario = &task.scenario;
        let (mut parts, mut lost) = (Vec::new(), Vec::new());
        for member in self.members {
            match (member.run, member.lost) {
                (Some(run), _) => parts.push(*run),
                (None, Some((at_s, why))) => {
                    lost.push((member.name, member.devices, at_s, why));
                }
                (None, None) => {}
            }
        }
        let mut run = merge(&parts)?;
        run.agents = run
            .agents
            .saturating_add(u32::try_from(lost.len()).unwrap_or(0));
        run.devices = scenario.population.devices;
        run.seconds = self.series.finish();
        let tool = run.tool.clone();
        let of_agents: Vec<_> = run
            .seconds
            .iter()
            .map(|s| (s.tool_cpu, s.tool_bytes))
            .collect();
        // The controller's own, and the server's; then the agents' on top.
        watch.fill(&mut run, self.began_us);
        let parked = run.tool.parked;
        process(&mut run.tool, &tool);
        run.tool.parked = parked;
        for (second, (cpu, bytes)) in run.seconds.iter_mut().zip(of_agents) {
            second.tool_cpu += cpu;
            second.tool_bytes += bytes;
        }
        for (name, devices, at_s, why) in &lost {
            *run.errors.entry("agent lost".to_owned()).or_default() += 1;
            run.truth.findings.insert(
                0,
                format!(
                    "agent {name} was lost in second {at_s} ({why}): what its {devices} devices hold is not known"
                ),
            );
        }
        run.verdicts = demand::evaluate(&scenario.demands, &run)?;
        run.verdicts.insert(
            0,
            Verdict {
                demand: "agents lost ≤ 0".to_owned(),
                found: match lost.as_slice() {
                    [] => format!("0 of {}", run.agents),
                    lost => {
                        let names: Vec<_> = lost.iter().map(|(name, ..)| name.as_str()).collect();
                        format!("{} of {}: {}", lost.len(), run.agents, names.join(", "))
                    }
                },
                met: lost.is_empty(),
            },
        );
        Ok(run)
    }
}
