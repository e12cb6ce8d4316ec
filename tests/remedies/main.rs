//! Every message that names a remedy is followed: what it advises is done, and the same command, or the one that it names,
//! then succeeds.
//!
//! Not followed are remedies that need another machine, a network or another build of the program (`scripts/setup --cuda`,
//! a driver, a download, `cargo build --features`).

#![cfg(feature = "burn")]

mod ablation_file;
mod data;
mod results;
#[path = "../workplace/mod.rs"]
mod workplace;

use std::fs;
use std::path::Path;

use workplace::{Workplace, said};

/// One trial of one step on a few digits: a moment.
const TINY: &str = r#"name = "tiny"
question = "Does the remedy work?"
[data]
dataset = "digits"
train-limit = 32
test-limit = 16
[model]
block-layers = [1, 1]
growth-rate = 2
[train]
steps = 2
batch-size = 8
[measure]
batch-sizes = [8]
warmup-seconds = 0.0
steps = 2
rounds = 1
"#;

/// A message with a remedy, and how it is followed.
struct Remedy {
    /// What is wrong.
    wrong: fn(&Workplace),
    /// The command that says so.
    command: &'static [&'static str],
    /// What the message advises.
    advice: &'static str,
    /// How the advice is followed.
    follow: fn(&Workplace),
    /// The command that then succeeds; the same where it is empty.
    then: &'static [&'static str],
}

/// The command of most.
const RUN: &[&str] = &["run", "tiny.toml", "--device", "cpu", "--threads", "2"];
/// As [`RUN`], without training.
const LIST: &[&str] = &["run", "tiny.toml", "--list", "--device", "cpu"];

/// Follows each remedy in a folder of its own.
fn follow(remedies: &[Remedy]) {
    for remedy in remedies {
        let place = Workplace::new();
        place.write("tiny.toml", TINY);
        (remedy.wrong)(&place);
        let output = place.run(remedy.command);
        let message = said(&output) + &String::from_utf8_lossy(&output.stdout);
        assert!(
            !output.status.success() && message.contains(remedy.advice),
            "{:?} does not advise '{}': {message}",
            remedy.command,
            remedy.advice
        );
        (remedy.follow)(&place);
        let then = if remedy.then.is_empty() {
            remedy.command
        } else {
            remedy.then
        };
        let output = place.run(then);
        assert!(
            output.status.success(),
            "'{}' does not help: {then:?}: {}",
            remedy.advice,
            said(&output)
        );
    }
}

/// Replaces text of the ablation file.
fn edit(place: &Workplace, from: &str, to: &str) {
    let text = fs::read_to_string(place.path("tiny.toml")).unwrap();
    assert!(text.contains(from), "{from}");
    place.write("tiny.toml", &text.replace(from, to));
}

/// Nothing is left to do by hand: the second command is the advice.
fn nothing(_: &Workplace) {}

/// An image of 4x4 pixels.
fn image(file: &Path) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let image = image::RgbImage::from_pixel(4, 4, image::Rgb([90, 50, 10]));
    image.save_with_format(file, image::ImageFormat::Png).unwrap();
}
