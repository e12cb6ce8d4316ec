//! `[measure]`.

use super::reader::Reader;
use crate::formats::ablation::error::Fault;
use crate::formats::ablation::settings::{MeasureSettings, Mode};

pub fn settings(reader: &Reader<'_>) -> Result<Option<MeasureSettings>, Fault> {
    if !reader.has_section("measure") {
        return Ok(None);
    }
    let steps = reader.count("measure.steps").unwrap_or(10);
    // Where there are fewer steps than usual rounds, each has a round of its own.
    let rounds = reader.count("measure.rounds").unwrap_or(steps.min(5));
    if rounds > steps {
        return Err(reader.fault_with(
            "measure.rounds",
            format!("rounds is {rounds}, and there are {steps} steps to time: a round would have none"),
            format!("write at most {steps}, or more steps"),
        ));
    }
    Ok(Some(MeasureSettings {
        batch_sizes: reader.counts("measure.batch-sizes").unwrap_or_else(|| vec![64]),
        modes: reader.words("measure.mode")?.unwrap_or_else(|| vec![Mode::Train]),
        warmup_steps: reader.count("measure.warmup-steps").unwrap_or(3),
        warmup_seconds: reader.number("measure.warmup-seconds").unwrap_or(0.5),
        steps,
        rounds,
        repeats: reader.count("measure.repeats").unwrap_or(1),
    }))
}
