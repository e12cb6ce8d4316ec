//! The bytes of a PNG or JPEG file to pixels.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

use crate::visible::quoted;

/// The largest side of an image that is decoded, in pixels.
pub const LARGEST_SIDE: u32 = 16384;

/// The most memory that decoding one image may take, in bytes.
const DECODER_MEMORY: u64 = 512 << 20;

/// The most bytes of pixels for each byte of a file: deflate makes up to 1,032 bytes of one, and a PNG's palette up to 32
/// of a byte of 1-bit pixels. A JPEG, with at least a bit for each block of 64 samples, stays far below.
const MOST_EXPANSION: u64 = 1032 * 32;

/// The most bytes of an image's file that are read. Its pixels, which it hardly ever exceeds, may not take more.
pub(super) const LARGEST_FILE: u64 = DECODER_MEMORY;

/// Decodes a PNG or JPEG to `[3, size, size]` bytes, red, green and blue.
///
/// The kind follows from the bytes. 16 bits a sample become 8, grey becomes three equal channels, and an alpha channel
/// is dropped, not blended; colour profiles and EXIF orientation are ignored. The image is squashed to a square, with a
/// triangle filter that is widened when it shrinks the image; at the same size its bytes stay as they are.
///
/// # Errors
/// The decoder's reason; an image with a side above [`LARGEST_SIDE`], one whose header claims more pixels than its bytes
/// can hold, or one that is cut short.
pub fn decode(bytes: &[u8], size: u32) -> Result<Vec<u8>, String> {
    // A panic on malformed bytes is the decoder's bug, and for the user only one bad file.
    let rgb = catch_unwind(AssertUnwindSafe(|| decode_rgb(bytes)))
        .map_err(|_| "the decoder panicked (a bug in the image library)".to_owned())??;
    let rgb = image::imageops::resize(&rgb, size, size, FilterType::Triangle);
    let pixels = rgb.as_raw();
    Ok((0..3)
        .flat_map(|channel| pixels.iter().skip(channel).step_by(3).copied())
        .collect())
}

fn decode_rgb(bytes: &[u8]) -> Result<image::RgbImage, String> {
    // The JPEG decoder's messages end in a line feed.
    let said = |error: image::ImageError| quoted(error.to_string().trim_end());
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODER_MEMORY);
    reader.limits(limits.clone());
    let is_jpeg = match reader.format() {
        Some(image::ImageFormat::Png) => false,
        Some(image::ImageFormat::Jpeg) => true,
        Some(other) => return Err(format!("its bytes are {}", other.to_mime_type())),
        None => return Err("unknown signature".to_owned()),
    };
    let decoder = reader.into_decoder().map_err(said)?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > LARGEST_SIDE {
        return Err(format!(
            "{width}x{height} pixels, and a side may have up to {LARGEST_SIDE}"
        ));
    }
    limits
        .reserve(decoder.total_bytes())
        .map_err(|error| format!("{width}x{height} pixels: {error}"))?;
    if decoder.total_bytes() > MOST_EXPANSION * bytes.len() as u64 {
        return Err(format!(
            "its header claims {width}x{height} pixels, which {} bytes cannot hold",
            bytes.len()
        ));
    }
    if is_jpeg && !has_jpeg_end(bytes) {
        return Err("it ends before the end-of-image marker".to_owned());
    }
    let image = DynamicImage::from_decoder(decoder).map_err(said)?;
    Ok(image.into_rgb8())
}

/// Whether the last scan of a JPEG has an end. The decoder fills what is missing with grey, and a truncated file would
/// pass. Within a scan FF is followed by 00 or a restart marker, so FF D9 is the end of the image.
fn has_jpeg_end(bytes: &[u8]) -> bool {
    let marker = |second: u8| bytes.windows(2).rposition(|pair| pair == [0xff, second]);
    match (marker(0xda), marker(0xd9)) {
        (Some(scan), Some(end)) => scan < end,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
    use image::{GrayImage, ImageBuffer, ImageEncoder, ImageFormat, Rgb, RgbImage, RgbaImage};

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
        assert_eq!(decode(b"GIF89a\0\0", 8).unwrap_err(), "its bytes are image/gif");
        assert_eq!(decode(b"hello", 8).unwrap_err(), "unknown signature");
        assert_eq!(decode(b"", 8).unwrap_err(), "unknown signature");
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
