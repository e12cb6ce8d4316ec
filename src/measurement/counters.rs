//! The counters of a measurement's timed steps: tensors, the process's memory, the processor's threads, the GPU's state.

use super::timer::Counters;
use crate::backends::{TensorCounter, TensorPeaks};
use crate::host::{GpuRecord, ProcessMemory, ProcessPeak, ProcessorTime, ProcessorWatch};

/// Counts from the end of the warm-up to the end of the last timed step. NVML is asked at these two moments and at the
/// end of all work, never between: it takes the driver's locks, for which a launch would wait.
#[derive(Debug)]
pub struct StepCounters {
    tensors: Box<dyn TensorCounter>,
    process: ProcessMemory,
    watches_processor: bool,
    keeps_peaks: bool,
    watch: Option<ProcessorWatch>,
    is_reset: bool,
    counted: Counted,
}

/// What was counted.
#[derive(Debug, Default)]
pub struct Counted {
    /// The peaks of the timed steps; none where the counters could not be reset before them.
    pub tensors: TensorPeaks,
    /// The process's peak.
    pub process: Option<ProcessPeak>,
    /// What the threads did, where that is watched.
    pub processor: Option<ProcessorTime>,
    /// The GPU before and after the timed steps.
    pub gpu: Option<GpuRecord>,
    /// Why a figure is missing, in words; else empty.
    pub note: String,
}

impl StepCounters {
    /// Counters of a process whose tensors and memory are counted from its start; those of the processor's threads only
    /// where it does the work.
    pub fn new(tensors: Box<dyn TensorCounter>, process: ProcessMemory, watches_processor: bool) -> Self {
        Self {
            tensors,
            process,
            watches_processor,
            keeps_peaks: false,
            watch: None,
            is_reset: false,
            counted: Counted::default(),
        }
    }

    /// Leaves the peaks of the warm-up in place. A step that is replayed from a graph allocates nothing: its memory was allocated
    /// when it was recorded, in the warm-up.
    pub fn keeps_peaks(&mut self) {
        self.keeps_peaks = true;
    }

    /// What was counted; to be called while the device still holds what the steps needed.
    pub fn finish(self) -> Counted {
        let (process, note) = match self.process.finish() {
            Ok(peak) => (Some(peak), String::new()),
            Err(reason) => (None, reason),
        };
        Counted {
            process,
            note,
            ..self.counted
        }
    }
}

impl Counters for StepCounters {
    fn begin(&mut self) {
        self.is_reset = self.keeps_peaks || self.tensors.reset();
        self.process.observe();
        self.counted.gpu = self.process.gpu().map(|gpu| gpu.record(gpu.state()));
        // Last, so that it counts nothing of the others.
        self.watch = self.watches_processor.then(ProcessorWatch::start).flatten();
    }

    fn end(&mut self) {
        self.counted.processor = self.watch.take().and_then(|watch| watch.elapsed());
        // Clocks fall soon after the work ends.
        let state = self.process.gpu().map(|gpu| gpu.state());
        if let Some(gpu) = &mut self.counted.gpu {
            gpu.end = state;
        }
        if self.is_reset {
            self.counted.tensors = self.tensors.peaks();
        }
        self.process.observe();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Peaks since the process started, which a reset that fails leaves.
    #[derive(Debug)]
    struct Tensors {
        resets: bool,
    }

    impl TensorCounter for Tensors {
        fn reset(&self) -> bool {
            self.resets
        }

        fn peaks(&self) -> TensorPeaks {
            TensorPeaks {
                allocated: Some(900),
                reserved: Some(1000),
            }
        }
    }

    fn counted(resets: bool) -> Counted {
        let process = ProcessMemory::Unknown("no NVML".to_owned());
        let mut counters = StepCounters::new(Box::new(Tensors { resets }), process, false);
        counters.begin();
        counters.end();
        counters.finish()
    }

    #[test]
    fn peaks_that_could_not_be_reset_are_empty_and_never_a_number() {
        let all = counted(true).tensors;
        assert_eq!((all.allocated, all.reserved), (Some(900), Some(1000)));
        assert_eq!(counted(false).tensors, TensorPeaks::default());
    }

    #[test]
    fn peaks_of_the_warm_up_stay_where_later_steps_allocate_nothing() {
        let process = ProcessMemory::Unknown("no NVML".to_owned());
        let mut counters = StepCounters::new(Box::new(Tensors { resets: false }), process, false);
        counters.keeps_peaks();
        counters.begin();
        counters.end();
        assert_eq!(counters.finish().tensors.allocated, Some(900));
    }

    #[test]
    fn a_peak_that_is_not_known_is_a_note() {
        let counted = counted(true);
        assert!(counted.process.is_none() && counted.gpu.is_none() && counted.processor.is_none());
        assert_eq!(counted.note, "no NVML");
    }
}
