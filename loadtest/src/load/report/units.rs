//! Numbers as people read them: three digits and a unit, and marks for the axes of plots.

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    /// Microseconds.
    Micros,
    /// Bytes.
    Bytes,
    /// Things.
    Count,
    /// Parts of a hundred.
    Percent,
    /// Seconds of a run.
    Seconds,
}

const KIB: f64 = 1_024.0;
const MIB: f64 = KIB * KIB;
const GIB: f64 = MIB * KIB;

impl Unit {
    /// A value with its unit.
    pub(super) fn show(self, value: f64) -> String {
        match self {
            Self::Count => count(value),
            Self::Percent => format!("{} %", digits(value)),
            Self::Seconds => duration(value),
            Self::Micros | Self::Bytes => {
                let (size, name) = self.scale(value);
                // Below its smallest unit a number has no digits after the point to be even with.
                let text = if size > 1.0 {
                    three(value / size)
                } else {
                    digits(value)
                };
                format!("{text} {name}")
            }
        }
    }

    /// What values up to this one are told in: how many of the unit make one, and its name.
    pub(super) fn scale(self, most: f64) -> (f64, &'static str) {
        match self {
            Self::Micros if most >= 999_500.0 => (1e6, "s"),
            Self::Micros if most >= 999.5 => (1e3, "ms"),
            Self::Micros => (1.0, "µs"),
            Self::Bytes if most >= GIB => (GIB, "GiB"),
            Self::Bytes if most >= MIB => (MIB, "MiB"),
            Self::Bytes if most >= KIB => (KIB, "KiB"),
            Self::Bytes => (1.0, "B"),
            Self::Count => (1.0, ""),
            Self::Percent => (1.0, "%"),
            Self::Seconds => (1.0, "s"),
        }
    }

    /// The end of an axis from 0 on that holds `most` with some air above it, and its marks: there is one
    /// above the highest value, or at it.
    pub(super) fn axis(self, most: f64, air: f64) -> (f64, Vec<(f64, String)>) {
        let high = if most > 0.0 { most * air } else { 1.0 };
        let marks = self.marks(high);
        let last = marks.last().map_or(0.0, |mark| mark.0);
        if last >= most * 0.999_999 {
            return (high, marks);
        }
        let high = last + self.step(high);
        (high, self.marks(high))
    }

    /// What lies between two marks of an axis from 0 to `most`.
    fn step(self, most: f64) -> f64 {
        let (size, _) = self.scale(most);
        match self {
            Self::Seconds => time_step(most),
            // Half a thing is none.
            Self::Count => nice(most / 7.0).max(1.0),
            _ => nice(most / size / 7.0) * size,
        }
    }

    /// Marks of an axis from 0 to `most`: value and text. There are three to nine.
    pub(super) fn marks(self, most: f64) -> Vec<(f64, String)> {
        let (size, name) = self.scale(most);
        let step = self.step(most);
        let mut marks = Vec::new();
        let mut value = 0.0;
        while value <= most * 1.000_001 && marks.len() < 12 {
            let text = match self {
                Self::Seconds => clock(value, most),
                Self::Count => count(value),
                _ => format!("{} {name}", trimmed(value / size, step / size)),
            };
            marks.push((value, text));
            value += step;
        }
        marks
    }

    /// A logarithmic axis that holds all from `least` to `most`: its ends, and marks at 1, 2 and 5
    /// times the powers of ten, or at those alone where they are many. The upper end has a mark.
    pub(super) fn powers(self, least: f64, most: f64) -> (f64, f64, Vec<(f64, String)>) {
        const STEPS: [f64; 3] = [1.0, 2.0, 5.0];
        let (least, most) = (least.max(1.0), most.max(least * 2.0).max(2.0));
        let first = 10_f64.powf(least.log10().floor());
        let all = (0..12).flat_map(|power| STEPS.map(|step| (power, step)));
        let all = all.map(|(power, step)| (step, step * first * 10_f64.powi(power)));
        let all: Vec<(f64, f64)> = all.collect();
        let values = || all.iter().map(|(_, value)| *value);
        let low = values().rfind(|v| *v <= least * 1.000_001);
        let low = low.unwrap_or(first);
        let high = values().find(|v| *v >= most * 0.999_999).unwrap_or(most);
        let many = high / low > 1_001.0;
        let tens = all.iter().filter(|(step, _)| *step < 1.5);
        let above = tens
            .map(|(_, value)| *value)
            .find(|v| *v >= high * 0.999_999);
        let high = above.filter(|_| many).unwrap_or(high);
        let marks = all.iter().filter(|(step, value)| {
            (low..=high * 1.000_001).contains(value) && (!many || *step < 1.5)
        });
        let text = |value: f64| {
            let (size, name) = self.scale(value);
            format!("{} {name}", digits(value / size))
        };
        let marks = marks.map(|(_, value)| (*value, text(*value))).collect();
        (low, high, marks)
    }
}

/// 1, 2 or 5 times a power of ten, not below the value.
fn nice(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let times = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|times| times * power >= value * 0.999_999);
    times.unwrap_or(10.0) * power
}

/// Steps that a clock has.
fn time_step(most: f64) -> f64 {
    const STEPS: [f64; 16] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0,
        7_200.0, 14_400.0, 43_200.0,
    ];
    let fits = STEPS.into_iter().find(|step| most / step <= 8.0);
    fits.unwrap_or_else(|| (most / 8.0 / 86_400.0).ceil() * 86_400.0)
}

/// A time of a run as its axis tells it: seconds in a short run, minutes and seconds, or hours.
pub(super) fn clock(s: f64, of: f64) -> String {
    let whole = s.round();
    if of <= 180.0 {
        format!("{whole:.0} s")
    } else if of <= 10_800.0 {
        format!("{:.0}:{:02.0}", (whole / 60.0).floor(), whole % 60.0)
    } else {
        let minutes = (whole / 60.0).floor();
        format!("{:.0} h {:02.0}", (minutes / 60.0).floor(), minutes % 60.0)
    }
}

/// A length of time in words: `42 s`, `10 min 5 s`, `24 h`.
pub(super) fn duration(s: f64) -> String {
    if s < 100.0 {
        return format!("{} s", digits(s));
    }
    let whole = s.round();
    let (hours, minutes) = ((whole / 3_600.0).floor(), (whole % 3_600.0 / 60.0).floor());
    let parts = [
        (hours, "h"),
        (minutes, "min"),
        (if hours > 0.0 { 0.0 } else { whole % 60.0 }, "s"),
    ];
    let said: Vec<String> = parts
        .iter()
        .filter(|(n, _)| *n > 0.0)
        .map(|(n, unit)| format!("{n:.0} {unit}"))
        .collect();
    said.join(" ")
}

/// Three digits that count, and none after the point that say nothing.
pub(super) fn digits(value: f64) -> String {
    bare(&three(value))
}

/// Three digits that count, so that numbers below each other are even.
fn three(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if size >= 999.5 => count(value),
        _ if size >= 99.95 => format!("{value:.0}"),
        _ if size >= 9.995 => format!("{value:.1}"),
        _ if size >= 0.0995 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// As many digits after the point as a step needs.
fn trimmed(value: f64, step: f64) -> String {
    if step >= 1.0 {
        return count(value);
    }
    if step >= 0.1 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

fn bare(text: &str) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text.to_owned()
    }
}

/// A number of things with its thousands apart: `12,480`; small fractions keep a digit or two.
pub(super) fn count(value: f64) -> String {
    if value.abs() < 99.95 && (value - value.round()).abs() > 0.004 {
        return digits(value);
    }
    let text = format!("{value:.0}");
    let (sign, plain) = text
        .strip_prefix('-')
        .map_or(("", text.as_str()), |rest| ("-", rest));
    let mut out = sign.to_owned();
    for (i, digit) in plain.chars().enumerate() {
        if i > 0 && (plain.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// How much more one value is than another: `1.25×`; none where there is nothing to hold it against.
/// Beyond a thousand the digits are those of the smaller one's noise.
pub(super) fn ratio(value: f64, to: f64) -> Option<String> {
    let times = (to > 0.0 && value.is_finite()).then(|| value / to)?;
    Some(match times {
        _ if times > 1_000.0 => "> 1,000×".to_owned(),
        _ if times > 0.0 && times < 0.001 => "< 0.001×".to_owned(),
        _ => format!("{}×", digits(times)),
    })
}

/// The day and minute of a time in Unix milliseconds, in UTC.
pub(super) fn moment(ms: u64) -> String {
    let minutes = ms / 60_000;
    let (days, minute) = (minutes / 1_440, minutes % 1_440);
    // Years from March on, so that the leap day is the last: the calendar's period is 400 years.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute) = (minute / 60, minute % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}
