//! Devices by the names that `--device` takes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What `--device` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceChoice {
    /// The first CUDA device where libtorch sees one, else the CPU.
    Auto,
    /// libtorch's CPU.
    Cpu,
    /// libtorch's CUDA device of that index.
    Cuda(usize),
    /// Burn's pure-Rust backend.
    Flex,
}

/// Why a device cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--device {device}: {rule}; {remedy}")]
pub struct DeviceError {
    /// What was asked for.
    pub device: String,
    /// What was found.
    pub rule: String,
    /// What to do.
    pub remedy: String,
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let index = text.strip_prefix("cuda:").and_then(|index| index.parse().ok());
        match (text, index) {
            ("auto", _) => Ok(Self::Auto),
            ("cpu", _) => Ok(Self::Cpu),
            ("flex", _) => Ok(Self::Flex),
            (_, Some(index)) => Ok(Self::Cuda(index)),
            _ => Err(DeviceError {
                device: text.to_owned(),
                rule: "there is no such device".to_owned(),
                remedy: "write auto, cpu, cuda:N (such as cuda:0) or flex".to_owned(),
            }),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
            Self::Flex => f.write_str("flex"),
        }
    }
}

impl DeviceChoice {
    /// What the choice comes to on a machine where libtorch sees `cuda_devices`; never `Auto`.
    ///
    /// # Errors
    /// A CUDA device that is not there, or libtorch in a program that was built without it.
    pub fn resolve(self, libtorch: bool, cuda_devices: usize) -> Result<Self, DeviceError> {
        let error = |rule: String, remedy: &str| DeviceError {
            device: self.to_string(),
            rule,
            remedy: remedy.to_owned(),
        };
        const WITHOUT_LIBTORCH: &str = "this program was built without libtorch";
        match self {
            Self::Auto if cuda_devices > 0 => Ok(Self::Cuda(0)),
            Self::Auto if libtorch => Ok(Self::Cpu),
            Self::Auto => Ok(Self::Flex),
            Self::Cpu | Self::Cuda(_) if !libtorch => Err(error(
                WITHOUT_LIBTORCH.to_owned(),
                "build it with the feature libtorch, or take --device flex",
            )),
            Self::Cuda(index) if index >= cuda_devices => Err(error(
                format!("libtorch sees {cuda_devices} CUDA devices"),
                if cuda_devices == 0 {
                    "run `scripts/setup --cuda` where there is an NVIDIA GPU, see `densenet-bench doctor`; or take --device cpu"
                } else {
                    "count from cuda:0"
                },
            )),
            chosen => Ok(chosen),
        }
    }
}

/// CUDA devices that libtorch sees; none without libtorch.
pub fn cuda_devices() -> usize {
    #[cfg(feature = "libtorch")]
    return crate::libtorch::cuda_devices();
    #[cfg(not(feature = "libtorch"))]
    return 0;
}

/// The models of this machine's NVIDIA GPUs, as the driver lists them; none without a driver.
pub fn gpu_models() -> Option<String> {
    let gpus = std::fs::read_dir("/proc/driver/nvidia/gpus").ok()?;
    let texts = gpus.filter_map(|gpu| std::fs::read_to_string(gpu.ok()?.path().join("information")).ok());
    let mut models: Vec<String> = texts.filter_map(|text| model_in(&text)).collect();
    models.sort();
    (!models.is_empty()).then(|| models.join(", "))
}

fn model_in(information: &str) -> Option<String> {
    let line = information.lines().find_map(|line| line.strip_prefix("Model:"))?;
    Some(line.trim().to_owned())
}

/// Burn's device for a choice that [`DeviceChoice::resolve`] has resolved.
#[cfg(feature = "burn")]
pub fn open(choice: DeviceChoice) -> burn::tensor::Device {
    match choice {
        #[cfg(feature = "libtorch")]
        DeviceChoice::Auto | DeviceChoice::Cpu => crate::libtorch::cpu(),
        #[cfg(feature = "libtorch")]
        DeviceChoice::Cuda(index) => crate::libtorch::cuda(index),
        // Without libtorch `resolve` gives nothing else.
        _ => burn::tensor::Device::flex(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_reads_back_as_it_is_printed() {
        for text in ["auto", "cpu", "cuda:0", "cuda:13", "flex"] {
            assert_eq!(text.parse::<DeviceChoice>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_drivers_list_gives_the_model() {
        let information = "Model: \t\t NVIDIA GeForce GTX 1080 Ti\nIRQ:   \t\t 40\n";
        assert_eq!(model_in(information).as_deref(), Some("NVIDIA GeForce GTX 1080 Ti"));
        assert_eq!(model_in("IRQ: 40\n"), None);
    }

    #[test]
    fn an_unknown_device_is_an_error_that_lists_those_there_are() {
        let error = "gpu".parse::<DeviceChoice>().unwrap_err().to_string();
        assert_eq!(
            error,
            "--device gpu: there is no such device; write auto, cpu, cuda:N (such as cuda:0) or flex"
        );
    }

    #[test]
    fn auto_takes_a_gpu_where_libtorch_sees_one() {
        assert_eq!(DeviceChoice::Auto.resolve(true, 2), Ok(DeviceChoice::Cuda(0)));
        assert_eq!(DeviceChoice::Auto.resolve(true, 0), Ok(DeviceChoice::Cpu));
        assert_eq!(DeviceChoice::Auto.resolve(false, 0), Ok(DeviceChoice::Flex));
    }

    #[test]
    fn a_gpu_that_is_not_there_is_an_error_with_a_remedy() {
        let error = DeviceChoice::Cuda(1).resolve(true, 1).unwrap_err().to_string();
        assert_eq!(
            error,
            "--device cuda:1: libtorch sees 1 CUDA devices; count from cuda:0"
        );
        assert!(DeviceChoice::Cpu.resolve(false, 0).is_err());
    }
}
