//! `[sweep]` and `[[variant]]`.

use std::path::Path;

use densenet_bench::formats::ablation::parse_recorded;

use super::{refuses, section, variant, whole};

#[test]
fn an_empty_sweep_is_refused() {
    refuses(
        &section("sweep", r#""model.growth-rate" = []"#),
        r#"growth.toml:8: sweep.model.growth-rate: the sweep has no values; list its values in brackets, such as "model.growth-rate" = [8, 12]"#,
    );
    refuses(
        &section("sweep", ""),
        r#"growth.toml:7: sweep: [sweep] has no keys; list values, such as "model.growth-rate" = [8, 12], or leave [sweep] out"#,
    );
}

#[test]
fn a_sweep_that_is_not_a_list_is_refused() {
    refuses(
        &section("sweep", r#""model.growth-rate" = 12"#),
        r#"growth.toml:8: sweep.model.growth-rate: the sweep is 12; it must be a list of values; list its values in brackets, such as "model.growth-rate" = [8, 12]"#,
    );
}

#[test]
fn a_sweep_of_an_unknown_key_is_named_with_the_nearest() {
    refuses(
        &section("sweep", r#""model.growthrate" = [8]"#),
        r#"growth.toml:8: sweep.model.growthrate: there is no key model.growthrate; did you mean "model.growth-rate"?"#,
    );
    refuses(
        &section("sweep", "growth-rate = [8]"),
        r#"growth.toml:8: sweep.growth-rate: there is no key growth-rate; did you mean "model.growth-rate"?"#,
    );
    refuses(
        &section("sweep", r#""model.width" = [8]"#),
        r#"growth.toml:8: sweep.model.width: there is no key model.width; did you mean "model.width-multiplier"?"#,
    );
    refuses(
        &section("sweep", "model.widht = [8]"),
        "growth.toml:8: sweep.model.widht: there is no key model.widht; [model] has preset, family, depth, block-layers, growth-rate, bottleneck, bottleneck-width, compression, initial-channels, stem, transition-relu, final-relu, order, dropout, dropout-after, initialization, connectivity, visible-layers, growth-doubling, squeeze-excitation, match-parameters, shortcut, widening-factor, batch-norm, classifier-width, width-multiplier, auxiliary-heads, auxiliary-dropout, weights",
    );
    refuses(
        &section("sweep", r#""sweep" = [8]"#),
        r#"growth.toml:8: sweep.sweep: there is no key sweep; write its section and its name, such as "model.growth-rate""#,
    );
}

#[test]
fn a_sweep_of_the_name_or_the_question_is_refused() {
    refuses(
        &section("sweep", r#"name = ["a"]"#),
        r#"growth.toml:8: sweep.name: name is the whole ablation's and cannot differ between variants; vary keys of the sections, such as "model.growth-rate""#,
    );
    refuses(
        &section("sweep", r#"question = ["a"]"#),
        r#"growth.toml:8: sweep.question: question is the whole ablation's and cannot differ between variants; vary keys of the sections, such as "model.growth-rate""#,
    );
}

#[test]
fn a_sweep_value_is_checked_as_the_keys_own() {
    refuses(
        &section("sweep", r#""model.growth-rate" = [8, "12"]"#),
        r#"growth.toml:8: model.growth-rate: growth-rate is "12", a string; it must be a whole number from 1 to 65536; write 12, without quotes"#,
    );
    refuses(
        &section(
            "sweep",
            r#""model.growth-rate" = [
  8,
  0,
]"#,
        ),
        "growth.toml:10: model.growth-rate: growth-rate is 0; it must be from 1 to 65536; the paper's are 12, 24, 32, 40 and 48",
    );
    refuses(
        &section("sweep", r#""model.block-layers" = [3, 3, 3]"#),
        "growth.toml:8: model.block-layers: block-layers is 3; it must be a list of whole numbers from 1 to 65536; a sweep of lists has a list in each place, such as [[6, 6, 6], [12, 12, 12]]",
    );
    refuses(
        &section("sweep", r#""model.depth" = [40, 41]"#),
        "growth.toml:8: model.depth: in variant depth=41, depth 41 does not divide into three blocks: it must be 3 * n + 4; the nearest are 40 and 43, or give block-layers",
    );
    refuses(
        &section("sweep", r#""train.momentum" = [0.9, 1.0]"#),
        "growth.toml:8: train.momentum: momentum is 1.0; it must be at least 0 and below 1; the paper's is 0.9",
    );
}

#[test]
fn a_sweep_that_gives_a_key_or_a_value_twice_is_refused() {
    refuses(
        &section("sweep", r#""model.growth-rate" = [8, 12, 8]"#),
        "growth.toml:8: sweep.model.growth-rate: 8 stands twice, which makes two variants of one name; list each value once",
    );
    refuses(
        &section("sweep", r#""model.compression" = [1, 1.0]"#),
        "growth.toml:8: sweep.model.compression: 1.0 stands twice, which makes two variants of one name; list each value once",
    );
    refuses(
        &section(
            "sweep",
            r#""model.growth-rate" = [8]
model.growth-rate = [12]"#,
        ),
        "growth.toml:9: sweep.model.growth-rate: model.growth-rate is given twice; keep one of the two",
    );
}

#[test]
fn a_sweep_value_that_no_variants_name_can_hold_is_refused() {
    refuses(
        &section("sweep", r#""model.weights" = ["a.safetensors", "runs/b.safetensors"]"#),
        r#"growth.toml:8: model.weights: it would make a variant "weights=runs/b.safetensors", but a variant's name takes up to 200 letters, digits and . _ = , + - and starts with a letter or digit; name the points yourself, with [[variant]]"#,
    );
}

#[test]
fn a_sweep_of_more_than_ten_thousand_variants_is_refused() {
    let numbers = |last: usize| {
        (1..=last)
            .map(|number| number.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let sweep = format!(
        "\"model.growth-rate\" = [{}]\n\"train.batch-size\" = [{}]\n",
        numbers(101),
        numbers(100)
    );
    refuses(
        &section("sweep", &sweep),
        "growth.toml:7: sweep: the sweep makes 10100 variants; at most 10000 can be run; sweep fewer values, or list points with [[variant]]",
    );
}

#[test]
fn a_sweep_of_a_key_that_the_file_excludes_is_refused() {
    refuses(
        &section("sweep", r#""model.block-layers" = [[3, 3, 3]]"#),
        "growth.toml:8: model.block-layers: in variant block-layers=3-3-3, depth and block-layers are both given, and each decides the blocks; keep one of the two",
    );
    refuses(
        &whole(
            r#"name = "growth"
question = "What does it buy?"
[data]
dataset = "digits"
[model]
depth = 40
[train]
epochs = 1
[sweep]
"train.steps" = [100]
"#,
        ),
        "growth.toml:10: train.steps: in variant steps=100, epochs and steps are both given, and each decides how long training lasts; keep one of the two",
    );
}

#[test]
fn two_variants_of_one_name_are_refused() {
    refuses(
        &variant(
            r#"name = "a"
[[variant]]
name = "a""#,
        ),
        "growth.toml:10: variant.name: two variants are named a; give each a name of its own",
    );
    refuses(
        &whole(
            r#"name = "growth"
question = "What does it buy?"
[data]
dataset = "digits"
[model]
depth = 40
[sweep]
"model.growth-rate" = [12]
[[variant]]
name = "growth-rate=12"
"#,
        ),
        "growth.toml:10: variant.name: two variants are named growth-rate=12; give each a name of its own",
    );
}

#[test]
fn a_variant_without_a_fitting_name_is_refused() {
    refuses(
        &variant(r#"set = { "model.growth-rate" = 24 }"#),
        r#"growth.toml:7: variant.name: the variant has no name; give each a name, such as name = "wide""#,
    );
    refuses(
        &variant(r#"name = """#),
        r#"growth.toml:8: variant.name: name is ""; a variant's name takes up to 200 letters, digits and . _ = , + - and starts with a letter or digit; choose a name such as "wide-24""#,
    );
    refuses(
        &variant(r#"name = "k 24""#),
        r#"growth.toml:8: variant.name: name is "k 24"; a variant's name takes up to 200 letters, digits and . _ = , + - and starts with a letter or digit; choose a name such as "wide-24""#,
    );
    refuses(
        &variant(r#"name = "=1+1""#),
        r#"growth.toml:8: variant.name: name is "=1+1"; a variant's name takes up to 200 letters, digits and . _ = , + - and starts with a letter or digit; choose a name such as "wide-24""#,
    );
    refuses(
        &variant("name = 24"),
        r#"growth.toml:8: variant.name: name is 24; it must be text; give each a name, such as name = "wide""#,
    );
    let name = "a".repeat(201);
    refuses(
        &variant(&format!("name = {name:?}\n")),
        &format!(
            "growth.toml:8: variant.name: name is \"{name}\"; a variant's name takes up to 200 letters, digits and . _ = , + - and starts with a letter or digit; choose a name such as \"wide-24\""
        ),
    );
}

#[test]
fn a_name_that_other_programs_do_not_read_as_text_is_refused() {
    for (name, taken_for) in [
        ("None", "a missing value"),
        ("NA", "a missing value"),
        ("null", "a missing value"),
        ("nan", "a missing value"),
        ("no", "true or false"),
        ("001", "a number"),
        ("1e5", "a number"),
        ("6-12-24", "a date"),
        ("mar1", "a date"),
    ] {
        refuses(
            &variant(&format!("name = {name:?}")),
            &format!(
                "growth.toml:8: variant.name: name is {name:?}, which programs that read the tables (pandas, R, spreadsheets) take for {taken_for}; put a word before it, such as \"variant-{name}\""
            ),
        );
    }
    let named_null = variant("name = \"none\"").replace("\"growth\"", "\"null\"");
    refuses(
        &named_null,
        "growth.toml:1: name: name is \"null\", which programs that read the tables (pandas, R, spreadsheets) take for a missing value; put a word before it, such as \"ablation-null\"",
    );
    // What a result folder keeps is read, whatever its variants are called; a program of today would refuse to run it.
    let recorded = parse_recorded(&variant("name = \"None\""), Path::new("growth.toml")).unwrap();
    assert_eq!(recorded.variants[0].name, "None");
}

#[test]
fn a_variant_that_sets_what_it_cannot_is_refused() {
    refuses(
        &variant(
            r#"name = "a"
set = { "model.growth" = 24 }"#,
        ),
        r#"growth.toml:9: variant.set.model.growth: there is no key model.growth; did you mean "model.growth-rate"?"#,
    );
    refuses(
        &variant(
            r#"name = "a"
set = { question = "b" }"#,
        ),
        r#"growth.toml:9: variant.set.question: question is the whole ablation's and cannot differ between variants; vary keys of the sections, such as "model.growth-rate""#,
    );
    refuses(
        &variant(
            r#"name = "a"
set = { "model.growth-rate" = "24" }"#,
        ),
        r#"growth.toml:9: model.growth-rate: growth-rate is "24", a string; it must be a whole number from 1 to 65536; write 24, without quotes"#,
    );
    refuses(
        &variant(
            r#"name = "a"
set = { "model.growth-rate" = 0 }"#,
        ),
        "growth.toml:9: model.growth-rate: growth-rate is 0; it must be from 1 to 65536; the paper's are 12, 24, 32, 40 and 48",
    );
    refuses(
        &variant(
            r#"name = "a"
set = { "model.growth-rate" = 8, model.growth-rate = 12 }"#,
        ),
        "growth.toml:9: variant.set.model.growth-rate: model.growth-rate is given twice; keep one of the two",
    );
    refuses(
        &variant(
            r#"name = "a"
set = 3"#,
        ),
        r#"growth.toml:9: variant.set: set must be a table; write set = { "model.growth-rate" = 24 }"#,
    );
    refuses(
        &variant(
            r#"name = "a"
sets = {}"#,
        ),
        "growth.toml:9: variant.sets: [[variant]] has no key sets; did you mean set?",
    );
    refuses(
        &variant(
            r#"name = "a"
"model.growth-rate" = 8"#,
        ),
        "growth.toml:9: variant.model.growth-rate: [[variant]] has no key model.growth-rate; it has name and set; settings go into set",
    );
    refuses(
        &variant(
            r#"name = "a"
[variant.set]
"model.compression" = 0.001"#,
        ),
        "growth.toml:10: model.compression: in variant a, compression 0.001 leaves no channel of the 160 before transition 1; it must be at least 1/160 there",
    );
}

#[test]
fn a_fault_of_the_files_own_values_names_no_variant() {
    refuses(
        &whole(
            r#"name = "growth"
question = "What does it buy?"
[data]
dataset = "digits"
[model]
depth = 41
[sweep]
"model.growth-rate" = [8, 12]
"#,
        ),
        "growth.toml:6: model.depth: depth 41 does not divide into three blocks: it must be 3 * n + 4; the nearest are 40 and 43, or give block-layers",
    );
}
