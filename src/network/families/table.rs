//! The table of families.

use super::{densenet, preact_resnet, resnet, vgg, wide_resnet};
use crate::network::family::Family;

/// Every family. The first is that of files and records that name none.
pub const FAMILIES: &[&Family] = &[
    &densenet::FAMILY,
    &resnet::FAMILY,
    &wide_resnet::FAMILY,
    &preact_resnet::FAMILY,
    &vgg::FAMILY,
];
