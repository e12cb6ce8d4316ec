//! The tables of a report one by one, by name: for other documents, other programs, and text between markers.

use super::piece::Piece;
use super::sections::SECTIONS;
use super::studied::{Reported, Studied};
use crate::views::section::{Block, Side, Table};

/// A table that can be asked for by its name.
#[derive(Clone, Copy, Debug)]
pub struct ReportTable {
    /// Its name.
    pub name: &'static str,
    /// What it is of.
    pub meaning: &'static str,
    /// The section that it stands in.
    section: &'static str,
}

/// Every table of the report, in its order.
pub const TABLES: [ReportTable; 13] = [
    table(
        "variants",
        "variants",
        "errors, differences to the baseline and costs of each variant",
    ),
    table(
        "left-out",
        "variants",
        "what the differences to the baseline leave out, and why",
    ),
    table(
        "trials",
        "variants",
        "errors, losses and weights' checksum of each trial",
    ),
    table(
        "costs",
        "costs",
        "error and costs of each variant, and which are on the Pareto front",
    ),
    table("curves", "curves", "mean losses and errors by epoch"),
    table("speed", "speed", "speed and memory by batch size"),
    table("largest-batch", "speed", "the largest batch of each variant that ran"),
    table("steps", "steps", "how the step times of each round are spread"),
    table(
        "profile-operations",
        "profile",
        "time, memory and arithmetic of a training step by operation",
    ),
    table(
        "profile",
        "profile",
        "time, memory and arithmetic of a training step layer by layer",
    ),
    table("pytorch", "pytorch", "the same networks in PyTorch"),
    table("failures", "failures", "what did not end well, with its error"),
    table("environment", "environment", "the machine and the program"),
];

const fn table(name: &'static str, section: &'static str, meaning: &'static str) -> ReportTable {
    ReportTable { name, meaning, section }
}

/// The name of the answer in words, which is no table.
pub const ANSWER: &str = "answer";

/// A table with what stands beside it: what its columns mean, and remarks on its rows.
#[derive(Clone, Debug, Default)]
pub struct Extract {
    /// The table.
    pub table: Table,
    /// Notes and lists.
    pub notes: Vec<Block>,
}

impl Extract {
    /// The table, then its notes.
    pub fn blocks(&self) -> Vec<Block> {
        let table = Block::Table(self.table.clone());
        std::iter::once(table).chain(self.notes.iter().cloned()).collect()
    }
}

/// What can be taken from the reports of one or several result folders.
pub struct Tables<'a> {
    studied: Vec<Studied<'a>>,
}

impl<'a> Tables<'a> {
    /// Groups and compares the folders' rows.
    pub fn of(reported: &'a [Reported]) -> Self {
        Self {
            studied: reported.iter().map(Studied::of).collect(),
        }
    }

    /// The table of that name; of several folders one below the other, with a column for the folder. None where no
    /// folder has it.
    pub fn get(&self, name: &str) -> Option<Extract> {
        let known = TABLES.iter().find(|table| table.name == name)?;
        let of_folder = |studied: &Studied<'_>| {
            let extract = extract(pieces(studied, known.section), name)?;
            Some((studied.reported.folder.clone(), extract))
        };
        let mut parts: Vec<(String, Extract)> = self.studied.iter().filter_map(of_folder).collect();
        match (self.studied.len(), parts.len()) {
            (_, 0) => None,
            (1, _) => parts.pop().map(|(_, mut extract)| {
                qualify(&mut extract.table);
                extract
            }),
            _ => Some(merged(known.name, parts)),
        }
    }

    /// The names of the tables that there are.
    pub fn names(&self) -> Vec<&'static str> {
        let names = TABLES.iter().map(|table| table.name);
        names.filter(|name| self.get(name).is_some()).collect()
    }

    /// The answer in words, each folder's below its name where there are several.
    pub fn answer(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        for studied in &self.studied {
            if self.studied.len() > 1 {
                blocks.push(Block::Text(format!("{}:", studied.reported.folder)));
            }
            blocks.extend(pieces(studied, ANSWER).into_iter().filter_map(in_words));
        }
        blocks
    }
}

fn in_words(piece: Piece) -> Option<Block> {
    match piece {
        Piece::Lead(words) => Some(Block::Text(words)),
        Piece::Plain(block) => Some(block),
        _ => None,
    }
}

/// The pieces of the section of that ID.
fn pieces(studied: &Studied<'_>, id: &str) -> Vec<Piece> {
    let section = SECTIONS.iter().find(|section| section.id == id);
    section.map(|section| (section.pieces)(studied)).unwrap_or_default()
}

/// The table of that name among a section's pieces. The notes and lists around it are its own, up to another table, a
/// figure or a sentence; between two tables they are the first one's.
fn extract(pieces: Vec<Piece>, name: &str) -> Option<Extract> {
    let mut found: Option<Extract> = None;
    let mut notes = Vec::new();
    let mut is_after_another = false;
    for piece in pieces {
        match piece {
            Piece::Plain(block @ (Block::Note(_) | Block::List(_))) if !is_after_another => notes.push(block),
            Piece::Plain(Block::Note(_) | Block::List(_)) => {}
            Piece::Plain(Block::Table(table)) | Piece::Folded { table, .. }
                if found.is_none() && table.name == name =>
            {
                found = Some(Extract {
                    table,
                    notes: Vec::new(),
                });
                is_after_another = false;
            }
            other => {
                if found.is_some() {
                    break;
                }
                notes.clear();
                is_after_another = matches!(other, Piece::Plain(Block::Table(_)) | Piece::Folded { .. });
            }
        }
    }
    found.map(|extract| Extract { notes, ..extract })
}

/// Gives each column whose name stands in the header more than once the name of the column before it, too.
fn qualify(table: &mut Table) {
    let names: Vec<String> = table.header.iter().map(|(name, _)| name.clone()).collect();
    let is_repeated = |name: &String| names.iter().filter(|other| *other == name).count() > 1;
    for (place, (name, _)) in table.header.iter_mut().enumerate() {
        let before = place.checked_sub(1).and_then(|before| names.get(before));
        if let Some(before) = before.filter(|_| is_repeated(&names[place])) {
            *name = format!("{before}, {name}");
        }
    }
}

/// Several folders' tables as one, whose columns are those of any of them.
fn merged(name: &'static str, parts: Vec<(String, Extract)>) -> Extract {
    let mut all = Extract {
        table: Table::named(name),
        notes: Vec::new(),
    };
    all.table.header.push(("folder".to_owned(), Side::Left));
    let mut qualified = Vec::new();
    for (folder, mut part) in parts {
        qualify(&mut part.table);
        for column in &part.table.header {
            if !all.table.header.contains(column) {
                all.table.header.push(column.clone());
            }
        }
        qualified.push((folder, part));
    }
    for (folder, part) in qualified {
        let place = |name: &str| part.table.header.iter().position(|(other, _)| other == name);
        let places: Vec<Option<usize>> = all.table.header.iter().skip(1).map(|(name, _)| place(name)).collect();
        for row in &part.table.rows {
            let cell = |place: &Option<usize>| place.and_then(|place| row.get(place)).cloned().unwrap_or_default();
            let mut cells = vec![folder.clone()];
            cells.extend(places.iter().map(cell));
            all.table.rows.push(cells);
        }
        all.notes
            .extend(part.notes.into_iter().map(|note| with_folder(&folder, note)));
    }
    all
}

/// A note that says which folder it is about.
fn with_folder(folder: &str, note: Block) -> Block {
    let about = |words: String| format!("{folder}: {words}");
    match note {
        Block::Note(words) => Block::Note(about(words)),
        Block::List(items) => Block::List(items.into_iter().map(about).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::study::Study;
    use crate::formats::tables::Status;
    use crate::views::samples::{SampleVariant, measured, trained, with_profile, with_samples};

    fn reported(folder: &str, study: Study) -> Reported {
        Reported {
            folder: folder.to_owned(),
            study,
            environment: serde_json::json!({"cpu": "a processor"}),
            file: String::new(),
        }
    }

    /// Trials and measurements of two variants; one trial has failed.
    fn whole() -> Study {
        let variants = ["growth-rate=8", "growth-rate=24"];
        let mut trained = trained(&variants.map(SampleVariant::new), 4, 6);
        trained.trials[3].status = Status::Failed;
        Study {
            ablation: trained.ablation,
            trials: trained.trials,
            epochs: trained.epochs,
            ..with_profile(with_samples(measured(&variants, &[16, 64]), 3, 8))
        }
    }

    #[test]
    fn every_table_of_the_report_has_a_name_of_its_own_and_is_found_by_it() {
        let reported = [reported("results/growth", whole())];
        let tables = Tables::of(&reported);
        let mut names = Vec::new();
        for piece in SECTIONS.iter().flat_map(|section| (section.pieces)(&tables.studied[0])) {
            if let Piece::Plain(Block::Table(table)) | Piece::Folded { table, .. } = piece {
                names.push(table.name);
            }
        }
        let expected: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        let expected: Vec<&str> = expected.into_iter().filter(|name| names.contains(name)).collect();
        assert_eq!(names, expected);
        assert!(names.len() >= 10, "{names:?}");
        assert_eq!(tables.names(), names);
        assert!(tables.get("none").is_none());
    }

    #[test]
    fn the_documentation_lists_every_table() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/results.md");
        let text = std::fs::read_to_string(file).unwrap();
        for table in TABLES {
            let line = format!("\n| `{}` | {} |\n", table.name, table.meaning);
            assert!(text.contains(&line), "{line}");
        }
    }

    #[test]
    fn the_notes_of_a_table_come_with_it_and_those_of_others_do_not() {
        let reported = [reported("results/growth", whole())];
        let tables = Tables::of(&reported);
        let words = |name: &str| {
            let notes = tables.get(name).unwrap().notes.into_iter();
            let words = notes.flat_map(|note| match note {
                Block::Note(words) => vec![words],
                Block::List(items) => items,
                other => panic!("{other:?}"),
            });
            words.collect::<Vec<_>>().join("\n")
        };
        assert!(words("variants").starts_with("Errors: mean ± sample standard deviation"));
        assert_eq!(words("trials"), "");
        assert!(words("largest-batch").contains("Found by trying"));
        assert!(!words("largest-batch").contains("Step: median"));
        assert!(words("speed").contains("Step: median"));
        assert!(words("steps").starts_with("Times in ms."));
    }

    #[test]
    fn names_that_stand_twice_have_that_of_the_column_before() {
        let reported = [reported("results/growth", whole())];
        let costs = Tables::of(&reported).get("costs").unwrap().table;
        let names: Vec<&str> = costs.header.iter().map(|(name, _)| name.as_str()).collect();
        assert!(
            names.contains(&"parameters, on the front") && names.contains(&"MACs, on the front"),
            "{names:?}"
        );
    }

    #[test]
    fn several_folders_are_one_table_with_a_column_for_the_folder() {
        let small = trained(&[SampleVariant::new("base")], 1, 1);
        let reported = [reported("results/a", whole()), reported("results/b", small)];
        let tables = Tables::of(&reported);
        let variants = tables.get("variants").unwrap();
        let table = &variants.table;
        assert_eq!(table.header[0].0, "folder");
        let firsts: Vec<[&str; 2]> = table
            .rows
            .iter()
            .map(|row| [row[0].as_str(), row[1].as_str()])
            .collect();
        assert_eq!(
            firsts,
            [
                ["results/a", "growth-rate=8"],
                ["results/a", "growth-rate=24"],
                ["results/b", "base"]
            ]
        );
        assert!(table.rows.iter().all(|row| row.len() == table.header.len()));
        assert!(matches!(&variants.notes[0], Block::Note(words) if words.starts_with("results/a: ")));
        // What one of them alone has says whose it is, too.
        assert_eq!(tables.get("speed").unwrap().table.rows[0][0], "results/a");
        assert!(matches!(&tables.answer()[0], Block::Text(words) if words == "results/a:"));
    }
}
