//! Mixup (Zhang et al. 2018, arXiv 1710.09412): each image of a batch is mixed with another of it, and so is its target.

use burn::tensor::{Int, Tensor, TensorData};
use statrs::distribution::{Beta, ContinuousCDF};

use super::loss::Targets;
use crate::random::{Purpose, Stream};

/// Shares are multiples of 1 / this, so that they do not follow the last bits of a library's functions.
const STEPS_OF_SHARE: f64 = 65536.0;

/// How the images of one batch are mixed: one share for all, as in the authors' code.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// lambda: the share of an image itself, from 0 to 1.
    share: f64,
    /// The image that each is mixed with, a permutation of the batch.
    partners: Vec<i64>,
}

impl Mixture {
    /// The draw for a step's batch of `images` images: lambda from Beta(`alpha`, `alpha`), and a permutation. It depends on
    /// nothing else.
    pub fn draw(alpha: f64, seed: u64, step: usize, images: usize) -> Self {
        let mut stream = Stream::new(seed, Purpose::Mixup, step as u64);
        let uniform = stream.uniform();
        // The rule of the ablation file is alpha > 0, of which Beta takes any.
        let drawn = Beta::new(alpha, alpha).map_or(1.0, |beta| beta.inverse_cdf(uniform));
        let share = (drawn.clamp(0.0, 1.0) * STEPS_OF_SHARE).round() / STEPS_OF_SHARE;
        let partners = stream.permutation(images).into_iter().map(|image| image as i64);
        Self {
            share,
            partners: partners.collect(),
        }
    }

    /// The mixed images `[batch, channels, height, width]`, and the targets of their labels `[batch]`.
    pub fn apply(&self, images: Tensor<4>, labels: Tensor<1, Int>) -> (Tensor<4>, Targets) {
        let count = self.partners.len();
        let partners = Tensor::<1, Int>::from_data(TensorData::new(self.partners.clone(), [count]), &images.device());
        let others = images.clone().select(0, partners.clone());
        let mixed = images.mul_scalar(self.share) + others.mul_scalar(1.0 - self.share);
        let other_labels = labels.clone().select(0, partners);
        (mixed, Targets::labels(labels).mixed(other_labels, self.share))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn the_shares_have_the_mean_and_the_variance_of_the_beta_distribution() {
        for alpha in [0.2, 1.0, 4.0] {
            let draws: Vec<f64> = (0..20_000).map(|step| Mixture::draw(alpha, 3, step, 1).share).collect();
            let mean = draws.iter().sum::<f64>() / draws.len() as f64;
            let variance = draws.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / draws.len() as f64;
            // Of Beta(a, a): 1/2 and 1 / (4 (2a + 1)). Four standard errors of a mean at alpha = 0.2 are 0.012.
            let expected = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            assert!((mean - 0.5).abs() < 0.012, "{alpha}: {mean}");
            assert!(
                (variance / expected - 1.0).abs() < 0.05,
                "{alpha}: {variance} and {expected}"
            );
        }
    }

    #[test]
    fn a_draw_depends_on_seed_and_step_and_pairs_every_image() {
        let draw = Mixture::draw(0.2, 1, 2, 50);
        assert_eq!(draw, Mixture::draw(0.2, 1, 2, 50));
        assert_ne!(draw, Mixture::draw(0.2, 2, 2, 50));
        assert_ne!(draw, Mixture::draw(0.2, 1, 3, 50));
        let mut partners = draw.partners;
        partners.sort_unstable();
        assert_eq!(partners, (0..50).collect::<Vec<i64>>());
    }

    #[test]
    fn images_are_mixed_with_their_partners() {
        let device = Device::flex();
        let images = Tensor::<4>::from_data(TensorData::new(vec![1f32, 3.0, 10.0, 30.0], [2, 1, 1, 2]), &device);
        let labels = Tensor::<1, Int>::from_data(TensorData::new(vec![0i64, 1], [2]), &device);
        let mixture = Mixture {
            share: 0.75,
            partners: vec![1, 0],
        };
        let (mixed, _) = mixture.apply(images, labels);
        let mixed: Vec<f32> = mixed.into_data().iter::<f32>().collect();
        assert_eq!(mixed, [3.25, 9.75, 7.75, 23.25]);
    }
}
