//! `describe`: a network's layers, shapes and counts, without building it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use densenet_bench::backends::DeviceChoice;
use densenet_bench::formats::ablation::{Execution, RunSettings, TrainSettings};
use densenet_bench::host::{available_threads, vector_instructions};
use densenet_bench::model::Program;
use densenet_bench::network::{Graph, Preset, Processor, Shape, nearest_preset, preset, presets};
use densenet_bench::views::describe;
use densenet_bench::views::described::Described;
use densenet_bench::views::executions::{ExecutionColumn, ExecutionParts, execution_table};
use densenet_bench::views::plots::network_svg;
use densenet_bench::views::predicted_memory::{fits_table, memory_table};

use super::shared::{ablation, device, size};
use super::{Failure, Outcome, output_at, print, print_json, say};

/// Show the layers of an ablation's networks, or of a preset, with shapes, parameters, multiply-accumulates and the memory that training needs
#[derive(Args)]
#[command(after_help = "\
Examples:
  densenet-bench describe densenet-bc-100-12
  densenet-bench describe ablations/growth.toml --json
  densenet-bench describe ablations/growth.toml --fits 11GB
  densenet-bench describe resnet-50 --execution
  densenet-bench describe densenet-121 --svg densenet-121.svg
  densenet-bench describe ablations/growth.toml --variant growth-rate=8 --svg k8.svg

A preset takes images of 3x32x32 and 10 classes, or 3x224x224 and 1,000 classes with the imagenet stem.
The memory is that of a training step with momentum, or with [train]'s, at the batch sizes of [measure], or at 1 to 128.")]
pub struct Arguments {
    /// An ablation file, or the name of a preset
    #[arg(value_name = "FILE.toml|PRESET")]
    what: PathBuf,
    /// Show every layer within the dense blocks
    #[arg(long)]
    full: bool,
    /// Instead, name the largest training batch of each network that is predicted to fit in so much memory, such as 11GB
    #[arg(long, value_name = "SIZE", value_parser = size::parse, conflicts_with = "full")]
    fits: Option<u64>,
    /// Instead, show which execution carries out which part of each network on this machine's device
    #[arg(long, conflicts_with_all = ["full", "fits"])]
    execution: bool,
    /// Instead, draw the network as an SVG: stages with their layers, branches, shapes, parameters and multiply-accumulates; - is
    /// standard output
    #[arg(long, value_name = "OUT.svg", conflicts_with_all = ["full", "fits", "execution", "json"])]
    svg: Option<PathBuf>,
    /// Only this variant, where the file has several
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Print JSON, with every layer
    #[arg(long)]
    json: bool,
}

/// Where nothing says at which batch sizes the memory is wanted.
const BATCH_SIZES: [usize; 6] = [1, 8, 16, 32, 64, 128];

/// A network to describe.
struct Network {
    name: String,
    /// With the ablation's name, where it is of one.
    title: String,
    graph: Graph,
    batch_sizes: Vec<usize>,
    momentum: bool,
    execution: Execution,
    /// Whether the file leaves it to the device.
    is_left_to_device: bool,
    /// `run.threads`.
    threads: Option<usize>,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let (mut networks, trials) = networks(&arguments.what)?;
    if let Some(name) = &arguments.variant {
        networks = vec![chosen(networks, name, &arguments.what)?];
    }
    if let Some(out) = &arguments.svg {
        return draw(&networks, out, &arguments.what);
    }
    if arguments.execution {
        return show_executions(&networks, arguments.json);
    }
    if networks.iter().any(|network| network.is_left_to_device) {
        say(
            "note: the memory is that of execution \"plain\", of which alone it is predicted; the file leaves the execution to the \
             device",
        );
    }
    let described: Vec<Described<'_>> = networks
        .iter()
        .map(|network| Described {
            name: &network.name,
            graph: &network.graph,
            batch_sizes: &network.batch_sizes,
            momentum: network.momentum,
            execution: network.execution.name(),
            processor: Processor {
                instructions: vector_instructions(),
                threads: network.threads.unwrap_or_else(available_threads),
            },
        })
        .collect();
    if arguments.json {
        print_json(&serde_json::json!(describe::description(
            &described,
            trials,
            arguments.fits
        )))?;
    } else if let Some(limit) = arguments.fits {
        print(&fits_table(&described, limit))?;
    } else {
        let table = |network: &Described<'_>| {
            let layers = describe::layer_table(network.name, network.graph, arguments.full);
            format!("{layers}\n{}", memory_table(network))
        };
        let tables: Vec<String> = described.iter().map(table).collect();
        print(&tables.join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The network of the variant of that name.
fn chosen(networks: Vec<Network>, name: &str, what: &Path) -> Result<Network, Failure> {
    let there = names(&networks);
    let found = networks.into_iter().find(|network| network.name == name);
    found.ok_or_else(|| {
        Failure::Input(format!(
            "could not find variant '{name}' in '{}'; it has {there}",
            what.display()
        ))
    })
}

/// Writes the drawing of the only network.
fn draw(networks: &[Network], out: &Path, what: &Path) -> Outcome {
    let [network] = networks else {
        return Err(Failure::Input(format!(
            "'{}' has several variants, and a drawing shows one; choose one with --variant: {}",
            what.display(),
            names(networks)
        )));
    };
    let output = output_at(out, &[what])?;
    let svg = network_svg(&network.title, &network.graph).map_err(Failure::work)?;
    output.write(svg.as_bytes()).map_err(Failure::work)?;
    Ok(ExitCode::SUCCESS)
}

fn names(networks: &[Network]) -> String {
    let names: Vec<&str> = networks.iter().map(|network| network.name.as_str()).collect();
    names.join(", ")
}

/// Prints which execution carries out which part, for every execution that the device has.
fn show_executions(networks: &[Network], json: bool) -> Outcome {
    let device = device::resolved(DeviceChoice::Auto)?;
    let runtime = device.runtime().map_err(Failure::input)?;
    let has = |execution: &Execution| (device.backend().execution)(device, *execution).is_ok();
    let executions: Vec<Execution> = Execution::ALL.into_iter().filter(has).collect();
    let tables = networks.iter().map(|network| {
        let columns = executions.iter().map(|execution| {
            let run = RunSettings {
                execution: *execution,
                ..RunSettings::default()
            };
            let program = Program::new(&network.graph, &(runtime.lowerings)(&run));
            ExecutionColumn {
                execution: execution.name().to_owned(),
                parts: program.parts(),
                left: program.left(),
            }
        });
        ExecutionParts {
            variant: network.name.clone(),
            device: device.to_string(),
            executions: columns.collect(),
        }
    });
    let tables: Vec<ExecutionParts> = tables.collect();
    if json {
        print_json(&serde_json::json!({ "variants": tables }))?;
    } else {
        let texts: Vec<String> = tables.iter().map(execution_table).collect();
        print(&texts.join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The networks, and the number of trials.
fn networks(what: &Path) -> Result<(Vec<Network>, usize), Failure> {
    let name = what.to_string_lossy();
    if let Some(preset) = preset(&name) {
        let network = Network {
            name: preset.name.to_owned(),
            title: preset.name.to_owned(),
            graph: graph_of(&preset)?,
            batch_sizes: BATCH_SIZES.to_vec(),
            momentum: has_momentum(None),
            execution: Execution::Plain,
            is_left_to_device: false,
            threads: None,
        };
        return Ok((vec![network], 0));
    }
    if !what.exists() && what.extension().is_none() {
        let names: Vec<&str> = presets().iter().map(|preset| preset.name).collect();
        return Err(Failure::Input(format!(
            "'{name}' is neither a file nor a preset; did you mean {}? The presets are {}",
            nearest_preset(&name),
            names.join(", ")
        )));
    }
    let plan = ablation::planned(ablation::read(what)?)?;
    let variants = plan.ablation.variants.iter().zip(plan.variants);
    let ablation = &plan.ablation.name;
    let networks = variants.map(|(variant, planned)| Network {
        name: variant.name.clone(),
        title: format!("{ablation}: {}", variant.name),
        graph: planned.network,
        batch_sizes: match &variant.settings.measure {
            Some(measure) => measure.batch_sizes.clone(),
            None => BATCH_SIZES.to_vec(),
        },
        momentum: has_momentum(variant.settings.train.as_ref()),
        execution: variant.settings.run.execution,
        is_left_to_device: variant.settings.run.chooses_execution,
        threads: variant.settings.run.threads,
    });
    Ok((networks.collect(), plan.trials.len()))
}

/// Whether the optimizer has momentum: `[train]`'s, or its defaults without one.
fn has_momentum(train: Option<&TrainSettings>) -> bool {
    train.map_or_else(|| TrainSettings::default().momentum, |train| train.momentum) > 0.0
}

fn graph_of(preset: &Preset) -> Result<Graph, Failure> {
    let image = Shape::square(3, preset.network.usual_side());
    preset.network.graph(image, preset.classes).map_err(Failure::input)
}
