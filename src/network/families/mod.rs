//! The families of networks, a file each, and the table of them.

pub mod densenet;
pub mod resnet;
#[cfg(test)]
pub mod tests;

use super::family::Family;

/// Every family. The first is that of files and records that name none.
pub const FAMILIES: &[&Family] = &[&densenet::FAMILY, &resnet::FAMILY];
