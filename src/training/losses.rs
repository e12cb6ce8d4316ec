//! The losses of a series of training steps, for comparison with those of another program.

use super::evaluation::read_losses;
use super::step::{Learner, file_tensors, initial_loss_scale};
use crate::formats::ablation::{RunSettings, TrainSettings};
use crate::formats::batches::BatchFile;
use crate::model::Model;

/// Trains a network that was built on an autodiff device on each batch in turn, at a constant learning rate; gives the
/// loss of each step, the mean cross-entropy of its batch in nats.
pub fn losses(model: Model, run: &RunSettings, train: &TrainSettings, batches: &BatchFile) -> Vec<f64> {
    let mut learner = Learner::new(model, train).scaling_loss(initial_loss_scale(run));
    let device = learner.device();
    let every = (0..batches.count).map_while(|index| file_tensors(batches, index, &device));
    let losses = every
        .map(|(images, labels)| learner.step(images, labels, train.learning_rate).loss)
        .collect();
    read_losses(losses)
}
