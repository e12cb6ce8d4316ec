//! The table of the formats of a report: a new one is a file beside this one and a line here.

use super::markdown;
use super::section::Document;

/// An output format of a report.
pub struct ReportFormat {
    /// The file's name in the results folder.
    pub file: &'static str,
    /// The file's text.
    pub text: fn(&Document) -> String,
}

/// Every format that `run` and `plot` write.
pub const REPORT_FORMATS: &[ReportFormat] = &[ReportFormat {
    file: "summary.md",
    text: markdown::document,
}];

#[cfg(test)]
mod tests {
    use super::super::section::{Block, Section};
    use super::*;

    #[test]
    fn every_format_has_a_file_of_its_own_and_writes_the_whole_document() {
        let document = Document {
            title: "growth".to_owned(),
            question: "Which rate?".to_owned(),
            sections: vec![Section {
                title: "Variants",
                blocks: vec![Block::Text("Eight trials.".to_owned())],
            }],
        };
        let mut files: Vec<&str> = REPORT_FORMATS.iter().map(|format| format.file).collect();
        for format in REPORT_FORMATS {
            let text = (format.text)(&document);
            for word in ["growth", "Which rate?", "Variants", "Eight trials."] {
                assert!(text.contains(word), "{}: {text}", format.file);
            }
        }
        files.dedup();
        assert_eq!(files.len(), REPORT_FORMATS.len());
    }
}
