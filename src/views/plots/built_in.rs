//! The font that is built in, DejaVu Sans, whatever fonts a machine has.

use std::sync::OnceLock;

use ab_glyph::{Font as _, FontRef, GlyphId};
use rustybuzz::Face;

/// DejaVu Sans, regular or bold; none only if the bytes that are compiled in were not a font.
pub fn face(bold: bool) -> Option<&'static FontRef<'static>> {
    static REGULAR: OnceLock<Option<FontRef<'static>>> = OnceLock::new();
    static BOLD: OnceLock<Option<FontRef<'static>>> = OnceLock::new();
    let place = if bold { &BOLD } else { &REGULAR };
    place.get_or_init(|| FontRef::try_from_slice(bytes(bold)).ok()).as_ref()
}

/// The same font, for scripts whose letters are not simply set side by side.
pub fn shaped_face(bold: bool) -> Option<&'static Face<'static>> {
    static REGULAR: OnceLock<Option<Face<'static>>> = OnceLock::new();
    static BOLD: OnceLock<Option<Face<'static>>> = OnceLock::new();
    let place = if bold { &BOLD } else { &REGULAR };
    place.get_or_init(|| Face::from_slice(bytes(bold), 0)).as_ref()
}

fn bytes(bold: bool) -> &'static [u8] {
    match bold {
        false => dejavu::sans::regular(),
        true => dejavu::sans::bold(),
    }
}

/// The glyph of a letter, if the font has one.
pub fn glyph(letter: char, bold: bool) -> Option<GlyphId> {
    let glyph = face(bold)?.glyph_id(letter);
    (glyph != GlyphId(0)).then_some(glyph)
}

/// Whether the regular and the bold font have a letter.
pub fn has(letter: char) -> bool {
    glyph(letter, false).is_some() && glyph(letter, true).is_some()
}
