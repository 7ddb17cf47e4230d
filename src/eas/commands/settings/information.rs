//! What a device says of itself ([MS-ASCMD] 2.2.3.45), here or in Provision.

use crate::eas::context::Context;
use crate::eas::status::{Common, Failure};
use crate::eas::version::Version;
use crate::limits::DEVICE_INFORMATION_BYTES_MAX;
use crate::mailbox::{Device, DeviceNo};
use crate::pim::mail::cut;
use crate::wbxml::tags::settings as tags;
use crate::wbxml::{Reader, Tag};

/// What a device says of itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Information {
    fields: Vec<(Tag, String)>,
}

/// Properties that there are: whoever sends more of them repeats itself.
const FIELDS_MAX: usize = 16;

impl Information {
    /// Reads the `DeviceInformation` just named.
    ///
    /// # Errors
    /// A document that cannot be read; one without `Set`, or with what the version does not have.
    pub fn read(r: &mut Reader<'_>, version: Version) -> Result<Self, Failure> {
        let mut found = None;
        while let Some(tag) = r.child()? {
            if tag != tags::SET || found.is_some() {
                return Err(Common::InvalidXml.into());
            }
            let mut fields = Vec::new();
            while let Some(tag) = r.child()? {
                if version.too_old_for(tag) || fields.len() == FIELDS_MAX {
                    return Err(Common::InvalidXml.into());
                }
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
