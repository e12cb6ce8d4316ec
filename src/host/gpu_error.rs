//! Why a GPU's memory or facts are not known.

/// Why NVML does not report a GPU.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// The library is missing.
    #[error("NVML cannot be loaded ({0}); it comes with NVIDIA's driver")]
    NotLoaded(String),
    /// It does not start.
    #[error("NVML does not start ({0}); check nvidia-smi")]
    NotStarted(String),
    /// CUDA's environment variables hide the GPU, or it does not exist.
    #[error("cuda:{index} is not one of the {there} GPUs that NVML lists{}; name a GPU that is visible", with_variable(.visible))]
    NotVisible {
        /// libtorch's index.
        index: usize,
        /// GPUs that NVML lists.
        there: usize,
        /// `CUDA_VISIBLE_DEVICES`, if it is set.
        visible: Option<String>,
    },
    /// NVML's figures for a process are not those of one instance.
    #[error("{0} is a MIG instance, whose memory NVML does not report apart from the GPU's; take a whole GPU")]
    Mig(String),
    /// Which GPU is meant is known to CUDA alone.
    #[error(
        "cuda:{index} is counted from the fastest GPU, an order that NVML does not have; set CUDA_DEVICE_ORDER=PCI_BUS_ID"
    )]
    Order {
        /// libtorch's index.
        index: usize,
    },
    /// A question that NVML does not answer.
    #[error("NVML does not report {what} ({reason}); check nvidia-smi")]
    Unanswered {
        /// The question.
        what: &'static str,
        /// NVML's answer.
        reason: String,
    },
}

fn with_variable(visible: &Option<String>) -> String {
    visible
        .as_ref()
        .map_or_else(String::new, |visible| format!(", with CUDA_VISIBLE_DEVICES={visible}"))
}
