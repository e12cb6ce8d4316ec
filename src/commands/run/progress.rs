//! The progress of trials on stderr: on a terminal the sweep as it goes, in a few lines that stay at its end; elsewhere a line for
//! each thing that happens, and after a minute of silence.

use std::io::Write;
use std::time::{Duration, Instant};

use densenet_bench::formats::tables::Status;
use densenet_bench::statistics::{Forecast, forecast};
use densenet_bench::trials::{Event, TrialRecord};
use densenet_bench::views::sparkline::sparkline;
use densenet_bench::visible;
use densenet_bench::words::{counted, duration};
use indicatif::ProgressBar;

use super::turns::bar_or_log;
use crate::commands::plot::speaks_utf8;
use crate::commands::shared::Log;

/// How far the trials have come.
pub struct Progress {
    bar: ProgressBar,
    /// In place of the bar.
    log: Option<Log>,
    /// The work of each trial, in their order.
    works: Vec<f64>,
    /// Trials that have ended well, and otherwise.
    ended: (usize, usize),
    /// Seconds for a unit of work, of the trials that ran from their first step to their last.
    paces: Vec<f64>,
    started: Instant,
    current: Current,
    ascii_only: bool,
}

/// The trial that runs.
#[derive(Default)]
struct Current {
    heading: String,
    index: usize,
    began: Option<Instant>,
    epochs: usize,
    steps: usize,
    losses: Vec<f64>,
    loss: Option<f64>,
    images_per_second: Option<f64>,
    peak_memory_bytes: Option<u64>,
    test_error: Option<f64>,
    epoch: usize,
    made: usize,
    /// Steps that were made before.
    resumed: usize,
}

impl Progress {
    /// For trials that are to run.
    pub fn new<'a>(trials: impl Iterator<Item = &'a TrialRecord>) -> Self {
        let works: Vec<f64> = trials.map(work).collect();
        let (bar, log) = bar_or_log(if works.is_empty() { 0 } else { 1000 });
        Self {
            bar,
            log,
            works,
            ended: (0, 0),
            paces: Vec::new(),
            started: Instant::now(),
            current: Current::default(),
            ascii_only: !speaks_utf8(),
        }
    }

    /// A trial starts.
    pub fn begin(&mut self, index: usize, record: &TrialRecord) {
        self.current = Current {
            heading: format!(
                "trial {} of {}  {} seed {}",
                index + 1,
                self.works.len(),
                record.variant,
                record.seed
            ),
            index,
            began: Some(Instant::now()),
            epochs: record.epochs,
            steps: record.steps,
            ..Current::default()
        };
        if let Some(log) = &self.log {
            let Current {
                heading, epochs, steps, ..
            } = &self.current;
            let length = format!("{} in {}", counted(*steps, "step"), counted(*epochs, "epoch"));
            log.line(&format!("{heading}: starting, {length}"));
            log.begin(&format!("{heading}: no step yet: {FIRST}"));
        }
        self.show();
    }

    /// A trial has sent an event.
    pub fn event(&mut self, event: &Event) {
        match *event {
            Event::Resumed { steps } => {
                (self.current.made, self.current.resumed) = (steps, steps);
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
                peak_memory_bytes,
            } => {
                self.current.epoch = epoch;
                self.current.made = done;
                self.current.loss = losses.last().copied().flatten();
                self.current.losses.extend(losses.iter().copied().flatten());
                self.current.images_per_second = Some(images_per_second);
                self.current.peak_memory_bytes = peak_memory_bytes;
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
    pub fn end(&mut self, status: Status, outcome: &str) {
        match status {
            Status::Ok => self.ended.0 += 1,
            _ => self.ended.1 += 1,
        }
        let current = &self.current;
        if let (Status::Ok, Some(began), 0) = (status, current.began, current.resumed) {
            self.paces
                .push(began.elapsed().as_secs_f64() / self.works[current.index]);
        }
        if let Some(log) = &self.log {
            log.line(&format!("{}: {outcome}", current.heading));
        }
        self.current.began = None;
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

    /// All trials have ended; what was shown stays.
    pub fn finish(&self) {
        self.bar.abandon();
    }

    fn show(&self) {
        let current = &self.current;
        if let Some(log) = &self.log
            && current.made > 0
        {
            let epoch = current.epoch_in_words();
            log.update(&format!(
                "{}  {epoch}{}  step {} of {}",
                current.heading,
                current.figures(),
                current.made,
                current.steps
            ));
        }
        self.bar.set_position((1000.0 * self.share()) as u64);
        self.bar.set_message(self.lines());
    }

    /// The share of the trials' work that is done.
    fn share(&self) -> f64 {
        let all: f64 = self.works.iter().sum();
        (1.0 - self.left().iter().sum::<f64>() / all.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0)
    }

    /// The work that is left: of the trial that runs, and of each behind it.
    fn left(&self) -> Vec<f64> {
        let current = &self.current;
        let share = match current.began {
            Some(_) => 1.0 - current.made as f64 / current.steps.max(1) as f64,
            None => 0.0,
        };
        let mut left = self.works[current.index.min(self.works.len())..].to_vec();
        if let Some(first) = left.first_mut() {
            *first *= share;
        }
        left
    }

    /// The sweep, the trial that runs and its loss, a line each; the bar stands before the first.
    fn lines(&self) -> String {
        let current = &self.current;
        let mut lines = self.sweep_in_words();
        if current.began.is_none() {
            return lines;
        }
        let state = match current.made {
            0 => FIRST.to_owned(),
            _ => format!("{}{}", current.epoch_in_words(), current.figures()),
        };
        lines += &format!("\n{}  {state}", current.heading);
        if let (Some(first), Some(last)) = (current.losses.first(), current.losses.last()) {
            let curve = sparkline(&current.losses, CURVE, self.ascii_only);
            lines += &format!("\nloss  {first:.3} {curve} {last:.3}");
        }
        lines
    }

    /// `12 trials: 4 ok, 1 failed; 1 min 12 s left (95 % interval 58 s to 1 min 30 s)`.
    fn sweep_in_words(&self) -> String {
        let mut words = format!("{}: {} ok", counted(self.works.len(), "trial"), self.ended.0);
        if self.ended.1 > 0 {
            words += &format!(", {} failed", self.ended.1);
        }
        match self.time_left() {
            Some(Forecast {
                seconds,
                interval: Some((low, high)),
            }) => {
                let (left, low, high) = (duration(seconds), duration(low), duration(high));
                words += &format!("; {left} left (95 % interval {low} to {high})");
            }
            Some(Forecast { seconds, .. }) => words += &format!("; {} left", duration(seconds)),
            None => {}
        }
        words
    }

    /// From the trials that have ended, or from the share that is done before the first has; none before that, and at the end.
    fn time_left(&self) -> Option<Forecast> {
        let left = self.left();
        if left.iter().sum::<f64>() <= 0.0 {
            return None;
        }
        let share = self.share();
        let by_share = || {
            (share > 0.0).then(|| Forecast {
                seconds: self.started.elapsed().as_secs_f64() * (1.0 - share) / share,
                interval: None,
            })
        };
        forecast(&self.paces, &left).or_else(by_share)
    }
}

/// What a trial does before its first step.
const FIRST: &str = "reading the data, building the network";
/// Letters of the curve of losses.
const CURVE: usize = 48;

/// The least time between a line and that of an epoch which is not the last: ten lines a second can still be read.
const BETWEEN_EPOCHS: Duration = Duration::from_millis(100);

impl Current {
    fn epoch_in_words(&self) -> String {
        format!("epoch {}/{}", self.epoch + 1, self.epochs)
    }

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
        if let Some(bytes) = self.peak_memory_bytes {
            figures += &format!("  {:.0} MB", bytes as f64 / 1e6);
        }
        figures
    }
}

/// Printed as soon as a request to stop arrives: the current step may last.
const STOPPING: &str = "stopping after the current step, with a checkpoint; Ctrl-C (again) stops at once\n";

/// The training work of a trial: multiply-accumulates, with a floor for what small networks spend beside them.
fn work(record: &TrialRecord) -> f64 {
    let batch_size = record.settings.train.as_ref().map_or(1, |train| train.batch_size);
    record.steps as f64 * batch_size as f64 * (record.macs as f64 + 1e6)
}
