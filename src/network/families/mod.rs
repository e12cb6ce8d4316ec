//! The families of networks, a file each.

pub mod densenet;
#[cfg(test)]
pub mod tests;
