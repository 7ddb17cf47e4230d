//! `roost check`: looks the store over, account by account, and says what does not fit together.

use super::Failure;
use super::args::{Addresses, Check};
use super::office;
use crate::appliance;
use crate::mailbox::check::{Checked, Look};
use crate::work::block_on;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::IsTerminal as _;
use std::process::ExitCode;

/// Something that is wrong.
#[derive(Serialize)]
struct Found {
    user: String,
    what: String,
    mended: bool,
}

/// All that was found.
#[derive(Serialize)]
struct Report {
    accounts: u64,
    items: u64,
    bodies: u64,
    wrong: u64,
    mended: u64,
    found: Vec<Found>,
}

pub(super) fn run(args: Check) -> Result<ExitCode, Failure> {
    let config = office::configuration(&args.place, &Addresses::default())?;
    // The store itself: a running appliance holds its lock, and the message says so.
    let desk = appliance::open_desk(&config)?;
    let mailbox = desk.mailbox();
    let look = Look {
        bodies: !args.no_bodies,
        repair: args.repair,
    };
    let accounts = block_on(mailbox.accounts())?;
    let bar = bar(accounts.len() as u64, args.json);
    let mut found = Vec::new();
    let mut all = Checked::default();
    for account in &accounts {
        let user = account.account.login.clone();
        bar.set_message(user.clone());
        let mut tell = |wrong: &crate::mailbox::check::Wrong, mended: bool| {
            found.push(Found {
                user: user.clone(),
                what: wrong.to_string(),
                mended,
            });
        };
        let checked = block_on(mailbox.check(account.scope, look, &mut tell))?;
        all.items += checked.items;
        all.bodies += checked.bodies;
        all.wrong += checked.wrong;
        all.mended += checked.mended;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let report = Report {
        accounts: accounts.len() as u64,
        items: all.items,
        bodies: all.bodies,
        wrong: all.wrong,
        mended: all.mended,
        found,
    };
    if args.json {
        say!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        say(&report, args.repair);
    }
    Ok(if all.wrong == all.mended {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn say(report: &Report, repair: bool) {
    for found in &report.found {
        let mended = if found.mended { " (mended)" } else { "" };
        say!("{}: {}{mended}", found.user, found.what);
    }
    say!(
        "accounts {}, items {}, bodies {}: wrong {}, mended {}",
        report.accounts,
        report.items,
        report.bodies,
        report.wrong,
        report.mended
    );
    if report.wrong > report.mended {
        let next = if repair {
            "What is left cannot be mended without loss: restore it from a backup, or delete the items."
        } else {
            "Make a backup, then run it with --repair: that mends what can be mended without loss."
        };
        say!("{next}");
    }
}

fn bar(accounts: u64, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(accounts);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    bar
}
