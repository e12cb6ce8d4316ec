//! What was measured apart from training: rows in the ablation's order, and the words that tell their settings apart.

use super::groups::Study;
use crate::formats::tables::{BatchRow, BoundaryRow, PeerRow};

/// The tables of a study that hold measurements; empty where nothing was measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measurements<'a> {
    /// Speed and memory by variant, mode and batch size.
    pub batches: &'a [BatchRow],
    /// The largest batch of a variant that ran.
    pub boundaries: &'a [BoundaryRow],
    /// This program beside PyTorch.
    pub peers: &'a [PeerRow],
}

impl<'a> Measurements<'a> {
    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty() && self.boundaries.is_empty() && self.peers.is_empty()
    }

    /// The variants, in the order of their first rows, some more than once.
    pub fn variants(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let batches = self.batches.iter().map(|row| row.variant.as_str());
        let boundaries = self.boundaries.iter().map(|row| row.variant.as_str());
        let peers = self.peers.iter().map(|row| row.variant.as_str());
        batches.chain(boundaries).chain(peers)
    }
}

/// What views ask of a row of measurements.
pub trait Measured {
    /// The variant's name.
    fn variant(&self) -> &str;
    /// `train` or `evaluate`.
    fn mode(&self) -> &str;
    /// Images in a step; none where the row is about all batch sizes.
    fn batch_size(&self) -> Option<usize>;
    /// What it was measured with, in words: `cpu`, `plain execution`, `2 threads`.
    fn setting(&self) -> Vec<String>;
}

fn threads(count: usize) -> String {
    format!("{count} thread{}", if count == 1 { "" } else { "s" })
}

/// Nothing for what is the default.
fn allocator(name: &str) -> String {
    match name {
        "" | "keep-pages" => String::new(),
        name => format!("allocator {name}"),
    }
}

fn on(device: &str, execution: &str, count: usize) -> Vec<String> {
    let execution = match execution {
        "" => String::new(),
        name => format!("{name} execution"),
    };
    vec![device.to_owned(), execution, threads(count)]
}

impl Measured for BatchRow {
    fn variant(&self) -> &str {
        &self.variant
    }

    fn mode(&self) -> &str {
        &self.mode
    }

    fn batch_size(&self) -> Option<usize> {
        Some(self.batch_size)
    }

    fn setting(&self) -> Vec<String> {
        let mut words = on(&self.device, &self.execution, self.threads);
        words.push(allocator(&self.allocator));
        words
    }
}

impl Measured for BoundaryRow {
    fn variant(&self) -> &str {
        &self.variant
    }

    fn mode(&self) -> &str {
        &self.mode
    }

    fn batch_size(&self) -> Option<usize> {
        None
    }

    fn setting(&self) -> Vec<String> {
        on(&self.device, &self.execution, self.threads)
    }
}

impl Measured for PeerRow {
    fn variant(&self) -> &str {
        &self.variant
    }

    fn mode(&self) -> &str {
        &self.mode
    }

    fn batch_size(&self) -> Option<usize> {
        Some(self.batch_size)
    }

    fn setting(&self) -> Vec<String> {
        vec![self.device.clone(), threads(self.threads), allocator(&self.allocator)]
    }
}

/// The rows in the ablation's order of variants; within one by setting and mode in the order of their first rows, then
/// by batch size.
pub fn ordered<'a, T: Measured>(study: &Study<'_>, rows: &'a [T]) -> Vec<&'a T> {
    let mut kinds: Vec<(Vec<String>, &str)> = Vec::new();
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
pub struct Settings {
    differs: Vec<bool>,
    first: Vec<String>,
}

impl Settings {
    /// Compares the settings of rows.
    pub fn of<'a, T: Measured + 'a>(rows: impl IntoIterator<Item = &'a T>) -> Self {
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
    use super::super::samples::{MeasuredSample, Sample, SampleVariant};
    use super::*;

    #[test]
    fn rows_stand_in_the_ablations_order_and_then_by_batch_size() {
        let variants = ["growth-rate=12", "growth-rate=8"].map(SampleVariant::new);
        let sample = Sample::new(&variants, 0, 0);
        let mut rows = MeasuredSample::new(&["growth-rate=8", "growth-rate=12"], &[64, 16]).batches;
        rows.push(BatchRow {
            variant: "unknown".to_owned(),
            ..rows[0].clone()
        });
        let study = sample.study().with_measurements(Measurements {
            batches: &rows,
            ..Measurements::default()
        });
        let order: Vec<(&str, usize)> = ordered(&study, &rows)
            .iter()
            .filter(|row| row.mode == "train")
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
        assert_eq!(study.variants.last().map(|group| group.name), Some("unknown"));
    }

    #[test]
    fn a_name_takes_the_words_of_its_setting_that_differ_and_no_others() {
        let rows = MeasuredSample::new(&["base"], &[16]).batches;
        let more = BatchRow {
            threads: 1,
            ..rows[0].clone()
        };
        let settings = Settings::of(&rows);
        assert_eq!(settings.named("base", &rows[0].setting()), "base");
        assert_eq!(settings.common(), "cpu, plain execution, 2 threads");
        let settings = Settings::of(rows.iter().chain([&more]));
        assert_eq!(settings.named("base", &more.setting()), "base, 1 thread");
        assert_eq!(settings.common(), "cpu, plain execution");
        assert!(settings.differ());
    }
}
