//! The ablation file: TOML in, checked and resolved settings out (see `docs/ablation-format.md`).

mod document;
mod error;
mod key_table;
mod keys;
mod kind;
mod parse;
mod precision;
mod resolve;
mod settings;
#[cfg(test)]
mod tests;
mod values;
mod variants;

pub use error::FormatError;
pub use keys::{SECTIONS, common_model_keys, known_keys};
pub use parse::{LARGEST_FILE, parse};
pub use precision::Precision;
pub use settings::*;
