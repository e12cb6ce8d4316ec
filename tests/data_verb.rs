//! `data list`, `data fetch` and `data verify` from the command line.

#![cfg(feature = "burn")]

mod archives;
mod workplace;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use archives::server::{Answer, Server};
use serde_json::Value;
use workplace::Workplace;

const CIFAR10: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];

/// Files of CIFAR-10's sizes that are nothing but holes, which take no room on the disk.
fn hollow_cifar10(place: &Workplace) {
    let folder = place.path("data/cifar10/cifar-10-batches-bin");
    fs::create_dir_all(&folder).unwrap();
    for name in CIFAR10 {
        File::create(folder.join(name)).unwrap().set_len(30_730_000).unwrap();
    }
    fs::write(folder.join("batches.meta.txt"), [b'\n'; 61]).unwrap();
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_list_has_every_set_and_where_it_is() {
    let place = Workplace::new();
    let list = || -> Value { serde_json::from_str(&place.ok(&["data", "list", "--json"])).unwrap() };
    let names = |list: &Value| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let sets = list["data_sets"].as_array().unwrap();
        sets.iter()
            .map(|set| (text(&set["name"]), text(&set["state"])))
            .collect()
    };
    let states = |cifar10: &str| {
        let pairs = [
            ("digits", "built-in"),
            ("noisy-digits", "built-in"),
            ("digit-sums", "built-in"),
            ("synthetic", "built-in"),
            ("cifar10", cifar10),
            ("cifar100", "absent"),
            ("mnist", "absent"),
            ("fashion-mnist", "absent"),
            ("svhn", "absent"),
            ("imagenet", "absent"),
        ];
        pairs.map(|(name, state)| (name.to_owned(), state.to_owned()))
    };
    assert_eq!(names(&list()), states("absent"));
    hollow_cifar10(&place);
    let whole = list();
    assert_eq!(names(&whole), states("complete"));
    let cifar10 = &whole["data_sets"][4];
    assert!(
        cifar10["path"]
            .as_str()
            .unwrap()
            .ends_with("/data/cifar10/cifar-10-batches-bin")
    );
    assert_eq!(cifar10["downloads"][0]["bytes"], 170_052_171);
    fs::remove_file(place.path("data/cifar10/cifar-10-batches-bin/test_batch.bin")).unwrap();
    assert_eq!(names(&list()), states("partial"));

    let text = place.ok(&["data", "list"]);
    for line in [
        "  1x8x8, 10 classes, 1,437 training and 360 test images",
        "  built in, nothing to download",
        "  in data/cifar10/cifar-10-batches-bin, but incomplete",
        "  not in data/cifar100; to download it (169 MB, 184 MB unpacked): densenet-bench data fetch cifar100",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn verifying_names_the_files_and_ends_with_one_where_they_are_wrong() {
    let place = Workplace::new();
    let refused = place.refused(&["data", "verify", "cifar10"]);
    assert_eq!(
        refused,
        "error: data/cifar10: there is no such folder; download it with `densenet-bench data fetch cifar10`, or name its \
         folder with --path"
    );
    hollow_cifar10(&place);
    fs::remove_file(place.path("data/cifar10/cifar-10-batches-bin/data_batch_4.bin")).unwrap();
    let output = place.run(&["data", "verify", "cifar10"]);
    assert_eq!(output.status.code(), Some(1));
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(
        lines[0],
        "data/cifar10/cifar-10-batches-bin/data_batch_1.bin: it has the wrong checksum: its SHA-256 is \
         3a8a84b64bcf861b26141d5cdcae007b8457d57210923dc132103760842ce568, and \
         cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5 was expected"
    );
    assert_eq!(
        lines[3],
        "data/cifar10/cifar-10-batches-bin/data_batch_4.bin: it is missing"
    );
    assert_eq!(
        lines[6],
        "data/cifar10/cifar-10-batches-bin/batches.meta.txt: there, but no checksum is known for it"
    );
    assert!(said(&output).starts_with("error: data/cifar10/cifar-10-batches-bin: 6 of 7 files are wrong"));

    let folder = place.path("data/cifar10/cifar-10-batches-bin");
    let output = place.run(&[
        "data",
        "verify",
        "cifar10",
        "--json",
        "--path",
        folder.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["ok"], &report["files"][3]["state"]),
        (&Value::Bool(false), &"missing".into())
    );
    assert_eq!(report["files"][0]["state"], "different");
}

#[test]
fn an_archive_with_another_checksum_is_refused_before_it_is_unpacked() {
    let place = Workplace::new();
    fs::create_dir(place.path("archives")).unwrap();
    let archive = File::create(place.path("archives/cifar-10-binary.tar.gz")).unwrap();
    archive.set_len(170_052_171).unwrap();
    let output = place.run(&["data", "fetch", "cifar10", "--from", "archives", "--to", "mit Ähre"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(output.stdout.is_empty());
    let said = said(&output);
    assert!(
        said.starts_with("error: archives/cifar-10-binary.tar.gz: its SHA-256 is "),
        "{said}"
    );
    assert!(said.contains(
        "that of cifar-10-binary.tar.gz is c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd; the \
         download was removed, nothing was unpacked; run the command again"
    ));
    assert_eq!(said.lines().count(), 1);
    assert!(!place.path("mit Ähre").exists());
}

#[test]
fn an_unknown_data_set_is_refused_with_the_known_names() {
    let place = Workplace::new();
    assert_eq!(
        place.refused(&["data", "fetch", "stl10"]),
        "error: 'stl10': no data set has this name; choose one of digits, noisy-digits, digit-sums, synthetic, cifar10, cifar100, mnist, \
         fashion-mnist, svhn, imagenet"
    );
    assert_eq!(
        place.refused(&["data", "fetch", "cifar10", "--from", "elsewhere"]),
        "error: elsewhere/cifar-10-binary.tar.gz: there is no such file; name with --from a folder that has \
         cifar-10-binary.tar.gz"
    );
    assert!(
        place
            .refused(&["data", "fetch", "cifar10", "--from", "ftp://a/"])
            .contains("https or http")
    );
    place.write("cifar-10-binary.tar.gz", "short");
    assert!(
        place
            .refused(&["data", "fetch", "cifar10", "--from", "."])
            .contains("it has 5 bytes, and")
    );
    hollow_cifar10(&place);
    let refused = place.refused(&["data", "fetch", "cifar10", "--from", "."]);
    assert!(
        refused.ends_with(
            "in a folder that is there already; remove or rename data/cifar10/cifar-10-batches-bin, or take another folder \
             with --to"
        ),
        "{refused}"
    );
}

/// Two classes of ImageNet with an image each, which nothing decodes.
fn small_imagenet(folder: &Path) {
    for split in ["train", "val"] {
        for class in ["n01440764", "n01443537"] {
            let folder = folder.join(split).join(class);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("{class}_1.JPEG")), "not decoded").unwrap();
        }
    }
}

#[test]
fn imagenet_is_not_downloaded_and_its_terms_and_the_way_to_it_are_said() {
    let place = Workplace::new();
    let rule = "it is not downloaded: its terms have to be accepted by each user, and do not allow redistribution; accept \
                them at https://image-net.org/download.php, lay the images out as train/WNID/IMAGE.JPEG and \
                val/WNID/IMAGE.JPEG, and check them with `densenet-bench data verify imagenet --path DIR`";
    assert_eq!(
        place.refused(&["data", "fetch", "imagenet"]),
        format!("error: imagenet: {rule}")
    );
    assert_eq!(
        place.refused(&["data", "verify", "imagenet"]),
        format!("error: data/imagenet: imagenet is not there, and {rule}")
    );
    let text = place.ok(&["data", "list"]);
    for line in [
        "  licence: for non-commercial research and education only; each user accepts its terms; not redistributed"
            .to_owned(),
        format!("  not in data/imagenet; {rule}"),
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    small_imagenet(&place.path("data/imagenet"));
    let text = place.ok(&["data", "list"]);
    let line = "  in data/imagenet; `data verify imagenet` checks it";
    assert!(text.lines().any(|found| found == line), "{text}");
}

#[test]
fn verifying_imagenet_counts_its_classes_and_images() {
    let place = Workplace::new();
    small_imagenet(&place.path("some"));
    let output = place.run(&["data", "verify", "imagenet", "--path", "some"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stdout.clone()).unwrap(),
        "some: classes: 2 classes, and 1,000 were expected\nsome: train: 2 images, and 1,281,167 were expected\n\
         some: val: 2 images, and 50,000 were expected\n"
    );
    assert!(said(&output).starts_with("error: some: 3 of 3 counts are not those of the whole imagenet; "));
    let output = place.run(&["data", "verify", "imagenet", "--path", "some", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ok"], false);
    assert_eq!(report["parts"][1]["part"], "train");

    fs::rename(place.path("some/train/n01440764"), place.path("some/train/tench")).unwrap();
    fs::rename(place.path("some/val/n01440764"), place.path("some/val/tench")).unwrap();
    assert_eq!(
        place.refused(&["data", "verify", "imagenet", "--path", "some"]),
        "error: some: its classes are WordNet IDs, such as n01440764, and not tench; write dataset = \"folder\" for images of \
         other classes"
    );
    assert!(
        place
            .refused(&["data", "verify", "imagenet", "--path", "none"])
            .starts_with("error: none: there is no such folder; ")
    );
}

#[test]
fn a_built_in_data_set_needs_no_download() {
    let place = Workplace::new();
    for verb in ["fetch", "verify"] {
        for name in ["digits", "synthetic"] {
            let output = place.run(&["data", verb, name]);
            assert!(output.status.success() && output.stdout.is_empty());
            assert!(said(&output).contains("built in"), "{}", said(&output));
        }
    }
    assert!(!place.path("data").exists());
}

#[test]
fn an_unreachable_server_is_a_failed_download() {
    let place = Workplace::new();
    // Nothing listens on port 1.
    let output = place.run(&["data", "fetch", "cifar10", "--from", "http://127.0.0.1:1/"]);
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(
        said.starts_with("error: http://127.0.0.1:1/cifar-10-binary.tar.gz: it does not answer: "),
        "{said}"
    );
    assert!(!place.path("data/cifar10").exists());
}

#[test]
fn a_killed_download_is_resumed_by_the_next_one() {
    let place = Workplace::new();
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 170052171\r\n\r\n".as_bytes();
    let server = Server::new(
        vec![],
        vec![
            Answer::RawThenSilent([head, &archives::noise(1_000_000, 5)].concat()),
            Answer::Raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec()),
        ],
    );
    let arguments = ["data", "fetch", "cifar10", "--from", &server.base];
    let mut child = Command::new(env!("CARGO_BIN_EXE_densenet-bench"))
        .args(arguments)
        .current_dir(place.path(""))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let part = place.path("data/cifar10/.fetching-cifar-10-binary.tar.gz.part");
    let start = Instant::now();
    while part.metadata().map_or(0, |part| part.len()) < 1_000_000 {
        assert!(start.elapsed() < Duration::from_secs(60), "the part does not grow");
        thread::sleep(Duration::from_millis(20));
    }
    // Another one meanwhile stops at once.
    let second = place.run(&arguments);
    assert_eq!(second.status.code(), Some(1));
    assert!(said(&second).contains("another process is downloading to it"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(place.run(&arguments).status.code(), Some(1));
    assert_eq!(
        server.requests(),
        [
            "GET /mirror/cifar-10-binary.tar.gz HTTP/1.1",
            "GET /mirror/cifar-10-binary.tar.gz HTTP/1.1 range: bytes=1000000-"
        ]
    );
    assert!(fs::read(part).unwrap() == archives::noise(1_000_000, 5));
}

#[test]
fn the_proxy_variables_apply_except_to_this_machine() {
    let place = Workplace::new();
    let refusal = || Answer::Raw(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".to_vec());
    let (proxy, mirror) = (
        Server::new(vec![], vec![refusal()]),
        Server::new(vec![], vec![refusal()]),
    );
    let fetch = |from: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_densenet-bench"))
            .args(["data", "fetch", "cifar10", "--from", from])
            .current_dir(place.path(""))
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            .env("ALL_PROXY", proxy.base.trim_end_matches("/mirror/"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    };
    fetch(&mirror.base);
    assert_eq!(mirror.requests(), ["GET /mirror/cifar-10-binary.tar.gz HTTP/1.1"]);
    assert!(proxy.requests().is_empty());
    fetch("http://mirror.invalid/cifar/");
    assert_eq!(proxy.requests().len(), 1);
    assert!(proxy.requests()[0].contains("mirror.invalid"), "{:?}", proxy.requests());
}
