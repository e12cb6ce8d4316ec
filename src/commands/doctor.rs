//! `doctor`: checks of this machine, each failure with a remedy.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use densenet_bench::backends::{
    BACKENDS, Backend, BackendDevice, LIBTORCH_VERSION, MemorySource, PrecisionSupport, count_tensors, fallback,
};
use densenet_bench::formats::ablation::{Execution, Precision};
use densenet_bench::host::{
    CudaView, Gpu, GpuReader, GpuReading, ProcessMemory, available_memory, available_threads, build, choose_threads,
    loaded_library, this_processor,
};
use densenet_bench::measurement::{Rates, device_rates};
use densenet_bench::model::{Model, initial_weights};
use densenet_bench::network::{Shape, presets};
use densenet_bench::words;

use super::{Failure, Outcome, print};

/// Check libtorch, CUDA, threads and memory; exit status 0 when the CPU path works
#[derive(Args)]
#[command(after_help = "\
Examples:
  densenet-bench doctor
  densenet-bench doctor --roofline

The roofline of a step is the larger of its arithmetic over the rate of a matrix product, and of the bytes that it must move
over the rate of a pass over memory (Williams, Waterman and Patterson 2009).")]
pub struct Arguments {
    /// Also measure what each device reaches in a matrix product and in a pass over memory; takes some seconds
    #[arg(long)]
    roofline: bool,
}

/// The severity of a finding.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Ok,
    Note,
    Failed,
}

/// A line of the report.
struct Finding {
    mark: Mark,
    subject: &'static str,
    text: String,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let mut findings = vec![program(), processor(), threads(), memory()];
    findings.extend(resident_set());
    findings.push(libtorch());
    findings.extend(BACKENDS.iter().copied().map(backend));
    findings.push(nvml());
    if arguments.roofline {
        findings.extend(BACKENDS.iter().filter_map(roofline));
    }
    let line = |finding: &Finding| {
        let mark = match finding.mark {
            Mark::Ok => "ok",
            Mark::Note => "note",
            Mark::Failed => "FAILED",
        };
        format!("{mark:<7} {:<9} {}\n", finding.subject, finding.text)
    };
    print(&findings.iter().map(line).collect::<String>())?;
    match findings.iter().any(|finding| finding.mark == Mark::Failed) {
        true => Err(Failure::Work(
            "something that training on the CPU needs does not work; see above".to_owned(),
        )),
        false => Ok(ExitCode::SUCCESS),
    }
}

fn program() -> Finding {
    let dirty = if build::DIRTY == "true" {
        ", with uncommitted changes"
    } else {
        ""
    };
    Finding {
        mark: if build::REVISION == "unknown" {
            Mark::Note
        } else {
            Mark::Ok
        },
        subject: "program",
        text: match build::REVISION {
            "unknown" => format!(
                "densenet-bench {}, of an unknown revision: results will not say which code made them; build it in a git clone",
                build::VERSION
            ),
            revision => format!(
                "densenet-bench {}, revision {revision}{dirty}, {}",
                build::VERSION,
                build::RUSTC
            ),
        },
    }
}

/// The processor, and the vector instructions that are used.
fn processor() -> Finding {
    Finding {
        mark: Mark::Ok,
        subject: "processor",
        text: this_processor(),
    }
}

fn threads() -> Finding {
    let there = available_threads();
    let choice = choose_threads(None, None);
    let one = if choice.threads == 1 {
        "; images are prepared on the same core that trains"
    } else {
        ""
    };
    let warnings: String = choice.warnings.iter().map(|warning| format!("; {warning}")).collect();
    Finding {
        mark: if choice.threads == 1 || !warnings.is_empty() {
            Mark::Note
        } else {
            Mark::Ok
        },
        subject: "threads",
        text: format!(
            "{there} can run at once; `run` takes {} ({}), and N with --threads N{one}{warnings}",
            choice.threads, choice.source
        ),
    }
}

fn memory() -> Finding {
    const LITTLE: u64 = 2 << 30;
    match available_memory() {
        Some(bytes) if bytes < LITTLE => Finding {
            mark: Mark::Note,
            subject: "memory",
            text: format!(
                "{:.1} GB available: close other programs, or take small batches",
                bytes as f64 / 1e9
            ),
        },
        Some(bytes) => Finding {
            mark: Mark::Ok,
            subject: "memory",
            text: format!("{:.1} GB available", bytes as f64 / 1e9),
        },
        None => Finding {
            mark: Mark::Note,
            subject: "memory",
            text: "the system does not report how much is available".to_owned(),
        },
    }
}

/// The counter of a process's peak on the processor; none where no backend can compute there.
fn resident_set() -> Option<Finding> {
    let device = fallback()?.device(0);
    let (mark, text) = match ProcessMemory::watch(device).finish() {
        Ok(peak) => (
            Mark::Ok,
            format!(
                "a process's peak on the CPU is its highest resident set; this one's is {:.0} MB so far",
                peak.bytes as f64 / 1e6
            ),
        ),
        Err(reason) => (Mark::Note, format!("process peaks on the CPU stay empty: {reason}")),
    };
    Some(Finding {
        mark,
        subject: "resident",
        text,
    })
}

/// The libtorch that the program is linked to.
fn libtorch() -> Finding {
    let (mark, text) = if cfg!(feature = "libtorch") {
        let built = Path::new(env!("DENSENET_BENCH_LIBTORCH_LIB"));
        let used = loaded_library("libtorch_cpu.so");
        libtorch_in_words(built, built.is_dir(), used.as_deref().and_then(Path::parent))
    } else {
        let text = "this program was built without it; run scripts/densenet-bench, which builds with it";
        (Mark::Note, text.to_owned())
    };
    Finding {
        mark,
        subject: "libtorch",
        text,
    }
}

/// The folder that libtorch was built against, whether it is there, and the folder of the one that this process runs with,
/// where the system tells it: where that folder is gone, the loader takes the one of `LD_LIBRARY_PATH`.
fn libtorch_in_words(built: &Path, is_there: bool, used: Option<&Path>) -> (Mark, String) {
    let name = built.display();
    let is_same =
        |used: &Path| used == built || matches!((used.canonicalize(), built.canonicalize()), (Ok(a), Ok(b)) if a == b);
    match (used, is_there) {
        (Some(used), _) if !is_same(used) => {
            let gone = if is_there { "" } else { ", which is gone" };
            let used = used.display();
            let text = format!(
                "the one in {used} is used (LD_LIBRARY_PATH?); the program was built against {LIBTORCH_VERSION} in {name}{gone}"
            );
            (Mark::Note, text)
        }
        (_, true) => (Mark::Ok, format!("{LIBTORCH_VERSION} in {name}")),
        (_, false) => (Mark::Failed, format!("{name} is gone; run scripts/setup")),
    }
}

/// Whether a network runs on the first device of a backend, and what the backend can do.
fn backend(backend: &'static Backend) -> Finding {
    let device = backend.device(0);
    let (mark, text) = match device.check() {
        Err(error) => (Mark::Note, format!("{}; {}", error.rule, error.remedy)),
        Ok(()) => match counted(device) {
            Ok(peak) => (Mark::Ok, described(device, peak)),
            Err(reason) => {
                // Without this one nothing can be trained here.
                let is_needed = fallback() == Some(backend);
                let mark = if is_needed { Mark::Failed } else { Mark::Note };
                let text = format!("a network did not run on {device} ({reason}); {}", backend.repair);
                (mark, text)
            }
        },
    };
    Finding {
        mark,
        subject: backend.name,
        text,
    }
}

/// What a backend is and can do, and the peak of a small network's tensors where it counts them.
fn described(device: BackendDevice, peak: Option<u64>) -> String {
    let backend = device.backend();
    let mut versions = vec![format!("Burn {}", build::BURN)];
    versions.extend(
        backend
            .versions
            .iter()
            .map(|(name, version)| format!("{name} {version}")),
    );
    let precisions = Precision::ALL.iter().filter_map(|&precision| {
        let name = precision.name();
        match (backend.precision)(precision) {
            PrecisionSupport::Always => Some(name.to_owned()),
            PrecisionSupport::FromComputeCapability(major, minor) => {
                Some(format!("{name} from compute capability {major}.{minor}"))
            }
            PrecisionSupport::Never => None,
        }
    });
    let precisions: Vec<String> = precisions.collect();
    let executions = Execution::ALL
        .iter()
        .filter(|&&execution| (backend.execution)(device, execution).is_ok());
    let executions: Vec<&str> = executions.map(|execution| execution.name()).collect();
    let memory = match (peak, backend.process_memory) {
        (Some(bytes), _) => format!("counts tensors: {:.1} kB at that network's peak", bytes as f64 / 1e3),
        (None, MemorySource::Unknown(reason)) => format!("does not count tensors, nor a process's memory: {reason}"),
        (None, MemorySource::ResidentSet | MemorySource::Nvml) => "does not count tensors".to_owned(),
    };
    let graphs = match (backend.has_cudnn, (backend.step_graphs)(device)) {
        (false, _) => "",
        (true, Ok(())) => "; CUDA graphs, 16 bits and channels-last, which its authors never ran on a GPU",
        (true, Err(_)) => "; no CUDA graphs, since it was built without CUDA's headers",
    };
    format!(
        "{} ({}): a network ran; precision {}; execution {}; {memory}{graphs}",
        backend.summary,
        versions.join(", "),
        precisions.join(", "),
        executions.join(", ")
    )
}

/// Runs a small network on a device; gives the peak of its tensors where they are counted.
fn counted(device: BackendDevice) -> Result<Option<u64>, String> {
    let counter = count_tensors(device, None).map_err(|error| error.to_string())?;
    let is_reset = counter.reset();
    try_out(device)?;
    Ok(counter.peaks().allocated.filter(|&bytes| is_reset && bytes > 0))
}

/// What a backend's first device reaches, with the threads that `run` takes; none where it cannot be had, which is said above.
fn roofline(backend: &&'static Backend) -> Option<Finding> {
    let device = backend.device(0);
    device.check().ok()?;
    let threads = choose_threads(None, None).threads;
    let measured = std::panic::catch_unwind(|| device_rates(device, threads));
    let (mark, text) = match measured {
        Ok(Ok(rates)) => (Mark::Ok, format!("{device}: {}", rates_in_words(rates, threads))),
        Ok(Err(error)) => (Mark::Note, format!("{device}: {error}")),
        Err(_) => (
            Mark::Note,
            format!("{device}: not measured: a matrix product panicked; {}", backend.repair),
        ),
    };
    Some(Finding {
        mark,
        subject: "roofline",
        text,
    })
}

/// `78.3 GFLOP/s in a matrix product and 10.1 GB/s in a pass over memory, …`.
fn rates_in_words(rates: Rates, threads: usize) -> String {
    format!(
        "{:.1} GFLOP/s in a matrix product and {:.1} GB/s in a pass over memory (f32, {}); work of fewer than {:.1} operations \
         a byte is bound by memory",
        rates.flops_per_second / 1e9,
        rates.bytes_per_second / 1e9,
        words::counted(threads, "thread"),
        rates.flops_per_second / rates.bytes_per_second
    )
}

/// The counter of a process's peak on CUDA, tried out on the first GPU.
fn nvml() -> Finding {
    let looked = Gpu::open(0, &CudaView::of_trials()).and_then(|mut gpu| {
        let reading = gpu.read()?;
        let facts = gpu.facts();
        let gigabytes = facts.memory_bytes as f64 / 1e9;
        Ok((
            format!("{}, {gigabytes:.1} GB, driver {}", facts.name, facts.driver),
            reading,
        ))
    });
    let (mark, text) = match looked {
        Ok((gpu, GpuReading { processes: Ok(_), .. })) => (
            Mark::Ok,
            format!(
                "{gpu}: a process's peak on CUDA is NVML's figure for it, or in a container the rise of what is in use"
            ),
        ),
        Ok((
            gpu,
            GpuReading {
                processes: Err(error), ..
            },
        )) => (Mark::Note, format!("{gpu}: process peaks on CUDA stay empty: {error}")),
        Err(error) => (Mark::Note, format!("process peaks on CUDA stay empty: {error}")),
    };
    Finding {
        mark,
        subject: "NVML",
        text,
    }
}

/// Runs an image through a small network.
fn try_out(choice: BackendDevice) -> Result<(), String> {
    let attempt = std::panic::catch_unwind(|| {
        let network = presets().swap_remove(0).network;
        let graph = network
            .graph(Shape::square(1, 8), 10)
            .map_err(|error| error.to_string())?;
        let device = choice.open().map_err(|error| error.to_string())?;
        let model = Model::new(Arc::new(graph.clone()), &initial_weights(&graph, 0), &device, &[])
            .map_err(|error| error.to_string())?;
        let logits = model
            .forward(burn::tensor::Tensor::ones([1, 1, 8, 8], &device))
            .into_data();
        let finite = logits.iter::<f32>().all(f32::is_finite);
        if finite {
            Ok(())
        } else {
            Err("its logits were not finite".to_owned())
        }
    });
    attempt.unwrap_or_else(|_| Err("it panicked".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(built: &str, is_there: bool, used: Option<&str>) -> (char, String) {
        let (mark, text) = libtorch_in_words(Path::new(built), is_there, used.map(Path::new));
        let mark = match mark {
            Mark::Ok => 'o',
            Mark::Note => 'n',
            Mark::Failed => 'f',
        };
        (mark, text)
    }

    #[test]
    fn rates_are_said_with_where_memory_begins_to_hold() {
        let rates = Rates {
            flops_per_second: 78.25e9,
            bytes_per_second: 10.0e9,
        };
        assert_eq!(
            rates_in_words(rates, 2),
            "78.2 GFLOP/s in a matrix product and 10.0 GB/s in a pass over memory (f32, 2 threads); work of fewer than 7.8 \
             operations a byte is bound by memory"
        );
    }

    #[test]
    fn a_libtorch_that_is_used_from_elsewhere_is_not_gone() {
        let own = format!("{LIBTORCH_VERSION} in /built");
        assert_eq!(said("/built", true, Some("/built")), ('o', own.clone()));
        assert_eq!(said("/built", true, None), ('o', own));
        let gone = "/built is gone; run scripts/setup".to_owned();
        assert_eq!(said("/built", false, None), ('f', gone));
        for (is_there, end) in [(true, "/built"), (false, "/built, which is gone")] {
            let (mark, text) = said("/built", is_there, Some("/other"));
            assert_eq!(mark, 'n');
            assert!(text.starts_with("the one in /other is used"), "{text}");
            assert!(
                text.ends_with(&format!("against {LIBTORCH_VERSION} in {end}")),
                "{text}"
            );
        }
    }
}
