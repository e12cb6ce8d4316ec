//! The memory that one layer's convolution allocates on libtorch's CPU beside its operands, forward and backward.
//!
//! Burn computes the gradients with convolutions too: that of the input with a transposed one, that of the weights with
//! one in which images and channels exchange their roles. `onednn_memory` has the rules of a single one.

use super::graph::{Node, Operation, VALUE};
use super::onednn_memory::Call;
use super::processor::Processor;
use super::shape::Shape;

/// A convolution of a batch, forward and backward.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConvolutionMemory {
    pub(super) batch: usize,
    pub(super) input: Shape,
    pub(super) output: Shape,
    pub(super) kernel: [usize; 2],
    pub(super) stride: usize,
    pub(super) padding: [usize; 2],
    pub(super) processor: Processor,
}

impl ConvolutionMemory {
    /// That of a node, which is a convolution.
    pub(super) fn of(node: &Node, batch: usize, processor: Processor) -> Self {
        let (kernel, stride, padding) = match node.operation {
            Operation::Convolution {
                kernel,
                stride,
                padding,
                ..
            } => (kernel, stride, padding),
            _ => ([1; 2], 1, [0; 2]),
        };
        Self {
            batch,
            input: node.input,
            output: node.output,
            kernel,
            stride,
            padding,
            processor,
        }
    }

    /// Beyond the input, the result included.
    pub(super) fn forward(&self) -> u64 {
        self.call().bytes()
    }

    /// The gradient of the input, beyond the gradient of the output. A gradient that is a `view` into a larger one is
    /// made contiguous first; a view into the gradient of one image is contiguous.
    pub(super) fn input_gradient(&self, view: bool) -> u64 {
        let copy = if view && self.batch > 1 {
            self.maps(self.output)
        } else {
            0
        };
        copy + self.call().transposed_bytes()
    }

    /// The gradient of the weights, beyond the input and the gradient of the output.
    ///
    /// The input is convolved with the gradient as the window: both with images and channels exchanged, for which they
    /// are copied. One image, and images of one channel, lie as if the channels stood in front already.
    pub(super) fn weight_gradient(&self) -> u64 {
        let copy = |shape: Shape| match (self.batch, shape.channels) {
            (1, _) | (_, 1) => 0,
            _ => self.maps(shape),
        };
        let call = Call {
            images: self.input.channels,
            inputs: self.batch,
            window: sides(self.output),
            output: self.weight_gradient_sides(),
            stride: 1,
            dilation: self.stride,
            ..self.call()
        };
        copy(self.input) + copy(self.output) + call.bytes()
    }

    /// The gradient of the weights itself, with the rows and columns that it is cut from.
    pub(super) fn found_gradient(&self) -> u64 {
        let [height, width] = self.weight_gradient_sides();
        VALUE * (height * width * self.input.channels * self.output.channels) as u64
    }

    /// The sides of what the weights' gradient is cut from: with a stride it has rows and columns beyond the window's.
    fn weight_gradient_sides(&self) -> [usize; 2] {
        let [height, width] = sides(self.output);
        let side = |input: usize, output: usize, padding: usize| {
            (input + 2 * padding).saturating_sub(self.stride * output.saturating_sub(1))
        };
        [
            side(self.input.height, height, self.padding[0]),
            side(self.input.width, width, self.padding[1]),
        ]
    }

    fn call(&self) -> Call {
        Call {
            images: self.batch,
            inputs: self.input.channels,
            outputs: self.output.channels,
            input: sides(self.input),
            window: self.kernel,
            output: sides(self.output),
            stride: self.stride,
            dilation: 1,
            padding: self.padding,
            processor: self.processor,
        }
    }

    fn maps(&self, shape: Shape) -> u64 {
        VALUE * (self.batch * shape.values()) as u64
    }
}

fn sides(shape: Shape) -> [usize; 2] {
    [shape.height, shape.width]
}

#[cfg(test)]
mod tests {
    use super::super::processor::VectorInstructions;
    use super::super::processor::VectorInstructions::{Avx2, Avx512};
    use super::*;

    /// A convolution whose padding keeps the sides at stride 1.
    fn convolution(
        batch: usize,
        channels: [usize; 2],
        kernel: usize,
        side: usize,
        stride: usize,
        processor: Processor,
    ) -> ConvolutionMemory {
        ConvolutionMemory {
            batch,
            input: Shape::square(channels[0], side),
            output: Shape::square(channels[1], side.div_ceil(stride)),
            kernel: [kernel; 2],
            stride,
            padding: [kernel / 2; 2],
            processor,
        }
    }

    /// Threads, images, channels before and after, window, side, stride; then bytes, forward, of the input's gradient
    /// from a whole tensor and from a view, and of the weights' gradient.
    type Counted = (usize, usize, [usize; 2], usize, usize, usize, [u64; 4]);

    fn check(counted: &[Counted], instructions: VectorInstructions) {
        for &(threads, batch, channels, kernel, side, stride, counted) in counted {
            let processor = Processor { instructions, threads };
            let convolution = convolution(batch, channels, kernel, side, stride, processor);
            let ruled = [
                convolution.forward(),
                convolution.input_gradient(false),
                convolution.input_gradient(true),
                convolution.weight_gradient(),
            ];
            for (ruled, counted) in ruled.into_iter().zip(counted) {
                let error = ruled.abs_diff(counted) as f64 / counted as f64;
                assert!(
                    error < 0.02,
                    "{threads} {batch} {channels:?} {kernel} {side} {stride}: {ruled} for {counted}"
                );
            }
        }
    }

    /// Bytes that libtorch 2.9.0 was counted to ask for on a processor with AVX-512.
    #[test]
    #[rustfmt::skip]
    fn the_rules_of_avx512_give_what_was_counted() {
        check(&[
            (2, 16, [1, 32], 1, 16, 1, [1_048_576, 788_480, 1_312_768, 1_065_088]),
            (2, 64, [64, 16], 3, 16, 2, [4_493_312, 12_582_912, 12_845_056, 8_978_432]),
            (2, 1, [1, 48], 7, 12, 2, [16_320, 219_632, 219_632, 24_576]),
            (2, 5, [281, 48], 1, 12, 1, [1_022_976, 1_638_720, 1_776_960, 2_409_072]),
            (2, 64, [48, 12], 1, 3, 2, [130_048, 331_776, 344_064, 252_928]),
            (2, 5, [48, 16], 1, 16, 2, [294_016, 737_280, 757_760, 299_008]),
            (2, 20, [3, 16], 1, 1, 1, [3_584, 3_584, 4_864, 4_144]),
            (2, 1, [38, 160], 1, 6, 1, [23_040, 10_944, 10_944, 401_456]),
            (2, 5, [48, 48], 3, 1, 1, [84_864, 84_864, 85_824, 167_808]),
            (2, 1, [7, 64], 3, 20, 1, [203_200, 164_864, 164_864, 118_528]),
            (2, 1, [64, 24], 3, 1, 1, [2_400, 2_560, 2_560, 110_592]),
            (2, 1, [24, 16], 1, 56, 1, [604_160, 702_464, 702_464, 3_221_296]),
            (2, 1, [48, 16], 3, 32, 1, [289_792, 1_966_080, 1_966_080, 93_184]),
            (2, 1, [3, 16], 7, 33, 2, [36_992, 212_988, 212_988, 27_904]),
            (2, 1, [245, 15], 1, 32, 1, [1_130_496, 2_007_040, 2_007_040, 1_071_772]),
            (2, 1, [128, 128], 3, 17, 1, [885_760, 885_760, 885_760, 1_179_648]),
            (2, 1, [94, 12], 1, 1, 1, [48, 752, 752, 13_056]),
            (2, 16, [3, 24], 7, 96, 2, [8_257_536, 5_936_816, 9_475_760, 10_635_264]),
            (2, 3, [1, 12], 1, 4, 2, [5_504, 63_152, 63_728, 960]),
            (2, 32, [32, 128], 1, 14, 1, [6_422_528, 4_030_464, 7_241_728, 8_069_552]),
            (2, 1, [16, 128], 1, 20, 1, [204_800, 238_592, 238_592, 3_293_488]),
            (2, 7, [3, 64], 1, 13, 1, [605_696, 382_656, 685_504, 1_378_840]),
            (1, 16, [16, 141], 1, 14, 1, [3_575_040, 2_016_256, 3_784_960, 4_591_960]),
            (1, 5, [32, 20], 1, 64, 2, [3_412_096, 7_864_320, 8_273_920, 3_702_784]),
            (1, 2, [128, 64], 1, 16, 1, [131_072, 524_288, 655_360, 1_741_080]),
            (1, 1, [128, 24], 1, 7, 1, [4_704, 50_176, 50_176, 117_016]),
            (1, 7, [128, 23], 1, 2, 1, [2_576, 28_672, 31_248, 45_072]),
            (1, 1, [292, 7], 1, 17, 2, [376_064, 432_160, 432_160, 26_864]),
            (1, 20, [47, 10], 1, 1, 1, [8_192, 8_192, 8_992, 15_632]),
        ], Avx512);
    }

    /// The same on a processor with AVX2 alone, and in the end on one that was held to AVX2.
    #[test]
    #[rustfmt::skip]
    fn the_rules_of_avx2_give_what_was_counted() {
        check(&[
            (2, 1, [96, 24], 3, 8, 1, [227_328, 245_760, 245_760, 165_888]),
            (2, 1, [48, 12], 3, 32, 1, [289_792, 1_966_080, 1_966_080, 93_184]),
            (2, 1, [3, 16], 3, 32, 1, [176_128, 122_880, 122_880, 67_264]),
            (2, 1, [60, 48], 1, 32, 1, [471_040, 507_904, 507_904, 208_128]),
            (2, 3, [20, 24], 3, 13, 1, [118_080, 118_080, 166_752, 155_184]),
            (2, 7, [48, 12], 3, 16, 1, [486_400, 688_128, 774_144, 572_416]),
            (2, 8, [204, 48], 1, 32, 1, [8_428_544, 13_500_416, 15_073_280, 16_554_240]),
            (2, 8, [3, 16], 3, 32, 1, [1_048_576, 791_040, 1_315_328, 1_246_912]),
            (2, 8, [48, 12], 3, 32, 1, [2_124_800, 3_145_728, 3_538_944, 4_090_880]),
            (2, 17, [204, 48], 1, 32, 1, [17_865_728, 28_688_384, 32_030_720, 42_359_040]),
            (2, 20, [48, 12], 3, 32, 1, [5_270_528, 7_864_320, 8_847_360, 11_234_304]),
            (2, 64, [216, 108], 1, 16, 1, [21_592_576, 28_311_552, 35_389_440, 42_826_240]),
            (2, 8, [100, 96], 1, 8, 1, [449_536, 449_536, 646_144, 841_216]),
            (2, 128, [40, 40], 1, 8, 1, [2_627_840, 2_627_840, 3_938_560, 5_249_280]),
            (2, 128, [96, 24], 3, 8, 1, [4_015_104, 6_291_456, 7_077_888, 7_947_264]),
            (2, 8, [40, 8], 3, 8, 1, [109_824, 163_840, 180_224, 208_128]),
            (2, 32, [30, 48], 1, 4, 1, [196_608, 169_984, 268_288, 325_248]),
            (2, 16, [6, 4], 1, 10, 1, [102_656, 102_656, 128_256, 153_792]),
            (2, 32, [64, 48], 3, 1, 1, [124_928, 124_928, 131_072, 235_520]),
            (2, 8, [16, 32], 3, 32, 2, [804_864, 1_572_864, 1_835_008, 1_605_632]),
            (2, 16, [256, 512], 1, 14, 2, [5_441_664, 9_633_792, 11_239_424, 11_730_944]),
            (2, 1, [64, 128], 3, 14, 2, [137_984, 163_072, 163_072, 1_048_576]),
            (2, 100, [48, 16], 1, 12, 1, [3_689_472, 5_529_600, 6_451_200, 7_523_328]),
            (2, 1, [1, 64], 7, 28, 2, [100_352, 346_352, 346_352, 66_560]),
            (2, 12, [3, 24], 7, 33, 2, [665_856, 691_392, 1_024_320, 1_156_848]),
            (2, 17, [16, 32], 1, 8, 2, [108_672, 208_896, 243_712, 260_096]),
            (2, 1, [24, 16], 1, 56, 1, [503_296, 602_112, 602_112, 202_240]),
            (2, 1, [245, 15], 1, 32, 1, [1_097_216, 2_007_040, 2_007_040, 81_216]),
            (2, 64, [3, 8], 7, 4, 2, [16_384, 94_640, 102_832, 157_824]),
            (2, 8, [1, 12], 3, 3, 1, [8_064, 11_520, 14_976, 6_480]),
            (1, 5, [32, 20], 1, 64, 2, [3_247_232, 7_864_320, 8_273_920, 3_534_848]),
            (1, 5, [3, 24], 1, 10, 1, [48_000, 12_000, 60_000, 102_288]),
            (1, 1, [142, 66], 3, 33, 1, [1_314_144, 1_314_144, 1_314_144, 705_456]),
            (1, 3, [3, 32], 7, 4, 2, [4_016, 89_304, 90_840, 51_264]),
        ], Avx2);
    }

    #[test]
    fn a_larger_batch_never_needs_less() {
        let convolutions = [([48, 12], 3, 8), ([204, 48], 1, 32), ([30, 48], 1, 4), ([3, 16], 3, 8)];
        for ((channels, kernel, side), instructions) in
            convolutions.into_iter().flat_map(|of| [(of, Avx2), (of, Avx512)])
        {
            for (stride, threads) in [(1, 1), (1, 2), (2, 2)] {
                let needs = |batch| {
                    let processor = Processor { instructions, threads };
                    let convolution = convolution(batch, channels, kernel, side, stride, processor);
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
                        "{channels:?} at {batch} with {instructions:?}: {smaller:?} {larger:?}"
                    );
                }
            }
        }
    }
}
