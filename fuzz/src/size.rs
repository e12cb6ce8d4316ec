//! A bound on the networks that are laid out: a short file may ask for one of 65,536 layers.

use densenet_bench::network::Architecture;

/// Networks with more layers are not laid out.
const MOST_LAYERS: usize = 100;

/// Whether a network is small enough to be laid out.
pub fn is_small(network: &Architecture) -> bool {
    let lengths = network.columns().block_layers.unwrap_or_default();
    let layers = lengths.iter().fold(0usize, |sum, &n| sum.saturating_add(n));
    layers <= MOST_LAYERS
}
