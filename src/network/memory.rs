//! The memory of a training step in closed form.

use std::collections::BTreeMap;

use super::backward_order::backward_order;
use super::convolution_memory::ConvolutionMemory;
use super::evaluation_memory::made;
use super::gradient_memory::Gradients;
use super::graph::{Graph, Node, NodeId, Operation, VALUE};
use super::processor::Processor;

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

/// The bytes of live tensors at the moment of a training step at which there are most, by purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainingMemory {
    /// Learned values and running statistics; of the latter those of this step and of the last where they change.
    pub weights: u64,
    /// The trained values' momentum; 0 without one.
    pub momentum: u64,
    /// Gradients of trained values that backward has found by then.
    pub gradients: u64,
    /// The batch.
    pub images: u64,
    /// Values that forward kept for the rest of backward, and the logits.
    pub kept: u64,
    /// Other memory of the operation at that moment: gradients of feature maps, copies, workspaces.
    pub transient: u64,
    /// The pass of that moment.
    pub pass: Pass,
    /// The node of that moment, by its name; empty in the optimizer.
    pub layer: String,
}

impl TrainingMemory {
    /// The total: the allocated peak.
    pub fn total(&self) -> u64 {
        self.weights + self.momentum + self.gradients + self.images + self.kept + self.transient
    }
}

impl Graph {
    /// The allocated peak of a training step, by purpose, with `plain` execution (Burn's stock modules) on libtorch's
    /// CPU, f32.
    ///
    /// The nodes are walked as the step walks them, and the moment with the most bytes is taken: forward keeps one
    /// tensor after the other, backward frees them, the last node's first, while it works on gradients as large as the
    /// maps. Where autodiff keeps what, and which operations overwrite an operand, was read in Burn 0.22.1; what a
    /// convolution needs depends on the processor, as `onednn_memory` says. What is frozen at the network's start is
    /// walked as in evaluation, and backward ends before it.
    pub fn training_memory(&self, batch_size: usize, momentum: bool, processor: Processor) -> TrainingMemory {
        Walk::new(self, batch_size as u64, momentum, processor).highest()
    }

    /// The most bytes of live tensors in a training step with `plain` execution: [`Graph::training_memory`]'s sum.
    pub fn training_peak(&self, batch_size: usize, momentum: bool, processor: Processor) -> u64 {
        self.training_memory(batch_size, momentum, processor).total()
    }

    /// The largest batch whose predicted peak is at most `limit` bytes; 0 where not even one image fits.
    pub fn largest_training_batch(&self, limit: u64, momentum: bool, processor: Processor) -> usize {
        largest(limit, |batch_size| self.training_peak(batch_size, momentum, processor))
    }

    /// The largest batch of evaluation whose predicted peak is at most `limit` bytes; 0 where not even one image fits.
    pub fn largest_evaluation_batch(&self, limit: u64, processor: Processor) -> usize {
        largest(limit, |batch_size| self.evaluation_peak(batch_size, processor))
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

/// A training step of a graph.
pub(super) struct Walk<'a> {
    graph: &'a Graph,
    last_uses: Vec<Option<NodeId>>,
    /// Of each node whether backward reaches it.
    tracked: Vec<bool>,
    batch: u64,
    processor: Processor,
    /// The parts that are live all the time; the others are zero.
    constant: TrainingMemory,
}

impl<'a> Walk<'a> {
    pub(super) fn new(graph: &'a Graph, batch: u64, momentum: bool, processor: Processor) -> Self {
        let parameters = VALUE * graph.parameters() as u64;
        let trained = VALUE * graph.trained_parameters() as u64;
        let running = |node: &Node| match node.operation {
            Operation::BatchNorm if graph.is_frozen(node) => 2 * node.output.channels as u64,
            // Mean and variance, twice: a step's are set apart until they are read.
            Operation::BatchNorm => 4 * node.output.channels as u64,
            _ => 0,
        };
        let running: u64 = graph.nodes.iter().map(running).sum();
        let constant = TrainingMemory {
            weights: parameters + VALUE * running,
            momentum: if momentum { trained } else { 0 },
            gradients: 0,
            images: VALUE * batch * graph.input.values() as u64 + 8 * batch,
            kept: VALUE * batch * (graph.classes * graph.outputs().count()) as u64,
            transient: 0,
            pass: Pass::Forward,
            layer: String::new(),
        };
        Self {
            graph,
            last_uses: graph.last_uses(),
            tracked: graph.tracked(),
            batch,
            processor,
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

    fn moment(&self, pass: Pass, node: &Node, kept: u64, transient: u64, gradients: u64) -> TrainingMemory {
        TrainingMemory {
            gradients,
            kept: self.constant.kept + kept,
            transient,
            pass,
            layer: node.name.clone(),
            ..self.constant.clone()
        }
    }

    /// Every operation's moment; returns the values that all together keep.
    fn forward(&self, moments: &mut Vec<TrainingMemory>) -> Kept {
        let mut kept = Kept::default();
        // Outputs that a node behind the one at work reads.
        let mut unread: Vec<NodeId> = Vec::new();
        for (id, node) in self.layers() {
            if self.tracked[id] {
                self.keep(node, &mut kept);
            }
            let (input, output) = (self.input(node), self.output(node));
            let transient = match node.operation {
                Operation::Images => 0,
                _ if !self.tracked[id] || self.is_fixed(node) => self.as_in_evaluation(id, node, &kept),
                Operation::Convolution { .. } => self.convolution(node).forward(),
                // The input less its mean, and the square of that; later the square and its copy with the channels
                // in front. The result comes after.
                Operation::BatchNorm => 2 * input,
                Operation::Relu
                | Operation::MaxPool { .. }
                | Operation::AveragePool { .. }
                | Operation::AdaptiveAveragePool
                | Operation::Sigmoid
                | Operation::Scaling
                | Operation::Linear => output,
                // A view of maps that nothing keeps yet.
                Operation::Flatten => input,
                // Those maps that nothing keeps, such as a dense layer's new ones, and the result. What another
                // operation saw first is kept by that.
                Operation::Concatenation => {
                    let unkept = node
                        .inputs
                        .iter()
                        .filter(|&&other| other > 0 && !kept.values.contains_key(&other));
                    output + unkept.map(|&other| self.output(&self.graph.nodes[other])).sum::<u64>()
                }
                // The sum overwrites the first of the two.
                Operation::Addition => output,
                // The zeros, which are put behind the maps, and the result.
                Operation::ZeroChannels => 2 * output - input,
                // The product with the mask overwrites the maps; the mask is kept.
                Operation::Dropout { .. } => output,
                // Maps that nothing keeps.
                Operation::GlobalAveragePool => input + output,
            };
            // Outputs that nothing keeps and that a node behind this one reads, such as one branch beside the other.
            unread.retain(|&other| self.is_read_after(other, id));
            let waits = |&&other: &&NodeId| !kept.values.contains_key(&other) && !node.inputs.contains(&other);
            let waiting: u64 = unread
                .iter()
                .filter(waits)
                .map(|&other| self.output(&self.graph.nodes[other]))
                .sum();
            unread.push(id);
            moments.push(self.moment(Pass::Forward, node, kept.bytes, transient + waiting, 0));
        }
        kept
    }

    fn backward(&self, mut kept: Kept, moments: &mut Vec<TrainingMemory>) {
        let mut learned = 0;
        // The gradient of the logits is left out, as is small beside all else.
        let mut gradients = Gradients::new(self.graph.nodes.len());
        for id in backward_order(self.graph, &self.tracked) {
            let node = &self.graph.nodes[id];
            let (input, output) = (self.input(node), self.output(node));
            let received = gradients.take(id);
            // Of what is before the first trained layer, such as the images, nobody needs a gradient.
            let wanted: Vec<NodeId> = node.inputs.iter().copied().filter(|&read| self.tracked[read]).collect();
            let trains_weight = self.graph.trains(node, "weight");
            // A gradient that others hold too cannot be overwritten.
            let unshared = if received.is_shared { output } else { 0 };
            let transient = match node.operation {
                Operation::Images
                | Operation::Concatenation
                | Operation::ZeroChannels
                | Operation::Addition
                | Operation::Flatten => 0,
                Operation::Convolution { .. } => {
                    let convolution = self.convolution(node);
                    if !wanted.is_empty() {
                        let held = gradients.held() + received.own + convolution.input_gradient(received.is_view);
                        moments.push(self.moment(Pass::Backward, node, kept.bytes, held, learned));
                        // It is there while the weights' is computed, added to one that waits.
                        gradients.add(node.inputs[0], input);
                    }
                    if trains_weight {
                        convolution.weight_gradient()
                    } else {
                        0
                    }
                }
                // The gradient with the channels in front, its product with the normalised input, and that with the
                // channels in front. All else overwrites the kept input and the gradient. One image has its channels
                // in front already.
                Operation::BatchNorm if self.is_fixed(node) => unshared,
                Operation::BatchNorm if self.batch == 1 => input,
                Operation::BatchNorm => 3 * input,
                // The kept input becomes 0 and 1, then a mask of bytes; the gradient is overwritten if it can be.
                Operation::Relu => input / VALUE + unshared,
                Operation::Dropout { .. } => unshared,
                Operation::MaxPool { .. }
                | Operation::AveragePool { .. }
                | Operation::AdaptiveAveragePool
                | Operation::GlobalAveragePool => input,
                // Computed from the output that is kept.
                Operation::Sigmoid => output,
                // The gradient times the factors, and times the maps, of which the sum of each map remains.
                Operation::Scaling => 2 * input,
                // The gradients of the input and of the matrix, one after the other.
                Operation::Linear if wanted.is_empty() => self.trained(node),
                Operation::Linear => input + self.trained(node),
            };
            let held = gradients.held() + received.own;
            moments.push(self.moment(Pass::Backward, node, kept.bytes, held + transient, learned));
            match node.operation {
                Operation::Concatenation | Operation::ZeroChannels => gradients.hand_on(&received, &wanted, true),
                Operation::Addition | Operation::Flatten => gradients.hand_on(&received, &wanted, false),
                Operation::Convolution { .. } => {}
                Operation::Scaling => {
                    for &read in &wanted {
                        gradients.add(read, self.output(&self.graph.nodes[read]));
                    }
                }
                _ => wanted.iter().for_each(|&read| gradients.add(read, input)),
            }
            self.release(node, &mut kept);
            learned += self.found_gradient(node);
        }
    }

    /// The old weights stay until the new ones are complete; one layer after the other, each takes the place of its
    /// gradient, and so does the momentum of the last one. On top comes one more of the layer at work: weight decay,
    /// momentum and Nesterov's step write into a tensor of their own, one after the other.
    fn optimizer(&self) -> TrainingMemory {
        let found = |node: &Node| self.found_gradient(node);
        let mut gradients: u64 = self.graph.nodes.iter().map(found).sum();
        let mut highest = (0, 0);
        for node in &self.graph.nodes {
            let parameters = self.trained(node);
            if gradients + parameters > highest.0 + highest.1 {
                highest = (gradients, parameters);
            }
            gradients = gradients - found(node) + parameters;
        }
        TrainingMemory {
            gradients: highest.0,
            transient: highest.1,
            pass: Pass::Optimizer,
            ..self.constant.clone()
        }
    }

    /// The nodes whose outputs an operation keeps for its backward pass. Several may keep the same. A sigmoid keeps its own,
    /// which the scaling behind it keeps as well.
    fn kept_values<'n>(&self, node: &'n Node) -> impl Iterator<Item = NodeId> + use<'n> {
        let keeps = match node.operation {
            Operation::Convolution { .. }
            | Operation::Relu
            | Operation::AveragePool { .. }
            | Operation::AdaptiveAveragePool
            | Operation::MaxPool { .. } => 1,
            Operation::Linear => usize::from(self.graph.trains(node, "weight")),
            Operation::BatchNorm => usize::from(!self.is_fixed(node)),
            Operation::Scaling => 2,
            Operation::Images
            | Operation::Dropout { .. }
            | Operation::Concatenation
            | Operation::Addition
            | Operation::ZeroChannels
            | Operation::Flatten
            | Operation::Sigmoid
            | Operation::GlobalAveragePool => 0,
        };
        // The images are counted apart.
        node.inputs.iter().copied().take(keeps).filter(|&input| input > 0)
    }

    /// Bytes that an operation keeps beside feature maps.
    fn kept_beside(&self, node: &Node) -> u64 {
        match node.operation {
            // The batch's mean and variance.
            Operation::BatchNorm if !self.is_fixed(node) => VALUE * 2 * node.input.channels as u64,
            // The places of the maxima, 8 bytes each.
            Operation::MaxPool { .. } => 2 * self.output(node),
            // The mask, in f32.
            Operation::Dropout { .. } => self.output(node),
            _ => 0,
        }
    }

    /// Keeps what a node needs in the backward pass.
    pub(super) fn keep(&self, node: &Node, kept: &mut Kept) {
        kept.bytes += self.kept_beside(node);
        for value in self.kept_values(node) {
            let keepers = kept.values.entry(value).or_insert(0);
            *keepers += 1;
            if *keepers == 1 {
                kept.bytes += self.output(&self.graph.nodes[value]);
            }
        }
    }

    /// Releases what a node kept, once backward has passed it; maps that another node keeps too stay.
    fn release(&self, node: &Node, kept: &mut Kept) {
        kept.bytes -= self.kept_beside(node);
        for value in self.kept_values(node) {
            let keepers = kept.values.entry(value).or_insert(1);
            *keepers -= 1;
            if *keepers == 0 {
                kept.values.remove(&value);
                kept.bytes -= self.output(&self.graph.nodes[value]);
            }
        }
    }

    /// Whether backward reaches a node.
    pub(super) fn is_tracked(&self, node: NodeId) -> bool {
        self.tracked[node]
    }

    /// Whether a node behind that one reads a value.
    pub(super) fn is_read_after(&self, value: NodeId, node: NodeId) -> bool {
        self.last_uses[value].is_some_and(|last| last > node)
    }

    /// Every node but the images.
    pub(super) fn layers(&self) -> impl DoubleEndedIterator<Item = (NodeId, &Node)> {
        self.graph.nodes.iter().enumerate().skip(1)
    }

    fn convolution(&self, node: &Node) -> ConvolutionMemory {
        ConvolutionMemory::of(node, self.batch as usize, self.processor)
    }

    /// The gradient of a node's learned values.
    fn found_gradient(&self, node: &Node) -> u64 {
        match node.operation {
            Operation::Convolution { bias, .. } => {
                let of_weight = match self.graph.trains(node, "weight") {
                    true => self.convolution(node).found_gradient(),
                    false => 0,
                };
                let has_bias = bias && self.graph.trains(node, "bias");
                of_weight
                    + if has_bias {
                        VALUE * node.output.channels as u64
                    } else {
                        0
                    }
            }
            _ => self.trained(node),
        }
    }

    /// Bytes of a node's trained values.
    fn trained(&self, node: &Node) -> u64 {
        VALUE * self.graph.trained_of(node) as u64
    }

    /// Whether a node is a normalisation with fixed statistics: it has the passes of evaluation, and keeps nothing.
    fn is_fixed(&self, node: &Node) -> bool {
        node.operation == Operation::BatchNorm && self.graph.is_frozen(node)
    }

    /// What a node that keeps nothing needs in the forward pass: its inputs, where nothing else keeps them, and what
    /// it makes.
    fn as_in_evaluation(&self, id: NodeId, node: &Node, kept: &Kept) -> u64 {
        let is_unkept = |input: NodeId| input > 0 && !kept.values.contains_key(&input);
        let unkept = node.inputs.iter().filter(|&&input| is_unkept(input));
        let held: u64 = unkept.map(|&input| self.output(&self.graph.nodes[input])).sum();
        let is_alone = |input: NodeId| is_unkept(input) && self.last_uses[input] == Some(id);
        let overwrites = node.overwritable_input().is_some_and(is_alone);
        held + made(node, overwrites, self.batch as usize, self.processor)
    }

    fn input(&self, node: &Node) -> u64 {
        VALUE * self.batch * node.input.values() as u64
    }

    /// Bytes of a node's output.
    pub(super) fn output(&self, node: &Node) -> u64 {
        VALUE * self.batch * node.output.values() as u64
    }
}

/// The values that forward keeps for backward.
#[derive(Default)]
pub(super) struct Kept {
    /// Nodes whose outputs are kept, with how many nodes keep them.
    values: BTreeMap<NodeId, usize>,
    /// Their bytes, and those of what is kept beside.
    bytes: u64,
}

impl Kept {
    /// The bytes of all that is kept.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether a node's output is kept.
    pub(super) fn has(&self, value: NodeId) -> bool {
        self.values.contains_key(&value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Shape, VectorInstructions, preset};

    const AVX2: Processor = Processor {
        instructions: VectorInstructions::Avx2,
        threads: 2,
    };
    const AVX512: Processor = Processor {
        instructions: VectorInstructions::Avx512,
        ..AVX2
    };

    fn graph(name: &str, side: usize, classes: usize) -> Graph {
        let network = preset(name).unwrap().network;
        network.graph(Shape::square(3, side), classes).unwrap()
    }

    /// Bytes that were counted in training steps of Burn 0.22.1 on libtorch 2.9.0's CPU, on a processor with AVX-512.
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
            let predicted = graph(name, side, classes).training_peak(batch_size, true, AVX512);
            assert!(
                predicted.abs_diff(counted) * 100 < counted,
                "{name} at {batch_size}: {predicted} for {counted}"
            );
        }
    }

    #[test]
    fn without_momentum_its_bytes_are_not_there() {
        let graph = graph("densenet-40-12", 32, 10);
        let (with, without) = (
            graph.training_memory(8, true, AVX2),
            graph.training_memory(8, false, AVX2),
        );
        assert_eq!(without.momentum, 0);
        assert_eq!(with.total() - without.total(), 4 * graph.parameters() as u64);
    }

    #[test]
    fn a_larger_batch_never_needs_less_and_the_largest_that_fits_is_found() {
        let networks = [("densenet-40-12", 32), ("densenet-bc-100-12", 17), ("article", 33)];
        for ((name, side), processor) in networks.into_iter().flat_map(|of| [(of, AVX2), (of, AVX512)]) {
            let graph = graph(name, side, 10);
            let peaks: Vec<u64> = (1..140)
                .map(|size| graph.training_peak(size, true, processor))
                .collect();
            assert!(peaks.is_sorted(), "{name}");
            assert_eq!(graph.largest_training_batch(peaks[69], true, processor), 70, "{name}");
            assert_eq!(
                graph.largest_training_batch(peaks[69] - 1, true, processor),
                69,
                "{name}"
            );
            assert_eq!(graph.largest_training_batch(peaks[0] - 1, true, processor), 0, "{name}");
            let evaluated = graph.evaluation_peak(70, processor);
            assert_eq!(graph.largest_evaluation_batch(evaluated, processor), 70, "{name}");
            assert_eq!(graph.largest_evaluation_batch(evaluated - 1, processor), 69, "{name}");
        }
    }
}
