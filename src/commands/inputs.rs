//! `inputs`: the files that another program needs to measure the same. Not for people: `scripts/compare-pytorch` calls it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use densenet_bench::backends::{DeviceChoice, device_help};
use densenet_bench::host::{
    Environment, GpuRecord, available_memory, build, default_threads, this_processor, vector_instructions,
};
use densenet_bench::measurement::{Cells, Origin, measurements, write_inputs};

use super::shared::{ablation, device};
use super::{Failure, Outcome};

/// Write the weights, batches and measurements of an ablation for another program (called by scripts/compare-pytorch)
#[derive(Args)]
pub struct Arguments {
    /// The ablation file
    file: PathBuf,
    /// The folder for the files, which must exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[arg(long, default_value = "cpu", value_parser = device::parse, help = device_help())]
    device: DeviceChoice,
    /// Threads of the device's backend; OMP_NUM_THREADS, or all that the system allows, unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Only variants whose name matches, with * and ?
    #[arg(long, value_name = "GLOB")]
    only: Option<String>,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let ablation = ablation::read(&arguments.file)?;
    let chosen = ablation::chosen_variants(&ablation, arguments.only.as_deref())?;
    let device = device::resolved(arguments.device)?;
    let ablation = device::settled(ablation, &chosen, device)?.ablation;
    let experiment = ablation::prepared(ablation::planned(ablation)?)?;
    let origin = Origin {
        cpu: this_processor(),
        gpu: (device.backend().accelerators)(),
        revision: build::REVISION.to_owned(),
        at_once: 1,
    };
    let cells = Cells {
        device,
        threads: arguments.threads.map(usize::from),
        available_threads: default_threads(),
        memory_limit: available_memory().filter(|_| device.backend().limits_memory),
        origin: &origin,
        instructions: vector_instructions(),
    };
    let records = measurements(&experiment, &chosen, cells);
    let Some(first) = records.first() else {
        return Err(Failure::Input(format!(
            "{}: the variants have no [measure], so there is nothing to compare; add one",
            arguments.file.display()
        )));
    };
    if let Some(tuned) = records
        .iter()
        .find(|record| record.spec.optimizer().fine_tuning.changes_a_step())
    {
        return Err(Failure::Input(format!(
            "{}: variant {} has freeze or learning-rate-groups, which the comparison's PyTorch side does not have; choose others \
             with --only",
            arguments.file.display(),
            tuned.spec.variant
        )));
    }
    let environment = Environment {
        gpu_record: GpuRecord::of(device),
        ..Environment::observe(device, origin.gpu.clone(), &first.spec.settings.run, first.spec.threads)
    };
    write_inputs(&experiment.ablation.name, &records, &arguments.out, &environment).map_err(Failure::work)?;
    Ok(ExitCode::SUCCESS)
}
