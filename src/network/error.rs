//! A rule that a network breaks.

/// A rule that a network's options break, or that an image breaks for a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}; {remedy}")]
pub struct NetworkError {
    /// The option at fault, as the ablation format names it (`growth-rate`).
    pub option: &'static str,
    /// The value and the rule that it breaks.
    pub rule: String,
    /// The remedy.
    pub remedy: String,
}

impl NetworkError {
    /// A rule that `option` breaks.
    pub fn new(option: &'static str, rule: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            option,
            rule: rule.into(),
            remedy: remedy.into(),
        }
    }

    /// Checks a share of values that dropout sets to zero, which `option` gives.
    ///
    /// # Errors
    /// A share below 0, of 1 and above, or that is none.
    pub fn check_dropout(option: &'static str, share: f64, remedy: &str) -> Result<(), Self> {
        if (0.0..1.0).contains(&share) {
            return Ok(());
        }
        let rule = format!("{option} is {share}; it must be at least 0 and below 1");
        Err(Self::new(option, rule, remedy))
    }
}
