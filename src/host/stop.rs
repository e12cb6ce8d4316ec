//! The signals that ask a process to stop.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Whether a signal has asked this process to stop at the next good moment.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// The last signal that asked; 0: none.
    signal: Arc<AtomicUsize>,
}

impl Stop {
    /// A process that is never asked.
    pub fn never() -> Self {
        Self::default()
    }

    /// From now on SIGINT and SIGTERM ask to stop. A SIGINT that comes after either of them ends the process at once,
    /// with exit status 130.
    ///
    /// # Errors
    /// The system refuses.
    pub fn on_request() -> io::Result<Self> {
        let stop = Self::default();
        let asked = Arc::new(AtomicBool::new(false));
        // First the one that looks whether the process was asked before, then those that say that it is asked now.
        flag::register_conditional_shutdown(SIGINT, exit_status(SIGINT), Arc::clone(&asked))?;
        for signal in [SIGINT, SIGTERM] {
            flag::register(signal, Arc::clone(&asked))?;
            flag::register_usize(signal, Arc::clone(&stop.signal), signal as usize)?;
        }
        Ok(stop)
    }

    /// From now on SIGTERM asks to stop, which is what the process that started this one sends.
    ///
    /// # Errors
    /// The system refuses.
    pub fn on_parents_request() -> io::Result<Self> {
        let stop = Self::default();
        flag::register_usize(SIGTERM, Arc::clone(&stop.signal), SIGTERM as usize)?;
        Ok(stop)
    }

    /// Whether the process is to stop.
    pub fn is_asked(&self) -> bool {
        self.signal.load(Ordering::Relaxed) != 0
    }

    /// The signal that asked, by its name.
    pub fn signal_name(&self) -> Option<&'static str> {
        match self.signal.load(Ordering::Relaxed) as i32 {
            SIGINT => Some("SIGINT"),
            SIGTERM => Some("SIGTERM"),
            _ => None,
        }
    }

    /// The exit status of a process that stopped because it was asked to: 130 after SIGINT, 143 after SIGTERM.
    pub fn exit_status(&self) -> Option<u8> {
        let signal = self.signal.load(Ordering::Relaxed) as i32;
        u8::try_from(exit_status(signal)).ok().filter(|_| signal != 0)
    }
}

/// From now on SIGINT, which a terminal sends to every process of a run, does nothing to this one: the process that
/// started it gets it too and decides.
///
/// # Errors
/// The system refuses.
pub fn leave_interrupts_to_the_parent() -> io::Result<()> {
    flag::register(SIGINT, Arc::new(AtomicBool::new(false)))?;
    Ok(())
}

/// What shells report of a process that a signal ended.
fn exit_status(signal: i32) -> i32 {
    128 + signal
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_last_signal_decides_the_exit_status() {
        let stop = Stop::never();
        assert_eq!(
            (stop.is_asked(), stop.signal_name(), stop.exit_status()),
            (false, None, None)
        );
        stop.signal.store(SIGINT as usize, Ordering::Relaxed);
        assert_eq!((stop.signal_name(), stop.exit_status()), (Some("SIGINT"), Some(130)));
        stop.signal.store(SIGTERM as usize, Ordering::Relaxed);
        assert_eq!((stop.signal_name(), stop.exit_status()), (Some("SIGTERM"), Some(143)));
    }

    #[test]
    fn a_process_that_another_started_hears_its_parent_and_leaves_interrupts_to_it() {
        leave_interrupts_to_the_parent().unwrap();
        let stop = Stop::on_parents_request().unwrap();
        signal_hook::low_level::raise(SIGINT).unwrap();
        assert!(!stop.is_asked());
        signal_hook::low_level::raise(SIGTERM).unwrap();
        assert!(stop.is_asked());
    }
}
