//! Which files are images, by their names.

use std::ffi::OsStr;

/// The endings of images that are read.
const READ: &[&str] = &[".jpg", ".jpeg", ".png"];

/// The other endings of images that `ImageFolder` takes: one of these is an error, and not skipped.
const NOT_READ: &[&str] = &[".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"];

/// What a file is by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    /// An image that is read.
    Image,
    /// An image that is not.
    OtherImage,
    /// None.
    NoImage,
}

/// What a file of this name is, whatever the case.
pub(super) fn file_kind(name: &OsStr) -> FileKind {
    let name = name.to_string_lossy().to_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    match (ends(READ), ends(NOT_READ)) {
        (true, _) => FileKind::Image,
        (false, true) => FileKind::OtherImage,
        (false, false) => FileKind::NoImage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_its_ending_in_any_case() {
        for (name, kind) in [
            ("a.JPEG", FileKind::Image),
            ("a.b.png", FileKind::Image),
            ("a.TiFf", FileKind::OtherImage),
            ("a.webp", FileKind::OtherImage),
            ("png", FileKind::NoImage),
            ("a.png.txt", FileKind::NoImage),
            ("a.gif", FileKind::NoImage),
        ] {
            assert_eq!(file_kind(OsStr::new(name)), kind, "{name}");
        }
    }
}
