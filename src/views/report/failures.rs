//! What did not end well, with its error.

use super::piece::Piece;
use super::studied::Studied;
use crate::formats::tables::Status;
use crate::views::measurements::MeasuredRow;
use crate::views::section::{Side, Table};
use crate::views::text::one_line;

/// A row for each trial and measurement that ended otherwise than well; nothing where all did.
pub fn pieces(studied: &Studied<'_>) -> Vec<Piece> {
    let study = studied.grouped.study;
    let trials = studied.grouped.trials().map(|trial| {
        let row = trial.row;
        let what = format!("{}, seed {}", row.variant, row.seed);
        (what, row.status, row.error.as_str())
    });
    let batches = study
        .batches
        .iter()
        .map(|row| measured(row, "", row.status, &row.error));
    let searches = study
        .boundaries
        .iter()
        .map(|row| measured(row, ", largest batch", row.status, &row.error));
    let peers = study.peers.iter().map(|row| {
        let (what, status, error) = measured(row, "", row.status, &row.error);
        (format!("{}: {what}", row.peer), status, error)
    });
    let failed: Vec<(String, Status, &str)> = (trials.chain(batches).chain(searches).chain(peers))
        .filter(|(_, status, _)| !matches!(status, Status::Ok | Status::Pending))
        .collect();
    if failed.is_empty() {
        return Vec::new();
    }
    let mut table = Table::named("failures");
    table.column("what", Side::Left, failed.iter().map(|(what, ..)| what.clone()));
    table.column(
        "status",
        Side::Left,
        failed.iter().map(|(_, status, _)| status.to_string()),
    );
    table.column("error", Side::Left, failed.iter().map(|(.., error)| one_line(error)));
    vec![Piece::table(table)]
}

fn measured<'a, T: MeasuredRow>(row: &T, more: &str, status: Status, error: &'a str) -> (String, Status, &'a str) {
    let batch = row
        .batch_size()
        .map(|size| format!(", batch {size}"))
        .unwrap_or_default();
    (format!("{}, {}{batch}{more}", row.variant(), row.mode()), status, error)
}

#[cfg(test)]
mod tests {
    use super::super::studied::Reported;
    use super::*;
    use crate::views::samples::{SampleVariant, measured, trained};
    use crate::views::section::Block;

    #[test]
    fn what_failed_stands_with_its_error_and_what_is_still_to_be_done_does_not() {
        let mut study = trained(&[SampleVariant::new("base")], 4, 1);
        (study.trials[1].status, study.trials[1].error) = (Status::Failed, "the loss is NaN\nat step 3".to_owned());
        study.trials[2].status = Status::Pending;
        study.batches = measured(&["base"], &[16, 512]).batches;
        (study.batches[1].status, study.batches[1].error) = (Status::Oom, "16 GB".to_owned());
        let reported = Reported {
            folder: String::new(),
            study,
            environment: serde_json::Value::Null,
            file: String::new(),
        };
        let pieces = pieces(&Studied::of(&reported));
        let [Piece::Plain(Block::Table(table))] = &pieces[..] else {
            panic!("{pieces:?}")
        };
        assert_eq!(
            table.rows,
            [
                ["base, seed 1", "failed", "the loss is NaN at step 3"],
                ["base, train, batch 512", "oom", "16 GB"]
            ]
        );
    }
}
