//! Losses and errors by epoch.

use super::live;
use super::piece::Piece;
use super::studied::Studied;
use crate::formats::tables::EpochRow;
use crate::views::groups::{Curve, Group};
use crate::views::plots;
use crate::views::section::{Side, Table};

/// Epochs of a variant that the table has at most.
const EPOCHS: usize = 12;

/// The curves of every seed with their means, and these in numbers; nothing before the first epoch.
pub fn pieces(studied: &Studied<'_>) -> Vec<Piece> {
    let study = &studied.grouped;
    if study.trials().all(|trial| trial.epochs.is_empty()) {
        return Vec::new();
    }
    let still = plots::of_seeds(study);
    vec![
        match live::json(study) {
            Some(json) => Piece::Live { json, still },
            None => Piece::figure(still),
        },
        Piece::Folded {
            caption: "Mean curves in numbers".to_owned(),
            table: table(&study.variants),
        },
        Piece::note(format!(
            "The table has up to {EPOCHS} epochs of each variant, epochs.csv all of every seed. Training loss is taken while \
             training, the others after each epoch."
        )),
    ]
}

fn table(groups: &[Group<'_>]) -> Table {
    let mut table = Table::named("curves");
    let mut rows: Vec<[String; 7]> = Vec::new();
    for group in groups {
        let curve = |value: fn(&EpochRow) -> Option<f64>| group.curve(value);
        let (train, test) = (curve(|row| Some(row.train_loss)), curve(|row| Some(row.test_loss)));
        let validation = curve(|row| row.validation_loss);
        let errors = curve(|row| Some(row.test_error));
        let epochs: Vec<usize> = errors.points.iter().map(|point| point.epoch).collect();
        for epoch in spread_out(&epochs) {
            let n = errors
                .points
                .iter()
                .find(|point| point.epoch == epoch)
                .map(|point| point.summary.n);
            rows.push([
                group.name.to_owned(),
                (epoch + 1).to_string(),
                n.map(|n| n.to_string()).unwrap_or_default(),
                mean_at(&train, epoch, |loss| format!("{loss:.4}")),
                mean_at(&validation, epoch, |loss| format!("{loss:.4}")),
                mean_at(&test, epoch, |loss| format!("{loss:.4}")),
                mean_at(&errors, epoch, |error| format!("{:.2}", 100.0 * error)),
            ]);
        }
    }
    let mut column = |place: usize, name: &str, side: Side| {
        table.column_if_any(name, side, rows.iter().map(|row| row[place].clone()));
    };
    column(0, "variant", Side::Left);
    column(1, "epochs trained", Side::Right);
    column(2, "n", Side::Right);
    column(3, "training loss", Side::Right);
    column(4, "validation loss", Side::Right);
    column(5, "test loss", Side::Right);
    column(6, "test error (%)", Side::Right);
    table
}

fn mean_at(curve: &Curve, epoch: usize, text: impl Fn(f64) -> String) -> String {
    let point = curve.points.iter().find(|point| point.epoch == epoch);
    point.map(|point| text(point.summary.mean)).unwrap_or_default()
}

/// Up to [`EPOCHS`] of them, about evenly, with the first and the last.
fn spread_out(epochs: &[usize]) -> Vec<usize> {
    if epochs.len() <= EPOCHS {
        return epochs.to_vec();
    }
    let place = |number: usize| number * (epochs.len() - 1) / (EPOCHS - 1);
    (0..EPOCHS).map(|number| epochs[place(number)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epochs_of_the_table_include_the_first_and_the_last() {
        let all: Vec<usize> = (0..300).collect();
        let few = spread_out(&all);
        assert_eq!((few.len(), few[0], few[11]), (12, 0, 299));
        assert!(few.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(spread_out(&[0, 1, 2]), [0, 1, 2]);
    }
}
