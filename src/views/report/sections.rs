//! The sections of a report in their order; the page, the summary and single tables are made of them.

use super::piece::Piece;
use super::studied::Studied;
use super::{again, answer, costs, curves, environment, failures, measured, steps, variants};

/// A section of the page.
pub struct Section {
    /// Its place in links.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What it says of a study; nothing where the study has nothing of it.
    pub pieces: fn(&Studied<'_>) -> Vec<Piece>,
}

/// The sections in their order, after the question.
pub static SECTIONS: [Section; 11] = [
    section("answer", "The answer", answer::pieces),
    section("variants", "Variants", variants::pieces),
    section("costs", "Error and cost", costs::pieces),
    section("curves", "Losses and errors by epoch", curves::pieces),
    section("speed", "Speed and memory by batch size", measured::speed),
    section("steps", "Step times", steps::pieces),
    section(
        "profile",
        "Where a training step's time and memory go",
        measured::profile,
    ),
    section("pytorch", "Beside PyTorch", measured::beside_pytorch),
    section("failures", "What failed", failures::pieces),
    section("environment", "Environment", environment::pieces),
    section("again", "How to run it again", again::pieces),
];

const fn section(id: &'static str, title: &'static str, pieces: fn(&Studied<'_>) -> Vec<Piece>) -> Section {
    Section { id, title, pieces }
}
