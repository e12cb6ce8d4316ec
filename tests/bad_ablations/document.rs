//! The file as TOML: sections, keys, types, and what the ablation is called.

use super::{data, model, refuses, section, whole};

#[test]
fn an_unknown_key_is_named_with_the_nearest() {
    refuses(
        &model("depth = 40\ngrowth_rate = 12"),
        "growth.toml:7: model.growth_rate: [model] has no key growth_rate; did you mean growth-rate?",
    );
    for written in ["Growth-Rate", "GROWTH_RATE", "growthRate"] {
        refuses(
            &model(&format!("depth = 40\n{written} = 12")),
            &format!("growth.toml:7: model.{written}: [model] has no key {written}; did you mean growth-rate?"),
        );
    }
    refuses(
        &model("depth = 40\ngrowth = 12"),
        "growth.toml:7: model.growth: [model] has no key growth; did you mean growth-rate?",
    );
    refuses(
        &section("train", "lr = 0.1"),
        "growth.toml:8: train.lr: [train] has no key lr; did you mean learning-rate?",
    );
    refuses(
        &section("train", "optimizer = \"adam\""),
        "growth.toml:8: train.optimizer: [train] has no key optimizer; leave it out: training is SGD with momentum, whose keys \
         are momentum, nesterov and weight-decay",
    );
    refuses(
        &model("depth = 40\nbatch-size = 12"),
        "growth.toml:7: model.batch-size: [model] has no key batch-size; write batch-size under [train]",
    );
    refuses(
        &whole(
            r#"name = "a"
title = "b"
"#,
        ),
        "growth.toml:2: title: the file's top has no key title; at its top a file has name and question, then [data], [model], [train], [measure], [run], [compare], [sweep] and [[variant]]",
    );
    refuses(
        &whole(
            r#"name = "a"
epochs = 3
"#,
        ),
        "growth.toml:2: epochs: the file's top has no key epochs; write epochs under [train]",
    );
    refuses(
        &whole(
            r#"name = "a"
"model.depth" = 3
"#,
        ),
        "growth.toml:2: model.depth: the file's top has no key model.depth; write depth under [model]",
    );
    refuses(
        &whole(
            r#"name = "a"
"model.dept" = 3
"#,
        ),
        "growth.toml:2: model.dept: the file's top has no key model.dept; at its top a file has name and question, then [data], [model], [train], [measure], [run], [compare], [sweep] and [[variant]]",
    );
    refuses(
        &model(r#""data.dataset" = "digits""#),
        "growth.toml:6: model.data.dataset: [model] has no key data.dataset; write dataset under [data]",
    );
    refuses(
        &data(
            r#"dataset = "digits"
name = "a""#,
        ),
        "growth.toml:5: data.name: [data] has no key name; it belongs at the file's top, before the first section",
    );
    refuses(
        &model(
            r#"depth = 40
"a\nb" = 3"#,
        ),
        "growth.toml:7: model.a\\nb: [model] has no key a\\nb; [model] has preset, family, depth, block-layers, growth-rate, bottleneck, bottleneck-width, compression, initial-channels, stem, transition-relu, final-relu, order, dropout, dropout-after, initialization, connectivity, visible-layers, growth-doubling, squeeze-excitation, match-parameters, shortcut, widening-factor, batch-norm, classifier-width, width-multiplier, auxiliary-heads, auxiliary-dropout, weights",
    );
    refuses(
        &model("depth.layers = 3"),
        "growth.toml:6: model.depth: depth is a table; it must be a whole number from 1 to 65536; the paper's are 40, 100, 190 and 250",
    );
}

#[test]
fn keys_of_later_versions_are_unknown_to_this_one() {
    refuses(
        &section("train", "loss-scale = 1024"),
        "growth.toml:8: train.loss-scale: [train] has no key loss-scale; [train] has epochs, steps, batch-size, learning-rate, momentum, nesterov, weight-decay, schedule, milestones, gamma, warmup-steps, label-smoothing, mixup, freeze, new-head, learning-rate-groups, group-learning-rates, shuffle, seeds, initialization-seed, order-seed, augmentation-seed, dropout-seed, checkpoint-every",
    );
    refuses(
        &section("run", "precision = \"f64\""),
        r#"growth.toml:8: run.precision: precision is "f64"; it must be "f32", "tf32", "bf16" or "f16"; leave it out for "f32""#,
    );
}

#[test]
fn a_key_of_an_earlier_version_is_named_with_what_took_its_place() {
    let remedy = "write precision = \"tf32\" in its place, or leave it out for f32";
    for value in ["true", "false"] {
        refuses(
            &section("run", &format!("tf32 = {value}")),
            &format!("growth.toml:8: run.tf32: [run] has no key tf32; {remedy}"),
        );
    }
    refuses(
        &section("sweep", "\"run.tf32\" = [true, false]"),
        &format!("growth.toml:8: sweep.run.tf32: there is no key run.tf32; {remedy}"),
    );
}

#[test]
fn an_unknown_section_is_named_with_the_nearest() {
    refuses(
        &section("trian", "epochs = 1"),
        "growth.toml:7: trian: there is no section [trian]; did you mean [train]?",
    );
    refuses(
        &section("optimizer", "lr = 1"),
        "growth.toml:7: optimizer: there is no section [optimizer]; there are [data], [model], [train], [measure], [run], [compare], [sweep] and [[variant]]",
    );
    refuses(
        &section("variants", "name = 1"),
        "growth.toml:7: variants: there is no section [variants]; did you mean [variant]?",
    );
}

#[test]
fn a_section_that_is_not_a_table_is_named() {
    refuses(
        &whole(
            r#"data = "digits"
"#,
        ),
        "growth.toml:1: data: data must be a section; write [data] once, and its keys below it",
    );
    refuses(
        &whole("[[model]]\ndepth = 40\n"),
        "growth.toml:1: model: model must be a section; write [model] once, and its keys below it",
    );
    refuses(
        &whole("sweep = [1]\n"),
        "growth.toml:1: sweep: sweep must be a section; write [sweep] and its keys below it",
    );
    refuses(
        &whole(
            r#"[variant]
name = "a"
"#,
        ),
        "growth.toml:1: variant: variant must be a list of tables; write [[variant]], with two brackets, for each",
    );
    refuses(
        &whole("variant = [1]\n"),
        "growth.toml:1: variant: variant must be a list of tables; write [[variant]], with two brackets, for each",
    );
}

#[test]
fn a_value_of_the_wrong_type_is_named() {
    refuses(
        &model(r#"depth = "40""#),
        r#"growth.toml:6: model.depth: depth is "40", a string; it must be a whole number from 1 to 65536; write 40, without quotes"#,
    );
    refuses(
        &model("depth = 40.0"),
        "growth.toml:6: model.depth: depth is 40.0; it must be a whole number from 1 to 65536; write 40, without a point",
    );
    refuses(
        &model("depth = 40\nbottleneck = 1"),
        "growth.toml:7: model.bottleneck: bottleneck is 1; it must be true or false; true is the paper's DenseNet-B",
    );
    refuses(
        &model(
            r#"depth = 40
compression = "half""#,
        ),
        r#"growth.toml:7: model.compression: compression is "half", a string; it must be a number above 0 and at most 1; 1.0 compresses nothing, the paper's DenseNet-C has 0.5"#,
    );
    refuses(
        &model("block-layers = 12"),
        "growth.toml:6: model.block-layers: block-layers is 12; it must be a list of whole numbers from 1 to 65536; write one count a block, such as [12, 12, 12]",
    );
    refuses(
        &model(r#"block-layers = [12, "12"]"#),
        r#"growth.toml:6: model.block-layers: block-layers has "12", a string; each must be a whole number from 1 to 65536; write one count a block, such as [12, 12, 12]"#,
    );
    refuses(
        &model("depth = 1979-05-27"),
        "growth.toml:6: model.depth: depth is 1979-05-27, a date or time; it must be a whole number from 1 to 65536; the paper's are 40, 100, 190 and 250",
    );
    refuses(
        &model("depth = { layers = 3 }"),
        "growth.toml:6: model.depth: depth is a table; it must be a whole number from 1 to 65536; the paper's are 40, 100, 190 and 250",
    );
    refuses(
        &model("depth = true"),
        "growth.toml:6: model.depth: depth is true, a boolean; it must be a whole number from 1 to 65536; the paper's are 40, 100, 190 and 250",
    );
    refuses(
        &model("depth = 99999999999999999999999999999999999999999999"),
        "growth.toml:6: model.depth: depth is a number with too many digits; it must be a whole number from 1 to 65536; the paper's are 40, 100, 190 and 250",
    );
    refuses(
        &model(
            r#"depth = 40
stem = ["cifar"]"#,
        ),
        r#"growth.toml:7: model.stem: stem is a list; it must be "cifar" or "imagenet"; "cifar" is for small images, "imagenet" for 224x224"#,
    );
    refuses(
        &section("train", r#"milestones = ["half"]"#),
        r#"growth.toml:8: train.milestones: milestones has "half", a string; each must be a number above 0 and below 1; the paper's are [0.5, 0.75]"#,
    );
    refuses(
        &section("measure", "mode = 3"),
        r#"growth.toml:8: measure.mode: mode is 3; it must be "train" or "evaluate", or a list of them; write mode = ["train", "evaluate"] for both"#,
    );
    refuses(
        &whole("name = 3\n"),
        r#"growth.toml:1: name: name is 3; it must be text; give one at the file's top, such as name = "growth""#,
    );
    refuses(
        &whole("[name]\n"),
        r#"growth.toml:1: name: name is a table; it must be text; give one at the file's top, such as name = "growth""#,
    );
}

#[test]
fn a_missing_name_question_or_dataset_is_named() {
    refuses(
        &whole(
            r#"question = "a"
[data]
dataset="digits"
"#,
        ),
        r#"growth.toml: name: the ablation has no name; give one at the file's top, such as name = "growth""#,
    );
    refuses(
        &whole(
            r#"name = "a"
[data]
dataset="digits"
"#,
        ),
        r#"growth.toml: question: the ablation has no question; give one at the file's top, such as question = "What does a larger growth rate buy?""#,
    );
    refuses(
        &whole(
            r#"name = "a"
question = "b"
[model]
depth = 40
"#,
        ),
        r#"growth.toml: data.dataset: there is no dataset; write dataset = "digits" for the data set that is embedded"#,
    );
    refuses(
        &data(""),
        r#"growth.toml:3: data.dataset: there is no dataset; write dataset = "digits" for the data set that is embedded"#,
    );
    refuses(
        &whole(
            r#"name = ""
"#,
        ),
        r#"growth.toml:1: name: name is empty; it must say something; give one at the file's top, such as name = "growth""#,
    );
    refuses(
        &whole(
            r#"name = "a"
question = " "
"#,
        ),
        r#"growth.toml:2: question: question is empty; it must say something; give one at the file's top, such as question = "What does a larger growth rate buy?""#,
    );
}

#[test]
fn a_name_with_other_characters_than_a_to_z_digits_and_hyphens_is_refused() {
    refuses(
        &whole(
            r#"name = "Growth rate"
question = "a"
"#,
        ),
        r#"growth.toml:1: name: name is "Growth rate"; it names a folder and takes up to 100 of a-z, 0-9 and -; choose a name such as "growth-rate""#,
    );
    refuses(
        &whole(
            r#"name = "../up"
"#,
        ),
        r#"growth.toml:1: name: name is "../up"; it names a folder and takes up to 100 of a-z, 0-9 and -; choose a name such as "growth-rate""#,
    );
    let name = "a".repeat(101);
    refuses(
        &whole(&format!("name = {name:?}\n")),
        &format!(
            "growth.toml:1: name: name is \"{name}\"; it names a folder and takes up to 100 of a-z, 0-9 and -; choose a name such as \"growth-rate\""
        ),
    );
}
