//! Where `data fetch` puts a data set unless told otherwise, and how it is told.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::FetchError;
use crate::data_sets::{ByHand, KnownSet};

/// The environment variable that names the folder for all data sets.
pub const DATA_FOLDER: &str = "DENSENET_BENCH_DATA";

/// The folder for all data sets, in the current folder, where [`DATA_FOLDER`] names none.
pub(in crate::data) const DATA: &str = "data";

/// The folder for all data sets that the environment names.
pub(in crate::data) fn named_folder() -> Option<PathBuf> {
    let named: OsString = std::env::var_os(DATA_FOLDER)?;
    (!named.is_empty()).then(|| PathBuf::from(named))
}

/// The folder that `data fetch` creates a data set's own folder in, unless told otherwise: `data/NAME` in the current
/// folder, or `NAME` in the folder that [`DATA_FOLDER`] names.
pub fn default_folder(set: &KnownSet) -> PathBuf {
    named_folder().unwrap_or_else(|| PathBuf::from(DATA)).join(set.name)
}

/// The folder of a data set that users get themselves, where nothing names another: the default folder.
///
/// # Errors
/// It is not there: the message says how it is obtained.
pub fn obtained(set: &KnownSet, by_hand: &ByHand) -> Result<PathBuf, FetchError> {
    let folder = default_folder(set);
    match folder.join(by_hand.folder).is_dir() {
        true => Ok(folder),
        false => Err(FetchError::input(
            folder.display().to_string(),
            format!("{} is not there, and {}", set.name, by_hand.rule),
            by_hand.remedy,
        )),
    }
}

/// The command that downloads a data set so that its files come to lie in `folder`.
pub fn fetch_command(set: &KnownSet, folder: &Path) -> String {
    let default = default_folder(set);
    let own = set.files.map_or("", |files| files.folder);
    let to = match folder.file_name() {
        Some(name) if name == own => folder.parent().unwrap_or(Path::new("")),
        _ => folder,
    };
    let to = if to.as_os_str().is_empty() { Path::new(".") } else { to };
    match to == default {
        true => format!("densenet-bench data fetch {}", set.name),
        false => format!("densenet-bench data fetch {} --to {}", set.name, quoted(to)),
    }
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    match text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_sets::DataSetName;

    #[test]
    fn the_command_downloads_into_the_folder_that_was_looked_into() {
        let set = DataSetName::Cifar10.descriptor().known.unwrap();
        let command = |folder: &str| fetch_command(&set, Path::new(folder));
        let default = "densenet-bench data fetch cifar10";
        for folder in ["data/cifar10", "data/cifar10/cifar-10-batches-bin"] {
            assert_eq!(command(folder), default);
        }
        assert_eq!(command("/d/c10"), format!("{default} --to /d/c10"));
        assert_eq!(command("/d/cifar-10-batches-bin"), format!("{default} --to /d"));
        assert_eq!(command("cifar-10-batches-bin"), format!("{default} --to ."));
        assert_eq!(command("my data/it's"), format!(r"{default} --to 'my data/it'\''s'"));
    }
}
