//! Single layers against their definitions in f64, and against themselves with other instructions and threads.

use super::*;
use crate::kernels::processor::Processor;
use crate::kernels::tests::Numbers;

/// Largest difference against the largest value.
#[track_caller]
fn assert_close(what: &str, found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1e-3f64, |largest, value| largest.max(value.abs()));
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let apart = (f64::from(found) - expected).abs() / largest;
        assert!(apart <= tolerance, "{what}[{index}]: {found}, expected {expected}");
    }
}

/// What a case gives with every set of instructions and one to three threads must be one thing, to the last bit.
fn same_bits(run: impl Fn(Processor) -> Vec<Vec<f32>> + Send + Sync) -> Vec<Vec<f32>> {
    let bits = |found: &[Vec<f32>]| -> Vec<Vec<u32>> {
        let bits = |values: &Vec<f32>| values.iter().map(|value| value.to_bits()).collect();
        found.iter().map(bits).collect()
    };
    let first = run(Processor::Portable);
    for processor in Processor::available() {
        for threads in 1..=3 {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let again = pool.install(|| run(processor));
            assert!(bits(&again) == bits(&first), "{processor:?}, {threads} threads");
        }
    }
    first
}

fn padded_of(shape: MapShape, values: &[f32]) -> Vec<f32> {
    let mut output = vec![f32::NAN; shape.values()];
    pad(shape, values, &mut output);
    output
}

fn unpadded_of(shape: MapShape, values: &[f32]) -> Vec<f32> {
    let mut output = vec![f32::NAN; shape.pixels() * shape.channels];
    unpad(shape, values, &mut output);
    output
}

/// Output, gradients of input, weight and bias of a convolution, by their definitions, without padding.
fn convolution_by_definition(convolution: &Convolution, [input, weight, bias, gradient]: [&[f32]; 4]) -> [Vec<f64>; 4] {
    let (shape, output) = (convolution.input, convolution.output());
    let Windows {
        kernel,
        stride,
        padding,
    } = convolution.windows;
    let mut found = [
        vec![0.0; output.pixels() * output.channels],
        vec![0.0; input.len()],
        vec![0.0; weight.len()],
        vec![0.0; bias.len()],
    ];
    for image in 0..shape.images {
        for (y, x) in (0..output.height).flat_map(|y| (0..output.width).map(move |x| (y, x))) {
            for o in 0..output.channels {
                let to = ((image * output.height + y) * output.width + x) * output.channels + o;
                let g = f64::from(gradient[to]);
                found[0][to] += f64::from(bias[o]);
                found[3][o] += g;
                for (ky, kx) in (0..kernel[0]).flat_map(|ky| (0..kernel[1]).map(move |kx| (ky, kx))) {
                    let row = (y * stride + ky)
                        .checked_sub(padding[0])
                        .filter(|&row| row < shape.height);
                    let column = (x * stride + kx).checked_sub(padding[1]).filter(|&x| x < shape.width);
                    let (Some(row), Some(column)) = (row, column) else {
                        continue;
                    };
                    for c in 0..shape.channels {
                        let from = ((image * shape.height + row) * shape.width + column) * shape.channels + c;
                        let w = convolution.place(o, c, [ky, kx]);
                        found[0][to] += f64::from(input[from]) * f64::from(weight[w]);
                        found[1][from] += g * f64::from(weight[w]);
                        found[2][w] += g * f64::from(input[from]);
                    }
                }
            }
        }
    }
    found
}

fn check_convolution(convolution: Convolution, seed: u64) {
    let mut numbers = Numbers(seed);
    let (shape, output) = (convolution.input, convolution.output());
    let [rows, columns] = convolution.windows.kernel;
    let input = numbers.values(shape.pixels() * shape.channels, 1.0, 0.2);
    let weight = numbers.values(shape.channels * convolution.outputs * rows * columns, 0.5, 0.0);
    let bias = numbers.values(convolution.outputs, 0.5, 0.0);
    let gradient = numbers.values(output.pixels() * output.channels, 1.0, 0.0);
    let padded = [padded_of(shape, &input), padded_of(output, &gradient)];
    let found = same_bits(|processor| {
        let gradient = Maps::padded(output, &padded[1]);
        let mut made = vec![f32::NAN; output.values()];
        convolution.forward(
            processor,
            Maps::unpadded(shape, &input),
            &weight,
            Some(&bias),
            &mut made,
        );
        let mut again = vec![f32::NAN; output.values()];
        convolution.forward(
            processor,
            Maps::padded(shape, &padded[0]),
            &weight,
            Some(&bias),
            &mut again,
        );
        assert_eq!(made, again, "padding of the input changes nothing");
        let mut of_input = vec![f32::NAN; shape.values()];
        convolution.input_gradient(processor, gradient, &weight, &mut of_input);
        let of_weight = convolution.weight_gradient(processor, Maps::unpadded(shape, &input), gradient);
        vec![
            unpadded_of(output, &made),
            unpadded_of(shape, &of_input),
            of_weight.to_vec(),
            channel_sums(processor, gradient).to_vec(),
        ]
    });
    let expected = convolution_by_definition(&convolution, [&input, &weight, &bias, &gradient]);
    for ((part, found), expected) in ["output", "input", "weight", "bias"].iter().zip(&found).zip(&expected) {
        assert_close(&format!("{convolution:?}: {part}"), found, expected, 1e-5);
    }
}

fn convolution(
    sizes: [usize; 4],
    outputs: usize,
    kernel: [usize; 2],
    stride: usize,
    padding: [usize; 2],
) -> Convolution {
    let [images, height, width, channels] = sizes;
    Convolution {
        input: MapShape {
            images,
            height,
            width,
            channels,
        },
        outputs,
        windows: Windows {
            kernel,
            stride,
            padding,
        },
        order: WeightOrder::OutputsFirst,
    }
}

#[test]
fn convolutions_match_their_definition_with_the_same_bits_everywhere() {
    check_convolution(convolution([3, 9, 8, 3], 16, [3, 3], 1, [1, 1]), 1);
    check_convolution(convolution([2, 23, 21, 3], 20, [7, 7], 2, [3, 3]), 2);
    check_convolution(convolution([5, 4, 5, 17], 33, [1, 1], 1, [0, 0]), 3);
    check_convolution(convolution([2, 9, 7, 5], 6, [1, 1], 2, [0, 0]), 4);
    check_convolution(convolution([2, 8, 9, 20], 70, [3, 3], 2, [1, 1]), 5);
    check_convolution(convolution([1, 6, 11, 4], 9, [1, 7], 1, [0, 3]), 6);
    check_convolution(convolution([70, 1, 1, 40], 10, [1, 1], 1, [0, 0]), 7);
    check_convolution(
        Convolution {
            order: WeightOrder::InputsFirst,
            ..convolution([7, 1, 1, 19], 5, [1, 1], 1, [0, 0])
        },
        8,
    );
    // Several units an image, and several series of sums.
    check_convolution(convolution([2, 70, 60, 8], 24, [3, 3], 1, [1, 1]), 9);
}

/// A normalisation with ReLU of random maps, its gradients by finite formulas in f64.
#[test]
fn normalisations_match_their_definition_with_the_same_bits_everywhere() {
    for (images, side, channels, relu, is_of_batch) in
        [(4, 5, 19, true, true), (40, 7, 32, false, true), (3, 6, 7, true, false)]
    {
        let shape = MapShape {
            images,
            height: side,
            width: side,
            channels,
        };
        let mut numbers = Numbers(11);
        let count = shape.pixels() * channels;
        let input = numbers.values(count, 2.0, 0.7);
        let gradient = numbers.values(count, 1.0, 0.0);
        let (gamma, beta) = (numbers.values(channels, 0.5, 1.0), numbers.values(channels, 0.5, 0.1));
        let (mean, variance) = (numbers.values(channels, 0.3, 0.0), numbers.values(channels, 0.4, 0.9));
        let padded = [padded_of(shape, &input), padded_of(shape, &gradient)];
        let found = same_bits(|processor| {
            let maps = Maps::padded(shape, &padded[0]);
            let affine = [&gamma[..], &beta[..]];
            let norm = match is_of_batch {
                true => Normalisation::of_batch(processor, maps, affine, relu, 1e-3),
                false => Normalisation::of_running([&mean, &variance], affine, relu, 1e-3),
            };
            let mut output = vec![f32::NAN; shape.values()];
            norm.forward(processor, maps, &mut output);
            let mut of_input = padded[1].clone();
            let [of_gamma, of_beta] = norm.backward(processor, maps, &mut of_input);
            let [mean, variance] = norm.statistics().map(|values| values.to_vec());
            let maps = [output, of_input].map(|values| unpadded_of(shape, &values));
            [maps.to_vec(), vec![of_gamma.to_vec(), of_beta.to_vec(), mean, variance]].concat()
        });
        let pixels = shape.pixels() as f64;
        let mut expected = vec![vec![0.0; count], vec![0.0; count]];
        expected.extend(vec![vec![0.0; channels]; 4]);
        for c in 0..channels {
            let of = |values: &[f32]| -> Vec<f64> { values[c..].iter().step_by(channels).map(|&x| x.into()).collect() };
            let (x, dy) = (of(&input), of(&gradient));
            let (mean, variance) = match is_of_batch {
                true => {
                    let mean = x.iter().sum::<f64>() / pixels;
                    (mean, x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / pixels)
                }
                false => (mean[c].into(), variance[c].into()),
            };
            let inverse = 1.0 / (variance + 1e-3).sqrt();
            let (gamma, beta) = (f64::from(gamma[c]), f64::from(beta[c]));
            let hat: Vec<f64> = x.iter().map(|x| (x - mean) * inverse).collect();
            let y: Vec<f64> = hat.iter().map(|hat| gamma * hat + beta).collect();
            let dy: Vec<f64> = dy
                .iter()
                .zip(&y)
                .map(|(dy, y)| if relu && *y <= 0.0 { 0.0 } else { *dy })
                .collect();
            let of_beta: f64 = dy.iter().sum();
            let of_gamma: f64 = dy.iter().zip(&hat).map(|(dy, hat)| dy * hat).sum();
            for pixel in 0..shape.pixels() {
                let by_statistics = match is_of_batch {
                    true => (of_beta + hat[pixel] * of_gamma) / pixels,
                    false => 0.0,
                };
                expected[0][pixel * channels + c] = if relu { y[pixel].max(0.0) } else { y[pixel] };
                expected[1][pixel * channels + c] = gamma * inverse * (dy[pixel] - by_statistics);
            }
            for (part, value) in expected[2..].iter_mut().zip([of_gamma, of_beta, mean, variance]) {
                part[c] = value;
            }
        }
        for (part, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_close(&format!("{shape:?}, part {part}"), found, expected, 1e-5);
        }
    }
}

/// The sum of output times a fixed gradient changes with the input as the input's gradient says: pooling is linear, or
/// piecewise so.
#[test]
fn poolings_and_their_gradients_agree_with_the_same_bits_everywhere() {
    let shape = |height, width| MapShape {
        images: 3,
        height,
        width,
        channels: 5,
    };
    let windows = |kernel, stride, padding| Windows {
        kernel: [kernel; 2],
        stride,
        padding: [padding; 2],
    };
    let input_shape = shape(9, 7);
    let mut numbers = Numbers(5);
    let input = padded_of(input_shape, &numbers.values(9 * 7 * 15, 1.0, 0.0));
    let direction = padded_of(input_shape, &numbers.values(9 * 7 * 15, 1.0, 0.0));
    type Pass<'a> = dyn Fn(Processor, &[f32], &[f32]) -> [Vec<f32>; 2] + Send + Sync + 'a;
    let average = |pool: AveragePool, output: MapShape| {
        move |processor: Processor, input: &[f32], gradient: &[f32]| {
            let mut made = [vec![f32::NAN; output.values()], vec![f32::NAN; input_shape.values()]];
            pool.forward(processor, Maps::padded(input_shape, input), &mut made[0]);
            pool.backward(processor, gradient, &mut made[1]);
            made
        }
    };
    let of_max = |output: MapShape, windows: Windows| {
        let pool = MaxPool {
            input: input_shape,
            output,
            windows,
        };
        move |processor: Processor, input: &[f32], gradient: &[f32]| {
            let mut made = [vec![f32::NAN; output.values()], vec![f32::NAN; input_shape.values()]];
            pool.forward(processor, Maps::padded(input_shape, input), &mut made[0]);
            pool.backward(processor, Maps::padded(input_shape, input), gradient, &mut made[1]);
            made
        }
    };
    let over = |output, windows| average(AveragePool::over(input_shape, output, windows), output);
    let to = |height, width| average(AveragePool::to(input_shape, height, width), shape(height, width));
    let cases: Vec<(MapShape, Box<Pass<'_>>)> = vec![
        (shape(4, 3), Box::new(over(shape(4, 3), windows(2, 2, 0)))),
        (shape(9, 7), Box::new(over(shape(9, 7), windows(3, 1, 1)))),
        (shape(1, 1), Box::new(to(1, 1))),
        (shape(4, 4), Box::new(to(4, 4))),
        (shape(5, 4), Box::new(of_max(shape(5, 4), windows(3, 2, 1)))),
        // A last window passes the end.
        (shape(5, 4), Box::new(of_max(shape(5, 4), windows(2, 2, 0)))),
    ];
    for (case, (output, pass)) in cases.iter().enumerate() {
        let gradient = padded_of(*output, &numbers.values(output.pixels() * 5, 1.0, 0.0));
        let found = same_bits(|processor| pass(processor, &input, &gradient).to_vec());
        let step = 1e-4;
        let objective = |sign: f64| -> f64 {
            let moved: Vec<f32> = input
                .iter()
                .zip(&direction)
                .map(|(&x, &d)| (f64::from(x) + sign * step * f64::from(d)) as f32)
                .collect();
            let [made, _] = pass(Processor::Portable, &moved, &gradient);
            let (made, gradient) = (unpadded_of(*output, &made), unpadded_of(*output, &gradient));
            made.iter()
                .zip(&gradient)
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum()
        };
        let slope = (objective(1.0) - objective(-1.0)) / (2.0 * step);
        let of_input = unpadded_of(input_shape, &found[1]);
        let expected: f64 = of_input
            .iter()
            .zip(unpadded_of(input_shape, &direction))
            .map(|(a, b)| f64::from(*a) * f64::from(b))
            .sum();
        assert!(
            (slope - expected).abs() < 2e-2 * expected.abs().max(1.0),
            "case {case}: {slope}, {expected}"
        );
    }
}

#[test]
fn average_pools_are_means() {
    let shape = MapShape {
        images: 2,
        height: 4,
        width: 6,
        channels: 3,
    };
    let input = Numbers(3).values(shape.pixels() * 3, 1.0, 0.0);
    let padded = padded_of(shape, &input);
    let output = MapShape {
        height: 1,
        width: 1,
        ..shape
    };
    let mut means = vec![f32::NAN; output.values()];
    AveragePool::to(shape, 1, 1).forward(Processor::detect(), Maps::padded(shape, &padded), &mut means);
    let expected = (0..2).flat_map(|image| {
        let input = &input;
        (0..3).map(move |channel| {
            let of_image = &input[image * 72..][..72];
            let values = of_image.iter().skip(channel).step_by(3).map(|&value| f64::from(value));
            values.sum::<f64>() / 24.0
        })
    });
    assert_close(
        "means",
        &unpadded_of(output, &means),
        &expected.collect::<Vec<_>>(),
        1e-6,
    );
}

#[test]
fn dropout_sets_its_share_to_zero_and_the_same_values_again() {
    for share in [0.2, 0.5] {
        let dropout = Dropout::new(share, 17);
        let mut values = vec![1.0; 200_001];
        dropout.apply(&mut values);
        let zeros = values.iter().filter(|value| **value == 0.0).count() as f64 / values.len() as f64;
        // Five standard deviations.
        assert!(
            (zeros - share).abs() < 5.0 * (share * (1.0 - share) / 200_001f64).sqrt(),
            "{zeros}"
        );
        let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        let mut again = vec![1.0; 200_001];
        dropout.apply(&mut again);
        assert_eq!(values, again);
        let mut other = vec![1.0; 200_001];
        Dropout::new(share, 18).apply(&mut other);
        assert_ne!(values, other);
    }
}

#[test]
fn a_loss_and_its_gradient_agree() {
    let logits = Numbers(9).values(4 * 5, 3.0, 0.0);
    for targets in [
        Targets {
            labels: vec![0, 4, 2, 2],
            mixed: None,
            smoothing: 0.0,
        },
        Targets {
            labels: vec![0, 4, 2, 2],
            mixed: Some((vec![1, 4, 0, 3], 0.3)),
            smoothing: 0.1,
        },
    ] {
        let (loss, gradient) = cross_entropy(&logits, 5, &targets);
        assert!(loss > 0.0);
        for index in 0..logits.len() {
            let at = |step: f32| {
                let mut moved = logits.clone();
                moved[index] += step;
                f64::from(cross_entropy(&moved, 5, &targets).0)
            };
            let slope = (at(0.01) - at(-0.01)) / 0.02;
            assert!((slope - f64::from(gradient[index])).abs() < 1e-4, "{index}");
        }
    }
    let equal = Targets {
        labels: vec![1],
        mixed: None,
        smoothing: 0.0,
    };
    let (loss, _) = cross_entropy(&[7.0; 4], 4, &equal);
    assert!((f64::from(loss) - 4f64.ln()).abs() < 1e-7);
}
