//! Checks the execution, determinism and precision of `[run]` against a device, and applies them.

use super::allocator::allocator_variable;
use super::threads::thread_variables;
use crate::backends::{BackendDevice, PrecisionSupport, Refusal};
use crate::formats::ablation::{Allocator, Execution, MapLayout, Precision, RunSettings};
use crate::kernels::Processor;

/// A setting that a device cannot honour.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {rule}; {remedy}")]
pub struct ArithmeticError {
    /// The ablation file's key, `run.precision`.
    pub key: &'static str,
    /// The problem.
    pub rule: String,
    /// The remedy.
    pub remedy: String,
}

impl ArithmeticError {
    fn new(key: &'static str, refusal: Refusal) -> Self {
        Self {
            key,
            rule: refusal.rule,
            remedy: refusal.remedy,
        }
    }
}

/// Checks that a device computes in the precision of the settings, and has the allocator and cuDNN where they are about them.
/// `compute_capability` gives that of a CUDA device's index, or why it is not known.
///
/// # Errors
/// A precision, an allocator or a search for algorithms that the device does not have.
pub fn check_arithmetic<E: std::fmt::Display>(
    run: &RunSettings,
    device: BackendDevice,
    compute_capability: impl Fn(usize) -> Result<(i32, i32), E>,
) -> Result<(), ArithmeticError> {
    if run.cudnn_benchmark && !device.backend().has_cudnn {
        let rule = format!("cudnn-benchmark is true, and the device {device} does not use cuDNN");
        let remedy = "leave cudnn-benchmark out, or take a CUDA device";
        return Err(ArithmeticError::new("run.cudnn-benchmark", Refusal::new(rule, remedy)));
    }
    if run.cuda_graph {
        let has = (device.backend().step_graphs)(device);
        has.map_err(|refusal| ArithmeticError::new("run.cuda-graph", refusal))?;
    }
    if run.allocator == Allocator::System && !device.backend().can_allocate_by_system {
        let rule = format!("allocator is \"system\", but the tensors of {device} are not allocated by the C library");
        let remedy = "leave it out, or take --device cpu";
        return Err(ArithmeticError::new("run.allocator", Refusal::new(rule, remedy)));
    }
    let name = run.precision.name();
    let refused = match (device.backend().precision)(run.precision) {
        PrecisionSupport::Always => return Ok(()),
        PrecisionSupport::Never => format!("which the device {device} does not have"),
        PrecisionSupport::FromComputeCapability(major, minor) => match compute_capability(device.index()) {
            Ok(there) if there >= (major, minor) => return Ok(()),
            Ok((of, sub)) => format!("which {device} is too old for (compute capability {of}.{sub})"),
            Err(reason) => format!("and whether {device} has it is not known ({reason})"),
        },
    };
    let remedy = match run.precision {
        Precision::F32 => "choose another device with --device",
        Precision::Bf16 => {
            "write precision = \"f32\", or take --device cpu or a CUDA device of compute capability 8.0 or later"
        }
        Precision::F16 => {
            "write precision = \"f32\", or take --device cpu or a CUDA device of compute capability 7.0 or later"
        }
        Precision::Tf32 => "write precision = \"f32\", or take a CUDA device of compute capability 8.0 or later",
    };
    let rule = format!("precision is \"{name}\", {refused}");
    Err(ArithmeticError::new("run.precision", Refusal::new(rule, remedy)))
}

/// Checks that a device supports the execution of the settings.
///
/// # Errors
/// An execution that the device does not have.
pub fn check_execution(run: &RunSettings, device: BackendDevice) -> Result<(), ArithmeticError> {
    // The ablation file has been asked already; a specification of a measurement may come from elsewhere.
    if run.precision.is_half() && run.execution != Execution::Aten {
        let rule = format!(
            "the execution is {}, and aten alone has {}",
            run.execution, run.precision
        );
        let remedy = "write execution = \"aten\" beside it, or leave precision out";
        return Err(ArithmeticError::new("run.precision", Refusal::new(rule, remedy)));
    }
    (device.backend().execution)(device, run.execution)
        .map_err(|refusal| ArithmeticError::new("run.execution", refusal))?;
    check_instructions(run)
}

/// Checks that the kernels' instructions are those of an execution that has kernels, and the processor's.
fn check_instructions(run: &RunSettings) -> Result<(), ArithmeticError> {
    let Some(processor) = run.instructions.processor() else {
        return Ok(());
    };
    let name = run.instructions.name();
    let refusal = if run.execution != Execution::Fused {
        let execution = run.execution;
        Refusal::new(
            format!(
                "instructions is \"{name}\", which is of the kernels of \"fused\", and execution is \"{execution}\""
            ),
            "leave instructions out, or write execution = \"fused\"",
        )
    } else if processor.is_available() {
        return Ok(());
    } else {
        let there: Vec<&str> = Processor::available().into_iter().map(Processor::name).collect();
        Refusal::new(
            format!(
                "instructions is \"{name}\", which this processor lacks: it has {}",
                there.join(", ")
            ),
            "leave it out for the fastest that the processor has",
        )
    };
    Err(ArithmeticError::new("run.instructions", refusal))
}

/// How feature maps lie in memory with these settings on the device of that name; none of a name that is no device's.
pub fn recorded_layout(run: &RunSettings, device: &str) -> Option<MapLayout> {
    let device: BackendDevice = device.parse().ok()?;
    Some((device.backend().layout)(run))
}

/// Whether training steps are replayed from a graph with these settings on the device of that name; none of a device without
/// graphs.
pub fn recorded_graph(run: &RunSettings, device: &str) -> Option<bool> {
    let device: BackendDevice = device.parse().ok()?;
    device.backend().has_cudnn.then_some(run.cuda_graph)
}

/// Sets this process's switches as the settings say.
///
/// # Errors
/// The backend's library refuses.
pub fn apply_arithmetic(run: &RunSettings, device: BackendDevice) -> Result<(), ArithmeticError> {
    // A backend that is not built in has no switches, and is refused where it is opened.
    let Some(runtime) = &device.backend().runtime else {
        return Ok(());
    };
    if run.allocator == Allocator::System && !(runtime.allocate_by_system)() {
        let refusal = Refusal::new(
            "allocator is \"system\", and the C library's own was not found",
            "leave it out",
        );
        return Err(ArithmeticError::new("run.allocator", refusal));
    }
    (runtime.set_switches)(run).map_err(|error| {
        let remedy = "check the device with `densenet-bench doctor`";
        ArithmeticError::new("run.deterministic", Refusal::new(error, remedy))
    })
}

/// The variables that a process needs before it starts in order to work with these settings: OpenMP, rayon, the
/// allocator and cuBLAS read them once.
pub fn process_variables(run: &RunSettings, device: BackendDevice, threads: usize) -> Vec<(&'static str, String)> {
    let mut variables = thread_variables(threads).to_vec();
    variables.push(allocator_variable(run.allocator));
    variables.extend((device.backend().variables)(run));
    variables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::{BACKENDS, CPU, CUDA, FLEX};
    use crate::formats::ablation::Instructions;

    fn run(deterministic: bool, precision: Precision) -> RunSettings {
        RunSettings {
            deterministic,
            precision,
            ..RunSettings::default()
        }
    }

    fn check(precision: Precision, device: BackendDevice, gpu: Result<(i32, i32), String>) -> Result<(), String> {
        check_arithmetic(&run(true, precision), device, |_| gpu.clone()).map_err(|error| error.to_string())
    }

    #[test]
    fn tf32_is_an_error_where_the_device_does_not_have_it() {
        let remedy = "write precision = \"f32\", or take a CUDA device of compute capability 8.0 or later";
        let refused = |rule: &str| Err(format!("run.precision: precision is \"tf32\", {rule}; {remedy}"));
        for device in [CPU.device(0), FLEX.device(0)] {
            let rule = format!("which the device {device} does not have");
            assert_eq!(check(Precision::Tf32, device, Ok((9, 0))), refused(&rule));
        }
        let gpu = CUDA.device(0);
        for there in [(8, 0), (8, 6), (12, 0)] {
            assert_eq!(check(Precision::Tf32, gpu, Ok(there)), Ok(()));
        }
        assert_eq!(
            check(Precision::Tf32, gpu, Ok((7, 5))),
            refused("which cuda:0 is too old for (compute capability 7.5)")
        );
        assert_eq!(
            check(Precision::Tf32, gpu, Err("no driver".to_owned())),
            refused("and whether cuda:0 has it is not known (no driver)")
        );
    }

    #[test]
    fn a_cuda_graph_is_an_error_on_every_other_device() {
        let run = RunSettings {
            cuda_graph: true,
            ..run(true, Precision::F32)
        };
        for backend in BACKENDS.iter().filter(|backend| !backend.has_cudnn) {
            let device = backend.device(0);
            let error = check_arithmetic(&run, device, |_| Err("not asked")).unwrap_err();
            let expected = format!(
                "run.cuda-graph: cuda-graph is true, and the device {device} has no CUDA graphs; leave cuda-graph out, or take a \
                 CUDA device"
            );
            assert_eq!(error.to_string(), expected);
            assert_eq!(recorded_graph(&run, backend.name), None);
        }
        assert_eq!(recorded_graph(&run, "cuda:1"), Some(true));
        assert_eq!(recorded_graph(&RunSettings::default(), "cuda:1"), Some(false));
    }

    #[test]
    fn sixteen_bits_are_an_error_on_devices_and_in_executions_without_autocast() {
        for precision in [Precision::Bf16, Precision::F16] {
            assert_eq!(check(precision, CPU.device(0), Err("not asked".to_owned())), Ok(()));
            let error = check(precision, FLEX.device(0), Err("not asked".to_owned())).unwrap_err();
            let rule =
                format!("run.precision: precision is \"{precision}\", which the device flex does not have; write");
            assert!(error.starts_with(&rule), "{error}");
            for execution in Execution::ALL {
                let run = RunSettings {
                    execution,
                    ..run(true, precision)
                };
                let is_refused = check_execution(&run, CPU.device(0)).is_err();
                assert_eq!(is_refused, execution != Execution::Aten, "{execution}");
            }
        }
        assert_eq!(check(Precision::Bf16, CUDA.device(0), Ok((8, 0))), Ok(()));
        assert!(check(Precision::Bf16, CUDA.device(0), Ok((7, 5))).is_err());
        assert_eq!(check(Precision::F16, CUDA.device(0), Ok((7, 5))), Ok(()));
    }

    #[test]
    fn the_layout_that_is_recorded_is_the_executions_and_the_devices() {
        let layout = |execution, layout, device: &str| {
            let run = RunSettings {
                execution,
                layout,
                ..RunSettings::default()
            };
            recorded_layout(&run, device)
        };
        use MapLayout::{ChannelsLast, Nchw};
        assert_eq!(layout(Execution::Aten, None, "cpu"), Some(ChannelsLast));
        assert_eq!(layout(Execution::Aten, Some(Nchw), "cpu"), Some(Nchw));
        assert_eq!(layout(Execution::Aten, None, "cuda:1"), Some(Nchw));
        assert_eq!(
            layout(Execution::Aten, Some(ChannelsLast), "cuda:1"),
            Some(ChannelsLast)
        );
        assert_eq!(layout(Execution::Recompute, None, "cuda:0"), Some(Nchw));
        assert_eq!(layout(Execution::Recompute, None, "cpu"), Some(ChannelsLast));
        assert_eq!(layout(Execution::Plain, None, "cpu"), Some(Nchw));
        assert_eq!(layout(Execution::Fused, None, "cpu"), Some(ChannelsLast));
        assert_eq!(layout(Execution::Recompute, None, "flex"), Some(Nchw));
        assert_eq!(layout(Execution::Plain, None, "no device"), None);
    }

    #[test]
    fn the_search_for_the_fastest_algorithm_is_an_error_without_cudnn() {
        let run = RunSettings {
            cudnn_benchmark: true,
            ..run(false, Precision::F32)
        };
        for backend in BACKENDS {
            let device = backend.device(0);
            let checked = check_arithmetic(&run, device, |_| Err("not asked"));
            let expected = (device != CUDA.device(0)).then(|| {
                format!(
                    "run.cudnn-benchmark: cudnn-benchmark is true, and the device {device} does not use cuDNN; leave \
                     cudnn-benchmark out, or take a CUDA device"
                )
            });
            assert_eq!(checked.err().map(|error| error.to_string()), expected);
        }
    }

    #[test]
    fn instructions_that_the_processor_or_the_execution_lacks_are_refused() {
        let run = |execution, instructions| RunSettings {
            execution,
            instructions,
            ..RunSettings::default()
        };
        let check = |run| check_instructions(&run).map_err(|error| error.to_string());
        let all = [
            Instructions::Avx512,
            Instructions::Avx2,
            Instructions::Neon,
            Instructions::Portable,
        ];
        let mut refused = 0;
        for instructions in all {
            let found = check(run(Execution::Fused, instructions));
            let there = instructions.processor().is_some_and(Processor::is_available);
            assert_eq!(found.is_ok(), there, "{instructions:?}");
            if let Err(error) = found {
                refused += 1;
                assert!(error.starts_with("run.instructions: instructions is \""), "{error}");
                assert!(error.contains("portable; leave it out for the fastest"), "{error}");
            }
        }
        // No processor has both AVX2 and NEON.
        assert!(refused > 0);
        assert_eq!(check(run(Execution::Plain, Instructions::Auto)), Ok(()));
        assert_eq!(
            check(run(Execution::Aten, Instructions::Portable)).unwrap_err(),
            "run.instructions: instructions is \"portable\", which is of the kernels of \"fused\", and execution is \"aten\"; \
             leave instructions out, or write execution = \"fused\""
        );
    }

    #[test]
    fn every_device_has_f32_and_plain_execution() {
        for backend in BACKENDS {
            let device = backend.device(0);
            assert_eq!(
                check(Precision::F32, device, Err("not asked".to_owned())),
                Ok(()),
                "{device}"
            );
            assert_eq!(check_execution(&RunSettings::default(), device), Ok(()), "{device}");
        }
    }

    #[test]
    fn cublas_gets_its_workspace_before_a_deterministic_process_on_cuda_starts() {
        let has = |run: &RunSettings, device| {
            process_variables(run, device, 2)
                .iter()
                .any(|(name, value)| *name == "CUBLAS_WORKSPACE_CONFIG" && value == ":4096:8")
        };
        assert!(has(&run(true, Precision::F32), CUDA.device(0)));
        assert!(!has(&run(false, Precision::F32), CUDA.device(0)));
        assert!(!has(&run(true, Precision::F32), CPU.device(0)));
    }
}
