//! What a file means: values, defaults and variants.

use std::path::{Path, PathBuf};

use crate::formats::ablation::*;
use crate::network::families::densenet::{Connectivity, DenseNet, DropoutAfter, Order};
use crate::network::{Architecture, FAMILIES, Initialization, Shape, Stem};

const NAMED: &str = "name = \"growth\"\nquestion = \"What does it buy?\"\n";

fn read(text: &str) -> Ablation {
    let text = format!("{NAMED}{text}");
    parse(&text, Path::new("ablations/growth.toml")).unwrap_or_else(|error| panic!("{error}\nin:\n{text}"))
}

/// The settings of a file with one variant.
fn settings(text: &str) -> Settings {
    let mut ablation = read(text);
    assert_eq!(ablation.variants.len(), 1);
    ablation.variants.remove(0).settings
}

fn network(text: &str) -> Architecture {
    settings(&format!("[data]\ndataset = \"digits\"\n[model]\n{text}\n")).model
}

/// The options of a DenseNet.
fn densenet(network: &Architecture) -> DenseNet {
    serde_json::from_value(network.options()).unwrap()
}

fn model(text: &str) -> DenseNet {
    densenet(&network(text))
}

/// The variants of a file on the digits with this after `[model] depth = 40`.
fn variants(text: &str) -> Ablation {
    read(&format!("[data]\ndataset = \"digits\"\n[model]\ndepth = 40\n{text}"))
}

fn names(ablation: &Ablation) -> Vec<&str> {
    ablation.variants.iter().map(|variant| variant.name.as_str()).collect()
}

#[test]
fn every_key_reaches_its_setting() {
    let given = settings(
        r#"
        [data]
        dataset = "synthetic"
        train-limit = 100
        test-limit = 50
        limit-order = "stratified"
        validation-share = 0.1
        image-size = 24
        classes = 7
        channels = 2
        train-images = 200
        test-images = 60
        mean = [0.5, 0]
        std = [0.25, 1]
        augment = "shift-flip"
        cutout = 3
        [model]
        block-layers = [4, 5]
        growth-rate = 6
        bottleneck = true
        bottleneck-width = 2
        compression = 0.7
        initial-channels = 9
        stem = "imagenet"
        transition-relu = false
        final-relu = true
        order = "post-activation"
        dropout = 0.2
        dropout-after = "3x3"
        initialization = "he-fan-out"
        connectivity = "dense"
        visible-layers = 3
        growth-doubling = true
        squeeze-excitation = 4
        match-parameters = true
        weights = "initial.safetensors"
        [train]
        steps = 100
        batch-size = 32
        learning-rate = 1
        momentum = 0.5
        nesterov = false
        weight-decay = 0
        schedule = "step"
        milestones = [0.25]
        gamma = 0.5
        warmup-steps = 7
        label-smoothing = 0.1
        mixup = 0.2
        freeze = ["features.denseblock1", "*.norm*"]
        new-head = true
        learning-rate-groups = "classifier"
        group-learning-rates = [0.5]
        shuffle = false
        checkpoint-every = 50
        seeds = [3, 1]
        [measure]
        batch-sizes = [8, 16]
        mode = ["train", "evaluate"]
        warmup-steps = 0
        warmup-seconds = 2
        steps = 5
        rounds = 4
        [run]
        execution = "aten"
        deterministic = false
        precision = "tf32"
        layout = "nchw"
        threads = 3
        allocator = "return-pages"
        cudnn-benchmark = true
        instructions = "avx2"
        "#,
    );
    let expected = Settings {
        data: DataSettings {
            dataset: DataSetName::Synthetic,
            path: None,
            extra_split: false,
            train_limit: Some(100),
            test_limit: Some(50),
            limit_order: LimitOrder::Stratified,
            validation_share: 0.1,
            validation_seed: None,
            image_size: 24,
            resize: None,
            test_crops: 1,
            scaled_decoding: false,
            classes: 7,
            channels: 2,
            train_images: 200,
            test_images: 60,
            mean: Some(vec![0.5, 0.0]),
            std: Some(vec![0.25, 1.0]),
            augment: Augment::ShiftFlip,
            cutout: Some(3),
        },
        preset: None,
        model: Architecture::new(DenseNet {
            block_layers: vec![4, 5],
            growth_rate: 6,
            bottleneck: true,
            bottleneck_width: 2,
            compression: 0.7,
            initial_channels: 9,
            stem: Stem::Imagenet,
            transition_relu: false,
            final_relu: true,
            order: Order::PostActivation,
            dropout: 0.2,
            dropout_after: DropoutAfter::ThreeByThree,
            initialization: Initialization::HeFanOut,
            connectivity: Connectivity::Dense,
            visible_layers: Some(3),
            growth_doubling: true,
            squeeze_excitation: Some(4),
            match_parameters: true,
        }),
        weights: Some(PathBuf::from("ablations/initial.safetensors")),
        train: Some(TrainSettings {
            duration: Duration::Steps(100),
            batch_size: 32,
            learning_rate: 1.0,
            momentum: 0.5,
            nesterov: false,
            weight_decay: 0.0,
            schedule: Schedule::Step {
                milestones: vec![0.25],
                gamma: 0.5,
            },
            warmup_steps: 7,
            label_smoothing: 0.1,
            mixup: 0.2,
            shuffle: false,
            seeds: vec![3, 1],
            checkpoint_every: Some(50),
            fixed_seeds: FixedSeeds::default(),
            fine_tuning: FineTuning {
                freeze: vec!["features.denseblock1".to_owned(), "*.norm*".to_owned()],
                new_head: true,
                groups: vec![RateGroup {
                    tensors: "classifier".to_owned(),
                    learning_rate: 0.5,
                }],
            },
        }),
        measure: Some(MeasureSettings {
            batch_sizes: vec![8, 16],
            modes: vec![Mode::Train, Mode::Evaluate],
            warmup_steps: 0,
            warmup_seconds: 2.0,
            steps: 5,
            rounds: 4,
            repeats: 1,
        }),
        run: RunSettings {
            execution: Execution::Aten,
            deterministic: false,
            precision: Precision::Tf32,
            layout: Some(MapLayout::Nchw),
            threads: Some(3),
            allocator: Allocator::ReturnPages,
            cudnn_benchmark: true,
            cuda_graph: false,
            instructions: Instructions::Avx2,
            chooses_execution: false,
        },
    };
    assert_eq!(given, expected);
    assert!(!model("depth = 40\nfinal-relu = false").final_relu);
}

#[test]
fn a_key_that_is_left_out_has_the_default_that_is_documented() {
    let has_blocks = |line: &str| {
        let family = FAMILIES
            .iter()
            .find(|family| line.contains(&format!("{:?}\n", family.name)));
        family.is_none_or(|family| family.keys.iter().any(|known| known.key == "model.block-layers"))
    };
    let file = |section: &str, line: &str| {
        let mut text = String::new();
        for name in SECTIONS {
            let own = match name {
                "data" => "dataset = \"synthetic\"\n",
                "model" if has_blocks(line) => "block-layers = [2, 2]\n",
                _ => "",
            };
            let line = if name == section { line } else { "" };
            text.push_str(&format!("[{name}]\n{own}{line}\n"));
        }
        settings(&text)
    };
    let mut checked = 0;
    // The keys of every family, beside one that names the family.
    let own = known_keys().iter().filter(|known| known.section() != "model");
    let of_families = FAMILIES.iter().flat_map(|family| {
        let line = format!("family = {:?}\n", family.name);
        family.keys.iter().map(move |known| (known, line.clone()))
    });
    for (known, family) in own.map(|known| (known, String::new())).chain(of_families) {
        // A default in words has no value to write.
        let Some(literal) = known.default.strip_prefix('`').and_then(|rest| rest.split('`').next()) else {
            continue;
        };
        let line = format!("{family}{} = {literal}", known.last_part());
        // Beside a depth that both families have, unless it is the key itself.
        assert_eq!(file(known.section(), &line), file("model", &family), "{}", known.key);
        checked += 1;
    }
    assert!(checked > 30, "only {checked} keys have a literal default");
}

#[test]
fn without_train_nothing_is_trained_and_without_measure_nothing_measured() {
    let bare = settings("[data]\ndataset = \"digits\"\n[model]\ndepth = 40\n");
    assert_eq!((bare.train, bare.measure), (None, None));
    let both = settings("[data]\ndataset = \"digits\"\n[model]\ndepth = 40\n[train]\n[measure]\n");
    assert!(both.measure.is_some());
    // What is measured without [train] takes the defaults of its keys.
    assert_eq!(both.train, Some(TrainSettings::default()));
    assert_eq!(both.run, RunSettings::default());
    assert!(
        variants("[sweep]\n\"train.epochs\" = [1]\n").variants[0]
            .settings
            .train
            .is_some()
    );
}

#[test]
fn initial_channels_follow_the_growth_rate_where_there_is_a_bottleneck() {
    assert_eq!(model("depth = 40\ngrowth-rate = 24").initial_channels, 16);
    assert_eq!(
        model("depth = 40\ngrowth-rate = 24\nbottleneck = true").initial_channels,
        48
    );
    assert_eq!(
        model("preset = \"densenet-121\"\ngrowth-rate = 12").initial_channels,
        24
    );
    assert_eq!(
        model("preset = \"densenet-bc-100-12\"\nbottleneck = false").initial_channels,
        16
    );
    assert_eq!(
        model("preset = \"densenet-40-12\"\ngrowth-rate = 24").initial_channels,
        16
    );
    assert_eq!(
        model("preset = \"densenet-121\"\ninitial-channels = 7").initial_channels,
        7
    );
    // The article's 32 is its own: it was never twice the growth rate.
    assert_eq!(model("preset = \"article\"\ngrowth-rate = 24").initial_channels, 32);
}

#[test]
fn initialization_follows_the_stem() {
    assert_eq!(
        model("depth = 40\nstem = \"imagenet\"").initialization,
        Initialization::HeFanIn
    );
    assert_eq!(
        model("preset = \"densenet-121\"\nstem = \"cifar\"").initialization,
        Initialization::HeFanOut
    );
}

#[test]
fn a_preset_is_that_network_and_keys_override_it() {
    for preset in crate::network::presets() {
        assert_eq!(network(&format!("preset = {:?}", preset.name)), preset.network);
    }
    let overridden = model("preset = \"densenet-bc-100-12\"\ndepth = 40\ndropout = 0.2");
    assert_eq!((overridden.block_layers, overridden.dropout), (vec![6, 6, 6], 0.2));
    assert_eq!(
        model("preset = \"densenet-121\"\nblock-layers = [2, 2]").block_layers,
        [2, 2]
    );
}

#[test]
fn a_file_without_variants_has_one_of_the_name_base() {
    let ablation = variants("");
    assert_eq!(names(&ablation), ["base"]);
    assert!(ablation.swept_keys.is_empty() && ablation.variants[0].swept.is_empty());
}

#[test]
fn a_sweep_is_the_product_in_the_files_order_and_the_last_key_changes_fastest() {
    let ablation = variants("[sweep]\n\"train.momentum\" = [0.9, 0.5]\n\"model.growth-rate\" = [24, 8]\n");
    assert_eq!(
        names(&ablation),
        [
            "momentum=0.9,growth-rate=24",
            "momentum=0.9,growth-rate=8",
            "momentum=0.5,growth-rate=24",
            "momentum=0.5,growth-rate=8"
        ]
    );
    assert_eq!(ablation.swept_keys, ["train.momentum", "model.growth-rate"]);
    let last = &ablation.variants[3];
    assert_eq!(densenet(&last.settings.model).growth_rate, 8);
    assert_eq!(last.settings.train.as_ref().unwrap().momentum, 0.5);
    let swept: Vec<(&str, &str)> = last
        .swept
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    assert_eq!(swept, [("train.momentum", "0.5"), ("model.growth-rate", "8")]);
}

#[test]
fn a_variants_name_prints_values_as_bare_toml() {
    let swept = |line: &str| variants(&format!("[sweep]\n{line}\n")).variants[0].name.clone();
    assert_eq!(swept("\"model.compression\" = [1]"), "compression=1.0");
    assert_eq!(swept("\"train.weight-decay\" = [1e-4]"), "weight-decay=0.0001");
    assert_eq!(swept("\"model.bottleneck\" = [true]"), "bottleneck=true");
    assert_eq!(swept("\"model.dropout-after\" = [\"3x3\"]"), "dropout-after=3x3");
    assert_eq!(swept("\"train.milestones\" = [[0.5, 0.75]]"), "milestones=0.5-0.75");
    assert_eq!(swept("model.growth-rate = [0x18]"), "growth-rate=24");
    let blocks = read("[data]\ndataset = \"digits\"\n[sweep]\n\"model.block-layers\" = [[6, 12, 24]]\n");
    assert_eq!(names(&blocks), ["block-layers=6-12-24"]);
    assert_eq!(densenet(&blocks.variants[0].settings.model).block_layers, [6, 12, 24]);
}

#[test]
fn two_swept_keys_of_one_last_part_are_named_in_full() {
    let ablation = variants("[sweep]\n\"train.steps\" = [100]\n\"measure.steps\" = [5]\n\"model.growth-rate\" = [8]\n");
    assert_eq!(names(&ablation), ["train.steps=100,measure.steps=5,growth-rate=8"]);
}

#[test]
fn variant_tables_are_points_beside_the_product() {
    let ablation = variants(
        "[sweep]\n\"model.growth-rate\" = [8]\n[[variant]]\nname = \"wide\"\nset = { \"model.growth-rate\" = 24, \"train.epochs\" = 1 }\n\
         [[variant]]\nname = \"as-it-is\"\n",
    );
    assert_eq!(names(&ablation), ["growth-rate=8", "wide", "as-it-is"]);
    assert_eq!(ablation.swept_keys, ["model.growth-rate", "train.epochs"]);
    assert_eq!(densenet(&ablation.variants[1].settings.model).growth_rate, 24);
    assert_eq!(densenet(&ablation.variants[2].settings.model).growth_rate, 12);
    assert!(ablation.variants[2].swept.is_empty());
}

#[test]
fn a_swept_value_overrides_the_files_own_and_has_its_own_line() {
    let ablation = variants("growth-rate = 12\n[sweep]\n\"model.growth-rate\" = [\n  8,\n  24,\n]\n");
    assert_eq!(densenet(&ablation.variants[1].settings.model).growth_rate, 24);
    assert_eq!(ablation.variants[1].lines["model.growth-rate"], 11);
    assert_eq!(ablation.variants[1].lines["model.depth"], 6);
}

#[test]
fn keys_of_one_choice_may_stand_beside_a_sweep_of_choices() {
    let ablation = variants("[train]\nmilestones = [0.5]\n[sweep]\n\"train.schedule\" = [\"step\", \"cosine\"]\n");
    let schedule = |variant: usize| {
        ablation.variants[variant]
            .settings
            .train
            .as_ref()
            .unwrap()
            .schedule
            .clone()
    };
    assert_eq!(schedule(1), Schedule::Cosine);
    assert!(matches!(schedule(0), Schedule::Step { milestones, .. } if milestones == [0.5]));
    let sets =
        read("[data]\nimage-size = 16\n[model]\ndepth = 40\n[sweep]\n\"data.dataset\" = [\"digits\", \"synthetic\"]\n");
    let size = |variant: usize| sets.variants[variant].settings.data.image_size;
    assert_eq!((size(0), size(1)), (32, 16));
}

#[test]
fn paths_start_at_the_files_folder() {
    let path = |file: &str, path: &str| {
        let text = format!("{NAMED}[data]\ndataset = \"folder\"\npath = {path:?}\n[model]\ndepth = 40\n");
        parse(&text, Path::new(file)).unwrap().variants[0]
            .settings
            .data
            .path
            .clone()
            .unwrap()
    };
    assert_eq!(path("ablations/a.toml", "../images"), Path::new("ablations/../images"));
    assert_eq!(path("a.toml", "images"), Path::new("images"));
    assert_eq!(path("ablations/a.toml", "/images"), Path::new("/images"));
    // The home folder is this machine's, and not the file's.
    assert_eq!(path("ablations/a.toml", "~/images"), Path::new("~/images"));
    assert_eq!(path("ablations/a.toml", "~images"), Path::new("ablations/~images"));
}

#[test]
fn a_known_data_set_needs_no_path() {
    let path = |dataset: &str| {
        let text = format!("{NAMED}[data]\ndataset = {dataset:?}\n[model]\ndepth = 40\n");
        parse(&text, Path::new("a.toml")).map(|ablation| ablation.variants[0].settings.data.path.clone())
    };
    for dataset in [
        "cifar10",
        "cifar100",
        "mnist",
        "fashion-mnist",
        "svhn",
        "imagenet",
        "digits",
        "noisy-digits",
        "digit-sums",
        "synthetic",
    ] {
        assert_eq!(path(dataset), Ok(None), "{dataset}");
    }
    assert_eq!(path("folder").unwrap_err().key.as_deref(), Some("data.path"));
}

#[test]
fn images_of_imagenet_are_resized_and_cut_by_default_and_those_of_a_folder_squashed() {
    let of = |data: &str| {
        let text = format!("{NAMED}[data]\n{data}\n[model]\ndepth = 40\n");
        let data = parse(&text, Path::new("a.toml"))
            .unwrap()
            .variants
            .remove(0)
            .settings
            .data;
        (data.image_size, data.resize, data.test_crops, data.scaled_decoding)
    };
    assert_eq!(of("dataset = \"imagenet\""), (224, Some(256), 1, false));
    assert_eq!(of("dataset = \"folder\"\npath = \"f\""), (32, None, 1, false));
    assert_eq!(
        of("dataset = \"folder\"\npath = \"f\"\nresize = 40\ntest-crops = 10\nscaled-decoding = true"),
        (32, Some(40), 10, true)
    );
    assert_eq!(
        of("dataset = \"imagenet\"\nresize = 342\nimage-size = 299"),
        (299, Some(342), 1, false)
    );
}

#[test]
fn the_extra_split_is_svhns_alone() {
    let of = |dataset: &str| {
        let text = format!("{NAMED}[data]\ndataset = {dataset:?}\nextra-split = true\n[model]\ndepth = 40\n");
        parse(&text, Path::new("a.toml"))
    };
    assert!(of("svhn").unwrap().variants[0].settings.data.extra_split);
    assert_eq!(of("cifar10").unwrap_err().key.as_deref(), Some("data.extra-split"));
}

#[test]
fn momentum_of_zero_has_no_nesterov_unless_it_is_asked_for() {
    let text = "[data]\ndataset = \"digits\"\n[model]\ndepth = 40\n[train]\nmomentum = 0\n";
    assert!(!settings(text).train.unwrap().nesterov);
}

#[test]
fn later_checks_report_the_line_of_the_key_or_of_its_section() {
    let ablation = variants("[train]\nbatch-size = 2000\n");
    let at = |key: &str| {
        ablation
            .located(&ablation.variants[0], key, "it is so", "do this")
            .to_string()
    };
    assert_eq!(
        at("train.batch-size"),
        "ablations/growth.toml:8: train.batch-size: it is so; do this"
    );
    assert_eq!(
        at("train.epochs"),
        "ablations/growth.toml:7: train.epochs: it is so; do this"
    );
    assert_eq!(
        at("measure.steps"),
        "ablations/growth.toml: measure.steps: it is so; do this"
    );
}

#[test]
fn a_network_that_does_not_fit_the_images_is_reported_with_its_variant() {
    let ablation = read("[data]\ndataset = \"digits\"\n[sweep]\n\"model.block-layers\" = [[1, 1, 1, 1, 1]]\n");
    let variant = &ablation.variants[0];
    let digit = Shape::square(1, 8);
    let error = variant.settings.model.graph(digit, 10).unwrap_err();
    assert_eq!(
        ablation.located_network(variant, &error).to_string(),
        "ablations/growth.toml:3: data.image-size: in variant block-layers=1-1-1-1-1, images of 8x8 are too small: \
         transition 4 would pool a 1x1 map by 2x2; this network needs at least 16x16, or fewer blocks"
    );
}

#[test]
fn a_family_has_its_own_keys_and_defaults() {
    let residual = |text: &str| {
        let columns = network(&format!("family = \"resnet\"\n{text}")).columns();
        (
            columns.block_layers.unwrap(),
            columns.initial_channels.unwrap(),
            columns.growth_rate,
        )
    };
    assert_eq!(residual("depth = 20"), (vec![3, 3, 3], 16, None));
    assert_eq!(
        residual("block-layers = [2, 2]\nstem = \"imagenet\""),
        (vec![2, 2], 64, None)
    );
    assert_eq!(network("preset = \"resnet-18\"").family().name, "resnet");
    assert_eq!(network("depth = 40").family().name, "densenet");
    let fault = |text: &str| {
        let text = format!("{NAMED}[data]\ndataset = \"digits\"\n[model]\n{text}\n");
        parse(&text, Path::new("x.toml")).unwrap_err().to_string()
    };
    assert_eq!(
        fault("family = \"resnet\"\ndepth = 20\ngrowth-rate = 12"),
        "x.toml:8: model.growth-rate: growth-rate is for the family densenet, but the family is resnet; remove growth-rate; \
         resnet has depth, block-layers, bottleneck, initial-channels, stem, shortcut, initialization"
    );
    assert_eq!(
        fault("preset = \"resnet-20\"\nfamily = \"densenet\""),
        "x.toml:7: model.family: family is \"densenet\", and the preset's is \"resnet\"; leave family out: a preset knows its own"
    );
    assert_eq!(
        fault("family = \"resnets\"\ndepth = 20"),
        "x.toml:6: model.family: family is \"resnets\"; it must be \"densenet\", \"resnet\", \"wide-resnet\", \"preact-resnet\", \"vgg\", \"googlenet\" or \"inception-v3\"; did you mean \"resnet\"?"
    );
}

#[test]
fn where_variants_differ_in_their_family_the_files_own_keys_are_for_those_that_have_them() {
    let ablation = read(
        "[data]\ndataset = \"digits\"\n[model]\nblock-layers = [1, 1]\ngrowth-rate = 4\n\
         [sweep]\n\"model.family\" = [\"densenet\", \"resnet\"]\n",
    );
    assert_eq!(names(&ablation), ["family=densenet", "family=resnet"]);
    assert_eq!(ablation.variants[0].settings.model.columns().growth_rate, Some(4));
    assert_eq!(ablation.variants[1].settings.model.columns().growth_rate, None);
}
