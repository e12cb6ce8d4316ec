//! How the faults of a folder of images are named.

use std::fs;
use std::path::Path;

use densenet_bench::data::load;
use image::{ImageFormat, Rgb, RgbImage};
use tempfile::TempDir;

use super::{images, message, read, settings, two_classes};

#[test]
fn faults_of_image_folders_name_the_thing() {
    type Change = fn(&Path);
    const CLASS: &str = "both splits need every class; add its images, or remove the class from the other split";
    let cases: [(Change, &str); 17] = [
        (
            |path| fs::remove_dir_all(path.join("test/bee")).unwrap(),
            "@/test/bee: the class is missing: @/train has it; CLASS",
        ),
        (
            |path| fs::rename(path.join("train/ant"), path.join("train/cat")).unwrap(),
            "@/test/cat: the class is missing: @/train has it; CLASS",
        ),
        (
            |path| fs::remove_dir_all(path.join("train/ant")).unwrap(),
            "@/train/ant: the class is missing: @/test has it; CLASS",
        ),
        (
            |path| {
                for class in 10..22 {
                    fs::create_dir(path.join(format!("train/{class}"))).unwrap();
                }
            },
            "@/test: 12 classes of @/train are missing: 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 and 2 more; both splits need \
             every class; add their images, or remove the classes from the other split",
        ),
        (
            |path| fs::remove_file(path.join("test/bee/b.jpg")).unwrap(),
            "@/test/bee: the class has no images; add some, or remove the class from both splits",
        ),
        (
            |path| fs::rename(path.join("test/bee/b.jpg"), path.join("test/bee/b.gif")).unwrap(),
            "@/test/bee: the class has no images (skipped: 1 .gif); add some, or remove the class from both splits",
        ),
        (
            |path| {
                for split in ["train", "test"] {
                    fs::create_dir(path.join(split).join("cat")).unwrap();
                }
            },
            "@: 2 classes' folders have no images: train/cat and test/cat; add some, or remove the classes from both splits",
        ),
        (
            |path| fs::remove_dir_all(path.join("test")).unwrap(),
            "@/test: there is no such folder, nor val/, valid/ or validation/; put the images to test on into \
             test/CLASS/IMAGE: @/train has those to train on",
        ),
        (
            |path| fs::remove_dir_all(path.join("train")).unwrap(),
            "@/train: there is no such folder; put the images to train on into train/CLASS/IMAGE: @ has those to test on only",
        ),
        (
            |path| {
                fs::remove_dir_all(path.join("train")).unwrap();
                fs::create_dir(path.join("train")).unwrap();
            },
            "@/train: there is no class; lay the images out as train/CLASS/IMAGE and test/CLASS/IMAGE",
        ),
        (
            |path| {
                fs::remove_dir_all(path.join("train")).unwrap();
                images(path, &["train/1.png", "train/2.png"]);
            },
            "@/train: there is no class in it, but 2 images, such as 1.png; put the images of each class into a folder of its \
             name: train/CLASS/IMAGE",
        ),
        (
            |path| {
                fs::remove_dir_all(path.join("train")).unwrap();
                fs::write(path.join("train"), "x").unwrap();
            },
            "@/train: it is not a folder; lay the images out as train/CLASS/IMAGE and test/CLASS/IMAGE",
        ),
        (
            |path| fs::rename(path.join("train/ant/x.jpeg"), path.join("train/ant/x.WebP")).unwrap(),
            "@/train/ant/x.WebP: it is an image of a kind that is not read: PNG and JPEG are; convert it to PNG or JPEG, or \
             move it out of the data set",
        ),
        (
            |path| fs::write(path.join("train/bee/10.png"), "no image").unwrap(),
            "@/train/bee/10.png: not a readable PNG or JPEG file: unknown signature; replace the image, or remove it",
        ),
        (
            |path| fs::write(path.join("train/bee/10.png"), "").unwrap(),
            "@/train/bee/10.png: it is empty; replace the image, or remove it",
        ),
        (
            |path| fs::write(path.join("train/bee/10.png"), "../../../volume/10.png").unwrap(),
            "@/train/bee/10.png: it holds the text '../../../volume/10.png', and not an image: a link that was copied without \
             what it leads to; copy the data set again with its links, or with the images that they lead to",
        ),
        (
            |path| fs::write(path.join("train/cat"), "/volume/cat").unwrap(),
            "@/train/cat: it holds the text '/volume/cat': a link to a folder that was copied as text; copy the data set \
             again with its links, or remove this file",
        ),
    ];
    for (change, expected) in cases {
        let folder = TempDir::new().unwrap();
        two_classes(folder.path());
        change(folder.path());
        assert_eq!(
            message(folder.path()),
            expected.replace("; CLASS", &format!("; {CLASS}"))
        );
    }
}

#[test]
fn what_is_there_in_place_of_the_splits_is_said_and_what_to_do() {
    let layout = "lay the images out as train/CLASS/IMAGE and test/CLASS/IMAGE";
    let cases: [(&[&str], &str, String); 9] = [
        (
            &["cat/1.png", "dog/1.png", "notes/x.txt"],
            "",
            "@: there is neither train/ nor test/ in it, but classes: cat and dog; move the images to train on to \
             train/CLASS/IMAGE, and those to test on to test/CLASS/IMAGE"
                .to_owned(),
        ),
        (
            &["images/train/cat/1.png", "images/test/cat/1.png"],
            "",
            "@: there is no train/ in it, but in the folder below; write that folder as path: @/images".to_owned(),
        ),
        (
            &["train/cat/1.png", "test/cat/1.png"],
            "train",
            "@/train: it is one split of a data set, and the folder that has both was expected; write the folder above as \
             path: @"
                .to_owned(),
        ),
        (
            &["1.png", "2.jpg"],
            "",
            format!("@: there is neither train/ nor test/ in it, but images: 1.png and 2.jpg; {layout}: a folder for each class"),
        ),
        (
            &["images.zip"],
            "",
            "@: there is no train/ in it, but an archive: images.zip; unpack it there, and write the folder that has train/ \
             as path"
                .to_owned(),
        ),
        (
            &["images.zip"],
            "images.zip",
            "@/images.zip: it is an archive, and a folder was expected; unpack it, and name the folder that it unpacks to"
                .to_owned(),
        ),
        (&["1.png"], "1.png", format!("@/1.png: it is not a folder; {layout}")),
        (
            &["train.parquet", "test.parquet"],
            "",
            format!("@: there is neither train/ nor test/ in it, but test.parquet and train.parquet; {layout}"),
        ),
        (&[], "", format!("@: it is empty; {layout}")),
    ];
    for (names, path, expected) in cases {
        let folder = TempDir::new().unwrap();
        let root = folder.path().canonicalize().unwrap();
        images(&root, names);
        let path = if path.is_empty() { root.clone() } else { root.join(path) };
        let error = read(&path).unwrap_err().to_string();
        assert_eq!(error.replace(&root.display().to_string(), "@"), expected);
    }
}

#[test]
fn several_bad_files_are_named_together_whatever_the_threads() {
    let folder = TempDir::new().unwrap();
    two_classes(folder.path());
    for name in ["train/bee/9.PNG", "train/bee/10.png", "test/ant/a.png"] {
        fs::write(folder.path().join(name), "no image").unwrap();
    }
    let reason = "not a readable PNG or JPEG file: unknown signature";
    for threads in [1, 2, 4] {
        let error = load(&settings(folder.path()), threads, None).unwrap_err().to_string();
        assert_eq!(
            error.replace(&folder.path().display().to_string(), "@"),
            format!(
                "@: 3 files cannot be used: train/bee/10.png ({reason}), train/bee/9.PNG ({reason}) and test/ant/a.png \
                 ({reason}); replace the image, or remove it"
            )
        );
    }
    for index in 0..12 {
        fs::write(folder.path().join(format!("train/ant/{index:02}.bmp")), "x").unwrap();
    }
    let message = message(folder.path());
    assert!(message.starts_with("@: 12 files cannot be used: train/ant/00.bmp (it is an image of a kind"));
    assert!(
        message.contains("train/ant/09.bmp (") && message.contains(" and 2 more; convert it"),
        "{message}"
    );
    assert!(!message.contains("10.bmp"));
}

#[test]
fn a_corrupted_png_is_named_with_the_decoders_reason() {
    let folder = TempDir::new().unwrap();
    two_classes(folder.path());
    let file = folder.path().join("test/ant/a.png");
    let mut bytes = fs::read(&file).unwrap();
    // Within the compressed pixels, which start after the signature, the header and the chunk's own start.
    bytes[45] ^= 0xff;
    fs::write(&file, bytes).unwrap();
    let message = message(folder.path());
    assert!(
        message.starts_with("@/test/ant/a.png: not a readable PNG or JPEG file: "),
        "{message}"
    );
    assert!(
        message.ends_with("; replace the image, or remove it") && !message.contains('\n'),
        "{message}"
    );
}

#[test]
fn a_jpeg_that_is_cut_short_is_named() {
    let folder = TempDir::new().unwrap();
    two_classes(folder.path());
    let file = folder.path().join("test/bee/b.jpg");
    RgbImage::from_pixel(6, 9, Rgb([9, 9, 9]))
        .save_with_format(&file, ImageFormat::Jpeg)
        .unwrap();
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 9]).unwrap();
    let message = message(folder.path());
    assert!(
        message.starts_with("@/test/bee/b.jpg: not a readable PNG or JPEG file: "),
        "{message}"
    );
}
