//! A network that trains and evaluates, as training and measuring see it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use burn::module::{Module, ModuleMapper, ParamId};
use burn::tensor::{Device, Gradients, Tensor, TensorData};

use super::batch_norm::BatchNorm;
use super::loss_operation::CarryOutLoss;
use super::lowering::{Lowering, Placed, Program};
use super::parameters::{Layer, Parameters, has_tensors};
use super::plain::{self, Activation};
use super::watch::Watch;
use crate::formats::weights::{Weights, WeightsError, check};
use crate::network::{Graph, NodeId, Segment};

/// A network on a device, and which lowering runs which part of it.
#[derive(Clone)]
pub struct Model {
    device: Device,
    graph: Arc<Graph>,
    parameters: Parameters,
    program: Arc<Program>,
}

/// What a network gives for a batch in training.
#[derive(Debug)]
pub struct Outputs {
    /// The network's own logits, `[batch, classes]`.
    pub logits: Tensor<2>,
    /// Those of auxiliary heads.
    pub auxiliary: Vec<AuxiliaryLogits>,
    /// What carries out the losses; none: Burn's operations.
    pub loss: Option<Arc<dyn CarryOutLoss>>,
}

/// The logits of an auxiliary head.
#[derive(Debug)]
pub struct AuxiliaryLogits {
    /// `[batch, classes]`.
    pub logits: Tensor<2>,
    /// What their loss is multiplied by.
    pub weight: f64,
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("device", &self.device)
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

impl Model {
    /// Builds a network from named weights; each of its segments is run by the first of the lowerings that takes it,
    /// else node by node. With an autodiff device it trains, else it evaluates.
    ///
    /// # Errors
    /// Weights that are not those of the graph.
    pub fn new(
        graph: Arc<Graph>,
        weights: &Weights,
        device: &Device,
        lowerings: &[Arc<dyn Lowering>],
    ) -> Result<Self, WeightsError> {
        check(weights, &graph, "weights")?;
        Ok(Self {
            device: device.clone(),
            parameters: Parameters::new(&graph, weights, device),
            program: Arc::new(Program::new(&graph, lowerings)),
            graph,
        })
    }

    /// Its device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Seeds what is drawn from now on, dropout's masks: the device's generator, and what the lowerings draw themselves.
    pub fn seed(&self, seed: u64) {
        self.device.seed(seed);
        self.program.seed(seed);
    }

    /// Its graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Its learned tensors and running statistics.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Which lowering runs which segment.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Images `[batch, channels, height, width]`, normalised, to logits `[batch, classes]`, as in evaluation: without
    /// auxiliary heads. While the
    /// network trains, its frozen start runs without autodiff, as in evaluation.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let is_wanted = |segment: &Segment| !self.graph.is_auxiliary(segment.nodes.start);
        self.run(images, is_wanted, &mut BatchNorm::follow).logits
    }

    /// The same with the logits of auxiliary heads, as in training.
    pub fn outputs(&self, images: Tensor<4>) -> Outputs {
        self.run(images, |_| true, &mut BatchNorm::follow)
    }

    /// The same, but the running statistics stay as they are: those of the batch, which they follow, are given instead, in the
    /// network's order. Segments that are run node by node have none that is not frozen, or follow by themselves.
    pub fn outputs_and_statistics(&self, images: Tensor<4>) -> (Outputs, Vec<[Tensor<1>; 2]>) {
        let mut statistics = Vec::new();
        let outputs = self.run(images, |_| true, &mut |_, pair| statistics.push(pair));
        (outputs, statistics)
    }

    /// The first segment that is run node by node and has a normalisation that follows the batches: it makes its running
    /// statistics anew in each step.
    pub fn plain_norms(&self) -> Option<&str> {
        let mut layers = self.parameters.layers();
        self.program.segments().iter().find_map(|placed| {
            let nodes = &self.graph.nodes[placed.segment.nodes.clone()];
            let (own, rest) = layers.split_at(nodes.iter().filter(|node| has_tensors(node)).count());
            layers = rest;
            let follows = own.iter().filter_map(Layer::as_norm).any(|norm| !norm.is_fixed());
            (placed.by.is_none() && follows).then_some(placed.segment.name.as_str())
        })
    }

    /// Runs the segments that `is_wanted` says, and hands the statistics of their normalisations to `follow`. A value is released by the last segment that reads it.
    fn run(
        &self,
        images: Tensor<4>,
        is_wanted: impl Fn(&Segment) -> bool,
        follow: &mut dyn FnMut(&BatchNorm, [Tensor<1>; 2]),
    ) -> Outputs {
        let mut values = BTreeMap::from([(0, Activation::Maps(images))]);
        let mut layers = self.parameters.layers();
        let trains = self.device.is_autodiff();
        let mut auxiliary = Vec::new();
        for placed in self.program.segments() {
            let Placed {
                segment,
                by,
                is_frozen,
                reads_last,
                ..
            } = placed;
            let nodes = &self.graph.nodes[segment.nodes.clone()];
            let (own, rest) = layers.split_at(nodes.iter().filter(|node| has_tensors(node)).count());
            layers = rest;
            if !is_wanted(segment) {
                continue;
            }
            let entering = match reads_last {
                true => values.remove(&segment.entering),
                false => values.get(&segment.entering).cloned(),
            };
            let mut entering = entering.expect("what enters a segment was made by an earlier one");
            if trains {
                entering = entering.with_autodiff(!is_frozen);
            }
            let output = match by {
                Some((_, carry_out)) => carry_out
                    .forward(own, entering, &Watch::default())
                    .hand_out(own, follow),
                None => self.node_by_node(segment, own, entering),
            };
            match self
                .graph
                .auxiliary
                .iter()
                .find(|head| head.nodes.end == segment.nodes.end)
            {
                Some(head) => auxiliary.push(AuxiliaryLogits {
                    logits: output.vectors(),
                    weight: head.weight,
                }),
                None => {
                    values.insert(segment.nodes.end - 1, output);
                }
            }
        }
        let last = self.graph.nodes.len() - 1;
        let logits = values.remove(&last).expect("the last segment gives the logits");
        Outputs {
            logits: logits.vectors(),
            auxiliary,
            loss: self.program.loss().cloned(),
        }
    }

    /// Runs a segment with Burn's own operations. The last node that reads an output releases it, so that Burn may
    /// write into it.
    fn node_by_node(&self, segment: &Segment, own: &[Layer], entering: Activation) -> Activation {
        let mut outputs: Vec<Option<Activation>> = vec![None; segment.nodes.len() + 1];
        outputs[0] = Some(entering);
        let mut own = own.iter();
        for id in segment.nodes.clone() {
            let node = &self.graph.nodes[id];
            let read = |&input: &NodeId| match self.program.is_last_use(input, id) {
                true => outputs[segment.place(input)].take(),
                false => outputs[segment.place(input)].clone(),
            };
            let inputs: Vec<Activation> = node.inputs.iter().filter_map(read).collect();
            let layer = if has_tensors(node) { own.next() } else { None };
            outputs[segment.place(id)] = Some(plain::carry_out(node, layer, inputs));
        }
        let output = outputs.pop().flatten();
        output.expect("a segment's last node gives its output")
    }

    /// The same network for evaluation, on the device without autodiff, its running statistics brought up to date.
    pub fn valid(&self) -> Self {
        Self {
            device: self.device.clone().inner(),
            graph: Arc::clone(&self.graph),
            parameters: self.parameters.valid(),
            program: Arc::clone(&self.program),
        }
    }

    /// The same network with every learned tensor as the mapper leaves it.
    pub fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        Self {
            parameters: self.parameters.map(mapper),
            ..self
        }
    }

    /// Every tensor by PyTorch's names and in its layout, running statistics included.
    pub fn weights(&self) -> Weights {
        // `valid` brings the running statistics up to date.
        self.parameters.valid().weights(&self.graph)
    }

    /// The learned tensors' names and IDs.
    pub fn learned_ids(&self) -> impl Iterator<Item = (String, ParamId)> + '_ {
        self.parameters.learned_ids(&self.graph)
    }

    /// Every trained tensor's gradient by PyTorch's names and in its layout.
    pub fn gradients(&self, gradients: &Gradients) -> Weights {
        self.parameters.gradients(&self.graph, gradients)
    }

    /// A value for each learned tensor, by PyTorch's names and in its layout: the result of `value_of`, in the tensor's
    /// own shape here; tensors without one are left out.
    pub fn learned_values(&self, value_of: impl Fn(ParamId) -> Option<TensorData>) -> Weights {
        self.parameters.learned_values(&self.graph, value_of)
    }

    /// The inverse: passes each learned tensor's value to `give`, in the tensor's own shape here.
    pub fn give_learned_values(&self, named: &Weights, give: impl FnMut(ParamId, TensorData)) {
        self.parameters.give_learned_values(&self.graph, named, give);
    }

    /// Learned values that were built, to be checked against [`Graph::parameters`].
    pub fn learned_count(&self) -> usize {
        self.parameters.count()
    }
}
