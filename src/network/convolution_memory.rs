//! What one convolution asks of libtorch's CPU allocator beside its operands.
//!
//! The rules are those of oneDNN on a processor with AVX-512, read from a counting allocator. It keeps channels in
//! blocks of 16 (the layout nChw16c), so that it copies what comes in another layout, and rounds channels up.

use super::shape::Shape;

/// Bytes of an f32.
const VALUE: u64 = 4;

/// A convolution of a batch, forward and backward.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConvolutionMemory {
    batch: u64,
    input: Shape,
    output: Shape,
    kernel: u64,
}

impl ConvolutionMemory {
    pub(super) fn new(batch: u64, input: Shape, output: Shape, kernel: usize) -> Self {
        Self {
            batch,
            input,
            output,
            kernel: kernel as u64,
        }
    }

    /// Beyond the input, the result included: the input and the result in blocks, then the result in both layouts.
    pub(super) fn forward(&self) -> u64 {
        if self.is_unfolded(self.input) {
            let columns = if self.kernel == 1 { 0 } else { self.columns() };
            return columns + self.maps(self.output, self.output.channels as u64);
        }
        // Few channels, such as an image's, are read as they lie.
        let input = if self.input.channels < 4 {
            0
        } else {
            self.maps(self.input, blocks(self.input.channels, 16))
        };
        let result = self.maps(self.output, blocks(self.output.channels, 16));
        (input + result + self.blocked_weights()).max(result + self.maps(self.output, self.output.channels as u64))
    }

    /// The gradient of the input, beyond the gradient of the output: the same with the roles exchanged. A gradient
    /// that is a `view` into a larger one is made contiguous first.
    pub(super) fn input_gradient(&self, view: bool) -> u64 {
        if self.is_unfolded(self.output) {
            return self.columns() + self.maps(self.input, self.input.channels as u64);
        }
        let gradient = self.maps(self.output, blocks(self.output.channels, 16));
        let result = self.maps(self.input, blocks(self.input.channels, 16));
        let copy = if view {
            self.maps(self.output, self.output.channels as u64)
        } else {
            0
        };
        copy + (gradient + result + self.blocked_weights())
            .max(result + self.maps(self.input, self.input.channels as u64))
    }

    /// The gradient of the weights, beyond the input and the gradient of the output.
    ///
    /// Burn computes it as a convolution in which the batch takes the place of the channels and the gradient that of
    /// the window. Both operands are made contiguous for that, and then brought into blocks of 16 *images*.
    pub(super) fn weight_gradient(&self) -> u64 {
        let (inputs, outputs) = (self.input.channels as u64, self.output.channels as u64);
        // One image has its channels in front already.
        let copies = match self.batch {
            1 => 0,
            _ => self.maps(self.input, inputs) + self.maps(self.output, outputs),
        };
        let images = blocks(self.batch as usize, 16);
        let weights = VALUE * self.kernel * self.kernel * inputs * outputs;
        if self.kernel == 1 && self.input.height.min(self.input.width) >= 6 {
            // Windows as large as the maps, without padding, go to a matrix product that blocks the gradient's
            // channels too. Which block it takes depends on the shape; 64 is the largest and the usual one.
            let block = match outputs {
                ..=16 => 16,
                17..=32 => 32,
                _ => 64,
            };
            let gradient = plane(self.output) * images * blocks(self.output.channels, block);
            return copies + self.maps(self.input, inputs) + gradient + weights + 8192;
        }
        let blocked_outputs = blocks(self.output.channels, 16);
        let blocked_result = weights / outputs * blocked_outputs;
        let blocked = if self.batch < 16 {
            // So few "channels" are read as they lie.
            self.maps(self.output, blocked_outputs)
        } else {
            images * (plane(self.input) * inputs + plane(self.output) * blocked_outputs)
        };
        copies + blocked_result + blocked.max(weights)
    }

    /// Whether libtorch leaves oneDNN out: for one image with small maps it writes out every window instead.
    fn is_unfolded(&self, maps: Shape) -> bool {
        self.batch == 1 && self.kernel <= 3 && maps.values() <= 20_480
    }

    /// Every window of one image, written out.
    fn columns(&self) -> u64 {
        self.kernel * self.kernel * self.input.channels as u64 * plane(self.output)
    }

    fn maps(&self, shape: Shape, channels: u64) -> u64 {
        self.batch * channels * plane(shape)
    }

    fn blocked_weights(&self) -> u64 {
        let channels = blocks(self.input.channels, 16) * blocks(self.output.channels, 16);
        VALUE * self.kernel * self.kernel * channels
    }
}

/// Bytes of one channel of one image.
fn plane(shape: Shape) -> u64 {
    VALUE * (shape.height * shape.width) as u64
}

/// Rounded up to whole blocks.
fn blocks(count: usize, block: usize) -> u64 {
    (count.div_ceil(block) * block) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convolution(batch: u64, channels: [usize; 2], kernel: usize, side: usize) -> ConvolutionMemory {
        let shape = |channels| Shape {
            channels,
            height: side,
            width: side,
        };
        ConvolutionMemory::new(batch, shape(channels[0]), shape(channels[1]), kernel)
    }

    /// Bytes that libtorch 2.9.0 was counted to ask for, with two threads on a processor with AVX-512.
    #[test]
    fn the_rules_give_what_was_counted() {
        for (batch, channels, kernel, side, counted) in [
            (1, [96, 24], 3, 8, [227_328, 245_760, 193_536]),
            (8, [204, 48], 1, 32, [8_428_544, 13_500_416, 19_184_176]),
            (17, [204, 48], 1, 32, [17_865_728, 28_688_384, 40_188_464]),
            (64, [204, 48], 1, 32, [67_148_800, 108_003_328, 136_401_840]),
            (64, [216, 108], 1, 32, [88_180_736, 115_343_360, 175_307_440]),
            (8, [48, 12], 3, 32, [2_124_800, 3_145_728, 2_518_016]),
            (20, [48, 12], 3, 32, [5_270_528, 7_864_320, 13_331_456]),
            (100, [148, 12], 3, 32, [72_181_760, 126_156_800, 140_856_576]),
            (8, [100, 96], 1, 8, [468_992, 468_992, 1_177_392]),
            (128, [40, 40], 1, 8, [3_154_944, 3_154_944, 6_050_736]),
            (128, [96, 24], 3, 8, [4_304_896, 6_291_456, 8_237_056]),
            (8, [40, 8], 3, 8, [158_720, 180_224, 154_112]),
            (32, [30, 48], 1, 4, [196_608, 169_984, 325_248]),
        ] {
            let convolution = convolution(batch, channels, kernel, side);
            let ruled = [
                convolution.forward(),
                convolution.input_gradient(false),
                convolution.weight_gradient(),
            ];
            for (ruled, counted) in ruled.into_iter().zip(counted) {
                let error = ruled.abs_diff(counted) as f64 / counted as f64;
                assert!(
                    error < 0.03,
                    "{batch} {channels:?} {kernel} {side}: {ruled} for {counted}"
                );
            }
        }
    }

    #[test]
    fn a_larger_batch_never_needs_less() {
        for (channels, kernel, side) in [([48, 12], 3, 8), ([204, 48], 1, 32), ([30, 48], 1, 4), ([3, 16], 3, 8)] {
            let needs = |batch| {
                let convolution = convolution(batch, channels, kernel, side);
                [
                    convolution.forward(),
                    convolution.input_gradient(true),
                    convolution.weight_gradient(),
                ]
            };
            // What libtorch does for a single image may need more than what oneDNN does for two.
            for batch in 2..130 {
                let (smaller, larger) = (needs(batch), needs(batch + 1));
                assert!(
                    smaller.iter().zip(larger).all(|(a, b)| *a <= b),
                    "{channels:?} at {batch}"
                );
            }
        }
    }
}
