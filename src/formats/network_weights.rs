//! A network's weights from a safetensors file as people have them: names behind a prefix or of another program, 16-bit
//! and 64-bit floats. What is unambiguous is taken, and what was renamed or converted is said.

use std::collections::BTreeMap;

use safetensors::Dtype;
use safetensors::tensor::{TensorInfo, TensorView};

use super::ablation::Settings;
use super::tensor_file;
use super::tensor_names::{Matching, Renaming, Shapes};
use super::weight_differences;
use super::weights::{WeightTensor, Weights, WeightsError, check_finite, largest_file, of_misfit};
use crate::network::{ForeignNames, Graph, Network, TensorShapes};
use crate::visible::{beginning, quoted};
use crate::words::{counted, plural};

/// A network's weights, and what was done to a file to have them.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// The weights, under the network's own names.
    pub weights: Weights,
    /// What was renamed or converted, a line a kind, each with the file's name; none for a file as this program writes it.
    pub notes: Vec<String>,
}

/// Where a network's classifier comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// From the file of the other weights.
    OfFile,
    /// It is drawn anew: the file may have none, or one of another number of classes.
    New,
}

impl Head {
    /// As `[train] new-head` says.
    pub fn of(settings: &Settings) -> Self {
        match settings.has_new_head() {
            true => Self::New,
            false => Self::OfFile,
        }
    }
}

/// Takes a network's weights from safetensors bytes. `file` is for messages.
///
/// # Errors
/// Bytes that are not safetensors; tensors that are not the network's, with what the difference looks like; values that
/// are not floats or not finite.
pub fn take(bytes: &[u8], file: &str, network: &dyn Network, graph: &Graph) -> Result<Taken, WeightsError> {
    take_with(bytes, file, network, graph, Head::OfFile)
}

/// [`take`], with the file's classifier or without one.
///
/// # Errors
/// Those of [`take`].
pub fn take_with(
    bytes: &[u8],
    file: &str,
    network: &dyn Network,
    graph: &Graph,
    head: Head,
) -> Result<Taken, WeightsError> {
    let tensors = tensor_file::open(bytes).map_err(|misfit| of_misfit(misfit, file))?;
    let shapes: Shapes = (tensors.iter())
        .map(|(name, view)| (name.to_owned(), view.shape().to_vec()))
        .collect();
    let forms = network.foreign_names();
    let matching = matched(&shapes, file, graph, forms, head)?;
    let mut notes = renamed(&matching, graph, forms);
    notes.extend((head == Head::New).then(|| "a new classifier is drawn (new-head = true)".to_owned()));
    let mut converted: BTreeMap<&str, usize> = BTreeMap::new();
    let mut reshaped: Option<(usize, String)> = None;
    let mut weights = Weights::new();
    for (name, shape) in graph.tensors() {
        let theirs = matching.found.get(&name).and_then(|theirs| theirs.first());
        let Some(view) = theirs.and_then(|theirs| tensors.tensor(theirs).ok()) else {
            continue;
        };
        let theirs = theirs.map_or("", String::as_str);
        if view.shape() != shape {
            let example = || (0, format!("{name} from {:?} to {shape:?}", view.shape()));
            reshaped.get_or_insert_with(example).0 += 1;
        }
        if let Some(conversion) = conversion(view.dtype()) {
            *converted.entry(conversion).or_default() += 1;
        }
        let values = floats(&view, theirs, file)?;
        check_finite(&values, theirs, file)?;
        weights.insert(name, WeightTensor { shape, values });
    }
    notes.extend(
        converted
            .iter()
            .map(|(conversion, count)| format!("{} {conversion}", counted(*count, "tensor"))),
    );
    notes.extend(reshaped.map(|(count, example)| {
        let tensors = counted(count, "tensor");
        format!("{tensors} reshaped, the values as they are ({example})")
    }));
    let notes = notes.into_iter().map(|note| format!("{file}: {note}")).collect();
    Ok(Taken { weights, notes })
}

/// Why a file is refused that is longer than [`largest_file`] allows, from its beginning: what else it has, as far as its
/// header says so.
pub fn too_large(beginning: &[u8], length: u64, file: &str, network: &dyn Network, graph: &Graph) -> WeightsError {
    let shapes = match shapes_of_beginning(beginning, file) {
        Ok(shapes) => shapes,
        Err(error) => return error,
    };
    match matched(&shapes, file, graph, network.foreign_names(), Head::OfFile) {
        Err(error) => error,
        Ok(_) => WeightsError {
            file: file.to_owned(),
            rule: format!(
                "it has {length} bytes; this network's weights take at most {}",
                largest_file(graph)
            ),
            remedy: "save the model's own state_dict alone, with safetensors.torch.save_file".to_owned(),
        },
    }
}

/// The shapes of a file's tensors by name, from its beginning, which holds the header.
///
/// # Errors
/// Bytes that are not the beginning of a safetensors file.
pub fn shapes_of_beginning(beginning: &[u8], file: &str) -> Result<TensorShapes, WeightsError> {
    let metadata = tensor_file::header_of_beginning(beginning).map_err(|misfit| of_misfit(misfit, file))?;
    let shape = |(name, info): (String, &TensorInfo)| (name, info.shape.clone());
    Ok(metadata.tensors().into_iter().map(shape).collect())
}

fn matched(
    shapes: &Shapes,
    file: &str,
    graph: &Graph,
    forms: &[ForeignNames],
    head: Head,
) -> Result<Matching, WeightsError> {
    let mut matching = Matching::of(shapes, graph, forms);
    if head == Head::New {
        matching.leave_out_head(graph);
    }
    match weight_differences::check(&matching, shapes, graph, forms) {
        Ok(()) => Ok(matching),
        Err((rule, remedy)) => Err(WeightsError {
            file: file.to_owned(),
            rule,
            remedy,
        }),
    }
}

/// What was renamed, a line a kind.
fn renamed(matching: &Matching, graph: &Graph, forms: &[ForeignNames]) -> Vec<String> {
    let lines = matching.renamings.iter().map(|(renaming, (count, [theirs, ours]))| {
        let names = || format!("{count} {}", plural(*count, "name"));
        let shown = |name: &str| beginning(name, 80);
        match renaming {
            Renaming::Wrapper(part) => format!("{part} taken out of {} ({} is {ours})", names(), shown(theirs)),
            Renaming::Prefix(prefix) => {
                format!("{} taken off {} ({} is {ours})", shown(prefix), names(), shown(theirs))
            }
            Renaming::Form(index) => {
                let of = forms.get(*index).map_or("", |form| form.of);
                format!("{} of {of} renamed ({} to {ours})", names(), shown(theirs))
            }
            Renaming::Head(head) => {
                let own = graph.nodes.last().map_or("", |node| node.name.as_str());
                format!("its {head} is taken for the classifier, {own}")
            }
        }
    });
    lines.collect()
}

/// What is done to values of that type; nothing to 32-bit floats, and others are refused.
fn conversion(dtype: Dtype) -> Option<&'static str> {
    match dtype {
        Dtype::F16 => Some("converted from 16-bit floats (F16) to 32-bit floats, exactly"),
        Dtype::BF16 => Some("converted from 16-bit floats (BF16) to 32-bit floats, exactly"),
        Dtype::F64 => Some("converted from 64-bit floats (F64) to 32-bit floats, rounded to the nearest"),
        _ => None,
    }
}

/// A tensor's values as 32-bit floats.
fn floats(view: &TensorView<'_>, name: &str, file: &str) -> Result<Vec<f32>, WeightsError> {
    let error = |rule: String, remedy: &str| WeightsError {
        file: file.to_owned(),
        rule,
        remedy: remedy.to_owned(),
    };
    let data = view.data();
    match view.dtype() {
        Dtype::F32 => Ok(data
            .as_chunks::<4>()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect()),
        Dtype::F16 => {
            let halves = data.as_chunks::<2>().0.iter();
            Ok(halves.map(|bytes| of_f16(u16::from_le_bytes(*bytes))).collect())
        }
        Dtype::BF16 => {
            let halves = data.as_chunks::<2>().0.iter();
            Ok(halves
                .map(|bytes| f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16))
                .collect())
        }
        Dtype::F64 => {
            let doubles = data.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes));
            if let Some((index, value)) =
                (doubles.clone().enumerate()).find(|(_, value)| value.is_finite() && !(*value as f32).is_finite())
            {
                let rule = format!(
                    "{} has {value:e} at index {index}; 32-bit floats end at 3.4e38",
                    quoted(name)
                );
                return Err(error(rule, "export a trial that did not diverge"));
            }
            Ok(doubles.map(|value| value as f32).collect())
        }
        other => {
            let rule = format!(
                "{} is {other:?}; weights are floating-point numbers of 16, 32 or 64 bits",
                quoted(name)
            );
            let remedy = match other {
                Dtype::F8_E4M3 | Dtype::F8_E5M2 | Dtype::F8_E8M0 | Dtype::F4 | Dtype::F6_E2M3 | Dtype::F6_E3M2 => {
                    "convert the model with .float() before saving, with its scales where it has any"
                }
                _ => {
                    "a quantised model cannot be converted by its numbers alone: save the float model that it was made from"
                }
            };
            Err(error(rule, remedy))
        }
    }
}

/// IEEE 754 binary16, every value of which is a 32-bit float.
fn of_f16(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = ((bits >> 10) & 0x1f, f32::from(bits & 0x3ff));
    match exponent {
        // Subnormal: fraction * 2^-24.
        0 => sign * fraction * (1.0 / 16_777_216.0),
        0x1f if fraction == 0.0 => sign * f32::INFINITY,
        0x1f => f32::NAN,
        // (1024 + fraction) * 2^(exponent - 25).
        exponent => sign * (1024.0 + fraction) * f32::from_bits((u32::from(exponent) + 127 - 25) << 23),
    }
}
