//! `[measure]`.

use super::reader::Reader;
use crate::formats::ablation::error::Fault;
use crate::formats::ablation::settings::MeasureSettings;

pub fn settings(reader: &Reader<'_>) -> Result<Option<MeasureSettings>, Fault> {
    if !reader.has_section("measure") {
        return Ok(None);
    }
    let defaults = MeasureSettings::default();
    let steps = reader.count("measure.steps").unwrap_or(defaults.steps);
    // Where there are fewer steps than usual rounds, each has a round of its own.
    let rounds = reader.count("measure.rounds").unwrap_or(steps.min(defaults.rounds));
    if rounds > steps {
        return Err(reader.fault_with(
            "measure.rounds",
            format!("rounds is {rounds}, and there are {steps} steps to time: a round would have none"),
            format!("write at most {steps}, or more steps"),
        ));
    }
    Ok(Some(MeasureSettings {
        batch_sizes: reader.counts("measure.batch-sizes").unwrap_or(defaults.batch_sizes),
        modes: reader.words("measure.mode")?.unwrap_or(defaults.modes),
        warmup_steps: reader.count("measure.warmup-steps").unwrap_or(defaults.warmup_steps),
        warmup_seconds: reader
            .number("measure.warmup-seconds")
            .unwrap_or(defaults.warmup_seconds),
        steps,
        rounds,
        repeats: reader.count("measure.repeats").unwrap_or(defaults.repeats),
    }))
}
