//! Where the large buffers come from.

use std::ops::DerefMut;

/// A source of buffers: whoever counts the memory of tensors counts that of the kernels too.
pub trait Memory: Sync {
    /// A buffer; dropping it gives it back.
    type Values: DerefMut<Target = [f32]> + Send + Sync;

    /// A buffer of so many values, whatever they are.
    fn values(&self, count: usize) -> Self::Values;
}
