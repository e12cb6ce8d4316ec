//! `fused`: each dense block and what follows it as one operation of the [kernels](crate::kernels), on the CPU.
//!
//! The stem, and stages that the kernels do not know (post-activation order, dropout), are carried out as in `aten`.

use tch::Tensor;

use super::aten::Aten;
use super::layout::Layout;
use super::tensors::{Backend, Counted, counted, inner};
use super::values::{TensorMemory, TensorValues, values};
use crate::kernels::{self, Processor, StageShape};
use crate::model::{Means, Pass, SegmentGradients, SegmentInput, SegmentOutput, StemMeans};
use crate::network::{CompositeStep, Exit, Stage};

/// The kernels for one set of vector instructions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fused {
    processor: Processor,
}

impl Fused {
    /// With these instructions.
    pub(super) fn new(processor: Processor) -> Self {
        Self { processor }
    }
}

impl Means for Fused {
    type Backend = Backend;

    fn stem(&self) -> Option<StemMeans<Backend>> {
        Aten.stem()
    }

    fn stage(&self, stage: &Stage, input: SegmentInput<Counted>) -> SegmentOutput<Counted> {
        match shape(stage, &input) {
            Some(shape) => self.carry_out(shape, input),
            None => Aten.stage(stage, input),
        }
    }
}

impl Fused {
    fn carry_out(self, shape: StageShape, input: SegmentInput<Counted>) -> SegmentOutput<Counted> {
        let SegmentInput { maps, parameters, pass } = input;
        let processor = self.processor;
        let maps = Layout::ChannelsLast.of(&inner(&maps));
        let tensors: Vec<Tensor> = parameters
            .iter()
            .map(|parameter| inner(parameter).contiguous())
            .collect();
        let slices: Vec<&[f32]> = tensors.iter().map(values).collect();
        match pass {
            Pass::Evaluation(running) => {
                let running: Vec<[Tensor; 2]> = running.iter().map(|pair| pair.each_ref().map(inner)).collect();
                let running: Vec<[&[f32]; 2]> = running.iter().map(|pair| pair.each_ref().map(values)).collect();
                let output = kernels::evaluate(&shape, processor, &TensorMemory, values(&maps), &slices, &running);
                SegmentOutput {
                    output: counted(output_tensor(&shape, output)),
                    statistics: Vec::new(),
                    backward: None,
                }
            }
            Pass::Training { maps_gradient } => {
                let forward = kernels::forward(&shape, processor, &TensorMemory, values(&maps), &slices);
                let pixels = (shape.images * shape.height * shape.width) as f64;
                let unbiased = (pixels / (pixels - 1.0)) as f32;
                let statistics = forward.statistics.into_iter().map(|[mean, variance]| {
                    let variance: Vec<f32> = variance.into_iter().map(|value| value * unbiased).collect();
                    [mean, variance].map(|values| counted(Tensor::from_slice(&values)))
                });
                let saved = forward.saved;
                let backward = move |gradient: Counted| {
                    let gradient = inner(&gradient);
                    let gradient = if gradient.dim() == 4 {
                        Layout::ChannelsLast.of(&gradient)
                    } else {
                        gradient.contiguous()
                    };
                    let slices: Vec<&[f32]> = tensors.iter().map(values).collect();
                    let found = kernels::backward(&shape, processor, &TensorMemory, &slices, saved, values(&gradient));
                    let gradients = found.parameters.iter().zip(&tensors);
                    let gradients = gradients.map(|(found, tensor)| Tensor::from_slice(found).view(&tensor.size()[..]));
                    let gradients = gradients.map(counted).collect();
                    // Held until now, so that Burn would not write into them.
                    drop(parameters);
                    let size = [shape.images, shape.height, shape.width, shape.input_channels];
                    SegmentGradients {
                        maps: maps_gradient.then(|| counted(channels_last(found.input.into_tensor(), size))),
                        parameters: gradients,
                    }
                };
                SegmentOutput {
                    output: counted(output_tensor(&shape, forward.output)),
                    statistics: statistics.collect(),
                    backward: Some(Box::new(backward)),
                }
            }
        }
    }
}

/// The sizes that the kernels need; none where they do not know the stage.
fn shape(stage: &Stage, input: &SegmentInput<Counted>) -> Option<StageShape> {
    let is_known = |step: CompositeStep| step.norm_first && step.dropout == 0.0;
    let is_layer_known = |step: CompositeStep| is_known(step) && step.relu;
    let outputs = |parameter: usize| inner(&input.parameters[parameter]).size()[0] as usize;
    let [images, input_channels, height, width] = inner(&input.maps).size()[..] else {
        return None;
    };
    // A layer's parameters: scale, shift and weight of one or two composite functions.
    let (bottleneck, growth_rate) = match stage.bottleneck {
        Some(_) => (Some(outputs(2)), outputs(5)),
        None => (None, outputs(2)),
    };
    let exit = match stage.exit {
        Exit::Transition(step) if is_known(step) => kernels::Exit::Transition {
            channels: outputs(input.parameters.len() - 1),
            relu: step.relu,
        },
        Exit::Head { norm: true, relu } => kernels::Exit::Head { relu },
        _ => return None,
    };
    stage.layer().all(is_layer_known).then_some(StageShape {
        images: images as usize,
        height: height as usize,
        width: width as usize,
        input_channels: input_channels as usize,
        layers: stage.layers,
        growth_rate,
        bottleneck,
        exit,
    })
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
