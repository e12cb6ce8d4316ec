//! A training step as boxes of time on four levels: passes, segments, layers, operations.

use super::super::profiles::Profile;
use crate::formats::tables::{ProfileKind, ProfileRow};

/// Levels of boxes.
pub const LEVELS: usize = 4;

/// What an operation does, as colours tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Convolutions and linear layers.
    Convolution,
    /// Batch normalization.
    Normalization,
    /// ReLU, dropout, sigmoid.
    Activation,
    /// Concatenation, addition and the like.
    Joining,
    /// Pooling.
    Pooling,
    /// Several operations that are carried out as one.
    Part,
    /// What is no operation.
    Other,
}

impl Work {
    /// All, in the legend's order.
    pub const ALL: [Self; 7] = [
        Self::Convolution,
        Self::Normalization,
        Self::Activation,
        Self::Joining,
        Self::Pooling,
        Self::Part,
        Self::Other,
    ];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Convolution => "convolution, linear",
            Self::Normalization => "batch normalization",
            Self::Activation => "ReLU, dropout, sigmoid",
            Self::Joining => "concatenation, addition",
            Self::Pooling => "pooling",
            Self::Part => "carried out as one",
            Self::Other => "in no node",
        }
    }

    fn of(row: &ProfileRow) -> Self {
        match (row.kind, row.operation.as_str()) {
            (ProfileKind::Part, _) => Self::Part,
            (ProfileKind::Node, "batch normalization") => Self::Normalization,
            (ProfileKind::Node, "ReLU" | "dropout" | "sigmoid") => Self::Activation,
            (ProfileKind::Node, "pooling") => Self::Pooling,
            (ProfileKind::Node, "linear") => Self::Convolution,
            (ProfileKind::Node, operation) if operation.ends_with(" convolution") => Self::Convolution,
            (ProfileKind::Node, _) => Self::Joining,
            _ => Self::Other,
        }
    }
}

/// A box.
#[derive(Clone, Debug, PartialEq)]
pub struct FlameBox<'a> {
    /// Milliseconds from the step's start.
    pub from: f64,
    /// Its end, likewise.
    pub to: f64,
    /// Its level, 0 at the top.
    pub level: usize,
    /// The level below its last one.
    pub until: usize,
    /// What it is.
    pub label: &'a str,
    /// What it does, of operations; none of what holds them.
    pub work: Option<Work>,
    /// Whether it belongs to the backward pass.
    pub is_backward: bool,
}

/// Boxes that grow while neighbours have the same name.
struct Layout<'a> {
    boxes: Vec<FlameBox<'a>>,
    now: f64,
    /// Of the levels that hold operations the box at work.
    open: [Option<usize>; LEVELS - 1],
}

/// The boxes of a step: forward, the loss, backward from the last part to the first, the optimizer, and what is in none.
pub fn boxes<'a>(profile: &Profile<'a>) -> Vec<FlameBox<'a>> {
    let mut layout = Layout {
        boxes: Vec::new(),
        now: 0.0,
        open: [None; LEVELS - 1],
    };
    let of_nodes = || {
        let parts = profile.parts.iter().copied();
        parts.filter(|row| matches!(row.kind, ProfileKind::Node | ProfileKind::Part))
    };
    let others = |kind: ProfileKind| profile.parts.iter().copied().filter(move |row| row.kind == kind);
    for row in of_nodes() {
        layout.operation(row, "forward", row.forward_ns_median, false);
    }
    for row in others(ProfileKind::Loss) {
        layout.alone(&row.name, row.time_ns_median, false);
    }
    for row in of_nodes().collect::<Vec<_>>().into_iter().rev() {
        layout.operation(row, "backward", row.backward_ns_median, true);
    }
    for kind in [ProfileKind::Optimizer, ProfileKind::Between, ProfileKind::Rest] {
        for row in others(kind) {
            layout.alone(&row.name, row.time_ns_median, true);
        }
    }
    layout.boxes
}

impl<'a> Layout<'a> {
    /// An operation below the layer, the segment and the pass that it belongs to.
    fn operation(&mut self, row: &'a ProfileRow, pass: &'a str, time: Option<u64>, is_backward: bool) {
        let width = time.unwrap_or(0) as f64 / 1e6;
        if width <= 0.0 {
            return;
        }
        let (layer, name) = match row.kind {
            ProfileKind::Node => split(&row.name, &row.segment),
            _ => ("", row.name.as_str()),
        };
        let holders = [pass, row.segment.as_str(), layer];
        let levels = match (row.kind, layer) {
            (ProfileKind::Node, "") => 2,
            (ProfileKind::Node, _) => 3,
            _ => 1,
        };
        for (level, label) in holders.into_iter().enumerate() {
            if level >= levels {
                self.open[level..].fill(None);
                break;
            }
            self.hold(level, label, width, is_backward);
        }
        self.push(levels, name, Some(Work::of(row)), width, is_backward);
        self.now += width;
    }

    /// A box that reaches over all levels.
    fn alone(&mut self, label: &'a str, time: Option<i64>, is_backward: bool) {
        let width = time.unwrap_or(0) as f64 / 1e6;
        if width <= 0.0 {
            return;
        }
        self.open = [None; LEVELS - 1];
        self.push(0, label, Some(Work::Other), width, is_backward);
        self.now += width;
    }

    /// Lets the box of a level grow, or opens another one.
    fn hold(&mut self, level: usize, label: &'a str, width: f64, is_backward: bool) {
        if let Some(open) = self.open[level]
            && self.boxes[open].label == label
        {
            self.boxes[open].to += width;
            return;
        }
        self.open[level..].fill(None);
        self.open[level] = Some(self.boxes.len());
        self.push(level, label, None, width, is_backward);
    }

    fn push(&mut self, level: usize, label: &'a str, work: Option<Work>, width: f64, is_backward: bool) {
        self.boxes.push(FlameBox {
            from: self.now,
            to: self.now + width,
            level,
            until: if work.is_some() { LEVELS } else { level + 1 },
            label,
            work,
            is_backward,
        });
    }
}

/// `features.denseblock1.denselayer2.conv1` of the segment `denseblock1` as the layer `denselayer2` and its `conv1`.
fn split<'a>(name: &'a str, segment: &str) -> (&'a str, &'a str) {
    let name = name.strip_prefix("features.").unwrap_or(name);
    let inner = name.strip_prefix(segment).and_then(|rest| rest.strip_prefix('.'));
    let name = inner.filter(|inner| !inner.is_empty()).unwrap_or(name);
    name.rsplit_once('.').unwrap_or(("", name))
}

#[cfg(test)]
mod tests {
    use super::super::super::groups::Grouped;
    use super::super::super::profiles::profiles;
    use super::super::super::samples::{measured, with_profile};
    use super::*;

    #[test]
    fn a_name_is_a_layer_and_its_operation_within_its_segment() {
        for (name, segment, parts) in [
            (
                "features.denseblock1.denselayer2.conv1",
                "denseblock1",
                ("denselayer2", "conv1"),
            ),
            ("features.conv0", "stem", ("", "conv0")),
            ("layer1.0.conv1", "layer1.0", ("", "conv1")),
            ("layer1.0.downsample.0", "layer1.0", ("downsample", "0")),
            ("classifier", "classifier", ("", "classifier")),
            ("features.transition1.norm", "denseblock1", ("transition1", "norm")),
        ] {
            assert_eq!(split(name, segment), parts, "{name}");
        }
    }

    #[test]
    fn boxes_lie_within_those_above_them_and_fill_the_step() {
        let study = with_profile(measured(&["base"], &[16]));
        let grouped = Grouped::of(&study);
        let (found, _) = profiles(&grouped);
        let boxes = boxes(&found[0]);
        let leaves: Vec<&FlameBox<'_>> = boxes.iter().filter(|one| one.work.is_some()).collect();
        assert!(leaves.windows(2).all(|pair| (pair[0].to - pair[1].from).abs() < 1e-9));
        let end = leaves.last().unwrap().to;
        assert!(
            (end - found[0].step.time_ns_median.unwrap() as f64 / 1e6).abs() < 1e-6,
            "{end}"
        );
        for one in boxes.iter().filter(|one| one.level > 0) {
            let holds = |other: &&FlameBox<'_>| {
                other.until == one.level && other.from <= one.from + 1e-9 && one.to <= other.to + 1e-9
            };
            assert_eq!(boxes.iter().filter(holds).count(), 1, "{one:?}");
        }
    }

    #[test]
    fn the_backward_pass_goes_from_the_last_layer_to_the_first() {
        let study = with_profile(measured(&["base"], &[16]));
        let grouped = Grouped::of(&study);
        let (found, _) = profiles(&grouped);
        let of_pass = |is_backward: bool| -> Vec<String> {
            let boxes = boxes(&found[0]).into_iter();
            let boxes = boxes.filter(|one| one.is_backward == is_backward && one.level == 1 && one.work.is_none());
            boxes.map(|one| one.label.to_owned()).collect()
        };
        let (forward, mut backward) = (of_pass(false), of_pass(true));
        backward.reverse();
        assert!(forward.len() > 2);
        assert_eq!(forward, backward);
    }
}
