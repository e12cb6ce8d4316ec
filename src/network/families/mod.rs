//! The families of networks, a file each, and the table of them.

pub mod densenet;
pub mod googlenet;
mod inception;
pub mod inception_v3;
mod pre_activation;
pub mod preact_resnet;
pub mod resnet;
mod resnet_names;
mod stages;
mod table;
#[cfg(test)]
pub mod tests;
pub mod vgg;
pub mod wide_resnet;

pub use table::{FAMILIES, RECOGNIZERS};
