//! The DenseNets with a name: the paper's, torchvision's and the article's, and what the paper says of them.

use super::options::{DenseNet, DropoutAfter};
use crate::network::{Architecture, Initialization, Preset, PublishedError, Stem};

/// The share that the paper's dropout sets to zero, without augmentation.
const PAPERS_DROPOUT: f64 = 0.2;

/// The paper's Table 2, shares of wrong test images: C10+ and C100+, with augmentation and without dropout.
const AUGMENTED: [(&str, [f64; 2]); 6] = [
    ("densenet-40-12", [0.0524, 0.2442]),
    ("densenet-100-12", [0.0410, 0.2020]),
    ("densenet-100-24", [0.0374, 0.1925]),
    ("densenet-bc-100-12", [0.0451, 0.2227]),
    ("densenet-bc-250-24", [0.0362, 0.1760]),
    ("densenet-bc-190-40", [0.0346, 0.1718]),
];

/// C10 and C100, without augmentation and with dropout.
const PLAIN: [(&str, [f64; 2]); 5] = [
    ("densenet-40-12", [0.0700, 0.2755]),
    ("densenet-100-12", [0.0577, 0.2379]),
    ("densenet-100-24", [0.0583, 0.2342]),
    ("densenet-bc-100-12", [0.0592, 0.2415]),
    ("densenet-bc-250-24", [0.0519, 0.1964]),
];

/// The paper's Table 3, shares of wrong validation images of ImageNet (top-1): one square of each image, and ten. The
/// table's top-5 errors (0.0771 and 0.0666 of DenseNet-121) have no column in the results.
const IMAGENET: [(&str, [f64; 2]); 4] = [
    ("densenet-121", [0.2502, 0.2361]),
    ("densenet-169", [0.2380, 0.2208]),
    ("densenet-201", [0.2258, 0.2146]),
    ("densenet-264", [0.2215, 0.2080]),
];

/// The networks by name: the paper's, torchvision's and the article's.
pub(super) fn named() -> Vec<(&'static str, DenseNet)> {
    let basic = |layers, growth_rate| DenseNet {
        growth_rate,
        block_layers: vec![layers; 3],
        ..DenseNet::BASIC
    };
    let compressed = |layers, growth_rate| DenseNet {
        bottleneck: true,
        compression: 0.5,
        initial_channels: 2 * growth_rate,
        ..basic(layers, growth_rate)
    };
    let imagenet = |block_layers: [usize; 4], growth_rate| DenseNet {
        block_layers: block_layers.to_vec(),
        stem: Stem::Imagenet,
        initialization: Initialization::HeFanIn,
        ..compressed(0, growth_rate)
    };
    vec![
        ("densenet-40-12", basic(12, 12)),
        ("densenet-100-12", basic(32, 12)),
        ("densenet-100-24", basic(32, 24)),
        ("densenet-bc-100-12", compressed(16, 12)),
        ("densenet-bc-250-24", compressed(41, 24)),
        ("densenet-bc-190-40", compressed(31, 40)),
        ("densenet-121", imagenet([6, 12, 24, 16], 32)),
        ("densenet-161", imagenet([6, 12, 36, 24], 48)),
        ("densenet-169", imagenet([6, 12, 32, 32], 32)),
        ("densenet-201", imagenet([6, 12, 48, 32], 32)),
        ("densenet-264", imagenet([6, 12, 64, 48], 32)),
        ("article", DenseNet::article()),
    ]
}

pub(super) fn presets() -> Vec<Preset> {
    let preset = |(name, network): (&'static str, DenseNet)| Preset {
        name,
        classes: if name == "article" {
            40
        } else {
            network.stem.usual_classes()
        },
        network: Architecture::new(network),
    };
    named().into_iter().map(preset).collect()
}

impl DenseNet {
    /// The paper's Table 2. Without augmentation its networks have dropout, and with it none (section 4.2). Of those with the
    /// imagenet stem its Table 3.
    pub(super) fn papers_errors(&self) -> Option<PublishedError> {
        let same = |network: &Self| {
            // The table's networks do not differ in these.
            Self {
                dropout: network.dropout,
                dropout_after: network.dropout_after,
                initialization: network.initialization,
                ..self.clone()
            } == *network
        };
        let (name, _) = named().into_iter().find(|(_, network)| same(network))?;
        let of = |table: &[(&str, [f64; 2])]| Some(table.iter().find(|row| row.0 == name)?.1);
        if let Some((_, [one, ten])) = IMAGENET.iter().find(|row| row.0 == name) {
            return (self.dropout == 0.0).then(|| PublishedError {
                imagenet: Some(*one),
                imagenet_ten_crops: Some(*ten),
                // Section 4.2: at epochs 30 and 60.
                milestones: Some([1.0 / 3.0, 2.0 / 3.0]),
                epochs: 90,
                batch_size: 256,
                ..PublishedError::default()
            });
        }
        let has_papers_dropout = (self.dropout, self.dropout_after) == (PAPERS_DROPOUT, DropoutAfter::EveryConvolution);
        let augmented = of(&AUGMENTED)?;
        let plain = of(&PLAIN).filter(|_| has_papers_dropout);
        let augmented = (self.dropout == 0.0).then_some(augmented);
        Some(PublishedError {
            cifar10: plain.map(|[cifar10, _]| cifar10),
            cifar10_augmented: augmented.map(|[cifar10, _]| cifar10),
            cifar100: plain.map(|[_, cifar100]| cifar100),
            cifar100_augmented: augmented.map(|[_, cifar100]| cifar100),
            // Section 4.2.
            epochs: 300,
            batch_size: 64,
            ..PublishedError::default()
        })
    }
}
