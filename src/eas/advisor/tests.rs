//! A simulated fleet: who is cut, and who only walks away.

use super::*;

const HEARTBEAT_S: u32 = 3_000;
const DAY_MS: i64 = 24 * 3_600_000;

/// A network with phones.
#[derive(Clone, Copy)]
struct Net {
    ip: [u8; 4],
    cut: Cut,
    /// Of a hundred waits so many are ended by the phone, at any age.
    walks: u64,
    /// Of a hundred waits so many end with a phone that is out of reach for a while.
    fades: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Cut {
    Never,
    /// The box tells both sides.
    Told(u32),
    /// The box forgets.
    Silent(u32),
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }

    fn short(&mut self, n: u32) -> u32 {
        u32::try_from(self.below(n.into())).unwrap()
    }
}

struct Fleet<'a> {
    advisor: &'a Advisor,
    dice: Dice,
    now_ms: UnixMs,
    port: u16,
}

impl<'a> Fleet<'a> {
    fn new(advisor: &'a Advisor, seed: u64) -> Self {
        Self {
            advisor,
            dice: Dice(seed * 7_919),
            now_ms: 1_767_225_600_000,
            port: 1_024,
        }
    }

    fn origin(&mut self, ip: [u8; 4]) -> Origin {
        self.port = self.port.wrapping_add(1).max(1_024);
        Origin {
            network: range(ip.into()),
            port: self.port,
        }
    }

    /// One wait of one of forty phones, from request to request. Their waits overlap: the clock moves
    /// by a share of it.
    fn wait(&mut self, net: &Net) {
        let device = (Scope(16 + self.dice.below(40)), 1);
        let origin = self.origin(net.ip);
        self.advisor.heard_from(origin, device, self.now_ms);
        let most_s = self.advisor.cap_s(origin, device, HEARTBEAT_S, self.now_ms);
        // Mail comes at any time.
        let age_s = self
            .dice
            .short(4_000)
            .min(most_s - self.dice.short(most_s / 16));
        self.now_ms += i64::from(age_s) * 1_000 / 40;
        let fate = self.dice.below(100);
        if fate < net.walks {
            let gone_s = self.dice.short(age_s.max(1));
            return self.end(origin, device, gone_s, End::Closed);
        }
        if fate < net.walks + net.fades {
            self.end(origin, device, age_s, End::Answered);
            return self.ask_later(net, device);
        }
        match net.cut {
            Cut::Told(cut_s) if age_s > cut_s => {
                let late_s = self.dice.short(5);
                self.end(origin, device, cut_s + late_s, End::Reset);
            }
            Cut::Silent(cut_s) if age_s > cut_s => {
                let probe_s = (cut_s / 900 + 1) * 900 + verdict_s();
                if probe_s < age_s {
                    self.end(origin, device, probe_s, End::Vanished);
                } else {
                    self.end(origin, device, age_s, End::Answered);
                    self.ask_later(net, device);
                }
            }
            _ => {
                self.end(origin, device, age_s, End::Answered);
                self.advisor.heard_from(origin, device, self.now_ms + 900);
            }
        }
    }

    fn end(&self, origin: Origin, device: (Scope, u32), waited_s: u32, end: End) {
        let advisor = self.advisor;
        advisor.observe(origin, device, waited_s, end, self.now_ms);
    }

    /// The answer reached nobody: minutes later the phone tries anew.
    fn ask_later(&mut self, net: &Net, device: (Scope, u32)) {
        let origin = self.origin(net.ip);
        self.advisor
            .heard_from(origin, device, self.now_ms + 180_000);
    }

    /// After how many waits the cut was found.
    fn found_after(&mut self, net: &Net, waits: usize) -> Option<usize> {
        (0..waits).find(|_| {
            self.wait(net);
            self.proposal_s(net).is_some()
        })
    }

    fn proposal_s(&mut self, net: &Net) -> Option<u32> {
        let anybody = (Scope(9), 9);
        let origin = self.origin(net.ip);
        self.advisor.proposal_s(origin, anybody, self.now_ms)
    }
}

fn net(last: u8, cut: Cut) -> Net {
    Net {
        ip: [198, 51, 100 + last, 7],
        cut,
        walks: 5,
        fades: 0,
    }
}

#[test]
fn cuts_are_found_and_people_are_not_mistaken_for_them() {
    for seed in 1..=40 {
        let advisor = Advisor::new(Advice::Tell, 60);
        let mut fleet = Fleet::new(&advisor, seed);
        let told = net(0, Cut::Told(300));
        let found = fleet.found_after(&told, 60);
        assert!(found.is_some_and(|n| n < 25), "seed {seed}: {found:?}");
        assert_eq!(fleet.proposal_s(&told), Some(270));
        let silent = net(1, Cut::Silent(1_800));
        let found = fleet.found_after(&silent, 200);
        assert!(found.is_some_and(|n| n < 60), "seed {seed}: {found:?}");
        // A third of the waits end at any age, some phones are out of reach at times.
        let people = Net {
            walks: 33,
            fades: 7,
            ..net(2, Cut::Never)
        };
        (0..20).for_each(|_| fleet.wait(&people));
        let found = fleet.found_after(&people, 2_000);
        assert_eq!(
            found,
            None,
            "seed {seed}: {:?}",
            advisor.findings(fleet.now_ms)
        );
    }
}

#[test]
fn capped_heartbeats_come_down_to_where_waits_hold() {
    for seed in 1..=40 {
        let advisor = Advisor::new(Advice::Cap, 60);
        let mut fleet = Fleet::new(&advisor, seed);
        let silent = net(0, Cut::Silent(300));
        (0..400).for_each(|_| fleet.wait(&silent));
        let proposal_s = fleet.proposal_s(&silent);
        assert!(
            proposal_s.is_some_and(|s| (200..=320).contains(&s)),
            "seed {seed}: {proposal_s:?}"
        );
        // The carrier has a better box now, and after a week longer waits are tried again.
        fleet.now_ms += 8 * DAY_MS;
        let better = net(0, Cut::Never);
        (0..400).for_each(|_| fleet.wait(&better));
        assert_eq!(fleet.proposal_s(&better), None, "seed {seed}");
    }
}

fn origin(ip: [u8; 4], port: u16) -> Origin {
    let peer = Peer {
        addr: (ip, port).into(),
        tls: true,
    };
    Origin::of(&peer)
}

#[test]
fn longer_heartbeats_are_capped_where_that_is_wanted() {
    let (here, device) = (origin([192, 0, 2, 1], 1), (Scope(16), 1));
    let cap = |advice| {
        let advisor = Advisor::new(advice, 60);
        (0..4).for_each(|_| advisor.observe(here, device, 480, End::Reset, 0));
        advisor.cap_s(here, device, 3_540, 0)
    };
    assert_eq!(cap(Advice::Cap), 430);
    assert_eq!(cap(Advice::Tell), 3_540);
    assert_eq!(cap(Advice::Off), 3_540);
}

#[test]
fn a_device_has_its_path_with_it() {
    let advisor = Advisor::new(Advice::Cap, 60);
    let device = (Scope(16), 1);
    for n in 0..4 {
        let there = origin([192, 0, n, 1], 1);
        advisor.observe(there, device, 120, End::Reset, 0);
    }
    let elsewhere = origin([203, 0, 113, 1], 1);
    assert_eq!(advisor.cap_s(elsewhere, device, 3_540, 0), 100);
    assert_eq!(advisor.cap_s(elsewhere, (Scope(16), 2), 3_540, 0), 3_540);
    assert_eq!(advisor.findings(0).len(), 1);
    let (_, cut) = advisor.device(Scope(16), 1, 0);
    assert_eq!(cut.map(|f| (f.cut_s, f.proposal_s)), Some((120, 100)));
    assert_eq!(advisor.device(Scope(17), 1, 0), (0, None));
}

#[test]
fn an_answer_has_arrived_when_the_phone_reacts() {
    let (here, moved) = (origin([192, 0, 2, 1], 1), origin([203, 0, 113, 1], 1));
    let again = origin([192, 0, 2, 99], 2);
    let device = (Scope(16), 1);
    for (next, after_ms, held_s, seen) in [
        (here, 600_000, 900, 0),
        (again, 5_000, 900, 0),
        (moved, 5_000, 900, 0),
        (again, 60_000, 0, 1),
        (moved, 60_000, 0, 0),
    ] {
        let advisor = Advisor::new(Advice::Tell, 60);
        advisor.observe(here, device, 900, End::Answered, 0);
        advisor.heard_from(next, device, after_ms);
        // It tells once.
        advisor.heard_from(again, device, after_ms * 2);
        let learnt = advisor.lock();
        let track = &learnt.devices.get(&device).unwrap().track;
        let got = (u32::from(track.longest_held_s()), track.seen());
        assert_eq!(got, (held_s, seen), "{next:?} after {after_ms} ms");
    }
}

#[test]
fn a_reset_that_a_probe_called_for_says_at_most() {
    let (here, device) = (origin([192, 0, 2, 1], 1), (Scope(16), 1));
    let advisor = Advisor::new(Advice::Tell, 60);
    // Phones that were switched off at any time come back at once with the same address.
    (0..4).for_each(|_| advisor.observe(here, device, 901, End::Reset, 0));
    assert_eq!(advisor.findings(0), []);
    let proxy = origin([127, 0, 0, 1], 1);
    (0..3).for_each(|_| advisor.observe(proxy, (Scope(17), 1), 60, End::Closed, 0));
    let paths: Vec<Path> = advisor.findings(0).iter().map(|f| f.path).collect();
    assert!(
        paths.contains(&Path::Network([127, 0, 0, 0].into())),
        "{paths:?}"
    );
}

#[test]
fn memory_is_bounded() {
    let advisor = Advisor::new(Advice::Tell, 60);
    for n in 0..u32::try_from(HEARTBEAT_DEVICES_MAX).unwrap() + 50_000 {
        let there = Origin {
            network: IpAddr::V4((n << 8).into()),
            port: 1,
        };
        advisor.observe(there, (Scope(n.into()), 1), 300, End::Reset, 0);
    }
    let learnt = advisor.lock();
    assert!(learnt.networks.len() <= HEARTBEAT_NETWORKS_MAX);
    assert!(learnt.devices.len() <= HEARTBEAT_DEVICES_MAX);
    assert!(size_of::<Device>() <= 104, "{}", size_of::<Device>());
}
