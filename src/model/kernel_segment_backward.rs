//! Segments of any layers by the [kernels](crate::kernels): the backward pass, node by node in reverse.

use super::kernel_segment::KernelSegment;
use super::kernel_segment_forward::KernelSaved;
use super::segment_graph::{Value, learned_tensors};
use crate::kernels::{
    Buffer, Maps, Memory, add, channel_sums, copy_channels, pad, relu_backward, scale_maps_backward, sigmoid_backward,
    unflatten, unpad,
};
use crate::network::{Node, Operation};

/// The results of a backward pass.
pub struct KernelGradients<V> {
    /// The input's, without padding; none where it was not wanted.
    pub input: Option<V>,
    /// Each parameter's, in their order and in the order of its values; none of a frozen one.
    pub parameters: Vec<Option<Buffer<f32>>>,
}

impl KernelSegment {
    /// The gradients of all that entered [`KernelSegment::forward`], from that of its output, without padding.
    pub fn backward<M: Memory>(
        &self,
        memory: &M,
        input: &[f32],
        parameters: &[&[f32]],
        saved: KernelSaved<M::Values>,
        output_gradient: &[f32],
        wants_input: bool,
    ) -> KernelGradients<M::Values> {
        let count = self.graph.nodes.len() + 1;
        let mut backward = Backward {
            segment: self,
            memory,
            input,
            parameters,
            saved,
            wants_input,
            gradients: (0..count).map(|_| None).collect(),
            found: parameters.iter().map(|_| None).collect(),
        };
        let shape = self.output_shape(backward.saved.images);
        let mut gradient = memory.values(shape.values());
        pad(shape, output_gradient, &mut gradient);
        backward.gradients[count - 1] = Some(gradient);
        for (value, node) in self.graph.values().collect::<Vec<_>>().into_iter().rev() {
            if !self.is_part_of_relu(value) {
                backward.turn(value, node);
            }
            // Whatever reads it has been turned.
            backward.saved.values[value] = None;
        }
        let images = backward.saved.images;
        let input = backward.gradients[0].take().map(|padded| {
            let shape = self.shape(0, images);
            let mut values = memory.values(shape.pixels() * shape.channels);
            unpad(shape, &padded, &mut values);
            values
        });
        KernelGradients {
            input: input.filter(|_| wants_input),
            parameters: backward.found,
        }
    }
}

/// A backward pass with the gradients so far.
struct Backward<'a, M: Memory> {
    segment: &'a KernelSegment,
    memory: &'a M,
    input: &'a [f32],
    parameters: &'a [&'a [f32]],
    saved: KernelSaved<M::Values>,
    wants_input: bool,
    /// Of each value, what those behind it have given.
    gradients: Vec<Option<M::Values>>,
    found: Vec<Option<Buffer<f32>>>,
}

impl<M: Memory> Backward<'_, M> {
    /// From the gradient of a value to those of the values that it is made from.
    fn turn(&mut self, value: Value, node: &Node) {
        let (segment, images, processor) = (self.segment, self.saved.images, self.segment.processor);
        let sources = segment.sources(value);
        let Some(mut gradient) = self.gradients[value].take() else {
            // Nothing behind it reads it: its parameters change nothing.
            let own = segment.norm_of(value).unwrap_or(value);
            let operation = segment.graph.node(own).map(|node| node.operation);
            let first = segment.graph.first_parameter(own);
            for place in first..first + operation.map_or(0, learned_tensors) {
                let zeros = || Buffer::zeros(self.parameters[place].len());
                self.found[place] = segment.graph.trained()[place].then(zeros);
            }
            return;
        };
        if let Some(norm) = segment.norm_of(value) {
            self.turn_norm(norm, sources[0], gradient);
            return;
        }
        match node.operation {
            Operation::Convolution { bias, .. } => self.turn_convolution(value, sources[0], bias, &gradient),
            Operation::Linear => self.turn_convolution(value, sources[0], true, &gradient),
            Operation::BatchNorm => self.turn_norm(value, sources[0], gradient),
            Operation::Relu => {
                relu_backward(&mut gradient, self.maps(value).values);
                self.give(sources[0], gradient);
            }
            Operation::Sigmoid => {
                sigmoid_backward(&mut gradient, self.maps(value).values);
                self.give(sources[0], gradient);
            }
            Operation::Dropout { .. } => {
                if let Some(dropout) = segment.dropout(value, self.saved.seed) {
                    dropout.apply(&mut gradient);
                }
                self.give(sources[0], gradient);
            }
            Operation::MaxPool { .. } => {
                let mut of_input = self.memory.values(segment.shape(sources[0], images).values());
                let pool = segment.max_pool(value, images).expect("the operation is one");
                pool.backward(processor, self.maps(sources[0]), &gradient, &mut of_input);
                self.give(sources[0], of_input);
            }
            Operation::AveragePool { .. } | Operation::GlobalAveragePool | Operation::AdaptiveAveragePool => {
                let mut of_input = self.memory.values(segment.shape(sources[0], images).values());
                let pool = segment.average_pool(value, images).expect("the operation is one");
                pool.backward(processor, &gradient, &mut of_input);
                self.give(sources[0], of_input);
            }
            Operation::ZeroChannels | Operation::Concatenation => {
                let maps = Maps::padded(segment.shape(value, images), &gradient);
                let mut place = 0;
                let mut parts = Vec::new();
                for &source in sources {
                    let shape = segment.shape(source, images);
                    let mut part = self.memory.values(shape.values());
                    part.fill(0.0);
                    copy_channels(maps, place, &mut part, shape.stride(), 0, shape.channels);
                    place += shape.channels;
                    parts.push((source, part));
                }
                parts.into_iter().for_each(|(source, part)| self.give(source, part));
            }
            Operation::Addition => {
                let mut copy = self.memory.values(gradient.len());
                copy.copy_from_slice(&gradient);
                self.give(sources[0], copy);
                self.give(sources[1], gradient);
            }
            Operation::Scaling => {
                let found = scale_maps_backward(self.maps(sources[1]), self.maps(sources[0]).values, &mut gradient);
                let mut of_factors = self.memory.values(found.len());
                of_factors.copy_from_slice(&found);
                self.give(sources[0], of_factors);
                self.give(sources[1], gradient);
            }
            Operation::Flatten => {
                let shape = segment.shape(sources[0], images);
                let mut of_input = self.memory.values(shape.values());
                unflatten(shape, &gradient, &mut of_input);
                self.give(sources[0], of_input);
            }
            Operation::Images => unreachable!("the images are no node of a segment"),
        }
    }

    fn maps(&self, value: Value) -> Maps<'_> {
        let shape = self.segment.shape(value, self.saved.images);
        match &self.saved.values[value] {
            Some(values) => Maps::padded(shape, values),
            // Not copied into padded rows: they are whole vectors, or a convolution alone reads them.
            None if value == 0 => Maps::unpadded(shape, self.input),
            None => unreachable!("a value that is read later is kept"),
        }
    }

    /// Adds to a value's gradient.
    fn give(&mut self, value: Value, gradient: M::Values) {
        if !self.is_wanted(value) {
            return;
        }
        match &mut self.gradients[value] {
            Some(sum) => add(sum, &gradient),
            none => *none = Some(gradient),
        }
    }

    fn is_wanted(&self, value: Value) -> bool {
        self.segment.graph.is_tracked(value) && (value > 0 || self.wants_input)
    }

    fn turn_convolution(&mut self, value: Value, source: Value, has_bias: bool, gradient: &[f32]) {
        let (segment, processor) = (self.segment, self.segment.processor);
        let convolution = segment
            .convolution(value, self.saved.images)
            .expect("the operation is one");
        let own = segment.graph.first_parameter(value);
        let gradient = Maps::padded(convolution.output(), gradient);
        let trained = segment.graph.trained();
        let weight = || convolution.weight_gradient(processor, self.maps(source), gradient);
        self.found[own] = trained[own].then(weight);
        if has_bias {
            self.found[own + 1] = trained[own + 1].then(|| channel_sums(processor, gradient));
        }
        if self.is_wanted(source) {
            let mut of_input = self.memory.values(convolution.input.values());
            convolution.input_gradient(processor, gradient, self.parameters[own], &mut of_input);
            self.give(source, of_input);
        }
    }

    fn turn_norm(&mut self, norm: Value, source: Value, mut gradient: M::Values) {
        let segment = self.segment;
        let own = segment.graph.first_parameter(norm);
        let normalisation = self.saved.norms[norm].take().expect("the forward pass has made it");
        let found = normalisation.backward(segment.processor, self.maps(source), &mut gradient);
        for (place, found) in found.into_iter().enumerate() {
            self.found[own + place] = segment.graph.trained()[own + place].then_some(found);
        }
        self.give(source, gradient);
    }
}
