//! The runs that work in a result folder: one alone, or several that share it.

use std::fs;
use std::io;
use std::thread;
use std::time::Duration;

use super::claims::{Claim, ClaimError, Claimant, Claims};
use super::folder::{FolderError, ResultFolder, create_all};
use super::lock::Lock;
use crate::files::remove_unfinished;

/// Whether a run has a result folder for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// No other run works in the folder.
    Alone,
    /// Others may, each on a part of the work.
    Shared,
}

/// A run's place in a result folder, until this is dropped. Its process's end, however it comes about, ends it too.
#[derive(Debug)]
pub struct Membership {
    /// The claims of the folder: who is to do a piece of work takes its claim first.
    pub claims: Claims,
    sharing: Sharing,
    // Dropped in this order.
    presence: Claim,
    _lock: Option<Lock>,
}

/// The claim of a run that works alone.
const ALONE: &str = "run-alone";
/// Those of runs that share a folder begin so.
const SHARED: &str = "run-shared-";
/// The claim of whoever derives the tables at the top of a shared folder.
const TABLES: &str = "tables";

/// How long a process that only looks at a lock may hold it.
const GLANCE: Duration = Duration::from_millis(300);
/// Between two looks at who is there.
const LOOK: Duration = Duration::from_millis(50);
/// No process takes so long to write one file, and no two hosts' clocks differ by as much.
const ABANDONED: Duration = Duration::from_secs(3600);
/// How long the tables of a large study may take to be derived, by all that are in front.
const PATIENCE: Duration = Duration::from_secs(600);

impl ResultFolder {
    /// The claims of this folder.
    pub fn claims(&self) -> Claims {
        Claims::at(&self.root().join("claims"))
    }

    /// Makes this process one that works in the folder, which is created where it is missing; `doing` says in words on which
    /// part. Files that killed runs had not finished writing are removed.
    ///
    /// Who comes says so first and then looks who else is there: of two that come at the same time at least one sees the
    /// other.
    ///
    /// # Errors
    /// Another run has the folder for itself, or is there where this one wants to have it for itself; or whatever the system
    /// says.
    pub fn join(&self, sharing: Sharing, doing: &str) -> Result<Membership, FolderError> {
        create_all(self.root())?;
        let lock = match sharing {
            // `status` looks at the lock for a moment by taking it.
            Sharing::Alone => Some(Lock::take_within(self.root(), GLANCE).map_err(|error| self.held_or(error))?),
            Sharing::Shared => None,
        };
        let claims = self.claims();
        let taken = match sharing {
            Sharing::Alone => claims.take_when_sure(ALONE, doing, &|| false),
            Sharing::Shared => claims.take_unnamed(SHARED, doing),
        };
        let presence = taken.map_err(|error| self.claimed_or(error))?;
        let is_in_the_way = |name: &str| match sharing {
            Sharing::Alone => name.starts_with(SHARED),
            Sharing::Shared => name == ALONE,
        };
        if let Some(other) = claims.first_alive(&is_in_the_way)? {
            return Err(self.held_by(&other));
        }
        let measurements = fs::read_dir(self.root().join("measurements"))
            .into_iter()
            .flatten()
            .flatten();
        let own = [self.root().to_owned(), self.root().join("plots")];
        for folder in own.into_iter().chain(measurements.map(|entry| entry.path())) {
            remove_unfinished(&folder, ABANDONED);
        }
        Ok(Membership {
            claims,
            sharing,
            presence,
            _lock: lock,
        })
    }

    /// Who works in this folder, the runs alone; those that are known to have ended are left out.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn runs(&self, claims: &Claims) -> Result<Vec<Claimant>, FolderError> {
        let holders = claims.holders()?.into_iter();
        let is_run = |name: &str| name == ALONE || name.starts_with(SHARED);
        Ok(holders.filter(|(name, _)| is_run(name)).map(|(_, by)| by).collect())
    }

    /// Checks that no run works in the folder; one of which that is not known is watched until it is.
    ///
    /// # Errors
    /// A run does, or whatever the system says.
    pub fn check_is_idle(&self) -> Result<(), FolderError> {
        let is_run = |name: &str| name == ALONE || name.starts_with(SHARED);
        match self.claims().first_alive(&is_run)? {
            Some(other) => Err(self.held_by(&other)),
            None => Ok(()),
        }
    }

    fn held_by(&self, other: &Claimant) -> FolderError {
        FolderError::Held {
            folder: self.root().display().to_string(),
            holder: other.holder().to_string(),
        }
    }

    /// A claim that cannot be had, as a fault of this folder.
    pub fn claimed_or(&self, error: ClaimError) -> FolderError {
        match error {
            ClaimError::Held { by: Some(by), .. } => self.held_by(&by),
            ClaimError::Held { by: None, .. } => FolderError::Held {
                folder: self.root().display().to_string(),
                holder: "an unknown process".to_owned(),
            },
            ClaimError::System(error) => error.into(),
        }
    }
}

impl Claims {
    /// The first claim of such a name whose process is there. One of which that is not known is watched until it is.
    ///
    /// # Errors
    /// Whatever the system says.
    fn first_alive(&self, is_meant: &dyn Fn(&str) -> bool) -> io::Result<Option<Claimant>> {
        loop {
            let mut is_unsure = false;
            for (name, holder) in self.holders()?.into_iter().filter(|(name, _)| is_meant(name)) {
                match self.is_alive(&name, &holder) {
                    true => return Ok(Some(holder)),
                    false => is_unsure = true,
                }
            }
            if !is_unsure {
                return Ok(None);
            }
            thread::sleep(LOOK);
        }
    }
}

impl Membership {
    /// Whether other runs may work in the folder.
    pub fn is_shared(&self) -> bool {
        self.sharing == Sharing::Shared
    }

    /// Checks that the runs which are there have the same ablation.
    ///
    /// # Errors
    /// Another run works on another ablation; or whatever the system says.
    pub fn check_ablation(&self, folder: &ResultFolder, ablation: &str) -> Result<(), FolderError> {
        if !self.is_shared() || !folder.keeps_another(ablation)? {
            return Ok(());
        }
        let own = self.presence.token();
        let others = folder.runs(&self.claims)?;
        let Some(other) = others.iter().find(|other| other.token != own) else {
            return Ok(());
        };
        Err(FolderError::Broken {
            file: folder.root().join("ablation.toml").display().to_string(),
            rule: format!("{} works here on another version of the ablation file", other.holder()),
            remedy: "wait for it, or choose another --out".to_owned(),
        })
    }

    /// Derives what stands at the top of the folder, which of several runs one does at a time: what was read before another
    /// one wrote would take its place. Without `patience`, not at all where another run does.
    ///
    /// # Errors
    /// The claim cannot be had.
    pub fn derive<T>(&self, patience: bool, derive: impl FnOnce() -> T) -> Result<Option<T>, ClaimError> {
        if !self.is_shared() {
            return Ok(Some(derive()));
        }
        let taken = match patience {
            true => self.claims.take_within(TABLES, "the tables", PATIENCE),
            false => self.claims.take(TABLES, "the tables"),
        };
        match taken {
            Ok(_claim) => Ok(Some(derive())),
            Err(ClaimError::Held { .. }) if !patience => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, ResultFolder) {
        let root = tempfile::tempdir().unwrap();
        let folder = ResultFolder::at(&root.path().join("x"));
        (root, folder)
    }

    #[test]
    fn runs_that_share_a_folder_are_there_together_and_none_that_wants_it_for_itself() {
        let (_root, folder) = folder();
        let first = folder.join(Sharing::Shared, "shard 0 of 2").unwrap();
        let second = folder.join(Sharing::Shared, "shard 1 of 2").unwrap();
        let runs = folder.runs(&folder.claims()).unwrap();
        let mut doing: Vec<String> = runs.into_iter().map(|run| run.doing).collect();
        doing.sort();
        assert_eq!(doing, ["shard 0 of 2", "shard 1 of 2"]);
        let refused = folder.join(Sharing::Alone, "").unwrap_err().to_string();
        let process = format!("(process {} on ", std::process::id());
        assert!(
            refused.contains("another `densenet-bench run`") && refused.contains(&process),
            "{refused}"
        );
        drop((first, second));
        let alone = folder.join(Sharing::Alone, "").unwrap();
        assert!(matches!(
            folder.join(Sharing::Shared, ""),
            Err(FolderError::Held { .. })
        ));
        assert!(matches!(folder.join(Sharing::Alone, ""), Err(FolderError::Held { .. })));
        drop(alone);
        folder.join(Sharing::Shared, "").unwrap();
    }

    #[test]
    fn one_run_at_a_time_derives_the_tables_of_a_shared_folder() {
        let (_root, folder) = folder();
        let first = folder.join(Sharing::Shared, "").unwrap();
        let second = folder.join(Sharing::Shared, "").unwrap();
        let inner = first.derive(true, || second.derive(false, || "twice").unwrap());
        assert_eq!(inner.unwrap(), Some(None));
        assert_eq!(second.derive(false, || "after it").unwrap(), Some("after it"));
    }

    #[test]
    fn runs_with_another_ablation_do_not_share_a_folder() {
        let (_root, folder) = folder();
        let first = folder.join(Sharing::Shared, "").unwrap();
        first.check_ablation(&folder, "name = \"x\"").unwrap();
        folder.create("name = \"x\"").unwrap();
        first.check_ablation(&folder, "name = \"x\"").unwrap();
        // While nobody else is there it may replace what an earlier run has left.
        first.check_ablation(&folder, "name = \"y\"").unwrap();
        let second = folder.join(Sharing::Shared, "").unwrap();
        second.check_ablation(&folder, "name = \"x\"").unwrap();
        let refused = second.check_ablation(&folder, "name = \"y\"").unwrap_err().to_string();
        assert!(refused.contains("another version of the ablation file"), "{refused}");
    }
}
