//! NVIDIA's management library NVML, loaded at run time: with no GPU nothing fails, and the reason is known.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;
use nvml_wrapper::{Device, Nvml};

use super::energy::EnergyCounter;
use super::gpu_error::GpuError;
use super::gpu_reading::{GpuProcess, GpuReader, GpuReading};
use super::gpu_state::{GpuRecord, GpuState};
use super::visible_gpus::{CudaView, ListedGpu};
use crate::backends::{BackendDevice, MemorySource};

fn unanswered(what: &'static str) -> impl Fn(NvmlError) -> GpuError {
    move |error| GpuError::Unanswered {
        what,
        reason: error.to_string(),
    }
}

/// NVML, loaded and started.
#[derive(Debug)]
pub struct GpuLibrary(Nvml);

impl GpuLibrary {
    /// Loads the driver's library.
    ///
    /// # Errors
    /// Where there is none, or no driver behind it.
    pub fn load() -> Result<Self, GpuError> {
        Self::started(Nvml::init())
    }

    /// Loads the library in that file.
    ///
    /// # Errors
    /// As [`GpuLibrary::load`].
    pub fn load_from(path: &Path) -> Result<Self, GpuError> {
        let path: &OsStr = path.as_os_str();
        Self::started(Nvml::builder().lib_path(path).init())
    }

    fn started(nvml: Result<Nvml, NvmlError>) -> Result<Self, GpuError> {
        nvml.map(Self).map_err(|error| match error {
            NvmlError::LibloadingError(error) => GpuError::NotLoaded(error.to_string()),
            error => GpuError::NotStarted(error.to_string()),
        })
    }

    /// The GPUs that this process may use. NVML counts those of other jobs too, and CUDA does not.
    ///
    /// # Errors
    /// NVML does not report them.
    pub fn gpus(&self) -> Result<Vec<ListedGpu>, GpuError> {
        let count = self.0.device_count().map_err(unanswered("how many GPUs there are"))?;
        let gpu = |index| match self.0.device_by_index(index) {
            Err(NvmlError::NoPermission) => None,
            device => Some(device.and_then(|device| listed(index, &device))),
        };
        let gpus: Result<Vec<ListedGpu>, NvmlError> = (0..count).filter_map(gpu).collect();
        gpus.map_err(unanswered("which GPUs there are"))
    }

    /// The GPU that is `cuda:{index}` in that view.
    ///
    /// # Errors
    /// A GPU that is not there or hidden, or facts that NVML does not report.
    pub fn open(self, index: usize, view: &CudaView) -> Result<Gpu, GpuError> {
        let listed = view.pick(index, &self.gpus()?)?;
        let facts = self.facts(&listed)?;
        Ok(Gpu {
            library: self,
            index: listed.index,
            facts,
        })
    }

    fn facts(&self, listed: &ListedGpu) -> Result<GpuFacts, GpuError> {
        let driver = self.0.sys_driver_version();
        let device = self
            .0
            .device_by_index(listed.index)
            .map_err(unanswered("of the GPU that it lists"))?;
        let capability = device
            .cuda_compute_capability()
            .map_err(unanswered("the GPU's compute capability"))?;
        Ok(GpuFacts {
            name: device.name().map_err(unanswered("the GPU's name"))?,
            uuid: listed.uuid.clone(),
            memory_bytes: device.memory_info().map_err(unanswered("the GPU's memory"))?.total,
            driver: driver.map_err(unanswered("the driver's version"))?,
            compute_capability: (capability.major, capability.minor),
        })
    }
}

fn listed(index: u32, device: &Device) -> Result<ListedGpu, NvmlError> {
    let pci = device.pci_info()?;
    Ok(ListedGpu {
        index,
        uuid: device.uuid()?,
        pci: [pci.domain, pci.bus, pci.device],
    })
}

/// The recorded facts of a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuFacts {
    /// `NVIDIA GeForce GTX 1080 Ti`.
    pub name: String,
    /// Its globally unique ID.
    pub uuid: String,
    /// All of its memory, in bytes.
    pub memory_bytes: u64,
    /// The version of NVIDIA's driver.
    pub driver: String,
    /// CUDA's compute capability, major and minor.
    pub compute_capability: (i32, i32),
}

/// One GPU, seen through NVML.
#[derive(Debug)]
pub struct Gpu {
    library: GpuLibrary,
    index: u32,
    facts: GpuFacts,
}

impl Gpu {
    /// The GPU that is `cuda:{index}` in that view.
    ///
    /// # Errors
    /// No NVML, a GPU that is not there or hidden, or facts that NVML does not report.
    pub fn open(index: usize, view: &CudaView) -> Result<Self, GpuError> {
        GpuLibrary::load()?.open(index, view)
    }

    /// Its recorded facts.
    pub fn facts(&self) -> &GpuFacts {
        &self.facts
    }

    /// Its state now; what its driver does not report is absent.
    pub fn state(&self) -> GpuState {
        self.library.0.device_by_index(self.index).map_or_else(
            |_| GpuState::default(),
            |device| GpuState {
                sm_clock_mhz: device.clock_info(Clock::SM).ok(),
                sm_clock_max_mhz: device.max_clock_info(Clock::SM).ok(),
                memory_clock_mhz: device.clock_info(Clock::Memory).ok(),
                memory_clock_max_mhz: device.max_clock_info(Clock::Memory).ok(),
                power_limit_mw: device.enforced_power_limit().ok(),
                temperature_c: device.temperature(TemperatureSensor::Gpu).ok(),
                throttle_reasons: device.current_throttle_reasons().ok().map(named),
                ecc: device.is_ecc_enabled().ok().map(|ecc| ecc.currently_enabled),
                mig: device.mig_mode().ok().map(|mode| mode.current != 0),
                persistence_mode: device.is_in_persistent_mode().ok(),
            },
        )
    }

    /// What it has taken since its driver was loaded; none where that is not counted, as before Volta.
    pub fn energy(&self) -> Option<EnergyCounter> {
        let device = self.library.0.device_by_index(self.index).ok()?;
        let millijoules = device.total_energy_consumption().ok()?;
        Some(EnergyCounter {
            microjoules: millijoules.checked_mul(1000)?,
            range: None,
        })
    }

    /// Its facts with that state.
    pub fn record(&self, start: GpuState) -> GpuRecord {
        let GpuFacts {
            name,
            uuid,
            memory_bytes,
            driver,
            compute_capability: (major, minor),
        } = self.facts.clone();
        GpuRecord {
            name,
            uuid,
            memory_bytes,
            driver,
            compute_capability: format!("{major}.{minor}"),
            start,
            end: None,
        }
    }
}

impl GpuRecord {
    /// The trials' device as it is now; none where it is not a GPU that NVML reports.
    pub fn of(device: BackendDevice) -> Option<Self> {
        Self::in_view(device, &CudaView::of_trials())
    }

    /// The same for processes that see the GPUs so.
    pub fn in_view(device: BackendDevice, view: &CudaView) -> Option<Self> {
        if device.backend().process_memory != MemorySource::Nvml {
            return None;
        }
        let gpu = Gpu::open(device.index(), view).ok()?;
        Some(gpu.record(gpu.state()))
    }
}

/// CUDA's compute capability, major and minor, of the trials' `cuda:{index}`.
///
/// # Errors
/// Why that is not known.
pub fn compute_capability(index: usize) -> Result<(i32, i32), GpuError> {
    Ok(Gpu::open(index, &CudaView::of_trials())?.facts.compute_capability)
}

impl GpuReader for Gpu {
    fn read(&mut self) -> Result<GpuReading, GpuError> {
        let nvml = &self.library.0;
        let device = nvml.device_by_index(self.index).map_err(unanswered("of the GPU"))?;
        // A GPU that cannot be divided does not support the question.
        if device.mig_mode().is_ok_and(|mode| mode.current != 0) {
            return Err(GpuError::Mig(format!("what CUDA sees of {}", self.facts.uuid)));
        }
        let memory = device.memory_info().map_err(unanswered("the GPU's memory"))?;
        Ok(GpuReading {
            used: memory.used,
            processes: processes(&device).map_err(unanswered("the GPU's processes")),
        })
    }
}

/// The processes that compute and that draw; one that does both stands in both lists, with the same figure.
fn processes(device: &Device) -> Result<Vec<GpuProcess>, NvmlError> {
    let computing = device.running_compute_processes()?;
    let drawing = match device.running_graphics_processes() {
        // A GPU without graphics.
        Err(NvmlError::NotSupported) => Vec::new(),
        drawing => drawing?,
    };
    let mut used: BTreeMap<u32, Option<u64>> = BTreeMap::new();
    for process in computing.iter().chain(&drawing) {
        let bytes = used.entry(process.pid).or_default();
        *bytes = (*bytes).max(bytes_of(process));
    }
    Ok(used.into_iter().map(|(pid, used)| GpuProcess { pid, used }).collect())
}

/// NVML's names of the reasons, such as `SW_POWER_CAP`.
fn named(reasons: ThrottleReasons) -> Vec<String> {
    let known = [
        (ThrottleReasons::GPU_IDLE, "GPU_IDLE"),
        (
            ThrottleReasons::APPLICATIONS_CLOCKS_SETTING,
            "APPLICATIONS_CLOCKS_SETTING",
        ),
        (ThrottleReasons::SW_POWER_CAP, "SW_POWER_CAP"),
        (ThrottleReasons::HW_SLOWDOWN, "HW_SLOWDOWN"),
        (ThrottleReasons::SYNC_BOOST, "SYNC_BOOST"),
        (ThrottleReasons::SW_THERMAL_SLOWDOWN, "SW_THERMAL_SLOWDOWN"),
        (ThrottleReasons::HW_THERMAL_SLOWDOWN, "HW_THERMAL_SLOWDOWN"),
        (ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN, "HW_POWER_BRAKE_SLOWDOWN"),
        (ThrottleReasons::DISPLAY_CLOCK_SETTING, "DISPLAY_CLOCK_SETTING"),
    ];
    let there = known.into_iter().filter(|&(reason, _)| reasons.contains(reason));
    there.map(|(_, name)| name.to_owned()).collect()
}

fn bytes_of(process: &ProcessInfo) -> Option<u64> {
    match process.used_gpu_memory {
        UsedGpuMemory::Used(bytes) => Some(bytes),
        UsedGpuMemory::Unavailable => None,
    }
}
