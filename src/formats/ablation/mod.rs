//! The ablation file: TOML in, checked and resolved settings out (see `docs/ablation-format.md`).

mod document;
mod encoding;
mod error;
mod excerpt;
mod fine_tuning;
mod fixed_seeds;
mod instructions;
mod key_table;
mod keys;
mod kind;
mod layout;
mod overrides;
mod parse;
mod precision;
mod resolve;
mod settings;
mod syntax;
mod syntax_letters;
mod syntax_place;
mod syntax_values;
#[cfg(test)]
mod tests;
mod values;
mod variants;

pub use encoding::text_of_bytes;
pub use error::FormatError;
pub use excerpt::Excerpt;
pub use fine_tuning::{FineTuning, RateGroup};
pub use fixed_seeds::FixedSeeds;
pub use instructions::Instructions;
pub use keys::{SECTIONS, common_model_keys, known_keys};
pub use layout::MapLayout;
pub use overrides::with_overrides;
pub use parse::{LARGEST_FILE, parse, parse_recorded};
pub use precision::Precision;
pub use settings::*;
