//! How feature maps lie in memory.

use tch::{Device, Kind, Tensor};

use crate::formats::ablation::MapLayout;

/// The faster layout for f32 convolutions: oneDNN works on pixels with all their channels, and brings maps of another
/// layout into its own and back in every convolution; cuDNN's f32 kernels work channel by channel.
pub(super) fn fastest(device: Device) -> MapLayout {
    match device {
        Device::Cpu => MapLayout::ChannelsLast,
        _ => MapLayout::Nchw,
    }
}

/// Maps `[batch, channels, height, width]` in a layout; the same tensor where they are in it already.
pub(super) fn laid_out(maps: &Tensor, layout: MapLayout) -> Tensor {
    if layout == MapLayout::Nchw {
        return maps.contiguous();
    }
    let (batch, channels, height, width) = maps.size4().expect("feature maps have four dimensions");
    let strides = channels_last((batch, channels, height, width));
    if maps.stride() == strides {
        return maps.shallow_clone();
    }
    let mut copy = empty_maps([batch, channels, height, width], (maps.kind(), maps.device()), layout);
    copy.copy_(maps);
    copy
}

/// Maps of a shape on a device, whose values are any.
pub(super) fn empty_maps(shape: [i64; 4], options: (Kind, Device), layout: MapLayout) -> Tensor {
    let [batch, channels, height, width] = shape;
    match layout {
        MapLayout::Nchw => Tensor::empty(shape, options),
        MapLayout::ChannelsLast => {
            Tensor::empty_strided(shape, channels_last((batch, channels, height, width)), options)
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
