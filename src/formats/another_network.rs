//! What a file's tensors are where they are not those of the network: a known preset's, blocks of other lengths.

use std::collections::BTreeSet;

use super::tensor_misfits::{LISTED, Misfit, Refusal, first_of, misfits, shape_of};
use super::tensor_names::{Matching, Shapes, is_bookkeeping};
use crate::network::{Graph, Preset, Shape, presets};
use crate::words::{counted, listed};

const SAME_NETWORK: &str = "give weights of the same network, see `densenet-bench describe`";

/// Anything else: whose weights these are, how long its blocks are, and the first names of each kind.
pub(super) fn of_another_network(matching: &Matching, misfits: &[Misfit], shapes: &Shapes, graph: &Graph) -> Refusal {
    let mut parts = Vec::new();
    if let Some(preset) = known(shapes) {
        parts.push(format!("these are weights of {preset}, not of this network"));
    }
    let lengths = block_lengths(matching, graph);
    if !lengths.is_empty() {
        let lengths: Vec<&str> = lengths.iter().take(LISTED).map(String::as_str).collect();
        parts.push(listed(&lengths));
    }
    let own = shapes.keys().filter(|name| !is_bookkeeping(name));
    if matching.found.is_empty() {
        parts.push(match own.clone().count() {
            0 => "it has no tensors".to_owned(),
            count => format!(
                "its {} are none of this network's: it has {}, and wanted are {}",
                counted(count, "tensor"),
                first_of(own.map(String::as_str)),
                first_of(
                    graph
                        .tensors()
                        .map(|(name, _)| name)
                        .collect::<Vec<_>>()
                        .iter()
                        .map(String::as_str)
                )
            ),
        });
        return (parts.join("; "), SAME_NETWORK.to_owned());
    }
    if !matching.missing.is_empty() {
        let names = first_of(matching.missing.iter().map(String::as_str));
        let count = matching.missing.len();
        parts.push(format!(
            "missing {} {count}: {names}",
            if count == 1 { "is" } else { "are" }
        ));
    }
    if !matching.others.is_empty() {
        let names = first_of(matching.others.values().map(String::as_str));
        let count = matching.others.len();
        parts.push(format!(
            "{count} {} in it that this network lacks: {names}",
            if count == 1 { "is" } else { "are" }
        ));
    }
    if let Some(first) = misfits.first() {
        let count = misfits.len();
        parts.push(format!(
            "{count} {} another shape: {} is {}; this network's is {}",
            if count == 1 { "has" } else { "have" },
            first.name,
            shape_of(&first.theirs),
            shape_of(&first.ours)
        ));
    }
    (parts.join("; "), SAME_NETWORK.to_owned())
}

/// The preset whose tensors these are, but for the classifier's width.
fn known(shapes: &Shapes) -> Option<&'static str> {
    let is_it = |preset: &Preset| {
        let image = Shape::square(3, preset.network.usual_side());
        let Ok(graph) = preset.network.graph(image, preset.classes) else {
            return false;
        };
        let matching = Matching::of(shapes, &graph, preset.network.foreign_names());
        let head = graph.nodes.last().map_or("", |node| node.name.as_str());
        let misfits = misfits(&matching, shapes, &graph);
        matching.missing.is_empty()
            && matching.others.is_empty()
            && misfits.iter().all(|misfit| misfit.name.starts_with(head))
    };
    presets().into_iter().find(is_it).map(|preset| preset.name)
}

/// Blocks that have another number of layers in the file, `features.denseblock4 has 32 dense layers where 16 are wanted`.
fn block_lengths(matching: &Matching, graph: &Graph) -> Vec<String> {
    let names = || matching.found.keys().chain(matching.others.keys());
    let blocks = graph.blocks.iter().filter_map(|block| {
        let layer = |name: &String| {
            let rest = name.strip_prefix(&block.name)?.strip_prefix('.')?;
            Some(rest.split('.').next()?.to_owned())
        };
        let theirs = names().filter_map(layer).collect::<BTreeSet<String>>().len();
        let is_another = theirs != block.layers && theirs > 0;
        is_another.then(|| {
            format!(
                "{} has {} where {} {} wanted",
                block.name,
                counted(theirs, block.unit),
                block.layers,
                if block.layers == 1 { "is" } else { "are" }
            )
        })
    });
    blocks.collect()
}
