//! The network carried out in segments, by other means than Burn's modules.

use std::fmt::Debug;

use burn::backend::{Autodiff, Backend, DispatchKindConversion, DispatchTensor};
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;

use super::batch_norm::BatchNorm;
use super::composite::Composite;
use super::densenet::DenseNet;
use super::segment::{Parameter, Primitive, SegmentInput, SegmentOutput, evaluate, train};
use crate::network::{self, Stage, StemSegment};

/// Carries out a network up to the classifier.
pub trait Segments: Debug + Send + Sync {
    /// Images `[batch, channels, height, width]` to the mean of each of the last maps, `[batch, channels]`; while
    /// training, the running statistics follow.
    fn features(&self, network: &DenseNet, images: Tensor<4>) -> Tensor<2>;
}

/// How segments are carried out on one backend.
pub trait Means: Debug + Send + Sync {
    /// The backend.
    type Backend: Backend;

    /// What the first layers are carried out by; none for Burn's modules. Its parameters are in the order of
    /// [`StemSegment`].
    fn stem(&self) -> Option<StemMeans<Self::Backend>>;

    /// A dense block and what follows it; its parameters are in the order of [`Stage`].
    fn stage(
        &self,
        stage: &Stage,
        input: SegmentInput<Primitive<Self::Backend>>,
    ) -> SegmentOutput<Primitive<Self::Backend>>;
}

/// Carries the first layers out.
pub type StemMeans<B> = fn(&StemSegment, SegmentInput<Primitive<B>>) -> SegmentOutput<Primitive<B>>;

/// A network's segments with the means of carrying them out.
#[derive(Debug)]
pub struct Segmented<M> {
    stem: StemSegment,
    stages: Vec<Stage>,
    means: M,
}

impl<M: Means> Segmented<M> {
    /// The segments of a network with these options.
    pub fn new(network: &network::DenseNet, means: M) -> Self {
        Self {
            stem: network.stem_segment(),
            stages: (0..network.block_layers.len())
                .map(|block| network.stage(block))
                .collect(),
            means,
        }
    }

    /// One segment, its normalisations' statistics included.
    fn segment<const D: usize>(
        &self,
        maps: Tensor<4>,
        parts: Parts<'_>,
        carry_out: impl FnOnce(SegmentInput<Primitive<M::Backend>>) -> SegmentOutput<Primitive<M::Backend>>,
    ) -> Tensor<D>
    where
        DispatchTensor: DispatchKindConversion<M::Backend> + DispatchKindConversion<Autodiff<M::Backend>>,
    {
        if !maps.device().is_autodiff() {
            let running = parts.norms.iter().map(|norm| norm.running());
            return evaluate::<M::Backend, D>(maps, parts.parameters, running.collect(), carry_out);
        }
        let (output, statistics) = train::<M::Backend, D>(maps, parts.parameters, carry_out);
        for (norm, statistics) in parts.norms.iter().zip(statistics) {
            norm.follow(statistics);
        }
        output
    }
}

impl<M: Means> Segments for Segmented<M>
where
    DispatchTensor: DispatchKindConversion<M::Backend> + DispatchKindConversion<Autodiff<M::Backend>>,
{
    fn features(&self, network: &DenseNet, images: Tensor<4>) -> Tensor<2> {
        let mut maps = match self.means.stem() {
            Some(stem) => self.segment(images, Parts::of_stem(network), |input| stem(&self.stem, input)),
            None => network.stem(images),
        };
        let (last, others) = self
            .stages
            .split_last()
            .expect("a network has at least one dense block");
        for (block, stage) in others.iter().enumerate() {
            let parts = Parts::of_stage(network, block);
            maps = self.segment(maps, parts, |input| self.means.stage(stage, input));
        }
        let parts = Parts::of_stage(network, others.len());
        self.segment(maps, parts, |input| self.means.stage(last, input))
    }
}

/// The modules of a segment, in its order.
#[derive(Default)]
struct Parts<'a> {
    parameters: Vec<Parameter>,
    norms: Vec<&'a BatchNorm>,
}

impl<'a> Parts<'a> {
    fn of_stem(network: &'a DenseNet) -> Self {
        let mut parts = Self::default();
        parts.kernel(&network.conv0);
        parts.norm(network.norm0.as_ref());
        parts
    }

    fn of_stage(network: &'a DenseNet, block: usize) -> Self {
        let mut parts = Self::default();
        for layer in &network.blocks[block].layers {
            for composite in layer.bottleneck.iter().chain([&layer.conv]) {
                parts.composite(composite);
            }
        }
        match network.transitions.get(block) {
            Some(transition) => parts.composite(&transition.composite),
            None => parts.norm(network.norm5.as_ref()),
        }
        parts
    }

    fn composite(&mut self, composite: &'a Composite) {
        self.norm(Some(&composite.norm));
        self.kernel(&composite.conv);
    }

    fn norm(&mut self, norm: Option<&'a BatchNorm>) {
        let Some(norm) = norm else { return };
        self.norms.push(norm);
        self.parameters.push(Parameter::Vector(norm.inner.gamma.val()));
        self.parameters.push(Parameter::Vector(norm.inner.beta.val()));
    }

    fn kernel(&mut self, conv: &Conv2d) {
        self.parameters.push(Parameter::Kernel(conv.weight.val()));
    }
}
