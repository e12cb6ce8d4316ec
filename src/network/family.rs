//! Families of networks, each one file in `families/` and its line in the table there.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::builder::GraphBuilder;
use super::error::NetworkError;
use super::families::FAMILIES;
use super::foreign_names::ForeignNames;
use super::graph::Graph;
use super::initialization::Initialization;
use super::options::Options;
use super::shape::Shape;
use crate::keys::KnownKey;

/// A family of networks: its options in files, its networks by name, and the way from options to a network.
pub struct Family {
    /// Its name in files and tables, `resnet`.
    pub name: &'static str,
    /// Its keys of `[model]`; one that another family has too takes the same values there.
    pub keys: &'static [KnownKey],
    /// Its networks by name.
    pub presets: fn() -> Vec<Preset>,
    /// A network from the options of a file, over those of a preset where one is given.
    pub resolve: fn(&dyn Options, Option<&Architecture>) -> Result<Architecture, NetworkError>,
    /// A network from a record, as [`Network::options`] gave it.
    pub read: fn(Value) -> Result<Architecture, serde_json::Error>,
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Family").field(&self.name).finish()
    }
}

/// The options of one network, which its family knows how to lay out.
pub trait Network: fmt::Debug + Send + Sync {
    /// The family.
    fn family(&self) -> &'static Family;

    /// Checks the rules that hold whatever the images are.
    ///
    /// # Errors
    /// The first rule that is broken.
    fn check(&self) -> Result<(), NetworkError>;

    /// The network with its open options decided, where some depend on the data: what a study plans and records. None where
    /// all are decided.
    ///
    /// # Errors
    /// Data for which they cannot be decided.
    fn fitted(&self, _input: Shape, _classes: usize) -> Result<Option<Architecture>, NetworkError> {
        Ok(None)
    }

    /// Lays the network out, after [`Network::check`].
    ///
    /// # Errors
    /// Images that are too small for it.
    fn lay_out(&self, graph: &mut GraphBuilder) -> Result<(), NetworkError>;

    /// How the weights of convolutions are drawn for which [`Network::lay_out`] gives no deviation.
    fn initialization(&self) -> Initialization {
        Initialization::HeFanOut
    }

    /// The options as a record keeps them, an object by their names. A trial's identity follows from it.
    fn options(&self) -> Value;

    /// Its values in the tables' columns that belong to families.
    fn columns(&self) -> FamilyColumns;

    /// The side of the square images that it was made for.
    fn usual_side(&self) -> usize;

    /// Its published test errors.
    fn published(&self) -> Option<PublishedError>;

    /// The names of its tensors in the files of other programs.
    fn foreign_names(&self) -> &'static [ForeignNames];

    /// Lays the network out for images of `input` shape and `classes` classes.
    ///
    /// # Errors
    /// A rule of [`Network::check`], no class, or an image too small for the network.
    fn graph(&self, input: Shape, classes: usize) -> Result<Graph, NetworkError> {
        self.check()?;
        if classes == 0 || input.values() == 0 {
            return Err(NetworkError::new(
                "dataset",
                format!("the data have {classes} classes and images of {input}"),
                "each must be at least 1",
            ));
        }
        let mut graph = GraphBuilder::new(input, classes);
        self.lay_out(&mut graph)?;
        Ok(graph.finish(self.initialization()))
    }
}

/// The tables' columns that belong to families; none where a family has no such option.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FamilyColumns {
    /// Layers in each block or stage.
    pub block_layers: Option<Vec<usize>>,
    /// Channels that each dense layer adds.
    pub growth_rate: Option<usize>,
    /// Whether 1x1 convolutions stand around or before each 3x3.
    pub bottleneck: Option<bool>,
    /// The share of channels that a transition keeps.
    pub compression: Option<f64>,
    /// Channels after the stem.
    pub initial_channels: Option<usize>,
    /// The share of values that dropout sets to zero.
    pub dropout: Option<f64>,
}

/// Test errors that a paper prints, as shares from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PublishedError {
    /// C10: CIFAR-10 as it is.
    pub cifar10: Option<f64>,
    /// C10+: CIFAR-10 with augmentation.
    pub cifar10_augmented: Option<f64>,
    /// C100: CIFAR-100 as it is.
    pub cifar100: Option<f64>,
    /// C100+: CIFAR-100 with augmentation.
    pub cifar100_augmented: Option<f64>,
    /// ImageNet's validation images, the most probable class, one square of each image.
    pub imagenet: Option<f64>,
    /// The same with ten squares of each image.
    pub imagenet_ten_crops: Option<f64>,
    /// Shares of the run at which the paper's learning rate falls to a tenth; none: the half and three quarters of it.
    pub milestones: Option<[f64; 2]>,
    /// Epochs that the paper trained for.
    pub epochs: usize,
    /// Images in its batches.
    pub batch_size: usize,
}

/// A network of any family.
#[derive(Clone)]
pub struct Architecture(Arc<dyn Network>);

impl Architecture {
    /// A network whose options are there.
    pub fn new(network: impl Network + 'static) -> Self {
        Self(Arc::new(network))
    }

    /// [`Family::read`] for a network that serde reads.
    pub(super) fn read<N: Network + DeserializeOwned + 'static>(options: Value) -> Result<Self, serde_json::Error> {
        serde_json::from_value::<N>(options).map(Self::new)
    }
}

impl std::ops::Deref for Architecture {
    type Target = dyn Network;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq for Architecture {
    fn eq(&self, other: &Self) -> bool {
        self.family().name == other.family().name && self.options() == other.options()
    }
}

/// The key of a record that names the family.
const FAMILY_KEY: &str = "family";

impl Serialize for Architecture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut options = self.options();
        // Records from before there were families name none, and identities follow from what is written here.
        if let Value::Object(map) = &mut options
            && self.family().name != FAMILIES[0].name
        {
            map.insert(FAMILY_KEY.to_owned(), self.family().name.into());
        }
        options.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Architecture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let mut options = Value::deserialize(deserializer)?;
        let named = options.as_object_mut().and_then(|map| map.remove(FAMILY_KEY));
        let family = match &named {
            None => Some(FAMILIES[0]),
            Some(name) => name.as_str().and_then(family),
        };
        let family = family.ok_or_else(|| {
            let known = family_names().join(", ");
            D::Error::custom(format!("this program has no network family {named:?}; it has {known}"))
        })?;
        (family.read)(options).map_err(D::Error::custom)
    }
}

/// A network with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// The name, `densenet-bc-100-12`.
    pub name: &'static str,
    /// Its network.
    pub network: Architecture,
    /// Classes that `describe PRESET` assumes.
    pub classes: usize,
}

/// The family of that name.
pub fn family(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().copied().find(|family| family.name == name)
}

/// The names of all families.
pub fn family_names() -> Vec<&'static str> {
    FAMILIES.iter().map(|family| family.name).collect()
}

/// Every preset, family by family.
pub fn presets() -> Vec<Preset> {
    FAMILIES.iter().flat_map(|family| (family.presets)()).collect()
}

/// The preset of that name.
pub fn preset(name: &str) -> Option<Preset> {
    presets().into_iter().find(|preset| preset.name == name)
}

/// The preset whose name is the fewest edits away.
pub fn nearest_preset(name: &str) -> &'static str {
    let nearest = presets()
        .into_iter()
        .min_by_key(|preset| strsim::damerau_levenshtein(preset.name, name));
    nearest.map_or("", |preset| preset.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Segment;

    #[test]
    fn every_preset_reads_back_from_its_record_and_keeps_its_rules() {
        for preset in presets() {
            let record = serde_json::to_value(&preset.network).unwrap();
            let again: Architecture = serde_json::from_value(record).unwrap();
            assert_eq!(again, preset.network, "{}", preset.name);
            assert_eq!(preset.network.check(), Ok(()), "{}", preset.name);
        }
    }

    #[test]
    fn an_unknown_family_is_an_error_that_lists_the_known_ones() {
        let error = serde_json::from_str::<Architecture>(r#"{"family": "alexnet"}"#).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("alexnet") && said.contains("densenet, resnet"), "{said}");
    }

    #[test]
    fn segments_hold_every_node_and_a_single_output_passes_from_one_to_the_next() {
        for preset in presets() {
            let image = Shape::square(3, preset.network.usual_side());
            let graph = preset.network.graph(image, preset.classes).unwrap();
            let mut next = 1;
            for segment in &graph.segments {
                assert_eq!(segment.nodes.start, next, "{}: {}", preset.name, segment.name);
                next = segment.nodes.end;
                // The input: the images, or what the last node of an earlier segment gives.
                let outside = graph.nodes[segment.nodes.clone()].iter().flat_map(|node| &node.inputs);
                let mut entering: Vec<_> = outside.filter(|&&input| input < segment.nodes.start).collect();
                entering.dedup();
                assert_eq!(entering, [&segment.entering], "{}: {}", preset.name, segment.name);
                let is_last = |other: &Segment| other.nodes.end == segment.entering + 1;
                assert!(segment.entering == 0 || graph.segments.iter().any(is_last));
            }
            assert_eq!(next, graph.nodes.len(), "{}", preset.name);
            // Only logits are read by no node.
            let last_uses = graph.last_uses();
            let unread = (0..graph.nodes.len()).filter(|&id| last_uses[id].is_none());
            assert_eq!(
                unread.collect::<Vec<_>>(),
                graph.outputs().collect::<Vec<_>>(),
                "{}",
                preset.name
            );
            for head in &graph.auxiliary {
                let logits = &graph.nodes[head.nodes.end - 1];
                assert_eq!(
                    logits.output,
                    Shape::vector(preset.classes),
                    "{}: {}",
                    preset.name,
                    logits.name
                );
                let mut inside = graph
                    .segments
                    .iter()
                    .filter(|other| head.nodes.contains(&other.nodes.start));
                assert!(inside.all(|other| other.nodes.end <= head.nodes.end), "{}", preset.name);
            }
        }
    }

    #[test]
    fn names_of_nodes_presets_and_families_are_each_used_once() {
        let mut names: Vec<_> = presets().iter().map(|preset| preset.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        for preset in presets() {
            let image = Shape::square(3, preset.network.usual_side());
            let graph = preset.network.graph(image, preset.classes).unwrap();
            let mut names: Vec<_> = graph.nodes.iter().map(|node| &node.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), graph.nodes.len(), "{}", preset.name);
        }
    }
}
