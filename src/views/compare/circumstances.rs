//! What two results must have in common before their numbers may stand beside each other.

use serde::Serialize;

use super::metrics::Scope;

/// Named facts in the order in which they are reported; none where a fact was not recorded.
pub type Facts = Vec<(&'static str, Option<String>)>;

/// Under what circumstances one side's numbers came about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Circumstances {
    /// What errors and losses need in common: the data.
    pub data: Facts,
    /// What speeds and memory need in common: the machine, the device, its threads and the images' shape.
    pub machine: Facts,
    /// What a reader should know of, without a refusal: versions and variables.
    pub program: Facts,
}

/// A fact that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The fact.
    pub what: &'static str,
    /// What A has; none where it was not recorded.
    pub a: Option<String>,
    /// What B has; none where it was not recorded.
    pub b: Option<String>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "not recorded".to_owned());
        if self.a == self.b {
            return write!(f, "{} is not recorded on either side", self.what);
        }
        write!(f, "{} is {} in A and {} in B", self.what, text(&self.a), text(&self.b))
    }
}

/// The facts that differ, or that a side has not recorded: what is not known cannot be taken for equal.
pub fn differences(a: &Facts, b: &Facts) -> Vec<Difference> {
    let of = |facts: &Facts, what: &str| -> Option<String> {
        let found = facts.iter().find(|(name, _)| *name == what);
        found.and_then(|(_, value)| value.clone())
    };
    let mut names: Vec<&'static str> = a.iter().map(|(name, _)| *name).collect();
    names.extend(b.iter().map(|(name, _)| *name));
    let mut found: Vec<Difference> = Vec::new();
    for what in names {
        let (a, b) = (of(a, what), of(b, what));
        let is_found = found.iter().any(|difference| difference.what == what);
        if !is_found && (a != b || a.is_none()) {
            found.push(Difference { what, a, b });
        }
    }
    found
}

/// Why two sides must not be compared, in one line with the remedy; none where nothing stands against it.
pub fn refusal(data: &[Difference], machine: &[Difference], scope: Scope) -> Option<String> {
    let listed = |differences: &[Difference]| {
        let texts: Vec<String> = differences.iter().map(Difference::to_string).collect();
        texts.join(", ")
    };
    let is_other_data = scope.has_results() && !data.is_empty();
    let is_other_machine = scope.has_speeds() && !machine.is_empty();
    let mut reasons = Vec::new();
    if is_other_data {
        reasons.push(format!(
            "errors and losses need the same data on both sides, but {}",
            listed(data)
        ));
    }
    if is_other_machine {
        reasons.push(format!(
            "speeds and memory need the same machine, device, threads and images on both sides, but {}",
            listed(machine)
        ));
    }
    if reasons.is_empty() {
        return None;
    }
    let narrower = match (data.is_empty(), machine.is_empty(), scope) {
        (true, false, Scope::All) => "compare errors and losses alone with --metrics results, ",
        (false, true, Scope::All) => "compare speeds and memory alone with --metrics speeds, ",
        _ => "name two results that have them in common, ",
    };
    Some(format!(
        "{}; {narrower}or compare nevertheless with --anyway",
        reasons.join("; and ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(pairs: &[(&'static str, &str)]) -> Facts {
        pairs
            .iter()
            .map(|(name, value)| (*name, Some((*value).to_owned())))
            .collect()
    }

    #[test]
    fn equal_facts_do_not_differ() {
        let both = facts(&[("cpu", "X"), ("threads", "2")]);
        assert!(differences(&both, &both).is_empty());
        assert_eq!(refusal(&[], &[], Scope::All), None);
    }

    #[test]
    fn a_fact_that_was_not_recorded_is_not_taken_for_equal() {
        let unknown: Facts = vec![("cpu", None)];
        assert_eq!(
            differences(&unknown, &facts(&[("cpu", "X")]))[0].to_string(),
            "cpu is not recorded in A and X in B"
        );
        assert_eq!(
            differences(&unknown, &unknown)[0].to_string(),
            "cpu is not recorded on either side"
        );
        assert_eq!(
            differences(&Vec::new(), &facts(&[("cpu", "X")]))[0].to_string(),
            "cpu is not recorded in A and X in B"
        );
    }

    #[test]
    fn another_machine_stands_against_speeds_but_not_against_errors() {
        let machine = differences(&facts(&[("cpu", "X")]), &facts(&[("cpu", "Y")]));
        assert_eq!(refusal(&[], &machine, Scope::Results), None);
        assert_eq!(
            refusal(&[], &machine, Scope::All).unwrap(),
            "speeds and memory need the same machine, device, threads and images on both sides, but cpu is X in A and Y \
             in B; compare errors and losses alone with --metrics results, or compare nevertheless with --anyway"
        );
        assert!(
            refusal(&[], &machine, Scope::Speeds)
                .unwrap()
                .contains("name two results")
        );
    }

    #[test]
    fn other_data_stand_against_errors_but_not_against_speeds() {
        let data = differences(&facts(&[("train-limit", "512")]), &facts(&[("train-limit", "none")]));
        assert_eq!(refusal(&data, &[], Scope::Speeds), None);
        let text = refusal(&data, &data, Scope::All).unwrap();
        assert!(text.contains("errors and losses need the same data on both sides, but train-limit is 512 in A"));
        assert!(text.contains("; and speeds and memory need"), "{text}");
    }
}
