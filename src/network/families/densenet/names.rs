//! The names of DenseNet's tensors in the files of other programs.

use crate::network::ForeignNames;
use crate::network::foreign_names::numbered;

/// Every form that is known.
pub const FOREIGN_NAMES: &[ForeignNames] = &[
    ForeignNames {
        of: "torchvision's old form",
        here: of_old_torchvision,
        differs: None,
    },
    ForeignNames {
        of: "efficient_densenet_pytorch",
        here: of_efficient,
        differs: None,
    },
    // Their own torch.cat has the new maps first: the channels of every later layer stand in another order.
    ForeignNames {
        of: "kuangliu's pytorch-cifar",
        here: of_kuangliu,
        differs: Some("there each dense layer puts its new feature maps before the others, here after them"),
    },
    ForeignNames {
        of: "the CIFAR code of A. Veit and B. Amos",
        here: of_blocks,
        differs: None,
    },
];

/// Until 2017, and in the files that torchvision still offers, a dense layer's parts were `norm.1` and `conv.1`.
fn of_old_torchvision(name: &str) -> Option<String> {
    let (block, rest) = numbered(name, "features.denseblock", ".")?;
    let (layer, rest) = numbered(rest, "denselayer", ".")?;
    let (part, rest) = ["norm", "conv"].iter().find_map(|part| {
        let (number, rest) = numbered(rest, &format!("{part}."), ".")?;
        Some((format!("{part}{number}"), rest))
    })?;
    Some(format!("features.denseblock{block}.denselayer{layer}.{part}.{rest}"))
}

fn of_efficient(name: &str) -> Option<String> {
    let rest = name.strip_prefix("features.norm_final.")?;
    Some(format!("features.norm5.{rest}"))
}

/// What kuangliu's network alone has: `trans1.bn` and `bn`; `dense1.0.bn1` is as in the other code, and `linear` may be
/// anyone's.
fn of_kuangliu(name: &str) -> Option<String> {
    if let Some((number, rest)) = numbered(name, "trans", ".") {
        return transition(number, rest, "bn.", "conv.");
    }
    let rest = name.strip_prefix("bn.")?;
    Some(format!("features.norm5.{rest}"))
}

/// `block1.layer.0.bn1` (A. Veit) or `dense1.0.bn1` (B. Amos), `trans1.bn1`, `bn1` and `fc`.
fn of_blocks(name: &str) -> Option<String> {
    let block = numbered(name, "block", ".layer.").or_else(|| numbered(name, "dense", "."));
    if let Some((block, rest)) = block {
        let (layer, rest) = numbered(rest, "", ".")?;
        let (part, rest) = rest.split_once('.')?;
        let part = match part {
            "bn1" => "norm1",
            "bn2" => "norm2",
            "conv1" | "conv2" => part,
            _ => return None,
        };
        let layer = layer.checked_add(1)?;
        return Some(format!("features.denseblock{block}.denselayer{layer}.{part}.{rest}"));
    }
    if let Some((number, rest)) = numbered(name, "trans", ".") {
        return transition(number, rest, "bn1.", "conv1.");
    }
    let parts = [
        ("conv1.", "features.conv0."),
        ("bn1.", "features.norm5."),
        ("fc.", "classifier."),
        ("linear.", "classifier."),
    ];
    parts
        .iter()
        .find_map(|(theirs, ours)| Some(format!("{ours}{}", name.strip_prefix(theirs)?)))
}

fn transition(number: usize, rest: &str, norm: &str, convolution: &str) -> Option<String> {
    let rest = match (rest.strip_prefix(norm), rest.strip_prefix(convolution)) {
        (Some(rest), _) => format!("norm.{rest}"),
        (_, Some(rest)) => format!("conv.{rest}"),
        _ => return None,
    };
    Some(format!("features.transition{number}.{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(name: &str) -> Vec<(&'static str, String)> {
        let forms = FOREIGN_NAMES.iter();
        forms.filter_map(|form| Some((form.of, (form.here)(name)?))).collect()
    }

    #[test]
    fn each_form_is_renamed_to_the_names_here() {
        for (theirs, ours) in [
            (
                "features.denseblock1.denselayer2.norm.1.running_mean",
                "features.denseblock1.denselayer2.norm1.running_mean",
            ),
            (
                "features.denseblock4.denselayer16.conv.2.weight",
                "features.denseblock4.denselayer16.conv2.weight",
            ),
            ("features.norm_final.bias", "features.norm5.bias"),
            ("trans2.bn.weight", "features.transition2.norm.weight"),
            ("trans2.conv.weight", "features.transition2.conv.weight"),
            ("trans2.bn1.weight", "features.transition2.norm.weight"),
            ("trans2.conv1.weight", "features.transition2.conv.weight"),
            ("dense1.0.bn2.weight", "features.denseblock1.denselayer1.norm2.weight"),
            (
                "block3.layer.11.conv1.weight",
                "features.denseblock3.denselayer12.conv1.weight",
            ),
            ("conv1.weight", "features.conv0.weight"),
            ("bn1.weight", "features.norm5.weight"),
            ("linear.weight", "classifier.weight"),
            ("fc.bias", "classifier.bias"),
        ] {
            let found = here(theirs);
            assert_eq!(found.len(), 1, "{theirs}: {found:?}");
            assert_eq!(found[0].1, ours);
        }
    }

    #[test]
    fn the_names_here_are_of_no_foreign_form() {
        for ours in [
            "features.conv0.weight",
            "features.norm0.bias",
            "features.denseblock1.denselayer1.norm1.weight",
            "features.denseblock1.denselayer1.conv2.weight",
            "features.transition1.norm.weight",
            "features.norm5.weight",
            "classifier.weight",
        ] {
            assert_eq!(here(ours), [], "{ours}");
        }
    }
}
