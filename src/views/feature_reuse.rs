//! Figure 5 of arXiv 1608.06993 as numbers: how strongly each layer of a dense block uses the feature maps of those before
//! it.

use crate::formats::tables::FeatureReuseRow;
use crate::formats::weights::Weights;
use crate::network::{DenseConnections, FeatureReader, Graph, Operation};

/// Why there is nothing to show.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReused {
    /// No concatenation of the network has its own input among its parts.
    #[error(
        "this network has no dense block, in which each layer reads the concatenated feature maps of those before it; name a \
         trial or weights of a DenseNet, with connectivity = \"dense\""
    )]
    NoDenseBlock,
    /// A tensor of the network that is missing among the weights, or has another shape.
    #[error("{0} does not fit this network; give weights of the same network")]
    Tensor(String),
}

/// The mean absolute weight with which each layer of each dense block, and what follows the block, reads each layer's feature
/// maps: in the order of the forward pass, for each the sources in theirs.
///
/// The weights are those of the first convolution of the layer, `[out, in, height, width]`, or of a linear layer,
/// `[out, in]`. A value is the mean of |w| over the outputs, the source's channels and the window.
///
/// # Errors
/// A network without dense blocks, and weights that are not the network's.
pub fn feature_reuse(graph: &Graph, weights: &Weights) -> Result<Vec<FeatureReuseRow>, NotReused> {
    let blocks = graph.dense_connections();
    if blocks.is_empty() {
        return Err(NotReused::NoDenseBlock);
    }
    let mut rows = Vec::new();
    for (block, connections) in (1..).zip(&blocks) {
        let mut following = connections.sources.len();
        for reader in &connections.readers {
            let target_layer = reader.layer.unwrap_or(following);
            following += usize::from(reader.layer.is_none());
            rows.extend(of_reader(graph, weights, connections, reader, (block, target_layer))?);
        }
    }
    Ok(rows)
}

/// The rows of one reader, whose block and number are given.
fn of_reader(
    graph: &Graph,
    weights: &Weights,
    connections: &DenseConnections,
    reader: &FeatureReader,
    (block, target_layer): (usize, usize),
) -> Result<Vec<FeatureReuseRow>, NotReused> {
    let node = &graph.nodes[reader.node];
    let name = format!("{}.weight", node.name);
    let misfit = || NotReused::Tensor(name.clone());
    let tensor = weights.get(&name).ok_or_else(misfit)?;
    let channels = node.input.channels;
    let window: usize = tensor.shape.iter().skip(2).product();
    if tensor.shape.get(1) != Some(&channels) || channels * window == 0 {
        return Err(misfit());
    }
    let sums = absolute_sums(&tensor.values, channels, window);
    let outputs = tensor.values.len() / (channels * window);
    let target = match (reader.layer, node.operation) {
        (Some(_), _) => "dense layer",
        (None, Operation::Linear) => "classifier",
        (None, _) => "transition",
    };
    let mut first = 0;
    let mut rows = Vec::with_capacity(connections.sources.len());
    for &(source_layer, source_channels) in &reader.reads {
        let sum: f64 = sums.iter().skip(first).take(source_channels).sum();
        first += source_channels;
        rows.push(FeatureReuseRow {
            block,
            target_layer,
            target: target.to_owned(),
            target_tensor: name.clone(),
            source_layer,
            source_channels,
            mean_absolute_weight: sum / (outputs * source_channels * window) as f64,
            share_of_largest: 0.0,
        });
    }
    let largest = rows.iter().map(|row| row.mean_absolute_weight).fold(0.0, f64::max);
    if largest > 0.0 {
        for row in &mut rows {
            row.share_of_largest = row.mean_absolute_weight / largest;
        }
    }
    Ok(rows)
}

/// The sum of |w| over the outputs and the window, for each input channel.
fn absolute_sums(values: &[f32], channels: usize, window: usize) -> Vec<f64> {
    let mut sums = vec![0.0; channels];
    for output in values.chunks_exact(channels * window) {
        for (sum, of_channel) in sums.iter_mut().zip(output.chunks_exact(window)) {
            *sum += of_channel.iter().map(|&weight| f64::from(weight.abs())).sum::<f64>();
        }
    }
    sums
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::formats::weights::WeightTensor;
    use crate::network::{Shape, preset};

    /// A preset's graph, and weights of which each of an input channel `c` is `c + 1`, in turns with either sign.
    pub fn weighted(name: &str) -> (Graph, Weights) {
        let preset = preset(name).unwrap();
        let image = Shape::square(3, preset.network.usual_side());
        let graph = preset.network.graph(image, preset.classes).unwrap();
        let tensor = |(name, shape): (String, Vec<usize>)| {
            let count: usize = shape.iter().product();
            let window: usize = shape.iter().skip(2).product();
            let channels = shape.get(1).copied().unwrap_or(1);
            let value = |index: usize| {
                let size = (index / window % channels + 1) as f32;
                if index.is_multiple_of(2) { size } else { -size }
            };
            let values = (0..count).map(value).collect();
            (name, WeightTensor { shape, values })
        };
        let weights = graph.tensors().map(tensor).collect();
        (graph, weights)
    }

    #[test]
    fn a_value_is_the_mean_absolute_weight_over_the_sources_channels() {
        let (graph, weights) = weighted("densenet-40-12");
        let rows = feature_reuse(&graph, &weights).unwrap();
        // Three blocks, each of 12 layers and what follows: 1 + 2 + … + 13 pairs.
        assert_eq!(rows.len(), 3 * 91);
        let row = rows
            .iter()
            .find(|row| (row.block, row.target_layer, row.source_layer) == (1, 3, 1))
            .unwrap();
        // Channels 16 to 27, whose weights are 17 to 28.
        assert_eq!((row.source_channels, row.mean_absolute_weight), (12, 22.5));
        assert_eq!(row.target_tensor, "features.denseblock1.denselayer3.conv1.weight");
        let largest = rows
            .iter()
            .find(|row| (row.block, row.target_layer, row.source_layer) == (1, 3, 2))
            .unwrap();
        assert_eq!((largest.mean_absolute_weight, largest.share_of_largest), (34.5, 1.0));
        assert_eq!(row.share_of_largest, 22.5 / 34.5);
        let last = rows.last().unwrap();
        assert_eq!((last.target.as_str(), last.target_layer), ("classifier", 13));
        let transitions = rows.iter().filter(|row| row.target == "transition");
        assert_eq!(transitions.count(), 2 * 13);
    }

    #[test]
    fn weights_of_zero_give_zeros() {
        let (graph, mut weights) = weighted("densenet-40-12");
        for tensor in weights.values_mut() {
            tensor.values.fill(0.0);
        }
        let rows = feature_reuse(&graph, &weights).unwrap();
        assert!(rows.iter().all(|row| row.share_of_largest == 0.0));
    }

    #[test]
    fn networks_without_dense_blocks_and_weights_of_others_are_refused() {
        for name in ["resnet-20", "googlenet"] {
            let (graph, weights) = weighted(name);
            assert_eq!(feature_reuse(&graph, &weights), Err(NotReused::NoDenseBlock), "{name}");
        }
        let (graph, mut weights) = weighted("densenet-40-12");
        weights.remove("classifier.weight");
        assert_eq!(
            feature_reuse(&graph, &weights),
            Err(NotReused::Tensor("classifier.weight".to_owned()))
        );
    }
}
