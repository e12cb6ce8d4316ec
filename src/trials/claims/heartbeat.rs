//! The heartbeat of a process's claims: a thread that writes the next number into each.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::file::{Claimant, path_of};

/// A claim that this process has.
#[derive(Debug)]
pub struct Held {
    pub(super) folder: PathBuf,
    pub(super) name: String,
    pub(super) generation: u64,
    claimant: Mutex<Claimant>,
    lost: AtomicBool,
}

impl Held {
    pub(super) fn new(folder: PathBuf, name: &str, generation: u64, claimant: Claimant) -> Self {
        Self {
            folder,
            name: name.to_owned(),
            generation,
            claimant: Mutex::new(claimant),
            lost: AtomicBool::new(false),
        }
    }

    pub(super) fn token(&self) -> String {
        locked(&self.claimant).token.clone()
    }

    /// Whether another process has taken it over.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Whether the claim's file still says that this process has it.
    pub(super) fn is_own(&self) -> bool {
        let path = path_of(&self.folder, &self.name, self.generation);
        let token = self.token();
        Claimant::read(&path).is_ok_and(|there| there.is_some_and(|there| there.token == token))
    }

    /// Writes the next beat, or finds that the claim is lost. A beat that cannot be written is tried again.
    pub(super) fn beat(&self) {
        let mut claimant = locked(&self.claimant);
        let next = claimant.next_beat();
        let was_taken_over = path_of(&self.folder, &self.name, self.generation + 1).exists();
        let path = path_of(&self.folder, &self.name, self.generation);
        match next.write_beat(&path) {
            Ok(true) if !was_taken_over => *claimant = next,
            Ok(_) => self.lost.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread, for as long as this lives.
#[derive(Debug)]
pub struct Heartbeat {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    claims: Vec<Arc<Held>>,
    ended: bool,
}

impl Heartbeat {
    /// Starts it. Without a thread claims fall silent, and others may take them over.
    pub(super) fn start(every: Duration) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let other = Arc::clone(&shared);
        let builder = thread::Builder::new().name("heartbeat".to_owned());
        let thread = builder.spawn(move || other.run(every)).ok();
        Self { shared, thread }
    }

    pub(super) fn add(&self, claim: Arc<Held>) {
        locked(&self.shared.state).claims.push(claim);
    }

    pub(super) fn remove(&self, claim: &Arc<Held>) {
        let mut state = locked(&self.shared.state);
        state.claims.retain(|other| !Arc::ptr_eq(other, claim));
    }
}

impl Shared {
    fn run(&self, every: Duration) {
        let mut state = locked(&self.state);
        while !state.ended {
            let claims = state.claims.clone();
            drop(state);
            claims.iter().for_each(|claim| claim.beat());
            state = locked(&self.state);
            if state.ended {
                return;
            }
            state = match self.changed.wait_timeout(state, every) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        locked(&self.shared.state).ended = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
