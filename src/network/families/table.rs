//! The table of families.

use super::{densenet, googlenet, inception_v3, preact_resnet, resnet, vgg, wide_resnet};
use crate::network::family::Family;
use crate::network::recognition::{RecognizedNetwork, TensorShapes};

/// Every family. The first is that of files and records that name none.
pub const FAMILIES: &[&Family] = &[
    &densenet::FAMILY,
    &resnet::FAMILY,
    &wide_resnet::FAMILY,
    &preact_resnet::FAMILY,
    &vgg::FAMILY,
    &googlenet::FAMILY,
    &inception_v3::FAMILY,
];

/// What recognises a network by its tensors' names and shapes, of the families that have such a way.
pub const RECOGNIZERS: &[fn(&TensorShapes) -> Option<RecognizedNetwork>] = &[densenet::recognized];
