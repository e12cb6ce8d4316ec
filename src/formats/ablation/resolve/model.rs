//! `[model]`: a preset or a depth or block lengths, options over them, and defaults that follow from other options.

use super::reader::Reader;
use crate::formats::ablation::error::Fault;
use crate::formats::ablation::keys;
use crate::network::{DenseNet, Initialization, NetworkError, Order, Stem, preset};

pub fn network(reader: &Reader<'_>) -> Result<DenseNet, Fault> {
    let from_network = |error: NetworkError| {
        let key = keys::key_of_option(error.option);
        reader.fault_with(&key, error.rule, error.remedy)
    };
    let preset = reader
        .text("model.preset")
        .and_then(preset)
        .map(|preset| preset.network);
    let preset_layers = preset.as_ref().map(|network| network.block_layers.clone());
    let base = preset.unwrap_or(DenseNet::BASIC);

    let growth_rate = reader.count("model.growth-rate").unwrap_or(base.growth_rate);
    let bottleneck = reader.flag("model.bottleneck").unwrap_or(base.bottleneck);
    let stem = reader.word("model.stem")?.unwrap_or(base.stem);
    let block_layers = match (reader.count("model.depth"), reader.counts("model.block-layers")) {
        (Some(_), Some(_)) => {
            let rule = "depth and block-layers are both given, and each decides the blocks";
            let key = reader.set_by_variant(["model.depth", "model.block-layers"]);
            return Err(reader.fault_with(key, rule, "keep one of the two"));
        }
        (Some(depth), None) => DenseNet::block_layers_of_depth(depth, bottleneck).map_err(from_network)?,
        (None, Some(block_layers)) => block_layers,
        (None, None) => preset_layers.ok_or_else(|| {
            let rule = "there is none of depth, block-layers and preset, of which the network needs one";
            reader.fault_with("model.depth", rule, "give one, such as depth = 40")
        })?,
    };
    let network = DenseNet {
        block_layers,
        growth_rate,
        bottleneck,
        bottleneck_width: reader.count("model.bottleneck-width").unwrap_or(base.bottleneck_width),
        compression: reader.number("model.compression").unwrap_or(base.compression),
        initial_channels: reader.count("model.initial-channels").unwrap_or_else(|| {
            let usual = usual_initial_channels(base.growth_rate, base.bottleneck);
            if base.initial_channels == usual {
                usual_initial_channels(growth_rate, bottleneck)
            } else {
                base.initial_channels
            }
        }),
        stem,
        transition_relu: reader.flag("model.transition-relu").unwrap_or(base.transition_relu),
        final_relu: reader.flag("model.final-relu").unwrap_or(base.final_relu),
        order: reader.word("model.order")?.unwrap_or(base.order),
        dropout: reader.number("model.dropout").unwrap_or(base.dropout),
        dropout_after: reader.word("model.dropout-after")?.unwrap_or(base.dropout_after),
        initialization: match reader.word("model.initialization")? {
            Some(initialization) => initialization,
            None if base.initialization == usual_initialization(base.stem) => usual_initialization(stem),
            None => base.initialization,
        },
    };
    if network.order == Order::PostActivation && !network.final_relu {
        let given = reader.is_given("model.final-relu");
        let key = if given { "model.final-relu" } else { "model.order" };
        let rule =
            "final-relu is false, but in post-activation order no normalisation and ReLU stand before the classifier";
        return Err(reader.fault_with(key, rule, "write final-relu = true or order = \"pre-activation\""));
    }
    network.check().map_err(from_network)?;
    Ok(network)
}

/// The paper's parameter counts come out with these alone.
fn usual_initial_channels(growth_rate: usize, bottleneck: bool) -> usize {
    if bottleneck { growth_rate.saturating_mul(2) } else { 16 }
}

/// The authors' CIFAR code and their ImageNet code differ.
fn usual_initialization(stem: Stem) -> Initialization {
    match stem {
        Stem::Cifar => Initialization::HeFanOut,
        Stem::Imagenet => Initialization::HeFanIn,
    }
}
