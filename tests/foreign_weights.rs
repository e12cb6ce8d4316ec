//! Weights as people have them: under other programs' names, behind prefixes, in other types of floats. What is
//! unambiguous gives the same network; what is not is refused, with what the difference looks like.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use densenet_bench::formats::network_weights::{Taken, take, too_large};
use densenet_bench::formats::weights::{self, WeightTensor, Weights, WeightsError};
use densenet_bench::network::families::densenet::DenseNet;
use densenet_bench::network::{Architecture, Graph, Shape, Stem, family, presets};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};
use serde_json::json;

const FILE: &str = "w.safetensors";

/// Three blocks with a bottleneck and the imagenet stem: every kind of name there is.
fn densenet() -> Architecture {
    Architecture::new(DenseNet {
        block_layers: vec![2, 1, 2],
        growth_rate: 4,
        bottleneck: true,
        initial_channels: 8,
        compression: 0.5,
        stem: Stem::Imagenet,
        ..DenseNet::BASIC
    })
}

fn resnet(shortcut: &str) -> Architecture {
    let options = json!({
        "block_layers": [1, 1], "bottleneck": false, "initial_channels": 4, "stem": "cifar", "shortcut": shortcut,
        "initialization": "he-fan-out",
    });
    (family("resnet").unwrap().read)(options).unwrap()
}

fn graph(network: &Architecture) -> Graph {
    network.graph(Shape::square(3, 32), 5).unwrap()
}

/// Values that every type of floats holds exactly, others in each tensor.
fn weights_of(graph: &Graph) -> Weights {
    let tensors = graph.tensors().enumerate();
    let value = |tensor: usize, index: usize| ((tensor * 7 + index * 3) % 64) as f32 / 32.0 - 0.75;
    let tensor = |(number, (name, shape)): (usize, (String, Vec<usize>))| {
        let count = shape.iter().product();
        let values = (0..count).map(|index| value(number, index)).collect();
        (name, WeightTensor { shape, values })
    };
    tensors.map(tensor).collect()
}

/// A tensor as it lies in a file.
#[derive(Clone)]
struct Stored {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

type File = BTreeMap<String, Stored>;

fn floats(shape: &[usize], values: &[f32]) -> Stored {
    Stored {
        dtype: Dtype::F32,
        shape: shape.to_vec(),
        bytes: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

/// The weights under other names.
fn renamed(weights: &Weights, rename: impl Fn(&str) -> String) -> File {
    let stored = |(name, tensor): (&String, &WeightTensor)| (rename(name), floats(&tensor.shape, &tensor.values));
    weights.iter().map(stored).collect()
}

fn bytes(file: &File) -> Vec<u8> {
    let view = |(name, stored): (&String, &Stored)| {
        let view = TensorView::new(
            stored.dtype,
            stored.shape.clone(),
            Box::leak(stored.bytes.clone().into_boxed_slice()),
        );
        (name.clone(), view.unwrap())
    };
    serialize(file.iter().map(view), None).unwrap()
}

fn taken(file: &File, network: &Architecture) -> Result<Taken, WeightsError> {
    take(&bytes(file), FILE, &**network, &graph(network))
}

/// The message, with the file's name.
fn refused(file: &File, network: &Architecture) -> String {
    let message = taken(file, network).unwrap_err().to_string();
    assert!(message.starts_with(&format!("{FILE}: ")), "{message}");
    message
}

/// Checks that a file gives the weights; its notes.
fn notes_of(file: &File, network: &Architecture, weights: &Weights) -> Vec<String> {
    let taken = taken(file, network).unwrap();
    assert!(taken.weights == *weights);
    taken.notes
}

fn old_torchvision(name: &str) -> String {
    let mut old = name.to_owned();
    if name.contains("denselayer") {
        for part in ["norm1", "norm2", "conv1", "conv2"] {
            let (word, number) = part.split_at(4);
            old = old.replace(part, &format!("{word}.{number}"));
        }
    }
    old
}

/// A. Veit's names; the imagenet stem's normalisation has none there.
fn veit(name: &str) -> String {
    let name = match name.strip_prefix("features.denseblock") {
        Some(rest) => {
            let (block, rest) = rest.split_once(".denselayer").unwrap();
            let (layer, rest) = rest.split_once('.').unwrap();
            let layer: usize = layer.parse().unwrap();
            format!("block{block}.layer.{}.{}", layer - 1, rest.replace("norm", "bn"))
        }
        None => name.to_owned(),
    };
    let parts = [
        ("features.conv0.", "conv1."),
        ("features.norm5.", "bn1."),
        ("features.transition1.norm.", "trans1.bn1."),
        ("features.transition1.conv.", "trans1.conv1."),
        ("features.transition2.norm.", "trans2.bn1."),
        ("features.transition2.conv.", "trans2.conv1."),
        ("classifier.", "fc."),
    ];
    parts
        .iter()
        .fold(name, |name, (ours, theirs)| name.replace(ours, theirs))
}

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
        let own = |name: &str| name.to_owned();
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
        let (first, _) = own(&graph(&network).tensors().next().unwrap().0)
            .split_once('.')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
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
            if head != own && !(own == "classifier" && head == "fc") {
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
fn sixteen_and_sixty_four_bit_floats_are_converted_and_the_note_says_so() {
    let network = densenet();
    let weights = weights_of(&graph(&network));
    let count = weights.len();
    // Every value is k / 32: exact in each of them.
    let half = |value: f32| {
        let bits = value.to_bits();
        let exponent = ((bits >> 23) & 0xff) as i32 - 127 + 15;
        match value {
            0.0 => 0,
            _ => ((bits >> 16) & 0x8000) as u16 | (exponent as u16) << 10 | ((bits >> 13) & 0x3ff) as u16,
        }
    };
    type Convert<'a> = Box<dyn Fn(f32) -> Vec<u8> + 'a>;
    let conversions: [(Dtype, Convert<'_>, &str); 3] = [
        (
            Dtype::F16,
            Box::new(|value| half(value).to_le_bytes().to_vec()),
            "converted from 16-bit floats (F16) to 32-bit floats, exactly",
        ),
        (
            Dtype::BF16,
            Box::new(|value| ((value.to_bits() >> 16) as u16).to_le_bytes().to_vec()),
            "converted from 16-bit floats (BF16) to 32-bit floats, exactly",
        ),
        (
            Dtype::F64,
            Box::new(|value| f64::from(value).to_le_bytes().to_vec()),
            "converted from 64-bit floats (F64) to 32-bit floats, rounded to the nearest",
        ),
    ];
    for (dtype, convert, said) in conversions {
        let stored = |tensor: &WeightTensor| Stored {
            dtype,
            shape: tensor.shape.clone(),
            bytes: tensor.values.iter().flat_map(|value| convert(*value)).collect(),
        };
        let file: File = weights
            .iter()
            .map(|(name, tensor)| (name.clone(), stored(tensor)))
            .collect();
        assert_eq!(
            notes_of(&file, &network, &weights),
            [format!("{FILE}: {count} tensors {said}")]
        );
    }
}

#[test]
fn every_half_is_the_float_of_its_value() {
    let network = densenet();
    let mut file = renamed(&weights_of(&graph(&network)), str::to_owned);
    for (bits, value) in [
        (0x0000_u16, 0.0_f32),
        (0x8000, -0.0),
        (0x0001, 5.960_464_5e-8),
        (0x03ff, 6.097_555e-5),
        (0x0400, 6.103_515_6e-5),
        (0x3555, 0.333_251_95),
        (0x3c00, 1.0),
        (0xc000, -2.0),
        (0x7bff, 65504.0),
    ] {
        let bytes = [bits; 5].iter().flat_map(|half| half.to_le_bytes()).collect();
        let bias = Stored {
            dtype: Dtype::F16,
            shape: vec![5],
            bytes,
        };
        file.insert("classifier.bias".to_owned(), bias);
        let found = taken(&file, &network).unwrap().weights["classifier.bias"].values[4];
        assert_eq!(found.to_bits(), value.to_bits(), "{bits:#x}");
    }
}

#[test]
fn values_that_no_32_bit_float_holds_and_types_that_are_no_floats_are_refused_with_the_remedy() {
    let network = densenet();
    let whole = renamed(&weights_of(&graph(&network)), str::to_owned);
    let with = |dtype: Dtype, bytes: Vec<u8>| {
        let mut file = whole.clone();
        file.insert(
            "classifier.bias".to_owned(),
            Stored {
                dtype,
                shape: vec![5],
                bytes,
            },
        );
        refused(&file, &network)
    };
    let doubles = |value: f64| {
        [0.0, value, 0.0, 0.0, 0.0]
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    };
    let message = with(Dtype::F64, doubles(1e300));
    assert!(
        message.contains("classifier.bias has 1e300 at index 1; 32-bit floats end at 3.4e38"),
        "{message}"
    );
    for (value, word) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let message = with(Dtype::F64, doubles(value));
        assert!(
            message.contains(&format!("classifier.bias has {word} at index 1; weights are finite")),
            "{message}"
        );
    }
    let message = with(
        Dtype::F16,
        [0, 0, 0, 0x7c00_u16, 0x7e00]
            .iter()
            .flat_map(|half| half.to_le_bytes())
            .collect(),
    );
    assert!(message.contains("has inf at index 3"), "{message}");
    let message = with(Dtype::I8, vec![1; 5]);
    assert!(
        message.contains("is I8") && message.contains("save the float model"),
        "{message}"
    );
    let message = with(Dtype::F8_E4M3, vec![1; 5]);
    assert!(
        message.contains("is F8_E4M3") && message.contains(".float()"),
        "{message}"
    );
}

#[test]
fn counts_beside_the_weights_are_left_out_whatever_their_type() {
    let network = densenet();
    let weights = weights_of(&graph(&network));
    let mut file = renamed(&weights, |name| format!("module.{name}"));
    for name in [
        "module.features.norm5.num_batches_tracked",
        "n_averaged",
        "module.features.conv0.total_ops",
    ] {
        let bytes = 7_i64.to_le_bytes().to_vec();
        file.insert(
            name.to_owned(),
            Stored {
                dtype: Dtype::I64,
                shape: Vec::new(),
                bytes,
            },
        );
    }
    assert_eq!(notes_of(&file, &network, &weights).len(), 1);
}

#[test]
fn axes_of_length_one_at_the_end_make_no_other_tensor() {
    let network = densenet();
    let weights = weights_of(&graph(&network));
    let mut file = renamed(&weights, str::to_owned);
    let classifier = file.get_mut("classifier.weight").unwrap();
    classifier.shape.extend([1, 1]);
    let notes = notes_of(&file, &network, &weights);
    assert!(notes[0].starts_with("w.safetensors: 1 tensor reshaped, the values as they are (classifier.weight from ["));
}

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
             this network's is [5, {features}]); the rest is this network's; choose data with 1,000 classes, or put a \
             classifier for 5 classes into the file in PyTorch before saving, model.classifier = \
             torch.nn.Linear({features}, 5), and train it here"
        )
    );
    file.retain(|name, _| !name.starts_with("classifier"));
    let message = refused(&file, &network);
    assert!(
        message.contains("the classifier is missing (classifier.weight and classifier.bias)"),
        "{message}"
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
