//! `fused`: a network by the [kernels](crate::kernels), on tensors in main memory.
//!
//! Each dense block and what follows it is one operation. Other segments (the stem, post-activation order, dropout, other
//! families, the classifier) and the loss are carried out layer by layer, by kernels too: no library's sum has a part in a step.

use std::marker::PhantomData;
use std::sync::Arc;

use burn::backend::{Autodiff, DispatchKindConversion, DispatchTensor};

use super::dense_block::dense_block;
use super::draws::Draws;
use super::fused_layers::{FusedLayers, FusedLoss};
use super::host_tensors::HostTensors;
use super::kernel_segment::KernelSegment;
use super::loss_operation::{CarryOutLoss, LossOperation};
use super::lowering::{AsOperation, CarryOut, Leaves, Lowering, SegmentKernel};
use super::segment::{Pass, Primitive, SegmentGradients, SegmentInput, SegmentOutput};
use super::segment_graph::SegmentGraph;
use crate::kernels::{self, Exit, Processor, StageShape, Wanted};

/// The execution on tensors `T`, with one set of vector instructions.
#[derive(Debug)]
pub struct Fused<T> {
    processor: Processor,
    draws: Arc<Draws>,
    tensors: PhantomData<fn() -> T>,
}

impl<T> Fused<T> {
    /// With these instructions.
    pub fn new(processor: Processor) -> Self {
        Self {
            processor,
            draws: Arc::default(),
            tensors: PhantomData,
        }
    }
}

impl<T: HostTensors> Lowering for Fused<T>
where
    DispatchTensor: DispatchKindConversion<T::Backend> + DispatchKindConversion<Autodiff<T::Backend>>,
{
    fn name(&self) -> &'static str {
        "fused"
    }

    fn take(&self, segment: &SegmentGraph) -> Result<Arc<dyn CarryOut>, Leaves> {
        Ok(match FusedBlock::<T>::new(segment, self.processor) {
            Ok(block) => AsOperation::of(segment, block),
            Err(_) => {
                let layers = KernelSegment::new(segment, self.processor);
                let draws = Arc::clone(&self.draws);
                AsOperation::of(segment, FusedLayers::<T>::new(layers, draws, segment.gives_vectors()))
            }
        })
    }

    fn loss(&self) -> Option<Arc<dyn CarryOutLoss>> {
        Some(Arc::new(LossOperation(FusedLoss::<T>::default())))
    }

    fn seed(&self, seed: u64) {
        self.draws.start(seed);
    }
}

/// A dense block and its exit.
#[derive(Debug)]
pub struct FusedBlock<T> {
    /// Of one image.
    shape: StageShape,
    /// Of each parameter whether it is trained.
    trained: Vec<bool>,
    processor: Processor,
    tensors: PhantomData<fn() -> T>,
}

impl<T> FusedBlock<T> {
    /// A segment that is one.
    ///
    /// # Errors
    /// Why it is none.
    pub fn new(segment: &SegmentGraph, processor: Processor) -> Result<Self, Leaves> {
        Ok(Self {
            shape: dense_block(segment)?,
            trained: segment.trained().to_vec(),
            processor,
            tensors: PhantomData,
        })
    }
}

impl<T: HostTensors> SegmentKernel for FusedBlock<T> {
    type Backend = T::Backend;

    fn carry_out(&self, input: SegmentInput<Primitive<T::Backend>>) -> SegmentOutput<Primitive<T::Backend>> {
        let SegmentInput {
            maps, parameters, pass, ..
        } = input;
        let processor = self.processor;
        let shape = StageShape {
            images: T::size(&maps)[0],
            ..self.shape
        };
        let maps = T::maps(&maps);
        let held: Vec<T::Held> = parameters.iter().map(T::values).collect();
        let slices: Vec<&[f32]> = held.iter().map(|values| &**values).collect();
        match pass {
            Pass::Evaluation(running) => {
                let running: Vec<[T::Held; 2]> = running.iter().map(|pair| pair.each_ref().map(T::values)).collect();
                let running: Vec<[&[f32]; 2]> = running
                    .iter()
                    .map(|pair| pair.each_ref().map(|values| &**values))
                    .collect();
                let output = kernels::evaluate(&shape, processor, &T::memory(), &maps, &slices, &running);
                SegmentOutput {
                    output: T::from_maps(output, &output_size(&shape)),
                    statistics: Vec::new(),
                    backward: None,
                }
            }
            Pass::Training { maps_gradient, .. } => {
                let forward = kernels::forward(&shape, processor, &T::memory(), &maps, &slices);
                let pixels = (shape.images * shape.height * shape.width) as f64;
                let unbiased = (pixels / (pixels - 1.0)) as f32;
                let statistics = forward.statistics.iter().map(|[mean, variance]| {
                    let variance: Vec<f32> = variance.iter().map(|value| value * unbiased).collect();
                    [&mean[..], &variance].map(|values| T::from_values(values, &[values.len()]))
                });
                let statistics = statistics.collect();
                let (saved, trained) = (forward.saved, self.trained.clone());
                let backward = move |gradient: Primitive<T::Backend>| {
                    let gradient = T::maps(&gradient);
                    let slices: Vec<&[f32]> = held.iter().map(|values| &**values).collect();
                    let wanted = Wanted {
                        input: maps_gradient,
                        parameters: &trained,
                    };
                    let found = kernels::backward(&shape, processor, &T::memory(), &slices, saved, &gradient, wanted);
                    let gradients = found.parameters.iter().zip(&parameters);
                    let gradients =
                        gradients.map(|(found, tensor)| Some(T::from_values(found.as_ref()?, &T::size(tensor))));
                    let gradients = gradients.collect();
                    // Held until now, so that Burn does not write into them.
                    drop(parameters);
                    let size = [shape.images, shape.input_channels, shape.height, shape.width];
                    SegmentGradients {
                        maps: found.input.map(|input| T::from_maps(input, &size)),
                        parameters: gradients,
                    }
                };
                SegmentOutput {
                    output: T::from_maps(forward.output, &output_size(&shape)),
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

/// The size of a stage's result: `[batch, channels, height, width]` of a transition, `[batch, channels]` of a head.
fn output_size(shape: &StageShape) -> Vec<usize> {
    match shape.exit {
        Exit::Transition { channels, .. } => vec![shape.images, channels, shape.height / 2, shape.width / 2],
        Exit::Head { .. } => vec![shape.images, shape.channels()],
    }
}
