//! What another program needs in order to measure what this one measures: initial weights, batches, and the
//! measurements themselves, as files.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::record::{MeasurementRecord, RoundSpec};
use super::workload::resident_batch;
use crate::backends::BackendDevice;
use crate::data::Batch;
use crate::files::write_whole;
use crate::formats::ablation::{Duration, Mode, TrainSettings};
use crate::formats::batches::{self, BatchFile};
use crate::formats::weights;
use crate::host::{Environment, process_variables};
use crate::training::TrainingImages;
use crate::trials::{TrialError, Use, opened_data, starting_weights};

/// The most steps from the initial weights whose losses are compared.
const LOSS_STEPS: usize = 50;

/// Writes `index.json` into the folder, and beside it for each variant of the records, which are in the ablation's
/// order,
///
/// - `VARIANT/weights.safetensors`, the initial weights;
/// - `VARIANT/batch-N.safetensors`, the batch of N images that measurements take;
/// - `VARIANT/losses.safetensors` and `VARIANT/losses.json`, the whole batches of the first 50 training steps (or of as
///   many as `[train] steps` has) at the
///   smallest batch size, and the spec whose settings they are trained with;
/// - `VARIANT/MODE-N-ROUND.json`, the spec of each round, as `measurement` takes it.
///
/// # Errors
/// Data or weights that changed since the experiment was checked, a file that cannot be written.
pub fn write_inputs(
    ablation: &str,
    records: &[MeasurementRecord],
    folder: &Path,
    environment: &Environment,
) -> Result<(), TrialError> {
    let mut variants = Vec::new();
    // The comparison repeats one of its own.
    let records: Vec<MeasurementRecord> = records
        .iter()
        .filter(|record| record.spec.repeat == 0)
        .cloned()
        .collect();
    for records in records.chunk_by(|one, next| one.spec.variant == next.spec.variant) {
        variants.push(Folder(folder).variant(records)?);
    }
    let index = json!({
        "ablation": ablation,
        "rounds": records.iter().map(|record| record.rounds).max().unwrap_or(0),
        "environment": environment,
        "cpu": environment.processor_in_words(),
        "variants": variants,
    });
    Folder(folder).put_json("index.json", &index)?;
    Ok(())
}

/// Where the files go.
struct Folder<'a>(&'a Path);

impl Folder<'_> {
    /// Writes the files of one variant, at least one measurement; gives its entry in the index.
    fn variant(&self, records: &[MeasurementRecord]) -> Result<Value, TrialError> {
        let mut entries = Vec::new();
        let Some(first) = records.first() else {
            return Ok(Value::Null);
        };
        let spec = &first.spec;
        let name = &spec.variant;
        std::fs::create_dir_all(self.0.join(name))?;

        let graph = spec.settings.graph(spec.input, spec.classes)?;
        let initial = starting_weights(
            &spec.settings,
            spec.starting_weights_sha256.as_deref(),
            spec.seed,
            &graph,
        )?;
        let weights = self.put(&format!("{name}/weights.safetensors"), &weights::write(&initial)?)?;

        let data = opened_data(spec.data(), spec.threads, Use::Batches)?;
        let images = TrainingImages::new(Arc::new(data), &spec.settings.data, spec.seed, 0)?;
        for record in records {
            let (mode, size) = (record.mode_name(), record.spec.batch_size);
            let batch = stacked(vec![resident_batch(&images, size)?]);
            let batch = self.put(&format!("{name}/batch-{size}.safetensors"), &batches::write(&batch)?)?;
            let rounds = (0..record.rounds).map(|round| {
                let spec = self_contained(&record.round(round));
                self.put_json(&format!("{name}/{mode}-{size}-{round}.json"), &json!(spec))
            });
            entries.push(json!({
                "mode": mode,
                "batch_size": size,
                "batch": batch,
                "rounds": rounds.collect::<Result<Vec<_>, _>>()?,
            }));
        }
        let (losses, no_losses) = match loss_batches(&images, records)? {
            Ok((spec, file)) => {
                let at = self.put_json(&format!("{name}/losses.json"), &json!(self_contained(&spec)))?;
                let batches = self.put(&format!("{name}/losses.safetensors"), &batches::write(&file)?)?;
                let entry = json!({"batches": batches, "spec": at, "batch_size": spec.batch_size, "steps": file.count});
                (entry, "")
            }
            Err(reason) => (Value::Null, reason),
        };
        let device: BackendDevice = spec.device.parse()?;
        let variables = process_variables(&spec.settings.run, device, spec.threads);
        Ok(json!({
            "variant": name,
            "execution": first.execution_name(),
            "threads": spec.threads,
            "variables": variables.into_iter().collect::<BTreeMap<_, _>>(),
            "weights": weights,
            "losses": losses,
            "no_losses": no_losses,
            "measurements": entries,
        }))
    }

    /// Writes a file; gives its path within the folder.
    fn put(&self, path: &str, bytes: &[u8]) -> Result<String, TrialError> {
        write_whole(&self.0.join(path), bytes)?;
        Ok(path.to_owned())
    }

    fn put_json(&self, path: &str, value: &Value) -> Result<String, TrialError> {
        self.put(path, format!("{value:#}\n").as_bytes())
    }
}

/// A spec for programs that know neither the defaults of `[train]` nor the pass that times the phases of a step.
fn self_contained(spec: &RoundSpec) -> RoundSpec {
    let mut spec = spec.clone();
    spec.settings.train = Some(spec.optimizer());
    spec.phase_steps = 0;
    spec
}

/// The whole batches of the first training steps at the smallest batch size, with a spec of that size; or why there are
/// none to compare.
fn loss_batches(
    images: &TrainingImages,
    records: &[MeasurementRecord],
) -> Result<Result<(RoundSpec, BatchFile), &'static str>, TrialError> {
    let training = records.iter().filter(|record| record.spec.mode == Mode::Train);
    let Some(record) = training.min_by_key(|record| record.spec.batch_size) else {
        return Ok(Err("losses are not compared, since no training is measured"));
    };
    let spec = &record.spec;
    if spec.settings.model.columns().dropout.is_some_and(|share| share > 0.0) {
        return Ok(Err("losses are not compared, since each side drops other values"));
    }
    let whole = images.train_images() / spec.batch_size;
    if whole == 0 {
        return Ok(Err("losses are not compared, since the images make no whole batch"));
    }
    let train = TrainSettings {
        batch_size: spec.batch_size,
        ..spec.optimizer()
    };
    let most = match train.duration {
        Duration::Steps(steps) => steps.min(LOSS_STEPS),
        Duration::Epochs(_) => LOSS_STEPS,
    };
    let mut taken = Vec::new();
    for batch in images.training_batches(&train, spec.seed, 0..most.div_ceil(whole), 0)? {
        let batch = batch?;
        if batch.labels.len() == spec.batch_size && taken.len() < most {
            taken.push(batch);
        }
    }
    Ok(Ok((spec.clone(), stacked(taken))))
}

/// Batches of one size as one file's content.
fn stacked(batches: Vec<Batch>) -> BatchFile {
    let mut file = BatchFile {
        count: batches.len(),
        shape: batches.first().map_or([0; 4], |batch| batch.shape),
        images: Vec::new(),
        labels: Vec::new(),
    };
    for batch in batches {
        file.images.extend(batch.images);
        file.labels.extend(batch.labels);
    }
    file
}
