//! What has to be known of letters to set them, by the blocks that Unicode keeps for scripts.

/// Whether text needs more than its letters side by side from left to right: scripts that join or stack letters or run
/// from right to left, and marks on letters.
pub fn needs_shaping(text: &str) -> bool {
    text.chars().any(|letter| {
        matches!(u32::from(letter),
            // Combining marks; Hebrew and Arabic to Myanmar; Hangul's parts; Philippine scripts to Mongolian; Limbu to
            // Vedic signs; more marks.
            0x0300..=0x036f | 0x0590..=0x109f | 0x1100..=0x11ff | 0x1700..=0x18af | 0x1900..=0x1cff | 0x1dc0..=0x1dff
            // Joiners and directional marks; marks for symbols; kana's marks.
            | 0x200c..=0x200f | 0x20d0..=0x20ff | 0x3099..=0x309a
            // Syloti Nagri to Meetei Mayek; Hangul's further parts; the forms of Hebrew and Arabic; selectors.
            | 0xa800..=0xabff | 0xd7b0..=0xd7ff | 0xfb1d..=0xfdff | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f | 0xfe70..=0xfeff
            // Scripts from right to left, of India and around it; flags, skin colours; tags and selectors.
            | 0x10800..=0x11fff | 0x1e800..=0x1efff | 0x1f1e6..=0x1f1ff | 0x1f3fb..=0x1f3ff | 0xe0000..=0xe0fff
        )
    })
}

/// Whether a letter stands on the one before it, or changes it, and is set with it.
pub fn belongs_to_previous(letter: char) -> bool {
    matches!(u32::from(letter),
        0x0300..=0x036f | 0x0591..=0x05c7 | 0x0610..=0x061a | 0x064b..=0x065f | 0x0670 | 0x06d6..=0x06dc
        | 0x0900..=0x0903 | 0x093a..=0x094f | 0x0e31 | 0x0e34..=0x0e3a | 0x0e47..=0x0e4e | 0x1dc0..=0x1dff
        | 0x200c..=0x200d | 0x20d0..=0x20ff | 0x3099..=0x309a | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f
        | 0x1f3fb..=0x1f3ff | 0xe0100..=0xe01ef
    )
}

/// The width in ems that is kept for a letter whose font is not known.
pub fn cell(letter: char) -> f64 {
    let is_wide = is_east_asian(letter) || is_emoji(letter) || u32::from(letter) > 0xffff;
    if is_wide { 1.0 } else { 0.8 }
}

/// Chinese, Japanese and Korean, and what is as wide.
pub fn is_east_asian(letter: char) -> bool {
    matches!(u32::from(letter),
        0x1100..=0x11ff | 0x2e80..=0x303f | 0x3040..=0xa4cf | 0xa960..=0xa97f | 0xac00..=0xd7ff | 0xf900..=0xfaff
        | 0xfe30..=0xfe4f | 0xff00..=0xffef | 0x16fe0..=0x18d8f | 0x1aff0..=0x1b16f | 0x20000..=0x3ffff
    )
}

/// Pictures among the letters.
pub fn is_emoji(letter: char) -> bool {
    matches!(u32::from(letter), 0x2600..=0x27bf | 0x1f000..=0x1faff)
}

/// Kana, which Japanese alone has.
pub fn is_kana(letter: char) -> bool {
    matches!(u32::from(letter), 0x3040..=0x30ff | 0x31f0..=0x31ff | 0xff66..=0xff9d)
}

/// Hangul, which Korean alone has.
pub fn is_hangul(letter: char) -> bool {
    matches!(u32::from(letter), 0x1100..=0x11ff | 0x3130..=0x318f | 0xa960..=0xa97f | 0xac00..=0xd7ff)
}

/// Code points without a meaning of their own, which no common font has.
pub fn is_private(letter: char) -> bool {
    matches!(u32::from(letter), 0xe000..=0xf8ff | 0xf0000..=0x10ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_letters_side_by_side_needs_no_shaping() {
        for simple in [
            "growth-rate=12, θ = 0.5 ± 0.1",
            "学习率",
            "학습률",
            "学習率とバッチ",
            "скорость",
            "日本語 😀",
        ] {
            assert!(!needs_shaping(simple), "{simple}");
        }
        for other in ["معدل التعلم", "קצב", "सीखने", "e\u{301}", "อัตรา", "👩\u{200d}🔬"]
        {
            assert!(needs_shaping(other), "{other}");
        }
    }
}
