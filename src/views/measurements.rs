//! What was measured apart from training: rows in the ablation's order, and the words that distinguish their settings.

use super::groups::Grouped;
use super::text::counted;
use crate::formats::ablation::{Allocator, Execution, Mode, Precision};
use crate::formats::device_name::DeviceName;
use crate::formats::tables::{BatchRow, BoundaryRow, PeerRow, ProfileRow};

/// What views ask of a row of measurements.
pub trait MeasuredRow {
    /// The variant's name.
    fn variant(&self) -> &str;
    /// What was timed.
    fn mode(&self) -> Mode;
    /// Images in a step; none where the row is about all batch sizes.
    fn batch_size(&self) -> Option<usize>;
    /// What it was measured with, in words: `cpu`, `plain execution`, `2 threads`.
    fn setting(&self) -> Vec<String>;
}

/// Nothing for what is the default.
fn allocator(allocator: Allocator) -> String {
    match allocator {
        Allocator::KeepPages => String::new(),
        other => format!("allocator {other}"),
    }
}

/// Nothing for what is the default.
fn precision(precision: Precision) -> String {
    match precision {
        Precision::F32 => String::new(),
        other => other.to_string(),
    }
}

/// What rows of this program have in common.
fn of_an_execution(device: &DeviceName, execution: Execution, arithmetic: Precision, threads: usize) -> Vec<String> {
    vec![
        device.to_string(),
        format!("{execution} execution"),
        precision(arithmetic),
        counted(threads, "thread"),
    ]
}

impl MeasuredRow for BatchRow {
    fn variant(&self) -> &str {
        &self.variant
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn batch_size(&self) -> Option<usize> {
        Some(self.batch_size)
    }

    fn setting(&self) -> Vec<String> {
        let mut setting = of_an_execution(&self.device, self.execution, self.precision, self.threads);
        setting.extend([self.cpu.clone(), allocator(self.allocator)]);
        setting
    }
}

impl MeasuredRow for ProfileRow {
    fn variant(&self) -> &str {
        &self.variant
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn batch_size(&self) -> Option<usize> {
        Some(self.batch_size)
    }

    fn setting(&self) -> Vec<String> {
        let mut setting = of_an_execution(&self.device, self.execution, self.precision, self.threads);
        setting.extend([self.cpu.clone(), allocator(self.allocator)]);
        setting
    }
}

impl MeasuredRow for BoundaryRow {
    fn variant(&self) -> &str {
        &self.variant
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn batch_size(&self) -> Option<usize> {
        None
    }

    fn setting(&self) -> Vec<String> {
        of_an_execution(&self.device, self.execution, self.precision, self.threads)
    }
}

impl MeasuredRow for PeerRow {
    fn variant(&self) -> &str {
        &self.variant
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn batch_size(&self) -> Option<usize> {
        Some(self.batch_size)
    }

    fn setting(&self) -> Vec<String> {
        vec![
            self.device.to_string(),
            precision(self.precision),
            counted(self.threads, "thread"),
            allocator(self.allocator),
            self.cpu.clone(),
        ]
    }
}

/// The rows in the ablation's order of variants; within one by setting and mode in the order of their first rows, then
/// by batch size.
pub fn ordered<'a, T: MeasuredRow>(study: &Grouped<'_>, rows: &'a [T]) -> Vec<&'a T> {
    let mut kinds: Vec<(Vec<String>, Mode)> = Vec::new();
    for row in rows {
        let kind = (row.setting(), row.mode());
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let mut ordered: Vec<&T> = rows.iter().collect();
    ordered.sort_by_cached_key(|row| {
        let kind = (row.setting(), row.mode());
        let place = kinds.iter().position(|known| *known == kind);
        (study.index_of(row.variant()), place, row.batch_size())
    });
    ordered
}

/// Which words of the rows' settings differ, and which all have in common.
#[derive(Clone, Debug, Default)]
pub struct SharedSettings {
    differs: Vec<bool>,
    first: Vec<String>,
}

impl SharedSettings {
    /// Compares the settings of rows.
    pub fn of<'a, T: MeasuredRow + 'a>(rows: impl IntoIterator<Item = &'a T>) -> Self {
        let mut settings = Self::default();
        for row in rows {
            let setting = row.setting();
            if settings.first.is_empty() {
                settings.differs = vec![false; setting.len()];
                settings.first = setting;
                continue;
            }
            for ((differs, first), word) in settings.differs.iter_mut().zip(&settings.first).zip(&setting) {
                *differs |= first != word;
            }
        }
        settings
    }

    /// Whether rows of one name may be of different settings.
    pub fn differ(&self) -> bool {
        self.differs.contains(&true)
    }

    /// The words of a setting that others do not share.
    pub fn own(&self, setting: &[String]) -> String {
        let own = setting.iter().zip(&self.differs).filter(|(_, differs)| **differs);
        joined(own.map(|(word, _)| word))
    }

    /// The name, followed by the words of the setting that others do not share.
    pub fn named(&self, name: &str, setting: &[String]) -> String {
        match self.own(setting) {
            own if own.is_empty() => name.to_owned(),
            own => format!("{name}, {own}"),
        }
    }

    /// The words that all settings share.
    pub fn common(&self) -> String {
        let common = self.first.iter().zip(&self.differs).filter(|(_, differs)| !**differs);
        joined(common.map(|(word, _)| word))
    }
}

fn joined<'a>(words: impl Iterator<Item = &'a String>) -> String {
    let words: Vec<&str> = words.map(String::as_str).filter(|word| !word.is_empty()).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::samples::{SampleVariant, measured, trained};
    use super::*;
    use crate::formats::study::Study;

    #[test]
    fn rows_stand_in_the_ablations_order_and_then_by_batch_size() {
        let variants = ["growth-rate=12", "growth-rate=8"].map(SampleVariant::new);
        let mut study = Study {
            ablation: trained(&variants, 0, 0).ablation,
            ..measured(&["growth-rate=8", "growth-rate=12"], &[64, 16])
        };
        study.batches.push(BatchRow {
            variant: "unknown".to_owned(),
            ..study.batches[0].clone()
        });
        let grouped = Grouped::of(&study);
        let order: Vec<(&str, usize)> = ordered(&grouped, &study.batches)
            .iter()
            .filter(|row| row.mode == Mode::Train)
            .map(|row| (row.variant.as_str(), row.batch_size))
            .collect();
        assert_eq!(
            order,
            [
                ("growth-rate=12", 16),
                ("growth-rate=12", 64),
                ("growth-rate=8", 16),
                ("growth-rate=8", 64),
                ("unknown", 64)
            ]
        );
        assert_eq!(grouped.variants.last().map(|group| group.name), Some("unknown"));
    }

    #[test]
    fn a_name_takes_the_words_of_its_setting_that_differ_and_no_others() {
        let rows = measured(&["base"], &[16]).batches;
        let more = BatchRow {
            threads: 1,
            precision: Precision::Tf32,
            ..rows[0].clone()
        };
        let settings = SharedSettings::of(&rows);
        assert_eq!(settings.named("base", &rows[0].setting()), "base");
        assert_eq!(settings.common(), "cpu, plain execution, 2 threads");
        let settings = SharedSettings::of(rows.iter().chain([&more]));
        assert_eq!(settings.named("base", &more.setting()), "base, tf32, 1 thread");
        assert_eq!(settings.common(), "cpu, plain execution");
        assert!(settings.differ());
    }
}
