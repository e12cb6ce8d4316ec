//! What a result folder holds beside its tables: files of JSON, and the lines that a trial's process says.

use std::fmt::Debug;

use densenet_bench::formats::tables::{BoundaryRow, Row, TrialRow, read_rows, write_rows};
use densenet_bench::host::Environment;
use densenet_bench::measurement::{MeasurementRecord, RoundResult, RoundSpec};
use densenet_bench::network::Shape;
use densenet_bench::trials::{Event, Holder, TrialRecord, TrialResult};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::size::is_small;

/// The bytes as each kind of record: what is read is written and read back the same, and makes the rows of the tables.
pub fn records(bytes: &[u8]) -> bool {
    let plain = [
        reads_back::<TrialResult>(bytes).is_some(),
        reads_back::<Environment>(bytes).is_some(),
        reads_back::<RoundSpec>(bytes).is_some(),
        reads_back::<RoundResult>(bytes).is_some(),
        reads_back::<BoundaryRow>(bytes).is_some(),
        reads_back::<Event>(bytes).is_some(),
        reads_back::<Holder>(bytes).is_some(),
    ];
    let measurement = reads_back::<MeasurementRecord>(bytes);
    if let Some(measurement) = &measurement {
        measurement.round(0);
    }
    let record = reads_back::<TrialRecord>(bytes);
    if let Some(record) = &record {
        let row = record.row(None);
        let written = write_rows(&[row]).unwrap();
        let read = read_rows::<TrialRow>(&written, TrialRow::FILE).unwrap();
        assert_eq!(write_rows(&read).unwrap(), written);
        let model = &record.settings.model;
        if is_small(model) {
            let _ = model.graph(Shape::square(1, 8), 10);
        }
    }
    plain.contains(&true) || measurement.is_some() || record.is_some()
}

fn reads_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(bytes).ok()?;
    let written = serde_json::to_vec(&value).unwrap();
    let read: T = serde_json::from_slice(&written).unwrap();
    assert_eq!(read, value);
    Some(value)
}
