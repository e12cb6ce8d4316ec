//! Long curves with fewer points that lose no extreme.

/// At most `2 * stretches + 2` of the points: the first, the last, and the lowest and the highest of each of so many stretches
/// of equally many points, in their order. A curve that is no longer than that stays as it is.
pub fn reduced(points: &[(f64, f64)], stretches: usize) -> Vec<(f64, f64)> {
    let stretches = stretches.max(1);
    if points.len() <= 2 * stretches + 2 {
        return points.to_vec();
    }
    let mut kept = vec![0, points.len() - 1];
    let length = points.len().div_ceil(stretches);
    for (number, stretch) in points.chunks(length).enumerate() {
        let order = |&(a, _): &(usize, f64), &(b, _): &(usize, f64)| stretch[a].1.total_cmp(&stretch[b].1);
        let numbered = || stretch.iter().map(|point| point.1).enumerate();
        for extreme in [numbered().min_by(order), numbered().max_by(order)] {
            kept.extend(extreme.map(|(place, _)| number * length + place));
        }
    }
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|place| points[place]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_spike_survives_in_its_place() {
        let mut points: Vec<(f64, f64)> = (0..10_000).map(|i| (f64::from(i), 1.0 + f64::from(i % 7))).collect();
        points[6_543].1 = 1e6;
        points[17].1 = -5.0;
        let few = reduced(&points, 50);
        assert!(few.len() <= 102, "{}", few.len());
        assert!(few.contains(&(6_543.0, 1e6)) && few.contains(&(17.0, -5.0)));
        assert_eq!((few.first(), few.last()), (points.first(), points.last()));
        assert!(few.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_short_curve_stays_as_it_is() {
        let points = [(0.0, 1.0), (1.0, 0.5), (2.0, 0.7)];
        assert_eq!(reduced(&points, 1), points);
        assert!(reduced(&[], 10).is_empty());
    }
}
