//! The bytes of a PNG or JPEG file to pixels: those that Pillow's `Image.open(file).convert("RGB")` gives, which
//! torchvision's `ImageFolder` uses, or an error.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::codecs::png::PngDecoder;
use image::{DynamicImage, ImageDecoder, Limits, RgbImage};

use super::jpeg::{Header, WHOLE};
use super::region::Region;
use super::resize::square_maps;
use super::{jpeg, signature};
use crate::visible::quoted;

/// The largest side of an image that is decoded, in pixels.
pub const LARGEST_SIDE: u32 = 16384;

/// The most memory that the pixels of one image may take while it is decoded, in bytes. The coefficients of a JPEG in
/// several scans may take twice as much beside them: they are two bytes where a sample is one.
const DECODER_MEMORY: u64 = 512 << 20;

/// The most bytes of pixels for each byte of a file: deflate makes up to 1,032 bytes of one, and a PNG's palette up to 32
/// of a byte of 1-bit pixels. A JPEG, with at least a bit for each block of 64 samples, stays far below.
const MOST_EXPANSION: u64 = 1032 * 32;

/// The most bytes of an image's file that are read. Its pixels, which it hardly ever exceeds, may not take more.
pub(super) const LARGEST_FILE: u64 = DECODER_MEMORY;

/// Decodes a PNG or JPEG to `[3, size, size]` bytes, red, green and blue, as [`decode_rgb`] does.
///
/// The image is squashed to a square, with a triangle filter that is widened when it shrinks the image; at the same size
/// its bytes stay as they are.
///
/// # Errors
/// Those of [`decode_rgb`].
pub fn decode(bytes: &[u8], size: u32) -> Result<Vec<u8>, String> {
    let rgb = decode_rgb(bytes)?;
    let (width, height) = (rgb.width() as usize, rgb.height() as usize);
    Ok(square_maps(rgb.as_raw(), width, height, size as usize))
}

/// Decodes a PNG or JPEG to red, green and blue at its own size, to the very values that Pillow decodes it to.
///
/// The kind follows from the bytes. Grey becomes three equal channels, and an alpha channel is dropped, not blended; of 16
/// bits a sample the upper 8 are kept; cyan, magenta, yellow and black become red, green and blue. Colour profiles, gamma and
/// EXIF orientation are ignored, and so is what lies behind the end of the image.
///
/// # Errors
/// The decoder's reason; an image with a side above [`LARGEST_SIDE`], one whose header claims more pixels than its bytes
/// can hold, one that is cut short or damaged, or a kind that is not decoded, such as 16 bits of grey without alpha, which
/// Pillow cuts off at 255.
pub fn decode_rgb(bytes: &[u8]) -> Result<RgbImage, String> {
    let opened = Opened::of(bytes)?;
    let (height, width) = opened.size();
    let (image, _) = opened.pixels(WHOLE, Region::whole(height, width))?;
    Ok(image)
}

/// The pixels of the region that `region` gives for an image's height and width, or of more of the image, with the region
/// that they are of. They are those of [`decode_rgb`], which a JPEG's other pixels are not decoded for.
///
/// # Errors
/// Those of [`decode_rgb`], but for samples that are far outside of 0 to 255 elsewhere; a region that is not within a JPEG.
pub fn decode_region(bytes: &[u8], region: impl FnOnce(usize, usize) -> Region) -> Result<(RgbImage, Region), String> {
    let opened = Opened::of(bytes)?;
    let (height, width) = opened.size();
    opened.pixels(WHOLE, region(height, width))
}

/// An image whose size is known. A JPEG's pixels are decoded later: how many are wanted may follow from its size.
pub(super) enum Opened<'a> {
    /// Decoded.
    Png(RgbImage),
    /// Its bytes, and what they say of it.
    Jpeg(&'a [u8], Header),
}

impl<'a> Opened<'a> {
    /// Reads a JPEG's header, or a PNG.
    ///
    /// # Errors
    /// Those of [`decode_rgb`].
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, String> {
        match signature::of(bytes)? {
            signature::Kind::Png => {
                // A panic on malformed bytes is the decoder's bug, and for the user only one bad file.
                let decoded = catch_unwind(AssertUnwindSafe(|| decode_png(bytes)));
                let decoded = decoded.map_err(|_| "the decoder panicked (a bug in the image library)".to_owned())?;
                decoded.map(Self::Png)
            }
            signature::Kind::Jpeg => jpeg_header(bytes).map(|header| Self::Jpeg(bytes, header)),
        }
    }

    /// Its height and width in the file.
    pub(super) fn size(&self) -> (usize, usize) {
        let (width, height) = match self {
            Self::Png(image) => image.dimensions(),
            Self::Jpeg(_, header) => (header.width, header.height),
        };
        (height as usize, width as usize)
    }

    /// Its height and width at so many eighths of each side; a PNG is not reduced.
    pub(super) fn reduced(&self, eighths: u32) -> (usize, usize) {
        match self {
            Self::Png(_) => self.size(),
            Self::Jpeg(_, header) => {
                let Header { width, height, .. } = header.reduced(eighths);
                (height as usize, width as usize)
            }
        }
    }

    /// The pixels of a region of the image at so many eighths of each side, or of more of it, and where they are in it.
    ///
    /// # Errors
    /// Those of [`decode_rgb`].
    pub(super) fn pixels(self, eighths: u32, region: Region) -> Result<(RgbImage, Region), String> {
        let (height, width) = self.size();
        let (bytes, header) = match self {
            Self::Png(image) => return Ok((image, Region::whole(height, width))),
            Self::Jpeg(bytes, header) => (bytes, header),
        };
        let pixels = jpeg::pixels(bytes, &header, eighths, region).map_err(|reason| quoted(&reason))?;
        let image = RgbImage::from_raw(region.width as u32, region.height as u32, pixels);
        let image = image.ok_or_else(|| "its pixels are not those of its size".to_owned())?;
        Ok((image, region))
    }
}

fn decode_png(bytes: &[u8]) -> Result<RgbImage, String> {
    let said = |error: image::ImageError| quoted(error.to_string().trim_end());
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODER_MEMORY);
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits).map_err(said)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height, decoder.total_bytes(), bytes.len())?;
    // The header's depth and colour type: with a transparent colour the decoder tells of alpha, which is not stored.
    if bytes.get(24..26) == Some(&[16, 0]) {
        return Err("its pixels are 16-bit grey, which Pillow cuts off at 255 (scale them to 8 bits)".to_owned());
    }
    if let Some(length) = palette(bytes).map(<[u8]>::len).filter(|length| length % 3 != 0) {
        return Err(format!(
            "its palette has {length} bytes, and 3 for each colour were expected"
        ));
    }
    let image = DynamicImage::from_decoder(decoder).map_err(said)?;
    match image {
        DynamicImage::ImageLumaA16(_) | DynamicImage::ImageRgb16(_) | DynamicImage::ImageRgba16(_) => {
            let deep = image.into_rgb16();
            let upper = deep.as_raw().iter().map(|sample| (sample >> 8) as u8).collect();
            Ok(RgbImage::from_raw(width, height, upper).expect("a byte for each sample"))
        }
        image => Ok(image.into_rgb8()),
    }
}

/// The data of a PNG's palette chunk. The decoder panics where it ends within a colour.
fn palette(png: &[u8]) -> Option<&[u8]> {
    let mut rest = png.get(8..)?;
    loop {
        let (length, chunk) = rest.split_first_chunk::<4>()?;
        let (kind, chunk) = chunk.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        match kind {
            b"PLTE" => return chunk.get(..length),
            b"IDAT" => return None,
            // Behind the data stands a checksum.
            _ => rest = chunk.get(length.checked_add(4)?..)?,
        }
    }
}

fn jpeg_header(bytes: &[u8]) -> Result<Header, String> {
    let header = jpeg::header(bytes).map_err(|reason| quoted(&reason))?;
    let (width, height) = (header.width, header.height);
    check_size(width, height, header.bytes(), bytes.len())?;
    if header.coefficients > 2 * DECODER_MEMORY {
        return Err(format!(
            "{width}x{height} pixels in several scans: they take {} bytes until the last is read, and up to {} are \
             taken",
            header.coefficients,
            2 * DECODER_MEMORY
        ));
    }
    Ok(header)
}

/// Checks what a header claims, before anything is allocated: `decoded` bytes for the image, of `length` bytes of a file.
fn check_size(width: u32, height: u32, decoded: u64, length: usize) -> Result<(), String> {
    if width.max(height) > LARGEST_SIDE {
        return Err(format!(
            "{width}x{height} pixels, and a side may have up to {LARGEST_SIDE}"
        ));
    }
    if decoded > DECODER_MEMORY {
        return Err(format!(
            "{width}x{height} pixels: they take {decoded} bytes, and up to {DECODER_MEMORY} are taken"
        ));
    }
    if decoded > MOST_EXPANSION * length as u64 {
        return Err(format!(
            "its header claims {width}x{height} pixels, which {length} bytes cannot hold"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
    use image::{GrayImage, ImageBuffer, ImageEncoder, ImageFormat, Rgb, RgbaImage};

    use super::*;

    fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        image.into().write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    fn gradient(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| Rgb([x as u8, y as u8, (x * 3 + y * 7) as u8]))
    }

    #[test]
    fn an_image_of_the_right_size_keeps_its_bytes() {
        let image = gradient(5, 5);
        let decoded = decode(&encoded(image.clone(), ImageFormat::Png), 5).unwrap();
        for (x, y, pixel) in image.enumerate_pixels() {
            for channel in 0..3 {
                assert_eq!(decoded[channel * 25 + y as usize * 5 + x as usize], pixel[channel]);
            }
        }
    }

    #[test]
    fn other_sizes_are_squashed_to_a_square() {
        let halves = RgbImage::from_fn(40, 10, |x, _| if x < 20 { Rgb([200, 0, 9]) } else { Rgb([0, 100, 9]) });
        let decoded = decode(&encoded(halves, ImageFormat::Png), 4).unwrap();
        assert_eq!(decoded.len(), 48);
        for row in 0..4 {
            assert_eq!([decoded[row * 4], decoded[row * 4 + 3]], [200, 0]);
            assert_eq!([decoded[16 + row * 4], decoded[16 + row * 4 + 3]], [0, 100]);
        }
        assert_eq!(decoded[32..], [9; 16]);
    }

    #[test]
    fn grey_alpha_and_16_bits_become_three_channels_of_8() {
        let grey = GrayImage::from_pixel(2, 2, image::Luma([77]));
        assert_eq!(decode(&encoded(grey, ImageFormat::Png), 2).unwrap(), [77; 12]);
        let transparent = RgbaImage::from_pixel(2, 2, image::Rgba([77, 77, 77, 0]));
        assert_eq!(decode(&encoded(transparent, ImageFormat::Png), 2).unwrap(), [77; 12]);
        let deep: ImageBuffer<Rgb<u16>, Vec<u16>> = ImageBuffer::from_pixel(2, 2, Rgb([77 * 257; 3]));
        assert_eq!(decode(&encoded(deep, ImageFormat::Png), 2).unwrap(), [77; 12]);
        let jpeg = decode(
            &encoded(RgbImage::from_pixel(16, 16, Rgb([77; 3])), ImageFormat::Jpeg),
            2,
        )
        .unwrap();
        assert!(jpeg.iter().all(|value| value.abs_diff(77) <= 2), "{jpeg:?}");
    }

    #[test]
    fn a_file_cut_anywhere_does_not_decode() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let bytes = encoded(gradient(40, 30), format);
            assert!(decode(&bytes, 8).is_ok());
            // A PNG's last chunk, of 12 bytes, holds nothing.
            let needed = if format == ImageFormat::Png {
                bytes.len() - 12
            } else {
                bytes.len()
            };
            for length in 0..needed {
                assert!(
                    decode(&bytes[..length], 8).is_err(),
                    "{format:?} cut to {length} of {} bytes",
                    bytes.len()
                );
            }
        }
    }

    #[test]
    fn a_changed_byte_of_a_png_is_found() {
        let mut bytes = encoded(gradient(40, 30), ImageFormat::Png);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        assert!(decode(&bytes, 8).is_err());
    }

    #[test]
    fn other_bytes_are_named() {
        assert_eq!(
            decode(b"GIF89a\0\0", 8).unwrap_err(),
            "its bytes are GIF (convert it to PNG)"
        );
        assert_eq!(decode(b"hello", 8).unwrap_err(), "unknown signature");
        assert_eq!(decode(b"", 8).unwrap_err(), "it is empty");
    }

    #[test]
    fn an_image_with_a_huge_side_is_refused_from_its_header() {
        let wide = encoded(GrayImage::new(LARGEST_SIDE + 1, 1), ImageFormat::Png);
        assert_eq!(
            decode(&wide, 8).unwrap_err(),
            "16385x1 pixels, and a side may have up to 16384"
        );
        let reason = decode(&claiming(16384), 8).unwrap_err();
        assert!(reason.starts_with("16384x16384 pixels: "), "{reason}");
    }

    #[test]
    fn a_header_that_claims_more_pixels_than_the_file_can_hold_is_refused() {
        let claimed = claiming(4096);
        assert_eq!(
            decode(&claimed, 8).unwrap_err(),
            format!(
                "its header claims 4096x4096 pixels, which {} bytes cannot hold",
                claimed.len()
            )
        );
    }

    #[test]
    fn an_image_of_one_colour_is_decoded_however_small_its_file() {
        let mut blank = Vec::new();
        let encoder = PngEncoder::new_with_quality(&mut blank, CompressionType::Best, PngFilter::Up);
        let pixels = vec![0; 4096 * 4096];
        encoder
            .write_image(&pixels, 4096, 4096, image::ExtendedColorType::L8)
            .unwrap();
        assert!(blank.len() < pixels.len() / 500, "{}", blank.len());
        assert_eq!(decode(&blank, 2), Ok(vec![0; 12]));
    }

    /// A PNG of one pixel whose header claims a square of 3 bytes a pixel, and its checksum.
    fn claiming(side: u32) -> Vec<u8> {
        let mut claimed = encoded(gradient(1, 1), ImageFormat::Png);
        claimed[16..20].copy_from_slice(&side.to_be_bytes());
        claimed[20..24].copy_from_slice(&side.to_be_bytes());
        let crc = crc32(&claimed[12..29]);
        claimed[29..33].copy_from_slice(&crc.to_be_bytes());
        claimed
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum()
    }
}
