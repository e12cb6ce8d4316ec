//! Error against parameters, multiply-accumulates, training time and memory, with the Pareto front.

use super::piece::Piece;
use super::studied::Studied;
use crate::statistics::Summary;
use crate::views::costs::{Cost, pareto_front};
use crate::views::groups::Group;
use crate::views::plots;
use crate::views::section::{Side, Table};
use crate::views::summary::{interval, mean_and_spread};

/// A figure for each cost with its numbers; nothing where no trial has finished.
pub fn pieces(studied: &Studied<'_>) -> Vec<Piece> {
    let study = &studied.grouped;
    let finished: Vec<(&Group<'_>, Summary)> = (study.variants.iter())
        .filter_map(|group| Some((group, group.test_error()?)))
        .collect();
    if finished.is_empty() {
        return Vec::new();
    }
    let mut pieces: Vec<Piece> = plots::errors_by_cost(study).into_iter().map(Piece::figure).collect();
    pieces.push(Piece::Folded {
        caption: "Error and costs in numbers".to_owned(),
        table: table(&finished),
    });
    pieces
}

fn table(finished: &[(&Group<'_>, Summary)]) -> Table {
    let mut table = Table::named("costs");
    table.column(
        "variant",
        Side::Left,
        finished.iter().map(|(group, _)| group.name.to_owned()),
    );
    let errors = finished.iter().map(|(_, error)| mean_and_spread(Some(*error)));
    table.column("test error (%)", Side::Right, errors);
    let intervals = finished.iter().map(|(_, error)| interval(Some(*error)));
    table.column_if_any("95 % interval", Side::Right, intervals);
    for cost in Cost::ALL {
        let costs: Vec<Option<f64>> = finished.iter().map(|(group, _)| cost.of(group)).collect();
        let words = costs
            .iter()
            .map(|own| own.map(|own| cost.text(own)).unwrap_or_default());
        table.column_if_any(cost.noun(), Side::Right, words);
        let known: Vec<(usize, (f64, f64))> = (costs.iter().zip(finished).enumerate())
            .filter_map(|(place, (own, (_, error)))| Some((place, ((*own)?, error.mean))))
            .collect();
        let points: Vec<(f64, f64)> = known.iter().map(|(_, point)| *point).collect();
        let mut marks = vec![String::new(); finished.len()];
        for ((place, _), is_on_it) in known.iter().zip(pareto_front(&points)) {
            marks[*place] = if is_on_it { "yes" } else { "no" }.to_owned();
        }
        table.column_if_any("on the front", Side::Left, marks);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::studied::Reported;
    use super::*;
    use crate::formats::tables::Status;
    use crate::views::samples::{SampleVariant, trained};
    use crate::views::section::Block;

    #[test]
    fn each_cost_that_was_recorded_has_a_figure_and_its_front_in_the_table() {
        let variants = [("8", 78_000, 0.041), ("12", 176_000, 0.07), ("24", 690_000, 0.024)]
            .map(|(rate, count, error)| SampleVariant::swept(&[("model.growth-rate", rate)], count, error));
        let mut study = trained(&variants, 3, 2);
        let mut reported = Reported {
            folder: String::new(),
            study: study.clone(),
            environment: serde_json::Value::Null,
            file: String::new(),
        };
        let pieces = pieces(&Studied::of(&reported));
        let figures = pieces.iter().filter_map(|piece| match piece {
            Piece::Plain(Block::Figure(figure)) => Some(figure.file_stem.as_str()),
            _ => None,
        });
        assert_eq!(
            figures.collect::<Vec<_>>(),
            ["error-by-parameters", "error-by-macs", "error-by-training-time"]
        );
        let Some(Piece::Folded { table, .. }) = pieces.last() else {
            panic!("{pieces:?}")
        };
        let fronts: Vec<&str> = table.rows.iter().map(|row| row[4].as_str()).collect();
        assert_eq!(fronts, ["yes", "no", "yes"]);
        for row in &mut study.trials {
            row.status = Status::Pending;
        }
        reported.study = study;
        assert!(super::pieces(&Studied::of(&reported)).is_empty());
    }
}
