//! Operations on single values, whose order does not matter, and the scaling of maps by a factor each.

use super::maps::Maps;
use crate::kernels::buffer::Buffer;
use crate::kernels::parallel::{self, Start, pieces};

/// sums += values.
pub fn add(sums: &mut [f32], values: &[f32]) {
    pieces(sums, |first, sums| {
        for (sum, value) in sums.iter_mut().zip(&values[first..]) {
            *sum += value;
        }
    });
}

/// max(0, x), in place. NaN stays NaN.
pub fn relu(values: &mut [f32]) {
    pieces(values, |_, values| {
        for value in values {
            *value = if *value < 0.0 { 0.0 } else { *value };
        }
    });
}

/// The gradient of ReLU's input from that of its output, in place, and the output.
pub fn relu_backward(gradient: &mut [f32], output: &[f32]) {
    pieces(gradient, |first, gradient| {
        for (gradient, output) in gradient.iter_mut().zip(&output[first..]) {
            *gradient = if *output > 0.0 { *gradient } else { 0.0 };
        }
    });
}

/// 1 / (1 + exp(-x)), in place.
pub fn sigmoid(values: &mut [f32]) {
    pieces(values, |_, values| {
        for value in values {
            *value = (1.0 / (1.0 + libm::exp(-f64::from(*value)))) as f32;
        }
    });
}

/// The gradient of the sigmoid's input from that of its output, in place, and the output.
pub fn sigmoid_backward(gradient: &mut [f32], output: &[f32]) {
    pieces(gradient, |first, gradient| {
        for (gradient, output) in gradient.iter_mut().zip(&output[first..]) {
            *gradient *= output * (1.0 - output);
        }
    });
}

/// Each map times its image's factor for it, all with padding; `factors` are maps of one pixel.
pub fn scale_maps(maps: Maps<'_>, factors: &[f32], output: &mut [f32]) {
    let size = maps.shape.image_pixels() * maps.stride;
    let parts = output.chunks_mut(size.max(1)).enumerate();
    parallel::map(maps.values.len(), Start::First, parts, |(image, output)| {
        let factors = &factors[image * maps.stride..][..maps.stride];
        let rows = maps.image(image).chunks_exact(maps.stride);
        for (row, to) in rows.zip(output.chunks_exact_mut(maps.stride)) {
            for ((to, value), factor) in to.iter_mut().zip(row).zip(factors) {
                *to = value * factor;
            }
        }
    });
}

/// Turns the gradient of scaled maps into that of the maps; gives that of the factors.
pub fn scale_maps_backward(maps: Maps<'_>, factors: &[f32], gradient: &mut [f32]) -> Buffer<f32> {
    let size = maps.shape.image_pixels() * maps.stride;
    let parts = gradient.chunks_mut(size.max(1)).enumerate();
    let found = parallel::map(maps.values.len(), Start::First, parts, |(image, gradient)| {
        let factors = &factors[image * maps.stride..][..maps.stride];
        let mut sums = vec![0.0f32; maps.stride];
        let rows = maps.image(image).chunks_exact(maps.stride);
        for (row, gradient) in rows.zip(gradient.chunks_exact_mut(maps.stride)) {
            for (((sum, gradient), value), factor) in sums.iter_mut().zip(gradient).zip(row).zip(factors) {
                *sum += *gradient * value;
                *gradient *= factor;
            }
        }
        sums
    });
    found.into_iter().flatten().collect()
}
