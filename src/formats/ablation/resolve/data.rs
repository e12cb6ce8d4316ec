//! `[data]`.

use super::reader::Reader;
use crate::data_sets::{Augment, DataSetName, DataSettings};
use crate::formats::ablation::error::Fault;
use crate::formats::ablation::known_keys;
use crate::words::{counted, listed};

pub fn settings(reader: &Reader<'_>) -> Result<DataSettings, Fault> {
    let dataset: DataSetName = reader
        .word("data.dataset")?
        .ok_or_else(|| reader.fault("data.dataset", "there is no dataset"))?;
    check_keys_that_do_not_apply(reader, dataset)?;
    let path = reader.path("data.path").filter(|_| dataset.is_read_from_disk());
    // A known data set without a path is where `data fetch` puts it, which depends on the machine and not on the file.
    if path.is_none() && dataset.is_read_from_disk() && dataset.descriptor().known.is_none() {
        let name = dataset.name();
        let rule = format!("the data set {name} is read from a folder, and there is no path");
        return Err(reader.fault("data.path", rule));
    }
    // What does not apply keeps its default, so that it cannot distinguish two variants of another data set.
    let default = DataSettings::new(dataset);
    let count = |key: &str, default: usize| {
        let given = reader.count(key).filter(|_| dataset.takes(key));
        given.unwrap_or(default)
    };
    let settings = DataSettings {
        dataset,
        path,
        extra_split: reader.flag("data.extra-split").unwrap_or(false) && dataset.takes("data.extra-split"),
        train_limit: reader.count("data.train-limit"),
        test_limit: reader.count("data.test-limit"),
        limit_order: reader.word("data.limit-order")?.unwrap_or(default.limit_order),
        validation_share: reader
            .number("data.validation-share")
            .unwrap_or(default.validation_share),
        validation_seed: reader.seed("data.validation-seed"),
        image_size: count("data.image-size", default.image_size),
        resize: (reader.count("data.resize").filter(|_| dataset.takes("data.resize"))).or(default.resize),
        test_crops: count("data.test-crops", default.test_crops),
        scaled_decoding: reader.flag("data.scaled-decoding").unwrap_or(false) && dataset.takes("data.scaled-decoding"),
        classes: count("data.classes", default.classes),
        channels: count("data.channels", default.channels),
        train_images: count("data.train-images", default.train_images),
        test_images: count("data.test-images", default.test_images),
        mean: reader.numbers("data.mean").map(<[f64]>::to_vec),
        std: reader.numbers("data.std").map(<[f64]>::to_vec),
        augment: reader.word("data.augment")?.unwrap_or(default.augment),
        cutout: reader.count("data.cutout"),
    };
    check_limit_order(reader, &settings)?;
    check_validation_seed(reader, &settings)?;
    check_channel_counts(reader, &settings)?;
    check_cuts(reader, &settings)?;
    Ok(settings)
}

/// A key that does not apply to this data set was meant for another: an error, not ignored.
fn check_keys_that_do_not_apply(reader: &Reader<'_>, dataset: DataSetName) -> Result<(), Fault> {
    let is_owned = |key: &&str| DataSetName::ALL.iter().any(|dataset| dataset.takes(key));
    for key in known_keys().iter().map(|known| known.key).filter(is_owned) {
        if !dataset.takes(key) && reader.is_misplaced(key, "data.dataset") {
            let name = key.trim_start_matches("data.");
            return Err(reader.fault_with(
                key,
                format!("{name} is for {}, but the dataset is {}", owners(key), dataset.name()),
                format!("remove {name}, or choose another dataset"),
            ));
        }
    }
    Ok(())
}

/// The data sets that a key belongs to, by their names' order.
fn owners(key: &str) -> String {
    let owners = DataSetName::ALL.iter().filter(|dataset| dataset.takes(key));
    let mut names: Vec<&str> = owners.map(|dataset| dataset.name()).collect();
    names.sort_unstable();
    listed(&names)
}

/// The order of a limit says nothing where there is none.
fn check_limit_order(reader: &Reader<'_>, settings: &DataSettings) -> Result<(), Fault> {
    if settings.limit_order.is_first() || settings.train_limit.is_some() || settings.test_limit.is_some() {
        return Ok(());
    }
    Err(reader.fault_with(
        "data.limit-order",
        "limit-order is for train-limit and test-limit, and there is neither",
        "remove limit-order, or write a limit",
    ))
}

/// A seed of what is held out says nothing where nothing is.
fn check_validation_seed(reader: &Reader<'_>, settings: &DataSettings) -> Result<(), Fault> {
    if settings.validation_share > 0.0 || !reader.is_misplaced("data.validation-seed", "data.validation-share") {
        return Ok(());
    }
    Err(reader.fault_with(
        "data.validation-seed",
        "validation-seed is for validation-share, and nothing is held out",
        "remove validation-seed, or write a validation-share such as 0.1",
    ))
}

/// What is cut out of images: squares that they have, and of images in files of their own alone.
fn check_cuts(reader: &Reader<'_>, settings: &DataSettings) -> Result<(), Fault> {
    if settings.augment == Augment::RandomResizedCrop && !settings.dataset.takes("data.resize") {
        return Err(reader.fault_with(
            "data.augment",
            format!(
                "random-resized-crop is for {}, whose images have files of their own, but the dataset is {}",
                owners("data.resize"),
                settings.dataset.name()
            ),
            "write augment = \"shift-flip\", or choose another dataset",
        ));
    }
    let size = settings.image_size;
    if let Some(resize) = settings.resize
        && resize < size
    {
        let key = if reader.is_given("data.resize") {
            "data.resize"
        } else {
            "data.image-size"
        };
        return Err(reader.fault_with(
            key,
            format!(
                "resize is {resize}, and image-size {size}: a short side of {resize} pixels has no square of {size}"
            ),
            format!(
                "write a resize of at least {size}, such as {}, or a smaller image-size",
                size * 8 / 7
            ),
        ));
    }
    if ![1, 10].contains(&settings.test_crops) {
        return Err(reader.fault(
            "data.test-crops",
            format!("test-crops is {}; it must be 1 or 10", settings.test_crops),
        ));
    }
    if settings.test_crops > 1 && settings.resize.is_none() {
        return Err(reader.fault_with(
            "data.test-crops",
            "test-crops is 10, and there is no resize: images that are squashed to the square have one square alone",
            format!("write resize = {} beside it, or leave test-crops out", size * 8 / 7),
        ));
    }
    Ok(())
}

/// One mean and one deviation a channel.
fn check_channel_counts(reader: &Reader<'_>, settings: &DataSettings) -> Result<(), Fault> {
    let channels = (settings.dataset.descriptor().channels)(&settings.options());
    for (key, name, values) in [
        ("data.mean", "mean", &settings.mean),
        ("data.std", "std", &settings.std),
    ] {
        let found = values.as_ref().map_or(channels, Vec::len);
        if found != channels {
            return Err(reader.fault_with(
                key,
                format!(
                    "{name} has {}, but the images have {}",
                    counted(found, "value"),
                    counted(channels, "channel")
                ),
                format!("give one value a channel, or leave {name} out for the training split's"),
            ));
        }
    }
    Ok(())
}
