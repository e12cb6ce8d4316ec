//! The values of a batch: images from their bytes, changed as the plan says and normalised.

use super::augmentation::ShiftFlip;
use super::cutout::Cutout;
use super::loader_plan::LoaderPlan;
use super::random_resized_crop::RandomResizedCrop;
use crate::data_sets::{DataError, DataSet};
use crate::formats::ablation::Augment;

/// Squares of an image where a plan has [`LoaderPlan::ten_crops`]: five, and five of its mirror image.
pub(super) const CROPS: usize = 10;

/// The values of a batch, `[image, channel, row, column]`; with ten crops those of an image follow each other.
pub(super) fn values(
    data: &DataSet,
    plan: &LoaderPlan,
    tables: &[[f32; 256]],
    epoch: usize,
    indices: &[usize],
) -> Result<Vec<f32>, DataError> {
    let images = data.split(plan.part);
    let (values, width) = (data.shape.values(), data.shape.width);
    if plan.ten_crops {
        let mut output = vec![0f32; indices.len() * CROPS * values];
        let read = images.read_ten(indices)?;
        let squares = read.iter().flat_map(|squares| squares.chunks_exact(values));
        for (square, output) in squares.zip(output.chunks_exact_mut(values)) {
            normalize(square, tables, width, false, output);
        }
        return Ok(output);
    }
    let seed = plan.augmentation_seed;
    let draw = |index: usize| RandomResizedCrop::draw(seed, epoch, index);
    let read = match plan.augment {
        Augment::RandomResizedCrop => {
            images.read_parts(indices, &|index, height, width| draw(index).region(height, width))?
        }
        Augment::None | Augment::ShiftFlip => images.read(indices)?,
    };
    let mut output = vec![0f32; indices.len() * values];
    for ((&index, image), output) in indices.iter().zip(&read).zip(output.chunks_exact_mut(values)) {
        match plan.augment {
            Augment::None => normalize(image, tables, width, false, output),
            Augment::ShiftFlip => ShiftFlip::draw(seed, epoch, index).apply(image, tables, data.shape, output),
            Augment::RandomResizedCrop => normalize(image, tables, width, draw(index).mirror, output),
        }
        if let Some(side) = plan.cutout {
            Cutout::draw(side, data.shape, seed, epoch, index).apply(data.shape, output);
        }
    }
    Ok(output)
}

/// Normalises an image `[channel, row, column]` by its channels' tables, with left and right in each other's places where
/// it is mirrored.
fn normalize(image: &[u8], tables: &[[f32; 256]], width: usize, mirror: bool, output: &mut [f32]) {
    let pixels = image.len() / tables.len().max(1);
    let maps = image.chunks_exact(pixels).zip(output.chunks_exact_mut(pixels));
    for ((map, output), table) in maps.zip(tables) {
        if !mirror {
            for (value, &pixel) in output.iter_mut().zip(map) {
                *value = table[pixel as usize];
            }
            continue;
        }
        for (output, row) in output.chunks_exact_mut(width).zip(map.chunks_exact(width)) {
            for (value, &pixel) in output.iter_mut().zip(row.iter().rev()) {
                *value = table[pixel as usize];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirrored_image_has_its_columns_in_the_opposite_order() {
        let tables: [[f32; 256]; 2] = [
            std::array::from_fn(|pixel| pixel as f32),
            std::array::from_fn(|pixel| -(pixel as f32)),
        ];
        let mut output = [0f32; 12];
        let image: [u8; 12] = std::array::from_fn(|place| place as u8);
        normalize(&image, &tables, 3, false, &mut output);
        assert_eq!(
            output,
            [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, -6.0, -7.0, -8.0, -9.0, -10.0, -11.0]
        );
        normalize(&image, &tables, 3, true, &mut output);
        assert_eq!(
            output,
            [2.0, 1.0, 0.0, 5.0, 4.0, 3.0, -8.0, -7.0, -6.0, -11.0, -10.0, -9.0]
        );
    }
}
