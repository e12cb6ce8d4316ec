//! What `[run]` says of determinism and precision, held against a device and carried out.

use super::allocator::allocator_variable;
use super::device::DeviceChoice;
use super::threads::thread_variables;
use super::visible_gpus::GPU_ORDER;
use crate::formats::ablation::{Execution, RunSettings};

/// A setting that a device cannot honour.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {rule}; {remedy}")]
pub struct ArithmeticError {
    /// The ablation file's key, `run.tf32`.
    pub key: &'static str,
    /// What is wrong.
    pub rule: String,
    /// What to do.
    pub remedy: String,
}

/// Checks that a device can honour the settings. `has_tf32` tells of a CUDA device's index whether it has TF32, or why
/// that is not known.
///
/// # Errors
/// The first setting that it cannot honour.
pub fn check_arithmetic<E: std::fmt::Display>(
    run: &RunSettings,
    device: DeviceChoice,
    has_tf32: impl Fn(usize) -> Result<bool, E>,
) -> Result<(), ArithmeticError> {
    let error = |rule: String| ArithmeticError {
        key: "run.tf32",
        rule,
        remedy: "leave tf32 out, or take a CUDA device of compute capability 8.0 or later".to_owned(),
    };
    match device {
        _ if !run.tf32 => Ok(()),
        DeviceChoice::Cuda(index) => match has_tf32(index) {
            Ok(true) => Ok(()),
            Ok(false) => Err(error(format!("tf32 is true, and {device} is too old to have TF32"))),
            Err(reason) => Err(error(format!(
                "tf32 is true, and whether {device} has TF32 is not known ({reason})"
            ))),
        },
        _ => Err(error(format!("tf32 is true, and the device {device} has no TF32"))),
    }
}

/// Checks that a device can carry a network out as the settings say.
///
/// # Errors
/// An execution that the device does not have.
pub fn check_execution(run: &RunSettings, device: DeviceChoice) -> Result<(), ArithmeticError> {
    match (run.execution, device) {
        (Execution::Aten, DeviceChoice::Flex) => Err(ArithmeticError {
            key: "run.execution",
            rule: format!("execution is \"aten\", and ATen's operations are libtorch's, which the device {device} is not of"),
            remedy: "take --device cpu or cuda:N in a program that was built with libtorch, or execution \"plain\" or \"recompute\""
                .to_owned(),
        }),
        (Execution::Fused, DeviceChoice::Flex | DeviceChoice::Cuda(_)) => Err(ArithmeticError {
            key: "run.execution",
            rule: format!("execution is \"fused\", and its kernels are for the CPU with libtorch's tensors, which the device {device} is not"),
            remedy: "take --device cpu in a program that was built with libtorch, or execution \"plain\" or \"recompute\"".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Sets this process's switches as the settings say.
///
/// # Errors
/// What libtorch says.
pub fn apply_arithmetic(run: &RunSettings, device: DeviceChoice) -> Result<(), ArithmeticError> {
    #[cfg(feature = "libtorch")]
    if device != DeviceChoice::Flex {
        crate::libtorch::set_switches(run.deterministic, run.tf32).map_err(|error| ArithmeticError {
            key: "run.deterministic",
            rule: error.to_string(),
            remedy: "check libtorch with `densenet-bench doctor`".to_owned(),
        })?;
    }
    let _ = (run, device);
    Ok(())
}

/// The variables that a process needs before it starts in order to work with these settings: OpenMP, rayon, the
/// allocator and cuBLAS read them once.
pub fn process_variables(run: &RunSettings, device: DeviceChoice, threads: usize) -> Vec<(&'static str, String)> {
    let mut variables = thread_variables(threads).to_vec();
    variables.push(allocator_variable(run.allocator));
    if matches!(device, DeviceChoice::Cuda(_)) {
        // So that `cuda:1` is the same GPU to CUDA and to NVML.
        variables.push((GPU_ORDER.0, GPU_ORDER.1.to_owned()));
        if run.deterministic {
            // cuBLAS repeats to the last bit with workspaces of a fixed size alone; PyTorch's notes on randomness name two.
            variables.push(("CUBLAS_WORKSPACE_CONFIG", ":4096:8".to_owned()));
        }
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(deterministic: bool, tf32: bool) -> RunSettings {
        RunSettings {
            deterministic,
            tf32,
            ..RunSettings::default()
        }
    }

    fn check(tf32: bool, device: DeviceChoice, has: Result<bool, String>) -> Result<(), String> {
        check_arithmetic(&run(true, tf32), device, |_| has.clone()).map_err(|error| error.to_string())
    }

    #[test]
    fn tf32_is_an_error_where_the_device_has_none() {
        let remedy = "leave tf32 out, or take a CUDA device of compute capability 8.0 or later";
        for device in [DeviceChoice::Cpu, DeviceChoice::Flex] {
            assert_eq!(
                check(true, device, Ok(true)),
                Err(format!(
                    "run.tf32: tf32 is true, and the device {device} has no TF32; {remedy}"
                ))
            );
            assert_eq!(check(false, device, Ok(false)), Ok(()));
        }
        let gpu = DeviceChoice::Cuda(0);
        assert_eq!(check(true, gpu, Ok(true)), Ok(()));
        assert_eq!(
            check(true, gpu, Ok(false)),
            Err(format!(
                "run.tf32: tf32 is true, and cuda:0 is too old to have TF32; {remedy}"
            ))
        );
        assert!(check(true, gpu, Err("no driver".to_owned())).is_err());
        assert_eq!(check(false, gpu, Ok(false)), Ok(()));
    }

    #[test]
    fn cublas_gets_its_workspace_before_a_deterministic_process_on_cuda_starts() {
        let has = |run: &RunSettings, device| {
            process_variables(run, device, 2)
                .iter()
                .any(|(name, value)| *name == "CUBLAS_WORKSPACE_CONFIG" && value == ":4096:8")
        };
        assert!(has(&run(true, false), DeviceChoice::Cuda(0)));
        assert!(!has(&run(false, false), DeviceChoice::Cuda(0)));
        assert!(!has(&run(true, false), DeviceChoice::Cpu));
    }
}
