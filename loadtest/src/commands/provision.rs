//! Provision in two phases ([MS-ASPROV] 3.1.5), with both policy types, and the remote wipe.

use super::lookup::device_information;
use crate::check::{number, required};
use crate::device::Device;
use crate::operation::Outcome;
use crate::state::Policy;
use crate::tree::{Node, node, text};
use crate::version::Version;
use crate::violation::Violation;
use roost::wbxml::tags::{provision as tag, settings};

const WBXML_POLICY: &str = "MS-EAS-Provisioning-WBXML";
const XML_POLICY: &str = "MS-WAP-Provisioning-XML";

/// The phase that is due: the question, or the acknowledgement of what was offered.
pub(crate) fn request(device: &Device) -> Node {
    let mut policy = vec![text(tag::POLICY_TYPE, policy_type(device.version()))];
    let mut children = Vec::new();
    if let Policy::Offered(key) = &device.policy {
        policy.push(text(tag::POLICY_KEY, key.to_string()));
        policy.push(text(tag::STATUS, "1"));
    } else if device.version() >= Version::V14_1 {
        let set = node(settings::SET, device_information(device));
        children.push(node(settings::DEVICE_INFORMATION, vec![set]));
    }
    children.push(node(tag::POLICIES, vec![node(tag::POLICY, policy)]));
    node(tag::PROVISION, children)
}

/// Says what came of a wipe.
pub(crate) fn acknowledge_wipe(status: u8) -> Node {
    let wipe = node(
        tag::REMOTE_WIPE,
        vec![text(tag::STATUS, status.to_string())],
    );
    node(tag::PROVISION, vec![wipe])
}

pub(crate) fn take(device: &mut Device, root: &Node, outcome: &Outcome) -> Result<(), Violation> {
    number(root, tag::STATUS)?;
    if root.child(tag::REMOTE_WIPE).is_some() {
        device.wipe = true;
        return Ok(());
    }
    if outcome.status == Some(2) {
        // The server has no policy for anybody: it goes on without a key.
        device.policy = Policy::None;
    }
    if outcome.status != Some(1) {
        return Ok(());
    }
    let asked = !matches!(device.policy, Policy::Offered(_));
    if asked && device.version() >= Version::V14_1 {
        let missing = Violation::Missing {
            parent: root.tag,
            child: settings::DEVICE_INFORMATION,
        };
        let described = root.child(settings::DEVICE_INFORMATION).ok_or(missing);
        let told = described.and_then(|d| number(d, settings::STATUS).map(drop));
        device.bears_if(told)?;
        device.described = true;
    }
    let missing = Violation::Missing {
        parent: root.tag,
        child: tag::POLICY,
    };
    let policy = root.at(&[tag::POLICIES, tag::POLICY]).ok_or(missing)?;
    if required(policy, tag::POLICY_TYPE)? != policy_type(device.version()) {
        return Err(Violation::Misplaced {
            parent: tag::POLICY,
            child: tag::POLICY_TYPE,
        });
    }
    if number(policy, tag::STATUS)? != 1 {
        // No policy for this device: it goes on without a key.
        device.policy = Policy::None;
        return Ok(());
    }
    let key = required(policy, tag::POLICY_KEY)?;
    let bad = || Violation::PolicyKey(key.to_owned());
    let number: u32 = key.parse().ok().filter(|n| *n != 0).ok_or_else(bad)?;
    if asked {
        check_policy(device.version(), policy)?;
    }
    device.policy = match &device.policy {
        Policy::Offered(temporary) if *temporary == number => return Err(bad()),
        Policy::Offered(_) => Policy::Final(number),
        Policy::None | Policy::Wanted | Policy::Final(_) => Policy::Offered(number),
    };
    Ok(())
}

pub(crate) fn take_wiped(device: &mut Device, root: &Node) -> Result<(), Violation> {
    number(root, tag::STATUS)?;
    device.wipe = root.child(tag::REMOTE_WIPE).is_some();
    Ok(())
}

/// The document has to be there in the form of its type.
fn check_policy(version: Version, policy: &Node) -> Result<(), Violation> {
    let missing = |parent, child| Violation::Missing { parent, child };
    let data = policy
        .child(tag::DATA)
        .ok_or_else(|| missing(tag::POLICY, tag::DATA))?;
    let right = match version {
        Version::V2_5 => data
            .as_text()
            .is_some_and(|xml| xml.contains("<wap-provisioningdoc")),
        _ => data.children().len() == 1 && data.child(tag::EAS_PROVISION_DOC).is_some(),
    };
    if right {
        Ok(())
    } else {
        Err(missing(tag::DATA, tag::EAS_PROVISION_DOC))
    }
}

fn policy_type(version: Version) -> &'static str {
    if version == Version::V2_5 {
        XML_POLICY
    } else {
        WBXML_POLICY
    }
}
