//! The known keys, taken from the default configuration, and the nearest one to a misspelt key.

use super::Config;
use toml::{Table, Value};

/// Every setting as `section.name`.
pub(super) fn known() -> Vec<String> {
    let Ok(table) = Table::try_from(Config::default()) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for (section, value) in &table {
        if let Value::Table(settings) = value {
            all.extend(settings.keys().map(|name| format!("{section}.{name}")));
        }
    }
    all
}

/// The first key that is not known, and what to say about it.
pub(super) fn unknown(table: &Table) -> Option<(String, String)> {
    let known = known();
    for (section, value) in table {
        let Value::Table(settings) = value else {
            return Some((section.clone(), nearest(section, &known)));
        };
        let prefix = format!("{section}.");
        if !known.iter().any(|k| k.starts_with(&prefix)) {
            return Some((format!("[{section}]"), nearest_section(section, &known)));
        }
        for name in settings.keys() {
            let key = format!("{section}.{name}");
            if !known.contains(&key) {
                let hint = nearest(&key, &known);
                return Some((key, hint));
            }
        }
    }
    None
}

fn nearest(key: &str, known: &[String]) -> String {
    // A key without its section is as near as the same key within one.
    let score = |k: &String| {
        let bare = k.split_once('.').map_or("", |(_, name)| name);
        let s = strsim::jaro_winkler(key, k).max(strsim::jaro_winkler(key, bare));
        (s * 1_000_000.0).round().clamp(0.0, 1_000_000.0)
    };
    known
        .iter()
        .max_by(|a, b| score(a).total_cmp(&score(b)))
        .map_or_else(String::new, |k| format!("did you mean `{k}`?"))
}

fn nearest_section(section: &str, known: &[String]) -> String {
    known
        .iter()
        .filter_map(|k| k.split_once('.').map(|(s, _)| s))
        .max_by(|a, b| {
            strsim::jaro_winkler(section, a).total_cmp(&strsim::jaro_winkler(section, b))
        })
        .map_or_else(String::new, |s| format!("did you mean `[{s}]`?"))
}
