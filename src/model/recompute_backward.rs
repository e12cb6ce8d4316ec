//! The backward pass of `recompute`: from a segment's last node to its first, each gradient as soon as it is whole.

use std::sync::Arc;

use super::operations::{AverageWindows, ConvolutionWindows, MaxWindows, Operations};
use super::recompute_plan::Kept;
use super::segment::SegmentGradients;
use super::segment_graph::{SegmentGraph, Value};
use super::watch::Watch;
use crate::network::Operation;

/// A gradient of a value that is not whole yet.
enum Pending<T> {
    None,
    /// A tensor of its own.
    Whole(T),
    /// The first channels of a concatenation's gradient: cut out only where they are added to something else.
    FirstChannels(T),
}

/// A backward pass: kept values, recomputed values and the gradients so far.
pub(super) struct Backward<O: Operations> {
    graph: Arc<SegmentGraph>,
    kept: Kept<O>,
    /// Recomputed values that a later node reads.
    again: Vec<Option<O::Tensor>>,
    pending: Vec<Pending<O::Tensor>>,
    parameters: Vec<O::Tensor>,
    found: Vec<Option<O::Tensor>>,
}

impl<O: Operations> Backward<O> {
    pub(super) fn new(graph: Arc<SegmentGraph>, kept: Kept<O>, parameters: Vec<O::Tensor>) -> Self {
        let values = graph.nodes.len() + 1;
        Self {
            again: (0..values).map(|_| None).collect(),
            pending: (0..values).map(|_| Pending::None).collect(),
            found: parameters.iter().map(|_| None).collect(),
            graph,
            kept,
            parameters,
        }
    }

    /// From the gradient of the segment's output to those of its input and parameters. What a node's backward pass computes
    /// again counts as its own.
    pub(super) fn run(mut self, gradient: O::Tensor, watch: &Watch) -> SegmentGradients<O::Tensor> {
        let last = self.graph.nodes.len();
        self.pending[last] = Pending::Whole(gradient);
        for value in (1..=last).rev() {
            watch.backward(value);
            let reads_output = matches!(
                self.graph.nodes[value - 1].operation,
                Operation::Relu | Operation::Sigmoid
            );
            if !reads_output {
                // The value itself is read by no node before its own; only these read their output.
                self.kept.values[value] = None;
                self.again[value] = None;
            }
            if let Some(gradient) = self.whole(value) {
                self.node(value, gradient);
            }
            self.kept.values[value] = None;
            self.again[value] = None;
        }
        watch.pause();
        SegmentGradients {
            maps: self.whole(0),
            parameters: self.found,
        }
    }

    /// The gradient of a value, whole.
    fn whole(&mut self, value: Value) -> Option<O::Tensor> {
        match std::mem::replace(&mut self.pending[value], Pending::None) {
            Pending::None => None,
            Pending::Whole(gradient) => Some(gradient),
            Pending::FirstChannels(wide) => Some(O::channels(&wide, 0, self.channels(value))),
        }
    }

    /// Channels of a value.
    fn channels(&self, value: Value) -> usize {
        let node = self.graph.node(value);
        node.map_or(self.graph.entering, |node| node.output).channels
    }

    /// Adds to the gradient of a value; what is frozen before it needs none.
    fn add(&mut self, value: Value, gradient: O::Tensor) {
        if !self.graph.is_tracked(value) {
            return;
        }
        let pending = &mut self.pending[value];
        *pending = Pending::Whole(match std::mem::replace(pending, Pending::None) {
            Pending::None => gradient,
            Pending::Whole(earlier) => O::add(gradient, earlier),
            Pending::FirstChannels(wide) => O::add_first_channels(gradient, wide),
        });
    }

    /// From the gradient of a node's output to those of its inputs and parameters.
    fn node(&mut self, value: Value, gradient: O::Tensor) {
        let graph = Arc::clone(&self.graph);
        let node = &graph.nodes[value - 1];
        let inputs = graph.inputs(value);
        let own = graph.first_parameter(value);
        match node.operation {
            Operation::Convolution {
                stride, padding, bias, ..
            } => {
                let [of_input, of_weight] = [graph.is_tracked(inputs[0]), graph.trained()[own]];
                let wanted = [of_input, of_weight, bias && graph.trained()[own + 1]];
                let maps = match of_weight {
                    true => self.value(inputs[0]),
                    false => O::unread(&gradient, [node.input.channels, node.input.height, node.input.width]),
                };
                let windows = ConvolutionWindows { stride, padding };
                let bias = bias.then(|| &self.parameters[own + 1]);
                let weight = &self.parameters[own];
                let [gradient, weights, biases] = O::convolve_backward(gradient, &maps, weight, bias, windows, wanted);
                self.found[own] = weights;
                if biases.is_some() {
                    self.found[own + 1] = biases;
                }
                if let Some(gradient) = gradient {
                    self.add(inputs[0], gradient);
                }
            }
            Operation::BatchNorm => {
                let maps = self.value(inputs[0]);
                let statistics = self.kept.statistics[value].take();
                let statistics = statistics.expect("a normalisation keeps its statistics while training");
                let [scale, shift] = [graph.trained()[own], graph.trained()[own + 1]];
                let wanted = [graph.is_tracked(inputs[0]), scale, shift];
                let [gradient, gamma, beta] =
                    O::normalise_backward(gradient, &maps, &self.parameters[own], &statistics, wanted);
                self.found[own] = gamma;
                self.found[own + 1] = beta;
                if let Some(gradient) = gradient {
                    self.add(inputs[0], gradient);
                }
            }
            Operation::Relu => {
                let output = self.value(value);
                self.add(inputs[0], O::relu_backward(gradient, &output));
            }
            Operation::Dropout { share } => {
                let mask = self.kept.masks[value].as_ref();
                let mask = mask.expect("dropout keeps its mask while training");
                let gradient = O::drop_again(gradient, share, mask);
                self.add(inputs[0], gradient);
            }
            Operation::AveragePool {
                kernel,
                stride,
                padding,
            } => {
                let size = [node.input.height, node.input.width];
                let windows = AverageWindows {
                    kernel,
                    stride,
                    padding,
                };
                self.add(inputs[0], O::pool_backward(gradient, size, windows));
            }
            Operation::MaxPool {
                kernel,
                stride,
                padding,
                passes_end,
            } => {
                let windows = MaxWindows {
                    kernel,
                    stride,
                    padding,
                    passes_end,
                };
                let size = [node.input.height, node.input.width];
                if let Some(places) = self.kept.places[value].take() {
                    self.add(inputs[0], O::pool_largest_backward(gradient, size, windows, places));
                }
            }
            Operation::ZeroChannels => self.add(inputs[0], O::channels(&gradient, 0, node.input.channels)),
            Operation::Concatenation => self.cut(inputs, gradient),
            Operation::Addition => match [inputs[0], inputs[1]].map(|input| graph.is_tracked(input)) {
                [true, true] => {
                    let second = O::copy(&gradient);
                    self.add(inputs[0], gradient);
                    self.add(inputs[1], second);
                }
                [first, _] => self.add(inputs[usize::from(!first)], gradient),
            },
            Operation::GlobalAveragePool => {
                let size = [node.input.height, node.input.width];
                self.add(inputs[0], O::mean_backward(gradient, size));
            }
            Operation::AdaptiveAveragePool => {
                let size = [node.input.height, node.input.width];
                self.add(inputs[0], O::pool_to_backward(gradient, size));
            }
            Operation::Sigmoid => {
                let output = self.value(value);
                self.add(inputs[0], O::sigmoid_backward(gradient, &output));
            }
            Operation::Scaling => {
                if graph.is_tracked(inputs[0]) {
                    let maps = self.value(inputs[1]);
                    self.add(inputs[0], O::scale_backward(&gradient, &maps));
                }
                if graph.is_tracked(inputs[1]) {
                    let factors = self.value(inputs[0]);
                    self.add(inputs[1], O::scale(&gradient, &factors));
                }
            }
            Operation::Images | Operation::Flatten | Operation::Linear => {
                unreachable!("no plan is made for a segment with these")
            }
        }
    }

    /// Each input of a concatenation its channels of the gradient.
    fn cut(&mut self, inputs: &[Value], gradient: O::Tensor) {
        let mut from = self.channels(inputs[0]);
        for &input in &inputs[1..] {
            let to = from + self.channels(input);
            if self.graph.is_tracked(input) {
                self.add(input, O::channels(&gradient, from, to));
            }
            from = to;
        }
        let first = inputs[0];
        if !self.graph.is_tracked(first) {
            return;
        }
        self.pending[first] = match self.whole(first) {
            None => Pending::FirstChannels(gradient),
            Some(earlier) => Pending::Whole(O::add_first_channels(earlier, gradient)),
        };
    }

    /// A value that was kept, or that is computed again and stays until its own node has been passed.
    fn value(&mut self, value: Value) -> O::Tensor {
        let there = self.kept.values[value].as_ref().or(self.again[value].as_ref());
        if let Some(there) = there {
            return O::share(there);
        }
        let made = self.make_again(value);
        self.again[value] = Some(O::share(&made));
        made
    }

    /// A recomputed value, with no other handle.
    fn make_again(&mut self, value: Value) -> O::Tensor {
        let graph = Arc::clone(&self.graph);
        let inputs = graph.inputs(value);
        match graph.nodes[value - 1].operation {
            Operation::BatchNorm => {
                let maps = self.value(inputs[0]);
                let own = graph.first_parameter(value);
                let statistics = self.kept.statistics[value].as_ref();
                let statistics = statistics.expect("a normalisation is computed again before its backward pass");
                O::normalise_again(&maps, [&self.parameters[own], &self.parameters[own + 1]], statistics)
            }
            Operation::Relu => O::relu(self.made_to_overwrite(inputs[0])),
            Operation::Dropout { share } => {
                let maps = self.made_to_overwrite(inputs[0]);
                let mask = self.kept.masks[value].as_ref();
                O::drop_again(maps, share, mask.expect("dropout keeps its mask while training"))
            }
            Operation::Concatenation => {
                let parts = graph.operands(value).iter().map(|&part| self.value(part));
                O::concatenate(&parts.collect::<Vec<_>>())
            }
            _ => unreachable!("everything else that a backward pass reads is kept"),
        }
    }

    /// A value that the caller may write into.
    fn made_to_overwrite(&mut self, value: Value) -> O::Tensor {
        match self.kept.values[value].as_ref().or(self.again[value].as_ref()) {
            Some(there) => O::copy(there),
            None => self.make_again(value),
        }
    }
}
