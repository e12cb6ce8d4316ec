//! Names of other programs.

use std::fs;
use std::path::Path;

use densenet_bench::formats::network_weights::{Taken, take};
use densenet_bench::formats::weights;
use densenet_bench::network::families::densenet::DenseNet;
use densenet_bench::network::{Architecture, Shape};

use super::stored::{
    FILE, bytes, densenet, graph, notes_of, old_torchvision, refused, renamed, resnet, veit, weights_of,
};

#[test]
fn a_file_as_this_program_writes_it_is_taken_without_a_note() {
    for network in [densenet(), resnet("padding"), resnet("projection")] {
        let weights = weights_of(&graph(&network));
        let written = weights::write(&weights).unwrap();
        let taken = take(&written, FILE, &*network, &graph(&network)).unwrap();
        assert_eq!(
            taken,
            Taken {
                weights,
                notes: Vec::new()
            }
        );
    }
}

#[test]
fn torchvisions_old_names_are_renamed_and_the_note_counts_them() {
    let network = densenet();
    let weights = weights_of(&graph(&network));
    let notes = notes_of(&renamed(&weights, old_torchvision), &network, &weights);
    // Five dense layers of two normalisations (four tensors) and two convolutions.
    assert_eq!(
        notes,
        ["w.safetensors: 50 names of torchvision's old form renamed \
          (features.denseblock1.denselayer1.conv.1.weight to features.denseblock1.denselayer1.conv1.weight)"]
    );
}

#[test]
fn the_last_norm_of_efficient_densenet_is_renamed() {
    let network = densenet();
    let weights = weights_of(&graph(&network));
    let theirs = renamed(&weights, |name| old_torchvision(name).replace("norm5", "norm_final"));
    let notes = notes_of(&theirs, &network, &weights);
    assert_eq!(notes.len(), 2);
    assert_eq!(
        notes[1],
        "w.safetensors: 4 names of efficient_densenet_pytorch renamed (features.norm_final.bias to features.norm5.bias)"
    );
}

#[test]
fn every_prefix_and_wrapper_is_taken_off_and_named() {
    for network in [densenet(), resnet("projection")] {
        let weights = weights_of(&graph(&network));
        let count = weights.len();
        for (prefix, said) in [
            ("module.", vec!["module."]),
            ("model.", vec!["model."]),
            ("net.", vec!["net."]),
            ("network.", vec!["network."]),
            ("backbone.", vec!["backbone."]),
            ("encoder.", vec!["encoder."]),
            ("state_dict.", vec!["state_dict."]),
            ("_orig_mod.", vec!["_orig_mod."]),
            ("model.module.", vec!["module.", "model."]),
            ("module._orig_mod.", vec!["_orig_mod.", "module."]),
            (
                "_forward_module.model._orig_mod.",
                vec!["_forward_module.", "_orig_mod.", "model."],
            ),
            ("module.densenet121.", vec!["module.", "densenet121."]),
        ] {
            let theirs = renamed(&weights, |name| format!("{prefix}{name}"));
            let notes = notes_of(&theirs, &network, &weights);
            assert_eq!(notes.len(), said.len(), "{notes:?}");
            for (note, part) in notes.iter().zip(said) {
                assert!(note.contains(&format!("{FILE}: {part} taken ")), "{note}");
                assert!(note.contains(&format!("{count} names")), "{note}");
            }
        }
        // A part of the network alone in DataParallel or compiled.
        let (name, _) = graph(&network).tensors().next().unwrap();
        let (first, _) = name.split_once('.').unwrap();
        let theirs = renamed(&weights, |name| {
            name.replacen(&format!("{first}."), &format!("{first}.module."), 1)
        });
        assert_eq!(notes_of(&theirs, &network, &weights).len(), 1);
    }
}

#[test]
fn a_prefix_before_the_old_names_is_taken_off_as_well() {
    let network = densenet();
    let weights = weights_of(&graph(&network));
    let theirs = renamed(&weights, |name| format!("module.densenet121.{}", old_torchvision(name)));
    assert_eq!(notes_of(&theirs, &network, &weights).len(), 3);
}

#[test]
fn the_classifier_is_found_under_the_names_that_it_has_elsewhere() {
    for (network, own) in [(densenet(), "classifier"), (resnet("projection"), "fc")] {
        let weights = weights_of(&graph(&network));
        for head in [
            "fc",
            "classifier",
            "head",
            "last_linear",
            "head.fc",
            "classifier.0",
            "fc.1",
        ] {
            let theirs = renamed(&weights, |name| match name.strip_prefix(own) {
                Some(rest) if rest.starts_with('.') => format!("{head}{rest}"),
                _ => format!("backbone.{name}"),
            });
            let notes = notes_of(&theirs, &network, &weights);
            let is_of_a_form = own == "classifier" && head == "fc";
            if head == own {
                assert_eq!(notes.len(), 1, "{notes:?}");
            } else if !is_of_a_form {
                let said = format!("{FILE}: its {head} is taken for the classifier, {own}");
                assert!(notes.contains(&said), "{head}: {notes:?}");
            }
        }
    }
}

#[test]
fn the_names_of_other_cifar_code_are_taken_where_it_computes_the_same() {
    let network = Architecture::new(DenseNet {
        block_layers: vec![2, 1, 2],
        growth_rate: 4,
        bottleneck: true,
        ..DenseNet::BASIC
    });
    let weights = weights_of(&graph(&network));
    assert_eq!(notes_of(&renamed(&weights, veit), &network, &weights).len(), 1);
    let amos = |name: &str| veit(name).replace("block", "dense").replace(".layer.", ".");
    assert_eq!(notes_of(&renamed(&weights, amos), &network, &weights).len(), 1);
    let projected = resnet("projection");
    let weights = weights_of(&graph(&projected));
    let kuangliu = |name: &str| name.replace("downsample", "shortcut").replace("fc.", "linear.");
    assert_eq!(notes_of(&renamed(&weights, kuangliu), &projected, &weights).len(), 1);
}

#[test]
fn names_of_code_that_computes_something_else_from_the_same_shapes_are_refused_with_the_reason() {
    let network = Architecture::new(DenseNet {
        block_layers: vec![2, 1],
        growth_rate: 4,
        bottleneck: true,
        ..DenseNet::BASIC
    });
    let kuangliu = |name: &str| {
        let name = veit(name).replace("block", "dense").replace(".layer.", ".");
        match name.split_once('.') {
            Some(("trans1", rest)) => format!("trans1.{}", rest.replace("bn1", "bn").replace("conv1", "conv")),
            Some(("bn1", rest)) => format!("bn.{rest}"),
            Some(("fc", rest)) => format!("linear.{rest}"),
            _ => name,
        }
    };
    let message = refused(&renamed(&weights_of(&graph(&network)), kuangliu), &network);
    assert!(message.contains("kuangliu's pytorch-cifar"), "{message}");
    assert!(
        message.contains("puts its new feature maps before the others"),
        "{message}"
    );
    let padded = resnet("padding");
    let akamaster = |name: &str| format!("module.{}", name.replace("fc.", "linear."));
    let message = refused(&renamed(&weights_of(&graph(&padded)), akamaster), &padded);
    assert!(
        message.contains("akamaster") && message.contains("zeros before its channels"),
        "{message}"
    );
}

#[test]
fn torchvisions_own_fixtures_give_the_same_weights_under_the_old_names() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pytorch");
    let fixture: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("torchvision.json")).unwrap()).unwrap();
    let network: Architecture = serde_json::from_value(fixture["network"].clone()).unwrap();
    let input: Shape = serde_json::from_value(fixture["input"].clone()).unwrap();
    let graph = network
        .graph(input, fixture["classes"].as_u64().unwrap() as usize)
        .unwrap();
    let bytes_of_fixture = fs::read(folder.join("torchvision.weights.safetensors")).unwrap();
    let taken = take(&bytes_of_fixture, FILE, &*network, &graph).unwrap();
    assert!(taken.notes.is_empty());
    let own = weights::read(&bytes_of_fixture, FILE).unwrap();
    assert!(taken.weights == own);
    let theirs = renamed(&own, |name| format!("module.{}", old_torchvision(name)));
    assert!(take(&bytes(&theirs), FILE, &*network, &graph).unwrap().weights == own);
}
