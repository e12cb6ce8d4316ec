//! The memory of a training step in closed form.

use super::convolution_memory::ConvolutionMemory;
use super::layers::{Layer, Operation, Plan};

/// Bytes of an f32.
const VALUE: u64 = 4;

/// Which part of a training step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// From the images to the loss.
    Forward,
    /// From the loss to the gradients.
    Backward,
    /// From the gradients to the new weights.
    Optimizer,
}

/// The bytes of live tensors at the moment of a training step at which there are most, by what they are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainingMemory {
    /// Learned values and running statistics; of the latter those of this step and of the last.
    pub weights: u64,
    /// The learned values' momentum; 0 without one.
    pub momentum: u64,
    /// Gradients of learned values that backward has found by then.
    pub gradients: u64,
    /// The batch.
    pub images: u64,
    /// What forward kept for the part of backward that is yet to come, and the logits.
    pub kept: u64,
    /// What the operation of that moment works on beside: gradients of feature maps, copies, workspaces.
    pub transient: u64,
    /// The pass of that moment.
    pub pass: Pass,
    /// The layer of that moment, by its name in the plan; empty in the optimizer.
    pub layer: String,
}

impl TrainingMemory {
    /// All together: the allocated peak.
    pub fn total(&self) -> u64 {
        self.weights + self.momentum + self.gradients + self.images + self.kept + self.transient
    }
}

impl Plan {
    /// The allocated peak of a training step, by what it is for, with `plain` execution (Burn's stock modules) on
    /// libtorch's CPU, f32.
    ///
    /// The layers are walked as the step walks them, and the moment with the most bytes is taken: forward keeps one
    /// tensor after the other, backward frees them, the last layer's first, while it works on gradients as large as the
    /// maps. Where autodiff keeps what, and which operations overwrite an operand, was read in Burn 0.22.1; what a
    /// convolution needs is told in `convolution_memory`.
    pub fn training_memory(&self, batch_size: usize, momentum: bool) -> TrainingMemory {
        Walk::new(self, batch_size as u64, momentum).highest()
    }

    /// The most bytes of live tensors in a training step with `plain` execution: [`Plan::training_memory`]'s sum.
    pub fn training_peak(&self, batch_size: usize, momentum: bool) -> u64 {
        self.training_memory(batch_size, momentum).total()
    }

    /// The largest batch whose predicted peak is at most `limit` bytes; 0 where not even one image fits.
    pub fn largest_training_batch(&self, limit: u64, momentum: bool) -> usize {
        largest(limit, |batch_size| self.training_peak(batch_size, momentum))
    }

    /// The largest batch of evaluation whose predicted peak is at most `limit` bytes; 0 where not even one image fits.
    pub fn largest_evaluation_batch(&self, limit: u64) -> usize {
        largest(limit, |batch_size| self.evaluation_peak(batch_size))
    }
}

/// The largest batch whose peak, which never falls from one to the next, is at most `limit`.
fn largest(limit: u64, peak: impl Fn(usize) -> u64) -> usize {
    let mut high = 1;
    while peak(high) <= limit && high < 1 << 30 {
        high *= 2;
    }
    let mut low = 0;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if peak(middle) <= limit {
            low = middle
        } else {
            high = middle
        }
    }
    low
}

impl Plan {
    /// Whether the layer before belongs to the same layer of a dense block, or to the same transition.
    pub(super) fn continues_dense_layer(&self, index: usize) -> bool {
        let prefix = |layer: usize| self.layers[layer].name.rsplit_once('.').map(|(prefix, _)| prefix);
        index > 0 && prefix(index) == prefix(index - 1)
    }
}

/// A training step of a plan.
struct Walk<'a> {
    plan: &'a Plan,
    layers: &'a [Layer],
    batch: u64,
    /// What is there all the time; the other parts are zero.
    constant: TrainingMemory,
}

impl<'a> Walk<'a> {
    fn new(plan: &'a Plan, batch: u64, momentum: bool) -> Self {
        let parameters = VALUE * plan.parameters() as u64;
        let channels = |layer: &Layer| match layer.operation {
            Operation::BatchNorm => layer.output.channels as u64,
            _ => 0,
        };
        let running: u64 = plan.layers.iter().map(channels).sum();
        let constant = TrainingMemory {
            // Mean and variance, twice: a step's are set apart until they are read.
            weights: parameters + VALUE * 4 * running,
            momentum: if momentum { parameters } else { 0 },
            gradients: 0,
            images: VALUE * batch * plan.input.values() as u64 + 8 * batch,
            kept: VALUE * batch * plan.classes as u64,
            transient: 0,
            pass: Pass::Forward,
            layer: String::new(),
        };
        Self {
            plan,
            layers: &plan.layers,
            batch,
            constant,
        }
    }

    fn highest(&self) -> TrainingMemory {
        let mut moments = Vec::new();
        let kept = self.forward(&mut moments);
        self.backward(kept, &mut moments);
        moments.push(self.optimizer());
        let highest = moments.into_iter().max_by_key(TrainingMemory::total);
        highest.unwrap_or_else(|| self.constant.clone())
    }

    fn moment(&self, pass: Pass, layer: &Layer, kept: u64, transient: u64, gradients: u64) -> TrainingMemory {
        TrainingMemory {
            gradients,
            kept: self.constant.kept + kept,
            transient,
            pass,
            layer: layer.name.clone(),
            ..self.constant.clone()
        }
    }

    /// Every operation's moment; gives the bytes that all together keep.
    fn forward(&self, moments: &mut Vec<TrainingMemory>) -> u64 {
        let mut kept = 0;
        for layer in self.layers {
            kept += self.kept_by(layer);
            let (input, output) = (self.input(layer), self.output(layer));
            let transient = match layer.operation {
                Operation::Convolution { .. } => self.convolution(layer).forward(),
                // The input less its mean, and the square of that; later the square and its copy with the channels
                // in front. The result comes after.
                Operation::BatchNorm => 2 * input,
                Operation::Relu | Operation::MaxPool | Operation::AveragePool | Operation::Linear => output,
                // The new maps, which nothing keeps, and the result. The maps from before are kept by the operation
                // that saw them first.
                Operation::Concatenation => 2 * output - input.min(output),
                // The product with the mask overwrites the maps; the mask is kept.
                Operation::Dropout => output,
                // Maps that nothing keeps.
                Operation::GlobalAveragePool => input + output,
            };
            moments.push(self.moment(Pass::Forward, layer, kept, transient, 0));
        }
        kept
    }

    fn backward(&self, mut kept: u64, moments: &mut Vec<TrainingMemory>) {
        let mut gradients = 0;
        // The gradient that the operation receives, and whether it is a view into that of the concatenation behind,
        // which lives until the layer's first operation has added its other half.
        let mut received = 0;
        let mut is_view = false;
        let mut concatenation = 0;
        for (index, layer) in self.layers.iter().enumerate().rev() {
            let (input, output) = (self.input(layer), self.output(layer));
            let is_first = index == 0;
            let own = if is_view { 0 } else { received };
            let transient = match layer.operation {
                Operation::Convolution { .. } => {
                    let convolution = self.convolution(layer);
                    let of_input = if is_first {
                        0
                    } else {
                        convolution.input_gradient(is_view)
                    };
                    // The input's gradient is there while the weights' is computed.
                    let made = if is_first { 0 } else { input };
                    own + of_input.max(made + convolution.weight_gradient())
                }
                // The gradient with the channels in front, its product with the normalised input, and that with the
                // channels in front. All else overwrites the kept input and the gradient. One image has its channels
                // in front already.
                Operation::BatchNorm if self.batch == 1 => own + input,
                Operation::BatchNorm => own + 3 * input,
                // The kept input becomes 0 and 1, then a mask of bytes; the gradient is overwritten if it can be.
                Operation::Relu => own + input / VALUE + if is_view { output } else { 0 },
                Operation::Dropout => own + if is_view { output } else { 0 },
                Operation::MaxPool | Operation::AveragePool | Operation::GlobalAveragePool | Operation::Linear => {
                    own + input
                }
                Operation::Concatenation => 0,
            };
            if layer.operation == Operation::Concatenation {
                concatenation = received;
                is_view = true;
            }
            moments.push(self.moment(Pass::Backward, layer, kept, concatenation + transient, gradients));
            if layer.operation != Operation::Concatenation {
                received = input;
                is_view = false;
            }
            if !self.plan.continues_dense_layer(index) {
                concatenation = 0;
            }
            kept -= self.kept_by(layer);
            gradients += VALUE * layer.parameters() as u64;
        }
    }

    /// The old weights stay until the new ones are complete; each takes the place of its gradient. On top comes the
    /// work on the largest.
    fn optimizer(&self) -> TrainingMemory {
        let parameters = |layer: &Layer| VALUE * layer.parameters() as u64;
        let largest = self.layers.iter().map(parameters).max().unwrap_or(0);
        TrainingMemory {
            gradients: self.layers.iter().map(parameters).sum(),
            transient: 3 * largest,
            pass: Pass::Optimizer,
            ..self.constant.clone()
        }
    }

    /// Bytes that a layer keeps for its backward pass. Each tensor is kept by one operation alone: a concatenation by
    /// the normalisation (or, in post-activation order, the convolution) that sees it next.
    fn kept_by(&self, layer: &Layer) -> u64 {
        let (input, output) = (self.input(layer), self.output(layer));
        match layer.operation {
            // The images are counted apart.
            Operation::Convolution { .. } if layer.name == self.layers[0].name => 0,
            Operation::Convolution { .. } | Operation::Relu | Operation::AveragePool | Operation::Linear => input,
            // With the batch's mean and variance.
            Operation::BatchNorm => input + VALUE * 2 * layer.input.channels as u64,
            // With the places of the maxima, 8 bytes each.
            Operation::MaxPool => input + 2 * output,
            // The mask, in f32.
            Operation::Dropout => output,
            Operation::Concatenation | Operation::GlobalAveragePool => 0,
        }
    }

    fn convolution(&self, layer: &Layer) -> ConvolutionMemory {
        let kernel = match layer.operation {
            Operation::Convolution { kernel, .. } => kernel,
            _ => 1,
        };
        ConvolutionMemory::new(self.batch, layer.input, layer.output, kernel)
    }

    fn input(&self, layer: &Layer) -> u64 {
        VALUE * self.batch * layer.input.values() as u64
    }

    fn output(&self, layer: &Layer) -> u64 {
        VALUE * self.batch * layer.output.values() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Shape, preset};

    fn plan(name: &str, side: usize, classes: usize) -> Plan {
        let input = Shape {
            channels: 3,
            height: side,
            width: side,
        };
        preset(name).unwrap().network.plan(input, classes).unwrap()
    }

    /// Bytes that were counted in training steps of Burn 0.22.1 on libtorch 2.9.0's CPU.
    #[test]
    fn the_predicted_peak_is_the_counted_one() {
        for (name, side, classes, batch_size, counted) in [
            ("densenet-40-12", 32, 10, 8, 234_670_908),
            ("densenet-40-12", 32, 10, 32, 913_510_332),
            ("densenet-bc-100-12", 32, 10, 8, 423_275_140),
            ("densenet-bc-100-12", 32, 10, 16, 840_096_772),
            ("article", 224, 40, 8, 607_671_208),
            ("densenet-121", 224, 1000, 8, 1_616_390_436),
        ] {
            let predicted = plan(name, side, classes).training_peak(batch_size, true);
            assert!(
                predicted.abs_diff(counted) * 100 < counted,
                "{name} at {batch_size}: {predicted} for {counted}"
            );
        }
    }

    #[test]
    fn without_momentum_its_bytes_are_not_there() {
        let plan = plan("densenet-40-12", 32, 10);
        let (with, without) = (plan.training_memory(8, true), plan.training_memory(8, false));
        assert_eq!(without.momentum, 0);
        assert_eq!(with.total() - without.total(), 4 * plan.parameters() as u64);
    }

    #[test]
    fn a_larger_batch_never_needs_less_and_the_largest_that_fits_is_found() {
        for (name, side) in [("densenet-40-12", 32), ("densenet-bc-100-12", 17), ("article", 33)] {
            let plan = plan(name, side, 10);
            let peaks: Vec<u64> = (1..140).map(|size| plan.training_peak(size, true)).collect();
            assert!(peaks.is_sorted(), "{name}");
            assert_eq!(plan.largest_training_batch(peaks[69], true), 70, "{name}");
            assert_eq!(plan.largest_training_batch(peaks[69] - 1, true), 69, "{name}");
            assert_eq!(plan.largest_training_batch(peaks[0] - 1, true), 0, "{name}");
            let evaluated = plan.evaluation_peak(70);
            assert_eq!(plan.largest_evaluation_batch(evaluated), 70, "{name}");
            assert_eq!(plan.largest_evaluation_batch(evaluated - 1), 69, "{name}");
        }
    }
}
