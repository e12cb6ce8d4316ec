//! Loss, error and logits of a network in evaluation mode.

use burn::tensor::{Int, Tensor, TensorData};

use super::loss::cross_entropy_by;
use super::step::{batch_tensors, right};
use crate::data::{Batch, LoaderError};
use crate::model::Model;

/// The result of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean cross-entropy over the images, in nats.
    pub loss: f64,
    /// The share of images whose largest logit is not their label's.
    pub error: f64,
    /// Images evaluated.
    pub images: usize,
}

/// An evaluation, image by image.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// Over all images.
    pub whole: Evaluation,
    /// Whether the largest logit of each image is its label's, in the batches' order.
    pub correct: Vec<bool>,
}

/// Evaluates over batches. The model is on a device without autodiff (`valid`), so that running statistics are used.
///
/// # Errors
/// Images that cannot be prepared.
pub fn evaluate(
    model: &Model,
    batches: impl Iterator<Item = Result<Batch, LoaderError>>,
) -> Result<Evaluated, LoaderError> {
    let (mut losses, mut rights, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
    for batch in batches {
        let batch = batch?;
        sizes.push(batch.labels.len());
        let (logits, labels) = averaged(model, batch);
        losses.push(cross_entropy_by(model, logits.clone(), labels.clone()));
        rights.push(right(logits, labels));
    }
    let images: usize = sizes.iter().sum();
    let weighted: f64 = read_losses(losses)
        .iter()
        .zip(&sizes)
        .map(|(loss, &size)| loss * size as f64)
        .sum();
    let correct = read_flags(rights);
    let wrong = correct.iter().filter(|is_right| !**is_right).count();
    Ok(Evaluated {
        whole: Evaluation {
            loss: weighted / images as f64,
            error: wrong as f64 / images as f64,
            images,
        },
        correct,
    })
}

/// The logits of a batch `[labels, classes]` and its labels. Where it has several squares of each image, their logits'
/// mean: fb.resnet.torch, with which the DenseNet paper's ten crops were tested, sums the network's outputs, which are
/// logits there (`computeScore` in its `train.lua`).
fn averaged(model: &Model, batch: Batch) -> (Tensor<2>, Tensor<1, Int>) {
    let (images, labels) = batch_tensors(batch, model.device());
    let logits = model.forward(images);
    let ([squares, classes], [count]) = (logits.dims(), labels.dims());
    if squares == count || count == 0 {
        return (logits, labels);
    }
    let by_image: Tensor<3> = logits.reshape([count, squares / count, classes]);
    (by_image.mean_dim(1).squeeze_dim::<2>(1), labels)
}

/// The logits of a batch, image by image: the mean of its squares', where it has several of each.
pub fn logits(model: &Model, batch: Batch) -> Vec<Vec<f32>> {
    let (logits, _) = averaged(model, batch);
    let [_, classes] = logits.dims();
    let values: Vec<f32> = logits.into_data().iter::<f32>().collect();
    values.chunks(classes).map(<[f32]>::to_vec).collect()
}

/// Brings losses, each `[1]`, from the device in one transfer.
pub(super) fn read_losses(losses: Vec<Tensor<1>>) -> Vec<f64> {
    if losses.is_empty() {
        return Vec::new();
    }
    let data: TensorData = Tensor::cat(losses, 0).into_data();
    data.iter::<f32>().map(f64::from).collect()
}

/// Brings flags, 1 for true, each `[images]`, from the device in one transfer.
fn read_flags(flags: Vec<Tensor<1, Int>>) -> Vec<bool> {
    if flags.is_empty() {
        return Vec::new();
    }
    let data: TensorData = Tensor::cat(flags, 0).into_data();
    data.iter::<i64>().map(|flag| flag == 1).collect()
}

/// Brings counts, each `[1]`, from the device in one transfer, and adds them.
pub(super) fn read_counts(counts: Vec<Tensor<1, Int>>) -> usize {
    if counts.is_empty() {
        return 0;
    }
    let data: TensorData = Tensor::cat(counts, 0).into_data();
    data.iter::<i64>().sum::<i64>() as usize
}
