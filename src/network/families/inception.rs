//! What Inception networks share: their convolution, the scaling of their widths, and images that are too small.

use crate::keys::{Interval, Kind, KnownKey, interval};
use crate::network::{GraphBuilder, NetworkError, NodeId};

/// torchvision's epsilon of their normalisations (TensorFlow's).
pub(super) const EPSILON: f64 = 0.001;

/// The multipliers of widths.
const MULTIPLIERS: Interval = interval(0.0, false, 8.0, true);

/// A convolution without bias, normalisation and ReLU: torchvision's `BasicConv2d`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Convolution {
    kernel: [usize; 2],
    stride: usize,
    padding: [usize; 2],
    channels: usize,
}

impl Convolution {
    /// With a square window, whose padding keeps the sides.
    pub(super) fn square(kernel: usize, channels: usize) -> Self {
        Self::rectangular([kernel; 2], channels)
    }

    /// With this many rows and columns in the window, whose padding keeps the sides.
    pub(super) fn rectangular(kernel: [usize; 2], channels: usize) -> Self {
        Self {
            kernel,
            stride: 1,
            padding: kernel.map(|side| side / 2),
            channels,
        }
    }

    /// With a square window and without padding.
    pub(super) fn unpadded(kernel: usize, stride: usize, channels: usize) -> Self {
        Self {
            kernel: [kernel; 2],
            stride,
            padding: [0; 2],
            channels,
        }
    }

    /// The same with a step of 2 between windows.
    pub(super) fn halving(self) -> Self {
        Self { stride: 2, ..self }
    }

    /// Lays it out with torchvision's names; the weights are drawn with a standard deviation.
    pub(super) fn lay_out(self, graph: &mut GraphBuilder, name: &str, input: NodeId, deviation: f64) -> NodeId {
        let Self {
            kernel,
            stride,
            padding,
            channels,
        } = self;
        let maps = graph.window_convolution(format!("{name}.conv"), input, kernel, stride, padding, channels);
        graph.draw_with(maps, deviation);
        let maps = graph.batch_norm(format!("{name}.bn"), maps);
        graph.relu(format!("{name}.relu"), maps)
    }
}

/// A layer's channels times the multiplier, rounded down, and at least one.
pub(super) fn scaled(channels: usize, multiplier: f64) -> usize {
    ((channels as f64 * multiplier) as usize).max(1)
}

/// Checks the multiplier of the widths.
///
/// # Errors
/// One that is not above 0 and at most 8.
pub(super) fn check_multiplier(multiplier: f64) -> Result<(), NetworkError> {
    if MULTIPLIERS.holds(multiplier) {
        return Ok(());
    }
    Err(NetworkError::new(
        "width-multiplier",
        format!("width-multiplier is {multiplier}; it must be {}", MULTIPLIERS.text()),
        "the paper's network has 1.0",
    ))
}

/// Checks that a layer has given maps of at least one row and column.
///
/// # Errors
/// Maps without any; `least` is the side of the smallest images that the network takes, and `remedy` what else helps.
pub(super) fn check_size(
    graph: &GraphBuilder,
    node: NodeId,
    layer: &str,
    least: usize,
    remedy: &str,
) -> Result<(), NetworkError> {
    if graph.shape(node).values() > 0 {
        return Ok(());
    }
    let input = graph.input();
    Err(NetworkError::new(
        "image-size",
        format!(
            "images of {}x{} are too small: {layer} would leave nothing of its maps",
            input.height, input.width
        ),
        format!("this network needs at least {least}x{least}{remedy}"),
    ))
}

/// The key of the widths.
pub(super) const WIDTH_MULTIPLIER: KnownKey = KnownKey {
    key: "model.width-multiplier",
    kind: Kind::Number(MULTIPLIERS),
    default: "`1.0`",
    meaning: "What every layer's channels are multiplied by, rounded down.",
    remedy: "the paper's network has 1.0; 0.25 has a quarter of the channels",
};
