//! The progress on stderr: a bar on a terminal; elsewhere a line for each thing that happens, and after a minute of silence.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use densenet_bench::trials::{Event, TrialRecord};
use densenet_bench::visible;
use densenet_bench::words::counted;
use indicatif::{ProgressBar, ProgressStyle};

use crate::commands::shared::Log;

/// How far the trials have come.
pub struct Progress {
    bar: ProgressBar,
    /// In place of the bar.
    log: Option<Log>,
    trials: usize,
    /// Multiply-accumulates of all trials together, and of those that have ended.
    work: f64,
    done: f64,
    started: Instant,
    current: Current,
}

/// The trial that runs.
#[derive(Default)]
struct Current {
    heading: String,
    epochs: usize,
    steps: usize,
    work: f64,
    loss: Option<f64>,
    images_per_second: Option<f64>,
    test_error: Option<f64>,
    epoch: usize,
    made: usize,
}

impl Progress {
    /// A bar for trials that are to run.
    pub fn new<'a>(trials: impl Iterator<Item = &'a TrialRecord>) -> Self {
        let works: Vec<f64> = trials.map(work).collect();
        let (bar, log) = bar_or_log(if works.is_empty() { 0 } else { 1000 });
        Self {
            bar,
            log,
            trials: works.len(),
            work: works.iter().sum(),
            done: 0.0,
            started: Instant::now(),
            current: Current::default(),
        }
    }

    /// A trial starts.
    pub fn begin(&mut self, index: usize, record: &TrialRecord) {
        self.current = Current {
            heading: format!(
                "trial {} of {}  {} seed {}",
                index + 1,
                self.trials,
                record.variant,
                record.seed
            ),
            epochs: record.epochs,
            steps: record.steps,
            work: work(record),
            ..Current::default()
        };
        if let Some(log) = &self.log {
            let Current {
                heading, epochs, steps, ..
            } = &self.current;
            let length = format!("{} in {}", counted(*steps, "step"), counted(*epochs, "epoch"));
            log.line(&format!("{heading}: starting, {length}"));
            log.begin(&format!(
                "{heading}: no step yet: reading the data, building the network"
            ));
        }
        self.show();
    }

    /// A trial has sent an event.
    pub fn event(&mut self, event: &Event) {
        match *event {
            Event::Resumed { steps } => {
                self.current.made = steps;
                let line = format!(
                    "{}: resuming after step {steps} of {}\n",
                    self.current.heading, self.current.steps
                );
                self.say(&line);
            }
            Event::AskedToStop => self.say(STOPPING),
            Event::Note { ref text } => self.warn(text),
            Event::Steps {
                epoch,
                done,
                ref losses,
                images_per_second,
            } => {
                self.current.epoch = epoch;
                self.current.made = done;
                self.current.loss = losses.last().copied().flatten();
                self.current.images_per_second = Some(images_per_second);
            }
            Event::Epoch {
                epoch,
                train_loss,
                test_error,
            } => {
                // Of the steps it was the last one's so far.
                self.current.loss = train_loss;
                self.current.test_error = Some(test_error);
                self.log_epoch(epoch);
            }
        }
        self.show();
    }

    /// A trial has ended; `outcome` says how in a few words.
    pub fn end(&mut self, record: &TrialRecord, outcome: &str) {
        self.done += work(record);
        self.current.work = 0.0;
        if let Some(log) = &self.log {
            log.line(&format!("{}: {outcome}", self.current.heading));
        }
        self.show();
    }

    /// A line for an epoch that has ended; of those that follow each other very fast not for each.
    fn log_epoch(&self, epoch: usize) {
        let current = &self.current;
        if let Some(log) = &self.log
            && (log.silent_for() >= BETWEEN_EPOCHS || epoch + 1 == current.epochs)
        {
            log.line(&format!(
                "{}: epoch {}/{}{}",
                current.heading,
                epoch + 1,
                current.epochs,
                current.figures()
            ));
        }
    }

    /// Lines that stay, above the bar.
    pub fn say(&self, lines: &str) {
        // A failure to print does not stop the work.
        let write = || std::io::stderr().write_all(visible::escape_lines(lines).as_bytes());
        let _: std::io::Result<()> = self.bar.suspend(write);
    }

    /// A line that stays.
    pub fn warn(&self, message: &str) {
        self.bar
            .suspend(|| crate::commands::say(&format!("warning: {message}")));
    }

    /// All trials have ended.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn show(&self) {
        let current = &self.current;
        let share_of_trial = current.made as f64 / current.steps.max(1) as f64;
        let share = ((self.done + current.work * share_of_trial) / self.work.max(1.0)).clamp(0.0, 1.0);
        let mut message = format!("{}  epoch {}/{}", current.heading, current.epoch + 1, current.epochs);
        message += &current.figures();
        if let Some(log) = &self.log
            && current.made > 0
        {
            log.update(&format!("{message}  step {} of {}", current.made, current.steps));
        }
        if let Some(left) = time_left(self.started.elapsed(), share) {
            message += &format!("  {} left", humantime::format_duration(left));
        }
        self.bar.set_position((1000.0 * share) as u64);
        self.bar.set_message(message);
    }
}

/// The least time between a line and that of an epoch which is not the last: ten lines a second can still be read.
const BETWEEN_EPOCHS: Duration = Duration::from_millis(100);

impl Current {
    /// What is known of the trial by now.
    fn figures(&self) -> String {
        let mut figures = String::new();
        if let Some(loss) = self.loss {
            figures += &format!("  loss {loss:.3}");
        }
        if let Some(error) = self.test_error {
            figures += &format!("  test error {:.2} %", 100.0 * error);
        }
        if let Some(speed) = self.images_per_second {
            figures += &format!("  {speed:.0} images/s");
        }
        figures
    }
}

/// A bar of that length where stderr is a terminal, else a log; neither where there is no work.
fn bar_or_log(length: u64) -> (ProgressBar, Option<Log>) {
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

/// Printed as soon as a request to stop arrives: the current step may last.
const STOPPING: &str = "stopping after the current step, with a checkpoint; Ctrl-C (again) stops at once\n";

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

    /// It has ended; `outcome` says how in a few words.
    pub fn end(&mut self, outcome: &str) {
        if let Some(log) = &self.log {
            log.line(&format!("{}: {outcome}", self.heading));
        }
        self.bar.set_message(format!("{}: {outcome}", self.heading));
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

/// The training work of a trial: multiply-accumulates, with a floor for what small networks spend beside them.
fn work(record: &TrialRecord) -> f64 {
    let batch_size = record.settings.train.as_ref().map_or(1, |train| train.batch_size);
    record.steps as f64 * batch_size as f64 * (record.macs as f64 + 1e6)
}

/// What is left at the speed so far, in whole seconds; none before there is something to go by.
fn time_left(elapsed: Duration, share: f64) -> Option<Duration> {
    (share > 0.0)
        .then(|| Duration::from_secs_f64(elapsed.as_secs_f64() * (1.0 - share) / share).as_secs())
        .map(Duration::from_secs)
}
