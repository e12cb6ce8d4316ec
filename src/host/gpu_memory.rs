//! The peak GPU memory of this process, as `nvidia-smi` would show it: with the CUDA context, the kernels' code and the
//! caching allocator's reserve.
//!
//! NVML lists the processes by the host's PIDs, so inside a container a process may not find itself. There the rise of
//! the GPU's memory in use is used instead, but only on a GPU that no other process uses: no doubtful figure is given.

use super::gpu::Gpu;
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

/// Readings of the memory of the process that it runs in, each taken when it is asked for: the driver's locks, which a
/// reading takes, would hold up steps that are timed meanwhile.
#[derive(Debug)]
pub struct GpuWatch<G = Gpu> {
    gpu: G,
    /// Or why there is none, in words.
    peak: Result<GpuPeak, String>,
}

impl<G: GpuReader> GpuWatch<G> {
    /// Takes the first reading, which has to come before this process's first CUDA call that makes a context.
    pub fn start(mut gpu: G) -> Self {
        let peak = GpuPeak::begin(std::process::id(), gpu.read()).map_err(|error| error.to_string());
        Self { gpu, peak }
    }

    /// Takes a reading.
    pub fn observe(&mut self) {
        if let Ok(peak) = &mut self.peak {
            peak.observe(self.gpu.read());
        }
    }

    /// The GPU.
    pub fn gpu(&self) -> &G {
        &self.gpu
    }

    /// Takes a last reading, which has to come while this process still holds its memory: a caching allocator keeps what
    /// it took, so that it is the peak.
    ///
    /// # Errors
    /// Why the peak is unknown, in words.
    pub fn finish(mut self) -> Result<ProcessPeak, String> {
        self.observe();
        self.peak?.peak()
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

    /// Each reading finds the process ten bytes larger.
    struct Growing {
        readings: u64,
    }

    impl GpuReader for Growing {
        fn read(&mut self) -> Result<GpuReading, GpuError> {
            let used = 10 * self.readings;
            self.readings += 1;
            let processes = match used {
                0 => listed(&[]),
                _ => listed(&[(std::process::id(), Some(used))]),
            };
            Ok(GpuReading { used, processes })
        }
    }

    #[test]
    fn the_watch_reads_when_it_is_asked_to_and_at_its_two_ends_alone() {
        let mut watch = GpuWatch::start(Growing { readings: 0 });
        std::thread::sleep(std::time::Duration::from_millis(30));
        assert_eq!(watch.gpu().readings, 1, "it reads by itself");
        watch.observe();
        let peak = watch.finish().unwrap();
        assert_eq!((peak.bytes, peak.source), (20, PeakSource::NvmlProcess));
    }

    #[test]
    fn without_a_first_reading_no_other_is_taken() {
        struct Lost(u64);
        impl GpuReader for Lost {
            fn read(&mut self) -> Result<GpuReading, GpuError> {
                self.0 += 1;
                Err(unsupported())
            }
        }
        let mut watch = GpuWatch::start(Lost(0));
        watch.observe();
        assert_eq!(watch.gpu().0, 1);
        assert_eq!(watch.finish(), Err(unsupported().to_string()));
    }
}
