//! Titles of axes and the sentences of captions.

use super::super::groups::{Group, Grouped};

/// The key that all variants differ in, if it is one alone: (`model.growth-rate`, each variant's value).
pub fn single_key<'a>(groups: &[&Group<'a>]) -> Option<(&'a str, Vec<&'a str>)> {
    let mut key: Option<&'a str> = None;
    let mut values = Vec::new();
    for group in groups {
        let [(name, value)] = group.swept else {
            return None;
        };
        if key.is_some_and(|key| key != name) {
            return None;
        }
        key = Some(name);
        values.push(value.as_str());
    }
    key.map(|key| (key, values))
}

/// A swept key in words, with its unit.
pub fn key_title(key: &str) -> String {
    let known = match key {
        "model.depth" => "depth L (layers)",
        "model.growth-rate" => "growth rate k (feature maps a layer)",
        "model.compression" => "compression θ (share of channels that a transition keeps)",
        "model.bottleneck-width" => "bottleneck width (multiples of the growth rate)",
        "model.initial-channels" => "initial channels",
        "model.dropout" => "dropout (share of values set to zero)",
        "train.epochs" => "epochs",
        "train.steps" => "training steps",
        "train.batch-size" => "batch size (images)",
        "train.learning-rate" => "learning rate",
        "train.weight-decay" => "weight decay",
        "train.momentum" => "momentum",
        "data.train-limit" | "data.train-images" => "training images",
        "data.image-size" => "image size (pixels a side)",
        _ => return key.rsplit('.').next().unwrap_or(key).replace('-', " "),
    };
    known.to_owned()
}

/// "n = 3 seeds a variant.", over the numbers of seeds that variants have.
pub fn seeds(counts: impl IntoIterator<Item = usize>) -> String {
    let counts: Vec<usize> = counts.into_iter().collect();
    let smallest = counts.iter().min().copied().unwrap_or(0);
    let largest = counts.iter().max().copied().unwrap_or(0);
    match (smallest, largest) {
        (1, 1) => "n = 1 seed a variant.".to_owned(),
        (n, m) if n == m => format!("n = {n} seeds a variant."),
        (n, m) => format!("n = {n} to {m} seeds a variant."),
    }
}

/// "Data: digits; device: cpu.", as far as the rows have them.
pub fn setting(study: &Grouped<'_>) -> String {
    let data = study.all(|row| row.dataset.as_str());
    let device = study.all(|row| row.device.as_str());
    let parts = [("Data", data), ("device", device)];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!("{}.", parts.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::{SampleVariant, trained};
    use super::*;

    #[test]
    fn one_key_is_found_where_every_variant_sets_it_alone() {
        let one = trained(
            &[
                SampleVariant::swept(&[("model.growth-rate", "8")], 1000, 0.1),
                SampleVariant::swept(&[("model.growth-rate", "12")], 2000, 0.1),
            ],
            1,
            1,
        );
        let grouped = Grouped::of(&one);
        let groups: Vec<&Group<'_>> = grouped.variants.iter().collect();
        assert_eq!(single_key(&groups), Some(("model.growth-rate", vec!["8", "12"])));
        let mixed = trained(
            &[
                SampleVariant::swept(&[("model.growth-rate", "8")], 1000, 0.1),
                SampleVariant::swept(&[("model.depth", "40")], 2000, 0.1),
            ],
            1,
            1,
        );
        let grouped = Grouped::of(&mixed);
        assert_eq!(single_key(&grouped.variants.iter().collect::<Vec<_>>()), None);
    }

    #[test]
    fn an_unknown_key_is_named_by_its_last_part() {
        assert_eq!(key_title("model.final-relu"), "final relu");
    }

    #[test]
    fn a_caption_gives_the_range_of_seeds() {
        assert_eq!(seeds([1, 1]), "n = 1 seed a variant.");
        assert_eq!(seeds([3, 3]), "n = 3 seeds a variant.");
        assert_eq!(seeds([2, 5, 3]), "n = 2 to 5 seeds a variant.");
    }
}
