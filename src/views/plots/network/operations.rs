//! An operation in the few words that a drawing has room for.

use crate::network::{Node, Operation};

/// A node's operation as papers write it: `3x3 conv 64, stride 2`, with the channels that it gives where these are its own.
pub fn short(node: &Node) -> String {
    let strided = |words: String, stride: usize| match stride {
        1 => words,
        _ => format!("{words}, stride {stride}"),
    };
    match node.operation {
        Operation::Images => "images".to_owned(),
        Operation::Convolution {
            kernel: [rows, columns],
            stride,
            ..
        } => strided(format!("{rows}x{columns} conv {}", node.output.channels), stride),
        Operation::BatchNorm => "BN".to_owned(),
        Operation::Relu => "ReLU".to_owned(),
        Operation::Dropout { share } => format!("dropout {share}"),
        Operation::MaxPool { kernel, stride, .. } => strided(format!("{kernel}x{kernel} max pool"), stride),
        Operation::AveragePool { kernel: 1, stride, .. } => format!("every row and column in {stride}"),
        Operation::AveragePool { kernel, stride, .. } => strided(format!("{kernel}x{kernel} average pool"), stride),
        Operation::ZeroChannels => format!("zeros up to {} channels", node.output.channels),
        Operation::Concatenation => "concatenation".to_owned(),
        Operation::Addition => "addition".to_owned(),
        Operation::Sigmoid => "sigmoid".to_owned(),
        Operation::Scaling => "each map times its value".to_owned(),
        Operation::GlobalAveragePool => "global average pool".to_owned(),
        Operation::AdaptiveAveragePool => format!("average pool to {}x{}", node.output.height, node.output.width),
        Operation::Flatten => "flatten".to_owned(),
        Operation::Linear => format!("linear {}", node.output.channels),
    }
}

/// Where an operation stands in a line of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It has weights or changes the maps' size: what a line is about, which has one such.
    Main,
    /// It stands before or behind one.
    Beside,
    /// It stands behind one.
    Behind,
}

/// The role of an operation.
pub fn role(operation: Operation) -> Role {
    match operation {
        Operation::Convolution { .. }
        | Operation::MaxPool { .. }
        | Operation::AveragePool { .. }
        | Operation::GlobalAveragePool
        | Operation::AdaptiveAveragePool
        | Operation::Flatten
        | Operation::Linear => Role::Main,
        Operation::Images
        | Operation::BatchNorm
        | Operation::Relu
        | Operation::ZeroChannels
        | Operation::Concatenation
        | Operation::Addition
        | Operation::Sigmoid
        | Operation::Scaling => Role::Beside,
        Operation::Dropout { .. } => Role::Behind,
    }
}
