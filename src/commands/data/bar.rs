//! The progress of a download on stderr: where that is not a terminal, a line after a minute of silence.

use std::io::IsTerminal;

use densenet_bench::data::fetch::{Doing, Step};
use indicatif::{ProgressBar, ProgressStyle};

use crate::commands::shared::Log;

/// A bar for the file that is being worked on.
pub struct Bar {
    bar: ProgressBar,
    /// What the bar shows: a new one starts at its own bytes, not at the last one's speed.
    heading: String,
    /// In place of the bar where stderr is not a terminal.
    log: Option<Log>,
}

impl Bar {
    /// A bar that shows nothing yet.
    pub fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            heading: String::new(),
            log: None,
        }
    }

    /// Shows how far it has come.
    pub fn show(&mut self, step: Step<'_>) {
        let doing = match step.doing {
            Doing::Downloading => "downloading",
            Doing::Copying => "copying",
            Doing::Checking => "verifying",
            Doing::Unpacking => "unpacking",
        };
        let heading = format!("{doing} {}", step.file);
        if !std::io::stderr().is_terminal() {
            self.log(&heading, step);
            return;
        }
        if heading != self.heading {
            self.bar.finish_and_clear();
            self.bar = ProgressBar::new(step.total);
            // No colour, so that there is none to switch off.
            if let Ok(style) = ProgressStyle::with_template(
                "{bar:24} {percent:>3} %  {msg}  {decimal_bytes}/{decimal_total_bytes}  {decimal_bytes_per_sec}  {eta} left",
            ) {
                self.bar.set_style(style.progress_chars("=> "));
            }
            self.bar.set_message(heading.clone());
            // Bytes of an earlier download do not count in this one's speed.
            self.bar.set_position(step.done);
            self.bar.reset_eta();
            self.heading = heading;
        }
        self.bar.set_position(step.done);
    }

    /// A line after a minute of silence, with how far it has come.
    fn log(&mut self, heading: &str, step: Step<'_>) {
        let log = self.log.get_or_insert_with(|| Log::start(heading));
        if heading != self.heading {
            log.begin(heading);
            heading.clone_into(&mut self.heading);
        }
        log.update(&format!(
            "{heading}, {:.1} of {:.1} MB",
            step.done as f64 / 1e6,
            step.total as f64 / 1e6
        ));
    }

    /// All files are done.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
