//! `evaluate`: loss and error of given weights on a split.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use densenet_bench::backends::{DeviceChoice, device_help};
use densenet_bench::data::{self, Loader, untested_in_words};
use densenet_bench::files::Output;
use densenet_bench::formats::network_weights::Head;
use densenet_bench::host::{self, available_memory, choose_threads};
use densenet_bench::model::Model;
use densenet_bench::training::{TrainingImages, build, logits};
use densenet_bench::trials::{located_data, read_weights};
use serde_json::json;

use super::shared::{ablation, device};
use super::{Failure, Outcome, output_at, print_json, say};

/// Evaluate weights on a data set: prints {"loss", "error", "images"}
#[derive(Args)]
#[command(after_help = "\
Examples:
  densenet-bench export results/growth/trials/0123456789abcdef --weights k12.safetensors
  densenet-bench evaluate ablations/growth.toml --variant growth-rate=12 --weights k12.safetensors
  densenet-bench evaluate my.toml --weights pytorch.safetensors --split train --logits logits.csv")]
pub struct Arguments {
    /// The ablation file, for the network and the data
    file: PathBuf,
    /// safetensors with torchvision's names; without it the variant's model.weights
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The variant, where the file has several
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// The split to evaluate on
    #[arg(long, value_enum, default_value = "test")]
    split: Split,
    /// Write every image's logits, in the data set's order; - is standard output, and the result is on stderr then
    #[arg(long, value_name = "OUT.csv")]
    logits: Option<PathBuf>,
    #[arg(long, default_value = "auto", value_parser = device::parse, help = device_help())]
    device: DeviceChoice,
    /// Threads of the device's backend; OMP_NUM_THREADS, or all that the system allows, unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Split {
    Train,
    Test,
}

/// Images in a batch where the file has no [train].
const BATCH_SIZE: usize = 64;

pub fn run(arguments: &Arguments) -> Outcome {
    let ablation = ablation::read(&arguments.file)?;
    let index = ablation::variant_index(&ablation, arguments.variant.as_deref())?;
    let choice = device::resolved(arguments.device)?;
    let chosen: Vec<bool> = (0..ablation.variants.len()).map(|other| other == index).collect();
    let ablation = device::settled(ablation, &chosen, choice)?.ablation;
    // `--weights` wins over `model.weights`.
    let path = (arguments.weights.as_ref()).or(ablation.variants[index].settings.weights.as_ref());
    let read: Vec<&Path> = path
        .into_iter()
        .chain([&arguments.file])
        .chain(&ablation.variants[index].settings.data.path)
        .map(PathBuf::as_path)
        .collect();
    let out = (arguments.logits.as_deref())
        .map(|out| output_at(out, &read))
        .transpose()?;
    let variant = &ablation.variants[index];
    let settings = &variant.settings;
    let host::ThreadChoice { threads, warnings, .. } =
        choose_threads(arguments.threads.map(usize::from), settings.run.threads);
    warnings.iter().for_each(|warning| say(&format!("warning: {warning}")));
    // The pools of threads and the allocator read their variables when the process starts. Where that cannot be had, the
    // numbers are the same and take longer.
    let _ = host::restart_with(host::process_variables(&settings.run, choice, threads), false);
    let located = |error| Failure::input(located_data(&ablation, variant, &error));
    ablation::remark(&data::outline(&settings.data).map_err(located)?.remarks);
    let data = data::load(&settings.data, threads, available_memory()).map_err(located)?;
    if arguments.split == Split::Test {
        let untested = untested_in_words(&data.classes, &data.test.labels);
        ablation::remark(untested.as_slice());
    }
    let graph = (settings.model.graph(data.shape, data.classes.len()))
        .map_err(|error| Failure::input(ablation.located_network(variant, &error)))?;
    let path = path.ok_or_else(|| {
        Failure::Input("there are no weights; give --weights FILE, or model.weights in the ablation file".to_owned())
    })?;
    let read = read_weights(path, &*settings.model, &graph, Head::OfFile).map_err(Failure::input)?;
    for note in &read.notes {
        say(&format!("note: {note}"));
    }

    host::limit_threads(choice, threads).map_err(Failure::input)?;
    host::apply_arithmetic(&settings.run, choice).map_err(Failure::input)?;
    let device = choice.open().map_err(Failure::input)?;
    let model = build(&graph, &read.weights, &settings.run, choice, &device).map_err(Failure::input)?;
    let seed = settings
        .train
        .as_ref()
        .and_then(|train| train.seeds.first().copied())
        .unwrap_or(0);
    let batch_size = settings.train.as_ref().map_or(BATCH_SIZE, |train| train.batch_size);
    let loaders = host::loader_threads(choice, threads);
    let images = TrainingImages::new(Arc::new(data), &settings.data, seed, loaders).map_err(Failure::input)?;
    let batches = || match arguments.split {
        Split::Train => images.train_batches_in_order(batch_size),
        Split::Test => images.test_batches(batch_size),
    };
    let evaluation = batches()
        .and_then(|batches| densenet_bench::training::evaluate(&model, batches))
        .map_err(Failure::work)?
        .whole;
    if let Some(out) = &out {
        write_logits(out, &model, batches().map_err(Failure::work)?)?;
    }
    if !evaluation.loss.is_finite() {
        return Err(Failure::Work(format!(
            "the loss is {}: these weights give no finite logits on these data; evaluate those of a trial that did not diverge",
            evaluation.loss
        )));
    }
    let result = json!({
        "loss": evaluation.loss,
        "error": evaluation.error,
        "images": evaluation.images,
    });
    match out {
        // Whoever reads the logits there is to find nothing else.
        Some(Output::Stdout) => say(&result.to_string()),
        _ => print_json(&result)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// `index,label,logit_0,…`, an image a row; floats read back to the same bits.
fn write_logits(out: &Output, model: &Model, batches: Loader) -> Result<(), Failure> {
    let mut text = String::new();
    for batch in batches {
        let batch = batch.map_err(Failure::work)?;
        let (indices, labels) = (batch.indices.clone(), batch.labels.clone());
        for ((index, label), values) in indices.iter().zip(&labels).zip(logits(model, batch)) {
            if text.is_empty() {
                let columns: String = (0..values.len()).map(|class| format!(",logit_{class}")).collect();
                text = format!("index,label{columns}\n");
            }
            let values: String = values.iter().map(|value| format!(",{value:?}")).collect();
            text += &format!("{index},{label}{values}\n");
        }
    }
    out.write(text.as_bytes()).map_err(Failure::work)
}
