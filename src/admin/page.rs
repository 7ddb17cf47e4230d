//! How the appliance is, as a page, as JSON and as metrics.

use super::order::{DeviceRow, UserRow};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Devices that the page lists; the rest is counted.
const DEVICES_SHOWN: usize = 100;

/// What there is to show.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Version of this build.
    pub version: &'static str,
    /// Now, Unix milliseconds.
    pub now_ms: i64,
    /// Seconds since the start.
    pub up_s: i64,
    /// Users by name.
    pub users: Vec<UserRow>,
    /// Devices, last seen first.
    pub devices: Vec<DeviceRow>,
    /// Counters of the network side.
    pub counters: Vec<(&'static str, u64)>,
}

/// Whether a `Host` header names this machine.
#[must_use]
pub fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    matches!(name, "localhost" | "127.0.0.1" | "::1")
}

/// Counters in the text form that Prometheus reads.
#[must_use]
pub fn metrics(counters: &[(&'static str, u64)]) -> String {
    let mut out = String::new();
    for (name, value) in counters {
        let _ = writeln!(out, "roost_{name} {value}");
    }
    out
}

/// The page. It shows itself anew every five seconds.
#[must_use]
pub fn html(status: &Status) -> String {
    let count = |name| {
        let found = status.counters.iter().find(|(n, _)| *n == name);
        found.map_or(0, |(_, v)| *v)
    };
    let mut out = String::with_capacity(8 * 1024);
    let _ = write!(
        out,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport \
         content='width=device-width'><meta http-equiv=refresh content=5><title>Roost</title>\
         <style>{STYLE}</style><h1>Roost {}</h1><p>up {}, {} users, {} devices</p><div class=cards>",
        status.version,
        duration(status.up_s),
        status.users.len(),
        status.devices.len(),
    );
    for (name, what) in [
        ("parked", "phones waiting"),
        ("open", "connections open"),
        ("requests", "requests answered"),
        ("woken", "phones woken"),
        ("messages", "mails taken in"),
    ] {
        let _ = write!(out, "<div><b>{}</b>{what}</div>", count(name));
    }
    out.push_str("</div>");
    versions(&mut out, &status.devices);
    devices(&mut out, status);
    out
}

/// A bar for every protocol version that is spoken.
fn versions(out: &mut String, devices: &[DeviceRow]) {
    let mut spoken: BTreeMap<&str, usize> = BTreeMap::new();
    for device in devices {
        *spoken.entry(&device.version).or_default() += 1;
    }
    let most = spoken.values().max().copied().unwrap_or(1);
    if spoken.is_empty() {
        out.push_str("<p>No device has been here yet.");
        return;
    }
    out.push_str("<h2>Devices by protocol version</h2>");
    for (version, n) in spoken {
        let width = n * 100 / most;
        let _ = write!(
            out,
            "<div class=bar><span>{}</span><svg viewBox='0 0 100 6' preserveAspectRatio=none \
             role=img aria-label='{n}'><rect width={width} height=6 rx=1 /></svg><b>{n}</b></div>",
            escaped(version)
        );
    }
}

fn devices(out: &mut String, status: &Status) {
    if status.devices.is_empty() {
        return;
    }
    out.push_str("<h2>Devices</h2><table><tr><th>User<th>Device<th>Type<th>Version<th>Last seen");
    for device in status.devices.iter().take(DEVICES_SHOWN) {
        let ago = (status.now_ms - device.last_seen_ms).max(0) / 1000;
        let _ = write!(
            out,
            "<tr><td>{}<td><code>{}</code><td>{}<td>{}<td>{} ago",
            escaped(&device.user),
            escaped(&device.id),
            escaped(&device.kind),
            escaped(&device.version),
            duration(ago)
        );
    }
    out.push_str("</table>");
    if let Some(rest) = status.devices.len().checked_sub(DEVICES_SHOWN)
        && rest > 0
    {
        let _ = write!(out, "<p>and {rest} more: <code>roost device list</code>");
    }
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;\
padding:0 1rem;color-scheme:light dark}h1{margin:0}.cards{display:flex;flex-wrap:wrap;gap:1rem}\
.cards div{border:1px solid #8886;border-radius:.5rem;padding:.7rem 1rem;min-width:8rem}\
.cards b{display:block;font-size:1.7rem}.bar{display:flex;gap:.8rem;align-items:center}\
.bar span{width:3rem;text-align:right}.bar svg{flex:1;height:1rem}rect{fill:#3a7}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;\
border-bottom:1px solid #8884}";

/// Seconds in the largest unit that fits.
fn duration(s: i64) -> String {
    match s {
        0..=119 => format!("{s} s"),
        120..=7_199 => format!("{} min", s / 60),
        7_200..=172_799 => format!("{} h", s / 3_600),
        _ => format!("{} days", s / 86_400),
    }
}

/// Text within HTML: what devices say of themselves is theirs, not ours.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(kind: &str) -> Status {
        let device = DeviceRow {
            user: "alice@example.org".into(),
            id: "D1".into(),
            kind: kind.into(),
            describes_itself: Vec::new(),
            version: "16.1".into(),
            first_seen_ms: 0,
            last_seen_ms: 0,
        };
        Status {
            version: "1",
            now_ms: 180_000,
            up_s: 180,
            users: Vec::new(),
            devices: vec![device],
            counters: vec![("parked", 7)],
        }
    }

    #[test]
    fn what_a_device_says_of_itself_is_text() {
        let page = html(&status("<script>x</script>"));
        assert!(
            page.contains("&lt;script&gt;") && !page.contains("<script>"),
            "{page}"
        );
        assert!(page.contains("<b>7</b>phones waiting"), "{page}");
        assert!(page.contains("3 min ago"), "{page}");
    }

    #[test]
    fn only_this_machine_is_local() {
        for host in [
            "localhost",
            "localhost:8480",
            "127.0.0.1:1",
            "[::1]:8480",
            "[::1]",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil:80",
            "[::2]",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }

    #[test]
    fn metrics_are_lines() {
        assert_eq!(
            metrics(&[("parked", 7), ("open", 9)]),
            "roost_parked 7\nroost_open 9\n"
        );
    }
}
