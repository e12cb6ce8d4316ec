//! The loss that training makes small: cross-entropy with labels, or with what stands in their place.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

use crate::kernels;
use crate::model::{Model, Outputs};

/// What the network is to give for a batch.
#[derive(Clone)]
pub struct Targets {
    labels: Tensor<1, Int>,
    /// The share of the target that is spread over all classes alike, `[0, 1)`.
    smoothing: f64,
    /// Other labels `[batch]`, and the share of the target that the first ones have; the rest is theirs.
    mixed: Option<(Tensor<1, Int>, f64)>,
}

impl Targets {
    /// The labels alone, `[batch]`.
    pub fn labels(labels: Tensor<1, Int>) -> Self {
        Self {
            labels,
            smoothing: 0.0,
            mixed: None,
        }
    }

    /// The same, with a share of the target spread over all classes alike (Szegedy et al. 2016, section 7).
    pub fn smoothed(self, smoothing: f64) -> Self {
        Self { smoothing, ..self }
    }

    /// The same, of which the labels have the `share` alone and other labels `[batch]` the rest (mixup, arXiv 1710.09412).
    pub fn mixed(self, others: Tensor<1, Int>, share: f64) -> Self {
        Self {
            mixed: Some((others, share)),
            ..self
        }
    }

    /// The labels, where there is nothing else.
    pub(super) fn only_labels(&self) -> Option<&Tensor<1, Int>> {
        self.mixed.is_none().then_some(&self.labels)
    }

    /// The same with other labels.
    pub(super) fn with_labels(&self, labels: Tensor<1, Int>) -> Self {
        Self { labels, ..self.clone() }
    }

    /// The mean cross-entropy of logits `[batch, classes]` with the targets, in nats, `[1]`.
    ///
    /// Of K classes the target of an image is `1 - s + s / K` for its label and `s / K` for the others, as in PyTorch's
    /// `CrossEntropyLoss(label_smoothing=s)`: the loss is `(1 - s)` times that of the labels and `s` times the mean of
    /// `-log p` over images and classes. Of two sets of labels it is the mean of both losses, weighted by their shares.
    pub fn loss(&self, logits: Tensor<2>) -> Tensor<1> {
        let first = self.loss_towards(logits.clone(), self.labels.clone());
        match &self.mixed {
            None => first,
            Some((others, share)) => {
                first.mul_scalar(*share) + self.loss_towards(logits, others.clone()).mul_scalar(1.0 - share)
            }
        }
    }

    fn loss_towards(&self, logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
        if self.smoothing == 0.0 {
            return cross_entropy(logits, labels);
        }
        let uniform = log_softmax(logits.clone(), 1).mean().neg();
        let of_labels = cross_entropy(logits, labels);
        of_labels.mul_scalar(1.0 - self.smoothing) + uniform.mul_scalar(self.smoothing)
    }

    /// The loss that a step makes small, `[1]`: that of the network's logits, and those of its auxiliary heads, each times
    /// its weight (Szegedy et al. 2015, section 5).
    pub fn loss_of(&self, outputs: &Outputs) -> Tensor<1> {
        let loss = |logits: &Tensor<2>| match &outputs.loss {
            Some(by) => by.cross_entropy(logits.clone(), self.values()),
            None => self.loss(logits.clone()),
        };
        let own = loss(&outputs.logits);
        let heads = outputs.auxiliary.iter();
        heads.fold(own, |sum, head| sum + loss(&head.logits).mul_scalar(head.weight))
    }

    /// The same in main memory.
    fn values(&self) -> kernels::Targets {
        kernels::Targets {
            labels: classes(&self.labels),
            mixed: self.mixed.as_ref().map(|(others, share)| (classes(others), *share)),
            smoothing: self.smoothing,
        }
    }
}

/// Labels in main memory.
fn classes(labels: &Tensor<1, Int>) -> Vec<usize> {
    let data = labels.to_data();
    data.iter::<i64>().map(|label| label as usize).collect()
}

/// Mean cross-entropy of a network's logits `[batch, classes]` with labels `[batch]`, in nats, `[1]`, by what carries out
/// its loss.
pub fn cross_entropy_by(model: &Model, logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    match model.program().loss() {
        Some(by) => by.cross_entropy(logits, Targets::labels(labels).values()),
        None => cross_entropy(logits, labels),
    }
}

/// Mean cross-entropy of logits `[batch, classes]` with labels `[batch]`, in nats, `[1]`.
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    CrossEntropyLossConfig::new()
        .init(&logits.device())
        .forward(logits, labels)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use serde_json::Value;

    use super::*;

    fn numbers(value: &Value) -> Vec<f32> {
        let values = value.as_array().unwrap().iter();
        values.map(|number| number.as_f64().unwrap() as f32).collect()
    }

    /// What scripts/fixtures/training.py wrote.
    fn cases(kind: &str) -> Vec<Value> {
        let fixture: Value = serde_json::from_str(include_str!("../../tests/fixtures/training.json")).unwrap();
        fixture[kind].as_array().unwrap().clone()
    }

    /// Checks loss and gradient of a case against PyTorch's.
    fn check(case: &Value, targets: impl Fn(Tensor<1, Int>, &Device) -> Targets) {
        let device = Device::flex().autodiff();
        let shape = [
            case["images"].as_u64().unwrap() as usize,
            case["classes"].as_u64().unwrap() as usize,
        ];
        let logits = Tensor::<2>::from_data(TensorData::new(numbers(&case["logits"]), shape), &device).require_grad();
        let labels: Vec<i64> = serde_json::from_value(case["labels"].clone()).unwrap();
        let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [shape[0]]), &device);
        let loss = targets(labels, &device).loss(logits.clone());
        let gradients = loss.backward();
        let found: Vec<f32> = logits.grad(&gradients).unwrap().into_data().iter::<f32>().collect();
        let loss = loss.into_data().iter::<f32>().next().unwrap();
        let expected = case["loss"].as_f64().unwrap() as f32;
        assert!(
            (loss - expected).abs() <= 1e-6 * expected.abs(),
            "{loss} and {expected}: {case}"
        );
        for (found, expected) in found.iter().zip(numbers(&case["gradient"])) {
            assert!((found - expected).abs() <= 1e-7, "{found} and {expected}: {case}");
        }
    }

    #[test]
    fn label_smoothing_has_pytorchs_loss_and_gradient() {
        let cases = cases("label-smoothing");
        assert!(cases.len() > 2);
        for case in cases {
            let smoothing = case["smoothing"].as_f64().unwrap();
            check(&case, |labels, _| Targets::labels(labels).smoothed(smoothing));
        }
    }

    #[test]
    fn mixed_targets_have_the_loss_and_gradient_of_pytorch() {
        let cases = cases("mixup");
        assert!(cases.len() > 1);
        for case in cases {
            let smoothing = case["smoothing"].as_f64().unwrap();
            let share = case["share"].as_f64().unwrap();
            let others: Vec<i64> = serde_json::from_value(case["other-labels"].clone()).unwrap();
            check(&case, |labels, device| {
                let count = others.len();
                let others = Tensor::<1, Int>::from_data(TensorData::new(others.clone(), [count]), device);
                Targets::labels(labels).smoothed(smoothing).mixed(others, share)
            });
        }
    }
}
