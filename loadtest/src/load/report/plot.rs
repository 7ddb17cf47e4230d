//! Plots as SVG within a page: lines or a stack of areas over time or over percentiles.
//!
//! Colours are classes that the page's style knows, so that one drawing is right on light, dark and
//! paper. Every plot has a title, axes with units, a legend, and in words what it shows.

use super::figures::{self, is_early};
use super::series::{Point, peak};
use super::units::Unit;
use maud::{Markup, html};
use std::f64::consts::LOG10_2;
use std::fmt::Write;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 270.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 42.0;
const BOTTOM: f64 = 42.0;

/// What is left at the foot of a plot for what was early, and where in it that is drawn.
const EARLY_ROOM: f64 = 34.0;
const EARLY_UP: f64 = 10.0;

/// The width of a letter in the names of bands.
const LETTER: f64 = 6.2;

/// From this ratio of the highest to the lowest value on, an axis is logarithmic where it may be.
const WIDE: f64 = 40.0;

/// A line, or a layer of a stack.
pub(super) struct Line {
    /// What the legend calls it.
    pub(super) name: String,
    /// Its class in the page's style.
    pub(super) class: &'static str,
    /// Drawn dashed.
    pub(super) dashed: bool,
    /// Its points, by rising x.
    pub(super) points: Vec<Point>,
    /// Few: each is drawn as a dot, and they are joined over gaps that are no longer than this. 0: a gap
    /// is a gap.
    pub(super) joined: f64,
}

/// The axis along the bottom.
#[derive(Clone, Copy)]
pub(super) enum Along {
    /// Seconds from the start, to this one.
    Time(f64),
    /// Percentiles as `-log10(1 - quantile)`, to this one.
    Nines(f64),
}

/// A plot.
pub(super) struct Plot {
    /// Its title.
    pub(super) title: String,
    /// One sentence on what is drawn.
    pub(super) about: String,
    /// The axis along the bottom.
    pub(super) along: Along,
    /// What the axis up the side counts.
    pub(super) up: Unit,
    /// What that is called.
    pub(super) up_name: &'static str,
    /// The side may be logarithmic.
    pub(super) wide: bool,
    /// The lines are layers, one upon the other.
    pub(super) stacked: bool,
    /// The lines.
    pub(super) lines: Vec<Line>,
    /// Parts of the time that have a name.
    pub(super) bands: Vec<(String, f64, f64)>,
    /// The highest point of this line is marked.
    pub(super) marked: Option<usize>,
    /// A remark below.
    pub(super) note: Option<String>,
}

/// The scale up the side.
struct Scale {
    marks: Vec<(f64, String)>,
    low: f64,
    high: f64,
    log: bool,
    /// Some values are early, and have a line of their own at the foot.
    early: bool,
}

impl Plot {
    /// The plot as a figure of a page.
    pub(super) fn draw(&self) -> Markup {
        let scale = self.scale();
        let height = HEIGHT.to_string();
        html! {
            figure.plot {
                figcaption {
                    h3 { (self.title) }
                    p { (self.about) @if scale.log { " The scale is logarithmic." } }
                }
                ul.legend aria-hidden="true" {
                    @for line in &self.lines {
                        li { span class={ "key " (line.class) @if line.dashed { " dashed" } @if self.stacked { " area" } } {} (line.name) }
                    }
                }
                svg role="img" aria-label=(self.words()) viewBox={ "0 0 " (WIDTH) " " (height) } {
                    (self.bands())
                    (self.grid(&scale))
                    @if self.stacked { (self.layers(&scale)) } @else { (self.curves(&scale)) }
                    (self.mark(&scale))
                    (self.touch())
                }
                @if let Some(note) = &self.note { p.note { (note) } }
            }
        }
    }

    /// What the plot shows, for those who do not see it.
    pub(super) fn words(&self) -> String {
        let mut words = format!("{}. {}", self.title, self.about);
        for line in &self.lines {
            if let Some((x, y)) = peak(&line.points) {
                let _ = write!(
                    words,
                    " {}: at most {} at {}.",
                    line.name,
                    self.says(y),
                    self.place(x)
                );
            }
        }
        words
    }

    /// A value in words.
    fn says(&self, y: f64) -> String {
        match self.up {
            Unit::Micros => figures::latency(y),
            up => up.show(y),
        }
    }

    fn x(&self, x: f64) -> f64 {
        let (Along::Time(most) | Along::Nines(most)) = self.along;
        LEFT + (WIDTH - LEFT - RIGHT) * (x / most.max(f64::EPSILON)).clamp(0.0, 1.0)
    }

    /// A place on the bottom axis in words.
    fn place(&self, x: f64) -> String {
        match self.along {
            Along::Time(most) => super::units::clock(x, most),
            Along::Nines(_) => format!("{} %", nines(x)),
        }
    }

    /// All values that the side has to hold.
    fn values(&self) -> Vec<f64> {
        if self.stacked {
            return self.sums().into_iter().next_back().unwrap_or_default();
        }
        let points = self.lines.iter().flat_map(|line| &line.points);
        points.filter_map(|(_, y)| *y).collect()
    }

    /// Stacked: the upper edge of each layer.
    fn sums(&self) -> Vec<Vec<f64>> {
        let mut sums: Vec<Vec<f64>> = Vec::new();
        for line in &self.lines {
            let below = sums.last();
            let edge = line.points.iter().enumerate().map(|(i, (_, y))| {
                y.unwrap_or(0.0) + below.and_then(|edge| edge.get(i)).copied().unwrap_or(0.0)
            });
            let edge = edge.collect();
            sums.push(edge);
        }
        sums
    }

    fn scale(&self) -> Scale {
        let values = self.values();
        let most = values.iter().copied().fold(0.0, f64::max);
        let is_early = |v: &f64| self.up == Unit::Micros && is_early(*v);
        let early = values.iter().any(is_early);
        let positive = values.into_iter().filter(|v| *v > 0.0 && !is_early(v));
        let least = positive.fold(f64::INFINITY, f64::min);
        let log = self.wide && least.is_finite() && most / least > WIDE;
        // What is written above a point has to have room.
        let marked = self.marked.is_some();
        let (low, high, marks) = if log {
            self.up.powers(least, most * if marked { 1.8 } else { 1.0 })
        } else {
            // A little air, so that the highest line does not touch the edge.
            let (high, marks) = self.up.axis(most, if marked { 1.16 } else { 1.04 });
            (0.0, high, marks)
        };
        Scale {
            marks,
            low,
            high,
            log,
            early,
        }
    }

    fn bands(&self) -> Markup {
        let names = self.band_names();
        html! {
            @for (i, (name, from, to)) in self.bands.iter().enumerate() {
                @let (left, right) = (self.x(*from), self.x(*to));
                rect class={ "band " @if i % 2 == 0 { "even" } @else { "odd" } }
                    x=(px(left)) y=(px(TOP - 16.0)) width=(px((right - left).max(0.0)))
                    height=(px(HEIGHT - TOP - BOTTOM + 16.0)) { title { (name) } }
            }
            @for (name, left) in names {
                text.band x=(px(left)) y=(px(TOP - 4.0)) { (name) }
            }
        }
    }

    /// The names of bands and where they begin: in the middle of a band, or beside where it begins if
    /// there is room between the others. One that has none is in the title of its band, and in the table of phases.
    fn band_names(&self) -> Vec<(&str, f64)> {
        let width = |name: &str| LETTER * name.chars().count() as f64;
        let mut named: Vec<(&str, f64)> = Vec::new();
        let bands = || {
            self.bands
                .iter()
                .map(|(name, from, to)| (name.as_str(), self.x(*from), self.x(*to)))
        };
        let fits = |name, left: f64, right: f64| right - left > width(name) + 6.0;
        for (name, left, right) in bands().filter(|(name, left, right)| fits(name, *left, *right)) {
            named.push((name, f64::midpoint(left, right) - width(name) / 2.0));
        }
        for (name, left, _) in bands().filter(|(name, left, right)| !fits(name, *left, *right)) {
            // What would hang over the right edge begins before it.
            let left = (left + 3.0).min(WIDTH - RIGHT - width(name));
            let end = left + width(name);
            let free =
                |(other, at): &(&str, f64)| end + 6.0 < *at || *at + width(other) + 6.0 < left;
            if left >= LEFT && named.iter().all(free) {
                named.push((name, left));
            }
        }
        named
    }

    fn grid(&self, scale: &Scale) -> Markup {
        let (end, floor) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let (name, marks) = match self.along {
            Along::Time(most) => {
                let marks = Unit::Seconds.marks(most);
                let within = marks.into_iter().filter(|(s, _)| *s <= most * 1.001);
                ("time since the start", within.collect())
            }
            Along::Nines(most) => ("percentile", nine_marks(most)),
        };
        let marks: Vec<(f64, String)> = marks;
        let unit_name = if scale.log { ", logarithmic" } else { "" };
        html! {
            text.axis x="0" y="14" { (self.up_name) (unit_name) }
            @for (value, text) in &scale.marks {
                @let y = px(scale.y(*value));
                line.grid x1=(px(LEFT)) x2=(px(end)) y1=(y) y2=(y) {}
                text.tick x=(px(LEFT - 7.0)) y=(px(scale.y(*value) + 4.0)) text-anchor="end" { (text) }
            }
            @if scale.early {
                @let y = floor - EARLY_UP;
                line.grid x1=(px(LEFT)) x2=(px(end)) y1=(px(y)) y2=(px(y)) {}
                @let (before, the_250) = figures::EARLY.split_once(' ').unwrap_or_default();
                text.tick x=(px(LEFT - 7.0)) y=(px(y - 2.0)) text-anchor="end" { (before) }
                text.tick x=(px(LEFT - 7.0)) y=(px(y + 10.0)) text-anchor="end" { (the_250) }
            }
            line.base x1=(px(LEFT)) x2=(px(end)) y1=(px(floor)) y2=(px(floor)) {}
            @for (value, text) in &marks {
                @let x = self.x(*value);
                @let anchor = if x > end - 12.0 { "end" } else { "middle" };
                line.base x1=(px(x)) x2=(px(x)) y1=(px(floor)) y2=(px(floor + 4.0)) {}
                text.tick x=(px(x)) y=(px(floor + 17.0)) text-anchor=(anchor) { (text) }
            }
            text.axis x=(px(end)) y=(px(HEIGHT - 6.0)) text-anchor="end" { (name) }
        }
    }

    fn curves(&self, scale: &Scale) -> Markup {
        html! {
            @for line in &self.lines {
                @let path = self.path(line, scale);
                path class={ "line " (line.class) @if line.dashed { " dashed" } } d=(path) {}
                @if line.joined > 0.0 {
                    path class={ "dots " (line.class) } d=(self.dots(line, scale)) {}
                }
            }
        }
    }

    fn path(&self, line: &Line, scale: &Scale) -> String {
        let mut path = String::new();
        let mut before = None;
        for (x, y) in &line.points {
            let Some(y) = y else {
                before = before.filter(|_| line.joined > 0.0);
                continue;
            };
            let near = |last: f64| line.joined <= 0.0 || x - last <= line.joined;
            let (at_x, at_y) = (px(self.x(*x)), px(scale.y(*y)));
            // A point on its own is a dot: a line of no length with round ends.
            let _ = if before.is_some_and(near) {
                write!(path, "L{at_x} {at_y}")
            } else {
                write!(path, "M{at_x} {at_y}h0")
            };
            before = Some(*x);
        }
        path
    }

    /// Each point on its own, but for the last, which says again what the one before it says.
    fn dots(&self, line: &Line, scale: &Scale) -> String {
        let points = line.points.split_last().map_or(&[][..], |(_, rest)| rest);
        let known = points.iter().filter_map(|(x, y)| y.map(|y| (x, y)));
        let dots = known.map(|(x, y)| format!("M{} {}h0", px(self.x(*x)), px(scale.y(y))));
        dots.collect()
    }

    fn layers(&self, scale: &Scale) -> Markup {
        let sums = self.sums();
        let ground = vec![0.0; sums.first().map_or(0, Vec::len)];
        let below = std::iter::once(&ground).chain(&sums);
        let shapes = self.lines.iter().zip(below.zip(&sums));
        html! {
            @for (line, (low, high)) in shapes {
                path class={ "layer " (line.class) } d=(self.area(&line.points, low, high, scale)) {}
            }
        }
    }

    /// The outline between two edges: there along the upper one, back along the lower one.
    fn area(&self, points: &[Point], low: &[f64], high: &[f64], scale: &Scale) -> String {
        let at = |((x, _), y): (&Point, &f64)| format!("{} {}", px(self.x(*x)), px(scale.y(*y)));
        let there = points.iter().zip(high).map(at);
        let back = points.iter().zip(low).rev().map(at);
        let outline: Vec<String> = there.chain(back).collect();
        format!("M{}Z", outline.join("L"))
    }

    fn mark(&self, scale: &Scale) -> Markup {
        let line = self.marked.and_then(|i| self.lines.get(i));
        let top = line.and_then(|line| Some((line, peak(&line.points)?)));
        html! {
            @if let Some((line, (x, y))) = top {
                @let (at_x, at_y) = (self.x(x), scale.y(y));
                // Above the point, where no line is; at the edges beside it, where there is room.
                @let anchor = if at_x > WIDTH * 0.85 { "end" } else if at_x < WIDTH * 0.2 { "start" } else { "middle" };
                circle class={ "dot " (line.class) } cx=(px(at_x)) cy=(px(at_y)) r="4" {}
                text.peak x=(px(at_x)) y=(px(at_y - 9.0)) text-anchor=(anchor) {
                    (line.name) " " (self.says(y)) " at " (self.place(x))
                }
            }
        }
    }

    /// What the pointer reads: all values at a place.
    fn touch(&self) -> Markup {
        let longest = self.lines.iter().max_by_key(|line| line.points.len());
        let xs: Vec<f64> = longest.map_or_else(Vec::new, |line| {
            line.points.iter().map(|point| point.0).collect()
        });
        let edges = xs.iter().zip(xs.iter().skip(1));
        html! {
            @for (x, next) in edges {
                @let (left, right) = (self.x(*x), self.x(*next));
                rect.touch x=(px(left)) y=(px(TOP)) width=(px(right - left)) height=(px(HEIGHT - TOP - BOTTOM)) {
                    title { (self.read(*x)) }
                }
            }
        }
    }

    fn read(&self, x: f64) -> String {
        let mut text = self.place(x);
        for line in &self.lines {
            let point = line.points.binary_search_by(|(at, _)| at.total_cmp(&x));
            let point = point.ok().and_then(|i| line.points.get(i));
            if let Some((_, Some(y))) = point {
                let _ = write!(text, "\n{}: {}", line.name, self.says(*y));
            }
        }
        text
    }
}

impl Scale {
    fn y(&self, value: f64) -> f64 {
        if self.early && is_early(value) {
            return HEIGHT - BOTTOM - EARLY_UP;
        }
        let floor = HEIGHT - BOTTOM - if self.early { EARLY_ROOM } else { 0.0 };
        let part = if self.log {
            let (low, high) = (self.low.ln(), self.high.ln());
            (value.max(self.low).ln() - low) / (high - low)
        } else {
            (value - self.low) / (self.high - self.low)
        };
        floor - (floor - TOP) * part.clamp(0.0, 1.0)
    }
}

/// A place in a drawing, to a tenth of a pixel.
fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// The percentile at so many nines: `99.9`.
fn nines(x: f64) -> String {
    let places = (1..=8_u8).take_while(|n| f64::from(*n) <= x).count();
    let percent = 100.0 - 100.0 / 10_f64.powf(x);
    let text = format!("{percent:.places$}");
    if text.starts_with("100") {
        "100".to_owned()
    } else {
        text
    }
}

fn nine_marks(most: f64) -> Vec<(f64, String)> {
    const MARKS: [(f64, &str); 8] = [
        (0.0, "0 %"),
        (LOG10_2, "50 %"),
        (1.0, "90 %"),
        (2.0, "99 %"),
        (3.0, "99.9 %"),
        (4.0, "99.99 %"),
        (5.0, "99.999 %"),
        (6.0, "99.9999 %"),
    ];
    let within = MARKS.into_iter().filter(|(x, _)| *x <= most + 1e-9);
    within.map(|(x, text)| (x, text.to_owned())).collect()
}
