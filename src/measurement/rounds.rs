//! The order of the rounds: every cell has its turn in each, and what cannot end well is not tried.

use super::record::{MeasurementRecord, RoundResult};
use crate::formats::tables::Status;

/// A turn of one measurement.
#[derive(Clone, Copy, Debug)]
pub struct Round<'a> {
    /// The measurement.
    pub record: &'a MeasurementRecord,
    /// From 0.
    pub round: usize,
}

/// A turn, and the result of one that is not to be run.
pub type Turn<'a> = (Round<'a>, Option<RoundResult>);

/// Runs turns at once, of different measurements, or takes the results that they come with, and records them; the results
/// in their order.
pub type RunTurns<'a, E> = &'a mut dyn FnMut(Vec<Turn<'_>>) -> Result<Vec<RoundResult>, E>;

/// Gives every measurement its turns: round by round, and in each round every measurement, so that a machine that drifts
/// touches all alike. Round r starts with measurement r (modulo their number) and goes on in the order of `records`, so
/// that none is always the first, or always after the same pause. `known` holds the results from before, by measurement and round,
/// and is filled with those of now. `at_once` turns of a round are run at once.
///
/// A measurement with a round that did not end well gets no further turn. Where a batch ran out of memory, the larger
/// ones of the same variant and mode are not tried: each gets a result that says so.
///
/// # Errors
/// Those of `turn`, which end the run.
pub fn run_rounds<E>(
    records: &[MeasurementRecord],
    known: &mut [Vec<Option<RoundResult>>],
    at_once: usize,
    run: RunTurns<'_, E>,
) -> Result<(), E> {
    let rounds = records.iter().map(|record| record.rounds).max().unwrap_or(0);
    for round in 0..rounds {
        let count = records.len();
        let in_turn = (0..count).map(|place| (place + round) % count);
        let is_left = |index: &usize| {
            let rounds = &known[*index];
            let ended_badly = rounds.iter().flatten().any(|result| result.status != Status::Ok);
            round < records[*index].rounds && rounds[round].is_none() && !ended_badly
        };
        let in_turn: Vec<usize> = in_turn.filter(is_left).collect();
        for group in in_turn.chunks(at_once.max(1)) {
            let turn = |&index: &usize| {
                let settled = smaller_out_of_memory(records, known, index).map(|batch_size| {
                    let error = format!("not tried: batch size {batch_size} ran out of memory");
                    RoundResult::unfinished(Status::Oom, error)
                });
                let record = &records[index];
                (Round { record, round }, settled)
            };
            let results = run(group.iter().map(turn).collect())?;
            for (&index, result) in group.iter().zip(results) {
                known[index][round] = Some(result);
            }
        }
    }
    Ok(())
}

/// The smallest batch of the same variant and mode that ran out of memory, if it is smaller than this one's and this
/// one has not run yet.
fn smaller_out_of_memory(
    records: &[MeasurementRecord],
    known: &[Vec<Option<RoundResult>>],
    index: usize,
) -> Option<usize> {
    if known[index].iter().any(Option::is_some) {
        return None;
    }
    let this = &records[index].spec;
    let others = records.iter().zip(known);
    let failed = others.filter(|(other, results)| {
        let other = &other.spec;
        other.variant == this.variant
            && other.mode == this.mode
            && other.batch_size < this.batch_size
            && results.iter().flatten().any(|result| result.status == Status::Oom)
    });
    failed.map(|(other, _)| other.spec.batch_size).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::record::tests::record;

    type Turns = Vec<(String, usize, usize)>;

    /// Runs all rounds; what runs and what is skipped as (variant, batch size, round), and the final statuses.
    fn run(
        records: &[MeasurementRecord],
        known: &mut [Vec<Option<RoundResult>>],
        status: impl Fn(&MeasurementRecord) -> Status,
    ) -> (Turns, Turns) {
        let name = |turn: Round<'_>| {
            (
                turn.record.spec.variant.clone(),
                turn.record.spec.batch_size,
                turn.round,
            )
        };
        let (mut ran, mut skipped) = (Vec::new(), Vec::new());
        run_rounds::<()>(records, known, 1, &mut |mut turns| {
            assert_eq!(turns.len(), 1);
            let (turn, settled) = turns.remove(0);
            let Some(result) = settled else {
                ran.push(name(turn));
                return Ok(vec![RoundResult::unfinished(status(turn.record), "")]);
            };
            assert!(result.error.starts_with("not tried: batch size"), "{}", result.error);
            skipped.push(name(turn));
            Ok(vec![result])
        })
        .unwrap();
        (ran, skipped)
    }

    fn nothing(records: &[MeasurementRecord]) -> Vec<Vec<Option<RoundResult>>> {
        records.iter().map(|record| vec![None; record.rounds]).collect()
    }

    fn turns(names: &[(&str, usize, usize)]) -> Turns {
        names
            .iter()
            .map(|&(variant, batch, round)| (variant.to_owned(), batch, round))
            .collect()
    }

    #[test]
    fn every_measurement_has_its_turn_before_any_has_a_second() {
        let records = [record("a", 8, 2), record("a", 16, 2), record("b", 8, 2)];
        let (ran, skipped) = run(&records, &mut nothing(&records), |_| Status::Ok);
        let expected = [
            ("a", 8, 0),
            ("a", 16, 0),
            ("b", 8, 0),
            ("a", 16, 1),
            ("b", 8, 1),
            ("a", 8, 1),
        ];
        assert_eq!(ran, turns(&expected));
        assert_eq!(skipped, []);
    }

    #[test]
    fn batches_larger_than_one_that_ran_out_of_memory_are_not_tried_but_have_a_result() {
        let records = [
            record("a", 8, 2),
            record("a", 16, 2),
            record("a", 32, 2),
            record("b", 32, 1),
        ];
        let mut known = nothing(&records);
        let oom_at_16 = |record: &MeasurementRecord| match record.spec.variant == "a" && record.spec.batch_size == 16 {
            true => Status::Oom,
            false => Status::Ok,
        };
        let (ran, skipped) = run(&records, &mut known, oom_at_16);
        assert_eq!(ran, turns(&[("a", 8, 0), ("a", 16, 0), ("b", 32, 0), ("a", 8, 1)]));
        assert_eq!(skipped, turns(&[("a", 32, 0)]));
        assert_eq!(known[2][0].as_ref().unwrap().status, Status::Oom);
    }

    #[test]
    fn a_measurement_that_failed_gets_no_further_turn_and_the_others_continue() {
        let records = [record("a", 8, 3), record("b", 8, 2)];
        let failing = |record: &MeasurementRecord| match record.spec.variant == "a" {
            true => Status::Failed,
            false => Status::Ok,
        };
        let (ran, _) = run(&records, &mut nothing(&records), failing);
        assert_eq!(ran, turns(&[("a", 8, 0), ("b", 8, 0), ("b", 8, 1)]));
    }

    #[test]
    fn turns_at_once_are_of_one_round_and_of_different_measurements() {
        let records = [record("a", 8, 2), record("b", 8, 2), record("c", 8, 1)];
        let mut known = nothing(&records);
        known[0][0] = Some(RoundResult::unfinished(Status::Ok, ""));
        let mut groups = Vec::new();
        run_rounds::<()>(&records, &mut known, 2, &mut |turns| {
            let name = |(turn, _): &Turn<'_>| (turn.record.spec.variant.clone(), turn.round);
            groups.push(turns.iter().map(name).collect::<Vec<_>>());
            let ok = |_: &Turn<'_>| RoundResult::unfinished(Status::Ok, "");
            Ok(turns.iter().map(ok).collect())
        })
        .unwrap();
        let named = |names: &[(&str, usize)]| -> Vec<(String, usize)> {
            names.iter().map(|&(name, round)| (name.to_owned(), round)).collect()
        };
        assert_eq!(groups, [named(&[("b", 0), ("c", 0)]), named(&[("b", 1), ("a", 1)])]);
        assert!(known.iter().flatten().all(Option::is_some));
    }

    #[test]
    fn rounds_from_before_are_not_run_again() {
        let records = [record("a", 8, 2), record("b", 8, 2)];
        let mut known = nothing(&records);
        known[0][0] = Some(RoundResult::unfinished(Status::Ok, ""));
        let (ran, _) = run(&records, &mut known, |_| Status::Ok);
        assert_eq!(ran, turns(&[("b", 8, 0), ("b", 8, 1), ("a", 8, 1)]));
    }

    #[test]
    fn every_measurement_is_first_in_as_many_rounds_as_any_other() {
        let records = [record("a", 8, 6), record("b", 8, 6), record("c", 8, 6)];
        let (ran, _) = run(&records, &mut nothing(&records), |_| Status::Ok);
        let first: Vec<&str> = ran.chunks(3).map(|round| round[0].0.as_str()).collect();
        assert_eq!(first, ["a", "b", "c", "a", "b", "c"]);
    }
}
