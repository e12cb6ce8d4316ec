//! The rules that a DenseNet's options keep, whatever the images are.

use super::options::{DenseNet, LARGEST_COUNT};
use crate::network::{LARGEST_WIDTH, NetworkError};

impl DenseNet {
    /// Layers in each of three blocks from the paper's depth L, which counts the stem, two transitions and the
    /// classifier: `(L - 4) / 3`, halved with a bottleneck.
    ///
    /// # Errors
    /// Where the depth does not divide into three blocks.
    pub fn block_layers_of_depth(depth: usize, bottleneck: bool) -> Result<Vec<usize>, NetworkError> {
        let per_layer = if bottleneck { 2 } else { 1 };
        let step = 3 * per_layer;
        if depth >= 4 + step && (depth - 4).is_multiple_of(step) && depth <= LARGEST_COUNT {
            return Ok(vec![(depth - 4) / step; 3]);
        }
        let below = 4 + depth.saturating_sub(4) / step * step;
        let nearest = if depth > LARGEST_COUNT {
            format!("write a depth below {LARGEST_COUNT}")
        } else if below < 4 + step {
            format!("the smallest is {}", 4 + step)
        } else {
            format!("the nearest are {below} and {}", below + step)
        };
        Err(NetworkError::new(
            "depth",
            format!(
                "depth {depth} does not divide into three blocks: it must be 3 * n{} + 4",
                if bottleneck { " * 2" } else { "" }
            ),
            format!("{nearest}, or give block-layers"),
        ))
    }

    pub(super) fn rules(&self) -> Result<(), NetworkError> {
        let counts = [
            ("growth-rate", self.growth_rate, "the paper's are 12, 24, 32, 40 and 48"),
            (
                "initial-channels",
                self.initial_channels,
                "the paper's are 16 and 2 * growth-rate",
            ),
            ("bottleneck-width", self.bottleneck_width, "the paper's is 4"),
        ];
        for (option, value, remedy) in counts {
            if value == 0 || value > LARGEST_COUNT {
                return Err(NetworkError::new(
                    option,
                    format!("{option} is {value}; it must be from 1 to {LARGEST_COUNT}"),
                    remedy,
                ));
            }
        }
        let widest = self.growth_rate_of(self.block_layers.len().max(1));
        if self.bottleneck && self.bottleneck_width.saturating_mul(widest) > LARGEST_WIDTH {
            return Err(NetworkError::new(
                "bottleneck-width",
                format!(
                    "bottleneck-width times growth-rate is {}; at most {LARGEST_WIDTH} channels can be built",
                    self.bottleneck_width.saturating_mul(widest)
                ),
                "the paper's bottleneck-width is 4",
            ));
        }
        if self.block_layers.is_empty() {
            return Err(NetworkError::new(
                "block-layers",
                "block-layers is empty; a DenseNet has at least one dense block",
                "write one count a block, such as [12, 12, 12]",
            ));
        }
        let total: usize = self.block_layers.iter().fold(0, |sum, &n| sum.saturating_add(n));
        if self.block_layers.contains(&0) || total > LARGEST_COUNT {
            return Err(NetworkError::new(
                "block-layers",
                format!(
                    "block-layers is {:?}; each block has at least 1 layer, and all together at most {LARGEST_COUNT}",
                    self.block_layers
                ),
                "write one count a block, such as [12, 12, 12]",
            ));
        }
        if !(self.compression > 0.0 && self.compression <= 1.0) {
            return Err(NetworkError::new(
                "compression",
                format!("compression is {}; it must be above 0 and at most 1", self.compression),
                "1.0 compresses nothing, the paper's DenseNet-C has 0.5",
            ));
        }
        NetworkError::check_dropout(
            "dropout",
            self.dropout,
            "the paper's is 0.2 without augmentation and 0 with it",
        )?;
        if let (Some(count), false) = (self.visible_layers, self.connectivity.is_dense()) {
            return Err(NetworkError::new(
                "visible-layers",
                format!(
                    "visible-layers is {count}, but connectivity is {:?}: only a dense layer reads several before it",
                    self.connectivity.name()
                ),
                "leave visible-layers out, or write connectivity = \"dense\"",
            ));
        }
        let mut channels = self.initial_channels;
        for (block, &layers) in self.block_layers.iter().enumerate() {
            channels = self.channels_behind(block + 1, layers, channels);
            if channels > LARGEST_WIDTH {
                return Err(NetworkError::new(
                    "growth-rate",
                    format!(
                        "block {} ends with {channels} channels; at most {LARGEST_WIDTH} can be built",
                        block + 1
                    ),
                    "take a smaller growth-rate or fewer layers",
                ));
            }
            if block + 1 < self.block_layers.len() {
                let kept = self.compressed(channels);
                if kept == 0 {
                    return Err(NetworkError::new(
                        "compression",
                        format!(
                            "compression {} leaves no channel of the {channels} before transition {}",
                            self.compression,
                            block + 1
                        ),
                        format!("it must be at least 1/{channels} there"),
                    ));
                }
                channels = kept;
            }
        }
        Ok(())
    }
}
