//! What is not unambiguous, and what the messages say of it.

use densenet_bench::formats::network_weights::{Head, take_with, too_large};
use densenet_bench::formats::weights::Weights;
use densenet_bench::network::{Architecture, Shape, presets};
use serde_json::json;

use super::stored::{FILE, File, bytes, densenet, floats, graph, old_torchvision, refused, renamed, weights_of};

#[test]
fn a_classifier_of_another_width_is_named_with_both_numbers_and_a_remedy() {
    let network = densenet();
    let mut file = renamed(
        &weights_of(&network.graph(Shape::square(3, 32), 1000).unwrap()),
        str::to_owned,
    );
    let features = file["classifier.weight"].shape[1];
    assert_eq!(
        refused(&file, &network),
        format!(
            "w.safetensors: its classifier has 1,000 classes, and the data have 5 (classifier.weight is [1000, {features}]; \
             this network's is [5, {features}]); the rest is this network's; choose data with 1,000 classes, or, to train a \
             new classifier for 5 classes, write new-head = true under [train]"
        )
    );
    file.retain(|name, _| !name.starts_with("classifier"));
    let message = refused(&file, &network);
    assert!(
        message.contains("the classifier is missing (classifier.weight and classifier.bias)")
            && message.ends_with("write new-head = true under [train]"),
        "{message}"
    );
}

#[test]
fn for_a_new_head_everything_but_the_files_classifier_is_taken() {
    let network = densenet();
    let (wanted, own) = (graph(&network), weights_of(&graph(&network)));
    let taken = |file: &File| take_with(&bytes(file), FILE, &*network, &wanted, Head::New);
    let features = |weights: &Weights| -> Weights {
        let all = weights.iter().filter(|(name, _)| !name.starts_with("classifier"));
        all.map(|(name, tensor)| (name.clone(), tensor.clone())).collect()
    };
    let wider = weights_of(&network.graph(Shape::square(3, 32), 1000).unwrap());
    let renamed_head = |name: &str| {
        name.replace("classifier", "model.fc")
            .replace("features", "model.features")
    };
    let mut without = renamed(&own, str::to_owned);
    without.retain(|name, _| !name.starts_with("classifier"));
    for file in [
        renamed(&own, str::to_owned),
        renamed(&wider, str::to_owned),
        renamed(&wider, renamed_head),
        without,
    ] {
        let taken = taken(&file).unwrap();
        assert!(taken.weights.keys().eq(features(&own).keys()));
        let note = "w.safetensors: a new classifier is drawn (new-head = true)";
        assert!(taken.notes.iter().any(|found| found == note), "{:?}", taken.notes);
        assert!(
            taken.notes.iter().all(|found| !found.contains("is taken for")),
            "{:?}",
            taken.notes
        );
    }
    // The rest is held to the network as ever.
    let mut other = renamed(&wider, str::to_owned);
    other.remove("features.conv0.weight");
    assert!(
        taken(&other)
            .unwrap_err()
            .rule
            .contains("missing is 1: features.conv0.weight")
    );
}

#[test]
fn images_of_other_channels_are_named() {
    let network = densenet();
    let grey = network
        .graph(
            Shape {
                channels: 1,
                height: 32,
                width: 32,
            },
            5,
        )
        .unwrap();
    let message = refused(&renamed(&weights_of(&grey), str::to_owned), &network);
    assert!(
        message.contains("reads images of 1 channel, and the data have 3"),
        "{message}"
    );
    let others = network.graph(
        Shape {
            channels: 1,
            height: 32,
            width: 32,
        },
        1000,
    );
    let message = refused(&renamed(&weights_of(&others.unwrap()), str::to_owned), &network);
    assert!(
        message.contains("1 channel and its classifier has 1,000 classes, and the data have 3 and 5"),
        "{message}"
    );
    assert!(
        message.contains("choose data with 1 channel and 1,000 classes"),
        "{message}"
    );
}

#[test]
fn what_is_there_twice_or_beside_the_network_is_named() {
    let network = densenet();
    let weights = weights_of(&graph(&network));
    let own = renamed(&weights, str::to_owned);
    let mut twice = own.clone();
    twice.insert("module.classifier.bias".to_owned(), own["classifier.bias"].clone());
    let message = refused(&twice, &network);
    assert!(
        message.contains("classifier.bias is there 2 times, as classifier.bias and module.classifier.bias"),
        "{message}"
    );
    let mut averaged = renamed(&weights, |name| format!("model.{name}"));
    averaged.extend(renamed(&weights, |name| format!("ema_model.{name}")));
    let message = refused(&averaged, &network);
    assert!(message.contains("under `ema_model.` and under `model.`"), "{message}");
    let mut optimizer = own.clone();
    for name in ["optimizer.state.0.exp_avg", "optimizer.state.0.exp_avg_sq"] {
        optimizer.insert(name.to_owned(), floats(&[1], &[0.0]));
    }
    let message = refused(&optimizer, &network);
    assert!(
        message.contains("2 tensors of something else: optimizer.state.0.exp_avg and"),
        "{message}"
    );
    assert!(message.contains("without an optimizer's state"), "{message}");
}

#[test]
fn weights_of_a_known_preset_are_recognised_and_its_blocks_counted() {
    let named = |name: &str| {
        presets()
            .into_iter()
            .find(|preset| preset.name == name)
            .unwrap()
            .network
    };
    let image = Shape::square(3, 64);
    let header_of = |network: &Architecture, rename: &dyn Fn(&str) -> String| {
        let tensors = network.graph(image, 1000).unwrap();
        // The values are not looked at: the beginning of a file is enough.
        let mut end = 0;
        let entries = tensors.tensors().map(|(name, shape)| {
            let start = end;
            end += 4 * shape.iter().product::<usize>();
            (
                rename(&name),
                json!({"dtype": "F32", "shape": shape, "data_offsets": [start, end]}),
            )
        });
        let header = serde_json::Value::Object(entries.collect()).to_string();
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()
    };
    let wanted = named("densenet-121");
    let wanted_graph = wanted.graph(image, 10).unwrap();
    let said = |network: &Architecture, rename: &dyn Fn(&str) -> String| {
        too_large(&header_of(network, rename), 1 << 40, FILE, &*wanted, &wanted_graph).to_string()
    };
    let message = said(&named("densenet-169"), &|name| {
        format!("module.{}", old_torchvision(name))
    });
    assert!(
        message.contains("these are weights of densenet-169, not of this network"),
        "{message}"
    );
    assert!(
        message.contains(
            "features.denseblock3 has 32 dense layers where 24 are wanted and features.denseblock4 has 32 dense layers \
             where 16 are wanted"
        ),
        "{message}"
    );
    let message = said(&named("resnet-50"), &str::to_owned);
    assert!(message.contains("these are weights of resnet-50"), "{message}");
    let message = said(&wanted, &|name| name.replace("norm", "batch_normalisation"));
    assert!(
        message.contains("missing are 484: features.norm0.weight, "),
        "{message}"
    );
    let message = said(&wanted, &|name| format!("x{name}"));
    assert!(
        message.contains("none of this network's: it has xclassifier.bias, xclassifier.weight,"),
        "{message}"
    );
    let message = too_large(
        &header_of(&wanted, &str::to_owned),
        1 << 40,
        FILE,
        &*wanted,
        &wanted.graph(image, 1000).unwrap(),
    );
    assert!(message.to_string().contains("it has 1099511627776 bytes"), "{message}");
}

#[test]
fn transposed_tensors_and_missing_parts_of_normalisations_are_named() {
    let network = densenet();
    let weights = weights_of(&graph(&network));
    let own = renamed(&weights, str::to_owned);
    let mut transposed = own.clone();
    transposed.get_mut("classifier.weight").unwrap().shape.reverse();
    let message = refused(&transposed, &network);
    assert!(
        message.contains("of another layout") && message.contains("[classes, features]"),
        "{message}"
    );
    let mut without_statistics = own.clone();
    without_statistics.retain(|name, _| !name.contains(".running_"));
    let message = refused(&without_statistics, &network);
    assert!(
        message.contains("running statistics") && message.contains("state_dict()"),
        "{message}"
    );
    let mut without_affine = own;
    without_affine.retain(|name, _| !name.contains("norm") || name.contains(".running_"));
    let message = refused(&without_affine, &network);
    assert!(message.contains("affine=False"), "{message}");
}
