//! ImageNet's images: the squares that torchvision cuts out of the same JPEG files, the same logits, and parts that are
//! drawn anew in every epoch.
//!
//! `scripts/fixtures/imagenet.py` wrote the files and what torchvision makes of them.

#![cfg(feature = "libtorch")]

mod workplace;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use densenet_bench::data::{
    Batch, Batches, DataSet, Loader, LoaderPlan, Normalization, Part, RandomResizedCrop, Region, load, open, outline,
};
use densenet_bench::data_sets::image_file::decode_rgb;
use densenet_bench::formats::ablation::{Augment, DataSetName, DataSettings};
use serde::Deserialize;
use workplace::Workplace;

/// What torchvision makes of the files.
#[derive(Deserialize)]
struct Expected {
    size: usize,
    resize: usize,
    mean: Vec<f64>,
    std: Vec<f64>,
    classes: Vec<String>,
    images: Vec<ExpectedImage>,
}

/// What it makes of one.
#[derive(Deserialize)]
struct ExpectedImage {
    file: PathBuf,
    label: u32,
    /// Top, left, height and width.
    part: [usize; 4],
    logits: Vec<f64>,
    mean_of_ten: Vec<f64>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/imagenet")
}

fn expected() -> Expected {
    serde_json::from_slice(&fs::read(fixtures().join("expected.json")).unwrap()).unwrap()
}

fn settings() -> DataSettings {
    let Expected { size, resize, .. } = expected();
    DataSettings {
        path: Some(fixtures()),
        image_size: size,
        resize: Some(resize),
        ..DataSettings::new(DataSetName::Imagenet)
    }
}

/// The squares of a file in `squares/`, one below the other there, `[square, channel, row, column]`.
fn squares(image: &ExpectedImage, kind: &str) -> Vec<u8> {
    let name = format!("{}{kind}.png", image.file.file_stem().unwrap().to_str().unwrap());
    let picture = decode_rgb(&fs::read(fixtures().join("squares").join(name)).unwrap()).unwrap();
    let side = picture.width();
    let mut maps = Vec::new();
    for square in 0..picture.height() / side {
        for channel in 0..3 {
            for row in 0..side {
                maps.extend((0..side).map(|column| picture.get_pixel(column, square * side + row)[channel]));
            }
        }
    }
    maps
}

#[test]
fn the_outline_counts_what_is_there_and_needs_no_file_where_nothing_is() {
    let there = outline(&settings()).unwrap();
    assert_eq!((there.classes, there.train_images), (3, 3));
    assert_eq!(there.test_images, expected().images.len());
    let remark = format!("{}: it has 3 of the 1,000 classes of imagenet", fixtures().display());
    assert!(there.remarks.contains(&remark), "{:?}", there.remarks);
    for path in [None, Some(PathBuf::from("no/such/folder"))] {
        let whole = outline(&DataSettings {
            path,
            ..DataSettings::new(DataSetName::Imagenet)
        })
        .unwrap();
        assert_eq!(
            (whole.classes, whole.train_images, whole.test_images),
            (1000, 1_281_167, 50_000)
        );
        assert_eq!(
            (whole.shape.channels, whole.shape.height, whole.shape.width),
            (3, 224, 224)
        );
    }
}

/// Compares squares with torchvision's.
fn check(found: &[u8], expected: &[u8], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let farthest = found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max();
    assert_eq!(farthest, Some(0), "{what}: grey levels apart");
}

#[test]
fn every_square_has_torchvisions_bytes() {
    let expected = expected();
    let data = load(&settings(), 2, None).unwrap();
    assert_eq!(data.classes, expected.classes);
    assert_eq!(data.test.images(), expected.images.len());
    for (index, image) in expected.images.iter().enumerate() {
        let name = image.file.display().to_string();
        assert_eq!(data.test.labels[index], image.label, "{name}");
        check(&data.test.read(&[index]).unwrap()[0], &squares(image, ""), &name);
        check(
            &data.test.read_ten(&[index]).unwrap()[0],
            &squares(image, "-ten"),
            &name,
        );
        let [top, left, height, width] = image.part;
        let region = move |_: usize, _: usize, _: usize| Region {
            top,
            left,
            height,
            width,
        };
        let parts = data.test.read_parts(&[index], &region).unwrap();
        check(&parts[0], &squares(image, "-part"), &name);
    }
}

#[test]
fn a_part_of_the_squares_own_size_has_the_decoded_pixels() {
    let data = load(&settings(), 2, None).unwrap();
    let side = data.shape.width;
    for (index, image) in expected().images.iter().enumerate() {
        let whole = decode_rgb(&fs::read(fixtures().join(&image.file)).unwrap()).unwrap();
        let (columns, rows) = (whole.width() as usize, whole.height() as usize);
        let Some((right, below)) = columns.checked_sub(side).zip(rows.checked_sub(side)) else {
            continue;
        };
        for step in 0..=8 {
            let (top, left) = (below * step / 8, right * (step * 5 % 9) / 8);
            let region = move |_: usize, height: usize, width: usize| {
                assert_eq!((height, width), (rows, columns));
                Region {
                    top,
                    left,
                    height: side,
                    width: side,
                }
            };
            let parts = data.test.read_parts(&[index], &region).unwrap();
            for (place, &value) in parts[0].iter().enumerate() {
                let (line, column) = (place / side, place % side);
                let pixel = whole.get_pixel((left + column) as u32, (top + line % side) as u32);
                assert_eq!(value, pixel[line / side], "{}: {top} {left}", image.file.display());
            }
        }
    }
}

/// An ablation file with the fixture's network and data.
fn ablation(more: &str) -> String {
    let Expected {
        size,
        resize,
        mean,
        std,
        ..
    } = expected();
    format!(
        "name = \"imagenet\"\nquestion = \"Are these torchvision's logits?\"\n[data]\ndataset = \"imagenet\"\npath = {:?}\n\
         image-size = {size}\nresize = {resize}\nmean = {mean:?}\nstd = {std:?}\n{more}\n[model]\nblock-layers = [2, 2]\n\
         growth-rate = 4\nbottleneck = true\nbottleneck-width = 2\ncompression = 0.5\ninitial-channels = 8\n\
         stem = \"imagenet\"\n",
        fixtures().display().to_string()
    )
}

/// The logits that `evaluate` writes, image by image.
fn evaluated(more: &str) -> Vec<Vec<f64>> {
    let place = Workplace::new();
    place.write("imagenet.toml", &ablation(more));
    let weights = fixtures().join("weights.safetensors");
    place.ok(&[
        "evaluate",
        "imagenet.toml",
        "--weights",
        weights.to_str().unwrap(),
        "--logits",
        "logits.csv",
        "--device",
        "cpu",
    ]);
    let text = fs::read_to_string(place.path("logits.csv")).unwrap();
    text.lines()
        .skip(1)
        .map(|line| line.split(',').skip(2).map(|value| value.parse().unwrap()).collect())
        .collect()
}

#[test]
fn evaluate_gives_torchvisions_logits_for_the_same_files_of_one_square_and_of_ten() {
    let expected = expected();
    for more in ["", "test-crops = 10"] {
        let found = evaluated(more);
        assert_eq!(found.len(), expected.images.len());
        for (image, found) in expected.images.iter().zip(&found) {
            let logits = if more.is_empty() {
                &image.logits
            } else {
                &image.mean_of_ten
            };
            assert_eq!(found.len(), logits.len());
            for (found, expected) in found.iter().zip(logits) {
                let name = image.file.display();
                assert!(
                    (found - expected).abs() < 1e-3,
                    "{name}: {found}, torchvision {expected}"
                );
            }
        }
    }
    // Ten squares are not the one in the middle.
    let apart = |image: &ExpectedImage| (image.logits[0] - image.mean_of_ten[0]).abs() > 1e-2;
    assert!(expected.images.iter().any(apart));
}

fn plan(normalization: Normalization, threads: usize, first_batch: usize) -> LoaderPlan {
    LoaderPlan {
        part: Part::Test,
        indices: (0..expected().images.len()).collect(),
        normalization,
        batch_size: 3,
        epochs: 0..3,
        first_batch,
        seed: 5,
        augmentation_seed: 7,
        shuffle: true,
        augment: Augment::RandomResizedCrop,
        cutout: None,
        ten_crops: false,
        threads,
    }
}

fn given() -> Normalization {
    let Expected { mean, std, .. } = expected();
    Normalization { mean, std }
}

fn opened(threads: usize) -> Arc<DataSet> {
    Arc::new(open(&settings(), threads, None).unwrap())
}

#[test]
fn random_parts_have_the_same_bits_whatever_the_threads_and_wherever_a_run_is_resumed() {
    let all = |threads: usize, loaders: usize, first: usize| -> Vec<Batch> {
        let loader = Loader::start(opened(threads), plan(given(), loaders, first)).unwrap();
        loader.map(Result::unwrap).collect()
    };
    let expected = all(1, 0, 0);
    assert_eq!(expected.len(), 9);
    assert_eq!(all(3, 0, 0), expected);
    assert_eq!(all(2, 2, 0), expected);
    assert_eq!(all(1, 2, 4), expected[4..]);
    // The same image is another in another epoch.
    let of = |epoch: usize| -> Vec<f32> {
        let batches = expected.iter().filter(|batch| batch.epoch == epoch);
        let values = batches.flat_map(|batch| {
            let place = batch.indices.iter().position(|&index| index == 0)?;
            let values = batch.images.len() / batch.indices.len();
            Some(batch.images[place * values..(place + 1) * values].to_vec())
        });
        values.flatten().collect()
    };
    assert_ne!(of(0), of(1));
    assert_ne!(of(1), of(2));
}

#[test]
fn a_random_part_is_the_drawn_region_resized_mirrored_and_normalised() {
    let data = opened(2);
    let tables = given().tables(data.scale);
    let side = data.shape.width;
    for batch in Batches::new(Arc::clone(&data), plan(given(), 0, 0)).unwrap() {
        let batch = batch.unwrap();
        let draw = |index: usize| RandomResizedCrop::draw(7, batch.epoch, index);
        let parts = data
            .test
            .read_parts(&batch.indices, &|index, height, width| {
                draw(index).region(height, width)
            })
            .unwrap();
        for ((&index, part), values) in batch
            .indices
            .iter()
            .zip(&parts)
            .zip(batch.images.chunks(data.shape.values()))
        {
            for (place, value) in values.iter().enumerate() {
                let (line, column) = (place / side, place % side);
                let source = if draw(index).mirror { side - 1 - column } else { column };
                let expected = tables[line / side][part[line * side + source] as usize];
                assert_eq!(*value, expected);
            }
        }
    }
}

#[test]
fn ten_crops_are_normalised_one_after_the_other() {
    let data = opened(2);
    let plan = LoaderPlan {
        ten_crops: true,
        ..LoaderPlan::evaluation(Part::Test, vec![1, 0], given(), 2)
    };
    let batch = Batches::new(Arc::clone(&data), plan).unwrap().next().unwrap().unwrap();
    let side = data.shape.width;
    assert_eq!(batch.shape, [20, 3, side, side]);
    assert_eq!((batch.labels.len(), &batch.indices), (2, &vec![1, 0]));
    let tables = given().tables(data.scale);
    let read = data.test.read_ten(&[1, 0]).unwrap();
    let squares: Vec<u8> = read.iter().flat_map(|squares| squares.iter().copied()).collect();
    assert_eq!(squares.len(), batch.images.len());
    for (place, (&byte, value)) in squares.iter().zip(&batch.images).enumerate() {
        assert_eq!(*value, tables[place / (side * side) % 3][byte as usize]);
    }
}

#[test]
fn squares_and_parts_are_other_data_than_squashed_images() {
    let fingerprint = |settings: &DataSettings| {
        let data = load(settings, 1, None).unwrap();
        data.survey(false, &mut |_, _| ()).unwrap().fingerprint
    };
    let cut = settings();
    let squashed = DataSettings {
        resize: None,
        ..cut.clone()
    };
    let larger = DataSettings {
        resize: Some(64),
        ..cut.clone()
    };
    let scaled = DataSettings {
        scaled_decoding: true,
        ..cut.clone()
    };
    let all = [&cut, &squashed, &larger, &scaled].map(fingerprint);
    for (place, one) in all.iter().enumerate() {
        assert!(!all[..place].contains(one), "{place}");
    }
    assert_eq!(fingerprint(&cut), all[0]);
}

#[test]
fn scaled_decoding_stays_near_torchvisions_squares() {
    let expected = expected();
    let data = load(
        &DataSettings {
            scaled_decoding: true,
            ..settings()
        },
        2,
        None,
    )
    .unwrap();
    for (index, image) in expected.images.iter().enumerate() {
        let (found, expected) = (data.test.read(&[index]).unwrap(), squares(image, ""));
        let apart: u64 = found[0]
            .iter()
            .zip(&expected)
            .map(|(a, b)| u64::from(a.abs_diff(*b)))
            .sum();
        let mean = apart as f64 / expected.len() as f64;
        assert!(mean < 15.0, "{}: {mean} grey levels on average", image.file.display());
    }
}
