//! The GPU's memory through the real wrapper of NVML, over a library that answers like it: `stand-ins/nvml.c`.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use densenet_bench::backends::{CUDA, TensorCounter, TensorPeaks};
use densenet_bench::formats::ablation::{Precision, RunSettings};
use densenet_bench::host::{
    CudaView, EnergySource, Gpu, GpuError, GpuLibrary, GpuPeak, GpuReader, GpuState, GpuWatch, Packages, PeakSource,
    ProcessMemory, check_arithmetic,
};
use densenet_bench::measurement::{Clock, Counters, Passes, Phase, StepCounters, WarmUp, Workload, time};
use tempfile::TempDir;

const OWN: u32 = 4_000_001;
const OTHER: u32 = 4_000_002;

const IDLE: &str = "driver 570.86.15\ngpu GPU-5a5e1f7c 7 8.0 80000000000 3000000 NVIDIA A100-SXM4-80GB\n";
const BUSY: &str = "driver 570.86.15\ngpu GPU-5a5e1f7c 7 8.0 80000000000 903000000 NVIDIA A100-SXM4-80GB\n";

/// A machine whose NVML reports what a test sets.
struct Machine(TempDir);

impl Machine {
    fn new(state: &str) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stand-ins/nvml.c");
        let compiled = Command::new("cc")
            .args([
                "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o",
            ])
            .args([&machine.library(), &source])
            .arg("-ldl")
            .status()
            .unwrap();
        assert!(compiled.success());
        machine.says(state);
        machine
    }

    fn library(&self) -> PathBuf {
        self.0.path().join("libnvidia-ml.so.1")
    }

    /// In one stroke, since a thread may be reading.
    fn says(&self, state: &str) {
        let new = self.0.path().join("new");
        fs::write(&new, state).unwrap();
        fs::rename(new, self.0.path().join("state")).unwrap();
    }

    fn load(&self) -> Result<GpuLibrary, GpuError> {
        GpuLibrary::load_from(&self.library())
    }

    fn open(&self, index: usize) -> Result<Gpu, GpuError> {
        self.load()?.open(index, &CudaView::new(None, true))
    }

    /// Writes down its calls from now on.
    fn listen(&self) {
        fs::write(self.0.path().join("calls"), "").unwrap();
    }

    /// A line of the test's own among them.
    fn mark(&self, line: &str) {
        let path = self.0.path().join("calls");
        let calls = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{calls}{line}\n")).unwrap();
    }

    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.0.path().join("calls")).unwrap();
        calls.lines().map(str::to_owned).collect()
    }

    /// The peak over readings of these states, or why there is none.
    fn peak(&self, states: &[&str]) -> Result<(PeakSource, u64), String> {
        self.says(states[0]);
        let mut gpu = self.open(0).unwrap();
        let mut peak = GpuPeak::begin(OWN, gpu.read()).unwrap();
        for state in &states[1..] {
            self.says(state);
            peak.observe(gpu.read());
        }
        peak.peak().map(|peak| (peak.source, peak.bytes))
    }
}

fn with(state: &str, processes: &str) -> String {
    format!("{state}{processes}\n")
}

#[test]
fn a_gpu_reports_its_name_memory_driver_and_capability() {
    let machine = Machine::new(IDLE);
    let gpu = machine.open(0).unwrap();
    let facts = gpu.facts();
    assert_eq!(facts.name, "NVIDIA A100-SXM4-80GB");
    assert_eq!(facts.uuid, "GPU-5a5e1f7c");
    assert_eq!(facts.memory_bytes, 80_000_000_000);
    assert_eq!(facts.driver, "570.86.15");
    assert_eq!(facts.compute_capability, (8, 0));
}

#[test]
fn tf32_needs_compute_capability_8_0() {
    let run = RunSettings {
        precision: Precision::Tf32,
        ..RunSettings::default()
    };
    for (capability, has) in [("7.5", false), ("8.0", true), ("8.6", true), ("12.0", true)] {
        let machine = Machine::new(&IDLE.replace("8.0", capability));
        let checked = check_arithmetic(&run, CUDA.device(0), |index| {
            machine.open(index).map(|gpu| gpu.facts().compute_capability)
        });
        assert_eq!(checked.is_ok(), has, "{capability}");
    }
}

#[test]
fn a_process_that_is_listed_has_nvmls_figure() {
    let machine = Machine::new(IDLE);
    let more = with(BUSY, &format!("compute {OTHER} 100000000\ncompute {OWN} 780000000"));
    let less = with(BUSY, &format!("compute {OWN} 600000000"));
    assert_eq!(
        machine.peak(&[IDLE, &more, &less]),
        Ok((PeakSource::NvmlProcess, 780_000_000))
    );
}

#[test]
fn a_process_that_computes_and_draws_is_counted_once() {
    let machine = Machine::new(IDLE);
    let both = with(BUSY, &format!("compute {OWN} 780000000\ngraphics {OWN} 780000000"));
    assert_eq!(machine.peak(&[IDLE, &both]), Ok((PeakSource::NvmlProcess, 780_000_000)));
    let hidden = with(BUSY, &format!("compute {OWN} -\ngraphics {OWN} -"));
    assert_eq!(
        machine.peak(&[IDLE, &hidden]),
        Ok((PeakSource::NvmlDeviceDifference, 900_000_000)),
        "one process in two lists is not a second process"
    );
}

#[test]
fn in_a_container_on_a_gpu_of_its_own_the_rise_stands_in() {
    let machine = Machine::new(IDLE);
    let host_number = with(BUSY, &format!("compute {OTHER} 890000000"));
    for busy in [BUSY, &host_number] {
        assert_eq!(
            machine.peak(&[IDLE, busy, IDLE]),
            Ok((PeakSource::NvmlDeviceDifference, 900_000_000))
        );
    }
}

#[test]
fn in_a_container_on_a_shared_gpu_there_is_no_figure() {
    let machine = Machine::new(IDLE);
    let before = with(IDLE, &format!("graphics {OTHER} -"));
    let error = machine.peak(&[&before, BUSY]).unwrap_err();
    assert!(error.ends_with(": another process used the GPU before"), "{error}");
    let two = with(BUSY, "compute 11 400000000\ncompute 12 490000000");
    let error = machine.peak(&[IDLE, &two]).unwrap_err();
    assert!(error.ends_with(": 2 processes used the GPU at once"), "{error}");
    let error = machine.peak(&[BUSY, BUSY]).unwrap_err();
    assert!(
        error.ends_with(": 903 MB of it were in use before, by no listed process"),
        "{error}"
    );
}

#[test]
fn without_the_memory_of_processes_the_rise_stands_in_and_without_their_list_nothing_does() {
    let machine = Machine::new(IDLE);
    let unknown = with(BUSY, &format!("compute {OWN} -"));
    assert_eq!(
        machine.peak(&[IDLE, &unknown]),
        Ok((PeakSource::NvmlDeviceDifference, 900_000_000))
    );
    let idle = with(IDLE, "lists 3");
    let busy = with(BUSY, "lists 3");
    let error = machine.peak(&[&idle, &busy]).unwrap_err();
    assert!(
        error.contains("NVML does not report the GPU's processes (the requested operation is not available"),
        "{error}"
    );
}

#[test]
fn a_gpu_that_cannot_draw_is_as_good_as_any() {
    let machine = Machine::new(IDLE);
    let idle = with(IDLE, "draws 3");
    let busy = with(BUSY, &format!("draws 3\ncompute {OWN} 780000000"));
    assert_eq!(
        machine.peak(&[&idle, &busy]),
        Ok((PeakSource::NvmlProcess, 780_000_000))
    );
}

#[test]
fn a_gpu_that_is_lost_is_an_error_at_the_start_and_a_missed_reading_later() {
    let machine = Machine::new(IDLE);
    let own = with(BUSY, &format!("compute {OWN} 780000000"));
    let lost = with(IDLE, "memory 15");
    assert_eq!(
        machine.peak(&[IDLE, &own, &lost]),
        Ok((PeakSource::NvmlProcess, 780_000_000))
    );
    machine.says(&lost);
    let error = machine.open(0).unwrap_err().to_string();
    assert!(error.starts_with("NVML does not report the GPU's memory ("), "{error}");
}

#[test]
fn the_watch_finds_the_process_that_it_runs_in() {
    let machine = Machine::new(IDLE);
    let watch = GpuWatch::start(machine.open(0).unwrap());
    machine.says(&with(BUSY, &format!("compute {} 780000000", std::process::id())));
    let peak = watch.finish().unwrap();
    assert_eq!((peak.bytes, peak.source), (780_000_000, PeakSource::NvmlProcess));
}

#[test]
fn gpus_of_other_jobs_are_not_counted() {
    let gpu = |uuid: &str, bus: u32| format!("gpu {uuid} {bus} 9.0 80000000000 0 NVIDIA H100\n");
    let state = format!(
        "driver 1\n{}closed 4\n{}{}",
        gpu("GPU-a", 1),
        gpu("GPU-b", 5),
        gpu("GPU-c", 3)
    );
    let machine = Machine::new(&state);
    let uuid = |index, view| machine.load()?.open(index, &view).map(|gpu| gpu.facts().uuid.clone());
    assert_eq!(uuid(0, CudaView::new(None, true)).unwrap(), "GPU-c");
    assert_eq!(uuid(1, CudaView::new(None, true)).unwrap(), "GPU-b");
    assert_eq!(
        uuid(0, CudaView::new(Some("GPU-b".to_owned()), false)).unwrap(),
        "GPU-b"
    );
    assert_eq!(uuid(0, CudaView::new(None, false)), Err(GpuError::Order { index: 0 }));
}

#[test]
fn a_divided_gpu_is_refused() {
    let machine = Machine::new(&with(IDLE, "mig"));
    let mut gpu = machine.open(0).unwrap();
    assert_eq!(gpu.state().mig, Some(true));
    let error = gpu.read().unwrap_err();
    assert!(matches!(error, GpuError::Mig(_)), "{error}");
    let peak = GpuWatch::start(gpu).finish();
    assert_eq!(peak, Err(error.to_string()));
}

#[test]
fn a_gpu_reports_its_clocks_limits_and_modes() {
    let said = "clocks 1410 1593 1980 2619\npower 700000\nheat 41\nheld 4\necc 1\npersistence 0";
    let machine = Machine::new(&with(IDLE, said));
    let state = machine.open(0).unwrap().state();
    let expected = GpuState {
        sm_clock_mhz: Some(1410),
        sm_clock_max_mhz: Some(1980),
        memory_clock_mhz: Some(1593),
        memory_clock_max_mhz: Some(2619),
        power_limit_mw: Some(700_000),
        temperature_c: Some(41),
        throttle_reasons: Some(vec!["SW_POWER_CAP".to_owned()]),
        ecc: Some(true),
        mig: Some(false),
        persistence_mode: Some(false),
    };
    assert_eq!(state, expected);
    // Nothing holds the clocks down; a reason that is not known yet has no name.
    machine.says(&with(IDLE, "held 0"));
    assert_eq!(machine.open(0).unwrap().state().throttle_reasons, Some(vec![]));
    machine.says(&with(IDLE, &format!("held {}", 1u64 << 40 | 1 << 6)));
    let named = machine.open(0).unwrap().state().throttle_reasons;
    assert_eq!(named, Some(vec!["HW_THERMAL_SLOWDOWN".to_owned()]));
}

#[test]
fn what_an_older_driver_does_not_report_is_absent_and_no_error() {
    let machine = Machine::new(&IDLE.replace("8.0", "7.0"));
    assert_eq!(machine.open(0).unwrap().state(), GpuState::default());
    let gpu = machine.open(0).unwrap();
    machine.says("driver 570.86.15\n");
    assert_eq!(gpu.state(), GpuState::default(), "a GPU that is lost");
}

/// Steps that write themselves into the file of NVML's calls.
struct Steps<'a>(&'a Machine);

impl Workload for Steps<'_> {
    fn step(&mut self) {
        self.0.mark("step");
    }

    fn phases(&self) -> &'static [Phase] {
        &[Phase::Forward]
    }

    fn phase(&mut self, _: Phase) {
        self.0.mark("phase");
    }

    fn synchronize(&mut self) {}
}

/// A clock that writes itself down too, so that what is between two looks at it is what is timed.
struct Looks<'a>(&'a Machine);

impl Clock for Looks<'_> {
    fn now(&mut self) -> Duration {
        self.0.mark("clock");
        Duration::ZERO
    }
}

#[derive(Debug)]
struct NoTensors;

impl TensorCounter for NoTensors {
    fn reset(&self) -> bool {
        true
    }

    fn peaks(&self) -> TensorPeaks {
        TensorPeaks::default()
    }
}

#[test]
fn nvml_is_asked_before_and_after_the_timed_steps_and_never_while_anything_is_timed() {
    let own = format!("compute {} 780000000", std::process::id());
    let machine = Machine::new(&with(IDLE, "clocks 1980 2619 1980 2619"));
    let process = ProcessMemory::on(machine.open(0).unwrap());
    machine.says(&format!("{BUSY}{own}\nclocks 1980 2619 1980 2619\n"));
    machine.listen();
    let mut counters = StepCounters::new(Box::new(NoTensors), process, false);
    let warm_up = WarmUp {
        steps: 1,
        time: Duration::ZERO,
    };
    let passes = Passes {
        steps: 3,
        window_steps: 2,
        phase_steps: 1,
    };
    time(
        &mut Steps(&machine),
        &mut Looks(&machine),
        warm_up,
        passes,
        &mut counters,
    );
    let counted = counters.finish();

    let calls = machine.calls();
    let asked = |calls: &[String]| calls.iter().filter(|call| call.starts_with("nvml")).count();
    let steps: Vec<usize> = (0..calls.len()).filter(|&place| calls[place] == "step").collect();
    // One of the warm-up, three timed, two of the pass with one synchronisation.
    assert_eq!(steps.len(), 6, "{calls:?}");
    assert!(
        asked(&calls[steps[0]..steps[1]]) > 0,
        "before the timed steps: {calls:?}"
    );
    assert_eq!(asked(&calls[steps[1]..steps[3]]), 0, "between them: {calls:?}");
    assert!(asked(&calls[steps[3]..steps[4]]) > 0, "after them: {calls:?}");
    assert_eq!(asked(&calls[steps[4]..steps[5]]), 0, "in the pass behind: {calls:?}");
    // From the look before the first timed step on, every window is two looks with what is timed between them.
    let looks: Vec<usize> = (steps[1] - 1..calls.len())
        .filter(|&place| calls[place] == "clock")
        .collect();
    assert_eq!(looks.len() % 2, 0, "{calls:?}");
    for window in looks.chunks(2) {
        let within = &calls[window[0]..window[1]];
        assert!(within.len() > 1 && asked(within) == 0, "{within:?} in {calls:?}");
    }

    let peak = counted.process.unwrap();
    assert_eq!((peak.bytes, peak.source), (780_000_000, PeakSource::NvmlProcess));
    let gpu = counted.gpu.unwrap();
    assert_eq!(
        (gpu.name.as_str(), gpu.driver.as_str()),
        ("NVIDIA A100-SXM4-80GB", "570.86.15")
    );
    assert_eq!(gpu.start.sm_clock_mhz, Some(1980));
    assert_eq!(gpu.end.unwrap().sm_clock_mhz, Some(1980));
}

#[test]
fn the_energy_of_the_timed_steps_is_the_rise_of_nvmls_counter() {
    let machine = Machine::new(&with(IDLE, "energy 5000"));
    let counted = |after: &str, milliseconds| {
        machine.says(&with(IDLE, "energy 5000"));
        let process = ProcessMemory::on(machine.open(0).unwrap());
        let mut counters = StepCounters::new(Box::new(NoTensors), process, false);
        counters.begin();
        std::thread::sleep(Duration::from_millis(milliseconds));
        machine.says(&with(IDLE, after));
        counters.end();
        counters.finish().energy
    };
    let energy = counted("energy 12000", 510).unwrap();
    assert_eq!((energy.microjoules, energy.source), (7_000_000, EnergySource::NvmlGpu));
    assert!(energy.wall_ns >= 510_000_000, "{energy:?}");
    assert_eq!(
        counted("energy 12000", 10),
        None,
        "too short for a counter that moves ten times a second"
    );
    assert_eq!(counted("", 510), None, "a GPU that does not count");
}

#[test]
fn the_energy_of_a_processor_is_that_of_its_packages_and_none_where_they_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let zone = folder.path().join("intel-rapl:0");
    fs::create_dir(&zone).unwrap();
    fs::write(zone.join("name"), "package-0\n").unwrap();
    fs::write(zone.join("max_energy_range_uj"), "262143328850\n").unwrap();
    let counted = |packages: Packages| {
        fs::write(zone.join("energy_uj"), "1000\n").unwrap();
        let process = ProcessMemory::Unknown("not asked".to_owned());
        let mut counters = StepCounters::new(Box::new(NoTensors), process, true).with_packages(packages);
        counters.begin();
        std::thread::sleep(Duration::from_millis(510));
        fs::write(zone.join("energy_uj"), "3500\n").unwrap();
        counters.end();
        counters
            .finish()
            .energy
            .map(|energy| (energy.microjoules, energy.source))
    };
    let there = Packages::in_folder(folder.path());
    assert_eq!(counted(there), Some((2500, EnergySource::RaplPackages)));
    assert_eq!(counted(Packages::in_folder(&zone)), None);
}

#[test]
fn a_peak_that_only_the_reading_after_the_timed_steps_saw_counts() {
    let machine = Machine::new(IDLE);
    let mut process = ProcessMemory::on(machine.open(0).unwrap());
    let pid = std::process::id();
    for (bytes, used) in [(700_000_000, true), (900_000_000, true), (300_000_000, false)] {
        machine.says(&with(BUSY, &format!("compute {pid} {bytes}")));
        if used {
            process.observe();
        }
    }
    assert_eq!(process.finish().unwrap().bytes, 900_000_000);
}

#[test]
fn a_machine_without_gpus_or_driver_or_library_says_so() {
    let machine = Machine::new("driver 570.86.15\n");
    assert_eq!(
        machine.open(0).unwrap_err().to_string(),
        "cuda:0 is not one of the 0 GPUs that NVML lists; name a GPU that is visible"
    );
    machine.says("start 9\n");
    assert_eq!(
        machine.load().unwrap_err().to_string(),
        "NVML does not start (NVIDIA driver is not loaded); check nvidia-smi"
    );
    fs::remove_file(machine.library()).unwrap();
    let error = machine.load().unwrap_err();
    assert!(matches!(error, GpuError::NotLoaded(_)), "{error}");
    assert!(error.to_string().contains("No such file"), "{error}");
}

/// The doctor's line about NVML, where the program finds the machine's library as it would find the driver's.
#[cfg(feature = "burn")]
fn doctors_line(machine: &Machine) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_densenet-bench"))
        .arg("doctor")
        .env("LD_LIBRARY_PATH", machine.0.path())
        .env_remove("CUDA_VISIBLE_DEVICES")
        .output()
        .unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    let line = said.lines().find(|line| line.contains(" NVML "));
    line.unwrap_or_else(|| panic!("{said}")).to_owned()
}

#[cfg(feature = "burn")]
#[test]
fn the_doctor_reports_whether_nvml_works_or_why_not() {
    let machine = Machine::new(IDLE);
    let live = doctors_line(&machine);
    assert!(
        live.starts_with("ok      NVML      NVIDIA A100-SXM4-80GB, 80.0 GB, driver 570.86.15: "),
        "{live}"
    );
    machine.says(&with(IDLE, "lists 3"));
    let unknown = doctors_line(&machine);
    assert!(unknown.starts_with("note    NVML      NVIDIA A100"), "{unknown}");
    machine.says("start 9\n");
    let off = doctors_line(&machine);
    assert!(
        off.ends_with(
            "process peaks on CUDA stay empty: NVML does not start (NVIDIA driver is not loaded); check nvidia-smi"
        ),
        "{off}"
    );
}
