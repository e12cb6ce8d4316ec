//! The memory of one call of a convolution on libtorch's CPU.
//!
//! The rules are those of libtorch 2.9.0 and of oneDNN 3.7.1 within it, read in their sources and compared with a
//! counting allocator (`tests/memory.rs`). libtorch passes a convolution on to oneDNN, but for a single image with small
//! maps, and for windows of one pixel with one thread (`use_mkldnn` in `ATen/native/Convolution.cpp`). oneDNN takes the
//! first kernel of its list for the processor (`cpu_convolution_list.cpp`) whose conditions the shapes meet. Most keep
//! channels in blocks as wide as a vector (the layouts nChw16c and nChw8c), so that maps and weights are copied, with
//! channels rounded up, and the result is there in both layouts in the end.

use super::graph::VALUE;
use super::processor::{Processor, VectorInstructions};

/// The bytes to which oneDNN rounds large workspaces, and in f32 their sizes.
const PAGE: u64 = 4096;

/// A convolution as libtorch is asked for it, of contiguous operands. Of a transposed one, input and output exchange
/// their roles: it has the shape of the convolution whose gradient it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// Images.
    pub(super) images: usize,
    /// Channels of the input.
    pub(super) inputs: usize,
    /// Channels of the output.
    pub(super) outputs: usize,
    /// Rows and columns of the input.
    pub(super) input: [usize; 2],
    /// Rows and columns of the window.
    pub(super) window: [usize; 2],
    /// Rows and columns of the output.
    pub(super) output: [usize; 2],
    /// The step between windows.
    pub(super) stride: usize,
    /// The step between a window's values.
    pub(super) dilation: usize,
    /// Rows and columns of zeros on each side.
    pub(super) padding: [usize; 2],
    /// Where it runs.
    pub(super) processor: Processor,
}

impl Call {
    /// Bytes beyond the operands, the result included.
    pub(super) fn bytes(&self) -> u64 {
        let result = self.maps(self.outputs, self.output);
        if !self.is_for_onednn(self.inputs, self.input) {
            return result + if self.is_a_product() { 0 } else { self.columns() };
        }
        // The result, first in the kernel's layout, then in libtorch's.
        let vector = if self.is_pointwise() {
            self.vector()
        } else {
            self.window_vector()
        };
        let blocked_result = self.maps(blocks(self.outputs, vector), self.output);
        let blocked_maps = self.maps(blocks(self.inputs, vector), self.input);
        let blocked_weights = self.weights(blocks(self.inputs, vector), blocks(self.outputs, vector));
        // So few channels stay in the layout in which they come.
        let (computing, kept) = if self.is_an_inner_product() {
            // The channels of a pixel together; the same where there is but one.
            let maps = if self.inputs == 1 {
                0
            } else {
                self.maps(self.inputs, self.input)
            };
            let weights = self.weights(blocks(self.inputs, vector), blocks(self.outputs, self.inner_block()));
            (maps + weights + result + self.inner_workspace(result), result)
        } else if self.is_pointwise() {
            (
                blocked_maps + blocked_weights + blocked_result + self.unit_stride_workspace(),
                blocked_result,
            )
        } else if self.is_mostly_padding() {
            // A general matrix product of each thread's windows, written out.
            let windows = self.inputs * area(self.window) * area(self.output);
            (result + VALUE * (self.threads() * windows) as u64 + 128, result)
        } else if self.inputs < vector {
            let weights = self.weights(self.inputs, blocks(self.outputs, vector));
            (weights + blocked_result, blocked_result)
        } else {
            (blocked_maps + blocked_weights + blocked_result, blocked_result)
        };
        computing.max(kept + result)
    }

    /// Bytes of the transposed convolution, beyond its operands (maps of the output's shape, and the weights), the
    /// result included, which has the input's shape.
    pub(super) fn transposed_bytes(&self) -> u64 {
        let result = self.maps(self.inputs, self.input);
        if !self.is_for_onednn(self.outputs, self.output) {
            return result + self.columns();
        }
        let vector = self.vector();
        if self.stride > 1 {
            // The channels of a pixel together, which is how one channel lies already; and the result once more.
            let maps = if self.outputs == 1 {
                0
            } else {
                self.maps(self.outputs, self.output)
            };
            let weights = self.weights(blocks(self.inputs, vector), self.outputs);
            let results = if self.inputs == 1 { 2 } else { 3 };
            return (maps + weights + result + self.strided_workspace()).max(results * result);
        }
        let blocked = |channels, sides| self.maps(blocks(channels, vector), sides);
        let blocked_result = blocked(self.inputs, self.input);
        let weights = self.weights(blocks(self.inputs, vector), blocks(self.outputs, vector));
        (blocked(self.outputs, self.output) + weights + blocked_result).max(blocked_result + result)
    }

    /// libtorch's choice: `channels` and `sides` are those of the maps that it is given.
    fn is_for_onednn(&self, channels: usize, sides: [usize; 2]) -> bool {
        let is_parallel =
            self.stride > 1 || self.dilation > 1 || self.images >= 16 || self.window != [1, 1] || self.threads() > 1;
        let is_large = self.window.iter().all(|&side| side > 3)
            || self.images > 1
            || self.images * channels * area(sides) > 20_480;
        is_parallel && is_large
    }

    /// A single window of more than 27 values goes to the kernel of a linear layer, `ip_convolution.hpp`.
    fn is_an_inner_product(&self) -> bool {
        self.processor.instructions == VectorInstructions::Avx512
            && self.dilation == 1
            && self.padding == [0, 0]
            && self.output == [1, 1]
            && self.images > 1
            && self.outputs > 1
            && area(self.window) > 27
    }

    /// A window of one pixel has kernels of its own, with a stride only where it divides the sides.
    fn is_pointwise(&self) -> bool {
        let divides = |(input, output): (usize, usize)| output * self.stride == input;
        self.window == [1, 1]
            && self.padding == [0, 0]
            && (self.stride == 1 || self.input.into_iter().zip(self.output).all(divides))
    }

    /// More padding than window or output, which the kernels with blocks do not take.
    fn is_mostly_padding(&self) -> bool {
        let extent = |side: usize| (side - 1) * self.dilation + 1;
        let is_within = |(&side, &padding): (&usize, &usize)| extent(side) <= padding;
        self.window.iter().zip(&self.padding).any(is_within) || self.output[1] < self.padding[1]
    }

    /// The vectors of the kernel that takes any window. That of AVX-512 gives way to that of AVX2 where its code would
    /// be too long, which is estimated at 15 bytes for each product of a row of the window.
    fn window_vector(&self) -> usize {
        let vector = self.vector();
        let parts = if self.padding[1] > 0 { 3 } else { 1 };
        let code = 15 * parts * self.window[1] * vector * self.output[1].min(28);
        if vector == 16 && self.inputs >= vector && code > 256 * 1024 {
            VectorInstructions::Avx2.width()
        } else {
            vector
        }
    }

    /// Where libtorch itself computes: no windows have to be written out.
    fn is_a_product(&self) -> bool {
        self.window == [1, 1] && self.stride == 1 && self.padding == [0, 0]
    }

    /// Every window, written out.
    fn columns(&self) -> u64 {
        self.maps(area(self.window) * self.inputs, self.output)
    }

    /// Output channels that a linear layer's kernel takes together: as many as there are, and fewer where threads would
    /// be idle (`get_adjusted_oc_block` in `jit_brgemm_inner_product_utils.cpp`).
    fn inner_block(&self) -> usize {
        let (rows, vector) = (self.images, self.vector());
        let block = match self.outputs / vector {
            0 | 1 => vector,
            2 | 3 => 2 * vector,
            _ => 4 * vector,
        };
        if (7..=80).contains(&rows) && self.outputs.is_multiple_of(32) {
            return 2 * vector;
        }
        let chunks = if rows <= 8 && self.outputs <= 256 {
            1
        } else {
            self.outputs.div_ceil(block)
        };
        let largest = (1..=rows.min(64))
            .rev()
            .find(|&part| rows.is_multiple_of(part))
            .unwrap_or(1);
        let part = if largest < 6 { rows.min(64) } else { largest };
        let work = chunks * rows.div_ceil(part);
        let is_balanced = work % self.threads() == 0 || work / self.threads() > 3;
        if is_balanced || block == vector {
            block
        } else {
            block - vector
        }
    }

    /// The addresses of each thread's blocks, and partial results of long sums, which threads share.
    fn inner_workspace(&self, result: u64) -> u64 {
        let is_long = self.inputs.is_multiple_of(self.vector()) && self.inputs * area(self.window) > 1024;
        let partial = if is_long && self.threads() > 1 { result + 128 } else { 0 };
        256 + self.threads() as u64 * (PAGE + 24) + partial
    }

    /// Each thread's image, without the pixels that the stride leaves out (`rtus_prepare_space_info`).
    fn unit_stride_workspace(&self) -> u64 {
        if self.stride == 1 {
            return 0;
        }
        let image = blocks(self.inputs, self.vector()) * area(self.output);
        128 + VALUE * (self.threads() * image) as u64
    }

    /// Each thread's padded image, its mask, the addresses of its blocks, and rows of the result where the stride does
    /// not divide them (`init_scratchpad` in `jit_brgemm_conv_bwd_utils.cpp`).
    fn strided_workspace(&self) -> u64 {
        let padded = |axis: usize| {
            let (window, output) = (self.window[axis], self.output[axis]);
            let end = ((output - 1) * self.stride + window).saturating_sub(self.input[axis] + self.padding[axis]);
            let overflow = |padding: usize| (window - 1).saturating_sub(padding) / self.stride;
            output + overflow(self.padding[axis]) + overflow(end)
        };
        let image = VALUE * ((padded(0) * padded(1) * self.outputs) as u64).next_multiple_of(PAGE);
        let threads = self.threads() as u64;
        let uneven = if self.input[1].is_multiple_of(self.stride) {
            0
        } else {
            threads * VALUE * PAGE + PAGE
        };
        128 + 3 * PAGE + threads * (image + 2 * PAGE + 24) + uneven
    }

    fn threads(&self) -> usize {
        self.processor.threads.max(1)
    }

    fn vector(&self) -> usize {
        self.processor.instructions.width()
    }

    fn maps(&self, channels: usize, sides: [usize; 2]) -> u64 {
        VALUE * self.images as u64 * (channels * area(sides)) as u64
    }

    fn weights(&self, inputs: usize, outputs: usize) -> u64 {
        VALUE * (area(self.window) * inputs * outputs) as u64
    }
}

fn area(sides: [usize; 2]) -> usize {
    sides[0] * sides[1]
}

/// Rounded up to whole blocks.
fn blocks(count: usize, block: usize) -> usize {
    count.next_multiple_of(block)
}
