//! The numbers of the curves that answer to the pointer, as JSON: every step's training loss and every epoch's test loss and
//! error, with fewer points where there are many, of which no extreme is lost.

use std::borrow::Cow;

use serde::Serialize;

use crate::formats::tables::EpochRow;
use crate::views::groups::{Group, Grouped, Trial};
use crate::visible;

/// Points of all curves of a panel together: what a page can carry.
const POINTS: usize = 40_000;
/// The most and the fewest stretches that a curve is taken apart in.
const STRETCHES: (usize, usize) = (40, 600);
/// Significant digits of a value.
const DIGITS: i32 = 4;
/// Dashes of the variants in turn, as in the figures.
const DASHES: [&[f64]; 5] = [&[], &[6.0, 2.5], &[1.8, 2.0], &[7.0, 2.0, 1.8, 2.0], &[12.0, 3.0]];

/// What the script reads.
#[derive(Debug, Serialize)]
struct Live<'a> {
    variants: Vec<Cow<'a, str>>,
    dashes: [&'static [f64]; 5],
    /// The first and the last epoch.
    range: (f64, f64),
    panels: Vec<Panel>,
}

#[derive(Debug, Serialize)]
struct Panel {
    title: &'static str,
    unit: &'static str,
    logarithmic: bool,
    x: Vec<f64>,
    series: Vec<Series>,
}

#[derive(Debug, Serialize)]
struct Series {
    variant: usize,
    /// None of the mean over seeds.
    seed: Option<u64>,
    y: Vec<Option<f64>>,
}

/// A curve before its points are chosen.
struct Curve {
    variant: usize,
    seed: Option<u64>,
    points: Vec<(f64, f64)>,
}

/// The JSON, without a letter that HTML could take for markup; none where there is no curve.
pub fn json(study: &Grouped<'_>) -> Option<String> {
    let panels: Vec<Panel> = [
        panel("Training loss", "nats", step_curves(study)),
        panel("Test loss", "nats", epoch_curves(study, |row| row.test_loss)),
        panel("Test error", "%", epoch_curves(study, |row| 100.0 * row.test_error)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let xs = || panels.iter().flat_map(|panel| &panel.x).copied();
    let range = (
        xs().fold(f64::INFINITY, f64::min),
        xs().fold(f64::NEG_INFINITY, f64::max),
    );
    if range.1 <= range.0 {
        // One epoch is no curve.
        return None;
    }
    let live = Live {
        variants: study
            .variants
            .iter()
            .map(|group| visible::escape_line(group.name))
            .collect(),
        dashes: DASHES,
        range,
        panels,
    };
    let text = serde_json::to_string(&live).ok()?;
    Some(
        text.replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026"),
    )
}

/// The training loss of every step where the study was read with its steps, else that of every epoch; with the means of the
/// epochs.
fn step_curves(study: &Grouped<'_>) -> Vec<Curve> {
    let losses = &study.study.losses;
    if losses.is_empty() {
        return epoch_curves(study, |row| row.train_loss);
    }
    let mut curves = of_trials(study, |trial| {
        let Some(curve) = losses.of(&trial.row.trial) else {
            return Vec::new();
        };
        let whole = curve.first_epoch.max(1) as f64;
        let point = |(step, loss): &(usize, f64)| ((step + 1) as f64 / whole, *loss);
        curve.points.iter().map(point).collect()
    });
    curves.extend(means(study, |row| row.train_loss));
    curves
}

/// A number of every epoch, and the mean of each variant's seeds.
fn epoch_curves(study: &Grouped<'_>, value: fn(&EpochRow) -> f64) -> Vec<Curve> {
    let mut curves = of_trials(study, |trial| {
        let point = |row: &&EpochRow| ((row.epoch + 1) as f64, value(row));
        trial.epochs.iter().map(point).collect()
    });
    curves.extend(means(study, value));
    curves
}

/// The mean of each variant's seeds where there are several.
fn means(study: &Grouped<'_>, value: fn(&EpochRow) -> f64) -> Vec<Curve> {
    let several = study
        .variants
        .iter()
        .enumerate()
        .filter(|(_, group)| group.trials.len() > 1);
    let mean = |(variant, group): (usize, &Group<'_>)| {
        let curve = group.curve(|row| Some(value(row)));
        let points = curve
            .points
            .iter()
            .map(|point| (point.epoch as f64 + 1.0, point.summary.mean));
        Curve {
            variant,
            seed: None,
            points: points.collect(),
        }
    };
    several.map(mean).collect()
}

fn of_trials(study: &Grouped<'_>, points: impl Fn(&Trial<'_>) -> Vec<(f64, f64)>) -> Vec<Curve> {
    let mut curves = Vec::new();
    for (variant, group) in study.variants.iter().enumerate() {
        for trial in &group.trials {
            curves.push(Curve {
                variant,
                seed: Some(trial.row.seed),
                points: points(trial),
            });
        }
    }
    curves
}

fn panel(title: &'static str, unit: &'static str, mut curves: Vec<Curve>) -> Option<Panel> {
    for curve in &mut curves {
        curve.points.retain(|(_, value)| value.is_finite());
    }
    curves.retain(|curve| !curve.points.is_empty());
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let smallest = all().map(|(_, value)| *value).reduce(f64::min)?;
    let largest = all().map(|(_, value)| *value).reduce(f64::max)?;
    let stretches = (POINTS / 2 / curves.len()).clamp(STRETCHES.0, STRETCHES.1);
    let (x, ys) = aligned(&curves, stretches);
    let series = curves.iter().zip(ys).map(|(curve, y)| Series {
        variant: curve.variant,
        seed: curve.seed,
        y,
    });
    Some(Panel {
        title,
        unit,
        logarithmic: smallest > 0.0 && largest > 30.0 * smallest,
        x,
        series: series.collect(),
    })
}

/// The curves over common places, of which there are at most two in each of so many stretches: where a curve has more points in
/// one, these are its lowest and its highest, in their order.
fn aligned(curves: &[Curve], stretches: usize) -> (Vec<f64>, Vec<Vec<Option<f64>>>) {
    let mut places: Vec<f64> = curves
        .iter()
        .flat_map(|curve| &curve.points)
        .map(|point| point.0)
        .collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    if places.len() <= 2 * stretches {
        let own = |curve: &Curve| {
            let mut y = vec![None; places.len()];
            for (place, value) in &curve.points {
                if let Ok(at) = places.binary_search_by(|other| other.total_cmp(place)) {
                    y[at] = Some(rounded(*value));
                }
            }
            y
        };
        let ys = curves.iter().map(own).collect();
        return (places.into_iter().map(rounded).collect(), ys);
    }
    let (first, last) = (places[0], places[places.len() - 1]);
    let width = (last - first) / stretches as f64;
    let x = (0..2 * stretches).map(|half| rounded(first + width * (0.25 + 0.5 * half as f64)));
    let own = |curve: &Curve| {
        let mut y = vec![None; 2 * stretches];
        let stretch_of = |place: f64| (((place - first) / width) as usize).min(stretches - 1);
        for within in curve.points.chunk_by(|a, b| stretch_of(a.0) == stretch_of(b.0)) {
            let by_value = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
            let (Some(low), Some(high)) = (within.iter().min_by(by_value), within.iter().max_by(by_value)) else {
                continue;
            };
            let (before, after) = if low.0 <= high.0 { (low, high) } else { (high, low) };
            let stretch = stretch_of(within[0].0);
            y[2 * stretch] = Some(rounded(before.1));
            y[2 * stretch + 1] = (within.len() > 1).then(|| rounded(after.1));
        }
        y
    };
    (x.collect(), curves.iter().map(own).collect())
}

/// To [`DIGITS`] significant digits.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10_f64.powi(DIGITS - 1 - value.abs().log10().floor() as i32);
    let scaled = (value * scale).round() / scale;
    if scaled.is_finite() { scaled } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::samples::{SampleVariant, trained};

    fn curve(points: Vec<(f64, f64)>) -> Curve {
        Curve {
            variant: 0,
            seed: Some(0),
            points,
        }
    }

    #[test]
    fn many_points_keep_the_extremes_of_every_curve_over_common_places() {
        let mut long: Vec<(f64, f64)> = (0..20_000).map(|step| (f64::from(step) / 100.0, 1.0)).collect();
        long[12_345].1 = 77.0;
        long[7].1 = -3.0;
        let short = vec![(0.0, 0.5), (199.0, 0.25)];
        let (x, ys) = aligned(&[curve(long), curve(short)], 100);
        assert_eq!((x.len(), ys[0].len(), ys[1].len()), (200, 200, 200));
        assert!(x.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ys[0].contains(&Some(77.0)) && ys[0].contains(&Some(-3.0)));
        assert_eq!(ys[1].iter().flatten().copied().collect::<Vec<_>>(), [0.5, 0.25]);
    }

    #[test]
    fn few_points_stay_where_they_are() {
        let (x, ys) = aligned(&[curve(vec![(1.0, 2.0), (2.0, 1.5)]), curve(vec![(2.0, 3.0)])], 10);
        assert_eq!(x, [1.0, 2.0]);
        assert_eq!(ys, [vec![Some(2.0), Some(1.5)], vec![None, Some(3.0)]]);
    }

    #[test]
    fn values_have_four_digits_and_extremes_stay_finite() {
        assert_eq!(rounded(0.123_456), 0.1235);
        assert_eq!(rounded(123_456.0), 123_500.0);
        assert_eq!(rounded(-0.0), 0.0);
        for value in [f64::MAX, f64::MIN_POSITIVE, 5e-324] {
            assert!(rounded(value).is_finite());
        }
    }

    #[test]
    fn the_json_has_every_seed_and_the_means_and_no_letter_of_markup() {
        let mut study = trained(&["base", "wide"].map(SampleVariant::new), 3, 5);
        study.ablation.variants[1].name = "</script><script>alert(1)&amp;".to_owned();
        let json = json(&Grouped::of(&study)).unwrap();
        assert!(!json.contains(['<', '>', '&']), "{json}");
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["variants"][1], "</script><script>alert(1)&amp;");
        assert_eq!(value["panels"].as_array().unwrap().len(), 3);
        assert_eq!(value["panels"][1]["series"].as_array().unwrap().len(), 2 * 3 + 2);
        assert_eq!(value["range"], serde_json::json!([1.0, 5.0]));
    }

    #[test]
    fn one_epoch_is_no_curve() {
        assert!(json(&Grouped::of(&trained(&[SampleVariant::new("base")], 2, 1))).is_none());
    }
}
