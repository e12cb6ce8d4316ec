//! Files' bytes to values and back: the ablation file, the CSV tables, weights, checkpoints. Nothing here opens a file.

pub mod ablation;
mod another_network;
pub mod batches;
pub mod checkpoint;
pub mod correctness;
pub mod device_name;
mod file_signature;
pub mod jobs;
pub mod loss_curves;
pub mod loss_scale;
pub mod misread;
pub mod network_weights;
pub mod part;
pub mod study;
pub mod tables;
mod tensor_file;
mod tensor_misfits;
mod tensor_names;
pub mod tensorboard;
mod weight_differences;
pub mod weights;
