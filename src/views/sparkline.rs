//! A curve in one line of a terminal.

/// From the lowest to the highest.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The same for a terminal that does not show UTF-8.
const LETTERS: [char; 8] = ['_', '.', ',', '-', '~', '=', '*', '#'];

/// The curve in at most `width` letters, each the mean of its share of the values; the heights are in proportion between the least
/// and the greatest mean. Values that are not finite are left out; empty where none is left.
pub fn sparkline(values: &[f64], width: usize, ascii_only: bool) -> String {
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let letters = width.min(finite.len());
    let means = (0..letters).map(|place| {
        let part = &finite[place * finite.len() / letters..(place + 1) * finite.len() / letters];
        part.iter().sum::<f64>() / part.len() as f64
    });
    let means: Vec<f64> = means.collect();
    let least = means.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let heights = if ascii_only { LETTERS } else { BLOCKS };
    let letter = |mean: &f64| {
        let share = (mean - least) / (greatest - least);
        // Of equal values the share is none, and each is at the bottom.
        heights[((share * heights.len() as f64) as usize).min(heights.len() - 1)]
    };
    means.iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_is_at_the_bottom_and_the_greatest_at_the_top() {
        assert_eq!(
            sparkline(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 8, false),
            "▁▂▃▄▅▆▇█"
        );
        assert_eq!(sparkline(&[7.0, 0.0], 8, true), "#_");
    }

    #[test]
    fn many_values_share_the_width_and_none_is_lost() {
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let line = sparkline(&values, 40, false);
        assert_eq!(line.chars().count(), 40);
        assert!(line.starts_with('▁') && line.ends_with('█'), "{line}");
        // 999 of 1000 values are 0, in whichever letter the other is.
        let mut values = vec![0.0; 1000];
        values[613] = 1.0;
        assert_eq!(sparkline(&values, 10, false).matches('█').count(), 1);
    }

    #[test]
    fn equal_values_lie_at_the_bottom_and_what_is_not_finite_is_left_out() {
        assert_eq!(sparkline(&[2.0, 2.0, f64::NAN, f64::INFINITY], 8, false), "▁▁");
        assert_eq!(sparkline(&[f64::NAN], 8, false), "");
        assert_eq!(sparkline(&[], 8, false), "");
        assert_eq!(sparkline(&[1.0], 0, false), "");
    }
}
