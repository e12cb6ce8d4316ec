//! The embedded handwritten digits.
//!
//! *Optical Recognition of Handwritten Digits*, UCI Machine Learning Repository, E. Alpaydin and C. Kaynak, 1998, CC BY
//! 4.0 (see `src/data_sets/digits.md`): 1,797 images of 8x8 pixels with values from 0 to 16.

use std::io::Read;

use super::descriptor::{Descriptor, Outline};
use super::error::DataError;
use super::known::KnownSet;
use super::options::Options;
use super::set::DataSet;
use super::split::Split;
use crate::network::Shape;

const NAME: &str = "digits";

/// The data set.
pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    keys: &[],
    channels: |_| SHAPE.channels,
    outline: |options, _| outline(options),
    load: |request| load(&request.options),
    known: Some(KnownSet {
        name: NAME,
        about: "handwritten digits",
        image: Some("1x8x8"),
        classes: Some(10),
        images: Some((1437, 360)),
        licence: "CC BY 4.0",
        home: "UCI Optical Recognition of Handwritten Digits, E. Alpaydin, C. Kaynak, 1998",
        files: None,
        by_hand: None,
    }),
};

const COMPRESSED: &[u8] = include_bytes!("digits.csv.gz");

/// The first rows train, the others test.
const TRAINING_ROWS: usize = 1437;

const TEST_ROWS: usize = 360;

/// One image.
const SHAPE: Shape = Shape::square(1, 8);

/// The digits from 0 to 9.
const CLASSES: u32 = 10;

/// The darkest pixel.
const LARGEST_PIXEL: u8 = 16;

fn outline(options: &Options<'_>) -> Result<Outline, DataError> {
    let all = Outline {
        shape: SHAPE,
        classes: CLASSES as usize,
        train_images: TRAINING_ROWS,
        test_images: TEST_ROWS,
        remarks: Vec::new(),
    };
    all.within_limits(options, NAME)
}

/// 1,437 images to train on and 360 to test on, each 1x8x8 with values from 0 to 16, in 10 classes.
///
/// # Errors
/// A limit beyond them. With the embedded file none of [`parse`].
pub(super) fn load(options: &Options<'_>) -> Result<DataSet, DataError> {
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(COMPRESSED)
        .read_to_end(&mut text)
        .map_err(|error| fault(format!("it does not decompress: {error}")))?;
    let mut train = parse(&text)?;
    if train.images() != TRAINING_ROWS + TEST_ROWS {
        return Err(fault(format!(
            "it has {} rows, and {TRAINING_ROWS} to train on and {TEST_ROWS} to test on were expected",
            train.images()
        )));
    }
    let mut test = Split {
        pixels: train.pixels.split_off(TRAINING_ROWS * SHAPE.values()),
        labels: train.labels.split_off(TRAINING_ROWS),
    };
    let (train_images, test_images) = options.limited(train.images(), test.images(), NAME)?;
    train.keep(&options.limit_order.choose(&train.labels, train_images));
    test.keep(&options.limit_order.choose(&test.labels, test_images));
    let classes = (0..CLASSES).map(|digit| digit.to_string()).collect();
    let scale = f32::from(LARGEST_PIXEL);
    Ok(DataSet::new(NAME, SHAPE, classes, scale, train, test))
}

/// Reads rows of 64 values from 0 to 16 and a label from 0 to 9, divided by commas.
///
/// # Errors
/// The first line, and in it the first field, that is something else.
pub fn parse(text: &[u8]) -> Result<Split, DataError> {
    let text = std::str::from_utf8(text).map_err(|error| {
        fault(format!(
            "byte {} is not UTF-8, and numbers were expected",
            error.valid_up_to()
        ))
    })?;
    let mut split = Split::default();
    for (number, line) in text.lines().enumerate() {
        let line_fault = |rule: String| fault(format!("line {}: {rule}", number + 1));
        let mut fields = line.split(',');
        for pixel in 1..=SHAPE.values() {
            let field = fields
                .next()
                .ok_or_else(|| line_fault(format!("{} fields, and 64 values and a label were expected", pixel - 1)))?;
            match field.parse::<u8>() {
                Ok(value) if value <= LARGEST_PIXEL => split.pixels.push(value),
                _ => {
                    return Err(line_fault(format!(
                        "value {pixel} is {field:?}, and 0 to 16 was expected"
                    )));
                }
            }
        }
        match fields.next().map(|field| (field, field.parse::<u32>())) {
            Some((_, Ok(label))) if label < CLASSES => split.labels.push(label),
            Some((field, _)) => return Err(line_fault(format!("the label is {field:?}, and 0 to 9 was expected"))),
            None => return Err(line_fault("there is no label after the 64 values".to_owned())),
        }
        if fields.next().is_some() {
            return Err(line_fault("there are more fields after the label".to_owned()));
        }
    }
    Ok(split)
}

fn fault(rule: String) -> DataError {
    DataError::new(
        "data.dataset",
        "digits.csv",
        rule,
        "check out the program's sources again; the file is embedded in it",
    )
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::words::hex;

    #[test]
    fn the_embedded_file_is_the_published_one() {
        assert_eq!(
            hex(&Sha256::digest(COMPRESSED)),
            "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
        );
    }

    #[test]
    fn the_first_1437_rows_train_and_the_other_360_test() {
        let data = load(&Options::default()).unwrap();
        assert_eq!((data.train.images(), data.test.images()), (1437, 360));
        let first = &data.train.read(&[0]).unwrap()[0];
        assert_eq!((first.len(), &first[..8]), (64, &[0, 0, 5, 13, 9, 1, 0, 0][..]));
        assert_eq!(&data.train.labels[..3], [0, 1, 2]);
        assert_eq!(data.test.read(&[359]).unwrap()[0][56..], [0, 1, 8, 12, 14, 12, 1, 0]);
        assert_eq!(data.test.labels[359], 8);
        assert_eq!((data.scale, data.classes.len()), (16.0, 10));
    }

    #[test]
    fn a_bad_row_is_named_by_line_and_field() {
        let good = format!("{}3\n", "16,".repeat(64));
        assert_eq!(parse(good.as_bytes()).unwrap().labels, [3]);
        let rule = |row: &str| parse(format!("{good}{row}").as_bytes()).unwrap_err().rule;
        assert_eq!(rule("1,2"), "line 2: 2 fields, and 64 values and a label were expected");
        assert_eq!(rule("1,17"), "line 2: value 2 is \"17\", and 0 to 16 was expected");
        assert_eq!(
            rule(&format!("{}10", "0,".repeat(64))),
            "line 2: the label is \"10\", and 0 to 9 was expected"
        );
        assert_eq!(
            rule(&"0,".repeat(64)),
            "line 2: the label is \"\", and 0 to 9 was expected"
        );
        assert_eq!(
            rule(&"0,".repeat(64)[..127]),
            "line 2: there is no label after the 64 values"
        );
        assert_eq!(
            rule(&format!("{}1,1", "0,".repeat(64))),
            "line 2: there are more fields after the label"
        );
        assert_eq!(
            parse(&[b'0', 0xff]).unwrap_err().rule,
            "byte 1 is not UTF-8, and numbers were expected"
        );
    }
}
