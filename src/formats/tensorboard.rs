//! TensorBoard's event files: the curves of a trial, as TensorBoard reads them.
//!
//! A file is a sequence of records, each a length, the length's checksum, a message and its checksum (`TFRecord`); the messages
//! are those of TensorFlow's `event.proto` and `summary.proto`, as far as scalars need them.

use prost::{Message, Oneof};

use super::tables::{EpochRow, StepRow};

/// `tensorflow/core/util/event.proto`.
#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(oneof = "What", tags = "3, 5")]
    what: Option<What>,
}

#[derive(Clone, PartialEq, Oneof)]
enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
}

/// `tensorflow/core/framework/summary.proto`.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Scalar>,
}

/// Its `Summary.Value`, whose value is one of several kinds: it is there even where it is 0.
#[derive(Clone, PartialEq, Message)]
struct Scalar {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// The version that a file's first record has to name.
const VERSION: &str = "brain.Event:2";

/// The event file of a trial that started `started` seconds after 1970: the loss and the learning rate of every step, and of
/// every epoch the losses and errors, at the number of its last step. The tables have no time for a step: an epoch's steps share
/// its training time evenly.
pub fn event_file(started: f64, steps: &[StepRow], epochs: &[EpochRow]) -> Vec<u8> {
    let mut file = Vec::new();
    let version = What::FileVersion(VERSION.to_owned());
    append(&mut file, started, 0, version);
    let mut begun = started;
    let mut left = steps;
    for epoch in epochs {
        let own = left.iter().take_while(|step| step.epoch <= epoch.epoch).count();
        let (of_epoch, rest) = left.split_at(own);
        let training = seconds(epoch.train_ns.unwrap_or(epoch.wall_ns));
        for (place, step) in of_epoch.iter().enumerate() {
            let time = begun + training * (place + 1) as f64 / own as f64;
            append(&mut file, time, step.step, of_step(step));
        }
        begun += seconds(epoch.wall_ns);
        let last = of_epoch.last().map_or(epoch.epoch, |step| step.step);
        append(&mut file, begun, last, of_epoch_end(epoch));
        left = rest;
    }
    // Those of an epoch that has not ended.
    for step in left {
        append(&mut file, begun, step.step, of_step(step));
    }
    file
}

fn of_step(step: &StepRow) -> What {
    scalars(&[
        ("step/train_loss", Some(step.loss)),
        ("step/learning_rate", Some(step.learning_rate)),
    ])
}

fn of_epoch_end(epoch: &EpochRow) -> What {
    scalars(&[
        ("epoch/train_loss", Some(epoch.train_loss)),
        ("epoch/train_error", Some(epoch.train_error)),
        ("epoch/validation_loss", epoch.validation_loss),
        ("epoch/validation_error", epoch.validation_error),
        ("epoch/test_loss", Some(epoch.test_loss)),
        ("epoch/test_error", Some(epoch.test_error)),
    ])
}

fn scalars(values: &[(&str, Option<f64>)]) -> What {
    let value = values.iter().filter_map(|&(tag, value)| {
        Some(Scalar {
            tag: tag.to_owned(),
            simple_value: Some(value? as f32),
        })
    });
    What::Summary(Summary { value: value.collect() })
}

fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 * 1e-9
}

/// Appends a record.
fn append(file: &mut Vec<u8>, wall_time: f64, step: usize, what: What) {
    let message = Event {
        wall_time,
        step: i64::try_from(step).unwrap_or(i64::MAX),
        what: Some(what),
    }
    .encode_to_vec();
    let length = (message.len() as u64).to_le_bytes();
    file.extend(length);
    file.extend(checksum(&length).to_le_bytes());
    file.extend(&message);
    file.extend(checksum(&message).to_le_bytes());
}

/// CRC-32C, masked as TensorFlow's `crc32c.h` does it: the checksum of what holds checksums is a bad one.
fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of a file; its checksums hold.
    fn events(mut file: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        while !file.is_empty() {
            let (head, rest) = file.split_at(12);
            let length = u64::from_le_bytes(head[..8].try_into().unwrap()) as usize;
            assert_eq!(checksum(&head[..8]).to_le_bytes(), head[8..]);
            let (message, rest) = rest.split_at(length);
            assert_eq!(checksum(message).to_le_bytes(), rest[..4]);
            events.push(Event::decode(message).unwrap());
            file = &rest[4..];
        }
        events
    }

    fn step(epoch: usize, step: usize) -> StepRow {
        StepRow {
            trial: "t".into(),
            variant: "v".into(),
            seed: 0,
            epoch,
            step,
            loss: 1.0 / (step + 1) as f64,
            learning_rate: 0.0,
        }
    }

    fn epoch(epoch: usize) -> EpochRow {
        EpochRow {
            trial: "t".into(),
            variant: "v".into(),
            seed: 0,
            epoch,
            train_loss: 0.5,
            train_error: 0.25,
            validation_loss: None,
            validation_error: None,
            test_loss: 0.75,
            test_error: 0.0,
            wall_ns: 3_000_000_000,
            train_ns: Some(2_000_000_000),
            test_ns: Some(1_000_000_000),
        }
    }

    fn tags(event: &Event) -> Vec<(&str, f32)> {
        match &event.what {
            Some(What::Summary(summary)) => summary
                .value
                .iter()
                .map(|value| (value.tag.as_str(), value.simple_value.unwrap()))
                .collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn steps_and_epochs_are_at_their_step_and_time_and_a_value_of_zero_is_there() {
        let steps = [step(0, 0), step(0, 1), step(1, 2), step(1, 3), step(2, 4)];
        let found = events(&event_file(100.0, &steps, &[epoch(0), epoch(1)]));
        let places: Vec<(i64, f64)> = found.iter().map(|event| (event.step, event.wall_time)).collect();
        assert_eq!(
            places,
            [
                (0, 100.0),
                (0, 101.0),
                (1, 102.0),
                (1, 103.0),
                (2, 104.0),
                (3, 105.0),
                (3, 106.0),
                (4, 106.0)
            ]
        );
        assert_eq!(found[0].what, Some(What::FileVersion(VERSION.to_owned())));
        assert_eq!(tags(&found[2]), [("step/train_loss", 0.5), ("step/learning_rate", 0.0)]);
        let ended = [
            ("epoch/train_loss", 0.5),
            ("epoch/train_error", 0.25),
            ("epoch/test_loss", 0.75),
            ("epoch/test_error", 0.0),
        ];
        assert_eq!(tags(&found[3]), ended);
    }

    #[test]
    fn a_trial_without_rows_has_the_version_alone() {
        assert_eq!(events(&event_file(0.0, &[], &[])).len(), 1);
    }

    /// From RFC 3720, B.4, and TensorFlow's mask.
    #[test]
    fn the_checksum_is_the_published_one() {
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        let masked = 0x8a91_36aau32.rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(checksum(&[0; 32]), masked);
    }
}
