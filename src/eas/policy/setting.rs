//! What an operator may demand: the name of a setting and its value, checked against the schema of
//! the document ([MS-ASPROV] 2.2.2), so that no device is sent what it cannot read.

use super::ORDER;
use crate::wbxml::Tag;
use crate::wbxml::tags::provision as tags;
use std::ops::RangeInclusive;

/// Why something is no setting of a policy. The texts say what would be one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotASetting {
    /// No such name.
    #[error("there is no setting {name}; did you mean {nearest}?")]
    Name {
        /// As it was written.
        name: String,
        /// The known one that is most like it.
        nearest: &'static str,
    },
    /// Not one of its values.
    #[error("{name} = {value}: it is from {from} to {to}")]
    Value {
        /// The setting.
        name: &'static str,
        /// As it was written.
        value: i64,
        /// The least value.
        from: i64,
        /// The greatest.
        to: i64,
    },
}

/// A setting, as [`super::Policy::of`] takes it. The name in any case; true is 1, false 0.
///
/// # Errors
/// [`NotASetting`].
pub fn setting(name: &str, value: i64) -> Result<(String, String), NotASetting> {
    let mut all = ORDER.iter().copied();
    let Some(tag) = all.find(|tag| tag.name().eq_ignore_ascii_case(name)) else {
        let name = name.to_owned();
        let nearest = nearest(&name);
        return Err(NotASetting::Name { name, nearest });
    };
    let values = values(tag);
    if values.contains(&value) {
        return Ok((tag.name().to_owned(), value.to_string()));
    }
    Err(NotASetting::Value {
        name: tag.name(),
        value,
        from: *values.start(),
        to: *values.end(),
    })
}

/// The values that a setting may have; most are yes or no.
fn values(tag: Tag) -> RangeInclusive<i64> {
    const UNSIGNED: RangeInclusive<i64> = 0..=u32::MAX as i64;
    match tag {
        tags::MIN_DEVICE_PASSWORD_LENGTH => 1..=16,
        tags::MAX_INACTIVITY_TIME_DEVICE_LOCK => 0..=9_999,
        tags::MAX_DEVICE_PASSWORD_FAILED_ATTEMPTS => 4..=16,
        tags::DEVICE_PASSWORD_EXPIRATION => 0..=730,
        tags::DEVICE_PASSWORD_HISTORY | tags::MAX_ATTACHMENT_SIZE => UNSIGNED,
        tags::MIN_DEVICE_PASSWORD_COMPLEX_CHARACTERS => 1..=4,
        tags::ALLOW_BLUETOOTH | tags::ALLOW_SMIME_ENCRYPTION_ALGORITHM_NEGOTIATION => 0..=2,
        tags::MAX_CALENDAR_AGE_FILTER => 0..=7,
        tags::MAX_EMAIL_AGE_FILTER => 0..=5,
        tags::MAX_EMAIL_BODY_TRUNCATION_SIZE | tags::MAX_EMAIL_HTML_BODY_TRUNCATION_SIZE => {
            -1..=i64::from(i32::MAX)
        }
        tags::REQUIRE_ENCRYPTION_SMIME_ALGORITHM => 0..=4,
        _ => 0..=1,
    }
}

fn nearest(name: &str) -> &'static str {
    let score = |tag: &&Tag| (strsim::jaro_winkler(name, tag.name()) * 1_000_000.0).round();
    let best = ORDER.iter().max_by(|a, b| score(a).total_cmp(&score(b)));
    best.map_or("", |tag| tag.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_has_a_name_and_one_of_its_values() {
        let good = |name: &str, value: i64| {
            let (name, value) = setting(name, value).unwrap();
            format!("{name}={value}")
        };
        assert_eq!(good("devicepasswordenabled", 1), "DevicePasswordEnabled=1");
        assert_eq!(
            good("MinDevicePasswordLength", 6),
            "MinDevicePasswordLength=6"
        );
        assert_eq!(
            good("MaxEmailBodyTruncationSize", -1),
            "MaxEmailBodyTruncationSize=-1"
        );
        let wrong = |name: &str, value: i64| setting(name, value).unwrap_err().to_string();
        assert_eq!(
            wrong("MinPasswordLength", 6),
            "there is no setting MinPasswordLength; did you mean MinDevicePasswordLength?"
        );
        assert_eq!(
            wrong("MinDevicePasswordLength", 17),
            "MinDevicePasswordLength = 17: it is from 1 to 16"
        );
        assert_eq!(
            wrong("AllowCamera", 2),
            "AllowCamera = 2: it is from 0 to 1"
        );
    }
}
