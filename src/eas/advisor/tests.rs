//! A simulated fleet: who is cut, and who only walks away.

use super::*;

const HEARTBEAT_S: u32 = 3_000;

/// A network with phones.
struct Net {
    ip: IpAddr,
    /// Where it cuts.
    cut_s: Option<u32>,
    /// It does so without a word.
    silent: bool,
    /// Of a hundred waits so many are ended by the phone, at any age.
    walks: u64,
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

/// Lets phones wait in a network; returns after how many waits the cut was found.
fn live(advisor: &Advisor, net: &Net, dice: &mut Dice, waits: usize) -> Option<usize> {
    let mut found = None;
    for n in 0..waits {
        let device = (Scope(16 + dice.below(40)), 1);
        let hour_ms = i64::try_from(n / 20).unwrap() * 3_600_000;
        // Mail comes at any time.
        let mail_s = dice.short(4_000);
        let (waited_s, end) = if dice.below(100) < net.walks {
            (dice.short(HEARTBEAT_S), End::Closed)
        } else {
            let waits_s = mail_s.min(HEARTBEAT_S);
            match net.cut_s {
                Some(cut_s) if waits_s >= cut_s && net.silent => {
                    // Keepalive needs its probes to find out.
                    (cut_s + 240 + dice.short(60), End::Vanished)
                }
                Some(cut_s) if waits_s >= cut_s => (cut_s + dice.short(5), End::Reset),
                _ => (waits_s, End::Answered),
            }
        };
        advisor.observe(net.ip, device, waited_s, end, hour_ms);
        if found.is_none() && advisor.proposal_s(net.ip, (Scope(9), 9), hour_ms).is_some() {
            found = Some(n);
        }
    }
    found
}

#[test]
fn translators_and_firewalls_are_found_and_people_are_not_mistaken_for_them() {
    for seed in 1..=30 {
        let (advisor, mut dice) = (Advisor::new(Advice::Cap, 60), Dice(seed * 7_919));
        let net = |last: u8, cut_s, silent, walks| Net {
            ip: [198, 51, 100 + last, 7].into(),
            cut_s,
            silent,
            walks,
        };
        let nat = net(0, Some(300), false, 10);
        let found = live(&advisor, &nat, &mut dice, 60);
        assert!(found.is_some_and(|n| n < 30), "seed {seed}: {found:?}");
        let last_ms = 3 * 3_600_000;
        assert_eq!(
            advisor.proposal_s(nat.ip, (Scope(9), 9), last_ms),
            Some(270)
        );
        let firewall = net(1, Some(1_800), true, 5);
        let found = live(&advisor, &firewall, &mut dice, 60);
        assert!(found.is_some_and(|n| n < 40), "seed {seed}: {found:?}");
        // Mobile people: a third of the waits end at any age.
        let walkers = net(2, None, false, 33);
        assert_eq!(
            live(&advisor, &walkers, &mut dice, 400),
            None,
            "seed {seed}"
        );
        let findings = advisor.findings(last_ms);
        let networks = findings
            .iter()
            .filter(|f| matches!(f.path, Path::Network(_)));
        assert_eq!(networks.count(), 2, "seed {seed}: {findings:?}");
    }
}

#[test]
fn longer_heartbeats_are_capped_where_that_is_wanted() {
    let (ip, device): (IpAddr, _) = ([192, 0, 2, 1].into(), (Scope(16), 1));
    let cap = |advice| {
        let advisor = Advisor::new(advice, 60);
        for _ in 0..4 {
            advisor.observe(ip, device, 480, End::Reset, 0);
        }
        advisor.cap_s(ip, device, 3_540, 0)
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
        advisor.observe([192, 0, n, 1].into(), device, 120, End::Reset, 0);
    }
    let elsewhere = [203, 0, 113, 1].into();
    assert_eq!(advisor.cap_s(elsewhere, device, 3_540, 0), 100);
    assert_eq!(advisor.cap_s(elsewhere, (Scope(16), 2), 3_540, 0), 3_540);
    assert_eq!(advisor.findings(0).len(), 1);
}

#[test]
fn memory_is_bounded() {
    let advisor = Advisor::new(Advice::Tell, 60);
    for n in 0..u32::try_from(HEARTBEAT_NETWORKS_MAX).unwrap() * 3 {
        let ip = IpAddr::V4((n << 8).into());
        advisor.observe(ip, (Scope(n.into()), 1), 300, End::Reset, 0);
    }
    let learnt = advisor.lock();
    assert!(learnt.networks.len() <= HEARTBEAT_NETWORKS_MAX);
    assert!(learnt.devices.len() <= HEARTBEAT_DEVICES_MAX);
}
