//! The program's verbs, a file each; what several of them share is in [`shared`], and [`cli`] chooses among them.

mod answers;
mod cli;
mod compare;
mod completions;
mod data;
mod describe;
mod doctor;
mod evaluate;
mod export;
mod inputs;
mod loading;
mod losses;
mod manual;
mod measurement;
mod merge;
mod plan;
mod plot;
mod report;
mod run;
mod shared;
mod status;
mod steadiness;
mod submit;
mod trial;

pub use cli::main;
use shared::{Failure, Outcome, output_at, print, print_json, say};
