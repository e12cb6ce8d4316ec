//! The families of networks, a file each, and the table of them.

pub mod densenet;
mod densenet_names;
pub mod resnet;
mod resnet_names;
mod table;
#[cfg(test)]
pub mod tests;

pub use table::FAMILIES;
