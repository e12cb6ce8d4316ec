//! The statistics of samples.
