//! `doctor`: what works on this machine, each with a remedy.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use densenet_bench::host::{
    self, CudaView, DeviceChoice, Gpu, GpuReader, GpuReading, ProcessMemory, TensorMemory, available_memory,
    available_threads, build, cuda_devices,
};
use densenet_bench::model::{Model, initial_weights};
use densenet_bench::network::{Shape, presets};

use super::{Failure, Outcome, print};

/// Check libtorch, CUDA, threads and memory; exit status 0 when the CPU path works
#[derive(Args)]
pub struct Arguments {}

/// How a finding stands.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Ok,
    Note,
    Failed,
}

/// A line of the doctor's.
struct Finding {
    mark: Mark,
    subject: &'static str,
    text: String,
}

pub fn run(_: &Arguments) -> Outcome {
    let findings = [
        program(),
        threads(),
        memory(),
        resident_set(),
        libtorch(),
        allocated(),
        cuda(),
        nvml(),
        flex(),
    ];
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

fn threads() -> Finding {
    let there = available_threads();
    let one = if there == 1 {
        "; images are prepared on the same core that trains"
    } else {
        ""
    };
    Finding {
        mark: if there == 1 { Mark::Note } else { Mark::Ok },
        subject: "threads",
        text: format!("{there} can run at once; `run --threads N` takes fewer{one}"),
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
            text: "the system does not tell how much is available".to_owned(),
        },
    }
}

fn resident_set() -> Finding {
    let (mark, text) = match ProcessMemory::watch(DeviceChoice::Cpu).finish() {
        Ok(peak) => (
            Mark::Ok,
            format!(
                "a process's peak on the CPU is its highest resident set; this one's is {:.0} MB so far",
                peak.bytes as f64 / 1e6
            ),
        ),
        Err(reason) => (Mark::Note, format!("process peaks on the CPU stay empty: {reason}")),
    };
    Finding {
        mark,
        subject: "resident",
        text,
    }
}

fn libtorch() -> Finding {
    if !cfg!(feature = "libtorch") {
        return Finding {
            mark: Mark::Note,
            subject: "libtorch",
            text: "this program was built without it; run scripts/densenet-bench, which builds with it".to_owned(),
        };
    }
    let place = env!("DENSENET_BENCH_LIBTORCH_LIB");
    if !Path::new(place).is_dir() {
        return Finding {
            mark: Mark::Failed,
            subject: "libtorch",
            text: format!("{place} is gone; run scripts/setup"),
        };
    }
    match try_out(DeviceChoice::Cpu) {
        Ok(()) => Finding {
            mark: Mark::Ok,
            subject: "libtorch",
            text: format!(
                "{} in {place}, tch {}, Burn {}: a network ran on the CPU",
                build::LIBTORCH,
                build::TCH,
                build::BURN
            ),
        },
        Err(reason) => Finding {
            mark: Mark::Failed,
            subject: "libtorch",
            text: format!("a network did not run on the CPU ({reason}); run scripts/setup --force"),
        },
    }
}

fn allocated() -> Finding {
    let counted = TensorMemory::count(DeviceChoice::Cpu, None).ok().and_then(|memory| {
        memory.reset();
        try_out(DeviceChoice::Cpu).ok()?;
        memory.peaks().allocated.filter(|&bytes| bytes > 0)
    });
    Finding {
        mark: if counted.is_some() { Mark::Ok } else { Mark::Note },
        subject: "allocated",
        text: match counted {
            Some(bytes) => format!(
                "tensors on libtorch's CPU are counted byte by byte: {:.1} kB at the peak of a small network",
                bytes as f64 / 1e3
            ),
            None => "allocated peaks stay empty: libtorch's allocator cannot be counted here".to_owned(),
        },
    }
}

fn cuda() -> Finding {
    let driver = Path::new("/proc/driver/nvidia/version").exists();
    let (mark, text) = match (cuda_devices(), driver) {
        (0, false) => (
            Mark::Note,
            "there is no NVIDIA GPU here; networks run on the CPU".to_owned(),
        ),
        (0, true) => (
            Mark::Note,
            "there is an NVIDIA driver, but this libtorch does not see a GPU; run scripts/setup --cuda".to_owned(),
        ),
        (devices, _) => match try_out(DeviceChoice::Cuda(0)) {
            Ok(()) => (
                Mark::Ok,
                format!("libtorch sees {devices} GPU(s): a network ran on cuda:0"),
            ),
            Err(reason) => (
                Mark::Note,
                format!("a network did not run on cuda:0 ({reason}); check nvidia-smi, or take --device cpu"),
            ),
        },
    };
    Finding {
        mark,
        subject: "CUDA",
        text,
    }
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

fn flex() -> Finding {
    let (mark, text) = match try_out(DeviceChoice::Flex) {
        Ok(()) => (
            Mark::Ok,
            format!("Burn {}'s pure-Rust backend: a network ran", build::BURN),
        ),
        Err(reason) => (
            Mark::Note,
            format!("a network did not run ({reason}); take --device cpu"),
        ),
    };
    Finding {
        mark,
        subject: "flex",
        text,
    }
}

/// Runs an image through a small network.
fn try_out(choice: DeviceChoice) -> Result<(), String> {
    let attempt = std::panic::catch_unwind(|| {
        let network = presets().swap_remove(0).network;
        let graph = network
            .graph(Shape::square(1, 8), 10)
            .map_err(|error| error.to_string())?;
        let device = host::open(choice);
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
