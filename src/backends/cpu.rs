//! `cpu`: libtorch on the processor.

use super::backend::{AutoRank, Backend, MemorySource, PrecisionSupport, Runtime};
use super::libtorch::{self, fits, versions};
use crate::formats::ablation::{Execution, MapLayout, Precision};

/// libtorch's CPU.
pub static CPU: Backend = Backend {
    name: "cpu",
    is_numbered: false,
    summary: "libtorch's CPU",
    feature: "libtorch",
    auto: AutoRank::Fallback,
    versions,
    find: |_| fits(),
    repair: "run scripts/setup --force",
    accelerators: || None,
    precision: |precision| match precision {
        Precision::F32 | Precision::Bf16 | Precision::F16 => PrecisionSupport::Always,
        Precision::Tf32 => PrecisionSupport::Never,
    },
    has_cudnn: false,
    execution: |_, execution| match execution {
        Execution::Plain | Execution::Aten | Execution::Recompute | Execution::Fused => Ok(()),
    },
    layout: |run| libtorch::layout(run, MapLayout::ChannelsLast),
    step_graphs: super::refusals::step_graphs,
    updates_in_place: |execution| execution == Execution::Fused,
    variables: |_| Vec::new(),
    recorded_variables: &[],
    runs_beside_processor: false,
    visible_devices: None,
    limits_memory: true,
    can_allocate_by_system: true,
    predicts_memory: true,
    process_memory: MemorySource::ResidentSet,
    runtime: RUNTIME,
};

#[cfg(not(feature = "libtorch"))]
const RUNTIME: Option<Runtime> = None;

#[cfg(feature = "libtorch")]
const RUNTIME: Option<Runtime> = Some(Runtime {
    open: |_| crate::libtorch::cpu(),
    lowerings: crate::libtorch::lowerings,
    // libtorch's convolutions are the faster ones where maps are not concatenated, as those of a VGG.
    fastest: |graph| match crate::model::has_dense_block(graph) {
        true => Execution::Fused,
        false => Execution::Aten,
    },
    isolation: crate::libtorch::isolation,
    in_place: super::libtorch::in_place,
    step_graph: |_| Err("the processor has no graphs".to_owned()),
    uploads: None,
    set_switches: super::libtorch::set_switches,
    limit_threads: crate::libtorch::limit_threads,
    count_tensors: |_| counted::count(),
    allocate_by_system: crate::libtorch::allocate_by_system,
});

/// libtorch's allocator, wrapped by one that counts.
#[cfg(feature = "libtorch")]
mod counted {
    use crate::backends::{TensorCounter, TensorPeaks};
    use crate::libtorch::CpuTensors;

    pub fn count() -> Option<Box<dyn TensorCounter>> {
        Some(Box::new(CpuTensors::count()?))
    }

    impl TensorCounter for CpuTensors {
        fn limit(&self, bytes: u64) -> bool {
            CpuTensors::limit(*self, bytes);
            true
        }

        fn reset(&self) -> bool {
            self.reset_peak();
            true
        }

        fn live(&self) -> Option<u64> {
            Some(CpuTensors::live(*self))
        }

        fn peaks(&self) -> TensorPeaks {
            TensorPeaks {
                allocated: Some(self.peak()),
                reserved: None,
            }
        }
    }
}
