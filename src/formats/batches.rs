//! Batches of images as safetensors, for other programs to compute on what this one computes on.
//!
//! `images` is `[batches, batch, channels, height, width]` in 32-bit floats, `labels` is `[batches, batch]` in 64-bit
//! integers.

use safetensors::{Dtype, tensor::TensorView};

use super::tensor_file;
use super::weights::WeightsError;

/// Batches of one size.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchFile {
    /// How many.
    pub count: usize,
    /// The axes of one batch's images, `[batch, channels, height, width]`.
    pub shape: [usize; 4],
    /// Every batch's images one after the other, normalised.
    pub images: Vec<f32>,
    /// Every batch's labels one after the other.
    pub labels: Vec<i64>,
}

impl BatchFile {
    /// The images and labels of batch `index`, where there is one.
    pub fn batch(&self, index: usize) -> Option<(&[f32], &[i64])> {
        if index >= self.count {
            return None;
        }
        let values = self.images.len() / self.count;
        let images = self.images.get(index * values..(index + 1) * values)?;
        let labels = self.labels.get(index * self.shape[0]..(index + 1) * self.shape[0])?;
        Some((images, labels))
    }
}

/// Writes safetensors bytes.
///
/// # Errors
/// Images or labels that are not as many as the axes say.
pub fn write(batches: &BatchFile) -> Result<Vec<u8>, WeightsError> {
    let unfit = |reason: safetensors::SafeTensorError| WeightsError {
        file: "batches".to_owned(),
        rule: format!("cannot be written as safetensors ({reason})"),
        remedy: "this is a defect of densenet-bench: please report it".to_owned(),
    };
    let [batch, channels, height, width] = batches.shape;
    let images: Vec<u8> = batches.images.iter().flat_map(|value| value.to_le_bytes()).collect();
    let labels: Vec<u8> = batches.labels.iter().flat_map(|label| label.to_le_bytes()).collect();
    let image_axes = vec![batches.count, batch, channels, height, width];
    let views = [
        (
            "images",
            TensorView::new(Dtype::F32, image_axes, &images).map_err(unfit)?,
        ),
        (
            "labels",
            TensorView::new(Dtype::I64, vec![batches.count, batch], &labels).map_err(unfit)?,
        ),
    ];
    safetensors::serialize(views, None).map_err(unfit)
}

/// Reads safetensors bytes. `file` is for messages.
///
/// # Errors
/// Bytes that are not what [`write()`] writes.
pub fn read(bytes: &[u8], file: &str) -> Result<BatchFile, WeightsError> {
    let error = |rule: String| WeightsError {
        file: file.to_owned(),
        rule,
        remedy: "let `densenet-bench inputs` write it again".to_owned(),
    };
    let tensors = tensor_file::open(bytes).map_err(|misfit| error(format!("not whole ({})", misfit.rule)))?;
    let named = |name: &str, dtype: Dtype| match tensors.tensor(name) {
        Ok(view) if view.dtype() == dtype => Ok(view),
        Ok(view) => Err(error(format!("{name} is {:?}, not {dtype:?}", view.dtype()))),
        Err(_) => Err(error(format!("{name} is missing"))),
    };
    let (images, labels) = (named("images", Dtype::F32)?, named("labels", Dtype::I64)?);
    let &[count, batch, channels, height, width] = images.shape() else {
        return Err(error(format!("images is {:?}; it has five axes", images.shape())));
    };
    if labels.shape() != [count, batch] {
        let rule = format!("labels is {:?}, not {:?}", labels.shape(), [count, batch]);
        return Err(error(rule));
    }
    let (floats, _) = images.data().as_chunks::<4>();
    let (integers, _) = labels.data().as_chunks::<8>();
    Ok(BatchFile {
        count,
        shape: [batch, channels, height, width],
        images: floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        labels: integers.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> BatchFile {
        BatchFile {
            count: 2,
            shape: [3, 1, 1, 2],
            images: (0..12u8).map(|value| f32::from(value) / 3.0).collect(),
            labels: vec![0, 1, 2, 3, 4, 5],
        }
    }

    #[test]
    fn batches_read_back_to_the_same_bits() {
        let read = read(&write(&two()).unwrap(), "b").unwrap();
        assert_eq!(read, two());
        assert_eq!(read.batch(1).unwrap(), (&two().images[6..], &[3i64, 4, 5][..]));
        assert_eq!(read.batch(2), None);
    }

    #[test]
    fn a_file_without_batches_has_none_whatever_its_other_axes_say() {
        let none = BatchFile {
            count: 0,
            shape: [usize::MAX; 4],
            images: Vec::new(),
            labels: Vec::new(),
        };
        assert_eq!(none.batch(0), None);
        assert_eq!(two().batch(usize::MAX), None);
    }

    #[test]
    fn images_that_do_not_fill_their_axes_are_not_written() {
        let short = BatchFile { count: 3, ..two() };
        assert!(write(&short).unwrap_err().to_string().contains("safetensors"));
    }

    #[test]
    fn a_file_without_batches_is_an_error_that_names_what_is_missing() {
        let weights = super::super::weights::write(&Default::default()).unwrap();
        assert_eq!(
            read(&weights, "x.safetensors").unwrap_err().to_string(),
            "x.safetensors: images is missing; let `densenet-bench inputs` write it again"
        );
        assert!(read(b"", "x").unwrap_err().rule.starts_with("not whole"));
    }
}
