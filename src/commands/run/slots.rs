//! The places where trials run at once: one, or several that share the processors, or one for each GPU.

use densenet_bench::backends::BackendDevice;
use densenet_bench::host::{CudaView, GpuRecord};

/// A place where one trial at a time runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its number, from 0.
    pub number: usize,
    /// How many there are.
    pub at_once: usize,
    /// Variables of the processes that run there, beside those of their settings.
    pub variables: Vec<(&'static str, String)>,
    /// The processors that they are held to; none where they may use all.
    pub processors: Option<Vec<usize>>,
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            number: 0,
            at_once: 1,
            variables: Vec::new(),
            processors: None,
        }
    }
}

impl Slot {
    /// Slots that share the processors of this list, with so many threads each. Where there are fewer processors than threads
    /// they are not divided: the system lets the threads take turns.
    pub fn on_processors(at_once: usize, threads: usize, processors: &[usize]) -> Vec<Self> {
        let share = processors.len() / at_once.max(1);
        let divide = at_once > 1 && share >= threads.max(1);
        let slot = |number| Self {
            number,
            at_once,
            variables: Vec::new(),
            processors: divide.then(|| processors[number * share..(number + 1) * share].to_vec()),
        };
        (0..at_once).map(slot).collect()
    }

    /// A slot for each of these GPUs, each of which is all that its processes see. They are counted as they are counted
    /// here: among those that `visible` names, this process's own value of the `variable` that shows them.
    ///
    /// # Errors
    /// A GPU that it does not name.
    pub fn on_gpus(gpus: &[usize], variable: &'static str, visible: Option<&str>) -> Result<Vec<Self>, String> {
        let names: Option<Vec<&str>> = visible.map(|visible| visible.split(',').map(str::trim).collect());
        let slot = |(number, &gpu): (usize, &usize)| {
            let name = match &names {
                None => gpu.to_string(),
                Some(names) => match names.get(gpu) {
                    Some(name) => (*name).to_owned(),
                    None => return Err(format!("{variable}={} has no GPU {gpu}", names.join(","))),
                },
            };
            Ok(Self {
                number,
                at_once: gpus.len(),
                variables: vec![(variable, name)],
                processors: None,
            })
        };
        gpus.iter().enumerate().map(slot).collect()
    }

    /// The only one of a run that trains one trial after the other.
    pub fn only() -> Vec<Self> {
        vec![Self::default()]
    }

    /// The device's GPU as the processes there see it, now; none where it is not a GPU that NVML reports.
    pub fn gpu_record(&self, device: BackendDevice) -> Option<GpuRecord> {
        let shows = device.backend().visible_devices;
        match self.variables.iter().find(|(name, _)| Some(*name) == shows) {
            Some((_, entry)) => GpuRecord::in_view(device, &CudaView::new(Some(entry.clone()), true)),
            None => GpuRecord::of(device),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processors_are_divided_where_each_thread_has_one() {
        let of = |at_once, threads| -> Vec<Option<Vec<usize>>> {
            let slots = Slot::on_processors(at_once, threads, &[2, 3, 5, 7]);
            slots.into_iter().map(|slot| slot.processors).collect()
        };
        assert_eq!(of(2, 2), [Some(vec![2, 3]), Some(vec![5, 7])]);
        assert_eq!(of(2, 1), [Some(vec![2, 3]), Some(vec![5, 7])]);
        assert_eq!(of(3, 1), [Some(vec![2]), Some(vec![3]), Some(vec![5])]);
        assert_eq!(of(2, 3), [None, None]);
        assert_eq!(of(1, 4), [None]);
    }

    #[test]
    fn each_slot_sees_its_own_gpu_alone() {
        let of = |gpus: &[usize], visible| -> Result<Vec<String>, String> {
            let slots = Slot::on_gpus(gpus, "CUDA_VISIBLE_DEVICES", visible)?;
            Ok(slots
                .into_iter()
                .map(|slot| format!("{}: {}", slot.number, slot.variables[0].1))
                .collect())
        };
        assert_eq!(of(&[0, 1], None).unwrap(), ["0: 0", "1: 1"]);
        assert_eq!(of(&[3, 1], None).unwrap(), ["0: 3", "1: 1"]);
        assert_eq!(of(&[1, 0], Some("5, GPU-aa11")).unwrap(), ["0: GPU-aa11", "1: 5"]);
        assert_eq!(
            of(&[2], Some("5,7")).unwrap_err(),
            "CUDA_VISIBLE_DEVICES=5,7 has no GPU 2"
        );
    }
}
