//! A stage in f64, step by step as the network is defined, with its gradients.

use crate::kernels::{Exit, StageShape};

pub(super) fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// A dense array of images in f64, channels last.
#[derive(Clone)]
struct Maps {
    images: usize,
    height: usize,
    width: usize,
    channels: usize,
    values: Vec<f64>,
}

impl Maps {
    fn zeros(&self, channels: usize) -> Self {
        let values = vec![0.0; self.values.len() / self.channels * channels];
        Self {
            channels,
            values,
            ..*self
        }
    }

    /// Index of a channel of a neighbour of a pixel, if it is in the image.
    fn neighbour(&self, pixel: usize, tap: usize, kernel: usize, channel: usize) -> Option<usize> {
        let (x, y) = (pixel % self.width, pixel / self.width % self.height);
        let reach = kernel / 2;
        let (nx, ny) = (
            (x + tap % kernel).checked_sub(reach)?,
            (y + tap / kernel).checked_sub(reach)?,
        );
        let image = pixel / self.width / self.height;
        (nx < self.width && ny < self.height)
            .then(|| ((image * self.height + ny) * self.width + nx) * self.channels + channel)
    }

    fn pixels(&self) -> usize {
        self.images * self.height * self.width
    }
}

/// A convolution's forward pass and its gradients of input and weights.
fn convolve(input: &Maps, weights: &[f64], outputs: usize, kernel: usize) -> Maps {
    let mut output = input.zeros(outputs);
    visit(input, outputs, kernel, |pixel, o, weight, at| {
        output.values[pixel * outputs + o] += weights[weight] * input.values[at];
    });
    output
}

fn convolve_back(input: &Maps, weights: &[f64], gradient: &Maps, kernel: usize) -> (Maps, Vec<f64>) {
    let mut by_input = input.zeros(input.channels);
    let mut by_weights = vec![0.0; weights.len()];
    visit(input, gradient.channels, kernel, |pixel, o, weight, at| {
        let value = gradient.values[pixel * gradient.channels + o];
        by_input.values[at] += weights[weight] * value;
        by_weights[weight] += input.values[at] * value;
    });
    (by_input, by_weights)
}

fn visit(input: &Maps, outputs: usize, kernel: usize, mut each: impl FnMut(usize, usize, usize, usize)) {
    for pixel in 0..input.pixels() {
        for o in 0..outputs {
            for i in 0..input.channels {
                for tap in 0..kernel * kernel {
                    if let Some(at) = input.neighbour(pixel, tap, kernel, i) {
                        each(pixel, o, (o * input.channels + i) * kernel * kernel + tap, at);
                    }
                }
            }
        }
    }
}

/// Normalisation and ReLU; the inputs of the backward pass; mean and variance.
struct Normed {
    input: Maps,
    output: Maps,
    gamma: Vec<f64>,
    normal: Vec<f64>,
    inverse: Vec<f64>,
    statistics: [Vec<f64>; 2],
    relu: bool,
    fixed: bool,
    /// The least distance of a ReLU's input from 0; infinite without a ReLU.
    nearest_bend: f64,
}

fn normalise(input: &Maps, gamma: &[f64], beta: &[f64], relu: bool, running: Option<&[Vec<f64>; 2]>) -> Normed {
    let (channels, pixels) = (input.channels, input.pixels() as f64);
    let column = |channel: usize| input.values.iter().skip(channel).step_by(channels);
    let mean: Vec<f64> = (0..channels).map(|c| column(c).sum::<f64>() / pixels).collect();
    let variance = (0..channels).map(|c| column(c).map(|value| (value - mean[c]).powi(2)).sum::<f64>() / pixels);
    let statistics = running.cloned().unwrap_or_else(|| [mean.clone(), variance.collect()]);
    let inverse: Vec<f64> = statistics[1]
        .iter()
        .map(|variance| 1.0 / (variance + 1e-5).sqrt())
        .collect();
    let mut output = input.clone();
    let mut normal = input.values.clone();
    let mut nearest_bend = f64::INFINITY;
    for (index, value) in output.values.iter_mut().enumerate() {
        let c = index % channels;
        normal[index] = (*value - statistics[0][c]) * inverse[c];
        *value = normal[index] * gamma[c] + beta[c];
        if relu {
            nearest_bend = nearest_bend.min(value.abs());
            *value = value.max(0.0);
        }
    }
    let (input, gamma, fixed) = (input.clone(), gamma.to_vec(), running.is_some());
    Normed {
        input,
        output,
        gamma,
        normal,
        inverse,
        statistics,
        relu,
        fixed,
        nearest_bend,
    }
}

/// Gradients of input, gamma and beta.
fn normalise_back(normed: &Normed, gradient: &Maps) -> (Maps, Vec<f64>, Vec<f64>) {
    assert!(!normed.fixed);
    let channels = normed.input.channels;
    let pixels = normed.input.pixels() as f64;
    let mut through = gradient.clone();
    for (value, output) in through.values.iter_mut().zip(&normed.output.values) {
        if normed.relu && *output <= 0.0 {
            *value = 0.0;
        }
    }
    let (mut gamma, mut beta) = (vec![0.0; channels], vec![0.0; channels]);
    for (index, value) in through.values.iter().enumerate() {
        gamma[index % channels] += value * normed.normal[index];
        beta[index % channels] += value;
    }
    for (index, value) in through.values.iter_mut().enumerate() {
        let c = index % channels;
        let rest = *value - beta[c] / pixels - normed.normal[index] * gamma[c] / pixels;
        *value = normed.gamma[c] * normed.inverse[c] * rest;
    }
    (through, gamma, beta)
}

fn concatenate(first: &Maps, second: &Maps) -> Maps {
    let mut output = first.zeros(first.channels + second.channels);
    let rows = first
        .values
        .chunks(first.channels)
        .zip(second.values.chunks(second.channels));
    output.values = rows
        .flat_map(|(first, second)| first.iter().chain(second).copied())
        .collect();
    output
}

fn split(maps: &Maps, channels: usize) -> (Maps, Maps) {
    let (mut first, mut second) = (maps.zeros(channels), maps.zeros(maps.channels - channels));
    first.values = maps
        .values
        .chunks(maps.channels)
        .flat_map(|row| &row[..channels])
        .copied()
        .collect();
    second.values = maps
        .values
        .chunks(maps.channels)
        .flat_map(|row| &row[channels..])
        .copied()
        .collect();
    (first, second)
}

fn add(to: &mut Maps, other: &Maps) {
    to.values
        .iter_mut()
        .zip(&other.values)
        .for_each(|(to, other)| *to += other);
}

/// A mean over 2x2 pixels.
fn pool(input: &Maps) -> Maps {
    let mut output = Maps {
        height: input.height / 2,
        width: input.width / 2,
        values: Vec::new(),
        ..*input
    };
    let mut values = vec![0.0; output.pixels() * output.channels];
    spread(input, &output, |from, to| values[to] += input.values[from] / 4.0);
    output.values = values;
    output
}

fn pool_back(input: &Maps, gradient: &Maps) -> Maps {
    let mut output = input.zeros(input.channels);
    spread(input, gradient, |from, to| {
        output.values[from] += gradient.values[to] / 4.0
    });
    output
}

fn spread(large: &Maps, small: &Maps, mut each: impl FnMut(usize, usize)) {
    let channels = large.channels;
    for image in 0..large.images {
        for y in 0..small.height * 2 {
            for x in 0..small.width * 2 {
                for c in 0..channels {
                    let from = ((image * large.height + y) * large.width + x) * channels + c;
                    let to = ((image * small.height + y / 2) * small.width + x / 2) * channels + c;
                    each(from, to);
                }
            }
        }
    }
}

pub(super) struct Expected {
    pub(super) output: Vec<f64>,
    pub(super) statistics: Vec<[Vec<f64>; 2]>,
    pub(super) input: Vec<f64>,
    pub(super) parameters: Vec<Vec<f64>>,
    /// The least distance of a ReLU's input from 0: where it is less than what rounding makes of that input, f32 cannot
    /// know the gradients.
    pub(super) nearest_bend: f64,
}

/// Everything that a stage gives, as the network's definition says, in f64; with running statistics no gradients.
pub(super) fn reference(
    shape: &StageShape,
    input: &[f32],
    parameters: &[Vec<f32>],
    output_gradient: &[f32],
    running: Option<&[[Vec<f32>; 2]]>,
) -> Expected {
    let parameters: Vec<Vec<f64>> = parameters.iter().map(|values| widen(values)).collect();
    let running: Option<Vec<[Vec<f64>; 2]>> = running.map(|all| {
        all.iter()
            .map(|[mean, variance]| [widen(mean), widen(variance)])
            .collect()
    });
    let mut next = parameters.iter();
    let mut take = || next.next().unwrap();
    let mut count = 0;
    let mut norm = |input: &Maps, gamma: &[f64], beta: &[f64], relu| {
        let running = running.as_ref().map(|all| &all[count]);
        count += 1;
        normalise(input, gamma, beta, relu, running)
    };
    let mut maps = Maps {
        images: shape.images,
        height: shape.height,
        width: shape.width,
        channels: shape.input_channels,
        values: widen(input),
    };
    struct Step<'a> {
        norm1: Normed,
        conv1: &'a [f64],
        rest: Option<(Normed, &'a [f64])>,
    }
    let mut steps = Vec::new();
    for _ in 0..shape.layers {
        let norm1 = norm(&maps, take(), take(), true);
        let conv1 = take();
        let (new, rest) = match shape.bottleneck {
            Some(width) => {
                let inner = convolve(&norm1.output, conv1, width, 1);
                let norm2 = norm(&inner, take(), take(), true);
                let conv2 = take();
                (
                    convolve(&norm2.output, conv2, shape.growth_rate, 3),
                    Some((norm2, &conv2[..])),
                )
            }
            None => (convolve(&norm1.output, conv1, shape.growth_rate, 3), None),
        };
        maps = concatenate(&maps, &new);
        steps.push(Step { norm1, conv1, rest });
    }
    let (Exit::Transition { relu, .. } | Exit::Head { relu }) = shape.exit;
    let exit = norm(&maps, take(), take(), relu);
    let norms = || {
        let of_steps = steps
            .iter()
            .flat_map(|step| std::iter::once(&step.norm1).chain(step.rest.as_ref().map(|(norm, _)| norm)));
        of_steps.chain([&exit])
    };
    let statistics = norms().map(|norm| norm.statistics.clone()).collect();
    let nearest_bend = norms().fold(f64::INFINITY, |nearest, norm| nearest.min(norm.nearest_bend));
    let fixed = exit.fixed;
    let expected = |output, input, parameters| Expected {
        output,
        statistics,
        input,
        parameters,
        nearest_bend,
    };

    let mut gradients = Vec::new();
    let (output, mut gradient) = match shape.exit {
        Exit::Transition { channels, .. } => {
            // The paper's order: the convolution, then the mean.
            let weights = take();
            let convolved = convolve(&exit.output, weights, channels, 1);
            let output = pool(&convolved);
            let gradient = Maps {
                values: widen(output_gradient),
                ..output.clone()
            };
            let (gradient, by_weights) = convolve_back(&exit.output, weights, &pool_back(&convolved, &gradient), 1);
            gradients.push(by_weights);
            (output.values, gradient)
        }
        Exit::Head { .. } => {
            let pixels = shape.height * shape.width;
            let mut output = vec![0.0; shape.images * maps.channels];
            let mut gradient = exit.output.clone();
            for (index, value) in exit.output.values.iter().enumerate() {
                let at = index / maps.channels / pixels * maps.channels + index % maps.channels;
                output[at] += value / pixels as f64;
                gradient.values[index] = f64::from(output_gradient[at]) / pixels as f64;
            }
            (output, gradient)
        }
    };
    if fixed {
        return expected(output, Vec::new(), Vec::new());
    }
    let (next, gamma, beta) = normalise_back(&exit, &gradient);
    gradient = next;
    gradients.extend([beta, gamma]);
    for step in steps.iter().rev() {
        let (mut below, own) = split(&gradient, step.norm1.input.channels);
        let by_active = match &step.rest {
            Some((norm2, conv2)) => {
                let (active, by_conv2) = convolve_back(&norm2.output, conv2, &own, 3);
                let (inner, gamma, beta) = normalise_back(norm2, &active);
                let (active, by_conv1) = convolve_back(&step.norm1.output, step.conv1, &inner, 1);
                gradients.extend([by_conv2, beta, gamma, by_conv1]);
                active
            }
            None => {
                let (active, by_conv1) = convolve_back(&step.norm1.output, step.conv1, &own, 3);
                gradients.push(by_conv1);
                active
            }
        };
        let (by_input, gamma, beta) = normalise_back(&step.norm1, &by_active);
        gradients.extend([beta, gamma]);
        add(&mut below, &by_input);
        gradient = below;
    }
    gradients.reverse();
    expected(output, gradient.values, gradients)
}
