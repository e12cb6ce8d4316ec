//! Data sets read from files: what is taken, and how each fault is named.

use std::fs;
use std::path::Path;

use densenet_bench::data::{DataError, DataSet, load, outline};
use densenet_bench::formats::ablation::{Augment, DataSetName, DataSettings};
use image::{Rgb, RgbImage};
use tempfile::TempDir;

fn settings(dataset: DataSetName, path: &Path) -> DataSettings {
    DataSettings {
        dataset,
        path: Some(path.to_owned()),
        train_limit: None,
        test_limit: None,
        validation_share: 0.0,
        image_size: 4,
        classes: 10,
        channels: 3,
        train_images: 2048,
        test_images: 512,
        mean: None,
        std: None,
        augment: Augment::None,
    }
}

fn read(dataset: DataSetName, path: &Path) -> Result<DataSet, DataError> {
    load(&settings(dataset, path), 2, None)
}

/// The message of a data set that cannot be read, with the folder's own path as `@`.
fn message(dataset: DataSetName, path: &Path) -> String {
    let error = read(dataset, path).unwrap_err();
    assert_eq!(error.key, "data.path");
    error.to_string().replace(&path.display().to_string(), "@")
}

/// Two training images a batch file, labelled 2 * file and 2 * file + 1, of that colour; one test image.
fn cifar10(folder: &Path) {
    let record = |label: u8| [vec![label], vec![label; 3072]].concat();
    for file in 0..5u8 {
        let batch = [record(2 * file), record(2 * file + 1)].concat();
        fs::write(folder.join(format!("data_batch_{}.bin", file + 1)), batch).unwrap();
    }
    fs::write(folder.join("test_batch.bin"), record(4)).unwrap();
}

#[test]
fn cifar10_is_read_in_the_order_of_its_files() {
    let folder = TempDir::new().unwrap();
    cifar10(folder.path());
    let data = read(DataSetName::Cifar10, folder.path()).unwrap();
    assert_eq!(data.train.labels, (0..10).collect::<Vec<u32>>());
    assert_eq!(data.train.image(7), [7; 3072]);
    assert_eq!(data.test.labels, [4]);
    assert_eq!((data.shape.to_string().as_str(), data.scale), ("3x32x32", 255.0));
    assert_eq!(data.classes[3], "3");

    fs::write(
        folder.path().join("batches.meta.txt"),
        "p\nq\nr\ns\nt\nu\nv\nw\nx\ny\n\n",
    )
    .unwrap();
    assert_eq!(read(DataSetName::Cifar10, folder.path()).unwrap().classes[3], "s");

    let mut limited = settings(DataSetName::Cifar10, folder.path());
    limited.train_limit = Some(3);
    assert_eq!(load(&limited, 1, None).unwrap().train.labels, [0, 1, 2]);
    let error = load(&limited, 1, Some(10_000)).unwrap_err();
    assert!(
        error
            .rule
            .starts_with("11 images of 3,072 bytes need 33,792 bytes of memory"),
        "{error}"
    );
}

#[test]
fn the_folder_that_the_archive_unpacks_to_is_found() {
    let folder = TempDir::new().unwrap();
    let unpacked = folder.path().join("cifar-10-batches-bin");
    fs::create_dir(&unpacked).unwrap();
    cifar10(&unpacked);
    let data = read(DataSetName::Cifar10, folder.path()).unwrap();
    assert_eq!(data, read(DataSetName::Cifar10, &unpacked).unwrap());
    let outline = outline(&settings(DataSetName::Cifar10, folder.path())).unwrap();
    assert_eq!((outline.shape, outline.classes), (data.shape, 10));
    assert_eq!((outline.train_images, outline.test_images), (10, 1));
}

#[test]
fn cifar100_takes_the_fine_labels() {
    let folder = TempDir::new().unwrap();
    let record = |coarse: u8, fine: u8| [vec![coarse, fine], vec![fine; 3072]].concat();
    fs::write(folder.path().join("train.bin"), [record(1, 99), record(19, 5)].concat()).unwrap();
    fs::write(folder.path().join("test.bin"), record(0, 50)).unwrap();
    let data = read(DataSetName::Cifar100, folder.path()).unwrap();
    assert_eq!((data.train.labels, data.test.labels), (vec![99, 5], vec![50]));
    assert_eq!(data.classes.len(), 100);
}

#[test]
fn faults_of_batch_files_name_file_and_record() {
    let remedy = "download it with `densenet-bench data fetch cifar10`, or get cifar-10-binary.tar.gz from \
                  https://www.cs.toronto.edu/~kriz/cifar.html and unpack it";
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let message = || message(DataSetName::Cifar10, path);
    assert_eq!(
        message(),
        format!("@/data_batch_1.bin: there is no such file; {remedy}")
    );
    cifar10(path);
    let batch = path.join("data_batch_3.bin");
    let whole = fs::read(&batch).unwrap();
    fs::write(&batch, &whole[..6000]).unwrap();
    assert_eq!(
        message(),
        format!("@/data_batch_3.bin: it ends in the middle of record 1: 6,000 bytes, and a record is 3,073; {remedy}")
    );
    let mut wrong = whole;
    wrong[3073] = 200;
    fs::write(&batch, wrong).unwrap();
    assert_eq!(
        message(),
        format!("@/data_batch_3.bin: record 1 (byte 3,073) has label 200, and 0 to 9 was expected; {remedy}")
    );
    let gone = path.join("gone");
    let error = read(DataSetName::Cifar10, &gone).unwrap_err().to_string();
    assert_eq!(error, format!("{}: there is no such folder; {remedy}", gone.display()));
}

/// Classes `ant` and `bee`, an image of a colour each; `bee` has two to train on.
fn images(folder: &Path) {
    let image = |name: &str, value: u8| {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        RgbImage::from_pixel(6, 9, Rgb([value, value, 0])).save(file).unwrap();
    };
    image("train/bee/10.png", 30);
    image("train/bee/9.PNG", 40);
    image("train/ant/x.jpeg", 10);
    image("test/ant/a.png", 50);
    image("test/bee/b.jpg", 60);
}

#[test]
fn folders_are_read_by_class_then_by_name() {
    let folder = TempDir::new().unwrap();
    images(folder.path());
    fs::write(folder.path().join("train/ant/.DS_Store"), "x").unwrap();
    fs::write(folder.path().join("train/Thumbs.db"), "x").unwrap();
    let data = read(DataSetName::Folder, folder.path()).unwrap();
    assert_eq!(data.classes, ["ant", "bee"]);
    assert_eq!((&data.train.labels, &data.test.labels), (&vec![0, 1, 1], &vec![0, 1]));
    assert_eq!(data.shape.to_string(), "3x4x4");
    // As bytes, 10 comes before 9.
    assert_eq!(data.train.image(1), [vec![30; 32], vec![0; 16]].concat());
    assert_eq!(data.train.image(2)[0], 40);
    for threads in [1, 3, 8] {
        assert_eq!(
            load(&settings(DataSetName::Folder, folder.path()), threads, None).unwrap(),
            data
        );
    }
    let outline = outline(&settings(DataSetName::Folder, folder.path())).unwrap();
    assert_eq!((outline.shape, outline.classes), (data.shape, 2));
    assert_eq!((outline.train_images, outline.test_images), (3, 2));
}

#[test]
fn limits_leave_the_other_images_undecoded() {
    let folder = TempDir::new().unwrap();
    images(folder.path());
    fs::write(folder.path().join("train/bee/9.PNG"), "no image").unwrap();
    let mut limited = settings(DataSetName::Folder, folder.path());
    limited.train_limit = Some(2);
    assert_eq!(load(&limited, 2, None).unwrap().train.images(), 2);
    limited.test_limit = Some(3);
    let error = load(&limited, 2, None).unwrap_err();
    assert_eq!(error.key, "data.test-limit");
    assert_eq!(error.rule, "test-limit is 3, and there are 2 test images");
    (limited.test_limit, limited.image_size) = (None, 16384);
    let error = load(&limited, 2, Some(1 << 20)).unwrap_err();
    assert_eq!(error.key, "data.image-size");
}

#[test]
fn faults_of_image_folders_name_the_thing() {
    type Change = fn(&Path);
    let cases: [(Change, &str); 11] = [
        (
            |path| fs::remove_dir_all(path.join("test/bee")).unwrap(),
            "@/test/bee: the class is missing: @/train has it; both splits need every class; add its images, or remove \
             the class from the other split",
        ),
        (
            |path| fs::rename(path.join("train/ant"), path.join("train/cat")).unwrap(),
            "@/test/cat: the class is missing: @/train has it; both splits need every class; add its images, or remove \
             the class from the other split",
        ),
        (
            |path| fs::remove_dir_all(path.join("train/ant")).unwrap(),
            "@/train/ant: the class is missing: @/test has it; both splits need every class; add its images, or remove \
             the class from the other split",
        ),
        (
            |path| fs::remove_file(path.join("test/bee/b.jpg")).unwrap(),
            "@/test/bee: the class has no images; add some, or remove the class from both splits",
        ),
        (
            |path| fs::remove_dir_all(path.join("test")).unwrap(),
            "@/test: there is no such folder; lay the images out as train/CLASS/IMAGE and test/CLASS/IMAGE",
        ),
        (
            |path| {
                fs::remove_dir_all(path.join("train")).unwrap();
                fs::create_dir(path.join("train")).unwrap();
            },
            "@/train: there is no class; lay the images out as train/CLASS/IMAGE and test/CLASS/IMAGE",
        ),
        (
            |path| fs::write(path.join("train/notes.txt"), "x").unwrap(),
            "@/train/notes.txt: it is not a folder, and a class was expected; lay the images out as train/CLASS/IMAGE and \
             test/CLASS/IMAGE",
        ),
        (
            |path| fs::write(path.join("train/ant/notes.txt"), "x").unwrap(),
            "@/train/ant/notes.txt: it is not an image, and files ending in .png, .jpg or .jpeg were expected; move it out \
             of the data set, or convert it",
        ),
        (
            |path| fs::create_dir(path.join("train/ant/more.png")).unwrap(),
            "@/train/ant/more.png: it is not an image, and files ending in .png, .jpg or .jpeg were expected; move it out \
             of the data set, or convert it",
        ),
        (
            |path| fs::write(path.join("train/bee/10.png"), "no image").unwrap(),
            "@/train/bee/10.png: not a readable PNG or JPEG file: unknown signature; replace the image, \
             or remove it",
        ),
        (
            |path| {
                let file = path.join("test/bee/b.jpg");
                let bytes = fs::read(&file).unwrap();
                fs::write(&file, &bytes[..bytes.len() - 9]).unwrap();
            },
            "@/test/bee/b.jpg: not a readable PNG or JPEG file: it ends before the end-of-image marker; replace the \
             image, or remove it",
        ),
    ];
    for (change, expected) in cases {
        let folder = TempDir::new().unwrap();
        images(folder.path());
        change(folder.path());
        assert_eq!(message(DataSetName::Folder, folder.path()), expected);
    }
}

#[test]
fn a_corrupted_png_is_named_with_the_decoders_reason() {
    let folder = TempDir::new().unwrap();
    images(folder.path());
    let file = folder.path().join("test/ant/a.png");
    let mut bytes = fs::read(&file).unwrap();
    // Within the compressed pixels, which start after the signature, the header and the chunk's own start.
    bytes[45] ^= 0xff;
    fs::write(&file, bytes).unwrap();
    let message = message(DataSetName::Folder, folder.path());
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
fn the_first_of_several_broken_images_is_named_whatever_the_threads() {
    let folder = TempDir::new().unwrap();
    images(folder.path());
    for name in ["train/bee/9.PNG", "train/bee/10.png"] {
        fs::write(folder.path().join(name), "no image").unwrap();
    }
    for threads in [1, 2, 4] {
        let error = load(&settings(DataSetName::Folder, folder.path()), threads, None).unwrap_err();
        assert!(error.thing.ends_with("train/bee/10.png"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn names_that_are_not_utf_8_are_read() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = TempDir::new().unwrap();
    images(folder.path());
    for split in ["train", "test"] {
        let path = folder.path().join(split);
        fs::rename(path.join("bee"), path.join(OsStr::from_bytes(b"b\xffe"))).unwrap();
    }
    let data = read(DataSetName::Folder, folder.path()).unwrap();
    assert_eq!(data.classes, ["ant", "b\u{fffd}e"]);
    assert_eq!(data.train.images(), 3);
}
