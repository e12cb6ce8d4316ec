//! The table of families.

use super::{densenet, resnet};
use crate::network::family::Family;

/// Every family. The first is that of files and records that name none.
pub const FAMILIES: &[&Family] = &[&densenet::FAMILY, &resnet::FAMILY];
