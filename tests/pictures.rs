//! JPEGs and PNGs of every kind are decoded to the pixels that Pillow decodes them to, or refused with a reason.
//!
//! `scripts/fixtures/pictures.py` writes the files and what Pillow makes of them, and random ones for a longer comparison.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use densenet_bench::data_sets::image_file::{decode, decode_rgb};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Names a folder of random pictures.
const FOLDER: &str = "DENSENET_BENCH_PICTURES";

/// What Pillow makes of a file; with a reason, words of the message with which it is refused here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    size: Option<[u32; 2]>,
    sha256: Option<String>,
    refused: Option<String>,
    reason: Option<String>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures")
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(fixtures().join(name)).unwrap()
}

fn expected(folder: &Path) -> BTreeMap<String, Expected> {
    let text = fs::read_to_string(folder.join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What is wrong about the decoded pixels, if anything is.
fn apart(decoded: &image::RgbImage, expected: &Expected) -> Option<String> {
    let Some([width, height]) = expected.size else {
        return Some(format!("Pillow refuses it: {}", expected.refused.as_deref().unwrap()));
    };
    if decoded.dimensions() != (width, height) {
        return Some(format!("{:?} pixels, Pillow {width}x{height}", decoded.dimensions()));
    }
    let digest = format!("{:x}", Sha256::digest(decoded.as_raw()));
    (Some(digest) != expected.sha256).then(|| "other pixels than Pillow's".to_owned())
}

#[test]
fn every_kind_of_picture_has_pillows_pixels_or_is_refused_with_its_reason() {
    let all = expected(&fixtures());
    assert!(all.len() > 120, "{}", all.len());
    let mut wrong = Vec::new();
    for (name, expected) in &all {
        let said = match (decode_rgb(&fixture(name)), &expected.reason) {
            (Ok(decoded), None) => apart(&decoded, expected),
            (Ok(_), Some(reason)) => Some(format!("it is read, and should be refused: {reason}")),
            (Err(said), Some(reason)) => (!said.contains(reason.as_str())).then_some(said),
            (Err(said), None) => Some(said),
        };
        wrong.extend(said.map(|said| format!("{name}: {said}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_expectations_are_of_the_files_that_are_there() {
    let mut files: Vec<String> = fs::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "expected.json")
        .collect();
    files.sort();
    assert_eq!(files, expected(&fixtures()).into_keys().collect::<Vec<_>>());
}

/// `DENSENET_BENCH_PICTURES=FOLDER cargo test --release --test pictures -- --ignored --nocapture`
#[test]
#[ignore = "needs a folder that scripts/fixtures/pictures.py --random has written"]
fn random_pictures_have_pillows_pixels_or_are_refused() {
    let folder = std::env::var_os(FOLDER).map(PathBuf::from).expect(FOLDER);
    let (mut equal, mut both, mut wrong) = (0, 0, Vec::new());
    let mut refused = BTreeMap::<String, usize>::new();
    for (name, expected) in &expected(&folder) {
        match decode_rgb(&fs::read(folder.join(name)).unwrap()) {
            Ok(decoded) => match apart(&decoded, expected) {
                None => equal += 1,
                Some(said) => wrong.push(format!("{name}: {said}")),
            },
            Err(_) if expected.refused.is_some() => both += 1,
            Err(reason) if !name.contains("-damaged") && !reason.contains("16-bit grey") => {
                wrong.push(format!("{name}: {reason}"));
            }
            Err(reason) => *refused.entry(reason).or_default() += 1,
        }
    }
    println!("{equal} pictures have Pillow's pixels, {both} are refused by both; refused here alone: {refused:#?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_jpeg_cut_anywhere_is_refused() {
    for name in [
        "baseline-420.jpg",
        "scans-440.jpg",
        "progressive-444.jpg",
        "arithmetic-420.jpg",
        "ycck.jpg",
    ] {
        let whole = fixture(name);
        assert!(decode(&whole, 8).is_ok(), "{name}");
        for length in 0..whole.len() {
            assert!(decode(&whole[..length], 8).is_err(), "{name} cut to {length} bytes");
        }
    }
}

/// A clip behind a photograph holds every pair of bytes somewhere, markers too.
#[test]
fn whatever_stands_behind_the_end_of_a_jpeg_changes_nothing() {
    let whole = fixture("baseline-420.jpg");
    let alone = decode_rgb(&whole).unwrap();
    for second in 0..=255 {
        let followed = [whole.as_slice(), &[0xff, second, 0, 9, 0xff, second]].concat();
        assert_eq!(decode_rgb(&followed).as_ref(), Ok(&alone), "FF {second:02X}");
    }
}

/// Each scan of a progressive JPEG is a pass over all of its blocks, however few bytes it has.
#[test]
fn a_jpeg_of_thousands_of_scans_is_refused() {
    let whole = fixture("grey-progressive.jpg");
    let start = whole.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    let mut following = whole[start + 2..].windows(2);
    let end = start + 2 + following.position(|pair| pair[0] == 0xff && pair[1] != 0).unwrap();
    let many = [&whole[..start], &whole[start..end].repeat(2000), &whole[end..]].concat();
    assert_eq!(decode_rgb(&many).unwrap_err(), "it has more than 500 scans");
}
