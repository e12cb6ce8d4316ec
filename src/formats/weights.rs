//! Weights as named tensors, in safetensors with PyTorch's layout and torchvision's names.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use safetensors::{Dtype, View};

use super::tensor_file::{self, Misfit};
use crate::network::Graph;
use crate::visible::quoted;

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

/// Why bytes are not the weights of a network.
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

/// Reads safetensors bytes as this program writes them. `file` is for messages.
/// [`network_weights`](super::network_weights) reads those of other programs too.
///
/// # Errors
/// Bytes that are not safetensors, a tensor that is not 32-bit float, a value that is not finite.
pub fn read(bytes: &[u8], file: &str) -> Result<Weights, WeightsError> {
    let error = |rule: String, remedy: &str| WeightsError {
        file: file.to_owned(),
        rule,
        remedy: remedy.to_owned(),
    };
    let tensors = tensor_file::open(bytes).map_err(|misfit| of_misfit(misfit, file))?;
    let mut weights = Weights::new();
    for (name, view) in tensors.tensors() {
        if name.ends_with(IGNORED) {
            continue;
        }
        if view.dtype() != Dtype::F32 {
            let rule = format!("{} is {:?}; weights are 32-bit floats", quoted(&name), view.dtype());
            return Err(error(rule, "convert the model with .float() before saving"));
        }
        let (floats, _) = view.data().as_chunks::<4>();
        let values: Vec<f32> = floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        check_finite(&values, &name, file)?;
        let shape = view.shape().to_vec();
        weights.insert(name, WeightTensor { shape, values });
    }
    Ok(weights)
}

/// Why bytes are not a safetensors file, with the file's name.
pub(super) fn of_misfit(misfit: Misfit, file: &str) -> WeightsError {
    let (rule, remedy) = match misfit.remedy {
        Some(remedy) => (misfit.rule, remedy),
        None => (
            format!("not a whole safetensors file ({})", misfit.rule),
            "export it again, or convert PyTorch weights with safetensors.torch.save_file",
        ),
    };
    WeightsError {
        file: file.to_owned(),
        rule,
        remedy: remedy.to_owned(),
    }
}

/// Checks that a tensor's values are finite.
pub(super) fn check_finite(values: &[f32], name: &str, file: &str) -> Result<(), WeightsError> {
    let Some(index) = values.iter().position(|value| !value.is_finite()) else {
        return Ok(());
    };
    Err(WeightsError {
        file: file.to_owned(),
        rule: format!(
            "{} has {} at index {index}; weights are finite",
            quoted(name),
            values[index]
        ),
        remedy: "export a trial that did not diverge".to_owned(),
    })
}

/// Checks that the weights are those of a network: every tensor there, none besides, each of its shape.
///
/// # Errors
/// The first tensor, in the network's order, that is missing or has another shape, or one that the network lacks.
pub fn check(weights: &Weights, graph: &Graph, file: &str) -> Result<(), WeightsError> {
    let error = |rule: String, remedy: &str| WeightsError {
        file: file.to_owned(),
        rule,
        remedy: remedy.to_owned(),
    };
    const SAME_NETWORK: &str = "give weights of the same network, see `densenet-bench describe`";
    let mut expected = BTreeMap::new();
    for (name, shape) in graph.tensors() {
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
        Some(name) => Err(error(
            format!("{} is not a tensor of this network", quoted(name)),
            SAME_NETWORK,
        )),
        None => Ok(()),
    }
}

/// The longest header that safetensors allows.
pub const LONGEST_HEADER: u64 = 100_000_000;

/// The most bytes that a file of a network's weights takes: its values, which may be 64-bit floats, and the header.
pub fn largest_file(graph: &Graph) -> u64 {
    let tensors = graph.tensors();
    let values: usize = tensors.map(|(_, shape)| shape.iter().product::<usize>()).sum();
    LONGEST_HEADER + 8 * values as u64
}

/// Writes safetensors bytes: the same weights give the same bytes.
///
/// # Errors
/// Where the format cannot hold the tensors (a shape that does not fit its values).
pub fn write(weights: &Weights) -> Result<Vec<u8>, WeightsError> {
    write_named(weights.iter().map(|(name, tensor)| (name.as_str(), tensor)), None)
}

/// Writes safetensors bytes of tensors by names of their own, with entries in the metadata.
pub(super) fn write_named<'a, Name: AsRef<str> + Ord + std::fmt::Display>(
    tensors: impl Iterator<Item = (Name, &'a WeightTensor)>,
    metadata: Option<HashMap<String, String>>,
) -> Result<Vec<u8>, WeightsError> {
    let unfit = |reason: String| WeightsError {
        file: "weights".to_owned(),
        rule: format!("cannot be written as safetensors ({reason})"),
        remedy: "this is a defect of densenet-bench: please report it".to_owned(),
    };
    let mut views = Vec::new();
    for (name, tensor) in tensors {
        if tensor.shape.iter().product::<usize>() != tensor.values.len() {
            let reason = format!("{name} is {:?} of {} values", tensor.shape, tensor.values.len());
            return Err(unfit(reason));
        }
        views.push((name, Floats(tensor)));
    }
    safetensors::serialize(views, metadata).map_err(|error| unfit(error.to_string()))
}

/// A tensor as safetensors takes it: its bytes are made one tensor at a time.
struct Floats<'a>(&'a WeightTensor);

impl View for Floats<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.0.values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn data_len(&self) -> usize {
        4 * self.0.values.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Shape, tiny};

    fn one(shape: &[usize], values: &[f32]) -> Weights {
        let (shape, values) = (shape.to_vec(), values.to_vec());
        Weights::from([("classifier.bias".to_owned(), WeightTensor { shape, values })])
    }

    fn small() -> Graph {
        let network = tiny();
        let image = Shape {
            channels: 1,
            height: 2,
            width: 2,
        };
        network.graph(image, 2).unwrap()
    }

    fn of(graph: &Graph) -> Weights {
        let tensors = graph.tensors();
        tensors
            .map(|(name, shape)| {
                let values = vec![0.5; shape.iter().product()];
                (name, WeightTensor { shape, values })
            })
            .collect()
    }

    #[test]
    fn a_value_that_is_not_finite_is_named_with_its_place() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let bytes = write(&one(&[3], &[0.0, 1.0, value])).unwrap();
            assert_eq!(
                read(&bytes, "w").unwrap_err().rule,
                format!("classifier.bias has {value} at index 2; weights are finite")
            );
        }
    }

    #[test]
    fn a_cut_file_and_a_pickle_each_have_their_remedy() {
        let bytes = write(&one(&[3], &[0.0; 3])).unwrap();
        assert_eq!(
            read(&bytes[..bytes.len() - 1], "w.safetensors")
                .unwrap_err()
                .to_string(),
            "w.safetensors: not a whole safetensors file (its header claims 12 bytes of tensors, and 11 follow); \
             export it again, or convert PyTorch weights with safetensors.torch.save_file"
        );
        assert_eq!(
            read(b"PK\x03\x04 and so on", "w.pt").unwrap_err().to_string(),
            "w.pt: it is in PyTorch's pickle format, which can run any code when it is read, and is never read here; \
             convert it with scripts/convert-weights, or load it in PyTorch and write its state_dict with \
             safetensors.torch.save_file"
        );
    }

    #[test]
    fn weights_of_another_network_are_named_by_their_first_tensor() {
        let graph = small();
        let weights = of(&graph);
        assert_eq!(check(&weights, &graph, "w"), Ok(()));
        let rule = |weights: &Weights| check(weights, &graph, "w").unwrap_err().rule;
        let mut missing = weights.clone();
        missing.remove("classifier.bias");
        assert_eq!(rule(&missing), "classifier.bias [2] is missing");
        let mut other = weights.clone();
        other.extend(one(&[3], &[0.0; 3]));
        assert_eq!(rule(&other), "classifier.bias is [3]; this network's is [2]");
        let mut more = weights.clone();
        let tensor = weights["classifier.bias"].clone();
        more.insert("classifier.\u{1b}bias".to_owned(), tensor);
        assert_eq!(rule(&more), "classifier.\\u{1b}bias is not a tensor of this network");
    }

    #[test]
    fn a_networks_weights_fit_into_the_largest_file() {
        let graph = small();
        let bytes = write(&of(&graph)).unwrap().len() as u64;
        assert!((bytes..2 * bytes + LONGEST_HEADER).contains(&largest_file(&graph)));
    }
}
