//! How a first Sync grows with the folder: CPU of the server at 1,000, 10,000 and 100,000 mails,
//! and the picture of it.

use crate::must;
use crate::push::appliance;
use crate::push::trial::{Kind, TLS13, Trial};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Sizes of the folder.
const SIZES: [u32; 5] = [1_000, 3_000, 10_000, 30_000, 100_000];

/// Measures, prints, and draws `bench/first-sync.svg`.
///
/// # Panics
/// If the server or the fleet fails.
#[expect(clippy::print_stdout, reason = "a command for the terminal")]
pub fn run() {
    let mut points = Vec::new();
    println!("{:>10} {:>12} {:>14}", "mails", "CPU [ms]", "us per mail");
    for mails in SIZES {
        let folder = must(tempfile::tempdir());
        appliance::make(folder.path(), 2, mails);
        let mut trial = Trial::start(Kind::Roost, folder.path(), 2, TLS13);
        // The first one finds cold caches.
        let mut least = u64::MAX;
        for _ in 0..3 {
            let begun = trial.cpu_us();
            let said = trial.fleet("first-sync 0");
            assert!(said.starts_with(&format!("synced {mails} ")), "{said}");
            least = least.min(trial.cpu_us() - begun);
        }
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let ms = least as f64 / 1_000.0;
        println!(
            "{mails:>10} {ms:>12.1} {:>14.2}",
            ms * 1_000.0 / f64::from(mails)
        );
        points.push((f64::from(mails), ms));
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("first-sync.svg");
    must(std::fs::write(&path, picture(&points)));
    println!("drawn in {}", path.display());
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const MARGIN: f64 = 60.0;

/// A plot with logarithmic axes: what grows linearly lies on the dashed line.
#[must_use]
pub fn picture(points: &[(f64, f64)]) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return String::new();
    };
    let most = last.1.max(first.1 * last.0 / first.0);
    let x = |n: f64| MARGIN + (n / first.0).ln() / (last.0 / first.0).ln() * (WIDTH - 2.0 * MARGIN);
    let low = first.1 / 2.0;
    let y =
        |ms: f64| HEIGHT - MARGIN - (ms / low).ln() / (most / low).ln() * (HEIGHT - 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
         <text x=\"{MARGIN}\" y=\"24\" font-size=\"15\">First Sync: server CPU by mails in the \
         folder (both axes logarithmic)</text>\n\
         <line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#999\" \
         stroke-dasharray=\"5 4\"/>\n",
        x(first.0),
        y(first.1),
        x(last.0),
        y(first.1 * last.0 / first.0),
    );
    let mut path = String::new();
    for (n, ms) in points {
        let _ = write!(path, "{:.1},{:.1} ", x(*n), y(*ms));
    }
    let _ = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#0a6\" stroke-width=\"2\"/>",
        path.trim_end()
    );
    for (n, ms) in points {
        let _ = writeln!(
            svg,
            "<circle cx=\"{0:.1}\" cy=\"{1:.1}\" r=\"4\" fill=\"#0a6\"/>\
             <text x=\"{0:.1}\" y=\"{2:.1}\" text-anchor=\"middle\">{ms:.0} ms</text>\
             <text x=\"{0:.1}\" y=\"{3:.1}\" text-anchor=\"middle\" fill=\"#555\">{n}</text>",
            x(*n),
            y(*ms),
            y(*ms) - 10.0,
            HEIGHT - MARGIN + 20.0,
        );
    }
    svg.push_str("<text x=\"60\" y=\"345\" fill=\"#555\">dashed: linear from the first point</text>\n</svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_linear_lies_on_the_line() {
        let svg = picture(&[(1_000.0, 10.0), (10_000.0, 100.0)]);
        let coordinates = |tag: &str, names: [&str; 2]| -> Vec<String> {
            let line = svg.lines().find(|l| l.contains(tag)).unwrap();
            let value = |name: &str| {
                let (_, rest) = line.split_once(&format!("{name}=\"")).unwrap();
                rest.split_once('"').unwrap().0.to_owned()
            };
            names.map(value).to_vec()
        };
        let end = coordinates("<line", ["x2", "y2"]).join(",");
        let points = coordinates("<polyline", ["points", "fill"]);
        assert!(points[0].ends_with(&end), "{points:?} {end}");
        assert_eq!(picture(&[]), "");
    }
}
