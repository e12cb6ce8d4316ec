//! A training step node by node, each with an autodiff graph of its own, for whoever wants to know what each of them takes.
//!
//! The operations, their order in the forward pass and the values are those of a step as a whole. So are the gradients,
//! but for the order in which those of a value with three or more readers are added.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::tensor::{Gradients, Tensor};

use super::batch_norm::BatchNorm;
use super::isolation::{Isolated, Isolation, Origin, Slot};
use super::lowering::Placed;
use super::network::{AuxiliaryLogits, Model, Outputs};
use super::parameters::{Layer, has_tensors};
use super::plain::{self, Activation};
use super::watch::{Moment, Told, Watch, Watcher};
use crate::network::{NodeId, Segment};

/// A training step that is cut into its nodes.
#[derive(Debug)]
pub struct NodeByNode<'a> {
    model: &'a Model,
    isolation: &'a dyn Isolation,
    watcher: Arc<dyn Watcher>,
    zero: Tensor<1>,
}

/// A node or a part, as its backward pass needs it.
struct Unit {
    /// The node whose moment the backward pass is; none of a part that tells its own.
    told: Option<NodeId>,
    /// What it has read, with the gradients' slots.
    inputs: Vec<(NodeId, Slot)>,
    output: NodeId,
    graph: Isolated,
}

/// A step up to its logits.
struct Pass {
    units: Vec<Unit>,
    values: BTreeMap<NodeId, Value>,
}

/// An output that a later node reads, without autodiff.
#[derive(Clone)]
struct Value {
    activation: Activation,
    /// Whether a backward pass comes here.
    is_tracked: bool,
}

impl<'a> NodeByNode<'a> {
    /// Steps of a network that was built on an autodiff device.
    pub fn new(model: &'a Model, isolation: &'a dyn Isolation, watcher: Arc<dyn Watcher>) -> Self {
        Self {
            zero: Tensor::zeros([1], &model.device().clone().inner()),
            model,
            isolation,
            watcher,
        }
    }

    /// Forward, loss and backward on images `[batch, channels, height, width]`: the loss `[1]`, and the gradients, those of
    /// each node's parameters by themselves. `loss_of` computes the loss from the logits.
    pub fn step(&self, images: Tensor<4>, loss_of: impl FnOnce(Outputs) -> Tensor<1>) -> (Tensor<1>, Vec<Gradients>) {
        self.watcher.at(Moment::Outside);
        let mut pass = self.forward(images);
        let mut pending = BTreeMap::new();
        let loss = self.loss(&mut pass, loss_of, &mut pending);
        let gradients = self.backward(pass.units, pending);
        (loss, gradients)
    }

    fn forward(&self, images: Tensor<4>) -> Pass {
        let images = Value {
            activation: Activation::Maps(images.without_autodiff()),
            is_tracked: false,
        };
        let mut pass = Pass {
            units: Vec::new(),
            values: BTreeMap::from([(0, images)]),
        };
        let mut layers = self.model.parameters().layers();
        let graph = self.model.graph();
        for placed in self.model.program().segments() {
            let nodes = &graph.nodes[placed.segment.nodes.clone()];
            let (own, rest) = layers.split_at(nodes.iter().filter(|node| has_tensors(node)).count());
            layers = rest;
            match &placed.by {
                Some((_, carry_out)) => {
                    let watch = Watch::of(Arc::clone(&self.watcher), placed.segment.nodes.start);
                    let told = (!carry_out.tells_its_nodes()).then_some(placed.segment.nodes.start);
                    let entering = pass.read(placed.segment.entering, placed.reads_last);
                    self.unit(
                        &mut pass,
                        (placed, told, placed.segment.nodes.end - 1),
                        vec![(placed.segment.entering, entering)],
                        |mut inputs| {
                            let entering = inputs.pop().expect("a segment has one input");
                            let carried_out = carry_out.forward(own, entering, &watch);
                            carried_out.hand_out(own, &mut BatchNorm::follow)
                        },
                    );
                }
                None => self.plain_segment(&mut pass, placed, own),
            }
        }
        pass
    }

    fn plain_segment(&self, pass: &mut Pass, placed: &Placed, own: &[Layer]) {
        let segment: &Segment = &placed.segment;
        let program = self.model.program();
        let mut own = own.iter();
        for id in segment.nodes.clone() {
            let node = &self.model.graph().nodes[id];
            let read = |&input: &NodeId| (input, pass.read(input, program.is_last_use(input, id)));
            let inputs = node.inputs.iter().map(read).collect();
            let layer = if has_tensors(node) { own.next() } else { None };
            self.unit(pass, (placed, Some(id), id), inputs, |inputs| {
                plain::carry_out(node, layer, inputs)
            });
        }
    }

    /// The forward pass of a node or a part.
    fn unit(
        &self,
        pass: &mut Pass,
        (placed, told, output): (&Placed, Option<NodeId>, NodeId),
        inputs: Vec<(NodeId, Value)>,
        work: impl FnOnce(Vec<Activation>) -> Activation,
    ) {
        let origin = Origin::of(&self.zero);
        let mut slots = Vec::new();
        let mut activations = Vec::with_capacity(inputs.len());
        for (id, value) in inputs {
            activations.push(if value.is_tracked && !placed.is_frozen {
                let (entered, slot) = self.isolation.enter(value.activation, &origin);
                slots.push((id, slot));
                entered
            } else {
                value.activation.with_autodiff(!placed.is_frozen)
            });
        }
        self.watcher.at(told.map_or(Moment::Between, Moment::Forward));
        let made = work(activations);
        self.watcher.at(Moment::Outside);
        let of_backward = Told {
            watcher: Arc::clone(&self.watcher),
            node: told,
        };
        let (activation, graph) = self.isolation.leave(made, &origin, of_backward);
        pass.values.insert(
            output,
            Value {
                activation,
                is_tracked: graph.is_some(),
            },
        );
        if let Some(graph) = graph {
            pass.units.push(Unit {
                told,
                inputs: slots,
                output,
                graph,
            });
        }
    }

    /// The loss, and the gradients of the logits.
    fn loss(
        &self,
        pass: &mut Pass,
        loss_of: impl FnOnce(Outputs) -> Tensor<1>,
        pending: &mut BTreeMap<NodeId, Activation>,
    ) -> Tensor<1> {
        let graph = self.model.graph();
        let mut slots = Vec::new();
        let mut logits = |id: NodeId| {
            let value = pass.read(id, true);
            if !value.is_tracked {
                return value.activation.with_autodiff(true).vectors();
            }
            let (entered, slot) = self.isolation.enter(value.activation, &Origin::of(&self.zero));
            slots.push((id, slot));
            entered.vectors()
        };
        let auxiliary = (graph.auxiliary.iter())
            .map(|head| AuxiliaryLogits {
                logits: logits(head.nodes.end - 1),
                weight: head.weight,
            })
            .collect();
        let outputs = Outputs {
            logits: logits(graph.nodes.len() - 1),
            auxiliary,
            loss: self.model.program().loss().cloned(),
        };
        self.watcher.at(Moment::Loss);
        let loss = loss_of(outputs);
        self.watcher.at(Moment::LossBackward);
        drop(loss.backward());
        self.watcher.at(Moment::Outside);
        for (id, slot) in slots {
            pending.extend(slot.take().map(|gradient| (id, gradient)));
        }
        loss.without_autodiff()
    }

    fn backward(&self, units: Vec<Unit>, mut pending: BTreeMap<NodeId, Activation>) -> Vec<Gradients> {
        let mut found = Vec::with_capacity(units.len());
        for unit in units.into_iter().rev() {
            // An output that no loss depends on.
            let Some(gradient) = pending.remove(&unit.output) else {
                continue;
            };
            found.push(unit.graph.backward(gradient));
            for (input, slot) in unit.inputs {
                let Some(gradient) = slot.take() else { continue };
                let sum = match pending.remove(&input) {
                    None => gradient,
                    Some(earlier) => {
                        // As in a step as a whole, a node adds its gradient to those that other readers have left.
                        self.watcher.at(unit.told.map_or(Moment::Between, Moment::Backward));
                        let sum = gradient.plus(earlier);
                        self.watcher.at(Moment::Outside);
                        sum
                    }
                };
                pending.insert(input, sum);
            }
        }
        found
    }
}

impl Pass {
    /// A value that a node reads; the last reader releases it.
    fn read(&mut self, value: NodeId, is_last: bool) -> Value {
        let found = match is_last {
            true => self.values.remove(&value),
            false => self.values.get(&value).cloned(),
        };
        found.expect("a node's inputs were made before it")
    }
}
