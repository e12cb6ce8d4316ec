//! Devices by the names that `--device` takes and that files have.

use std::fmt;
use std::str::FromStr;

use super::backend::{AutoRank, BackendDevice, Refusal, Runtime};
use super::lookup::{device_examples, fallback};
use super::table::BACKENDS;

/// The value of `--device`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first accelerator found, else the processor.
    Auto,
    /// This one.
    Named(BackendDevice),
}

/// Why a device is not available.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--device {device}: {rule}; {remedy}")]
pub struct DeviceError {
    /// The requested device.
    pub device: String,
    /// The problem.
    pub rule: String,
    /// The remedy.
    pub remedy: String,
}

impl DeviceError {
    pub(super) fn new(device: impl fmt::Display, refusal: Refusal) -> Self {
        Self {
            device: device.to_string(),
            rule: refusal.rule,
            remedy: refusal.remedy,
        }
    }
}

impl BackendDevice {
    /// Checks that the program supports it and this machine has it.
    ///
    /// # Errors
    /// A backend that is not built in, or a device that is not there.
    pub fn check(self) -> Result<(), DeviceError> {
        self.runtime()?;
        (self.backend().find)(self).map_err(|refusal| DeviceError::new(self, refusal))
    }

    /// The implementation of its backend.
    ///
    /// # Errors
    /// A backend that is not built in.
    pub fn runtime(self) -> Result<&'static Runtime, DeviceError> {
        self.backend().runtime.as_ref().ok_or_else(|| {
            let feature = self.backend().feature;
            let rule = format!("this program was built without {feature}");
            let build = format!("build it with `cargo build --release --locked --features {feature}`");
            let remedy = match fallback() {
                Some(other) => format!("{build}, or take --device {}", other.name),
                None => build,
            };
            DeviceError::new(self, Refusal::new(rule, remedy))
        })
    }

    /// Burn's device.
    ///
    /// # Errors
    /// A backend that is not built in.
    #[cfg(feature = "burn")]
    pub fn open(self) -> Result<burn::tensor::Device, DeviceError> {
        Ok((self.runtime()?.open)(self.index()))
    }
}

impl FromStr for BackendDevice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let device = BACKENDS.iter().find_map(|backend| {
            let index = match backend.is_numbered {
                true => text.strip_prefix(backend.name)?.strip_prefix(':')?.parse().ok()?,
                false => 0,
            };
            // An index may be written in other ways, such as `+1`, which would not read back in tables.
            let device = backend.device(index);
            (device.to_string() == text).then_some(device)
        });
        device.ok_or_else(|| {
            let remedy = format!("write {}", device_examples());
            DeviceError::new(text, Refusal::new("there is no such device", remedy))
        })
    }
}

impl DeviceChoice {
    /// Resolves the choice in this program and on this machine.
    ///
    /// # Errors
    /// A backend that is not built in, or a device that is not there.
    pub fn resolve(self) -> Result<BackendDevice, DeviceError> {
        self.resolve_by(BackendDevice::check)
    }

    /// [`DeviceChoice::resolve`], where `check` decides which devices exist.
    fn resolve_by(
        self,
        check: impl Fn(BackendDevice) -> Result<(), DeviceError>,
    ) -> Result<BackendDevice, DeviceError> {
        let Self::Named(device) = self else {
            let ranked = |rank| {
                let of_rank = BACKENDS.iter().filter(move |backend| backend.auto == rank);
                of_rank.map(|backend| backend.device(0))
            };
            let mut candidates = ranked(AutoRank::Preferred).chain(ranked(AutoRank::Fallback));
            return candidates.find(|&device| check(device).is_ok()).ok_or_else(|| {
                let remedy = "build it with the feature libtorch or burn";
                DeviceError::new(self, Refusal::new("this program was built without a backend", remedy))
            });
        };
        check(device)?;
        Ok(device)
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Named(device) => device.fmt(f),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        match text {
            "auto" => Ok(Self::Auto),
            text => text.parse().map(Self::Named),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CPU, CUDA, FLEX};
    use super::*;

    #[test]
    fn a_device_reads_back_as_it_is_printed() {
        for text in ["cpu", "cuda:0", "cuda:13", "flex"] {
            assert_eq!(text.parse::<BackendDevice>().unwrap().to_string(), text);
            assert_eq!(text.parse::<DeviceChoice>().unwrap().to_string(), text);
        }
        for backend in BACKENDS {
            let device = backend.device(0);
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        assert_eq!("auto".parse(), Ok(DeviceChoice::Auto));
    }

    #[test]
    fn an_unknown_device_is_an_error_that_lists_the_known_ones() {
        for text in ["gpu", "cuda", "cuda:", "cuda:+1", "cuda:01", "cpu:0", "CPU", ""] {
            let error = text.parse::<DeviceChoice>().unwrap_err().to_string();
            let expected = format!("--device {text}: there is no such device; write {}", device_examples());
            assert_eq!(error, expected);
        }
        assert!(device_examples().starts_with("auto, cpu, cuda:N (such as cuda:0)"));
        assert!("auto".parse::<BackendDevice>().is_err(), "no file says auto");
    }

    /// The device that `auto` resolves to where only these exist.
    fn automatic(there: &[BackendDevice]) -> Option<BackendDevice> {
        let check = |device: BackendDevice| {
            let missing = || DeviceError::new(device, Refusal::new("it is missing", "buy it"));
            there.contains(&device).then_some(()).ok_or_else(missing)
        };
        DeviceChoice::Auto.resolve_by(check).ok()
    }

    #[test]
    fn auto_takes_a_gpu_where_there_is_one_then_libtorch_then_flex() {
        let (cpu, gpu, flex) = (CPU.device(0), CUDA.device(0), FLEX.device(0));
        assert_eq!(automatic(&[cpu, gpu, CUDA.device(1), flex]), Some(gpu));
        assert_eq!(automatic(&[flex, cpu]), Some(cpu));
        assert_eq!(automatic(&[flex]), Some(flex));
        assert_eq!(automatic(&[CUDA.device(1)]), None);
    }

    #[test]
    fn auto_takes_no_backend_that_is_chosen_by_name_alone() {
        for backend in BACKENDS.iter().filter(|backend| backend.auto == AutoRank::Never) {
            assert_eq!(automatic(&[backend.device(0)]), None, "{backend:?}");
        }
    }

    #[test]
    fn a_backend_that_is_not_built_in_is_refused_and_never_another() {
        for backend in BACKENDS.iter().filter(|backend| !backend.is_built()) {
            let error = backend.device(0).check().unwrap_err();
            assert_eq!(
                error.rule,
                format!("this program was built without {}", backend.feature)
            );
            #[cfg(feature = "burn")]
            assert_eq!(backend.device(0).open().unwrap_err(), error);
        }
        #[cfg(feature = "burn")]
        for backend in BACKENDS.iter().filter(|backend| backend.auto == AutoRank::Fallback) {
            assert_eq!(backend.device(0).check().is_ok(), backend.is_built(), "{backend:?}");
        }
    }
}
