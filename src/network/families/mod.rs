//! The families of networks, a file each, and the table of them.

pub mod densenet;
pub mod resnet;
mod table;
#[cfg(test)]
pub mod tests;

pub use table::FAMILIES;
