//! The file as a whole: what it is called, and all sections of one variant.

use super::reader::Reader;
use super::{data, measure, model, train};
use crate::formats::ablation::error::Fault;
use crate::formats::ablation::settings::{Execution, RunSettings, Settings};

/// A folder's name, on every file system.
const LONGEST_NAME: usize = 100;

/// The ablation's name.
pub fn name(reader: &Reader<'_>) -> Result<String, Fault> {
    let name = reader
        .text("name")
        .ok_or_else(|| reader.fault("name", "the ablation has no name"))?;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.chars().all(allowed) && name.len() <= LONGEST_NAME {
        return Ok(name.to_owned());
    }
    Err(reader.fault_with(
        "name",
        format!("name is {name:?}; it names a folder and takes up to {LONGEST_NAME} of a-z, 0-9 and -"),
        "choose a name such as \"growth-rate\"",
    ))
}

/// The ablation's question.
pub fn question(reader: &Reader<'_>) -> Result<String, Fault> {
    let question = reader.text("question");
    question
        .map(str::to_owned)
        .ok_or_else(|| reader.fault("question", "the ablation has no question"))
}

/// Every setting of a variant.
pub fn settings(reader: &Reader<'_>) -> Result<Settings, Fault> {
    let deterministic = reader.flag("run.deterministic").unwrap_or(true);
    let cudnn_benchmark = reader.flag("run.cudnn-benchmark").unwrap_or(false);
    if deterministic && cudnn_benchmark {
        return Err(reader.fault_with(
            "run.cudnn-benchmark",
            "cudnn-benchmark is true, and deterministic is too: the fastest algorithm may be another each time, so that results do \
             not repeat",
            "write deterministic = false beside it, or leave cudnn-benchmark out",
        ));
    }
    Ok(Settings {
        data: data::settings(reader)?,
        preset: reader.text("model.preset").map(str::to_owned),
        model: model::network(reader)?,
        weights: reader.path("model.weights"),
        train: train::settings(reader)?,
        measure: measure::settings(reader)?,
        run: RunSettings {
            execution: reader.word("run.execution")?.unwrap_or(Execution::Plain),
            deterministic,
            precision: reader.word("run.precision")?.unwrap_or_default(),
            threads: reader.count("run.threads"),
            allocator: reader.word("run.allocator")?.unwrap_or_default(),
            cudnn_benchmark,
        },
    })
}
