//! The comparisons of the primary number as one family.

use super::comparison::VariantComparison;
use super::trained::{SIGNIFICANCE, TrainedComparison, Verdict};
use crate::statistics::holm;

/// Adjusts the p values of the primary number over all pairs of variants by Holm's procedure, and judges by them. One
/// comparison alone stays as it is.
pub fn adjust(variants: &mut [VariantComparison]) {
    let mut family: Vec<&mut TrainedComparison> = (variants.iter_mut())
        .flat_map(|variant| &mut variant.trained)
        .filter(|row| row.is_primary && row.p.is_some() && is_judged(row.verdict))
        .collect();
    if family.len() < 2 {
        return;
    }
    let p: Vec<f64> = family.iter().filter_map(|row| row.p).collect();
    for (row, adjusted) in family.iter_mut().zip(holm(&p)) {
        row.p_adjusted = Some(adjusted);
        if row.verdict == Verdict::Differ && adjusted > SIGNIFICANCE {
            row.verdict = Verdict::NoDifferenceShown;
        }
    }
}

fn is_judged(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Differ | Verdict::NoDifferenceShown | Verdict::Equal)
}

#[cfg(test)]
mod tests {
    use super::super::super::noise_floor::NoiseFloor;
    use super::super::trained::Test;
    use super::*;

    fn row(metric: &'static str, p: f64, verdict: Verdict) -> TrainedComparison {
        TrainedComparison {
            metric,
            is_primary: metric == "final_test_error",
            seeds: vec![0, 1, 2],
            n: 3,
            test_images: Some(360),
            mean_a: 0.05,
            mean_b: 0.03,
            difference: -0.02,
            interval: None,
            interval_method: None,
            correlation: None,
            test: Some(Test::SeedsAndImages),
            p: Some(p),
            smallest_p: None,
            p_adjusted: None,
            verdict,
            smaller_than: None,
            detectable: None,
            seeds_needed: None,
        }
    }

    fn variant(trained: Vec<TrainedComparison>) -> VariantComparison {
        VariantComparison {
            variant_a: "k8".to_owned(),
            variant_b: "k12".to_owned(),
            settings: Vec::new(),
            trained,
            measured: Vec::new(),
            noise_floor: NoiseFloor::default(),
            trials: Vec::new(),
        }
    }

    #[test]
    fn what_one_of_several_comparisons_shows_must_withstand_their_number() {
        let test_error = |p| {
            row(
                "final_test_error",
                p,
                if p <= 0.05 {
                    Verdict::Differ
                } else {
                    Verdict::NoDifferenceShown
                },
            )
        };
        let mut variants = [
            variant(vec![test_error(0.01), row("final_test_loss", 0.04, Verdict::Differ)]),
            variant(vec![test_error(0.03)]),
            variant(vec![test_error(0.4)]),
            variant(vec![row("final_test_error", 0.001, Verdict::OtherSurvivors)]),
        ];
        adjust(&mut variants);
        let found: Vec<(Option<f64>, Verdict)> = variants
            .iter()
            .map(|variant| (variant.trained[0].p_adjusted, variant.trained[0].verdict))
            .collect();
        assert_eq!(found[0], (Some(0.03), Verdict::Differ));
        assert_eq!(found[1], (Some(0.06), Verdict::NoDifferenceShown));
        assert_eq!(found[2], (Some(0.4), Verdict::NoDifferenceShown));
        assert_eq!(found[3], (None, Verdict::OtherSurvivors));
        let exploratory = &variants[0].trained[1];
        assert_eq!((exploratory.p_adjusted, exploratory.verdict), (None, Verdict::Differ));
    }

    #[test]
    fn one_comparison_is_not_adjusted() {
        let mut variants = [variant(vec![row("final_test_error", 0.04, Verdict::Differ)])];
        adjust(&mut variants);
        assert_eq!(variants[0].trained[0].p_adjusted, None);
        assert_eq!(variants[0].trained[0].verdict, Verdict::Differ);
    }
}
