//! Types of floats, and tensors that are no weights.

use densenet_bench::formats::weights::WeightTensor;
use safetensors::Dtype;

use super::stored::{FILE, File, Stored, densenet, graph, notes_of, refused, renamed, taken, weights_of};

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
