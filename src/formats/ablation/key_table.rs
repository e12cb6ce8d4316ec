//! The one table of the keys that an ablation file may have: it decides what is read, how it is checked, what a
//! message advises, and what `docs/ablation-format.md` lists.

use super::keys::KnownKey;
use super::kind::{Interval, Kind};

/// Beyond any data set, batch or training: larger counts are slips of the pen.
const MANY: u64 = 1_000_000_000;
/// The largest count of `DenseNet::check`.
const WIDEST: u64 = 1 << 16;
/// TOML's largest whole number.
const LARGEST: u64 = i64::MAX as u64;

const fn interval(low: f64, with_low: bool, high: f64, with_high: bool) -> Interval {
    Interval {
        low,
        with_low,
        high,
        with_high,
    }
}

const SHARE_BELOW_ONE: Interval = interval(0.0, true, 1.0, false);

/// Every key, section by section.
pub(super) const KEYS: &[KnownKey] = &[
    KnownKey {
        key: "name",
        kind: Kind::Text,
        default: "required",
        meaning: "The ablation's name and its folder's under `results/`: lower-case letters, digits and hyphens.",
        remedy: "give one at the file's top, such as name = \"growth\"",
    },
    KnownKey {
        key: "question",
        kind: Kind::Text,
        default: "required",
        meaning: "The question that the ablation answers; plots and reports print it.",
        remedy: "give one at the file's top, such as question = \"What does a larger growth rate buy?\"",
    },
    // [data]
    KnownKey {
        key: "data.dataset",
        kind: Kind::Choice(&["digits", "synthetic", "cifar10", "cifar100", "folder"]),
        default: "required",
        meaning: "The images; see [Data sets](#data-sets).",
        remedy: "write dataset = \"digits\" for the data set that is embedded",
    },
    KnownKey {
        key: "data.path",
        kind: Kind::Path,
        default: "none",
        meaning: "The data set's folder; required for `cifar10`, `cifar100` and `folder`, and only for these.",
        remedy: "name the data set's folder, such as path = \"../data/cifar-10-batches-bin\"",
    },
    KnownKey {
        key: "data.train-limit",
        kind: Kind::Count(1, MANY),
        default: "all",
        meaning: "Take only the first training images, in the data set's order.",
        remedy: "leave it out to take all",
    },
    KnownKey {
        key: "data.test-limit",
        kind: Kind::Count(1, MANY),
        default: "all",
        meaning: "Take only the first test images, in the data set's order.",
        remedy: "leave it out to take all",
    },
    KnownKey {
        key: "data.validation-share",
        kind: Kind::Number(SHARE_BELOW_ONE),
        default: "`0.0`",
        meaning: "The share of the training images that is held out of training; see [Validation](#validation).",
        remedy: "0.1 holds out a tenth of the training images, 0.0 none",
    },
    KnownKey {
        key: "data.image-size",
        kind: Kind::Count(1, 4096),
        default: "`32`",
        meaning: "The side of the square images of `folder` and `synthetic`; only for these.",
        remedy: "32 is CIFAR's, 224 ImageNet's",
    },
    KnownKey {
        key: "data.classes",
        kind: Kind::Count(1, WIDEST),
        default: "`10`",
        meaning: "Classes of `synthetic`; only for it.",
        remedy: "10 is CIFAR-10's",
    },
    KnownKey {
        key: "data.channels",
        kind: Kind::Count(1, 1024),
        default: "`3`",
        meaning: "Channels of `synthetic`'s images; only for it.",
        remedy: "colour images have 3",
    },
    KnownKey {
        key: "data.train-images",
        kind: Kind::Count(1, MANY),
        default: "`2048`",
        meaning: "Training images of `synthetic`; only for it.",
        remedy: "leave it out for 2048",
    },
    KnownKey {
        key: "data.test-images",
        kind: Kind::Count(1, MANY),
        default: "`512`",
        meaning: "Test images of `synthetic`; only for it.",
        remedy: "leave it out for 512",
    },
    KnownKey {
        key: "data.mean",
        kind: Kind::Numbers(interval(0.0, true, 1.0, true)),
        default: "the training split's",
        meaning: "What normalisation subtracts, a value a channel, after scaling to 0..1.",
        remedy: "values are scaled to 0..1 first: divide constants for 0..255 by 255",
    },
    KnownKey {
        key: "data.std",
        kind: Kind::Numbers(interval(0.0, false, 1.0, true)),
        default: "the training split's",
        meaning: "What normalisation then divides by, a value a channel, after scaling to 0..1.",
        remedy: "values are scaled to 0..1 first: divide constants for 0..255 by 255",
    },
    KnownKey {
        key: "data.augment",
        kind: Kind::Choice(&["none", "shift-flip"]),
        default: "`\"none\"`",
        meaning: "How training images change from epoch to epoch; see [Augmentation](#augmentation).",
        remedy: "the paper's C10+ and C100+ are \"shift-flip\"",
    },
    // [model]
    KnownKey {
        key: "model.preset",
        kind: Kind::Preset,
        default: "none",
        meaning: "A network by name; the other keys override its options. See [Presets](#presets).",
        remedy: "write a preset's name, such as \"densenet-bc-100-12\"",
    },
    KnownKey {
        key: "model.depth",
        kind: Kind::Count(1, WIDEST),
        default: "one of three",
        meaning: "The paper's depth L, which makes three equal blocks: `3 * n + 4`, or `6 * n + 4` with a bottleneck.",
        remedy: "the paper's are 40, 100, 190 and 250",
    },
    KnownKey {
        key: "model.block-layers",
        kind: Kind::Counts(1, WIDEST),
        default: "one of three",
        meaning: "Dense layers in each dense block, in place of `depth`.",
        remedy: "write one count a block, such as [12, 12, 12]",
    },
    KnownKey {
        key: "model.growth-rate",
        kind: Kind::Count(1, WIDEST),
        default: "`12`",
        meaning: "k: the channels that each dense layer adds.",
        remedy: "the paper's are 12, 24, 32, 40 and 48",
    },
    KnownKey {
        key: "model.bottleneck",
        kind: Kind::Flag,
        default: "`false`",
        meaning: "Whether a 1x1 convolution to `bottleneck-width * growth-rate` channels stands before each 3x3.",
        remedy: "true is the paper's DenseNet-B",
    },
    KnownKey {
        key: "model.bottleneck-width",
        kind: Kind::Count(1, WIDEST),
        default: "`4`",
        meaning: "The bottleneck's channels as a multiple of the growth rate; without effect where `bottleneck` is false.",
        remedy: "the paper's is 4",
    },
    KnownKey {
        key: "model.compression",
        kind: Kind::Number(interval(0.0, false, 1.0, true)),
        default: "`1.0`",
        meaning: "A transition keeps `floor(compression * channels)` channels.",
        remedy: "1.0 compresses nothing, the paper's DenseNet-C has 0.5",
    },
    KnownKey {
        key: "model.initial-channels",
        kind: Kind::Count(1, WIDEST),
        default: "`16`, or `2 * growth-rate` with a bottleneck",
        meaning: "Channels after the stem.",
        remedy: "the paper's are 16 and 2 * growth-rate",
    },
    KnownKey {
        key: "model.stem",
        kind: Kind::Choice(&["cifar", "imagenet"]),
        default: "`\"cifar\"`",
        meaning: "`cifar`: a 3x3 convolution. `imagenet`: 7x7 with stride 2, normalisation, ReLU, 3x3 max pooling with stride 2 and padding 1.",
        remedy: "\"cifar\" is for small images, \"imagenet\" for 224x224",
    },
    KnownKey {
        key: "model.transition-relu",
        kind: Kind::Flag,
        default: "`true`",
        meaning: "Whether a ReLU follows the normalisation of each transition.",
        remedy: "only the article's network has false",
    },
    KnownKey {
        key: "model.final-relu",
        kind: Kind::Flag,
        default: "`true`",
        meaning: "Whether a ReLU follows the last normalisation.",
        remedy: "only the article's network has false",
    },
    KnownKey {
        key: "model.order",
        kind: Kind::Choice(&["pre-activation", "post-activation"]),
        default: "`\"pre-activation\"`",
        meaning: "Normalisation, ReLU, convolution; or convolution, normalisation, ReLU, with the stem and the head to match.",
        remedy: "the paper's is \"pre-activation\"",
    },
    KnownKey {
        key: "model.dropout",
        kind: Kind::Number(SHARE_BELOW_ONE),
        default: "`0.0`",
        meaning: "The share of values that dropout sets to zero while training.",
        remedy: "the paper's is 0.2 without augmentation and 0 with it",
    },
    KnownKey {
        key: "model.dropout-after",
        kind: Kind::Choice(&["every-convolution", "3x3"]),
        default: "`\"every-convolution\"`",
        meaning: "Dropout after every convolution of dense layers and transitions, or after the dense layers' 3x3 alone; without effect where `dropout` is 0.",
        remedy: "the authors' code has \"every-convolution\", torchvision \"3x3\"",
    },
    KnownKey {
        key: "model.initialization",
        kind: Kind::Choice(&["he-fan-out", "he-fan-in"]),
        default: "`\"he-fan-out\"`, or `\"he-fan-in\"` with the imagenet stem",
        meaning: "The fan that He initialisation of the convolutions divides by.",
        remedy: "the authors' CIFAR code has \"he-fan-out\", torchvision \"he-fan-in\"",
    },
    KnownKey {
        key: "model.weights",
        kind: Kind::Path,
        default: "none",
        meaning: "A safetensors file of weights to start from.",
        remedy: "name a safetensors file, or leave it out to start from seeded weights",
    },
    // [train]
    KnownKey {
        key: "train.epochs",
        kind: Kind::Count(1, MANY),
        default: "`10`",
        meaning: "Passes over the training images.",
        remedy: "the paper's are 300 on CIFAR",
    },
    KnownKey {
        key: "train.steps",
        kind: Kind::Count(1, MANY),
        default: "none",
        meaning: "Optimizer steps, in place of `epochs`.",
        remedy: "leave out [train] to train nothing",
    },
    KnownKey {
        key: "train.batch-size",
        kind: Kind::Count(1, MANY),
        default: "`64`",
        meaning: "Images in a step; the last batch of an epoch may be smaller, and is kept.",
        remedy: "the paper's is 64 on CIFAR",
    },
    KnownKey {
        key: "train.learning-rate",
        kind: Kind::Number(interval(0.0, false, f64::INFINITY, false)),
        default: "`0.1`",
        meaning: "The learning rate that the schedule starts from.",
        remedy: "the paper's is 0.1",
    },
    KnownKey {
        key: "train.momentum",
        kind: Kind::Number(SHARE_BELOW_ONE),
        default: "`0.9`",
        meaning: "Momentum, without dampening; 0 has none.",
        remedy: "the paper's is 0.9",
    },
    KnownKey {
        key: "train.nesterov",
        kind: Kind::Flag,
        default: "`true`, or `false` where `momentum` is 0",
        meaning: "Whether the momentum is Nesterov's.",
        remedy: "the paper's is true",
    },
    KnownKey {
        key: "train.weight-decay",
        kind: Kind::Number(interval(0.0, true, f64::INFINITY, false)),
        default: "`1e-4`",
        meaning: "The factor of every parameter that is added to its gradient.",
        remedy: "the paper's is 1e-4",
    },
    KnownKey {
        key: "train.schedule",
        kind: Kind::Choice(&["constant", "step", "cosine"]),
        default: "`\"step\"`",
        meaning: "How the learning rate changes; see [Schedules](#schedules).",
        remedy: "the paper's is \"step\"",
    },
    KnownKey {
        key: "train.milestones",
        kind: Kind::Numbers(interval(0.0, false, 1.0, false)),
        default: "`[0.5, 0.75]`",
        meaning: "The shares of the run at which `step` multiplies the learning rate, ascending; only for `step`.",
        remedy: "the paper's are [0.5, 0.75]",
    },
    KnownKey {
        key: "train.gamma",
        kind: Kind::Number(interval(0.0, false, 1.0, true)),
        default: "`0.1`",
        meaning: "What `step` multiplies the learning rate by at each milestone; only for `step`.",
        remedy: "the paper's is 0.1",
    },
    KnownKey {
        key: "train.shuffle",
        kind: Kind::Flag,
        default: "`true`",
        meaning: "Whether each epoch has an order of its own, from the seed; `false` keeps the data set's.",
        remedy: "false keeps the data set's order",
    },
    KnownKey {
        key: "train.seeds",
        kind: Kind::DistinctCounts(0, LARGEST),
        default: "`[0]`",
        meaning: "Every variant is trained once with each seed.",
        remedy: "write each seed once, such as [0, 1, 2]",
    },
    KnownKey {
        key: "train.checkpoint-every",
        kind: Kind::Count(1, MANY),
        default: "none",
        meaning: "Steps between two checkpoints, beside the one at the end of every epoch; changes no number.",
        remedy: "write a number of steps, such as 100, or leave it out for one checkpoint an epoch",
    },
    // [measure]
    KnownKey {
        key: "measure.batch-sizes",
        kind: Kind::DistinctCounts(1, MANY),
        default: "`[64]`",
        meaning: "The batch sizes at which speed and memory are measured.",
        remedy: "write each size once, such as [16, 32, 64]",
    },
    KnownKey {
        key: "measure.mode",
        kind: Kind::Choices(&["train", "evaluate"]),
        default: "`\"train\"`",
        meaning: "Whether training steps or forward passes in evaluation are timed.",
        remedy: "write mode = [\"train\", \"evaluate\"] for both",
    },
    KnownKey {
        key: "measure.warmup-steps",
        kind: Kind::Count(0, MANY),
        default: "`3`",
        meaning: "Steps before the timed ones, in each round.",
        remedy: "leave it out for 3",
    },
    KnownKey {
        key: "measure.warmup-seconds",
        kind: Kind::Number(interval(0.0, true, 3600.0, true)),
        default: "`0.5`",
        meaning: "The least time of those steps: more of them are made until it has passed.",
        remedy: "leave it out for 0.5; 0.0 warms up by steps alone",
    },
    KnownKey {
        key: "measure.steps",
        kind: Kind::Count(1, MANY),
        default: "`10`",
        meaning: "Timed steps, spread over the rounds.",
        remedy: "leave it out for 10",
    },
    KnownKey {
        key: "measure.rounds",
        kind: Kind::Count(1, 1000),
        default: "`3`, or `steps` where that is less",
        meaning: "Turns: in each, every batch size of every variant is measured once, in a process of its own, so that a machine that drifts touches all alike.",
        remedy: "leave it out for 3",
    },
    // [run]
    KnownKey {
        key: "run.execution",
        kind: Kind::Choice(&["plain", "aten", "recompute", "fused"]),
        default: "`\"plain\"`",
        meaning: "How the network's operations are carried out; see [Execution](#execution).",
        remedy: "leave it out for \"plain\"",
    },
    KnownKey {
        key: "run.deterministic",
        kind: Kind::Flag,
        default: "`true`",
        meaning: "Whether the backend is held to operations whose results repeat to the last bit; see [Determinism](#determinism-and-precision).",
        remedy: "write true or false",
    },
    KnownKey {
        key: "run.tf32",
        kind: Kind::Flag,
        default: "`false`",
        meaning: "Whether CUDA may round the factors of f32 products to TF32's 10 bits; an error where the device has no TF32.",
        remedy: "write true or false",
    },
    KnownKey {
        key: "run.threads",
        kind: Kind::Count(1, 65_535),
        default: "all that the system allows",
        meaning: "Threads of the device's backend; `--threads` wins over it.",
        remedy: "leave it out to take all",
    },
    KnownKey {
        key: "run.allocator",
        kind: Kind::Choice(&["keep-pages", "return-pages"]),
        default: "`\"keep-pages\"`",
        meaning: "What becomes of main memory that a step has freed: it stays with the process, or goes back to the system at once; see [The allocator](#the-allocator).",
        remedy: "leave it out to keep pages, which is faster",
    },
];
