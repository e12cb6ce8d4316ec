//! Dropout (Srivastava et al. 2014) whose mask is a function of a seed and a value's place alone.

use crate::kernels::parallel::pieces;

/// A dropout that was drawn: forward and backward set the same values to zero.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    share: f64,
    seed: u64,
}

impl Dropout {
    /// The share of values that are set to zero, and the seed of the mask.
    pub fn new(share: f64, seed: u64) -> Self {
        Self { share, seed }
    }

    /// Sets its share of the values to zero and multiplies the others by 1 / (1 - share), in place.
    pub fn apply(&self, values: &mut [f32]) {
        let cut = (self.share * f64::from(u32::MAX)) as u32;
        let scale = (1.0 / (1.0 - self.share)) as f32;
        pieces(values, |first, values| {
            // A draw of 64 bits serves two values; pieces start at even places.
            for (pair, values) in values.chunks_mut(2).enumerate() {
                let bits = mixed(self.seed.wrapping_add(((first / 2 + pair) as u64).wrapping_mul(STEP)));
                for (value, bits) in values.iter_mut().zip([bits as u32, (bits >> 32) as u32]) {
                    *value = if bits >= cut { *value * scale } else { 0.0 };
                }
            }
        });
    }
}

/// The step of SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators").
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Its mixing function.
fn mixed(state: u64) -> u64 {
    let state = state.wrapping_add(STEP);
    let state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}
