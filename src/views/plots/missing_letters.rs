//! Letters that no font has, in words: below PNG and PDF, and for the terminal.

use std::collections::BTreeSet;

use super::extra_fonts::ExtraFonts;
use super::palette::DARK_GRAY;
use super::picture::{Label, Picture, Shape};
use super::scripts::{is_east_asian, is_emoji, is_private};
use super::style::Style;
use super::typeset::{self, Piece};
use super::{built_in, font};
use crate::visible;
use crate::words::listed;

/// Code points that the words name.
const NAMED: usize = 12;

/// The size of the words below a screen's picture, as of a caption.
const SIZE: f64 = 9.0;

/// Letters that no font has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MissingLetters(BTreeSet<char>);

/// A picture's letters that the built-in font lacks.
pub fn foreign(picture: &Picture) -> BTreeSet<char> {
    let mut letters = BTreeSet::new();
    for text in texts(picture) {
        letters.extend(
            visible::escape_line(text)
                .chars()
                .filter(|&letter| !built_in::has(letter)),
        );
    }
    letters
}

fn texts(picture: &Picture) -> impl Iterator<Item = &str> {
    picture.shapes.iter().filter_map(|shape| match shape {
        Shape::Label(label) => Some(label.text.as_str()),
        _ => None,
    })
}

impl MissingLetters {
    /// Those of a picture that are in none of the fonts.
    pub fn of(picture: &Picture, extra: &ExtraFonts) -> Self {
        let labels = picture.shapes.iter().filter_map(|shape| match shape {
            Shape::Label(label) => Some(label),
            _ => None,
        });
        let lines = labels.flat_map(|label| typeset::line(&label.text, label.size, label.bold, Some(extra)).pieces);
        let missing = lines.filter_map(|piece| match piece {
            Piece::CodePoint { letter, .. } => Some(letter),
            Piece::Glyph { .. } => None,
        });
        Self(missing.collect())
    }

    /// Adds those of another plot.
    pub fn add(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    /// What a user is told of all plots of a folder; none where no letter is missing.
    pub fn note(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let letters: String = self.0.iter().take(NAMED).collect();
        Some(format!(
            "the PNG and PDF plots show the code points of letters that no font here has: {letters} ({}); {} and run `plot` \
             again; the SVG plots leave them to the program that shows them",
            self.code_points(),
            self.remedy()
        ))
    }

    /// A picture with the same below it, in the built-in font; none where no letter is missing.
    pub fn below(&self, picture: &Picture, style: Style) -> Option<Picture> {
        if self.0.is_empty() {
            return None;
        }
        let text = format!(
            "Letters that no font of the machine had are boxes with their code points: {}. To have them, {} and draw the \
             plots again; the SVG leaves them to the program that shows it.",
            self.code_points(),
            self.remedy()
        );
        let (size, margin) = (style.text(SIZE) * style.scale(), style.margin() * style.scale());
        let mut whole = picture.clone();
        for line in font::wrapped(&text, size, false, picture.width - 2.0 * margin) {
            let mut label = Label::new(line, (margin, whole.height + 0.95 * size), size);
            label.color = DARK_GRAY;
            whole.label(label);
            whole.height += 1.35 * size;
        }
        whole.height += 0.6 * size;
        Some(whole)
    }

    fn code_points(&self) -> String {
        let named = self
            .0
            .iter()
            .take(NAMED)
            .map(|&letter| format!("U+{:04X}", u32::from(letter)));
        let mut named: Vec<String> = named.collect();
        if self.0.len() > NAMED {
            named.push(format!("{} more", self.0.len() - NAMED));
        }
        listed(&named.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn remedy(&self) -> String {
        let package = |letter: &char| match *letter {
            letter if is_private(letter) => None,
            letter if is_east_asian(letter) => Some("fonts-noto-cjk"),
            letter if is_emoji(letter) => Some("fonts-symbola"),
            _ => Some("fonts-noto-core"),
        };
        let packages: BTreeSet<&str> = self.0.iter().filter_map(package).collect();
        if packages.is_empty() {
            return "install a font that has them".to_owned();
        }
        let packages: Vec<&str> = packages.into_iter().collect();
        format!("install a font that has them, such as Debian's {},", listed(&packages))
    }
}
