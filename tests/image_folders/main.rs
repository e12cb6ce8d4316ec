//! Folders of images as people have them: what is found in which order, and how each fault is named.

#[macro_use]
#[path = "../skipped/mod.rs"]
mod skipped;
mod faults;
mod finding;
mod limits;
mod links;

use std::fs;
use std::path::Path;

use densenet_bench::data::{DataError, DataSet, load, outline};
use densenet_bench::formats::ablation::{DataSetName, DataSettings};
use image::{ImageFormat, Rgb, RgbImage};

const SIZE: usize = 4;

fn settings(path: &Path) -> DataSettings {
    DataSettings {
        path: Some(path.to_owned()),
        image_size: SIZE,
        ..DataSettings::new(DataSetName::Folder)
    }
}

fn read(path: &Path) -> Result<DataSet, DataError> {
    load(&settings(path), 2, None)
}

/// The message of a folder that cannot be read, with the folder's own path as `@`.
fn message(path: &Path) -> String {
    let error = read(path).unwrap_err();
    assert_eq!(error.key, "data.path");
    error.to_string().replace(&path.display().to_string(), "@")
}

/// What is said of a folder that can be read, likewise.
fn remarks(path: &Path) -> Vec<String> {
    let remarks = outline(&settings(path)).unwrap().remarks;
    let short = |remark: String| remark.replace(&path.display().to_string(), "@");
    remarks.into_iter().map(short).collect()
}

/// Writes an image of one colour, as PNG whatever its name.
fn image(file: &Path, value: u8) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let image = RgbImage::from_pixel(6, 9, Rgb([value, value, 0]));
    image.save_with_format(file, ImageFormat::Png).unwrap();
}

/// Writes an image in each of these files.
fn images(folder: &Path, names: &[&str]) {
    for name in names {
        image(&folder.join(name), 50);
    }
}

/// Classes `ant` and `bee`, an image of a colour each; `bee` has two to train on.
fn two_classes(folder: &Path) {
    for (name, value) in [
        ("train/bee/10.png", 30),
        ("train/bee/9.PNG", 40),
        ("train/ant/x.jpeg", 10),
        ("test/ant/a.png", 50),
        ("test/bee/b.jpg", 60),
    ] {
        image(&folder.join(name), value);
    }
}

#[cfg(unix)]
fn link(target: &str, link: &Path) {
    std::os::unix::fs::symlink(target, link).unwrap();
}
