//! `[train]`.

use super::reader::Reader;
use crate::formats::ablation::error::Fault;
use crate::formats::ablation::fine_tuning::{FineTuning, RateGroup};
use crate::formats::ablation::fixed_seeds::FixedSeeds;
use crate::formats::ablation::settings::{Duration, Schedule, TrainSettings};
use crate::formats::ablation::values::number_text;
use crate::words::counted;

pub fn settings(reader: &Reader<'_>) -> Result<Option<TrainSettings>, Fault> {
    if !reader.has_section("train") {
        return Ok(None);
    }
    let momentum = reader.number("train.momentum").unwrap_or(0.9);
    let nesterov = reader.flag("train.nesterov").unwrap_or(momentum > 0.0);
    if nesterov && momentum == 0.0 {
        return Err(reader.fault_with(
            "train.nesterov",
            "nesterov is true, but the momentum is 0 and there is none to look ahead by",
            "write a momentum such as 0.9, or leave nesterov out",
        ));
    }
    let duration = duration(reader)?;
    let warmup_steps = reader.count("train.warmup-steps").unwrap_or(0);
    if let Duration::Steps(steps) = duration
        && warmup_steps >= steps
    {
        return Err(reader.fault_with(
            "train.warmup-steps",
            format!(
                "warmup-steps is {warmup_steps}, and the run has {steps} steps: it would end before the warm-up does"
            ),
            format!("write at most {}, or leave warmup-steps out", steps - 1),
        ));
    }
    Ok(Some(TrainSettings {
        duration,
        batch_size: reader.count("train.batch-size").unwrap_or(64),
        learning_rate: reader.number("train.learning-rate").unwrap_or(0.1),
        momentum,
        nesterov,
        weight_decay: reader.number("train.weight-decay").unwrap_or(1e-4),
        schedule: schedule(reader)?,
        warmup_steps,
        label_smoothing: reader.number("train.label-smoothing").unwrap_or(0.0),
        mixup: reader.number("train.mixup").unwrap_or(0.0),
        shuffle: reader.flag("train.shuffle").unwrap_or(true),
        seeds: reader
            .whole_numbers("train.seeds")
            .map_or_else(|| vec![0], <[u64]>::to_vec),
        checkpoint_every: reader.count("train.checkpoint-every"),
        fixed_seeds: FixedSeeds {
            initialization: reader.seed("train.initialization-seed"),
            order: reader.seed("train.order-seed"),
            augmentation: reader.seed("train.augmentation-seed"),
            dropout: reader.seed("train.dropout-seed"),
        },
        fine_tuning: fine_tuning(reader)?,
    }))
}

fn fine_tuning(reader: &Reader<'_>) -> Result<FineTuning, Fault> {
    let new_head = reader.flag("train.new-head").unwrap_or(false);
    if new_head && !reader.is_given("model.weights") {
        return Err(reader.fault_with(
            "train.new-head",
            "new-head is true, and there are no weights: without them every layer is drawn from the seed",
            "name a file under [model], such as weights = \"pretrained.safetensors\", or leave new-head out",
        ));
    }
    let names = reader.names("train.learning-rate-groups");
    let rates = reader.numbers("train.group-learning-rates").unwrap_or_default();
    if names.len() != rates.len() {
        return Err(reader.fault(
            "train.group-learning-rates",
            format!(
                "learning-rate-groups has {}, and group-learning-rates has {}",
                counted(names.len(), "name"),
                counted(rates.len(), "number")
            ),
        ));
    }
    let group = |(tensors, &learning_rate)| RateGroup { tensors, learning_rate };
    Ok(FineTuning {
        freeze: reader.names("train.freeze"),
        new_head,
        groups: names.into_iter().zip(rates).map(group).collect(),
    })
}

fn duration(reader: &Reader<'_>) -> Result<Duration, Fault> {
    match (reader.count("train.epochs"), reader.count("train.steps")) {
        (Some(_), Some(_)) => Err(reader.fault_with(
            reader.set_by_variant(["train.steps", "train.epochs"]),
            "epochs and steps are both given, and each decides how long training lasts",
            "keep one of the two",
        )),
        (None, Some(steps)) => Ok(Duration::Steps(steps)),
        (epochs, None) => Ok(Duration::Epochs(epochs.unwrap_or(10))),
    }
}

fn schedule(reader: &Reader<'_>) -> Result<Schedule, Fault> {
    let word = reader.text("train.schedule").unwrap_or("step");
    if word != "step" {
        for (key, name) in [("train.milestones", "milestones"), ("train.gamma", "gamma")] {
            if reader.is_misplaced(key, "train.schedule") {
                return Err(reader.fault_with(
                    key,
                    format!("{name} is for the schedule step, but the schedule is {word}"),
                    format!("remove {name}, or write schedule = \"step\""),
                ));
            }
        }
    }
    match word {
        "constant" => Ok(Schedule::Constant),
        "cosine" => Ok(Schedule::Cosine),
        _ => {
            let milestones = reader.numbers("train.milestones").unwrap_or(&[0.5, 0.75]).to_vec();
            if let Some(pair) = milestones.windows(2).find(|pair| pair[0] >= pair[1]) {
                let (first, second) = (number_text(pair[0]), number_text(pair[1]));
                return Err(reader.fault(
                    "train.milestones",
                    format!("milestones has {second} after {first}; each must be larger than the one before"),
                ));
            }
            Ok(Schedule::Step {
                milestones,
                gamma: reader.number("train.gamma").unwrap_or(0.1),
            })
        }
    }
}
