//! Recognises a dense block and its exit, which the kernels run as one operation.

use super::lowering::Leaves;
use super::segment_graph::{SegmentGraph, Value};
use crate::kernels::{Exit, StageShape};
use crate::network::{EPSILON, Graph, Node, Operation};

/// Whether a part of a network is one.
pub fn has_dense_block(graph: &Graph) -> bool {
    let mut segments = graph.segments.iter();
    segments.any(|segment| dense_block(&SegmentGraph::new(graph, segment)).is_ok())
}

/// The sizes of a segment that is a dense block in pre-activation order without dropout, with a transition or the last
/// normalisation and the mean behind it, for a single image.
///
/// # Errors
/// What any other segment is or has that the kernels do not, and a frozen normalisation behind a trained layer: the kernels
/// take the batch's statistics.
pub fn dense_block(segment: &SegmentGraph) -> Result<StageShape, Leaves> {
    let has = |is: fn(&Node) -> bool| segment.nodes.iter().any(is);
    if segment.has_fixed_statistics() {
        return Err(Leaves::FROZEN_NORMALISATION);
    }
    if !has(|node| node.operation == Operation::Concatenation) {
        return Err(Leaves("it is no dense block: it has no concatenation"));
    }
    if segment.epsilon != EPSILON {
        return Err(Leaves("its normalisations have another epsilon than the kernels"));
    }
    if has(|node| matches!(node.operation, Operation::Dropout { .. })) {
        return Err(Leaves("the kernels have no dropout"));
    }
    recognised(segment).ok_or(Leaves(
        "the kernels have dense blocks in pre-activation order alone, all of whose layers are alike and read all maps before them",
    ))
}

fn recognised(segment: &SegmentGraph) -> Option<StageShape> {
    let mut walk = Walk { segment, at: 0 };
    let mut layers = Vec::new();
    let mut maps = 0;
    loop {
        let before = walk.at;
        match walk.layer(maps) {
            Some((layer, next)) => {
                layers.push(layer);
                maps = next;
            }
            None => {
                walk.at = before;
                break;
            }
        }
    }
    let first = *layers.first()?;
    let exit = walk.exit(maps)?;
    let is_whole = walk.at == segment.nodes.len() && layers.iter().all(|layer| *layer == first);
    is_whole.then_some(StageShape {
        images: 1,
        height: segment.entering.height,
        width: segment.entering.width,
        input_channels: segment.entering.channels,
        layers: layers.len(),
        growth_rate: first.growth_rate,
        bottleneck: first.bottleneck,
        exit,
    })
}

/// The sizes of a dense layer.
#[derive(Clone, Copy, PartialEq, Eq)]
struct LayerSizes {
    bottleneck: Option<usize>,
    growth_rate: usize,
}

/// Reads a segment's nodes one by one, each of which reads the one before unless it says otherwise.
struct Walk<'a> {
    segment: &'a SegmentGraph,
    at: usize,
}

impl<'a> Walk<'a> {
    /// The next node, if its operation is one that `is` and it reads those inputs.
    fn next(&mut self, inputs: &[Value], is: impl Fn(Operation) -> bool) -> Option<(&'a Node, Value)> {
        let node = self.segment.nodes.get(self.at)?;
        let value = self.at + 1;
        let fits = is(node.operation) && self.segment.inputs(value) == inputs;
        fits.then(|| {
            self.at = value;
            (node, value)
        })
    }

    fn convolution(&mut self, input: Value, side: usize) -> Option<(&'a Node, Value)> {
        let expected = Operation::Convolution {
            kernel: [side; 2],
            stride: 1,
            padding: [side / 2; 2],
            bias: false,
        };
        self.next(&[input], |operation| operation == expected)
    }

    /// Normalisation, and ReLU where there is one.
    fn activation(&mut self, input: Value) -> Option<(Value, bool)> {
        let (_, normalised) = self.next(&[input], |operation| operation == Operation::BatchNorm)?;
        match self.next(&[normalised], |operation| operation == Operation::Relu) {
            Some((_, activated)) => Some((activated, true)),
            None => Some((normalised, false)),
        }
    }

    /// A dense layer that reads `maps`, and the concatenation behind it.
    fn layer(&mut self, maps: Value) -> Option<(LayerSizes, Value)> {
        let mut bottleneck = None;
        let (mut activated, relu) = self.activation(maps)?;
        if !relu {
            return None;
        }
        if let Some((node, narrow)) = self.convolution(activated, 1) {
            bottleneck = Some(node.output.channels);
            let (again, relu) = self.activation(narrow)?;
            if !relu {
                return None;
            }
            activated = again;
        }
        let (node, new) = self.convolution(activated, 3)?;
        let sizes = LayerSizes {
            bottleneck,
            growth_rate: node.output.channels,
        };
        let (_, joined) = self.next(&[maps, new], |operation| operation == Operation::Concatenation)?;
        Some((sizes, joined))
    }

    fn exit(&mut self, maps: Value) -> Option<Exit> {
        let (activated, relu) = self.activation(maps)?;
        if self
            .next(&[activated], |operation| operation == Operation::GlobalAveragePool)
            .is_some()
        {
            return Some(Exit::Head { relu });
        }
        let (node, narrow) = self.convolution(activated, 1)?;
        let pool = Operation::AveragePool {
            kernel: 2,
            stride: 2,
            padding: 0,
        };
        self.next(&[narrow], |operation| operation == pool)?;
        Some(Exit::Transition {
            channels: node.output.channels,
            relu,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Graph, Shape, preset};

    fn segments(graph: &Graph) -> Vec<Result<StageShape, Leaves>> {
        let segments = graph.segments.iter();
        segments
            .map(|segment| dense_block(&SegmentGraph::new(graph, segment)))
            .collect()
    }

    #[test]
    fn the_papers_blocks_are_recognised_with_their_sizes_and_nothing_else_is() {
        let graph = preset("densenet-bc-100-12")
            .unwrap()
            .network
            .graph(Shape::square(3, 32), 10)
            .unwrap();
        let found = segments(&graph);
        assert_eq!(found.len(), 5);
        let none = Err(Leaves("it is no dense block: it has no concatenation"));
        assert_eq!((found[0], found[4]), (none, none));
        let second = found[2].unwrap();
        assert_eq!((second.height, second.input_channels, second.layers), (16, 108, 16));
        assert_eq!((second.growth_rate, second.bottleneck), (12, Some(48)));
        assert_eq!(
            second.exit,
            Exit::Transition {
                channels: 150,
                relu: true
            }
        );
        assert_eq!(found[3].unwrap().exit, Exit::Head { relu: true });
        // The kernels' parameters are those of the graph's nodes, in their order.
        let block = SegmentGraph::new(&graph, &graph.segments[2]);
        let sizes = block.nodes.iter().flat_map(|node| {
            let learned = super::super::segment_graph::learned_tensors(node.operation);
            let tensors = node.tensors().into_iter().take(learned);
            tensors.map(|(_, shape)| shape.iter().product()).collect::<Vec<usize>>()
        });
        assert_eq!(sizes.collect::<Vec<_>>(), second.parameter_sizes());
    }
}
