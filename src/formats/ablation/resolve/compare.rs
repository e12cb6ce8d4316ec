//! [compare]: how the variants are compared, the whole ablation's.

use super::reader::Reader;
use crate::formats::ablation::error::Fault;
use crate::formats::ablation::settings::{PrimaryMetric, Variant};

/// The number that answers the question; every variant that trains must have it.
pub fn primary(reader: &Reader<'_>, variants: &[Variant]) -> Result<PrimaryMetric, Fault> {
    let primary: PrimaryMetric = reader.word("compare.primary")?.unwrap_or_default();
    let without =
        |variant: &&Variant| variant.settings.train.is_some() && variant.settings.data.validation_share == 0.0;
    match variants.iter().find(without) {
        Some(variant) if primary.needs_validation() => Err(reader.fault_with(
            "compare.primary",
            format!(
                "primary is {:?}, and variant {} holds no images out",
                primary.column(),
                variant.name
            ),
            "hold some out with validation-share under [data], or leave primary out for the test error",
        )),
        _ => Ok(primary),
    }
}
