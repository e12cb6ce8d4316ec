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
    pub fn windowed(self, kernel: usize, stride: usize, padding: usize) -> Self {
        let side = |side: usize| match (side + 2 * padding).checked_sub(kernel) {
            Some(room) => room / stride + 1,
            None => 0,
        };
        Self {
            height: side(self.height),
            width: side(self.width),
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
            let shape = Shape::square(4, side).windowed(kernel, stride, padding);
            assert_eq!(shape, Shape::square(4, left), "{side} {kernel} {stride} {padding}");
        }
    }
}
