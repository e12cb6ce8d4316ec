//! The ablation file: TOML in, checked and resolved settings out (see `docs/ablation-format.md`).

mod settings;

pub use settings::*;
