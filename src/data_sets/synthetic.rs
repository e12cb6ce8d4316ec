//! Seeded images of classes that a network can learn, in any number, size and number of channels.
//!
//! A class is a sum of a few waves. An image of it is that pattern, moved by up to an eighth of the image, at a contrast
//! of its own, under noise. The seed is fixed: the data set is the same for every trial and on every machine.

use std::f64::consts::TAU;

use super::descriptor::{Descriptor, Outline, Request};
use super::error::DataError;
use super::known::KnownSet;
use super::options::Options;
use super::set::DataSet;
use super::split::Split;
use super::{allocation, parallel};
use crate::network::Shape;
use crate::random::{Purpose, Stream};

const NAME: &str = "synthetic";

/// The data set.
pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    keys: &[
        "data.image-size",
        "data.classes",
        "data.channels",
        "data.train-images",
        "data.test-images",
    ],
    channels: |options| options.channels,
    outline: |options, _| outline(options),
    load,
    known: Some(KnownSet {
        name: NAME,
        about: "images made from a fixed seed",
        image: None,
        classes: None,
        images: None,
        licence: "that of the program",
        home: "this program",
        files: None,
        by_hand: None,
    }),
};

/// The data set's own seed, not the trial's.
const SEED: u64 = 0;

/// Waves in a class's pattern.
const WAVES: usize = 4;

/// A wave has up to this many cycles from edge to edge: smooth even on small images.
const LARGEST_FREQUENCY: u64 = 3;

/// The largest move of a pattern, as a share of the image's side.
const LARGEST_MOVE: f64 = 0.125;

/// The standard deviation of a pattern over an image at full contrast, in steps of a byte.
const PATTERN: f64 = 40.0;

/// The standard deviation of the noise, in steps of a byte.
const NOISE: f32 = 40.0;

/// The remedy for a data set that is too large.
const SMALLER: &str = "make fewer or smaller images: data.train-images, data.test-images, data.image-size";

/// Which draws a stream is for; its counter is the use in the upper bits and an index in the lower ones.
#[derive(Clone, Copy)]
enum Use {
    Pattern,
    TrainLabels,
    TestLabels,
    TrainImage,
    TestImage,
}

fn stream(purpose: Use, index: usize) -> Stream {
    Stream::new(SEED, Purpose::Synthetic, (purpose as u64) << 48 | index as u64)
}

/// One image.
fn shape(options: &Options<'_>) -> Shape {
    Shape::square(options.channels, options.image_size)
}

fn outline(options: &Options<'_>) -> Result<Outline, DataError> {
    let all = Outline {
        shape: shape(options),
        classes: options.classes,
        train_images: options.train_images,
        test_images: options.test_images,
        remarks: Vec::new(),
    };
    all.within_limits(options, NAME)
}

/// Makes the data set; it is the same for any number of threads.
///
/// # Errors
/// A count is 0, a limit is larger than its split, or the images do not fit into the available memory.
fn load(request: &Request<'_>) -> Result<DataSet, DataError> {
    let options = &request.options;
    let counts = [
        ("data.classes", options.classes),
        ("data.channels", options.channels),
        ("data.image-size", options.image_size),
        ("data.train-images", options.train_images),
        ("data.test-images", options.test_images),
    ];
    for (key, count) in counts {
        if count == 0 || count > u32::MAX as usize {
            return Err(DataError::new(
                key,
                NAME,
                format!("{key} is {count}"),
                "write at least 1, below 2^32",
            ));
        }
    }
    let shape = shape(options);
    let values = (shape.channels.checked_mul(shape.height))
        .and_then(|rows| rows.checked_mul(shape.width))
        .ok_or_else(|| {
            DataError::new(
                "data.image-size",
                NAME,
                format!("images of {shape} cannot be counted"),
                SMALLER,
            )
        })?;
    let (train, test) = options.limited(options.train_images, options.test_images, NAME)?;
    allocation::check(
        "data.train-images",
        NAME,
        train + test,
        values,
        request.available_memory,
        SMALLER,
    )?;
    let split = |labels, images, all, limit| -> Result<Split, DataError> {
        // Balanced, in a mixed order: 0, 1, … over and over, shuffled.
        let mut labels: Vec<u32> = (stream(labels, 0).permutation(all).into_iter())
            .map(|position| (position % options.classes) as u32)
            .collect();
        let indices = options.limit_order.choose(&labels, limit);
        let mut pixels = allocation::allocate("data.train-images", NAME, limit, values, SMALLER)?;
        parallel::fill_chunks(&mut pixels, values, request.threads, |place, image| {
            let index = indices[place];
            draw(shape, labels[index], stream(images, index), image);
        });
        labels = indices.iter().map(|&index| labels[index]).collect();
        Ok(Split { pixels, labels })
    };
    let train = split(Use::TrainLabels, Use::TrainImage, options.train_images, train)?;
    let test = split(Use::TestLabels, Use::TestImage, options.test_images, test)?;
    let classes = (0..options.classes).map(|class| class.to_string()).collect();
    Ok(DataSet::new(NAME, shape, classes, 255.0, train, test))
}

/// One wave of a pattern, in cycles from edge to edge.
struct Wave {
    down: f64,
    across: f64,
    /// In turns, one a channel.
    phases: Vec<f64>,
    /// In steps of a byte, one a channel.
    amplitudes: Vec<f64>,
}

/// The pattern of a class.
fn pattern(class: u32, channels: usize) -> Vec<Wave> {
    let mut stream = stream(Use::Pattern, class as usize);
    // The variance of a cosine is half its amplitude's square.
    let amplitude = PATTERN * (2.0 / WAVES as f64).sqrt();
    (0..WAVES)
        .map(|_| {
            let down = stream.below(LARGEST_FREQUENCY + 1) as f64;
            let across = (1 + stream.below(LARGEST_FREQUENCY)) as f64;
            let falling = stream.below(2) == 0;
            Wave {
                down: if falling { -down } else { down },
                across,
                phases: (0..channels).map(|_| stream.uniform()).collect(),
                amplitudes: (0..channels).map(|_| amplitude * (0.5 + stream.uniform())).collect(),
            }
        })
        .collect()
}

/// Draws one image of a class, `[channel, row, column]`.
fn draw(shape: Shape, class: u32, mut stream: Stream, image: &mut [u8]) {
    let waves = pattern(class, shape.channels);
    let move_down = (2.0 * stream.uniform() - 1.0) * LARGEST_MOVE;
    let move_across = (2.0 * stream.uniform() - 1.0) * LARGEST_MOVE;
    let contrast = 0.5 + stream.uniform();
    let sine = |turns: f64| libm::sin(TAU * turns) as f32;
    let cosine = |turns: f64| libm::cos(TAU * turns) as f32;
    let mut noise = Noise::new(stream);
    let mut row_values = vec![0f32; shape.width];
    for (channel, map) in image.chunks_exact_mut(shape.height * shape.width).enumerate() {
        // cos(a + b) = cos(a) cos(b) - sin(a) sin(b): the trigonometry is by row and by column, not by pixel.
        let columns: Vec<Vec<(f32, f32)>> = (waves.iter())
            .map(|wave| {
                let amplitude = (contrast * wave.amplitudes[channel]) as f32;
                let turns = |column: usize| wave.across * (column as f64 / shape.width as f64 - move_across);
                (0..shape.width)
                    .map(|column| turns(column) + wave.phases[channel])
                    .map(|turns| (amplitude * cosine(turns), amplitude * sine(turns)))
                    .collect()
            })
            .collect();
        for (row, pixels) in map.chunks_exact_mut(shape.width).enumerate() {
            row_values.fill(127.5);
            for (wave, columns) in waves.iter().zip(&columns) {
                let turns = wave.down * (row as f64 / shape.height as f64 - move_down);
                let (cos, sin) = (cosine(turns), sine(turns));
                for (value, (column_cos, column_sin)) in row_values.iter_mut().zip(columns) {
                    *value += column_cos * cos - column_sin * sin;
                }
            }
            for (pixel, value) in pixels.iter_mut().zip(&row_values) {
                // A cast to u8 cuts the fraction off and saturates.
                *pixel = (value + NOISE * noise.draw() + 0.5) as u8;
            }
        }
    }
}

/// Nearly normal noise: the sum of four uniform bytes, two draws from each 64 bits.
struct Noise {
    stream: Stream,
    kept: Option<u32>,
}

impl Noise {
    fn new(stream: Stream) -> Self {
        Self { stream, kept: None }
    }

    /// Mean 0, standard deviation 1.
    fn draw(&mut self) -> f32 {
        let bits = self.kept.take().unwrap_or_else(|| {
            let bits = self.stream.bits();
            self.kept = Some((bits >> 32) as u32);
            bits as u32
        });
        let sum: u32 = bits.to_le_bytes().iter().map(|&byte| u32::from(byte)).sum();
        // Four bytes: mean 4 * 255 / 2, variance 4 * (256^2 - 1) / 12.
        (sum as f32 - 510.0) / 147.8
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data_sets::file_system::tests::MemoryFiles;
    use crate::data_sets::{DataSetName, DataSettings, LimitOrder};

    fn load(settings: &DataSettings, threads: usize, available_memory: Option<u64>) -> Result<DataSet, DataError> {
        super::load(&Request {
            options: settings.options(),
            files: Arc::new(MemoryFiles::default()),
            threads,
            available_memory,
        })
    }

    fn synthetic(change: impl Fn(&mut DataSettings)) -> DataSettings {
        let mut settings = DataSettings::new(DataSetName::Synthetic);
        change(&mut settings);
        settings
    }

    #[test]
    fn the_bytes_are_the_same_for_any_number_of_threads() {
        let settings = synthetic(|settings| {
            (settings.image_size, settings.channels, settings.classes) = (9, 2, 3);
            (settings.train_images, settings.test_images) = (50, 20);
        });
        let one = load(&settings, 1, None).unwrap();
        assert_eq!(one.shape.values(), 2 * 9 * 9);
        assert_eq!(one.train.pixels().len(), 50 * 162);
        for threads in [2, 3, 7] {
            let other = load(&settings, threads, None).unwrap();
            assert_eq!(
                (&other.train.labels, &other.test.labels),
                (&one.train.labels, &one.test.labels)
            );
            assert_eq!(other.train.pixels(), one.train.pixels());
            assert_eq!(other.test.pixels(), one.test.pixels());
        }
        assert_ne!(one.train.pixels()[..162], one.test.pixels()[..162]);
    }

    #[test]
    fn a_limit_takes_the_first_images() {
        let all = load(&synthetic(|settings| settings.train_images = 40), 2, None).unwrap();
        let limited = synthetic(|settings| {
            settings.train_images = 40;
            settings.train_limit = Some(7);
        });
        let limited = load(&limited, 2, None).unwrap();
        assert_eq!(limited.train.labels, all.train.labels[..7]);
        assert_eq!(limited.train.pixels(), all.train.pixels()[..7 * all.shape.values()]);
        assert_eq!(limited.test.pixels(), all.test.pixels());
    }

    #[test]
    fn a_stratified_limit_draws_the_images_that_there_are_without_a_limit() {
        let all = load(&synthetic(|settings| settings.train_images = 40), 2, None).unwrap();
        let limited = synthetic(|settings| {
            (settings.train_images, settings.train_limit) = (40, Some(11));
            settings.limit_order = LimitOrder::Stratified;
        });
        let limited = load(&limited, 2, None).unwrap();
        let (chosen, images) = (LimitOrder::Stratified.choose(&all.train.labels, 11), all.train.pixels());
        let images: Vec<&[u8]> = images.chunks_exact(all.shape.values()).collect();
        let expected: Vec<&[u8]> = chosen.iter().map(|&index| images[index]).collect();
        assert_eq!(limited.train.pixels(), expected.concat());
    }

    #[test]
    fn labels_are_balanced_and_mixed() {
        let data = load(&synthetic(|settings| settings.image_size = 2), 2, None).unwrap();
        let mut counts = [0; 10];
        for &label in &data.train.labels {
            counts[label as usize] += 1;
        }
        assert!(counts.iter().all(|&count| count == 204 || count == 205), "{counts:?}");
        assert!(data.train.labels.windows(2).any(|pair| pair[1] < pair[0]));
    }

    /// The share of test images that are nearest to the mean of another class's training images.
    fn nearest_mean_error(data: &DataSet) -> f64 {
        let values = data.shape.values();
        let mut means = vec![vec![0f64; values]; data.classes.len()];
        let mut counts = vec![0f64; data.classes.len()];
        let (train, test) = (data.train.pixels(), data.test.pixels());
        for (index, image) in train.chunks_exact(values).enumerate() {
            let label = data.train.labels[index] as usize;
            counts[label] += 1.0;
            for (mean, &pixel) in means[label].iter_mut().zip(image) {
                *mean += f64::from(pixel);
            }
        }
        let distance = |image: &[u8], class: usize| -> f64 {
            let squares = image.iter().zip(&means[class]);
            squares
                .map(|(&pixel, sum)| (f64::from(pixel) - sum / counts[class]).powi(2))
                .sum()
        };
        let wrong = (0..data.test.images()).filter(|&index| {
            let image = &test[index * values..(index + 1) * values];
            let nearest = (0..means.len()).min_by(|&a, &b| distance(image, a).total_cmp(&distance(image, b)));
            nearest != Some(data.test.labels[index] as usize)
        });
        wrong.count() as f64 / data.test.images() as f64
    }

    #[test]
    fn the_classes_can_be_learned_but_are_not_trivial() {
        for (size, channels) in [(8, 1), (16, 3), (32, 3)] {
            let settings = synthetic(|settings| {
                (settings.image_size, settings.channels) = (size, channels);
                (settings.train_images, settings.test_images) = (500, 500);
            });
            let error = nearest_mean_error(&load(&settings, 2, None).unwrap());
            // Chance is 0.9.
            assert!((0.01..0.6).contains(&error), "{size}x{size}x{channels}: {error}");
        }
    }

    #[test]
    fn the_noise_has_mean_0_and_deviation_1() {
        let mut noise = Noise::new(stream(Use::TrainImage, 0));
        let draws: Vec<f64> = (0..100_000).map(|_| f64::from(noise.draw())).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|draw| draw * draw).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }

    #[test]
    fn too_large_a_data_set_is_refused() {
        let error = load(&synthetic(|_| {}), 1, Some(1_000_000)).unwrap_err();
        assert_eq!(error.key, "data.train-images");
        assert!(
            error
                .rule
                .starts_with("2,560 images of 3,072 bytes need 7,864,320 bytes"),
            "{error}"
        );
        let changes: [fn(&mut DataSettings); 2] = [|settings| settings.classes = 0, |settings| settings.channels = 0];
        for change in changes {
            assert!(load(&synthetic(change), 1, None).is_err());
        }
        let huge = synthetic(|settings| settings.train_limit = Some(2049));
        assert_eq!(load(&huge, 1, None).unwrap_err().key, "data.train-limit");
    }
}
