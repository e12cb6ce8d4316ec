//! A comparison of trained results in a sentence.

use super::metrics::{METRICS, Metric};
use super::trained::{TrainedComparison, Verdict};
use crate::words::counted;

fn metric_of(row: &TrainedComparison) -> &'static Metric {
    let found = METRICS.iter().find(|metric| metric.column == row.metric);
    found.unwrap_or(&METRICS[0])
}

/// The compared number's name with its unit, `test error (%)`.
pub fn heading(row: &TrainedComparison) -> &'static str {
    metric_of(row).heading
}

/// A value of the compared number as it is read; a difference has its sign.
pub fn number(row: &TrainedComparison, value: f64) -> String {
    metric_of(row).text(value)
}

/// Whether the difference counts as shown.
pub fn is_shown(row: &TrainedComparison) -> bool {
    row.verdict == Verdict::Differ
}

/// What B has against A: `test error 0.70 points lower, 95 % interval 0.10 to 1.30, n = 20 paired seeds`.
pub fn difference_in_words(row: &TrainedComparison) -> String {
    let metric = metric_of(row);
    let unit = match metric.heading.ends_with("(%)") {
        true => " points",
        false => "",
    };
    let size = |value: f64| metric.text(value.abs());
    let seeds = format!("n = {}", counted(row.n, "paired seed"));
    if row.verdict == Verdict::Equal {
        return format!("{} equal on every seed, {seeds}", metric.name());
    }
    let direction = |value: f64| if value < 0.0 { "lower" } else { "higher" };
    let interval = match row.interval {
        None => "no interval from so few".to_owned(),
        Some((low, high)) if low <= 0.0 && high >= 0.0 => {
            format!("95 % interval from {} lower to {} higher", size(low), size(high))
        }
        Some((low, high)) => {
            let (near, far) = if low > 0.0 { (low, high) } else { (high, low) };
            format!("95 % interval {} to {}", size(near), size(far))
        }
    };
    format!(
        "{} {}{unit} {}, {interval}, {seeds}",
        metric.name(),
        size(row.difference),
        direction(row.difference)
    )
}

/// What a reader has to add to the difference: empty where it is shown, else why it is not.
pub fn verdict_in_words(row: &TrainedComparison) -> String {
    let holds_zero = row.interval.is_none_or(|(low, high)| low <= 0.0 && high >= 0.0);
    match (row.verdict, row.p_adjusted.or(row.p)) {
        (Verdict::Differ | Verdict::Equal | Verdict::NotTested, _) => String::new(),
        (Verdict::NTooSmall, _) => "not shown: n is too small for any verdict".to_owned(),
        (Verdict::OtherSurvivors, _) => "not shown: other seeds failed on one side than on the other".to_owned(),
        (Verdict::NoDifferenceShown, Some(p)) if !holds_zero && row.p_adjusted.is_some() => {
            format!("not shown: among so many comparisons p is {p:.3} (Holm)")
        }
        (Verdict::NoDifferenceShown, Some(p)) if !holds_zero => format!("not shown: p is {p:.3}"),
        (Verdict::NoDifferenceShown, _) => "not shown".to_owned(),
    }
}

/// How many seeds would show a difference of this size; none where it is shown, or where so many did not show it by chance.
pub fn seeds_in_words(row: &TrainedComparison) -> Option<String> {
    if !matches!(row.verdict, Verdict::NTooSmall | Verdict::NoDifferenceShown) {
        return None;
    }
    match row.seeds_needed {
        Some(seeds) if seeds > row.n => Some(format!(
            "With this spread {seeds} seeds ({} more) would show a difference of this size (power 80 %).",
            seeds - row.n
        )),
        Some(_) => None,
        None if row.detectable.is_none() => Some("Three paired seeds would show how many it takes.".to_owned()),
        None if row.test_images.is_some() => {
            Some("A difference of this size takes more test images, whatever the seeds.".to_owned())
        }
        None => Some("A difference of this size takes more than a thousand seeds.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::trained::Test;
    use super::*;

    /// Twenty pairs that differ by 0.7 points.
    fn row() -> TrainedComparison {
        TrainedComparison {
            metric: "final_test_error",
            is_primary: true,
            seeds: (0..20).collect(),
            n: 20,
            test_images: Some(360),
            mean_a: 0.037,
            mean_b: 0.03,
            difference: -0.007,
            interval: Some((-0.013, -0.001)),
            interval_method: Some("seeds-and-images"),
            correlation: None,
            test: Some(Test::SeedsAndImages),
            p: Some(0.02),
            smallest_p: None,
            p_adjusted: None,
            verdict: Verdict::Differ,
            smaller_than: None,
            detectable: Some(0.006),
            seeds_needed: Some(16),
        }
    }

    #[test]
    fn a_difference_that_is_shown_has_its_size_direction_interval_and_n() {
        let shown = row();
        assert_eq!(
            difference_in_words(&shown),
            "test error 0.70 points lower, 95 % interval 0.10 to 1.30, n = 20 paired seeds"
        );
        assert_eq!(
            (verdict_in_words(&shown), seeds_in_words(&shown)),
            (String::new(), None)
        );
        let higher = TrainedComparison {
            difference: 0.007,
            interval: Some((0.001, 0.013)),
            ..row()
        };
        assert!(difference_in_words(&higher).contains("0.70 points higher, 95 % interval 0.10 to 1.30"));
    }

    #[test]
    fn an_interval_that_holds_zero_is_said_in_both_directions_with_the_seeds_that_it_takes() {
        let hidden = TrainedComparison {
            difference: -0.0044,
            interval: Some((-0.011, 0.0022)),
            p: Some(0.2),
            verdict: Verdict::NoDifferenceShown,
            seeds_needed: Some(64),
            ..row()
        };
        assert!(difference_in_words(&hidden).contains("95 % interval from 1.10 lower to 0.22 higher"));
        assert_eq!(verdict_in_words(&hidden), "not shown");
        assert_eq!(
            seeds_in_words(&hidden).unwrap(),
            "With this spread 64 seeds (44 more) would show a difference of this size (power 80 %)."
        );
        let images = TrainedComparison {
            seeds_needed: None,
            ..hidden
        };
        assert!(seeds_in_words(&images).unwrap().contains("more test images"));
    }

    #[test]
    fn what_one_of_many_comparisons_shows_alone_is_not_shown_and_says_by_which_p() {
        let one_of_many = TrainedComparison {
            p_adjusted: Some(0.063),
            verdict: Verdict::NoDifferenceShown,
            ..row()
        };
        assert_eq!(
            verdict_in_words(&one_of_many),
            "not shown: among so many comparisons p is 0.063 (Holm)"
        );
        assert_eq!(seeds_in_words(&one_of_many), None);
    }

    #[test]
    fn too_few_seeds_and_equal_ones_say_so() {
        let few = TrainedComparison {
            n: 2,
            verdict: Verdict::NTooSmall,
            detectable: None,
            seeds_needed: None,
            ..row()
        };
        assert!(verdict_in_words(&few).contains("n is too small"));
        assert!(seeds_in_words(&few).unwrap().starts_with("Three paired seeds"));
        let equal = TrainedComparison {
            verdict: Verdict::Equal,
            ..row()
        };
        assert_eq!(
            difference_in_words(&equal),
            "test error equal on every seed, n = 20 paired seeds"
        );
    }
}
