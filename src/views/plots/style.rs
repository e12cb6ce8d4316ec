//! Where a plot is looked at: on a screen with its words around it, or in a column of a paper, whose words are LaTeX's.

use super::picture::{Color, Rect};

/// The size of all text in a paper's figures, in points.
pub const PAPER_TEXT: f64 = 8.0;

/// A figure of a paper is laid out like one of a screen and printed this much smaller, so that lines, markers and gaps
/// become thin together; only text has a size of its own.
const PAPER_SCALE: f64 = 0.7;

const POINTS_PER_MILLIMETRE: f64 = 72.0 / 25.4;

/// Fillings of a paper that are told apart without colour: dark, light and medium.
const PAPER_FILLINGS: [Color; 3] = [(0, 84, 132), (242, 196, 110), (120, 160, 190)];

/// How a plot is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// 720 points wide, with title, question and caption.
    #[default]
    Screen,
    /// A column of a paper: 88 mm, text of 8 points, nothing but the panels and the legend.
    SingleColumn,
    /// Both columns of a paper: 180 mm.
    DoubleColumn,
}

impl Style {
    /// A paper's two widths.
    pub const PAPER: [Self; 2] = [Self::SingleColumn, Self::DoubleColumn];

    /// The width of a paper's figure in millimetres; none of a screen's.
    pub fn millimetres(self) -> Option<f64> {
        match self {
            Self::Screen => None,
            Self::SingleColumn => Some(88.0),
            Self::DoubleColumn => Some(180.0),
        }
    }

    /// The name of a plot's file without its ending: `loss-curves`, `loss-curves-single-column`.
    pub fn file_stem(self, plot: &str) -> String {
        match self {
            Self::Screen => plot.to_owned(),
            Self::SingleColumn => format!("{plot}-single-column"),
            Self::DoubleColumn => format!("{plot}-double-column"),
        }
    }

    /// Points of the finished picture to one of its layout.
    pub fn scale(self) -> f64 {
        match self {
            Self::Screen => 1.0,
            Self::SingleColumn | Self::DoubleColumn => PAPER_SCALE,
        }
    }

    /// The layout's width in points.
    pub fn width(self) -> f64 {
        match self.millimetres() {
            None => 720.0,
            Some(width) => width * POINTS_PER_MILLIMETRE / PAPER_SCALE,
        }
    }

    /// The layout's margin in points: a paper has its own.
    pub fn margin(self) -> f64 {
        match self {
            Self::Screen => 12.0,
            Self::SingleColumn | Self::DoubleColumn => 2.0,
        }
    }

    /// The layout's size of text that has `on_screen` points on a screen.
    pub fn text(self, on_screen: f64) -> f64 {
        match self {
            Self::Screen => on_screen,
            Self::SingleColumn | Self::DoubleColumn => PAPER_TEXT / PAPER_SCALE,
        }
    }

    /// Whether title, question and caption stand around the panels.
    pub fn has_words(self) -> bool {
        self == Self::Screen
    }

    /// The layout's height of panels that a screen shows side by side, `on_screen` points high.
    pub fn height(self, on_screen: f64, panels: usize) -> f64 {
        match self {
            Self::Screen => on_screen,
            Self::SingleColumn => 210.0 * panels.max(1) as f64,
            Self::DoubleColumn => 0.8 * on_screen,
        }
    }

    /// The spaces of so many panels: side by side, in a single column one below the other.
    pub fn panels(self, space: Rect, panels: usize) -> Vec<Rect> {
        let count = panels.max(1) as f64;
        let side_by_side = |index: usize| {
            let width = space.width() / count;
            let left = space.left + index as f64 * width;
            let gap = if panels > 1 { 4.0 } else { 0.0 };
            Rect {
                left,
                right: left + width - gap,
                ..space
            }
        };
        let stacked = |index: usize| {
            let height = space.height() / count;
            let top = space.top + index as f64 * height;
            Rect {
                top,
                bottom: top + height,
                ..space
            }
        };
        let space_of = |index| match self {
            Self::SingleColumn => stacked(index),
            Self::Screen | Self::DoubleColumn => side_by_side(index),
        };
        (0..panels).map(space_of).collect()
    }

    /// A filling's colour, where a screen's has that one.
    pub fn filling(self, index: usize, on_screen: Color) -> Color {
        match self {
            Self::Screen => on_screen,
            Self::SingleColumn | Self::DoubleColumn => PAPER_FILLINGS[index % PAPER_FILLINGS.len()],
        }
    }

    /// Drawn pixels to a point. The SVG backend takes whole ones: with four of them curves are smooth on a screen and
    /// labels stand where they were measured; paper shows more.
    pub fn drawn_pixels_per_point(self) -> f64 {
        match self {
            Self::Screen => 4.0,
            Self::SingleColumn | Self::DoubleColumn => 16.0,
        }
    }

    /// The PNG's pixels to a point: two, and 300 to an inch of a paper.
    pub fn png_pixels_per_point(self) -> f64 {
        match self {
            Self::Screen => 2.0,
            Self::SingleColumn | Self::DoubleColumn => 300.0 / 72.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_papers_figures_are_as_wide_as_its_columns() {
        for (style, points) in [(Style::SingleColumn, 249.45), (Style::DoubleColumn, 510.24)] {
            assert!((style.width() * style.scale() - points).abs() < 0.01, "{style:?}");
        }
    }

    #[test]
    fn panels_stand_side_by_side_and_in_a_single_column_one_below_the_other() {
        let space = Rect {
            left: 0.0,
            top: 10.0,
            right: 100.0,
            bottom: 110.0,
        };
        let wide = Style::DoubleColumn.panels(space, 2);
        assert_eq!((wide[0].right, wide[1].left), (46.0, 50.0));
        let narrow = Style::SingleColumn.panels(space, 2);
        assert_eq!((narrow[0].bottom, narrow[1].top), (60.0, 60.0));
        assert_eq!(Style::Screen.panels(space, 1), [space]);
    }

    #[test]
    fn fillings_of_a_paper_differ_in_grey() {
        let mut greys =
            PAPER_FILLINGS.map(|(r, g, b)| 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b));
        greys.sort_by(f64::total_cmp);
        assert!(greys.windows(2).all(|pair| pair[1] - pair[0] > 40.0), "{greys:?}");
    }
}
