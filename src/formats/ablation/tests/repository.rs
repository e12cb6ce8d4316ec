//! The files of the repository: the ablations that it ships, and the documentation of the format.

use std::path::{Path, PathBuf};

use crate::formats::ablation::*;
use crate::keys::KnownKey;
use crate::network::families::densenet::DenseNet;
use crate::network::{Architecture, FAMILIES, preset};

/// The TOML files of a folder of the repository, and of those in it.
fn shipped(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(shipped(&path));
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files
}

#[test]
fn every_shipped_ablation_keeps_the_format_and_is_named_as_its_file() {
    let files = shipped(&Path::new(env!("CARGO_MANIFEST_DIR")).join("ablations"));
    assert!(files.len() >= 10);
    for file in files {
        let ablation = parse(&std::fs::read_to_string(&file).unwrap(), &file).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(Some(ablation.name.as_str()), file.file_stem().unwrap().to_str());
        assert!(ablation.question.ends_with('?'), "{}", file.display());
    }
}

#[test]
fn the_papers_files_have_the_papers_networks_and_training() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ablations/paper");
    for file in shipped(&folder) {
        let ablation = parse(&std::fs::read_to_string(&file).unwrap(), &file).unwrap();
        for variant in &ablation.variants {
            let Settings {
                data,
                preset: name,
                model,
                train,
                ..
            } = &variant.settings;
            let published = preset(name.as_ref().unwrap()).unwrap().network.options();
            let mut published: DenseNet = serde_json::from_value(published).unwrap();
            let augmented = data.augment != Augment::None;
            let is_imagenet = data.dataset == DataSetName::Imagenet;
            let is_svhn = data.dataset == DataSetName::Svhn;
            assert_eq!(data.extra_split, is_svhn);
            // 6,000 of the 604,388 images.
            let held_out = (data.validation_share * 604_388.0).floor();
            assert_eq!(held_out, if is_svhn { 6_000.0 } else { 0.0 });
            published.dropout = if augmented { 0.0 } else { 0.2 };
            assert_eq!(*model, Architecture::new(published));
            assert!(data.mean.is_some() && data.std.is_some());
            let paper = TrainSettings {
                duration: Duration::Epochs(match data.dataset {
                    DataSetName::Svhn => 40,
                    DataSetName::Imagenet => 90,
                    _ => 300,
                }),
                batch_size: if is_imagenet { 256 } else { 64 },
                learning_rate: 0.1,
                momentum: 0.9,
                nesterov: true,
                weight_decay: 1e-4,
                schedule: Schedule::Step {
                    milestones: match is_imagenet {
                        // Epochs 30 and 60.
                        true => vec![1.0 / 3.0, 2.0 / 3.0],
                        false => vec![0.5, 0.75],
                    },
                    gamma: 0.1,
                },
                warmup_steps: 0,
                label_smoothing: 0.0,
                mixup: 0.0,
                shuffle: true,
                seeds: vec![0],
                checkpoint_every: None,
                fixed_seeds: FixedSeeds::default(),
                fine_tuning: FineTuning::default(),
            };
            assert_eq!(train.as_ref(), Some(&paper), "{}", file.display());
        }
    }
}

/// A table of keys as `docs/ablation-format.md` has it.
fn table<'k>(keys: impl Iterator<Item = &'k KnownKey>) -> String {
    let rows: Vec<String> = keys.map(KnownKey::documentation_row).collect();
    format!(
        "| key | value | default | meaning |\n|---|---|---|---|\n{}\n",
        rows.join("\n")
    )
}

/// What follows `<!-- keys` in each marker, and the table behind it.
fn tables() -> Vec<(String, String)> {
    let of_section = |section: &str| match section {
        "model" => table(common_model_keys()),
        section => table(known_keys().iter().filter(|known| known.section() == section)),
    };
    let sections = [""].into_iter().chain(SECTIONS);
    let families = FAMILIES
        .iter()
        .map(|family| (format!(" model {}", family.name), table(family.keys.iter())));
    let named = |section: &str| {
        if section.is_empty() {
            String::new()
        } else {
            format!(" {section}")
        }
    };
    sections
        .map(|section| (named(section), of_section(section)))
        .chain(families)
        .collect()
}

/// To write the tables anew: `UPDATE_DOCS=1 cargo test --no-default-features the_documentation`.
#[test]
fn the_documentation_lists_every_key_with_its_default() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ablation-format.md");
    let mut text = std::fs::read_to_string(&file).unwrap();
    for (marker, table) in tables() {
        let start = format!("<!-- keys{marker} -->\n");
        let from = text.find(&start).unwrap_or_else(|| panic!("no marker {start}")) + start.len();
        let to = from + text[from..].find("<!-- end -->").unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            text.replace_range(from..to, &table);
        } else {
            assert_eq!(text[from..to], table, "run this test with UPDATE_DOCS=1");
        }
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, text).unwrap();
    }
}
