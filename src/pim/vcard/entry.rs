//! One property of a card: its words, its text, its date.

use super::super::tz::wall_of;
use calcard::common::PartialDateTime;
use calcard::vcard::{
    VCard, VCardEntry, VCardParameterName as Param, VCardParameterValue, VCardValue as Value,
};
use jiff::civil::Date;
use std::collections::HashMap;

/// The year that stands for "none", as Apple has it.
pub(super) const NO_YEAR: i16 = 1604;

/// A property, and the words that say what it is for.
pub(super) struct Property<'a> {
    pub(super) entry: &'a VCardEntry,
    /// `TYPE`, and the label of its group, in capitals.
    pub(super) types: Vec<String>,
}

/// What the groups of a card are called, by their names in capitals: `item1.X-ABLabel:_$!<Spouse>!$_`
/// says what `item1.X-ABRELATEDNAMES` is. Of several labels the first counts.
pub(super) struct Labels(HashMap<String, String>);

impl Labels {
    /// All of a card, so that none is looked for once more for each property.
    pub(super) fn of(card: &VCard) -> Self {
        let mut labels = HashMap::new();
        for entry in &card.entries {
            if let Some(group) = &entry.group
                && entry.name.as_str().eq_ignore_ascii_case("X-ABLABEL")
            {
                let text = entry.values.first().map(text_of).unwrap_or_default();
                let bare = text.trim_start_matches("_$!<").trim_end_matches(">!$_");
                let label = bare.trim().to_ascii_uppercase();
                labels.entry(group.to_ascii_uppercase()).or_insert(label);
            }
        }
        Self(labels)
    }

    fn get(&self, entry: &VCardEntry) -> Option<&String> {
        self.0.get(&entry.group.as_ref()?.to_ascii_uppercase())
    }
}

impl<'a> Property<'a> {
    pub(super) fn of(entry: &'a VCardEntry, labels: &Labels) -> Self {
        let mut types: Vec<String> = Vec::new();
        for param in &entry.params {
            match (&param.name, param.value.as_text()) {
                (Param::Type, Some(word)) => {
                    types.extend(word.split(',').map(|w| w.trim().to_ascii_uppercase()));
                }
                // "TEL;CAR:" of version 2.1.
                (Param::Other(word), None) => types.push(word.to_ascii_uppercase()),
                (Param::Pref, _) => types.push("PREF".to_owned()),
                _ => {}
            }
        }
        types.extend(labels.get(entry).cloned());
        Self { entry, types }
    }

    /// Whether one of the words is among these.
    pub(super) fn is(&self, words: &[&str]) -> bool {
        self.types.iter().any(|t| words.contains(&t.as_str()))
    }

    /// The name of the property, in capitals.
    pub(super) fn name(&self) -> String {
        self.entry.name.as_str().to_ascii_uppercase()
    }

    /// The whole text; values that were split at commas are one again.
    pub(super) fn text(&self) -> String {
        let texts: Vec<String> = self.parts();
        texts.join(",").trim().to_owned()
    }

    /// The values, each as text.
    pub(super) fn parts(&self) -> Vec<String> {
        self.entry.values.iter().map(text_of).collect()
    }

    /// The part at an index of a structured value (`N`, `ADR`, `ORG`); "" if there is none.
    pub(super) fn part(&self, i: usize) -> String {
        let value = self.entry.values.get(i);
        value.map(text_of).unwrap_or_default().trim().to_owned()
    }

    /// As [`Self::part`], with several names in it set apart by blanks (`N`).
    pub(super) fn names(&self, i: usize) -> String {
        match self.entry.values.get(i) {
            Some(Value::Component(names)) => names.join(" "),
            _ => self.part(i),
        }
    }

    /// The bytes of a picture.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        match self.entry.values.first()? {
            Value::Binary(data) if !data.data.is_empty() => Some(data.data.clone()),
            _ => None,
        }
    }

    /// The date as Unix milliseconds of its midnight in UTC.
    pub(super) fn date_ms(&self) -> Option<i64> {
        let date = match self.entry.values.first()? {
            Value::PartialDateTime(at) => date_of(at)?,
            Value::Text(text) => loose_date(text)?,
            _ => return None,
        };
        Some(wall_of(date.at(0, 0, 0, 0)))
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Integer(n) => n.to_string(),
        Value::Float(n) => n.to_string(),
        Value::Binary(data) => String::from_utf8_lossy(&data.data).into_owned(),
        other => other.clone().into_text().unwrap_or_default().into_owned(),
    }
}

fn date_of(at: &PartialDateTime) -> Option<Date> {
    let byte = |n: Option<u8>| i8::try_from(n?).ok();
    let year = at
        .year
        .and_then(|y| i16::try_from(y).ok())
        .unwrap_or(NO_YEAR);
    Date::new(year, byte(at.month)?, byte(at.day)?).ok()
}

/// `1980-02-29`, `19800229`, each with a time behind it.
fn loose_date(text: &str) -> Option<Date> {
    let digits: String = text.chars().filter(char::is_ascii_digit).take(8).collect();
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
    let byte = |from: usize| i8::try_from(part(from, from + 2)?).ok();
    Date::new(part(0, 4)?, byte(4)?, byte(6)?).ok()
}

/// How much it is preferred to its like: 1 is most, 101 not at all (RFC 6350 5.3).
pub(super) fn preferred(property: &Property<'_>) -> u32 {
    let pref = property
        .entry
        .params
        .iter()
        .find_map(|p| match (&p.name, &p.value) {
            (Param::Pref, VCardParameterValue::Integer(n)) => Some(*n),
            _ => None,
        });
    pref.unwrap_or_else(|| if property.is(&["PREF"]) { 1 } else { 101 })
}
