//! `[data]`.

use super::reader::Reader;
use crate::formats::ablation::error::Fault;
use crate::formats::ablation::settings::{Augment, DataSetName, DataSettings};

pub fn settings(reader: &Reader<'_>) -> Result<DataSettings, Fault> {
    let dataset = reader
        .word("data.dataset")?
        .ok_or_else(|| reader.fault("data.dataset", "there is no dataset"))?;
    check_keys_that_do_not_apply(reader, dataset)?;
    let path = reader.path("data.path");
    if path.is_none() && is_read_from_disk(dataset) {
        return Err(reader.fault(
            "data.path",
            format!(
                "the data set {} is read from a folder, and there is no path",
                word(dataset)
            ),
        ));
    }
    // What does not apply keeps its default, so that it cannot tell two variants of another data set apart.
    let synthetic = dataset == DataSetName::Synthetic;
    let sized = synthetic || dataset == DataSetName::Folder;
    let count = |key: &str, applies: bool, default: usize| reader.count(key).filter(|_| applies).unwrap_or(default);
    let settings = DataSettings {
        dataset,
        path: path.filter(|_| is_read_from_disk(dataset)),
        train_limit: reader.count("data.train-limit"),
        test_limit: reader.count("data.test-limit"),
        validation_share: reader.number("data.validation-share").unwrap_or(0.0),
        image_size: count("data.image-size", sized, 32),
        classes: count("data.classes", synthetic, 10),
        channels: count("data.channels", synthetic, 3),
        train_images: count("data.train-images", synthetic, 2048),
        test_images: count("data.test-images", synthetic, 512),
        mean: reader.numbers("data.mean").map(<[f64]>::to_vec),
        std: reader.numbers("data.std").map(<[f64]>::to_vec),
        augment: reader.word("data.augment")?.unwrap_or(Augment::None),
    };
    check_channel_counts(reader, &settings)?;
    Ok(settings)
}

fn word(dataset: DataSetName) -> &'static str {
    match dataset {
        DataSetName::Digits => "digits",
        DataSetName::Synthetic => "synthetic",
        DataSetName::Cifar10 => "cifar10",
        DataSetName::Cifar100 => "cifar100",
        DataSetName::Folder => "folder",
    }
}

fn is_read_from_disk(dataset: DataSetName) -> bool {
    match dataset {
        DataSetName::Digits | DataSetName::Synthetic => false,
        DataSetName::Cifar10 | DataSetName::Cifar100 | DataSetName::Folder => true,
    }
}

/// A key that says nothing about this data set was meant for another: an error, not a shrug.
fn check_keys_that_do_not_apply(reader: &Reader<'_>, dataset: DataSetName) -> Result<(), Fault> {
    let synthetic = dataset == DataSetName::Synthetic;
    let sized = synthetic || dataset == DataSetName::Folder;
    let rules = [
        ("data.path", is_read_from_disk(dataset), "cifar10, cifar100 and folder"),
        ("data.image-size", sized, "folder and synthetic"),
        ("data.classes", synthetic, "synthetic"),
        ("data.channels", synthetic, "synthetic"),
        ("data.train-images", synthetic, "synthetic"),
        ("data.test-images", synthetic, "synthetic"),
    ];
    for (key, applies, owners) in rules {
        if !applies && reader.is_misplaced(key, "data.dataset") {
            let name = key.trim_start_matches("data.");
            return Err(reader.fault_with(
                key,
                format!("{name} is for {owners}, but the dataset is {}", word(dataset)),
                format!("remove {name}, or choose another dataset"),
            ));
        }
    }
    Ok(())
}

/// One mean and one deviation a channel.
fn check_channel_counts(reader: &Reader<'_>, settings: &DataSettings) -> Result<(), Fault> {
    let channels = match settings.dataset {
        DataSetName::Digits => 1,
        DataSetName::Synthetic => settings.channels,
        DataSetName::Cifar10 | DataSetName::Cifar100 | DataSetName::Folder => 3,
    };
    for (key, name, values) in [
        ("data.mean", "mean", &settings.mean),
        ("data.std", "std", &settings.std),
    ] {
        let found = values.as_ref().map_or(channels, Vec::len);
        if found != channels {
            return Err(reader.fault_with(
                key,
                format!(
                    "{name} has {found} {}, but the images have {channels} {}",
                    plural("value", found),
                    plural("channel", channels)
                ),
                format!("give one value a channel, or leave {name} out for the training split's"),
            ));
        }
    }
    Ok(())
}

fn plural(noun: &str, count: usize) -> String {
    if count == 1 {
        noun.to_owned()
    } else {
        format!("{noun}s")
    }
}
