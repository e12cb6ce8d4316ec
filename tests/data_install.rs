//! A data set brought to its folder: from another folder, beside what is there, whole or not at all; and verified.

#![cfg(feature = "fetch")]

mod archives;

use std::fs;
use std::path::Path;

use archives::place::{PART, Place};
use archives::server::{Answer, Server};
use archives::{
    ARCHIVE, FOLDER, contents, download, entry, file, files, good, good_entries, known, noise, pack, set_of, sha256,
    silent,
};
use densenet_bench::data::fetch::{
    Doing, Fault, Packing, Patience, Presence, Source, Step, default_folder, fetch, fetch_command, inspect, presence,
};
use tar::EntryType;
use tempfile::TempDir;

#[test]
fn a_folder_serves_as_a_mirror_and_so_does_the_archive_itself() {
    let archive = good();
    let set = set_of(&archive);
    let mirror = TempDir::new().unwrap();
    fs::write(mirror.path().join(ARCHIVE), &archive).unwrap();
    for from in [mirror.path().to_owned(), mirror.path().join(ARCHIVE)] {
        let place = Place::new();
        // Of another download, and no part of this one.
        place.put_part(&noise(1000, 9));
        place.fetch(&set, &Source::parse(&from).unwrap()).unwrap();
        place.assert_whole(&set);
    }
    assert!(fs::read(mirror.path().join(ARCHIVE)).unwrap() == archive);
}

#[test]
fn the_command_that_a_message_names_puts_the_files_where_they_were_looked_for() {
    let archive = good();
    let set = set_of(&archive);
    let mirror = TempDir::new().unwrap();
    fs::write(mirror.path().join(ARCHIVE), &archive).unwrap();
    let source = Source::Folder(mirror.path().to_owned());
    for wanted in ["mine", "my data/small-set", "small-set"] {
        let place = TempDir::new().unwrap();
        let folder = place.path().join(wanted);
        let remedy = inspect(&set, &folder, &mut silent).unwrap_err().remedy;
        let (_, rest) = remedy.split_once("`densenet-bench data fetch small --to ").unwrap();
        let (to, _) = rest.split_once('`').unwrap();
        let to = Path::new(to.trim_matches('\''));
        fetch(&set, to, &source, &Patience::default(), &mut silent).unwrap();
        let (_, reports) = inspect(&set, &folder, &mut silent).unwrap();
        assert!(reports.iter().all(|report| report.is_good()), "{wanted}: {reports:?}");
    }
    // Where it is put without being told needs no `--to`.
    assert_eq!(
        fetch_command(&set, &default_folder(&set)),
        "densenet-bench data fetch small"
    );
}

#[test]
fn a_folder_with_another_archive_or_none_is_refused() {
    let archive = good();
    let set = set_of(&archive);
    let (mirror, place) = (TempDir::new().unwrap(), Place::new());
    let source = Source::Folder(mirror.path().to_owned());
    let error = place.fetch(&set, &source).unwrap_err();
    assert_eq!(
        (error.rule.as_str(), error.fault),
        ("there is no such file", Fault::Input)
    );
    fs::write(mirror.path().join(ARCHIVE), b"short").unwrap();
    let error = place.fetch(&set, &source).unwrap_err();
    assert!(
        error.rule.starts_with("it has 5 bytes, and small-set.tar.gz has 3"),
        "{error}"
    );
    assert_eq!(error.fault, Fault::Input);
    fs::write(mirror.path().join(ARCHIVE), noise(archive.len(), 4)).unwrap();
    let error = place.fetch(&set, &source).unwrap_err();
    assert!(
        error.rule.contains(&sha256(&archive)) && error.fault == Fault::Work,
        "{error}"
    );
    assert!(!place.to().exists());
}

#[test]
fn an_archive_that_is_refused_on_the_way_leaves_nothing_unpacked() {
    let mut entries = good_entries();
    entries.push(entry("small-set/link", EntryType::Symlink, "/etc", b""));
    let incomplete = pack(&good_entries()[..3]);
    for (archive, rule) in [
        (pack(&entries), "'small-set/link' in it is a link"),
        (incomplete, "'small-set/names.txt' is not in it"),
    ] {
        let place = Place::new();
        let server = Server::new(archive.clone(), vec![Answer::Obedient]);
        let error = place.from(&set_of(&archive), &server).unwrap_err();
        assert_eq!(error.rule, rule);
        assert_eq!(place.names(), [PART]);
    }
}

#[test]
fn leftovers_of_a_killed_fetch_are_removed() {
    let (archive, place) = (good(), Place::new());
    let set = set_of(&archive);
    place.put_part(&archive);
    let staging = place.to().join(".unpacking-small-set");
    fs::create_dir(&staging).unwrap();
    fs::write(staging.join("train.bin"), b"half").unwrap();
    // An empty folder in its place is as good as none.
    fs::create_dir(place.to().join(FOLDER)).unwrap();
    place.from(&set, &Server::new(vec![], vec![])).unwrap();
    place.assert_whole(&set);
}

#[test]
fn a_damaged_folder_is_reported_and_left_untouched() {
    let (archive, place) = (good(), Place::new());
    let set = set_of(&archive);
    let source = Source::Mirror("http://127.0.0.1:1/".to_owned());
    let folder = place.to().join(FOLDER);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("train.bin"), b"mine").unwrap();
    let error = place.fetch(&set, &source).unwrap_err();
    assert_eq!(error.fault, Fault::Input);
    assert_eq!(
        error.rule,
        "it has 4 bytes, and 300,000 were expected, in a folder that is there already"
    );
    assert_eq!(fs::read(folder.join("train.bin")).unwrap(), b"mine");
    assert_eq!(
        presence(&set.files.unwrap(), &place.to()),
        Presence::Partial(folder.clone())
    );
    // A folder with something else is in the way as well.
    fs::rename(folder.join("train.bin"), folder.join("other")).unwrap();
    assert!(
        place
            .fetch(&set, &source)
            .unwrap_err()
            .rule
            .starts_with("it is missing")
    );
}

#[test]
fn a_second_fetch_at_once_says_so() {
    let (archive, place) = (good(), Place::new());
    let set = set_of(&archive);
    let server = Server::new(archive, vec![Answer::Obedient]);
    let mut second = None;
    let report = &mut |step: Step<'_>| {
        if step.doing == Doing::Downloading && second.is_none() {
            second = Some(place.fetch(&set, &Source::Home).unwrap_err());
        }
    };
    let source = Source::Mirror(server.base.clone());
    fetch(&set, &place.to(), &source, &Patience::default(), report).unwrap();
    let error = second.unwrap();
    assert_eq!(error.rule, "another process is downloading to it");
    assert_eq!(error.thing, place.part().display().to_string());
    place.assert_whole(&set);
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_the_part_file_is_not_followed() {
    let (archive, place) = (good(), Place::new());
    let precious = place.folder.path().join("precious");
    fs::write(&precious, b"mine").unwrap();
    fs::create_dir(place.to()).unwrap();
    std::os::unix::fs::symlink(&precious, place.part()).unwrap();
    let error = place.fetch(&set_of(&archive), &Source::Home).unwrap_err();
    assert!(error.rule.starts_with("it is not a regular file"), "{error}");
    assert_eq!(fs::read(&precious).unwrap(), b"mine");
}

#[test]
fn a_target_that_cannot_be_created_is_an_input_error_and_odd_names_work() {
    let archive = good();
    let set = set_of(&archive);
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), b"").unwrap();
    let mirror = folder.path().join("mirror");
    fs::create_dir(&mirror).unwrap();
    fs::write(mirror.join(ARCHIVE), &archive).unwrap();
    let source = Source::Folder(mirror);
    let to = |name: &str| {
        let to = folder.path().join(name);
        fetch(&set, &to, &source, &Patience::default(), &mut archives::silent)
    };
    let error = to("file/data").unwrap_err();
    assert_eq!(error.fault, Fault::Input);
    assert!(error.rule.starts_with("it cannot be created: "), "{error}");
    let fetched = to("mit Leerzeichen/Ähre 画像 'x\"").unwrap();
    assert!(fetched.folder.join("train.bin").is_file());
}

#[test]
fn a_set_of_several_downloads_is_whole_or_not_there() {
    let [(train, train_bytes), (test, test_bytes), (names, names_bytes)] = contents();
    let archive = pack(&[file(names, &names_bytes)]);
    let set = known(files(vec![
        download(train, &train_bytes, Packing::Plain),
        download(test, &test_bytes, Packing::Plain),
        download(ARCHIVE, &archive, Packing::TarGz),
    ]));
    let (mirror, place) = (TempDir::new().unwrap(), Place::new());
    for (name, bytes) in [(train, &train_bytes), (test, &test_bytes), (ARCHIVE, &archive)] {
        fs::write(mirror.path().join(name), bytes).unwrap();
    }
    let source = Source::Folder(mirror.path().to_owned());
    let good_test = fs::read(mirror.path().join(test)).unwrap();
    fs::write(mirror.path().join(test), noise(good_test.len(), 77)).unwrap();
    place.fetch(&set, &source).unwrap_err();
    assert!(!place.to().join(FOLDER).exists());
    fs::write(mirror.path().join(test), good_test).unwrap();
    place.fetch(&set, &source).unwrap();
    place.assert_whole(&set);
}

#[test]
fn verifying_names_every_file_that_is_not_right() {
    let (archive, place) = (good(), Place::new());
    let set = set_of(&archive);
    let error = inspect(&set, &place.to(), &mut archives::silent).unwrap_err();
    assert_eq!(
        (error.rule.as_str(), error.fault),
        ("there is no such folder", Fault::Input)
    );
    place.put_part(&archive);
    let folder = place.fetch(&set, &Source::Home).unwrap().folder;
    let findings = || {
        // The folder itself, or the one that it is in.
        let (_, reports) = inspect(&set, &folder, &mut archives::silent).unwrap();
        assert_eq!(inspect(&set, &place.to(), &mut archives::silent).unwrap().1, reports);
        reports.iter().map(|report| report.finding()).collect::<Vec<_>>()
    };
    assert_eq!(findings(), ["ok", "ok", "ok"]);

    let [(_, mut train), (_, test), _] = contents();
    train[123_456] ^= 1;
    fs::write(folder.join("train.bin"), &train).unwrap();
    fs::write(folder.join("test.bin"), &test[1..]).unwrap();
    fs::write(folder.join("names.txt"), b"dog\ncat\n").unwrap();
    let is_another = |found: &[u8], expected: &[u8]| {
        format!(
            "it has the wrong checksum: its SHA-256 is {}, and {} was expected",
            sha256(found),
            sha256(expected)
        )
    };
    assert_eq!(
        findings(),
        [
            is_another(&train, &contents()[0].1),
            "it has 19,999 bytes, and 20,000 were expected".to_owned(),
            is_another(b"dog\ncat\n", b"cat\ndog\n")
        ]
    );

    // Without the list of sums the names can be checked by their size alone.
    fs::remove_file(folder.join("SHA256SUMS")).unwrap();
    fs::remove_file(folder.join("test.bin")).unwrap();
    fs::remove_file(folder.join("train.bin")).unwrap();
    fs::create_dir(folder.join("train.bin")).unwrap();
    assert_eq!(
        findings(),
        [
            "it cannot be read: it is not a regular file",
            "it is missing",
            "there, but no checksum is known for it"
        ]
    );
}
