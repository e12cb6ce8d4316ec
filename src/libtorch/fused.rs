//! `fused`: each dense block and what follows it as one operation of the [kernels](crate::kernels), on the CPU.
//!
//! Other segments (the stem, post-activation order, dropout, other families) are left to the next lowering.

use std::sync::Arc;

use tch::Tensor;

use super::layout::laid_out;
use super::tensors::{Backend, BurnTensor, from_tch, pairs_to_tch, to_tch};
use super::values::{TensorMemory, TensorValues, values};
use crate::formats::ablation::MapLayout;
use crate::kernels::{self, Buffer, Processor, StageShape, Wanted};
use crate::model::{
    AsOperation, CarryOut, Leaves, Lowering, Pass, SegmentGradients, SegmentGraph, SegmentInput, SegmentKernel,
    SegmentOutput, dense_block,
};

/// The kernels for one set of vector instructions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fused {
    processor: Processor,
}

impl Fused {
    /// With these instructions.
    pub(super) fn new(processor: Processor) -> Self {
        kernels::count_buffers(super::memory::count_beside_tensors);
        Self { processor }
    }
}

impl Lowering for Fused {
    fn name(&self) -> &'static str {
        "fused"
    }

    fn take(&self, segment: &SegmentGraph) -> Result<Arc<dyn CarryOut>, Leaves> {
        Ok(AsOperation::of(segment, FusedBlock::new(segment, self.processor)?))
    }
}

/// A dense block and its exit.
#[derive(Debug)]
pub(super) struct FusedBlock {
    /// Of one image.
    shape: StageShape,
    /// Of each parameter whether it is trained.
    trained: Vec<bool>,
    processor: Processor,
}

impl FusedBlock {
    pub(super) fn new(segment: &SegmentGraph, processor: Processor) -> Result<Self, Leaves> {
        Ok(Self {
            shape: dense_block(segment)?,
            trained: segment.trained().to_vec(),
            processor,
        })
    }
}

impl SegmentKernel for FusedBlock {
    type Backend = Backend;

    fn carry_out(&self, input: SegmentInput<BurnTensor>) -> SegmentOutput<BurnTensor> {
        let SegmentInput {
            maps, parameters, pass, ..
        } = input;
        let processor = self.processor;
        let shape = StageShape {
            images: to_tch(&maps).size()[0] as usize,
            ..self.shape
        };
        let maps = laid_out(&to_tch(&maps), MapLayout::ChannelsLast);
        let tensors: Vec<Tensor> = parameters
            .iter()
            .map(|parameter| to_tch(parameter).contiguous())
            .collect();
        let slices: Vec<&[f32]> = tensors.iter().map(values).collect();
        match pass {
            Pass::Evaluation(running) => {
                let running = pairs_to_tch(&running);
                let running: Vec<[&[f32]; 2]> = running.iter().map(|pair| pair.each_ref().map(values)).collect();
                let output = kernels::evaluate(&shape, processor, &TensorMemory, values(&maps), &slices, &running);
                SegmentOutput {
                    output: from_tch(output_tensor(&shape, output)),
                    statistics: Vec::new(),
                    backward: None,
                }
            }
            Pass::Training { maps_gradient, .. } => {
                let forward = kernels::forward(&shape, processor, &TensorMemory, values(&maps), &slices);
                let pixels = (shape.images * shape.height * shape.width) as f64;
                let unbiased = (pixels / (pixels - 1.0)) as f32;
                let statistics = forward.statistics.into_iter().map(|[mean, variance]| {
                    let variance: Buffer<f32> = variance.iter().map(|value| value * unbiased).collect();
                    [mean, variance].map(|values| from_tch(Tensor::from_slice(&values[..])))
                });
                let (saved, trained) = (forward.saved, self.trained.clone());
                let backward = move |gradient: BurnTensor| {
                    let gradient = to_tch(&gradient);
                    let gradient = if gradient.dim() == 4 {
                        laid_out(&gradient, MapLayout::ChannelsLast)
                    } else {
                        gradient.contiguous()
                    };
                    let slices: Vec<&[f32]> = tensors.iter().map(values).collect();
                    let wanted = Wanted {
                        input: maps_gradient,
                        parameters: &trained,
                    };
                    let found = kernels::backward(
                        &shape,
                        processor,
                        &TensorMemory,
                        &slices,
                        saved,
                        values(&gradient),
                        wanted,
                    );
                    let shaped = |(found, tensor): (&Option<Buffer<f32>>, &Tensor)| {
                        let found = found.as_ref()?;
                        Some(from_tch(Tensor::from_slice(&found[..]).view(&tensor.size()[..])))
                    };
                    let gradients = found.parameters.iter().zip(&tensors).map(shaped).collect();
                    // Held until now, so that Burn does not write into them.
                    drop(parameters);
                    let size = [shape.images, shape.height, shape.width, shape.input_channels];
                    SegmentGradients {
                        maps: found
                            .input
                            .map(|input| from_tch(channels_last(input.into_tensor(), size))),
                        parameters: gradients,
                    }
                };
                SegmentOutput {
                    output: from_tch(output_tensor(&shape, forward.output)),
                    statistics: statistics.collect(),
                    backward: Some(Box::new(backward)),
                }
            }
        }
    }

    fn tells_its_nodes(&self) -> bool {
        false
    }
}

/// A stage's result as a tensor: `[batch, channels, height, width]` of a transition, `[batch, channels]` of a head.
fn output_tensor(shape: &StageShape, output: TensorValues) -> Tensor {
    let tensor = output.into_tensor();
    match shape.exit {
        kernels::Exit::Transition { channels, .. } => {
            channels_last(tensor, [shape.images, shape.height / 2, shape.width / 2, channels])
        }
        kernels::Exit::Head { .. } => tensor.view([shape.images as i64, shape.channels() as i64]),
    }
}

/// Values `[batch, height, width, channels]` as a tensor `[batch, channels, height, width]`.
fn channels_last(values: Tensor, size: [usize; 4]) -> Tensor {
    values.view(size.map(|size| size as i64)).permute([0, 3, 1, 2])
}
