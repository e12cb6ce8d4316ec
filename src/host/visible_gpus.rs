//! Which of NVML's GPUs is libtorch's `cuda:N`: CUDA counts in an order of its own, and hides some.
//!
//! The rules are those of CUDA's environment variables (CUDA C++ Programming Guide, "CUDA Environment Variables").

use super::gpu_error::GpuError;
use crate::backends::GPU_ORDER;

/// A GPU that NVML lists and that this process may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedGpu {
    /// NVML's index.
    pub index: u32,
    /// `GPU-` and 32 hexadecimal digits in groups.
    pub uuid: String,
    /// Domain, bus and device on the PCI bus.
    pub pci: [u32; 3],
}

/// The GPUs of a machine that CUDA's environment variables select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CudaView {
    visible: Option<String>,
    pci_order: bool,
}

impl CudaView {
    /// As this process sees them.
    pub fn of_this_process() -> Self {
        let (variable, order) = GPU_ORDER;
        Self {
            pci_order: std::env::var(variable).is_ok_and(|value| value == order),
            ..Self::of_trials()
        }
    }

    /// As the processes see them that this one starts with [`GPU_ORDER`].
    pub fn of_trials() -> Self {
        Self::new(std::env::var("CUDA_VISIBLE_DEVICES").ok(), true)
    }

    /// A view with that `CUDA_VISIBLE_DEVICES`, if it is set, and GPUs in the order of the PCI bus or in CUDA's own.
    pub fn new(visible: Option<String>, pci_order: bool) -> Self {
        Self { visible, pci_order }
    }

    /// The GPU that is `cuda:{index}`.
    ///
    /// # Errors
    /// A GPU that is not there or hidden, a MIG instance, or an index in CUDA's own order where that matters.
    pub fn pick(&self, index: usize, gpus: &[ListedGpu]) -> Result<ListedGpu, GpuError> {
        let mut ordered: Vec<&ListedGpu> = gpus.iter().collect();
        ordered.sort_by_key(|gpu| gpu.pci);
        let hidden = || GpuError::NotVisible {
            index,
            there: gpus.len(),
            visible: self.visible.clone(),
        };
        // Entries behind the first invalid one are hidden too.
        let entry = match &self.visible {
            None => Entry::Place(index),
            Some(visible) => visible
                .split(',')
                .map_while(|entry| Entry::read(entry.trim(), &ordered))
                .nth(index)
                .ok_or_else(hidden)?,
        };
        match entry {
            Entry::Mig(name) => Err(GpuError::Mig(name)),
            Entry::Gpu(gpu) => Ok(gpu),
            Entry::Place(_) if !self.pci_order && ordered.len() > 1 => Err(GpuError::Order { index }),
            Entry::Place(place) => ordered.get(place).map(|&gpu| gpu.clone()).ok_or_else(hidden),
        }
    }
}

/// An entry of `CUDA_VISIBLE_DEVICES`.
enum Entry {
    /// A place in CUDA's order.
    Place(usize),
    /// The one GPU whose UUID starts with this.
    Gpu(ListedGpu),
    /// A part of a GPU.
    Mig(String),
}

impl Entry {
    fn read(text: &str, gpus: &[&ListedGpu]) -> Option<Self> {
        if text.starts_with("MIG-") {
            return Some(Self::Mig(text.to_owned()));
        }
        if text.starts_with("GPU-") {
            let mut named = gpus.iter().filter(|gpu| gpu.uuid.starts_with(text));
            let gpu = named.next()?;
            return named.next().is_none().then(|| Self::Gpu((*gpu).clone()));
        }
        let place: usize = text.parse().ok()?;
        (place < gpus.len()).then_some(Self::Place(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two GPUs that NVML lists against the order of the bus.
    fn gpus() -> Vec<ListedGpu> {
        let gpu = |index, uuid: &str, bus| ListedGpu {
            index,
            uuid: uuid.to_owned(),
            pci: [0, bus, 0],
        };
        vec![gpu(0, "GPU-aa11", 7), gpu(1, "GPU-aa22", 3), gpu(2, "GPU-bb33", 9)]
    }

    fn picked(visible: Option<&str>, pci_order: bool, index: usize) -> Result<String, String> {
        let view = CudaView::new(visible.map(str::to_owned), pci_order);
        let gpu = view.pick(index, &gpus()).map_err(|error| error.to_string())?;
        Ok(gpu.uuid)
    }

    #[test]
    fn gpus_are_counted_along_the_bus() {
        assert_eq!(picked(None, true, 0).unwrap(), "GPU-aa22");
        assert_eq!(picked(None, true, 1).unwrap(), "GPU-aa11");
        assert_eq!(picked(None, true, 2).unwrap(), "GPU-bb33");
    }

    #[test]
    fn visible_devices_are_taken_by_place_and_by_uuid() {
        assert_eq!(picked(Some("2,0"), true, 0).unwrap(), "GPU-bb33");
        assert_eq!(picked(Some("2, 0"), true, 1).unwrap(), "GPU-aa22");
        assert_eq!(picked(Some("GPU-bb,GPU-aa11"), true, 0).unwrap(), "GPU-bb33");
        assert_eq!(picked(Some("GPU-bb,GPU-aa11"), true, 1).unwrap(), "GPU-aa11");
    }

    #[test]
    fn a_hidden_gpu_is_not_found_and_the_error_says_why() {
        assert_eq!(
            picked(Some("1"), true, 1).unwrap_err(),
            "cuda:1 is not one of the 3 GPUs that NVML lists, with CUDA_VISIBLE_DEVICES=1; name a GPU that is visible"
        );
        assert_eq!(
            picked(None, true, 3).unwrap_err(),
            "cuda:3 is not one of the 3 GPUs that NVML lists; name a GPU that is visible"
        );
        assert!(picked(Some(""), true, 0).is_err(), "an empty list hides all");
        assert!(
            picked(Some("-1,0"), true, 0).is_err(),
            "an invalid entry hides the rest"
        );
        assert!(picked(Some("GPU-aa"), true, 0).is_err(), "a prefix that two share");
        assert!(picked(Some("3"), true, 0).is_err());
    }

    #[test]
    fn a_part_of_a_gpu_is_refused_by_name() {
        let error = picked(Some("MIG-12ab"), true, 0).unwrap_err();
        assert!(error.starts_with("MIG-12ab is a MIG instance"), "{error}");
    }

    #[test]
    fn cudas_own_order_is_not_guessed() {
        let error = picked(None, false, 0).unwrap_err();
        assert!(error.ends_with("set CUDA_DEVICE_ORDER=PCI_BUS_ID"), "{error}");
        assert!(picked(Some("1"), false, 0).is_err());
        assert_eq!(picked(Some("GPU-bb"), false, 0).unwrap(), "GPU-bb33");
        let alone = CudaView::new(None, false).pick(0, &gpus()[..1]);
        assert_eq!(alone.unwrap().uuid, "GPU-aa11");
    }
}
