//! A report as a document for other formats, such as `summary.md`: the page's sections without figures, and without the
//! tables that grow with seeds, epochs and rounds.

use super::piece::Piece;
use super::sections::SECTIONS;
use super::studied::{Reported, Studied};
use crate::views::section::{Block, Document, Section};

/// Sections of nothing but figures and long tables.
const LEFT_OUT: [&str; 2] = ["curves", "steps"];

/// The report of one result folder.
pub fn document(reported: &Reported) -> Document {
    let studied = Studied::of(reported);
    let shown = SECTIONS.iter().filter(|section| !LEFT_OUT.contains(&section.id));
    let sections = shown.map(|section| Section {
        title: section.title,
        blocks: (section.pieces)(&studied).into_iter().flat_map(blocks).collect(),
    });
    Document {
        title: studied.grouped.name().to_owned(),
        question: studied.grouped.question().to_owned(),
        sections: sections.filter(|section| !section.blocks.is_empty()).collect(),
    }
}

fn blocks(piece: Piece) -> Vec<Block> {
    match piece {
        Piece::Lead(words) => vec![Block::Text(words)],
        Piece::Plain(Block::Figure(_)) | Piece::Live { .. } => Vec::new(),
        Piece::Plain(block) => vec![block],
        Piece::Folded { table, .. } if table.name == "trials" => Vec::new(),
        Piece::Folded { caption, table } => vec![Block::Text(format!("{caption}:")), Block::Table(table)],
        Piece::Commands(commands) => vec![Block::Code(commands)],
        Piece::File { name, .. } => vec![Block::Text(format!("ablation.toml, beside this file, is {name}."))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::study::Study;
    use crate::formats::tables::Status;
    use crate::views::markdown;
    use crate::views::samples::{SampleVariant, empty, measured, trained};

    fn text(study: Study) -> String {
        markdown::document(&document(&Reported {
            folder: "growth".to_owned(),
            study,
            environment: serde_json::json!({"cpu": "a processor", "command_line": ["/opt/densenet-bench", "run", "a.toml"]}),
            file: "name = \"growth\"\n".to_owned(),
        }))
    }

    fn headings(text: &str) -> Vec<&str> {
        text.lines().filter_map(|line| line.strip_prefix("## ")).collect()
    }

    #[test]
    fn the_sections_are_those_of_the_page_in_words_and_tables() {
        let variants = ["growth-rate=8", "growth-rate=24"];
        let mut trained = trained(&variants.map(SampleVariant::new), 4, 6);
        trained.trials[3].status = Status::Failed;
        trained.trials[3].error = "the loss is NaN | at step 3".to_owned();
        let text = text(Study {
            ablation: trained.ablation,
            trials: trained.trials,
            epochs: trained.epochs,
            ..measured(&variants, &[16, 64])
        });
        assert_eq!(
            headings(&text),
            [
                "The answer",
                "Variants",
                "Error and cost",
                "Speed and memory by batch size",
                "Beside PyTorch",
                "What failed",
                "Environment",
                "How to run it again"
            ]
        );
        for words in [
            "growth-rate=24 against growth-rate=8: test error ",
            "7 of 8 trials have finished",
            "| growth-rate=8, seed 3 | failed | the loss is NaN \\| at step 3 |",
            "Error and costs in numbers:\n\n| variant |",
            "| cpu | a processor |",
            "\n```\ndensenet-bench run a.toml\n```\n",
            "ablation.toml, beside this file, is growth.toml as it was run.",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("| seed |") && !text.contains("name = "), "{text}");
        // Scripts take the first table of the file for that of the variants.
        let first = text.lines().find(|line| line.starts_with('|')).unwrap();
        assert!(first.starts_with("| variant | test error (%) |"), "{first}");
    }

    #[test]
    fn a_study_without_results_says_so() {
        let text = text(empty());
        assert_eq!(headings(&text), ["The answer", "Environment", "How to run it again"]);
        assert!(text.contains("Not answered yet: nothing has finished."), "{text}");
    }
}
