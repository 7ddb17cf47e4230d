//! The policy of an account, its document, and the check of the policy key ([MS-ASPROV]).
//!
//! Without a configured policy there is no check, and a device that asks gets an empty document and
//! a key all the same: several clients give up on "no policy".

mod setting;

pub use setting::{NotASetting, setting};

use crate::eas::status::Common;
use crate::eas::version::Version;
use crate::mailbox::{Device, Wipe};
use crate::wbxml::tags::provision as tags;
use crate::wbxml::{Tag, Writer};

/// The settings that are in force, by element of [MS-ASPROV] 2.2.2.28; none: no policy.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Policy(Vec<(Tag, String)>);

/// The elements in the order of the document, which is that of the schema. The two lists of
/// applications have children and are not offered.
const ORDER: &[Tag] = &[
    tags::DEVICE_PASSWORD_ENABLED,
    tags::ALPHANUMERIC_DEVICE_PASSWORD_REQUIRED,
    tags::PASSWORD_RECOVERY_ENABLED,
    tags::REQUIRE_STORAGE_CARD_ENCRYPTION,
    tags::ATTACHMENTS_ENABLED,
    tags::MIN_DEVICE_PASSWORD_LENGTH,
    tags::MAX_INACTIVITY_TIME_DEVICE_LOCK,
    tags::MAX_DEVICE_PASSWORD_FAILED_ATTEMPTS,
    tags::MAX_ATTACHMENT_SIZE,
    tags::ALLOW_SIMPLE_DEVICE_PASSWORD,
    tags::DEVICE_PASSWORD_EXPIRATION,
    tags::DEVICE_PASSWORD_HISTORY,
    tags::ALLOW_STORAGE_CARD,
    tags::ALLOW_CAMERA,
    tags::REQUIRE_DEVICE_ENCRYPTION,
    tags::ALLOW_UNSIGNED_APPLICATIONS,
    tags::ALLOW_UNSIGNED_INSTALLATION_PACKAGES,
    tags::MIN_DEVICE_PASSWORD_COMPLEX_CHARACTERS,
    tags::ALLOW_WI_FI,
    tags::ALLOW_TEXT_MESSAGING,
    tags::ALLOW_POPIMAP_EMAIL,
    tags::ALLOW_BLUETOOTH,
    tags::ALLOW_IR_DA,
    tags::REQUIRE_MANUAL_SYNC_WHEN_ROAMING,
    tags::ALLOW_DESKTOP_SYNC,
    tags::MAX_CALENDAR_AGE_FILTER,
    tags::ALLOW_HTML_EMAIL,
    tags::MAX_EMAIL_AGE_FILTER,
    tags::MAX_EMAIL_BODY_TRUNCATION_SIZE,
    tags::MAX_EMAIL_HTML_BODY_TRUNCATION_SIZE,
    tags::REQUIRE_SIGNED_SMIME_MESSAGES,
    tags::REQUIRE_ENCRYPTED_SMIME_MESSAGES,
    tags::REQUIRE_SIGNED_SMIME_ALGORITHM,
    tags::REQUIRE_ENCRYPTION_SMIME_ALGORITHM,
    tags::ALLOW_SMIME_ENCRYPTION_ALGORITHM_NEGOTIATION,
    tags::ALLOW_SMIME_SOFT_CERTS,
    tags::ALLOW_BROWSER,
    tags::ALLOW_CONSUMER_EMAIL,
    tags::ALLOW_REMOTE_DESKTOP,
    tags::ALLOW_INTERNET_SHARING,
];

impl Policy {
    /// The appliance's settings, and those of an account over them. Names that are no element of
    /// a policy are passed over.
    #[must_use]
    pub fn of<'a>(appliance: &'a [(String, String)], account: &'a [(String, String)]) -> Self {
        if account.is_empty() && appliance.is_empty() {
            return Self::default();
        }
        let value = |tag: Tag| {
            let mut all = account.iter().chain(appliance);
            all.find(|(name, _)| name == tag.name())
                .map(|(_, value)| (tag, value.clone()))
        };
        Self(ORDER.iter().copied().filter_map(value).collect())
    }

    /// Nothing is demanded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether devices may leave a recovery password here. Not, unless it is said.
    #[must_use]
    pub fn has_password_recovery(&self) -> bool {
        let mut all = self.0.iter();
        let said = all.find(|(tag, _)| *tag == tags::PASSWORD_RECOVERY_ENABLED);
        said.is_some_and(|(_, value)| value == "1")
    }

    /// Names these settings (FNV-1a: it has to stay the same from release to release).
    #[must_use]
    pub fn hash(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut eat = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        for (tag, value) in &self.0 {
            tag.name().bytes().chain([b'=']).for_each(&mut eat);
            value.bytes().chain([b'\n']).for_each(&mut eat);
        }
        hash
    }

    /// Writes `EASProvisionDoc` (12.0+), with the settings that the version has.
    pub fn write_document(&self, w: &mut Writer, version: Version) {
        w.open(tags::EAS_PROVISION_DOC);
        for (tag, value) in self.0.iter().filter(|(tag, _)| version.has(*tag)) {
            w.text(*tag, value);
        }
        w.close();
    }

    /// The document for 2.5: `wap-provisioningdoc`, as text ([MS-ASPROV] 2.2.2.53).
    #[must_use]
    pub fn wap(&self) -> String {
        let value = |tag: Tag| {
            let found = self.0.iter().find(|(t, _)| *t == tag);
            found.map(|(_, value)| value.as_str())
        };
        let mut parms = String::new();
        let mut parm = |name: &str, value: &str| {
            parms.push_str(&format!(
                "<parm name=\"{name}\" value=\"{}\"/>",
                escape(value)
            ));
        };
        // 4131 is 0 when a password is demanded; the others count only then.
        let password = value(tags::DEVICE_PASSWORD_ENABLED) == Some("1");
        parm("4131", if password { "0" } else { "1" });
        if password {
            let numbers = [
                ("4133", tags::MAX_DEVICE_PASSWORD_FAILED_ATTEMPTS),
                ("4134", tags::MAX_INACTIVITY_TIME_DEVICE_LOCK),
                ("4135", tags::MIN_DEVICE_PASSWORD_LENGTH),
            ];
            for (name, tag) in numbers {
                if let Some(value) = value(tag) {
                    parm(name, value);
                }
            }
        }
        format!(
            "<wap-provisioningdoc><characteristic type=\"SecurityPolicy\">{parms}</characteristic></wap-provisioningdoc>"
        )
    }

    /// Whether a request with this key may go on.
    ///
    /// # Errors
    /// What the device has to be told.
    pub fn check(&self, device: &Device, presented: Option<u32>) -> Result<(), Common> {
        if matches!(device.wipe, Wipe::Device | Wipe::Account) {
            return Err(Common::RemoteWipeRequested);
        }
        if self.is_empty() {
            return Ok(());
        }
        match presented {
            None | Some(0) => Err(Common::DeviceNotProvisioned),
            Some(key) if key == device.policy_key && device.policy_hash == self.hash() => Ok(()),
            Some(_) => Err(Common::InvalidPolicyKey),
        }
    }
}

fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(settings: &[(&str, &str)]) -> Policy {
        let settings: Vec<_> = settings
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        Policy::of(&settings, &[])
    }

    #[test]
    fn no_policy_asks_for_nothing() {
        let none = policy(&[("Nonsense", "1")]);
        assert!(none.is_empty());
        for key in [None, Some(0), Some(7)] {
            assert_eq!(none.check(&Device::default(), key), Ok(()));
        }
    }

    #[test]
    fn keys_are_checked_against_the_policy_they_stand_for() {
        let policy_1 = policy(&[("DevicePasswordEnabled", "1")]);
        let policy_2 = policy(&[("DevicePasswordEnabled", "0")]);
        let device = Device {
            policy_key: 7,
            policy_hash: policy_1.hash(),
            ..Device::default()
        };
        assert_eq!(policy_1.check(&device, Some(7)), Ok(()));
        assert_eq!(
            policy_1.check(&device, None),
            Err(Common::DeviceNotProvisioned)
        );
        assert_eq!(
            policy_1.check(&device, Some(0)),
            Err(Common::DeviceNotProvisioned)
        );
        assert_eq!(
            policy_1.check(&device, Some(8)),
            Err(Common::InvalidPolicyKey)
        );
        assert_eq!(
            policy_2.check(&device, Some(7)),
            Err(Common::InvalidPolicyKey)
        );
        let wiped = Device {
            wipe: Wipe::Device,
            ..device
        };
        assert_eq!(
            policy_1.check(&wiped, Some(7)),
            Err(Common::RemoteWipeRequested)
        );
        assert_eq!(
            Policy::default().check(&wiped, None),
            Err(Common::RemoteWipeRequested)
        );
    }

    #[test]
    fn the_account_has_the_last_word() {
        let of = |n: &str, v: &str| vec![(n.to_owned(), v.to_owned())];
        let appliance = of("AllowCamera", "1");
        let account = of("AllowCamera", "0");
        let policy = Policy::of(&appliance, &account);
        assert_eq!(policy.0, [(tags::ALLOW_CAMERA, "0".to_owned())]);
    }

    #[test]
    fn the_old_form() {
        assert!(
            Policy::default()
                .wap()
                .contains("name=\"4131\" value=\"1\"")
        );
        let strict = policy(&[
            ("DevicePasswordEnabled", "1"),
            ("MinDevicePasswordLength", "4\""),
        ]);
        assert!(strict.wap().contains("name=\"4131\" value=\"0\""));
        assert!(strict.wap().contains("name=\"4135\" value=\"4&quot;\""));
    }
}
