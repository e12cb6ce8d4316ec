//! The progress of trials on stderr: on a terminal the sweep as it goes, in a few lines that stay at its end; elsewhere a line for
//! each thing that happens, and after a minute of silence.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use densenet_bench::formats::tables::Status;
use densenet_bench::statistics::{Forecast, forecast};
use densenet_bench::trials::{Event, TrialRecord};
use densenet_bench::visible;
use densenet_bench::words::{counted, duration};
use indicatif::ProgressBar;

use super::current::{Current, FIRST};
use super::turns::bar_or_log;
use crate::commands::plot::speaks_utf8;
use crate::commands::shared::Log;

/// How far the trials have come.
pub struct Progress {
    bar: ProgressBar,
    /// In place of the bar.
    log: Option<Log>,
    /// The place of each trial in the order of work, by its identity.
    places: BTreeMap<String, usize>,
    /// The work of each trial, in their order.
    works: Vec<f64>,
    /// Whether each trial has ended, or is another process's.
    is_over: Vec<bool>,
    /// Trials that have ended well, and otherwise.
    ended: (usize, usize),
    /// Seconds for a unit of work, of the trials that ran from their first step to their last.
    paces: Vec<f64>,
    started: Instant,
    /// The trial that runs in each slot.
    current: Vec<Option<Current>>,
    /// Whether it was said that the run is to stop.
    is_stopping: bool,
    ascii_only: bool,
}

impl Progress {
    /// For trials that are to run, in so many slots at once.
    pub fn new<'a>(trials: impl Iterator<Item = &'a TrialRecord>, slots: usize) -> Self {
        let trials: Vec<&TrialRecord> = trials.collect();
        let works: Vec<f64> = trials.iter().map(|record| work(record)).collect();
        let (bar, log) = bar_or_log(if works.is_empty() { 0 } else { 1000 });
        let places = trials.iter().enumerate();
        Self {
            bar,
            log,
            places: places.map(|(place, record)| (record.trial.clone(), place)).collect(),
            is_over: vec![false; works.len()],
            works,
            ended: (0, 0),
            paces: Vec::new(),
            started: Instant::now(),
            current: (0..slots).map(|_| None).collect(),
            is_stopping: false,
            ascii_only: !speaks_utf8(),
        }
    }

    /// A trial starts in a slot.
    pub fn begin(&mut self, slot: usize, record: &TrialRecord) {
        let place = self.places.get(&record.trial).copied().unwrap_or(0);
        let current = Current::begin(place, self.works.len(), record);
        if let Some(log) = &self.log {
            let length = format!(
                "{} in {}",
                counted(current.steps, "step"),
                counted(current.epochs, "epoch")
            );
            log.line(&format!("{}: starting, {length}", current.heading));
            log.begin(&format!("{}: no step yet: {FIRST}", current.heading));
        }
        self.current[slot] = Some(current);
        self.show();
    }

    /// The trial of a slot has sent an event.
    pub fn event(&mut self, slot: usize, event: &Event) {
        match event {
            Event::AskedToStop if self.is_stopping => return,
            Event::AskedToStop => {
                self.is_stopping = true;
                self.say(STOPPING);
            }
            Event::Note { text } => self.warn(text),
            event => {
                let Some(current) = self.current[slot].as_mut() else {
                    return;
                };
                current.take(event);
                if let Event::Resumed { steps } = event {
                    let line = format!(
                        "{}: resuming after step {steps} of {}\n",
                        current.heading, current.steps
                    );
                    self.say(&line);
                } else if let Event::Epoch { epoch, .. } = event {
                    self.log_epoch(slot, *epoch);
                }
            }
        }
        self.update_log(slot);
        self.show();
    }

    /// The trial of a slot has ended; `outcome` says how in a few words.
    pub fn end(&mut self, slot: usize, status: Status, outcome: &str) {
        match status {
            Status::Ok => self.ended.0 += 1,
            _ => self.ended.1 += 1,
        }
        // One that could not be claimed did not begin.
        if let Some(current) = self.current[slot].take() {
            if let (Status::Ok, 0) = (status, current.resumed) {
                let seconds = current.began.elapsed().as_secs_f64();
                self.paces.push(seconds / self.works[current.place]);
            }
            self.is_over[current.place] = true;
            if let Some(log) = &self.log {
                log.line(&format!("{}: {outcome}", current.heading));
            }
        }
        self.show();
    }

    /// A line for an epoch that has ended; of those that follow each other very fast not for each.
    fn log_epoch(&self, slot: usize, epoch: usize) {
        if let (Some(log), Some(current)) = (&self.log, &self.current[slot])
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

    fn update_log(&self, slot: usize) {
        if let (Some(log), Some(current)) = (&self.log, &self.current[slot])
            && current.made > 0
        {
            log.update(&format!(
                "{}  {}{}  step {} of {}",
                current.heading,
                current.epoch_in_words(),
                current.figures(),
                current.made,
                current.steps
            ));
        }
    }

    fn show(&self) {
        self.bar.set_position((1000.0 * self.share()) as u64);
        self.bar.set_message(self.lines());
    }

    /// The share of the trials' work that is done.
    fn share(&self) -> f64 {
        let all: f64 = self.works.iter().sum();
        (1.0 - self.left().iter().sum::<f64>() / all.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0)
    }

    /// The work that is left of each trial that has not ended.
    fn left(&self) -> Vec<f64> {
        let mut left: Vec<Option<f64>> = self.works.iter().copied().map(Some).collect();
        for (left, _) in left.iter_mut().zip(&self.is_over).filter(|(_, over)| **over) {
            *left = None;
        }
        for current in self.current.iter().flatten() {
            if let Some(Some(left)) = left.get_mut(current.place) {
                *left *= 1.0 - current.made as f64 / current.steps.max(1) as f64;
            }
        }
        left.into_iter().flatten().collect()
    }

    /// The sweep, the trials that run, and where one runs alone its loss, a line each; the bar stands before the first.
    fn lines(&self) -> String {
        let mut lines = self.sweep_in_words();
        for current in self.current.iter().flatten() {
            lines += &format!("\n{}", current.in_words());
        }
        if let [Some(current)] = &self.current[..] {
            lines += &current.curve_in_words(self.ascii_only);
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
        // The slots share what is left.
        let at_once = self.current.len().min(left.len()).max(1) as f64;
        let shared = |all: Forecast| Forecast {
            seconds: all.seconds / at_once,
            interval: all.interval.map(|(low, high)| (low / at_once, high / at_once)),
        };
        forecast(&self.paces, &left).map(shared).or_else(by_share)
    }
}

/// The least time between a line and that of an epoch which is not the last: ten lines a second can still be read.
const BETWEEN_EPOCHS: Duration = Duration::from_millis(100);

/// Printed as soon as a request to stop arrives: the current step may last.
const STOPPING: &str = "stopping after the current step, with a checkpoint; Ctrl-C (again) stops at once\n";

/// The training work of a trial: multiply-accumulates, with a floor for what small networks spend beside them.
fn work(record: &TrialRecord) -> f64 {
    let batch_size = record.settings.train.as_ref().map_or(1, |train| train.batch_size);
    record.steps as f64 * batch_size as f64 * (record.macs as f64 + 1e6)
}
