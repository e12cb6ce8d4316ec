//! From the rounds of a profile to its rows of `profile.csv`.

use super::record::Rates;
use super::rows::{MeasurementRounds, floats, whole};
use super::step_profile::{Passes, ProfiledPart, StepProfile};
use crate::formats::tables::{BatchRow, ProfileKind, ProfileRow};
use crate::network::StepWork;
use crate::statistics::{median, median_absolute_deviation};

/// Times of something in the steps of all rounds.
#[derive(Clone, Debug, Default)]
struct Times {
    forward: Vec<f64>,
    backward: Vec<f64>,
}

impl Times {
    fn of<'a>(passes: impl Iterator<Item = &'a Passes>) -> Self {
        let mut times = Self::default();
        for passes in passes {
            times.forward.extend(floats(&passes.forward_ns));
            times.backward.extend(floats(&passes.backward_ns));
        }
        times
    }

    fn whole_steps(&self) -> Vec<f64> {
        self.forward
            .iter()
            .zip(&self.backward)
            .map(|(one, other)| one + other)
            .collect()
    }
}

/// The rows of one profile.
struct Rows {
    /// What all rows have in common, and the step's time.
    step: ProfileRow,
    rates: Option<Rates>,
    rows: Vec<ProfileRow>,
}

/// Its rows of `profile.csv`: the step alone where it was not taken apart.
pub(super) fn profile_rows(measured: &MeasurementRounds) -> Vec<ProfileRow> {
    let batch = measured.batch_row();
    let profiles: Vec<&StepProfile> = (measured.rounds.iter().flatten())
        .filter_map(|round| round.profile.as_ref())
        .collect();
    let rates = batch.device_flops_per_second.zip(batch.device_bytes_per_second);
    let mut rows = Rows {
        step: step_row(&batch, profiles.first().and_then(|profile| profile.kept_bytes)),
        rates: rates.map(|(flops_per_second, bytes_per_second)| Rates {
            flops_per_second,
            bytes_per_second,
        }),
        rows: Vec::new(),
    };
    if let Some(first) = profiles.first() {
        for (place, part) in first.parts.iter().enumerate() {
            let of_rounds = profiles.iter().filter_map(|profile| profile.parts.get(place));
            rows.part(part, &Times::of(of_rounds.map(|part| &part.passes)));
        }
        rows.others(&profiles, &batch);
        rows.rest();
    }
    let Rows { step, rows, .. } = rows;
    [step].into_iter().chain(rows).collect()
}

/// The row of a step as a whole.
fn step_row(batch: &BatchRow, kept_bytes: Option<i64>) -> ProfileRow {
    ProfileRow {
        variant: batch.variant.clone(),
        device: batch.device.clone(),
        execution: batch.execution,
        precision: batch.precision,
        mode: batch.mode,
        batch_size: batch.batch_size,
        threads: batch.threads,
        allocator: batch.allocator,
        place: 0,
        kind: ProfileKind::Step,
        segment: String::new(),
        name: "step".to_owned(),
        operation: String::new(),
        carried_out_by: String::new(),
        nodes: 0,
        status: batch.status,
        error: batch.error.clone(),
        rounds: batch.rounds,
        steps: batch.steps,
        time_ns_median: batch.step_ns_median.map(u64::cast_signed),
        time_ns_mad: batch.step_ns_mad,
        forward_ns_median: batch.forward_ns_median,
        forward_ns_mad: None,
        backward_ns_median: batch.backward_ns_median,
        backward_ns_mad: None,
        step_share: batch.step_ns_median.map(|_| 1.0),
        kept_bytes,
        predicted_kept_bytes: None,
        macs: None,
        flops: batch.step_flops,
        bytes: batch.step_bytes,
        flops_per_second: batch.flops_per_second,
        device_flops_per_second: batch.device_flops_per_second,
        device_bytes_per_second: batch.device_bytes_per_second,
        roofline_share: batch.roofline_share,
        warning: batch.warning.clone(),
        cpu: batch.cpu.clone(),
        revision: batch.revision.clone(),
        measured_at: batch.measured_at.clone(),
    }
}

impl Rows {
    /// A row with nothing but what it is of.
    fn empty(&self, kind: ProfileKind, name: &str) -> ProfileRow {
        ProfileRow {
            place: self.rows.len() + 1,
            kind,
            name: name.to_owned(),
            time_ns_median: None,
            time_ns_mad: None,
            forward_ns_median: None,
            backward_ns_median: None,
            step_share: None,
            kept_bytes: None,
            flops: None,
            bytes: None,
            flops_per_second: None,
            roofline_share: None,
            ..self.step.clone()
        }
    }

    fn timed(&self, kind: ProfileKind, name: &str, times: &Times) -> ProfileRow {
        let steps = times.whole_steps();
        self.with_time(ProfileRow {
            steps: steps.len(),
            time_ns_median: whole(median(&steps)).map(u64::cast_signed),
            time_ns_mad: whole(median_absolute_deviation(&steps)),
            forward_ns_median: whole(median(&times.forward)),
            forward_ns_mad: whole(median_absolute_deviation(&times.forward)),
            backward_ns_median: whole(median(&times.backward)),
            backward_ns_mad: whole(median_absolute_deviation(&times.backward)),
            ..self.empty(kind, name)
        })
    }

    /// The row with its share of the step.
    fn with_time(&self, row: ProfileRow) -> ProfileRow {
        let share = row.time_ns_median.zip(self.step.time_ns_median);
        let share = share.filter(|(_, step)| *step > 0);
        ProfileRow {
            step_share: share.map(|(time, step)| time as f64 / step as f64),
            ..row
        }
    }

    fn part(&mut self, part: &ProfiledPart, times: &Times) {
        let kind = match part.nodes {
            1 => ProfileKind::Node,
            _ => ProfileKind::Part,
        };
        let row = self.timed(kind, &part.name, times);
        let seconds = row
            .time_ns_median
            .filter(|&time| time > 0)
            .map(|time| time as f64 / 1e9);
        let StepWork { flops, bytes } = part.forward + part.backward;
        let least = |rates: Rates| rates.least_seconds(part.forward) + rates.least_seconds(part.backward);
        let row = ProfileRow {
            segment: part.segment.clone(),
            operation: part.operation.clone(),
            carried_out_by: part.execution.clone(),
            nodes: part.nodes,
            kept_bytes: part.passes.kept_bytes,
            predicted_kept_bytes: part.predicted_bytes,
            macs: Some(part.macs),
            flops: Some(flops),
            bytes: Some(bytes),
            flops_per_second: seconds.map(|seconds| flops as f64 / seconds),
            roofline_share: self.rates.zip(seconds).map(|(rates, seconds)| least(rates) / seconds),
            ..row
        };
        self.rows.push(row);
    }

    /// The loss, the optimizer and what is done between the parts.
    fn others(&mut self, profiles: &[&StepProfile], batch: &BatchRow) {
        let loss = Times::of(profiles.iter().map(|profile| &profile.loss));
        let loss = self.timed(ProfileKind::Loss, "loss", &loss);
        self.rows.push(ProfileRow {
            kept_bytes: profiles.first().and_then(|profile| profile.loss.kept_bytes),
            ..loss
        });
        self.rows.push(self.with_time(ProfileRow {
            time_ns_median: batch.optimizer_ns_median.map(u64::cast_signed),
            ..self.empty(ProfileKind::Optimizer, "optimizer")
        }));
        let between = Times::of(profiles.iter().map(|profile| &profile.between));
        let between = self.timed(ProfileKind::Between, "between nodes", &between);
        self.rows.push(ProfileRow {
            kept_bytes: profiles.first().and_then(|profile| profile.between.kept_bytes),
            ..between
        });
    }

    /// The step as a whole less all others.
    fn rest(&mut self) {
        let less = |of: fn(&ProfileRow) -> Option<i64>| {
            let others: i64 = self.rows.iter().filter_map(of).sum();
            Some(of(&self.step)? - others)
        };
        let row = ProfileRow {
            time_ns_median: less(|row| row.time_ns_median),
            kept_bytes: less(|row| row.kept_bytes),
            ..self.empty(ProfileKind::Rest, "not in any node")
        };
        self.rows.push(self.with_time(row));
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::RoundResult;
    use super::super::record::tests::record;
    use super::*;
    use crate::formats::tables::Status;

    fn passes(forward: &[u64], backward: &[u64], kept: i64) -> Passes {
        Passes {
            forward_ns: forward.to_vec(),
            backward_ns: backward.to_vec(),
            kept_bytes: Some(kept),
        }
    }

    fn part(name: &str, nodes: usize, passes: Passes) -> ProfiledPart {
        ProfiledPart {
            name: name.to_owned(),
            segment: "stem".to_owned(),
            operation: "3x3 convolution".to_owned(),
            execution: "plain".to_owned(),
            nodes,
            passes,
            predicted_bytes: Some(70),
            macs: 9,
            forward: StepWork { flops: 100, bytes: 40 },
            backward: StepWork { flops: 200, bytes: 600 },
        }
    }

    fn measured(scale: u64) -> MeasurementRounds {
        let round = |late: u64| RoundResult {
            step_ns: vec![1000 + late; 2],
            rates: Some(Rates {
                flops_per_second: 1e9,
                bytes_per_second: 2e9,
            }),
            work: Some(StepWork { flops: 600, bytes: 900 }),
            phases: vec![super::super::record::Phases {
                forward_ns: 300,
                backward_ns: Some(600),
                optimizer_ns: Some(50),
            }],
            profile: Some(StepProfile {
                parts: vec![
                    part("conv0", 1, passes(&[100 * scale, 104], &[200, 210], 64)),
                    part("denseblock1", 7, passes(&[150, 150], &[300, 300], -16)),
                ],
                loss: passes(&[5, 5], &[5, 5], 4),
                between: passes(&[1, 1], &[2, 2], 8),
                kept_bytes: Some(68),
            }),
            ..RoundResult::unfinished(Status::Ok, "")
        };
        MeasurementRounds {
            record: record("a", 8, 2),
            rounds: vec![Some(round(0)), Some(round(4))],
        }
    }

    #[test]
    fn the_rows_make_up_the_step_and_what_is_left_is_a_row() {
        let rows = profile_rows(&measured(1));
        let kinds: Vec<String> = rows.iter().map(|row| row.kind.to_string()).collect();
        assert_eq!(kinds, ["step", "node", "part", "loss", "optimizer", "between", "rest"]);
        let places: Vec<usize> = rows.iter().map(|row| row.place).collect();
        assert_eq!(places, [0, 1, 2, 3, 4, 5, 6]);
        let sum = |of: fn(&ProfileRow) -> Option<i64>| rows[1..].iter().filter_map(of).sum::<i64>();
        assert_eq!(rows[0].time_ns_median, Some(1002));
        assert_eq!(sum(|row| row.time_ns_median), 1002);
        assert_eq!(sum(|row| row.kept_bytes), 68);
        assert_eq!(rows[6].kept_bytes, Some(8));
        let shares: f64 = rows[1..].iter().filter_map(|row| row.step_share).sum();
        assert!((shares - 1.0).abs() < 1e-12);
        assert!(
            rows[1..]
                .iter()
                .all(|row| row.status == Status::Ok && row.variant == "a")
        );
    }

    #[test]
    fn a_nodes_row_is_of_the_steps_of_all_rounds() {
        let node = &profile_rows(&measured(1))[1];
        // 300 and 314, twice.
        assert_eq!(
            (node.steps, node.time_ns_median, node.time_ns_mad),
            (4, Some(307), Some(7))
        );
        assert_eq!(
            (node.forward_ns_median, node.backward_ns_median),
            (Some(102), Some(205))
        );
        assert_eq!((node.flops, node.bytes), (Some(300), Some(640)));
        // Forward is bound by arithmetic (100 ns against 20), backward by memory (200 against 300).
        assert!((node.roofline_share.unwrap() - 400.0 / 307.0).abs() < 1e-12);
        assert_eq!((node.predicted_kept_bytes, node.macs), (Some(70), Some(9)));
    }

    #[test]
    fn parts_that_take_longer_than_the_step_leave_a_negative_rest() {
        let rows = profile_rows(&measured(100));
        assert!(rows.last().unwrap().time_ns_median.unwrap() < 0);
    }

    #[test]
    fn a_step_that_failed_is_a_row_with_its_error() {
        let failed = MeasurementRounds {
            record: record("a", 8, 2),
            rounds: vec![Some(RoundResult::unfinished(Status::Oom, "too much")), None],
        };
        let rows = profile_rows(&failed);
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].status, rows[0].error.as_str()), (Status::Oom, "too much"));
        assert_eq!(rows[0].time_ns_median, None);
    }
}
