//! The folder with the batch files of CIFAR-10 or CIFAR-100, and what is often given in its place.

use std::path::{Path, PathBuf};

use super::bad_files::BadFiles;
use super::cifar_format::{Format, Mistaken};
use super::error::DataError;
use super::file_system::{FileSystem, check_folder, is_file, is_folder, missing};
impl Format {
    /// The folder that holds the batch files: `path` itself, or the archive's own folder in it.
    ///
    /// # Errors
    /// `path` is not a folder, or some of the files are not there; the message says what is there in their place.
    pub(super) fn locate(&self, files: &dyn FileSystem, path: &Path) -> Result<PathBuf, DataError> {
        if is_file(files, path) {
            return Err(self.file_in_place(path));
        }
        check_folder(files, path, &self.remedy())?;
        let unpacked = path.join(self.folder);
        let folder = if is_folder(files, &unpacked) {
            unpacked
        } else {
            path.to_owned()
        };
        let absent: Vec<&str> = self
            .batch_files()
            .filter(|name| !is_file(files, &folder.join(name)))
            .collect();
        if absent.is_empty() {
            return Ok(folder);
        }
        let is_there = |mistaken: &&Mistaken| {
            is_file(files, &path.join(mistaken.file)) || is_file(files, &path.join(mistaken.folder).join(mistaken.file))
        };
        if let Some(mistaken) = self.mistaken.iter().find(is_there) {
            return Err(self.mistaken(path, mistaken));
        }
        if is_file(files, &folder.join(self.archive)) {
            let rule = format!("there is only the archive in it, {}", self.archive);
            return Err(DataError::path(&folder, rule, "unpack it there"));
        }
        let is_link = |name: &&str| files.link(&folder.join(name)).is_some();
        if absent.len() == self.batch_files().count() && !absent.iter().any(is_link) {
            let rule = format!("there is no file of {} in it, such as {}", self.name, absent[0]);
            return Err(DataError::path(&folder, rule, self.remedy()));
        }
        let bad = BadFiles::default();
        for (order, file) in absent.iter().map(|name| folder.join(name)).enumerate() {
            let error = missing(files, &file, "file", &self.damage_remedy());
            bad.add(order, &file, error.rule, error.remedy);
        }
        bad.check(&folder).map(|()| folder)
    }

    /// A file where the folder was expected.
    fn file_in_place(&self, path: &Path) -> DataError {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(mistaken) = self.mistaken.iter().find(|mistaken| name.starts_with(mistaken.archive)) {
            return self.mistaken(path, mistaken);
        }
        match name == self.archive {
            true => DataError::path(
                path,
                "it is the archive, and the folder that it unpacks to was expected",
                format!(
                    "leave path out and run `densenet-bench data fetch {} --from` with this file, or unpack it and name the \
                     folder {}",
                    self.name, self.folder
                ),
            ),
            false => DataError::path(path, "it is not a folder", self.remedy()),
        }
    }

    fn mistaken(&self, path: &Path, mistaken: &Mistaken) -> DataError {
        match mistaken.dataset {
            None => DataError::path(
                path,
                format!("it is {}, and the binary version is read", mistaken.what),
                self.remedy(),
            ),
            Some(dataset) => DataError::path(
                path,
                format!("it is {}, and the data set is {}", mistaken.what, self.name),
                format!("write dataset = \"{dataset}\"; or {}", self.remedy()),
            ),
        }
    }
}
