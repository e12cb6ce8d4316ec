//! Differences of pairs: how large they are in the mean, and whether they could be chance.

use super::bootstrap::{Draw, bootstrap_mean_interval};
use super::location::{mean, mean_interval};

/// From this many pairs on the interval comes from a bootstrap. Below, a percentile bootstrap covers too little, and
/// Student's t does not.
pub const BOOTSTRAP_FROM: usize = 10;

/// Up to this many differences that are not zero, the sign-flip test enumerates all 2^n ways to flip them.
const EXACT_UP_TO: usize = 20;

/// Ways to flip that are drawn beyond that.
const DRAWN_FLIPS: usize = 99_999;

/// From this many differences on fewer are drawn: time grows with both, and p stays exact to a ten-thousandth.
const MANY: usize = 500;
const DRAWN_OF_MANY: usize = 9_999;

/// Where an interval of a mean difference comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeanIntervalMethod {
    /// Student's t.
    StudentT,
    /// The expanded percentile bootstrap.
    Bootstrap,
}

/// The mean of paired differences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanDifference {
    /// Pairs.
    pub n: usize,
    /// The mean difference.
    pub mean: f64,
    /// Its interval; none of one pair.
    pub interval: Option<(f64, f64)>,
    /// Where the interval comes from.
    pub method: MeanIntervalMethod,
}

/// The mean of paired differences with its interval at a confidence such as 0.95: by Student's t below
/// [`BOOTSTRAP_FROM`] pairs, by [`bootstrap_mean_interval`] from there on. `None` of no pairs.
pub fn mean_difference(differences: &[f64], confidence: f64, draw: Draw<'_>) -> Option<MeanDifference> {
    let n = differences.len();
    let (interval, method) = if n < BOOTSTRAP_FROM {
        (mean_interval(differences, confidence), MeanIntervalMethod::StudentT)
    } else {
        let interval = bootstrap_mean_interval(differences, confidence, draw);
        (interval, MeanIntervalMethod::Bootstrap)
    };
    Some(MeanDifference {
        n,
        mean: mean(differences)?,
        interval,
        method,
    })
}

/// Pearson's correlation of pairs: how far what the pair shares moves both sides together. Only that part of the spread
/// cancels in their difference. `None` below three pairs, and where one side does not vary.
pub fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    if pairs.len() < 3 {
        return None;
    }
    let side = |of: fn(&(f64, f64)) -> f64| -> Option<Vec<f64>> {
        let values: Vec<f64> = pairs.iter().map(of).collect();
        let mean = mean(&values)?;
        Some(values.iter().map(|value| value - mean).collect())
    };
    let (a, b) = (side(|pair| pair.0)?, side(|pair| pair.1)?);
    let product = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(one, other)| one * other).sum::<f64>();
    let scale = product(&a, &a).sqrt() * product(&b, &b).sqrt();
    (scale > 0.0).then(|| (product(&a, &b) / scale).clamp(-1.0, 1.0))
}

/// The result of the sign-flip test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignFlip {
    /// The share of ways to flip the differences' signs whose mean is at least as far from 0 as the one seen.
    pub p: f64,
    /// The smallest p that this many differences can have: 2 / 2^n, n without those that are zero.
    pub smallest_p: f64,
    /// Whether all ways were enumerated; else they were drawn.
    pub exact: bool,
}

impl SignFlip {
    /// Whether this many differences can be significant at a level at all, however large they are.
    pub fn can_reach(&self, level: f64) -> bool {
        self.smallest_p <= level
    }
}

/// The two-sided sign-flip test of paired differences (Fisher's randomisation test): if the pairs' two sides were
/// exchangeable, each difference could as well have had the other sign. Exact up to 20 differences that are not zero;
/// beyond, 99,999 drawn ways, or 9,999 from 500 differences on, with p = (b + 1) / (m + 1) (Phipson and Smyth 2010). `None` of no differences.
pub fn sign_flip_test(differences: &[f64], draw: Draw<'_>) -> Option<SignFlip> {
    if differences.is_empty() {
        return None;
    }
    // A zero flips into itself: it leaves every sum as it is.
    let differences: Vec<f64> = differences
        .iter()
        .copied()
        .filter(|&difference| difference != 0.0)
        .collect();
    let n = differences.len();
    let seen: f64 = differences.iter().sum::<f64>().abs();
    // Sums that are equal but for rounding count as equal.
    let rounding = 1e-12 * differences.iter().map(|difference| difference.abs()).sum::<f64>();
    let is_as_far = |sum: f64| sum.abs() >= seen - rounding;
    if n == 0 {
        return Some(SignFlip {
            p: 1.0,
            smallest_p: 1.0,
            exact: true,
        });
    }
    if n <= EXACT_UP_TO {
        // Flipping all signs changes no distance from 0, so the last keeps its own.
        let ways = 1_u32 << (n - 1);
        let far = (0..ways).filter(|&way| is_as_far(flipped_sum(&differences, |index| way >> index & 1 == 1)));
        return Some(SignFlip {
            p: far.count() as f64 / f64::from(ways),
            smallest_p: 1.0 / f64::from(ways),
            exact: true,
        });
    }
    let drawn = if n < MANY { DRAWN_FLIPS } else { DRAWN_OF_MANY };
    let far = (0..drawn).filter(|_| is_as_far(flipped_sum(&differences, |_| draw(2) == 1)));
    let drawn = (drawn + 1) as f64;
    Some(SignFlip {
        p: (far.count() + 1) as f64 / drawn,
        smallest_p: 1.0 / drawn,
        exact: false,
    })
}

fn flipped_sum(differences: &[f64], mut flips: impl FnMut(usize) -> bool) -> f64 {
    (differences.iter().enumerate())
        .map(|(index, difference)| if flips(index) { -difference } else { *difference })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never(_: u64) -> u64 {
        unreachable!("nothing is drawn for so few")
    }

    #[test]
    fn of_many_differences_fewer_ways_are_drawn_and_p_says_so() {
        for (n, drawn) in [(MANY - 1, 99_999), (MANY, 9_999)] {
            let mut flips = 0;
            // Never flipped, each way is as far out as the one seen.
            let test = sign_flip_test(&vec![1.0; n], &mut |_| {
                flips += 1;
                0
            });
            let test = test.unwrap();
            assert_eq!((flips, test.p, test.exact), (n * drawn, 1.0, false));
            assert_eq!(test.smallest_p, 1.0 / (drawn + 1) as f64);
        }
    }

    #[test]
    fn three_pairs_never_go_below_a_quarter_and_five_not_below_a_sixteenth() {
        let three = sign_flip_test(&[0.01, 0.02, 0.03], &mut never).unwrap();
        assert_eq!((three.p, three.smallest_p, three.exact), (0.25, 0.25, true));
        let five = sign_flip_test(&[1.0, 2.0, 3.0, 4.0, 5.0], &mut never).unwrap();
        assert_eq!((five.p, five.can_reach(0.05)), (0.0625, false));
        let six = sign_flip_test(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &mut never).unwrap();
        assert_eq!((six.p, six.can_reach(0.05)), (0.03125, true));
    }

    #[test]
    fn differences_of_both_signs_are_counted_out() {
        // Sums of ±1 ±2 ±4 are -7, -5, -3, -1, 1, 3, 5, 7; four of them are at least 5 from 0.
        assert_eq!(sign_flip_test(&[-1.0, 2.0, 4.0], &mut never).unwrap().p, 0.5);
    }

    #[test]
    fn ties_that_rounding_separates_count_as_ties() {
        // 0.1 + 0.2 - 0.3 is not 0 in floating point; every way that gives it must count.
        let found = sign_flip_test(&[0.1, 0.2, -0.3], &mut never).unwrap();
        assert_eq!(found.p, 1.0);
    }

    #[test]
    fn a_zero_difference_does_not_change_the_verdict() {
        let with_zero = sign_flip_test(&[1.0, 2.0, 0.0, 3.0], &mut never).unwrap();
        assert_eq!((with_zero.p, with_zero.smallest_p), (0.25, 0.25));
        let all_zero = sign_flip_test(&[0.0; 8], &mut never).unwrap();
        assert_eq!((all_zero.p, all_zero.can_reach(0.05)), (1.0, false));
    }

    #[test]
    fn correlation_is_of_pairs_that_vary() {
        let of = |a: &[f64], b: &[f64]| correlation(&a.iter().copied().zip(b.iter().copied()).collect::<Vec<_>>());
        assert!((of(&[1.0, 2.0, 3.0], &[5.0, 7.0, 9.0]).unwrap() - 1.0).abs() < 1e-15);
        assert!((of(&[1.0, 2.0, 3.0], &[9.0, 7.0, 5.0]).unwrap() + 1.0).abs() < 1e-15);
        assert!((of(&[1.0, 2.0, 3.0, 4.0], &[1.0, 3.0, 2.0, 4.0]).unwrap() - 0.8).abs() < 1e-15);
        assert_eq!(of(&[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0]), None);
        assert_eq!(of(&[1.0, 2.0], &[5.0, 6.0]), None);
    }

    #[test]
    fn no_pairs_have_neither_difference_nor_test() {
        assert_eq!(mean_difference(&[], 0.95, &mut never), None);
        assert_eq!(sign_flip_test(&[], &mut never), None);
        let one = mean_difference(&[0.5], 0.95, &mut never).unwrap();
        assert_eq!((one.n, one.mean, one.interval), (1, 0.5, None));
    }
}
