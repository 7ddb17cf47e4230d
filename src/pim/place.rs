//! A place with its parts (address, coordinates), kept as one line of text: the name first, then the
//! others, each behind a unit separator. A line without separators is a name alone, as everybody but
//! clients of 16.0 and later writes one.

use std::borrow::Cow;

/// The parts, in the order in which they are kept: name, annotation, street, city, state, country,
/// postal code, latitude, longitude, accuracy, altitude, its accuracy, URI ([MS-ASAIRS] 2.2.2.27).
pub const PARTS: usize = 13;
/// ASCII's unit separator, which XML does not have.
const SEPARATOR: char = '\u{1F}';

/// The name of a place.
#[must_use]
pub fn name(place: &str) -> &str {
    place.split(SEPARATOR).next().unwrap_or_default()
}

/// The parts of a place; "" for each that is not known.
pub fn parts(place: &str) -> impl Iterator<Item = &str> {
    place
        .split(SEPARATOR)
        .chain(std::iter::repeat(""))
        .take(PARTS)
}

/// A place of these parts.
#[must_use]
pub fn of(parts: &[String; PARTS]) -> String {
    let parts: Vec<_> = parts.iter().map(|part| plain(part)).collect();
    let separator = SEPARATOR.to_string();
    parts.join(&separator).trim_end_matches(SEPARATOR).into()
}

/// A place that somebody names who knows nothing of parts: with the parts of `before` where the name
/// is still the same.
#[must_use]
pub fn named(before: &str, new: &str) -> String {
    let new = plain(new);
    match name(before) == new {
        true => before.to_owned(),
        false => new.into_owned(),
    }
}

fn plain(text: &str) -> Cow<'_, str> {
    match text.contains(SEPARATOR) {
        true => text.replace(SEPARATOR, " ").into(),
        false => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_names() {
        let mut all = [const { String::new() }; PARTS];
        all[0] = "Room".into();
        assert_eq!(of(&all), "Room");
        all[3] = "Ham\u{1F}burg".into();
        all[12] = "geo:1".into();
        let place = of(&all);
        all[3] = "Ham burg".into();
        assert_eq!(parts(&place).collect::<Vec<_>>(), all);
        assert_eq!(name(&place), "Room");
        assert_eq!(named(&place, "Room"), place);
        assert_eq!(named(&place, "Hall\u{1F}x"), "Hall x");
        assert_eq!(parts("Room").count(), PARTS);
        assert_eq!(named("", ""), "");
    }
}
