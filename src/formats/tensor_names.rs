//! Which tensor of a file is which tensor of a network: names behind a prefix, names of other programs.

use std::collections::{BTreeMap, BTreeSet};

use crate::network::{ForeignNames, Graph, Node};

/// A file's tensors as its header has them: shapes by name.
pub(super) type Shapes = BTreeMap<String, Vec<usize>>;

/// Parts of names that wrappers of PyTorch's insert, anywhere: DataParallel and DistributedDataParallel, torch.compile,
/// FSDP, activation checkpointing, Lightning's Fabric.
const WRAPPERS: [&str; 5] = [
    "module",
    "_orig_mod",
    "_fsdp_wrapped_module",
    "_checkpoint_wrapped_module",
    "_forward_module",
];

/// Last parts of names that are no weights: PyTorch's counts of batches and of averaged models, and what a counter of
/// operations leaves in a module.
const BOOKKEEPING: [&str; 4] = ["num_batches_tracked", "n_averaged", "total_ops", "total_params"];

/// The names that a classifier has elsewhere.
const HEADS: [&str; 10] = [
    "classifier",
    "fc",
    "head",
    "last_linear",
    "head.fc",
    "classifier.0",
    "classifier.1",
    "fc.0",
    "fc.1",
    "output",
];

/// Parts of a name in front of which a prefix may end, and the longest name that is looked through: no more is read into
/// a name than people write.
const DEEPEST_PREFIX: usize = 8;
const LONGEST_NAME: usize = 512;

/// Prefixes that are tried: a name such as `conv1.weight` ends others of the same network.
const MOST_PREFIXES: usize = 256;

/// A prefix has at least one of so many of the network's tensors behind it.
const LEAST_SHARE: usize = 4;

/// How a name in the file differs from that of the network's tensor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Renaming {
    /// Parts that a wrapper inserted, `module.`.
    Wrapper(String),
    /// A prefix, `model.`.
    Prefix(String),
    /// A form of [`ForeignNames`], by its place in the list.
    Form(usize),
    /// The classifier's name.
    Head(String),
}

/// A file's tensors held against a network's.
#[derive(Clone, Debug, Default)]
pub(super) struct Matching {
    /// The names in the file of each tensor of the network; several where they collide.
    pub found: BTreeMap<String, Vec<String>>,
    /// Tensors of the network that the file lacks, in the network's order.
    pub missing: Vec<String>,
    /// Names in the file that are of no tensor of the network: as the network would have them, and as they are.
    pub others: BTreeMap<String, String>,
    /// The prefix that was taken off.
    pub prefix: String,
    /// Other prefixes under which the whole network is there too.
    pub also_under: Vec<String>,
    /// How many of the network's names differ in which way, with an example: the file's name and the network's.
    pub renamings: BTreeMap<Renaming, (usize, [String; 2])>,
}

/// A name in the file, read as one of a network.
struct Reading {
    /// As the network would have it.
    name: String,
    renamings: Vec<Renaming>,
}

impl Matching {
    /// The file's tensors as those of a network.
    pub fn of(shapes: &Shapes, graph: &Graph, forms: &[ForeignNames]) -> Self {
        let expected: Vec<(String, Vec<usize>)> = graph.tensors().collect();
        let Some((first, _)) = expected.first() else {
            return Self::default();
        };
        let mut best: Option<Self> = None;
        for prefix in prefixes(shapes, first, forms) {
            let mut matching = Self::under(&prefix, shapes, &expected, forms);
            let is_whole = |matching: &Self| matching.missing.is_empty();
            match &mut best {
                Some(best) if is_whole(best) && is_whole(&matching) => best.also_under.push(matching.prefix),
                Some(best) if best.found.len() >= matching.found.len() => {}
                // One name that happens to end like the first tensor's makes no prefix.
                Some(_) if matching.found.len() < expected.len() / LEAST_SHARE => {}
                best => {
                    matching.also_under = Vec::new();
                    *best = Some(matching);
                }
            }
        }
        best.unwrap_or_default()
    }

    fn under(prefix: &str, shapes: &Shapes, expected: &[(String, Vec<usize>)], forms: &[ForeignNames]) -> Self {
        let names: BTreeSet<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
        let mut matching = Self {
            prefix: prefix.to_owned(),
            ..Self::default()
        };
        for theirs in shapes.keys().filter(|name| !is_bookkeeping(name)) {
            match reading(theirs, prefix, forms, &names) {
                Some(reading) if names.contains(reading.name.as_str()) => matching.take(theirs, reading),
                Some(reading) => {
                    matching.others.insert(reading.name, theirs.clone());
                }
                None => {
                    matching.others.insert(theirs.clone(), theirs.clone());
                }
            }
        }
        matching.take_head(expected);
        let is_missing = |(name, _): &&(String, Vec<usize>)| !matching.found.contains_key(name);
        matching.missing = expected
            .iter()
            .filter(is_missing)
            .map(|(name, _)| name.clone())
            .collect();
        matching
    }

    fn take(&mut self, theirs: &str, reading: Reading) {
        for renaming in reading.renamings {
            let example = || (0, [theirs.to_owned(), reading.name.clone()]);
            self.renamings.entry(renaming).or_insert_with(example).0 += 1;
        }
        self.found.entry(reading.name).or_default().push(theirs.to_owned());
    }

    /// Leaves the classifier out, whatever the file has of it.
    pub fn leave_out_head(&mut self, graph: &Graph) {
        let tensors = graph.nodes.last().map(Node::tensors).unwrap_or_default();
        for (name, _) in tensors {
            self.found.remove(&name);
            self.missing.retain(|missing| *missing != name);
        }
        self.renamings
            .retain(|renaming, _| !matches!(renaming, Renaming::Head(_)));
    }

    /// A classifier under another name: the network's is missing, and only one other has its weight and bias.
    fn take_head(&mut self, expected: &[(String, Vec<usize>)]) {
        let Some(own) = expected.last().and_then(|(name, _)| name.rsplit_once('.')) else {
            return;
        };
        let parts = ["weight", "bias"];
        let named = |head: &str, part: &str| format!("{head}.{part}");
        if parts.iter().any(|part| self.found.contains_key(&named(own.0, part))) {
            return;
        }
        let is_there = |head: &&&str| parts.iter().all(|part| self.others.contains_key(&named(head, part)));
        let heads: Vec<&&str> = HEADS.iter().filter(is_there).collect();
        let [head] = heads[..] else { return };
        for part in parts {
            if let Some(theirs) = self.others.remove(&named(head, part)) {
                let renamings = match *head == own.0 {
                    // It stands outside the prefix of the rest.
                    true => Vec::new(),
                    false => vec![Renaming::Head((*head).to_owned())],
                };
                let name = named(own.0, part);
                self.take(&theirs, Reading { name, renamings });
            }
        }
    }
}

/// Whether a tensor is none of a network's weights, whatever the network.
pub(super) fn is_bookkeeping(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    BOOKKEEPING.contains(&last)
}

/// A name without a wrapper's parts, and those parts.
fn unwrapped(name: &str) -> (String, Vec<Renaming>) {
    let (inserted, own): (Vec<&str>, Vec<&str>) = name.split('.').partition(|part| WRAPPERS.contains(part));
    let inserted: BTreeSet<&str> = inserted.into_iter().collect();
    let renamings = inserted.into_iter().map(|part| Renaming::Wrapper(format!("{part}.")));
    (own.join("."), renamings.collect())
}

/// A name without its prefix, as the network would have it; none for a name that has not the prefix.
fn reading(theirs: &str, prefix: &str, forms: &[ForeignNames], names: &BTreeSet<&str>) -> Option<Reading> {
    if names.contains(theirs) && prefix.is_empty() {
        let renamings = Vec::new();
        let name = theirs.to_owned();
        return Some(Reading { name, renamings });
    }
    if theirs.len() > LONGEST_NAME {
        return None;
    }
    let (plain, mut renamings) = unwrapped(theirs);
    let rest = plain.strip_prefix(prefix)?;
    if !prefix.is_empty() {
        renamings.push(Renaming::Prefix(prefix.to_owned()));
    }
    let (name, form) = translated(rest, forms, |name| names.contains(name));
    renamings.extend(form.map(Renaming::Form));
    Some(Reading { name, renamings })
}

/// A name as this program has it, and the form that it was of.
fn translated(name: &str, forms: &[ForeignNames], is_ours: impl Fn(&str) -> bool) -> (String, Option<usize>) {
    if !is_ours(name) {
        for (index, form) in forms.iter().enumerate() {
            if let Some(here) = (form.here)(name) {
                return (here, Some(index));
            }
        }
    }
    (name.to_owned(), None)
}

/// What may stand before the network's names: nothing, or what stands before the name of its first tensor.
fn prefixes(shapes: &Shapes, first: &str, forms: &[ForeignNames]) -> Vec<String> {
    let mut found = BTreeSet::from([String::new()]);
    for name in shapes.keys().filter(|name| name.len() <= LONGEST_NAME) {
        let (plain, _) = unwrapped(name);
        for (dot, _) in plain.match_indices('.').take(DEEPEST_PREFIX) {
            if found.len() < MOST_PREFIXES && translated(&plain[dot + 1..], forms, |name| name == first).0 == first {
                found.insert(plain[..=dot].to_owned());
            }
        }
    }
    found.extend(common_prefix(shapes));
    found.into_iter().collect()
}

/// What stands before all names, up to a point between their parts.
fn common_prefix(shapes: &Shapes) -> Option<String> {
    let mut names = shapes
        .keys()
        .filter(|name| !is_bookkeeping(name))
        .map(|name| unwrapped(name).0);
    let mut common = names.next().filter(|name| name.len() <= LONGEST_NAME)?;
    for name in names {
        let bytes = common.bytes().zip(name.bytes());
        let same = bytes.take_while(|(one, other)| one == other).count();
        let end = common.as_bytes()[..same].iter().rposition(|&byte| byte == b'.');
        common.truncate(end.map_or(0, |dot| dot + 1));
    }
    (common.ends_with('.')).then_some(common)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Shape, presets};

    fn small() -> (Graph, &'static [ForeignNames]) {
        let preset = &presets()[0];
        let graph = preset.network.graph(Shape::square(3, 32), 10).unwrap();
        (graph, preset.network.foreign_names())
    }

    fn renamed(graph: &Graph, rename: impl Fn(&str) -> String) -> Shapes {
        graph.tensors().map(|(name, shape)| (rename(&name), shape)).collect()
    }

    #[test]
    fn the_own_names_match_without_a_renaming() {
        let (graph, forms) = small();
        let mut shapes = renamed(&graph, str::to_owned);
        shapes.insert("features.norm5.num_batches_tracked".to_owned(), Vec::new());
        let matching = Matching::of(&shapes, &graph, forms);
        assert!(matching.missing.is_empty() && matching.others.is_empty() && matching.renamings.is_empty());
        assert_eq!(matching.found.len(), graph.tensors().count());
    }

    #[test]
    fn every_presets_tensors_are_found_behind_every_prefix() {
        for preset in presets() {
            let image = Shape::square(3, preset.network.usual_side());
            let graph = preset.network.graph(image, preset.classes).unwrap();
            for prefix in ["", "module.", "model.", "model._orig_mod.", "net.module.backbone."] {
                let shapes = renamed(&graph, |name| format!("{prefix}{name}"));
                let matching = Matching::of(&shapes, &graph, preset.network.foreign_names());
                assert!(
                    matching.missing.is_empty() && matching.others.is_empty(),
                    "{}",
                    preset.name
                );
                assert!(matching.also_under.is_empty(), "{}", preset.name);
                for (name, theirs) in &matching.found {
                    assert_eq!(theirs, &[format!("{prefix}{name}")], "{}", preset.name);
                }
            }
        }
    }

    #[test]
    fn a_network_that_is_there_under_two_prefixes_names_both() {
        let (graph, forms) = small();
        let mut shapes = renamed(&graph, |name| format!("model.{name}"));
        shapes.extend(renamed(&graph, |name| format!("ema.{name}")));
        let matching = Matching::of(&shapes, &graph, forms);
        assert!(matching.missing.is_empty());
        assert_eq!(
            (matching.prefix.as_str(), matching.also_under),
            ("ema.", vec!["model.".to_owned()])
        );
    }

    #[test]
    fn a_name_with_and_without_its_wrapper_collides() {
        let (graph, forms) = small();
        let mut shapes = renamed(&graph, str::to_owned);
        shapes.insert("module.classifier.bias".to_owned(), vec![10]);
        let matching = Matching::of(&shapes, &graph, forms);
        assert_eq!(
            matching.found["classifier.bias"],
            ["classifier.bias", "module.classifier.bias"]
        );
    }

    #[test]
    fn names_with_many_parts_and_long_ones_are_looked_through_no_further() {
        let (graph, forms) = small();
        let mut shapes = Shapes::new();
        shapes.insert(".".repeat(100_000), Vec::new());
        shapes.insert("a.".repeat(200), Vec::new());
        let matching = Matching::of(&shapes, &graph, forms);
        assert_eq!((matching.found.len(), matching.others.len()), (0, 2));
    }
}
