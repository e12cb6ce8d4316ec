//! Whether who has a claim is still there: asked of the system on its own machine, watched from another one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::file::{Claimant, Found};

/// What is known of who has a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Its process is there, or its heartbeat has changed while it was watched.
    Alive,
    /// It has not been watched for long enough.
    Unsure,
    /// Its process has ended, or its heartbeat has stood still for too long.
    Gone,
}

/// Missed beats after which nobody is there: a network file system may show a file's old text for a minute.
const SILENT_BEATS: u32 = 12;
/// The time between two beats that a file without a text is taken to have.
const UNKNOWN_BEAT: Duration = Duration::from_secs(5);
/// The most that a file can ask for between two beats.
const LONGEST_BEAT: Duration = Duration::from_secs(300);

/// What was seen of the claims of one folder, from when on, by this process's steady clock.
#[derive(Debug, Default)]
pub struct Observer {
    seen: Mutex<HashMap<String, Seen>>,
}

#[derive(Debug)]
struct Seen {
    text: Option<Claimant>,
    generation: u64,
    /// When the text was first seen.
    since: Instant,
    /// Whether another beat of the same claim was seen before.
    has_beaten: bool,
}

impl Observer {
    /// Looks at a claim as it is at `now`.
    pub fn look(&self, name: &str, found: &Found, now: Instant) -> Sign {
        match found.claimant.as_ref().map(|claimant| claimant.process.has_ended()) {
            Some(Some(true)) => return Sign::Gone,
            Some(Some(false)) => return Sign::Alive,
            Some(None) | None => {}
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let token = |claimant: &Option<Claimant>| claimant.as_ref().map(|claimant| claimant.token.clone());
        let fresh = |has_beaten| Seen {
            text: found.claimant.clone(),
            generation: found.generation,
            since: now,
            has_beaten,
        };
        let before = seen.entry(name.to_owned()).or_insert_with(|| fresh(false));
        if before.text != found.claimant || before.generation != found.generation {
            let is_same = before.generation == found.generation && token(&before.text) == token(&found.claimant);
            *before = fresh(is_same);
        }
        let beat = found.claimant.as_ref().map_or(UNKNOWN_BEAT, |claimant| {
            Duration::from_millis(claimant.beat_ms).min(LONGEST_BEAT)
        });
        match now.saturating_duration_since(before.since) > beat * SILENT_BEATS {
            true => Sign::Gone,
            false if before.has_beaten => Sign::Alive,
            false => Sign::Unsure,
        }
    }
}

impl Observer {
    /// Whether a second beat of a claim was seen.
    pub fn has_beaten(&self, name: &str, token: &str) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |seen: &&Seen| seen.text.as_ref().is_some_and(|text| text.token == token);
        seen.get(name).filter(is_it).is_some_and(|seen| seen.has_beaten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A claim of another machine, as its file has it, `beat_ms` of 1,000.
    fn elsewhere(token: &str, beats: usize) -> Found {
        let text = String::from_utf8(Claimant::this_process("", 1000, 0).bytes()).unwrap();
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value["machine"] = "another".into();
        value["token"] = token.into();
        let mut claimant: Claimant = serde_json::from_value(value).unwrap();
        for _ in 0..beats {
            claimant = claimant.next_beat();
        }
        Found {
            generation: 1,
            claimant: Some(claimant),
        }
    }

    #[test]
    fn a_claim_of_this_machine_is_judged_at_once() {
        let found = Found {
            generation: 1,
            claimant: Some(Claimant::this_process("", 1000, 0)),
        };
        assert_eq!(Observer::default().look("x", &found, Instant::now()), Sign::Alive);
    }

    #[test]
    fn a_heartbeat_that_stands_still_for_twelve_beats_is_nobodys() {
        let (observer, start) = (Observer::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        let found = elsewhere("a", 3);
        assert_eq!(observer.look("x", &found, after(0)), Sign::Unsure);
        assert_eq!(observer.look("x", &found, after(12)), Sign::Unsure);
        assert_eq!(observer.look("x", &found, after(13)), Sign::Gone);
        // Each claim is watched for itself.
        assert_eq!(observer.look("y", &found, after(13)), Sign::Unsure);
    }

    #[test]
    fn a_heartbeat_that_changes_is_alive_until_it_stands_still() {
        let (observer, start) = (Observer::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(observer.look("x", &elsewhere("a", 1), after(0)), Sign::Unsure);
        assert_eq!(observer.look("x", &elsewhere("a", 2), after(11)), Sign::Alive);
        assert_eq!(observer.look("x", &elsewhere("a", 2), after(22)), Sign::Alive);
        assert_eq!(observer.look("x", &elsewhere("a", 2), after(24)), Sign::Gone);
        // Another's claim of that name has shown no second beat yet.
        assert_eq!(observer.look("x", &elsewhere("b", 0), after(25)), Sign::Unsure);
    }

    #[test]
    fn a_file_that_never_gets_a_text_is_nobodys_in_the_end() {
        let (observer, start) = (Observer::default(), Instant::now());
        let found = Found {
            generation: 1,
            claimant: None,
        };
        assert_eq!(observer.look("x", &found, start), Sign::Unsure);
        assert_eq!(observer.look("x", &found, start + Duration::from_secs(61)), Sign::Gone);
    }
}
