//! Pixels to values of mean 0 and standard deviation 1.

use crate::data_sets::{DataError, DataSet, Moments};
use crate::formats::ablation::DataSettings;
use crate::network::Shape;

/// The mean and the standard deviation of each channel, of pixels scaled to 0..1. A normalised value is
/// `(pixel / scale - mean) / std`.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalization {
    /// One a channel.
    pub mean: Vec<f64>,
    /// One a channel, above 0.
    pub std: Vec<f64>,
}

impl Normalization {
    /// The statistics of `images` images with these moments, one a channel (the population's: divided by n). A channel
    /// that is constant has the deviation 1, so that its values become 0. Without images the mean is 0.
    pub fn of(moments: &[Moments], images: usize, scale: f32, shape: Shape) -> Self {
        let count = (images * shape.height * shape.width).max(1) as u128;
        let scale = f64::from(scale);
        let mean = (moments.iter())
            .map(|moments| moments.sum as f64 / count as f64 / scale)
            .collect();
        let std = (moments.iter())
            .map(|&Moments { sum, squares }| {
                // n^2 times the variance, without rounding.
                let scatter = count * u128::from(squares) - u128::from(sum) * u128::from(sum);
                if scatter == 0 {
                    1.0
                } else {
                    (scatter as f64).sqrt() / count as f64 / scale
                }
            })
            .collect();
        Self { mean, std }
    }

    /// The `mean` and `std` of the settings; where one is missing, that of the whole training split.
    ///
    /// # Errors
    /// Another number of values than the images have channels, a value that is not finite, or a deviation of 0 or below;
    /// an image that cannot be read, where the training split's are not known yet.
    pub fn resolve(settings: &DataSettings, data: &DataSet) -> Result<Self, DataError> {
        let channels = data.shape.channels;
        let check = |key: &'static str, values: &Option<Vec<f64>>, is_allowed: fn(f64) -> bool, allowed: &str| {
            let Some(values) = values else { return Ok(None) };
            let fault = |rule: String| {
                let remedy = format!("write one number a channel, {allowed}, of pixels scaled to 0..1");
                Err(DataError::new(key, data.name.as_str(), rule, remedy))
            };
            if values.len() != channels {
                return fault(format!(
                    "{key} has {} values, and the images have {channels} channels",
                    values.len()
                ));
            }
            match values.iter().find(|&&value| !is_allowed(value)) {
                Some(value) => fault(format!("{key} has the value {value}")),
                None => Ok(Some(values.clone())),
            }
        };
        let mean = check("data.mean", &settings.mean, f64::is_finite, "finite")?;
        let std = check(
            "data.std",
            &settings.std,
            |value| value.is_finite() && value > 0.0,
            "above 0",
        )?;
        Ok(match (mean, std) {
            (Some(mean), Some(std)) => Self { mean, std },
            (mean, std) => {
                let own = Self::of(data.moments()?, data.train.images(), data.scale, data.shape);
                Self {
                    mean: mean.unwrap_or(own.mean),
                    std: std.unwrap_or(own.std),
                }
            }
        })
    }

    /// The normalised value of every byte, a table a channel; computed in f64 and rounded once.
    pub fn tables(&self, scale: f32) -> Vec<[f32; 256]> {
        let scale = f64::from(scale);
        (self.mean.iter().zip(&self.std))
            .map(|(mean, std)| std::array::from_fn(|pixel| ((pixel as f64 / scale - mean) / std) as f32))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::load::{load, outline};
    use super::*;
    use crate::formats::ablation::DataSetName;

    #[test]
    fn normalised_images_have_mean_0_and_variance_1_in_each_channel() {
        let mut settings = DataSettings::new(DataSetName::Synthetic);
        (settings.train_images, settings.image_size) = (60, 12);
        let data = load(&settings, 2, None).unwrap();
        let indices: Vec<usize> = (0..60).filter(|index| index % 3 != 0).collect();
        let images = data.train.read(&indices).unwrap();
        let moments = Moments::of(images.iter().map(|image| &image[..]), 3);
        let tables = Normalization::of(&moments, indices.len(), data.scale, data.shape).tables(data.scale);
        for (channel, table) in tables.iter().enumerate() {
            let values: Vec<f64> = (images.iter())
                .flat_map(|image| &image[channel * 144..(channel + 1) * 144])
                .map(|&pixel| f64::from(table[pixel as usize]))
                .collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance = values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64;
            assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-6, "{mean} {variance}");
        }
    }

    #[test]
    fn the_statistics_of_known_pixels_are_exact() {
        let moments = Moments::of([&[0, 255, 7, 7][..], &[255, 0, 7, 7]], 2);
        let shape = Shape {
            channels: 2,
            height: 1,
            width: 2,
        };
        let statistics = Normalization::of(&moments, 2, 255.0, shape);
        assert_eq!(statistics.mean, [0.5, 7.0 / 255.0]);
        // The second channel is constant.
        assert_eq!(statistics.std, [0.5, 1.0]);
        assert_eq!(statistics.tables(255.0)[0][255], 1.0);
        assert_eq!(statistics.tables(255.0)[1][7], 0.0);
    }

    #[test]
    fn given_values_win_and_are_checked() {
        let mut settings = DataSettings::new(DataSetName::Digits);
        let data = load(&settings, 1, None).unwrap();
        let own = Normalization::resolve(&settings, &data).unwrap();
        settings.mean = Some(vec![0.25]);
        let half = Normalization::resolve(&settings, &data).unwrap();
        assert_eq!((half.mean, &half.std), (vec![0.25], &own.std));
        settings.std = Some(vec![0.0]);
        assert_eq!(
            Normalization::resolve(&settings, &data).unwrap_err().to_string(),
            "digits: data.std has the value 0; write one number a channel, above 0, of pixels scaled to 0..1"
        );
        settings.mean = Some(vec![0.1; 3]);
        let error = Normalization::resolve(&settings, &data).unwrap_err();
        assert_eq!(
            (error.key, data.shape.channels),
            ("data.mean", outline(&settings).unwrap().shape.channels)
        );
        assert_eq!(error.rule, "data.mean has 3 values, and the images have 1 channels");
    }
}
