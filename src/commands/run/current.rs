//! A trial that runs, as its progress is shown.

use std::time::Instant;

use densenet_bench::trials::{Event, TrialRecord};
use densenet_bench::views::sparkline::sparkline;

/// What a trial does before its first step.
pub const FIRST: &str = "reading the data, building the network";
/// Letters of the curve of losses.
const CURVE: usize = 48;

/// A trial that runs.
pub struct Current {
    /// `trial 3 of 12  growth-rate=12 seed 0`.
    pub heading: String,
    /// Its place in the order of work, from 0.
    pub place: usize,
    /// When it started.
    pub began: Instant,
    /// Its epochs.
    pub epochs: usize,
    /// Its steps.
    pub steps: usize,
    /// Steps that have been made.
    pub made: usize,
    /// Of them those that were made before.
    pub resumed: usize,
    losses: Vec<f64>,
    loss: Option<f64>,
    images_per_second: Option<f64>,
    peak_memory_bytes: Option<u64>,
    test_error: Option<f64>,
    epoch: usize,
}

impl Current {
    /// A trial that starts now, the one at this place of so many.
    pub fn begin(place: usize, trials: usize, record: &TrialRecord) -> Self {
        Self {
            heading: format!(
                "trial {} of {trials}  {} seed {}",
                place + 1,
                record.variant,
                record.seed
            ),
            place,
            began: Instant::now(),
            epochs: record.epochs,
            steps: record.steps,
            made: 0,
            resumed: 0,
            losses: Vec::new(),
            loss: None,
            images_per_second: None,
            peak_memory_bytes: None,
            test_error: None,
            epoch: 0,
        }
    }

    /// Takes what an event says.
    pub fn take(&mut self, event: &Event) {
        match *event {
            Event::Resumed { steps } => (self.made, self.resumed) = (steps, steps),
            Event::Steps {
                epoch,
                done,
                ref losses,
                images_per_second,
                peak_memory_bytes,
            } => {
                self.epoch = epoch;
                self.made = done;
                self.loss = losses.last().copied().flatten();
                self.losses.extend(losses.iter().copied().flatten());
                self.images_per_second = Some(images_per_second);
                self.peak_memory_bytes = peak_memory_bytes;
            }
            Event::Epoch {
                train_loss, test_error, ..
            } => {
                // Of the steps it was the last one's so far.
                self.loss = train_loss;
                self.test_error = Some(test_error);
            }
            Event::AskedToStop | Event::Note { .. } => {}
        }
    }

    /// Its heading and how far it is.
    pub fn in_words(&self) -> String {
        let state = match self.made {
            0 => FIRST.to_owned(),
            _ => format!("{}{}", self.epoch_in_words(), self.figures()),
        };
        format!("{}  {state}", self.heading)
    }

    /// The curve of its loss on a line of its own; empty before the first step.
    pub fn curve_in_words(&self, ascii_only: bool) -> String {
        match (self.losses.first(), self.losses.last()) {
            (Some(first), Some(last)) => {
                let curve = sparkline(&self.losses, CURVE, ascii_only);
                format!("\nloss  {first:.3} {curve} {last:.3}")
            }
            _ => String::new(),
        }
    }

    /// `epoch 3/10`.
    pub fn epoch_in_words(&self) -> String {
        format!("epoch {}/{}", self.epoch + 1, self.epochs)
    }

    /// What is known of the trial by now.
    pub fn figures(&self) -> String {
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
