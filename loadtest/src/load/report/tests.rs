//! What a report has to show, tried on the sample run.

use super::{compare, demand, hdr, html, json, sample, terminal};
use std::collections::BTreeMap;

#[test]
#[ignore = "writes the reports for people to look at"]
fn the_sample_is_written_for_the_eye() {
    let folder = std::env::temp_dir();
    let (one, two) = (sample::run(1.0), sample::run(3.2));
    std::fs::write(folder.join("roost-load-sample.html"), html::write(&one)).unwrap();
    std::fs::write(
        folder.join("roost-load-sample.hlog"),
        hdr::log(&one).unwrap(),
    )
    .unwrap();
    let mut peer = two.clone();
    peer.server_software = "Apache/2.4 SOGo/5.8".to_owned();
    peer.process = None;
    let runs = [(String::new(), one.clone()), (String::new(), peer)];
    std::fs::write(
        folder.join("roost-load-compare.html"),
        compare::html(&runs).unwrap(),
    )
    .unwrap();
    println!("{}", terminal::summary(&one, true));
    println!("{}", compare::terminal(&runs, true).unwrap());
    println!("{}", terminal::progress(&one.seconds[152], 300.0, true));
}
