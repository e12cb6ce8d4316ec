//! What the difference between a file's tensors and a network's looks like, in words, and what to do about it.

use super::another_network::of_another_network;
use super::tensor_misfits::{Misfit, Refusal, first_of, misfits, shape_of, shown};
use super::tensor_names::{Matching, Renaming, Shapes};
use crate::network::{ForeignNames, Graph};
use crate::words::{counted, grouped, listed, plural};

/// Checks that a file has every tensor of the network once, each of its shape, and no other.
///
/// # Errors
/// What the difference looks like.
pub(super) fn check(
    matching: &Matching,
    shapes: &Shapes,
    graph: &Graph,
    forms: &[ForeignNames],
) -> Result<(), Refusal> {
    let misfits = misfits(matching, shapes, graph);
    let same_names = matching.missing.is_empty() && matching.others.is_empty();
    if matching.missing.is_empty() {
        check_ambiguity(matching)?;
        if misfits.is_empty() {
            check_forms(matching, forms)?;
        }
    }
    if same_names && misfits.is_empty() {
        return Ok(());
    }
    Err(None
        .or_else(|| beside(matching, &misfits))
        .or_else(|| of_classifier(matching, &misfits, graph))
        .or_else(|| of_input(matching, &misfits, graph))
        .or_else(|| of_layout(matching, &misfits))
        .or_else(|| of_normalisation(matching, &misfits))
        .unwrap_or_else(|| of_another_network(matching, &misfits, shapes, graph)))
}

/// Nothing is there twice.
fn check_ambiguity(matching: &Matching) -> Result<(), Refusal> {
    if let Some(other) = matching.also_under.first() {
        let under = |prefix: &str| match prefix {
            "" => "without a prefix".to_owned(),
            prefix => format!("under `{}`", shown(prefix)),
        };
        return Err((
            format!(
                "this network's tensors are there more than once, {} and {}, such as for averaged weights",
                under(&matching.prefix),
                under(other)
            ),
            "save the ones that are meant alone, with safetensors.torch.save_file".to_owned(),
        ));
    }
    match matching.found.iter().find(|(_, theirs)| theirs.len() > 1) {
        Some((name, theirs)) => Err((
            format!(
                "{name} is there {} times, as {}",
                theirs.len(),
                first_of(theirs.iter().map(String::as_str))
            ),
            "save one of them alone, with safetensors.torch.save_file".to_owned(),
        )),
        None => Ok(()),
    }
}

/// No names of a program whose network computes something else.
fn check_forms(matching: &Matching, forms: &[ForeignNames]) -> Result<(), Refusal> {
    for (renaming, (_, [theirs, _])) in &matching.renamings {
        let Renaming::Form(index) = renaming else { continue };
        let form = forms.get(*index);
        if let Some((of, differs)) = form.and_then(|form| Some((form.of, form.differs?))) {
            return Err((
                format!(
                    "its names are those of {of} ({}), whose network computes something else from weights of the same \
                     shapes: {differs}",
                    shown(theirs)
                ),
                "give weights of torchvision's network or of this program's".to_owned(),
            ));
        }
    }
    Ok(())
}

/// The whole network, and more beside it.
fn beside(matching: &Matching, misfits: &[Misfit]) -> Option<Refusal> {
    if !matching.missing.is_empty() || !misfits.is_empty() {
        return None;
    }
    let others = matching.others.values().map(String::as_str);
    Some((
        format!(
            "beside this network's {} it has {} of something else: {}",
            counted(matching.found.len(), "tensor"),
            counted(matching.others.len(), "tensor"),
            first_of(others)
        ),
        "save the model's own state_dict alone, without an optimizer's state and other modules".to_owned(),
    ))
}

/// The classifier alone is missing or has another width.
fn of_classifier(matching: &Matching, misfits: &[Misfit], graph: &Graph) -> Option<Refusal> {
    let (bias, _) = graph.tensors().last()?;
    let head = bias.strip_suffix(".bias")?;
    let is_heads = |name: &str| {
        name.strip_prefix(head)
            .is_some_and(|rest| matches!(rest, ".weight" | ".bias"))
    };
    if misfits.is_empty() && matching.others.is_empty() && matching.missing.iter().all(|name| is_heads(name)) {
        let missing: Vec<&str> = matching.missing.iter().map(String::as_str).collect();
        return Some((
            format!(
                "the classifier is missing ({}); the rest is this network's",
                listed(&missing)
            ),
            "to train a new one, write new-head = true under [train]".to_owned(),
        ));
    }
    let is_another = !misfits.is_empty()
        && matching.missing.is_empty()
        && matching.others.is_empty()
        && misfits
            .iter()
            .all(|misfit| is_heads(&misfit.name) && misfit.theirs.len() == misfit.ours.len())
        && misfits.iter().all(|misfit| misfit.theirs[1..] == misfit.ours[1..]);
    let first = misfits.first().filter(|_| is_another)?;
    let classes = first.theirs[0];
    Some((
        format!(
            "its classifier has {}, and the data have {} ({} is {}; this network's is {}); the rest is this network's",
            number_of(classes, "class"),
            grouped(graph.classes as u64),
            first.name,
            shape_of(&first.theirs),
            shape_of(&first.ours)
        ),
        format!(
            "choose data with {}, or, to train a new classifier for {}, write new-head = true under [train]",
            number_of(classes, "class"),
            number_of(graph.classes, "class")
        ),
    ))
}

/// The first convolution reads another number of channels, and at most the classifier has another width beside it.
fn of_input(matching: &Matching, misfits: &[Misfit], graph: &Graph) -> Option<Refusal> {
    let first = misfits.first()?;
    let is_first = graph.tensors().next().is_some_and(|(name, _)| name == first.name);
    let theirs = <[usize; 4]>::try_from(&*first.theirs).ok()?;
    let ours = <[usize; 4]>::try_from(&*first.ours).ok()?;
    let others_are_ours = [0, 2, 3].iter().all(|&axis| theirs[axis] == ours[axis]);
    let head = graph.nodes.last().map_or("", |node| node.name.as_str());
    let rest_is_head = misfits[1..].iter().all(|misfit| misfit.name.starts_with(head));
    if !is_first || !others_are_ours || !rest_is_head || !matching.missing.is_empty() || !matching.others.is_empty() {
        return None;
    }
    let classes = misfits[1..].first().and_then(|misfit| misfit.theirs.first());
    let and_classes = |before: &str| {
        let classes = classes.map(|&classes| format!("{before} {}", number_of(classes, "class")));
        classes.unwrap_or_default()
    };
    Some((
        format!(
            "its first convolution reads images of {}{}, and the data have {}{} ({} is {}; this network's is {})",
            counted(theirs[1], "channel"),
            and_classes(" and its classifier has"),
            ours[1],
            classes.map_or_else(String::new, |_| format!(" and {}", grouped(graph.classes as u64))),
            first.name,
            shape_of(&theirs),
            shape_of(&ours)
        ),
        format!(
            "choose data with {}{}",
            counted(theirs[1], "channel"),
            and_classes(" and")
        ),
    ))
}

/// Every tensor that does not fit is transposed.
fn of_layout(matching: &Matching, misfits: &[Misfit]) -> Option<Refusal> {
    let is_transposed = |misfit: &Misfit| match (&*misfit.theirs, &*misfit.ours) {
        ([inputs, outputs], [our_outputs, our_inputs]) => (inputs, outputs) == (our_inputs, our_outputs),
        // Height, width, channels in, channels out; or PyTorch's own order with the channels last.
        (theirs @ [_, _, _, _], &[outputs, inputs, height, width]) => {
            *theirs == [height, width, inputs, outputs] || *theirs == [outputs, height, width, inputs]
        }
        _ => false,
    };
    if !matching.missing.is_empty() || !misfits.iter().all(is_transposed) {
        return None;
    }
    let first = misfits.first()?;
    Some((
        format!(
            "{} of another layout, such as TensorFlow's or JAX's: {} is {}; this network's is {}",
            match misfits.len() {
                1 => "a tensor is".to_owned(),
                count => format!("{count} tensors are"),
            },
            first.name,
            shape_of(&first.theirs),
            shape_of(&first.ours)
        ),
        "save them as PyTorch has them: convolutions [out, in, height, width], the classifier [classes, features]"
            .to_owned(),
    ))
}

/// Parts of the normalisations alone are missing.
fn of_normalisation(matching: &Matching, misfits: &[Misfit]) -> Option<Refusal> {
    if !misfits.is_empty() || !matching.others.is_empty() || matching.missing.is_empty() {
        return None;
    }
    let is_running = |name: &String| name.ends_with(".running_mean") || name.ends_with(".running_var");
    if matching.missing.iter().all(is_running) {
        return Some((
            format!(
                "the running statistics of its normalisations are missing: {}",
                first_of(matching.missing.iter().map(String::as_str))
            ),
            "save model.state_dict(), which has them, rather than model.parameters()".to_owned(),
        ));
    }
    // A missing weight or bias whose running mean is there.
    let has_mean = |name: &String| {
        let base = name.strip_suffix(".weight").or_else(|| name.strip_suffix(".bias"));
        base.is_some_and(|base| matching.found.contains_key(&format!("{base}.running_mean")))
    };
    matching.missing.iter().all(has_mean).then(|| {
        (
            format!(
                "its normalisations lack weight and bias (affine=False): {}",
                first_of(matching.missing.iter().map(String::as_str))
            ),
            "add them in PyTorch before saving, ones and zeros, which compute the same".to_owned(),
        )
    })
}

/// `1 class`, `1,000 classes`.
fn number_of(count: usize, noun: &str) -> String {
    let noun = if count == 1 {
        noun.to_owned()
    } else {
        plural(2, &format!("{noun}e"))
    };
    format!("{} {noun}", grouped(count as u64))
}
