//! Fonts of the machine, for letters that the built-in one lacks.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ab_glyph::FontVec;
use rustybuzz::Face;
use rustybuzz::ttf_parser::{self, name_id};

use super::scripts::{is_hangul, is_kana};

/// Fonts that one set of plots takes letters from, and the faces of a collection that are looked at.
const MOST_FONTS: usize = 8;
const MOST_FACES: u32 = 64;

/// Outlines that extend further than this many ems around their origin belong to no letter.
pub const LARGEST_GLYPH: f64 = 8.0;

/// Fonts, each with the letters that are taken from it. Without any, every letter that the built-in font lacks is drawn as
/// its code point.
#[derive(Default)]
pub struct ExtraFonts {
    fonts: Vec<ExtraFont>,
    font_of: BTreeMap<char, usize>,
}

/// A font and its place in its file.
struct ExtraFont {
    font: FontVec,
    index: u32,
}

/// A face of a file that has some of the letters.
struct Candidate {
    file: usize,
    index: u32,
    letters: BTreeSet<char>,
    /// How far it is from an upright sans-serif of normal weight.
    distance: u32,
}

impl ExtraFonts {
    /// Chooses fonts for letters among `files` files, which `read` gives: the one with most of them first, of equals the
    /// nearest to the built-in one, then the first. The same files give the same choice; what is not a font is left out.
    pub fn choose(letters: &BTreeSet<char>, files: usize, read: impl Fn(usize) -> Option<Vec<u8>>) -> Self {
        let mut chosen = Self::default();
        if letters.is_empty() {
            return chosen;
        }
        let faces = |file| read(file).map_or_else(Vec::new, |bytes| candidates(file, &bytes, letters));
        let candidates: Vec<Candidate> = (0..files).flat_map(faces).collect();
        let mut left = letters.clone();
        while chosen.fonts.len() < MOST_FONTS {
            let rank = |candidate: &&Candidate| {
                let found = candidate.letters.intersection(&left).count();
                (found, Reverse((candidate.distance, candidate.file, candidate.index)))
            };
            let Some(best) = candidates.iter().max_by_key(rank) else {
                break;
            };
            let found: Vec<char> = best.letters.intersection(&left).copied().collect();
            let font = read(best.file).and_then(|bytes| FontVec::try_from_vec_and_index(bytes, best.index).ok());
            // A file that has just become unreadable: the letters stay code points.
            let (false, Some(font)) = (found.is_empty(), font) else {
                break;
            };
            for letter in found {
                left.remove(&letter);
                chosen.font_of.insert(letter, chosen.fonts.len());
            }
            let index = best.index;
            chosen.fonts.push(ExtraFont { font, index });
        }
        chosen
    }

    /// The font that a letter is taken from.
    pub fn font_of(&self, letter: char) -> Option<usize> {
        self.font_of.get(&letter).copied()
    }

    /// A font by its place.
    pub fn font(&self, font: usize) -> Option<&FontVec> {
        self.fonts.get(font).map(|extra| &extra.font)
    }

    /// The same font, for scripts whose letters are not simply set side by side.
    pub fn shaped_face(&self, font: usize) -> Option<Face<'_>> {
        let extra = self.fonts.get(font)?;
        Face::from_slice(extra.font.as_slice(), extra.index)
    }
}

/// The faces of a file that have some of the letters.
fn candidates(file: usize, bytes: &[u8], letters: &BTreeSet<char>) -> Vec<Candidate> {
    let faces = ttf_parser::fonts_in_collection(bytes).unwrap_or(1).min(MOST_FACES);
    let candidate = |index| {
        let face = ttf_parser::Face::parse(bytes, index).ok()?;
        let has = |letter: &&char| has(&face, **letter);
        let found: BTreeSet<char> = letters.iter().filter(has).copied().collect();
        (!found.is_empty()).then(|| Candidate {
            file,
            index,
            letters: found,
            distance: distance(&face, letters),
        })
    };
    (0..faces).filter_map(candidate).collect()
}

/// Whether a face has an outline for a letter: fonts of colour bitmaps have none.
fn has(face: &ttf_parser::Face<'_>, letter: char) -> bool {
    let Some(glyph) = face.glyph_index(letter).filter(|glyph| glyph.0 != 0) else {
        return false;
    };
    let largest = LARGEST_GLYPH * f64::from(face.units_per_em());
    let within = |value: i16| f64::from(value).abs() <= largest;
    match face.glyph_bounding_box(glyph) {
        Some(bounds) => [bounds.x_min, bounds.x_max, bounds.y_min, bounds.y_max]
            .into_iter()
            .all(within),
        None => letter.is_whitespace(),
    }
}

fn distance(face: &ttf_parser::Face<'_>, letters: &BTreeSet<char>) -> u32 {
    let family = family(face).to_lowercase();
    let words: Vec<&str> = family.split(|c: char| !c.is_alphanumeric()).collect();
    let has = |word: &str| words.contains(&word);
    // A collection for all of East Asia has the same letters in the shapes of each country.
    let country = if letters.iter().any(|&letter| is_kana(letter)) {
        "jp"
    } else if letters.iter().any(|&letter| is_hangul(letter)) {
        "kr"
    } else {
        "sc"
    };
    let is_of_another = ["jp", "kr", "sc", "tc", "hk"]
        .into_iter()
        .any(|word| word != country && has(word));
    let weight = face.weight().to_number().abs_diff(400);
    let slant = if face.is_italic() || face.is_oblique() { 4000 } else { 0 };
    let serif = if has("serif") { 500 } else { 0 };
    let monospaced = if face.is_monospaced() || has("mono") { 300 } else { 0 };
    u32::from(weight) + slant + serif + monospaced + u32::from(is_of_another)
}

fn family(face: &ttf_parser::Face<'_>) -> String {
    let names = face.names().into_iter();
    let mut families = names.filter(|name| name.name_id == name_id::FAMILY && name.is_unicode());
    families.find_map(|name| name.to_string()).unwrap_or_default()
}
