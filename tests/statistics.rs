//! The statistics against SciPy and NumPy: `scripts/fixtures-statistics.py` wrote the fixtures.

use densenet_bench::statistics::{self, Summary};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixtures {
    groups: Vec<Group>,
    student_t: Vec<(f64, usize, f64)>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
    samples: Vec<f64>,
    mean: f64,
    standard_deviation: f64,
    interval: (f64, f64),
    median: f64,
    median_absolute_deviation: f64,
    quantiles: Vec<(f64, f64)>,
}

fn fixtures() -> Fixtures {
    serde_json::from_str(include_str!("fixtures/statistics.json")).unwrap()
}

/// Equal to 1e-10 of `scale`: a spread is compared on the scale of the values that it is the difference of.
fn assert_near(what: &str, ours: f64, theirs: f64, scale: f64) {
    let difference = (ours - theirs).abs();
    assert!(difference <= 1e-10 * scale, "{what}: {ours} is not SciPy's {theirs}");
}

#[test]
fn every_statistic_of_a_group_equals_scipys() {
    for group in fixtures().groups {
        let name = &group.name;
        let spread = group.standard_deviation;
        let samples = &group.samples;
        let summary = Summary::of(samples).unwrap();
        assert_eq!(summary.n, samples.len());
        assert_near(name, summary.mean, group.mean, group.mean.abs());
        assert_near(name, summary.standard_deviation.unwrap(), spread, spread);
        let (low, high) = summary.interval.unwrap();
        // SciPy's ends are rounded at the magnitude of the mean.
        let scale = spread + group.mean.abs() * 1e-5;
        assert_near(name, low, group.interval.0, scale);
        assert_near(name, high, group.interval.1, scale);
        assert_near(name, statistics::median(samples).unwrap(), group.median, spread);
        let deviation = statistics::median_absolute_deviation(samples).unwrap();
        assert_near(name, deviation, group.median_absolute_deviation, spread);
        for (share, theirs) in group.quantiles {
            assert_near(name, statistics::quantile(samples, share).unwrap(), theirs, spread);
        }
    }
}

#[test]
fn students_t_has_scipys_quantiles() {
    for (probability, degrees, theirs) in fixtures().student_t {
        let ours = statistics::student_t_quantile(probability, degrees).unwrap();
        let what = format!("t({probability}, {degrees})");
        // The absolute part is for the median, which is 0.
        assert_near(&what, ours, theirs, theirs.abs().max(0.1));
    }
}
