//! A training step whose tensors stay where they are: made some times, then recorded in a graph of the device's, and replayed
//! from then on with one call a step.

use burn::module::ParamId;
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};

use super::loss::Targets;
use super::step_results::Step;
use crate::host::caught;
use crate::model::{InPlace, Model, StepGraph};

/// Steps before the recording: libraries load their kernels, allocate their workspaces and choose their algorithms in the first.
const WARM_UP: usize = 3;

/// Steps after which each is a replay: those before the recording, and the one that is recorded.
pub const STEPS_BEFORE_REPLAYS: usize = WARM_UP + 1;

/// What carries static steps out.
pub struct StaticParts {
    /// The updates.
    pub updates: Box<dyn InPlace>,
    /// The graph; without one every step is made anew.
    pub graph: Option<Box<dyn StepGraph>>,
}

/// Static steps of one network.
pub(super) struct StaticStep {
    parts: StaticParts,
    /// Steps on batches of the first one's size.
    made: usize,
    /// The results of the recorded step, which every replay writes anew.
    recorded: Option<Step>,
    /// Why nothing is recorded though there was a graph.
    note: Option<String>,
}

impl StaticStep {
    pub(super) fn new(parts: StaticParts) -> Self {
        Self {
            parts,
            made: 0,
            recorded: None,
            note: None,
        }
    }

    /// One step, of the same numbers as that of an ordinary learner. A batch of another size than the first, or one whose
    /// targets are mixed, is trained on without the graph.
    pub(super) fn step(&mut self, model: &Model, images: Tensor<4>, targets: &Targets, rate: f64) -> Step {
        self.parts.updates.set_rate(rate);
        let loaded = match targets.only_labels() {
            Some(labels) => self.parts.updates.load(&images, labels),
            None => None,
        };
        let Some((own_images, own_labels)) = loaded else {
            return self.carry_out(model, images, targets);
        };
        drop(images);
        let (own_images, own_targets) = (own_images.autodiff(), targets.with_labels(own_labels.autodiff()));
        self.made += 1;
        if self.recorded.is_none() && self.made > WARM_UP && self.parts.graph.is_some() {
            self.record(model, own_images.clone(), &own_targets);
        }
        let (Some(recorded), Some(graph)) = (&self.recorded, &mut self.parts.graph) else {
            return self.carry_out(model, own_images, &own_targets);
        };
        graph
            .replay()
            .unwrap_or_else(|error| panic!("the recorded step: {error}"));
        Step {
            // The next replay writes into the recorded one, and losses are read many steps later.
            loss: recorded.loss.clone().mul_scalar(1.0),
            logits: recorded.logits.clone(),
        }
    }

    /// The updates by themselves, without the graph.
    pub(super) fn update(&mut self, gradients: GradientsParams, rate: f64) {
        self.parts.updates.set_rate(rate);
        self.parts.updates.update(gradients);
    }

    /// The running statistics' part of that.
    pub(super) fn follow(&mut self, statistics: Vec<[Tensor<1>; 2]>) {
        self.parts.updates.follow(statistics);
    }

    /// Records a step; where the device does not, there is no graph from then on.
    fn record(&mut self, model: &Model, images: Tensor<4>, targets: &Targets) {
        let Some(mut graph) = self.parts.graph.take() else {
            return;
        };
        if let Err(error) = graph.begin() {
            self.note = Some(error);
            return;
        }
        let recorded = caught(|| self.carry_out(model, images, targets));
        let ended = graph.end();
        // An operation that cannot be recorded leaves libtorch's allocator and generator in the recording's state.
        let recorded =
            recorded.unwrap_or_else(|said| panic!("recording a step in a graph: {said}; leave cuda-graph out"));
        match ended {
            Ok(()) => {
                self.recorded = Some(recorded);
                self.parts.graph = Some(graph);
            }
            Err(error) => self.note = Some(error),
        }
    }

    /// Forward, loss, backward and the updates.
    fn carry_out(&mut self, model: &Model, images: Tensor<4>, targets: &Targets) -> Step {
        let (outputs, statistics) = model.outputs_and_statistics(images);
        let loss = targets.loss_of(&outputs);
        let gradients = GradientsParams::from_grads(loss.backward(), model.parameters());
        self.parts.updates.update(gradients);
        self.parts.updates.follow(statistics);
        Step {
            loss: loss.without_autodiff(),
            logits: outputs.logits.without_autodiff(),
        }
    }

    /// Why steps are not replayed though they were to be.
    pub(super) fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    pub(super) fn velocity(&self, id: ParamId) -> Option<TensorData> {
        self.parts.updates.velocity(id)
    }

    pub(super) fn restore(&mut self, velocities: Vec<(ParamId, TensorData)>) {
        self.parts.updates.restore(velocities);
    }

    pub(super) fn addresses(&self) -> Vec<usize> {
        self.parts.updates.addresses()
    }
}
