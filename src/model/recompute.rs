//! `recompute`: stages that keep each layer's own maps once (Pleiss et al. 2017, arXiv 1707.06990).
//!
//! The plain network keeps, for its backward pass, a concatenation, its normalisation and its ReLU in every layer, and
//! so a number of values that grows with the square of the block's length. Here a layer keeps what its convolutions
//! gave; concatenations, normalisations and ReLUs are computed again in the backward pass, from the statistics that the
//! forward pass found, so that the running statistics see each batch once.

use std::marker::PhantomData;

use burn::backend::Backend;

use super::operations::{BatchStatistics, BurnOperations, Operations};
use super::segment::{Pass, Primitive, SegmentGradients, SegmentInput, SegmentOutput};
use super::segments::{Means, StemMeans};
use crate::network::{CompositeStep, Exit, Stage};

/// Stages by [`stage`] with the operations of backend `B`; the first layers are Burn's modules.
#[derive(Debug)]
pub struct Recompute<B>(PhantomData<fn() -> B>);

impl<B> Default for Recompute<B> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<B: Backend> Means for Recompute<B> {
    type Backend = B;

    fn stem(&self) -> Option<StemMeans<B>> {
        None
    }

    fn stage(&self, description: &Stage, input: SegmentInput<Primitive<B>>) -> SegmentOutput<Primitive<B>> {
        stage::<BurnOperations<B>>(description, input)
    }
}

/// Carries a stage out with the operations `O`.
pub fn stage<O: Operations>(stage: &Stage, input: SegmentInput<O::Tensor>) -> SegmentOutput<O::Tensor> {
    let SegmentInput { maps, parameters, pass } = input;
    let mut forward = Forward::<O> {
        parameters: parameters.iter().map(O::share).collect::<Vec<_>>().into_iter(),
        running: match pass {
            Pass::Training { .. } => None,
            Pass::Evaluation(running) => Some(running.into_iter()),
        },
        statistics: Vec::new(),
    };
    let mut block = vec![maps];
    let mut layers = Vec::new();
    for _ in 0..stage.layers {
        let (new, layer) = forward.layer(stage, O::concatenate(&block));
        block.push(new);
        layers.push(layer);
    }
    let (output, exit) = forward.exit(stage.exit, O::concatenate(&block));
    let is_training = forward.running.is_none();
    let kept = Kept::<O> {
        stage: *stage,
        block,
        layers,
        exit,
        parameters,
    };
    SegmentOutput {
        output,
        statistics: forward.statistics,
        backward: is_training.then(|| Box::new(move |gradient| kept.backward(gradient)) as _),
    }
}

/// A forward pass: what it takes from and what it finds.
struct Forward<O: Operations> {
    parameters: std::vec::IntoIter<O::Tensor>,
    /// In evaluation.
    running: Option<std::vec::IntoIter<[O::Tensor; 2]>>,
    statistics: Vec<[O::Tensor; 2]>,
}

/// What a normalisation keeps: nothing in evaluation.
type KeptNorm<T> = Option<BatchStatistics<T>>;

/// What a composite function keeps.
struct KeptStep<O: Operations> {
    norm: KeptNorm<O::Tensor>,
    dropped: Option<O::Mask>,
    /// In post-activation order what the convolution gave, which is what the normalisation reads.
    convolved: Option<O::Tensor>,
}

/// What a layer keeps beside its new maps.
struct KeptLayer<O: Operations> {
    steps: Vec<KeptStep<O>>,
    /// In pre-activation order what the bottleneck gave.
    between: Option<O::Tensor>,
}

/// What the exit keeps beside the block's maps.
enum KeptExit<O: Operations> {
    Transition(KeptStep<O>),
    Head(KeptNorm<O::Tensor>),
}

impl<O: Operations> Forward<O> {
    fn parameter(&mut self) -> O::Tensor {
        self.parameters
            .next()
            .expect("a stage has the parameters of its description")
    }

    fn layer(&mut self, stage: &Stage, concatenated: O::Tensor) -> (O::Tensor, KeptLayer<O>) {
        let mut layer = KeptLayer {
            steps: Vec::new(),
            between: None,
        };
        let mut maps = concatenated;
        if let Some(bottleneck) = stage.bottleneck {
            let (narrow, step) = self.composite(bottleneck, maps);
            if bottleneck.norm_first && self.running.is_none() {
                layer.between = Some(O::share(&narrow));
            }
            layer.steps.push(step);
            maps = narrow;
        }
        let (new, step) = self.composite(stage.conv, maps);
        layer.steps.push(step);
        (new, layer)
    }

    fn exit(&mut self, exit: Exit, maps: O::Tensor) -> (O::Tensor, KeptExit<O>) {
        match exit {
            Exit::Transition(step) => {
                let (maps, kept) = self.composite(step, maps);
                (O::pool(&maps), KeptExit::Transition(kept))
            }
            Exit::Head { norm: false, .. } => (O::mean(&maps), KeptExit::Head(None)),
            Exit::Head { norm: true, relu } => {
                let affine = [self.parameter(), self.parameter()];
                let (normalised, kept) = self.normalise(&maps, affine.each_ref());
                drop(maps);
                (O::mean(&activated::<O>(normalised, relu)), KeptExit::Head(kept))
            }
        }
    }

    fn normalise(&mut self, maps: &O::Tensor, affine: [&O::Tensor; 2]) -> (O::Tensor, KeptNorm<O::Tensor>) {
        if let Some(running) = &mut self.running {
            let running = running.next().expect("every normalisation has its statistics");
            return (O::normalise_with(maps, affine, running.each_ref()), None);
        }
        let (normalised, statistics) = O::normalise(maps, affine);
        self.statistics
            .push([&statistics.mean, &statistics.unbiased_variance].map(O::share));
        (normalised, Some(statistics))
    }

    fn composite(&mut self, step: CompositeStep, maps: O::Tensor) -> (O::Tensor, KeptStep<O>) {
        let [gamma, beta, weight] = [self.parameter(), self.parameter(), self.parameter()];
        let padding = step.kernel / 2;
        let mut convolved = None;
        let (output, norm) = if step.norm_first {
            let (normalised, norm) = self.normalise(&maps, [&gamma, &beta]);
            drop(maps);
            (
                O::convolve(&activated::<O>(normalised, step.relu), &weight, padding),
                norm,
            )
        } else {
            let given = O::convolve(&maps, &weight, padding);
            drop(maps);
            let (normalised, norm) = self.normalise(&given, [&gamma, &beta]);
            convolved = self.running.is_none().then_some(given);
            (activated::<O>(normalised, step.relu), norm)
        };
        let is_dropped = step.dropout > 0.0 && self.running.is_none();
        let (output, dropped) = if is_dropped {
            let (output, mask) = O::drop_out(output, step.dropout);
            (output, Some(mask))
        } else {
            (output, None)
        };
        let kept = KeptStep {
            norm,
            dropped,
            convolved,
        };
        (output, kept)
    }
}

fn activated<O: Operations>(maps: O::Tensor, relu: bool) -> O::Tensor {
    if relu { O::relu(maps) } else { maps }
}

/// What a stage keeps for its backward pass.
struct Kept<O: Operations> {
    stage: Stage,
    /// What entered, and the new maps of each layer.
    block: Vec<O::Tensor>,
    layers: Vec<KeptLayer<O>>,
    exit: KeptExit<O>,
    parameters: Vec<O::Tensor>,
}

impl<O: Operations> Kept<O> {
    /// From the gradient of the output to those of what entered and of the parameters.
    fn backward(self, gradient: O::Tensor) -> SegmentGradients<O::Tensor> {
        let Self {
            stage,
            mut block,
            mut layers,
            exit,
            parameters,
        } = self;
        // The last parameter first, as the layers are walked.
        let mut backward = Backward::<O> {
            parameters,
            found: Vec::new(),
        };
        let mut gradient = backward.exit(&stage, exit, gradient, O::concatenate(&block));
        while let Some(layer) = layers.pop() {
            // The layer's own maps are read by none that is left.
            drop(block.pop());
            let maps = O::concatenate(&block);
            let (entered, wide) = (O::width(&maps), O::width(&gradient));
            let own = O::channels(&gradient, entered, wide);
            let through = backward.layer(&stage, layer, own, maps);
            gradient = O::add_first_channels(through, gradient);
        }
        let mut parameters = backward.found;
        parameters.reverse();
        SegmentGradients {
            maps: Some(gradient),
            parameters,
        }
    }
}

/// A backward pass: what it takes from, and the gradients that it has found, both from the last parameter on.
struct Backward<O: Operations> {
    parameters: Vec<O::Tensor>,
    found: Vec<O::Tensor>,
}

impl<O: Operations> Backward<O> {
    fn parameter(&mut self) -> O::Tensor {
        self.parameters
            .pop()
            .expect("a stage has the parameters of its description")
    }

    fn affine(&mut self) -> [O::Tensor; 2] {
        let (beta, gamma) = (self.parameter(), self.parameter());
        [gamma, beta]
    }

    /// From the gradient of the stage's output to that of the block's maps.
    fn exit(&mut self, stage: &Stage, kept: KeptExit<O>, gradient: O::Tensor, maps: O::Tensor) -> O::Tensor {
        match (stage.exit, kept) {
            (Exit::Transition(step), KeptExit::Transition(kept)) => {
                let gradient = O::pool_backward(gradient, &maps);
                self.composite(step, kept, gradient, maps)
            }
            (Exit::Head { relu, .. }, KeptExit::Head(Some(statistics))) => {
                let affine = self.affine();
                let gradient = O::mean_backward(gradient, &maps);
                let again = relu.then(|| O::relu(O::normalise_again(&maps, affine.each_ref(), &statistics)));
                self.activation(gradient, again, &maps, &affine[0], &statistics)
            }
            (_, KeptExit::Head(_) | KeptExit::Transition(_)) => O::mean_backward(gradient, &maps),
        }
    }

    /// From the gradient of a layer's new maps to that of what it read.
    fn layer(&mut self, stage: &Stage, kept: KeptLayer<O>, gradient: O::Tensor, maps: O::Tensor) -> O::Tensor {
        let mut steps = kept.steps;
        let (last, first) = (steps.pop(), steps.pop());
        let last = last.expect("a layer has at least one convolution");
        let (Some(bottleneck), Some(first)) = (stage.bottleneck, first) else {
            return self.composite(stage.conv, last, gradient, maps);
        };
        let narrow = match kept.between {
            Some(between) => between,
            None => self.given_again(bottleneck, &first),
        };
        let gradient = self.composite(stage.conv, last, gradient, narrow);
        self.composite(bottleneck, first, gradient, maps)
    }

    /// In post-activation order: what the bottleneck of a layer gave, whose parameters stand before the last three.
    fn given_again(&self, step: CompositeStep, kept: &KeptStep<O>) -> O::Tensor {
        let last = self.parameters.len() - 6;
        let (convolved, statistics) = kept.post_activation();
        let affine = [&self.parameters[last], &self.parameters[last + 1]];
        let again = activated::<O>(O::normalise_again(convolved, affine, statistics), step.relu);
        match &kept.dropped {
            Some(mask) => O::drop_again(again, step.dropout, mask),
            None => again,
        }
    }

    /// From the gradient of a composite function's output to that of its input `maps`.
    fn composite(&mut self, step: CompositeStep, kept: KeptStep<O>, gradient: O::Tensor, maps: O::Tensor) -> O::Tensor {
        let weight = self.parameter();
        let affine = self.affine();
        let padding = step.kernel / 2;
        let gradient = match &kept.dropped {
            Some(mask) => O::drop_again(gradient, step.dropout, mask),
            None => gradient,
        };
        if step.norm_first {
            let statistics = kept.norm.expect("a normalisation keeps its statistics while training");
            let normalised = O::normalise_again(&maps, affine.each_ref(), &statistics);
            let again = activated::<O>(normalised, step.relu);
            let [gradient, weights] = O::convolve_backward(gradient, &again, &weight, padding);
            self.found.push(weights);
            let again = step.relu.then_some(again);
            return self.activation(gradient, again, &maps, &affine[0], &statistics);
        }
        let (convolved, statistics) = kept.post_activation();
        let again = step
            .relu
            .then(|| O::relu(O::normalise_again(convolved, affine.each_ref(), statistics)));
        let at = self.found.len();
        let gradient = self.activation(gradient, again, convolved, &affine[0], statistics);
        let [gradient, weights] = O::convolve_backward(gradient, &maps, &weight, padding);
        // Before those of scale and shift, as the parameters are walked from the last one on.
        self.found.insert(at, weights);
        gradient
    }

    /// From the gradient of an activation (or of a normalisation, without one) to that of the normalisation's input.
    fn activation(
        &mut self,
        gradient: O::Tensor,
        activated: Option<O::Tensor>,
        maps: &O::Tensor,
        gamma: &O::Tensor,
        statistics: &BatchStatistics<O::Tensor>,
    ) -> O::Tensor {
        let gradient = match activated {
            Some(output) => O::relu_backward(gradient, &output),
            None => gradient,
        };
        let [gradient, gamma, beta] = O::normalise_backward(gradient, maps, gamma, statistics);
        self.found.extend([beta, gamma]);
        gradient
    }
}

impl<O: Operations> KeptStep<O> {
    /// What the convolution gave and what the normalisation found, in post-activation order.
    fn post_activation(&self) -> (&O::Tensor, &BatchStatistics<O::Tensor>) {
        let kept = self.convolved.as_ref().zip(self.norm.as_ref());
        kept.expect("a normalisation keeps its input and statistics while training")
    }
}
