//! Seeded draws on the host: the same numbers on every machine, backend and thread count.
//!
//! Each use has a stream of its own, named by the trial's seed, a purpose and a counter, so that a draw depends on
//! nothing that happened before it: epoch 7's batch order is the same whether or not epoch 6 ran in this process.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

/// The purpose of a stream of draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The network's initial weights.
    Initialization,
    /// The order of the training images of an epoch.
    BatchOrder,
    /// The changes to the training images of an epoch.
    Augmentation,
    /// The squares that are cut from the training images of an epoch.
    Cutout,
    /// How the training images of a batch are mixed.
    Mixup,
    /// Which training images are held out for validation.
    ValidationSplit,
    /// The seed that the device's own generator gets before a step, for dropout.
    Device,
    /// The synthetic data set.
    Synthetic,
    /// The places and the noise of the noisy digits.
    NoisyDigits,
    /// The pairs and places of the digits whose sum is asked for.
    DigitSums,
    /// The resamples of a bootstrap and the flips of a sign-flip test.
    Resampling,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Purpose::Initialization => "initialization",
            Purpose::BatchOrder => "batch-order",
            Purpose::Augmentation => "augmentation",
            Purpose::Cutout => "cutout",
            Purpose::Mixup => "mixup",
            Purpose::ValidationSplit => "validation-split",
            Purpose::Device => "device",
            Purpose::Synthetic => "synthetic",
            Purpose::NoisyDigits => "noisy-digits",
            Purpose::DigitSums => "digit-sums",
            Purpose::Resampling => "resampling",
        }
    }
}

/// A stream of draws.
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of a seed, a purpose and a counter (an epoch, an image, a layer).
    pub fn new(seed: u64, purpose: Purpose, counter: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(purpose.name());
        hash.update(seed.to_le_bytes());
        hash.update(counter.to_le_bytes());
        Self(ChaCha8Rng::from_seed(hash.finalize().into()))
    }

    /// The stream of a seed, a purpose and a name (a layer's, a tensor's).
    pub fn named(seed: u64, purpose: Purpose, name: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(purpose.name());
        hash.update(seed.to_le_bytes());
        hash.update(name);
        Self(ChaCha8Rng::from_seed(hash.finalize().into()))
    }

    /// Uniform over all 64-bit values.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `[0, 1)`, a multiple of 2^-53.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform over `0..bound`, without bias (Lemire 2019); `bound` is at least 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        loop {
            let product = u128::from(self.bits()) * u128::from(bound);
            let low = product as u64;
            if low >= bound || low >= bound.wrapping_neg() % bound {
                return (product >> 64) as u64;
            }
        }
    }

    /// Normal with mean 0 and standard deviation 1 (Box and Muller 1958, the cosine half).
    pub fn normal(&mut self) -> f64 {
        // 1 - u is in (0, 1], whose logarithm is finite.
        let radius = (-2.0 * libm::log(1.0 - self.uniform())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// A random order of `0..count` (Fisher and Yates).
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, self.below(last as u64 + 1) as usize);
        }
        order
    }
}
