//! The paper's networks, torchvision's and the article's by name.

use serde::{Deserialize, Serialize};

use super::densenet::{DenseNet, Initialization, Stem};

/// Test errors that the paper prints, as shares from 0 to 1 (Table 2, with augmentation: C10+ and C100+).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedError {
    /// CIFAR-10 with augmentation.
    pub cifar10: f64,
    /// CIFAR-100 with augmentation.
    pub cifar100: f64,
}

/// A network with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// The name, `densenet-bc-100-12`.
    pub name: &'static str,
    /// Its options.
    pub network: DenseNet,
    /// What the paper prints for it, if anything.
    pub published: Option<PublishedError>,
    /// Classes that `describe PRESET` assumes.
    pub classes: usize,
}

/// Every preset, the paper's Table 2 first.
pub fn presets() -> Vec<Preset> {
    let basic = |name, layers, growth_rate, cifar10, cifar100| Preset {
        name,
        network: DenseNet {
            growth_rate,
            block_layers: vec![layers; 3],
            ..DenseNet::BASIC
        },
        published: Some(PublishedError { cifar10, cifar100 }),
        classes: 10,
    };
    let compressed = |name, layers, growth_rate: usize, cifar10, cifar100| {
        let preset = basic(name, layers, growth_rate, cifar10, cifar100);
        Preset {
            network: DenseNet {
                bottleneck: true,
                compression: 0.5,
                initial_channels: 2 * growth_rate,
                ..preset.network
            },
            ..preset
        }
    };
    let imagenet = |name, block_layers: [usize; 4], growth_rate: usize| Preset {
        name,
        network: DenseNet {
            block_layers: block_layers.to_vec(),
            growth_rate,
            bottleneck: true,
            compression: 0.5,
            initial_channels: 2 * growth_rate,
            stem: Stem::Imagenet,
            initialization: Initialization::HeFanIn,
            ..DenseNet::BASIC
        },
        published: None,
        classes: 1000,
    };
    let article = imagenet("article", [6, 12, 24, 16], 12);
    vec![
        basic("densenet-40-12", 12, 12, 0.0524, 0.2442),
        basic("densenet-100-12", 32, 12, 0.0410, 0.2020),
        basic("densenet-100-24", 32, 24, 0.0374, 0.1925),
        compressed("densenet-bc-100-12", 16, 12, 0.0451, 0.2227),
        compressed("densenet-bc-250-24", 41, 24, 0.0362, 0.1760),
        compressed("densenet-bc-190-40", 31, 40, 0.0346, 0.1718),
        imagenet("densenet-121", [6, 12, 24, 16], 32),
        imagenet("densenet-161", [6, 12, 36, 24], 48),
        imagenet("densenet-169", [6, 12, 32, 32], 32),
        imagenet("densenet-201", [6, 12, 48, 32], 32),
        imagenet("densenet-264", [6, 12, 64, 48], 32),
        Preset {
            network: DenseNet {
                initial_channels: 32,
                transition_relu: false,
                final_relu: false,
                ..article.network
            },
            classes: 40,
            ..article
        },
    ]
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
    nearest.map_or("densenet-bc-100-12", |preset| preset.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Shape;

    fn counts(name: &str, side: usize, classes: usize) -> (usize, u64) {
        let plan = preset(name)
            .unwrap()
            .network
            .plan(
                Shape {
                    channels: 3,
                    height: side,
                    width: side,
                },
                classes,
            )
            .unwrap();
        (plan.parameters(), plan.macs())
    }

    #[test]
    fn parameters_equal_the_counts_of_the_reference_implementations() {
        // torchvision for the imagenet stem; the authors' code for the others (the paper prints them rounded).
        for (name, side, classes, parameters) in [
            ("densenet-40-12", 32, 10, 1_019_722),
            ("densenet-100-12", 32, 10, 6_979_642),
            ("densenet-100-24", 32, 10, 27_249_082),
            ("densenet-bc-100-12", 32, 10, 769_162),
            ("densenet-bc-250-24", 32, 10, 15_324_406),
            ("densenet-bc-190-40", 32, 10, 25_624_430),
            ("densenet-121", 224, 1000, 7_978_856),
            ("densenet-161", 224, 1000, 28_681_000),
            ("densenet-169", 224, 1000, 14_149_480),
            ("densenet-201", 224, 1000, 20_013_928),
            ("article", 224, 40, 1_026_704),
        ] {
            assert_eq!(counts(name, side, classes).0, parameters, "{name}");
        }
    }

    #[test]
    fn multiply_accumulates_equal_those_counted_by_hooks_in_pytorch() {
        for (name, side, classes, macs) in [
            ("densenet-bc-100-12", 32, 10, 287_929_692),
            ("densenet-40-12", 32, 10, 264_812_928),
            ("densenet-100-24", 32, 10, 6_889_347_744),
            ("densenet-121", 224, 1000, 2_834_161_664),
            ("densenet-161", 224, 1000, 7_727_907_072),
        ] {
            assert_eq!(counts(name, side, classes).1, macs, "{name}");
        }
    }

    #[test]
    fn a_preset_has_the_depth_that_its_name_says() {
        // The paper's Table 1 gives its 264 blocks of 6, 12, 64 and 48 layers, which make 265.
        let named = |preset: &&Preset| !matches!(preset.name, "article" | "densenet-264");
        for preset in presets().iter().filter(named) {
            let depth: usize = preset.name.split('-').find_map(|part| part.parse().ok()).unwrap();
            let side = if preset.network.stem == Stem::Imagenet { 224 } else { 32 };
            let plan = preset
                .network
                .plan(
                    Shape {
                        channels: 3,
                        height: side,
                        width: side,
                    },
                    10,
                )
                .unwrap();
            assert_eq!(plan.depth(), depth, "{}", preset.name);
        }
    }
}
