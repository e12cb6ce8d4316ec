//! The memory that trials take, before they run.

use densenet_bench::host::vector_instructions;
use densenet_bench::network::Processor;
use densenet_bench::trials::Experiment;

/// The memory that a trial of each variant is predicted to take, in bytes: the peak of a training step's tensors, which is that of
/// plain execution, and what a process has beside them.
pub fn predicted_bytes(experiment: &Experiment) -> Vec<u64> {
    /// The program, libtorch, data that fit in memory, and what its allocator keeps.
    const PROCESS: u64 = 400 << 20;
    let variants = experiment.ablation.variants.iter().zip(&experiment.prepared);
    let bytes = variants.map(|(variant, prepared)| {
        let peak = variant.settings.train.as_ref().map(|train| {
            let processor = Processor {
                instructions: vector_instructions(),
                threads: 1,
            };
            prepared
                .graph
                .training_peak(train.batch_size, train.momentum > 0.0, processor)
        });
        PROCESS + peak.unwrap_or(0)
    });
    bytes.collect()
}
