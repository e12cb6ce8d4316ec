//! A result folder read as one value.

use std::fs::File;
use std::io;
use std::path::Path;

use super::folder::{FolderError, ResultFolder, read_if_there};
use crate::files::{named, read_text};
use crate::formats::ablation::{LARGEST_FILE, parse_recorded};
use crate::formats::study::{LongFile, LongTables, Study};
use crate::formats::tables::WholeLines;

impl ResultFolder {
    /// Checks that the folder is there and holds results.
    ///
    /// # Errors
    /// What it is not.
    pub fn check_is_there(&self) -> Result<(), FolderError> {
        let rule = match (self.ablation_file().is_file(), self.root().exists()) {
            (true, _) => return Ok(()),
            (false, true) => "this is not a result folder (it has no ablation.toml)",
            (false, false) => "there is no such folder",
        };
        Err(FolderError::Broken {
            file: self.root().display().to_string(),
            rule: rule.to_owned(),
            remedy: "name a result folder, such as results/growth".to_owned(),
        })
    }

    /// Reads the ablation as it was run and the tables at the top. What is broken in a table is part of the study.
    ///
    /// # Errors
    /// A folder without results, an ablation that cannot be read, or whatever the system says.
    pub fn study(&self, long: LongTables) -> Result<Study, FolderError> {
        self.check_is_there()?;
        let path = self.ablation_file();
        let text = read_text(&path, LARGEST_FILE).map_err(|error| named(&path, &error))?;
        let ablation = parse_recorded(&text, &path)?;
        let file = |file: &str| {
            let path = self.root().join(file);
            let bytes = read_if_there(&path, u64::MAX)?;
            Ok(bytes.map(|bytes| (path.display().to_string(), bytes)))
        };
        Study::read(ablation, long, file, |file| {
            let path = self.root().join(file);
            Ok(long_file(&path).map_err(|error| named(&path, &error))?)
        })
    }
}

/// A table, opened; none where it is not there, or has not even a header yet.
fn long_file(path: &Path) -> io::Result<Option<LongFile>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let bytes = file.metadata()?.len();
    Ok(WholeLines::of(file)?.map(|lines| LongFile {
        name: path.display().to_string(),
        bytes,
        lines: Box::new(lines),
    }))
}
