//! What differs between how a trial was started and how it would be resumed, and how it can be resumed nevertheless.

/// A difference that would change a started trial's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Then and now: `with 2 threads (now 1)`.
    pub words: String,
    /// What resumes the trial as it was started.
    pub way: Way,
}

/// What resumes a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Options of `run`: `--threads 2`.
    Option(String),
    /// A machine, a program or data, in words that follow `resume it`: `on a machine with an AMD EPYC`.
    Circumstance(String),
}

impl Difference {
    /// Every difference in words: `with 2 threads (now 1) and on cuda:0 (now cpu)`.
    pub fn all_in_words(differences: &[Self]) -> String {
        let words: Vec<&str> = differences.iter().map(|difference| difference.words.as_str()).collect();
        words.join(" and ")
    }

    /// What resumes the trial where all of these differ: `with --device cpu --threads 2`.
    pub fn way_of_all(differences: &[Self]) -> String {
        let options = differences.iter().filter_map(|difference| match &difference.way {
            Way::Option(option) => Some(option.as_str()),
            Way::Circumstance(_) => None,
        });
        let options: Vec<&str> = options.collect();
        let mut ways: Vec<String> = differences
            .iter()
            .filter_map(|difference| match &difference.way {
                Way::Option(_) => None,
                Way::Circumstance(words) => Some(words.clone()),
            })
            .collect();
        if !options.is_empty() {
            ways.insert(0, format!("with {}", options.join(" ")));
        }
        ways.join(" and ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differs(words: &str, way: Way) -> Difference {
        Difference {
            words: words.to_owned(),
            way,
        }
    }

    #[test]
    fn options_that_resume_a_trial_stand_together_and_circumstances_follow() {
        let differences = [
            differs("on cuda:0 (now cpu)", Way::Option("--device cuda:0".to_owned())),
            differs(
                "on an A (now a B)",
                Way::Circumstance("on a machine with an A".to_owned()),
            ),
            differs("with 2 threads (now 1)", Way::Option("--threads 2".to_owned())),
        ];
        assert_eq!(
            Difference::way_of_all(&differences),
            "with --device cuda:0 --threads 2 and on a machine with an A"
        );
        assert_eq!(
            Difference::all_in_words(&differences),
            "on cuda:0 (now cpu) and on an A (now a B) and with 2 threads (now 1)"
        );
    }
}
