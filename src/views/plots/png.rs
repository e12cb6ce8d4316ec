//! A parsed drawing as PNG.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::Tree;

/// Renders a drawing on white.
///
/// # Errors
/// In words, where the picture is too large for memory or the encoder refuses it.
pub fn png(tree: &Tree, pixels_per_point: f64) -> Result<Vec<u8>, String> {
    // A hundredth of a pixel more is rounding.
    let pixels = |points: f32| (f64::from(points) * pixels_per_point - 0.01).ceil().max(1.0) as u32;
    let (width, height) = (pixels(tree.size().width()), pixels(tree.size().height()));
    let mut drawn = Pixmap::new(width, height)
        .ok_or_else(|| format!("{width}x{height} pixels are too many for a PNG: plot fewer variants"))?;
    drawn.fill(Color::WHITE);
    let scale = pixels_per_point as f32;
    resvg::render(tree, Transform::from_scale(scale, scale), &mut drawn.as_mut());
    // On white nothing is transparent.
    let opaque: Vec<u8> = (drawn.data().chunks_exact(4))
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect();
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive)
        .write_image(&opaque, width, height, ExtendedColorType::Rgb8)
        .map_err(|error| error.to_string())?;
    Ok(png)
}
