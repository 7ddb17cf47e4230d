//! `roost user`.

use super::args::User;
use super::office::Office;
use super::table::moment;
use super::{Failure, ask, device, portrait, table};
use crate::admin::order::{AbsenceRow, DeviceRow, FolderRow, PortraitRow, UserRow};
use crate::admin::{Order, Reply};
use std::process::ExitCode;

pub(super) fn run(command: User) -> Result<ExitCode, Failure> {
    let (place, order, json) = match command {
        User::Add {
            name,
            display_name,
            addresses,
            password_stdin,
            place,
        } => {
            let password = ask::new_password(password_stdin)?;
            (
                place,
                Order::UserAdd {
                    name,
                    display_name,
                    addresses,
                    password,
                },
                false,
            )
        }
        User::List { json, place } => (place, Order::UserList, json),
        User::Show { name, json, place } => (place, Order::UserShow { name }, json),
        User::Set {
            name,
            display_name,
            add_address,
            remove_address,
            version_max,
            portrait,
            place,
        } => {
            let mut office = Office::open(&place)?;
            let change = portrait::read(*portrait)?;
            if let Some(change) = change {
                let name = name.clone();
                let reply = office.ask(Order::UserPortray { name, change }, Vec::new())?;
                let others = display_name.is_some() || version_max.is_some();
                if !others && add_address.is_empty() && remove_address.is_empty() {
                    show(reply, false)?;
                    return Ok(ExitCode::SUCCESS);
                }
            }
            let order = Order::UserSet {
                name,
                display_name,
                add_addresses: add_address,
                remove_addresses: remove_address,
                version_max,
            };
            show(office.ask(order, Vec::new())?, false)?;
            return Ok(ExitCode::SUCCESS);
        }
        User::Remove { name, yes, place } => {
            let question = format!("Remove {name} with all mail, contacts and calendars?");
            if !yes && !ask::confirm(&question)? {
                return Ok(ExitCode::FAILURE);
            }
            (place, Order::UserRemove { name }, false)
        }
        User::Password {
            name,
            password_stdin,
            place,
        } => {
            let password = ask::new_password(password_stdin)?;
            (place, Order::UserPassword { name, password }, false)
        }
    };
    let reply = Office::open(&place)?.ask(order, Vec::new())?;
    show(reply, json)?;
    Ok(ExitCode::SUCCESS)
}

fn show(reply: Reply, json: bool) -> Result<(), Failure> {
    match reply {
        Reply::Done { text } => say!("{text}"),
        Reply::Users { users } if json => say!("{}", serde_json::to_string_pretty(&users)?),
        Reply::Users { users } => put!("{}", list(&users)),
        Reply::User {
            user,
            folders,
            devices,
            portrait,
        } if json => {
            let all = serde_json::json!({
                "user": user, "folders": folders, "devices": devices, "portrait": portrait
            });
            say!("{all:#}");
        }
        Reply::User {
            user,
            folders,
            devices,
            portrait,
        } => one(&user, &folders, &devices, &portrait),
        _ => return Err(Failure::new("the appliance gave a reply of another kind")),
    }
    Ok(())
}

fn list(users: &[UserRow]) -> String {
    let rows: Vec<_> = users
        .iter()
        .map(|u| {
            [
                u.name.clone(),
                u.devices.to_string(),
                u.version_max.clone().unwrap_or_default(),
                u.addresses.join(", "),
                u.display_name.clone(),
            ]
        })
        .collect();
    table::render(
        ["NAME", "DEVICES", "CEILING", "ADDRESSES", "DISPLAY NAME"],
        &rows,
    )
}

fn one(user: &UserRow, folders: &[FolderRow], devices: &[DeviceRow], shown: &PortraitRow) {
    say!("{}  {}", user.name, user.display_name);
    say!("addresses  {}", user.addresses.join(", "));
    if let Some(version) = &user.version_max {
        say!("ceiling    version {version}");
    }
    put!("{}", portrait::shown(shown));
    if let Some(absence) = &user.absence {
        say!("absence    {}", away(absence));
    }
    let rows: Vec<_> = folders
        .iter()
        .map(|f| [f.id.clone(), f.name.clone(), f.items.to_string()])
        .collect();
    put!("\n{}", table::render(["FOLDER", "NAME", "ITEMS"], &rows));
    if !devices.is_empty() {
        put!("\n{}", device::list(devices));
    }
}

/// An absence in words.
fn away(absence: &AbsenceRow) -> String {
    let when = match (absence.from_ms, absence.to_ms) {
        (Some(from_ms), Some(to_ms)) => {
            format!("from {} to {} (UTC)", moment(from_ms), moment(to_ms))
        }
        _ => "until further notice".to_owned(),
    };
    match absence.audiences.as_slice() {
        [] => format!("{when}; nobody is to be told"),
        audiences => format!("{when}; to be told: {}", audiences.join(", ")),
    }
}
