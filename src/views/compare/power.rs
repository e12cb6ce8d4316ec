//! What so many seeds can show, in words.

use super::metrics::Metric;
use super::trained::{TrainedComparison, Verdict};

/// A line on the primary number of a comparison: the difference that its seeds show, and the seeds that would show the
/// difference seen. `None` where its spread is not known.
pub(super) fn words(row: &TrainedComparison, metric: &Metric) -> Option<String> {
    let detectable = row.detectable?;
    if metric.text(detectable) == metric.text(0.0) {
        // Pairs that differ by the same number, as none that were trained do.
        return None;
    }
    let seen = metric.text(row.difference.abs());
    let more = match (row.verdict, row.seeds_needed) {
        (Verdict::Differ | Verdict::Equal | Verdict::NotTested, _) => String::new(),
        (_, Some(seeds)) if seeds > row.n => format!("; the {seen} seen here would take {seeds} seeds"),
        (_, Some(_)) => String::new(),
        (_, None) if row.test_images.is_some() => {
            format!("; the {seen} seen here would take more test images, whatever the seeds")
        }
        (_, None) => format!("; the {seen} seen here would take more than a thousand"),
    };
    Some(format!(
        "{}: with this spread {} seeds show a difference of {} (power 80 %){more}",
        metric.heading,
        row.n,
        metric.text(detectable),
    ))
}
