//! The network's tensors by torchvision's names, in PyTorch's layout.

use burn::module::{Module, ParamId};
use burn::nn::Linear;
use burn::nn::conv::Conv2d;
use burn::tensor::{Gradients, Tensor, TensorData};

use super::batch_norm::BatchNorm;
use super::composite::Composite;
use super::densenet::DenseNet;
use crate::formats::weights::{WeightTensor, Weights};

impl DenseNet {
    /// The modules that hold tensors, by torchvision's names, in the order of the forward pass.
    fn parts(&self) -> Vec<(String, Part<'_>)> {
        let mut parts = vec![("features.conv0".to_owned(), Part::Convolution(&self.conv0))];
        parts.extend(norm_part("features.norm0", self.norm0.as_ref()));
        for (index, block) in self.blocks.iter().enumerate() {
            for (layer_index, layer) in block.layers.iter().enumerate() {
                let prefix = format!("features.denseblock{}.denselayer{}", index + 1, layer_index + 1);
                let composites = layer.bottleneck.iter().chain([&layer.conv]);
                for (number, composite) in composites.enumerate() {
                    let number = (number + 1).to_string();
                    parts.extend(composite_parts(&prefix, &number, composite));
                }
            }
            if let Some(transition) = self.transitions.get(index) {
                let prefix = format!("features.transition{}", index + 1);
                parts.extend(composite_parts(&prefix, "", &transition.composite));
            }
        }
        parts.extend(norm_part("features.norm5", self.norm5.as_ref()));
        parts.push(("classifier".to_owned(), Part::Linear(&self.classifier)));
        parts
    }

    /// Every tensor by torchvision's names, running statistics included.
    pub fn weights(&self) -> Weights {
        // `valid` brings the running statistics up to date.
        let settled = self.valid();
        let mut weights = Weights::new();
        for (name, part) in settled.parts() {
            let mut take = |tensor: &str, data: TensorData| {
                weights.insert(format!("{name}.{tensor}"), weight_tensor(data));
            };
            match part {
                Part::Convolution(conv) => take("weight", conv.weight.val().into_data()),
                Part::BatchNorm(norm) => {
                    take("weight", norm.inner.gamma.val().into_data());
                    take("bias", norm.inner.beta.val().into_data());
                    take("running_mean", norm.inner.running_mean.value_sync().into_data());
                    take("running_var", norm.inner.running_var.value_sync().into_data());
                }
                Part::Linear(linear) => {
                    // Burn keeps [inputs, outputs], PyTorch [outputs, inputs].
                    take("weight", linear.weight.val().transpose().into_data());
                    if let Some(bias) = &linear.bias {
                        take("bias", bias.val().into_data());
                    }
                }
            }
        }
        weights
    }

    /// Something that belongs to each learned tensor, by torchvision's names and in PyTorch's layout: what `value_of`
    /// gives, in the tensor's own shape here; what it has nothing for is left out.
    pub fn learned_values(&self, value_of: impl Fn(ParamId) -> Option<TensorData>) -> Weights {
        let mut named = Weights::new();
        for (name, id, layout) in self.learned() {
            if let Some(data) = value_of(id) {
                named.insert(name, layout.turned(weight_tensor(data)));
            }
        }
        named
    }

    /// The way back: hands on what belongs to each learned tensor, in the tensor's own shape here.
    pub fn give_learned_values(&self, named: &Weights, mut give: impl FnMut(ParamId, TensorData)) {
        for (name, id, layout) in self.learned() {
            if let Some(tensor) = named.get(&name) {
                let tensor = layout.turned(tensor.clone());
                give(id, TensorData::new(tensor.values, tensor.shape));
            }
        }
    }

    /// The learned tensors: name, identity, layout.
    fn learned(&self) -> Vec<(String, ParamId, Layout)> {
        let mut learned = Vec::new();
        for (name, part) in self.parts() {
            let mut take = |tensor: &str, id, layout| learned.push((format!("{name}.{tensor}"), id, layout));
            match part {
                Part::Convolution(conv) => take("weight", conv.weight.id, Layout::AsInPyTorch),
                Part::BatchNorm(norm) => {
                    take("weight", norm.inner.gamma.id, Layout::AsInPyTorch);
                    take("bias", norm.inner.beta.id, Layout::AsInPyTorch);
                }
                Part::Linear(linear) => {
                    take("weight", linear.weight.id, Layout::Transposed);
                    if let Some(bias) = &linear.bias {
                        take("bias", bias.id, Layout::AsInPyTorch);
                    }
                }
            }
        }
        learned
    }

    /// Every parameter's gradient by torchvision's names, in PyTorch's layout.
    pub fn gradients(&self, gradients: &Gradients) -> Weights {
        let mut named = Weights::new();
        for (name, part) in self.parts() {
            let mut take = |tensor: &str, data: Option<TensorData>| {
                if let Some(data) = data {
                    named.insert(format!("{name}.{tensor}"), weight_tensor(data));
                }
            };
            match part {
                Part::Convolution(conv) => take("weight", conv.weight.val().grad(gradients).map(Tensor::into_data)),
                Part::BatchNorm(norm) => {
                    take("weight", norm.inner.gamma.val().grad(gradients).map(Tensor::into_data));
                    take("bias", norm.inner.beta.val().grad(gradients).map(Tensor::into_data));
                }
                Part::Linear(linear) => {
                    let weight = linear.weight.val().grad(gradients);
                    take("weight", weight.map(|gradient| gradient.transpose().into_data()));
                    let bias = linear.bias.as_ref().and_then(|bias| bias.val().grad(gradients));
                    take("bias", bias.map(Tensor::into_data));
                }
            }
        }
        named
    }

    /// Learned values that the built modules hold, to be checked against
    /// [`Plan::parameters`](crate::network::Plan::parameters).
    pub fn parameters(&self) -> usize {
        let sizes = self.parts().into_iter().map(|(_, part)| match part {
            Part::Convolution(conv) => conv.weight.val().shape().num_elements(),
            Part::BatchNorm(norm) => {
                norm.inner.gamma.val().shape().num_elements() + norm.inner.beta.val().shape().num_elements()
            }
            Part::Linear(linear) => {
                let bias = linear.bias.as_ref().map_or(0, |bias| bias.val().shape().num_elements());
                linear.weight.val().shape().num_elements() + bias
            }
        });
        sizes.sum()
    }
}

/// How Burn keeps a tensor's axes.
#[derive(Clone, Copy)]
enum Layout {
    AsInPyTorch,
    /// Burn keeps a linear layer's weights as `[inputs, outputs]`, PyTorch as `[outputs, inputs]`.
    Transposed,
}

impl Layout {
    /// From Burn's layout to PyTorch's, and back.
    fn turned(self, tensor: WeightTensor) -> WeightTensor {
        match self {
            Self::AsInPyTorch => tensor,
            Self::Transposed => transposed(&tensor),
        }
    }
}

/// A matrix the other way round.
pub(super) fn transposed(tensor: &WeightTensor) -> WeightTensor {
    let columns = tensor.shape.last().copied().unwrap_or(1);
    let rows = tensor.values.len() / columns.max(1);
    let values = (0..columns).flat_map(|column| (0..rows).map(move |row| tensor.values[row * columns + column]));
    WeightTensor {
        shape: vec![columns, rows],
        values: values.collect(),
    }
}

/// A module that holds tensors.
enum Part<'a> {
    Convolution(&'a Conv2d),
    BatchNorm(&'a BatchNorm),
    Linear(&'a Linear),
}

fn norm_part<'a>(name: &str, norm: Option<&'a BatchNorm>) -> Option<(String, Part<'a>)> {
    norm.map(|norm| (name.to_owned(), Part::BatchNorm(norm)))
}

fn composite_parts<'a>(prefix: &str, number: &str, composite: &'a Composite) -> [(String, Part<'a>); 2] {
    let norm = (format!("{prefix}.norm{number}"), Part::BatchNorm(&composite.norm));
    let conv = (format!("{prefix}.conv{number}"), Part::Convolution(&composite.conv));
    if composite.norm_first {
        [norm, conv]
    } else {
        [conv, norm]
    }
}

fn weight_tensor(data: TensorData) -> WeightTensor {
    WeightTensor {
        shape: data.shape().to_vec(),
        values: data.iter::<f32>().collect(),
    }
}
