//! Axes' scales, their round ticks and the ticks' labels.

/// Data whose largest value is more than this many times the smallest are drawn on a logarithmic scale: 1.5 decades.
const LOGARITHMIC_FROM: f64 = 31.622_776_601_683_793;

/// How values become places along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Equal differences are equally long.
    Linear {
        /// The value at the axis' begin.
        low: f64,
        /// The value at its end.
        high: f64,
    },
    /// Equal ratios are equally long. Both ends are above 0.
    Logarithmic {
        /// The value at the axis' begin.
        low: f64,
        /// The value at its end.
        high: f64,
    },
}

/// How a tick's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// 0.25.
    Plain,
    /// 250k, 1.5M, 2G.
    Thousands,
}

/// A value that an axis names.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// The value.
    pub value: f64,
    /// Its name.
    pub label: String,
}

/// The smallest and the largest of finite values.
pub fn extent(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .into_iter()
        .filter(|value| value.is_finite())
        .fold(None, |extent, value| match extent {
            None => Some((value, value)),
            Some((low, high)) => Some((value.min(low), value.max(high))),
        })
}

impl Scale {
    /// A linear scale with a margin around the values. Values that are never negative do not get a negative margin,
    /// and the scale begins at 0 where that costs little.
    pub fn linear((low, high): (f64, f64)) -> Self {
        // Far beyond any loss, and far enough from the largest float for the sums below.
        let (low, high) = (low.clamp(-1e300, 1e300), high.clamp(-1e300, 1e300));
        let margin = if high > low {
            0.06 * (high - low)
        } else {
            (0.5 * low.abs()).max(0.05)
        };
        let mut begin = low - margin;
        if low >= 0.0 && (begin < 0.0 || low < 0.25 * high) {
            begin = 0.0;
        }
        Scale::Linear {
            low: begin,
            high: high + margin,
        }
    }

    /// A logarithmic scale with a margin around values above 0.
    pub fn logarithmic((low, high): (f64, f64)) -> Self {
        let margin = if high > low { (high / low).powf(0.07) } else { 2.0 };
        Scale::Logarithmic {
            low: (low / margin).max(f64::MIN_POSITIVE),
            high: (high * margin).min(f64::MAX),
        }
    }

    /// A linear scale, or a logarithmic one where the values are above 0 and span more than 1.5 decades.
    pub fn fitting((low, high): (f64, f64)) -> Self {
        if low > 0.0 && high / low > LOGARITHMIC_FROM {
            Self::logarithmic((low, high))
        } else {
            Self::linear((low, high))
        }
    }

    /// A value's share of the way along the axis, from 0 to 1; a value beyond an end is moved to it.
    pub fn share(&self, value: f64) -> f64 {
        let share = match *self {
            Scale::Linear { low, high } => (value - low) / (high - low),
            Scale::Logarithmic { low, .. } if value <= low => 0.0,
            Scale::Logarithmic { low, high } => (value / low).ln() / (high / low).ln(),
        };
        share.clamp(0.0, 1.0)
    }

    /// Whether a value lies beyond either end.
    pub fn is_beyond(&self, value: f64) -> bool {
        let (Scale::Linear { low, high } | Scale::Logarithmic { low, high }) = *self;
        value < low || value > high
    }

    /// Whether equal ratios are equally long.
    pub fn is_logarithmic(&self) -> bool {
        matches!(self, Scale::Logarithmic { .. })
    }

    fn contains(&self, value: f64) -> bool {
        let (Scale::Linear { low, high } | Scale::Logarithmic { low, high }) = *self;
        let slack = 1e-9 * (high - low);
        (low - slack..=high + slack).contains(&value)
    }

    /// About `most` ticks at round values, never more than twice as many; `whole` leaves out fractions.
    pub fn ticks(&self, most: usize, notation: Notation, whole: bool) -> Vec<Tick> {
        let values = match *self {
            Scale::Linear { low, high } => round_values(low, high, most, whole),
            Scale::Logarithmic { low, high } => round_ratios(low, high, most),
        };
        // Ticks of a logarithmic axis differ in magnitude, and each has the digits that it needs.
        let step = if self.is_logarithmic() {
            f64::INFINITY
        } else {
            step_of(&values)
        };
        values
            .iter()
            .filter(|value| self.contains(**value))
            .map(|&value| Tick {
                value,
                label: match notation {
                    Notation::Plain => plain(value, step),
                    Notation::Thousands => thousands(value),
                },
            })
            .collect()
    }
}

/// The smallest distance between two of the values.
fn step_of(values: &[f64]) -> f64 {
    let steps = values.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    steps.fold(f64::INFINITY, f64::min)
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn round_values(low: f64, high: f64, most: usize, whole: bool) -> Vec<f64> {
    let rough = (high - low) / most.max(1) as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|factor| factor * power >= rough * 0.999);
    let mut step = factor.unwrap_or(10.0) * power;
    if whole {
        step = step.max(1.0).round();
    }
    if !(step.is_finite() && step > 0.0) {
        return Vec::new();
    }
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    // Division by a whole number rounds once: 3 / 10 is 0.3, 3 * 0.1 is not.
    let value = |n: i64| {
        if step < 1.0 {
            n as f64 / (1.0 / step).round()
        } else {
            n as f64 * step
        }
    };
    (first..=last).take(2 * most + 2).map(value).collect()
}

/// Powers of ten, with 2 and 5 times them where the axis is short; round values where it is shorter still.
fn round_ratios(low: f64, high: f64, most: usize) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let within = |value: &f64| (low..=high).contains(value);
    let power = |exponent: i32| 10_f64.powi(exponent);
    let fine: Vec<f64> = (first..=last)
        .flat_map(|exponent| [1.0, 2.0, 5.0].map(|factor| factor * power(exponent)))
        .filter(within)
        .collect();
    if fine.len() < 4.min(most) {
        return round_values(low, high, most, false);
    }
    if fine.len() <= most {
        return fine;
    }
    let decades: Vec<i32> = (first..=last).filter(|exponent| within(&power(*exponent))).collect();
    let every = decades.len().div_ceil(most.max(1)).max(1) as i32;
    let coarse: Vec<f64> = decades.into_iter().filter(|e| e % every == 0).map(power).collect();
    // With a single power of ten on it an axis could not be read.
    if coarse.len() < 2 { fine } else { coarse }
}

/// A value without more digits than its distance to the next asks for.
fn plain(value: f64, step: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..6.0).contains(&magnitude) {
        let text = format!("{value:.1e}");
        return text.replace(".0e", "e");
    }
    let finest = if step.is_finite() {
        step.min(value.abs())
    } else {
        value.abs()
    };
    // A step of 0.001 may come as 0.00099999.
    let decimals = (-(finest.log10() + 1e-6).floor()).clamp(0.0, 8.0) as usize;
    let text = format!("{value:.decimals$}");
    // A tick of its own, such as a swept value, may have more digits than its magnitude says.
    if (text.parse::<f64>().unwrap_or(value) - value).abs() > 1e-6 * value.abs() {
        return format!("{value}");
    }
    text
}

/// A value with k, M, G or T for thousands and their powers: 1500000 is 1.5M.
pub fn thousands(value: f64) -> String {
    let units = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    let (unit, name) = units
        .into_iter()
        .find(|(unit, _)| value.abs() >= 0.9995 * unit)
        .unwrap_or((1.0, ""));
    let text = format!("{:.2}", value / unit);
    format!("{}{name}", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, most: usize, notation: Notation) -> Vec<String> {
        scale
            .ticks(most, notation, false)
            .into_iter()
            .map(|tick| tick.label)
            .collect()
    }

    #[test]
    fn linear_ticks_are_round_and_equally_precise() {
        let scale = Scale::Linear { low: 0.0, high: 1.06 };
        assert_eq!(
            labels(scale, 6, Notation::Plain),
            ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        let scale = Scale::Linear { low: 2.9, high: 4.1 };
        assert_eq!(labels(scale, 3, Notation::Plain), ["3.0", "3.5", "4.0"]);
    }

    #[test]
    fn logarithmic_ticks_thin_out_to_powers_of_ten() {
        let scale = Scale::Logarithmic { low: 0.009, high: 2.5 };
        assert_eq!(
            labels(scale, 9, Notation::Plain),
            ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2"]
        );
        assert_eq!(labels(scale, 5, Notation::Plain), ["0.01", "0.1", "1"]);
    }

    #[test]
    fn a_logarithmic_axis_shorter_than_an_octave_still_has_ticks() {
        for (low, high) in [(1.1e6, 1.9e6), (769_000.0, 770_000.0), (2.1e8, 4.9e8)] {
            let ticks = Scale::Logarithmic { low, high }.ticks(6, Notation::Thousands, false);
            assert!(ticks.len() >= 2, "{low} to {high}: {ticks:?}");
        }
    }

    #[test]
    fn thirty_decades_do_not_crowd_the_axis() {
        let ticks = Scale::Logarithmic { low: 1e-3, high: 1e30 }.ticks(6, Notation::Plain, false);
        assert!((2..=12).contains(&ticks.len()), "{ticks:?}");
    }

    #[test]
    fn epochs_have_whole_ticks() {
        let ticks = Scale::Linear { low: 0.5, high: 1.5 }.ticks(6, Notation::Plain, true);
        assert_eq!(ticks.iter().map(|tick| tick.label.as_str()).collect::<Vec<_>>(), ["1"]);
    }

    #[test]
    fn large_counts_are_written_with_units() {
        assert_eq!(thousands(769_162.0), "769.16k");
        assert_eq!(thousands(2_834_161_664.0), "2.83G");
        assert_eq!(thousands(5e5), "500k");
        assert_eq!(thousands(1e6), "1M");
        assert_eq!(thousands(64.0), "64");
    }

    #[test]
    fn a_share_stays_within_the_axis() {
        let scale = Scale::Logarithmic { low: 0.1, high: 10.0 };
        for (value, share) in [(0.1, 0.0), (1.0, 0.5), (10.0, 1.0), (-3.0, 0.0), (1e9, 1.0)] {
            assert!((scale.share(value) - share).abs() < 1e-12, "{value}");
        }
    }

    #[test]
    fn equal_values_still_span_an_axis() {
        for scale in [
            Scale::linear((0.0, 0.0)),
            Scale::linear((3.0, 3.0)),
            Scale::logarithmic((5.0, 5.0)),
        ] {
            let (Scale::Linear { low, high } | Scale::Logarithmic { low, high }) = scale;
            assert!(low < high, "{scale:?}");
        }
    }
}
