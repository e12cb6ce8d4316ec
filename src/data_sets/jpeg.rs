//! The bytes of a JPEG to pixels, by libjpeg-turbo's decompressor, which Pillow and torchvision decode with too.
//!
//! The crate `mozjpeg-sys` holds its C code, `jpeg.c` calls it, and the build script compiles both.

use std::ffi::{CStr, c_char, c_int, c_uint};

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

/// Decodes a JPEG whose [`header`] was read to red, green and blue, `[height, width, 3]`, at its own size or at `eighths`
/// eighths of it, 1 to 8 ([`Header::reduced`]), which the inverse transform makes at once.
///
/// What lies behind the end-of-image marker is ignored.
///
/// # Errors
/// The library's reason: bytes that end before the picture does, or samples that are missing or damaged.
#[allow(unsafe_code)]
pub(super) fn pixels(bytes: &[u8], header: &Header, eighths: u32) -> Result<Vec<u8>, String> {
    let eighths = eighths.clamp(1, WHOLE);
    let size = usize::try_from(header.reduced(eighths).bytes()).map_err(|error| error.to_string())?;
    let mut pixels = vec![0; size];
    let mut message = [0; MESSAGE];
    // SAFETY: as in `header`; the C code compares `size` with the pixels' size before it writes one.
    let read = unsafe {
        binding::densenet_bench_jpeg_pixels(
            bytes.as_ptr(),
            bytes.len(),
            eighths,
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
