//! A small data set of the tests' own, and archives of it, good and bad.
#![allow(dead_code, reason = "each test program uses a part of it")]

#[cfg(feature = "fetch")]
pub mod place;
#[cfg(feature = "fetch")]
pub mod server;

use std::io::Write;

use densenet_bench::data::fetch::{Download, Files, KnownSet, Member, Packing, Size, Step};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};

/// The folder in the archive.
pub const FOLDER: &str = "small-set";
/// The archive's name.
pub const ARCHIVE: &str = "small-set.tar.gz";

/// Bytes that no compression makes smaller.
pub fn noise(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

/// The members and what is in them.
pub fn contents() -> [(&'static str, Vec<u8>); 3] {
    [
        ("train.bin", noise(300_000, 1)),
        ("test.bin", noise(20_000, 2)),
        ("names.txt", b"cat\ndog\n".to_vec()),
    ]
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A catalogue lives as long as the program; so do the tests'.
fn forever(text: String) -> &'static str {
    text.leak()
}

/// What the catalogue would have of the members; the names have no sum, as those of the real sets.
pub fn files(downloads: Vec<Download>) -> Files {
    let members = contents().map(|(name, bytes)| match name {
        "names.txt" => Member {
            name,
            size: Size::AtMost(64),
            sha256: None,
        },
        _ => Member {
            name,
            size: Size::Exactly(bytes.len() as u64),
            sha256: Some(forever(sha256(&bytes))),
        },
    });
    Files {
        // Nothing listens there: a test that forgets its source fails at once.
        base: "http://127.0.0.1:1/",
        mirrors: &[],
        folder: FOLDER,
        downloads: downloads.leak(),
        members: members.to_vec().leak(),
    }
}

pub fn download(file: &'static str, bytes: &[u8], packing: Packing) -> Download {
    Download {
        file,
        bytes: bytes.len() as u64,
        sha256: forever(sha256(bytes)),
        packing,
    }
}

/// An entry of a catalogue.
pub fn known(files: Files) -> KnownSet {
    KnownSet {
        name: "small",
        about: "a set for tests",
        image: None,
        classes: None,
        images: None,
        licence: "none",
        home: "here",
        files: Some(files),
        by_hand: None,
    }
}

/// The set that comes in one archive, of these bytes.
pub fn set_of(archive: &[u8]) -> KnownSet {
    known(files(vec![download(ARCHIVE, archive, Packing::TarGz)]))
}

/// One entry of an archive; its name goes into the header as it is, whatever it is.
pub fn entry(name: &str, kind: EntryType, link: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = Header::new_old();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(bytes.len() as u64);
    header.set_cksum();
    let padding = vec![0; bytes.len().next_multiple_of(512) - bytes.len()];
    [header.as_bytes(), bytes, &padding].concat()
}

/// A file of the archive's folder.
pub fn file(name: &str, bytes: &[u8]) -> Vec<u8> {
    entry(&format!("{FOLDER}/{name}"), EntryType::Regular, "", bytes)
}

/// The gzipped archive of those entries.
pub fn pack(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    for entry in entries {
        gzip.write_all(entry).unwrap();
    }
    gzip.write_all(&[0; 1024]).unwrap();
    gzip.finish().unwrap()
}

/// The entries of the good archive.
pub fn good_entries() -> Vec<Vec<u8>> {
    let folder = entry(&format!("{FOLDER}/"), EntryType::Directory, "", b"");
    let members = contents().map(|(name, bytes)| file(name, &bytes));
    [vec![folder], members.to_vec()].concat()
}

/// The archive as its makers would pack it: the folder, the members, and a file that is not a member.
pub fn good() -> Vec<u8> {
    let mut entries = good_entries();
    entries.push(file("readme.html", b"<html></html>"));
    pack(&entries)
}

/// Reports nothing.
pub fn silent(_: Step<'_>) {}
