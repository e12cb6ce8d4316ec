//! What is wrong with a data set, and why there is no batch of it.

use std::path::Path;

/// Data that cannot be used. It prints as one line: the thing, the rule and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{thing}: {rule}; {remedy}")]
pub struct DataError {
    /// The key of the ablation file at fault, with its section (`data.path`).
    pub key: &'static str,
    /// The file, the folder or the data set at fault.
    pub thing: String,
    /// What was found, where (byte, record, line), and what was expected.
    pub rule: String,
    /// What to do.
    pub remedy: String,
}

impl DataError {
    pub(super) fn new(
        key: &'static str,
        thing: impl Into<String>,
        rule: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            key,
            thing: thing.into(),
            rule: rule.into(),
            remedy: remedy.into(),
        }
    }

    /// A fault of a file or folder under `data.path`.
    pub(super) fn path(path: &Path, rule: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new("data.path", path.display().to_string(), rule, remedy)
    }
}

/// Why there is no batch.
#[derive(Debug, thiserror::Error)]
pub enum LoaderError {
    /// The plan asks for what is not there.
    #[error("the batches cannot be made: {0}")]
    Plan(String),
    /// The system starts no thread.
    #[error("no thread to prepare batches could be started: {0}; lower --threads")]
    Thread(#[from] std::io::Error),
    /// A thread that made batches panicked: a fault of this program.
    #[error("preparing batch {batch} of the run panicked: {message}; this is a fault of the program, please report it")]
    Panic {
        /// The batch that was waited for, counted from where the loader began.
        batch: usize,
        /// What the panic said.
        message: String,
    },
}

/// `1234567` as `1,234,567`: file sizes are long numbers.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(grouped(30_729_999), "30,729,999");
    }
}
