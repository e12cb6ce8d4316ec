//! Files' bytes to values and back: the ablation file, the CSV tables, weights. Nothing here opens a file.

pub mod ablation;
pub mod batches;
pub mod tables;
pub mod weights;
