//! What kind of file the first bytes tell of, whatever its name says.

/// The kinds of images that are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Png,
    Jpeg,
}

/// What stands at the start of images of other formats.
const IMAGES: [(&[u8], &str); 11] = [
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "BigTIFF"),
    (b"MM\0+", "BigTIFF"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"8BPS", "Photoshop's"),
];

/// What stands at the start of other files that people find under an image's name.
const OTHERS: [(&[u8], &str); 6] = [
    (b"%PDF", "PDF"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
];

/// The brands of files that are boxes in boxes, as phones write them.
const BRANDS: [(&[u8], &str); 9] = [
    (b"avif", "AVIF"),
    (b"avis", "AVIF"),
    (b"heic", "HEIC"),
    (b"heix", "HEIC"),
    (b"heim", "HEIC"),
    (b"hevc", "HEIC"),
    (b"heif", "HEIF"),
    (b"mif1", "HEIF"),
    (b"msf1", "HEIF"),
];

/// The kind of an image's bytes.
///
/// # Errors
/// What they are instead, as far as the first bytes tell.
pub(super) fn of(bytes: &[u8]) -> Result<Kind, String> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Ok(Kind::Png);
    }
    if bytes.starts_with(b"\xff\xd8\xff") {
        return Ok(Kind::Jpeg);
    }
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    if bytes.starts_with(b"version https://git-lfs.github.com/") {
        return Err("it is a pointer of Git LFS in the image's place (`git lfs pull` fetches the image)".to_owned());
    }
    let table = |table: &[(&[u8], &'static str)], bytes: &[u8]| {
        let found = table.iter().find(|(start, _)| bytes.starts_with(start));
        found.map(|(_, name)| *name)
    };
    let boxed = || table(&BRANDS, bytes.get(4..)?.strip_prefix(b"ftyp")?);
    let riff = || {
        bytes
            .strip_prefix(b"RIFF")?
            .get(4..)?
            .starts_with(b"WEBP")
            .then_some("WebP")
    };
    let reason = match (
        table(&IMAGES, bytes).or_else(boxed).or_else(riff),
        table(&OTHERS, bytes),
    ) {
        (Some(format), _) => format!("its bytes are {format} (convert it to PNG)"),
        (None, Some(other)) => format!("its bytes are {other}"),
        (None, None) => "unknown signature".to_owned(),
    };
    Err(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_follows_from_the_first_bytes() {
        assert_eq!(of(b"\x89PNG\r\n\x1a\n"), Ok(Kind::Png));
        assert_eq!(of(b"\xff\xd8\xff\xe1"), Ok(Kind::Jpeg));
        for (bytes, reason) in [
            (&b"RIFF\x10\0\0\0WEBPVP8 "[..], "its bytes are WebP (convert it to PNG)"),
            (b"\0\0\0\x18ftypheic\0\0\0\0", "its bytes are HEIC (convert it to PNG)"),
            (b"\0\0\0\x1cftypavif", "its bytes are AVIF (convert it to PNG)"),
            (b"BM6\0", "its bytes are BMP (convert it to PNG)"),
            (b"II*\0\x08", "its bytes are TIFF (convert it to PNG)"),
            (b"<!DOCTYPE html>", "its bytes are a web page"),
            (
                b"version https://git-lfs.github.com/spec/v1\n",
                "it is a pointer of Git LFS in the image's place (`git lfs pull` fetches the image)",
            ),
            (b"RIFF\x10\0\0\0WAVE", "unknown signature"),
            (b"\0\0\0\x18ftypisom", "unknown signature"),
            (b"\xff\xd8", "unknown signature"),
            (b"", "it is empty"),
        ] {
            assert_eq!(of(bytes), Err(reason.to_owned()), "{bytes:?}");
        }
    }
}
