//! Limits of a folder, which is sorted by class.

use std::fs;
use std::path::Path;

use densenet_bench::data::{load, open};
use densenet_bench::formats::ablation::LimitOrder;
use image::{Rgb, RgbImage};
use tempfile::TempDir;

use super::{read, settings};

/// The classes ape, bee and cow with four training and two test images each.
fn three_classes(folder: &Path) {
    for (split, count) in [("train", 4), ("test", 2)] {
        for (class, name) in ["ape", "bee", "cow"].into_iter().enumerate() {
            let class_folder = folder.join(split).join(name);
            fs::create_dir_all(&class_folder).unwrap();
            for index in 0..count {
                let image = RgbImage::from_pixel(4, 4, Rgb([class as u8, index, 0]));
                image.save(class_folder.join(format!("{index}.png"))).unwrap();
            }
        }
    }
}

#[test]
fn a_limit_that_leaves_classes_of_a_folder_without_images_is_refused_before_an_image_is_read() {
    let folder = TempDir::new().unwrap();
    three_classes(folder.path());
    let mut limited = settings(folder.path());
    limited.train_limit = Some(8);
    let error = open(&limited, 1, None).unwrap_err();
    assert_eq!(error.key, "data.train-limit");
    assert_eq!(
        error.to_string(),
        format!(
            "{}: train-limit = 8 takes the first images in the data set's order, and leaves 1 of 3 classes without \
             training images (cow); write limit-order = \"stratified\" to take images of every class, or a larger limit",
            folder.path().display()
        )
    );
    (limited.train_limit, limited.test_limit) = (None, Some(2));
    let error = open(&limited, 1, None).unwrap_err();
    assert_eq!(error.key, "data.test-limit");
    assert!(
        error.rule.ends_with("2 of 3 classes without test images (bee and cow)"),
        "{error}"
    );
}

#[test]
fn a_stratified_limit_takes_the_first_images_of_every_class() {
    let folder = TempDir::new().unwrap();
    three_classes(folder.path());
    let mut limited = settings(folder.path());
    (limited.train_limit, limited.test_limit) = (Some(7), Some(3));
    limited.limit_order = LimitOrder::Stratified;
    let data = load(&limited, 2, None).unwrap();
    assert_eq!(data.train.labels, [0, 0, 0, 1, 1, 2, 2]);
    assert_eq!(data.test.labels, [0, 1, 2]);
    // The second channel is the image's place in its class.
    let places: Vec<u8> = (0..7).map(|index| data.train.read(&[index]).unwrap()[0][16]).collect();
    assert_eq!(places, [0, 1, 2, 0, 1, 0, 1]);
    limited.test_limit = Some(2);
    assert_eq!(
        load(&limited, 2, None).unwrap_err().remedy,
        "write a limit of at least 3"
    );
}

#[test]
fn a_data_set_of_one_class_is_refused() {
    let folder = TempDir::new().unwrap();
    three_classes(folder.path());
    for class in ["train/bee", "train/cow", "test/bee", "test/cow"] {
        fs::remove_dir_all(folder.path().join(class)).unwrap();
    }
    let error = read(folder.path()).unwrap_err();
    assert_eq!(
        error.rule,
        "there is one class, ape: every answer would be right, and the error 0"
    );
}
