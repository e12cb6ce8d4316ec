//! Weights as named tensors, in safetensors with PyTorch's layout and torchvision's names.

use std::collections::{BTreeMap, HashMap};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::network::Plan;

/// One tensor of 32-bit floats, the last axis contiguous.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightTensor {
    /// The lengths of its axes.
    pub shape: Vec<usize>,
    /// Its values.
    pub values: Vec<f32>,
}

/// Tensors by name: `features.conv0.weight`, `features.denseblock1.denselayer1.norm1.running_mean`, …
pub type Weights = BTreeMap<String, WeightTensor>;

/// Why bytes are no weights for a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {rule}; {remedy}")]
pub struct WeightsError {
    /// The file's name, for the message.
    pub file: String,
    /// What was found and the rule that it breaks.
    pub rule: String,
    /// What to do.
    pub remedy: String,
}

/// PyTorch's count of batches, which no inference or training step here needs.
const IGNORED: &str = "num_batches_tracked";

/// Reads safetensors bytes. `file` is for messages.
///
/// # Errors
/// Bytes that are not safetensors, a tensor that is not 32-bit float, a value that is not finite.
pub fn read(bytes: &[u8], file: &str) -> Result<Weights, WeightsError> {
    let error = |rule: String, remedy: &str| WeightsError {
        file: file.to_owned(),
        rule,
        remedy: remedy.to_owned(),
    };
    let tensors = SafeTensors::deserialize(bytes).map_err(|reason| {
        let rule = format!("not a whole safetensors file ({reason})");
        error(
            rule,
            "export it again, or convert PyTorch weights with safetensors.torch.save_file",
        )
    })?;
    let mut weights = Weights::new();
    for (name, view) in tensors.tensors() {
        if name.ends_with(IGNORED) {
            continue;
        }
        if view.dtype() != Dtype::F32 {
            let rule = format!("{name} is {:?}; weights are 32-bit floats", view.dtype());
            return Err(error(rule, "convert the model with .float() before saving"));
        }
        let (floats, _) = view.data().as_chunks::<4>();
        let values: Vec<f32> = floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            let rule = format!("{name} has {} at index {index}; weights are finite", values[index]);
            return Err(error(rule, "export a trial that did not diverge"));
        }
        let shape = view.shape().to_vec();
        weights.insert(name, WeightTensor { shape, values });
    }
    Ok(weights)
}

/// Checks that the weights are those of a network: every tensor there, none besides, each of its shape.
///
/// # Errors
/// The first tensor, in the network's order, that is missing or has another shape, or one that the network lacks.
pub fn check(weights: &Weights, plan: &Plan, file: &str) -> Result<(), WeightsError> {
    let error = |rule: String, remedy: &str| WeightsError {
        file: file.to_owned(),
        rule,
        remedy: remedy.to_owned(),
    };
    const SAME_NETWORK: &str = "give weights of the same network, see `densenet-bench describe`";
    let mut expected = BTreeMap::new();
    for (name, shape) in plan.layers.iter().flat_map(|layer| layer.tensors()) {
        match weights.get(&name) {
            None => return Err(error(format!("{name} {shape:?} is missing"), SAME_NETWORK)),
            Some(tensor) if tensor.shape != shape => {
                let rule = format!("{name} is {:?}; this network's is {shape:?}", tensor.shape);
                return Err(error(rule, SAME_NETWORK));
            }
            Some(_) => expected.insert(name, shape),
        };
    }
    match weights.keys().find(|name| !expected.contains_key(*name)) {
        Some(name) => Err(error(format!("{name} is no tensor of this network"), SAME_NETWORK)),
        None => Ok(()),
    }
}

/// Writes safetensors bytes: the same weights give the same bytes.
///
/// # Errors
/// Where the format cannot hold the tensors (a shape that does not fit its values).
pub fn write(weights: &Weights) -> Result<Vec<u8>, WeightsError> {
    write_with(weights, None)
}

/// Writes safetensors bytes with entries in their metadata.
pub(super) fn write_with(
    weights: &Weights,
    metadata: Option<HashMap<String, String>>,
) -> Result<Vec<u8>, WeightsError> {
    let unfit = |reason: safetensors::SafeTensorError| WeightsError {
        file: "weights".to_owned(),
        rule: format!("cannot be written as safetensors ({reason})"),
        remedy: "this is a defect of densenet-bench: please report it".to_owned(),
    };
    let bytes: Vec<(&String, &WeightTensor, Vec<u8>)> = weights
        .iter()
        .map(|(name, tensor)| {
            (
                name,
                tensor,
                tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            )
        })
        .collect();
    let mut views = Vec::with_capacity(bytes.len());
    for (name, tensor, bytes) in &bytes {
        views.push((
            name,
            TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).map_err(unfit)?,
        ));
    }
    safetensors::serialize(views, metadata).map_err(unfit)
}
