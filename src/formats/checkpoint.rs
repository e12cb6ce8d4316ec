//! A training run between two steps, as a file.
//!
//! ```text
//! densenet-bench checkpoint 1
//! 64 hexadecimal digits, the SHA-256 of all that follows
//! safetensors: weights.NAME and momentum.NAME, in its metadata the position as JSON
//! ```
//!
//! The version stands before everything that a later version might change, so that a program can refuse what is newer
//! than itself by name.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::loss_scale::LossScale;
use super::tensor_file;
use super::weights::{self, WeightTensor, Weights, WeightsError};
use crate::network::Graph;
use crate::visible::quoted;

/// All that a training run needs to resume as if it had not stopped.
///
/// No random state is saved: every draw's stream follows from the trial's seed, its purpose and the
/// step or epoch, see [`crate::random`].
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Parameters and running statistics.
    pub weights: Weights,
    /// The optimizer's velocity of each parameter, by the parameter's name; empty before the first step, and without
    /// momentum.
    pub momentum: Weights,
    /// How far the run is.
    pub position: Position,
}

/// How far a training run is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The trial's identity.
    pub trial: String,
    /// Steps made since the run's start.
    pub steps: usize,
    /// Epochs that have ended, evaluation included; the next step or evaluation belongs to the epoch of this number.
    pub epoch: usize,
    /// What that epoch's steps have added up to so far.
    pub sums: Sums,
    /// What the run has taken so far.
    pub spent: Spent,
    /// The scale of the loss, where it is scaled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scale: Option<LossScale>,
}

/// An epoch's sums over images, taken while training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sums {
    /// Cross-entropy, in nats.
    pub loss: f64,
    /// Images whose largest logit is not their label's.
    pub wrong: usize,
    /// Images.
    pub images: usize,
}

/// Time and memory over all processes that have worked on a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spent {
    /// From each process's start to its last checkpoint.
    pub wall_ns: u64,
    /// Of that, the part spent on the epoch in progress.
    pub epoch_ns: u64,
    /// Training time of the first epoch, which holds the warm-up.
    pub first_training_ns: u64,
    /// Images of the first epoch.
    pub first_images: usize,
    /// Training time of the later whole epochs.
    pub training_ns: u64,
    /// Images of the later whole epochs.
    pub images: usize,
    /// The highest resident set of any of the processes.
    pub peak_memory_bytes: Option<u64>,
}

/// Why bytes are not a checkpoint to resume from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is not what was written, or it is another trial's.
    #[error("{file}: {rule}")]
    Damaged {
        /// The file's name, for the message.
        file: String,
        /// What was found.
        rule: String,
    },
    /// A later program wrote it.
    #[error(
        "{file}: it has format {version} and this program reads format {VERSION}; resume with the program that wrote it, \
         or remove the trial's folder to start that trial over"
    )]
    Newer {
        /// The file's name, for the message.
        file: String,
        /// Its format.
        version: u32,
    },
}

/// The version of the format.
pub const VERSION: u32 = 1;

const MAGIC: &str = "densenet-bench checkpoint ";
const POSITION: &str = "position";
const WEIGHTS: &str = "weights.";
const MOMENTUM: &str = "momentum.";
/// Length of a SHA-256 in hexadecimal digits.
const DIGITS: usize = 64;

/// Writes a checkpoint's bytes.
///
/// # Errors
/// Where safetensors cannot hold the tensors (a shape that does not fit its values).
pub fn write(checkpoint: &Checkpoint) -> Result<Vec<u8>, WeightsError> {
    let parts = [(WEIGHTS, &checkpoint.weights), (MOMENTUM, &checkpoint.momentum)];
    let tensors = parts.into_iter().flat_map(|(prefix, tensors)| {
        let named = move |(name, tensor)| (format!("{prefix}{name}"), tensor);
        tensors.iter().map(named)
    });
    let position = serde_json::json!(checkpoint.position).to_string();
    let body = weights::write_named(tensors, Some(HashMap::from([(POSITION.to_owned(), position)])))?;
    let head = format!("{MAGIC}{VERSION}\n{:x}\n", Sha256::digest(&body));
    Ok([head.as_bytes(), &body].concat())
}

/// An upper bound of the length of a checkpoint of a network, so that nothing longer is read.
pub fn longest(graph: &Graph) -> u64 {
    let tensors = graph.tensors();
    let of_one = |(name, shape): (String, Vec<usize>)| {
        let values: usize = shape.iter().product();
        // A tensor's entry in the header: its name with a prefix, type, shape and two offsets.
        2 * (4 * values as u64 + name.len() as u64 + 200)
    };
    (1 << 16) + tensors.map(of_one).sum::<u64>()
}

/// Reads a checkpoint's bytes. `file` is for messages.
///
/// # Errors
/// Bytes that a later program wrote, that are not as they were written, or that are not a checkpoint of trial `trial`
/// with this network.
pub fn read(bytes: &[u8], file: &str, trial: &str, graph: &Graph) -> Result<Checkpoint, CheckpointError> {
    let damaged = |rule: String| CheckpointError::Damaged {
        file: file.to_owned(),
        rule,
    };
    let body = checked_body(bytes, file)?;
    let of_weights = |error: WeightsError| damaged(error.rule);
    let metadata = tensor_file::header(body).map_err(|misfit| damaged(format!("not safetensors ({})", misfit.rule)))?;
    let position = metadata.metadata().as_ref().and_then(|entries| entries.get(POSITION));
    let position = position.ok_or_else(|| damaged("it does not contain the run's position".to_owned()))?;
    let position: Position =
        serde_json::from_str(position).map_err(|error| damaged(format!("position: {}", quoted(&error.to_string()))))?;
    if position.trial != trial {
        return Err(damaged(format!(
            "it belongs to trial {}, not {trial}",
            quoted(&position.trial)
        )));
    }
    let mut tensors = weights::read(body, file).map_err(of_weights)?;
    let momentum = split_off(&mut tensors, MOMENTUM);
    let weights = split_off(&mut tensors, WEIGHTS);
    if let Some(name) = tensors.keys().next() {
        return Err(damaged(format!("{} is neither a weight nor a velocity", quoted(name))));
    }
    weights::check(&weights, graph, file).map_err(of_weights)?;
    check_momentum(&momentum, graph).map_err(damaged)?;
    Ok(Checkpoint {
        weights,
        momentum,
        position,
    })
}

/// What follows the two lines of the head, after its checksum was verified.
fn checked_body<'b>(bytes: &'b [u8], file: &str) -> Result<&'b [u8], CheckpointError> {
    let damaged = |rule: &str| CheckpointError::Damaged {
        file: file.to_owned(),
        rule: rule.to_owned(),
    };
    let rest = bytes
        .strip_prefix(MAGIC.as_bytes())
        .ok_or_else(|| damaged("it does not start like a checkpoint"))?;
    let line = rest.iter().take(12).position(|&byte| byte == b'\n');
    let (version, rest) = line
        .and_then(|end| Some((str::from_utf8(&rest[..end]).ok()?, &rest[end + 1..])))
        .ok_or_else(|| damaged("it has no format version"))?;
    match version.parse::<u32>() {
        Ok(VERSION) => {}
        Ok(version) if version > VERSION => {
            let file = file.to_owned();
            return Err(CheckpointError::Newer { file, version });
        }
        _ => return Err(damaged("it has no format version")),
    }
    let (checksum, rest) = rest.split_at_checked(DIGITS).ok_or_else(|| damaged("it is cut off"))?;
    let body = rest.strip_prefix(b"\n").ok_or_else(|| damaged("it is cut off"))?;
    match format!("{:x}", Sha256::digest(body)).as_bytes() == checksum {
        true => Ok(body),
        false => Err(damaged("its checksum is wrong")),
    }
}

/// Takes the tensors whose names start with a prefix, without it.
fn split_off(tensors: &mut Weights, prefix: &str) -> Weights {
    let (own, others): (Weights, Weights) = std::mem::take(tensors)
        .into_iter()
        .partition(|(name, _)| name.starts_with(prefix));
    *tensors = others;
    let bare = |(name, tensor): (String, WeightTensor)| (name[prefix.len()..].to_owned(), tensor);
    own.into_iter().map(bare).collect()
}

/// Every trained parameter has a velocity of its own shape and no other has one, or none has one.
fn check_momentum(momentum: &Weights, graph: &Graph) -> Result<(), String> {
    if momentum.is_empty() {
        return Ok(());
    }
    let tensors = graph.tensors();
    let is_trained = |name: &String| is_learned(name) && !graph.frozen.contains(name);
    let parameters: BTreeMap<String, Vec<usize>> = tensors.filter(|(name, _)| is_trained(name)).collect();
    for (name, shape) in &parameters {
        match momentum.get(name) {
            None => return Err(format!("the velocity of {name} is missing")),
            Some(velocity) if velocity.shape != *shape => {
                return Err(format!("the velocity of {name} is {:?}, not {shape:?}", velocity.shape));
            }
            Some(_) => {}
        }
    }
    match momentum.keys().find(|name| !parameters.contains_key(*name)) {
        Some(name) => Err(format!(
            "there is a velocity of {}, which is not a parameter that is trained",
            quoted(name)
        )),
        None => Ok(()),
    }
}

/// Whether a tensor of this name is learned; running statistics follow the batches instead.
fn is_learned(name: &str) -> bool {
    !name.ends_with(".running_mean") && !name.ends_with(".running_var")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Shape, tiny};

    fn graph() -> Graph {
        let network = tiny();
        let input = Shape {
            channels: 1,
            height: 8,
            width: 8,
        };
        network.graph(input, 3).unwrap()
    }

    fn checkpoint(graph: &Graph) -> Checkpoint {
        let tensors = graph.tensors();
        let filled = |(index, (name, shape)): (usize, (String, Vec<usize>))| {
            let count = shape.iter().product::<usize>();
            let values = (0..count).map(|value| (index * 100 + value) as f32 / 7.0).collect();
            (name, WeightTensor { shape, values })
        };
        let weights: Weights = tensors.enumerate().map(filled).collect();
        let momentum = weights
            .clone()
            .into_iter()
            .filter(|(name, _)| is_learned(name))
            .collect();
        Checkpoint {
            weights,
            momentum,
            position: Position {
                trial: "0123456789abcdef".to_owned(),
                steps: 7,
                epoch: 1,
                sums: Sums {
                    loss: 0.1 + 0.2,
                    wrong: 3,
                    images: 96,
                },
                spent: Spent {
                    wall_ns: u64::MAX,
                    ..Spent::default()
                },
                loss_scale: Some(LossScale {
                    skipped: 2,
                    ..LossScale::default()
                }),
            },
        }
    }

    fn read_back(bytes: &[u8]) -> Result<Checkpoint, CheckpointError> {
        read(bytes, "step-7.checkpoint", "0123456789abcdef", &graph())
    }

    fn rule(bytes: &[u8]) -> String {
        read_back(bytes).unwrap_err().to_string()
    }

    #[test]
    fn a_checkpoint_reads_back_to_the_same_bits() {
        let graph = graph();
        let mut written = checkpoint(&graph);
        let bytes = write(&written).unwrap();
        assert_eq!(read_back(&bytes).unwrap(), written);
        assert!(bytes.len() as u64 <= longest(&graph), "{} bytes", bytes.len());
        written.momentum.clear();
        assert_eq!(read_back(&write(&written).unwrap()).unwrap(), written);
    }

    #[test]
    fn a_checkpoint_that_is_cut_off_or_changed_anywhere_is_damaged() {
        let bytes = write(&checkpoint(&graph())).unwrap();
        for length in 0..bytes.len() {
            assert!(read_back(&bytes[..length]).is_err(), "cut at {length}");
        }
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            assert!(read_back(&changed).is_err(), "changed at {index}");
        }
        let mut changed = bytes;
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(rule(&changed), "step-7.checkpoint: its checksum is wrong");
        assert_eq!(rule(b""), "step-7.checkpoint: it does not start like a checkpoint");
    }

    #[test]
    fn a_newer_format_is_refused_by_name_whatever_else_it_holds() {
        assert_eq!(
            rule(b"densenet-bench checkpoint 2\nwhatever is next"),
            "step-7.checkpoint: it has format 2 and this program reads format 1; resume with the program that wrote it, \
             or remove the trial's folder to start that trial over"
        );
    }

    /// The rule that a checkpoint breaks after a change to it.
    fn broken_by(change: impl Fn(&mut Checkpoint)) -> String {
        let mut checkpoint = checkpoint(&graph());
        change(&mut checkpoint);
        rule(&write(&checkpoint).unwrap())
    }

    #[test]
    fn a_checkpoint_of_another_trial_or_network_is_refused() {
        for (found, expected) in [
            (
                broken_by(|checkpoint| checkpoint.position.trial = "f".repeat(16)),
                "it belongs to trial ffffffffffffffff, not 0123456789abcdef",
            ),
            (
                broken_by(|checkpoint| drop(checkpoint.weights.remove("classifier.bias"))),
                "classifier.bias [3] is missing",
            ),
            (
                broken_by(|checkpoint| drop(checkpoint.momentum.remove("classifier.bias"))),
                "the velocity of classifier.bias is missing",
            ),
            (
                broken_by(|checkpoint| checkpoint.momentum.get_mut("classifier.bias").unwrap().shape = vec![1, 3]),
                "the velocity of classifier.bias is [1, 3], not [3]",
            ),
            (
                broken_by(|checkpoint| {
                    let velocity = checkpoint.momentum["classifier.bias"].clone();
                    checkpoint
                        .momentum
                        .insert("features.norm5.running_mean".to_owned(), velocity);
                }),
                "there is a velocity of features.norm5.running_mean, which is not a parameter that is trained",
            ),
            (
                broken_by(|checkpoint| checkpoint.weights.get_mut("classifier.bias").unwrap().values[1] = f32::NAN),
                "weights.classifier.bias has NaN at index 1; weights are finite",
            ),
        ] {
            assert_eq!(found, format!("step-7.checkpoint: {expected}"));
        }
    }
}
