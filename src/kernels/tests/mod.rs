//! Stages against a plain computation in f64 with gradients by hand, for every processor's instructions.

mod bits;
mod reference;
#[macro_use]
#[path = "../../../tests/skipped/mod.rs"]
mod skipped;

use self::reference::{Expected, reference};
use super::*;

struct Heap;

impl Memory for Heap {
    type Values = Vec<f32>;

    /// NaNs: a read before the first write shows.
    fn values(&self, count: usize) -> Vec<f32> {
        vec![f32::NAN; count]
    }
}

/// Pseudo-random numbers, the same in every run.
pub(in crate::kernels) struct Numbers(pub(in crate::kernels) u64);

impl Numbers {
    /// Uniform in -1..1.
    pub(in crate::kernels) fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1u64 << 23) as f64 - 1.0
    }

    pub(in crate::kernels) fn values(&mut self, count: usize, scale: f64, offset: f64) -> Vec<f32> {
        (0..count).map(|_| (self.next() * scale + offset) as f32).collect()
    }
}

/// Mean and variance of each normalisation.
type Statistics = Vec<[Vec<f32>; 2]>;

struct Case {
    shape: StageShape,
    input: Vec<f32>,
    parameters: Vec<Vec<f32>>,
    output_gradient: Vec<f32>,
    running: Vec<[Vec<f32>; 2]>,
}

impl Case {
    fn new(shape: StageShape, seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        let input = numbers.values(shape.pixels() * shape.input_channels, 2.0, 0.5);
        let sizes = shape.parameter_sizes();
        let norms = if shape.bottleneck.is_some() { 6 } else { 3 };
        let parameters = sizes.iter().enumerate().map(|(index, &size)| {
            // Normalisations come in pairs of weight and bias before each convolution.
            match index % norms % 3 {
                0 => numbers.values(size, 0.5, 1.0),
                1 => numbers.values(size, 0.5, 0.1),
                _ => numbers.values(size, 0.4, 0.0),
            }
        });
        let parameters = parameters.collect();
        let output_gradient = numbers.values(shape.output_values(), 1.0, 0.0);
        let running = shape.norm_channels().into_iter();
        let running = running
            .map(|size| [numbers.values(size, 0.3, 0.0), numbers.values(size, 0.4, 0.9)])
            .collect();
        Self {
            shape,
            input,
            parameters,
            output_gradient,
            running,
        }
    }

    fn parameters(&self) -> Vec<&[f32]> {
        self.parameters.iter().map(|values| &values[..]).collect()
    }

    fn train(&self, processor: Processor) -> (Vec<f32>, Statistics, Gradients<Vec<f32>>) {
        let parameters = self.parameters();
        let Forward {
            output,
            statistics,
            saved,
        } = forward(&self.shape, processor, &Heap, &self.input, &parameters);
        let all = vec![true; parameters.len()];
        let gradients = self.backward(processor, saved, true, &all);
        let statistics = statistics
            .iter()
            .map(|pair| pair.each_ref().map(|values| values.to_vec()));
        (output, statistics.collect(), gradients)
    }

    fn backward(
        &self,
        processor: Processor,
        saved: Saved<Vec<f32>>,
        input: bool,
        parameters: &[bool],
    ) -> Gradients<Vec<f32>> {
        let wanted = Wanted { input, parameters };
        backward(
            &self.shape,
            processor,
            &Heap,
            &self.parameters(),
            saved,
            &self.output_gradient,
            wanted,
        )
    }
}

/// Differences are measured against the largest value of the array: rounding errors of sums scale with their terms.
#[track_caller]
fn assert_close(what: &str, found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1e-3f64, |largest, value| largest.max(value.abs()));
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let apart = (f64::from(found) - expected).abs() / largest;
        assert!(
            apart <= tolerance,
            "{what}[{index}]: {found}, expected {expected}: {apart:.1e} of {largest}"
        );
    }
}

/// Farther from 0 than rounding takes a normalised value, whatever the order of the sums.
const AWAY_FROM_BENDS: f64 = 3e-6;

/// Numbers with which no ReLU's input is so near 0 that rounding decides its sign, so that f32 knows the gradients on
/// every processor; and what they give.
fn known(shape: StageShape, seed: u64) -> (Case, Expected) {
    let tries = (0..50).map(|further| {
        let case = Case::new(shape, seed + 1000 * further);
        let expected = reference(&shape, &case.input, &case.parameters, &case.output_gradient, None);
        (case, expected)
    });
    let mut known = tries.filter(|(_, expected)| expected.nearest_bend > AWAY_FROM_BENDS);
    known.next().expect("numbers away from all bends")
}

fn check(shape: StageShape, seed: u64) {
    let (case, expected) = known(shape, seed);
    let evaluated = reference(
        &shape,
        &case.input,
        &case.parameters,
        &case.output_gradient,
        Some(&case.running),
    );
    for processor in Processor::available() {
        let what = |name: &str| format!("{processor:?} {shape:?}: {name}");
        let (output, statistics, gradients) = case.train(processor);
        assert_close(&what("output"), &output, &expected.output, 1e-5);
        assert_eq!(statistics.len(), expected.statistics.len());
        for (found, expected) in statistics.iter().zip(&expected.statistics) {
            assert_close(&what("mean"), &found[0], &expected[0], 1e-5);
            assert_close(&what("variance"), &found[1], &expected[1], 1e-5);
        }
        assert_close(
            &what("input gradient"),
            &gradients.input.unwrap(),
            &expected.input,
            1e-4,
        );
        assert_eq!(gradients.parameters.len(), expected.parameters.len());
        for (index, (found, expected)) in gradients.parameters.iter().zip(&expected.parameters).enumerate() {
            let found = found.as_ref().unwrap();
            assert_close(&what(&format!("gradient of parameter {index}")), found, expected, 1e-4);
        }
        let running: Vec<[&[f32]; 2]> = case
            .running
            .iter()
            .map(|[mean, variance]| [&mean[..], variance])
            .collect();
        let output = evaluate(&shape, processor, &Heap, &case.input, &case.parameters(), &running);
        assert_close(&what("output in evaluation"), &output, &evaluated.output, 1e-5);
    }
}

const BASE: StageShape = StageShape {
    images: 3,
    height: 6,
    width: 5,
    input_channels: 7,
    layers: 3,
    growth_rate: 5,
    bottleneck: Some(20),
    exit: Exit::Transition {
        channels: 9,
        relu: true,
    },
};

#[test]
fn instructions_that_the_processor_lacks_are_named() {
    let available = Processor::available();
    assert!(available.contains(&Processor::Portable));
    for processor in [Processor::Avx512, Processor::Avx2, Processor::Neon] {
        if !available.contains(&processor) {
            skipped!(&format!(
                "the kernels were not run with {processor:?}, which the processor lacks"
            ));
        }
    }
}

#[test]
fn a_stage_with_bottlenecks_matches_its_definition() {
    check(BASE, 1);
    check(
        StageShape {
            exit: Exit::Head { relu: true },
            ..BASE
        },
        2,
    );
    check(
        StageShape {
            growth_rate: 12,
            bottleneck: Some(48),
            input_channels: 24,
            ..BASE
        },
        3,
    );
}

#[test]
fn a_stage_without_bottlenecks_matches_its_definition() {
    check(
        StageShape {
            bottleneck: None,
            ..BASE
        },
        4,
    );
    check(
        StageShape {
            bottleneck: None,
            exit: Exit::Head { relu: true },
            growth_rate: 12,
            input_channels: 16,
            ..BASE
        },
        5,
    );
}

#[test]
fn an_exit_without_a_relu_passes_negative_values() {
    check(
        StageShape {
            exit: Exit::Transition {
                channels: 9,
                relu: false,
            },
            ..BASE
        },
        6,
    );
    check(
        StageShape {
            exit: Exit::Head { relu: false },
            ..BASE
        },
        7,
    );
}

#[test]
fn odd_and_tiny_images_match_the_definition() {
    for (height, width) in [(2, 2), (7, 7), (3, 8), (1, 9), (9, 1)] {
        let exit = if height > 1 && width > 1 {
            BASE.exit
        } else {
            Exit::Head { relu: true }
        };
        for bottleneck in [Some(8), None] {
            check(
                StageShape {
                    height,
                    width,
                    exit,
                    bottleneck,
                    growth_rate: 3,
                    ..BASE
                },
                (height * 10 + width) as u64,
            );
        }
    }
    check(
        StageShape {
            images: 1,
            height: 2,
            width: 2,
            growth_rate: 1,
            bottleneck: Some(4),
            ..BASE
        },
        8,
    );
    check(
        StageShape {
            images: 17,
            height: 2,
            width: 2,
            growth_rate: 16,
            bottleneck: Some(64),
            ..BASE
        },
        9,
    );
}

#[test]
fn images_larger_than_a_band_are_put_together_from_bands() {
    let shape = StageShape {
        images: 1,
        height: 40,
        width: 36,
        input_channels: 60,
        layers: 2,
        ..BASE
    };
    check(
        StageShape {
            bottleneck: None,
            ..shape
        },
        10,
    );
    check(
        StageShape {
            bottleneck: Some(100),
            ..shape
        },
        11,
    );
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let case = Case::new(
        StageShape {
            images: 40,
            height: 12,
            width: 12,
            growth_rate: 12,
            ..BASE
        },
        12,
    );
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (output, _, gradients) = case.train(Processor::detect());
            let all = output
                .into_iter()
                .chain(gradients.input.unwrap())
                .chain(gradients.parameters.iter().flatten().flat_map(|values| values.to_vec()));
            all.map(f32::to_bits).collect::<Vec<u32>>()
        })
    };
    let once = run(1);
    for threads in [1, 2, 3, 7] {
        assert!(run(threads) == once, "{threads} threads");
    }
}

#[test]
fn what_is_not_wanted_is_not_given_and_the_rest_keeps_its_bits() {
    for exit in [BASE.exit, Exit::Head { relu: true }] {
        for bottleneck in [Some(20), None] {
            let case = Case::new(
                StageShape {
                    exit,
                    bottleneck,
                    ..BASE
                },
                15,
            );
            for processor in Processor::available() {
                let (.., all) = case.train(processor);
                let count = all.parameters.len();
                let every_third = |rest: usize| (0..count).map(|index| index % 3 != rest).collect::<Vec<bool>>();
                let choices = [vec![false; count], every_third(0), every_third(1), every_third(2)];
                for (number, wanted) in choices.iter().enumerate() {
                    let parameters = case.parameters();
                    let saved = forward(&case.shape, processor, &Heap, &case.input, &parameters).saved;
                    let some = case.backward(processor, saved, number % 2 == 0, wanted);
                    assert_eq!(some.input.is_some(), number % 2 == 0);
                    assert!(
                        some.input.is_none() || some.input == all.input,
                        "{processor:?}: the input's"
                    );
                    for (index, (some, all)) in some.parameters.iter().zip(&all.parameters).enumerate() {
                        assert_eq!(some.is_some(), wanted[index], "{processor:?}: parameter {index}");
                        let kept = some.as_ref().is_none_or(|some| some[..] == all.as_ref().unwrap()[..]);
                        assert!(kept, "{processor:?}: parameter {index} has other bits");
                    }
                }
            }
        }
    }
}

#[test]
fn relu_propagates_nan() {
    for exit in [BASE.exit, Exit::Head { relu: true }] {
        let mut case = Case::new(StageShape { exit, ..BASE }, 13);
        case.input[3] = f32::NAN;
        for processor in Processor::available() {
            let (output, ..) = case.train(processor);
            let is_expected = |(index, value): (usize, &f32)| match exit {
                Exit::Transition { .. } => value.is_nan(),
                // The head's other channels of the input are what they were.
                Exit::Head { .. } => value.is_nan() == (index % 22 == 3 || index % 22 >= 7),
            };
            assert!(output.iter().enumerate().all(is_expected), "{processor:?} {exit:?}");
        }
    }
}

#[test]
fn a_large_mean_costs_no_precision() {
    let mut case = Case::new(StageShape { layers: 1, ..BASE }, 14);
    case.input.iter_mut().for_each(|value| *value += 300.0);
    let expected = reference(&case.shape, &case.input, &case.parameters, &case.output_gradient, None);
    for processor in Processor::available() {
        let (_, statistics, _) = case.train(processor);
        assert_close("mean", &statistics[0][0], &expected.statistics[0][0], 1e-7);
        assert_close("variance", &statistics[0][1], &expected.statistics[0][1], 1e-5);
    }
}
