//! DenseNet (Huang et al. 2017, arXiv 1608.06993): every layer of a dense block reads the feature maps of all before it.

mod family;
mod keys;
mod layout;
mod matching;
mod named;
mod names;
mod options;
mod recognized;
mod rules;

pub use family::FAMILY;
pub use options::{Connectivity, DenseNet, DropoutAfter, Order};
pub use recognized::recognized;
