//! What must hold of every reader, whatever the bytes: no panic, no more memory than the bytes account for, an error
//! that is one line, and what was read is written and read back the same.
//!
//! Each function takes the bytes of one file, panics where something does not hold, and returns whether the bytes were
//! read or refused. The fuzz targets call them with what libFuzzer makes up; `tests/corpora/main.rs` calls them with what is
//! kept in `corpus/` and `regressions/`.

mod ablation;
mod data;
mod message;
mod records;
mod size;
mod tables;
mod tensors;

pub use ablation::ablation;
pub use data::{cifar10, cifar100, digits, idx, image, svhn};
pub use records::records;
pub use tables::{
    batches_csv, boundaries_csv, correctness_csv, epochs_csv, peers_csv, phases_csv, profile_csv, samples_csv,
    steps_csv, trials_csv,
};
pub use tensors::{SMALL, TRIAL, batches, checkpoint, weights};

/// A target's name, which is also that of its folders, and what it calls.
pub type Target = (&'static str, fn(&[u8]) -> bool);

/// Every target.
pub const TARGETS: [Target; 21] = [
    ("ablation", ablation),
    ("cifar10", cifar10),
    ("cifar100", cifar100),
    ("digits", digits),
    ("idx", idx),
    ("image", image),
    ("svhn", svhn),
    ("weights", weights),
    ("batches", batches),
    ("checkpoint", checkpoint),
    ("records", records),
    ("trials_csv", trials_csv),
    ("steps_csv", steps_csv),
    ("epochs_csv", epochs_csv),
    ("correctness_csv", correctness_csv),
    ("batches_csv", batches_csv),
    ("samples_csv", samples_csv),
    ("phases_csv", phases_csv),
    ("profile_csv", profile_csv),
    ("boundaries_csv", boundaries_csv),
    ("peers_csv", peers_csv),
];
