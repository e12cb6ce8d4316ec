//! A reproducible benchmark and ablation harness for DenseNet (arXiv 1608.06993).
//!
//! The modules stand on five floors, and each uses only those below it:
//!
//! | floor | modules | what lives there |
//! |---|---|---|
//! | 0 | [`keys`], [`network`], [`statistics`], [`kernels`], [`visible`], [`words`] | what a network is, as plain data, and its counts; the statistics of samples; dense blocks on slices of numbers; text from outside, made safe to show |
//! | 1 | [`random`], [`data_sets`], [`formats`], `model` | seeded draws; files' bytes to values and back; Burn modules built from the data |
//! | 2 | [`files`], `libtorch`, [`backends`], [`host`], [`data`], [`measurement`], `training`, [`trials`] | reading within bounds, the backends and the machine, data sets, the training loop, the timer, trials and their processes |
//! | 3 | [`views`] | tables, plots and descriptions: rows in, bytes out |
//! | 4 | `commands` | one file a verb of the program |
//!
//! Without the features `burn` and `libtorch` everything that reads bytes or computes counts still builds, so that it
//! can be fuzzed and sanitised alone.

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
