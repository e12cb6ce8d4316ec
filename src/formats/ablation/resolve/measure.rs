//! `[measure]`.

use super::reader::Reader;
use crate::formats::ablation::error::Fault;
use crate::formats::ablation::settings::{MeasureSettings, Mode};

pub fn settings(reader: &Reader<'_>) -> Result<Option<MeasureSettings>, Fault> {
    if !reader.has_section("measure") {
        return Ok(None);
    }
    Ok(Some(MeasureSettings {
        batch_sizes: reader.counts("measure.batch-sizes").unwrap_or_else(|| vec![64]),
        modes: reader.words("measure.mode")?.unwrap_or_else(|| vec![Mode::Train]),
        warmup_steps: reader.count("measure.warmup-steps").unwrap_or(3),
        steps: reader.count("measure.steps").unwrap_or(10),
    }))
}
