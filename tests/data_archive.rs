//! Archives that would reach out of their folder, fill the disk or pass for a data set.

mod archives;

use std::fs;
use std::path::Path;

use archives::{ARCHIVE, contents, entry, file, files, good, good_entries, pack, sha256, silent};
use densenet_bench::data::fetch::{Fault, unpack};
use tar::EntryType;
use tempfile::TempDir;

/// What unpacking says of an archive, after which there is nothing but members in its folder and nothing beside it.
fn refusal(archive: &[u8]) -> String {
    let place = TempDir::new().unwrap();
    let target = place.path().join("target");
    fs::create_dir(&target).unwrap();
    let error = unpack(archive, ARCHIVE, &files(vec![]), &target, &mut silent).unwrap_err();
    assert_eq!(error.fault, Fault::Work);
    assert_eq!(error.thing, ARCHIVE);
    assert_eq!(names(place.path()), ["target"]);
    for name in names(&target) {
        assert!(contents().iter().any(|(member, _)| *member == name), "{name}");
        assert!(target.join(&name).symlink_metadata().unwrap().is_file(), "{name}");
    }
    error.rule
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The good archive with one more entry before its members.
fn with(extra: Vec<u8>) -> Vec<u8> {
    let mut entries = vec![extra];
    entries.extend(good_entries());
    pack(&entries)
}

#[test]
fn the_members_are_written_and_other_files_are_not() {
    let target = TempDir::new().unwrap();
    let written = unpack(&good()[..], ARCHIVE, &files(vec![]), target.path(), &mut silent).unwrap();
    assert_eq!(written, contents().map(|(name, bytes)| (name, sha256(&bytes))));
    for (name, bytes) in contents() {
        assert_eq!(fs::read(target.path().join(name)).unwrap(), bytes);
    }
    assert_eq!(names(target.path()), ["names.txt", "test.bin", "train.bin"]);
}

#[test]
fn a_member_elsewhere_in_the_archive_is_not_the_member() {
    let target = TempDir::new().unwrap();
    let elsewhere = ["train.bin", "other/train.bin", "small-set/deeper/train.bin"];
    let entries = elsewhere.map(|name| entry(name, EntryType::Regular, "", b"not it"));
    let written = unpack(&pack(&entries)[..], ARCHIVE, &files(vec![]), target.path(), &mut silent).unwrap();
    assert!(written.is_empty() && names(target.path()).is_empty());
}

#[test]
fn a_path_out_of_the_folder_is_refused() {
    for name in ["/etc/train.bin", "/small-set/train.bin"] {
        let rule = refusal(&with(entry(name, EntryType::Regular, "", b"x")));
        assert_eq!(rule, format!("'{name}' in it has an absolute path"));
    }
    for name in ["../train.bin", "small-set/../train.bin", "small-set/../../x", ".."] {
        let rule = refusal(&with(entry(name, EntryType::Regular, "", b"x")));
        assert_eq!(rule, format!("'{name}' in it leads out of its folder"));
    }
    let rule = refusal(&with(entry("../out/", EntryType::Directory, "", b"")));
    assert_eq!(rule, "'../out/' in it leads out of its folder");
}

#[test]
fn links_and_devices_are_refused_wherever_they_point() {
    for kind in [EntryType::Symlink, EntryType::Link] {
        for link in ["/etc/passwd", "../outside", "train.bin"] {
            let rule = refusal(&with(entry("small-set/names.txt", kind, link, b"")));
            assert_eq!(rule, "'small-set/names.txt' in it is a link");
        }
    }
    for (kind, letter) in [
        (EntryType::Char, '3'),
        (EntryType::Block, '4'),
        (EntryType::Fifo, '6'),
        (EntryType::Continuous, '7'),
        (EntryType::GNUSparse, 'S'),
        (EntryType::GNULongName, 'L'),
        (EntryType::GNULongLink, 'K'),
    ] {
        let rule = refusal(&with(entry("small-set/train.bin", kind, "", b"")));
        let expected = format!("'small-set/train.bin' in it is neither a file nor a folder (type '{letter}')");
        assert_eq!(rule, expected);
    }
}

#[test]
fn a_pax_header_that_renames_or_resizes_the_next_entry_is_skipped() {
    let notes = b"28 path=../../outside.bin\n18 size=999999999\n";
    for kind in [EntryType::XHeader, EntryType::XGlobalHeader] {
        let place = TempDir::new().unwrap();
        let target = place.path().join("target");
        fs::create_dir(&target).unwrap();
        let archive = with(entry("note", kind, "", notes));
        let written = unpack(&archive[..], ARCHIVE, &files(vec![]), &target, &mut silent).unwrap();
        assert_eq!(written.len(), 3);
        assert_eq!(names(place.path()), ["target"]);
        assert_eq!(names(&target), ["names.txt", "test.bin", "train.bin"]);
    }
}

#[test]
fn a_member_that_is_there_twice_is_refused() {
    let rule = refusal(&with(file("names.txt", b"cow\n")));
    assert_eq!(rule, "'small-set/names.txt' is in it twice");
    let rule = refusal(&with(entry(
        "./small-set//./names.txt",
        EntryType::Regular,
        "",
        b"cow\n",
    )));
    assert_eq!(rule, "'small-set/names.txt' is in it twice");
}

#[test]
fn a_member_of_another_size_is_refused_before_it_is_written() {
    let rule = refusal(&pack(&[file("train.bin", &[0; 300_001])]));
    assert_eq!(
        rule,
        "'small-set/train.bin' in it has 300,001 bytes, and 300,000 were expected"
    );
    let rule = refusal(&pack(&[file("names.txt", &[b'a'; 65])]));
    assert_eq!(rule, "'small-set/names.txt' in it has 65 bytes, and 64 were expected");
}

#[test]
fn a_decompression_bomb_is_cut_at_the_limit() {
    // 64 MiB of zeros are 300 KiB packed; 1.3 MB may come out.
    let bomb = pack(&[file("readme.html", &vec![0; 64 << 20])]);
    assert!(bomb.len() < 400_000);
    let rule = refusal(&bomb);
    assert_eq!(
        rule,
        "it unpacks to more than 1,368,640 bytes, and the data set has at most 320,064"
    );
    // As the body of a note, which is held in memory by a reader that heeds it.
    let note = entry("note", EntryType::XHeader, "", &vec![b'a'; 64 << 20]);
    assert_eq!(refusal(&pack(&[note])), rule);
}

#[test]
fn an_archive_of_very_many_entries_is_refused() {
    let many = vec![entry("small-set/", EntryType::Directory, "", b""); 500];
    assert_eq!(refusal(&pack(&many)), "it has more than 67 entries");
}

#[test]
fn a_file_that_is_not_an_archive_or_is_truncated_is_an_error() {
    assert!(refusal(b"no gzip at all").starts_with("it cannot be read: "));
    let archive = good();
    assert!(refusal(&archive[..archive.len() / 2]).starts_with("it cannot be read: "));
    let claims_more = [file("train.bin", &contents()[0].1)[..100_000].to_vec()];
    assert!(refusal(&pack(&claims_more)).starts_with("it cannot be read: "));
    let mut header = file("train.bin", b"");
    header[124..136].copy_from_slice(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    let sum: u32 = header[..512].iter().enumerate().fold(0, |sum, (at, byte)| {
        sum + if (148..156).contains(&at) { 32 } else { u32::from(*byte) }
    });
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    // A negative or boundless size is an error or no member's, and takes no memory.
    assert!(!refusal(&pack(&[header])).is_empty());
}

#[test]
fn a_name_with_control_characters_is_shown_without_them() {
    let rule = refusal(&with(entry("small-set/\x1b[2J", EntryType::Symlink, "x", b"")));
    assert_eq!(rule, "'small-set/\\x1b[2J' in it is a link");
}

#[test]
fn unpacking_never_writes_over_a_file_that_is_there() {
    let target = TempDir::new().unwrap();
    fs::write(target.path().join("train.bin"), b"mine").unwrap();
    let error = unpack(&good()[..], ARCHIVE, &files(vec![]), target.path(), &mut silent).unwrap_err();
    assert!(error.rule.starts_with("it cannot be written: "), "{error}");
    assert_eq!(fs::read(target.path().join("train.bin")).unwrap(), b"mine");
}
