//! Devices: reading `--device`, and whether one can do what `[run]` asks for.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use densenet_bench::backends::{BackendDevice, DeviceChoice, DeviceError};
use densenet_bench::formats::ablation::{Ablation, with_overrides};
use densenet_bench::host::{check_arithmetic, check_execution, compute_capability};
use densenet_bench::training::fastest_execution;

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

/// An ablation with the executions that it left to a device.
pub struct Settled {
    /// The ablation.
    pub ablation: Ablation,
    /// The names of those executions.
    pub executions: BTreeSet<&'static str>,
    leaves_all: bool,
}

impl Settled {
    /// The text of its file to be kept: it says which trials these are, on whatever machine it is read, where all variants have
    /// come to one execution.
    pub fn kept(&self, text: String) -> Result<String, Failure> {
        let mut executions = self.executions.iter();
        match (self.leaves_all, executions.next(), executions.next()) {
            (true, Some(execution), None) => {
                let named = [format!("run.execution={execution}")];
                with_overrides(&text, &named, &self.ablation.file).map_err(Failure::ablation)
            }
            _ => Ok(text),
        }
    }
}

/// The ablation with the executions that it leaves to the device, once that can honour what `[run]` says of execution,
/// determinism and precision.
pub fn settled(ablation: Ablation, chosen: &[bool], device: BackendDevice) -> Result<Settled, Failure> {
    let settled = with_executions(ablation, device);
    check_switches(&settled.ablation, chosen, device)?;
    Ok(settled)
}

/// The same for a device that this machine need not have.
pub fn with_executions(mut ablation: Ablation, device: BackendDevice) -> Settled {
    let mut executions = BTreeSet::new();
    let mut leaves_all = true;
    for variant in &mut ablation.variants {
        let run = &mut variant.settings.run;
        match std::mem::take(&mut run.chooses_execution) {
            true => {
                run.execution = fastest_execution(&variant.settings.model, device);
                executions.insert(run.execution.name());
            }
            false => leaves_all = false,
        }
    }
    Settled {
        ablation,
        executions,
        leaves_all,
    }
}

/// The device that `--device` means for work that may be done elsewhere.
pub fn intended(choice: DeviceChoice) -> Result<BackendDevice, Failure> {
    match choice {
        DeviceChoice::Named(device) => Ok(device),
        DeviceChoice::Auto => resolved(choice),
    }
}

fn check_switches(ablation: &Ablation, chosen: &[bool], device: BackendDevice) -> Result<(), Failure> {
    // NVML is asked once, and only where a precision depends on it.
    let capability = LazyCell::new(|| compute_capability(device.index()));
    for (variant, _) in ablation.variants.iter().zip(chosen).filter(|(_, chosen)| **chosen) {
        check_arithmetic(&variant.settings.run, device, |_| capability.clone())
            .and_then(|()| check_execution(&variant.settings.run, device))
            .map_err(|error| Failure::input(ablation.located(variant, error.key, error.rule, &error.remedy)))?;
    }
    Ok(())
}
