//! Rounds that other programs disturbed, and which of several tries counts.

use super::record::RoundResult;
use crate::formats::tables::Status;

impl RoundResult {
    /// What disturbed it, in words; none where nothing did, where that is not known, and of a round without numbers.
    pub fn disturbance(&self) -> Option<String> {
        let processor = self.processor.filter(|_| self.status == Status::Ok);
        processor.and_then(|processor| processor.warning())
    }

    /// Of the tries of one round, in their order, the first without a disturbance, else the one whose threads got the
    /// largest share of their processor time; the others are recorded as discarded. One that failed counts as undisturbed:
    /// it is a finding. Of no try, a round that failed.
    pub fn least_disturbed(tries: Vec<Self>) -> Self {
        let share = |of: &Self| match of.disturbance() {
            None => f64::INFINITY,
            Some(_) => of.processor.and_then(|processor| processor.share()).unwrap_or(0.0),
        };
        let mut kept: Option<(usize, f64)> = None;
        for (index, tried) in tries.iter().enumerate() {
            if kept.is_none_or(|(_, best)| share(tried) > best) {
                kept = Some((index, share(tried)));
            }
        }
        let (mut chosen, mut discarded) = (None, Vec::new());
        for (index, tried) in tries.into_iter().enumerate() {
            match kept {
                Some((kept, _)) if kept == index => chosen = Some(tried),
                _ => discarded.extend(tried.disturbance()),
            }
        }
        let chosen = chosen.unwrap_or_else(|| Self::unfinished(Status::Failed, "it was not tried"));
        Self { discarded, ..chosen }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::ProcessorTime;

    #[test]
    fn of_disturbed_tries_the_one_that_was_least_held_up_is_kept_and_never_the_fastest() {
        let tried = |step_ns, waited_ns| RoundResult {
            step_ns: vec![step_ns],
            processor: Some(ProcessorTime {
                wall_ns: 100,
                ran_ns: 100,
                waited_ns,
                ..ProcessorTime::default()
            }),
            ..RoundResult::unfinished(Status::Ok, "")
        };
        let all_disturbed = RoundResult::least_disturbed(vec![tried(5, 100), tried(9, 50), tried(4, 300)]);
        assert_eq!((all_disturbed.step_ns, all_disturbed.discarded.len()), (vec![9], 2));
        let second = RoundResult::least_disturbed(vec![tried(5, 100), tried(9, 0)]);
        assert_eq!(second.step_ns, [9]);
        assert!(second.discarded[0].starts_with("its threads got 50 %"), "{second:?}");
        let only = RoundResult::least_disturbed(vec![tried(5, 0)]);
        assert_eq!((only.step_ns, only.discarded), (vec![5], Vec::new()));
        let failed = RoundResult::unfinished(Status::Oom, "no memory");
        let kept = RoundResult::least_disturbed(vec![tried(5, 100), failed]);
        assert_eq!(kept.status, Status::Oom);
    }
}
