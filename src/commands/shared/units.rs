//! The units of an ablation's work, as verbs list them.

use densenet_bench::trials::ExperimentPlan;

/// What a trial of a variant takes.
#[derive(Clone, Copy)]
pub struct Cost {
    /// Learned values.
    pub parameters: usize,
    /// Multiply-accumulates for one image.
    pub macs: u64,
    /// Epochs.
    pub epochs: usize,
    /// Training steps.
    pub steps: usize,
    /// Training images, each as often as it is seen.
    pub images: usize,
}

/// A trial.
pub struct Unit<'a> {
    /// Its place in the ablation's order, from 0.
    pub place: usize,
    /// Its identity.
    pub trial: &'a str,
    /// The variant's name.
    pub variant: &'a str,
    /// The seed.
    pub seed: u64,
    /// What it takes.
    pub cost: Cost,
}

/// The trials of the chosen variants, in the ablation's order.
pub fn of<'a>(plan: &'a ExperimentPlan, chosen: &[bool]) -> Vec<Unit<'a>> {
    let costs: Vec<Cost> = (plan.variants.iter())
        .map(|variant| Cost {
            parameters: variant.network.parameters(),
            macs: variant.network.macs(),
            epochs: variant.length.map_or(0, |length| length.epochs),
            steps: variant.length.map_or(0, |length| length.steps),
            images: variant.length.map_or(0, |length| length.images),
        })
        .collect();
    let trials = plan
        .trials
        .iter()
        .enumerate()
        .filter(|(_, trial)| chosen[trial.variant]);
    let unit = |(place, trial): (usize, &'a densenet_bench::trials::PlannedTrial)| Unit {
        place,
        trial: &trial.trial,
        variant: &plan.ablation.variants[trial.variant].name,
        seed: trial.seed,
        cost: costs[trial.variant],
    };
    trials.map(unit).collect()
}

impl Unit<'_> {
    /// A line, for people and for `grep`.
    pub fn line(&self) -> String {
        let Cost {
            parameters,
            macs,
            steps,
            ..
        } = self.cost;
        format!(
            "{}  {}  seed={}  parameters={parameters}  macs={macs}  steps={steps}\n",
            self.trial, self.variant, self.seed
        )
    }
}
