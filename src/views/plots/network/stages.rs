//! The stages of a network, as a drawing shows them from top to bottom.

use super::elements::{Element, elements, take_common_ending};
use crate::network::{Block, Graph, Node, NodeId, Part, Shape, Ways};
use crate::words::counted;

/// A stage: a block, or what stands between two.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Its name.
    pub title: String,
    /// What it consists of, in words; empty where the elements say it.
    pub note: String,
    /// What is in it.
    pub elements: Vec<Element>,
    /// What it gives of one image.
    pub output: Shape,
    /// Learned values.
    pub parameters: u64,
    /// Multiply-accumulates of convolutions and linear layers for one image.
    pub macs: u64,
}

/// A classifier beside the network, which training alone has.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// The stage whose maps it reads.
    pub reads: String,
    /// These maps.
    pub input: Shape,
    /// What is in it.
    pub stage: Stage,
}

/// Where a part of the network belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Block(usize),
    /// In a segment, outside of blocks.
    Segment(usize),
    Nowhere,
}

/// The stages of a network in the order of the forward pass, without auxiliary heads. Neighbours that do the same, though
/// perhaps from inputs of another number of channels, are one, whose numbers are those of all together.
pub fn stages(graph: &Graph) -> Vec<Stage> {
    let Some(last) = graph.nodes.len().checked_sub(1) else {
        return Vec::new();
    };
    let parts = Ways::of(graph).parts(0, last);
    let mut next = 1;
    let mut found: Vec<Stage> = Vec::new();
    for group in parts.chunk_by(|a, b| place(graph, a.last()) == place(graph, b.last())) {
        let Some(last) = group.last().map(Part::last) else {
            continue;
        };
        found.push(stage(graph, group, (next, last)));
        next = last + 1;
    }
    let is_same = |a: &Stage, b: &Stage| a.output == b.output && a.note == b.note && a.elements == b.elements;
    found.chunk_by(is_same).filter_map(together).collect()
}

/// The auxiliary heads.
pub fn heads(graph: &Graph) -> Vec<Head> {
    let ways = Ways::of(graph);
    let head = |nodes: &std::ops::Range<NodeId>| {
        let segment = graph
            .segments
            .iter()
            .find(|segment| segment.nodes.start == nodes.start)?;
        let last = nodes.end.checked_sub(1)?;
        let parts = ways.parts(segment.entering, last);
        Some(Head {
            reads: title(graph, (segment.entering, segment.entering)),
            input: graph.nodes.get(segment.entering)?.output,
            stage: stage(graph, &parts, (nodes.start, last)),
        })
    };
    graph.auxiliary.iter().filter_map(|own| head(&own.nodes)).collect()
}

/// A stage of parts whose nodes are those from the first to the last.
fn stage(graph: &Graph, parts: &[Part], (first, last): (NodeId, NodeId)) -> Stage {
    let is_head = graph.is_auxiliary(last);
    let nodes = (first..=last).filter(|&id| graph.is_auxiliary(id) == is_head);
    let nodes: Vec<&Node> = nodes.filter_map(|id| graph.nodes.get(id)).collect();
    let mut elements = elements(graph, parts);
    let ending = take_common_ending(&mut elements).then(|| "each conv with BN and ReLU".to_owned());
    let block = block(graph, last).map(|block| counted(block.layers, block.unit));
    Stage {
        title: title(graph, (first, last)),
        note: block.into_iter().chain(ending).collect::<Vec<_>>().join(", "),
        elements,
        output: graph.nodes.get(last).map_or(graph.input, |node| node.output),
        parameters: nodes.iter().map(|node| node.parameters() as u64).sum(),
        macs: nodes.iter().map(|node| node.macs()).sum(),
    }
}

/// Equal stages as one.
fn together(equal: &[Stage]) -> Option<Stage> {
    let (first, last) = (equal.first()?, equal.last()?);
    let count = equal.len();
    Some(match count {
        1 => first.clone(),
        _ => Stage {
            title: format!("{} to {}", first.title, last.title),
            note: match first.note.as_str() {
                "" => format!("{count} equal ones"),
                note => format!("{count} equal ones of {note}"),
            },
            parameters: equal.iter().map(|stage| stage.parameters).sum(),
            macs: equal.iter().map(|stage| stage.macs).sum(),
            ..first.clone()
        },
    })
}

/// The name of a stage that has nodes from the first to the last: the block's, that of a segment without blocks, else what
/// its nodes' names have in common.
fn title(graph: &Graph, (first, last): (NodeId, NodeId)) -> String {
    let name = |id: NodeId| graph.nodes.get(id).map_or("", |node| node.name.as_str());
    match place(graph, last) {
        Place::Block(index) => graph.blocks[index].name.clone(),
        Place::Segment(index) if !has_blocks(graph, index) => graph.segments[index].name.clone(),
        Place::Segment(_) | Place::Nowhere => {
            let (from, to) = (name(first), name(last));
            let common = from.split('.').zip(to.split('.')).take_while(|(a, b)| a == b).count();
            match common {
                _ if from == to => from.to_owned(),
                0 | 1 => format!("{from} to {to}"),
                parts => from.split('.').take(parts).collect::<Vec<_>>().join("."),
            }
        }
    }
}

fn has_blocks(graph: &Graph, segment: usize) -> bool {
    let nodes = &graph.segments[segment].nodes;
    graph.blocks.iter().any(|block| nodes.contains(&block.nodes.start))
}

fn block(graph: &Graph, id: NodeId) -> Option<&Block> {
    graph.blocks.iter().find(|block| block.nodes.contains(&id))
}

fn place(graph: &Graph, id: NodeId) -> Place {
    let in_block = graph.blocks.iter().position(|block| block.nodes.contains(&id));
    let in_segment = || graph.segments.iter().position(|segment| segment.nodes.contains(&id));
    match in_block {
        Some(index) => Place::Block(index),
        None => in_segment().map_or(Place::Nowhere, Place::Segment),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::families::googlenet::GoogLeNet;
    use crate::network::{Network, preset, presets};

    fn graph(name: &str) -> Graph {
        let preset = preset(name).unwrap();
        let image = Shape::square(3, preset.network.usual_side());
        preset.network.graph(image, preset.classes).unwrap()
    }

    fn titles(name: &str) -> Vec<String> {
        stages(&graph(name)).into_iter().map(|stage| stage.title).collect()
    }

    #[test]
    fn the_stages_of_every_network_add_up_to_it() {
        for preset in presets() {
            let graph = graph(preset.name);
            let stages = stages(&graph);
            let parameters: u64 = stages.iter().map(|stage| stage.parameters).sum();
            let macs: u64 = stages.iter().map(|stage| stage.macs).sum();
            assert_eq!(
                (parameters, macs),
                (graph.parameters() as u64, graph.macs()),
                "{}",
                preset.name
            );
            assert_eq!(stages.last().unwrap().output, Shape::vector(preset.classes));
        }
    }

    #[test]
    fn stages_have_the_names_of_blocks_segments_and_modules() {
        assert_eq!(
            titles("densenet-bc-100-12"),
            [
                "stem",
                "features.denseblock1",
                "features.transition1",
                "features.denseblock2",
                "features.transition2",
                "features.denseblock3",
                "features.norm5 to features.pool5",
                "classifier"
            ]
        );
        assert_eq!(
            titles("resnet-18"),
            ["stem", "layer1", "layer2", "layer3", "layer4", "avgpool", "classifier"]
        );
        assert!(titles("inception-v3").contains(&"Mixed_6c to Mixed_6d".to_owned()));
    }

    #[test]
    fn auxiliary_heads_stand_beside_and_say_what_they_read() {
        let graph = GoogLeNet::TORCHVISIONS.graph(Shape::square(3, 224), 1000).unwrap();
        let heads = heads(&graph);
        assert_eq!(heads.len(), 2);
        assert_eq!(
            (heads[0].reads.as_str(), heads[0].stage.title.as_str()),
            ("inception4a", "aux1")
        );
        assert_eq!(heads[0].stage.output, Shape::vector(1000));
        let own = |stage: &Stage| stage.parameters;
        let all: u64 = stages(&graph)
            .iter()
            .map(own)
            .chain(heads.iter().map(|head| head.stage.parameters))
            .sum();
        assert_eq!(all, graph.parameters() as u64);
    }
}
