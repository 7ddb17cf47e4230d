//! `roost import`: a walk through files, several hands that store what it finds, a progress bar,
//! and a summary that names what was not taken.

use super::Failure;
use super::args::{Addresses, Import};
use super::office::{self, Office};
use crate::admin::{Order, Reply};
use crate::config::Config;
use crate::import::{self, Found, Refused, Summary, Taken};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;
use std::process::ExitCode;

/// Hands that store at the same time: their commits share the disk's syncs.
const HANDS: usize = 16;

/// What one hand says of one find.
type Done = (Refused, Result<Taken, Failure>);

pub(super) fn run(args: Import) -> Result<ExitCode, Failure> {
    let config = office::configuration(&args.place, &Addresses::default())?;
    let office = Office::of(&config)?;
    let walk = import::walk(&args.paths);
    let bar = bar(walk.bytes_total(), args.json);
    let summary = store(&args.user, &config, office, walk, &bar);
    bar.finish_and_clear();
    let summary = summary?;
    if args.json {
        say!("{}", serde_json::to_string_pretty(&summary)?);
    } else {
        say!("{summary}");
    }
    Ok(ExitCode::SUCCESS)
}

fn bar(bytes: u64, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(bytes);
    let look = "{bar:40} {bytes}/{total_bytes} {msg} {eta} left";
    if let Ok(style) = ProgressStyle::with_template(look) {
        bar.set_style(style);
    }
    bar
}

/// Stores everything that the walk finds. Ends at the first failure that is not one find's own.
fn store(
    user: &str,
    config: &Config,
    office: Office,
    mut walk: import::Walk,
    bar: &ProgressBar,
) -> Result<Summary, Failure> {
    let mut offices = vec![office];
    while let (Some(first), true) = (offices.first(), offices.len() < HANDS) {
        offices.push(first.another(config)?);
    }
    let (give, take) = flume::bounded::<Found>(HANDS);
    let (tell, told) = flume::unbounded::<Done>();
    std::thread::scope(|scope| {
        for mut office in offices {
            let (take, tell) = (take.clone(), tell.clone());
            scope.spawn(move || {
                for found in take.iter() {
                    let place = Refused {
                        path: found.path.clone(),
                        offset: found.offset,
                        why: String::new(),
                    };
                    let taken = hand_in(&mut office, user, found);
                    if tell.send((place, taken)).is_err() {
                        break;
                    }
                }
            });
        }
        drop((take, tell));
        let mut summary = Summary::default();
        let outcome = loop {
            match walk.next() {
                Some(Ok(found)) => drop(give.send(found)),
                Some(Err(refused)) => summary.refused.push(refused),
                None => break Ok(()),
            }
            bar.set_position(walk.bytes_done());
            if let Err(failure) = told
                .try_iter()
                .try_for_each(|done| note(&mut summary, done))
            {
                break Err(failure);
            }
            bar.set_message(format!("{} items", summary.items));
        };
        drop(give);
        outcome?;
        told.iter().try_for_each(|done| note(&mut summary, done))?;
        summary
            .refused
            .sort_by(|a, b| (&a.path, a.offset).cmp(&(&b.path, b.offset)));
        Ok(summary)
    })
}

fn hand_in(office: &mut Office, user: &str, found: Found) -> Result<Taken, Failure> {
    let order = Order::ImportItem {
        user: user.to_owned(),
        kind: found.kind,
        folder: found.folder,
        marks: found.marks,
        received_ms: found.received_ms,
        bytes: found.bytes.len() as u64,
    };
    match office.ask(order, found.bytes)? {
        Reply::Imported { taken } => Ok(taken),
        _ => Err(Failure::new("the appliance gave a reply of another kind")),
    }
}

fn note(summary: &mut Summary, (place, taken): Done) -> Result<(), Failure> {
    let taken = taken?;
    summary.items += taken.items;
    summary.known += taken.known;
    let refused = |why| Refused {
        why,
        ..place.clone()
    };
    summary
        .refused
        .extend(taken.skipped.into_iter().map(refused));
    Ok(())
}
