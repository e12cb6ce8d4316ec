//! The fonts that are installed on the machine.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::files::read_bounded;

/// A font for all of East Asia has 20 to 30 MB, in several weights 120.
const LARGEST_FILE: u64 = 160 << 20;

/// Bounds of the search: a folder that leads into itself, or a whole disk under a wrong variable, ends it.
const DEEPEST: usize = 8;
const MOST_ENTRIES: usize = 50_000;

/// The files of fonts in the system's and the user's folders, in the order of their paths.
pub fn font_files() -> Vec<PathBuf> {
    let folders = folders(|name| std::env::var_os(name).filter(|value| !value.is_empty()));
    within(&folders)
}

/// The bytes of a font's file; none where it cannot be read.
pub fn read_font(file: &Path) -> Option<Vec<u8>> {
    read_bounded(file, LARGEST_FILE).ok()
}

/// Where fonts are, by the XDG base directories, the older `~/.fonts`, and macOS's and Windows's own.
fn folders(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let home = variable("HOME").map(PathBuf::from);
    let mut folders: Vec<PathBuf> = ["/usr/share/fonts", "/usr/local/share/fonts"].map(PathBuf::from).into();
    if let Some(list) = variable("XDG_DATA_DIRS") {
        folders.extend(std::env::split_paths(&list).map(|folder| folder.join("fonts")));
    }
    folders.extend(variable("XDG_DATA_HOME").map(|folder| PathBuf::from(folder).join("fonts")));
    folders.extend(home.iter().map(|home| home.join(".fonts")));
    folders.extend(home.iter().map(|home| home.join(".local/share/fonts")));
    if cfg!(target_os = "macos") {
        folders.extend(["/System/Library/Fonts", "/Library/Fonts"].map(PathBuf::from));
        folders.extend(home.iter().map(|home| home.join("Library/Fonts")));
    }
    if cfg!(windows) {
        folders.extend(variable("WINDIR").map(|folder| PathBuf::from(folder).join("Fonts")));
    }
    folders.retain(|folder| folder.is_absolute());
    folders
}

/// The files of fonts in folders and those below.
fn within(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    let mut entries_left = MOST_ENTRIES;
    let mut open: Vec<(PathBuf, usize)> = folders.iter().map(|folder| (folder.clone(), 0)).collect();
    while let Some((folder, depth)) = open.pop() {
        // A folder that cannot be read has no fonts for this user.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Some(left) = entries_left.checked_sub(1) else {
                return found.into_iter().collect();
            };
            entries_left = left;
            let path = entry.path();
            let is_font = path.extension().is_some_and(|end| {
                let end = end.to_ascii_lowercase();
                ["ttf", "otf", "ttc", "otc"].iter().any(|known| end == *known)
            });
            // Links are followed: some distributions link fonts into one folder.
            match std::fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() && depth < DEEPEST => open.push((path, depth + 1)),
                Ok(metadata) if metadata.is_file() && is_font => {
                    found.insert(path);
                }
                _ => {}
            }
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fonts_are_found_below_the_folders_in_the_order_of_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        for name in ["b/c", "a"] {
            std::fs::create_dir_all(place(name)).unwrap();
        }
        for name in ["b/c/2.TTF", "b/1.otf", "a/3.ttc", "b/readme.txt"] {
            std::fs::write(place(name), b"").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path(), place("b/loop")).unwrap();
        let mut found = within(&[place("b"), place("a"), place("missing")]);
        found.retain(|path| !path.to_string_lossy().contains("loop"));
        assert_eq!(found, [place("a/3.ttc"), place("b/1.otf"), place("b/c/2.TTF")]);
    }

    #[test]
    fn the_folders_follow_the_variables() {
        let variable = |name: &str| match name {
            "HOME" => Some("/home/u".into()),
            "XDG_DATA_DIRS" => Some("/one:/two:relative".into()),
            _ => None,
        };
        let found = folders(variable);
        for folder in [
            "/usr/share/fonts",
            "/one/fonts",
            "/two/fonts",
            "/home/u/.fonts",
            "/home/u/.local/share/fonts",
        ] {
            assert!(found.contains(&PathBuf::from(folder)), "{folder}");
        }
        assert!(found.iter().all(|folder| folder.is_absolute()));
    }
}
