//! Claims: which process works on what in a result folder that several share, also from several hosts.
//!
//! A claim is a file, `claims/NAME.1`. Who creates it has the work: creation is exclusive on every file system, NFS among
//! them, whose file locks are not relied on. The holder writes a higher number into it every few seconds, its heartbeat. Who
//! finds a claim of the same machine asks the system whether its process is there; of another machine it watches whether
//! the heartbeat changes, by its own steady clock: no two clocks are ever compared. A claim whose process has ended, or which has
//! been silent for twelve beats, is taken over by creating the file of the next number, `NAME.2`, exclusively again: no file is
//! renamed or removed for it, so that of several that take over one does. A holder that was only suspended finds that file, or
//! its own gone, at its next beat, and stops.

mod claim;
mod file;
mod heartbeat;
mod observer;

pub use claim::{Claim, ClaimError, Claims};
pub use file::Claimant;
