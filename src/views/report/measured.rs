//! What was measured apart from training: speed and memory by batch size, the largest batches, and PyTorch beside them.

use super::piece::Piece;
use super::studied::Studied;
use crate::views::measurement_tables::{batches, boundaries, peers};
use crate::views::profile_tables::{by_operation, layer_by_layer};

/// Throughput and the three memories by batch size with the prediction, the parts of a step, and the largest batches.
pub fn speed(studied: &Studied<'_>) -> Vec<Piece> {
    let study = &studied.grouped;
    let mut pieces = Vec::new();
    if !study.study.batches.is_empty() {
        pieces.extend(Piece::of_section(batches(study)));
    }
    if !study.study.boundaries.is_empty() {
        pieces.push(Piece::text("The largest batch of each variant:"));
        pieces.extend(Piece::of_section(boundaries(study)));
    }
    pieces
}

/// Where the time and the memory of training steps go: by operation, and layer by layer.
pub fn profile(studied: &Studied<'_>) -> Vec<Piece> {
    let study = &studied.grouped;
    if study.study.profile.is_empty() {
        return Vec::new();
    }
    let mut pieces = Piece::of_section(by_operation(study));
    pieces.push(Piece::Folded {
        caption: "Every layer".to_owned(),
        table: layer_by_layer(study),
    });
    pieces
}

/// The same networks in PyTorch, where they ran.
pub fn beside_pytorch(studied: &Studied<'_>) -> Vec<Piece> {
    match studied.grouped.study.peers.is_empty() {
        true => Vec::new(),
        false => Piece::of_section(peers(&studied.grouped)),
    }
}
