//! `compare`: two results beside each other; comparisons that mean nothing are refused.

mod side;

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use densenet_bench::views::compare::{
    Circumstances, Comparison, Difference, Manner, Pairing, Scope, adjust, compare_variants, differences,
    differing_settings, pair_variants, refusal, sections,
};
use densenet_bench::views::terminal;
use serde_json::json;

use self::side::LoadedSide;
use super::plot::speaks_utf8;
use super::{Failure, Outcome, print, print_json};

/// Compare two results, or two variants of one, on the same seeds
#[derive(Args)]
#[command(after_help = "\
Examples:
  densenet-bench compare results/growth results/growth.1
  densenet-bench compare results/growth#growth-rate=8 results/growth#growth-rate=24
  densenet-bench compare results/here results/elsewhere --metrics results

Variants of the same name stand beside each other; a variant named with # stands beside the one named on the other \
side. Only seeds that both sides have finished are compared.

Errors and losses need the same data on both sides, and may come from different machines. Speeds and memory need the \
same machine, device, threads and images. Networks and training options may differ: they are listed. What must not be \
compared is refused with exit status 2, unless --anyway is given; other program or library versions are a note.")]
pub struct Arguments {
    /// A result folder, or DIR#VARIANT
    a: String,
    /// The second result folder (or DIR#VARIANT)
    b: String,
    /// Which numbers are compared
    #[arg(long, value_enum, default_value_t = Metrics::All)]
    metrics: Metrics,
    /// Compare results despite reasons not to; the reasons are printed as notes
    #[arg(long)]
    anyway: bool,
    /// Print the comparison as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Metrics {
    /// Results and speeds
    All,
    /// Errors and losses
    Results,
    /// Speeds and memory
    Speeds,
}

impl From<Metrics> for Scope {
    fn from(metrics: Metrics) -> Self {
        match metrics {
            Metrics::All => Scope::All,
            Metrics::Results => Scope::Results,
            Metrics::Speeds => Scope::Speeds,
        }
    }
}

pub fn run(arguments: &Arguments) -> Outcome {
    let (a, b) = (LoadedSide::read(&arguments.a)?, LoadedSide::read(&arguments.b)?);
    let scope = Scope::from(arguments.metrics);
    let pairing = paired(&a, &b)?;
    let mut comparison = Comparison {
        a: arguments.a.clone(),
        b: arguments.b.clone(),
        variants: Vec::new(),
        notes: notes_of(&pairing),
    };
    let manner = Manner {
        scope,
        primary: a.primary(),
        is_one_folder: a.is_same_folder(&b),
    };
    if a.primary() != b.primary() {
        comparison.notes.push(format!(
            "the primary number is A's, {}; B's is {}",
            a.primary().column(),
            b.primary().column()
        ));
    }
    let mut differing = Differing::default();
    for (variant_a, variant_b) in &pairing.pairs {
        let settings = match (a.settings(variant_a), b.settings(variant_b)) {
            (Some(a), Some(b)) => differing_settings(a, b),
            _ => Vec::new(),
        };
        let (side_a, side_b) = (a.rows_of(variant_a), b.rows_of(variant_b));
        let found = compare_variants(&side_a, &side_b, settings, manner, &mut comparison.notes);
        for (trial_a, trial_b) in &found.trials {
            differing.add(&a.circumstances_of_trial(trial_a)?, &b.circumstances_of_trial(trial_b)?);
        }
        for measured in &found.measured {
            differing.add(
                &a.circumstances_of_measurement(variant_a, measured, &measured.a)?,
                &b.circumstances_of_measurement(variant_b, measured, &measured.b)?,
            );
        }
        comparison.variants.push(found);
    }
    if comparison.variants.iter().all(|variant| variant.is_empty()) {
        return Err(nothing_to_compare(&comparison));
    }
    let refused = refusal(&differing.data, &differing.machine, scope);
    if let (Some(reason), false) = (refused, arguments.anyway) {
        return Err(Failure::Input(format!(
            "{} and {} must not be compared: {reason}",
            arguments.a, arguments.b
        )));
    }
    adjust(&mut comparison.variants);
    comparison.notes.extend(differing.notes(scope));
    if arguments.json {
        print_json(&json!(comparison))?;
    } else {
        print(&terminal::text(&sections(&comparison), !speaks_utf8()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The variants that stand beside each other; at least one pair, and none of a variant with itself.
fn paired(a: &LoadedSide, b: &LoadedSide) -> Result<Pairing, Failure> {
    let (all_a, all_b) = (a.variants(), b.variants());
    let pairing = pair_variants(&all_a, &all_b, a.chosen.as_deref(), b.chosen.as_deref());
    if pairing.pairs.is_empty() {
        return Err(Failure::Input(format!(
            "{} and {} have no variant in common: A has {}; B has {}; name one on each side as DIR#VARIANT",
            a.name,
            b.name,
            all_a.join(", "),
            all_b.join(", ")
        )));
    }
    if a.is_same_folder(b) && pairing.pairs.iter().all(|(a, b)| a == b) {
        return Err(Failure::Input(format!(
            "{} and {} are the same result; name two folders, or two variants of one as DIR#VARIANT; it has {}; for the \
             noise floor, write repeats = 2 in [measure] and run it again",
            a.name,
            b.name,
            all_a.join(", ")
        )));
    }
    Ok(pairing)
}

fn notes_of(pairing: &Pairing) -> Vec<String> {
    [(&pairing.only_a, "A"), (&pairing.only_b, "B")]
        .into_iter()
        .filter(|(names, _)| !names.is_empty())
        .map(|(names, side)| format!("in {side} alone, and left out: {}", names.join(", ")))
        .collect()
}

fn nothing_to_compare(comparison: &Comparison) -> Failure {
    let mut reasons = comparison.notes.clone();
    if reasons.is_empty() {
        reasons.push("the two sides have no numbers of the same kind".to_owned());
    }
    Failure::Input(format!(
        "nothing of {} and {} can be compared: {}; run what is missing, or compare others",
        comparison.a,
        comparison.b,
        reasons.join("; ")
    ))
}

/// What differs between the two sides' circumstances, each difference once.
#[derive(Default)]
struct Differing {
    data: Vec<Difference>,
    machine: Vec<Difference>,
    program: Vec<Difference>,
}

impl Differing {
    fn add(&mut self, a: &Circumstances, b: &Circumstances) {
        add_new(&mut self.data, differences(&a.data, &b.data));
        add_new(&mut self.machine, differences(&a.machine, &b.machine));
        add_new(&mut self.program, differences(&a.program, &b.program));
    }

    /// The differences for a reader of the numbers; those that stand against them are called so.
    fn notes(&self, scope: Scope) -> Vec<String> {
        let notes_on = |differences: &[Difference], is_against: bool| -> Vec<String> {
            let prefix = if is_against { "compared although " } else { "" };
            differences
                .iter()
                .map(|difference| format!("{prefix}{difference}"))
                .collect()
        };
        [
            notes_on(&self.data, scope.has_results()),
            notes_on(&self.machine, scope.has_speeds()),
            notes_on(&self.program, false),
        ]
        .concat()
    }
}

fn add_new(known: &mut Vec<Difference>, found: Vec<Difference>) {
    for difference in found {
        if !known.contains(&difference) {
            known.push(difference);
        }
    }
}
