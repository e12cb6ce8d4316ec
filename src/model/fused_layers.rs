//! `fused`: segments layer by layer, and the loss.

use std::marker::PhantomData;
use std::sync::Arc;

use super::draws::Draws;
use super::host_tensors::HostTensors;
use super::kernel_segment::KernelSegment;
use super::kernel_segment_forward::KernelPass;
use super::loss_operation::LossKernel;
use super::lowering::SegmentKernel;
use super::segment::{Pass, Primitive, SegmentGradients, SegmentInput, SegmentOutput};
use crate::kernels::{MapShape, Memory, Targets, cross_entropy};

/// A segment of any layers.
#[derive(Debug)]
pub(super) struct FusedLayers<T> {
    layers: Arc<KernelSegment>,
    draws: Arc<Draws>,
    gives_vectors: bool,
    tensors: PhantomData<fn() -> T>,
}

impl<T: HostTensors> FusedLayers<T> {
    /// With the seeds of dropout's masks; whether the output is vectors.
    pub(super) fn new(layers: KernelSegment, draws: Arc<Draws>, gives_vectors: bool) -> Self {
        Self {
            layers: Arc::new(layers),
            draws,
            gives_vectors,
            tensors: PhantomData,
        }
    }

    fn output(&self, images: usize, output: <T::Memory as Memory>::Values) -> Primitive<T::Backend> {
        let MapShape {
            height,
            width,
            channels,
            ..
        } = self.layers.output_shape(images);
        match self.gives_vectors {
            true => T::from_maps(output, &[images, channels]),
            false => T::from_maps(output, &[images, channels, height, width]),
        }
    }
}

impl<T: HostTensors> SegmentKernel for FusedLayers<T> {
    type Backend = T::Backend;

    fn carry_out(&self, input: SegmentInput<Primitive<T::Backend>>) -> SegmentOutput<Primitive<T::Backend>> {
        let SegmentInput {
            maps: entering,
            parameters,
            pass,
            ..
        } = input;
        let size = T::size(&entering);
        let images = size[0];
        let maps = T::maps(&entering);
        let held: Vec<T::Held> = parameters.iter().map(T::values).collect();
        let slices: Vec<&[f32]> = held.iter().map(|values| &**values).collect();
        match pass {
            Pass::Evaluation(running) => {
                let running: Vec<[T::Held; 2]> = running.iter().map(|pair| pair.each_ref().map(T::values)).collect();
                let running: Vec<[&[f32]; 2]> = running
                    .iter()
                    .map(|pair| pair.each_ref().map(|values| &**values))
                    .collect();
                let pass = KernelPass::Evaluation(&running);
                let forward = self.layers.forward(&T::memory(), images, &maps, &slices, pass);
                SegmentOutput {
                    output: self.output(images, forward.output),
                    statistics: Vec::new(),
                    backward: None,
                }
            }
            Pass::Training { maps_gradient, fixed } => {
                let fixed: Vec<Option<[T::Held; 2]>> = fixed
                    .iter()
                    .map(|pair| pair.as_ref().map(|pair| pair.each_ref().map(T::values)))
                    .collect();
                let fixed: Vec<Option<[&[f32]; 2]>> = fixed
                    .iter()
                    .map(|pair| pair.as_ref().map(|pair| pair.each_ref().map(|values| &**values)))
                    .collect();
                let pass = KernelPass::Training {
                    fixed: &fixed,
                    seed: if self.layers.draws() { self.draws.next() } else { 0 },
                };
                let forward = self.layers.forward(&T::memory(), images, &maps, &slices, pass);
                let statistics = forward
                    .statistics
                    .iter()
                    .map(|pair| pair.each_ref().map(|values| T::from_values(values, &[values.len()])));
                let statistics = statistics.collect();
                let (saved, layers) = (forward.saved, Arc::clone(&self.layers));
                let backward = move |gradient: Primitive<T::Backend>| {
                    let gradient = T::maps(&gradient);
                    let slices: Vec<&[f32]> = held.iter().map(|values| &**values).collect();
                    let saved = saved.expect("a pass of training keeps what its backward pass needs");
                    let found = layers.backward(&T::memory(), &maps, &slices, saved, &gradient, maps_gradient);
                    let gradients = found.parameters.iter().zip(&parameters);
                    let gradients =
                        gradients.map(|(found, tensor)| Some(T::from_values(found.as_ref()?, &T::size(tensor))));
                    let gradients = gradients.collect();
                    // Held until now, so that Burn does not write into them.
                    drop((entering, parameters));
                    SegmentGradients {
                        maps: found.input.map(|input| T::from_maps(input, &size)),
                        parameters: gradients,
                    }
                };
                SegmentOutput {
                    output: self.output(images, forward.output),
                    statistics,
                    backward: Some(Box::new(backward)),
                }
            }
        }
    }

    fn tells_its_nodes(&self) -> bool {
        false
    }
}

/// The loss.
#[derive(Debug)]
pub(super) struct FusedLoss<T>(PhantomData<fn() -> T>);

impl<T> Default for FusedLoss<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: HostTensors> LossKernel for FusedLoss<T> {
    type Backend = T::Backend;

    fn carry_out(
        &self,
        input: SegmentInput<Primitive<T::Backend>>,
        targets: Targets,
    ) -> SegmentOutput<Primitive<T::Backend>> {
        let size = T::size(&input.maps);
        let logits = T::values(&input.maps);
        let (loss, gradient) = cross_entropy(&logits, size[1], &targets);
        let backward = move |of_loss: Primitive<T::Backend>| {
            let factor = T::values(&of_loss)[0];
            let scaled: Vec<f32> = gradient.iter().map(|value| value * factor).collect();
            SegmentGradients {
                maps: Some(T::from_values(&scaled, &size)),
                parameters: Vec::new(),
            }
        };
        SegmentOutput {
            output: T::from_values(&[loss], &[1]),
            statistics: Vec::new(),
            backward: match input.pass {
                Pass::Training { .. } => Some(Box::new(backward)),
                Pass::Evaluation(_) => None,
            },
        }
    }
}
