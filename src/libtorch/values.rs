//! tch's tensors as slices, and as the memory of the kernels.
#![expect(
    unsafe_code,
    reason = "tch gives a tensor's values as a pointer; the kernels work on slices"
)]

use std::ops::{Deref, DerefMut};

use tch::{Device, Kind, Tensor};

use crate::kernels::Memory;

/// The values of a tensor of f32 on the CPU that has no gaps, in the order in which they lie in memory.
///
/// # Panics
/// Of any other tensor.
pub(super) fn values(tensor: &Tensor) -> &[f32] {
    let count = checked_count(tensor);
    if count == 0 {
        return &[];
    }
    // SAFETY: the tensor has `count` values of f32 one after the other from its pointer on, in memory that it keeps for
    // as long as it is borrowed. That nothing writes to them meanwhile is Burn's promise for tensors that are held, as
    // the executions hold those whose values they read.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast_const().cast(), count) }
}

/// Values of a tensor without gaps, whatever the order of its dimensions in memory.
fn checked_count(tensor: &Tensor) -> usize {
    assert!(
        tensor.kind() == Kind::Float && tensor.device() == Device::Cpu,
        "the kernels work on f32 on the CPU"
    );
    let mut dimensions: Vec<(i64, i64)> = tensor.stride().into_iter().zip(tensor.size()).collect();
    dimensions.sort_unstable();
    let mut next = 1;
    for (stride, size) in dimensions.into_iter().filter(|&(_, size)| size != 1) {
        assert_eq!(stride, next, "the kernels work on tensors without gaps");
        next *= size;
    }
    tensor.numel()
}

/// Buffers that are tensors, so that the counter of libtorch's memory counts the kernels' too.
#[derive(Clone, Copy, Debug)]
pub(super) struct TensorMemory;

/// A buffer.
#[derive(Debug)]
pub(super) struct TensorValues {
    tensor: Tensor,
    pointer: *mut f32,
    count: usize,
}

// SAFETY: the memory belongs to this buffer alone until it gives up its tensor, and is reached by the rules of Rust's
// references only; libtorch's allocator may be called from any thread.
unsafe impl Send for TensorValues {}
// SAFETY: as above; a shared buffer is read alone.
unsafe impl Sync for TensorValues {}

impl TensorValues {
    /// The tensor, of one dimension.
    pub(super) fn into_tensor(self) -> Tensor {
        self.tensor
    }
}

impl Memory for TensorMemory {
    type Values = TensorValues;

    fn values(&self, count: usize) -> TensorValues {
        let tensor = Tensor::empty([count as i64], (Kind::Float, Device::Cpu));
        let pointer = tensor.data_ptr().cast();
        TensorValues { tensor, pointer, count }
    }
}

impl Deref for TensorValues {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        if self.count == 0 {
            return &[];
        }
        // SAFETY: the tensor has `count` values from the pointer on. They come from libtorch's allocator, whose memory is
        // never undefined to the compiler, though its content is any; every bit pattern is an f32.
        unsafe { std::slice::from_raw_parts(self.pointer, self.count) }
    }
}

impl DerefMut for TensorValues {
    fn deref_mut(&mut self) -> &mut [f32] {
        if self.count == 0 {
            return &mut [];
        }
        // SAFETY: as above, and the buffer is borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.pointer, self.count) }
    }
}
