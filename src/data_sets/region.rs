//! A part of an image.

/// A rectangle of an image's pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Region {
    /// Rows above it.
    pub top: usize,
    /// Columns to the left of it.
    pub left: usize,
    /// Its rows.
    pub height: usize,
    /// Its columns.
    pub width: usize,
}

impl Region {
    /// All of an image of that size.
    pub fn whole(height: usize, width: usize) -> Self {
        Self {
            top: 0,
            left: 0,
            height,
            width,
        }
    }

    /// The square of `side` pixels in the middle of an image of that size, as torchvision's `CenterCrop` has it: half a
    /// pixel goes to the even side. An image smaller than the square gives what it has.
    pub fn centre(side: usize, height: usize, width: usize) -> Self {
        let beside = |pixels: usize| (pixels.saturating_sub(side) as f64 / 2.0).round_ties_even() as usize;
        Self {
            top: beside(height),
            left: beside(width),
            height: side.min(height),
            width: side.min(width),
        }
    }

    /// The squares of `side` pixels in the four corners of an image of that size, row by row, and the one in its middle:
    /// torchvision's `FiveCrop`, in its order.
    pub fn five(side: usize, height: usize, width: usize) -> [Self; 5] {
        let corner = |is_below: bool, is_right: bool| Self {
            top: if is_below { height.saturating_sub(side) } else { 0 },
            left: if is_right { width.saturating_sub(side) } else { 0 },
            height: side.min(height),
            width: side.min(width),
        };
        [
            corner(false, false),
            corner(false, true),
            corner(true, false),
            corner(true, true),
            Self::centre(side, height, width),
        ]
    }

    /// Whether another region lies within it, and has pixels.
    pub(super) fn holds(&self, other: Self) -> bool {
        let begins = other.top >= self.top && other.left >= self.left;
        let ends = other.bottom() <= self.bottom() && other.right() <= self.right();
        begins && ends && other.height > 0 && other.width > 0
    }

    /// The row after its last one.
    pub(super) fn bottom(&self) -> usize {
        self.top + self.height
    }

    /// The column after its last one.
    pub(super) fn right(&self) -> usize {
        self.left + self.width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_torchvisions_centre_crop() {
        let place = |height, width| {
            let region = Region::centre(4, height, width);
            (region.top, region.left, region.height, region.width)
        };
        assert_eq!(place(4, 4), (0, 0, 4, 4));
        // Python rounds halves to the even number: 0.5, 1.5 and 2.5 become 0, 2 and 2.
        assert_eq!(place(5, 7), (0, 2, 4, 4));
        assert_eq!(place(9, 10), (2, 3, 4, 4));
        assert_eq!(place(3, 6), (0, 1, 3, 4));
    }

    #[test]
    fn five_crops_are_the_corners_and_the_middle() {
        let corners = Region::five(2, 5, 4).map(|region| (region.top, region.left));
        assert_eq!(corners, [(0, 0), (0, 2), (3, 0), (3, 2), (2, 1)]);
    }
}
