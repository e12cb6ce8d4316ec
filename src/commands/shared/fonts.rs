//! Fonts for the letters of plots.

use std::collections::BTreeSet;

use densenet_bench::host::{font_files, read_font};
use densenet_bench::views::plots::ExtraFonts;

/// Fonts of the machine for letters that the built-in one lacks; without such letters no file is looked at, so that the
/// plots are the same on every machine.
pub fn fonts_for(letters: &BTreeSet<char>) -> ExtraFonts {
    if letters.is_empty() {
        return ExtraFonts::default();
    }
    let files = font_files();
    ExtraFonts::choose(letters, files.len(), |index| read_font(&files[index]))
}
