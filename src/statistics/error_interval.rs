//! The interval of a test error: it is of seeds, and of the images that happen to be in the test set.

use super::location::{mean, mean_interval, standard_normal_quantile};

/// The standard error of an error that was counted on so many images, from the images alone: sqrt(p (1 - p) / images). For p
/// it takes (wrong + 2) / (images + 4), Agresti and Coull's, so that no wrong image does not mean no doubt.
///
/// `error` is a share from 0 to 1. `None` without an image.
pub fn standard_error_of_images(error: f64, images: usize) -> Option<f64> {
    if images == 0 {
        return None;
    }
    let images = images as f64;
    let share = (error * images + 2.0) / (images + 4.0);
    Some((share * (1.0 - share) / images).sqrt())
}

/// The interval of the mean of errors, one a seed, all counted on the same `images` test images: of what other seeds and
/// other images of the same kind would give. The squares of two half-widths add up: Student's t interval over the seeds, and
/// the normal one of the images. (Satterthwaite's degrees of freedom for the sum of the variances cover too little at two and
/// three seeds, since they are large whenever the seeds happen to agree.) Which image each seed got wrong is not looked at; the
/// images' variance is then the largest that it can be, and the interval covers the truth at least as often as `confidence`
/// (`scripts/error-coverage.py`). It stays within `[0, 1]`.
///
/// `None` below two seeds, without an image, and for a confidence outside (0, 1).
pub fn error_interval(errors: &[f64], images: usize, confidence: f64) -> Option<(f64, f64)> {
    let (low, high) = mean_interval(errors, confidence)?;
    let (mean, of_seeds) = (mean(errors)?, (high - low) / 2.0);
    let of_images = standard_normal_quantile(0.5 + confidence / 2.0)? * standard_error_of_images(mean, images)?;
    let half_width = of_seeds.hypot(of_images);
    Some(((mean - half_width).max(0.0), (mean + half_width).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_that_agree_leave_the_doubt_of_the_images() {
        // Nine of 360 images each: p = 11 / 364, 1.96 * sqrt(p (1 - p) / 360) = 0.017682.
        let (low, high) = error_interval(&[0.025; 3], 360, 0.95).unwrap();
        assert!(
            (low - (0.025 - 0.017_682)).abs() < 1e-5 && (high - 0.042_682).abs() < 1e-5,
            "{low} {high}"
        );
        // No wrong image is not no doubt, and no interval leaves the shares.
        let (low, high) = error_interval(&[0.0; 3], 360, 0.95).unwrap();
        assert!(low == 0.0 && high > 1.0 / 360.0);
        assert_eq!(error_interval(&[0.1, 0.9], 360, 0.95).unwrap(), (0.0, 1.0));
    }

    #[test]
    fn with_many_images_it_is_the_interval_over_seeds() {
        let errors = [0.024, 0.025, 0.029];
        let (low, high) = error_interval(&errors, usize::MAX, 0.95).unwrap();
        let (t_low, t_high) = super::super::mean_interval(&errors, 0.95).unwrap();
        assert!((low - t_low).abs() < 1e-9 && (high - t_high).abs() < 1e-9);
    }

    #[test]
    fn too_few_seeds_or_images_have_none() {
        assert_eq!(error_interval(&[0.1], 360, 0.95), None);
        assert_eq!(error_interval(&[0.1, 0.2], 0, 0.95), None);
    }
}
