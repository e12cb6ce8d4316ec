//! What a network gives for one batch, for comparison with what another program gives before either is timed.

use super::loss::Targets;
use super::step::file_tensors;
use crate::formats::ablation::Mode;
use crate::formats::batches::BatchFile;
use crate::formats::weights::Weights;
use crate::model::Model;

/// A batch's answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// The logits, image by image.
    pub logits: Vec<f32>,
    /// The loss in nats, auxiliary heads' included; none in evaluation.
    pub loss: Option<f64>,
    /// The loss' gradients by every parameter; none in evaluation.
    pub gradients: Option<Weights>,
}

impl Answers {
    /// The Euclidean norm of all gradients together; none in evaluation.
    pub fn gradient_norm(&self) -> Option<f64> {
        let values = self.gradients.as_ref()?.values().flat_map(|tensor| &tensor.values);
        Some(values.map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt())
    }
}

/// The answers for the file's first batch of a network that was built on an autodiff device, by the same forward and
/// backward passes as a measured step; none of a file without a batch.
pub fn answers(model: &Model, mode: Mode, batches: &BatchFile) -> Option<Answers> {
    let model = match mode {
        Mode::Train => model.clone(),
        Mode::Evaluate => model.valid(),
    };
    let (images, labels) = file_tensors(batches, 0, model.device())?;
    let (mut loss, mut gradients) = (None, None);
    let logits = match mode {
        Mode::Evaluate => model.forward(images),
        Mode::Train => {
            let outputs = model.outputs(images);
            let of_batch = Targets::labels(labels).loss_of(&outputs);
            gradients = Some(model.gradients(&of_batch.backward()));
            loss = of_batch.into_data().iter::<f32>().next().map(f64::from);
            outputs.logits
        }
    };
    Some(Answers {
        logits: logits.into_data().iter::<f32>().collect(),
        loss,
        gradients,
    })
}
