//! A study with what its sections have in common.

use serde_json::Value;

use super::contrasts::{self, Contrast};
use crate::formats::study::Study;
use crate::views::groups::Grouped;

/// A result folder for the page.
#[derive(Clone, Debug)]
pub struct Reported {
    /// Its path, as the reader of the page is to see it.
    pub folder: String,
    /// Its tables, read with the timed steps.
    pub study: Study,
    /// `environment.json`; null where there is none.
    pub environment: Value,
    /// The ablation file as it was run.
    pub file: String,
}

/// A result folder, its variants in order, and each against the first.
pub struct Studied<'a> {
    /// The folder.
    pub reported: &'a Reported,
    /// Its rows by variant.
    pub grouped: Grouped<'a>,
    /// Every variant but the first against that.
    pub contrasts: Vec<Contrast>,
    /// What these had to leave out.
    pub left_out: Vec<String>,
}

impl<'a> Studied<'a> {
    /// Groups and compares a folder's rows.
    pub fn of(reported: &'a Reported) -> Self {
        let grouped = Grouped::of(&reported.study);
        let (contrasts, left_out) = contrasts::of(&grouped);
        Self {
            reported,
            grouped,
            contrasts,
            left_out,
        }
    }
}
