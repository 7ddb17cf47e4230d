//! `roost device`.

use super::args::Device;
use super::office::Office;
use super::table::moment;
use super::{Failure, table};
use crate::admin::order::{BrokenRow, DeviceRow, HeartbeatRow};
use crate::admin::{Order, Reply};
use std::process::ExitCode;

pub(super) fn run(command: Device) -> Result<ExitCode, Failure> {
    let (place, order, json, whole) = match command {
        Device::List { user, json, place } => (place, Order::DeviceList { user }, json, false),
        Device::Show {
            user,
            device,
            recovery_password,
            json,
            place,
        } => {
            let order = Order::DeviceShow {
                user,
                device,
                recovery_password,
            };
            (place, order, json, true)
        }
        Device::Heartbeats { json, place } => (place, Order::Heartbeats, json, false),
        Device::Resync {
            user,
            device,
            place,
        } => (place, Order::DeviceResync { user, device }, false, false),
        Device::DeliverAgain {
            user,
            device,
            item,
            place,
        } => {
            let order = Order::DeviceDeliverAgain { user, device, item };
            (place, order, false, false)
        }
        Device::Set {
            user,
            device,
            version_max,
            place,
        } => {
            let order = Order::DeviceSet {
                user,
                device,
                version_max,
            };
            (place, order, false, false)
        }
        Device::Remove {
            user,
            device,
            place,
        } => (place, Order::DeviceRemove { user, device }, false, false),
    };
    let wants_recovery = matches!(
        order,
        Order::DeviceShow {
            recovery_password: true,
            ..
        }
    );
    match Office::open(&place)?.ask(order, Vec::new())? {
        Reply::Done { text } => say!("{text}"),
        Reply::Devices { devices } if json => {
            say!("{}", serde_json::to_string_pretty(&devices)?);
        }
        Reply::Devices { devices } if whole => {
            for device in &devices {
                show(device);
                if wants_recovery {
                    let kept = device.recovery_password.as_deref();
                    say!(
                        "recovery    {}",
                        kept.unwrap_or("the device left no password")
                    );
                }
            }
        }
        Reply::Heartbeats { heartbeats } if json => {
            say!("{}", serde_json::to_string_pretty(&heartbeats)?);
        }
        Reply::Heartbeats { heartbeats } if heartbeats.is_empty() => {
            say!("no network or device is known to cut waiting connections");
        }
        Reply::Heartbeats { heartbeats } => put!("{}", cuts(&heartbeats)),
        Reply::Devices { devices } => put!("{}", list(&devices)),
        _ => return Err(Failure::new("the appliance gave a reply of another kind")),
    }
    Ok(ExitCode::SUCCESS)
}

/// A table of devices.
pub(super) fn list(devices: &[DeviceRow]) -> String {
    let rows: Vec<_> = devices
        .iter()
        .map(|d| {
            let seen = moment(d.last_seen_ms);
            [
                d.user.clone(),
                d.id.clone(),
                d.kind.clone(),
                d.version.clone(),
                seen,
            ]
        })
        .collect();
    table::render(
        ["USER", "DEVICE", "TYPE", "VERSION", "LAST SEEN (UTC)"],
        &rows,
    )
}

/// A table of paths that cut.
fn cuts(heartbeats: &[HeartbeatRow]) -> String {
    let seconds = |s: u32| format!("{s} s");
    let rows: Vec<_> = heartbeats
        .iter()
        .map(|h| {
            [
                h.path.clone(),
                seconds(h.cut_s),
                seconds(h.proposal_s),
                seconds(h.held_s),
                h.seen.to_string(),
            ]
        })
        .collect();
    table::render(
        ["NETWORK OR DEVICE", "CUT AFTER", "PROPOSAL", "HELD", "SEEN"],
        &rows,
    )
}

/// A table of items that a device has stand-ins of.
fn stood_in(broken: &[BrokenRow]) -> String {
    let rows: Vec<_> = broken
        .iter()
        .map(|b| {
            let why = match b.is_retried {
                true => "on its way once more".to_owned(),
                false => b.why.clone(),
            };
            [
                b.item.clone(),
                b.folder.clone(),
                b.subject.clone(),
                moment(b.at_ms),
                why,
            ]
        })
        .collect();
    table::render(["ITEM", "FOLDER", "SUBJECT", "SINCE (UTC)", "WHY"], &rows)
}

fn show(d: &DeviceRow) {
    say!("{}  {}  of {}", d.id, d.kind, d.user);
    say!("version     {}", d.version);
    if let Some(version) = &d.version_max {
        say!("ceiling     version {version}");
    }
    if !d.quirks.is_empty() {
        say!("treated as  {}", d.quirks.join("; "));
    }
    say!("first seen  {}", moment(d.first_seen_ms));
    say!("last seen   {}", moment(d.last_seen_ms));
    if d.heartbeat_s > 0 {
        say!("heartbeat   {} s", d.heartbeat_s);
    }
    if d.held_s > 0 {
        say!("held        {} s, the longest wait lately", d.held_s);
    }
    if let Some(cut) = &d.cut {
        say!(
            "cut off     after {} s of waiting ({} times, {}); a heartbeat of {} s ends before",
            cut.cut_s,
            cut.seen,
            cut.path,
            cut.proposal_s
        );
    }
    if let Some(held) = &d.held_back {
        let now = if held.is_held { ", and is now" } else { "" };
        say!(
            "held back   {} times for repeating itself, last {}{now}",
            held.times,
            moment(held.last_ms)
        );
    }
    if !d.broken.is_empty() {
        say!("\nThese items it could not take; it has a note in place of each:\n");
        say!("{}", stood_in(&d.broken));
    }
    let width = d
        .describes_itself
        .iter()
        .map(|(k, _)| k.chars().count())
        .max()
        .unwrap_or(0);
    for (key, value) in &d.describes_itself {
        say!("{key:width$}  {value}");
    }
}
