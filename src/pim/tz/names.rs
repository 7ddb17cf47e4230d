//! Which zone a name, or a set of rules, means.
//!
//! CLDR, from which the Windows names come, keeps the ids that a zone had first (`Asia/Calcutta`);
//! the time-zone database and everybody else use today's. A table of aliases stands between.

use super::tzi::Tzi;
use super::{PRESENT_YEAR, Zone};
use jiff::tz::TimeZone;
use std::sync::LazyLock;
use strum::IntoEnumIterator;
use windows_timezones::WindowsTimezone;

/// Today's id, and the one that CLDR keeps.
const ALIASES: &[(&str, &str)] = &[
    ("UTC", "Etc/UTC"),
    ("UTC", "Etc/GMT"),
    ("Africa/Asmara", "Africa/Asmera"),
    ("America/Argentina/Buenos_Aires", "America/Buenos_Aires"),
    ("America/Argentina/Catamarca", "America/Catamarca"),
    ("America/Argentina/Cordoba", "America/Cordoba"),
    ("America/Argentina/Jujuy", "America/Jujuy"),
    ("America/Argentina/Mendoza", "America/Mendoza"),
    ("America/Atikokan", "America/Coral_Harbour"),
    ("America/Indiana/Indianapolis", "America/Indianapolis"),
    ("America/Kentucky/Louisville", "America/Louisville"),
    ("America/Nuuk", "America/Godthab"),
    ("Asia/Ho_Chi_Minh", "Asia/Saigon"),
    ("Asia/Kathmandu", "Asia/Katmandu"),
    ("Asia/Kolkata", "Asia/Calcutta"),
    ("Asia/Yangon", "Asia/Rangoon"),
    ("Atlantic/Faroe", "Atlantic/Faeroe"),
    ("Europe/Kyiv", "Europe/Kiev"),
    ("Pacific/Chuuk", "Pacific/Truk"),
    ("Pacific/Kanton", "Pacific/Enderbury"),
    ("Pacific/Pohnpei", "Pacific/Ponape"),
];

/// Years whose rules a blob may have been made with: laws that changed for many people.
const LAW_YEARS: [i16; 5] = [PRESENT_YEAR, 2020, 2013, 2010, 2006];

/// Today's id of a zone of the time-zone database.
#[must_use]
pub fn canonical(id: &str) -> &str {
    ALIASES
        .iter()
        .find(|(_, old)| old.eq_ignore_ascii_case(id))
        .map_or(id, |(new, _)| new)
}

/// The Windows name of a zone of the time-zone database, as CLDR has it.
#[must_use]
pub fn windows_name(id: &str) -> Option<&'static str> {
    let of = |id: &str| {
        let tz: chrono_tz::Tz = id.parse().ok()?;
        WindowsTimezone::try_from(tz)
            .ok()
            .map(WindowsTimezone::name)
    };
    of(id).or_else(|| {
        ALIASES
            .iter()
            .filter(|(new, _)| new.eq_ignore_ascii_case(id))
            .find_map(|(_, old)| of(old))
    })
}

/// A zone by any name that calendars use for one: today's id, and the zone.
pub(super) fn find(name: &str) -> Option<(String, TimeZone)> {
    let name = name.trim().trim_matches('"');
    // The longest id has 32 characters, the longest Windows description 66.
    if name.is_empty() || name.len() > 128 {
        return None;
    }
    if name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("z") {
        return Some(("UTC".to_owned(), TimeZone::UTC));
    }
    get(name)
        .or_else(|| get(windows_id(name)?))
        .or_else(|| path_suffix(name))
        .or_else(|| get(&fixed_id(name)?))
}

fn get(id: &str) -> Option<(String, TimeZone)> {
    let id = canonical(id);
    let tz = TimeZone::get(id).ok()?;
    // The database takes any case; its own spelling is kept.
    let id = canonical(tz.iana_name().unwrap_or(id)).to_owned();
    Some((id, tz))
}

/// The zone behind a Windows name, its daylight name, or its description.
fn windows_id(name: &str) -> Option<&'static str> {
    let standard = name.replace("Daylight Time", "Standard Time");
    let place = |text: &str| Some(text.split_once(") ")?.1.trim().to_owned());
    let wanted = place(name).filter(|_| name.starts_with('('));
    standard
        .parse::<WindowsTimezone>()
        .ok()
        .or_else(|| WindowsTimezone::iter().find(|w| w.name().eq_ignore_ascii_case(&standard)))
        .or_else(|| {
            WindowsTimezone::iter().find(|w| wanted.is_some() && place(w.description()) == wanted)
        })
        .map(WindowsTimezone::tzdb_id)
}

/// `/example.org/20240101_1/Europe/Berlin`: a globally unique id (RFC 5545 3.8.3.1) that ends in
/// a known one.
fn path_suffix(name: &str) -> Option<(String, TimeZone)> {
    let path = name.strip_prefix('/')?;
    path.match_indices('/')
        .filter_map(|(i, _)| path.get(i + 1..))
        .find_map(get)
}

/// `GMT+0100`, `UTC-5`, `+02:00`: the id of the fixed offset, for whole hours.
fn fixed_id(name: &str) -> Option<String> {
    let upper = name.to_ascii_uppercase();
    let rest = upper
        .strip_prefix("GMT")
        .or_else(|| upper.strip_prefix("UTC"))
        .unwrap_or(&upper);
    let (sign, digits) = match rest.as_bytes().first()? {
        b'+' => ('-', rest.get(1..)?),
        b'-' => ('+', rest.get(1..)?),
        _ => return None,
    };
    let hours = match digits.len() {
        1 | 2 => digits,
        4 | 5 => digits.strip_suffix("00")?.trim_end_matches(':'),
        _ => return None,
    };
    let hours: u8 = hours.parse().ok()?;
    match hours {
        0 => Some("UTC".to_owned()),
        1..=14 => Some(format!("Etc/GMT{sign}{hours}")),
        _ => None,
    }
}

struct Candidate {
    id: String,
    /// Its rules in each of [`LAW_YEARS`].
    laws: Vec<Tzi>,
}

/// The zones that rules are looked up among, best known first: many zones share their rules, and
/// the first one wins.
static CANDIDATES: LazyLock<Vec<Candidate>> = LazyLock::new(|| {
    const FIRST: [&str; 18] = [
        "UTC",
        "Europe/Berlin",
        "Europe/London",
        "America/New_York",
        "America/Chicago",
        "America/Denver",
        "America/Los_Angeles",
        "America/Sao_Paulo",
        "Europe/Helsinki",
        "Europe/Moscow",
        "Europe/Istanbul",
        "Asia/Dubai",
        "Asia/Kolkata",
        "Asia/Bangkok",
        "Asia/Shanghai",
        "Asia/Tokyo",
        "Australia/Sydney",
        "Europe/Dublin",
    ];
    let windows = WindowsTimezone::iter().map(WindowsTimezone::tzdb_id);
    let mut found: Vec<Candidate> = Vec::with_capacity(180);
    for id in FIRST.into_iter().chain(windows) {
        let id = canonical(id);
        if found.iter().all(|c| c.id != id)
            && let Ok(tz) = TimeZone::get(id)
        {
            let laws = LAW_YEARS.iter().map(|y| Tzi::of_zone(&tz, *y)).collect();
            let id = id.to_owned();
            found.push(Candidate { id, laws });
        }
    }
    found
});

/// See [`super::zone_of_rules`].
pub(super) fn matching(tzi: &Tzi, prefer: &[&str]) -> Option<String> {
    let wanted = prefer.iter().filter_map(|name| find(name));
    for (id, tz) in wanted {
        if LAW_YEARS
            .iter()
            .any(|y| Tzi::of_zone(&tz, *y).same_rules(tzi))
        {
            return Some(id);
        }
    }
    // A name is believed where its zone has this offset: laws change more often than devices.
    if let Some((id, tz)) = find(&tzi.std_name)
        && Tzi::of_zone(&tz, PRESENT_YEAR).std_offset_s() == tzi.std_offset_s()
    {
        return Some(id);
    }
    (0..LAW_YEARS.len()).find_map(|law| {
        let same = |c: &&Candidate| c.laws.get(law).is_some_and(|l| l.same_rules(tzi));
        CANDIDATES.iter().find(same).map(|c| c.id.clone())
    })
}

impl Zone {
    /// The id of a zone of the time-zone database; "" for rules.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Named(tz) => tz.iana_name().unwrap_or("UTC"),
            Self::Rules(_) => "",
        }
    }
}
