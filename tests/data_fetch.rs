//! A data set downloaded from a server: whole, resumed, refused.

#![cfg(feature = "fetch")]

mod archives;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use archives::place::{PART, Place};
use archives::server::{Answer, Server};
use archives::{FOLDER, contents, entry, good, noise, pack, set_of, sha256};
use densenet_bench::data::fetch::{Fault, Source};
use tar::EntryType;

#[test]
fn a_whole_download_is_unpacked_and_found_the_next_time() {
    let (archive, place) = (good(), Place::new());
    let server = Server::new(archive.clone(), vec![Answer::Obedient]);
    let set = set_of(&archive);
    let fetched = place.from(&set, &server).unwrap();
    assert!(!fetched.was_there);
    assert_eq!(fetched.folder, place.to().join(FOLDER));
    place.assert_whole(&set);
    // The server would not answer again.
    assert!(place.from(&set, &server).unwrap().was_there);
    assert_eq!(server.requests(), ["GET /mirror/small-set.tar.gz HTTP/1.1"]);
    // The sums are in the form of `sha256sum`.
    let sums = fs::read_to_string(fetched.folder.join("SHA256SUMS")).unwrap();
    let expected: Vec<String> = contents()
        .iter()
        .map(|(name, bytes)| format!("{}  {name}\n", sha256(bytes)))
        .collect();
    assert_eq!(sums, expected.concat());
}

#[test]
fn a_download_that_was_cut_resumes_where_it_ended() {
    let (archive, place) = (good(), Place::new());
    let server = Server::new(
        archive.clone(),
        vec![Answer::CutAfter(100_000), Answer::CutAfter(50_000), Answer::Obedient],
    );
    let set = set_of(&archive);
    let error = place.from(&set, &server).unwrap_err();
    assert_eq!(error.fault, Fault::Work);
    let total = archive.len();
    assert!(
        error
            .rule
            .starts_with("the download was interrupted after 100,000 of 3"),
        "{error}"
    );
    assert_eq!(error.remedy, "run the command again to resume it");
    assert_eq!(place.names(), [PART]);
    assert!(fs::read(place.part()).unwrap() == archive[..100_000]);
    place.from(&set, &server).unwrap_err();
    assert!(fs::read(place.part()).unwrap() == archive[..150_000] && total > 150_000);
    place.from(&set, &server).unwrap();
    place.assert_whole(&set);
    assert_eq!(
        server.requests()[1..],
        [
            "GET /mirror/small-set.tar.gz HTTP/1.1 range: bytes=100000-",
            "GET /mirror/small-set.tar.gz HTTP/1.1 range: bytes=150000-"
        ]
    );
}

#[test]
fn a_server_without_ranges_starts_over() {
    let (archive, place) = (good(), Place::new());
    let set = set_of(&archive);
    place.put_part(&noise(1000, 9));
    let server = Server::new(archive, vec![Answer::Whole]);
    place.from(&set, &server).unwrap();
    place.assert_whole(&set);
}

#[test]
fn a_refused_or_another_range_starts_over() {
    let archive = good();
    let set = set_of(&archive);
    let refused = b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec();
    let other = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 7-8/9\r\nContent-Length: 2\r\n\r\nab".to_vec();
    for first in [refused, other] {
        let place = Place::new();
        place.put_part(&noise(1000, 9));
        let server = Server::new(archive.clone(), vec![Answer::Raw(first), Answer::Obedient]);
        place.from(&set, &server).unwrap();
        place.assert_whole(&set);
        assert_eq!(server.requests()[1], "GET /mirror/small-set.tar.gz HTTP/1.1");
    }
}

#[test]
fn a_resumed_download_is_checked_as_a_whole() {
    let (archive, place) = (good(), Place::new());
    let set = set_of(&archive);
    let mut wrong = archive[..1000].to_vec();
    wrong[500] ^= 1;
    place.put_part(&wrong);
    let server = Server::new(archive.clone(), vec![Answer::Obedient, Answer::Obedient]);
    let error = place.from(&set, &server).unwrap_err();
    let found = sha256(&[&wrong[..], &archive[1000..]].concat());
    assert_eq!(
        error.to_string(),
        format!(
            "{}small-set.tar.gz: its SHA-256 is {found}, and that of small-set.tar.gz is {}; the download was removed, \
             nothing was unpacked; run the command again to download all of it, or name another source with --from \
             DIR|URL",
            server.base,
            sha256(&archive)
        )
    );
    assert_eq!(error.fault, Fault::Work);
    assert!(place.names().is_empty());
    place.from(&set, &server).unwrap();
    place.assert_whole(&set);
}

#[test]
fn a_part_that_is_whole_already_needs_no_server_and_one_too_long_starts_over() {
    let archive = good();
    let set = set_of(&archive);
    let place = Place::new();
    place.put_part(&archive);
    place.from(&set, &Server::new(vec![], vec![])).unwrap();
    place.assert_whole(&set);
    let place = Place::new();
    place.put_part(&[&archive[..], b"more"].concat());
    place.from(&set, &Server::new(archive, vec![Answer::Obedient])).unwrap();
    place.assert_whole(&set);
}

#[test]
fn another_file_of_the_right_size_is_removed_and_never_unpacked() {
    let (archive, place) = (good(), Place::new());
    let set = set_of(&archive);
    // An archive that would do harm, were it looked at.
    let mut evil = pack(&[entry("../outside", EntryType::Regular, "", b"x")]);
    evil.resize(archive.len(), 0);
    let server = Server::new(evil.clone(), vec![Answer::Obedient]);
    let error = place.from(&set, &server).unwrap_err();
    assert!(
        error.rule.contains(&sha256(&evil)) && error.rule.contains(&sha256(&archive)),
        "{error}"
    );
    assert!(!place.to().exists(), "a folder that was made for nothing goes");
}

#[test]
fn a_body_longer_than_the_file_is_cut_off() {
    let (archive, place) = (good(), Place::new());
    let set = set_of(&archive);
    // No length is announced: it ends with the connection.
    let endless = [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        &archive[..],
        &noise(1 << 20, 3),
    ]
    .concat();
    let error = place
        .from(&set, &Server::new(vec![], vec![Answer::Raw(endless)]))
        .unwrap_err();
    assert!(
        error.rule.starts_with("it sends more than the 3") && error.rule.ends_with("the download was removed"),
        "{error}"
    );
    assert!(place.names().is_empty());
}

#[test]
fn a_file_of_another_length_is_refused_before_it_is_downloaded() {
    let (archive, place) = (good(), Place::new());
    let set = set_of(&archive);
    for length in [7_u64, 1 << 40] {
        place.put_part(&archive[..1000]);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nsomething");
        let server = Server::new(vec![], vec![Answer::Raw(head.into_bytes())]);
        let error = place.from(&set, &server).unwrap_err();
        assert!(error.rule.starts_with("the server's file has "), "{error}");
        // The part may be the beginning of the right one.
        assert!(fs::read(place.part()).unwrap() == archive[..1000]);
    }
}

#[test]
fn a_refusal_keeps_the_part_file_and_names_the_status() {
    let (archive, place) = (good(), Place::new());
    let set = set_of(&archive);
    place.put_part(&archive[..1000]);
    for (status, rule) in [
        ("404 Not Found", "the server has no such file (404 Not Found)"),
        (
            "503 Service Unavailable",
            "the server refuses it (503 Service Unavailable)",
        ),
    ] {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsorry");
        let server = Server::new(vec![], vec![Answer::Raw(head.into_bytes())]);
        let error = place.from(&set, &server).unwrap_err();
        assert_eq!((error.rule.as_str(), error.fault), (rule, Fault::Work));
        assert!(fs::read(place.part()).unwrap() == archive[..1000]);
    }
    let empty = Place::new();
    let server = Server::new(
        vec![],
        vec![Answer::Raw(
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
        )],
    );
    empty.from(&set, &server).unwrap_err();
    assert!(!empty.to().exists());
}

#[test]
fn a_server_that_falls_silent_is_left_after_a_while() {
    let (archive, place) = (good(), Place::new());
    let set = set_of(&archive);
    let server = Server::new(archive.clone(), vec![Answer::StallAfter(70_000)]);
    let start = Instant::now();
    let error = place.from(&set, &server).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(
        error.rule.starts_with("the download was interrupted after 70,000 of "),
        "{error}"
    );
    assert!(fs::read(place.part()).unwrap() == archive[..70_000]);
    let silent = Server::new(vec![], vec![Answer::Silent]);
    let error = place.from(&set, &silent).unwrap_err();
    assert!(error.rule.starts_with("it does not answer: "), "{error}");
}

#[test]
fn an_unreachable_address_is_an_error_with_a_remedy() {
    let (archive, place) = (good(), Place::new());
    let error = place.fetch(&set_of(&archive), &Source::Home).unwrap_err();
    assert_eq!(error.thing, "http://127.0.0.1:1/small-set.tar.gz");
    assert!(error.rule.starts_with("it does not answer: "), "{error}");
    assert!(error.remedy.contains("--from DIR|URL"));
    assert!(!place.to().exists());
}

#[test]
fn a_mirror_is_reached_by_https_or_http_and_a_folder_by_its_path() {
    let parse = |from: &str| Source::parse(Path::new(from));
    for from in ["https://mirror.example/a/", "http://127.0.0.1:8000"] {
        assert_eq!(parse(from).unwrap(), Source::Mirror(from.to_owned()));
    }
    for from in ["archives", "../with space", "C:/data"] {
        assert_eq!(parse(from).unwrap(), Source::Folder(from.into()));
    }
    for (from, rule) in [
        ("ftp://mirror.example/", "a mirror needs https or http"),
        ("file:///archives", "a mirror needs https or http"),
        ("http://", "it is not an address"),
        ("https://with space/", "it is not an address"),
    ] {
        let error = parse(from).unwrap_err();
        assert_eq!((error.rule.as_str(), error.fault), (rule, Fault::Input), "{from}");
    }
}

#[test]
fn a_connection_that_ends_early_without_a_length_is_resumed() {
    let (archive, place) = (good(), Place::new());
    let set = set_of(&archive);
    let early = [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", &archive[..5000]].concat();
    let server = Server::new(archive.clone(), vec![Answer::Raw(early), Answer::Obedient]);
    let error = place.from(&set, &server).unwrap_err();
    assert!(
        error.rule.ends_with("bytes: the server closed the connection"),
        "{error}"
    );
    assert!(fs::read(place.part()).unwrap() == archive[..5000]);
    place.from(&set, &server).unwrap();
    place.assert_whole(&set);
}

#[test]
fn a_mirror_gives_what_the_home_does_not_have_or_has_with_another_checksum() {
    let archive = good();
    let with_mirror = |mirror: &Server, home: &Server| {
        let mut set = set_of(&archive);
        let files = set.files.as_mut().unwrap();
        files.base = home.base.clone().leak();
        files.mirrors = vec![&*mirror.base.clone().leak()].leak();
        set
    };
    let gone = || Answer::Raw(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec());
    let other = noise(archive.len(), 3);
    for (home, answer) in [(archive.clone(), gone()), (other, Answer::Obedient)] {
        let place = Place::new();
        let home = Server::new(home, vec![answer]);
        let mirror = Server::new(archive.clone(), vec![Answer::Obedient]);
        place.fetch(&with_mirror(&mirror, &home), &Source::Home).unwrap();
        place.assert_whole(&set_of(&archive));
        assert_eq!((home.requests().len(), mirror.requests().len()), (1, 1));
    }
    let place = Place::new();
    let (home, mirror) = (Server::new(vec![], vec![gone()]), Server::new(vec![], vec![gone()]));
    let error = place.fetch(&with_mirror(&mirror, &home), &Source::Home).unwrap_err();
    assert!(error.thing.starts_with(&home.base), "{error}");
    assert!(
        error
            .rule
            .contains(&format!("; the mirror {} does not give it either: ", mirror.base)),
        "{error}"
    );
    assert!(place.names().is_empty());
}
