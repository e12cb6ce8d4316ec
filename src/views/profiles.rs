//! Training steps taken apart: the rows of `profile.csv`, step by step.

use super::groups::Grouped;
use super::measurements::{MeasuredRow, SharedSettings, ordered};
use crate::formats::tables::{ProfileKind, ProfileRow};

/// One training step: its row as a whole, and those of its parts.
#[derive(Clone, Debug)]
pub struct Profile<'a> {
    /// The variant's name, with what distinguishes its setting from the others'.
    pub name: String,
    /// The step as a whole.
    pub step: &'a ProfileRow,
    /// Its parts in the order of the forward pass, and what belongs to none.
    pub parts: Vec<&'a ProfileRow>,
}

/// The profiles of a study in the ablation's order, and what their settings have in common.
pub fn profiles<'a>(study: &Grouped<'a>) -> (Vec<Profile<'a>>, SharedSettings) {
    let rows = ordered(study, &study.study.profile);
    let settings = SharedSettings::of(&study.study.profile);
    let mut profiles: Vec<Profile<'a>> = Vec::new();
    for row in rows {
        let is_its = |profile: &Profile<'_>| {
            (&profile.step.variant, profile.step.batch_size) == (&row.variant, row.batch_size)
                && profile.step.setting() == row.setting()
        };
        match (row.kind, profiles.last_mut()) {
            (ProfileKind::Step, _) => profiles.push(Profile {
                name: settings.named(&row.variant, &row.setting()),
                step: row,
                parts: Vec::new(),
            }),
            (_, Some(profile)) if is_its(profile) => profile.parts.push(row),
            // A table that a hand has edited may have parts of no step.
            _ => {}
        }
    }
    (profiles, settings)
}

/// The rows of a kind of operation together.
#[derive(Clone, Debug, Default)]
pub struct OperationSum {
    /// The kind, `3x3 convolution`; of what is no operation its name.
    pub operation: String,
    /// Nodes.
    pub nodes: usize,
    /// Nanoseconds.
    pub time_ns: i64,
    /// Nanoseconds of forward passes; none where they have not been told apart.
    pub forward_ns: Option<u64>,
    /// Nanoseconds of backward passes.
    pub backward_ns: Option<u64>,
    /// Bytes that are kept.
    pub kept_bytes: Option<i64>,
    /// Multiply-accumulates for one image.
    pub macs: u64,
    /// Floating-point operations.
    pub flops: u64,
    /// Nanoseconds of the least time by the roofline; none where it is not known.
    pub least_ns: Option<f64>,
}

impl Profile<'_> {
    /// Sums by operation, those that take longest first; what belongs to no node stands behind.
    pub fn by_operation(&self) -> Vec<OperationSum> {
        let mut sums: Vec<(bool, OperationSum)> = Vec::new();
        for row in &self.parts {
            let (is_other, operation) = match row.kind {
                ProfileKind::Node => (false, row.operation.as_str()),
                _ => (row.kind != ProfileKind::Part, row.name.as_str()),
            };
            let place = sums.iter().position(|(_, sum)| sum.operation == operation);
            let place = place.unwrap_or_else(|| {
                sums.push((
                    is_other,
                    OperationSum {
                        operation: operation.to_owned(),
                        ..OperationSum::default()
                    },
                ));
                sums.len() - 1
            });
            sums[place].1.add(row);
        }
        // The sort is stable: what belongs to no node keeps its order.
        sums.sort_by_key(|(is_other, sum)| (*is_other, if *is_other { 0 } else { -sum.time_ns }));
        sums.into_iter().map(|(_, sum)| sum).collect()
    }
}

impl OperationSum {
    fn add(&mut self, row: &ProfileRow) {
        let time = row.time_ns_median.unwrap_or(0);
        self.nodes += row.nodes;
        self.time_ns = self.time_ns.saturating_add(time);
        self.forward_ns = sum(self.forward_ns, row.forward_ns_median, u64::saturating_add);
        self.backward_ns = sum(self.backward_ns, row.backward_ns_median, u64::saturating_add);
        self.kept_bytes = sum(self.kept_bytes, row.kept_bytes, i64::saturating_add);
        self.macs = self.macs.saturating_add(row.macs.unwrap_or(0));
        self.flops = self.flops.saturating_add(row.flops.unwrap_or(0));
        let least = row.roofline_share.map(|share| share * time as f64);
        self.least_ns = sum(self.least_ns, least, |one, other| one + other);
    }
}

fn sum<T>(one: Option<T>, other: Option<T>, add: fn(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(add(one, other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{measured, with_profile};
    use super::*;

    #[test]
    fn each_step_has_its_own_parts_in_their_order() {
        let study = with_profile(measured(&["growth-rate=8", "growth-rate=24"], &[16]));
        let (found, settings) = profiles(&Grouped::of(&study));
        let names: Vec<&str> = found.iter().map(|profile| profile.name.as_str()).collect();
        assert_eq!(names, ["growth-rate=8", "growth-rate=24"]);
        assert!(settings.common().contains("plain execution"));
        for profile in &found {
            let places: Vec<usize> = profile.parts.iter().map(|row| row.place).collect();
            assert_eq!(places, (1..=profile.parts.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn operations_are_summed_and_what_belongs_to_no_node_stands_behind() {
        let study = with_profile(measured(&["base"], &[16]));
        let grouped = Grouped::of(&study);
        let (found, _) = profiles(&grouped);
        let sums = found[0].by_operation();
        let others: Vec<&str> = sums.iter().rev().take(4).map(|sum| sum.operation.as_str()).collect();
        assert_eq!(others, ["not in any node", "between nodes", "optimizer", "loss"]);
        let all: i64 = sums.iter().map(|sum| sum.time_ns).sum();
        assert_eq!(Some(all), found[0].step.time_ns_median);
        let convolutions = sums.iter().find(|sum| sum.operation == "3x3 convolution").unwrap();
        let rows = found[0].parts.iter().filter(|row| row.operation == "3x3 convolution");
        assert_eq!(convolutions.macs, rows.filter_map(|row| row.macs).sum::<u64>());
        let operations: Vec<&OperationSum> = sums.iter().filter(|sum| sum.nodes > 0).collect();
        assert!(operations.windows(2).all(|pair| pair[0].time_ns >= pair[1].time_ns));
    }

    #[test]
    fn parts_without_a_step_are_left_out() {
        let mut study = with_profile(measured(&["base"], &[16]));
        study.profile.remove(0);
        assert!(profiles(&Grouped::of(&study)).0.is_empty());
    }
}
