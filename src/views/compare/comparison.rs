//! A comparison of two results: which variants stand beside each other, and what each pair comes to.

use serde::Serialize;

use super::measured::{self, MeasuredComparison};
use super::metrics::Scope;
use super::pairs::{note_doubtful_speeds, pairs_of};
use super::settings::SettingDifference;
use super::side::Side;
use super::trained::{self, TrainedComparison};
use crate::formats::ablation::PrimaryMetric;
use crate::views::noise_floor::NoiseFloor;

/// How two variants are compared.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Which numbers.
    pub scope: Scope,
    /// The one that answers the question.
    pub primary: PrimaryMetric,
    /// Whether both are of one result folder, so that their measurements took turns.
    pub is_one_folder: bool,
}

/// Everything that is compared of two results.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// A's name.
    pub a: String,
    /// B's name.
    pub b: String,
    /// Pair by pair of variants, in A's order.
    pub variants: Vec<VariantComparison>,
    /// What a reader must know: what was left out, what differs beside the numbers.
    pub notes: Vec<String>,
}

/// Two variants beside each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VariantComparison {
    /// A's variant.
    pub variant_a: String,
    /// B's variant.
    pub variant_b: String,
    /// What their settings differ in.
    pub settings: Vec<SettingDifference>,
    /// What they came to on the seeds that both have.
    pub trained: Vec<TrainedComparison>,
    /// Their step times and memory.
    pub measured: Vec<MeasuredComparison>,
    /// How far the same work measured again lies apart, on both sides.
    pub noise_floor: NoiseFloor,
    /// The IDs of the trials that were compared, A's and B's.
    #[serde(skip)]
    pub trials: Vec<(String, String)>,
}

impl VariantComparison {
    /// The variant's name, or both where they differ.
    pub fn label(&self) -> String {
        label(&self.variant_a, &self.variant_b)
    }

    /// Whether nothing could be compared.
    pub fn is_empty(&self) -> bool {
        self.trained.is_empty() && self.measured.is_empty()
    }
}

fn label(a: &str, b: &str) -> String {
    if a == b { a.to_owned() } else { format!("{a} / {b}") }
}

/// Compares two variants, of one result folder or of two; what has to be left out is noted.
pub fn compare_variants(
    a: &Side<'_>,
    b: &Side<'_>,
    settings: Vec<SettingDifference>,
    manner: Manner,
    notes: &mut Vec<String>,
) -> VariantComparison {
    let label = label(a.variant, b.variant);
    let Manner {
        scope,
        primary,
        is_one_folder,
    } = manner;
    let pairs = pairs_of(a, b, notes, &label);
    if scope.has_results() && !pairs.have_the_same_survivors() {
        notes.push(format!(
            "{label}: no verdict, since other seeds failed in A than in B ({}): those that are left were not chosen alike",
            pairs.survivors_in_words()
        ));
    }
    if scope.has_speeds() {
        note_doubtful_speeds(&pairs, notes, &label);
    }
    let mut again = a.again.clone();
    again.extend(b.again.iter().filter(|ratio| !a.again.contains(ratio)).cloned());
    let noise_floor = match scope.has_speeds() {
        true => NoiseFloor::of(again),
        false => NoiseFloor::default(),
    };
    let measured = if scope.has_speeds() {
        let (a, b) = ((&*a.batches, &*a.samples), (&*b.batches, &*b.samples));
        measured::compare(a, b, is_one_folder, &noise_floor, notes, &label)
    } else {
        Vec::new()
    };
    VariantComparison {
        variant_a: a.variant.to_owned(),
        variant_b: b.variant.to_owned(),
        settings,
        trained: trained::compare(&pairs, scope, primary, &label),
        measured,
        noise_floor,
        trials: (pairs.finished.iter())
            .map(|pair| (pair.a.trial.clone(), pair.b.trial.clone()))
            .collect(),
    }
}

/// Which variants of two results stand beside each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pairing {
    /// A's and B's names, in A's order; empty where they have nothing in common.
    pub pairs: Vec<(String, String)>,
    /// A's variants without a partner.
    pub only_a: Vec<String>,
    /// B's variants without a partner.
    pub only_b: Vec<String>,
}

/// Pairs the variants of the same name. A chosen variant stands beside the other side's chosen one, else beside that
/// of the same name, else beside the only one; two results of one variant each are paired whatever the names.
pub fn pair_variants(a: &[String], b: &[String], chosen_a: Option<&str>, chosen_b: Option<&str>) -> Pairing {
    let partner = |chosen: &str, others: &[String]| -> Option<String> {
        match others {
            [only] => Some(only.clone()),
            _ => others.iter().find(|name| *name == chosen).cloned(),
        }
    };
    let only_pair = |a: String, b: String| Pairing {
        pairs: vec![(a, b)],
        ..Pairing::default()
    };
    match (chosen_a, chosen_b, a, b) {
        (Some(a), Some(b), _, _) => only_pair(a.to_owned(), b.to_owned()),
        (Some(chosen), None, _, b) => {
            partner(chosen, b).map_or_else(Pairing::default, |b| only_pair(chosen.to_owned(), b))
        }
        (None, Some(chosen), a, _) => {
            partner(chosen, a).map_or_else(Pairing::default, |a| only_pair(a, chosen.to_owned()))
        }
        (None, None, [a], [b]) => only_pair(a.clone(), b.clone()),
        (None, None, a, b) => {
            let without = |own: &[String], other: &[String]| -> Vec<String> {
                own.iter().filter(|name| !other.contains(name)).cloned().collect()
            };
            let both = a.iter().filter(|name| b.contains(name));
            Pairing {
                pairs: both.map(|name| (name.clone(), name.clone())).collect(),
                only_a: without(a, b),
                only_b: without(b, a),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn pairs(a: &[&str], b: &[&str], chosen_a: Option<&str>, chosen_b: Option<&str>) -> Vec<(String, String)> {
        pair_variants(&names(a), &names(b), chosen_a, chosen_b).pairs
    }

    fn pair(a: &str, b: &str) -> Vec<(String, String)> {
        vec![(a.to_owned(), b.to_owned())]
    }

    #[test]
    fn variants_of_the_same_name_are_paired_and_the_others_named() {
        let found = pair_variants(&names(&["k8", "k12", "k16"]), &names(&["k16", "k8", "k24"]), None, None);
        assert_eq!(found.pairs, [pair("k8", "k8"), pair("k16", "k16")].concat());
        assert_eq!((found.only_a, found.only_b), (names(&["k12"]), names(&["k24"])));
    }

    #[test]
    fn two_variants_of_one_result_can_be_chosen() {
        let all = ["k8", "k12"];
        assert_eq!(pairs(&all, &all, Some("k8"), Some("k12")), pair("k8", "k12"));
    }

    #[test]
    fn a_chosen_variant_stands_beside_its_namesake_or_the_only_one() {
        assert_eq!(
            pairs(&["k8", "k12"], &["k8", "k12"], Some("k12"), None),
            pair("k12", "k12")
        );
        assert_eq!(pairs(&["base"], &["k8", "k12"], None, Some("k8")), pair("base", "k8"));
        assert!(pairs(&["k8"], &["k12", "k16"], Some("k8"), None).is_empty());
    }

    #[test]
    fn two_results_of_one_variant_each_are_paired_whatever_the_names() {
        assert_eq!(pairs(&["base"], &["wide"], None, None), pair("base", "wide"));
        assert!(pairs(&["base"], &["k8", "k12"], None, None).is_empty());
    }
}
