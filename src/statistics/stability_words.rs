//! The warning that a measurement's steps were not steady: the finding, its possible cause, the remedy.

use super::stability::{Outliers, Shift, Stability};

impl Stability {
    /// The warning, on one line, several findings joined by `; `. `None` where nothing speaks against the samples.
    pub fn warning(&self) -> Option<String> {
        let findings = [
            self.drift.map(|drift| self.of_drift(drift)),
            self.within_rounds.map(of_rounds),
            self.outliers.map(|outliers| self.of_outliers(outliers)),
        ];
        let findings: Vec<String> = findings.into_iter().flatten().collect();
        (!findings.is_empty()).then(|| findings.join("; "))
    }

    fn of_drift(&self, drift: Shift) -> String {
        let seen = format!(
            "the second half of the {} steps is {} than the first",
            self.steps,
            compared(drift)
        );
        // With one round the two causes cannot be distinguished.
        match (drift.share < 0.0, self.rounds) {
            (true, 0 | 1) => format!(
                "{seen}: the warm-up was too short, or the machine was busy at first; raise warmup-steps or \
                 warmup-seconds"
            ),
            (true, _) => format!("{seen}: the machine was busier at first; leave it alone and measure again"),
            (false, _) => format!(
                "{seen}: another program was at work, or the processor became warm and slower; close other programs, \
                 let it cool down and measure again"
            ),
        }
    }

    fn of_outliers(&self, outliers: Outliers) -> String {
        let count = outliers.above + outliers.below;
        let side = match (outliers.above, outliers.below) {
            (_, 0) => "above",
            (0, _) => "below",
            _ => "from",
        };
        format!(
            "{count} of the {} steps lie far {side} the median: something else used the machine now and then; close \
             other programs and measure again, or raise steps",
            self.steps
        )
    }
}

fn of_rounds(shift: Shift) -> String {
    let seen = format!("the rounds' second halves are {} than their first", compared(shift));
    if shift.share < 0.0 {
        format!("{seen}: the warm-up was too short; raise warmup-steps or warmup-seconds")
    } else {
        format!(
            "{seen}: each process slows down as it works, as a processor or a GPU does that becomes warm; raise \
             warmup-seconds until it no longer does"
        )
    }
}

fn compared(shift: Shift) -> String {
    let direction = if shift.share < 0.0 { "faster" } else { "slower" };
    format!("{:.0} % {direction}", 100.0 * shift.share.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEADY: Stability = Stability {
        steps: 30,
        rounds: 3,
        drift: None,
        within_rounds: None,
        outliers: None,
    };

    #[test]
    fn steady_steps_have_no_warning() {
        assert_eq!(STEADY.warning(), None);
    }

    #[test]
    fn each_finding_is_reported_with_a_cause_and_a_remedy() {
        let found = Stability {
            within_rounds: Some(Shift { share: -0.154 }),
            outliers: Some(Outliers { above: 4, below: 0 }),
            ..STEADY
        };
        assert_eq!(
            found.warning().unwrap(),
            "the rounds' second halves are 15 % faster than their first: the warm-up was too short; raise warmup-steps \
             or warmup-seconds; 4 of the 30 steps lie far above the median: something else used the machine now and \
             then; close other programs and measure again, or raise steps"
        );
    }

    #[test]
    fn a_first_half_that_is_slow_is_no_warm_up_where_several_rounds_were_warmed_up() {
        let faster = Stability {
            drift: Some(Shift { share: -0.08 }),
            ..STEADY
        };
        assert!(faster.warning().unwrap().contains("busier at first"));
        let one_round = Stability { rounds: 1, ..faster };
        assert!(one_round.warning().unwrap().contains("raise warmup-steps"));
        let slower = Stability {
            drift: Some(Shift { share: 0.08 }),
            ..STEADY
        };
        assert!(slower.warning().unwrap().contains("8 % slower"));
    }
}
