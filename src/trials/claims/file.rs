//! What the file of a claim holds, and the files of a folder of claims.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::{named, read_bounded};
use crate::host::{ProcessIdentity, now};
use crate::trials::identity::digest;
use crate::trials::lock::Holder;

/// Who has a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimant {
    /// Its process.
    #[serde(flatten)]
    pub process: ProcessIdentity,
    /// Since when, RFC 3339, UTC, by its own clock: for readers alone.
    pub since: String,
    /// What it does, in words, such as `shard 0 of 4`; may be empty.
    pub doing: String,
    /// Differs from that of every other claim.
    pub token: String,
    /// The time between two beats, in milliseconds.
    pub beat_ms: u64,
    /// The heartbeat: digits only, as many in every beat.
    beat: String,
}

/// More than a claim takes.
const LONGEST: u64 = 1 << 16;

impl Claimant {
    /// This process, before its first beat. `number` tells its claims apart.
    pub fn this_process(doing: &str, beat_ms: u64, number: u64) -> Self {
        let process = ProcessIdentity::own();
        let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let nanoseconds = clock.map_or(0, |clock| clock.as_nanos()).to_string();
        let token = digest(&serde_json::json!([process, nanoseconds, number]));
        Self {
            process,
            since: now(),
            doing: doing.to_owned(),
            token,
            beat_ms,
            beat: beat(0),
        }
    }

    /// For a reader.
    pub fn holder(&self) -> Holder {
        Holder {
            host: self.process.host.clone(),
            process: self.process.process,
            since: self.since.clone(),
        }
    }

    /// The same at its next beat.
    pub fn next_beat(&self) -> Self {
        let next = self.beat.parse().map_or(0, |number: u64| number.wrapping_add(1));
        Self {
            beat: beat(next),
            ..self.clone()
        }
    }

    /// The file's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads the file of a claim; none where it is not there, or does not hold one yet.
    ///
    /// # Errors
    /// Whatever else the system says.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        match read_bounded(path, LONGEST) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(named(path, &error)),
        }
    }

    /// Replaces the bytes of this claim's file by its next beat's, in place, since a file of that name that somebody else has
    /// created meanwhile must stay. Whether it is still this claim's.
    ///
    /// # Errors
    /// Whatever the system says; the claim may still be there.
    pub fn write_beat(&self, path: &Path) -> io::Result<bool> {
        let mut file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        Read::by_ref(&mut file).take(LONGEST).read_to_end(&mut bytes)?;
        let there: Option<Self> = serde_json::from_slice(&bytes).ok();
        // What cannot be read may be this process's own beat, torn by a full disk.
        if there.is_some_and(|there| there.token != self.token) {
            return Ok(false);
        }
        file.rewind()?;
        file.write_all(&self.bytes())?;
        file.sync_data()?;
        Ok(true)
    }
}

fn beat(number: u64) -> String {
    format!("{number:020}")
}

/// The newest file of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// How often it was taken over, and once more.
    pub generation: u64,
    /// Who has it; none where its file has no text yet.
    pub claimant: Option<Claimant>,
}

/// The path of a claim's file.
pub fn path_of(folder: &Path, name: &str, generation: u64) -> PathBuf {
    folder.join(format!("{name}.{generation}"))
}

/// The numbers of the files of each claim in a folder, ascending.
///
/// # Errors
/// Whatever the system says; a folder that is not there has none.
pub fn generations(folder: &Path) -> io::Result<BTreeMap<String, Vec<u64>>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(named(folder, &error)),
    };
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for entry in entries {
        let file = entry.map_err(|error| named(folder, &error))?.file_name();
        let parts = file.to_str().and_then(|file| file.rsplit_once('.'));
        if let Some((name, Ok(generation))) = parts.map(|(name, number)| (name, number.parse()))
            && !name.is_empty()
        {
            found.entry(name.to_owned()).or_default().push(generation);
        }
    }
    found.values_mut().for_each(|generations| generations.sort_unstable());
    Ok(found)
}

/// The newest file of one claim, if there is any.
///
/// # Errors
/// Whatever the system says.
pub fn newest(folder: &Path, name: &str) -> io::Result<Option<Found>> {
    // Almost every claim is in its first file, and is found without listing those of all others.
    let first = path_of(folder, name, 1);
    if first.exists() && !path_of(folder, name, 2).exists() {
        let claimant = Claimant::read(&first)?;
        return Ok(Some(Found {
            generation: 1,
            claimant,
        }));
    }
    let generation = generations(folder)?.get(name).and_then(|all| all.last().copied());
    generation.map_or(Ok(None), |generation| {
        let claimant = Claimant::read(&path_of(folder, name, generation))?;
        Ok(Some(Found { generation, claimant }))
    })
}
