//! The statistics against SciPy and NumPy: `scripts/fixtures-statistics.py` wrote the fixtures.

use densenet_bench::random::{Purpose, Stream};
use densenet_bench::statistics::{self, MeanIntervalMethod, RatioIntervalMethod, Summary};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixtures {
    groups: Vec<Group>,
    student_t: Vec<(f64, usize, f64)>,
    pairs: Vec<Pairs>,
    /// n, confidence, rank from either end, coverage.
    median_intervals: Vec<(usize, f64, Option<usize>, Option<f64>)>,
    ratios: Vec<Ratio>,
    ratios_of_one_round: Vec<Ratio>,
}

#[derive(Deserialize)]
struct Pairs {
    name: String,
    a: Vec<f64>,
    b: Vec<f64>,
    mean: f64,
    student_t: (f64, f64),
    bootstrap: (f64, f64),
    sign_flip_p: f64,
}

impl Pairs {
    fn differences(&self) -> Vec<f64> {
        self.b.iter().zip(&self.a).map(|(b, a)| b - a).collect()
    }
}

#[derive(Deserialize)]
struct Ratio {
    name: String,
    first: Vec<Vec<f64>>,
    second: Vec<Vec<f64>>,
    ratio: f64,
    interval: (f64, f64),
}

/// The draws of a bootstrap; `counter` names the stream.
fn draws(counter: u64) -> impl FnMut(u64) -> u64 {
    let mut stream = Stream::new(0, Purpose::Resampling, counter);
    move |bound| stream.below(bound)
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

#[test]
fn the_mean_difference_of_pairs_has_scipys_interval_by_student_below_ten_and_by_bootstrap_from_ten_on() {
    for pairs in fixtures().pairs {
        let name = &pairs.name;
        let differences = pairs.differences();
        let found = statistics::mean_difference(&differences, 0.95, &mut draws(0)).unwrap();
        assert_eq!(found.n, differences.len());
        let width = pairs.student_t.1 - pairs.student_t.0;
        assert_near(name, found.mean, pairs.mean, width);
        let (low, high) = found.interval.unwrap();
        if differences.len() < 10 {
            assert_eq!(found.method, MeanIntervalMethod::StudentT);
            assert_near(name, low, pairs.student_t.0, width);
            assert_near(name, high, pairs.student_t.1, width);
        } else {
            assert_eq!(found.method, MeanIntervalMethod::Bootstrap);
            // SciPy's 200,000 resamples and our 10,000 vary: a fiftieth of the width is three of our deviations.
            assert!(
                (low - pairs.bootstrap.0).abs() < 0.02 * width,
                "{name}: {low} {pairs:?}",
                pairs = pairs.bootstrap
            );
            assert!(
                (high - pairs.bootstrap.1).abs() < 0.02 * width,
                "{name}: {high} {pairs:?}",
                pairs = pairs.bootstrap
            );
        }
    }
}

#[test]
fn the_sign_flip_test_has_scipys_p() {
    for pairs in fixtures().pairs {
        let found = statistics::sign_flip_test(&pairs.differences(), &mut draws(1)).unwrap();
        let (ours, theirs) = (found.p, pairs.sign_flip_p);
        assert_eq!(found.exact, pairs.a.len() <= 20, "{}", pairs.name);
        // 99,999 drawn ways leave a standard deviation of sqrt(p / 100,000).
        let tolerance = if found.exact {
            1e-12
        } else {
            4.0 * (theirs / 1e5).sqrt()
        };
        assert!(
            (ours - theirs).abs() <= tolerance,
            "{}: {ours}, not {theirs}",
            pairs.name
        );
    }
}

#[test]
fn the_interval_of_a_median_has_the_ranks_and_the_coverage_of_scipys_binomial() {
    let mut none = 0;
    for (n, confidence, rank, coverage) in fixtures().median_intervals {
        // The samples are their own ranks.
        let samples: Vec<f64> = (1..=n).rev().map(|rank| rank as f64).collect();
        let found = statistics::median_interval(&samples, confidence);
        let Some((rank, coverage)) = rank.zip(coverage) else {
            assert_eq!(found, None, "{n} at {confidence}");
            none += 1;
            continue;
        };
        let found = found.unwrap();
        assert_eq!(
            (found.low, found.high),
            (rank as f64, (n + 1 - rank) as f64),
            "{n} at {confidence}"
        );
        assert_near(&format!("{n} at {confidence}"), found.coverage, coverage, 1.0);
    }
    assert_eq!(none, 3 + 4 + 6);
}

#[test]
fn the_ratio_of_two_medians_has_scipys_welch_interval_and_of_one_round_its_bootstrap() {
    let fixtures = fixtures();
    for case in &fixtures.ratios {
        let found = statistics::median_ratio(&case.first, &case.second, 0.95, &mut draws(2)).unwrap();
        assert_eq!(found.method, RatioIntervalMethod::WelchOnRounds);
        assert_near(&case.name, found.ratio, case.ratio, 1.0);
        let (low, high) = found.interval.unwrap();
        assert_near(&case.name, low, case.interval.0, 1.0);
        assert_near(&case.name, high, case.interval.1, 1.0);
    }
    for case in &fixtures.ratios_of_one_round {
        let found = statistics::median_ratio(&case.first, &case.second, 0.95, &mut draws(3)).unwrap();
        assert_eq!(found.method, RatioIntervalMethod::BootstrapOfSteps);
        assert_near(&case.name, found.ratio, case.ratio, 1.0);
        let width = case.interval.1 - case.interval.0;
        let (low, high) = found.interval.unwrap();
        // Medians of resamples take few values, so an end may jump to the next.
        assert!((low - case.interval.0).abs() < 0.05 * width, "{}: {found:?}", case.name);
        assert!(
            (high - case.interval.1).abs() < 0.05 * width,
            "{}: {found:?}",
            case.name
        );
    }
}

/// The share of `trials` whose interval covers; `interval` makes one from fresh normal draws.
fn coverage(trials: u64, truth: f64, mut interval: impl FnMut(&mut Stream) -> (f64, f64)) -> f64 {
    let mut stream = Stream::new(1, Purpose::Resampling, 0);
    let covered = (0..trials).filter(|_| {
        let (low, high) = interval(&mut stream);
        (low..=high).contains(&truth)
    });
    covered.count() as f64 / trials as f64
}

fn normals(stream: &mut Stream, count: usize) -> Vec<f64> {
    (0..count).map(|_| stream.normal()).collect()
}

#[test]
fn intervals_of_95_percent_cover_nearly_as_often_on_normal_samples() {
    // Of 400 trials at 0.95 the share has a standard deviation of 0.011.
    let student = coverage(400, 0.0, |stream| {
        let samples = normals(stream, 5);
        statistics::mean_difference(&samples, 0.95, &mut draws(4))
            .unwrap()
            .interval
            .unwrap()
    });
    assert!((0.91..0.99).contains(&student), "{student}");
    // The plain percentile bootstrap and BCa cover 0.89 to 0.90 here.
    let bootstrap = coverage(400, 0.0, |stream| {
        let samples = normals(stream, 10);
        statistics::mean_difference(&samples, 0.95, &mut draws(5))
            .unwrap()
            .interval
            .unwrap()
    });
    assert!((0.91..0.97).contains(&bootstrap), "{bootstrap}");
    let median = coverage(400, 0.0, |stream| {
        let found = statistics::median_interval(&normals(stream, 15), 0.95).unwrap();
        (found.low, found.high)
    });
    assert!((0.93..1.0).contains(&median), "{median}");
}

#[test]
fn the_interval_of_a_ratio_covers_although_processes_differ_more_than_steps() {
    let measured = |stream: &mut Stream| -> Vec<Vec<f64>> {
        let round = |stream: &mut Stream| {
            let level = 0.03 * stream.normal();
            (0..4).map(|_| (level + 0.01 * stream.normal()).exp()).collect()
        };
        (0..3).map(|_| round(stream)).collect()
    };
    let welch = coverage(1000, 1.0, |stream| {
        let (first, second) = (measured(stream), measured(stream));
        let found = statistics::median_ratio(&first, &second, 0.95, &mut draws(6)).unwrap();
        found.interval.unwrap()
    });
    // Resampling the steps of all rounds would cover 0.8 here.
    assert!((0.93..0.99).contains(&welch), "{welch}");
}
