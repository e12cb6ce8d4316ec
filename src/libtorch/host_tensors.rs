//! libtorch's tensors on the CPU as the kernels of `fused` see them: in place.

use std::ops::Deref;

use tch::Tensor;

use super::layout::laid_out;
use super::tensors::{Backend, BurnTensor, from_tch, to_tch};
use super::values::{TensorMemory, TensorValues, values};
use crate::formats::ablation::MapLayout;
use crate::model::HostTensors;

/// The tensors.
#[derive(Debug)]
pub(super) struct LibtorchTensors;

/// A tensor without gaps.
#[derive(Debug)]
pub(super) struct HeldTensor(Tensor);

impl Deref for HeldTensor {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        values(&self.0)
    }
}

impl HostTensors for LibtorchTensors {
    type Backend = Backend;
    type Held = HeldTensor;
    type Memory = TensorMemory;

    fn memory() -> TensorMemory {
        TensorMemory
    }

    fn size(tensor: &BurnTensor) -> Vec<usize> {
        to_tch(tensor).size().into_iter().map(|size| size as usize).collect()
    }

    fn maps(tensor: &BurnTensor) -> HeldTensor {
        let tensor = to_tch(tensor);
        HeldTensor(match tensor.dim() {
            4 => laid_out(&tensor, MapLayout::ChannelsLast),
            _ => tensor.contiguous(),
        })
    }

    fn values(tensor: &BurnTensor) -> HeldTensor {
        HeldTensor(to_tch(tensor).contiguous())
    }

    fn from_maps(values: TensorValues, size: &[usize]) -> BurnTensor {
        let tensor = values.into_tensor();
        from_tch(match *size {
            [images, channels, height, width] => {
                let size = [images, height, width, channels].map(|size| size as i64);
                tensor.view(size).permute([0, 3, 1, 2])
            }
            _ => tensor.view(&whole(size)[..]),
        })
    }

    fn from_values(values: &[f32], size: &[usize]) -> BurnTensor {
        from_tch(Tensor::from_slice(values).view(&whole(size)[..]))
    }
}

fn whole(size: &[usize]) -> Vec<i64> {
    size.iter().map(|&size| size as i64).collect()
}
