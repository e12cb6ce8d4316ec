//! The signals that ask a process to stop.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXCPU, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals;

/// Whether a signal has asked this process to stop at the next safe moment. The default handles none.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// The first signal that asked; 0: none.
    signal: Arc<AtomicUsize>,
}

/// Signals so close to each other are one request: `timeout` sends its own to a process and then to its group.
const ONE_REQUEST: Duration = Duration::from_millis(250);

impl Stop {
    /// From now on SIGINT, SIGTERM, SIGUSR1 (which a batch system can send before a job's time is up), the limit on processor
    /// time (SIGXCPU) and the end of the terminal (SIGHUP, unless it
    /// is ignored, as under `nohup`) ask to stop. A SIGINT that comes after any of them ends the process at once, with exit status 130.
    ///
    /// # Errors
    /// The system refuses.
    pub fn on_request() -> io::Result<Self> {
        let stop = Self::default();
        let mut heard = vec![SIGINT, SIGTERM, SIGUSR1, SIGXCPU];
        heard.extend((!is_ignored(SIGHUP)).then_some(SIGHUP));
        let mut signals = Signals::new(heard)?;
        let shared = stop.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let mut asked: Option<Instant> = None;
            for signal in signals.forever() {
                match asked {
                    None => {
                        asked = Some(Instant::now());
                        shared.signal.store(signal as usize, Ordering::Relaxed);
                    }
                    Some(asked) if signal == SIGINT && asked.elapsed() > ONE_REQUEST => {
                        signal_hook::low_level::exit(exit_status(SIGINT));
                    }
                    Some(_) => {}
                }
            }
        })?;
        Ok(stop)
    }

    /// From now on SIGTERM asks to stop, which is what the process that started this one sends, and so does the limit on
    /// this process's processor time (SIGXCPU).
    ///
    /// # Errors
    /// The system refuses.
    pub fn on_parents_request() -> io::Result<Self> {
        let stop = Self::default();
        for signal in [SIGTERM, SIGXCPU] {
            flag::register_usize(signal, Arc::clone(&stop.signal), signal as usize)?;
        }
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
            SIGHUP => Some("SIGHUP"),
            SIGUSR1 => Some("SIGUSR1"),
            SIGXCPU => Some("SIGXCPU"),
            _ => None,
        }
    }

    /// Whether what asked is the limit on processor time.
    pub fn is_out_of_time(&self) -> bool {
        self.signal.load(Ordering::Relaxed) as i32 == SIGXCPU
    }

    /// The exit status of a process that stopped because it was asked to: 130 after SIGINT, 143 after SIGTERM, 129 after
    /// SIGHUP, 138 after SIGUSR1, 152 after SIGXCPU.
    pub fn exit_status(&self) -> Option<u8> {
        let signal = self.signal.load(Ordering::Relaxed) as i32;
        u8::try_from(exit_status(signal)).ok().filter(|_| signal != 0)
    }
}

/// From now on this process ignores SIGINT and SIGHUP, which a terminal sends to every process of a run: the process
/// that started it gets it too and decides.
///
/// # Errors
/// The system refuses.
pub fn leave_interrupts_to_the_parent() -> io::Result<()> {
    for signal in [SIGINT, SIGHUP] {
        flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    Ok(())
}

/// From now on a file that reaches the limit on files' sizes (`ulimit -f`) is an error of the call that writes it, and not
/// the end of this process by SIGXFSZ. Programs that it starts have the system's own behaviour.
///
/// # Errors
/// The system refuses.
pub fn outlive_the_file_size_limit() -> io::Result<()> {
    flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false))).map(drop)
}

/// The exit status that shells report for a process that a signal ended.
fn exit_status(signal: i32) -> i32 {
    128 + signal
}

/// Whether whoever started this process has it ignore a signal.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignores(&status, signal)
}

/// Whether the mask `SigIgn` of /proc/PID/status has the bit of a signal.
fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_last_signal_decides_the_exit_status() {
        let stop = Stop::default();
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
    fn the_mask_of_ignored_signals_is_read() {
        let status = "Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000002\n";
        assert!(ignores(status, SIGHUP) && !ignores(status, SIGINT));
        assert!(!ignores("", SIGHUP));
    }

    #[test]
    fn a_child_process_stops_on_sigterm_and_at_its_time_limit_and_ignores_interrupts() {
        leave_interrupts_to_the_parent().unwrap();
        let stop = Stop::on_parents_request().unwrap();
        outlive_the_file_size_limit().unwrap();
        signal_hook::low_level::raise(SIGINT).unwrap();
        signal_hook::low_level::raise(SIGXFSZ).unwrap();
        assert!(!stop.is_asked());
        signal_hook::low_level::raise(SIGXCPU).unwrap();
        assert!(stop.is_out_of_time());
        signal_hook::low_level::raise(SIGTERM).unwrap();
        assert_eq!(stop.signal_name(), Some("SIGTERM"));
    }
}
