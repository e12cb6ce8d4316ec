//! Which images are found, in which order, and what is said of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use densenet_bench::data::{DataSet, Images, load, outline};
use tempfile::TempDir;

#[cfg(unix)]
use super::link;
use super::{image, images, read, remarks, settings, two_classes};

/// The colours of a split's images.
fn colours(split: &Images) -> Vec<u8> {
    let indices: Vec<usize> = (0..split.images()).collect();
    split.read(&indices).unwrap().iter().map(|image| image[0]).collect()
}

/// The labels and colours of both splits.
fn everything(data: &DataSet) -> [(Vec<u32>, Vec<u8>); 2] {
    [&data.train, &data.test].map(|split| (split.labels.clone(), colours(split)))
}

#[cfg(unix)]
#[test]
fn images_and_classes_are_those_of_torchvisions_image_folder_in_its_order() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/image-folder.json");
    let fixture: serde_json::Value = serde_json::from_slice(&fs::read(fixture).unwrap()).unwrap();
    let trees = fixture["trees"].as_object().unwrap();
    assert!(trees.len() >= 7);
    let texts = |value: &serde_json::Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap() };
    for (name, tree) in trees {
        let folder = TempDir::new().unwrap();
        let mut colour_of: BTreeMap<PathBuf, u8> = BTreeMap::new();
        for split in ["train", "test"] {
            let split = folder.path().join(split);
            for (index, file) in texts(&tree["files"]).iter().enumerate() {
                image(&split.join(file), index as u8);
                colour_of.insert(split.join(file).canonicalize().unwrap(), index as u8);
            }
            for pair in tree["links"].as_array().unwrap() {
                let pair = texts(pair);
                link(&pair[1], &split.join(&pair[0]));
            }
        }
        let data = read(folder.path()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(data.classes, texts(&tree["classes"]), "{name}");
        for (split, found) in [("train", &data.train), ("test", &data.test)] {
            let expected: Vec<(String, u32)> = serde_json::from_value(tree["images"].clone()).unwrap();
            let labels: Vec<u32> = expected.iter().map(|(_, label)| *label).collect();
            assert_eq!(found.labels, labels, "{name}");
            let colour = |file: &str| colour_of[&folder.path().join(split).join(file).canonicalize().unwrap()];
            let expected: Vec<u8> = expected.iter().map(|(file, _)| colour(file)).collect();
            assert_eq!(colours(found), expected, "{name}");
        }
    }
}

#[test]
fn folders_are_read_by_class_then_by_name() {
    let folder = TempDir::new().unwrap();
    two_classes(folder.path());
    fs::write(folder.path().join("train/ant/.DS_Store"), "x").unwrap();
    fs::write(folder.path().join("train/Thumbs.db"), "x").unwrap();
    let data = read(folder.path()).unwrap();
    assert_eq!(data.classes, ["ant", "bee"]);
    assert_eq!((&data.train.labels, &data.test.labels), (&vec![0, 1, 1], &vec![0, 1]));
    assert_eq!(data.shape.to_string(), "3x4x4");
    // As bytes, 10 comes before 9.
    assert_eq!(
        data.train.read(&[1]).unwrap()[0][..],
        [vec![30; 32], vec![0; 16]].concat()
    );
    assert_eq!(colours(&data.train)[2], 40);
    for threads in [1, 3, 8] {
        let other = load(&settings(folder.path()), threads, None).unwrap();
        assert_eq!(everything(&other), everything(&data));
    }
    let outline = outline(&settings(folder.path())).unwrap();
    assert_eq!((outline.shape, outline.classes), (data.shape, 2));
    assert_eq!((outline.train_images, outline.test_images), (3, 2));
    assert!(outline.remarks.is_empty(), "{:?}", outline.remarks);
}

#[test]
fn limits_leave_the_other_images_undecoded() {
    let folder = TempDir::new().unwrap();
    two_classes(folder.path());
    fs::write(folder.path().join("train/bee/9.PNG"), "no image").unwrap();
    let mut limited = settings(folder.path());
    limited.train_limit = Some(2);
    assert_eq!(load(&limited, 2, None).unwrap().train.images(), 2);
    limited.test_limit = Some(3);
    let error = load(&limited, 2, None).unwrap_err();
    assert_eq!(error.key, "data.test-limit");
    assert_eq!(error.rule, "test-limit is 3, and there are 2 test images");
}

#[test]
fn the_images_to_test_on_may_lie_in_val() {
    for name in ["val", "valid", "validation", "testing", "Test", "VAL"] {
        let folder = TempDir::new().unwrap();
        two_classes(folder.path());
        fs::rename(folder.path().join("test"), folder.path().join(name)).unwrap();
        assert_eq!(colours(&read(folder.path()).unwrap().test), [50, 60], "{name}");
        assert_eq!(
            remarks(folder.path()),
            [format!("@: the images to test on are those of {name}/")]
        );
    }
    let folder = TempDir::new().unwrap();
    two_classes(folder.path());
    fs::rename(folder.path().join("train"), folder.path().join("Training")).unwrap();
    assert_eq!(read(folder.path()).unwrap().train.images(), 3);
}

#[test]
fn of_test_and_val_the_one_with_the_classes_is_taken_and_said() {
    let folder = TempDir::new().unwrap();
    two_classes(folder.path());
    images(folder.path(), &["val/ant/1.png", "val/bee/1.png", "valid/ant/1.png"]);
    assert_eq!(colours(&read(folder.path()).unwrap().test), [50, 60]);
    assert_eq!(
        remarks(folder.path()),
        ["@: the images to test on are those of test/; not read: val/ and valid/"]
    );
    // What is not read may be broken.
    fs::remove_dir_all(folder.path().join("valid")).unwrap();
    fs::write(folder.path().join("valid"), "x").unwrap();
    assert_eq!(read(folder.path()).unwrap().test.images(), 2);
    fs::remove_file(folder.path().join("valid")).unwrap();
    // ImageNet's own layout: test/ has no classes.
    fs::remove_dir_all(folder.path().join("test")).unwrap();
    images(folder.path(), &["test/ILSVRC2012_test_00000001.JPEG"]);
    assert_eq!(read(folder.path()).unwrap().test.labels, [0, 1]);
    assert_eq!(
        remarks(folder.path()),
        ["@: the images to test on are those of val/; not read: test/"]
    );
}

#[test]
fn other_files_are_skipped_and_counted_where_images_may_be_missed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    two_classes(path);
    // Beside the splits and the classes nobody looks for images.
    for name in [
        "README",
        "train/labels.csv",
        "train/README.md",
        "test/Thumbs.db",
        "train/ant/.DS_Store",
    ] {
        fs::write(path.join(name), "x").unwrap();
    }
    assert!(remarks(path).is_empty());
    for name in [
        "train/ant/1.gif",
        "train/ant/2.GIF",
        "test/bee/boxes.txt",
        "test/bee/LICENSE",
        "train/ant/._x.jpeg",
    ] {
        fs::write(path.join(name), "x").unwrap();
    }
    fs::create_dir(path.join("train/.ipynb_checkpoints")).unwrap();
    images(path, &["train/stray.png"]);
    assert_eq!(
        remarks(path),
        [
            "@/train: not read, as beside the classes' folders: 1 image",
            "@/train: not taken for classes: .ipynb_checkpoints/",
            "@: skipped in classes, as no images by their endings: 2 .gif, 1 .txt and 1 without an ending",
            "@: skipped in classes: 1 hidden file with an image's ending, such as train/ant/._x.jpeg",
        ]
    );
    assert_eq!(colours(&read(path).unwrap().train), [10, 30, 40]);
}

#[cfg(unix)]
#[test]
fn names_that_are_not_utf_8_are_read() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = TempDir::new().unwrap();
    two_classes(folder.path());
    for split in ["train", "test"] {
        let path = folder.path().join(split);
        fs::rename(path.join("bee"), path.join(OsStr::from_bytes(b"b\xffe"))).unwrap();
    }
    image(
        &folder.path().join("train/ant").join(OsStr::from_bytes(b"\xfe.PNG")),
        20,
    );
    let data = read(folder.path()).unwrap();
    assert_eq!(data.classes, ["ant", "b\u{fffd}e"]);
    assert_eq!(colours(&data.train), [10, 20, 30, 40]);
}
