//! The memory of a training step in closed form.

use super::layers::Plan;

impl Plan {
    /// The most bytes of live tensors in a training step.
    pub fn training_peak(&self, batch_size: usize, momentum: bool) -> u64 {
        let kept: usize = self.layers.iter().map(|layer| layer.output.values()).sum();
        let parameters = self.parameters() * if momentum { 3 } else { 2 };
        4 * (parameters + kept * batch_size) as u64
    }

    /// The largest batch whose predicted peak is at most `limit` bytes; 0 where not even one image fits.
    pub fn largest_training_batch(&self, limit: u64, momentum: bool) -> usize {
        let fits = |batch_size: usize| self.training_peak(batch_size, momentum) <= limit;
        let mut high = 1;
        while fits(high) && high < 1 << 30 {
            high *= 2;
        }
        let mut low = 0;
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if fits(middle) { low = middle } else { high = middle }
        }
        low
    }
}
