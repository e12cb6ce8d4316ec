//! Networks that are recognised by the names and shapes of their tensors alone.

use std::collections::BTreeMap;

use super::families::RECOGNIZERS;
use super::family::Architecture;
use super::shape::Shape;

/// Tensors' shapes by name, as the header of a weights file has them.
pub type TensorShapes = BTreeMap<String, Vec<usize>>;

/// A network that tensors are of.
#[derive(Clone, Debug, PartialEq)]
pub struct RecognizedNetwork {
    /// Its options. Those that no tensor shows, such as dropout, have the values of an ablation file's defaults.
    pub network: Architecture,
    /// Images that it takes: of its channels, and of a side that no tensor shows.
    pub input: Shape,
    /// Its classes.
    pub classes: usize,
}

/// The network that tensors look like; none where they look like no network of a family that can be recognised. Whether each
/// shape fits is for the caller to check, by the network's graph.
pub fn recognized_network(shapes: &TensorShapes) -> Option<RecognizedNetwork> {
    RECOGNIZERS.iter().find_map(|recognize| recognize(shapes))
}
