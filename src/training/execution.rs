//! From `run.execution` to a network's lowerings.

use std::sync::Arc;

use burn::tensor::Device;

use super::optimizer::sgd_rule;
use super::static_step::StaticParts;
use crate::backends::{BackendDevice, DeviceError};
use crate::formats::ablation::{Execution, RunSettings, TrainSettings};
use crate::formats::weights::{Weights, WeightsError};
use crate::host::{self, ArithmeticError};
use crate::model::{InPlace, Model, Uploads};
use crate::network::{Architecture, Graph, Node, Operation, Shape};

/// Why a network could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Weights that are not those of the graph.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// An execution that the device does not have.
    #[error(transparent)]
    Execution(#[from] ArithmeticError),
    /// A backend that is not built in.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The device has no graph for a training step.
    #[error("cuda-graph is true, and {0}; leave cuda-graph out")]
    Graph(String),
    /// The device has no stream for batches.
    #[error("batches cannot be brought to the device: {0}; check it with `densenet-bench doctor`")]
    Uploads(String),
}

/// What carries static training steps out: in a graph where `run` asks for one, else on devices whose updates are faster in place,
/// over all tensors at once, than by Burn's optimizer. The network was built on an autodiff device that
/// `choice` opened, and has made no step.
///
/// # Errors
/// A device without graphs, or whose library makes none.
pub fn static_parts(
    model: &Model,
    train: &TrainSettings,
    run: &RunSettings,
    choice: BackendDevice,
) -> Result<Option<StaticParts>, BuildError> {
    if !run.cuda_graph {
        let is_faster = choice.backend().updates_in_place;
        let updates = match is_faster(run.execution) && model.plain_norms().is_none() {
            true => in_place_updates(model, train, choice)?,
            false => None,
        };
        return Ok(updates.map(|updates| StaticParts { updates, graph: None }));
    }
    let drops_out = |node: &Node| matches!(node.operation, Operation::Dropout { .. });
    if let Some(node) = model.graph().nodes.iter().find(|node| drops_out(node)) {
        let reason = format!("{} draws its mask anew in each step", node.name);
        return Err(BuildError::Graph(reason));
    }
    if let Some(part) = model.plain_norms() {
        return Err(BuildError::Graph(format!(
            "the network's part {part} is not carried out as a whole by aten, which makes its running statistics anew in each step"
        )));
    }
    let runtime = choice.runtime()?;
    // Before the first tensor of a step, since from here on the device works on another stream.
    let graph = (runtime.step_graph)(choice.index()).map_err(BuildError::Graph)?;
    let updates = in_place_updates(model, train, choice)?;
    let updates = updates.ok_or_else(|| BuildError::Graph(format!("{choice} has no updates in place")))?;
    let graph = Some(graph);
    Ok(Some(StaticParts { updates, graph }))
}

/// Builds a network that runs as `run` says. `device` is what `choice` opened: with autodiff the network trains, else
/// it evaluates.
///
/// # Errors
/// Weights that are not those of the graph, or an execution that the device does not have.
pub fn build(
    graph: &Graph,
    weights: &Weights,
    run: &RunSettings,
    choice: BackendDevice,
    device: &Device,
) -> Result<Model, BuildError> {
    host::check_execution(run, choice)?;
    let lowerings = (choice.runtime()?.lowerings)(run);
    Ok(Model::new(Arc::new(graph.clone()), weights, device, &lowerings)?)
}

/// The execution that is chosen for a network on a device where a file leaves it open; `plain` on a backend that is not built
/// in, which is refused elsewhere.
pub fn fastest_execution(network: &Architecture, choice: BackendDevice) -> Execution {
    // Which parts a network has does not depend on the images' size.
    let classes = 10;
    match (
        network.graph(Shape::square(3, network.usual_side()), classes),
        choice.runtime(),
    ) {
        (Ok(graph), Ok(runtime)) => (runtime.fastest)(&graph),
        _ => Execution::Plain,
    }
}

/// What updates a network where its tensors are, by the rule of the settings; none where the device has nothing that does.
///
/// # Errors
/// A backend that is not built in.
pub fn in_place_updates(
    model: &Model,
    train: &TrainSettings,
    choice: BackendDevice,
) -> Result<Option<Box<dyn InPlace>>, BuildError> {
    Ok((choice.runtime()?.in_place)(model, sgd_rule(train, model)))
}

/// What brings batches to a device beside its work; none where the device takes them as they come.
///
/// # Errors
/// A backend that is not built in, or a device that fails.
pub fn uploads(choice: BackendDevice) -> Result<Option<Box<dyn Uploads>>, BuildError> {
    let Some(uploads) = choice.runtime()?.uploads else {
        return Ok(None);
    };
    uploads(choice.index()).map(Some).map_err(BuildError::Uploads)
}
