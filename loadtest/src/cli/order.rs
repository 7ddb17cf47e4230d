//! From what was typed to what is run.

use super::Failure;
use super::args::Flags;
use roost::clock::Clock;
use roost_load::load::agents::Task;
use roost_load::load::drive::Order;
use roost_load::load::inject::{Collection, Door, Place};
use roost_load::load::report::demand;
use roost_load::load::scenario::{Login, Scenario};
use roost_load::load::share::Share;
use roost_load::load::shipped;
use roost_load::load::watch::Watched;
use std::thread::available_parallelism;

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
pub(super) fn task(scenario: Scenario, flags: &Flags) -> Result<Task, Failure> {
    let is_shared = !flags.agents.is_empty() || flags.agents_local.is_some();
    let several = [flags.server.len(), flags.lmtp.len(), flags.smtp.len()];
    if !is_shared && several.iter().any(|n| *n > 1) {
        return Err(Failure::Usage(
            "several addresses of the server are dealt to agents: --agents or --agents-local"
                .to_owned(),
        ));
    }
    let roots = match &flags.roots {
        Some(file) => {
            let text = std::fs::read_to_string(file);
            Some(text.map_err(|e| Failure::File(file.clone(), e))?)
        }
        None => None,
    };
    let doors = match &flags.imap {
        Some(url) => {
            let (place, _) = Place::parse(url, &["imap", "imaps"]).map_err(Failure::Usage)?;
            vec![Door::Imap(place)]
        }
        None if flags.smtp.is_empty() => flags.lmtp.iter().copied().map(Door::Lmtp).collect(),
        None => flags.smtp.iter().copied().map(Door::Smtp).collect(),
    };
    let collection = |url: &Option<String>| {
        let parsed = url.as_deref().map(Collection::parse).transpose();
        parsed.map_err(Failure::Usage)
    };
    // Agents on one machine share its cores.
    let threads = match (flags.threads, flags.agents_local) {
        (0, Some(agents)) => {
            let cores = available_parallelism().map_or(1, usize::from);
            let agents = usize::try_from(agents).unwrap_or(1).max(1);
            (cores / agents).max(1)
        }
        (threads, _) => threads,
    };
    Ok(Task {
        scenario,
        servers: flags.server.clone(),
        doors,
        caldav: collection(&flags.caldav)?,
        carddav: collection(&flags.carddav)?,
        roots,
        insecure: flags.insecure,
        tls12: flags.tls12,
        sources: flags.source.clone().unwrap_or_default(),
        threads,
    })
}

/// The server's process, where it was named.
pub(super) fn watched(flags: &Flags) -> Result<Option<Watched>, Failure> {
    let watched = match (flags.pid.as_slice(), &flags.cgroup) {
        ([pid], _) => Watched::Process(*pid),
        ([], Some(folder)) => Watched::Group(folder.clone()),
        ([], None) => return Ok(None),
        (pids, _) => Watched::Processes(pids.to_vec()),
    };
    match watched.read() {
        Some(_) => Ok(Some(watched)),
        None => Err(Failure::Usage(
            "--pid, --cgroup: there is no such process or group".to_owned(),
        )),
    }
}

/// The same for one process: all of it.
pub(super) fn order(task: &Task, flags: &Flags) -> Result<Order, Failure> {
    let mut order = task.order(Share::WHOLE)?;
    order.watched = watched(flags)?;
    Ok(order)
}

/// Whether everything that a run of these addresses touches is on this machine.
pub(super) fn is_all_here(task: &Task) -> Result<bool, Failure> {
    let count = task.servers.len().max(task.doors.len());
    let count = u32::try_from(count).unwrap_or(1).max(1);
    for index in 0..count {
        let share = Share::new(index, count).map_err(|e| Failure::Usage(e.to_string()))?;
        if !is_here(&task.order(share)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether everything that a run touches is on this machine.
fn is_here(order: &Order) -> bool {
    let mut all = order.doors.addrs().chain([order.target.addr]);
    all.all(|addr| addr.ip().is_loopback())
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
    fn times_are_read() {
        for (text, s) in [("90", 90), ("90s", 90), ("10m", 600), ("72h", 259_200)] {
            assert_eq!(seconds(text).ok(), Some(s), "{text}");
        }
        for text in ["", "0", "x", "-1s", "99999999d"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
