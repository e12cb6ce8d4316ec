//! How the timed steps are spread, round by round.

use super::piece::Piece;
use super::studied::Studied;
use crate::formats::ablation::Mode;
use crate::views::plots;
use crate::views::section::{Block, Side, Table};
use crate::views::step_rounds::{RowSteps, Spread, of_mode};
use crate::views::text::milliseconds;

/// A figure for each mode and every round in numbers; nothing where no step was timed.
pub fn pieces(studied: &Studied<'_>) -> Vec<Piece> {
    let study = &studied.grouped;
    let rows: Vec<RowSteps<'_>> = [Mode::Train, Mode::Evaluate]
        .into_iter()
        .flat_map(|mode| of_mode(study, mode))
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let is_drawn = |piece: &Piece| matches!(piece, Piece::Plain(Block::Figure(figure)) if figure.picture.is_ok());
    let figures = plots::of_steps(study).into_iter().map(Piece::figure);
    let mut pieces: Vec<Piece> = figures.filter(is_drawn).collect();
    pieces.push(Piece::Folded {
        caption: "Every round in numbers".to_owned(),
        table: table(&rows),
    });
    pieces.push(Piece::note(
        "Times in ms. Each round is a process of its own; samples.csv has every step.",
    ));
    pieces
}

fn table(rows: &[RowSteps<'_>]) -> Table {
    let lines: Vec<(&RowSteps<'_>, &(usize, Spread))> = (rows.iter())
        .flat_map(|row| row.rounds.iter().map(move |round| (row, round)))
        .collect();
    let mut table = Table::named("steps");
    table.column("measured", Side::Left, lines.iter().map(|(row, _)| row.name.clone()));
    table.column(
        "mode",
        Side::Left,
        lines.iter().map(|(row, _)| row.row.mode.to_string()),
    );
    let mut right = |name: &str, cell: &dyn Fn(&(usize, Spread)) -> String| {
        table.column(name, Side::Right, lines.iter().map(|(_, round)| cell(round)));
    };
    let time = |nanoseconds: f64| milliseconds(nanoseconds.round() as u64);
    right("round", &|(round, _)| round.to_string());
    right("steps", &|(_, spread)| spread.n.to_string());
    right("shortest", &|(_, spread)| time(spread.shortest));
    right("lower quartile", &|(_, spread)| time(spread.lower_quartile));
    right("median", &|(_, spread)| time(spread.median));
    right("upper quartile", &|(_, spread)| time(spread.upper_quartile));
    right("longest", &|(_, spread)| time(spread.longest));
    table
}
