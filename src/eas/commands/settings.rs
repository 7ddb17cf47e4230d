//! Settings ([MS-ASCMD] 2.2.1.18): what the device says of itself, who the user is, absence notes.
//!
//! Deliberately absent: absence notes (the state is always "off", and setting them is refused),
//! recovery passwords, rights management.

use crate::eas::context::{Context, Done, Reply};
use crate::eas::status::{Common, Failure};
use crate::eas::version::Version;
use crate::limits::DEVICE_INFORMATION_BYTES_MAX;
use crate::mailbox::{Device, DeviceNo};
use crate::pim::mail::cut;
use crate::wbxml::tags::{rightsmanagement, settings as tags};
use crate::wbxml::{Reader, Tag, Writer};

const DONE: u16 = 1;
const MALFORMED: u16 = 2;
const ACCESS_DENIED: u16 = 3;
const DENIED_BY_POLICY: u16 = 7;

/// One property of the request.
enum Asked {
    OofGet,
    OofSet,
    Password,
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
            Asked::OofGet => oof(&mut w),
            Asked::OofSet => bare(&mut w, tags::OOF, ACCESS_DENIED),
            Asked::Password => bare(&mut w, tags::DEVICE_PASSWORD, DENIED_BY_POLICY),
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
            tags::OOF => oof_asked(r)?,
            tags::DEVICE_PASSWORD => {
                r.skip()?;
                Asked::Password
            }
            tags::DEVICE_INFORMATION => Asked::Device(Box::new(Information::read(r)?)),
            tags::USER_INFORMATION => {
                r.skip()?;
                Asked::User
            }
            tags::RIGHTS_MANAGEMENT_INFORMATION => {
                r.skip()?;
                Asked::Rights
            }
            _ => return Err(Common::InvalidXml.into()),
        });
    }
    Ok(asked)
}

fn oof_asked(r: &mut Reader<'_>) -> Result<Asked, Failure> {
    let mut asked = None;
    while let Some(tag) = r.child()? {
        r.skip()?;
        asked = match tag {
            tags::GET => Some(Asked::OofGet),
            tags::SET => Some(Asked::OofSet),
            _ => return Err(Common::InvalidXml.into()),
        };
    }
    Ok(asked.ok_or(Common::InvalidXml)?)
}

fn bare(w: &mut Writer, tag: Tag, status: u16) {
    w.open(tag);
    w.num(tags::STATUS, status);
    w.close();
}

/// Nobody is away.
fn oof(w: &mut Writer) {
    w.open(tags::OOF);
    w.num(tags::STATUS, DONE);
    w.open(tags::GET);
    w.num(tags::OOF_STATE, 0);
    w.close();
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

/// What a device says of itself, here or in Provision.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Information {
    fields: Vec<(Tag, String)>,
}

impl Information {
    /// Reads the `DeviceInformation` just named.
    ///
    /// # Errors
    /// A document that cannot be read; one without `Set`.
    pub fn read(r: &mut Reader<'_>) -> Result<Self, Failure> {
        let mut found = None;
        while let Some(tag) = r.child()? {
            if tag != tags::SET {
                return Err(Common::InvalidXml.into());
            }
            let mut fields = Vec::new();
            while let Some(tag) = r.child()? {
                let text = r.text()?;
                let text = cut(&text, DEVICE_INFORMATION_BYTES_MAX).to_owned();
                fields.push((tag, text));
            }
            found = Some(Self { fields });
        }
        Ok(found.ok_or(Common::InvalidXml)?)
    }

    /// Stores it with the device.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep(&self, ctx: &Context<'_>) -> Result<(), Failure> {
        if ctx.device_no() == DeviceNo::NONE {
            return Ok(());
        }
        let (scope, device) = (ctx.scope(), ctx.device_no());
        let change = ctx
            .mailbox()
            .change_device(scope, device, |d| self.apply(d));
        Box::pin(change).await?;
        Ok(())
    }

    fn apply(&self, d: &mut Device) {
        for (tag, text) in &self.fields {
            let field = match *tag {
                tags::MODEL => &mut d.model,
                tags::IMEI => &mut d.imei,
                tags::FRIENDLY_NAME => &mut d.friendly_name,
                tags::OS => &mut d.os,
                tags::OS_LANGUAGE => &mut d.os_language,
                tags::PHONE_NUMBER => &mut d.phone_number,
                tags::MOBILE_OPERATOR => &mut d.mobile_operator,
                tags::ENABLE_OUTBOUND_SMS => {
                    d.outbound_sms = text == "1";
                    continue;
                }
                // The User-Agent header says it, and later.
                _ => continue,
            };
            field.clone_from(text);
        }
    }
}
