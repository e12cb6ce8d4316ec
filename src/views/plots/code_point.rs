//! A letter that no font has: its code point's digits in a box, so that no two letters look the same.

use super::typeset::{self, Line, Piece};

/// Of the size of the text: the box's upper and lower side and the baselines of its two rows of digits.
const TOP: f64 = -0.80;
const BOTTOM: f64 = 0.14;
const ROWS: [f64; 2] = [-0.38, 0.04];

/// The digits' size, and the share of the box's width that they may take.
const DIGITS: f64 = 0.44;
const FILLED: f64 = 0.86;

/// A box on a line of text, in pixels from the line's beginning and below its baseline.
pub struct Framed {
    code: String,
    left: f64,
    width: f64,
    size: f64,
}

impl Framed {
    /// The box of a letter in text of `size` pixels an em.
    pub fn new(letter: char, left: f64, width: f64, size: f64) -> Self {
        let code = format!("{:04X}", u32::from(letter));
        Self {
            code,
            left,
            width,
            size,
        }
    }

    /// The corners of its frame's outer side and, the other way round so that nothing fills the middle, of its inner one.
    pub fn frame(&self) -> [[(f64, f64); 4]; 2] {
        let gap = 0.04 * self.size;
        let thickness = 0.05 * self.size;
        let (left, right) = (self.left + gap, self.left + self.width - gap);
        let (top, bottom) = (TOP * self.size, BOTTOM * self.size);
        let (inner_left, inner_right) = (left + thickness, right - thickness);
        let (inner_top, inner_bottom) = (top + thickness, bottom - thickness);
        [
            [(left, top), (right, top), (right, bottom), (left, bottom)],
            [
                (inner_left, inner_top),
                (inner_left, inner_bottom),
                (inner_right, inner_bottom),
                (inner_right, inner_top),
            ],
        ]
    }

    /// Its two rows of digits, from left to right whatever the text's direction.
    pub fn digits(&self) -> Vec<Line> {
        let (upper, lower) = self.code.split_at(self.code.len() / 2);
        let widest = [upper, lower].map(|row| typeset::line(row, 1.0, false, None).width);
        let widest = widest[0].max(widest[1]).max(1e-9);
        let size = (DIGITS * self.size).min(FILLED * (self.width - 0.08 * self.size) / widest);
        let rows = [upper, lower].into_iter().zip(ROWS);
        let set = |(row, baseline): (&str, f64)| {
            let mut line = typeset::line(row, size, false, None);
            let indent = self.left + (self.width - line.width) / 2.0;
            for piece in &mut line.pieces {
                if let Piece::Glyph { x, y, .. } = piece {
                    *x += indent;
                    *y += baseline * self.size;
                }
            }
            line
        };
        rows.map(set).collect()
    }
}
