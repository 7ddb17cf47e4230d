//! What is measured comes out as it went in.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::Read as _;

#[test]
fn meters_of_several_threads_are_merged_by_operation_and_phase() {
    let meters = Meters::new("arrive");
    let (one, two) = (meters.meter(), meters.meter());
    lock(&one).answered("Sync", 0, 1_000);
    lock(&two).answered("Sync", 0, 3_000);
    lock(&two).error("http 503");
    meters.tick();
    meters.begin("run");
    lock(&two).answered("Sync", meters.phase(), 500_000);
    lock(&one).moved(None, Some(State::Parked));
    meters.tick();
    let measured = meters.measured();
    let found = |phase: &str| {
        let of = |l: &&Latency| l.what == "Sync" && l.phase == phase;
        let latency = measured.latencies.iter().find(of).unwrap();
        (latency.count, latency.max_us)
    };
    assert_eq!(found("arrive").0, 2);
    assert_eq!(found("run").0, 1);
    assert_eq!(found("").0, 3);
    assert!(found("").1 >= 500_000);
    assert_eq!(measured.errors["http 503"], 1);
    let seconds = &measured.seconds;
    assert!(seconds[0].p99_us >= 3_000 && seconds[0].p99_us < 3_100);
    assert!(seconds[1].p50_us >= 500_000, "each second has its own");
    assert_eq!(seconds[1].devices["parked"], 1);
    assert_eq!(measured.phases.len(), 2);
}

#[test]
fn a_second_with_a_push_that_came_first_is_not_one_without_any() {
    let meters = Meters::new("run");
    let meter = meters.meter();
    meters.tick();
    lock(&meter).pushed(0, 0);
    meters.tick();
    let measured = meters.measured();
    let told = measured.seconds.iter().map(|s| s.push_p99_us);
    assert_eq!(told.collect::<Vec<_>>(), [0, 1]);
    assert_eq!(
        (measured.latencies[0].count, measured.latencies[0].max_us),
        (1, 0)
    );
}

#[test]
fn a_histogram_as_text_holds_every_count() {
    let mut found = histogram();
    let values = [1, 1, 5, 900, 2_047, 70_000, 3_600_000_000_u64];
    for value in values {
        found.record(value).unwrap();
    }
    found.record_n(12, 400).unwrap();
    let bytes = STANDARD.decode(encode(&found)).unwrap();
    assert_eq!(bytes[..4], [0x1c, 0x84, 0x93, 0x14]);
    let mut plain = Vec::new();
    flate2::read::ZlibDecoder::new(&bytes[8..])
        .read_to_end(&mut plain)
        .unwrap();
    assert_eq!(plain[..4], [0x1c, 0x84, 0x93, 0x13]);
    // Read back as the format says.
    let mut indices = Vec::new();
    let (mut at, mut index) = (40, 0_i64);
    while at < plain.len() {
        let (mut n, mut shift) = (0_u64, 0);
        loop {
            let byte = plain[at];
            at += 1;
            n |= u64::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let n = (n >> 1).cast_signed() ^ -((n & 1).cast_signed());
        if n < 0 {
            index -= n;
        } else {
            indices.push((index, n));
            index += 1;
        }
    }
    let total: i64 = indices.iter().map(|(_, n)| n).sum();
    assert_eq!(total, 407);
    assert!(indices.contains(&(1, 2)) && indices.contains(&(12, 400)));
    assert!(indices.contains(&(900, 1)) && indices.contains(&(2_047, 1)));
}
