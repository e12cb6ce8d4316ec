//! Tensors of a file whose shapes are not the network's, and how messages show names and shapes of files.

use super::tensor_names::{Matching, Shapes};
use crate::network::Graph;
use crate::visible::beginning;
use crate::words::listed;

/// Why a file is refused, and what to do.
pub(super) type Refusal = (String, String);

/// Names that a message lists, and the characters that it shows of each.
pub(super) const LISTED: usize = 5;
const LONGEST: usize = 80;

/// A tensor whose shape is not the network's.
pub(super) struct Misfit {
    /// Its name here.
    pub name: String,
    /// Its shape in the file.
    pub theirs: Vec<usize>,
    /// The network's.
    pub ours: Vec<usize>,
}

/// Whether a tensor has the values of the other in their order: axes of length 1 at the end make no difference.
pub(super) fn same_but_for_trailing_ones(one: &[usize], other: &[usize]) -> bool {
    let end = |shape: &[usize]| shape.iter().rposition(|&length| length != 1).map_or(0, |last| last + 1);
    one[..end(one)] == other[..end(other)]
}

/// The network's tensors that are in the file with another shape.
pub(super) fn misfits(matching: &Matching, shapes: &Shapes, graph: &Graph) -> Vec<Misfit> {
    let misfit = |(name, ours): (String, Vec<usize>)| {
        let theirs = shapes.get(matching.found.get(&name)?.first()?)?;
        (!same_but_for_trailing_ones(theirs, &ours)).then(|| Misfit {
            name,
            theirs: theirs.clone(),
            ours,
        })
    };
    graph.tensors().filter_map(misfit).collect()
}

/// `a, b, c, d, e and 12 more`.
pub(super) fn first_of<'n>(names: impl Iterator<Item = &'n str> + Clone) -> String {
    let count = names.clone().count();
    let mut first: Vec<String> = names.take(LISTED).map(shown).collect();
    if count > LISTED {
        first.push(format!("{} more", count - LISTED));
    }
    listed(&first.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A name of the file, escaped and no longer than can be read.
pub(super) fn shown(name: &str) -> String {
    beginning(name, LONGEST)
}

/// A shape of the file.
pub(super) fn shape_of(shape: &[usize]) -> String {
    const MOST_AXES: usize = 8;
    match shape.len() {
        0..=MOST_AXES => format!("{shape:?}"),
        axes => format!("of {axes} axes"),
    }
}
