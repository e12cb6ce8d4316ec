//! The rules of residual networks' stages, each of which halves height and width and doubles the channels.

use crate::keys::WIDEST;
use crate::network::{LARGEST_WIDTH, NetworkError};

/// More stages than this would halve any image to a single pixel.
const MOST_STAGES: usize = 16;

/// Checks the number of blocks in each stage, and the channels: `channels` behind the first stage of `initial` channels.
///
/// # Errors
/// No stage or too many, a stage without blocks, too many blocks, no channels or too many.
pub(super) fn check(block_layers: &[usize], initial: usize, channels: usize) -> Result<(), NetworkError> {
    let total: usize = block_layers.iter().fold(0, |sum, &n| sum.saturating_add(n));
    let stages = block_layers.len();
    if stages == 0 || stages > MOST_STAGES || block_layers.contains(&0) || total > WIDEST as usize {
        return Err(NetworkError::new(
            "block-layers",
            format!(
                "block-layers is {block_layers:?}; a ResNet has 1 to {MOST_STAGES} stages of at least 1 block, and at most \
                 {WIDEST} blocks together"
            ),
            "write one count a stage, such as [2, 2, 2, 2]",
        ));
    }
    let widest = channels.saturating_mul(1 << (stages - 1));
    if initial == 0 || widest > LARGEST_WIDTH {
        return Err(NetworkError::new(
            "initial-channels",
            format!(
                "initial-channels is {initial}, and the last stage ends with {widest} channels; it must be at least 1, and at \
                 most {LARGEST_WIDTH} channels can be built"
            ),
            "the paper's are 16 on CIFAR and 64 on ImageNet",
        ));
    }
    Ok(())
}

/// Blocks in each of three stages from a depth of `step * n + rest`.
///
/// # Errors
/// A depth that is not of that form.
pub(super) fn block_layers_of_depth(depth: usize, step: usize, rest: usize) -> Result<Vec<usize>, NetworkError> {
    if depth >= rest + step && (depth - rest).is_multiple_of(step) {
        return Ok(vec![(depth - rest) / step; 3]);
    }
    let below = rest + depth.saturating_sub(rest) / step * step;
    let nearest = if below < rest + step {
        format!("the smallest is {}", rest + step)
    } else {
        format!("the nearest are {below} and {}", below + step)
    };
    Err(NetworkError::new(
        "depth",
        format!("depth {depth} does not divide into three stages: it must be {step} * n + {rest}"),
        format!("{nearest}, or give block-layers"),
    ))
}
