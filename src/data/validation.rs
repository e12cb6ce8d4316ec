//! Training images held out for validation.

use crate::data_sets::{DataError, DataSet, classes_without_images, without_images_in_words};
use crate::random::{Purpose, Stream};

/// Divides `0..images` into those to train on and those held out, both ascending: `floor(share * images)` are held out,
/// at least one where `share` is above 0. Which ones depends on the seed alone.
///
/// # Errors
/// A share outside `[0, 1)`, or one that leaves no image to train on.
pub fn hold_out(images: usize, share: f64, seed: u64) -> Result<(Vec<usize>, Vec<usize>), DataError> {
    let fault =
        |rule: String, remedy: &str| DataError::new("data.validation-share", "the training split", rule, remedy);
    if !(0.0..1.0).contains(&share) {
        return Err(fault(
            format!("validation-share is {share}"),
            "write a share from 0 up to, not including, 1",
        ));
    }
    if share == 0.0 {
        return Ok(((0..images).collect(), Vec::new()));
    }
    // 0.29 * 100 is 28.999999999999996 in binary: the share that was written has 29.
    let held_out = ((share * images as f64 + 1e-9).floor() as usize).max(1);
    if held_out >= images {
        return Err(fault(
            format!("validation-share is {share}, and of {images} images {held_out} would be held out"),
            "leave at least one to train on",
        ));
    }
    let mut training = Stream::new(seed, Purpose::ValidationSplit, 0).permutation(images);
    let mut validation = training.split_off(images - held_out);
    training.sort_unstable();
    validation.sort_unstable();
    Ok((training, validation))
}

/// Checks that the images that [`hold_out`] leaves to train on are of every class that the training split has.
///
/// # Errors
/// The classes that are left without training images.
pub fn check_training_classes(data: &DataSet, share: f64, seed: u64) -> Result<(), DataError> {
    let labels = &data.train.labels;
    let (training, held_out) = hold_out(labels.len(), share, seed)?;
    if held_out.is_empty() {
        return Ok(());
    }
    let before = classes_without_images(&data.classes, labels.iter().copied());
    let mut without = classes_without_images(&data.classes, training.iter().map(|&index| labels[index]));
    without.retain(|class| !before.contains(class));
    if without.is_empty() {
        return Ok(());
    }
    let left = without_images_in_words(&without, data.classes.len(), "training images");
    Err(DataError::new(
        "data.validation-share",
        "the training split",
        format!(
            "validation-share = {share} holds out the only images of some classes: with seed {seed} it leaves {left}"
        ),
        "write a smaller share, take more images of these classes, or another seed",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::load;
    use crate::formats::ablation::{DataSetName, DataSettings};

    #[test]
    fn every_image_is_on_one_side() {
        for (images, share, expected) in [(1437, 0.1, 143), (100, 0.29, 29), (10, 0.01, 1), (2, 0.9, 1)] {
            let (training, validation) = hold_out(images, share, 3).unwrap();
            assert_eq!(validation.len(), expected);
            assert!(training.is_sorted() && validation.is_sorted());
            let mut all = [training, validation].concat();
            all.sort_unstable();
            assert_eq!(all, (0..images).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_seed_decides_which() {
        let held_out = |seed| hold_out(100, 0.2, seed).unwrap().1;
        assert_eq!(held_out(1), held_out(1));
        assert_ne!(held_out(1), held_out(2));
    }

    #[test]
    fn a_share_of_0_holds_out_none() {
        assert_eq!(hold_out(3, 0.0, 0).unwrap(), (vec![0, 1, 2], vec![]));
    }

    #[test]
    fn a_share_that_holds_out_all_images_of_a_class_is_an_error_that_names_it() {
        let mut settings = DataSettings::new(DataSetName::Digits);
        settings.train_limit = Some(12);
        let data = load(&settings, 1, None).unwrap();
        // The digits 0 and 1 have two images each, the others one.
        assert_eq!(check_training_classes(&data, 0.0, 3), Ok(()));
        let error = check_training_classes(&data, 0.5, 3).unwrap_err();
        assert_eq!(error.key, "data.validation-share");
        let (training, _) = hold_out(12, 0.5, 3).unwrap();
        let left: std::collections::BTreeSet<u32> = training.iter().map(|&index| data.train.labels[index]).collect();
        let count = format!("leaves {} of 10 classes without training images (", 10 - left.len());
        assert!(error.rule.contains(&count), "{error}");
        let all = load(&DataSettings::new(DataSetName::Digits), 1, None).unwrap();
        assert_eq!(check_training_classes(&all, 0.5, 3), Ok(()));
    }

    #[test]
    fn a_share_that_leaves_nothing_is_an_error() {
        assert_eq!(
            hold_out(1, 0.5, 0).unwrap_err().to_string(),
            "the training split: validation-share is 0.5, and of 1 images 1 would be held out; leave at least one to \
             train on"
        );
        for share in [1.0, -0.1, f64::NAN] {
            assert!(hold_out(10, share, 0).is_err());
        }
    }
}
