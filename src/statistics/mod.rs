//! The statistics of samples: plain functions on slices of `f64`.
//!
//! No function here looks for values that are not finite: a NaN or an infinity among the samples makes the answer
//! meaningless (NaN, as a rule), and leaving such samples out is the caller's decision, since it is one that a reader
//! of the numbers must know of.

mod bootstrap;
mod error_interval;
mod location;
mod median_interval;
mod order;
mod paired;
mod stability;
mod stability_words;
mod summary;

pub use bootstrap::{Draw, bootstrap_mean_interval};
pub use error_interval::{error_interval, standard_error_of_images};
pub use location::{mean, mean_interval, sample_standard_deviation, student_t_quantile};
pub use median_interval::{MedianInterval, MedianRatio, RatioIntervalMethod, median_interval, median_ratio};
pub use order::{median, median_absolute_deviation, quantile};
pub use paired::{BOOTSTRAP_FROM, MeanDifference, MeanIntervalMethod, SignFlip, mean_difference, sign_flip_test};
pub use stability::{Outliers, Shift, Stability, stability};
pub use summary::Summary;
