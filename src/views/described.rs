//! A network to describe.

use crate::network::{Graph, Processor};

/// A network and how it is to be trained, as far as its memory depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Described<'a> {
    /// The variant's or the preset's name.
    pub name: &'a str,
    /// Its layers.
    pub graph: &'a Graph,
    /// Batch sizes at which the memory of a training step is predicted.
    pub batch_sizes: &'a [usize],
    /// Whether the optimizer has momentum.
    pub momentum: bool,
    /// The processor that the memory is predicted for.
    pub processor: Processor,
    /// How the network is carried out, as the tables name it; the closed forms of memory are of `plain` alone.
    pub execution: &'a str,
}

impl Described<'_> {
    /// Whether the memory of a training step is known without running one.
    pub fn has_closed_form(&self) -> bool {
        self.execution == "plain"
    }
}
