//! A folder to download the tests' data set into.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use densenet_bench::data::fetch::{FetchError, Fetched, FileState, KnownSet, Patience, Source, fetch, inspect};
use tempfile::TempDir;

use super::server::Server;
use super::{FOLDER, contents, silent};

/// What an interrupted download leaves.
pub const PART: &str = ".fetching-small-set.tar.gz.part";

/// A folder for a data set, not made yet.
pub struct Place {
    pub folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    pub fn to(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn part(&self) -> PathBuf {
        self.to().join(PART)
    }

    /// What is in the folder; nothing where it is not there.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.to()).into_iter().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub fn put_part(&self, bytes: &[u8]) {
        fs::create_dir_all(self.to()).unwrap();
        fs::write(self.part(), bytes).unwrap();
    }

    pub fn fetch(&self, set: &KnownSet, source: &Source) -> Result<Fetched, FetchError> {
        let patience = Patience {
            connect: Duration::from_secs(10),
            stall: Duration::from_secs(2),
        };
        fetch(set, &self.to(), source, &patience, &mut silent)
    }

    pub fn from(&self, set: &KnownSet, server: &Server) -> Result<Fetched, FetchError> {
        self.fetch(set, &Source::Mirror(server.base.clone()))
    }

    /// The data set is there, with nothing beside it, and right by its own account.
    pub fn assert_whole(&self, set: &KnownSet) {
        assert_eq!(self.names(), [FOLDER]);
        for (name, bytes) in contents() {
            assert!(fs::read(self.to().join(FOLDER).join(name)).unwrap() == bytes, "{name}");
        }
        let (folder, reports) = inspect(set, &self.to(), &mut silent).unwrap();
        assert_eq!(folder, self.to().join(FOLDER));
        let states: Vec<&FileState> = reports.iter().map(|report| &report.state).collect();
        assert_eq!(states, [&FileState::Right, &FileState::Right, &FileState::Right]);
    }
}
