//! `loading`: how long a data set's batches take to be prepared. Not for people: `scripts/loader-speed` calls it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use densenet_bench::data;
use densenet_bench::host::available_memory;
use densenet_bench::measurement::time_pass;
use densenet_bench::training::TrainingImages;
use densenet_bench::trials::located_data;
use serde_json::json;

use super::shared::ablation;
use super::{Failure, Outcome, print_json};

/// Prepare every batch of a split several times and print each pass's time (called by scripts/loader-speed)
#[derive(Args)]
pub struct Arguments {
    /// The ablation file, for the data and the batch size
    file: PathBuf,
    /// train as it is augmented, or test as it is evaluated
    #[arg(long, value_enum, default_value = "train")]
    split: Split,
    /// Passes; nothing that was decoded is kept from one to the next
    #[arg(long, value_name = "N", default_value_t = 1)]
    passes: usize,
    /// Threads that prepare batches ahead; with 0 each is made when it is asked for
    #[arg(long, value_name = "N", default_value_t = 0)]
    workers: usize,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Split {
    Train,
    Test,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let ablation = ablation::read(&arguments.file)?;
    let index = ablation::variant_index(&ablation, None)?;
    let variant = &ablation.variants[index];
    let settings = &variant.settings;
    let located = |error| Failure::input(located_data(&ablation, variant, &error));
    // Each batch's images are decoded on the thread that makes the batch.
    let data = data::open(&settings.data, 1, available_memory()).map_err(located)?;
    data.keep_no_more();
    let train = settings.train.clone().unwrap_or_default();
    let seed = train.seeds.first().copied().unwrap_or(0);
    let images =
        TrainingImages::new(Arc::new(data), &settings.data, seed, arguments.workers).map_err(Failure::input)?;
    let mut passes = Vec::new();
    for pass in 0..arguments.passes {
        let timed = time_pass(|| match arguments.split {
            Split::Train => images.training_batches(&train, seed, pass..pass + 1, 0),
            Split::Test => images.test_batches(train.batch_size),
        });
        passes.push(timed.map_err(Failure::work)?);
    }
    print_json(&json!({ "passes": passes }))?;
    Ok(ExitCode::SUCCESS)
}
