//! The memory that one convolution allocates on libtorch's CPU beside its operands.
//!
//! The rules are those of oneDNN 3.7.1 in libtorch 2.9.0, read from a counting allocator. It keeps channels in blocks as
//! wide as a vector (the layouts nChw16c and nChw8c), so that it copies what comes in another layout and rounds channels
//! up; and it has other kernels for other vector instructions. Workspaces of a thread, of kilobytes, are left out.

use super::shape::Shape;

/// Bytes of an f32.
const VALUE: u64 = 4;

/// The vector instructions that libtorch's convolutions run with on a CPU. How much memory they need depends on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorInstructions {
    /// Vectors of 8 values.
    Avx2,
    /// Vectors of 16 values.
    Avx512,
}

impl VectorInstructions {
    /// Channels, or images in their place, that are kept together.
    fn block(self) -> usize {
        match self {
            Self::Avx2 => 8,
            Self::Avx512 => 16,
        }
    }
}

/// A convolution of a batch, forward and backward.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConvolutionMemory {
    batch: u64,
    input: Shape,
    output: Shape,
    kernel: u64,
    instructions: VectorInstructions,
}

impl ConvolutionMemory {
    pub(super) fn new(
        batch: u64,
        input: Shape,
        output: Shape,
        kernel: usize,
        instructions: VectorInstructions,
    ) -> Self {
        Self {
            batch,
            input,
            output,
            kernel: kernel as u64,
            instructions,
        }
    }

    /// Beyond the input, the result included: the input and the result in blocks, then the result in both layouts.
    pub(super) fn forward(&self) -> u64 {
        if self.is_unfolded(self.input) {
            let is_a_product = self.kernel == 1 && !self.is_strided();
            let columns = if is_a_product { 0 } else { self.columns() };
            return columns + self.maps(self.output, self.output.channels as u64);
        }
        let (input, inputs) = if self.reads_the_input_as_it_lies() {
            (0, self.input.channels as u64)
        } else {
            let inputs = self.blocked(self.input);
            (self.maps(self.input, inputs), inputs)
        };
        let weights = match self.instructions {
            VectorInstructions::Avx2 => self.weights(inputs, self.blocked(self.output)),
            VectorInstructions::Avx512 => self.blocked_weights(),
        };
        let result = self.maps(self.output, self.blocked(self.output));
        (input + result + weights).max(result + self.maps(self.output, self.output.channels as u64))
    }

    /// The gradient of the input, beyond the gradient of the output: the same with the roles exchanged. A gradient
    /// that is a `view` into a larger one is made contiguous first.
    pub(super) fn input_gradient(&self, view: bool) -> u64 {
        let plain = self.maps(self.input, self.input.channels as u64);
        if self.is_unfolded(self.output) {
            return self.columns() + plain;
        }
        // A view into the gradient of one image is contiguous.
        let copy = if view && self.batch > 1 {
            self.maps(self.output, self.output.channels as u64)
        } else {
            0
        };
        if self.is_strided() {
            // Its kernel keeps all channels of a pixel together, without blocks; the result is there three times in
            // the end. Two threads' workspaces, which are not small here, are in `WORKSPACE`.
            const WORKSPACE: u64 = 61_616;
            let (inputs, outputs) = (self.input.channels as u64, self.output.channels as u64);
            let computing = plain + self.maps(self.output, outputs) + self.weights(inputs, outputs) + WORKSPACE;
            return copy + computing.max(3 * plain);
        }
        let gradient = self.maps(self.output, self.blocked(self.output));
        let result = self.maps(self.input, self.blocked(self.input));
        copy + (gradient + result + self.blocked_weights()).max(result + plain)
    }

    /// The gradient of the weights, beyond the input and the gradient of the output.
    ///
    /// Burn computes it as a convolution in which the batch takes the place of the channels and the gradient that of
    /// the window. Both operands are made contiguous for that, and then brought into blocks of *images*.
    pub(super) fn weight_gradient(&self) -> u64 {
        let (inputs, outputs) = (self.input.channels as u64, self.output.channels as u64);
        // One image, and images of one channel, lie as if the channels stood in front already.
        let copy = |shape: Shape, channels| match (self.batch, channels) {
            (1, _) | (_, 1) => 0,
            _ => self.maps(shape, channels),
        };
        let copies = copy(self.input, inputs) + copy(self.output, outputs);
        let [height, width] = self.weight_gradient_sides();
        let result = VALUE * height * width * inputs * outputs;
        match self.instructions {
            VectorInstructions::Avx2 => copies + self.weight_gradient_avx2(result),
            VectorInstructions::Avx512 => copies + self.weight_gradient_avx512(result),
        }
    }

    fn weight_gradient_avx2(&self, result: u64) -> u64 {
        let outputs = self.output.channels as u64;
        if self.kernel > 1 && self.output.height == 1 && self.output.width == 1 {
            // A map of one pixel is all padding to a window: a matrix product without blocks, its result twice.
            return 2 * result;
        }
        let blocked_outputs = self.blocked(self.output);
        let blocked_result = result / outputs * blocked_outputs;
        let images = blocks(self.batch as usize, 8);
        let operands = if self.batch < 8 {
            // So few "channels" are read as they lie.
            self.maps(self.output, blocked_outputs)
        } else {
            images * (plane(self.input) * self.input.channels as u64 + plane(self.output) * blocked_outputs)
        };
        blocked_result + operands.max(result)
    }

    fn weight_gradient_avx512(&self, result: u64) -> u64 {
        let (inputs, outputs) = (self.input.channels as u64, self.output.channels as u64);
        let images = blocks(self.batch as usize, 16);
        if self.kernel == 1 && self.input.height.min(self.input.width) >= 6 {
            // Windows as large as the maps, without padding, go to a matrix product that blocks the gradient's
            // channels too. Which block it takes depends on the shape; 64 is the largest and the usual one.
            let block = match outputs {
                ..=16 => 16,
                17..=32 => 32,
                _ => 64,
            };
            let gradient = plane(self.output) * images * blocks(self.output.channels, block);
            return self.maps(self.input, inputs) + gradient + result + 8192;
        }
        let blocked_outputs = self.blocked(self.output);
        let blocked_result = result / outputs * blocked_outputs;
        let operands = if self.batch < 16 {
            self.maps(self.output, blocked_outputs)
        } else {
            images * (plane(self.input) * inputs + plane(self.output) * blocked_outputs)
        };
        blocked_result + operands.max(result)
    }

    /// The sides of what the weights' gradient is cut from: with a stride it has rows and columns beyond the window's.
    fn weight_gradient_sides(&self) -> [u64; 2] {
        let padding = 2 * (self.kernel / 2);
        [
            (self.input.height, self.output.height),
            (self.input.width, self.output.width),
        ]
        .map(|(input, output)| {
            let stride = input.div_ceil(output.max(1)) as u64;
            (input as u64 + padding).saturating_sub(stride * (output as u64).saturating_sub(1))
        })
    }

    /// Few channels, such as an image's, stay in the layout that they come in.
    fn reads_the_input_as_it_lies(&self) -> bool {
        match self.instructions {
            VectorInstructions::Avx2 => self.input.channels < 8 && self.kernel > 1,
            VectorInstructions::Avx512 => self.input.channels < 4,
        }
    }

    /// Whether libtorch leaves oneDNN out: for one image with small maps it writes out every window instead.
    fn is_unfolded(&self, maps: Shape) -> bool {
        self.batch == 1 && self.kernel <= 3 && maps.values() <= 20_480
    }

    fn is_strided(&self) -> bool {
        self.output.height < self.input.height || self.output.width < self.input.width
    }

    /// Every window of one image, written out.
    fn columns(&self) -> u64 {
        self.kernel * self.kernel * self.input.channels as u64 * plane(self.output)
    }

    fn maps(&self, shape: Shape, channels: u64) -> u64 {
        self.batch * channels * plane(shape)
    }

    /// Channels, rounded up to whole blocks.
    fn blocked(&self, shape: Shape) -> u64 {
        blocks(shape.channels, self.instructions.block())
    }

    fn weights(&self, inputs: u64, outputs: u64) -> u64 {
        VALUE * self.kernel * self.kernel * inputs * outputs
    }

    fn blocked_weights(&self) -> u64 {
        self.weights(self.blocked(self.input), self.blocked(self.output))
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
    use super::VectorInstructions::{Avx2, Avx512};
    use super::*;

    /// A convolution whose padding keeps the sides at stride 1.
    fn convolution(
        batch: u64,
        channels: [usize; 2],
        kernel: usize,
        side: usize,
        stride: usize,
        instructions: VectorInstructions,
    ) -> ConvolutionMemory {
        let shape = |channels, side| Shape {
            channels,
            height: side,
            width: side,
        };
        let (input, output) = (shape(channels[0], side), shape(channels[1], side.div_ceil(stride)));
        ConvolutionMemory::new(batch, input, output, kernel, instructions)
    }

    fn check(ruled: u64, counted: u64, what: &str) {
        let error = ruled.abs_diff(counted) as f64 / counted as f64;
        assert!(error < 0.03, "{what}: {ruled} for {counted}");
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
            let convolution = convolution(batch, channels, kernel, side, 1, Avx512);
            let ruled = [
                convolution.forward(),
                convolution.input_gradient(false),
                convolution.weight_gradient(),
            ];
            for (ruled, counted) in ruled.into_iter().zip(counted) {
                check(ruled, counted, &format!("{batch} {channels:?} {kernel} {side}"));
            }
        }
    }

    /// The same on a processor with AVX2 alone; of the gradients of inputs both, that of a whole tensor and of a view.
    #[test]
    fn the_rules_of_avx2_give_what_was_counted() {
        for (batch, channels, kernel, side, stride, counted) in [
            (1, [96, 24], 3, 8, 1, [227_328, 245_760, 245_760, 165_888]),
            (1, [48, 12], 3, 32, 1, [289_792, 1_966_080, 1_966_080, 93_184]),
            (1, [3, 16], 3, 32, 1, [176_128, 122_880, 122_880, 67_264]),
            (1, [60, 48], 1, 32, 1, [471_040, 507_904, 507_904, 208_128]),
            (3, [20, 24], 3, 13, 1, [118_080, 118_080, 166_752, 155_184]),
            (7, [48, 12], 3, 16, 1, [486_400, 688_128, 774_144, 572_416]),
            (8, [204, 48], 1, 32, 1, [8_428_544, 13_500_416, 15_073_280, 16_554_240]),
            (8, [3, 16], 3, 32, 1, [1_048_576, 791_040, 1_315_328, 1_246_912]),
            (8, [48, 12], 3, 32, 1, [2_124_800, 3_145_728, 3_538_944, 4_090_880]),
            (
                17,
                [204, 48],
                1,
                32,
                1,
                [17_865_728, 28_688_384, 32_030_720, 42_359_040],
            ),
            (20, [48, 12], 3, 32, 1, [5_270_528, 7_864_320, 8_847_360, 11_234_304]),
            (
                64,
                [216, 108],
                1,
                16,
                1,
                [21_592_576, 28_311_552, 35_389_440, 42_826_240],
            ),
            (8, [100, 96], 1, 8, 1, [449_536, 449_536, 646_144, 841_216]),
            (128, [40, 40], 1, 8, 1, [2_627_840, 2_627_840, 3_938_560, 5_249_280]),
            (128, [96, 24], 3, 8, 1, [4_015_104, 6_291_456, 7_077_888, 7_947_264]),
            (8, [40, 8], 3, 8, 1, [109_824, 163_840, 180_224, 208_128]),
            (32, [30, 48], 1, 4, 1, [196_608, 169_984, 268_288, 325_248]),
            (16, [6, 4], 1, 10, 1, [102_656, 102_656, 128_256, 153_792]),
            (32, [64, 48], 3, 1, 1, [124_928, 124_928, 131_072, 235_520]),
            (8, [16, 32], 3, 32, 2, [804_864, 1_572_864, 1_835_008, 1_605_632]),
            (16, [256, 512], 1, 14, 2, [5_441_664, 9_633_792, 11_239_424, 11_730_944]),
            (1, [64, 128], 3, 14, 2, [137_984, 163_072, 163_072, 1_048_576]),
        ] {
            let convolution = convolution(batch, channels, kernel, side, stride, Avx2);
            let ruled = [
                convolution.forward(),
                convolution.input_gradient(false),
                convolution.input_gradient(true),
                convolution.weight_gradient(),
            ];
            for (ruled, counted) in ruled.into_iter().zip(counted) {
                check(
                    ruled,
                    counted,
                    &format!("{batch} {channels:?} {kernel} {side} {stride}"),
                );
            }
        }
        // The first layer of ImageNet's networks; nobody asks for the gradient of the images.
        let first = convolution(8, [3, 24], 7, 64, 2, Avx2);
        check(first.forward(), 1_572_864, "7x7");
        check(first.weight_gradient(), 2_377_728, "7x7");
    }

    #[test]
    fn a_larger_batch_never_needs_less() {
        let convolutions = [([48, 12], 3, 8), ([204, 48], 1, 32), ([30, 48], 1, 4), ([3, 16], 3, 8)];
        for ((channels, kernel, side), instructions) in
            convolutions.into_iter().flat_map(|of| [(of, Avx2), (of, Avx512)])
        {
            for stride in [1, 2] {
                let needs = |batch| {
                    let convolution = convolution(batch, channels, kernel, side, stride, instructions);
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
                        "{channels:?} at {batch} with {instructions:?}"
                    );
                }
            }
        }
    }
}
