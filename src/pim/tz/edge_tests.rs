//! Every zone of the database, over the years that calendars are full of, at the edges of daylight
//! saving: what the structure says is what the zone does, and both ways of naming lead back.
//!
//! The expectation is computed from the database's offsets alone, second by second around each
//! change, and not from the code under test.

use super::*;

const YEARS: std::ops::RangeInclusive<i16> = 2000..=2037;
const HOUR_MS: i64 = 3_600_000;

fn all_zones() -> impl Iterator<Item = (String, TimeZone)> {
    let names: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
    assert!(names.len() > 400, "the database is not here");
    names.into_iter().map(|name| {
        let zone = TimeZone::get(&name).unwrap();
        (name, zone)
    })
}

/// Offset in seconds at an instant in milliseconds.
fn offset_s(zone: &TimeZone, ms: i64) -> i64 {
    i64::from(zone.to_offset(timestamp(ms)).seconds())
}

/// The instants at which the offset changes within a year of UTC, found by halving.
fn edges(zone: &TimeZone, year: i16) -> Vec<i64> {
    let begin = wall_of(jiff::civil::date(year, 1, 1).at(0, 0, 0, 0));
    let end = wall_of(jiff::civil::date(year + 1, 1, 1).at(0, 0, 0, 0));
    let mut found = Vec::new();
    let mut at = begin;
    while at < end {
        // Nobody changes there and back within a week.
        let next = (at + 7 * DAY_MS).min(end);
        let (mut low, mut high) = (at, next);
        if offset_s(zone, low) != offset_s(zone, high) {
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if offset_s(zone, middle) == offset_s(zone, low) {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            found.push(high);
        }
        at = next;
    }
    found
}

/// Instants of a year at which a mistake would show: around each change, and in each month.
fn probes(year: i16, edges: &[i64]) -> Vec<i64> {
    let around = [-2, -1, 0, 1, 2].map(|hours| hours * HOUR_MS);
    let mut probes: Vec<i64> = edges
        .iter()
        .flat_map(|edge| around.iter().flat_map(move |by| [edge + by - 1, edge + by]))
        .collect();
    probes.extend((1..=12).map(|m| wall_of(jiff::civil::date(year, m, 15).at(12, 0, 0, 0))));
    probes
}

/// The one year in which clocks went there and back and the structure cannot say it: they went back
/// at midnight of the 31st of December, which in wall time is a day of the next year.
const AT_THE_YEARS_END: &[(&str, i16)] = &[("Asia/Dhaka", 2009), ("Asia/Dacca", 2009)];

#[test]
fn the_structure_says_what_the_zone_does() {
    let (mut said, mut changed_law, mut wrong) = (0, 0, Vec::new());
    for (name, zone) in all_zones() {
        let named = Zone::Named(zone.clone());
        for year in YEARS {
            let edges = edges(&zone, year);
            let begin = edges.first().map(|e| offset_s(&zone, e - 1));
            let end = edges.last().map(|e| offset_s(&zone, *e));
            let tzi = tzi_of(&name, year).unwrap();
            let rules = Zone::Rules(Tzi::parse(&tzi.to_blob()).unwrap());
            if begin != end || !matches!(edges.len(), 0 | 2) {
                changed_law += 1;
                let last = edges.last().unwrap() + 3 * HOUR_MS;
                assert_eq!(named.to_local(last), rules.to_local(last), "{name} {year}");
                continue;
            }
            let differs = |ms: &i64| {
                let wall = named.to_local(*ms);
                wall != rules.to_local(*ms) || named.to_utc(wall) != rules.to_utc(wall)
            };
            match probes(year, &edges).into_iter().find(differs) {
                None => said += 1,
                Some(_) if AT_THE_YEARS_END.contains(&(name.as_str(), year)) => {}
                Some(ms) => wrong.push((name.clone(), year, ms)),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    // Years with another number of changes are rare, and no reason to skip much.
    assert!(said > 50 * changed_law, "{said} said, {changed_law} not");
}

#[test]
fn the_structure_leads_back_to_a_zone_with_the_same_clocks() {
    for (name, zone) in all_zones() {
        for year in [PRESENT_YEAR, PRESENT_YEAR + 1] {
            let blob = blob_of(&name, year).unwrap();
            let found = zone_of(&blob, &[]).unwrap_or_else(|| panic!("{name} leads nowhere"));
            let found = Zone::named(&found).unwrap();
            let own = zone_of(&blob, &[&name]).unwrap();
            let own = Zone::named(&own).unwrap();
            let named = Zone::Named(zone.clone());
            let edges = edges(&zone, year);
            if !matches!(edges.len(), 0 | 2) {
                continue;
            }
            for ms in probes(year, &edges) {
                assert_eq!(named.to_local(ms), own.to_local(ms), "{name} {year} {ms}");
                assert_eq!(named.to_local(ms), found.to_local(ms), "{name} {year} {ms}");
            }
        }
    }
}

#[test]
fn names_of_windows_lead_to_a_zone_and_back() {
    let mut seen = std::collections::BTreeSet::new();
    for (name, _) in all_zones() {
        if let Some(windows) = windows_name(&name) {
            seen.insert(windows);
        }
    }
    assert!(seen.len() > 100, "{} names of Windows", seen.len());
    for windows in seen {
        let (id, _) = names::find(windows).unwrap_or_else(|| panic!("{windows} leads nowhere"));
        assert_eq!(windows_name(&id), Some(windows), "{id}");
    }
}
