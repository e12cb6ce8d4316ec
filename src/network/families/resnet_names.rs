//! The names of ResNet's tensors in the files of other programs.

use crate::network::ForeignNames;

/// kuangliu's pytorch-cifar: torchvision's layers under other names.
pub const PROJECTED: &[ForeignNames] = &[ForeignNames {
    of: "kuangliu's pytorch-cifar",
    here: of_kuangliu,
    differs: None,
}];

/// akamaster's code for CIFAR, and what follows it: every shape fits, and other channels are added to each other.
pub const PADDED: &[ForeignNames] = &[ForeignNames {
    of: "akamaster's pytorch_resnet_cifar10",
    here: of_kuangliu,
    differs: Some(
        "there a shortcut has zeros before its channels and after them, here (as in the paper's code) after them alone",
    ),
}];

/// `layer2.0.shortcut.0` for `layer2.0.downsample.0`, and `linear` for `fc`.
fn of_kuangliu(name: &str) -> Option<String> {
    if let Some(rest) = name.strip_prefix("linear.") {
        return Some(format!("fc.{rest}"));
    }
    let (block, rest) = name.split_once(".shortcut.")?;
    block.starts_with("layer").then(|| format!("{block}.downsample.{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortcut_and_the_classifier_are_renamed() {
        for (theirs, ours) in [
            (
                "layer2.0.shortcut.1.running_var",
                Some("layer2.0.downsample.1.running_var"),
            ),
            ("linear.bias", Some("fc.bias")),
            ("layer2.0.conv1.weight", None),
            ("stem.shortcut.0.weight", None),
        ] {
            assert_eq!(of_kuangliu(theirs).as_deref(), ours);
        }
    }
}
