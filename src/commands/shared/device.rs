//! Devices: reading `--device`, and whether one can do what `[run]` asks for.

use std::cell::LazyCell;

use densenet_bench::backends::{BackendDevice, DeviceChoice, DeviceError};
use densenet_bench::formats::ablation::Ablation;
use densenet_bench::host::{check_arithmetic, check_execution, compute_capability};

use super::Failure;

/// `--device` for clap, whose own message already names the flag.
pub fn parse(text: &str) -> Result<DeviceChoice, String> {
    text.parse()
        .map_err(|error: DeviceError| format!("{}; {}", error.rule, error.remedy))
}

/// The device that `--device` comes to on this machine.
pub fn resolved(choice: DeviceChoice) -> Result<BackendDevice, Failure> {
    choice.resolve().map_err(Failure::input)
}

/// Checks that the device can honour what `[run]` says of execution, determinism and precision.
pub fn check_switches(ablation: &Ablation, chosen: &[bool], device: BackendDevice) -> Result<(), Failure> {
    // NVML is asked once, and only where a precision depends on it.
    let capability = LazyCell::new(|| compute_capability(device.index()));
    for (variant, _) in ablation.variants.iter().zip(chosen).filter(|(_, chosen)| **chosen) {
        check_arithmetic(&variant.settings.run, device, |_| capability.clone())
            .and_then(|()| check_execution(&variant.settings.run, device))
            .map_err(|error| Failure::input(ablation.located(variant, error.key, error.rule, &error.remedy)))?;
    }
    Ok(())
}
