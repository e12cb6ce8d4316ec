//! Files' bytes to values and back: the ablation file, the CSV tables, weights, checkpoints. Nothing here opens a file.

pub mod ablation;
pub mod batches;
pub mod checkpoint;
pub mod device_name;
pub mod part;
pub mod study;
pub mod tables;
mod tensor_file;
pub mod weights;
