//! Bytes to rows.

use std::io::Read;

use csv::{ByteRecord, DeserializeErrorKind, ErrorKind};

use super::error::TableError;
use super::row::{Column, Row};
use crate::visible::{beginning, quoted};

/// The most columns that a message lists, and the most characters of each: more than any table has.
const MOST_COLUMNS_SHOWN: usize = 40;
const LONGEST_COLUMN_SHOWN: usize = 50;

/// Reads a whole table. Columns that this version does not know are skipped; those that came after the file was written
/// hold what such files mean. `file` is the name that errors give.
///
/// # Errors
/// No header, a column that is missing, or a row that does not fit the header or its columns.
pub fn read_rows<T: Row>(bytes: &[u8], file: &str) -> Result<Vec<T>, TableError> {
    match leading_rows(bytes, file) {
        (rows, None) => Ok(rows),
        (_, Some(error)) => Err(error),
    }
}

/// Reads the rows before the first fault, and names the fault: what a table still has whose end was damaged.
pub fn leading_rows<T: Row>(bytes: &[u8], file: &str) -> (Vec<T>, Option<TableError>) {
    let mut rows = Vec::new();
    let fault = for_each(bytes, file, &mut |row| rows.push(row)).err();
    (rows, fault)
}

/// Gives the rows of a stream before the first fault to `each`, one at a time; the fault.
pub fn each_row<T: Row>(stream: impl Read, file: &str, each: &mut dyn FnMut(T)) -> Option<TableError> {
    for_each(stream, file, each).err()
}

fn for_each<T: Row>(stream: impl Read, file: &str, each: &mut dyn FnMut(T)) -> Result<(), TableError> {
    let mut reader = csv::ReaderBuilder::new().from_reader(stream);
    let mut header = reader
        .byte_headers()
        .map_err(|error| explained(&error, file, None))?
        .clone();
    if header.iter().all(<[u8]>::is_empty) {
        return Err(TableError::NoHeader { file: file.to_owned() });
    }
    let absent: Vec<&Column> = (T::COLUMNS.iter())
        .filter(|column| header.iter().all(|name| name != column.name.as_bytes()))
        .collect();
    if let Some(column) = absent.iter().find(|column| column.before.is_none()) {
        return Err(TableError::MissingColumn {
            file: file.to_owned(),
            column: column.name,
            present: (header.iter().take(MOST_COLUMNS_SHOWN))
                .map(|name| beginning(&String::from_utf8_lossy(name), LONGEST_COLUMN_SHOWN))
                .collect(),
        });
    }
    let later: Vec<(&str, &str)> = (absent.iter())
        .filter_map(|column| Some((column.name, column.before?)))
        .collect();
    for (name, _) in &later {
        header.push_field(name.as_bytes());
    }
    let mut record = ByteRecord::new();
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| explained(&error, file, None))?
    {
        for (_, before) in &later {
            record.push_field(before.as_bytes());
        }
        let row = record
            .deserialize(Some(&header))
            .map_err(|error| explained(&error, file, Some((&header, &record))))?;
        each(row);
    }
    Ok(())
}

/// A field as a message shows it.
fn text(bytes: &[u8]) -> String {
    quoted(&String::from_utf8_lossy(bytes))
}

/// The library's error with the file, the line and the column, as far as they are known.
fn explained(error: &csv::Error, file: &str, row: Option<(&ByteRecord, &ByteRecord)>) -> TableError {
    let file = file.to_owned();
    let line = error.position().map_or(1, csv::Position::line);
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => TableError::FieldCount {
            file,
            line,
            fields: *len,
            columns: *expected_len,
        },
        ErrorKind::Deserialize { err, .. } => {
            let rule = quoted(&err.kind().to_string());
            let place = row.and_then(|(header, record)| {
                let index = match err.field() {
                    Some(index) => usize::try_from(index).ok(),
                    None => quoted_field(err.kind(), record),
                }?;
                Some((text(header.get(index)?), text(record.get(index)?)))
            });
            match place {
                Some((column, value)) => TableError::BadField {
                    file,
                    line,
                    column,
                    value,
                    rule,
                },
                None => TableError::Other {
                    file,
                    line,
                    reason: rule,
                },
            }
        }
        _ => TableError::Other {
            file,
            line,
            reason: quoted(&error.to_string()),
        },
    }
}

/// serde's own errors do not know their field, but quote its content: "unknown variant `done`, expected one of …".
fn quoted_field(kind: &DeserializeErrorKind, record: &ByteRecord) -> Option<usize> {
    let message = kind.to_string();
    let quoted = message.split('`').nth(1)?;
    record.iter().position(|field| field == quoted.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::rows::{CorrectnessRow, EpochRow, StepRow, TrialRow};
    use super::super::status::Status;
    use super::super::whole_lines::whole_lines;
    use super::super::write::{appended_rows, write_rows};
    use super::*;
    use crate::formats::ablation::Execution;
    use crate::formats::ablation::Precision;

    fn step(step: usize, loss: f64) -> StepRow {
        StepRow {
            trial: "k12-0".into(),
            variant: "growth-rate=12,bottleneck=true".into(),
            seed: u64::MAX,
            epoch: 0,
            step,
            loss,
            learning_rate: 0.1,
        }
    }

    fn trial() -> TrialRow {
        TrialRow {
            ablation: "growth".into(),
            trial: "t".into(),
            variant: "growth-rate=12".into(),
            seed: 0,
            status: Status::Failed,
            error: "the loss is \"NaN\",\nstep 3".into(),
            device: "cpu".parse().unwrap(),
            execution: Execution::Plain,
            precision: Precision::F32,
            family: "densenet".into(),
            dataset: "digits".into(),
            block_layers: Some(vec![12, 12, 12]),
            growth_rate: Some(12),
            bottleneck: Some(false),
            compression: Some(1.0),
            initial_channels: Some(16),
            dropout: Some(0.0),
            parameters: 1_019_722,
            macs: 264_812_928,
            epochs: 10,
            batch_size: 64,
            steps: 230,
            final_train_loss: Some(f64::NAN),
            final_train_error: None,
            final_validation_loss: None,
            final_validation_error: None,
            final_test_loss: Some(0.1 + 0.2),
            final_test_error: Some(0.05),
            published_error: None,
            train_images_per_second: None,
            peak_memory_bytes: Some(u64::MAX),
            wall_ns: None,
            weights_sha256: String::new(),
            processor_share: None,
            warning: String::new(),
            test_images: None,
            layout: None,
            skipped_steps: None,
            cuda_graph: None,
            cpu: String::new(),
            revision: String::new(),
            host: String::new(),
        }
    }

    #[test]
    fn the_headers_are_those_of_the_interface_with_columns_added() {
        let header = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        assert_eq!(
            header(write_rows::<TrialRow>(&[]).unwrap()),
            "ablation,trial,variant,seed,status,error,device,execution,precision,family,dataset,block_layers,\
             growth_rate,bottleneck,compression,initial_channels,dropout,parameters,macs,epochs,batch_size,steps,\
             final_train_loss,final_train_error,final_validation_loss,final_validation_error,final_test_loss,final_test_error,\
             published_error,train_images_per_second,peak_memory_bytes,wall_ns,weights_sha256,processor_share,warning,test_images,cpu,revision,layout,\
             skipped_steps,cuda_graph,host\n"
        );
        assert_eq!(
            header(write_rows::<StepRow>(&[]).unwrap()),
            "trial,variant,seed,epoch,step,loss,learning_rate\n"
        );
        assert_eq!(
            header(write_rows::<EpochRow>(&[]).unwrap()),
            "trial,variant,seed,epoch,train_loss,train_error,validation_loss,validation_error,test_loss,test_error,\
             wall_ns,train_ns,test_ns\n"
        );
        assert_eq!(
            header(write_rows::<CorrectnessRow>(&[]).unwrap()),
            "trial,variant,seed,data_fingerprint,images,correct,sha256\n"
        );
    }

    fn names_by_serde<T: Row>(row: &T) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.serialize(row).unwrap();
        let bytes = writer.into_inner().unwrap();
        String::from_utf8(bytes).unwrap().lines().next().unwrap().to_owned()
    }

    #[test]
    fn the_columns_are_the_fields_in_their_order() {
        let epoch: EpochRow = EpochRow {
            trial: String::new(),
            variant: String::new(),
            seed: 0,
            epoch: 0,
            train_loss: 0.0,
            train_error: 0.0,
            validation_loss: None,
            validation_error: None,
            test_loss: 0.0,
            test_error: 0.0,
            wall_ns: 0,
            train_ns: None,
            test_ns: None,
        };
        assert_eq!(names_by_serde(&trial()), TrialRow::header().join(","));
        assert_eq!(names_by_serde(&step(0, 0.0)), StepRow::header().join(","));
        assert_eq!(names_by_serde(&epoch), EpochRow::header().join(","));
    }

    #[test]
    fn every_float_reads_back_to_the_same_bits() {
        let mut losses = vec![
            0.0,
            -0.0,
            0.1 + 0.2,
            1.0 / 3.0,
            f64::MIN_POSITIVE,
            5e-324,
            f64::MAX,
            -1e16,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::from(0.1_f32),
        ];
        let mut bits = 0x3ff0_0000_0000_0001_u64;
        for _ in 0..1000 {
            bits = bits
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            losses.push(f64::from_bits(bits));
        }
        losses.retain(|loss| !loss.is_nan());
        let rows: Vec<StepRow> = losses.iter().enumerate().map(|(i, loss)| step(i, *loss)).collect();
        let read: Vec<StepRow> = read_rows(&write_rows(&rows).unwrap(), "steps.csv").unwrap();
        assert_eq!(read.len(), rows.len());
        for (read, written) in read.iter().zip(&losses) {
            assert_eq!(read.loss.to_bits(), written.to_bits(), "{written}");
        }
    }

    #[test]
    fn a_loss_that_is_not_a_number_reads_back_as_such() {
        let bytes = write_rows(&[step(0, f64::NAN)]).unwrap();
        assert!(String::from_utf8(bytes.clone()).unwrap().contains(",NaN,"));
        assert!(read_rows::<StepRow>(&bytes, "steps.csv").unwrap()[0].loss.is_nan());
    }

    #[test]
    fn quotes_commas_line_feeds_and_empty_fields_survive() {
        let bytes = write_rows(&[trial()]).unwrap();
        let read: Vec<TrialRow> = read_rows(&bytes, "trials.csv").unwrap();
        assert!(read[0].final_train_loss.unwrap().is_nan());
        let comparable = |row: &TrialRow| TrialRow {
            final_train_loss: None,
            ..row.clone()
        };
        assert_eq!(comparable(&read[0]), comparable(&trial()));
    }

    #[test]
    fn appended_rows_continue_a_table() {
        let rows = [step(0, 2.5), step(1, 2.25)];
        let mut bytes = write_rows(&rows[..1]).unwrap();
        bytes.extend(appended_rows(&rows[1..]).unwrap());
        assert_eq!(bytes, write_rows(&rows).unwrap());
    }

    #[test]
    fn an_unknown_column_is_skipped_and_order_does_not_matter() {
        let table = b"step,note,trial,variant,seed,epoch,loss,learning_rate\n7,new,t,base,0,0,2.5,0.1\n";
        let rows: Vec<StepRow> = read_rows(table, "steps.csv").unwrap();
        assert_eq!((rows[0].step, rows[0].loss), (7, 2.5));
    }

    /// A table as the program wrote it before there were several families and precisions.
    const EARLIER: &str = "ablation,trial,variant,seed,status,error,device,execution,dataset,block_layers,growth_rate,\
        bottleneck,compression,initial_channels,dropout,parameters,macs,epochs,batch_size,steps,final_train_loss,\
        final_train_error,final_validation_loss,final_validation_error,final_test_loss,final_test_error,published_error,\
        train_images_per_second,peak_memory_bytes,wall_ns,weights_sha256\n\
        growth,t,growth-rate=12,0,failed,\"the loss is \"\"NaN\"\",\nstep 3\",cpu,plain,digits,12-12-12,12,false,1.0,16,0.0,\
        1019722,264812928,10,64,230,1.5,,,,0.30000000000000004,0.05,,,18446744073709551615,,\n";

    #[test]
    fn a_table_from_before_a_column_has_what_it_meant_then() {
        let rows: Vec<TrialRow> = read_rows(EARLIER.as_bytes(), "trials.csv").unwrap();
        let expected = TrialRow {
            final_train_loss: Some(1.5),
            ..trial()
        };
        assert_eq!(rows, [expected]);
        assert_eq!(
            (rows[0].precision, rows[0].family.as_str()),
            (Precision::F32, "densenet")
        );
        // Its line is still counted as the file has it.
        let error = read_rows::<TrialRow>(EARLIER.replace("cpu,plain", "cpu").as_bytes(), "trials.csv").unwrap_err();
        assert_eq!(
            error.to_string(),
            "trials.csv: line 2 has 30 fields, but the header has 31"
        );
    }

    #[test]
    fn the_columns_of_another_family_are_empty() {
        let other = TrialRow {
            family: "resnet".into(),
            block_layers: None,
            growth_rate: None,
            bottleneck: None,
            compression: None,
            initial_channels: None,
            dropout: None,
            final_train_loss: None,
            ..trial()
        };
        let bytes = write_rows(std::slice::from_ref(&other)).unwrap();
        assert!(String::from_utf8_lossy(&bytes).contains(",f32,resnet,digits,,,,,,,1019722,"));
        assert_eq!(read_rows::<TrialRow>(&bytes, "trials.csv").unwrap(), [other]);
    }

    #[test]
    fn a_word_that_does_not_exist_is_named_with_its_column() {
        let table = String::from_utf8(write_rows(&[trial()]).unwrap()).unwrap();
        let message = |from: &str, to: &str| {
            let error = read_rows::<TrialRow>(table.replace(from, to).as_bytes(), "trials.csv").unwrap_err();
            error.to_string()
        };
        assert_eq!(
            message(",cpu,", ",CPU,"),
            "trials.csv: line 2, column 'device': 'CPU' is wrong: `CPU` is not a device's name, expected one such as cpu or \
             cuda:0"
        );
        assert_eq!(
            message(",f32,", ",f8,"),
            "trials.csv: line 2, column 'precision': 'f8' is wrong: unknown variant `f8`, expected one of `f32`, `tf32`, `bf16`, `f16`"
        );
        // A backend that this program lacks may have written a table that it reads.
        let elsewhere = table.replace(",cpu,", ",another:1,");
        assert_eq!(
            read_rows::<TrialRow>(elsewhere.as_bytes(), "trials.csv").unwrap()[0]
                .device
                .as_str(),
            "another:1"
        );
    }

    fn message(table: &str) -> String {
        read_rows::<StepRow>(table.as_bytes(), "results/growth/steps.csv")
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_bad_table_is_named_with_file_line_and_column() {
        assert_eq!(
            message(""),
            "results/growth/steps.csv: has no header; a table starts with its columns' names, so delete the file or \
             restore it"
        );
        assert_eq!(
            message("trial,variant,seed,epoch,step,learning_rate\n"),
            "results/growth/steps.csv: has no column 'loss'; it has trial, variant, seed, epoch, step, learning_rate"
        );
        let header = "trial,variant,seed,epoch,step,loss,learning_rate\n";
        assert_eq!(
            message(&format!("{header}t,base,0,0,0,2.5,0.1\nt,base,0,0,0,2.5\n")),
            "results/growth/steps.csv: line 3 has 6 fields, but the header has 7"
        );
        assert_eq!(
            message(&format!("{header}t,base,0,0,0,high,0.1\n")),
            "results/growth/steps.csv: line 2, column 'loss': 'high' is wrong: invalid float literal"
        );
        assert_eq!(
            message(&format!("{header}t,base,-1,0,0,2.5,0.1\n")),
            "results/growth/steps.csv: line 2, column 'seed': '-1' is wrong: invalid digit found in string"
        );
    }

    #[test]
    fn a_status_that_does_not_exist_is_named_with_its_column() {
        let table = String::from_utf8(write_rows(&[trial()]).unwrap()).unwrap();
        let error = read_rows::<TrialRow>(table.replace(",failed,", ",done,").as_bytes(), "trials.csv").unwrap_err();
        assert_eq!(
            error.to_string(),
            "trials.csv: line 2, column 'status': 'done' is wrong: unknown variant `done`, expected one of `ok`, \
             `failed`, `oom`, `timeout`, `interrupted`, `pending`"
        );
    }

    #[test]
    fn a_table_cut_anywhere_gives_its_whole_rows_and_their_length() {
        let rows = [trial(), trial(), trial()];
        let bytes = write_rows(&rows).unwrap();
        let ends: Vec<usize> = (0..=rows.len())
            .map(|n| write_rows(&rows[..n]).unwrap().len())
            .collect();
        for cut in 0..=bytes.len() {
            let lines = whole_lines(bytes[..cut].to_vec());
            let length = lines.as_ref().map_or(0, Vec::len);
            let read: Vec<TrialRow> = lines.map_or_else(Vec::new, |lines| read_rows(&lines, "trials.csv").unwrap());
            let whole = ends.iter().filter(|&&end| end <= cut).count();
            assert_eq!(read.len(), whole.saturating_sub(1), "cut at {cut}");
            assert_eq!(length, if whole == 0 { 0 } else { ends[whole - 1] }, "cut at {cut}");
        }
    }

    #[test]
    fn the_rows_before_a_fault_are_read_and_the_fault_is_named() {
        let header = "trial,variant,seed,epoch,step,loss,learning_rate\n";
        let table = format!("{header}t,base,0,0,0,2.5,0.1\n\0\0\0\nt,base,0,0,1,2.5,0.1\n");
        let (rows, fault) = leading_rows::<StepRow>(table.as_bytes(), "steps.csv");
        assert_eq!(rows.len(), 1);
        assert!(fault.unwrap().to_string().starts_with("steps.csv: line 3"));
        let (rows, fault) = leading_rows::<StepRow>(header.as_bytes(), "steps.csv");
        assert_eq!((rows.len(), fault), (0, None));
    }

    #[test]
    fn a_damaged_field_is_quoted_in_part_and_on_one_line() {
        let header = "trial,variant,seed,epoch,step,loss,learning_rate\n";
        assert_eq!(
            message(&format!("{header}t,base,0,0,0,\"\u{1b}[2J\n\",0.1\n")),
            "results/growth/steps.csv: line 2, column 'loss': '\\u{1b}[2J\\n' is wrong: invalid float literal"
        );
        let unclosed = format!("{header}t,base,0,0,0,0.1,\"{}", "0,1\n".repeat(100_000));
        assert!(message(&unclosed).len() < 400, "{}", message(&unclosed).len());
    }

    #[test]
    fn invalid_utf8_is_an_error() {
        let table = b"trial,variant,seed,epoch,step,loss,learning_rate\n\xff,base,0,0,0,2.5,0.1\n";
        let error = read_rows::<StepRow>(table, "steps.csv").unwrap_err();
        assert!(
            error.to_string().starts_with("steps.csv: line 2, column 'trial'"),
            "{error}"
        );
    }
}
