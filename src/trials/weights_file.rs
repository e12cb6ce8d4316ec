//! Files of weights that training starts from or that are evaluated.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use super::identity::sha256;
use crate::files::read_bounded;
use crate::formats::network_weights::{Head, shapes_of_beginning, take_with, too_large};
use crate::formats::weights::{LONGEST_HEADER, Weights, WeightsError, largest_file};
use crate::network::{Graph, Network, RecognizedNetwork, recognized_network};

/// A network's weights from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileWeights {
    /// The weights, under the network's own names; without the classifier's where a new one is drawn.
    pub weights: Weights,
    /// What was renamed or converted, a line a kind, each with the file's name.
    pub notes: Vec<String>,
    /// The SHA-256 of the file.
    pub sha256: String,
}

/// Reads a network's weights from a file, no further than they can reach.
///
/// # Errors
/// A file that cannot be read, or is not of the network.
pub fn read_weights(
    path: &Path,
    network: &dyn Network,
    graph: &Graph,
    head: Head,
) -> Result<FileWeights, WeightsError> {
    let file = path.display().to_string();
    let bytes = match read_bounded(path, largest_file(graph)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::FileTooLarge => {
            let (start, length) = beginning(path);
            return Err(too_large(&start, length, &file, network, graph));
        }
        Err(error) => {
            return Err(WeightsError {
                file,
                rule: error.to_string(),
                remedy: match within(path) {
                    Some(name) => format!("name the file in it, {name}"),
                    None => "name an existing safetensors file of this network".to_owned(),
                },
            });
        }
    };
    let taken = take_with(&bytes, &file, network, graph, head)?;
    Ok(FileWeights {
        weights: taken.weights,
        notes: taken.notes,
        sha256: sha256(&bytes),
    })
}

/// The network that a file's tensors look like, from its header alone; none where they look like none that is recognised.
///
/// # Errors
/// A file that cannot be read, or that is not a safetensors file.
pub fn recognized_weights(path: &Path) -> Result<Option<RecognizedNetwork>, WeightsError> {
    let file = path.display().to_string();
    let header = header(path).map_err(|error| WeightsError {
        file: file.clone(),
        rule: error.to_string(),
        remedy: "name an existing safetensors file, or a trial's folder".to_owned(),
    })?;
    Ok(recognized_network(&shapes_of_beginning(&header, &file)?))
}

/// The header of a safetensors file with the 8 bytes before it, which say its length.
fn header(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut start = Vec::new();
    file.by_ref().take(8).read_to_end(&mut start)?;
    let length = start.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
    file.take(length.min(LONGEST_HEADER)).read_to_end(&mut start)?;
    Ok(start)
}

/// As much of a file as a header may take, and the file's length. What cannot be read is empty.
fn beginning(path: &Path) -> (Vec<u8>, u64) {
    let mut start = Vec::new();
    let opened = File::open(path);
    let length = opened.as_ref().ok().and_then(|file| file.metadata().ok());
    if let Ok(file) = opened {
        // What was read so far is the beginning too.
        let _ = file.take(LONGEST_HEADER + 8).read_to_end(&mut start);
    }
    let read = start.len() as u64;
    (start, length.map_or(read, |metadata| metadata.len().max(read)))
}

/// The first safetensors file of a folder, by name.
fn within(path: &Path) -> Option<String> {
    let entries = std::fs::read_dir(path).ok()?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let first = paths
        .filter(|path| path.extension().is_some_and(|end| end == "safetensors"))
        .min();
    first.map(|path| path.display().to_string())
}
