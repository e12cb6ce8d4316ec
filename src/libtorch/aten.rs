//! `aten`: the graph that PyTorch builds, with ATen's operations, under libtorch's own autograd.
//!
//! A segment is one operation to Burn. Inside it the maps and the parameters are leaves of a graph of libtorch's, and
//! backward is one call of its engine, which frees what the graph keeps node by node.

use tch::Tensor;

use super::layout::Layout;
use super::native::gradients;
use super::tensors::{Backend, Counted, counted, inner};
use crate::model::{Means, Pass, SegmentGradients, SegmentInput, SegmentOutput, StemMeans};
use crate::network::{CompositeStep, EPSILON, Exit, Stage, StemSegment};

/// ATen's operations in the order in which PyTorch's modules call them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aten;

impl Aten {
    /// A segment whose forward pass is `forward`.
    fn segment(
        input: SegmentInput<Counted>,
        forward: impl FnOnce(&mut Forward, Tensor) -> Tensor,
    ) -> SegmentOutput<Counted> {
        let SegmentInput { maps, parameters, pass } = input;
        let maps_laid_out = laid_out(&inner(&maps));
        match pass {
            Pass::Evaluation(running) => {
                let running = running.iter().map(|pair| pair.each_ref().map(inner));
                let mut state = Forward::new(parameters.iter().map(inner).collect(), Some(running.collect()));
                drop(maps);
                SegmentOutput {
                    output: counted(tch::no_grad(|| forward(&mut state, maps_laid_out))),
                    statistics: Vec::new(),
                    backward: None,
                }
            }
            Pass::Training { maps_gradient } => {
                let leaf = |tensor: &Tensor| tensor.detach().set_requires_grad(true);
                let maps_leaf = maps_gradient.then(|| leaf(&maps_laid_out));
                let mut leaves: Vec<Tensor> = parameters.iter().map(|parameter| leaf(&inner(parameter))).collect();
                let mut state = Forward::new(leaves.iter().map(Tensor::shallow_clone).collect(), None);
                let input = maps_leaf.as_ref().unwrap_or(&maps_laid_out).shallow_clone();
                let root = tch::with_grad(|| forward(&mut state, input));
                leaves.extend(maps_leaf);
                let output = counted(root.detach());
                let backward = move |gradient: Counted| {
                    let mut found = gradients(&root, &inner(&gradient), &leaves);
                    let maps_gradient = maps_gradient.then(|| found.pop()).flatten();
                    // Only now: as long as the graph is there, Burn must not write into the memory of what it keeps.
                    drop((maps, parameters));
                    SegmentGradients {
                        maps: maps_gradient.map(counted),
                        // In the order of the parameters' own values, so that the optimizer walks both in step.
                        parameters: found
                            .into_iter()
                            .map(|gradient| counted(gradient.contiguous()))
                            .collect(),
                    }
                };
                SegmentOutput {
                    output,
                    statistics: state.statistics.into_iter().map(|pair| pair.map(counted)).collect(),
                    backward: Some(Box::new(backward)),
                }
            }
        }
    }
}

impl Means for Aten {
    type Backend = Backend;

    fn stem(&self) -> Option<StemMeans<Backend>> {
        Some(stem)
    }

    fn stage(&self, stage: &Stage, input: SegmentInput<Counted>) -> SegmentOutput<Counted> {
        Self::segment(input, |state, maps| {
            let mut block = vec![maps];
            for _ in 0..stage.layers {
                let new = stage
                    .layer()
                    .fold(concatenated(&block), |maps, step| state.composite(step, maps));
                block.push(new);
            }
            let maps = concatenated(&block);
            drop(block);
            match stage.exit {
                Exit::Transition(step) => {
                    let maps = state.composite(step, maps);
                    maps.avg_pool2d([2, 2], [2, 2], [0, 0], false, true, None)
                }
                Exit::Head { norm, relu } => {
                    let maps = if norm { state.norm(&maps, relu) } else { maps };
                    maps.mean_dim([2i64, 3].as_slice(), false, None)
                }
            }
        })
    }
}

/// The first layers.
pub(super) fn stem(stem: &StemSegment, input: SegmentInput<Counted>) -> SegmentOutput<Counted> {
    Aten::segment(input, |state, images| {
        let weight = state.parameter();
        let maps = laid_out(&convolution(&images, &weight, stem.stride, stem.padding));
        drop(images);
        let maps = if stem.norm { state.norm(&maps, true) } else { maps };
        if stem.pool {
            maps.max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false)
        } else {
            maps
        }
    })
}

/// A forward pass: what it takes from and what it finds.
struct Forward {
    parameters: std::vec::IntoIter<Tensor>,
    /// In evaluation.
    running: Option<std::vec::IntoIter<[Tensor; 2]>>,
    statistics: Vec<[Tensor; 2]>,
}

impl Forward {
    fn new(parameters: Vec<Tensor>, running: Option<Vec<[Tensor; 2]>>) -> Self {
        Self {
            parameters: parameters.into_iter(),
            running: running.map(Vec::into_iter),
            statistics: Vec::new(),
        }
    }

    fn parameter(&mut self) -> Tensor {
        self.parameters
            .next()
            .expect("a segment has the parameters of its description")
    }

    /// Normalisation and, with `relu`, ReLU in place, as PyTorch's modules have it.
    fn norm(&mut self, maps: &Tensor, relu: bool) -> Tensor {
        let (gamma, beta) = (self.parameter(), self.parameter());
        self.normalise(maps, &gamma, &beta, relu)
    }

    fn normalise(&mut self, maps: &Tensor, gamma: &Tensor, beta: &Tensor, relu: bool) -> Tensor {
        let training = self.running.is_none();
        let statistics = match &mut self.running {
            Some(running) => running.next().expect("every normalisation has its statistics"),
            None => [gamma.zeros_like().detach(), gamma.zeros_like().detach()],
        };
        let [mean, variance] = &statistics;
        // With a momentum of 1 the running statistics are the batch's: its mean and its unbiased variance.
        let mut normalised = maps.batch_norm(
            Some(gamma),
            Some(beta),
            Some(mean),
            Some(variance),
            training,
            1.0,
            EPSILON,
            true,
        );
        if training {
            // Copies: the graph keeps the tensors themselves, and the network is free to write into what it gets.
            self.statistics.push(statistics.map(|tensor| tensor.copy()));
        }
        if relu { normalised.relu_() } else { normalised }
    }

    fn composite(&mut self, step: CompositeStep, maps: Tensor) -> Tensor {
        let (gamma, beta, weight) = (self.parameter(), self.parameter(), self.parameter());
        let padding = step.kernel / 2;
        let output = if step.norm_first {
            let activated = self.normalise(&maps, &gamma, &beta, step.relu);
            drop(maps);
            convolution(&activated, &weight, 1, padding)
        } else {
            let convolved = convolution(&maps, &weight, 1, padding);
            drop(maps);
            self.normalise(&convolved, &gamma, &beta, step.relu)
        };
        if step.dropout > 0.0 && self.running.is_none() {
            output.dropout(step.dropout, true)
        } else {
            output
        }
    }
}

pub(super) fn convolution(maps: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Tensor {
    let [stride, padding] = [stride, padding].map(|size| size as i64);
    maps.conv2d(weight, None::<Tensor>, [stride; 2], [padding; 2], [1, 1], 1)
}

/// Maps in the layout that is fastest on their device.
pub(super) fn laid_out(maps: &Tensor) -> Tensor {
    Layout::fastest(maps.device()).of(maps)
}

/// All maps of a block so far, `[batch, channels, height, width]`.
pub(super) fn concatenated(maps: &[Tensor]) -> Tensor {
    match maps {
        [only] => only.shallow_clone(),
        several => Tensor::cat(several, 1),
    }
}
