//! The training loss of every step, with fewer points where a table is long, of which no extreme is lost.

use std::collections::BTreeMap;

use super::tables::StepRow;

/// Rows that are all kept; of more, two in each of so many stretches that about twice as many are left.
const MOST: u64 = 1_000_000;
/// Bytes of a row, about.
const ROW: u64 = 64;

/// The curves of a study's trials.
#[derive(Clone, Debug, PartialEq)]
pub struct LossCurves {
    /// Rows in a stretch.
    stretch: usize,
    curves: BTreeMap<String, LossCurve>,
    /// That of the trial whose rows are being added: they stand together.
    current: Option<(String, LossCurve)>,
}

/// A trial's losses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LossCurve {
    /// Rows of the first epoch.
    pub first_epoch: usize,
    /// Steps with their losses, of each stretch the lowest and the highest.
    pub points: Vec<(usize, f64)>,
    open: Stretch,
}

/// The extremes of rows that follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Stretch {
    rows: usize,
    extremes: Option<[(usize, f64); 2]>,
}

impl Default for LossCurves {
    fn default() -> Self {
        Self::of_table(0)
    }
}

impl LossCurves {
    /// Empty, for a table of so many bytes.
    pub fn of_table(bytes: u64) -> Self {
        Self {
            stretch: usize::try_from(bytes / (MOST * ROW)).unwrap_or(usize::MAX).max(1),
            curves: BTreeMap::new(),
            current: None,
        }
    }

    /// Adds a row. A loss that is no number is no point.
    pub fn add(&mut self, row: StepRow) {
        if self.current.as_ref().is_none_or(|(trial, _)| *trial != row.trial) {
            self.put_away();
            let curve = self.curves.remove(&row.trial).unwrap_or_default();
            self.current = Some((row.trial.clone(), curve));
        }
        let Some((_, curve)) = &mut self.current else { return };
        curve.first_epoch += usize::from(row.epoch == 0);
        curve.open.rows += 1;
        if row.loss.is_finite() {
            let point = (row.step, row.loss);
            let [low, high] = curve.open.extremes.unwrap_or([point; 2]);
            curve.open.extremes = Some([
                if row.loss < low.1 { point } else { low },
                if row.loss > high.1 { point } else { high },
            ]);
        }
        if curve.open.rows >= self.stretch {
            curve.close();
        }
    }

    /// All rows have been added.
    pub fn finish(&mut self) {
        self.put_away();
        self.curves.values_mut().for_each(LossCurve::close);
    }

    fn put_away(&mut self) {
        self.curves.extend(self.current.take());
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.curves.is_empty()
    }

    /// That of a trial.
    pub fn of(&self, trial: &str) -> Option<&LossCurve> {
        self.curves.get(trial)
    }
}

impl LossCurve {
    fn close(&mut self) {
        let Stretch { extremes, .. } = std::mem::take(&mut self.open);
        let Some([low, high]) = extremes else { return };
        let (first, second) = if low.0 <= high.0 { (low, high) } else { (high, low) };
        self.points.push(first);
        if second.0 != first.0 {
            self.points.push(second);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curves(bytes: u64, losses: &[f64]) -> LossCurves {
        let mut curves = LossCurves::of_table(bytes);
        for (step, &loss) in losses.iter().enumerate() {
            for trial in ["a", "b"] {
                curves.add(StepRow {
                    trial: trial.to_owned(),
                    variant: String::new(),
                    seed: 0,
                    epoch: step / 4,
                    step,
                    loss,
                    learning_rate: 0.1,
                });
            }
        }
        curves.finish();
        curves
    }

    const LOSSES: [f64; 7] = [3.0, 1.0, 2.0, f64::NAN, 5.0, 4.0, 6.0];

    #[test]
    fn of_a_short_table_every_finite_loss_is_a_point() {
        let found = curves(1000, &LOSSES);
        let points = [(0, 3.0), (1, 1.0), (2, 2.0), (4, 5.0), (5, 4.0), (6, 6.0)];
        for trial in ["a", "b"] {
            let curve = found.of(trial).unwrap();
            assert_eq!((curve.first_epoch, &curve.points[..]), (4, &points[..]));
        }
        assert!(found.of("c").is_none() && !found.is_empty() && curves(0, &[]).is_empty());
    }

    #[test]
    fn of_a_long_table_the_extremes_of_each_stretch_are_points_in_their_order() {
        let found = curves(3 * MOST * ROW, &LOSSES);
        let points = [(0, 3.0), (1, 1.0), (4, 5.0), (5, 4.0), (6, 6.0)];
        assert_eq!(found.of("a").unwrap().points, points);
        assert_eq!(found.of("b"), found.of("a"));
    }
}
