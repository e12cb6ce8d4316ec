//! Segments of any layers by the [kernels](crate::kernels): the forward pass, node by node.

use super::kernel_segment::KernelSegment;
use super::segment_graph::Value;
use crate::kernels::{
    Buffer, Maps, Memory, Normalisation, add, copy_channels, flatten, pad, relu, scale_maps, sigmoid, unpad,
};
use crate::network::{Node, Operation};

/// The statistics that a pass normalises with.
#[derive(Clone, Copy, Debug)]
pub enum KernelPass<'a> {
    /// The batch's, but for frozen normalisations, each of which has its running mean and variance.
    Training {
        /// For each normalisation, in the order of the nodes.
        fixed: &'a [Option<[&'a [f32]; 2]>],
        /// Decides dropout's masks.
        seed: u64,
    },
    /// Running mean and variance of each normalisation.
    Evaluation(&'a [[&'a [f32]; 2]]),
}

/// The results of a forward pass.
pub struct KernelForward<V> {
    /// The output without padding, channels last: `[images, height, width, channels]` of maps, `[images, channels]` of
    /// vectors.
    pub output: V,
    /// Mean and *unbiased* variance of the input of each normalisation that took the batch's.
    pub statistics: Vec<[Buffer<f32>; 2]>,
    /// The values that the backward pass needs; none of evaluation.
    pub saved: Option<KernelSaved<V>>,
}

/// The values that a forward pass keeps.
pub struct KernelSaved<V> {
    pub(super) images: usize,
    /// The input, where it had to be padded.
    pub(super) values: Vec<Option<V>>,
    pub(super) norms: Vec<Option<Normalisation>>,
    pub(super) seed: u64,
}

impl KernelSegment {
    /// Runs the segment forward on the input `[images, height, width, channels]`, or `[images, channels]`, without padding.
    /// The parameters are in the order of the nodes, each in the order in which Burn keeps its values.
    pub fn forward<M: Memory>(
        &self,
        memory: &M,
        images: usize,
        input: &[f32],
        parameters: &[&[f32]],
        pass: KernelPass<'_>,
    ) -> KernelForward<M::Values> {
        let count = self.graph.nodes.len() + 1;
        let mut forward = Forward {
            segment: self,
            memory,
            images,
            input,
            parameters,
            pass,
            values: (0..count).map(|_| None).collect(),
            norms: (0..count).map(|_| None).collect(),
            statistics: Vec::new(),
        };
        if self.pads_input() {
            let shape = self.shape(0, images);
            let mut values = memory.values(shape.values());
            pad(shape, input, &mut values);
            forward.values[0] = Some(values);
        }
        forward.run();
        let last = self.graph.nodes.len();
        let shape = self.shape(last, images);
        let made = forward.values[last]
            .take()
            .expect("a segment's last node gives its output");
        let Forward {
            mut values,
            norms,
            statistics,
            ..
        } = forward;
        let output = if shape.stride() == shape.channels && !self.is_kept[last] {
            made
        } else {
            let mut output = memory.values(shape.pixels() * shape.channels);
            unpad(shape, &made, &mut output);
            if self.is_kept[last] {
                values[last] = Some(made);
            }
            output
        };
        let saved = match pass {
            KernelPass::Evaluation(_) => None,
            KernelPass::Training { seed, .. } => Some(KernelSaved {
                images,
                values,
                norms,
                seed,
            }),
        };
        KernelForward {
            output,
            statistics,
            saved,
        }
    }
}

/// A forward pass with the values so far.
struct Forward<'a, M: Memory> {
    segment: &'a KernelSegment,
    memory: &'a M,
    images: usize,
    input: &'a [f32],
    parameters: &'a [&'a [f32]],
    pass: KernelPass<'a>,
    values: Vec<Option<M::Values>>,
    norms: Vec<Option<Normalisation>>,
    statistics: Vec<[Buffer<f32>; 2]>,
}

impl<M: Memory> Forward<'_, M> {
    fn run(&mut self) {
        let segment = self.segment;
        let keeps = matches!(self.pass, KernelPass::Training { .. });
        for (value, node) in segment.graph.values() {
            if segment.is_part_of_relu(value) {
                continue;
            }
            self.values[value] = Some(self.make(value, node));
            for &source in segment.sources(value) {
                if segment.last_uses[source] == Some(value) && !(keeps && segment.is_kept[source]) {
                    self.values[source] = None;
                }
            }
        }
    }

    fn make(&mut self, value: Value, node: &Node) -> M::Values {
        let (segment, images, processor) = (self.segment, self.images, self.segment.processor);
        let sources = segment.sources(value);
        let shape = segment.shape(value, images);
        if let Some(norm) = segment.norm_of(value) {
            return self.normalise(norm, sources[0], true);
        }
        match node.operation {
            Operation::Convolution { bias, .. } => self.convolve(value, bias),
            Operation::Linear => self.convolve(value, true),
            Operation::BatchNorm => self.normalise(value, sources[0], false),
            Operation::Relu => {
                let mut output = self.copy(sources[0]);
                relu(&mut output);
                output
            }
            Operation::Sigmoid => {
                let mut output = self.copy(sources[0]);
                sigmoid(&mut output);
                output
            }
            Operation::Dropout { .. } => {
                let mut output = self.copy(sources[0]);
                if let KernelPass::Training { seed, .. } = self.pass
                    && let Some(dropout) = segment.dropout(value, seed)
                {
                    dropout.apply(&mut output);
                }
                output
            }
            Operation::MaxPool { .. } => {
                let mut output = self.memory.values(shape.values());
                let pool = segment.max_pool(value, images).expect("the operation is one");
                pool.forward(processor, self.maps(sources[0]), &mut output);
                output
            }
            Operation::AveragePool { .. } | Operation::GlobalAveragePool | Operation::AdaptiveAveragePool => {
                let mut output = self.memory.values(shape.values());
                let pool = segment.average_pool(value, images).expect("the operation is one");
                pool.forward(processor, self.maps(sources[0]), &mut output);
                output
            }
            Operation::ZeroChannels | Operation::Concatenation => {
                let mut output = self.memory.values(shape.values());
                output.fill(0.0);
                let mut place = 0;
                for &source in sources {
                    let maps = self.maps(source);
                    copy_channels(maps, 0, &mut output, shape.stride(), place, maps.shape.channels);
                    place += maps.shape.channels;
                }
                output
            }
            Operation::Addition => {
                let mut output = self.copy(sources[0]);
                add(&mut output, self.maps(sources[1]).values);
                output
            }
            Operation::Scaling => {
                let mut output = self.memory.values(shape.values());
                scale_maps(self.maps(sources[1]), self.maps(sources[0]).values, &mut output);
                output
            }
            Operation::Flatten => {
                let mut output = self.memory.values(shape.values());
                flatten(self.maps(sources[0]), &mut output);
                output
            }
            Operation::Images => unreachable!("the images are no node of a segment"),
        }
    }

    fn maps(&self, value: Value) -> Maps<'_> {
        let shape = self.segment.shape(value, self.images);
        match &self.values[value] {
            Some(values) => Maps::padded(shape, values),
            // Not copied into padded rows: they are whole vectors, or a convolution alone reads them.
            None if value == 0 => Maps::unpadded(shape, self.input),
            None => unreachable!("a value that is read later is kept"),
        }
    }

    fn copy(&self, value: Value) -> M::Values {
        let maps = self.maps(value);
        let mut values = self.memory.values(maps.values.len());
        values.copy_from_slice(maps.values);
        values
    }

    fn convolve(&self, value: Value, has_bias: bool) -> M::Values {
        let segment = self.segment;
        let convolution = segment.convolution(value, self.images).expect("the operation is one");
        let own = segment.graph.first_parameter(value);
        let bias = has_bias.then(|| self.parameters[own + 1]);
        let mut output = self.memory.values(convolution.output().values());
        let input = self.maps(segment.sources(value)[0]);
        convolution.forward(segment.processor, input, self.parameters[own], bias, &mut output);
        output
    }

    fn normalise(&mut self, norm: Value, source: Value, relu: bool) -> M::Values {
        let segment = self.segment;
        let own = segment.graph.first_parameter(norm);
        let affine = [self.parameters[own], self.parameters[own + 1]];
        let place = segment.graph.norm(norm);
        let given = match self.pass {
            KernelPass::Training { fixed, .. } => fixed.get(place).copied().flatten(),
            KernelPass::Evaluation(running) => Some(running[place]),
        };
        let epsilon = segment.graph.epsilon;
        let maps = self.maps(source);
        let normalisation = match given {
            Some(running) => Normalisation::of_running(running, affine, relu, epsilon),
            None => Normalisation::of_batch(segment.processor, maps, affine, relu, epsilon),
        };
        let mut output = self.memory.values(maps.shape.values());
        normalisation.forward(segment.processor, maps, &mut output);
        if given.is_none() {
            let pixels = maps.shape.pixels() as f64;
            let unbiased = (pixels / (pixels - 1.0)) as f32;
            let [mean, variance] = normalisation.statistics();
            let variance = variance.iter().map(|value| value * unbiased).collect();
            self.statistics.push([mean, variance]);
        }
        self.norms[norm] = Some(normalisation);
        output
    }
}
