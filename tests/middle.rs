//! `resize`: images of a folder are resized and cut as torchvision's Resize and CenterCrop do it, and a network behind them has
//! torchvision's logits. `scripts/fixtures/middle.py` writes the pictures and what is expected.

#![cfg(feature = "burn")]

mod workplace;

use std::fs;
use std::path::{Path, PathBuf};

use densenet_bench::data_sets::image_file::{Fit, decode_to};
use safetensors::{Dtype, SafeTensors};
use workplace::Workplace;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/middle")
}

const PICTURES: [&str; 5] = ["close", "high", "small", "square", "wide"];

#[test]
fn the_middle_is_torchvisions_within_a_grey_level() {
    let bytes = fs::read(fixtures().join("pixels.safetensors")).unwrap();
    let expected = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(expected.len(), 4 * PICTURES.len());
    for (name, tensor) in expected.iter() {
        let (picture, sides) = name.split_once('/').unwrap();
        let (short_side, size) = sides.split_once('-').unwrap();
        let fit = Fit {
            size: size.parse().unwrap(),
            short_side: Some(short_side.parse().unwrap()),
        };
        let file = fs::read(fixtures().join(format!("{picture}.jpg"))).unwrap();
        let found = decode_to(&file, fit).unwrap();
        assert_eq!(found.len(), tensor.data().len(), "{name}");
        let apart = found.iter().zip(tensor.data()).map(|(one, other)| one.abs_diff(*other));
        assert!(apart.max().unwrap() <= 1, "{name}");
    }
}

const ABLATION: &str = r#"
name = "middle"
question = "?"
[data]
dataset = "folder"
path = "images"
image-size = 64
resize = 72
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
[model]
block-layers = [1, 2]
growth-rate = 4
bottleneck = true
compression = 0.5
initial-channels = 8
stem = "imagenet"
"#;

#[test]
fn evaluate_gives_torchvisions_logits_of_the_same_files() {
    let place = Workplace::new();
    for split in ["train", "test"] {
        for (class, picture) in [("a", 0), ("a", 1), ("b", 2), ("b", 3), ("c", 4)] {
            let folder = place.path("images").join(split).join(class);
            fs::create_dir_all(&folder).unwrap();
            let file = format!("{}.jpg", PICTURES[picture]);
            fs::copy(fixtures().join(&file), folder.join(&file)).unwrap();
        }
    }
    place.write("middle.toml", ABLATION);
    let bytes = fs::read(fixtures().join("logits.safetensors")).unwrap();
    let stored = SafeTensors::deserialize(&bytes).unwrap();
    let weights: Vec<_> = stored.iter().filter(|(name, _)| *name != "logits").collect();
    let weights = safetensors::serialize(weights, None).unwrap();
    fs::write(place.path("w.safetensors"), weights).unwrap();
    place.ok(&[
        "evaluate",
        "middle.toml",
        "--weights",
        "w.safetensors",
        "--logits",
        "logits.csv",
    ]);
    let written = fs::read_to_string(place.path("logits.csv")).unwrap();
    let found = written.lines().skip(1).flat_map(|line| line.split(',').skip(2));
    let found: Vec<f64> = found.map(|cell| cell.parse().unwrap()).collect();
    let logits = stored.tensor("logits").unwrap();
    assert_eq!((logits.dtype(), logits.shape()), (Dtype::F32, &[5, 3][..]));
    let values = logits
        .data()
        .chunks_exact(4)
        .map(|value| f32::from_le_bytes(value.try_into().unwrap()));
    let expected: Vec<f64> = values.map(f64::from).collect();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-3, "{found} and {expected}");
    }
}

#[test]
fn a_square_that_does_not_fit_is_refused_before_anything_is_read() {
    let place = Workplace::new();
    place.write("middle.toml", &ABLATION.replace("resize = 72", "resize = 63"));
    let said = place.refused(&["describe", "middle.toml"]);
    let rule =
        "data.resize: resize is 63, and a square of image-size 64 is cut out of the resized image; write at least 64";
    assert!(said.contains(rule), "{said}");
    place.write(
        "middle.toml",
        &ABLATION.replace("dataset = \"folder\"\npath = \"images\"", "dataset = \"synthetic\""),
    );
    let said = place.refused(&["describe", "middle.toml"]);
    assert!(
        said.contains("resize is for folder, but the dataset is synthetic"),
        "{said}"
    );
}
