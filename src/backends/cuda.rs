//! `cuda:N`: libtorch on an NVIDIA GPU.

use std::fs;
use std::path::Path;

use super::backend::{AutoRank, Backend, MemorySource, PrecisionSupport, Refusal, Runtime};
use super::libtorch::{self, fits};
use crate::formats::ablation::{Execution, MapLayout, Precision};

/// Makes CUDA count GPUs by their place on the PCI bus, as NVML and `nvidia-smi` do. Its own order, the fastest first,
/// is known to CUDA alone. Set by a run for the processes of its trials.
pub const GPU_ORDER: (&str, &str) = ("CUDA_DEVICE_ORDER", "PCI_BUS_ID");

/// libtorch's CUDA devices.
pub static CUDA: Backend = Backend {
    name: "cuda",
    is_numbered: true,
    summary: "libtorch on an NVIDIA GPU",
    feature: "libtorch",
    auto: AutoRank::Preferred,
    versions,
    find: |device| fits().and_then(|()| find(device.index(), devices(), Path::new(DRIVER).exists())),
    repair: "check nvidia-smi, or take --device cpu",
    accelerators: gpu_models,
    precision: |precision| match precision {
        Precision::F32 => PrecisionSupport::Always,
        // Ampere is the first to have them.
        Precision::Tf32 | Precision::Bf16 => PrecisionSupport::FromComputeCapability(8, 0),
        // Volta is the first whose convolutions gain by it.
        Precision::F16 => PrecisionSupport::FromComputeCapability(7, 0),
    },
    has_cudnn: true,
    execution: |device, execution| match execution {
        Execution::Plain | Execution::Aten | Execution::Recompute => Ok(()),
        Execution::Fused => Err(super::refusals::fused(device)),
    },
    layout: |run| libtorch::layout(run, MapLayout::Nchw),
    step_graphs: |_| step_graphs(),
    updates_in_place: |execution| execution == Execution::Aten,
    variables: |run| {
        // So that `cuda:1` is the same GPU to CUDA and to NVML.
        let mut variables = vec![(GPU_ORDER.0, GPU_ORDER.1.to_owned())];
        if run.deterministic {
            // cuBLAS repeats to the last bit with workspaces of a fixed size alone; PyTorch's notes on randomness name two.
            variables.push(("CUBLAS_WORKSPACE_CONFIG", ":4096:8".to_owned()));
        }
        variables
    },
    recorded_variables: &[],
    runs_beside_processor: true,
    visible_devices: Some("CUDA_VISIBLE_DEVICES"),
    limits_memory: false,
    can_allocate_by_system: true,
    predicts_memory: true,
    process_memory: MemorySource::Nvml,
    runtime: RUNTIME,
};

#[cfg(not(feature = "libtorch"))]
const RUNTIME: Option<Runtime> = None;

#[cfg(feature = "libtorch")]
const RUNTIME: Option<Runtime> = Some(Runtime {
    open: crate::libtorch::cuda,
    lowerings: crate::libtorch::lowerings,
    fastest: |_| Execution::Aten,
    isolation: crate::libtorch::isolation,
    in_place: super::libtorch::in_place,
    step_graph: crate::libtorch::step_graph,
    uploads: Some(crate::libtorch::uploads),
    set_switches: super::libtorch::set_switches,
    limit_threads: crate::libtorch::limit_threads,
    count_tensors: counted::count,
    allocate_by_system: crate::libtorch::allocate_by_system,
});

/// Those of libtorch, and of the CUDA runtime and the cuDNN in it.
fn versions() -> Vec<(&'static str, String)> {
    #[cfg(feature = "libtorch")]
    let (cuda, cudnn) = crate::libtorch::cuda_versions();
    #[cfg(not(feature = "libtorch"))]
    let (cuda, cudnn): (Option<String>, Option<String>) = (None, None);
    let own = [("cuda", cuda), ("cudnn", cudnn)].into_iter();
    let own = own.filter_map(|(name, version)| Some((name, version?)));
    super::libtorch::versions().into_iter().chain(own).collect()
}

/// Checks that the program was built with graphs.
fn step_graphs() -> Result<(), Refusal> {
    #[cfg(feature = "libtorch")]
    if crate::libtorch::has_step_graphs() {
        return Ok(());
    }
    Err(Refusal::new(
        "cuda-graph is true, and this program was built without CUDA's headers, which graphs need",
        "leave cuda-graph out, or run `scripts/setup --cuda` and build again",
    ))
}

/// There where NVIDIA's driver is.
const DRIVER: &str = "/proc/driver/nvidia/version";

/// CUDA devices that libtorch sees; none without libtorch.
fn devices() -> usize {
    #[cfg(feature = "libtorch")]
    return crate::libtorch::cuda_devices();
    #[cfg(not(feature = "libtorch"))]
    return 0;
}

/// Checks that the index is one of `devices` devices.
fn find(index: usize, devices: usize, has_driver: bool) -> Result<(), Refusal> {
    if index < devices {
        return Ok(());
    }
    let remedy = match (devices, has_driver) {
        (0, true) => "run `scripts/setup --cuda`, or take --device cpu",
        (0, false) => "there is no NVIDIA driver here; take --device cpu",
        _ => "count from cuda:0",
    };
    Err(Refusal::new(format!("libtorch sees {devices} CUDA devices"), remedy))
}

/// The models of this machine's NVIDIA GPUs, as the driver lists them; none without a driver.
fn gpu_models() -> Option<String> {
    let gpus = fs::read_dir("/proc/driver/nvidia/gpus").ok()?;
    let texts = gpus.filter_map(|gpu| fs::read_to_string(gpu.ok()?.path().join("information")).ok());
    let mut models: Vec<String> = texts.filter_map(|text| model_in(&text)).collect();
    models.sort();
    (!models.is_empty()).then(|| models.join(", "))
}

fn model_in(information: &str) -> Option<String> {
    let line = information.lines().find_map(|line| line.strip_prefix("Model:"))?;
    Some(line.trim().to_owned())
}

/// The statistics of libtorch's caching allocator.
#[cfg(feature = "libtorch")]
mod counted {
    use crate::backends::{TensorCounter, TensorPeaks};
    use crate::libtorch::CudaTensors;

    pub fn count(index: usize) -> Option<Box<dyn TensorCounter>> {
        Some(Box::new(CudaTensors::of(index)?))
    }

    impl TensorCounter for CudaTensors {
        fn reset(&self) -> bool {
            self.reset_peaks().is_ok()
        }

        fn live(&self) -> Option<u64> {
            // libtorch counts what is live as part of the peaks, and a peak that was just reset is what is live.
            self.reset_peaks().ok()?;
            CudaTensors::peaks(*self).ok().map(|(allocated, _)| allocated)
        }

        fn peaks(&self) -> TensorPeaks {
            CudaTensors::peaks(*self).map_or_else(
                |_| TensorPeaks::default(),
                |(allocated, reserved)| TensorPeaks {
                    allocated: Some(allocated),
                    reserved: Some(reserved),
                },
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_that_is_not_there_is_an_error_with_a_remedy() {
        assert_eq!(find(1, 2, true), Ok(()));
        let remedy = |index, devices, has_driver| find(index, devices, has_driver).unwrap_err().remedy;
        assert_eq!(remedy(1, 1, true), "count from cuda:0");
        assert_eq!(remedy(0, 0, true), "run `scripts/setup --cuda`, or take --device cpu");
        assert!(remedy(0, 0, false).starts_with("there is no NVIDIA driver"));
        assert_eq!(find(1, 1, true).unwrap_err().rule, "libtorch sees 1 CUDA devices");
    }

    #[test]
    fn the_drivers_list_gives_the_model() {
        let information = "Model: \t\t NVIDIA GeForce GTX 1080 Ti\nIRQ:   \t\t 40\n";
        assert_eq!(model_in(information).as_deref(), Some("NVIDIA GeForce GTX 1080 Ti"));
        assert_eq!(model_in("IRQ: 40\n"), None);
    }
}
