//! Remedies for data that are not there, or lie otherwise than they are read.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::{LIST, RUN, Remedy, edit, follow, image};
use crate::workplace::Workplace;

/// What `data fetch cifar10` leaves in `folder`, but for the pixels, which are all black, and the classes: the first images
/// are of one after the other, all later ones of the first.
fn fetched(folder: &Path) {
    let own = folder.join("cifar-10-batches-bin");
    fs::create_dir_all(&own).unwrap();
    for name in [
        "data_batch_1",
        "data_batch_2",
        "data_batch_3",
        "data_batch_4",
        "data_batch_5",
        "test_batch",
    ] {
        let file = File::create(own.join(name).with_extension("bin")).unwrap();
        file.set_len(30_730_000).unwrap();
        for record in 0..40u8 {
            // A label and 3 x 32 x 32 values.
            file.write_all_at(&[record % 10], u64::from(record) * 3073).unwrap();
        }
    }
}

/// The file with `path` in `[data]`, or with none, of CIFAR-10.
fn of_cifar10(place: &Workplace, path: &str) {
    edit(
        place,
        "\"digits\"",
        &format!("\"cifar10\"\nmean = [0.5, 0.5, 0.5]\nstd = [0.25, 0.25, 0.25]\n{path}"),
    );
}

/// The file with the folder `images`, and images in these files of it.
fn of_folder(place: &Workplace, names: &[&str]) {
    edit(
        place,
        "\"digits\"\ntrain-limit = 32\ntest-limit = 16",
        "\"folder\"\nimage-size = 8\npath = \"images\"",
    );
    edit(place, "batch-size = 8", "batch-size = 2");
    edit(place, "batch-sizes = [8]", "batch-sizes = [2]");
    for name in names {
        image(&place.path("images").join(name));
    }
}

const GOOD: [&str; 6] = [
    "train/ant/1.png",
    "train/ant/2.png",
    "train/bee/1.png",
    "train/bee/2.png",
    "test/ant/1.png",
    "test/bee/1.png",
];

#[test]
fn a_downloaded_data_set_is_where_the_messages_say_that_it_will_be() {
    follow(&[
        Remedy {
            wrong: |place| of_cifar10(place, ""),
            command: RUN,
            advice: "download it with `densenet-bench data fetch cifar10`",
            follow: |place| fetched(&place.path("data/cifar10")),
            then: &[],
        },
        Remedy {
            wrong: |place| of_cifar10(place, "path = \"/no/such/folder\""),
            command: RUN,
            advice: "leave path out and download it with `densenet-bench data fetch cifar10`",
            follow: |place| {
                edit(place, "path = \"/no/such/folder\"", "");
                fetched(&place.path("data/cifar10"));
            },
            then: &[],
        },
        Remedy {
            wrong: |place| {
                of_cifar10(place, "path = \"cifar-10-batches-py\"");
                fs::create_dir(place.path("cifar-10-batches-py")).unwrap();
                place.write("cifar-10-batches-py/data_batch_1", "pickled");
            },
            command: RUN,
            advice: "get cifar-10-binary.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html, unpack it and name its folder \
                     cifar-10-batches-bin",
            follow: |place| {
                fetched(&place.path(""));
                edit(place, "batches-py", "batches-bin");
            },
            then: &[],
        },
        Remedy {
            wrong: |place| {
                of_cifar10(place, "");
                fetched(&place.path("data/cifar10"));
                fs::remove_file(place.path("data/cifar10/cifar-10-batches-bin/test_batch.bin")).unwrap();
            },
            command: RUN,
            advice: "remove or rename this folder, and download it again with `densenet-bench data fetch cifar10`",
            follow: |place| {
                fs::remove_dir_all(place.path("data/cifar10/cifar-10-batches-bin")).unwrap();
                fetched(&place.path("data/cifar10"));
            },
            then: &[],
        },
        Remedy {
            wrong: |place| {
                of_cifar10(place, "path = \"c\"");
                fetched(&place.path("c"));
                fs::write(place.path("c/cifar-10-batches-bin/data_batch_2.bin"), "short").unwrap();
            },
            command: RUN,
            advice: "remove or rename its folder, leave path out, and download it with `densenet-bench data fetch cifar10`",
            follow: |place| {
                fs::remove_dir_all(place.path("c")).unwrap();
                edit(place, "path = \"c\"", "");
                fetched(&place.path("data/cifar10"));
            },
            then: &[],
        },
        Remedy {
            wrong: |place| {
                of_cifar10(place, "path = \"c\"");
                fs::create_dir(place.path("c")).unwrap();
                place.write("c/train.bin", "x");
            },
            command: LIST,
            advice: "write dataset = \"cifar100\"",
            follow: |place| {
                edit(place, "cifar10\"", "cifar100\"");
                let files = [("c/train.bin", 3074 * 40), ("c/test.bin", 3074 * 20)];
                for (name, bytes) in files {
                    File::create(place.path(name)).unwrap().set_len(bytes).unwrap();
                }
            },
            then: &[],
        },
        Remedy {
            wrong: |place| edit(place, "\"digits\"", "\"folder\""),
            command: LIST,
            advice: "name the data set's folder, such as path = \"../data/my-images\"",
            follow: |place| {
                fs::remove_file(place.path("tiny.toml")).unwrap();
                place.write("tiny.toml", super::TINY);
                of_folder(place, &GOOD);
            },
            then: &[],
        },
    ]);
}

#[test]
fn the_papers_files_are_described_and_listed_without_data() {
    let place = Workplace::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ablations/paper");
    let files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 10);
    for file in files.iter().map(|file| file.to_str().unwrap()) {
        place.ok(&["describe", file, "--fits", "11GB"]);
        place.ok(&["run", file, "--list", "--device", "cpu"]);
    }
}

#[test]
fn a_trial_has_one_identity_wherever_its_data_lie() {
    let ids = |path: &str, folder: &str| {
        let place = Workplace::new();
        place.write("tiny.toml", super::TINY);
        of_cifar10(&place, path);
        if !folder.is_empty() {
            fetched(&place.path(folder));
        }
        place.ok(LIST)
    };
    let without_data = ids("", "");
    assert_eq!(without_data.lines().count(), 1);
    assert_eq!(ids("", "data/cifar10"), without_data);
    assert_eq!(ids("", "data"), without_data);
    assert_eq!(ids("path = \"mine\"", "mine"), without_data);
    assert_eq!(ids("path = \"mine\"", ""), without_data);
}

#[test]
fn the_environment_and_the_home_folder_name_the_place_as_well() {
    let place = Workplace::new();
    place.write("tiny.toml", super::TINY);
    of_cifar10(&place, "");
    fetched(&place.path("all/cifar10"));
    let run = |name: &str, value: &Path| place.command(RUN).env(name, value).output().unwrap();
    let output = run("DENSENET_BENCH_DATA", &place.path("all"));
    assert!(output.status.success(), "{}", crate::workplace::said(&output));
    // There alone, and not in data/.
    fs::rename(place.path("all"), place.path("data")).unwrap();
    let output = run("DENSENET_BENCH_DATA", Path::new("none"));
    assert_eq!(output.status.code(), Some(2));
    let said = crate::workplace::said(&output);
    assert!(
        said.contains("none/cifar10: cifar10 is not there; download it with `densenet-bench data fetch cifar10`"),
        "{said}"
    );

    edit(&place, "std =", "path = \"~/data/cifar10\"\nstd =");
    let output = run("HOME", &place.path(""));
    assert!(output.status.success(), "{}", crate::workplace::said(&output));
    let output = place.command(RUN).env_remove("HOME").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        crate::workplace::said(&output)
            .contains("it starts with ~, the home folder, and HOME is not set; write the path in full")
    );
    edit(&place, "~/data", place.path("data").to_str().unwrap());
    let output = place.command(RUN).env_remove("HOME").output().unwrap();
    assert!(output.status.success(), "{}", crate::workplace::said(&output));
}

#[test]
fn what_is_advised_for_a_folder_of_images_makes_it_one_that_is_read() {
    follow(&[
        Remedy {
            wrong: |place| of_folder(place, &GOOD[..4]),
            command: LIST,
            advice: "put the images to test on into test/CLASS/IMAGE",
            follow: |place| {
                for class in ["ant", "bee"] {
                    image(&place.path("images/test").join(class).join("9.png"));
                }
            },
            then: &[],
        },
        Remedy {
            wrong: |place| of_folder(place, &["ant/1.png", "ant/2.png", "ant/3.png"]),
            command: LIST,
            advice: "move the images to train on to train/CLASS/IMAGE, and those to test on to test/CLASS/IMAGE",
            follow: |place| {
                for (name, split) in [("1.png", "train"), ("2.png", "train"), ("3.png", "test")] {
                    let class = place.path("images").join(split).join("ant");
                    fs::create_dir_all(&class).unwrap();
                    fs::rename(place.path("images/ant").join(name), class.join(name)).unwrap();
                }
            },
            then: &[],
        },
        Remedy {
            wrong: |place| {
                of_folder(place, &GOOD);
                fs::rename(place.path("images"), place.path("inner")).unwrap();
                fs::create_dir(place.path("images")).unwrap();
                fs::rename(place.path("inner"), place.path("images/a")).unwrap();
            },
            command: LIST,
            advice: "write that folder as path: images/a",
            follow: |place| edit(place, "\"images\"", "\"images/a\""),
            then: &[],
        },
        Remedy {
            wrong: |place| {
                of_folder(place, &GOOD);
                edit(place, "\"images\"", "\"images/train\"");
            },
            command: LIST,
            advice: "write the folder above as path: ",
            follow: |place| edit(place, "\"images/train\"", "\"images\""),
            then: &[],
        },
        Remedy {
            wrong: |place| {
                of_folder(place, &GOOD);
                fs::remove_dir_all(place.path("images/test/bee")).unwrap();
            },
            command: LIST,
            advice: "add its images, or remove the class from the other split",
            follow: |place| fs::remove_dir_all(place.path("images/train/bee")).unwrap(),
            then: &[],
        },
        Remedy {
            wrong: |place| {
                of_folder(place, &GOOD);
                fs::rename(
                    place.path("images/train/ant/1.png"),
                    place.path("images/train/ant/1.bmp"),
                )
                .unwrap();
            },
            command: LIST,
            advice: "convert it to PNG or JPEG",
            follow: |place| {
                fs::remove_file(place.path("images/train/ant/1.bmp")).unwrap();
                image(&place.path("images/train/ant/1.png"));
            },
            then: &[],
        },
        Remedy {
            wrong: |place| {
                of_folder(place, &GOOD);
                fs::write(place.path("images/train/ant/1.png"), "no image at all").unwrap();
            },
            command: RUN,
            advice: "replace the image, or remove it",
            follow: |place| fs::remove_file(place.path("images/train/ant/1.png")).unwrap(),
            then: &[],
        },
    ]);
}

#[test]
fn what_is_advised_for_imagenet_makes_its_images_ones_that_are_read() {
    follow(&[
        Remedy {
            wrong: |place| {
                of_folder(place, &GOOD);
                edit(place, "\"folder\"", "\"imagenet\"");
            },
            command: LIST,
            advice: "write dataset = \"folder\" for images of other classes",
            follow: |place| edit(place, "\"imagenet\"", "\"folder\""),
            then: &[],
        },
        Remedy {
            wrong: |place| {
                of_folder(place, &[]);
                edit(place, "\"folder\"", "\"imagenet\"");
                edit(place, "path = \"images\"", "");
            },
            command: RUN,
            advice: "write its folder as path",
            follow: |place| {
                edit(place, "image-size = 8", "image-size = 8\npath = \"images\"");
                for name in GOOD {
                    let name = name.replace("ant/", "n01440764/").replace("bee/", "n01443537/");
                    image(&place.path("images").join(name.replace("test/", "val/")));
                }
            },
            then: &[],
        },
        Remedy {
            wrong: |place| {
                of_folder(place, &GOOD);
                edit(place, "image-size = 8", "image-size = 8\ntest-crops = 10");
            },
            command: RUN,
            advice: "write resize = 9 beside it",
            follow: |place| edit(place, "test-crops = 10", "test-crops = 10\nresize = 9"),
            then: &[],
        },
    ]);
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_to_nothing_is_read_once_what_it_leads_to_is_there() {
    follow(&[Remedy {
        wrong: |place| {
            of_folder(place, &GOOD);
            std::os::unix::fs::symlink("../../../volume/9.png", place.path("images/train/ant/9.png")).unwrap();
        },
        command: RUN,
        advice: "mount or restore what it leads to, or remove the link",
        follow: |place| image(&place.path("volume/9.png")),
        then: &[],
    }]);
}
