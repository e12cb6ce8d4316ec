//! Tensors whose values are in main memory, as executions see them that work on numbers.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::ops::Deref;

use burn::backend::{Backend, DispatchKindConversion, DispatchTensor, TensorMetadata};
use burn::tensor::{Tensor, TensorData};

use super::segment::Primitive;
use crate::kernels::{Buffer, Memory};

/// A backend's tensors of f32, and how their values are reached.
pub trait HostTensors: Debug + Send + Sync + 'static {
    /// The backend.
    type Backend: Backend;
    /// Values of a tensor, in memory that nobody writes into as long as they are held.
    type Held: Deref<Target = [f32]> + Send + 'static;
    /// Where the kernels' large buffers come from.
    type Memory: Memory<Values: 'static>;

    /// The source of buffers.
    fn memory() -> Self::Memory;

    /// The sizes of a tensor's dimensions.
    fn size(tensor: &Primitive<Self::Backend>) -> Vec<usize>;

    /// The values of maps `[batch, channels, height, width]`, channels last, or of vectors `[batch, values]`.
    fn maps(tensor: &Primitive<Self::Backend>) -> Self::Held;

    /// The values of a tensor in the order of its dimensions.
    fn values(tensor: &Primitive<Self::Backend>) -> Self::Held;

    /// A tensor of that size, `[batch, channels, height, width]` or `[batch, values]`, from its values, which lie channels
    /// last.
    fn from_maps(values: <Self::Memory as Memory>::Values, size: &[usize]) -> Primitive<Self::Backend>;

    /// A tensor of that size from its values in the order of its dimensions.
    fn from_values(values: &[f32], size: &[usize]) -> Primitive<Self::Backend>;
}

/// Tensors of any backend of Burn's, whose values are copied.
#[derive(Debug)]
pub struct CopiedTensors<B>(PhantomData<fn() -> B>);

/// Buffers of the program's own.
#[derive(Clone, Copy, Debug)]
pub struct Heap;

impl Memory for Heap {
    type Values = Buffer<f32>;

    fn values(&self, count: usize) -> Buffer<f32> {
        Buffer::zeros(count)
    }
}

impl<B: Backend> HostTensors for CopiedTensors<B>
where
    DispatchTensor: DispatchKindConversion<B>,
{
    type Backend = B;
    type Held = Buffer<f32>;
    type Memory = Heap;

    fn memory() -> Heap {
        Heap
    }

    fn size(tensor: &Primitive<B>) -> Vec<usize> {
        match tensor.rank() {
            1 => Tensor::<1>::from_primitive::<B>(tensor.clone()).dims().to_vec(),
            2 => Tensor::<2>::from_primitive::<B>(tensor.clone()).dims().to_vec(),
            _ => Tensor::<4>::from_primitive::<B>(tensor.clone()).dims().to_vec(),
        }
    }

    fn maps(tensor: &Primitive<B>) -> Buffer<f32> {
        match tensor.rank() {
            4 => Self::values(&B::float_permute(tensor.clone(), &[0, 2, 3, 1])),
            _ => Self::values(tensor),
        }
    }

    fn values(tensor: &Primitive<B>) -> Buffer<f32> {
        let data = match tensor.rank() {
            1 => Tensor::<1>::from_primitive::<B>(tensor.clone()).into_data(),
            2 => Tensor::<2>::from_primitive::<B>(tensor.clone()).into_data(),
            _ => Tensor::<4>::from_primitive::<B>(tensor.clone()).into_data(),
        };
        data.iter::<f32>().collect()
    }

    fn from_maps(values: Buffer<f32>, size: &[usize]) -> Primitive<B> {
        match *size {
            [images, channels, height, width] => {
                let tensor = Self::from_values(&values, &[images, height, width, channels]);
                B::float_permute(tensor, &[0, 3, 1, 2])
            }
            _ => Self::from_values(&values, size),
        }
    }

    fn from_values(values: &[f32], size: &[usize]) -> Primitive<B> {
        B::float_from_data(TensorData::new(values.to_vec(), size.to_vec()), &Default::default())
    }
}
