//! `[data]`.

use super::{data, refuses};

#[test]
fn a_data_set_that_this_version_lacks_is_refused() {
    refuses(
        &data(r#"dataset = "stl10""#),
        r#"growth.toml:4: data.dataset: dataset is "stl10"; it must be "digits", "noisy-digits", "digit-sums", "synthetic", "cifar10", "cifar100", "mnist", "fashion-mnist", "svhn", "imagenet" or "folder"; write dataset = "digits" for the data set that is embedded"#,
    );
    refuses(
        &data(r#"dataset = "cifar-10""#),
        r#"growth.toml:4: data.dataset: dataset is "cifar-10"; it must be "digits", "noisy-digits", "digit-sums", "synthetic", "cifar10", "cifar100", "mnist", "fashion-mnist", "svhn", "imagenet" or "folder"; did you mean "cifar10"?"#,
    );
}

#[test]
fn a_folder_of_ones_own_without_a_path_is_refused() {
    refuses(
        &data(r#"dataset = "folder""#),
        r#"growth.toml:3: data.path: the data set folder is read from a folder, and there is no path; name the data set's folder, such as path = "../data/my-images""#,
    );
    refuses(
        &data(
            r#"dataset = "folder"
path = """#,
        ),
        r#"growth.toml:5: data.path: path is empty; it must say something; name the data set's folder, such as path = "../data/my-images""#,
    );
}

#[test]
fn keys_that_fit_only_another_data_set_are_refused() {
    refuses(
        &data(
            r#"dataset = "digits"
extra-split = true"#,
        ),
        "growth.toml:5: data.extra-split: extra-split is for svhn, but the dataset is digits; remove extra-split, or choose another dataset",
    );
    refuses(
        &data(
            r#"dataset = "digits"
image-size = 32"#,
        ),
        "growth.toml:5: data.image-size: image-size is for folder, imagenet and synthetic, but the dataset is digits; remove image-size, or choose another dataset",
    );
    refuses(
        &data(
            r#"dataset = "cifar10"
path = "c"
image-size = 32"#,
        ),
        "growth.toml:6: data.image-size: image-size is for folder, imagenet and synthetic, but the dataset is cifar10; remove image-size, or choose another dataset",
    );
    refuses(
        &data(
            r#"dataset = "digits"
classes = 10"#,
        ),
        "growth.toml:5: data.classes: classes is for synthetic, but the dataset is digits; remove classes, or choose another dataset",
    );
    refuses(
        &data(
            r#"dataset = "folder"
path = "f"
channels = 3"#,
        ),
        "growth.toml:6: data.channels: channels is for synthetic, but the dataset is folder; remove channels, or choose another dataset",
    );
    refuses(
        &data(
            r#"dataset = "digits"
train-images = 3"#,
        ),
        "growth.toml:5: data.train-images: train-images is for synthetic, but the dataset is digits; remove train-images, or choose another dataset",
    );
    refuses(
        &data(
            r#"dataset = "digits"
test-images = 3"#,
        ),
        "growth.toml:5: data.test-images: test-images is for synthetic, but the dataset is digits; remove test-images, or choose another dataset",
    );
    refuses(
        &data(
            r#"dataset = "synthetic"
path = "f""#,
        ),
        "growth.toml:5: data.path: path is for cifar10, cifar100, fashion-mnist, folder, imagenet, mnist and svhn, but the dataset is synthetic; remove path, or choose another dataset",
    );
}

#[test]
fn normalisation_that_does_not_fit_the_channels_is_refused() {
    refuses(
        &data(
            r#"dataset = "digits"
mean = [0.5, 0.5, 0.5]"#,
        ),
        "growth.toml:5: data.mean: mean has 3 values, but the images have 1 channel; give one value a channel, or leave mean out for the training split's",
    );
    refuses(
        &data(
            r#"dataset = "cifar10"
path = "c"
std = [0.5]"#,
        ),
        "growth.toml:6: data.std: std has 1 value, but the images have 3 channels; give one value a channel, or leave std out for the training split's",
    );
    refuses(
        &data(
            r#"dataset = "cifar100"
path = "c"
mean = [0.5, 0.5]"#,
        ),
        "growth.toml:6: data.mean: mean has 2 values, but the images have 3 channels; give one value a channel, or leave mean out for the training split's",
    );
    refuses(
        &data(
            r#"dataset = "folder"
path = "c"
mean = [0.5]"#,
        ),
        "growth.toml:6: data.mean: mean has 1 value, but the images have 3 channels; give one value a channel, or leave mean out for the training split's",
    );
    refuses(
        &data(
            r#"dataset = "synthetic"
channels = 2
mean = [0.5]"#,
        ),
        "growth.toml:6: data.mean: mean has 1 value, but the images have 2 channels; give one value a channel, or leave mean out for the training split's",
    );
}

#[test]
fn normalisation_by_values_that_cannot_be_is_refused() {
    refuses(
        &data(
            r#"dataset = "digits"
std = [0]"#,
        ),
        "growth.toml:5: data.std: std has 0; each must be above 0 and at most 1; values are scaled to 0..1 first: divide constants for 0..255 by 255",
    );
    refuses(
        &data(
            r#"dataset = "digits"
std = [-0.1]"#,
        ),
        "growth.toml:5: data.std: std has -0.1; each must be above 0 and at most 1; values are scaled to 0..1 first: divide constants for 0..255 by 255",
    );
    refuses(
        &data(
            r#"dataset = "digits"
mean = [125.3]"#,
        ),
        "growth.toml:5: data.mean: mean has 125.3; each must be at least 0 and at most 1; values are scaled to 0..1 first: divide constants for 0..255 by 255",
    );
    refuses(
        &data(
            r#"dataset = "digits"
mean = [nan]"#,
        ),
        "growth.toml:5: data.mean: mean has nan; each must be at least 0 and at most 1; values are scaled to 0..1 first: divide constants for 0..255 by 255",
    );
}

#[test]
fn an_order_of_limits_without_a_limit_is_refused() {
    refuses(
        &data(
            r#"dataset = "digits"
limit-order = "stratified""#,
        ),
        "growth.toml:5: data.limit-order: limit-order is for train-limit and test-limit, and there is neither; remove limit-order, or write a limit",
    );
    refuses(
        &data(
            r#"dataset = "digits"
limit-order = "random""#,
        ),
        r#"growth.toml:5: data.limit-order: limit-order is "random"; it must be "first" or "stratified"; leave it out for the first images"#,
    );
}

#[test]
fn options_of_the_data_out_of_their_range_are_refused() {
    refuses(
        &data(
            r#"dataset = "digits"
train-limit = 0"#,
        ),
        "growth.toml:5: data.train-limit: train-limit is 0; it must be from 1 to 1000000000; leave it out to take all",
    );
    refuses(
        &data(
            r#"dataset = "digits"
test-limit = 0"#,
        ),
        "growth.toml:5: data.test-limit: test-limit is 0; it must be from 1 to 1000000000; leave it out to take all",
    );
    refuses(
        &data(
            r#"dataset = "digits"
validation-share = 1"#,
        ),
        "growth.toml:5: data.validation-share: validation-share is 1; it must be at least 0 and below 1; 0.1 holds out a tenth of the training images, 0.0 none",
    );
    refuses(
        &data(
            r#"dataset = "digits"
validation-share = -0.1"#,
        ),
        "growth.toml:5: data.validation-share: validation-share is -0.1; it must be at least 0 and below 1; 0.1 holds out a tenth of the training images, 0.0 none",
    );
    refuses(
        &data(
            r#"dataset = "synthetic"
image-size = 0"#,
        ),
        "growth.toml:5: data.image-size: image-size is 0; it must be from 1 to 4096; 32 is CIFAR's, 224 ImageNet's",
    );
    refuses(
        &data(
            r#"dataset = "synthetic"
classes = 0"#,
        ),
        "growth.toml:5: data.classes: classes is 0; it must be from 1 to 65536; 10 is CIFAR-10's",
    );
    refuses(
        &data(
            r#"dataset = "digits"
augment = "flip""#,
        ),
        r#"growth.toml:5: data.augment: augment is "flip"; it must be "none", "shift-flip" or "random-resized-crop"; the paper's C10+ and C100+ are "shift-flip", ImageNet's is "random-resized-crop""#,
    );
}

#[test]
fn squares_that_images_do_not_have_are_refused() {
    refuses(
        &data(
            r#"dataset = "imagenet"
resize = 200"#,
        ),
        "growth.toml:5: data.resize: resize is 200, and image-size 224: a short side of 200 pixels has no square of 224; write a resize of at least 224, such as 256, or a smaller image-size",
    );
    refuses(
        &data(
            r#"dataset = "imagenet"
image-size = 299"#,
        ),
        "growth.toml:5: data.image-size: resize is 256, and image-size 299: a short side of 256 pixels has no square of 299; write a resize of at least 299, such as 341, or a smaller image-size",
    );
    refuses(
        &data(
            r#"dataset = "imagenet"
test-crops = 5"#,
        ),
        "growth.toml:5: data.test-crops: test-crops is 5; it must be 1 or 10; write 1 for the middle, or 10 for the corners and the middle, mirrored too",
    );
    refuses(
        &data(
            r#"dataset = "folder"
path = "f"
image-size = 224
test-crops = 10"#,
        ),
        "growth.toml:7: data.test-crops: test-crops is 10, and there is no resize: images that are squashed to the square have one square alone; write resize = 256 beside it, or leave test-crops out",
    );
    refuses(
        &data(
            r#"dataset = "cifar10"
resize = 40"#,
        ),
        "growth.toml:5: data.resize: resize is for folder and imagenet, but the dataset is cifar10; remove resize, or choose another dataset",
    );
    refuses(
        &data(
            r#"dataset = "digits"
scaled-decoding = true"#,
        ),
        "growth.toml:5: data.scaled-decoding: scaled-decoding is for folder and imagenet, but the dataset is digits; remove scaled-decoding, or choose another dataset",
    );
}

#[test]
fn parts_of_images_that_have_no_files_of_their_own_are_refused() {
    refuses(
        &data(
            r#"dataset = "cifar10"
augment = "random-resized-crop""#,
        ),
        "growth.toml:5: data.augment: random-resized-crop is for folder and imagenet, whose images have files of their own, but the dataset is cifar10; write augment = \"shift-flip\", or choose another dataset",
    );
}
