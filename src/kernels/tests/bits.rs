//! The bits of what a stage gives, with every processor's instructions and any number of threads.

use super::*;

/// The bits of all that a stage gives.
fn bits(found: &(Vec<f32>, Statistics, Gradients<Vec<f32>>)) -> Vec<Vec<u32>> {
    let (output, statistics, gradients) = found;
    let arrays = [&output[..], gradients.input.as_deref().unwrap()].into_iter();
    let arrays = arrays.chain(statistics.iter().flatten().map(|values| &values[..]));
    let arrays = arrays.chain(gradients.parameters.iter().map(|values| values.as_deref().unwrap()));
    arrays
        .map(|values| values.iter().map(|value| value.to_bits()).collect())
        .collect()
}

#[test]
fn a_stage_gives_the_same_bits_with_every_processors_instructions_and_any_number_of_threads() {
    let large = StageShape {
        images: 4,
        height: 32,
        width: 32,
        input_channels: 24,
        ..BASE
    };
    for shape in [
        BASE,
        StageShape {
            growth_rate: 12,
            bottleneck: Some(48),
            ..large
        },
        StageShape {
            growth_rate: 16,
            bottleneck: Some(64),
            exit: Exit::Head { relu: true },
            ..large
        },
        StageShape {
            growth_rate: 12,
            bottleneck: None,
            ..large
        },
    ] {
        let case = Case::new(shape, 3);
        let first = bits(&case.train(Processor::Portable));
        for processor in Processor::available() {
            for threads in 1..=3 {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let again = pool.install(|| bits(&case.train(processor)));
                assert!(again == first, "{processor:?}, {threads} threads, {shape:?}");
            }
        }
    }
}

#[test]
fn an_emulated_multiply_add_is_rounded_once() {
    let mut numbers = Numbers(1);
    let exponents = [-149, -140, -126, -100, -40, -24, -12, -1, 0, 1, 12, 24, 40, 100, 127];
    let mut draw = || {
        let exponent = exponents[((numbers.next() + 1.0) * 0.5 * exponents.len() as f64) as usize % exponents.len()];
        (numbers.next() * 2f64.powi(exponent)) as f32
    };
    for _ in 0..200_000 {
        let [a, b, c] = [draw(), draw(), draw()];
        // Near-cancelling sums and ties are where rounding twice shows.
        for c in [c, -(a * b), a * b, f32::EPSILON * a] {
            let (found, expected) = (tiles::multiply_add_once(a, b, c), a.mul_add(b, c));
            assert_eq!(found.to_bits(), expected.to_bits(), "{a:e} * {b:e} + {c:e}");
        }
    }
    let special = [
        0.0,
        -0.0,
        1.0,
        f32::MAX,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        f32::MIN_POSITIVE,
    ];
    for a in special {
        for b in special {
            for c in special {
                let (found, expected) = (tiles::multiply_add_once(a, b, c), a.mul_add(b, c));
                assert!(
                    found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan()),
                    "{a} {b} {c}"
                );
            }
        }
    }
}
