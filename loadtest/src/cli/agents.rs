//! Agents and their controller, as they are typed.

use super::args::{AgentFlags, Flags};
use super::{Failure, ask, end_on_signals, order, say, tell};
use roost_load::load::agents::{Agent, Ended, Locals, Peer, Task, WAITS_AT, assemble};
use roost_load::load::drive::Part;
use roost_load::load::run::{Run, Second};
use roost_load::load::wire::Sources;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Where a token may stand.
const TOKEN: &str = "ROOST_LOAD_TOKEN";

/// Waits for controllers.
pub(super) fn wait(flags: &AgentFlags) -> Result<ExitCode, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let sources = flags.source.as_deref().map(Sources::parse).transpose();
    let sources = sources.map_err(|e| Failure::Usage(format!("--source: {e}")))?;
    let token = token(flags.token_file.as_deref())?;
    let agent = Agent::new(flags.listen, token, sources, Arc::clone(&stop))?;
    end_on_signals(&stop);
    if flags.until_eof {
        let stop = Arc::clone(&stop);
        thread::spawn(move || {
            // What is typed does not matter, only its end.
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            stop.store(true, Ordering::SeqCst);
        });
    }
    say(&format!(
        "{WAITS_AT}{}#{}\n",
        agent.addr, agent.identity.fingerprint
    ));
    let last = agent.serve(flags.once, &|from, ended| match ended {
        Ended::Played if flags.quiet => {}
        Ended::Played => tell(&format!("roost-load agent: a run of {from} is over\n")),
        Ended::Failed(why) => tell(&format!("roost-load agent: {from}: {why}\n")),
    });
    Ok(match last {
        Some(Ended::Failed(_)) => ExitCode::FAILURE,
        Some(Ended::Played) | None => ExitCode::SUCCESS,
    })
}

/// Has agents run a task.
pub(super) fn conduct(
    task: &Task,
    flags: &Flags,
    live: &mut dyn FnMut(&Second, Part),
) -> Result<Run, Failure> {
    let watched = order::watched(flags)?;
    let peers: Vec<Peer> = flags
        .agents
        .iter()
        .map(|text| Peer::parse(text))
        .collect::<Result<_, _>>()?;
    // What is on an agent's machine is not on this one, whatever its address is.
    let is_here = peers.iter().all(|peer| peer.addr.ip().is_loopback());
    if !(flags.yes || is_here && order::is_all_here(task)?) {
        ask(task)?;
    }
    let stop = Arc::new(AtomicBool::new(false));
    end_on_signals(&stop);
    let locals = match flags.agents_local {
        Some(count) => {
            let program = std::env::current_exe();
            let program = program.map_err(|e| Failure::File("roost-load".into(), e))?;
            Some(Locals::start(&program, count)?)
        }
        None => None,
    };
    let crew = match &locals {
        Some(locals) => assemble(&locals.peers, &locals.token)?,
        None => assemble(&peers, &token(flags.token_file.as_deref())?)?,
    };
    Ok(crew.conduct(task, watched, &stop, live)?)
}

/// The token of a file, else of the environment, else none.
fn token(file: Option<&Path>) -> Result<String, Failure> {
    /// Bytes of a token, at most.
    const BYTES_MAX: u64 = 4_096;
    let Some(path) = file else {
        return Ok(std::env::var(TOKEN).unwrap_or_default().trim().to_owned());
    };
    let failed = |e| Failure::File(path.to_owned(), e);
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(failed)?;
    match text.trim() {
        "" => Err(Failure::Usage(format!(
            "{}: there is no token in it",
            path.display()
        ))),
        token => Ok(token.to_owned()),
    }
}
