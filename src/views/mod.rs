//! Tables, plots and descriptions: rows in, text or bytes out.
//!
//! Nothing here opens a file, asks for the time or reads the environment; the verbs do that and hand over what is to
//! be shown.

pub mod compare;
pub mod describe;
pub mod groups;
pub mod loss_log;
mod measurement_tables;
pub mod measurements;
pub mod plots;
pub mod predicted_memory;
#[cfg(test)]
mod samples;
pub mod standing;
pub mod summary;
mod text;
