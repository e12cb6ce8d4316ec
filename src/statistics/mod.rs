//! The statistics of samples: plain functions on slices of `f64`.
//!
//! No function here looks for values that are not finite: a NaN or an infinity among the samples makes the answer
//! meaningless (NaN, as a rule), and leaving such samples out is the caller's decision, since it is one that a reader
//! of the numbers must know of.

mod bootstrap;
mod crossed;
mod error_interval;
mod forecast;
mod location;
mod multiple;
mod order;
mod paired;
mod rounds;
mod stability;
mod stability_words;
mod summary;

pub use bootstrap::{Draw, bootstrap_mean_interval};
pub use crossed::{CrossedMean, POWER};
pub use error_interval::{error_interval, standard_error_of_images};
pub use forecast::{Forecast, forecast};
pub use location::{mean, mean_interval, sample_standard_deviation, student_t_quantile};
pub use multiple::holm;
pub use order::{median, median_absolute_deviation, quantile};
pub use paired::{
    BOOTSTRAP_FROM, MeanDifference, MeanIntervalMethod, SignFlip, correlation, mean_difference, sign_flip_test,
};
pub use rounds::{
    ROUNDS_OF_A_RATIO, ROUNDS_OF_AN_INTERVAL, RatioMethod, RoundRatio, paired_ratio, step_interval, unpaired_ratio,
};
pub use stability::{Outliers, Shift, Stability, stability};
pub use summary::Summary;
