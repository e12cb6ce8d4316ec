//! Several bad files of one data set, named together.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::error::DataError;
use crate::words::{first_ten, grouped};

/// The files of a data set that cannot be used, gathered by any number of threads.
#[derive(Debug, Default)]
pub(super) struct BadFiles(Mutex<Vec<BadFile>>);

/// A file that cannot be used.
#[derive(Clone, Debug)]
struct BadFile {
    /// Where it stands among the data set's files: errors name them in this order.
    order: usize,
    path: PathBuf,
    rule: String,
    remedy: String,
}

impl BadFiles {
    /// Adds a file; `order` is its place among the data set's files.
    pub fn add(&self, order: usize, path: &Path, rule: impl Into<String>, remedy: impl Into<String>) {
        let file = BadFile {
            order,
            path: path.to_owned(),
            rule: rule.into(),
            remedy: remedy.into(),
        };
        // Poisoned by a panic of another thread, which goes on to the caller.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(file);
    }

    /// Checks that there are none.
    ///
    /// # Errors
    /// The one bad file; or the folder of the data set with the first ten, whatever the threads, and the count.
    pub fn check(self, folder: &Path) -> Result<(), DataError> {
        let mut files = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        files.sort_by_key(|file| file.order);
        match files.as_slice() {
            [] => Ok(()),
            [file] => Err(DataError::path(&file.path, &file.rule, &file.remedy)),
            files => Err(together(folder, files)),
        }
    }
}

fn together(folder: &Path, files: &[BadFile]) -> DataError {
    let named = |file: &BadFile| {
        let path = file.path.strip_prefix(folder).unwrap_or(&file.path);
        format!("{} ({})", path.display(), file.rule)
    };
    let names: Vec<String> = files.iter().map(named).collect();
    let mut remedies: Vec<&str> = Vec::new();
    for file in files {
        if !remedies.contains(&file.remedy.as_str()) {
            remedies.push(&file.remedy);
        }
    }
    DataError::path(
        folder,
        format!(
            "{} files cannot be used: {}",
            grouped(files.len() as u64),
            first_ten(&names)
        ),
        remedies.join("; "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_file_is_named_by_itself() {
        let files = BadFiles::default();
        files.add(3, Path::new("d/a.png"), "it is cut short", "replace it");
        let error = files.check(Path::new("d")).unwrap_err();
        assert_eq!(error.to_string(), "d/a.png: it is cut short; replace it");
        assert_eq!(BadFiles::default().check(Path::new("d")), Ok(()));
    }

    #[test]
    fn several_are_named_in_their_order_up_to_ten_and_counted() {
        let files = BadFiles::default();
        for order in (0..12).rev() {
            let (rule, remedy) = if order == 1 {
                ("b", "move it")
            } else {
                ("a", "replace it")
            };
            files.add(order, &Path::new("d").join(order.to_string()), rule, remedy);
        }
        assert_eq!(
            files.check(Path::new("d")).unwrap_err().to_string(),
            "d: 12 files cannot be used: 0 (a), 1 (b), 2 (a), 3 (a), 4 (a), 5 (a), 6 (a), 7 (a), 8 (a), 9 (a) and 2 more; \
             replace it; move it"
        );
    }
}
