//! The bytes of a JPEG to pixels, by libjpeg-turbo's decompressor, which Pillow and torchvision decode with too.
//!
//! The crate `mozjpeg-sys` holds its C code, `jpeg.c` calls it, and the build script compiles both.

use std::ffi::{CStr, c_char, c_int, c_uint};

use super::region::Region;

// Nothing is used of it but the library that it links.
use mozjpeg_sys as _;

/// Room for the library's longest message.
const MESSAGE: usize = 256;

/// What a JPEG says of itself before its first scan; laid out as `struct header` in `jpeg.c`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Header {
    /// In pixels.
    pub(super) width: u32,
    /// In pixels.
    pub(super) height: u32,
    /// 1 (grey), 3 (colour) or 4 (cyan, magenta, yellow, black).
    pub(super) components: u32,
    /// What the decoder holds beside the pixels until it has read the last scan, in bytes.
    pub(super) coefficients: u64,
}

impl Header {
    /// What the decoder writes for each pixel, in bytes.
    fn channels(&self) -> u64 {
        if self.components == 4 { 4 } else { 3 }
    }

    /// The bytes that [`pixels`] takes for what it returns.
    pub(super) fn bytes(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height) * self.channels()
    }

    /// The header of the image that is decoded to so many eighths, 1 to 8, of each side: rounded up, as the library does.
    pub(super) fn reduced(self, eighths: u32) -> Self {
        // Sides have 16 bits.
        let side = |pixels: u32| (pixels * eighths).div_ceil(WHOLE);
        Self {
            width: side(self.width),
            height: side(self.height),
            ..self
        }
    }
}

/// The pixels that are wanted; laid out as `struct part` in `jpeg.c`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Part {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

impl Part {
    /// A region of an image, whose sides have 16 bits.
    fn of(region: Region) -> Self {
        let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        Self {
            left: side(region.left),
            top: side(region.top),
            width: side(region.width),
            height: side(region.height),
        }
    }
}

/// Eighths of an image that is not reduced.
pub(super) const WHOLE: u32 = 8;

#[allow(unsafe_code)]
mod binding {
    use super::*;

    unsafe extern "C" {
        pub(super) fn densenet_bench_jpeg_header(
            bytes: *const u8,
            length: usize,
            header: *mut Header,
            message: *mut c_char,
            room: usize,
        ) -> c_int;
        pub(super) fn densenet_bench_jpeg_pixels(
            bytes: *const u8,
            length: usize,
            eighths: c_uint,
            part: *const Part,
            pixels: *mut u8,
            size: usize,
            message: *mut c_char,
            room: usize,
        ) -> c_int;
    }
}

/// Reads the segments before the first scan.
///
/// # Errors
/// The library's reason, and a number of components that Pillow does not read either.
#[allow(unsafe_code)]
pub(super) fn header(bytes: &[u8]) -> Result<Header, String> {
    let mut header = Header::default();
    let mut message = [0; MESSAGE];
    // SAFETY: the pointers are to a slice, a struct and an array that outlive the call, with their lengths; the struct is
    // laid out as in C; no frame of Rust lies below the call, so that the library's `longjmp` crosses none.
    let read = unsafe {
        binding::densenet_bench_jpeg_header(
            bytes.as_ptr(),
            bytes.len(),
            &mut header,
            message.as_mut_ptr(),
            message.len(),
        )
    };
    if read == 0 {
        return Err(text(&message));
    }
    if ![1, 3, 4].contains(&header.components) {
        return Err(format!(
            "it has {} components, and 1, 3 or 4 were expected",
            header.components
        ));
    }
    Ok(header)
}

/// Decodes a region of a JPEG whose [`header`] was read to red, green and blue, `[height, width, 3]`: of the image at its own
/// size, or at `eighths` eighths of it, 1 to 8 ([`Header::reduced`]), which the inverse transform makes at once.
///
/// The pixels are those of the whole image there. What lies around the region is read, so that an image that is cut short or
/// damaged is refused, but hardly decoded. What lies behind the end-of-image marker is ignored.
///
/// # Errors
/// The library's reason: bytes that end before the picture does, or samples that are missing or damaged; a region that
/// is not within the image.
#[allow(unsafe_code)]
pub(super) fn pixels(bytes: &[u8], header: &Header, eighths: u32, region: Region) -> Result<Vec<u8>, String> {
    let eighths = eighths.clamp(1, WHOLE);
    let part = Part::of(region);
    let size = u64::from(part.width) * u64::from(part.height) * header.channels();
    let reduced = header.reduced(eighths);
    if size > reduced.bytes() {
        return Err(format!(
            "it has {}x{} pixels, and {}x{} were wanted",
            reduced.width, reduced.height, part.width, part.height
        ));
    }
    let size = usize::try_from(size).map_err(|error| error.to_string())?;
    let mut pixels = vec![0; size];
    let mut message = [0; MESSAGE];
    // SAFETY: as in `header`; the C code compares `size` with the part's size, and the part with the image, before it
    // writes a pixel.
    let read = unsafe {
        binding::densenet_bench_jpeg_pixels(
            bytes.as_ptr(),
            bytes.len(),
            eighths,
            &part,
            pixels.as_mut_ptr(),
            pixels.len(),
            message.as_mut_ptr(),
            message.len(),
        )
    };
    if read == 0 {
        return Err(text(&message));
    }
    if header.channels() == 4 {
        without_black(&mut pixels);
    }
    Ok(pixels)
}

/// The message that the C code has written.
fn text(message: &[c_char; MESSAGE]) -> String {
    let bytes = message.map(|byte| byte as u8);
    let text = CStr::from_bytes_until_nul(&bytes).unwrap_or_default();
    text.to_string_lossy().into_owned()
}

/// Cyan, magenta, yellow and black to red, green and blue, as Pillow does it: the samples are stored inverted, as Photoshop
/// writes them, so that 255 is no ink, and each colour is what its ink leaves of what black leaves.
fn without_black(pixels: &mut Vec<u8>) {
    let count = pixels.len() / 4;
    for pixel in 0..count {
        let [cyan, magenta, yellow, black] = [0, 1, 2, 3].map(|channel| u32::from(pixels[pixel * 4 + channel]));
        for (channel, ink) in [cyan, magenta, yellow].into_iter().enumerate() {
            // black - (255 - ink) * black / 255, the quotient rounded.
            let product = (255 - ink) * black + 128;
            pixels[pixel * 3 + channel] = (black - (((product >> 8) + product) >> 8)) as u8;
        }
    }
    pixels.truncate(count * 3);
    pixels.shrink_to_fit();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    #[test]
    fn no_ink_is_white_and_black_ink_is_black() {
        let mut pixels = vec![
            255, 255, 255, 255, 255, 255, 255, 0, 0, 255, 128, 255, 100, 200, 255, 128,
        ];
        without_black(&mut pixels);
        assert_eq!(pixels, [255, 255, 255, 0, 0, 0, 0, 255, 128, 50, 100, 128]);
    }

    #[test]
    fn a_reduced_image_has_eighths_of_each_side_rounded_up() {
        let header = Header {
            width: 500,
            height: 375,
            components: 3,
            coefficients: 0,
        };
        let sides = |eighths| (header.reduced(eighths).width, header.reduced(eighths).height);
        assert_eq!(sides(8), (500, 375));
        assert_eq!(sides(6), (375, 282));
        assert_eq!(sides(4), (250, 188));
        assert_eq!(sides(1), (63, 47));
        assert_eq!(header.reduced(4).bytes(), 250 * 188 * 3);
    }

    /// A JPEG that `scripts/fixtures/imagenet.py` wrote.
    fn fixture(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/imagenet/val");
        std::fs::read(format!("{folder}/{name}.JPEG")).unwrap()
    }

    #[test]
    fn a_region_has_the_pixels_of_the_whole_image_there() {
        let mut stream = Stream::new(9, Purpose::Synthetic, 0);
        for name in [
            "n01440764/typical",
            "n01440764/square",
            "n01443537/upright",
            "n01443537/odd",
            "n01484850/long",
            "n01443537/grey",
        ] {
            let bytes = fixture(name);
            let header = header(&bytes).unwrap();
            for eighths in [8, 7, 5, 4, 2, 1] {
                let reduced = header.reduced(eighths);
                let (height, width) = (reduced.height as usize, reduced.width as usize);
                let all = pixels(&bytes, &header, eighths, Region::whole(height, width)).unwrap();
                for _ in 0..40 {
                    let mut within = |pixels: usize| {
                        let count = 1 + stream.below(pixels as u64) as usize;
                        (stream.below((pixels - count) as u64 + 1) as usize, count)
                    };
                    let ((top, height), (left, columns)) = (within(height), within(width));
                    let region = Region {
                        top,
                        left,
                        height,
                        width: columns,
                    };
                    let expected: Vec<u8> = (top..top + height)
                        .flat_map(|row| &all[3 * (row * width + left)..][..3 * columns])
                        .copied()
                        .collect();
                    let found = pixels(&bytes, &header, eighths, region).unwrap();
                    assert!(found == expected, "{name}, {eighths} eighths, {region:?}");
                }
            }
        }
    }

    #[test]
    fn an_image_that_is_cut_short_or_damaged_is_refused_whatever_region_is_wanted() {
        let bytes = fixture("n01440764/typical");
        let header = header(&bytes).unwrap();
        let region = |top| Region {
            top,
            left: 100,
            height: 40,
            width: 90,
        };
        for top in [0, 120, 330] {
            assert!(pixels(&bytes, &header, 8, region(top)).is_ok());
            for length in [bytes.len() / 3, bytes.len() - 400, bytes.len() - 2] {
                let error = pixels(&bytes[..length], &header, 8, region(top)).unwrap_err();
                assert_eq!(error, "it ends before the end-of-image marker", "{top} {length}");
            }
        }
        assert!(pixels(&bytes, &header, 8, region(336)).is_err(), "beyond the last row");
    }

    #[test]
    fn the_librarys_reason_comes_back() {
        assert_eq!(
            header(b"\xff\xd8").unwrap_err(),
            "it ends before the end-of-image marker"
        );
        assert_eq!(
            header(b"\0\0\0\0").unwrap_err(),
            "Not a JPEG file: starts with 0x00 0x00"
        );
    }
}
