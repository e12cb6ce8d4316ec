//! Parts of a network that keep their values while it trains, and what a training step then leaves out.

use std::collections::BTreeSet;

use glob::Pattern;

use super::error::NetworkError;
use super::graph::{Graph, Node, NodeId, Operation};
use crate::words::listed;

/// What makes a name a pattern.
const WILDCARDS: [char; 3] = ['*', '?', '['];

impl Node {
    /// The learned tensors with their numbers of values, in PyTorch's order.
    fn learned(&self) -> impl Iterator<Item = (String, usize)> + use<> {
        let is_running = |name: &str| name.ends_with(".running_mean") || name.ends_with(".running_var");
        let learned = self.tensors().into_iter().filter(move |(name, _)| !is_running(name));
        learned.map(|(name, shape)| (name, shape.iter().product()))
    }
}

impl Graph {
    /// Freezes the learned tensors that names mean, as [`Graph::tensors_named`] has it.
    ///
    /// # Errors
    /// A name that means none, and names that leave nothing to train.
    pub fn freeze(&mut self, names: &[String]) -> Result<(), NetworkError> {
        for name in names {
            let meant = self.tensors_named(name, "freeze")?;
            self.frozen.extend(meant);
        }
        if self.trained_parameters() > 0 {
            return Ok(());
        }
        let head = self.nodes.last().map_or("", |node| node.name.as_str());
        Err(NetworkError::new(
            "freeze",
            "freeze holds every tensor of the network, and none is left to train",
            format!("leave a part of it out, such as {head}"),
        ))
    }

    /// The learned tensors that a name means: itself and all below it (`features` means `features.conv0.weight`), or,
    /// of a pattern with `*`, `?` or `[`, every name that it matches from end to end.
    ///
    /// # Errors
    /// A name that means none; `option` is the key that it stands in.
    pub fn tensors_named(&self, name: &str, option: &'static str) -> Result<BTreeSet<String>, NetworkError> {
        let pattern = name.contains(WILDCARDS).then(|| Pattern::new(name)).transpose();
        let pattern = pattern.map_err(|error| {
            let rule = format!("{option} has {name:?}, which is not a pattern ({error})");
            NetworkError::new(option, rule, "write a name, or a pattern with * and ?")
        })?;
        let is_meant = |tensor: &String| match &pattern {
            Some(pattern) => pattern.matches(tensor),
            None => (tensor.strip_prefix(name)).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
        };
        let learned = self.nodes.iter().flat_map(Node::learned).map(|(name, _)| name);
        let meant: BTreeSet<String> = learned.filter(is_meant).collect();
        if meant.is_empty() {
            let top = self.top_level_names();
            let top: Vec<&str> = top.iter().map(String::as_str).collect();
            let rule = format!(
                "{option} has {name:?}, which names no learned tensor of this network; at the top it has {}",
                listed(&top)
            );
            let remedy = "write one of these, a longer name, or a pattern such as \"*.norm*\"";
            return Err(NetworkError::new(option, rule, remedy));
        }
        Ok(meant)
    }

    /// The first parts of the learned tensors' names, in the network's order.
    fn top_level_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (name, _) in self.nodes.iter().flat_map(Node::learned) {
            let first = name.split('.').next().unwrap_or_default();
            if !names.iter().any(|earlier| earlier == first) {
                names.push(first.to_owned());
            }
        }
        names
    }

    /// Whether a learned tensor of a node, such as `weight`, is trained.
    pub fn trains(&self, node: &Node, tensor: &str) -> bool {
        self.frozen.is_empty() || !self.frozen.contains(&format!("{}.{tensor}", node.name))
    }

    /// Learned values of a node that are trained.
    pub fn trained_of(&self, node: &Node) -> usize {
        if self.frozen.is_empty() {
            return node.parameters();
        }
        let trained = node.learned().filter(|(name, _)| !self.frozen.contains(name));
        trained.map(|(_, values)| values).sum()
    }

    /// Learned values that are trained.
    pub fn trained_parameters(&self) -> usize {
        self.nodes.iter().map(|node| self.trained_of(node)).sum()
    }

    /// Whether a node has learned tensors, all of which are frozen. Such a normalisation takes its running statistics
    /// for the batch's, and leaves them as they are.
    pub fn is_frozen(&self, node: &Node) -> bool {
        node.parameters() > 0 && self.trained_of(node) == 0
    }

    /// Of each node whether a backward pass reaches it: it has a trained tensor, or reads what such a node gives.
    pub fn tracked(&self) -> Vec<bool> {
        let mut tracked: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            tracked.push(self.trained_of(node) > 0 || node.inputs.iter().any(|&input| tracked[input]));
        }
        tracked
    }

    /// The end of the segments at the network's start that no backward pass reaches: in a training step they run as in
    /// evaluation, and keep nothing. 0 where the first segment is trained.
    pub fn frozen_start(&self) -> NodeId {
        let tracked = self.tracked();
        let is_untracked = |nodes: std::ops::Range<NodeId>| tracked[nodes].iter().all(|&tracked| !tracked);
        let segments = self.segments.iter().map(|segment| segment.nodes.clone());
        let start = segments.take_while(|nodes| is_untracked(nodes.clone()));
        start.last().map_or(0, |nodes| nodes.end)
    }

    /// Of each node whether it is a normalisation behind the frozen start that takes its running statistics.
    pub fn fixed_statistics(&self) -> Vec<bool> {
        let start = self.frozen_start();
        let is_fixed =
            |(id, node): (NodeId, &Node)| node.operation == Operation::BatchNorm && id >= start && self.is_frozen(node);
        self.nodes.iter().enumerate().map(is_fixed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Shape, preset};

    fn graph(name: &str) -> Graph {
        preset(name).unwrap().network.graph(Shape::square(3, 32), 10).unwrap()
    }

    fn frozen(name: &str, names: &[&str]) -> Graph {
        let mut graph = graph(name);
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        graph.freeze(&names).unwrap();
        graph
    }

    #[test]
    fn a_name_freezes_what_is_below_it_and_a_pattern_what_it_matches() {
        let all = graph("densenet-40-12");
        let below = frozen("densenet-40-12", &["features"]);
        // 448 means to 10 classes.
        assert_eq!(below.trained_parameters(), 4490);
        assert!(!below.frozen.contains("classifier.weight") && below.frozen.contains("features.norm5.bias"));
        let norms = frozen("densenet-40-12", &["*.norm*"]);
        let of_norms = all.nodes.iter().filter(|node| node.operation == Operation::BatchNorm);
        let of_norms: usize = of_norms.map(Node::parameters).sum();
        assert_eq!(all.parameters() - norms.trained_parameters(), of_norms);
        // A part of a name is none.
        assert!(all.tensors_named("features.denseblock", "freeze").is_err());
        assert_eq!(all.tensors_named("classifier.bias", "freeze").unwrap().len(), 1);
        assert_eq!(all.trained_parameters(), all.parameters());
    }

    #[test]
    fn a_name_that_means_nothing_is_an_error_that_lists_the_top_and_so_is_all_of_it() {
        let mut resnet = graph("resnet-20");
        assert_eq!(
            resnet.freeze(&["features".to_owned()]).unwrap_err().to_string(),
            "freeze has \"features\", which names no learned tensor of this network; at the top it has conv1, bn1, layer1, \
             layer2, layer3 and fc; write one of these, a longer name, or a pattern such as \"*.norm*\""
        );
        assert_eq!(
            resnet.freeze(&["*".to_owned()]).unwrap_err().to_string(),
            "freeze holds every tensor of the network, and none is left to train; leave a part of it out, such as fc"
        );
        let unclosed = graph("resnet-20").freeze(&["layer[1".to_owned()]).unwrap_err();
        assert!(
            unclosed
                .rule
                .starts_with("freeze has \"layer[1\", which is not a pattern"),
            "{unclosed}"
        );
        // Statistics are not learned.
        assert!(graph("resnet-20").freeze(&["*.running_mean".to_owned()]).is_err());
    }

    #[test]
    fn backward_ends_where_the_frozen_start_does() {
        let segment = |graph: &Graph, index: usize| graph.segments[index].nodes.clone();
        let all = frozen("densenet-40-12", &["features"]);
        // All but the classifier.
        assert_eq!(all.frozen_start(), segment(&all, all.segments.len() - 2).end);
        let tracked = all.tracked();
        assert_eq!(tracked.iter().filter(|&&tracked| tracked).count(), 1);
        let none = graph("densenet-40-12");
        assert_eq!(none.frozen_start(), 0);
        assert!(none.tracked()[1..].iter().all(|&tracked| tracked));
        let stem = frozen("densenet-40-12", &["features.conv0"]);
        assert_eq!(stem.frozen_start(), segment(&stem, 0).end);
        // The block behind the trained stem passes gradients through.
        let middle = frozen("densenet-40-12", &["features.denseblock1"]);
        assert_eq!(middle.frozen_start(), 0);
        assert!(middle.tracked()[1..].iter().all(|&tracked| tracked));
    }

    #[test]
    fn only_a_wholly_frozen_normalisation_behind_a_trained_layer_has_fixed_statistics() {
        let fixed = |graph: &Graph| graph.fixed_statistics().into_iter().filter(|&fixed| fixed).count();
        assert_eq!(fixed(&frozen("densenet-40-12", &["features"])), 0);
        assert_eq!(fixed(&frozen("densenet-40-12", &["*.norm*.weight"])), 0);
        assert_eq!(fixed(&frozen("densenet-40-12", &["features.denseblock2.*"])), 12);
    }
}
