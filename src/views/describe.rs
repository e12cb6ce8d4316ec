//! A network laid out: its layers with shapes, parameters and multiply-accumulates.

use serde::Serialize;

use super::described::Described;
use super::predicted_memory::{MemoryDescription, memory_description};
use super::section::{Side, Table};
use super::terminal::aligned;
use super::text::{counted, grouped};
use crate::network::{Block, Graph, Node, Operation, Shape};

/// What `describe --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// The variants in the ablation's order.
    pub variants: Vec<VariantDescription>,
    /// Trials that the ablation consists of.
    pub trials: usize,
}

/// A variant's network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VariantDescription {
    /// The variant's name.
    pub variant: String,
    /// Learned values.
    pub parameters: usize,
    /// Those of them that training changes.
    pub trained_parameters: usize,
    /// Those that `freeze` of `[train]` holds.
    pub frozen_parameters: usize,
    /// Multiply-accumulates of convolutions and classifier for one image in evaluation, without auxiliary heads.
    pub macs: u64,
    /// Convolutions and the classifier: the depth L of the paper's names.
    pub layers: usize,
    /// One image: channels, height, width.
    pub input: [usize; 3],
    /// Classes that the classifier distinguishes.
    pub classes: usize,
    /// Every layer, in the order of the forward pass.
    pub layer_table: Vec<LayerDescription>,
    /// The predicted memory of a training step at each batch size; empty where the execution has no closed form.
    pub memory: Vec<MemoryDescription>,
    /// The bytes of `--fits`; absent without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_limit_bytes: Option<u64>,
    /// The largest batch whose training step is predicted to fit in them, 0 where not even one image does; absent where
    /// the execution has no closed form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest_batch_size: Option<usize>,
}

/// A layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerDescription {
    /// Its name in torchvision's scheme.
    pub name: String,
    /// What it does, in words.
    pub operation: String,
    /// One image's output: channels, height, width.
    pub output: [usize; 3],
    /// Learned values.
    pub parameters: usize,
    /// Those of them that training changes.
    pub trained_parameters: usize,
    /// Those that are frozen.
    pub frozen_parameters: usize,
    /// Multiply-accumulates for one image.
    pub macs: u64,
}

/// Describes variants; with `limit`, also the largest batch of each that is predicted to fit in that many bytes.
pub fn description(variants: &[Described<'_>], trials: usize, limit: Option<u64>) -> Description {
    let describe = |variant: &Described<'_>| {
        let graph = variant.graph;
        VariantDescription {
            variant: variant.name.to_owned(),
            parameters: graph.parameters(),
            trained_parameters: graph.trained_parameters(),
            frozen_parameters: graph.parameters() - graph.trained_parameters(),
            macs: graph.macs(),
            layers: graph.depth(),
            input: sides(graph.input),
            classes: graph.classes,
            layer_table: graph
                .layers()
                .iter()
                .map(|node| layer_description(node, graph))
                .collect(),
            memory: memory_description(variant),
            memory_limit_bytes: limit,
            largest_batch_size: limit
                .filter(|_| variant.has_closed_form())
                .map(|limit| graph.largest_training_batch(limit, variant.momentum, variant.processor)),
        }
    };
    Description {
        variants: variants.iter().map(describe).collect(),
        trials,
    }
}

/// The layers of a network as aligned text with totals. Blocks are one line each unless `full` asks for every layer in
/// them. Where something is frozen, a column says how many parameters of each layer are.
pub fn layer_table(name: &str, graph: &Graph, full: bool) -> String {
    let mut rows = layer_rows(graph, full);
    rows.push(LayerDescription {
        name: "total".to_owned(),
        operation: String::new(),
        output: [0; 3],
        parameters: graph.parameters(),
        trained_parameters: graph.trained_parameters(),
        frozen_parameters: graph.parameters() - graph.trained_parameters(),
        macs: graph.macs(),
    });
    let mut table = Table::default();
    table.column("layer", Side::Left, rows.iter().map(|row| row.name.clone()));
    table.column("operation", Side::Left, rows.iter().map(|row| row.operation.clone()));
    let shape = |[channels, height, width]: [usize; 3]| match channels {
        0 => String::new(),
        _ => format!("{channels}x{height}x{width}"),
    };
    table.column("output", Side::Right, rows.iter().map(|row| shape(row.output)));
    let count = |count: u64, total: bool| {
        if count == 0 && !total {
            String::new()
        } else {
            grouped(count)
        }
    };
    let last = rows.len() - 1;
    let parameters = rows
        .iter()
        .enumerate()
        .map(|(index, row)| count(row.parameters as u64, index == last));
    table.column("parameters", Side::Right, parameters);
    let frozen = rows[last].frozen_parameters;
    if frozen > 0 {
        let of_rows = rows
            .iter()
            .enumerate()
            .map(|(index, row)| count(row.frozen_parameters as u64, index == last));
        table.column("frozen", Side::Right, of_rows);
    }
    let macs = rows
        .iter()
        .enumerate()
        .map(|(index, row)| count(row.macs, index == last));
    table.column("MACs", Side::Right, macs);
    let heads = match graph.auxiliary.len() {
        0 => String::new(),
        heads => format!(
            "; the total of MACs is evaluation's, which leaves out {}",
            counted(heads, "auxiliary head")
        ),
    };
    let trained = match frozen {
        0 => String::new(),
        frozen => format!(
            "; {} parameters are trained and {} frozen",
            grouped(graph.trained_parameters() as u64),
            grouped(frozen as u64)
        ),
    };
    format!(
        "{name}: depth {}, images of {}, {} classes{trained}{heads}\n{}",
        graph.depth(),
        graph.input,
        graph.classes,
        aligned(&table)
    )
}

fn sides(shape: Shape) -> [usize; 3] {
    [shape.channels, shape.height, shape.width]
}

/// A row for each layer, or for each block unless `full`.
fn layer_rows(graph: &Graph, full: bool) -> Vec<LayerDescription> {
    let mut rows = Vec::new();
    let mut id = 1;
    while let Some(node) = graph.nodes.get(id) {
        match graph.blocks.iter().find(|block| !full && block.nodes.start == id) {
            Some(block) => {
                rows.push(block_description(block, graph));
                id = block.nodes.end;
            }
            None => {
                rows.push(layer_description(node, graph));
                id += 1;
            }
        }
    }
    rows
}

fn layer_description(node: &Node, graph: &Graph) -> LayerDescription {
    let trained = graph.trained_of(node);
    LayerDescription {
        name: node.name.clone(),
        operation: operation(node),
        output: sides(node.output),
        parameters: node.parameters(),
        trained_parameters: trained,
        frozen_parameters: node.parameters() - trained,
        macs: node.macs(),
    }
}

fn operation(node: &Node) -> String {
    match node.operation {
        Operation::Images => "images".to_owned(),
        Operation::Convolution {
            kernel: [rows, columns],
            stride: 1,
            ..
        } => format!("{rows}x{columns} convolution"),
        Operation::Convolution {
            kernel: [rows, columns],
            stride,
            ..
        } => format!("{rows}x{columns} convolution, stride {stride}"),
        Operation::BatchNorm => "batch normalization".to_owned(),
        Operation::Relu => "ReLU".to_owned(),
        Operation::Dropout { share } => format!("dropout of {share}"),
        Operation::MaxPool { kernel, stride, .. } => format!("{kernel}x{kernel} max pooling, stride {stride}"),
        Operation::AveragePool { kernel: 1, stride, .. } => format!("every row and column in {stride}"),
        Operation::AveragePool { kernel, stride, .. } => format!("{kernel}x{kernel} average pooling, stride {stride}"),
        Operation::ZeroChannels => {
            format!(
                "{} channels of zeros behind",
                node.output.channels - node.input.channels
            )
        }
        Operation::Concatenation => "concatenation".to_owned(),
        Operation::Addition => "addition".to_owned(),
        Operation::Sigmoid => "sigmoid".to_owned(),
        Operation::Scaling => "each map times its value".to_owned(),
        Operation::GlobalAveragePool => "global average pooling".to_owned(),
        Operation::AdaptiveAveragePool => {
            format!("average pooling to {}x{}", node.output.height, node.output.width)
        }
        Operation::Flatten => "flatten".to_owned(),
        Operation::Linear => "linear".to_owned(),
    }
}

fn block_description(block: &Block, graph: &Graph) -> LayerDescription {
    let nodes = &graph.nodes[block.nodes.clone()];
    let layers = counted(block.layers, block.unit);
    let parameters: usize = nodes.iter().map(Node::parameters).sum();
    let trained: usize = nodes.iter().map(|node| graph.trained_of(node)).sum();
    LayerDescription {
        name: block.name.clone(),
        operation: match graph.is_auxiliary(block.nodes.start) {
            true => format!("auxiliary head of {layers}"),
            false => layers,
        },
        output: nodes.last().map_or([0; 3], |node| sides(node.output)),
        parameters,
        trained_parameters: trained,
        frozen_parameters: parameters - trained,
        macs: nodes.iter().map(Node::macs).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::families::googlenet::GoogLeNet;
    use crate::network::{Network, Processor, VectorInstructions, preset};

    const PROCESSOR: Processor = Processor {
        instructions: VectorInstructions::Avx512,
        threads: 2,
    };

    fn graph(name: &str) -> Graph {
        preset(name).unwrap().network.graph(Shape::square(3, 32), 10).unwrap()
    }

    #[test]
    fn a_dense_block_is_one_line_with_its_sums() {
        assert_eq!(
            layer_table("densenet-40-12", &graph("densenet-40-12"), false),
            "densenet-40-12: depth 40, images of 3x32x32, 10 classes\n\
             layer                      operation                         output  parameters         MACs\n\
             -------------------------  -----------------------------  ---------  ----------  -----------\n\
             features.conv0             3x3 convolution                 16x32x32         432      442,368\n\
             features.denseblock1       12 dense layers                160x32x32     108,240  108,822,528\n\
             features.transition1.norm  batch normalization            160x32x32         320\n\
             features.transition1.relu  ReLU                           160x32x32\n\
             features.transition1.conv  1x1 convolution                160x32x32      25,600   26,214,400\n\
             features.transition1.pool  2x2 average pooling, stride 2  160x16x16\n\
             features.denseblock2       12 dense layers                304x16x16     298,320   74,981,376\n\
             features.transition2.norm  batch normalization            304x16x16         608\n\
             features.transition2.relu  ReLU                           304x16x16\n\
             features.transition2.conv  1x1 convolution                304x16x16      92,416   23,658,496\n\
             features.transition2.pool  2x2 average pooling, stride 2    304x8x8\n\
             features.denseblock3       12 dense layers                  448x8x8     488,400   30,689,280\n\
             features.norm5             batch normalization              448x8x8         896\n\
             features.relu5             ReLU                             448x8x8\n\
             features.pool5             global average pooling           448x1x1\n\
             classifier                 linear                            10x1x1       4,490        4,480\n\
             total                                                                 1,019,722  264,812,928\n"
        );
    }

    #[test]
    fn in_full_every_layer_has_a_line_and_the_lines_add_up() {
        let graph = graph("densenet-bc-100-12");
        let text = layer_table("base", &graph, true);
        // The heading, the header and its ruler, and the total.
        assert_eq!(text.lines().count(), graph.layers().len() + 4);
        assert!(text.contains("features.denseblock3.denselayer16.conv2"));
        assert!(text.lines().last().unwrap().contains("769,162  287,929,692"));
    }

    #[test]
    fn what_is_frozen_has_a_column_and_the_lines_and_the_json_add_up() {
        let mut graph = graph("densenet-40-12");
        let names = ["features.conv0", "features.denseblock1", "*.bias"].map(str::to_owned);
        graph.freeze(&names).unwrap();
        let text = layer_table("base", &graph, false);
        let frozen = graph.parameters() - graph.trained_parameters();
        let (trained, held) = (grouped(graph.trained_parameters() as u64), grouped(frozen as u64));
        let heading = format!("; {trained} parameters are trained and {held} frozen\n");
        assert!(text.contains(&heading), "{text}");
        let line = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().map(str::to_owned).collect::<Vec<String>>()
        };
        // All of the block, the shift alone of the normalisation, nothing of what has no parameters.
        assert_eq!(line("features.denseblock1")[5..7], ["108,240", "108,240"]);
        assert_eq!(line("features.transition1.norm")[4..], ["320", "160"]);
        assert_eq!(line("classifier")[3..5], ["4,490", "10"]);
        assert_eq!(line("total")[1..3], ["1,019,722", held.as_str()]);
        let described = Described {
            name: "base",
            graph: &graph,
            batch_sizes: &[8],
            momentum: true,
            processor: PROCESSOR,
            execution: "plain",
        };
        let value = serde_json::to_value(description(&[described], 1, None)).unwrap();
        let variant = &value["variants"][0];
        let layers = variant["layer_table"].as_array().unwrap();
        for key in ["trained_parameters", "frozen_parameters"] {
            let sum: u64 = layers.iter().map(|layer| layer[key].as_u64().unwrap()).sum();
            assert_eq!(variant[key], sum, "{key}");
        }
        assert_eq!(variant["frozen_parameters"], frozen);
    }

    #[test]
    fn auxiliary_heads_have_lines_of_their_own_and_the_total_leaves_out_their_arithmetic() {
        let graph = GoogLeNet::TORCHVISIONS.graph(Shape::square(3, 224), 1000).unwrap();
        let text = layer_table("googlenet", &graph, false);
        let heading = "googlenet: depth 22, images of 3x224x224, 1000 classes; the total of MACs is evaluation's, which leaves \
                       out 2 auxiliary heads\n";
        assert!(text.starts_with(heading), "{text}");
        let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        assert!(line("aux1").contains("auxiliary head of 3 layers"), "{text}");
        assert!(line("inception3a").contains("4 parallel paths"), "{text}");
        assert!(line("total").contains("13,004,888"), "{text}");
    }

    #[test]
    fn the_json_has_the_names_that_the_interface_fixes() {
        let graph = graph("densenet-40-12");
        let base = Described {
            name: "base",
            graph: &graph,
            batch_sizes: &[8, 64],
            momentum: true,
            processor: PROCESSOR,
            execution: "plain",
        };
        let value = serde_json::to_value(description(&[base], 3, None)).unwrap();
        assert_eq!(value["trials"], 3);
        let variant = &value["variants"][0];
        assert_eq!(variant["variant"], "base");
        assert_eq!(variant["parameters"], 1_019_722);
        assert_eq!(variant["macs"], 264_812_928);
        assert_eq!(variant["layers"], 40);
        let layers = variant["layer_table"].as_array().unwrap();
        let sum = |key: &str| layers.iter().map(|layer| layer[key].as_u64().unwrap()).sum::<u64>();
        assert_eq!((sum("parameters"), sum("macs")), (1_019_722, 264_812_928));
        assert_eq!(layers[0]["output"], serde_json::json!([16, 32, 32]));
    }
}
