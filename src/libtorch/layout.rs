//! How feature maps lie in memory.

use tch::{Device, Kind, Tensor};

/// The order of a map's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Channel after channel, Burn's own.
    Contiguous,
    /// All channels of a pixel together.
    ChannelsLast,
}

impl Layout {
    /// The faster one for f32 convolutions: oneDNN works on pixels with all their channels, and brings maps of another
    /// layout into its own and back in every convolution; cuDNN's f32 kernels work channel by channel.
    pub(super) fn fastest(device: Device) -> Self {
        match device {
            Device::Cpu => Self::ChannelsLast,
            _ => Self::Contiguous,
        }
    }

    /// Maps `[batch, channels, height, width]` in this layout; the same tensor where they are in it already.
    pub(super) fn of(self, maps: &Tensor) -> Tensor {
        if self == Self::Contiguous {
            return maps.contiguous();
        }
        let (batch, channels, height, width) = maps.size4().expect("feature maps have four dimensions");
        let strides = channels_last((batch, channels, height, width));
        if maps.stride() == strides {
            return maps.shallow_clone();
        }
        let mut laid_out = self.empty([batch, channels, height, width], (maps.kind(), maps.device()));
        laid_out.copy_(maps);
        laid_out
    }

    /// Maps of a shape on a device, whose values are any.
    pub(super) fn empty(self, shape: [i64; 4], options: (Kind, Device)) -> Tensor {
        let [batch, channels, height, width] = shape;
        match self {
            Self::Contiguous => Tensor::empty(shape, options),
            Self::ChannelsLast => {
                Tensor::empty_strided(shape, channels_last((batch, channels, height, width)), options)
            }
        }
    }
}

/// Strides of channels-last maps.
///
/// libtorch takes a tensor for channels-last by its strides. Those that its own `contiguous` gives a single channel or
/// pixel, where both layouts are one, it takes for the other layout: so they are written out.
fn channels_last((_, channels, height, width): (i64, i64, i64, i64)) -> [i64; 4] {
    [height * width * channels, 1, width * channels, channels]
}
