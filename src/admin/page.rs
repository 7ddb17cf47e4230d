//! How the appliance is, as a page and as JSON.

use super::measure::{Counter, Distribution};
use super::order::{DeviceRow, HeartbeatRow, UserRow};
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
    pub counters: Vec<Counter>,
    /// What is measured of it.
    pub distributions: Vec<Distribution>,
    /// Paths that cut waiting connections.
    pub heartbeats: Vec<HeartbeatRow>,
    /// The longest time that each core did not return to its ring, microseconds.
    pub turn_us_max: Vec<u64>,
}

impl Status {
    fn count(&self, name: &str) -> u64 {
        let found = self.counters.iter().find(|c| c.name == name);
        found.map_or(0, |c| c.value)
    }
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

/// The page. It shows itself anew every five seconds.
#[must_use]
pub fn html(status: &Status) -> String {
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
        ("outgoing_queued", "mails on their way out"),
    ] {
        let _ = write!(out, "<div><b>{}</b>{what}</div>", status.count(name));
    }
    out.push_str("</div>");
    waiting(&mut out, status);
    wakes(&mut out, status);
    dropped(&mut out, status);
    heartbeats(&mut out, &status.heartbeats);
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
    if spoken.is_empty() {
        out.push_str("<p>No device has been here yet.");
        return;
    }
    let rows: Vec<(&str, u64)> = spoken.into_iter().map(|(v, n)| (v, n as u64)).collect();
    bars(out, "Devices by protocol version", &rows);
}

/// A heading, and a bar for each row.
fn bars(out: &mut String, heading: &str, rows: &[(&str, u64)]) {
    let most = rows.iter().map(|(_, n)| *n).max().unwrap_or(0).max(1);
    let _ = write!(out, "<h2>{heading}</h2>");
    for (name, n) in rows {
        let width = n * 100 / most;
        let _ = write!(
            out,
            "<div class=bar><span>{}</span><svg viewBox='0 0 100 6' preserveAspectRatio=none \
             role=img aria-label='{n}'><rect width={width} height=6 rx=1 /></svg><b>{n}</b></div>",
            escaped(name)
        );
    }
}

/// Who waits, by connection and by version.
fn waiting(out: &mut String, status: &Status) {
    let parked = status.count("parked");
    if parked == 0 {
        return;
    }
    let rows = [
        ("TLS 1.3", "parked_tls13"),
        ("TLS 1.2", "parked_tls12"),
        ("plain", "parked_plain"),
        ("2.5", "parked_v25"),
        ("12.0", "parked_v120"),
        ("12.1", "parked_v121"),
        ("14.0", "parked_v140"),
        ("14.1", "parked_v141"),
        ("16.0", "parked_v160"),
        ("16.1", "parked_v161"),
    ];
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(shown, name)| (shown, status.count(name)))
        .filter(|(_, n)| *n > 0)
        .collect();
    bars(out, "Phones waiting, by connection and by version", &rows);
    let each = status.count("parked_bytes") / parked;
    let _ = write!(out, "<p>{each} bytes each, beside the kernel's socket");
}

/// How soon phones were woken, as a picture.
fn wakes(out: &mut String, status: &Status) {
    let longest = status.turn_us_max.iter().max().copied().unwrap_or(0);
    let _ = write!(
        out,
        "<p>The longest time that a core did not return to its ring: {} ms",
        milliseconds(longest)
    );
    let Some(wakes) = status
        .distributions
        .iter()
        .find(|d| d.name == "wake_us" && d.count > 0)
    else {
        return;
    };
    let [half, _, nearly_all, _] = wakes.quantiles;
    let _ = write!(
        out,
        "<h2>From the durable change to the answer</h2><p>half of {} within {} ms, 99 of 100 within \
         {} ms<svg class=plot viewBox='0 0 {} 70' role=img aria-label='wake latency'>",
        wakes.count,
        milliseconds(half),
        milliseconds(nearly_all),
        wakes.bars.len() * 40
    );
    let most = wakes.bars.iter().map(|(_, n)| *n).max().unwrap_or(0).max(1);
    for (at, (bound_us, n)) in wakes.bars.iter().enumerate() {
        // A bar that stands for something is seen.
        let height = if *n == 0 { 0 } else { (n * 50 / most).max(1) };
        let _ = write!(
            out,
            "<rect x={} y={} width=34 height={height}><title>{n} up to {} ms</title></rect>\
             <text x={} y=66>{}</text>",
            at * 40 + 3,
            54 - height,
            milliseconds(*bound_us),
            at * 40 + 20,
            milliseconds(*bound_us),
        );
    }
    out.push_str("</svg><p class=note>milliseconds, each column up to its number");
}

/// Why waiting phones went without an answer.
fn dropped(out: &mut String, status: &Status) {
    let rows = [
        ("sent another request", "dropped_newer"),
        ("closed", "dropped_closed"),
        ("reset", "dropped_reset"),
        ("vanished", "dropped_vanished"),
        ("broke TLS", "dropped_tls"),
    ];
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(shown, name)| (shown, status.count(name)))
        .filter(|(_, n)| *n > 0)
        .collect();
    if !rows.is_empty() {
        bars(out, "Waiting phones that went without an answer", &rows);
    }
}

/// Where waiting connections are cut: the wait that held and the proposal within the time to the cut.
fn heartbeats(out: &mut String, paths: &[HeartbeatRow]) {
    if paths.is_empty() {
        return;
    }
    out.push_str("<h2>Networks and devices that cut waiting connections</h2>");
    for path in paths.iter().take(DEVICES_SHOWN) {
        let at = |s: u32| s * 100 / path.cut_s.max(1);
        let _ = write!(
            out,
            "<div class=bar><span>{}</span><svg viewBox='0 0 100 6' preserveAspectRatio=none \
             role=img aria-label='cut'><rect width=100 height=6 rx=1 opacity=.25 /><rect width={} \
             height=6 rx=1 /></svg><b>cut after {} s, propose {} s</b></div>",
            escaped(&path.path),
            at(path.proposal_s).min(100),
            path.cut_s,
            path.proposal_s
        );
    }
}

/// Microseconds as milliseconds, with as many digits as are worth reading.
fn milliseconds(us: u64) -> String {
    match us {
        0..10_000 => format!("{}.{:02}", us / 1_000, us % 1_000 / 10),
        _ => format!("{}", us / 1_000),
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
.bar span{min-width:5rem;text-align:right}.plot{display:block;width:100%;max-height:12rem}\
.plot text{font-size:9px;text-anchor:middle;fill:currentColor}.note{opacity:.7}.bar svg{flex:1;height:1rem}rect{fill:#3a7}\
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
            heartbeat_s: 480,
            held_s: 0,
            cut: None,
            held_back: None,
            broken: Vec::new(),
            recovery_password: None,
            version_max: None,
            quirks: Vec::new(),
        };
        Status {
            version: "1",
            now_ms: 180_000,
            up_s: 180,
            users: Vec::new(),
            devices: vec![device],
            counters: vec![
                counter("parked", 7),
                counter("parked_bytes", 3_500),
                counter("parked_tls13", 7),
                counter("dropped_closed", 3),
            ],
            distributions: vec![Distribution {
                name: "wake_us",
                help: "",
                count: 10,
                sum: 900,
                max: 140,
                quantiles: [90, 120, 130, 140],
                bars: vec![(64, 0), (128, 9), (256, 1)],
            }],
            heartbeats: vec![HeartbeatRow {
                path: "198.51.100.0/24".into(),
                cut_s: 300,
                proposal_s: 270,
                held_s: 240,
                seen: 4,
            }],
            turn_us_max: vec![12_345, 9],
        }
    }

    fn counter(name: &'static str, value: u64) -> Counter {
        Counter {
            name,
            help: "",
            is_gauge: true,
            value,
            cores: Vec::new(),
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
    fn who_waits_and_how_soon_they_are_woken_is_a_picture() {
        let page = html(&status("Phone"));
        assert!(
            page.contains("<span>TLS 1.3</span>") && !page.contains("TLS 1.2"),
            "{page}"
        );
        assert!(page.contains("500 bytes each"), "{page}");
        assert!(
            page.contains("half of 10 within 0.09 ms, 99 of 100 within 0.13 ms"),
            "{page}"
        );
        assert!(page.contains("<title>9 up to 0.12 ms</title>"), "{page}");
        assert!(page.contains("its ring: 12 ms"), "{page}");
        assert!(page.contains("<span>closed</span>"), "{page}");
        assert!(page.contains("cut after 300 s, propose 270 s"), "{page}");
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
}
