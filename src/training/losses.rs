//! The losses of a series of training steps, for comparison with those of another program.

use burn::tensor::{Tensor, TensorData};

use super::evaluation::read_losses;
use super::step::Learner;
use crate::formats::ablation::TrainSettings;
use crate::formats::batches::BatchFile;
use crate::model::Model;

/// Trains a network that was built on an autodiff device on each batch in turn, at a constant learning rate; gives the
/// loss of each step, the mean cross-entropy of its batch in nats.
pub fn losses(model: Model, train: &TrainSettings, batches: &BatchFile) -> Vec<f64> {
    let mut learner = Learner::new(model, train);
    let device = learner.device();
    let every = (0..batches.count).map_while(|index| batches.batch(index));
    let losses = every
        .map(|(images, labels)| {
            let images = Tensor::from_data(TensorData::new(images.to_vec(), batches.shape), &device);
            let labels = Tensor::from_data(TensorData::new(labels.to_vec(), [labels.len()]), &device);
            learner.step(images, labels, train.learning_rate).loss
        })
        .collect();
    read_losses(losses)
}
