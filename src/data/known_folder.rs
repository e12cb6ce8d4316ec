//! Where the data of an ablation file without a path are: where `data fetch` puts them.

use std::path::{Path, PathBuf};

use super::fetch::{DATA, default_folder, fetch_command, locate, named_folder, obtained};
use crate::data_sets::{DataError, DataSettings, Files};
use crate::files::expand_home;

/// Fills in what `[data]` of the ablation file `file` leaves to this machine: the home folder in a path that starts with
/// `~`, and, without a path, the folder of a data set that was downloaded.
///
/// Looked into are the folder that [`super::fetch::DATA_FOLDER`] names; or else `data/` in the current folder, in the
/// ablation file's own and in every folder above that. Where it is in none of them, the path stays open: the outline of a known data set takes
/// no file, and [`super::load`] says where it is not.
///
/// # Errors
/// A path starts with `~`, and no home folder is known.
pub fn find_folders(settings: &mut DataSettings, file: &Path) -> Result<(), DataError> {
    if let Some(path) = &settings.path {
        let expanded = expand_home(path)
            .map_err(|rule| DataError::new("data.path", path.display().to_string(), rule, "write the path in full"))?;
        settings.path = Some(expanded);
    } else if let Some(set) = settings.dataset.descriptor().known {
        settings.path = match (set.files, set.by_hand) {
            (Some(files), _) => places(file)
                .into_iter()
                .flat_map(|data| [data.join(set.name), data])
                .map(|place| locate(&files, &place))
                .find(|folder| is_whole(&files, folder)),
            (None, Some(by_hand)) => places(file)
                .into_iter()
                .map(|data| data.join(set.name))
                .find(|folder| folder.join(by_hand.folder).is_dir()),
            (None, None) => None,
        };
    }
    Ok(())
}

/// The folders that may hold the data sets' own, the one that is taken first first.
fn places(file: &Path) -> Vec<PathBuf> {
    if let Some(named) = named_folder() {
        return vec![named];
    }
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let above = absolute.ancestors().skip(1).map(|folder| folder.join(DATA));
    [PathBuf::from(DATA)].into_iter().chain(above).collect()
}

/// Whether every file that is needed is there.
fn is_whole(files: &Files, folder: &Path) -> bool {
    missing(files, folder).is_none()
}

/// The first of the files that are needed, those whose checksums are known, that is not in `folder`.
fn missing(files: &Files, folder: &Path) -> Option<&'static str> {
    let mut needed = files.members.iter().filter(|member| member.sha256.is_some());
    let member = needed.find(|member| !folder.join(member.name).is_file())?;
    Some(member.name)
}

/// That a known data set without a path was not found, where it is one.
pub(super) fn absent(settings: &DataSettings) -> Option<DataError> {
    let known = settings.dataset.descriptor().known;
    let set = known.filter(|_| settings.path.is_none())?;
    if let Some(by_hand) = &set.by_hand {
        let error = obtained(&set, by_hand).err()?;
        let remedy = format!("write its folder as path; to get it, {}", error.remedy);
        return Some(DataError::new("data.path", error.thing, error.rule, remedy));
    }
    let files = set.files?;
    let default = default_folder(&set);
    let folder = locate(&files, &default);
    let fetch = fetch_command(&set, &default);
    let error = |thing: &Path, rule: String, remedy: String| {
        Some(DataError::new("data.path", thing.display().to_string(), rule, remedy))
    };
    // `data fetch` leaves a folder alone that is there already.
    if folder != default {
        return error(
            &folder,
            format!("{} is missing in it", missing(&files, &folder).unwrap_or("a file")),
            format!("remove or rename this folder, and download it again with `{fetch}`"),
        );
    }
    let archives: Vec<&str> = files.downloads.iter().map(|download| download.file).collect();
    error(
        &default,
        format!("{} is not there", set.name),
        format!(
            "download it with `{fetch}`; or unpack {} from {} and write its folder as path",
            archives.join(", "),
            set.home
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_sets::DataSetName;

    #[test]
    fn a_downloaded_data_set_is_found_in_data_above_the_ablation_file() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("data/cifar100/cifar-100-binary");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::create_dir_all(root.path().join("a/b")).unwrap();
        let find = |file: &str| {
            let mut settings = DataSettings::new(DataSetName::Cifar100);
            find_folders(&mut settings, &root.path().join(file)).unwrap();
            settings.path
        };
        std::fs::write(folder.join("train.bin"), "").unwrap();
        assert_eq!(find("a/b/x.toml"), None);
        std::fs::write(folder.join("test.bin"), "").unwrap();
        for file in ["a/b/x.toml", "a/x.toml", "x.toml"] {
            assert_eq!(find(file), Some(folder.clone()), "{file}");
        }
        // The folder that the archive unpacks to may lie in data/ itself.
        std::fs::rename(&folder, root.path().join("data/cifar-100-binary")).unwrap();
        assert_eq!(find("a/x.toml"), Some(root.path().join("data/cifar-100-binary")));
    }

    #[test]
    fn a_data_set_that_is_obtained_by_hand_is_found_in_its_folder_of_data() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("data/imagenet");
        std::fs::create_dir_all(&folder).unwrap();
        let find = || {
            let mut settings = DataSettings::new(DataSetName::Imagenet);
            find_folders(&mut settings, &root.path().join("x.toml")).unwrap();
            settings.path
        };
        assert_eq!(find(), None);
        std::fs::create_dir(folder.join("train")).unwrap();
        assert_eq!(find(), Some(folder));
    }

    #[test]
    fn a_path_that_is_given_is_not_looked_for() {
        let mut settings = DataSettings::new(DataSetName::Cifar10);
        settings.path = Some("gone".into());
        find_folders(&mut settings, Path::new("x.toml")).unwrap();
        assert_eq!(settings.path, Some("gone".into()));
        let mut settings = DataSettings::new(DataSetName::Digits);
        find_folders(&mut settings, Path::new("x.toml")).unwrap();
        assert_eq!(settings.path, None);
    }
}
