//! The progress of measurements on stderr: a bar on a terminal, elsewhere a line for each that has ended.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use crate::commands::shared::Log;

/// How far the processes that measure have come. Where stderr is not a terminal, a line for each that has ended.
pub struct Turns {
    bar: ProgressBar,
    /// In place of the bar.
    log: Option<Log>,
    heading: String,
}

impl Turns {
    /// That many are to run.
    pub fn new(turns: usize) -> Self {
        let (bar, log) = bar_or_log(turns as u64);
        Self {
            bar,
            log,
            heading: String::new(),
        }
    }

    /// The number of runs is not known.
    pub fn searching() -> Self {
        let (bar, log) = match std::io::stderr().is_terminal() {
            true => (ProgressBar::new_spinner(), None),
            false => (ProgressBar::hidden(), Some(Log::start("searching"))),
        };
        Self {
            bar,
            log,
            heading: String::new(),
        }
    }

    /// One starts.
    pub fn begin(&mut self, heading: &str) {
        heading.clone_into(&mut self.heading);
        if let Some(log) = &self.log {
            log.begin(&format!("{heading}: running"));
        }
        self.bar.set_message(heading.to_owned());
        self.bar.tick();
    }

    /// The last one that has started has ended; `outcome` says how in a few words.
    pub fn end(&mut self, outcome: &str) {
        let heading = self.heading.clone();
        self.end_of(&heading, outcome);
    }

    /// The one with this heading has ended.
    pub fn end_of(&mut self, heading: &str, outcome: &str) {
        if let Some(log) = &self.log {
            log.line(&format!("{heading}: {outcome}"));
        }
        self.bar.set_message(format!("{heading}: {outcome}"));
        self.bar.inc(1);
    }

    /// A line that stays.
    pub fn warn(&self, message: &str) {
        self.bar
            .suspend(|| crate::commands::say(&format!("warning: {message}")));
    }

    /// All have ended.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// A bar of that length where stderr is a terminal, else a log; neither where there is no work.
pub fn bar_or_log(length: u64) -> (ProgressBar, Option<Log>) {
    match (length, std::io::stderr().is_terminal()) {
        (0, _) => (ProgressBar::hidden(), None),
        (_, false) => (ProgressBar::hidden(), Some(Log::start("starting"))),
        (length, true) => (bar(length), None),
    }
}

fn bar(length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    // No colour, so that there is none to switch off.
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {percent:>3} %  {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
