//! The families' networks against counts of the reference implementations.

use super::densenet::DenseNet;
use crate::network::{Architecture, Preset, Shape, preset, presets};

/// The smallest network there is, for tests that accept any.
pub fn tiny() -> Architecture {
    Architecture::new(DenseNet {
        block_layers: vec![1],
        ..DenseNet::BASIC
    })
}

/// Parameters and multiply-accumulates.
fn counts(name: &str, side: usize, classes: usize) -> (usize, u64) {
    let network = preset(name).unwrap().network;
    let graph = network.graph(Shape::square(3, side), classes).unwrap();
    (graph.parameters(), graph.macs())
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
        // torchvision 0.24.0.
        ("resnet-18", 224, 1000, 11_689_512),
        ("resnet-50", 224, 1000, 25_557_032),
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
    let named = |preset: &&Preset| !matches!(preset.name, "article" | "densenet-264" | "googlenet" | "inception-v3");
    for preset in presets().iter().filter(named) {
        let named: usize = preset.name.split('-').find_map(|part| part.parse().ok()).unwrap();
        let image = Shape::square(3, preset.network.usual_side());
        let graph = preset.network.graph(image, 10).unwrap();
        // Of a Wide ResNet the name counts the three shortcuts' convolutions, and not the classifier.
        let beside = if preset.network.family().name == "wide-resnet" {
            2
        } else {
            0
        };
        assert_eq!(graph.depth() + beside, named, "{}", preset.name);
    }
}
