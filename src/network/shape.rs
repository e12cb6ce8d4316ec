//! The shape of feature maps.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The shape of one image's feature maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Feature maps.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Shape {
    /// Square feature maps.
    pub const fn square(channels: usize, side: usize) -> Self {
        Self {
            channels,
            height: side,
            width: side,
        }
    }

    /// One value a channel.
    pub const fn vector(channels: usize) -> Self {
        Self::square(channels, 1)
    }

    /// Values in the feature maps of one image.
    pub fn values(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// The same maps with another number of channels.
    pub fn with_channels(self, channels: usize) -> Self {
        Self { channels, ..self }
    }

    /// The output shape of windows of `kernel`, `stride` apart, with `padding` on each side: `floor((side + 2 padding -
    /// kernel) / stride) + 1` rows and columns, none where the window is larger than the padded maps.
    ///
    /// `kernel` and `padding` are those of rows and of columns.
    pub fn windowed(self, kernel: [usize; 2], stride: usize, padding: [usize; 2]) -> Self {
        let windows = |side: usize, axis: usize| match (side + 2 * padding[axis]).checked_sub(kernel[axis]) {
            Some(room) => room / stride + 1,
            None => 0,
        };
        Self {
            height: windows(self.height, 0),
            width: windows(self.width, 1),
            ..self
        }
    }

    /// The same where a last window may pass the end of the maps, as PyTorch's `ceil_mode` has it: every row and column is
    /// reached, and each window starts within the maps or the padding before them.
    pub fn windowed_to_the_end(self, kernel: usize, stride: usize, padding: usize) -> Self {
        let windows = |side: usize| match (side + 2 * padding + stride - 1).checked_sub(kernel) {
            Some(room) => (room / stride + 1).min((side + padding).div_ceil(stride)),
            None => 0,
        };
        Self {
            height: windows(self.height),
            width: windows(self.width),
            ..self
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windowed_shapes_equal_pytorchs() {
        // torch.nn.Conv2d's and MaxPool2d's documented formula, for the layers that the families have.
        for (side, kernel, stride, padding, left) in [
            (32, 3, 1, 1, 32),
            (224, 7, 2, 3, 112),
            (33, 7, 2, 3, 17),
            (112, 3, 2, 1, 56),
            (17, 3, 2, 1, 9),
            (9, 2, 2, 0, 4),
            (8, 1, 2, 0, 4),
            (9, 1, 2, 0, 5),
            (1, 2, 2, 0, 0),
        ] {
            let shape = Shape::square(4, side).windowed([kernel; 2], stride, [padding; 2]);
            assert_eq!(shape, Shape::square(4, left), "{side} {kernel} {stride} {padding}");
        }
        let rectangular = Shape::square(4, 17).windowed([1, 7], 1, [0, 3]);
        assert_eq!(rectangular, Shape::square(4, 17));
        let (height, width) = (17, 11);
        let uncovered = Shape::square(4, 17).windowed([1, 7], 1, [0, 0]);
        assert_eq!((uncovered.height, uncovered.width), (height, width));
    }

    #[test]
    fn windows_that_may_pass_the_end_are_as_many_as_pytorchs() {
        // What torch.nn.MaxPool2d(kernel, stride, padding, ceil_mode=True) of PyTorch 2.9.0 gives.
        for (side, kernel, stride, padding, left) in [
            (112, 3, 2, 0, 56),
            (56, 3, 2, 0, 28),
            (28, 3, 2, 0, 14),
            (14, 2, 2, 0, 7),
            (9, 2, 2, 0, 5),
            (5, 3, 2, 0, 2),
            (4, 3, 2, 0, 2),
            (2, 3, 2, 0, 1),
            (1, 3, 2, 0, 0),
            (1, 2, 2, 0, 1),
            (7, 3, 1, 1, 7),
            (1, 3, 1, 1, 1),
        ] {
            let shape = Shape::square(4, side).windowed_to_the_end(kernel, stride, padding);
            assert_eq!(shape, Shape::square(4, left), "{side} {kernel} {stride} {padding}");
        }
    }
}
