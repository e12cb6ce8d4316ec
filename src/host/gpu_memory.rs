//! The peak GPU memory of this process, as `nvidia-smi` would show it: with the CUDA context, the kernels' code and the
//! caching allocator's reserve.
//!
//! NVML lists the processes by the host's PIDs, so inside a container a process may not find itself. There the rise of
//! the GPU's memory in use is used instead, but only on a GPU that no other process uses: no doubtful figure is given.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::gpu_error::GpuError;
use super::gpu_reading::{GpuReader, GpuReading};
use super::process_peak::{PeakSource, ProcessPeak};

/// More in use than this, in bytes, with no process listed, means an unlisted process: a CUDA context alone takes more,
/// an idle GPU a few megabytes.
const IDLE: u64 = 64 << 20;

/// The peak over a series of readings.
#[derive(Debug)]
pub struct GpuPeak {
    pid: u32,
    /// In use before this process used the GPU.
    baseline: u64,
    /// Whether this process's PID was on the GPU then: a process of the host's that happens to have it, or a watch that
    /// started too late.
    taken: bool,
    /// The most that the driver says this process held.
    process: Option<u64>,
    /// The most in use above the baseline.
    difference: u64,
    /// Why the difference may be another process's.
    doubt: Option<String>,
    /// Why the latest reading failed, if it did.
    failed: Option<GpuError>,
}

impl GpuPeak {
    /// Starts with a reading from before the process `pid` uses the GPU.
    ///
    /// # Errors
    /// Without a reading there is nothing to compare with.
    pub fn begin(pid: u32, before: Result<GpuReading, GpuError>) -> Result<Self, GpuError> {
        let before = before?;
        let processes = before.processes.as_deref();
        let taken = processes.is_ok_and(|processes| processes.iter().any(|process| process.pid == pid));
        let doubt = match processes {
            Err(error) => Some(unlisted(error)),
            Ok(_) if taken => Some(format!("a process with its PID, {pid}, used the GPU before")),
            Ok([]) if before.used > IDLE => Some(format!(
                "{} MB of it were in use before, by no listed process",
                before.used / 1_000_000
            )),
            Ok([]) => None,
            Ok([_]) => Some("another process used the GPU before".to_owned()),
            Ok(others) => Some(format!("{} other processes used the GPU before", others.len())),
        };
        Ok(Self {
            pid,
            baseline: before.used,
            taken,
            process: None,
            difference: 0,
            doubt,
            failed: None,
        })
    }

    /// Takes a reading into account.
    pub fn observe(&mut self, reading: Result<GpuReading, GpuError>) {
        let reading = match reading {
            Ok(reading) => reading,
            Err(error) => {
                self.failed = Some(error);
                return;
            }
        };
        self.difference = self.difference.max(reading.used.saturating_sub(self.baseline));
        match reading.processes {
            Err(error) => self.doubt_that(unlisted(&error)),
            Ok(processes) => {
                if processes.len() > 1 {
                    self.doubt_that(format!("{} processes used the GPU at once", processes.len()));
                }
                let own = processes.into_iter().find(|process| process.pid == self.pid);
                // Some drivers list a process and report 0 where its memory is unknown.
                let used = own.and_then(|process| process.used).filter(|&used| used > 0);
                self.process = self.process.max(used);
            }
        }
    }

    /// The first doubt stays: it is the cause of later ones more often than not.
    fn doubt_that(&mut self, doubt: String) {
        self.doubt.get_or_insert(doubt);
    }

    /// The peak so far.
    ///
    /// # Errors
    /// Why it is unknown, in words.
    pub fn peak(&self) -> Result<ProcessPeak, String> {
        if let (Some(bytes), false) = (self.process, self.taken) {
            return Ok(ProcessPeak {
                bytes,
                source: PeakSource::NvmlProcess,
            });
        }
        let without = "NVML does not report this process's memory, and the rise of the GPU's cannot replace it";
        match (&self.doubt, &self.failed, self.difference) {
            (Some(doubt), _, _) => Err(format!("{without}: {doubt}")),
            (None, Some(error), 0) => Err(error.to_string()),
            (None, None, 0) => Err(format!("{without}: the memory in use did not rise")),
            (None, _, bytes) => Ok(ProcessPeak {
                bytes,
                source: PeakSource::NvmlDeviceDifference,
            }),
        }
    }
}

fn unlisted(error: &GpuError) -> String {
    format!("it is not known which other processes use it, since {error}")
}

/// Readings this far apart see every peak of a caching allocator, which keeps what it allocated.
const INTERVAL: Duration = Duration::from_millis(10);

/// A thread that takes readings until it is stopped.
#[derive(Debug)]
pub struct GpuWatch {
    /// Dropping it ends the thread.
    running: Option<Sender<()>>,
    thread: Option<JoinHandle<GpuPeak>>,
}

impl GpuWatch {
    /// Takes the first reading, which has to come before this process's first CUDA call that makes a context, and
    /// continues in a thread.
    ///
    /// # Errors
    /// The first reading fails, or no thread can be started.
    pub fn start(mut gpu: impl GpuReader + Send + 'static) -> Result<Self, String> {
        let pid = std::process::id();
        let mut peak = GpuPeak::begin(pid, gpu.read()).map_err(|error| error.to_string())?;
        let (running, ended) = mpsc::channel();
        let watch = move || {
            while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                peak.observe(gpu.read());
            }
            // Memory allocated since the last reading is still held.
            peak.observe(gpu.read());
            peak
        };
        let named = thread::Builder::new().name("gpu-memory".to_owned());
        let thread = named.spawn(watch).map_err(|error: io::Error| error.to_string())?;
        Ok(Self {
            running: Some(running),
            thread: Some(thread),
        })
    }

    /// Takes a last reading, which has to come while this process still holds its memory, and ends the thread.
    ///
    /// # Errors
    /// Why the peak is unknown, in words.
    pub fn finish(mut self) -> Result<ProcessPeak, String> {
        match self.end() {
            Some(Ok(peak)) => peak.peak(),
            _ => Err("the thread that reads the GPU's memory panicked; please report this bug".to_owned()),
        }
    }

    fn end(&mut self) -> Option<thread::Result<GpuPeak>> {
        self.running = None;
        Some(self.thread.take()?.join())
    }
}

impl Drop for GpuWatch {
    fn drop(&mut self) {
        // A panic of the thread is ignored where its peak is not wanted.
        let _ = self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::GpuProcess;

    const OWN: u32 = 70;
    const OTHER: u32 = 71;

    type Listed = Result<Vec<GpuProcess>, GpuError>;

    fn listed(processes: &[(u32, Option<u64>)]) -> Listed {
        let process = |&(pid, used): &(u32, Option<u64>)| GpuProcess { pid, used };
        Ok(processes.iter().map(process).collect())
    }

    fn unsupported() -> GpuError {
        GpuError::Unanswered {
            what: "the GPU's processes",
            reason: "not supported".to_owned(),
        }
    }

    /// The source and bytes after readings of the memory in use and the processes, or why there are none.
    fn peak(readings: impl IntoIterator<Item = (u64, Listed)>) -> Result<(String, u64), String> {
        let mut readings = readings
            .into_iter()
            .map(|(used, processes)| Ok(GpuReading { used, processes }));
        let mut peak = GpuPeak::begin(OWN, readings.next().unwrap()).unwrap();
        readings.for_each(|reading| peak.observe(reading));
        peak.peak().map(|peak| (peak.source.to_string(), peak.bytes))
    }

    fn found(source: &str, bytes: u64) -> Result<(String, u64), String> {
        Ok((source.to_owned(), bytes))
    }

    fn doubt(of: Result<(String, u64), String>) -> String {
        let error = of.unwrap_err();
        error
            .strip_prefix("NVML does not report this process's memory, and the rise of the GPU's cannot replace it: ")
            .unwrap_or_else(|| panic!("{error}"))
            .to_owned()
    }

    #[test]
    fn the_highest_figure_for_this_process_is_its_peak() {
        let readings = [
            (5, listed(&[])),
            (105, listed(&[(OWN, Some(100))])),
            (905, listed(&[(OWN, Some(900))])),
            (505, listed(&[(OWN, Some(500))])),
        ];
        assert_eq!(peak(readings), found("nvml-process", 900));
    }

    #[test]
    fn other_processes_do_not_change_this_processs_own_figure() {
        let readings = [
            (1000, listed(&[(OTHER, Some(1000))])),
            (5000, listed(&[(OTHER, Some(4700)), (OWN, Some(300))])),
        ];
        assert_eq!(peak(readings), found("nvml-process", 300));
    }

    #[test]
    fn the_rise_is_used_where_the_process_is_not_listed_or_has_the_hosts_pid() {
        let unseen = [(5, listed(&[])), (905, listed(&[])), (305, listed(&[]))];
        assert_eq!(peak(unseen), found("nvml-device-difference", 900));
        let host = [(5, listed(&[])), (905, listed(&[(OTHER, Some(890))]))];
        assert_eq!(peak(host), found("nvml-device-difference", 900));
    }

    #[test]
    fn the_rise_is_used_where_the_driver_lists_processes_without_their_memory() {
        for used in [None, Some(0)] {
            let readings = [(5, listed(&[])), (905, listed(&[(OWN, used)]))];
            assert_eq!(peak(readings), found("nvml-device-difference", 900));
        }
    }

    #[test]
    fn the_rise_is_not_used_on_a_shared_gpu() {
        let before = [(5, listed(&[(OTHER, None)])), (905, listed(&[]))];
        assert_eq!(doubt(peak(before)), "another process used the GPU before");
        let meanwhile = [
            (5, listed(&[])),
            (905, listed(&[(OTHER, None), (OTHER + 1, None)])),
            (905, listed(&[(OTHER, None)])),
        ];
        assert_eq!(doubt(peak(meanwhile)), "2 processes used the GPU at once");
    }

    #[test]
    fn memory_in_use_without_a_listed_process_is_another_containers() {
        let readings = [(200_000_000, listed(&[])), (900_000_000, listed(&[]))];
        assert_eq!(
            doubt(peak(readings)),
            "200 MB of it were in use before, by no listed process"
        );
    }

    #[test]
    fn without_a_list_the_rise_is_not_used() {
        let readings = [(5, listed(&[])), (905, Err(unsupported()))];
        assert_eq!(
            doubt(peak(readings)),
            "it is not known which other processes use it, since NVML does not report the GPU's processes (not supported); check nvidia-smi"
        );
        assert!(peak([(5, Err(unsupported())), (905, listed(&[]))]).is_err());
    }

    #[test]
    fn a_host_process_with_the_same_pid_is_not_mistaken_for_this_one() {
        let readings = [(5, listed(&[(OWN, Some(3))])), (905, listed(&[(OWN, Some(3))]))];
        assert_eq!(doubt(peak(readings)), "a process with its PID, 70, used the GPU before");
    }

    #[test]
    fn a_gpu_that_was_never_used_has_no_peak() {
        assert_eq!(
            doubt(peak([(5, listed(&[])), (5, listed(&[]))])),
            "the memory in use did not rise"
        );
    }

    #[test]
    fn an_occasional_failed_reading_is_skipped() {
        let reading = |used, processes| Ok(GpuReading { used, processes });
        let mut peak = GpuPeak::begin(OWN, reading(5, listed(&[]))).unwrap();
        peak.observe(Err(unsupported()));
        assert_eq!(peak.peak(), Err(unsupported().to_string()));
        peak.observe(reading(25, listed(&[(OWN, Some(20))])));
        assert_eq!(peak.peak().map(|peak| peak.bytes), Ok(20));
        assert!(GpuPeak::begin(OWN, Err(unsupported())).is_err());
    }

    /// Each reading finds the process ten bytes larger, and says that it was taken.
    struct Growing {
        readings: u64,
        seen: Sender<u64>,
    }

    impl GpuReader for Growing {
        fn read(&mut self) -> Result<GpuReading, GpuError> {
            let used = 10 * self.readings;
            self.readings += 1;
            let processes = match used {
                0 => listed(&[]),
                _ => listed(&[(std::process::id(), Some(used))]),
            };
            // The test may have ended.
            let _ = self.seen.send(used);
            Ok(GpuReading { used, processes })
        }
    }

    #[test]
    fn the_watch_reads_until_it_is_finished_and_once_more() {
        let (seen, readings) = mpsc::channel();
        let watch = GpuWatch::start(Growing { readings: 0, seen }).unwrap();
        let seen: Vec<u64> = readings.iter().take(4).collect();
        assert_eq!(seen, [0, 10, 20, 30], "it reads by itself");
        let peak = watch.finish().unwrap();
        let last = readings.iter().last().unwrap();
        assert!(last >= 40, "one more reading at the end: {last}");
        assert_eq!((peak.bytes, peak.source), (last, PeakSource::NvmlProcess));
    }

    #[test]
    fn a_watch_that_is_dropped_ends_its_thread() {
        let (seen, readings) = mpsc::channel();
        drop(GpuWatch::start(Growing { readings: 0, seen }).unwrap());
        assert!(readings.iter().count() >= 2, "the iterator ends with the thread");
    }
}
