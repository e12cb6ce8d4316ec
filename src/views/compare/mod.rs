//! Two sides beside each other: trained results on the same seeds, step times at the same batch sizes, and what must
//! not be compared.

mod circumstances;
mod comparison;
mod family;
mod measured;
mod metrics;
mod pairs;
mod power;
mod report;
mod sentence;
mod settings;
mod side;
mod timed_rounds;
mod trained;

pub use circumstances::{Circumstances, Difference, Facts, differences, refusal};
pub use comparison::{Comparison, Manner, Pairing, VariantComparison, compare_variants, pair_variants};
pub use family::adjust;
pub use measured::{MeasuredComparison, MeasuredSide};
pub use metrics::Scope;
pub use report::sections;
pub use sentence::{difference_in_words, heading, is_shown, number, seeds_in_words, verdict_in_words};
pub use settings::{SettingDifference, differing_settings};
pub use side::Side;
pub use trained::{Test, TrainedComparison, Verdict};
