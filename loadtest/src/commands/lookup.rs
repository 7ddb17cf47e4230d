//! Settings and the search of the global address list ([MS-ASCMD] 2.2.1.18, 2.2.1.16).

use crate::check::{number, required};
use crate::device::Device;
use crate::operation::Outcome;
use crate::tree::{Node, empty, node, text};
use crate::version::Version;
use crate::violation::Violation;
use roost::wbxml::tags::{gal, search, settings};

/// What the device says of itself; also part of Provision from 14.1 on.
pub(crate) fn device_information(device: &Device) -> Vec<Node> {
    let profile = &device.identity.profile;
    let mut children = vec![
        text(settings::MODEL, profile.device_type),
        text(
            settings::FRIENDLY_NAME,
            format!("{} of {}", profile.device_type, device.identity.user),
        ),
        text(settings::OS, "Model 1.0"),
        text(settings::OS_LANGUAGE, "en-us"),
    ];
    if device.version() >= Version::V14_0 {
        children.push(text(settings::USER_AGENT, profile.user_agent));
    }
    children
}

pub(crate) fn set_device_request(device: &Device) -> Node {
    let set = node(settings::SET, device_information(device));
    node(
        settings::SETTINGS,
        vec![node(settings::DEVICE_INFORMATION, vec![set])],
    )
}

pub(crate) fn take_set_device(device: &mut Device, root: &Node) -> Result<(), Violation> {
    // Asked once, whatever comes of it: a device that insists would loop.
    device.described = true;
    if number(root, settings::STATUS)? == 1 {
        let missing = Violation::Missing {
            parent: root.tag,
            child: settings::DEVICE_INFORMATION,
        };
        number(
            root.child(settings::DEVICE_INFORMATION).ok_or(missing)?,
            settings::STATUS,
        )?;
    }
    Ok(())
}

pub(crate) fn user_information_request() -> Node {
    let get = vec![empty(settings::GET)];
    node(
        settings::SETTINGS,
        vec![node(settings::USER_INFORMATION, get)],
    )
}

pub(crate) fn take_user_information(
    device: &Device,
    root: &Node,
    outcome: &mut Outcome,
) -> Result<(), Violation> {
    if number(root, settings::STATUS)? != 1 {
        return Ok(());
    }
    let missing = |parent: &Node, child| Violation::Missing {
        parent: parent.tag,
        child,
    };
    let information = root.child(settings::USER_INFORMATION);
    let information = information.ok_or_else(|| missing(root, settings::USER_INFORMATION))?;
    number(information, settings::STATUS)?;
    let get = information
        .child(settings::GET)
        .ok_or_else(|| missing(information, settings::GET))?;
    let accounts = device.version() >= Version::V14_1;
    let holder = match accounts {
        true => get.at(&[settings::ACCOUNTS, settings::ACCOUNT]),
        false => Some(get),
    };
    let holder = holder.ok_or_else(|| missing(get, settings::ACCOUNTS))?;
    let addresses = holder.child(settings::EMAIL_ADDRESSES);
    let addresses = addresses.ok_or_else(|| missing(holder, settings::EMAIL_ADDRESSES))?;
    required(addresses, settings::SMTP_ADDRESS)?;
    for address in addresses
        .all(settings::SMTP_ADDRESS)
        .filter_map(Node::as_text)
    {
        outcome.results.push((address.to_owned(), 1, String::new()));
    }
    Ok(())
}

pub(crate) fn search_request(query: &str, range: (u32, u32)) -> Node {
    let options = vec![text(search::RANGE, format!("{}-{}", range.0, range.1))];
    let store = vec![
        text(search::NAME, "GAL"),
        text(search::QUERY, query),
        node(search::OPTIONS, options),
    ];
    node(search::SEARCH, vec![node(search::STORE, store)])
}

pub(crate) fn take_search(root: &Node, outcome: &mut Outcome) -> Result<(), Violation> {
    if number(root, search::STATUS)? != 1 {
        return Ok(());
    }
    let missing = Violation::Missing {
        parent: root.tag,
        child: search::STORE,
    };
    let store = root.at(&[search::RESPONSE, search::STORE]).ok_or(missing)?;
    let status = number(store, search::STATUS)?;
    for result in store.all(search::RESULT) {
        // No hit: one empty Result.
        let Some(properties) = result.child(search::PROPERTIES) else {
            continue;
        };
        let address = required(properties, gal::EMAIL_ADDRESS)?;
        let name = required(properties, gal::DISPLAY_NAME)?;
        outcome
            .results
            .push((address.to_owned(), status, name.to_owned()));
    }
    if !outcome.results.is_empty() {
        required(store, search::RANGE)?;
        number(store, search::TOTAL)?;
    }
    Ok(())
}
