//! DenseNet as a family: its options from a file, and what the harness asks of a network.

use super::keys::KEYS;
use super::named::presets;
use super::names::FOREIGN_NAMES;
use super::options::{DenseNet, Order, usual_initial_channels};
use crate::network::{
    Architecture, Family, FamilyColumns, ForeignNames, GraphBuilder, Initialization, Network, NetworkError, Options,
    PublishedError, Shape, Stem,
};

/// The family.
pub const FAMILY: Family = Family {
    name: "densenet",
    keys: KEYS,
    presets,
    resolve,
    read: Architecture::read::<DenseNet>,
};

impl Network for DenseNet {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn check(&self) -> Result<(), NetworkError> {
        self.rules()
    }

    fn fitted(&self, input: Shape, classes: usize) -> Result<Option<Architecture>, NetworkError> {
        Ok(self.matched(input, classes)?.map(Architecture::new))
    }

    fn lay_out(&self, graph: &mut GraphBuilder) -> Result<(), NetworkError> {
        match self.matched(graph.input(), graph.classes())? {
            Some(matched) => matched.lay_out_all(graph),
            None => self.lay_out_all(graph),
        }
    }

    fn initialization(&self) -> Initialization {
        self.initialization
    }

    fn options(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    fn columns(&self) -> FamilyColumns {
        FamilyColumns {
            block_layers: Some(self.block_layers.clone()),
            growth_rate: Some(self.growth_rate),
            bottleneck: Some(self.bottleneck),
            compression: Some(self.compression),
            initial_channels: Some(self.initial_channels),
            dropout: Some(self.dropout),
        }
    }

    fn usual_side(&self) -> usize {
        self.stem.usual_side()
    }

    fn published(&self) -> Option<PublishedError> {
        self.papers_errors()
    }

    fn foreign_names(&self) -> &'static [ForeignNames] {
        FOREIGN_NAMES
    }
}

/// A preset or a depth or block lengths, options over them, and defaults that follow from other options.
fn resolve(options: &dyn Options, preset: Option<&Architecture>) -> Result<Architecture, NetworkError> {
    // A preset is one of `named`, whose options its record has in full.
    let preset = preset.and_then(|preset| serde_json::from_value::<DenseNet>(preset.options()).ok());
    let preset_layers = preset.as_ref().map(|network| network.block_layers.clone());
    let base = preset.unwrap_or(DenseNet::BASIC);
    let growth_rate = options.count("growth-rate").unwrap_or(base.growth_rate);
    let bottleneck = options.flag("bottleneck").unwrap_or(base.bottleneck);
    let stem = options.word("stem")?.unwrap_or(base.stem);
    let block_layers = options.block_layers("blocks", 40, preset_layers, |depth| {
        DenseNet::block_layers_of_depth(depth, bottleneck)
    })?;
    let network = DenseNet {
        block_layers,
        growth_rate,
        bottleneck,
        bottleneck_width: options.count("bottleneck-width").unwrap_or(base.bottleneck_width),
        compression: options.number("compression").unwrap_or(base.compression),
        initial_channels: options.count("initial-channels").unwrap_or_else(|| {
            if base.initial_channels == usual_initial_channels(base.growth_rate, base.bottleneck) {
                usual_initial_channels(growth_rate, bottleneck)
            } else {
                base.initial_channels
            }
        }),
        stem,
        transition_relu: options.flag("transition-relu").unwrap_or(base.transition_relu),
        final_relu: options.flag("final-relu").unwrap_or(base.final_relu),
        order: options.word("order")?.unwrap_or(base.order),
        dropout: options.number("dropout").unwrap_or(base.dropout),
        dropout_after: options.word("dropout-after")?.unwrap_or(base.dropout_after),
        initialization: match options.word("initialization")? {
            Some(initialization) => initialization,
            None if base.initialization == usual_initialization(base.stem) => usual_initialization(stem),
            None => base.initialization,
        },
        connectivity: options.word("connectivity")?.unwrap_or(base.connectivity),
        visible_layers: options.count("visible-layers").or(base.visible_layers),
        growth_doubling: options.flag("growth-doubling").unwrap_or(base.growth_doubling),
        squeeze_excitation: options.count("squeeze-excitation").or(base.squeeze_excitation),
        match_parameters: options.flag("match-parameters").unwrap_or(base.match_parameters),
    };
    if network.order == Order::PostActivation && !network.final_relu {
        let given = options.flag("final-relu").is_some();
        return Err(NetworkError::new(
            if given { "final-relu" } else { "order" },
            "final-relu is false, but in post-activation order no normalisation and ReLU stand before the classifier",
            "write final-relu = true or order = \"pre-activation\"",
        ));
    }
    network.check()?;
    Ok(Architecture::new(network))
}

/// The authors' CIFAR code and their ImageNet code differ.
fn usual_initialization(stem: Stem) -> Initialization {
    match stem {
        Stem::Cifar => Initialization::HeFanOut,
        Stem::Imagenet => Initialization::HeFanIn,
    }
}
