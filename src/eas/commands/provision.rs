//! Provision ([MS-ASPROV]): the policy in two phases, and the orders to wipe.
//!
//! Whatever is configured, a device that asks ends with a key that is not 0: several clients give up
//! on "no policy" or on a key of 0 (devices: pyactivesync, go-activesync, the first iPhones).

use super::settings::Information;
use crate::eas::context::{Context, Done, Reply};
use crate::eas::status::{Common, Failure};
use crate::eas::version::Version;
use crate::mailbox::{Device, DeviceNo, Wipe};
use crate::wbxml::tags::{provision as tags, settings};
use crate::wbxml::{Reader, Writer};

const DONE: u16 = 1;
const MALFORMED: u16 = 2;
const UNKNOWN_TYPE: u16 = 3;
const WRONG_KEY: u16 = 5;
const WBXML: &str = "MS-EAS-Provisioning-WBXML";
const WAP: &str = "MS-WAP-Provisioning-XML";

#[derive(Default)]
struct Asked {
    information: Option<Information>,
    policy: Option<Policy>,
    /// What the device says of a wipe that it was ordered: 1 done, 2 failed.
    wiped: Option<u32>,
}

#[derive(Default)]
struct Policy {
    kind: Option<String>,
    key: Option<String>,
    status: Option<u32>,
}

/// Carries out the command.
///
/// # Errors
/// A document that cannot be read; the store's; a machine without random numbers.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let mut r = ctx.document(tags::PROVISION)?;
    let asked = match read(&mut r) {
        Ok(asked) => asked,
        Err(Failure::Common(Common::InvalidXml)) => return Ok(bare(MALFORMED).into()),
        Err(e) => return Err(e),
    };
    if let Some(information) = &asked.information {
        information.keep(ctx).await?;
    }
    if let Some(reply) = wipe(ctx, &asked).await? {
        return Ok(reply.into());
    }
    let Some(policy) = &asked.policy else {
        return Ok(bare(MALFORMED).into());
    };
    let Some(kind) = policy.kind.as_deref() else {
        return Ok(bare(MALFORMED).into());
    };
    let is_known = match kind {
        WBXML => ctx.version() >= Version::V12_0,
        WAP => ctx.version() == Version::V2_5,
        _ => false,
    };
    let answer = if !is_known {
        Answer::Refused(UNKNOWN_TYPE)
    } else if policy.status.is_some() {
        acknowledge(ctx, policy).await?
    } else if asked.information.is_none() && has_to_introduce_itself(ctx) {
        return Err(Common::DeviceInformationRequired.into());
    } else {
        Answer::Offered(offer(ctx).await?)
    };
    Ok(write(ctx, &asked, kind, &answer).into())
}

fn read(r: &mut Reader<'_>) -> Result<Asked, Failure> {
    let mut asked = Asked::default();
    while let Some(tag) = r.child()? {
        match tag {
            // In every version, and with all there is: iOS at 16.1 sends it, and pyactivesync at 12.1.
            settings::DEVICE_INFORMATION => {
                asked.information = Some(Information::read(r, Version::V16_1)?);
            }
            tags::POLICIES => {
                while let Some(tag) = r.child()? {
                    if tag != tags::POLICY {
                        return Err(Common::InvalidXml.into());
                    }
                    asked.policy = Some(policy(r)?);
                }
            }
            tags::REMOTE_WIPE | tags::ACCOUNT_ONLY_REMOTE_WIPE => {
                let mut status = None;
                while let Some(tag) = r.child()? {
                    match tag {
                        tags::STATUS => status = crate::eas::value::number(r)?,
                        _ => r.skip()?,
                    }
                }
                asked.wiped = Some(status.unwrap_or(0));
            }
            // iOS 5 puts the status of a wipe in front of it, too.
            tags::STATUS => r.skip()?,
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    Ok(asked)
}

fn policy(r: &mut Reader<'_>) -> Result<Policy, Failure> {
    let mut policy = Policy::default();
    while let Some(tag) = r.child()? {
        match tag {
            tags::POLICY_TYPE => policy.kind = Some(r.text()?.into_owned()),
            tags::POLICY_KEY => policy.key = Some(r.text()?.into_owned()),
            tags::STATUS => policy.status = crate::eas::value::number(r)?,
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    Ok(policy)
}

/// The order to wipe, or the end of it; none where there is no such order.
async fn wipe(ctx: &Context<'_>, asked: &Asked) -> Result<Option<Reply>, Failure> {
    let order = match ctx.device.device.wipe {
        // It says so once more, since it got no answer.
        Wipe::Done if asked.wiped == Some(1) && asked.policy.is_none() => {
            return Ok(Some(bare(DONE)));
        }
        Wipe::None | Wipe::Done => return Ok(None),
        // A client that does not know the gentler order gets it when it speaks 16.1.
        Wipe::Account if ctx.version() < Version::V16_1 => return Ok(None),
        Wipe::Account => tags::ACCOUNT_ONLY_REMOTE_WIPE,
        Wipe::Device => tags::REMOTE_WIPE,
    };
    let mut w = Writer::new();
    w.open(tags::PROVISION);
    w.num(tags::STATUS, DONE);
    if asked.wiped == Some(1) {
        change(ctx, |d| d.wipe = Wipe::Done).await?;
        tracing::warn!(device = %ctx.device.device.id, "the device says that it is wiped");
    } else {
        w.empty(order);
    }
    w.close();
    Ok(Some(Reply::document(w, DONE)))
}

/// From 14.1 on a device has to say what it is ([MS-ASPROV] 3.1.5.1.1). One that has done so
/// before, in Settings for example, need not do it again.
fn has_to_introduce_itself(ctx: &Context<'_>) -> bool {
    let d = &ctx.device.device;
    let told = [&d.model, &d.imei, &d.friendly_name, &d.os, &d.phone_number];
    ctx.version() >= Version::V14_1
        && ctx.device_no() != DeviceNo::NONE
        && told.iter().all(|text| text.is_empty())
}

/// What the Policy element of the answer says.
enum Answer {
    /// First phase: the document, and a key for the second.
    Offered(u32),
    /// Second phase: the key that counts from now on.
    Admitted(u32),
    /// Neither.
    Refused(u16),
}

/// The same question gets the same key, until there is another policy: of two that cross, either answer
/// may be the one that arrives.
async fn offer(ctx: &Context<'_>) -> Result<u32, Failure> {
    let hash = ctx.eas.policy(ctx.account).hash();
    let device = &ctx.device.device;
    let key = match device.policy_key_pending {
        key if key != 0 && device.policy_hash == hash => key,
        _ => fresh_key()?,
    };
    change(ctx, |d| {
        if d.policy_hash != hash {
            // Another policy: what was acknowledged before counts no more.
            d.policy_hash = hash;
            d.policy_key = 0;
        }
        d.policy_key_pending = key;
    })
    .await?;
    Ok(key)
}

/// The pending key stays: an acknowledgement whose answer was lost comes again.
async fn acknowledge(ctx: &Context<'_>, policy: &Policy) -> Result<Answer, Failure> {
    let presented: u32 = policy
        .key
        .as_deref()
        .and_then(|k| k.parse().ok())
        .unwrap_or(0);
    let device = &ctx.device.device;
    let hash = ctx.eas.policy(ctx.account).hash();
    let is_trial = ctx.device_no() == DeviceNo::NONE;
    let is_right = presented != 0 && presented == device.policy_key_pending;
    if !is_trial && (!is_right || device.policy_hash != hash) {
        return Ok(Answer::Refused(WRONG_KEY));
    }
    // Status 2 to 4: the device keeps the policy in part, or not, or is kept by somebody else. It
    // is admitted all the same: Android acknowledges with 2 whatever it could not do.
    let key = lasting_key(presented);
    change(ctx, |d| d.policy_key = key).await?;
    Ok(Answer::Admitted(key))
}

/// The key that counts once `pending` is acknowledged: the same for each repetition, and never 0.
fn lasting_key(pending: u32) -> u32 {
    // Odd, so that no two have the same.
    pending.wrapping_mul(0x9e37_79b1).max(1)
}

async fn change(ctx: &Context<'_>, change: impl Fn(&mut Device)) -> Result<(), Failure> {
    if ctx.device_no() == DeviceNo::NONE {
        return Ok(());
    }
    let changed = ctx
        .mailbox()
        .change_device(ctx.scope(), ctx.device_no(), change);
    Box::pin(changed).await?;
    Ok(())
}

fn fresh_key() -> Result<u32, Failure> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_err(|_| Common::ServerError)?;
    Ok(u32::from_le_bytes(bytes).max(1))
}

fn write(ctx: &Context<'_>, asked: &Asked, kind: &str, answer: &Answer) -> Reply {
    let (status, key) = match answer {
        Answer::Offered(key) | Answer::Admitted(key) => (DONE, Some(*key)),
        Answer::Refused(status) => (*status, None),
    };
    let mut w = Writer::new();
    w.open(tags::PROVISION);
    // Clients before 14.1 send it against the letter, and do not expect an answer to it.
    if asked.information.is_some() && ctx.version() >= Version::V14_1 {
        w.open(settings::DEVICE_INFORMATION);
        w.num(settings::STATUS, DONE);
        w.close();
    }
    w.num(tags::STATUS, DONE);
    w.open(tags::POLICIES);
    w.open(tags::POLICY);
    w.text(tags::POLICY_TYPE, kind);
    w.num(tags::STATUS, status);
    if let Some(key) = key {
        w.text(tags::POLICY_KEY, &key.to_string());
    }
    if matches!(answer, Answer::Offered(_)) {
        let policy = ctx.eas.policy(ctx.account);
        if kind == WAP {
            w.text(tags::DATA, &policy.wap());
        } else {
            w.open(tags::DATA);
            policy.write_document(&mut w, ctx.version());
            w.close();
        }
    }
    w.close();
    w.close();
    w.close();
    Reply::document(w, status)
}

fn bare(status: u16) -> Reply {
    let mut w = Writer::new();
    w.open(tags::PROVISION);
    w.num(tags::STATUS, status);
    w.close();
    Reply::document(w, status)
}
