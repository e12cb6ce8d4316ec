//! How a GPU stands: clocks, limits and modes that decide how fast it is, as NVML reports them.

use serde::{Deserialize, Serialize};

/// A GPU at one moment. What its driver does not report is absent. Nothing of it is ever set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuState {
    /// The clock of the multiprocessors, in MHz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sm_clock_mhz: Option<u32>,
    /// The highest that they can have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sm_clock_max_mhz: Option<u32>,
    /// The memory's clock, in MHz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_clock_mhz: Option<u32>,
    /// The highest that it can have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_clock_max_mhz: Option<u32>,
    /// The power limit in force, in milliwatts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_limit_mw: Option<u32>,
    /// The chip's temperature, in degrees Celsius.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature_c: Option<u32>,
    /// What holds the clocks down, in NVML's names; an empty list: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle_reasons: Option<Vec<String>>,
    /// Whether the memory's errors are corrected (ECC), which costs bandwidth on some GPUs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ecc: Option<bool>,
    /// Whether the GPU is divided into instances (MIG); absent where it cannot be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mig: Option<bool>,
    /// Whether the driver stays loaded without a process that uses the GPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistence_mode: Option<bool>,
}

/// The GPU that a process used, with its state at the start and at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuRecord {
    /// `NVIDIA A100-SXM4-80GB`.
    pub name: String,
    /// Its globally unique ID.
    pub uuid: String,
    /// All of its memory, in bytes.
    pub memory_bytes: u64,
    /// The version of NVIDIA's driver.
    pub driver: String,
    /// CUDA's compute capability, `8.0`.
    pub compute_capability: String,
    /// Of a measurement right after the warm-up; of a trial before its start.
    pub start: GpuState,
    /// Of a measurement right after the timed steps; absent where nothing was timed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<GpuState>,
}

/// Reasons that hold clocks down although nobody chose so. That a GPU idles, or has clocks that were set, is none.
const UNCHOSEN: [&str; 6] = [
    "SW_POWER_CAP",
    "HW_SLOWDOWN",
    "SYNC_BOOST",
    "SW_THERMAL_SLOWDOWN",
    "HW_THERMAL_SLOWDOWN",
    "HW_POWER_BRAKE_SLOWDOWN",
];

/// The share by which a clock may move between start and end.
const STEADY: f64 = 0.05;

impl GpuRecord {
    /// What makes the times doubtful: clocks that were held down or that moved. None where nothing did, and where it is not
    /// known.
    pub fn warning(&self) -> Option<String> {
        let mut seen = Vec::new();
        let both = [Some(&self.start), self.end.as_ref()];
        let reasons = both.into_iter().flatten().flat_map(|state| &state.throttle_reasons);
        let mut held: Vec<&str> = Vec::new();
        for reason in reasons.flatten().filter(|reason| UNCHOSEN.contains(&reason.as_str())) {
            if !held.contains(&reason.as_str()) {
                held.push(reason);
            }
        }
        if !held.is_empty() {
            seen.push(format!("the GPU's clocks were held down ({})", held.join(", ")));
        }
        if let Some(end) = &self.end {
            let clocks = [
                ("SM", self.start.sm_clock_mhz, end.sm_clock_mhz),
                ("memory", self.start.memory_clock_mhz, end.memory_clock_mhz),
            ];
            for (name, start, end) in clocks {
                if let (Some(start), Some(end)) = (start, end)
                    && (f64::from(end) - f64::from(start)).abs() > STEADY * f64::from(start)
                {
                    seen.push(format!(
                        "the GPU's {name} clock was {start} MHz before the timed steps and {end} MHz after them"
                    ));
                }
            }
        }
        (!seen.is_empty()).then(|| seen.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(sm: u32, memory: u32, reasons: &[&str]) -> GpuState {
        GpuState {
            sm_clock_mhz: Some(sm),
            memory_clock_mhz: Some(memory),
            throttle_reasons: Some(reasons.iter().map(|&reason| reason.to_owned()).collect()),
            ..GpuState::default()
        }
    }

    fn record(start: GpuState, end: Option<GpuState>) -> GpuRecord {
        GpuRecord {
            name: "NVIDIA A100".to_owned(),
            uuid: "GPU-1".to_owned(),
            memory_bytes: 80,
            driver: "570".to_owned(),
            compute_capability: "8.0".to_owned(),
            start,
            end,
        }
    }

    fn warning(start: GpuState, end: GpuState) -> String {
        record(start, Some(end)).warning().unwrap_or_default()
    }

    #[test]
    fn a_clock_that_moves_by_more_than_a_twentieth_is_a_warning_either_way() {
        assert_eq!(warning(state(1000, 1000, &[]), state(1050, 950, &[])), "");
        assert_eq!(
            warning(state(1000, 1000, &[]), state(949, 1000, &[])),
            "the GPU's SM clock was 1000 MHz before the timed steps and 949 MHz after them"
        );
        assert_eq!(
            warning(state(1000, 1000, &[]), state(1000, 1051, &[])),
            "the GPU's memory clock was 1000 MHz before the timed steps and 1051 MHz after them"
        );
    }

    #[test]
    fn clocks_that_are_held_down_are_a_warning_and_chosen_ones_are_not() {
        let chosen = ["GPU_IDLE", "APPLICATIONS_CLOCKS_SETTING", "DISPLAY_CLOCK_SETTING"];
        assert_eq!(warning(state(1, 1, &chosen), state(1, 1, &chosen)), "");
        assert_eq!(
            warning(
                state(1, 1, &["SW_POWER_CAP"]),
                state(1, 1, &["SW_POWER_CAP", "HW_THERMAL_SLOWDOWN"])
            ),
            "the GPU's clocks were held down (SW_POWER_CAP, HW_THERMAL_SLOWDOWN)"
        );
    }

    #[test]
    fn what_is_not_reported_is_absent_and_no_warning() {
        let unknown = record(GpuState::default(), Some(GpuState::default()));
        assert_eq!(unknown.warning(), None);
        assert_eq!(record(state(1000, 1000, &[]), None).warning(), None);
        let text = serde_json::to_string(&unknown).unwrap();
        assert!(text.ends_with(r#""start":{},"end":{}}"#), "{text}");
        assert_eq!(serde_json::from_str::<GpuRecord>(&text).unwrap(), unknown);
    }
}
