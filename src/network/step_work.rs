//! What a step on a batch must compute and move at the least: the measure that a step's time is held against.

use std::ops::Add;

use serde::{Deserialize, Serialize};

use super::graph::{Graph, Node, VALUE};

/// The arithmetic and the memory traffic of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepWork {
    /// Floating-point operations of convolutions and classifier; a multiply-accumulate is two.
    pub flops: u64,
    /// The fewest bytes that these move to and from memory, in 32 bits: whatever lies between two of them
    /// (normalisation, ReLU, concatenation, pooling) is taken to be done where they read or write.
    pub bytes: u64,
}

impl Add for StepWork {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            flops: self.flops + other.flops,
            bytes: self.bytes + other.bytes,
        }
    }
}

impl Graph {
    /// A forward pass of `batch_size` images in evaluation: each convolution, and the classifier, reads its input and its
    /// weights once and writes its output once.
    pub fn evaluation_work(&self, batch_size: usize) -> StepWork {
        self.evaluated()
            .filter(|(_, node)| node.is_weighted())
            .map(|(_, node)| forward(node, batch_size))
            .fold(StepWork::default(), Add::add)
    }

    /// A training step on `batch_size` images. The backward pass reads the output's gradient, the input that was kept and
    /// the weights once, and writes the weights' gradient; but for those that read the images themselves it writes the
    /// input's gradient, too, and has the forward pass's arithmetic twice. What is frozen has no gradient of its weights,
    /// and none at all before the first layer that is trained. SGD with momentum reads each trained value, its gradient
    /// and its velocity, and writes the value and the velocity.
    pub fn training_work(&self, batch_size: usize) -> StepWork {
        let optimizer = StepWork {
            flops: 0,
            bytes: 5 * VALUE * self.trained_parameters() as u64,
        };
        let tracked = self.tracked();
        self.weighted()
            .flat_map(|node| self.weighted_passes(node, batch_size, &tracked))
            .fold(optimizer, Add::add)
    }

    /// The forward and the backward pass of a convolution or a linear layer; `tracked` says of each node whether a backward
    /// pass reaches it.
    pub(super) fn weighted_passes(&self, node: &Node, batch_size: usize, tracked: &[bool]) -> [StepWork; 2] {
        let wanted = Wanted {
            input: node.inputs.iter().any(|&input| tracked[input]),
            weights: self.trains(node, "weight"),
        };
        [forward(node, batch_size), backward(node, batch_size, wanted)]
    }

    /// Convolutions and linear layers, auxiliary heads' too.
    fn weighted(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.is_weighted())
    }
}

/// The gradients of a node that a backward pass computes.
#[derive(Clone, Copy)]
struct Wanted {
    /// Of its input, which is not of images.
    input: bool,
    /// Of its weights, which is not of frozen ones.
    weights: bool,
}

fn forward(node: &Node, batch_size: usize) -> StepWork {
    let images = batch_size as u64;
    let maps = (node.input.values() + node.output.values()) as u64;
    StepWork {
        flops: 2 * images * node.macs(),
        bytes: VALUE * (images * maps + node.parameters() as u64),
    }
}

fn backward(node: &Node, batch_size: usize, wanted: Wanted) -> StepWork {
    if !wanted.input && !wanted.weights {
        return StepWork::default();
    }
    let images = batch_size as u64;
    let (input, output) = (node.input.values() as u64, node.output.values() as u64);
    let (passes, parameters) = (
        u64::from(wanted.input) + u64::from(wanted.weights),
        node.parameters() as u64,
    );
    // The weights' gradient is computed from the input; the input's is as large as it.
    let read_and_written = |is_wanted: bool, values: u64| if is_wanted { values } else { 0 };
    let maps = output + read_and_written(wanted.weights, input) + read_and_written(wanted.input, input);
    StepWork {
        flops: passes * 2 * images * node.macs(),
        bytes: VALUE * (images * maps + parameters + read_and_written(wanted.weights, parameters)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Shape, preset, tiny};

    #[test]
    fn the_arithmetic_is_six_operations_a_multiply_accumulate_but_for_the_images_gradient() {
        let graph = preset("densenet-bc-100-12")
            .unwrap()
            .network
            .graph(Shape::square(3, 32), 10)
            .unwrap();
        // 24 maps from 3 at 32x32 by 3x3 windows.
        let stem = 3 * 24 * 9 * 32 * 32;
        assert_eq!(graph.evaluation_work(64).flops, 2 * 64 * graph.macs());
        assert_eq!(graph.training_work(64).flops, 64 * (6 * graph.macs() - 2 * stem));
    }

    #[test]
    fn the_bytes_are_those_counted_by_hand() {
        let graph = tiny().graph(Shape::square(3, 8), 2).unwrap();
        // The stem takes 3 maps to 16, the one layer 16 to 12, the classifier 28 means to 2 classes.
        let (images, stem, layer) = (3 * 64, 16 * 64, 12 * 64);
        let weights = [3 * 16 * 9, 16 * 12 * 9, 29 * 2];
        let maps = [images + stem, stem + layer, 28 + 2];
        let forward = |batch: usize| 4 * (batch * maps.iter().sum::<usize>() + weights.iter().sum::<usize>());
        assert_eq!(graph.evaluation_work(3).bytes, forward(3) as u64);
        // Kept inputs, the outputs' gradients, and the inputs' but for the images'; weights and their gradients.
        let gradients = 3 * (maps.iter().sum::<usize>() + stem + 28) + 2 * weights.iter().sum::<usize>();
        let learned = weights.iter().sum::<usize>() + 2 * 16 + 2 * 28;
        let training = forward(3) + 4 * (gradients + 5 * learned);
        assert_eq!(graph.training_work(3).bytes, training as u64);
    }

    #[test]
    fn a_frozen_layer_has_no_gradient_of_its_weights_and_none_before_the_first_that_is_trained() {
        let whole = tiny().graph(Shape::square(3, 8), 2).unwrap();
        let frozen = |name: &str| {
            let mut graph = whole.clone();
            graph.freeze(&[name.to_owned()]).unwrap();
            graph.training_work(3)
        };
        let forward = whole.evaluation_work(3);
        // The classifier alone, 28 means to 2 classes: of it the gradient of its weights.
        let classifier = 2 * 3 * 28 * 2;
        assert_eq!(frozen("features").flops, forward.flops + classifier);
        // Its gradient is computed from 28 means and of 2 logits an image; 58 values are read, their gradient written.
        let moved = 4 * (3 * 30 + 2 * 58 + 5 * 58);
        assert_eq!(frozen("features").bytes, forward.bytes + moved);
        // Behind the stem, which is trained, gradients pass through the frozen layer.
        let (all, layer) = (whole.training_work(3), 2 * 3 * 16 * 12 * 9 * 64);
        assert_eq!(frozen("features.denseblock1").flops, all.flops - layer);
    }

    #[test]
    fn the_weights_part_does_not_grow_with_the_batch() {
        let graph = tiny().graph(Shape::square(3, 8), 2).unwrap();
        let bytes = |size| graph.training_work(size).bytes;
        assert_eq!(bytes(3) - bytes(2), bytes(2) - bytes(1));
        let weighted: usize = graph
            .nodes
            .iter()
            .filter(|node| node.is_weighted())
            .map(Node::parameters)
            .sum();
        let once = 2 * bytes(1) - bytes(2);
        assert_eq!(once, 4 * (3 * weighted + 5 * graph.parameters()) as u64);
    }
}
