//! Trials of two variants with the same seed.

use std::collections::{BTreeMap, BTreeSet};

use super::side::Side;
use crate::formats::correctness::correct_images;
use crate::formats::tables::{CorrectnessRow, Status, TrialRow};
use crate::views::groups::has_failed;
use crate::views::text::one_line;
use crate::words::{counted, gathered, plural};

/// A finished trial of each side, with one seed.
#[derive(Clone, Debug)]
pub(super) struct TrialPair<'a> {
    pub a: &'a TrialRow,
    pub b: &'a TrialRow,
    /// Which test images A and B got right, where both recorded it of the same images.
    pub correct: Option<(Vec<bool>, Vec<bool>)>,
}

/// The pairs of two variants, and the seeds that have ended without a result on a side.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs<'a> {
    /// The pairs of which both have finished, in A's order.
    pub finished: Vec<TrialPair<'a>>,
    /// The seeds that both sides have and that have ended on both, well or not.
    pub ended: usize,
    /// Those of them that failed in A.
    pub lost_in_a: BTreeSet<u64>,
    /// Those that failed in B.
    pub lost_in_b: BTreeSet<u64>,
}

impl Pairs<'_> {
    /// Whether the same seeds survived on both sides. Else what is left was chosen by what is compared: a variant that
    /// diverges with its bad seeds looks better for it.
    pub fn have_the_same_survivors(&self) -> bool {
        self.lost_in_a == self.lost_in_b
    }

    /// How many survived on both sides: `3 of 5 seeds in A and 5 of 5 in B`.
    pub fn survivors_in_words(&self) -> String {
        let survived = |lost: &BTreeSet<u64>| self.ended - lost.len();
        format!(
            "{} of {} in A and {} of {} in B",
            survived(&self.lost_in_a),
            counted(self.ended, "seed"),
            survived(&self.lost_in_b),
            self.ended
        )
    }
}

/// The pairs of trials with one seed, in A's order; what has to be left out is noted.
pub(super) fn pairs_of<'a>(a: &Side<'a>, b: &Side<'a>, notes: &mut Vec<String>, label: &str) -> Pairs<'a> {
    // The first row of a seed counts.
    let by_seed = |rows: &[&'a TrialRow]| -> BTreeMap<u64, &'a TrialRow> {
        rows.iter().rev().map(|&row| (row.seed, row)).collect()
    };
    let (of_a, of_b) = (by_seed(&a.trials), by_seed(&b.trials));
    for (own, other, side) in [(&a.trials, &of_b, "A"), (&b.trials, &of_a, "B")] {
        let alone: Vec<String> = (own.iter())
            .filter(|row| !other.contains_key(&row.seed))
            .map(|row| row.seed.to_string())
            .collect();
        if !alone.is_empty() {
            notes.push(format!(
                "{label}: {} {} of {side} left out, which the other side does not have",
                plural(alone.len(), "seed"),
                alone.join(", ")
            ));
        }
    }
    let mut pairs = Pairs::default();
    let mut copies = Vec::new();
    for &row in &a.trials {
        let Some(&other) = of_b.get(&row.seed) else { continue };
        let has_ended = |row: &TrialRow| row.status == Status::Ok || has_failed(row.status);
        if has_ended(row) && has_ended(other) {
            pairs.ended += 1;
            for (row, lost) in [(row, &mut pairs.lost_in_a), (other, &mut pairs.lost_in_b)] {
                if has_failed(row.status) {
                    lost.insert(row.seed);
                }
            }
        }
        match unfinished([(row.status, &row.error), (other.status, &other.error)]) {
            None if is_one_trial(row, other) => copies.push(row.seed.to_string()),
            None => pairs.finished.push(TrialPair {
                a: row,
                b: other,
                correct: both_correct(a.correctness(row), b.correctness(other)),
            }),
            Some(why) => notes.push(format!("{label}: seed {} left out: {why}", row.seed)),
        }
    }
    if !copies.is_empty() {
        notes.push(format!(
            "{label}: {} {} left out: both sides are one run, to the nanosecond, which cannot differ from itself; is one folder a copy \
             of the other?",
            plural(copies.len(), "seed"),
            copies.join(", ")
        ));
    }
    pairs
}

/// Whether two rows are of one run of a trial, as in a copied folder. A trial that ran twice took another time.
fn is_one_trial(a: &TrialRow, b: &TrialRow) -> bool {
    a.trial == b.trial && a.wall_ns.is_some() && a.wall_ns == b.wall_ns
}

/// What both got right, where it is of the same images.
fn both_correct(a: Option<&CorrectnessRow>, b: Option<&CorrectnessRow>) -> Option<(Vec<bool>, Vec<bool>)> {
    let (a, b) = (a?, b?);
    let is_same = (&a.data_fingerprint, a.images) == (&b.data_fingerprint, b.images);
    is_same.then(|| Some((correct_images(a).ok()?, correct_images(b).ok()?)))?
}

/// What A and B ended with, where one did not end well.
pub(super) fn unfinished([a, b]: [(Status, &String); 2]) -> Option<String> {
    let sides = [(a, "A"), (b, "B")]
        .into_iter()
        .filter(|((status, _), _)| *status != Status::Ok);
    let texts = sides.map(|((status, error), side)| {
        let error = one_line(error);
        let separator = if error.is_empty() { "" } else { ": " };
        format!("{status} in {side}{separator}{error}")
    });
    let texts: Vec<String> = texts.collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// Notes the trials of the pairs whose speed is doubtful.
pub(super) fn note_doubtful_speeds(pairs: &Pairs<'_>, notes: &mut Vec<String>, label: &str) {
    let sides = pairs.finished.iter().flat_map(|pair| [(pair.a, "A"), (pair.b, "B")]);
    let doubtful = sides.filter(|(row, _)| !row.warning.is_empty());
    let said: Vec<(String, String)> = doubtful
        .map(|(row, side)| (format!("seed {} in {side}", row.seed), one_line(&row.warning)))
        .collect();
    notes.extend(
        gathered(&said)
            .iter()
            .map(|line| format!("{label}: training speed of {line}")),
    );
}
