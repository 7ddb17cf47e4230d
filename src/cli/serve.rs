//! `roost serve`: the appliance until it is told to stop.

use super::args::Serve;
use super::{Failure, office};
use crate::appliance::{self, Running, log};
use crate::config::Config;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::process::ExitCode;

pub(super) fn run(args: Serve) -> Result<ExitCode, Failure> {
    let config = office::configuration(&args.place, &args.addresses)?;
    let _log = log::start(config.log.level);
    let running = appliance::start(&config, args.accept_loss)?;
    announce(&running, &config);
    until_told(running)
}

fn announce(running: &Running, config: &Config) {
    for a in &running.https {
        eprintln!("roost: https on {a}");
    }
    for a in &running.http {
        eprintln!("roost: plain http on {a}");
    }
    for a in &running.lmtp {
        eprintln!("roost: lmtp on {a}");
    }
    for a in &running.admin {
        eprintln!("roost: status page on http://{a}/");
    }
    if let Some(path) = &running.made_certificate {
        eprintln!(
            "roost: no certificate is configured; made a self-signed one for {} in {}",
            config.server.host,
            path.display()
        );
    }
}

/// Waits for a signal or the end of the store. SIGTERM and SIGINT end in an orderly way (a second
/// one at once); SIGHUP reads the certificate and the registry of client quirks again.
pub(super) fn until_told(running: Running) -> Result<ExitCode, Failure> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let (said, heard) = flume::unbounded();
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            signals
                .forever()
                .try_for_each(|signal| said.send(signal))
                .ok();
        })?;
    loop {
        let signal = flume::Selector::new()
            .recv(&heard, Result::ok)
            .recv(running.failed(), |why| {
                tracing::error!(error = why.unwrap_or_default(), "the store failed");
                None
            })
            .wait();
        match signal {
            Some(SIGHUP) => running.reload(),
            Some(_) => {
                running.stop();
                return Ok(ExitCode::SUCCESS);
            }
            // A write or sync failed: what is durable is known only to a fresh start.
            None => {
                return Err(Failure::new(
                    "the store failed; ending, so that a restart recovers",
                ));
            }
        }
    }
}
