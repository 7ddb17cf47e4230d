//! Settings ([MS-ASCMD] 2.2.1.18): what the device says of itself, who the user is, absence notes,
//! recovery passwords.
//!
//! Deliberately absent: rights management (there are no templates).

mod absence;
mod information;

pub use information::Information;

use crate::eas::context::{Context, Done, Reply};
use crate::eas::status::{Common, Failure};
use crate::eas::version::Version;
use crate::limits::RECOVERY_PASSWORD_CHARS_MAX;
use crate::mailbox::DeviceNo;
use crate::wbxml::tags::{rightsmanagement, settings as tags};
use crate::wbxml::{Reader, Tag, Writer};

const DONE: u16 = 1;
const MALFORMED: u16 = 2;
const INVALID: u16 = 5;
const CONFLICTING: u16 = 6;
const DENIED_BY_POLICY: u16 = 7;

/// One property of the request.
enum Asked {
    Absence(absence::Asked),
    Password(String),
    Device(Box<Information>),
    User,
    Rights,
}

/// Carries out the command: in order, and nothing of it if one property is malformed.
///
/// # Errors
/// A document that cannot be read; the store's.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let mut r = ctx.document(tags::SETTINGS)?;
    let asked = match read(&mut r, ctx.version()) {
        Ok(asked) => asked,
        Err(Failure::Common(Common::InvalidXml)) => {
            let mut w = Writer::new();
            w.open(tags::SETTINGS);
            w.num(tags::STATUS, MALFORMED);
            w.close();
            return Ok(Reply::document(w, MALFORMED).into());
        }
        Err(e) => return Err(e),
    };
    let mut w = Writer::new();
    w.open(tags::SETTINGS);
    w.num(tags::STATUS, DONE);
    for one in asked {
        match one {
            Asked::Absence(asked) => Box::pin(absence::carry_out(&mut w, ctx, asked)).await?,
            Asked::Password(password) => {
                let status = Box::pin(keep_password(ctx, &password)).await?;
                bare(&mut w, tags::DEVICE_PASSWORD, status);
            }
            Asked::Device(information) => {
                information.keep(ctx).await?;
                bare(&mut w, tags::DEVICE_INFORMATION, DONE);
            }
            Asked::User => user(&mut w, ctx),
            Asked::Rights => rights(&mut w),
        }
    }
    w.close();
    Ok(Reply::document(w, DONE).into())
}

fn read(r: &mut Reader<'_>, version: Version) -> Result<Vec<Asked>, Failure> {
    let mut asked = Vec::new();
    let mut seen: Vec<Tag> = Vec::new();
    while let Some(tag) = r.child()? {
        if seen.contains(&tag) || version.too_old_for(tag) {
            return Err(Common::InvalidXml.into());
        }
        seen.push(tag);
        asked.push(match tag {
            tags::OOF => Asked::Absence(absence::read(r)?),
            tags::DEVICE_PASSWORD => Asked::Password(password(r)?),
            tags::DEVICE_INFORMATION => Asked::Device(Box::new(Information::read(r, version)?)),
            tags::USER_INFORMATION => {
                get(r)?;
                Asked::User
            }
            tags::RIGHTS_MANAGEMENT_INFORMATION => {
                get(r)?;
                Asked::Rights
            }
            _ => return Err(Common::InvalidXml.into()),
        });
    }
    Ok(asked)
}

/// `Get`, once, and nothing else.
fn get(r: &mut Reader<'_>) -> Result<(), Failure> {
    let mut seen = false;
    while let Some(tag) = r.child()? {
        if tag != tags::GET || seen {
            return Err(Common::InvalidXml.into());
        }
        seen = true;
        r.skip()?;
    }
    match seen {
        true => Ok(()),
        false => Err(Common::InvalidXml.into()),
    }
}

/// The password of `Set`.
fn password(r: &mut Reader<'_>) -> Result<String, Failure> {
    let mut found = None;
    while let Some(tag) = r.child()? {
        if tag != tags::SET || found.is_some() {
            return Err(Common::InvalidXml.into());
        }
        while let Some(tag) = r.child()? {
            if tag != tags::PASSWORD || found.is_some() {
                return Err(Common::InvalidXml.into());
            }
            found = Some(r.text()?.into_owned());
        }
    }
    Ok(found.ok_or(Common::InvalidXml)?)
}

/// Keeps the recovery password of the device, where the policy has such things; the status.
async fn keep_password(ctx: &Context<'_>, password: &str) -> Result<u16, Failure> {
    if !ctx.eas.policy(ctx.account).has_password_recovery() {
        return Ok(DENIED_BY_POLICY);
    }
    if password.chars().count() > RECOVERY_PASSWORD_CHARS_MAX {
        return Ok(INVALID);
    }
    if ctx.device_no() != DeviceNo::NONE {
        let (scope, device) = (ctx.scope(), ctx.device_no());
        let kept = ctx.mailbox().set_recovery_password(scope, device, password);
        kept.await?;
    }
    Ok(DONE)
}

fn bare(w: &mut Writer, tag: Tag, status: u16) {
    w.open(tag);
    w.num(tags::STATUS, status);
    w.close();
}

fn rights(w: &mut Writer) {
    w.open(tags::RIGHTS_MANAGEMENT_INFORMATION);
    w.num(tags::STATUS, DONE);
    w.open(tags::GET);
    w.empty(rightsmanagement::RIGHTS_MANAGEMENT_TEMPLATES);
    w.close();
    w.close();
}

/// From 14.1 on the addresses stand within an account, which has no AccountId: it is the primary
/// one.
fn user(w: &mut Writer, ctx: &Context<'_>) {
    let account = &ctx.account.account;
    let with_accounts = ctx.version() >= Version::V14_1;
    w.open(tags::USER_INFORMATION);
    w.num(tags::STATUS, DONE);
    w.open(tags::GET);
    if with_accounts {
        w.open(tags::ACCOUNTS);
        w.open(tags::ACCOUNT);
        w.text_if(tags::USER_DISPLAY_NAME, &account.display_name);
    }
    w.open(tags::EMAIL_ADDRESSES);
    for address in &account.addresses {
        w.text(tags::SMTP_ADDRESS, address);
    }
    if with_accounts {
        w.text_if(tags::PRIMARY_SMTP_ADDRESS, account.address());
    }
    w.close();
    if with_accounts {
        w.close();
        w.close();
    }
    w.close();
    w.close();
}
