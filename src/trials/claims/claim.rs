//! Taking a claim, taking over one that nobody has any more, and giving it back.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::file::{Claimant, Found, generations, newest, path_of};
use super::heartbeat::{Heartbeat, Held};
use super::observer::{Observer, Sign};
use crate::files::{create_exclusively, named};

/// The claims of a result folder, as one process sees and takes them.
#[derive(Debug)]
pub struct Claims {
    folder: PathBuf,
    /// Between two beats of this process's claims.
    beat: Duration,
    observer: Observer,
    heartbeat: OnceLock<Arc<Heartbeat>>,
    /// Claims taken so far.
    taken: AtomicU64,
}

/// A claim that this process has until this is dropped. The file stays where the process is killed, and is taken over.
#[derive(Debug)]
pub struct Claim {
    held: Arc<Held>,
    heartbeat: Arc<Heartbeat>,
}

/// Why a claim cannot be had.
#[derive(Debug)]
pub enum ClaimError {
    /// Another process has it.
    Held {
        /// Who; none where its file has no text yet.
        by: Option<Box<Claimant>>,
        /// Whether that process is known to be there. If not, time will tell.
        is_alive: bool,
    },
    /// The system refuses; the path is in the message.
    System(io::Error),
}

/// Between two beats, in milliseconds, for this process's claims; for tests, which have no minute to wait.
const BEAT_VARIABLE: &str = "DENSENET_BENCH_HEARTBEAT_MS";
/// Unless that variable is set. A claim that has missed twelve is taken over.
const BEAT: Duration = Duration::from_secs(5);
/// Between two looks at a claim that is waited for.
const LOOK: Duration = Duration::from_millis(50);

impl Claims {
    /// Those in a folder, which need not be there yet.
    pub fn at(folder: &Path) -> Self {
        let given = std::env::var(BEAT_VARIABLE).ok().and_then(|text| text.parse().ok());
        Self {
            folder: folder.to_owned(),
            beat: given
                .map(|milliseconds: u64| Duration::from_millis(milliseconds.clamp(10, 300_000)))
                .unwrap_or(BEAT),
            observer: Observer::default(),
            heartbeat: OnceLock::new(),
            taken: AtomicU64::new(0),
        }
    }

    /// Claims a name of letters, digits and hyphens; `doing` says in words what for.
    ///
    /// # Errors
    /// Another process has it, or whatever the system says.
    pub fn take(&self, name: &str, doing: &str) -> Result<Claim, ClaimError> {
        let system = ClaimError::System;
        fs::create_dir_all(&self.folder).map_err(|error| system(named(&self.folder, &error)))?;
        loop {
            let found = newest(&self.folder, name).map_err(system)?;
            let generation = match &found {
                None => 1,
                Some(found) => match self.observer.look(name, found, Instant::now()) {
                    Sign::Gone => found.generation + 1,
                    sign => {
                        return Err(ClaimError::Held {
                            by: found.claimant.clone().map(Box::new),
                            is_alive: sign == Sign::Alive,
                        });
                    }
                },
            };
            let number = self.taken.fetch_add(1, Ordering::Relaxed);
            let beat_ms = u64::try_from(self.beat.as_millis()).unwrap_or(u64::MAX);
            let claimant = Claimant::this_process(doing, beat_ms, number);
            let path = path_of(&self.folder, name, generation);
            match create_exclusively(&path, &claimant.bytes()) {
                Ok(true) => return Ok(self.held(name, generation, claimant)),
                // Another one was faster.
                Ok(false) => {}
                // The last claim was given back, and its folder with it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir_all(&self.folder).map_err(|error| system(named(&self.folder, &error)))?;
                }
                Err(error) => return Err(system(error)),
            }
        }
    }

    fn held(&self, name: &str, generation: u64, claimant: Claimant) -> Claim {
        // Those that were taken over are of no use any more.
        for earlier in 1..generation {
            let _ = fs::remove_file(path_of(&self.folder, name, earlier));
        }
        let start = || Arc::new(Heartbeat::start(self.beat));
        let heartbeat = Arc::clone(self.heartbeat.get_or_init(start));
        let held = Arc::new(Held::new(self.folder.clone(), name, generation, claimant));
        heartbeat.add(Arc::clone(&held));
        Claim { held, heartbeat }
    }

    /// Claims a name that nobody else has, with this beginning.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn take_unnamed(&self, prefix: &str, doing: &str) -> Result<Claim, ClaimError> {
        loop {
            let number = self.taken.fetch_add(1, Ordering::Relaxed);
            let token = Claimant::this_process(doing, 0, number).token;
            match self.take(&format!("{prefix}{token}"), doing) {
                Err(ClaimError::Held { .. }) => {}
                taken => return taken,
            }
        }
    }

    /// Whether who has a claim is known to be there.
    pub fn is_alive(&self, name: &str, holder: &Claimant) -> bool {
        match holder.process.has_ended() {
            Some(ended) => !ended,
            None => self.observer.has_beaten(name, &holder.token),
        }
    }

    /// Claims a name, waiting until it is given back, or that long at most. One that nobody has any more is found to be so
    /// meanwhile.
    ///
    /// # Errors
    /// Another process has it all the while, or whatever the system says.
    pub fn take_within(&self, name: &str, doing: &str, patience: Duration) -> Result<Claim, ClaimError> {
        let end = Instant::now() + patience;
        loop {
            match self.take(name, doing) {
                Err(ClaimError::Held { .. }) if Instant::now() < end => thread::sleep(LOOK),
                taken => return taken,
            }
        }
    }

    /// Claims a name unless who has it is known to be there: that may take a minute of watching. `is_over` ends the watch.
    ///
    /// # Errors
    /// Another process has it, or whatever the system says.
    pub fn take_when_sure(&self, name: &str, doing: &str, is_over: &dyn Fn() -> bool) -> Result<Claim, ClaimError> {
        loop {
            match self.take(name, doing) {
                Err(ClaimError::Held { is_alive: false, .. }) if !is_over() => thread::sleep(LOOK),
                taken => return taken,
            }
        }
    }

    /// Who has each claim, but for those whose process is known to have ended.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn holders(&self) -> io::Result<BTreeMap<String, Claimant>> {
        let mut holders = BTreeMap::new();
        for (name, generations) in generations(&self.folder)? {
            let Some(&generation) = generations.last() else {
                continue;
            };
            // It may have been given back meanwhile.
            let Some(claimant) = Claimant::read(&path_of(&self.folder, &name, generation))? else {
                continue;
            };
            let found = Found {
                generation,
                claimant: Some(claimant),
            };
            if self.observer.look(&name, &found, Instant::now()) != Sign::Gone {
                holders.extend(found.claimant.map(|claimant| (name, claimant)));
            }
        }
        Ok(holders)
    }
}

impl Claim {
    /// What tells it from every other.
    pub fn token(&self) -> String {
        self.held.token()
    }

    /// Whether another process has taken it over: this one was silent for too long.
    pub fn is_lost(&self) -> bool {
        self.held.is_lost()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.heartbeat.remove(&self.held);
        let Held {
            folder,
            name,
            generation,
            ..
        } = &*self.held;
        if self.held.is_own() {
            let _ = fs::remove_file(path_of(folder, name, *generation));
        }
        // The last one leaves no folder behind.
        let _ = fs::remove_dir(folder);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn place() -> (tempfile::TempDir, Claims) {
        let folder = tempfile::tempdir().unwrap();
        let claims = claims(&folder);
        (folder, claims)
    }

    /// As another process would see them, with a beat of 10 ms.
    fn claims(folder: &tempfile::TempDir) -> Claims {
        Claims {
            beat: Duration::from_millis(10),
            ..Claims::at(&folder.path().join("claims"))
        }
    }

    /// Makes a claim's file one of a process on another machine that has sent so many beats.
    fn move_elsewhere(folder: &tempfile::TempDir, file: &str) -> PathBuf {
        let path = folder.path().join("claims").join(file);
        let mut value: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        value["machine"] = "another".into();
        value["host"] = "node7".into();
        // An hour ahead, or behind: nobody asks.
        value["since"] = "2031-01-01T00:00:00Z".into();
        fs::write(&path, value.to_string()).unwrap();
        path
    }

    #[test]
    fn what_is_claimed_has_a_holder_until_it_is_given_back() {
        let (folder, claims) = place();
        let claim = claims.take("1f", "shard 0 of 2").unwrap();
        match claims.take("1f", "") {
            Err(ClaimError::Held {
                by: Some(by),
                is_alive: true,
            }) => {
                assert_eq!((by.process.process, &*by.doing), (std::process::id(), "shard 0 of 2"));
            }
            other => panic!("{other:?}"),
        }
        let _other = claims.take("2e", "").unwrap();
        assert_eq!(claims.holders().unwrap().into_keys().collect::<Vec<_>>(), ["1f", "2e"]);
        drop(claim);
        assert_eq!(claims.holders().unwrap().into_keys().collect::<Vec<_>>(), ["2e"]);
        drop(_other);
        assert!(!folder.path().join("claims").exists(), "nothing is left");
        claims.take("1f", "").unwrap();
    }

    #[test]
    fn a_claim_of_a_silent_machine_is_taken_over_by_one_and_lost_to_who_had_it() {
        let (folder, first) = place();
        let suspended = first.take("1f", "").unwrap();
        // Its heartbeat is not seen any more: the file is replaced under another token's name.
        first.heartbeat.get().unwrap().remove(&suspended.held);
        move_elsewhere(&folder, "1f.1");
        let others: Vec<Claims> = (0..4).map(|_| claims(&folder)).collect();
        let barrier = Barrier::new(others.len());
        let taken: Vec<Claim> = thread::scope(|scope| {
            let takers = others.iter().map(|other| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    other.take_when_sure("1f", "", &|| false)
                })
            });
            let takers: Vec<_> = takers.collect();
            takers
                .into_iter()
                .filter_map(|taker| taker.join().unwrap().ok())
                .collect()
        });
        assert_eq!(taken.len(), 1);
        assert!(!taken[0].is_lost());
        suspended.held.beat();
        assert!(suspended.is_lost());
        drop(suspended);
        assert_eq!(first.holders().unwrap().len(), 1, "what another has is not given back");
    }

    #[test]
    fn a_claim_of_another_machine_that_beats_is_left_alone_whatever_its_clock_says() {
        let (folder, claims) = place();
        drop(claims.take("x", "").unwrap());
        let claim = claims.take("1f", "").unwrap();
        claims.heartbeat.get().unwrap().remove(&claim.held);
        let path = move_elsewhere(&folder, "1f.1");
        let beating = AtomicU64::new(1);
        thread::scope(|scope| {
            scope.spawn(|| {
                while beating.load(Ordering::Relaxed) == 1 {
                    let claimant = Claimant::read(&path).unwrap().unwrap();
                    claimant.next_beat().write_beat(&path).unwrap();
                    thread::sleep(Duration::from_millis(5));
                }
            });
            let taken = claims.take_when_sure("1f", "", &|| false);
            assert!(
                matches!(taken, Err(ClaimError::Held { is_alive: true, .. })),
                "{taken:?}"
            );
            let taken = claims.take_within("1f", "", Duration::from_millis(300));
            assert!(
                matches!(taken, Err(ClaimError::Held { is_alive: true, .. })),
                "{taken:?}"
            );
            beating.store(0, Ordering::Relaxed);
        });
        // Silent from now on.
        claims.take_within("1f", "", Duration::from_secs(60)).unwrap();
    }

    #[test]
    fn of_many_that_claim_at_once_one_has_it_at_any_time() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, turns) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                let (folder, inside, turns) = (&folder, &inside, &turns);
                scope.spawn(move || {
                    let claims = claims(folder);
                    for _ in 0..10 {
                        let _claim = claims.take_within("1f", "", Duration::from_secs(60)).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        turns.fetch_add(1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(turns.into_inner(), 80);
    }
}
