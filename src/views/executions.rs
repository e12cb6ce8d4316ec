//! Which execution carries out which part of a network.

use serde::Serialize;

use super::section::{Side, Table};
use super::terminal::aligned;
use crate::formats::part::Part;

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
}

/// A line a part, a column an execution.
pub fn execution_table(parts: &ExecutionParts) -> String {
    let mut table = Table::default();
    let segments = parts.executions.first().into_iter().flat_map(|column| &column.parts);
    table.column("part", Side::Left, segments.map(|part| part.segment.clone()));
    for ExecutionColumn { execution, parts } in &parts.executions {
        let by = parts.iter().map(|part| part.execution.clone());
        table.column(&format!("execution = \"{execution}\""), Side::Left, by);
    }
    format!(
        "{} on {}, by what each part is carried out:\n{}",
        parts.variant,
        parts.device,
        aligned(&table)
    )
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
        let parts = ExecutionParts {
            variant: "base".to_owned(),
            device: "cpu".to_owned(),
            executions: [("aten", "aten"), ("fused", "fused")]
                .map(|(execution, stem)| ExecutionColumn {
                    execution: execution.to_owned(),
                    parts: vec![part("stem", stem), part("classifier", "plain")],
                })
                .to_vec(),
        };
        let text = execution_table(&parts);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[3], ["stem", "aten", "fused"]);
        assert_eq!(lines[4], ["classifier", "plain", "plain"]);
    }
}
