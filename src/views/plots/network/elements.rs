//! What a drawing shows within a stage: lines of operations, branches side by side, and how often the same is repeated.

use super::operations::{Role, role, short};
use crate::network::{Graph, NodeId, Part};
use crate::words::counted;

/// Operations that are looked for as one repeated group.
const LONGEST_GROUP: usize = 12;

/// A piece of a stage, from top to bottom.
#[derive(Clone, Debug, PartialEq)]
pub enum Element {
    /// Operations one behind the other.
    Line(String),
    /// The same several times, one behind the other.
    Repeat {
        /// How often.
        count: usize,
        /// What is repeated.
        elements: Vec<Element>,
    },
    /// Branches side by side that an operation joins. A branch without elements is the input itself.
    Parallel {
        /// The branches.
        branches: Vec<Vec<Element>>,
        /// What joins them.
        join: String,
    },
}

/// A part before operations are gathered into lines. Two that are equal do the same, whatever the number of channels that
/// they read.
#[derive(Clone, Debug, PartialEq)]
enum Item {
    Operation { words: String, role: Role },
    Element(Element),
}

/// The elements of parts of a graph.
pub fn elements(graph: &Graph, parts: &[Part]) -> Vec<Element> {
    let items: Vec<Item> = parts.iter().map(|part| item(graph, part)).collect();
    let mut elements = Vec::new();
    let mut single = 0;
    let mut at = 0;
    while at < items.len() {
        let (period, count) = repetition(&items[at..]);
        if count > 1 && !is_tail(&items[at..], period * count) {
            elements.extend(lines(&items[single..at]));
            elements.push(repeated(count, lines(&items[at..at + period])));
            at += period * count;
            single = at;
        } else {
            at += 1;
        }
    }
    elements.extend(lines(&items[single..]));
    elements
}

impl Item {
    /// Whether a group may start with it: what stands beside something else may be the end of the group before.
    fn is_head(&self) -> bool {
        match self {
            Self::Operation { role, .. } => *role == Role::Main,
            Self::Element(_) => true,
        }
    }
}

/// Whether the first item is rather the end of what stands before the same repetition: the ReLU behind a residual block's sum,
/// where equal blocks follow.
fn is_tail(items: &[Item], covered: usize) -> bool {
    let [first, rest @ ..] = items else { return false };
    let (period, count) = repetition(rest);
    !first.is_head() && rest.first().is_some_and(Item::is_head) && period * count >= covered
}

fn item(graph: &Graph, part: &Part) -> Item {
    let words = |id: NodeId| graph.nodes.get(id).map_or_else(String::new, short);
    match part {
        Part::Node(id) => Item::Operation {
            words: words(*id),
            role: graph.nodes.get(*id).map_or(Role::Beside, |node| role(node.operation)),
        },
        Part::Parallel { branches, join } => Item::Element(Element::Parallel {
            branches: branches.iter().map(|branch| elements(graph, branch)).collect(),
            join: words(*join),
        }),
        Part::Crossed { nodes, join } => {
            let weighted = nodes.iter().filter(|&&id| graph.nodes[id].is_weighted()).count();
            let layers = counted(weighted, "convolution");
            let line = format!("{layers} that read outputs of one another; {} of all", words(*join));
            Item::Element(Element::Line(line))
        }
    }
}

/// How many items at the start are repeated, and how often they stand there in all: of several ways the one that takes most.
fn repetition(items: &[Item]) -> (usize, usize) {
    let mut best = (1, 1);
    for period in 1..=LONGEST_GROUP.min(items.len() / 2) {
        let group = &items[..period];
        let count = items.chunks_exact(period).take_while(|other| *other == group).count();
        if count > 1 && count * period > best.0 * best.1 {
            best = (period, count);
        }
    }
    best
}

/// Repeated elements: of a single line that says so, in one line.
fn repeated(count: usize, elements: Vec<Element>) -> Element {
    match &elements[..] {
        [Element::Line(line)] => Element::Line(format!("{count} \u{d7} ({line})")),
        _ => Element::Repeat { count, elements },
    }
}

/// Operations gathered into lines: one of a line is what it is about. Where that comes first, a line ends before the next one;
/// where a normalisation comes first, as in pre-activation order, a line ends with it.
fn lines(items: &[Item]) -> Vec<Element> {
    let mut elements = Vec::new();
    for run in items.chunk_by(|a, b| matches!((a, b), (Item::Operation { .. }, Item::Operation { .. }))) {
        let mut operations = Vec::new();
        for item in run {
            match item {
                Item::Operation { words, role } => operations.push((words.as_str(), *role)),
                Item::Element(element) => elements.push(element.clone()),
            }
        }
        elements.extend(lines_of(&operations));
    }
    elements
}

fn lines_of(operations: &[(&str, Role)]) -> Vec<Element> {
    let ends_with_main = operations.first().is_some_and(|(_, role)| *role != Role::Main);
    let mut lines: Vec<Vec<&str>> = Vec::new();
    let mut has_main = false;
    for &(words, role) in operations {
        let is_next = match (ends_with_main, role) {
            (_, Role::Behind) => false,
            (true, _) => has_main,
            (false, _) => role == Role::Main,
        };
        match lines.last_mut() {
            Some(line) if !is_next => line.push(words),
            _ => {
                lines.push(vec![words]);
                has_main = false;
            }
        }
        has_main |= role == Role::Main;
    }
    lines.iter().map(|line| Element::Line(line.join(", "))).collect()
}

/// What follows each convolution in an Inception network.
const ENDING: &str = ", BN, ReLU";
/// With so many lines about a convolution their common ending is worth a word of its own.
const MANY: usize = 4;

/// Takes the normalisation and the ReLU behind each convolution out of the lines where every one of many has both, so that
/// branches side by side have room; whether it did.
pub fn take_common_ending(elements: &mut [Element]) -> bool {
    let mut all = true;
    let mut count = 0;
    for_each_line(elements, &mut |line| {
        if line.contains(" conv ") {
            count += 1;
            all &= line.ends_with(ENDING) && line.matches(" conv ").count() == 1;
        }
    });
    let is_common = all && count >= MANY;
    if is_common {
        for_each_line(elements, &mut |line| {
            if line.contains(" conv ") {
                line.truncate(line.len() - ENDING.len());
            }
        });
    }
    is_common
}

fn for_each_line(elements: &mut [Element], each: &mut dyn FnMut(&mut String)) {
    for element in elements {
        match element {
            Element::Line(line) => each(line),
            Element::Repeat { elements, .. } => for_each_line(elements, each),
            Element::Parallel { branches, .. } => {
                for branch in branches {
                    for_each_line(branch, each);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Shape, Ways, preset};

    /// The elements of a block of a preset.
    fn block(name: &str, block: usize) -> Vec<Element> {
        let preset = preset(name).unwrap();
        let image = Shape::square(3, preset.network.usual_side());
        let graph = preset.network.graph(image, preset.classes).unwrap();
        let nodes = graph.blocks[block].nodes.clone();
        let parts = Ways::of(&graph).parts(0, graph.nodes.len() - 1);
        let parts: Vec<Part> = parts.into_iter().filter(|part| nodes.contains(&part.last())).collect();
        elements(&graph, &parts)
    }

    fn line(words: &str) -> Element {
        Element::Line(words.to_owned())
    }

    #[test]
    fn equal_dense_layers_are_one_that_is_repeated() {
        assert_eq!(
            block("densenet-bc-100-12", 1),
            [Element::Repeat {
                count: 16,
                elements: vec![Element::Parallel {
                    branches: vec![
                        Vec::new(),
                        vec![line("BN, ReLU, 1x1 conv 48"), line("BN, ReLU, 3x3 conv 12")],
                    ],
                    join: "concatenation".to_owned(),
                }],
            }]
        );
    }

    #[test]
    fn a_residual_stage_has_its_first_block_and_the_repeated_others() {
        let found = block("resnet-50", 1);
        let bottleneck = |first: &str| {
            vec![
                line("1x1 conv 128, BN, ReLU"),
                line(&format!("3x3 conv 128{first}, BN, ReLU")),
                line("1x1 conv 512, BN"),
            ]
        };
        let [
            Element::Parallel { branches, join },
            relu,
            Element::Repeat { count, elements },
        ] = &found[..]
        else {
            panic!("{found:?}");
        };
        assert_eq!((join.as_str(), relu, *count), ("addition", &line("ReLU"), 3));
        assert_eq!(
            branches,
            &[bottleneck(", stride 2"), vec![line("1x1 conv 512, stride 2, BN")]]
        );
        let Element::Parallel { branches, .. } = &elements[0] else {
            panic!("{elements:?}");
        };
        assert_eq!(branches, &[bottleneck(""), Vec::new()]);
    }

    #[test]
    fn repeated_operations_are_one_line() {
        let operation = |words: &str, role| Item::Operation {
            words: words.to_owned(),
            role,
        };
        let group = [operation("3x3 conv 8", Role::Main), operation("ReLU", Role::Beside)];
        let items = [&group[..], &group[..], &group[..1]].concat();
        assert_eq!(repetition(&items), (2, 2));
        let graph = preset("vgg-16")
            .unwrap()
            .network
            .graph(Shape::square(3, 32), 10)
            .unwrap();
        let parts = Ways::of(&graph).parts(0, 5);
        assert_eq!(
            elements(&graph, &parts),
            [line("2 \u{d7} (3x3 conv 64, ReLU)"), line("2x2 max pool, stride 2")]
        );
    }
    #[test]
    fn what_follows_every_convolution_of_an_inception_block_is_said_once() {
        let mut elements = block("googlenet", 0);
        assert!(take_common_ending(&mut elements));
        let [Element::Parallel { branches, join }] = &elements[..] else {
            panic!("{elements:?}");
        };
        assert_eq!(join, "concatenation");
        assert_eq!(branches[0], [line("1x1 conv 64")]);
        assert_eq!(branches[1], [line("1x1 conv 96"), line("3x3 conv 128")]);
        assert_eq!(branches[3], [line("3x3 max pool"), line("1x1 conv 32")]);
        let mut residual = block("resnet-50", 0);
        let before = residual.clone();
        assert!(!take_common_ending(&mut residual));
        assert_eq!(residual, before);
    }
}
