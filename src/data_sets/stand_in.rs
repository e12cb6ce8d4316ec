//! What lies in the place of an image: nothing, or the small text that a tool leaves where the image itself was not brought.

use std::path::Path;

use super::file_system::{Entry, FileSystem};
use super::image_name::{FileKind, file_kind};
use crate::visible::quoted;

/// The most bytes of a file that is looked into before it is decoded: a pointer of Git LFS has about 130.
const LARGEST: u64 = 256;

/// Why a small file is no image, and the remedy; none where it is large enough to be one, or may be.
pub(super) fn stand_in_at(files: &dyn FileSystem, path: &Path) -> Option<(String, &'static str)> {
    match files.entry(path) {
        Ok(Entry::File(bytes)) if bytes <= LARGEST => stand_in(&files.read(path, LARGEST).ok()?),
        _ => None,
    }
}

/// Why these bytes of a file are no image, and the remedy; none where they may be one.
pub(super) fn stand_in(bytes: &[u8]) -> Option<(String, &'static str)> {
    let found = |rule: &str, remedy| Some((rule.to_owned(), remedy));
    if bytes.is_empty() {
        return found("it is empty", "replace the image, or remove it");
    }
    let start = &bytes[..bytes.len().min(LARGEST as usize)];
    if start.starts_with(b"version https://git-lfs.github.com/") {
        return found(
            "it is a pointer of Git LFS, and not the image",
            "bring the images with `git lfs pull`",
        );
    }
    if start.starts_with(b"/annex/objects/") {
        return found(
            "it is a pointer of git-annex, and not the image",
            "bring the images with `git annex get`",
        );
    }
    let lower = start.trim_ascii_start().to_ascii_lowercase();
    if lower.starts_with(b"<!doctype html") || lower.starts_with(b"<html") {
        return found(
            "it is a web page, and not the image",
            "download the image again, or remove it",
        );
    }
    let target = link_text(bytes)?;
    Some((
        format!(
            "it holds the text '{}', and not an image: a link that was copied without what it leads to",
            quoted(target)
        ),
        "copy the data set again with its links, or with the images that they lead to",
    ))
}

/// The text of a small file in the place of a class's folder, where it is that of a link that was copied as text.
pub(super) fn folder_link_at(files: &dyn FileSystem, path: &Path) -> Option<String> {
    let is_small = matches!(files.entry(path), Ok(Entry::File(bytes)) if bytes <= LARGEST);
    if !is_small || path.extension().is_some() {
        return None;
    }
    let bytes = files.read(path, LARGEST).ok()?;
    let text = std::str::from_utf8(&bytes).ok()?.trim_end_matches('\n');
    let is_path = text.contains('/') && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    is_path.then(|| quoted(text))
}

/// The target of a link, where a copy that knows no links has left it as the text of a file.
fn link_text(bytes: &[u8]) -> Option<&str> {
    if bytes.len() as u64 > LARGEST {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?.trim_end_matches('\n');
    let is_path = !text.is_empty() && !text.chars().any(char::is_control);
    let leads_to_an_image = file_kind(Path::new(text).file_name()?) != FileKind::NoImage;
    (is_path && leads_to_an_image).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_an_images_place_is_known_by_its_text() {
        let rule = |bytes: &[u8]| stand_in(bytes).map(|(rule, _)| rule);
        for (bytes, expected) in [
            (&b""[..], "it is empty"),
            (
                b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
                "it is a pointer of Git LFS, and not the image",
            ),
            (
                b"/annex/objects/SHA256E-s5--00.png\n",
                "it is a pointer of git-annex, and not the image",
            ),
            (b"\n<!DOCTYPE HTML>\n<p>404", "it is a web page, and not the image"),
            (
                b"../../volume/4711.png",
                "it holds the text '../../volume/4711.png', and not an image: a link that was copied without what it \
                 leads to",
            ),
        ] {
            assert_eq!(rule(bytes).as_deref(), Some(expected));
        }
        for bytes in [
            &b"no image"[..],
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff",
            b"a\0b.png",
            b"two\nlines.png",
        ] {
            assert_eq!(rule(bytes), None);
        }
    }
}
