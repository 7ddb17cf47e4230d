//! The command line: what was typed, what is shown meanwhile, what is left behind.

mod agents;
mod args;
mod order;

pub(crate) use args::Cli;

use args::{Command, Flags};
use roost_load::load::agents::{AgentError, CrewError, LocalsError, PeerError, Task, TaskError};
use roost_load::load::drive::{self, Part, drive};
use roost_load::load::report::{self, compare, demand, hdr, html, json, terminal};
use roost_load::load::run::{Run, Second};
use roost_load::load::scenario::Scenario;
use roost_load::load::shipped::{self, SHIPPED};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A demand was missed.
const MISSED: u8 = 99;

/// Why it did not come to a run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Scenario(#[from] shipped::Error),
    #[error(transparent)]
    Demand(#[from] demand::Error),
    #[error(transparent)]
    Task(#[from] TaskError),
    #[error(transparent)]
    Agent(#[from] AgentError),
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error(transparent)]
    Locals(#[from] LocalsError),
    #[error(transparent)]
    Crew(#[from] CrewError),
    #[error(transparent)]
    Drive(#[from] drive::Error),
    #[error(transparent)]
    Report(#[from] report::Error),
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    #[error("nothing was touched")]
    Declined,
}

/// Does what was typed.
pub(crate) fn run(cli: Cli) -> ExitCode {
    match carry_out(cli.command) {
        Ok(code) => code,
        Err(e) => {
            tell(&format!("roost-load: {e}\n"));
            ExitCode::FAILURE
        }
    }
}

fn carry_out(command: Command) -> Result<ExitCode, Failure> {
    let by_name = |name: &str, flags: &Flags| load(shipped::shipped(name)?, flags);
    match command {
        Command::Run { file, flags } => load(shipped::read(&file)?, &flags),
        Command::Smoke(flags) => by_name("smoke", &flags),
        Command::Park(flags) => by_name("park", &flags),
        Command::Trickle(flags) => by_name("trickle", &flags),
        Command::Storm(flags) => by_name("storm", &flags),
        Command::Reconnect(flags) => by_name("reconnect", &flags),
        Command::FirstSync(flags) => by_name("first-sync", &flags),
        Command::Workday(flags) => by_name("workday", &flags),
        Command::Soak(flags) => by_name("soak", &flags),
        Command::Agent(flags) => agents::wait(&flags),
        Command::Scenario { name, json } => scenario(name.as_deref(), json),
        Command::Show { run, html, json } => show(&run, html.as_deref(), json),
        Command::Compare { runs, html } => side_by_side(&runs, html.as_deref()),
    }
}

/// Runs a scenario, and leaves its report behind.
fn load(scenario: Scenario, flags: &Flags) -> Result<ExitCode, Failure> {
    let scenario = order::adapted(scenario, flags)?;
    let name = scenario.name.clone();
    let task = order::task(scenario, flags)?;
    let mut live = live(&task, flags.quiet);
    let mut run = if flags.agents.is_empty() && flags.agents_local.is_none() {
        let order = order::order(&task, flags)?;
        if !order::is_all_here(&task)? && !flags.yes {
            ask(&task)?;
        }
        end_on_signals(&order.stop);
        drive(&order, &mut live)?
    } else {
        agents::conduct(&task, flags, &mut live)?
    };
    if let Some(software) = &flags.software {
        run.server_software.clone_from(software);
    }
    let out = flags.out.clone();
    let out = out.unwrap_or_else(|| PathBuf::from(format!("roost-load-{name}")));
    leave(&run, &out)?;
    if flags.json {
        say(&json::write(&run)?);
    } else {
        say(&terminal::summary(&run, io::stdout().is_terminal()));
        say(&format!(
            "\nThe report: {}\n",
            out.join("report.html").display()
        ));
    }
    Ok(match run.passed() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(MISSED),
    })
}

/// Whoever interrupts it ends it in an orderly way.
fn end_on_signals(stop: &Arc<AtomicBool>) {
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // Without it the run ends with its time.
        let _ = signal_hook::flag::register(signal, Arc::clone(stop));
    }
}

/// Whether a server elsewhere may be touched.
fn ask(task: &Task) -> Result<(), Failure> {
    let devices = task.scenario.population.devices;
    let server = task.servers.join(", ");
    tell(&format!(
        "{devices} devices will log in at {server}, not all of which is on this machine, and leave mail there \
         whose subjects begin with roost-load. Go on? (--yes does not ask) [y/N] "
    ));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    match read.is_ok() && answer.trim().eq_ignore_ascii_case("y") {
        true => Ok(()),
        false => Err(Failure::Declined),
    }
}

/// What is shown each second.
fn live(task: &Task, quiet: bool) -> impl FnMut(&Second, Part) + use<> {
    let terminal = io::stderr().is_terminal();
    let total_s = f64::from(task.scenario.duration_s);
    let mut seconds = 0_u32;
    move |second, part| {
        if quiet {
            return;
        }
        let line = match part {
            Part::Arriving(there, of) => format!("arriving {there} of {of}  "),
            Part::Running(..) => String::new(),
            Part::Ending => {
                tell("\nevery device looks once more ...\n");
                return;
            }
        };
        seconds += 1;
        let progress = terminal::progress(second, total_s, terminal);
        match terminal {
            true => tell(&terminal::in_place(
                &format!("{line}{progress}"),
                seconds == 1,
            )),
            // A log does not need every second.
            false if seconds.is_multiple_of(10) => tell(&format!("{line}{progress}\n")),
            false => {}
        }
    }
}

/// Writes the run, its page and its histograms.
fn leave(run: &Run, out: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(out).map_err(|e| Failure::File(out.to_owned(), e))?;
    write(&out.join("run.json"), &json::write(run)?)?;
    write(&out.join("report.html"), &html::write(run))?;
    write(&out.join("latencies.hlog"), &hdr::log(run)?)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|e| Failure::File(path.to_owned(), e))
}

fn read(path: &Path) -> Result<Run, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::File(path.to_owned(), e))?;
    Ok(json::read(&text)?)
}

fn scenario(name: Option<&str>, as_json: bool) -> Result<ExitCode, Failure> {
    let text = match name {
        Some(name) => {
            shipped::shipped(name)?;
            let found = SHIPPED.iter().find(|(n, _)| *n == name);
            found.map_or_else(String::new, |(_, text)| (*text).to_owned())
        }
        None if as_json => {
            let names: Vec<_> = SHIPPED.iter().map(|(name, _)| *name).collect();
            format!(
                "{}\n",
                serde_json::to_string(&names).map_err(report::Error::from)?
            )
        }
        None => SHIPPED
            .iter()
            .filter_map(|(name, _)| Some((name, shipped::shipped(name).ok()?)))
            .map(|(name, scenario)| format!("{name:<12} {}\n", scenario.about))
            .collect(),
    };
    say(&text);
    Ok(ExitCode::SUCCESS)
}

fn show(path: &Path, page: Option<&Path>, as_json: bool) -> Result<ExitCode, Failure> {
    let run = read(path)?;
    match page {
        Some(page) => write(page, &html::write(&run))?,
        None if as_json => say(&json::write(&run)?),
        None => say(&terminal::summary(&run, io::stdout().is_terminal())),
    }
    Ok(ExitCode::SUCCESS)
}

fn side_by_side(paths: &[PathBuf], page: Option<&Path>) -> Result<ExitCode, Failure> {
    let runs: Vec<(String, Run)> = paths
        .iter()
        .map(|path| Ok((path.display().to_string(), read(path)?)))
        .collect::<Result<_, Failure>>()?;
    say(&compare::terminal(&runs, io::stdout().is_terminal())?);
    if let Some(page) = page {
        write(page, &compare::html(&runs)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// To standard output. Whoever closed it does not want to hear more.
fn say(text: &str) {
    let _ = io::stdout().lock().write_all(text.as_bytes());
}

/// To standard error.
fn tell(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
    let _ = stderr.flush();
}
