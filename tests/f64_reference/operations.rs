//! Every operation, forward and backward, as loops over `[batch, channels, height, width]`.

use densenet_bench::network::{EPSILON, Node, Operation, Shape};

use super::real::Real;

/// What a forward pass keeps for backward beside inputs and outputs.
pub enum Kept<T> {
    Nothing,
    /// Of a normalisation in training: the normalised input, and 1 / deviation of each channel.
    Normalised {
        values: Vec<T>,
        scales: Vec<T>,
    },
    /// Of a max pooling: where in the input each maximum and its runner-up stand, and by how much it leads.
    Maxima {
        places: Vec<[usize; 2]>,
        leads: Vec<f64>,
    },
}

/// The sides of a bend: of a ReLU open and closed, of a pooling the maximum and its runner-up.
#[derive(Clone, Copy, PartialEq)]
pub enum Side {
    First,
    Second,
}

/// The output, and what backward needs.
pub fn forward<T: Real>(
    node: &Node,
    tensors: &[Vec<T>],
    inputs: &[&[T]],
    batch: usize,
    training: bool,
) -> (Vec<T>, Kept<T>) {
    let input = inputs[0];
    let output = match node.operation {
        Operation::Convolution { .. } => {
            let mut output = vec![T::zero(); batch * node.output.values()];
            for_each_row(node, batch, |row| {
                let weight = tensors[0][row.weight];
                let sums = output[row.output..][..row.length].iter_mut();
                let add = |(sum, &value): (&mut T, &T)| *sum = *sum + weight * value;
                match row.stride {
                    1 => sums.zip(&input[row.input..]).for_each(add),
                    stride => sums.zip(input[row.input..].iter().step_by(stride)).for_each(add),
                }
            });
            output
        }
        Operation::BatchNorm if training => return batch_norm(node, tensors, input),
        Operation::BatchNorm => {
            let [weight, bias, mean, variance] = tensors else {
                panic!("{} has four tensors", node.name)
            };
            let normalised = |(channel, value): (usize, T)| {
                let scale = inverse_root(variance[channel]);
                (value - mean[channel]) * scale * weight[channel] + bias[channel]
            };
            with_channels(input, node.input).map(normalised).collect()
        }
        Operation::Relu => input
            .iter()
            .map(|&value| if value > T::zero() { value } else { T::zero() })
            .collect(),
        Operation::MaxPool { .. } => return max_pool(node, input, batch),
        Operation::AveragePool { kernel, .. } => {
            let mut output = vec![T::zero(); batch * node.output.values()];
            for_each_window(node, batch, |place, window| {
                output[place] = sum(window.iter().map(|&at| input[at])) / T::of((kernel * kernel) as f64);
            });
            output
        }
        Operation::Addition => input.iter().zip(inputs[1]).map(|(&a, &b)| a + b).collect(),
        Operation::ZeroChannels => {
            let (own, all) = (node.input.values(), node.output.values());
            let image = |values: &[T]| [values, &vec![T::zero(); all - own]].concat();
            input.chunks(own).flat_map(image).collect()
        }
        Operation::GlobalAveragePool => {
            let plane = node.input.height * node.input.width;
            let mean = |plane: &[T]| sum(plane.iter().copied()) / T::of(plane.len() as f64);
            input.chunks(plane).map(mean).collect()
        }
        Operation::Concatenation => (0..batch)
            .flat_map(|image| {
                let part = move |input: &&[T]| {
                    let length = input.len() / batch;
                    input[image * length..][..length].to_vec()
                };
                inputs.iter().flat_map(part)
            })
            .collect(),
        Operation::Linear => {
            let (features, classes) = (node.input.channels, node.output.channels);
            let logit = |image: usize, class: usize| {
                let pairs = input[image * features..][..features]
                    .iter()
                    .zip(&tensors[0][class * features..]);
                sum(pairs.map(|(&a, &b)| a * b)) + tensors[1][class]
            };
            (0..batch * classes)
                .map(|index| logit(index / classes, index % classes))
                .collect()
        }
        Operation::AdaptiveAveragePool | Operation::Flatten | Operation::Sigmoid | Operation::Scaling => {
            panic!("{} has no reference", node.name)
        }
        Operation::Dropout { .. } => panic!("{}: a draw has no reference", node.name),
        Operation::Images => panic!("the images are given"),
    };
    (output, Kept::Nothing)
}

/// The gradients of the inputs, and of the learned tensors, from that of the output.
pub fn backward<T: Real>(
    node: &Node,
    tensors: &[Vec<T>],
    inputs: &[&[T]],
    kept: &Kept<T>,
    gradient: &[T],
    batch: usize,
    near: Option<(&[bool], Side)>,
) -> (Vec<Vec<T>>, Vec<Vec<T>>) {
    let input = inputs[0];
    let mut of_input = vec![T::zero(); input.len()];
    match (node.operation, kept) {
        (Operation::Convolution { .. }, _) => {
            // One sum a column of the maps, so that no sum is long.
            let width = node.output.width;
            let mut sums = vec![T::zero(); tensors[0].len() * width];
            for_each_row(node, batch, |row| {
                let weight = tensors[0][row.weight];
                let gradient = &gradient[row.output..][..row.length];
                let sums = sums[row.weight * width..].iter_mut().zip(gradient);
                let of_input = of_input[row.input..].iter_mut();
                let add = |((sum, &gradient), (&value, of_value)): ((&mut T, &T), (&T, &mut T))| {
                    *sum = *sum + gradient * value;
                    *of_value = *of_value + gradient * weight;
                };
                let values = input[row.input..].iter().zip(of_input);
                match row.stride {
                    1 => sums.zip(values).for_each(add),
                    stride => sums.zip(values.step_by(stride)).for_each(add),
                }
            });
            let of_weights = sums.chunks(width).map(|sums| sum(sums.iter().copied())).collect();
            (vec![of_input], vec![of_weights])
        }
        (Operation::BatchNorm, Kept::Normalised { values, scales }) => {
            let channels = node.input.channels;
            let count = T::of((input.len() / channels) as f64);
            let (mut of_weight, mut of_bias) = (vec![T::zero(); channels], vec![T::zero(); channels]);
            for ((channel, gradient), &value) in with_channels(gradient, node.input).zip(values) {
                of_weight[channel] = of_weight[channel] + gradient * value;
                of_bias[channel] = of_bias[channel] + gradient;
            }
            let channels_of = with_channels(gradient, node.input);
            for ((of_input, (channel, gradient)), &value) in of_input.iter_mut().zip(channels_of).zip(values) {
                let centred = gradient - of_bias[channel] / count - value * (of_weight[channel] / count);
                *of_input = tensors[0][channel] * scales[channel] * centred;
            }
            (vec![of_input], vec![of_weight, of_bias])
        }
        (Operation::Relu, _) => {
            for (place, of_input) in of_input.iter_mut().enumerate() {
                let is_open = match near {
                    Some((near, side)) if near[place] => side == Side::First,
                    _ => input[place] > T::zero(),
                };
                if is_open {
                    *of_input = gradient[place];
                }
            }
            (vec![of_input], Vec::new())
        }
        (Operation::MaxPool { .. }, Kept::Maxima { places, .. }) => {
            for (window, places) in places.iter().enumerate() {
                let at = match near {
                    Some((near, Side::Second)) if near[window] => places[1],
                    _ => places[0],
                };
                of_input[at] = of_input[at] + gradient[window];
            }
            (vec![of_input], Vec::new())
        }
        (Operation::AveragePool { kernel, .. }, _) => {
            for_each_window(node, batch, |place, window| {
                for &at in window {
                    of_input[at] = of_input[at] + gradient[place] / T::of((kernel * kernel) as f64);
                }
            });
            (vec![of_input], Vec::new())
        }
        (Operation::Addition, _) => (vec![gradient.to_vec(); 2], Vec::new()),
        (Operation::ZeroChannels, _) => {
            let images = gradient.chunks(node.output.values());
            let own = images.flat_map(|image| image[..node.input.values()].to_vec());
            (vec![own.collect()], Vec::new())
        }
        (Operation::GlobalAveragePool, _) => {
            let plane = node.input.height * node.input.width;
            for (plane, &gradient) in of_input.chunks_mut(plane).zip(gradient) {
                let share = gradient / T::of(plane.len() as f64);
                plane.fill(share);
            }
            (vec![of_input], Vec::new())
        }
        (Operation::Concatenation, _) => {
            let mut parts: Vec<Vec<T>> = inputs.iter().map(|_| Vec::new()).collect();
            for mut image in gradient.chunks(gradient.len() / batch) {
                for (part, input) in parts.iter_mut().zip(inputs) {
                    let (own, rest) = image.split_at(input.len() / batch);
                    part.extend_from_slice(own);
                    image = rest;
                }
            }
            (parts, Vec::new())
        }
        (Operation::Linear, _) => {
            let (features, classes) = (node.input.channels, node.output.channels);
            let (mut of_weight, mut of_bias) = (vec![T::zero(); features * classes], vec![T::zero(); classes]);
            for (index, &gradient) in gradient.iter().enumerate() {
                let (image, class) = (index / classes, index % classes);
                of_bias[class] = of_bias[class] + gradient;
                for feature in 0..features {
                    let (at, weight) = (image * features + feature, class * features + feature);
                    of_weight[weight] = of_weight[weight] + gradient * input[at];
                    of_input[at] = of_input[at] + gradient * tensors[0][weight];
                }
            }
            (vec![of_input], vec![of_weight, of_bias])
        }
        _ => panic!("{} has no gradient", node.name),
    }
}

/// The mean loss of a batch, and its gradient by the logits.
pub fn cross_entropy<T: Real>(logits: &[T], labels: &[i64], classes: usize) -> (T, Vec<T>) {
    let count = T::of(labels.len() as f64);
    let (mut loss, mut gradient) = (T::zero(), Vec::with_capacity(logits.len()));
    for (logits, &label) in logits.chunks(classes).zip(labels) {
        let largest = logits.iter().fold(logits[0], |a, &b| if b > a { b } else { a });
        let powers: Vec<T> = logits
            .iter()
            .map(|&logit| T::of((logit - largest).wide().exp()))
            .collect();
        let all = sum(powers.iter().copied());
        loss = loss + (T::of(all.wide().ln()) - (logits[label as usize] - largest)) / count;
        for (class, &power) in powers.iter().enumerate() {
            let target = T::of(f64::from(u8::from(class as i64 == label)));
            gradient.push((power / all - target) / count);
        }
    }
    (loss, gradient)
}

fn batch_norm<T: Real>(node: &Node, tensors: &[Vec<T>], input: &[T]) -> (Vec<T>, Kept<T>) {
    let channels = node.input.channels;
    let count = T::of((input.len() / channels) as f64);
    let mean_of = |of: &dyn Fn(usize, T) -> T| {
        // A sum a row, so that no sum is long.
        let mut sums = vec![T::zero(); channels];
        for (row, values) in input.chunks(node.input.width).enumerate() {
            let channel = row / node.input.height % channels;
            sums[channel] = sums[channel] + sum(values.iter().map(|&value| of(channel, value)));
        }
        sums.into_iter().map(|sum| sum / count).collect::<Vec<T>>()
    };
    let means = mean_of(&|_, value| value);
    let variances = mean_of(&|channel, value| (value - means[channel]) * (value - means[channel]));
    let scales: Vec<T> = variances.into_iter().map(inverse_root).collect();
    let values: Vec<T> = with_channels(input, node.input)
        .map(|(channel, value)| (value - means[channel]) * scales[channel])
        .collect();
    let output = with_channels(&values, node.input)
        .map(|(channel, value)| value * tensors[0][channel] + tensors[1][channel])
        .collect();
    (output, Kept::Normalised { values, scales })
}

fn max_pool<T: Real>(node: &Node, input: &[T], batch: usize) -> (Vec<T>, Kept<T>) {
    let count = batch * node.output.values();
    let (mut output, mut places, mut leads) = (vec![T::zero(); count], vec![[0; 2]; count], vec![0.0; count]);
    for_each_window(node, batch, |place, window| {
        let mut falling = window.to_vec();
        // The first of equal ones stays in front.
        falling.sort_by(|&a, &b| input[b].partial_cmp(&input[a]).unwrap());
        let (first, second) = (falling[0], falling.get(1).copied());
        output[place] = input[first];
        places[place] = [first, second.unwrap_or(first)];
        leads[place] = match second {
            // Several zeros that a ReLU has left are not a bend: nothing gets through them.
            Some(second) if input[first] > T::zero() => (input[first] - input[second]).wide(),
            _ => f64::INFINITY,
        };
    });
    (output, Kept::Maxima { places, leads })
}

/// 1 / sqrt(variance + epsilon).
fn inverse_root<T: Real>(variance: T) -> T {
    T::of(1.0) / T::of((variance + T::of(EPSILON)).wide().sqrt())
}

fn sum<T: Real>(values: impl Iterator<Item = T>) -> T {
    values.fold(T::zero(), |sum, value| sum + value)
}

/// Every value with its channel.
fn with_channels<T: Real>(values: &[T], shape: Shape) -> impl Iterator<Item = (usize, T)> {
    let plane = shape.height * shape.width;
    let planes = values.chunks(plane).enumerate();
    planes.flat_map(move |(index, values)| values.iter().map(move |&value| (index % shape.channels, value)))
}

/// Where one weight of a convolution meets one row of the output: every `stride`th value of the input from `input` on.
struct Row {
    weight: usize,
    input: usize,
    output: usize,
    length: usize,
    stride: usize,
}

fn for_each_row(node: &Node, batch: usize, mut visit: impl FnMut(Row)) {
    let Operation::Convolution {
        kernel: [rows, columns],
        stride,
        padding: [above, before],
        bias: false,
    } = node.operation
    else {
        panic!("{} is not a convolution without bias", node.name)
    };
    let (from, to) = (node.input, node.output);
    for image in 0..batch {
        for (output, input) in (0..to.channels).flat_map(|output| (0..from.channels).map(move |input| (output, input)))
        {
            for (down, across) in (0..rows).flat_map(|down| (0..columns).map(move |across| (down, across))) {
                // Those outputs whose window has this weight within the maps.
                let first = before.saturating_sub(across).div_ceil(stride);
                let last = ((from.width + before).saturating_sub(across + 1) / stride + 1).min(to.width);
                if from.width + before < across + 1 || first >= last {
                    continue;
                }
                for y in 0..to.height {
                    let Some(row) = (y * stride + down).checked_sub(above).filter(|&row| row < from.height) else {
                        continue;
                    };
                    let input_row = ((image * from.channels + input) * from.height + row) * from.width;
                    visit(Row {
                        weight: ((output * from.channels + input) * rows + down) * columns + across,
                        input: input_row + first * stride + across - before,
                        output: ((image * to.channels + output) * to.height + y) * to.width + first,
                        length: last - first,
                        stride,
                    });
                }
            }
        }
    }
}

/// Every window of a pooling, as places in the input, with its place in the output.
fn for_each_window(node: &Node, batch: usize, mut visit: impl FnMut(usize, &[usize])) {
    let (side, stride, padding) = match node.operation {
        Operation::MaxPool {
            kernel,
            stride,
            padding,
            ..
        }
        | Operation::AveragePool {
            kernel,
            stride,
            padding,
        } => (kernel, stride, padding),
        _ => panic!("{} is not a pooling", node.name),
    };
    let (from, to) = (node.input, node.output);
    for plane in 0..batch * to.channels {
        for (y, x) in (0..to.height).flat_map(|y| (0..to.width).map(move |x| (y, x))) {
            let within = |start: usize, length: usize| {
                (start..start + side).filter_map(move |at| at.checked_sub(padding).filter(|&at| at < length))
            };
            let rows = within(stride * y, from.height);
            let window: Vec<usize> = rows
                .flat_map(|row| within(stride * x, from.width).map(move |column| (row, column)))
                .map(|(row, column)| (plane * from.height + row) * from.width + column)
                .collect();
            visit((plane * to.height + y) * to.width + x, &window);
        }
    }
}
