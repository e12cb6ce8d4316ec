//! Training that starts from a network's weights: what stays as it is, what starts anew, what learns faster.

use std::collections::BTreeSet;
use std::ops::Not;

use serde::{Deserialize, Serialize};

use crate::network::{Graph, NetworkError};

/// The keys of `[train]` for fine-tuning; a trial's identity is without those that are not set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FineTuning {
    /// Names and patterns of the learned tensors that keep their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<String>,
    /// Whether the classifier is drawn anew rather than taken from `model.weights`.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub new_head: bool,
    /// Learned tensors with learning rates of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<RateGroup>,
}

/// Learned tensors with a learning rate of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateGroup {
    /// Their name or pattern.
    pub tensors: String,
    /// The learning rate that the schedule starts from.
    pub learning_rate: f64,
}

impl FineTuning {
    /// Whether none of its keys is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a training step is another one with them.
    pub fn changes_a_step(&self) -> bool {
        !self.freeze.is_empty() || !self.groups.is_empty()
    }

    /// Freezes what is to be frozen of a network, and checks the groups against it.
    ///
    /// # Errors
    /// A name that means no tensor, nothing that is left to train, a tensor in two groups, a group that is frozen.
    pub fn apply(&self, graph: &mut Graph) -> Result<(), NetworkError> {
        const KEY: &str = "learning-rate-groups";
        graph.freeze(&self.freeze)?;
        let mut grouped = BTreeSet::new();
        for RateGroup { tensors, .. } in &self.groups {
            let meant = graph.tensors_named(tensors, KEY)?;
            if let Some(twice) = meant.intersection(&grouped).next() {
                let rule = format!("{KEY} has {tensors:?}, and {twice} is in an earlier group too");
                return Err(NetworkError::new(KEY, rule, "put each tensor into one group"));
            }
            if meant.is_subset(&graph.frozen) {
                let rule = format!("{KEY} has {tensors:?}, all of which is frozen");
                return Err(NetworkError::new(KEY, rule, "leave the group out, or freeze less"));
            }
            grouped.extend(meant);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Shape, preset};

    #[test]
    fn groups_are_checked_against_the_network_and_what_is_frozen() {
        let graph = preset("densenet-40-12").unwrap().network;
        let graph = graph.graph(Shape::square(3, 32), 10).unwrap();
        let applied = |freeze: &[&str], groups: &[&str]| {
            let group = |name: &&str| RateGroup {
                tensors: (*name).to_owned(),
                learning_rate: 1.0,
            };
            let tuning = FineTuning {
                freeze: freeze.iter().map(|&name| name.to_owned()).collect(),
                new_head: false,
                groups: groups.iter().map(group).collect(),
            };
            tuning.apply(&mut graph.clone()).map_err(|error| error.to_string())
        };
        assert_eq!(applied(&["features"], &["classifier"]), Ok(()));
        assert_eq!(applied(&["*.norm*"], &["features", "classifier"]), Ok(()));
        assert_eq!(
            applied(&[], &["features.denseblock1", "*.denselayer1.*"]),
            Err(
                "learning-rate-groups has \"*.denselayer1.*\", and features.denseblock1.denselayer1.conv1.weight is in an earlier \
                 group too; put each tensor into one group"
                    .to_owned()
            )
        );
        assert_eq!(
            applied(&["features"], &["features.denseblock1"]),
            Err(
                "learning-rate-groups has \"features.denseblock1\", all of which is frozen; leave the group out, or freeze \
                 less"
                    .to_owned()
            )
        );
        assert!(applied(&[], &["head"]).unwrap_err().contains("features and classifier"));
    }
}
