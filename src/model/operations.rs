//! The operations that a recomputing segment is made of, on any of Burn's backends.

use std::fmt::Debug;
use std::marker::PhantomData;

use burn::backend::{Backend, DType, Distribution, Shape, Slice, TensorMetadata, get_or_init_device_settings};
use burn::tensor::ops::ConvOptions;

use super::segment::Primitive;

/// Operations on tensors, with the backward passes that are computed by hand.
///
/// Maps are `[batch, channels, height, width]`. Arguments that are passed by value may be overwritten.
pub trait Operations: Debug + Send + Sync + 'static {
    /// A tensor.
    type Tensor: Send + 'static;
    /// Which values dropout has set to zero, a byte each.
    type Mask: Send + 'static;
    /// The places of a max pooling's maxima, a whole number for each value of its output.
    type Places: Send + 'static;

    /// Maps in the layout that the other operations work in.
    fn laid_out(maps: Self::Tensor) -> Self::Tensor;

    /// Maps `[channels, height, width]` of as many images as `like`, on its device, whose values are any: for operations
    /// that read the shape alone.
    fn unread(like: &Self::Tensor, shape: [usize; 3]) -> Self::Tensor;

    /// Another handle of the same values.
    fn share(tensor: &Self::Tensor) -> Self::Tensor;

    /// The same values, to be written into without changing those of other handles.
    fn copy(tensor: &Self::Tensor) -> Self::Tensor;

    /// The sum of two tensors of one shape.
    fn add(first: Self::Tensor, second: Self::Tensor) -> Self::Tensor;

    /// The channels of all maps, one after the other.
    fn concatenate(maps: &[Self::Tensor]) -> Self::Tensor;

    /// Channels `from` to `to` of maps, as a tensor of their own.
    fn channels(maps: &Self::Tensor, from: usize, to: usize) -> Self::Tensor;

    /// The maps' channels, and channels of zeros behind them up to `channels`.
    fn zero_channels(maps: &Self::Tensor, channels: usize) -> Self::Tensor;

    /// `maps` and, added to them, as many of the first channels of `wider`.
    fn add_first_channels(maps: Self::Tensor, wider: Self::Tensor) -> Self::Tensor;

    /// Batch normalisation with the batch's own statistics; `[gamma, beta]` are the scale and the shift.
    fn normalise(
        maps: &Self::Tensor,
        affine: [&Self::Tensor; 2],
        epsilon: f64,
    ) -> (Self::Tensor, BatchStatistics<Self::Tensor>);

    /// The same normalisation once more.
    fn normalise_again(
        maps: &Self::Tensor,
        affine: [&Self::Tensor; 2],
        statistics: &BatchStatistics<Self::Tensor>,
    ) -> Self::Tensor;

    /// Gradients of a normalisation's input, scale and shift, those of them that are wanted, from that of its output.
    fn normalise_backward(
        gradient: Self::Tensor,
        maps: &Self::Tensor,
        gamma: &Self::Tensor,
        statistics: &BatchStatistics<Self::Tensor>,
        wanted: [bool; 3],
    ) -> [Option<Self::Tensor>; 3];

    /// Normalisation with given mean and variance, as in evaluation.
    fn normalise_with(
        maps: &Self::Tensor,
        affine: [&Self::Tensor; 2],
        statistics: [&Self::Tensor; 2],
        epsilon: f64,
    ) -> Self::Tensor;

    /// max(0, x).
    fn relu(maps: Self::Tensor) -> Self::Tensor;

    /// The gradient of ReLU's input, from that of its output and the output.
    fn relu_backward(gradient: Self::Tensor, output: &Self::Tensor) -> Self::Tensor;

    /// Convolution, with a bias where there is one.
    fn convolve(
        maps: &Self::Tensor,
        weight: &Self::Tensor,
        bias: Option<&Self::Tensor>,
        windows: ConvolutionWindows,
    ) -> Self::Tensor;

    /// Gradients of a convolution's input, weight and bias, those of them that are wanted, from that of its output. Where
    /// the weight's is not wanted, the shape of `maps` alone is read.
    fn convolve_backward(
        gradient: Self::Tensor,
        maps: &Self::Tensor,
        weight: &Self::Tensor,
        bias: Option<&Self::Tensor>,
        windows: ConvolutionWindows,
        wanted: [bool; 3],
    ) -> [Option<Self::Tensor>; 3];

    /// Max pooling, and where the maxima were.
    fn pool_largest(maps: &Self::Tensor, windows: MaxWindows) -> (Self::Tensor, Self::Places);

    /// The gradient of the pooling's input, of `[height, width]`, from that of its output.
    fn pool_largest_backward(
        gradient: Self::Tensor,
        size: [usize; 2],
        windows: MaxWindows,
        places: Self::Places,
    ) -> Self::Tensor;

    /// Sets a share of the values to zero, drawn afresh, and scales the others up.
    fn drop_out(maps: Self::Tensor, share: f64) -> (Self::Tensor, Self::Mask);

    /// Sets those values to zero and scales the others up: the same dropout once more, and its backward pass.
    fn drop_again(maps: Self::Tensor, share: f64, mask: &Self::Mask) -> Self::Tensor;

    /// Average pooling.
    fn pool(maps: &Self::Tensor, windows: AverageWindows) -> Self::Tensor;

    /// The gradient of the pooling's input, of `[height, width]`, from that of its output.
    fn pool_backward(gradient: Self::Tensor, size: [usize; 2], windows: AverageWindows) -> Self::Tensor;

    /// Average pooling to `[height, width]`, whatever the maps' are.
    fn pool_to(maps: &Self::Tensor, size: [usize; 2]) -> Self::Tensor;

    /// The gradient of that pooling's input, of `[height, width]`, from that of its output.
    fn pool_to_backward(gradient: Self::Tensor, size: [usize; 2]) -> Self::Tensor;

    /// 1 / (1 + exp(-x)).
    fn sigmoid(maps: Self::Tensor) -> Self::Tensor;

    /// The gradient of a sigmoid's input, from that of its output and the output.
    fn sigmoid_backward(gradient: Self::Tensor, output: &Self::Tensor) -> Self::Tensor;

    /// Each map times its value in `factors`, which are maps of 1x1.
    fn scale(maps: &Self::Tensor, factors: &Self::Tensor) -> Self::Tensor;

    /// The gradient of the factors, from that of the scaled maps and the maps.
    fn scale_backward(gradient: &Self::Tensor, maps: &Self::Tensor) -> Self::Tensor;

    /// The mean of each map, `[batch, channels]`.
    fn mean(maps: &Self::Tensor) -> Self::Tensor;

    /// The gradient of the mean's input, of `[height, width]`, from that of its output.
    fn mean_backward(gradient: Self::Tensor, size: [usize; 2]) -> Self::Tensor;
}

/// A normalisation's batch statistics, each `[channels]`.
#[derive(Debug)]
pub struct BatchStatistics<T> {
    /// The mean.
    pub mean: T,
    /// The variance as a sample's: what the running variance follows.
    pub unbiased_variance: T,
    /// The variance that normalises: the mean square of the distance from the mean.
    pub variance: T,
    /// 1 / sqrt(variance + epsilon), where the backward pass of the backend takes it.
    pub inverse_deviation: Option<T>,
    /// What is added to the variance.
    pub epsilon: f64,
}

/// A convolution's windows.
#[derive(Clone, Copy, Debug)]
pub struct ConvolutionWindows {
    /// The step between windows.
    pub stride: usize,
    /// Rows and columns of zeros on each side.
    pub padding: [usize; 2],
}

/// A max pooling's windows.
#[derive(Clone, Copy, Debug)]
pub struct MaxWindows {
    /// The side.
    pub kernel: usize,
    /// The step between windows.
    pub stride: usize,
    /// Rows and columns on each side, which are never the largest.
    pub padding: usize,
    /// Whether rows and columns that no whole window reaches have a window that passes the maps' end.
    pub passes_end: bool,
}

impl MaxWindows {
    /// Side, step and padding, each of rows and of columns.
    pub fn sides(self) -> [[usize; 2]; 3] {
        [self.kernel, self.stride, self.padding].map(|side| [side; 2])
    }
}

/// An average pooling's windows.
#[derive(Clone, Copy, Debug)]
pub struct AverageWindows {
    /// The side.
    pub kernel: usize,
    /// The step between windows.
    pub stride: usize,
    /// Rows and columns of zeros on each side, which count.
    pub padding: usize,
}

impl AverageWindows {
    /// Side, step and padding, each of rows and of columns.
    pub fn sides(self) -> [[usize; 2]; 3] {
        [self.kernel, self.stride, self.padding].map(|side| [side; 2])
    }
}

/// The operations of one of Burn's backends.
#[derive(Debug)]
pub struct BurnOperations<B>(PhantomData<fn() -> B>);

impl<B: Backend> BurnOperations<B> {
    fn size(maps: &Primitive<B>) -> [usize; 4] {
        maps.shape().dims()
    }

    fn options(windows: ConvolutionWindows) -> ConvOptions<2> {
        ConvOptions::new([windows.stride; 2], windows.padding, [1, 1], 1)
    }

    fn width(maps: &Primitive<B>) -> usize {
        Self::size(maps)[1]
    }
}

impl<B: Backend> Operations for BurnOperations<B> {
    type Tensor = Primitive<B>;
    type Mask = B::BoolTensorPrimitive;
    type Places = B::IntTensorPrimitive;

    fn laid_out(maps: Self::Tensor) -> Self::Tensor {
        maps
    }

    fn unread(like: &Self::Tensor, [channels, height, width]: [usize; 3]) -> Self::Tensor {
        let images: usize = like.shape()[0];
        let shape = Shape::new([images, channels, height, width]);
        B::float_empty(shape, &like.device(), like.dtype().into())
    }

    fn share(tensor: &Self::Tensor) -> Self::Tensor {
        tensor.clone()
    }

    fn copy(tensor: &Self::Tensor) -> Self::Tensor {
        // Burn does not write into a tensor that has another handle.
        tensor.clone()
    }

    fn add(first: Self::Tensor, second: Self::Tensor) -> Self::Tensor {
        B::float_add(first, second)
    }

    fn concatenate(maps: &[Self::Tensor]) -> Self::Tensor {
        match maps {
            [only] => only.clone(),
            several => B::float_cat(several.to_vec(), 1),
        }
    }

    fn channels(maps: &Self::Tensor, from: usize, to: usize) -> Self::Tensor {
        let [batch, _, height, width] = Self::size(maps);
        let slices = [0..batch, from..to, 0..height, 0..width].map(Slice::from);
        B::float_slice(maps.clone(), &slices)
    }

    fn zero_channels(maps: &Self::Tensor, channels: usize) -> Self::Tensor {
        let [batch, own, height, width] = Self::size(maps);
        let shape = Shape::new([batch, channels - own, height, width]);
        let zeros = B::float_zeros(shape, &maps.device(), maps.dtype().into());
        B::float_cat(vec![maps.clone(), zeros], 1)
    }

    fn add_first_channels(maps: Self::Tensor, wider: Self::Tensor) -> Self::Tensor {
        let first = Self::channels(&wider, 0, Self::width(&maps));
        drop(wider);
        B::float_add(maps, first)
    }

    fn normalise(
        maps: &Self::Tensor,
        [gamma, beta]: [&Self::Tensor; 2],
        epsilon: f64,
    ) -> (Self::Tensor, BatchStatistics<Self::Tensor>) {
        let [batch, _, height, width] = Self::size(maps);
        let values = (batch * height * width) as f64;
        let result = B::batch_norm_train(maps.clone(), gamma.clone(), beta.clone(), epsilon);
        let statistics = BatchStatistics {
            mean: result.mean,
            unbiased_variance: B::float_mul_scalar(result.variance.clone(), (values / (values - 1.0)).into()),
            variance: result.variance,
            inverse_deviation: None,
            epsilon,
        };
        (result.output, statistics)
    }

    fn normalise_again(
        maps: &Self::Tensor,
        affine: [&Self::Tensor; 2],
        statistics: &BatchStatistics<Self::Tensor>,
    ) -> Self::Tensor {
        let pair = [&statistics.mean, &statistics.variance];
        Self::normalise_with(maps, affine, pair, statistics.epsilon)
    }

    fn normalise_backward(
        gradient: Self::Tensor,
        maps: &Self::Tensor,
        gamma: &Self::Tensor,
        statistics: &BatchStatistics<Self::Tensor>,
        [input, scale, shift]: [bool; 3],
    ) -> [Option<Self::Tensor>; 3] {
        let (mean, variance) = (statistics.mean.clone(), statistics.variance.clone());
        let found = B::batch_norm_train_backward(
            maps.clone(),
            gamma.clone(),
            mean,
            variance,
            statistics.epsilon,
            gradient,
        );
        [
            input.then_some(found.x_grad),
            scale.then_some(found.gamma_grad),
            shift.then_some(found.beta_grad),
        ]
    }

    fn normalise_with(
        maps: &Self::Tensor,
        [gamma, beta]: [&Self::Tensor; 2],
        [mean, variance]: [&Self::Tensor; 2],
        epsilon: f64,
    ) -> Self::Tensor {
        B::batch_norm(
            maps.clone(),
            gamma.clone(),
            beta.clone(),
            mean.clone(),
            variance.clone(),
            epsilon,
        )
    }

    fn relu(maps: Self::Tensor) -> Self::Tensor {
        B::relu(maps)
    }

    fn relu_backward(gradient: Self::Tensor, output: &Self::Tensor) -> Self::Tensor {
        B::relu_backward(output.clone(), gradient)
    }

    fn convolve(
        maps: &Self::Tensor,
        weight: &Self::Tensor,
        bias: Option<&Self::Tensor>,
        windows: ConvolutionWindows,
    ) -> Self::Tensor {
        B::conv2d(maps.clone(), weight.clone(), bias.cloned(), Self::options(windows))
    }

    fn convolve_backward(
        gradient: Self::Tensor,
        maps: &Self::Tensor,
        weight: &Self::Tensor,
        bias: Option<&Self::Tensor>,
        windows: ConvolutionWindows,
        [of_input, of_weight, of_bias]: [bool; 3],
    ) -> [Option<Self::Tensor>; 3] {
        let options = || Self::options(windows);
        let weights =
            of_weight.then(|| B::conv2d_weight_backward(maps.clone(), weight.clone(), gradient.clone(), options()));
        let biases = bias
            .filter(|_| of_bias)
            .map(|bias| B::conv2d_bias_backward(maps.clone(), bias.clone(), gradient.clone()));
        let input = of_input.then(|| B::conv2d_x_backward(maps.clone(), weight.clone(), gradient, options()));
        [input, weights, biases]
    }

    fn pool_largest(maps: &Self::Tensor, windows: MaxWindows) -> (Self::Tensor, Self::Places) {
        let [kernel, stride, padding] = windows.sides();
        let whole = get_or_init_device_settings::<B>(&maps.device()).int_dtype;
        let found =
            B::max_pool2d_with_indices(maps.clone(), kernel, stride, padding, [1, 1], windows.passes_end, whole);
        (found.output, found.indices)
    }

    fn pool_largest_backward(
        gradient: Self::Tensor,
        [height, width]: [usize; 2],
        windows: MaxWindows,
        places: Self::Places,
    ) -> Self::Tensor {
        let channels = Self::width(&gradient);
        let input = Self::unread(&gradient, [channels, height, width]);
        let [kernel, stride, padding] = windows.sides();
        let end = windows.passes_end;
        B::max_pool2d_with_indices_backward(input, kernel, stride, padding, [1, 1], end, gradient, places).x_grad
    }

    fn drop_out(maps: Self::Tensor, share: f64) -> (Self::Tensor, Self::Mask) {
        let device = maps.device();
        let drawn = B::float_random(maps.shape(), Distribution::Default, &device, DType::F32.into());
        let booleans = get_or_init_device_settings::<B>(&device).bool_dtype;
        let mask = B::float_lower_elem(drawn, share.into(), booleans);
        (Self::drop_again(maps, share, &mask), mask)
    }

    fn drop_again(maps: Self::Tensor, share: f64, mask: &Self::Mask) -> Self::Tensor {
        let kept = B::float_mask_fill(maps, mask.clone(), 0f32.into());
        B::float_mul_scalar(kept, (1.0 / (1.0 - share)).into())
    }

    fn pool(maps: &Self::Tensor, windows: AverageWindows) -> Self::Tensor {
        let [kernel, stride, padding] = windows.sides();
        B::avg_pool2d(maps.clone(), kernel, stride, padding, true, false)
    }

    fn pool_backward(gradient: Self::Tensor, [height, width]: [usize; 2], windows: AverageWindows) -> Self::Tensor {
        let channels = Self::width(&gradient);
        let input = Self::unread(&gradient, [channels, height, width]);
        let [kernel, stride, padding] = windows.sides();
        B::avg_pool2d_backward(input, gradient, kernel, stride, padding, true, false)
    }

    fn pool_to(maps: &Self::Tensor, size: [usize; 2]) -> Self::Tensor {
        B::adaptive_avg_pool2d(maps.clone(), size)
    }

    fn pool_to_backward(gradient: Self::Tensor, [height, width]: [usize; 2]) -> Self::Tensor {
        let channels = Self::width(&gradient);
        B::adaptive_avg_pool2d_backward(Self::unread(&gradient, [channels, height, width]), gradient)
    }

    fn sigmoid(maps: Self::Tensor) -> Self::Tensor {
        B::sigmoid(maps)
    }

    fn sigmoid_backward(gradient: Self::Tensor, output: &Self::Tensor) -> Self::Tensor {
        B::sigmoid_backward(output.clone(), gradient)
    }

    fn scale(maps: &Self::Tensor, factors: &Self::Tensor) -> Self::Tensor {
        B::float_mul(maps.clone(), factors.clone())
    }

    fn scale_backward(gradient: &Self::Tensor, maps: &Self::Tensor) -> Self::Tensor {
        B::float_sum_dims(B::float_mul(gradient.clone(), maps.clone()), &[2, 3])
    }

    fn mean(maps: &Self::Tensor) -> Self::Tensor {
        let [batch, channels, height, width] = Self::size(maps);
        let rows = B::float_reshape(maps.clone(), Shape::new([batch, channels, height * width]));
        B::float_reshape(B::float_mean_dim(rows, 2), Shape::new([batch, channels]))
    }

    fn mean_backward(gradient: Self::Tensor, [height, width]: [usize; 2]) -> Self::Tensor {
        let [batch, channels]: [usize; 2] = gradient.shape().dims();
        let share = B::float_div_scalar(gradient, ((height * width) as f64).into());
        let pixel = B::float_reshape(share, Shape::new([batch, channels, 1, 1]));
        B::float_expand(pixel, Shape::new([batch, channels, height, width]))
    }
}
