//! Softmax and cross-entropy, the loss of a batch and its gradient.
//!
//! With z the logits of an image and t its target, a share for each class that sums to 1, the loss is - sum t_j log p_j, where
//! log p_j = z_j - max z - ln sum exp(z - max z); its gradient by z is p - t. All in f64, class by class and image by
//! image, with exp and ln of `libm`, whose bits are those of its source on every processor.

use crate::kernels::buffer::Buffer;

/// The targets of a batch.
#[derive(Clone, Debug)]
pub struct Targets {
    /// The class of each image.
    pub labels: Vec<usize>,
    /// Other classes, and the share of the target that the first ones have; the rest is theirs.
    pub mixed: Option<(Vec<usize>, f64)>,
    /// The share of the target that is spread over all classes alike.
    pub smoothing: f64,
}

impl Targets {
    /// The share of each class in an image's target.
    fn fill(&self, image: usize, target: &mut [f64]) {
        target.fill(self.smoothing / target.len() as f64);
        let sharp = 1.0 - self.smoothing;
        let share = self.mixed.as_ref().map_or(1.0, |(_, share)| *share);
        target[self.labels[image]] += sharp * share;
        if let Some((others, share)) = &self.mixed {
            target[others[image]] += sharp * (1.0 - share);
        }
    }
}

/// The mean loss over the images of `logits`, `[images, classes]`, in nats, and its gradient.
///
/// # Panics
/// Of labels that are no class, and of fewer labels than images.
pub fn cross_entropy(logits: &[f32], classes: usize, targets: &Targets) -> (f32, Buffer<f32>) {
    let images = logits.len() / classes.max(1);
    let mut gradient = Buffer::zeros(logits.len());
    let (mut target, mut powers) = (vec![0.0; classes], vec![0.0; classes]);
    let mut loss = 0.0;
    let rows = logits.chunks_exact(classes).zip(gradient.chunks_exact_mut(classes));
    for (image, (logits, gradient)) in rows.enumerate() {
        targets.fill(image, &mut target);
        let largest = logits.iter().fold(f64::NEG_INFINITY, |most, &z| most.max(f64::from(z)));
        let mut sum = 0.0;
        for (power, &z) in powers.iter_mut().zip(logits) {
            *power = libm::exp(f64::from(z) - largest);
            sum += *power;
        }
        let logarithm = libm::log(sum);
        for (class, &z) in logits.iter().enumerate() {
            if target[class] != 0.0 {
                loss -= target[class] * (f64::from(z) - largest - logarithm);
            }
            gradient[class] = ((powers[class] / sum - target[class]) / images as f64) as f32;
        }
    }
    ((loss / images as f64) as f32, gradient)
}
