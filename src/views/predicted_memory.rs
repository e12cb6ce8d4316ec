//! The predicted memory of training steps: at each batch size by what it is for, and the largest batch that fits.

use serde::Serialize;

use super::described::Described;
use super::section::{Side, Table};
use super::terminal::aligned;
use super::text::grouped;
use crate::network::{Pass, TrainingMemory};

/// What the predictions are of, and what they leave out.
const SCOPE: &str = "\
Predicted are the tensors of a training step on libtorch's CPU in plain execution. The process itself comes on top, and
on CUDA its context and workspaces.
";

/// The predicted memory of a training step at one batch size, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryDescription {
    /// Images in the step.
    pub batch_size: usize,
    /// All together: the most bytes of live tensors.
    pub allocated_peak_bytes: u64,
    /// Learned values and running statistics.
    pub weights_bytes: u64,
    /// Gradients of learned values that are there at the peak.
    pub gradients_bytes: u64,
    /// The optimizer's momentum.
    pub momentum_bytes: u64,
    /// The batch.
    pub images_bytes: u64,
    /// What forward kept for the rest of backward.
    pub kept_for_backward_bytes: u64,
    /// What the operation at the peak works on beside.
    pub transient_bytes: u64,
    /// The pass of the peak: forward, backward or optimizer.
    pub peak_pass: &'static str,
    /// The layer of the peak; empty in the optimizer.
    pub peak_layer: String,
}

/// The predictions at each of a network's batch sizes.
pub fn memory_description(network: &Described<'_>) -> Vec<MemoryDescription> {
    let at = |&batch_size: &usize| {
        let memory = network
            .graph
            .training_memory(batch_size, network.momentum, network.processor);
        MemoryDescription {
            batch_size,
            allocated_peak_bytes: memory.total(),
            weights_bytes: memory.weights,
            gradients_bytes: memory.gradients,
            momentum_bytes: memory.momentum,
            images_bytes: memory.images,
            kept_for_backward_bytes: memory.kept,
            transient_bytes: memory.transient,
            peak_pass: word(memory.pass),
            peak_layer: memory.layer,
        }
    };
    let sizes = network.batch_sizes.iter().filter(|_| network.has_closed_form());
    sizes.map(at).collect()
}

/// The predictions of one network as text, in MB of 1,000,000 bytes; empty without a batch size, and a sentence where
/// there is none to be had.
pub fn memory_table(network: &Described<'_>) -> String {
    if network.batch_sizes.is_empty() {
        return String::new();
    }
    if !network.has_closed_form() {
        return format!(
            "No memory is predicted of {} execution: the closed form is of plain execution. [measure] measures it.\n",
            network.execution
        );
    }
    let memories: Vec<TrainingMemory> = network
        .batch_sizes
        .iter()
        .map(|&batch_size| {
            network
                .graph
                .training_memory(batch_size, network.momentum, network.processor)
        })
        .collect();
    let mut table = Table::default();
    let sizes = network.batch_sizes.iter().map(|&size| grouped(size as u64));
    table.column("batch size", Side::Right, sizes);
    let mut column = |name: &str, of: fn(&TrainingMemory) -> u64| {
        table.column(name, Side::Right, memories.iter().map(|memory| megabytes(of(memory))));
    };
    column("peak (MB)", TrainingMemory::total);
    column("weights", |memory| memory.weights);
    column("gradients", |memory| memory.gradients);
    column("momentum", |memory| memory.momentum);
    column("images", |memory| memory.images);
    column("kept for backward", |memory| memory.kept);
    column("working", |memory| memory.transient);
    let moments = memories
        .iter()
        .map(|memory| format!("{} {}", word(memory.pass), memory.layer).trim_end().to_owned());
    table.column("at the peak", Side::Left, moments);
    format!("{}{SCOPE}", aligned(&table))
}

/// The largest batch of each network whose training step is predicted to fit in `limit` bytes, as text.
pub fn fits_table(networks: &[Described<'_>], limit: u64) -> String {
    let largest: Vec<Option<usize>> = networks
        .iter()
        .map(|network| {
            let closed_form = network.has_closed_form();
            closed_form.then(|| {
                network
                    .graph
                    .largest_training_batch(limit, network.momentum, network.processor)
            })
        })
        .collect();
    let mut table = Table::default();
    table.column(
        "variant",
        Side::Left,
        networks.iter().map(|network| network.name.to_owned()),
    );
    let words = largest.iter().zip(networks).map(|(&largest, network)| match largest {
        None => format!("not predicted of {} execution", network.execution),
        Some(0) => "not even one image".to_owned(),
        Some(size) => grouped(size as u64),
    });
    table.column("largest batch", Side::Right, words);
    let with_sizes = networks.iter().zip(&largest);
    let peak = |network: &Described<'_>, size| {
        megabytes(network.graph.training_peak(size, network.momentum, network.processor))
    };
    let peaks = with_sizes.clone().map(|(network, &size)| match size {
        None | Some(0) => String::new(),
        Some(size) => peak(network, size),
    });
    table.column("peak (MB)", Side::Right, peaks);
    let next = with_sizes.map(|(network, &size)| size.map_or_else(String::new, |size| peak(network, size + 1)));
    table.column("with one more (MB)", Side::Right, next);
    format!(
        "The largest training batch that is predicted to fit in {} bytes:\n{}{SCOPE}",
        grouped(limit),
        aligned(&table)
    )
}

fn word(pass: Pass) -> &'static str {
    match pass {
        Pass::Forward => "forward",
        Pass::Backward => "backward",
        Pass::Optimizer => "optimizer",
    }
}

/// 1234567890 as 1,234.6.
fn megabytes(bytes: u64) -> String {
    let tenths = (bytes + 50_000) / 100_000;
    format!("{}.{}", grouped(tenths / 10), tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Graph, Processor, Shape, VectorInstructions, preset};

    const PROCESSOR: Processor = Processor {
        instructions: VectorInstructions::Avx512,
        threads: 2,
    };

    fn graph(name: &str, side: usize) -> Graph {
        let input = Shape::square(3, side);
        preset(name).unwrap().network.graph(input, 10).unwrap()
    }

    fn described<'a>(name: &'a str, graph: &'a Graph, batch_sizes: &'a [usize]) -> Described<'a> {
        Described {
            name,
            graph,
            batch_sizes,
            momentum: true,
            processor: PROCESSOR,
            execution: "plain",
        }
    }

    #[test]
    fn the_parts_are_those_of_the_peak_and_add_up_to_it() {
        let graph = graph("densenet-bc-100-12", 32);
        for memory in memory_description(&described("a", &graph, &[1, 8, 128])) {
            let parts = memory.weights_bytes
                + memory.gradients_bytes
                + memory.momentum_bytes
                + memory.images_bytes
                + memory.kept_for_backward_bytes
                + memory.transient_bytes;
            assert_eq!(parts, memory.allocated_peak_bytes);
            assert_eq!(memory.momentum_bytes, 4 * 769_162);
            assert!(memory.images_bytes >= memory.batch_size as u64 * 4 * 3 * 32 * 32);
        }
    }

    #[test]
    fn a_line_shows_a_batch_sizes_memory_and_the_text_what_it_leaves_out() {
        let graph = graph("densenet-bc-100-12", 32);
        let text = memory_table(&described("a", &graph, &[8, 64]));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("batch size  peak (MB)  weights  gradients  momentum  images"));
        assert!(lines[2].trim_start().starts_with("8  "), "{text}");
        assert!(lines[3].ends_with("backward features.norm5"), "{text}");
        assert!(text.contains("plain execution") && text.contains("CUDA"), "{text}");
        assert_eq!(memory_table(&described("a", &graph, &[])), "");
    }

    #[test]
    fn what_fits_is_the_largest_and_too_little_for_one_image_is_an_answer() {
        let (small, large) = (graph("densenet-40-12", 32), graph("densenet-121", 224));
        let networks = [described("small", &small, &[]), described("large", &large, &[])];
        let text = fits_table(&networks, 200_000_000);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "The largest training batch that is predicted to fit in 200,000,000 bytes:"
        );
        let largest = small.largest_training_batch(200_000_000, true, PROCESSOR);
        assert!(small.training_peak(largest, true, PROCESSOR) <= 200_000_000);
        assert!(small.training_peak(largest + 1, true, PROCESSOR) > 200_000_000);
        assert!(lines[3].starts_with("small"), "{text}");
        assert!(lines[3].contains(&format!("  {largest}  ")), "{text}");
        assert!(lines[4].contains("not even one image"), "{text}");
    }

    #[test]
    fn of_another_execution_than_plain_nothing_is_predicted_and_the_text_says_so() {
        let graph = graph("densenet-40-12", 32);
        let other = Described {
            execution: "recompute",
            ..described("a", &graph, &[8])
        };
        assert!(memory_table(&other).starts_with("No memory is predicted of recompute execution"));
        assert_eq!(memory_description(&other), []);
        let text = fits_table(&[described("b", &graph, &[8]), other], 200_000_000);
        assert!(text.contains("a        not predicted of recompute execution"), "{text}");
    }

    #[test]
    fn megabytes_have_one_decimal() {
        assert_eq!(megabytes(1_234_567_890), "1,234.6");
        assert_eq!(megabytes(49_999), "0.0");
    }
}
