//! Where the large buffers come from.

use std::ops::DerefMut;

/// A source of buffers, so that a counter of tensors' memory counts the kernels' too.
pub trait Memory: Sync {
    /// A buffer; dropping it frees it.
    type Values: DerefMut<Target = [f32]> + Send + Sync;

    /// A buffer of `count` values, of any content.
    fn values(&self, count: usize) -> Self::Values;
}
