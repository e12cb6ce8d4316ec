//! Several comparisons at once.

/// The p values of a family of comparisons, each adjusted by Holm's step-down procedure (Holm 1979): where all of those that
/// stay at or below 0.05 are called differences, the probability that any of them is none is at most 0.05, however the
/// comparisons depend on each other.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&one, &other| p[one].total_cmp(&p[other]));
    let mut adjusted = vec![1.0; p.len()];
    let mut least = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        let left = (p.len() - rank) as f64;
        least = least.max((left * p[index]).min(1.0));
        adjusted[index] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_p_is_multiplied_by_the_number_of_comparisons_and_no_other_falls_below_it() {
        let adjusted = holm(&[0.04, 0.01, 0.03, 0.005]);
        for (found, expected) in adjusted.iter().zip([0.06, 0.03, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-15, "{adjusted:?}");
        }
    }

    #[test]
    fn one_comparison_stays_as_it_is_and_none_exceeds_one() {
        assert_eq!(holm(&[0.03]), [0.03]);
        assert_eq!(holm(&[0.6, 0.9, 0.9]), [1.0, 1.0, 1.0]);
        assert_eq!(holm(&[]), Vec::<f64>::new());
    }

    #[test]
    fn false_alarms_of_a_whole_family_stay_below_their_level() {
        // Ten comparisons without a difference: p uniform, from Knuth's generator.
        let mut state = 7_u64;
        let mut uniform = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let families = 4000;
        let (mut plain, mut by_holm) = (0, 0);
        for _ in 0..families {
            let p: Vec<f64> = (0..10).map(|_| uniform()).collect();
            plain += usize::from(p.iter().any(|&p| p <= 0.05));
            by_holm += usize::from(holm(&p).iter().any(|&p| p <= 0.05));
        }
        let share = |count: usize| count as f64 / f64::from(families);
        assert!(share(plain) > 0.35, "{plain}");
        assert!(share(by_holm) < 0.06, "{by_holm}");
    }
}
