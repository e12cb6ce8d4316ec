//! `recompute` with ATen's operations: in place where a value is not needed any more.

use std::sync::Arc;

use tch::Tensor;

use super::aten;
use super::layout::{empty_maps, fastest, laid_out};
use super::native::{batch_norm_backward, convolution_backward};
use super::tensors::{Backend, BurnTensor, from_tch, gradients_from_tch, pairs_to_tch, to_tch};
use crate::model::{
    AsOperation, AverageWindows, BatchStatistics, CarryOut, ConvolutionWindows, Leaves, Lowering, MaxWindows,
    Operations, Pass, RecomputePlan, SegmentGradients, SegmentGraph, SegmentInput, SegmentKernel, SegmentOutput,
};

/// Recomputing segments.
#[derive(Clone, Copy, Debug)]
pub(super) struct AtenRecompute;

impl Lowering for AtenRecompute {
    fn name(&self) -> &'static str {
        "recompute"
    }

    fn take(&self, segment: &SegmentGraph) -> Result<Arc<dyn CarryOut>, Leaves> {
        let plan = RecomputePlan::new(segment)?;
        Ok(AsOperation::of(segment, Recomputed(plan)))
    }
}

/// A segment with ATen's operations.
#[derive(Debug)]
pub(super) struct Recomputed(pub(super) RecomputePlan);

impl SegmentKernel for Recomputed {
    type Backend = Backend;

    fn carry_out(&self, input: SegmentInput<BurnTensor>) -> SegmentOutput<BurnTensor> {
        let SegmentInput {
            maps,
            parameters,
            pass,
            watch,
        } = input;
        let found = self.0.carry_out::<AtenOperations>(SegmentInput {
            maps: as_fastest(&to_tch(&maps)),
            parameters: parameters.iter().map(to_tch).collect(),
            pass: match pass {
                // No plan is made for a segment with frozen normalisations.
                Pass::Training { maps_gradient, .. } => Pass::Training {
                    maps_gradient,
                    fixed: Vec::new(),
                },
                Pass::Evaluation(running) => Pass::Evaluation(pairs_to_tch(&running)),
            },
            watch,
        });
        let backward = found.backward.map(|backward| {
            Box::new(move |gradient: BurnTensor| {
                let found = backward(to_tch(&gradient));
                // Held until now, so that Burn does not write into kept values.
                drop((maps, parameters));
                SegmentGradients {
                    maps: found.maps.map(from_tch),
                    parameters: gradients_from_tch(found.parameters),
                }
            }) as _
        });
        SegmentOutput {
            output: from_tch(found.output),
            statistics: found
                .statistics
                .into_iter()
                .map(|pair| pair.map(|tensor| from_tch(tensor.copy())))
                .collect(),
            backward,
        }
    }

    fn tells_its_nodes(&self) -> bool {
        true
    }
}

/// Maps in the layout that is fastest on their device.
fn as_fastest(maps: &Tensor) -> Tensor {
    laid_out(maps, fastest(maps.device()))
}

/// ATen's operations.
#[derive(Debug)]
struct AtenOperations;

impl Operations for AtenOperations {
    type Tensor = Tensor;
    type Mask = Tensor;
    type Places = Tensor;

    fn laid_out(maps: Tensor) -> Tensor {
        as_fastest(&maps)
    }

    fn unread(like: &Tensor, shape: [usize; 3]) -> Tensor {
        let [channels, height, width] = shape.map(|size| size as i64);
        let options = (like.kind(), like.device());
        empty_maps(
            [like.size()[0], channels, height, width],
            options,
            fastest(like.device()),
        )
    }

    fn share(tensor: &Tensor) -> Tensor {
        tensor.shallow_clone()
    }

    fn copy(tensor: &Tensor) -> Tensor {
        tensor.copy()
    }

    fn add(mut first: Tensor, second: Tensor) -> Tensor {
        first.g_add_(&second)
    }

    fn concatenate(maps: &[Tensor]) -> Tensor {
        aten::concatenated(maps)
    }

    fn channels(maps: &Tensor, from: usize, to: usize) -> Tensor {
        as_fastest(&maps.narrow(1, from as i64, (to - from) as i64))
    }

    fn zero_channels(maps: &Tensor, channels: usize) -> Tensor {
        aten::zero_channels(maps, channels)
    }

    fn add_first_channels(mut maps: Tensor, wider: Tensor) -> Tensor {
        let width = maps.size()[1];
        maps.g_add_(&wider.narrow(1, 0, width))
    }

    fn normalise(maps: &Tensor, [gamma, beta]: [&Tensor; 2], epsilon: f64) -> (Tensor, BatchStatistics<Tensor>) {
        let size = maps.size();
        let values = (size[0] * size[2] * size[3]) as f64;
        let (running_mean, unbiased_variance) = (gamma.zeros_like(), gamma.zeros_like());
        // With a momentum of 1 the running statistics are the batch's: its mean and its unbiased variance.
        let (normalised, mean, inverse_deviation) = maps.native_batch_norm(
            Some(gamma),
            Some(beta),
            Some(&running_mean),
            Some(&unbiased_variance),
            true,
            1.0,
            epsilon,
        );
        let statistics = BatchStatistics {
            mean,
            variance: &unbiased_variance * ((values - 1.0) / values),
            unbiased_variance,
            inverse_deviation: Some(inverse_deviation),
            epsilon,
        };
        (normalised, statistics)
    }

    fn normalise_again(maps: &Tensor, affine: [&Tensor; 2], statistics: &BatchStatistics<Tensor>) -> Tensor {
        let pair = [&statistics.mean, &statistics.variance];
        Self::normalise_with(maps, affine, pair, statistics.epsilon)
    }

    fn normalise_backward(
        gradient: Tensor,
        maps: &Tensor,
        gamma: &Tensor,
        statistics: &BatchStatistics<Tensor>,
        wanted: [bool; 3],
    ) -> [Option<Tensor>; 3] {
        let inverse = statistics.inverse_deviation.as_ref().unwrap_or(&statistics.variance);
        let pair = [&statistics.mean, inverse];
        batch_norm_backward(&gradient, maps, gamma, pair, statistics.epsilon, wanted)
    }

    fn normalise_with(
        maps: &Tensor,
        [gamma, beta]: [&Tensor; 2],
        [mean, variance]: [&Tensor; 2],
        epsilon: f64,
    ) -> Tensor {
        let normalised =
            maps.native_batch_norm(Some(gamma), Some(beta), Some(mean), Some(variance), false, 0.0, epsilon);
        normalised.0
    }

    fn relu(mut maps: Tensor) -> Tensor {
        maps.relu_()
    }

    fn relu_backward(gradient: Tensor, output: &Tensor) -> Tensor {
        output.threshold_backward_grad_input(&gradient, &gradient, 0)
    }

    fn convolve(maps: &Tensor, weight: &Tensor, bias: Option<&Tensor>, windows: ConvolutionWindows) -> Tensor {
        aten::convolution(maps, weight, bias, windows.stride, windows.padding)
    }

    fn convolve_backward(
        gradient: Tensor,
        maps: &Tensor,
        weight: &Tensor,
        _: Option<&Tensor>,
        ConvolutionWindows { stride, padding }: ConvolutionWindows,
        wanted: [bool; 3],
    ) -> [Option<Tensor>; 3] {
        if aten::takes_pixels_out(weight, stride) {
            let read = as_fastest(&aten::thinned(maps, stride));
            let [of_read, of_weight, of_bias] = convolution_backward(&gradient, &read, weight, 1, padding, wanted);
            let spread = |of_read: Tensor| {
                let of_maps = maps.zeros_like();
                aten::thinned(&of_maps, stride).copy_(&of_read);
                of_maps
            };
            return [of_read.map(spread), of_weight, of_bias];
        }
        convolution_backward(&gradient, maps, weight, stride, padding, wanted)
    }

    fn pool_largest(maps: &Tensor, windows: MaxWindows) -> (Tensor, Tensor) {
        let [kernel, stride, padding] = windows.sides().map(|sides| sides.map(|side| side as i64));
        maps.max_pool2d_with_indices(kernel, stride, padding, [1, 1], windows.passes_end)
    }

    fn pool_largest_backward(gradient: Tensor, size: [usize; 2], windows: MaxWindows, places: Tensor) -> Tensor {
        let input = Self::unread(&gradient, [gradient.size()[1] as usize, size[0], size[1]]);
        let [kernel, stride, padding] = windows.sides().map(|sides| sides.map(|side| side as i64));
        let end = windows.passes_end;
        input.max_pool2d_with_indices_backward(&gradient, kernel, stride, padding, [1, 1], end, &places)
    }

    fn drop_out(maps: Tensor, share: f64) -> (Tensor, Tensor) {
        maps.native_dropout(share, true)
    }

    fn drop_again(maps: Tensor, share: f64, mask: &Tensor) -> Tensor {
        Tensor::native_dropout_backward(&maps, mask, 1.0 / (1.0 - share))
    }

    fn pool(maps: &Tensor, windows: AverageWindows) -> Tensor {
        aten::average_pool(maps, windows)
    }

    fn pool_backward(gradient: Tensor, [height, width]: [usize; 2], windows: AverageWindows) -> Tensor {
        // Of the input its shape and layout alone are read.
        let input = Self::unread(&gradient, [gradient.size()[1] as usize, height, width]);
        let [kernel, stride, padding] = windows.sides().map(|sides| sides.map(|side| side as i64));
        input.avg_pool2d_backward(&gradient, kernel, stride, padding, false, true, None)
    }

    fn pool_to(maps: &Tensor, size: [usize; 2]) -> Tensor {
        maps.adaptive_avg_pool2d(size.map(|side| side as i64))
    }

    fn pool_to_backward(gradient: Tensor, [height, width]: [usize; 2]) -> Tensor {
        // Of the input its shape and layout alone are read.
        let input = Self::unread(&gradient, [gradient.size()[1] as usize, height, width]);
        as_fastest(&input.internal_adaptive_avg_pool2d_backward(&gradient))
    }

    fn sigmoid(mut maps: Tensor) -> Tensor {
        maps.sigmoid_()
    }

    fn sigmoid_backward(gradient: Tensor, output: &Tensor) -> Tensor {
        Tensor::sigmoid_backward(&gradient, output)
    }

    fn scale(maps: &Tensor, factors: &Tensor) -> Tensor {
        maps * factors
    }

    fn scale_backward(gradient: &Tensor, maps: &Tensor) -> Tensor {
        (gradient * maps).sum_dim_intlist([2i64, 3].as_slice(), true, None)
    }

    fn mean(maps: &Tensor) -> Tensor {
        maps.mean_dim([2i64, 3].as_slice(), false, None)
    }

    fn mean_backward(gradient: Tensor, [height, width]: [usize; 2]) -> Tensor {
        let (height, width) = (height as i64, width as i64);
        let size = gradient.size();
        let share = gradient / (height * width) as f64;
        // In memory of its own: the next operation writes into it.
        let pixels = share
            .unsqueeze(2)
            .unsqueeze(3)
            .expand([size[0], size[1], height, width], false);
        as_fastest(&pixels)
    }
}
