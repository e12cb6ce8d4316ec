//! The mean loss every so many batches, in the form in which the article printed it.

use std::fmt::Write;

/// Collects a trial's losses batch by batch.
#[derive(Clone, Debug)]
pub struct LossLog {
    every: usize,
    epoch: usize,
    /// Batches of the epoch so far.
    batch: usize,
    /// The sum since the last line.
    sum: f64,
}

impl LossLog {
    /// A log with a line for every `every` batches, at least 1.
    pub fn new(every: usize) -> Self {
        Self {
            every: every.max(1),
            epoch: 0,
            batch: 0,
            sum: 0.0,
        }
    }

    /// The lines that the losses of further batches of an epoch (from 0) complete: `[Epoch 1, Batch 100] loss: 3.697`,
    /// the mean of the last `every` batches. Each epoch counts from 0: batches that are left at its end give no line.
    pub fn lines(&mut self, epoch: usize, losses: &[f64]) -> String {
        if epoch != self.epoch {
            *self = Self {
                epoch,
                ..Self::new(self.every)
            };
        }
        let mut lines = String::new();
        for loss in losses {
            self.batch += 1;
            self.sum += loss;
            if self.batch.is_multiple_of(self.every) {
                let mean = self.sum / self.every as f64;
                // Writing to a string cannot fail.
                let _ = writeln!(lines, "[Epoch {}, Batch {}] loss: {mean:.3}", epoch + 1, self.batch);
                self.sum = 0.0;
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_mean_of_its_batches_in_the_articles_form() {
        let mut log = LossLog::new(2);
        assert_eq!(log.lines(0, &[3.0]), "");
        assert_eq!(
            log.lines(0, &[4.394, 1.0, 2.0, 9.0]),
            "[Epoch 1, Batch 2] loss: 3.697\n[Epoch 1, Batch 4] loss: 1.500\n"
        );
    }

    #[test]
    fn each_epoch_counts_from_zero() {
        let mut log = LossLog::new(2);
        log.lines(0, &[9.0, 9.0, 9.0]);
        assert_eq!(log.lines(1, &[1.0, 2.0]), "[Epoch 2, Batch 2] loss: 1.500\n");
    }
}
