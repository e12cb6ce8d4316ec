//! `[model]`.

use super::{model, refuses, section, whole};

#[test]
fn a_growth_rate_of_zero_is_refused() {
    refuses(
        &model("depth = 40\ngrowth-rate = 0"),
        "growth.toml:7: model.growth-rate: growth-rate is 0; it must be from 1 to 65536; the paper's are 12, 24, 32, 40 and 48",
    );
    refuses(
        &model("depth = 40\ngrowth-rate = -12"),
        "growth.toml:7: model.growth-rate: growth-rate is -12; it must be from 1 to 65536; the paper's are 12, 24, 32, 40 and 48",
    );
    refuses(
        &model("depth = 40\ngrowth-rate = 65537"),
        "growth.toml:7: model.growth-rate: growth-rate is 65537; it must be from 1 to 65536; the paper's are 12, 24, 32, 40 and 48",
    );
}

#[test]
fn a_compression_of_zero_or_above_one_is_refused() {
    refuses(
        &model("depth = 40\ncompression = 0"),
        "growth.toml:7: model.compression: compression is 0; it must be above 0 and at most 1; 1.0 compresses nothing, the paper's DenseNet-C has 0.5",
    );
    refuses(
        &model("depth = 40\ncompression = 1.5"),
        "growth.toml:7: model.compression: compression is 1.5; it must be above 0 and at most 1; 1.0 compresses nothing, the paper's DenseNet-C has 0.5",
    );
    refuses(
        &model("depth = 40\ncompression = nan"),
        "growth.toml:7: model.compression: compression is nan; it must be above 0 and at most 1; 1.0 compresses nothing, the paper's DenseNet-C has 0.5",
    );
}

#[test]
fn a_depth_that_does_not_divide_into_blocks_is_refused() {
    refuses(
        &model("depth = 41"),
        "growth.toml:6: model.depth: depth 41 does not divide into three blocks: it must be 3 * n + 4; the nearest are 40 and 43, or give block-layers",
    );
    refuses(
        &model("depth = 43\nbottleneck = true"),
        "growth.toml:6: model.depth: depth 43 does not divide into three blocks: it must be 3 * n * 2 + 4; the nearest are 40 and 46, or give block-layers",
    );
    refuses(
        &model("depth = 0"),
        "growth.toml:6: model.depth: depth is 0; it must be from 1 to 65536; the paper's are 40, 100, 190 and 250",
    );
    refuses(
        &model("depth = 5"),
        "growth.toml:6: model.depth: depth 5 does not divide into three blocks: it must be 3 * n + 4; the smallest is 7, or give block-layers",
    );
    refuses(
        &model(
            r#"preset = "densenet-bc-100-12"
depth = 43"#,
        ),
        "growth.toml:7: model.depth: depth 43 does not divide into three blocks: it must be 3 * n * 2 + 4; the nearest are 40 and 46, or give block-layers",
    );
}

#[test]
fn a_network_without_blocks_is_refused() {
    refuses(
        &model("growth-rate = 12"),
        "growth.toml:5: model.depth: none of depth, block-layers and preset is given, and the network needs one of them; give one, such as depth = 40",
    );
    refuses(
        &whole(
            r#"name = "growth"
question = "What does it buy?"
[data]
dataset = "digits"
"#,
        ),
        "growth.toml: model.depth: none of depth, block-layers and preset is given, and the network needs one of them; give one, such as depth = 40",
    );
    refuses(
        &model("block-layers = []"),
        "growth.toml:6: model.block-layers: block-layers is empty; it must have at least one value; write one count a block, such as [12, 12, 12]",
    );
    refuses(
        &model("block-layers = [12, 0]"),
        "growth.toml:6: model.block-layers: block-layers has 0; each must be from 1 to 65536; write one count a block, such as [12, 12, 12]",
    );
    refuses(
        &model("block-layers = [65536, 1]"),
        "growth.toml:6: model.block-layers: block-layers is [65536, 1]; each block has at least 1 layer, and all together at most 65536; write one count a block, such as [12, 12, 12]",
    );
}

#[test]
fn depth_and_block_layers_together_are_refused() {
    refuses(
        &model("depth = 40\nblock-layers = [12, 12, 12]"),
        "growth.toml:6: model.depth: depth and block-layers are both given, and each decides the blocks; keep one of the two",
    );
}

#[test]
fn an_unknown_preset_is_named_with_the_nearest() {
    refuses(
        &model(r#"preset = "densenet-bc-100""#),
        r#"growth.toml:6: model.preset: preset is "densenet-bc-100"; there is no such preset; did you mean "densenet-bc-100-12"?"#,
    );
    refuses(
        &model("preset = 121"),
        r#"growth.toml:6: model.preset: preset is 121; it must be a preset's name; write a preset's name, such as "densenet-bc-100-12""#,
    );
}

#[test]
fn compression_that_leaves_no_channel_is_refused_with_the_variant_that_it_is_of() {
    refuses(
        &model("depth = 40\ncompression = 0.001"),
        "growth.toml:7: model.compression: compression 0.001 leaves no channel of the 160 before transition 1; it must be at least 1/160 there",
    );
    refuses(
        &section("sweep", r#""model.compression" = [0.5, 0.001]"#),
        "growth.toml:8: model.compression: in variant compression=0.001, compression 0.001 leaves no channel of the 160 before transition 1; it must be at least 1/160 there",
    );
    refuses(
        &section(
            "sweep",
            r#""model.growth-rate" = [24, 12]
"model.compression" = [
  0.5,
  0.001,
]"#,
        ),
        "growth.toml:11: model.compression: in variant growth-rate=24,compression=0.001, compression 0.001 leaves no channel of the 304 before transition 1; it must be at least 1/304 there",
    );
}

#[test]
fn other_options_of_the_network_out_of_their_range_are_refused() {
    refuses(
        &model("depth = 40\nbottleneck-width = 0"),
        "growth.toml:7: model.bottleneck-width: bottleneck-width is 0; it must be from 1 to 65536; the paper's is 4",
    );
    refuses(
        &model("depth = 40\ninitial-channels = 0"),
        "growth.toml:7: model.initial-channels: initial-channels is 0; it must be from 1 to 65536; the paper's are 16 and 2 * growth-rate",
    );
    refuses(
        &model("depth = 40\ndropout = 1"),
        "growth.toml:7: model.dropout: dropout is 1; it must be at least 0 and below 1; the paper's is 0.2 without augmentation and 0 with it",
    );
    refuses(
        &model("depth = 40\ndropout = -0.1"),
        "growth.toml:7: model.dropout: dropout is -0.1; it must be at least 0 and below 1; the paper's is 0.2 without augmentation and 0 with it",
    );
    refuses(
        &model("block-layers = [65535]\ngrowth-rate = 65536"),
        "growth.toml:7: model.growth-rate: block 1 ends with 4294901776 channels; at most 16777216 can be built; take a smaller growth-rate or fewer layers",
    );
    refuses(
        &model(
            r#"depth = 40
stem = "resnet""#,
        ),
        r#"growth.toml:7: model.stem: stem is "resnet"; it must be "cifar" or "imagenet"; "cifar" is for small images, "imagenet" for 224x224"#,
    );
    refuses(
        &model(
            r#"depth = 40
order = "preactivation""#,
        ),
        r#"growth.toml:7: model.order: order is "preactivation"; it must be "pre-activation" or "post-activation"; did you mean "pre-activation"?"#,
    );
    refuses(
        &model(
            r#"depth = 40
dropout-after = "1x1""#,
        ),
        r#"growth.toml:7: model.dropout-after: dropout-after is "1x1"; it must be "every-convolution" or "3x3"; the authors' code has "every-convolution", torchvision "3x3""#,
    );
    refuses(
        &model(
            r#"depth = 40
initialization = "he-fan""#,
        ),
        r#"growth.toml:7: model.initialization: initialization is "he-fan"; it must be "he-fan-out" or "he-fan-in"; did you mean "he-fan-out"?"#,
    );
    refuses(
        &model(
            r#"depth = 40
weights = """#,
        ),
        "growth.toml:7: model.weights: weights is empty; it must say something; name a safetensors file, or leave it out to start from seeded weights",
    );
}

#[test]
fn post_activation_order_without_the_final_relu_is_refused() {
    refuses(
        &model(
            r#"depth = 40
order = "post-activation"
final-relu = false"#,
        ),
        r#"growth.toml:8: model.final-relu: final-relu is false, but in post-activation order no normalisation and ReLU stand before the classifier; write final-relu = true or order = "pre-activation""#,
    );
    refuses(
        &model(
            r#"preset = "article"
order = "post-activation""#,
        ),
        r#"growth.toml:7: model.order: final-relu is false, but in post-activation order no normalisation and ReLU stand before the classifier; write final-relu = true or order = "pre-activation""#,
    );
}

#[test]
fn connections_that_cannot_be_are_refused() {
    refuses(
        &model(
            r#"depth = 40
connectivity = "residual"
visible-layers = 2"#,
        ),
        r#"growth.toml:8: model.visible-layers: visible-layers is 2, but connectivity is "residual": only a dense layer reads several before it; leave visible-layers out, or write connectivity = "dense""#,
    );
    refuses(
        &model(
            r#"depth = 40
connectivity = "resiudal""#,
        ),
        r#"growth.toml:7: model.connectivity: connectivity is "resiudal"; it must be "dense", "residual" or "plain"; did you mean "residual"?"#,
    );
    refuses(
        &model(
            r#"depth = 40
visible-layers = 0"#,
        ),
        "growth.toml:7: model.visible-layers: visible-layers is 0; it must be from 1 to 65536; leave it out for the paper's, where each layer reads all before it",
    );
}

#[test]
fn options_of_inception_networks_that_build_none_are_refused() {
    refuses(
        &model("family = \"googlenet\"\nwidth-multiplier = 0"),
        "growth.toml:7: model.width-multiplier: width-multiplier is 0; it must be above 0 and at most 8; the paper's network has 1.0; 0.25 has a quarter of the channels",
    );
    refuses(
        &model("family = \"googlenet\"\nauxiliary-heads = 2"),
        "growth.toml:7: model.auxiliary-heads: auxiliary-heads is 2; it must be true or false; true is the network as its paper trains it",
    );
    refuses(
        &model("family = \"googlenet\"\nauxiliary-dropout = 1.0"),
        "growth.toml:7: model.auxiliary-dropout: auxiliary-dropout is 1.0; it must be at least 0 and below 1; the paper's is 0.7",
    );
    refuses(
        &model("family = \"inception-v3\"\nauxiliary-dropout = 0.7"),
        "growth.toml:7: model.auxiliary-dropout: auxiliary-dropout is for the family googlenet, but the family is inception-v3; remove auxiliary-dropout; inception-v3 has width-multiplier, auxiliary-heads, dropout",
    );
    refuses(
        &model("family = \"googlenet\"\naux_logits = false"),
        "growth.toml:7: model.aux_logits: [model] has no key aux_logits; did you mean auxiliary-heads?",
    );
    refuses(
        &model("family = \"googlenet\"\ndepth = 22"),
        "growth.toml:7: model.depth: depth is for the family densenet, but the family is googlenet; remove depth; googlenet has width-multiplier, auxiliary-heads, dropout, auxiliary-dropout",
    );
}
