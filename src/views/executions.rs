//! Which execution carries out which part of a network.

use serde::Serialize;

use super::section::{Side, Table};
use super::terminal::aligned;
use crate::formats::part::{LeftPart, Part};
use crate::words::listed;

/// The parts of one network under every execution of a device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExecutionParts {
    /// The variant's or the preset's name.
    pub variant: String,
    /// The device, `cpu`.
    pub device: String,
    /// The executions that the device has, in the order of the documentation.
    pub executions: Vec<ExecutionColumn>,
}

/// The parts of a network under one execution.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExecutionColumn {
    /// The execution that a file names.
    pub execution: String,
    /// What carries out each part, in the order of the forward pass.
    pub parts: Vec<Part>,
    /// Which execution leaves which part to the next one, and why.
    pub left: Vec<LeftPart>,
}

/// A line a part, a column an execution; below, what each execution leaves, and why.
pub fn execution_table(parts: &ExecutionParts) -> String {
    let mut table = Table::default();
    let segments = parts.executions.first().into_iter().flat_map(|column| &column.parts);
    table.column("part", Side::Left, segments.map(|part| part.segment.clone()));
    for ExecutionColumn { execution, parts, .. } in &parts.executions {
        let by = parts.iter().map(|part| part.execution.clone());
        table.column(&format!("execution = \"{execution}\""), Side::Left, by);
    }
    format!(
        "{} on {}, by what each part is carried out:\n{}{}",
        parts.variant,
        parts.device,
        aligned(&table),
        reasons(parts)
    )
}

/// A line for each execution and reason, with the parts that it is of.
fn reasons(parts: &ExecutionParts) -> String {
    let mut lines: Vec<(&str, &str, Vec<&str>)> = Vec::new();
    // An execution that several others leave parts to leaves the same ones each time.
    for left in parts.executions.iter().flat_map(|column| &column.left) {
        let is_alike = |(execution, reason, _): &&mut (&str, &str, Vec<&str>)| {
            *execution == left.execution && *reason == left.reason
        };
        match lines.iter_mut().find(is_alike) {
            Some((.., segments)) if segments.contains(&left.segment.as_str()) => {}
            Some((.., segments)) => segments.push(&left.segment),
            None => lines.push((&left.execution, &left.reason, vec![&left.segment])),
        }
    }
    let line = |(execution, reason, segments): (&str, &str, Vec<&str>)| {
        format!("{execution} leaves {}: {reason}\n", listed(&segments))
    };
    lines.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_what_carries_out_a_part_under_each_execution() {
        let part = |segment: &str, execution: &str| Part {
            segment: segment.to_owned(),
            execution: execution.to_owned(),
        };
        let left = |execution: &str, segment: &str, reason: &str| LeftPart {
            segment: segment.to_owned(),
            execution: execution.to_owned(),
            reason: reason.to_owned(),
        };
        let parts = ExecutionParts {
            variant: "base".to_owned(),
            device: "cpu".to_owned(),
            executions: [("aten", "aten"), ("fused", "fused")]
                .map(|(execution, stem)| ExecutionColumn {
                    execution: execution.to_owned(),
                    parts: vec![part("stem", stem), part("classifier", "plain")],
                    left: vec![
                        left(execution, "classifier", "matrices are another's"),
                        left("aten", "stem", "?"),
                    ],
                })
                .to_vec(),
        };
        let text = execution_table(&parts);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[3], ["stem", "aten", "fused"]);
        assert_eq!(lines[4], ["classifier", "plain", "plain"]);
        let below: Vec<&str> = text.lines().skip(5).collect();
        assert_eq!(
            below,
            [
                "aten leaves classifier: matrices are another's",
                "aten leaves stem: ?",
                "fused leaves classifier: matrices are another's"
            ]
        );
    }
}
