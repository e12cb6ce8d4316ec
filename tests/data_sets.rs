//! Data sets read from files: what is taken, and how each fault is named.

use std::fs;
use std::path::Path;

use densenet_bench::data::{DataError, DataSet, Images, load, outline};
use densenet_bench::data_sets::Pixels;
use densenet_bench::formats::ablation::{DataSetName, DataSettings};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

fn settings(dataset: DataSetName, path: &Path) -> DataSettings {
    DataSettings {
        path: Some(path.to_owned()),
        image_size: 4,
        ..DataSettings::new(dataset)
    }
}

fn image(images: &Images, index: usize) -> Pixels<'_> {
    images.read(&[index]).unwrap().remove(0)
}

/// Labels, and the images one after the other.
type Read = (Vec<u32>, Vec<u8>);

/// Everything of a data set.
fn everything(data: &DataSet) -> (Vec<String>, [Read; 2]) {
    let split = |images: &Images| {
        let indices: Vec<usize> = (0..images.images()).collect();
        let read = images.read(&indices).unwrap();
        (
            images.labels.clone(),
            read.iter().flat_map(|image| image.to_vec()).collect(),
        )
    };
    (data.classes.clone(), [split(&data.train), split(&data.test)])
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
    assert_eq!(image(&data.train, 7)[..], [7; 3072]);
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
    limited.train_limit = Some(10);
    assert_eq!(load(&limited, 1, None).unwrap().train.labels, data.train.labels);
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
    assert_eq!(
        everything(&data),
        everything(&read(DataSetName::Cifar10, &unpacked).unwrap())
    );
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

/// What every message about missing files of CIFAR-10 advises.
const REMEDY: &str = "leave path out and download it with `densenet-bench data fetch cifar10`, or get \
                      cifar-10-binary.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html, unpack it and name its \
                      folder cifar-10-batches-bin";

/// What every message about damaged files of CIFAR-10 advises.
const DAMAGE: &str =
    "remove or rename its folder, leave path out, and download it with `densenet-bench data fetch cifar10`";

#[test]
fn faults_of_batch_files_name_file_and_record() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let message = || message(DataSetName::Cifar10, path);
    assert_eq!(
        message(),
        format!("@: there is no file of cifar10 in it, such as data_batch_1.bin; {REMEDY}")
    );
    cifar10(path);
    let batch = path.join("data_batch_3.bin");
    let whole = fs::read(&batch).unwrap();
    fs::write(&batch, &whole[..6000]).unwrap();
    assert_eq!(
        message(),
        format!("@/data_batch_3.bin: it ends in the middle of record 1: 6,000 bytes, and a record is 3,073; {DAMAGE}")
    );
    let mut wrong = whole;
    wrong[3073] = 200;
    fs::write(&batch, wrong).unwrap();
    let label = "record 1 (byte 3,073) has label 200, and 0 to 9 was expected";
    assert_eq!(message(), format!("@/data_batch_3.bin: {label}; {DAMAGE}"));
    fs::write(path.join("test_batch.bin"), "").unwrap();
    assert_eq!(
        message(),
        format!(
            "@: 2 files cannot be used: data_batch_3.bin ({label}) and test_batch.bin (it is empty, and records of 3,073 \
             bytes were expected); {DAMAGE}"
        )
    );
    let gone = path.join("gone");
    let error = read(DataSetName::Cifar10, &gone).unwrap_err().to_string();
    assert_eq!(error, format!("{}: there is no such folder; {REMEDY}", gone.display()));
}

#[test]
fn what_lies_in_the_place_of_the_batch_files_is_named() {
    let other = |what: &str| format!("it is {what}, and the binary version is read; {REMEDY}");
    let cases: [(&[&str], &str, String); 10] = [
        (
            &["data_batch_1", "test_batch", "batches.meta"],
            "",
            format!("@: {}", other("the Python version of CIFAR-10")),
        ),
        (
            &["cifar-10-batches-py/data_batch_1", "cifar-10-python.tar.gz"],
            "",
            format!("@: {}", other("the Python version of CIFAR-10")),
        ),
        (
            &["cifar-10-batches-mat/data_batch_1.mat"],
            "",
            format!("@: {}", other("the Matlab version of CIFAR-10")),
        ),
        (
            &["train.bin", "test.bin"],
            "",
            format!("@: it is CIFAR-100, and the data set is cifar10; write dataset = \"cifar100\"; or {REMEDY}"),
        ),
        (
            &["cifar-10-binary.tar.gz"],
            "",
            "@: there is only the archive in it, cifar-10-binary.tar.gz; unpack it there".to_owned(),
        ),
        (
            &["cifar-10-binary.tar.gz"],
            "cifar-10-binary.tar.gz",
            "@/cifar-10-binary.tar.gz: it is the archive, and the folder that it unpacks to was expected; leave path out and \
             run `densenet-bench data fetch cifar10 --from` with this file, or unpack it and name the folder \
             cifar-10-batches-bin"
                .to_owned(),
        ),
        (
            &["cifar-10-python.tar.gz"],
            "cifar-10-python.tar.gz",
            format!("@/cifar-10-python.tar.gz: {}", other("the Python version of CIFAR-10")),
        ),
        (&["notes"], "notes", format!("@/notes: it is not a folder; {REMEDY}")),
        (
            &["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
            "",
            format!("@/test_batch.bin: there is no such file; {DAMAGE}"),
        ),
        (
            &["data_batch_1.bin", "data_batch_2.bin", "data_batch_4.bin", "data_batch_5.bin"],
            "",
            format!(
                "@: 2 files cannot be used: data_batch_3.bin (there is no such file) and test_batch.bin (there is no such \
                 file); {DAMAGE}"
            ),
        ),
    ];
    for (files, path, expected) in cases {
        let folder = TempDir::new().unwrap();
        for name in files {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "x").unwrap();
        }
        let path = match path {
            "" => folder.path().to_owned(),
            path => folder.path().join(path),
        };
        // An outline, which no byte is read for, says the same.
        for error in [
            read(DataSetName::Cifar10, &path).unwrap_err(),
            outline(&settings(DataSetName::Cifar10, &path)).unwrap_err(),
        ] {
            assert_eq!(
                error.to_string().replace(&folder.path().display().to_string(), "@"),
                expected
            );
        }
    }
}

#[cfg(unix)]
#[test]
fn batch_files_that_are_links_to_nothing_are_named_as_such() {
    let folder = TempDir::new().unwrap();
    cifar10(folder.path());
    let file = folder.path().join("test_batch.bin");
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/no/volume/test_batch.bin", &file).unwrap();
    assert_eq!(
        message(DataSetName::Cifar10, folder.path()),
        "@/test_batch.bin: it is a link to /no/volume/test_batch.bin, which is not there; mount or restore what it leads to, \
         or remove the link"
    );
}

/// What scripts/fixtures/data_sets.py wrote, and what torchvision read from it.
fn fixture(name: &str) -> (std::path::PathBuf, Value) {
    let folder = Path::new("tests/fixtures/data-sets");
    let expected: Value = serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    (folder.join(name), expected[name].clone())
}

/// The labels and the pixels' SHA-256 of images, as the fixture has them.
fn summary(images: &Read) -> Value {
    let (labels, pixels) = images;
    let digest: String = (Sha256::digest(pixels).iter())
        .map(|byte| format!("{byte:02x}"))
        .collect();
    serde_json::json!({ "labels": labels, "sha256": digest })
}

#[test]
fn mnist_is_read_as_torchvision_reads_it() {
    let (folder, expected) = fixture("mnist");
    for dataset in [DataSetName::Mnist, DataSetName::FashionMnist] {
        let data = read(dataset, &folder).unwrap();
        let (classes, [train, test]) = everything(&data);
        assert_eq!(
            (summary(&train), summary(&test)),
            (expected["train"].clone(), expected["test"].clone())
        );
        assert_eq!(
            classes[9],
            if dataset == DataSetName::Mnist {
                "9"
            } else {
                "Ankle boot"
            }
        );
        let outline = outline(&settings(dataset, &folder)).unwrap();
        assert_eq!((outline.train_images, outline.test_images), (12, 5));
    }
}

#[test]
fn svhn_is_read_as_torchvision_reads_it() {
    for name in ["svhn", "svhn-uncompressed"] {
        let (folder, expected) = fixture(name);
        let data = read(DataSetName::Svhn, &folder).unwrap();
        let (classes, [train, test]) = everything(&data);
        assert_eq!(
            (summary(&train), summary(&test)),
            (expected["train"].clone(), expected["test"].clone())
        );
        assert_eq!((classes.len(), data.shape.to_string().as_str()), (10, "3x32x32"));
        assert!(train.0.contains(&0), "a 10 in the file is the digit 0");

        let mut with_extra = settings(DataSetName::Svhn, &folder);
        with_extra.extra_split = true;
        let data = load(&with_extra, 2, None).unwrap();
        let (_, [all, _]) = everything(&data);
        let (labels, pixels) = (all.0[6..].to_vec(), all.1[6 * 3072..].to_vec());
        assert_eq!(summary(&(labels, pixels)), expected["extra"]);
        assert_eq!((&all.0[..6], &all.1[..6 * 3072]), (&train.0[..], &train.1[..]));
        let outline = outline(&with_extra).unwrap();
        assert_eq!((outline.train_images, outline.test_images), (10, 3));
        let error = load(&with_extra, 2, Some(10_000)).unwrap_err();
        assert!(
            error.rule.starts_with("13 images of 3,072 bytes need 39,936 bytes"),
            "{error}"
        );
        assert_eq!(error.remedy, "use a machine with more memory, or leave extra-split out");
    }
}

#[test]
fn faults_of_mat_files_name_file_and_variable() {
    let folder = TempDir::new().unwrap();
    let (published, _) = fixture("svhn-uncompressed");
    for name in ["train_32x32.mat", "test_32x32.mat"] {
        fs::copy(published.join(name), folder.path().join(name)).unwrap();
    }
    let mut with_extra = settings(DataSetName::Svhn, folder.path());
    with_extra.extra_split = true;
    let error = load(&with_extra, 1, None).unwrap_err();
    assert!(
        error.thing.ends_with("extra_32x32.mat") && error.rule == "there is no such file",
        "{error}"
    );

    let test = folder.path().join("test_32x32.mat");
    let whole = fs::read(&test).unwrap();
    let rule = |bytes: &[u8]| {
        fs::write(&test, bytes).unwrap();
        let error = read(DataSetName::Svhn, folder.path()).unwrap_err();
        assert!(error.thing.ends_with("test_32x32.mat"), "{error}");
        error.rule
    };
    assert_eq!(rule(&whole[..5000]), "it ends within X, after 4,808 of 9,216 bytes");
    assert_eq!(rule(&whole[..9424]), "it ends before its values");
    assert_eq!(
        rule(&whole[..9408]),
        "it has no variable y, and images X and labels y were expected"
    );
    assert_eq!(
        rule(b"\x89HDF\r\n\x1a\n"),
        "it is a MAT-file of version 7.3 (HDF5), and a MAT-file of version 5 was expected"
    );
    let mut beyond = whole.clone();
    let last = beyond.len() - 4;
    beyond[last] = 11;
    assert_eq!(rule(&beyond), "label 0 is 11, and 1 to 10 was expected");
}
