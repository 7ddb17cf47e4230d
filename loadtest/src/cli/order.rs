//! From what was typed to what is run.

use super::Failure;
use super::args::Flags;
use roost::clock::Clock;
use roost_load::load::drive::Order;
use roost_load::load::inject::Door;
use roost_load::load::report::demand;
use roost_load::load::scenario::{Login, Scenario};
use roost_load::load::shipped;
use roost_load::load::watch::Watched;
use roost_load::load::wire::{Roots, Sources, Target, Trust};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The scenario with what the flags say of it.
pub(super) fn adapted(mut scenario: Scenario, flags: &Flags) -> Result<Scenario, Failure> {
    let users = &mut scenario.users;
    if !flags.user.is_empty() {
        users.list = flags
            .user
            .iter()
            .map(|text| login(text))
            .collect::<Result<_, _>>()?;
    }
    if flags.users.is_some() || flags.name.is_some() {
        users.list.clear();
    }
    users.count = flags.users.unwrap_or(users.count);
    if let Some(name) = &flags.name {
        users.name.clone_from(name);
        users.address.clone_from(name);
    }
    if let Some(address) = &flags.address {
        users.address.clone_from(address);
    }
    if let Some(password) = &flags.password {
        users.password.clone_from(password);
    }
    let population = &mut scenario.population;
    population.devices = flags.devices.unwrap_or(population.devices);
    population.heartbeat_s = flags.heartbeat.unwrap_or(population.heartbeat_s);
    scenario.arrival.connections_per_s = flags
        .connect_rate
        .unwrap_or(scenario.arrival.connections_per_s);
    scenario.arrival.resume &= !flags.no_resume;
    scenario.mail.per_s = flags.mail_rate.unwrap_or(scenario.mail.per_s);
    if flags.no_mail {
        scenario.mail.per_s = 0.0;
        scenario.mail.to_all_at_s.clear();
    }
    scenario.seed = flags.seed.unwrap_or(scenario.seed);
    if scenario.seed == 0 {
        scenario.seed = u64::try_from(Clock::system().now_ms()).unwrap_or(1);
    }
    if let Some(text) = &flags.duration {
        scenario.duration_s = seconds(text)?;
    }
    for text in &flags.demand {
        let Some((measure, most)) = text.split_once('=') else {
            return Err(Failure::Usage(format!(
                "--demand {text:?}: a measure, = and the most that is allowed, such as \"push p99=250 ms\""
            )));
        };
        let (measure, most) = (measure.trim().to_owned(), most.trim().to_owned());
        scenario.demands.insert(measure, most);
    }
    shipped::check(&scenario)?;
    demand::check(&scenario.demands)?;
    Ok(scenario)
}

/// What is run.
pub(super) fn order(scenario: Scenario, flags: &Flags) -> Result<Order, Failure> {
    let (host, port, is_tls) = parts(&flags.server)?;
    let found = (host.as_str(), port).to_socket_addrs();
    let addr = found.ok().and_then(|mut all| all.next());
    let addr = addr.ok_or_else(|| Failure::Usage(format!("{}: no such host", flags.server)))?;
    let trust = Trust {
        roots: match &flags.roots {
            Some(file) => Roots::File(file.clone()),
            None if flags.insecure || addr.ip().is_loopback() => Roots::Anybody,
            None => Roots::System,
        },
        resume: scenario.arrival.resume,
        tls12: flags.tls12,
    };
    let sources = match &flags.source {
        Some(text) => Sources::parse(text).map_err(Failure::Usage)?,
        None => Sources::default(),
    };
    let tls = is_tls.then(|| trust.config()).transpose()?;
    let door = match flags.smtp {
        Some(smtp) => Door::Smtp(smtp),
        None => Door::Lmtp(flags.lmtp),
    };
    let watched = match (flags.pid, &flags.cgroup) {
        (Some(pid), _) => Some(Watched::Process(pid)),
        (None, Some(folder)) => Some(Watched::Group(folder.clone())),
        (None, None) => None,
    };
    if let Some(watched) = &watched
        && watched.read().is_none()
    {
        return Err(Failure::Usage(
            "--pid, --cgroup: there is no such process or group".to_owned(),
        ));
    }
    Ok(Order {
        scenario,
        target: Target {
            addr,
            host,
            tls,
            sources,
            threads: flags.threads,
        },
        server: flags.server.clone(),
        door: Some(door),
        watched,
        stop: Arc::new(AtomicBool::new(false)),
    })
}

/// Whether everything that a run touches is on this machine.
pub(super) fn is_here(order: &Order) -> bool {
    let door = match order.door {
        Some(Door::Lmtp(addr) | Door::Smtp(addr)) => Some(addr),
        None => None,
    };
    let here = |addr: &SocketAddr| addr.ip().is_loopback();
    here(&order.target.addr) && door.as_ref().is_none_or(here)
}

/// Host, port and whether it is TLS, of `https://mail.example.org:443`.
fn parts(url: &str) -> Result<(String, u16, bool), Failure> {
    let wrong = || {
        Failure::Usage(format!(
            "--server {url:?}: such as https://mail.example.org or http://127.0.0.1:8080"
        ))
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
    let (is_tls, usual) = match scheme {
        "https" => (true, 443),
        "http" => (false, 80),
        _ => return Err(wrong()),
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().map_err(|_| wrong())?),
        _ => (authority, usual),
    };
    let host = host.trim_matches(['[', ']']);
    if host.is_empty() {
        return Err(wrong());
    }
    Ok((host.to_owned(), port, is_tls))
}

fn login(text: &str) -> Result<Login, Failure> {
    match text.split_once(':') {
        Some((name, password)) if !name.is_empty() => Ok(Login {
            name: name.to_owned(),
            address: String::new(),
            password: password.to_owned(),
        }),
        _ => Err(Failure::Usage(format!("--user {text:?}: NAME:PASSWORD"))),
    }
}

/// Seconds of `90s`, `10m`, `72h` or a bare number of them.
fn seconds(text: &str) -> Result<u32, Failure> {
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
        Some(number) => (number, text.chars().last()),
        None => (text, None),
    };
    let times = match unit {
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        _ => 1,
    };
    let number: Option<u32> = number.parse().ok();
    number
        .and_then(|n| n.checked_mul(times))
        .filter(|n| *n > 0)
        .ok_or_else(|| Failure::Usage(format!("--duration {text:?}: such as 90s, 10m or 72h")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read() {
        let read = |url: &str| parts(url).ok();
        let of = |host: &str, port, tls| Some((host.to_owned(), port, tls));
        assert_eq!(
            read("https://mail.example.org"),
            of("mail.example.org", 443, true)
        );
        assert_eq!(
            read("http://127.0.0.1:8080/x"),
            of("127.0.0.1", 8080, false)
        );
        assert_eq!(read("https://[::1]:8443"), of("::1", 8443, true));
        for url in ["", "mail", "ftp://x", "https://", "https://x:y"] {
            assert_eq!(read(url), None, "{url}");
        }
    }

    #[test]
    fn times_are_read() {
        for (text, s) in [("90", 90), ("90s", 90), ("10m", 600), ("72h", 259_200)] {
            assert_eq!(seconds(text).ok(), Some(s), "{text}");
        }
        for text in ["", "0", "x", "-1s", "99999999d"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
