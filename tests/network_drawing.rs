//! `describe --svg` from its command line.

#![cfg(feature = "burn")]

mod workplace;

use std::fs;

use workplace::Workplace;

const TWO: &str = "name = \"two\"\nquestion = \"?\"\n[data]\ndataset = \"digits\"\n[model]\nblock-layers = [3, 2]\n\
                   [sweep]\n\"model.growth-rate\" = [4, 8]\n";

/// The words of a drawing, as a parser of XML finds them.
fn words(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    // The backend breaks lines around a text.
    texts.filter_map(|node| Some(node.text()?.trim().to_owned())).collect()
}

#[test]
fn a_preset_of_every_family_is_drawn_with_its_stages_shapes_and_costs() {
    let place = Workplace::new();
    for (preset, expected) in [
        (
            "densenet-121",
            ["features.denseblock4", "24 \u{d7}", "512x28x28", "7,978,856"],
        ),
        ("resnet-50", ["layer3", "addition", "1024x14x14", "25,557,032"]),
        ("preact-resnet-110", ["layer2", "identity", "32x16x16", "10x1x1"]),
        ("wide-resnet-28-10", ["layer1", "addition", "640x8x8", "10x1x1"]),
        (
            "vgg-16",
            [
                "stage5",
                "2 \u{d7} (linear 4096, ReLU, dropout 0.5)",
                "512x7x7",
                "138,357,544",
            ],
        ),
        ("googlenet", ["inception3a", "3x3 max pool", "256x28x28", "6,624,904"]),
        (
            "inception-v3",
            ["Mixed_6c to Mixed_6d", "concatenation", "768x17x17", "1000x1x1"],
        ),
    ] {
        place.ok(&["describe", preset, "--svg", "drawing.svg"]);
        let svg = fs::read_to_string(place.path("drawing.svg")).unwrap();
        let words = words(&svg);
        assert_eq!(words[0], preset);
        for word in expected {
            let is_there = words.iter().any(|own| own == word);
            assert!(is_there, "{preset}, {word}: {words:?}");
        }
        // The same bytes on standard output.
        assert_eq!(place.ok(&["describe", preset, "--svg", "-"]), svg);
    }
}

#[test]
fn one_variant_is_drawn_and_of_several_one_is_to_be_chosen() {
    let place = Workplace::new();
    place.write("two.toml", TWO);
    let said = place.refused(&["describe", "two.toml", "--svg", "x.svg"]);
    assert_eq!(
        said,
        "error: 'two.toml' has several variants, and a drawing shows one; choose one with --variant: growth-rate=4, growth-rate=8"
    );
    assert!(!place.path("x.svg").exists());
    place.ok(&["describe", "two.toml", "--variant", "growth-rate=8", "--svg", "x.svg"]);
    let words = words(&fs::read_to_string(place.path("x.svg")).unwrap());
    assert_eq!(words[0], "two: growth-rate=8");
    assert!(words.iter().any(|word| word == "BN, ReLU, 3x3 conv 8"), "{words:?}");

    let said = place.refused(&["describe", "two.toml", "--variant", "growth-rate=9"]);
    assert!(
        said.contains("could not find variant 'growth-rate=9' in 'two.toml'; it has growth-rate=4, growth-rate=8"),
        "{said}"
    );
    let table = place.ok(&["describe", "two.toml", "--variant", "growth-rate=4"]);
    assert!(
        table.contains("growth-rate=4") && !table.contains("growth-rate=8"),
        "{table}"
    );
}

#[test]
fn a_drawing_replaces_neither_what_is_read_nor_what_is_recorded() {
    let place = Workplace::new();
    let one = TWO.replace("[4, 8]", "[4]");
    place.write("one.toml", &one);
    let said = place.refused(&["describe", "one.toml", "--svg", "one.toml"]);
    assert!(said.contains("it is read by the same command"), "{said}");
    assert_eq!(fs::read_to_string(place.path("one.toml")).unwrap(), one);
    let said = place.refused(&["describe", "one.toml", "--svg", "none/x.svg"]);
    assert!(said.contains("there is no folder"), "{said}");
    let output = place.run(&["describe", "one.toml", "--svg", "x.svg", "--json"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn connections_that_are_cut_are_drawn_as_what_they_are() {
    let place = Workplace::new();
    let cut = TWO
        .replace("[4, 8]", "[4]")
        .replace("block-layers = [3, 2]", "block-layers = [3, 2]\nvisible-layers = 2");
    place.write("cut.toml", &cut);
    let svg = place.ok(&["describe", "cut.toml", "--svg", "-"]);
    let line = "3 convolutions that read outputs of one another; concatenation of all";
    assert!(words(&svg).iter().any(|word| word == line), "{svg}");
}
