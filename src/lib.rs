//! A reproducible benchmark and ablation harness for neural networks, DenseNet (arXiv 1608.06993) first.
//!
//! The modules stand on five floors. A module uses only those on an earlier step of this table, which
//! `tests/architecture.rs` reads: a new module is a line here.
//!
//! | step | modules | what lives there |
//! |---|---|---|
//! | 0.1 | [`statistics`], [`visible`], [`words`] | the statistics of samples; text from outside, escaped; numbers and lists in words |
//! | 0.2 | [`keys`] | the keys of settings |
//! | 0.3 | [`network`] | what a network is, as plain data, and its counts |
//! | 0.4 | [`kernels`] | the layers of networks, and the loss, on slices of numbers |
//! | 1.1 | [`random`] | seeded draws |
//! | 1.2 | [`data_sets`] | what each data set is: its keys, its outline, its bytes to images |
//! | 1.3 | [`formats`] | files' bytes to values and back: ablations, tables, weights, checkpoints |
//! | 1.4 | `model` | networks on Burn, and what carries out their segments |
//! | 2.1 | [`files`], `libtorch` | bounded reading and whole writing of files; everything that names libtorch |
//! | 2.2 | [`backends`] | each backend of Burn: its devices, executions, counters |
//! | 2.3 | [`host`] | the machine: memory, threads, signals, what is recorded of it |
//! | 2.4 | [`data`] | data sets from disk, downloads, batches |
//! | 2.5 | [`training`] | the training step and loop |
//! | 2.6 | [`trials`] | trials, their folders and processes |
//! | 2.7 | [`measurement`] | the timer and what it measures |
//! | 3.1 | [`views`] | tables, plots and descriptions: rows in, bytes out |
//! | 4.1 | `commands` | one file a verb of the program |
//!
//! Views use nothing of floor 2, and floor 2 nothing of them: they meet in the verbs. Without the features `burn` and
//! `libtorch` everything that reads bytes or computes counts still builds, so that it can be fuzzed and sanitised alone.

pub mod backends;
pub mod data;
pub mod data_sets;
pub mod files;
pub mod formats;
pub mod host;
pub mod kernels;
pub mod keys;
#[cfg(feature = "libtorch")]
pub mod libtorch;
pub mod measurement;
#[cfg(feature = "burn")]
pub mod model;
pub mod network;
pub mod random;
pub mod statistics;
pub mod training;
pub mod trials;
pub mod views;
pub mod visible;
pub mod words;
