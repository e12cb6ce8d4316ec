//! Which images `train-limit` and `test-limit` leave, and whether every class still has some.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use super::error::DataError;
use crate::words::{first_ten, grouped};

/// Which images a limit leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitOrder {
    /// The first ones, in the data set's order.
    #[default]
    First,
    /// The first ones of each class, as many as its share of the split, in the data set's order.
    Stratified,
}

impl LimitOrder {
    /// Whether it is the default, which a trial's identity leaves out.
    pub fn is_first(&self) -> bool {
        *self == Self::First
    }

    /// The indices, ascending, of the `limit` images that are left of images with these labels.
    pub(super) fn choose(self, labels: &[u32], limit: usize) -> Vec<usize> {
        if self == Self::First || limit >= labels.len() {
            return (0..limit.min(labels.len())).collect();
        }
        let mut left = shares(&counts(labels), limit);
        let mut takes = |label: u32| {
            let left = &mut left[label as usize];
            let taken = *left > 0;
            *left = left.saturating_sub(1);
            taken
        };
        let indices = labels.iter().enumerate();
        indices
            .filter_map(|(index, &label)| takes(label).then_some(index))
            .collect()
    }
}

/// A limit's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKey {
    /// `train-limit`.
    Train,
    /// `test-limit`.
    Test,
}

/// Images of each label from 0 to the largest.
fn counts(labels: &[u32]) -> Vec<usize> {
    let classes = labels.iter().max().map_or(0, |&largest| largest as usize + 1);
    let mut counts = vec![0; classes];
    for &label in labels {
        counts[label as usize] += 1;
    }
    counts
}

/// How many images of each class a limit below their sum leaves: its share of the limit, rounded down; what is then
/// missing goes to the classes whose shares have the largest remainders, the earlier class first where they are equal. A
/// class that would have none gets one from the class that has most left, as long as there is one with two.
fn shares(counts: &[usize], limit: usize) -> Vec<usize> {
    let all = counts.iter().sum::<usize>().max(1) as u128;
    let exact = |count: usize| count as u128 * limit as u128;
    let mut shares: Vec<usize> = counts.iter().map(|&count| (exact(count) / all) as usize).collect();
    let mut by_remainder: Vec<usize> = (0..counts.len()).collect();
    by_remainder.sort_by_key(|&class| (Reverse(exact(counts[class]) % all), class));
    let missing = limit - shares.iter().sum::<usize>();
    for &class in by_remainder.iter().take(missing) {
        shares[class] += 1;
    }
    let mut by_share: BinaryHeap<(usize, Reverse<usize>)> = shares
        .iter()
        .enumerate()
        .map(|(class, &share)| (share, Reverse(class)))
        .collect();
    for class in 0..counts.len() {
        if shares[class] > 0 || counts[class] == 0 {
            continue;
        }
        let Some((most @ 2.., giver)) = by_share.pop() else {
            break;
        };
        shares[giver.0] -= 1;
        shares[class] = 1;
        by_share.push((most - 1, giver));
    }
    shares
}

/// The classes that none of the labels is of, in their order.
pub fn classes_without_images(classes: &[String], labels: impl IntoIterator<Item = u32>) -> Vec<&str> {
    let mut has_images = vec![false; classes.len()];
    for label in labels {
        if let Some(has_images) = has_images.get_mut(label as usize) {
            *has_images = true;
        }
    }
    let without = classes.iter().zip(has_images).filter(|(_, has_images)| !has_images);
    without.map(|(class, _)| class.as_str()).collect()
}

/// `2 of 3 classes without training images (bee and cow)`; of many classes the first ten are named.
pub fn without_images_in_words(without: &[&str], classes: usize, images: &str) -> String {
    let names = first_ten(without);
    let [without, classes] = [without.len(), classes].map(|count| grouped(count as u64));
    format!("{without} of {classes} classes without {images} ({names})")
}

/// What a test split without images of some class means for its error; none where every class is tested.
pub fn untested_in_words(classes: &[String], labels: &[u32]) -> Option<String> {
    let without = classes_without_images(classes, labels.iter().copied());
    let left = without_images_in_words(&without, classes.len(), "test images");
    (!without.is_empty()).then(|| format!("{left}: the test error tells nothing of them"))
}

/// Checks that a limit leaves images of every class. Of the test images that come first it asks for more than one class: the
/// error on images of a single class tells nothing, while a few images in no order may well lack a class
/// ([`untested_in_words`] says so).
///
/// # Errors
/// The classes without images, and the way to have some of each.
pub fn check_limit_leaves_classes(
    key: LimitKey,
    thing: &str,
    limit: usize,
    order: LimitOrder,
    classes: &[String],
    labels: &[u32],
) -> Result<(), DataError> {
    let without = classes_without_images(classes, labels.iter().copied());
    let (key, images, may_lack) = match key {
        LimitKey::Train => ("data.train-limit", "training images", false),
        LimitKey::Test => ("data.test-limit", "test images", order == LimitOrder::First),
    };
    if without.is_empty() || (may_lack && without.len() + 1 < classes.len()) {
        return Ok(());
    }
    let name = key.trim_start_matches("data.");
    let left = without_images_in_words(&without, classes.len(), images);
    let cause = match order {
        LimitOrder::First => "the first images in the data set's order",
        LimitOrder::Stratified => "some of each class, as far as they go",
    };
    let remedy = match (order, limit >= classes.len()) {
        (LimitOrder::First, true) => {
            "write limit-order = \"stratified\" to take images of every class, or a larger limit".to_owned()
        }
        (LimitOrder::First, false) => format!(
            "write a limit of at least {}, and limit-order = \"stratified\" to take images of every class",
            classes.len()
        ),
        (LimitOrder::Stratified, _) => format!("write a limit of at least {}", classes.len()),
    };
    Err(DataError::new(
        key,
        thing,
        format!("{name} = {limit} takes {cause}, and leaves {left}"),
        remedy,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_first_images_are_the_default() {
        assert_eq!(LimitOrder::default().choose(&[0, 0, 1, 1], 3), [0, 1, 2]);
        assert_eq!(LimitOrder::First.choose(&[0, 1], 5), [0, 1]);
    }

    #[test]
    fn stratified_takes_the_first_of_each_class_by_its_share_in_the_data_sets_order() {
        let sorted: Vec<u32> = [0; 8].into_iter().chain([1; 8]).chain([2; 8]).collect();
        assert_eq!(
            LimitOrder::Stratified.choose(&sorted, 9),
            [0, 1, 2, 8, 9, 10, 16, 17, 18]
        );
        // 8/3 each: the two images beyond 2 each go to the earlier classes.
        assert_eq!(LimitOrder::Stratified.choose(&sorted, 8), [0, 1, 2, 8, 9, 10, 16, 17]);
        assert_eq!(LimitOrder::Stratified.choose(&[2, 0, 2, 1, 2, 2], 3), [0, 1, 3]);
        assert_eq!(LimitOrder::Stratified.choose(&sorted, 24), (0..24).collect::<Vec<_>>());
    }

    #[test]
    fn shares_are_proportional_with_the_largest_remainders_and_at_least_one_of_each() {
        assert_eq!(shares(&[50, 30, 20], 10), [5, 3, 2]);
        // 4.9, 3.5 and 1.6 of 10.
        assert_eq!(shares(&[49, 35, 16], 10), [5, 3, 2]);
        // The share of the last class is 0.05.
        assert_eq!(shares(&[100, 99, 1], 10), [4, 5, 1]);
        assert_eq!(shares(&[1000, 1, 1, 1], 4), [1, 1, 1, 1]);
        assert_eq!(shares(&[1000, 1, 1, 1], 2), [1, 1, 0, 0]);
        for limit in 1..60 {
            let counts = [20, 1, 0, 7, 33];
            let shares = shares(&counts, limit);
            assert_eq!(shares.iter().sum::<usize>(), limit);
            assert!(shares.iter().zip(&counts).all(|(share, count)| share <= count));
            let with_some = shares.iter().filter(|&&share| share > 0).count();
            assert!(limit < 4 || with_some == 4, "{limit}: {shares:?}");
        }
    }

    #[test]
    fn a_limit_that_leaves_classes_without_images_names_them_and_the_way_out() {
        let classes = names(&["ape", "bee", "cow"]);
        let check = |limit, order, labels: &[u32]| {
            check_limit_leaves_classes(LimitKey::Train, "pictures", limit, order, &classes, labels)
        };
        assert_eq!(check(3, LimitOrder::First, &[0, 1, 2]), Ok(()));
        assert_eq!(
            check(8, LimitOrder::First, &[0; 8]).unwrap_err().to_string(),
            "pictures: train-limit = 8 takes the first images in the data set's order, and leaves 2 of 3 classes without \
             training images (bee and cow); write limit-order = \"stratified\" to take images of every class, or a larger \
             limit"
        );
        let remedy = |order| check(2, order, &[0, 1]).unwrap_err().remedy;
        assert_eq!(
            remedy(LimitOrder::First),
            "write a limit of at least 3, and limit-order = \"stratified\" to take images of every class"
        );
        assert_eq!(remedy(LimitOrder::Stratified), "write a limit of at least 3");
    }

    #[test]
    fn a_test_limit_may_leave_a_class_out_but_not_all_but_one() {
        let classes = names(&["ape", "bee", "cow"]);
        let check = |labels: &[u32]| {
            check_limit_leaves_classes(LimitKey::Test, "pictures", 8, LimitOrder::First, &classes, labels)
        };
        assert_eq!(check(&[0, 1]), Ok(()));
        let stratified =
            check_limit_leaves_classes(LimitKey::Test, "pictures", 2, LimitOrder::Stratified, &classes, &[0, 1]);
        assert_eq!(stratified.unwrap_err().remedy, "write a limit of at least 3");
        assert_eq!(
            check(&[1; 8]).unwrap_err().to_string(),
            "pictures: test-limit = 8 takes the first images in the data set's order, and leaves 2 of 3 classes without \
             test images (ape and cow); write limit-order = \"stratified\" to take images of every class, or a larger \
             limit"
        );
        assert_eq!(untested_in_words(&classes, &[0, 1, 2]), None);
        assert_eq!(
            untested_in_words(&classes, &[0, 1, 0]).unwrap(),
            "1 of 3 classes without test images (cow): the test error tells nothing of them"
        );
    }

    #[test]
    fn of_many_classes_the_first_ten_are_named_and_all_are_counted() {
        let classes: Vec<String> = (0..1000).map(|class| format!("n{class:04}")).collect();
        let without = classes_without_images(&classes, [0, 0, 2]);
        let text = without_images_in_words(&without, 1000, "test images");
        assert_eq!(
            text,
            "998 of 1,000 classes without test images (n0001, n0003, n0004, n0005, n0006, n0007, n0008, n0009, n0010, n0011 and 988 more)"
        );
    }
}
