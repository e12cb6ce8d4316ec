//! Tables, plots and descriptions: rows in, text or bytes out.
//!
//! Views of results turn a study into a list of sections, plain data (`section`); each output format is one file over
//! these (`terminal`, `markdown`), and a file that a report is written to is a line of `report_formats`. `report` is the page that
//! shows whole studies.
//!
//! Nothing here opens a file, asks for the time or reads the environment; the verbs do that and hand over what is to
//! be shown.

pub mod compare;
mod costs;
pub mod describe;
pub mod described;
pub mod executions;
pub mod export;
pub mod feature_reuse;
pub mod groups;
pub mod loss_log;
pub mod markdown;
mod measurement_cells;
mod measurement_tables;
pub mod measurements;
mod noise_floor;
pub mod plots;
pub mod predicted_memory;
mod profile_tables;
mod profiles;
mod reduced;
pub mod report;
pub mod report_formats;
#[cfg(test)]
mod sample_profiles;
#[cfg(test)]
mod samples;
pub mod section;
pub mod sparkline;
pub mod splice;
pub mod status_table;
mod step_rounds;
pub mod summary;
pub mod terminal;
mod text;
