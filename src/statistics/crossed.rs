//! Means over seeds and test images at once: every seed has an outcome of every image.
//!
//! An error is a mean over two samples, the seeds that were trained and the images that happen to be in the test set, and
//! other seeds and other images would have given another. The outcome y of seed s on image i is taken apart as in an analysis
//! of variance of two crossed random factors: y = mean + seed + image + rest. The mean's variance is then that of the seeds'
//! means over their number (which holds the rest's part), and that of the images' own part over theirs.

use super::location::{mean, sample_standard_deviation, standard_normal_quantile, student_t_quantile};

/// The share of studies in which a difference of [`CrossedMean::detectable`]'s size shows.
pub const POWER: f64 = 0.8;

/// The most seeds that [`CrossedMean::seeds_for`] looks at.
const MOST_SEEDS: usize = 1000;

/// The smallest p that is told from zero.
const SMALLEST_P: f64 = 1e-9;

/// A mean over seeds and test images, and where its doubt comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrossedMean {
    /// Seeds.
    pub seeds: usize,
    /// Test images; 0 where the mean is not one over images.
    pub images: usize,
    /// The mean of all outcomes.
    pub mean: f64,
    /// The sample variance of the seeds' means.
    of_seeds: f64,
    /// What that variance is at least, since each seed's mean is over finitely many images: the rest's variance over their
    /// number. Seeds that agree to the last image by chance are not taken for ones that always do.
    of_rest: f64,
    /// The images' own variance over their number.
    of_images: f64,
}

impl CrossedMean {
    /// The mean error: for each seed, which images it got right. The images' variance is Agresti and Coull's: it is counted
    /// with four more images, two right and two wrong for every seed, so that no wrong image is not no doubt.
    ///
    /// `None` below two seeds or two images, and of seeds with different numbers of images.
    pub fn of_errors(correct: &[&[bool]]) -> Option<Self> {
        let outcomes: Vec<Vec<i8>> = (correct.iter())
            .map(|seed| seed.iter().map(|&is_right| i8::from(!is_right)).collect())
            .collect();
        Self::of(&outcomes, 4.0, |mean| 2.0 * mean.powi(2) + 2.0 * (1.0 - mean).powi(2))
    }

    /// The mean of B's error less A's: for each seed, which images A and B got right. As in Agresti and Min's interval of
    /// paired proportions, the images' variance is counted with half an image for each of the four outcomes of a pair.
    ///
    /// `None` as of [`CrossedMean::of_errors`].
    pub fn of_differences(pairs: &[(&[bool], &[bool])]) -> Option<Self> {
        if pairs.iter().any(|(a, b)| a.len() != b.len()) {
            return None;
        }
        let outcomes: Vec<Vec<i8>> = (pairs.iter())
            .map(|(a, b)| a.iter().zip(*b).map(|(&a, &b)| i8::from(a) - i8::from(b)).collect())
            .collect();
        Self::of(&outcomes, 2.0, |mean| {
            0.5 * (1.0 - mean).powi(2) + 0.5 * (1.0 + mean).powi(2) + mean.powi(2)
        })
    }

    /// The mean of one number a seed that is no count of images, such as a difference of losses.
    ///
    /// `None` below two seeds.
    pub fn of_seeds(values: &[f64]) -> Option<Self> {
        Some(Self {
            seeds: values.len(),
            images: 0,
            mean: mean(values)?,
            of_seeds: sample_standard_deviation(values)?.powi(2),
            of_rest: 0.0,
            of_images: 0.0,
        })
    }

    /// The mean of outcomes, a row for each seed, with so many more images whose squared deviations from the mean sum up to
    /// `more_squares`.
    fn of(outcomes: &[Vec<i8>], more: f64, more_squares: impl Fn(f64) -> f64) -> Option<Self> {
        let images = outcomes.first()?.len();
        if outcomes.len() < 2 || images < 2 || outcomes.iter().any(|seed| seed.len() != images) {
            return None;
        }
        let (s, i) = (outcomes.len() as f64, images as f64);
        let sum = |values: &mut dyn Iterator<Item = i8>| values.map(i64::from).sum::<i64>() as f64;
        let seed_means: Vec<f64> = outcomes.iter().map(|seed| sum(&mut seed.iter().copied()) / i).collect();
        let image_means: Vec<f64> = (0..images)
            .map(|image| sum(&mut outcomes.iter().map(|seed| seed[image])) / s)
            .collect();
        let mean = seed_means.iter().sum::<f64>() / s;
        let squares = |means: &[f64]| means.iter().map(|own| (own - mean).powi(2)).sum::<f64>();
        let of_rest = (outcomes.iter().zip(&seed_means))
            .flat_map(|(seed, of_seed)| seed.iter().zip(&image_means).map(move |pair| (of_seed, pair)))
            .map(|(of_seed, (&outcome, of_image))| (f64::from(outcome) - of_seed - of_image + mean).powi(2))
            .sum::<f64>()
            / ((s - 1.0) * (i - 1.0));
        let of_image_means = (squares(&image_means) + more_squares(mean)) / (i + more - 1.0);
        Some(Self {
            seeds: outcomes.len(),
            images,
            mean,
            of_seeds: squares(&seed_means) / (s - 1.0),
            of_rest: of_rest / i,
            of_images: (of_image_means - of_rest / s).max(0.0) / i,
        })
    }

    /// The half-width of an interval whose ends are at this quantile (0.975 for a two-sided 95 %), with so many seeds:
    /// squares add up of Student's t over the seeds, of a normal over the images.
    fn half_width(&self, quantile: f64, seeds: usize) -> Option<f64> {
        let (t, z) = (
            student_t_quantile(quantile, seeds.checked_sub(1)?)?,
            standard_normal_quantile(quantile)?,
        );
        let over_seeds = (t * t * self.of_seeds).max(z * z * self.of_rest) / seeds as f64;
        Some((over_seeds + z * z * self.of_images).sqrt())
    }

    /// The interval at a confidence such as 0.95. `None` for a confidence outside (0, 1).
    pub fn interval(&self, confidence: f64) -> Option<(f64, f64)> {
        let half_width = self.half_width(0.5 + confidence / 2.0, self.seeds)?;
        Some((self.mean - half_width, self.mean + half_width))
    }

    /// The standard error that the images leave, however many seeds there are.
    pub fn standard_error_of_images(&self) -> f64 {
        self.of_images.sqrt()
    }

    /// The two-sided p of a mean of zero: the interval at the confidence 1 - p ends at zero. Never below 1e-9.
    pub fn p_of_zero(&self) -> f64 {
        if self.mean == 0.0 {
            return 1.0;
        }
        let excludes_zero = |p: f64| {
            let half_width = self.half_width(1.0 - p / 2.0, self.seeds);
            half_width.is_some_and(|half_width| half_width < self.mean.abs())
        };
        // On a scale of logarithms, so that small ones are as exact.
        let (mut low, mut high) = (SMALLEST_P.ln(), 0.0_f64);
        if excludes_zero(SMALLEST_P) {
            return SMALLEST_P;
        }
        for _ in 0..50 {
            let middle = f64::midpoint(low, high);
            if excludes_zero(middle.exp()) {
                high = middle;
            } else {
                low = middle;
            }
        }
        high.exp()
    }

    /// How large a true mean must be for so many seeds on these images to show, at a 95 % interval, in [`POWER`] of all
    /// studies that it is not zero. `None` below two seeds.
    pub fn detectable(&self, seeds: usize) -> Option<f64> {
        Some(self.half_width(0.975, seeds)? + self.half_width(POWER, seeds)?)
    }

    /// The fewest seeds with which a true mean of this size would show. `None` where a thousand do not suffice: the test
    /// images are then too few.
    pub fn seeds_for(&self, size: f64) -> Option<usize> {
        let shows = |seeds: usize| self.detectable(seeds).is_some_and(|least| least <= size.abs());
        if !shows(MOST_SEEDS) {
            return None;
        }
        let (mut too_few, mut enough) = (1, MOST_SEEDS);
        while enough - too_few > 1 {
            let middle = usize::midpoint(too_few, enough);
            if shows(middle) {
                enough = middle;
            } else {
                too_few = middle;
            }
        }
        Some(enough)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of so many images are right, all but these.
    fn all_but(wrong: std::ops::Range<usize>, images: usize) -> Vec<bool> {
        (0..images).map(|image| !wrong.contains(&image)).collect()
    }

    fn errors(seeds: &[Vec<bool>]) -> CrossedMean {
        let seeds: Vec<&[bool]> = seeds.iter().map(Vec::as_slice).collect();
        CrossedMean::of_errors(&seeds).unwrap()
    }

    #[test]
    fn a_small_table_is_taken_apart_as_by_hand() {
        // Wrong: seed 0 image 0; seed 1 images 0 and 1; of four images.
        let found = errors(&[all_but(0..1, 4), all_but(0..2, 4)]);
        assert!((found.mean - 0.375).abs() < 1e-15);
        // Seeds' means 1/4 and 1/2; images' means 1, 1/2, 0, 0.
        assert!((found.of_seeds - 0.03125).abs() < 1e-15);
        // Residuals ±0.125 thrice and ±0.375 once a seed: 2 (3/64 + 9/64) / 3 = 0.0625 * 2.
        let rest = 2.0 * (3.0 * 0.125_f64.powi(2) + 0.375_f64.powi(2)) / 3.0;
        assert!((found.of_rest - rest / 4.0).abs() < 1e-15, "{found:?}");
        let images = 0.625_f64.powi(2) + 0.125_f64.powi(2) + 2.0 * 0.375_f64.powi(2);
        let more = 2.0 * 0.375_f64.powi(2) + 2.0 * 0.625_f64.powi(2);
        let own = (images + more) / 7.0 - rest / 2.0;
        assert!((found.of_images - own / 4.0).abs() < 1e-15, "{found:?}");
    }

    #[test]
    fn seeds_that_miss_the_same_images_leave_the_doubt_of_the_images() {
        let found = errors(&vec![all_but(0..9, 360); 3]);
        let (low, high) = found.interval(0.95).unwrap();
        // As one binomial sample of 360: p = 11 / 364, 1.96 * sqrt(p (1 - p) / 360) = 0.0177.
        assert!(
            (high - 0.025 - 0.0177).abs() < 5e-4 && (0.025 - low - 0.0177).abs() < 5e-4,
            "{low} {high}"
        );
    }

    #[test]
    fn seeds_that_miss_as_many_but_other_images_are_not_taken_for_exact() {
        let seeds = [all_but(0..9, 360), all_but(9..18, 360), all_but(18..27, 360)];
        let found = errors(&seeds);
        let (low, high) = found.interval(0.95).unwrap();
        // The seeds' means agree, and yet their mean is one of 27 wrong in 1,080: at least 1.96 * sqrt(p (1 - p) / 1080).
        assert!(high - low > 2.0 * 0.0090 && high - low < 2.0 * 0.0180, "{low} {high}");
        let none = errors(&vec![all_but(0..0, 360); 3]);
        assert!(none.interval(0.95).unwrap().1 > 1.0 / 360.0);
    }

    #[test]
    fn a_difference_is_paired_on_images() {
        // Both miss the same hard images; B misses two more.
        let pairs: Vec<(Vec<bool>, Vec<bool>)> = (0..5).map(|_| (all_but(0..30, 360), all_but(0..32, 360))).collect();
        let views: Vec<(&[bool], &[bool])> = pairs.iter().map(|(a, b)| (a.as_slice(), b.as_slice())).collect();
        let found = CrossedMean::of_differences(&views).unwrap();
        assert!((found.mean - 2.0 / 360.0).abs() < 1e-15);
        let (low, high) = found.interval(0.95).unwrap();
        assert!(
            high - low < 0.02,
            "the images that both miss leave no doubt: {low} {high}"
        );
        assert!(low < 0.0, "two images of 360 are not enough: {low}");
        let swapped: Vec<(&[bool], &[bool])> = views.iter().map(|&(a, b)| (b, a)).collect();
        assert!((CrossedMean::of_differences(&swapped).unwrap().mean + found.mean).abs() < 1e-15);
    }

    #[test]
    fn p_is_where_the_interval_ends_at_zero() {
        let pairs: Vec<(Vec<bool>, Vec<bool>)> = (0..6)
            .map(|seed| (all_but(0..20, 360), all_but(0..28 + seed, 360)))
            .collect();
        let views: Vec<(&[bool], &[bool])> = pairs.iter().map(|(a, b)| (a.as_slice(), b.as_slice())).collect();
        let found = CrossedMean::of_differences(&views).unwrap();
        let p = found.p_of_zero();
        assert!(p > SMALLEST_P && p < 0.05, "{p}");
        let (low, _) = found.interval(1.0 - p).unwrap();
        assert!(low.abs() < 1e-9, "{low}");
        let same: Vec<(&[bool], &[bool])> = views.iter().map(|&(a, _)| (a, a)).collect();
        assert_eq!(CrossedMean::of_differences(&same).unwrap().p_of_zero(), 1.0);
    }

    #[test]
    fn more_seeds_show_smaller_differences_down_to_what_the_images_allow() {
        let pairs: Vec<(Vec<bool>, Vec<bool>)> = (0..5)
            .map(|seed| (all_but(0..20, 360), all_but(0..18 + 2 * seed, 360)))
            .collect();
        let views: Vec<(&[bool], &[bool])> = pairs.iter().map(|(a, b)| (a.as_slice(), b.as_slice())).collect();
        let found = CrossedMean::of_differences(&views).unwrap();
        let least = |seeds| found.detectable(seeds).unwrap();
        assert!(least(5) > least(10) && least(10) > least(100));
        let size = least(20);
        assert_eq!(found.seeds_for(size), Some(20));
        assert_eq!(
            found.seeds_for(found.standard_error_of_images()),
            None,
            "the images are too few"
        );
        assert_eq!(found.detectable(1), None);
    }

    #[test]
    fn numbers_of_seeds_alone_have_students_interval() {
        let values = [0.3, 0.5, 0.1, 0.4];
        let found = CrossedMean::of_seeds(&values).unwrap();
        let (expected, (low, high)) = (
            super::super::mean_interval(&values, 0.95).unwrap(),
            found.interval(0.95).unwrap(),
        );
        assert!((low - expected.0).abs() < 1e-12 && (high - expected.1).abs() < 1e-12);
        assert_eq!(CrossedMean::of_seeds(&[0.5]), None);
    }

    #[test]
    fn too_few_and_misshapen_tables_have_no_mean() {
        assert_eq!(CrossedMean::of_errors(&[]), None);
        assert_eq!(CrossedMean::of_errors(&[&[true, false]]), None);
        assert_eq!(CrossedMean::of_errors(&[&[true, false], &[true]]), None);
        let (two, one): (&[bool], &[bool]) = (&[true, false], &[true]);
        assert_eq!(CrossedMean::of_differences(&[(two, one); 2]), None);
    }
}
