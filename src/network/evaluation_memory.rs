//! The memory of a forward pass in evaluation, in closed form.

use super::convolution_memory::ConvolutionMemory;
use super::layers::{Layer, Operation, Plan};

/// Bytes of an f32.
const VALUE: u64 = 4;

impl Plan {
    /// The most bytes of live tensors in a forward pass in evaluation, with `plain` execution (Burn's stock modules) on
    /// libtorch's CPU, f32.
    ///
    /// Nothing is kept for a backward pass, and what only one operation needs is overwritten: normalisation and ReLU
    /// need no memory but where they read a dense block's maps, which later layers need too.
    pub fn evaluation_peak(&self, batch_size: usize) -> u64 {
        let batch = batch_size as u64;
        let running = |layer: &Layer| match layer.operation {
            Operation::BatchNorm => 2 * layer.output.channels,
            _ => 0,
        };
        let weights: usize = self
            .layers
            .iter()
            .map(|layer| layer.parameters() + running(layer))
            .sum();
        let bytes = |values: usize| VALUE * batch * values as u64;
        // The maps that enter a dense layer, from its first operation to its concatenation.
        let mut shared = 0;
        let mut highest = 0;
        for (index, layer) in self.layers.iter().enumerate() {
            let (input, output) = (bytes(layer.input.values()), bytes(layer.output.values()));
            let is_first = index > 0 && self.begins_dense_layer(index);
            if is_first {
                shared = input;
            }
            // The images are counted below.
            let own = if is_first || index == 0 { 0 } else { input };
            let needed = match layer.operation {
                Operation::Convolution { kernel, .. } => {
                    own + ConvolutionMemory::new(batch, layer.input, layer.output, kernel).forward()
                }
                Operation::BatchNorm if is_first => output,
                Operation::BatchNorm | Operation::Relu | Operation::Dropout => own,
                // With the places of the maxima, 8 bytes each, which nobody asked for.
                Operation::MaxPool => own + 3 * output,
                // The new maps and the result; the old ones are `shared`.
                Operation::Concatenation => 2 * output - shared.min(output),
                Operation::AveragePool | Operation::GlobalAveragePool | Operation::Linear => own + output,
            };
            highest = highest.max(shared + needed);
            if layer.operation == Operation::Concatenation {
                shared = 0;
            }
        }
        VALUE * weights as u64 + bytes(self.input.values()) + highest
    }

    fn begins_dense_layer(&self, index: usize) -> bool {
        let is_dense = self.layers[index].name.contains(".denselayer");
        is_dense && !self.continues_dense_layer(index)
    }
}

#[cfg(test)]
mod tests {
    use crate::network::{DenseNet, Shape};

    /// Bytes that libtorch 2.9.0 was counted to have live, on a processor with AVX-512.
    #[test]
    fn the_peak_of_evaluation_is_the_counted_one() {
        let input = Shape {
            channels: 3,
            height: 32,
            width: 32,
        };
        let basic = DenseNet {
            block_layers: vec![3; 3],
            ..DenseNet::BASIC
        };
        let bc = DenseNet {
            bottleneck: true,
            compression: 0.5,
            initial_channels: 24,
            ..basic.clone()
        };
        let one = DenseNet {
            block_layers: vec![4],
            ..basic.clone()
        };
        for (network, batch_size, counted) in [
            (&basic, 8, 6_323_720),
            (&basic, 64, 48_299_528),
            (&bc, 8, 6_693_688),
            (&bc, 64, 51_422_008),
            (&one, 64, 49_124_072),
        ] {
            let predicted = network.plan(input, 10).unwrap().evaluation_peak(batch_size);
            assert!(
                predicted.abs_diff(counted) * 100 < counted,
                "{network:?}: {predicted} for {counted}"
            );
        }
    }
}
