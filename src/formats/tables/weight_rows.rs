//! The rows of tables that are made of a network's weights.

use serde::{Deserialize, Serialize};

use super::cell;
use super::row::{Column, Row, row};

row! {
    /// `feature-reuse-….csv`: a row for each layer of a dense block and each layer whose feature maps it reads.
    FeatureReuseRow in "feature-reuse.csv" {
        /// The dense block, from 1.
        block: usize,
        /// The layer that reads, numbered from 1 within its block; what follows the block has the number after the last layer's.
        target_layer: usize,
        /// What it is: `dense layer`, `transition` or `classifier`.
        #[serde(with = "cell")]
        target: String,
        /// The weights with which it reads: of the layer's first convolution, or of its only one.
        #[serde(with = "cell")]
        target_tensor: String,
        /// The layer whose feature maps are read, as in `target_layer`; 0 is the block's input.
        source_layer: usize,
        /// How many feature maps these are.
        source_channels: usize,
        /// The mean absolute weight over these maps, the outputs and the window: the L1 norm over the number of weights.
        mean_absolute_weight: f64,
        /// The same over the largest of the same target layer, 0 where all are 0: the colour in the plot.
        share_of_largest: f64,
    }
}
