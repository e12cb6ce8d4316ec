//! A run's environment, recorded in `environment.json`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::arithmetic::process_variables;
use super::difference::{Difference, Way};
use super::gpu_state::GpuRecord;
use super::instructions::dispatched;
use super::processor::{ProcessorIdentity, instructions_in_words, processor_in_words};
use super::system_state::system_state;
use crate::backends::{BACKENDS, BackendDevice};
use crate::formats::ablation::{Allocator, Precision, RunSettings};
use crate::formats::tables::SCHEMA_VERSION;

/// Facts of the build, fixed when the program was compiled.
pub mod build {
    /// The program's version.
    pub const VERSION: &str = env!("CARGO_PKG_VERSION");
    /// The git revision, or `unknown`.
    pub const REVISION: &str = env!("DENSENET_BENCH_REVISION");
    /// Whether tracked files differed from the revision: `true`, `false` or `unknown`.
    pub const DIRTY: &str = env!("DENSENET_BENCH_DIRTY");
    /// The compiler.
    pub const RUSTC: &str = env!("DENSENET_BENCH_RUSTC");
    /// SHA-256 of `Cargo.lock`.
    pub const LOCK_SHA256: &str = env!("DENSENET_BENCH_LOCK_SHA256");
    /// Burn's version.
    pub const BURN: &str = env!("DENSENET_BENCH_BURN_VERSION");

    /// Identifies this program: its revision where that identifies the sources, else the revision and the program
    /// file's own digest. `program` is the file.
    pub fn revision_of(program: &std::path::Path) -> String {
        use sha2::{Digest, Sha256};
        if DIRTY == "false" {
            return REVISION.to_owned();
        }
        let digest = std::fs::read(program).map_or_else(
            |_| "unread".to_owned(),
            |bytes| format!("{:x}", Sha256::digest(&bytes))[..12].to_owned(),
        );
        format!("{REVISION}-changed-{digest}")
    }
}

/// Variables that change what a run computes or how fast; nothing else of the environment is recorded, since it may
/// hold secrets. Their values are meant for libraries: numbers, modes, and paths of libraries.
const RECORDED_VARIABLES: [&str; 38] = [
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_DEVICE_ORDER",
    "CUDA_LAUNCH_BLOCKING",
    "CUDA_VISIBLE_DEVICES",
    "DNNL_DEFAULT_FPMATH_MODE",
    "DNNL_MAX_CPU_ISA",
    "GLIBC_TUNABLES",
    "GOMP_CPU_AFFINITY",
    "GOMP_SPINCOUNT",
    "KMP_AFFINITY",
    "KMP_BLOCKTIME",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "MALLOC_ARENA_MAX",
    "MALLOC_MMAP_MAX_",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TRIM_THRESHOLD_",
    "MIMALLOC_ALLOW_LARGE_OS_PAGES",
    "MIMALLOC_ALLOW_THP",
    "MIMALLOC_PURGE_DELAY",
    "MKL_CBWR",
    "MKL_DYNAMIC",
    "MKL_NUM_THREADS",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_DYNAMIC",
    "OMP_NUM_THREADS",
    "OMP_PLACES",
    "OMP_PROC_BIND",
    "OMP_WAIT_POLICY",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF",
    "RAYON_NUM_THREADS",
    "SLURM_JOB_ID",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "TORCH_NUM_THREADS",
];

/// Those of them that choose the kernels or the precision of libraries, and with it the last bits of a run.
const DECISIVE_VARIABLES: [&str; 10] = [
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "DNNL_DEFAULT_FPMATH_MODE",
    "DNNL_MAX_CPU_ISA",
    "MKL_CBWR",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_DYNAMIC",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
];

/// `environment.json`: the machine, program and settings of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// The tables' [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The program's version.
    pub version: String,
    /// Its git revision.
    pub revision: String,
    /// Whether tracked files differed from that revision.
    pub dirty: String,
    /// SHA-256 of `Cargo.lock`.
    pub cargo_lock_sha256: String,
    /// The compiler.
    pub rustc: String,
    /// Burn's version.
    pub burn: String,
    /// tch's version, where libtorch was used.
    pub tch: Option<String>,
    /// libtorch's version, where it was used.
    pub libtorch: Option<String>,
    /// The versions of other backends' libraries, where one was used.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub versions: BTreeMap<String, String>,
    /// The device that was chosen, `cpu`.
    pub device: String,
    /// The GPU's name, if one was used.
    pub gpu: Option<String>,
    /// That GPU by NVML, with its clocks, limits and modes before the work started; none on another device, where NVML does
    /// not report it, and in earlier records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_record: Option<GpuRecord>,
    /// Threads of the device's backend.
    pub threads: usize,
    /// Who decided that number, `--threads` or `OMP_NUM_THREADS=1`; empty in earlier records.
    #[serde(default)]
    pub threads_source: String,
    /// Whether the backend is held to operations whose results repeat to the last bit.
    #[serde(default)]
    pub deterministic: Option<bool>,
    /// The precision of computation; earlier records have `tf32`, a flag.
    #[serde(default, alias = "tf32")]
    pub precision: Option<Precision>,
    /// Whether cuDNN searches for the fastest algorithm; none on another device, and in earlier records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cudnn_benchmark: Option<bool>,
    /// The policy for freed main memory.
    #[serde(default)]
    pub allocator: Option<Allocator>,
    /// The processor's name.
    pub cpu: String,
    /// Which processor it is beyond its name; none where the system does not say it, and in earlier records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<ProcessorIdentity>,
    /// The sets of vector instructions that are really used, by library; none in earlier records.
    #[serde(default)]
    pub instructions: BTreeMap<String, String>,
    /// How the system treats the processors (the module `system_state` has the names).
    #[serde(default)]
    pub system_state: BTreeMap<String, String>,
    /// Processors that the system lists.
    pub logical_cores: usize,
    /// Cores without hyper-threads, where the system reports it.
    pub physical_cores: Option<usize>,
    /// Memory of the machine, in bytes.
    pub memory_bytes: u64,
    /// The operating system and its version.
    pub system: String,
    /// The kernel's version.
    pub kernel: String,
    /// The variables of a fixed list that were set.
    pub variables: BTreeMap<String, String>,
    /// The program's arguments.
    pub command_line: Vec<String>,
    /// When the run started, RFC 3339, UTC.
    pub started: String,
    /// When it ended; none while it runs.
    pub ended: Option<String>,
}

impl Environment {
    /// Looks at the machine and at this process, for work on `device` by processes of these settings.
    pub fn observe(device: BackendDevice, gpu: Option<String>, run: &RunSettings, threads: usize) -> Self {
        let variables = process_variables(run, device, threads);
        let versions = (device.backend().versions)().into_iter();
        let mut versions: BTreeMap<String, String> =
            versions.map(|(name, version)| (name.to_owned(), version)).collect();
        let mut system = sysinfo::System::new();
        system.refresh_memory();
        system.refresh_cpu_list(sysinfo::CpuRefreshKind::nothing());
        let unknown = || "unknown".to_owned();
        Self {
            schema_version: SCHEMA_VERSION,
            version: build::VERSION.to_owned(),
            revision: build::REVISION.to_owned(),
            dirty: build::DIRTY.to_owned(),
            cargo_lock_sha256: build::LOCK_SHA256.to_owned(),
            rustc: build::RUSTC.to_owned(),
            burn: build::BURN.to_owned(),
            tch: versions.remove("tch"),
            libtorch: versions.remove("libtorch"),
            versions,
            device: device.to_string(),
            gpu,
            gpu_record: None,
            threads,
            threads_source: String::new(),
            deterministic: Some(run.deterministic),
            precision: Some(run.precision),
            cudnn_benchmark: device.backend().has_cudnn.then_some(run.cudnn_benchmark),
            allocator: Some(run.allocator),
            cpu: system.cpus().first().map_or_else(unknown, |cpu| cpu.brand().to_owned()),
            processor: ProcessorIdentity::here(),
            instructions: dispatched(run.instructions),
            system_state: system_state(),
            logical_cores: system.cpus().len(),
            physical_cores: sysinfo::System::physical_core_count(),
            memory_bytes: system.total_memory(),
            system: sysinfo::System::long_os_version().unwrap_or_else(unknown),
            kernel: sysinfo::System::kernel_version().unwrap_or_else(unknown),
            variables: recorded_variables(|name| std::env::var_os(name), &variables),
            command_line: std::env::args_os()
                .map(|argument| argument.to_string_lossy().into_owned())
                .collect(),
            started: now(),
            ended: None,
        }
    }

    /// The processor in words, with its kind and the vector instructions that are used.
    pub fn processor_in_words(&self) -> String {
        processor_in_words(&self.cpu, self.processor.as_ref(), &self.instructions)
    }

    /// The processor's name and kind.
    fn processor_and_kind(&self) -> String {
        processor_in_words(&self.cpu, self.processor.as_ref(), &BTreeMap::new())
    }

    /// The processor, the vector instructions in use, GPU and variables that differ in a later environment: libraries choose
    /// their kernels by these. On another device the GPU and the variables follow from it and do not count. What one of the
    /// records does not say, since it is an earlier one, does not count either.
    pub fn machine_differences(&self, later: &Self) -> Vec<Difference> {
        let differ = |started: &str, now: &str| {
            (started != now).then(|| Difference {
                words: format!("on {started} (now {now})"),
                way: Way::Circumstance(format!("on a machine with {started}")),
            })
        };
        let is_other_kind = match (&self.processor, &later.processor) {
            (Some(then), Some(now)) => !then.is_like(now),
            _ => false,
        };
        let processor = match is_other_kind {
            true => differ(&self.processor_and_kind(), &later.processor_and_kind()),
            false => differ(&self.cpu, &later.cpu),
        };
        let mut differences: Vec<Difference> = processor.into_iter().collect();
        if self.device != later.device {
            return differences;
        }
        let gpu = |of: &Self| of.gpu.clone().unwrap_or_else(|| "no GPU".to_owned());
        let variable = |name: &&str| {
            let (started, now) = (self.variables.get(*name), later.variables.get(*name));
            let value = |of: Option<&String>| of.map_or("unset", String::as_str).to_owned();
            let way = match started {
                Some(value) => format!("with {name}={value} set"),
                None => format!("with {name} unset"),
            };
            (started != now).then(|| Difference {
                words: format!("with {name} {} (now {})", value(started), value(now)),
                way: Way::Circumstance(way),
            })
        };
        differences.extend(differ(&gpu(self), &gpu(later)));
        differences.extend(DECISIVE_VARIABLES.iter().filter_map(variable));
        // Where nothing named so far explains it: a virtual machine may hide instructions that the processor has.
        let sets = [&self.instructions, &later.instructions];
        if differences.is_empty() && sets.iter().all(|sets| !sets.is_empty()) && sets[0] != sets[1] {
            let [started, now] = sets.map(instructions_in_words);
            differences.push(Difference {
                words: format!("with the vector instructions {started} (now {now})"),
                way: Way::Circumstance(format!("where the vector instructions are {started}")),
            });
        }
        differences
    }

    /// The environment of one process of the run, which may have threads and switches of its own.
    pub fn of_process(&self, device: BackendDevice, run: &RunSettings, threads: usize) -> Self {
        Self {
            threads,
            deterministic: Some(run.deterministic),
            precision: Some(run.precision),
            cudnn_benchmark: device.backend().has_cudnn.then_some(run.cudnn_benchmark),
            allocator: Some(run.allocator),
            variables: recorded_variables(|name| std::env::var_os(name), &process_variables(run, device, threads)),
            ..self.clone()
        }
    }
}

/// The variables of the list as a trial's process has them: `own` of this process, and those that it sets for a trial.
fn recorded_variables(
    own: impl Fn(&str) -> Option<OsString>,
    set: &[(&'static str, String)],
) -> BTreeMap<String, String> {
    let of_backends = BACKENDS.iter().flat_map(|backend| backend.recorded_variables);
    let own = RECORDED_VARIABLES.iter().chain(of_backends).filter_map(|&name| {
        let value = own(name)?;
        Some((name.to_owned(), value.to_string_lossy().into_owned()))
    });
    let set = set.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    own.chain(set).collect()
}

/// Whole nanoseconds, as the tables have them.
pub fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The time in UTC, RFC 3339, to the second.
pub fn now() -> String {
    humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::CPU;

    #[test]
    fn environments_differ_in_a_variable_that_chooses_kernels_but_not_in_a_job_number() {
        let mut started = Environment::observe(CPU.device(0), None, &RunSettings::default(), 2);
        // It may be set where the tests run.
        started.variables.remove("DNNL_MAX_CPU_ISA");
        let mut later = started.clone();
        later.variables.insert("SLURM_JOB_ID".to_owned(), "7".to_owned());
        assert_eq!(started.machine_differences(&later), []);
        assert!(DECISIVE_VARIABLES.iter().all(|name| RECORDED_VARIABLES.contains(name)));
        later.variables.insert("DNNL_MAX_CPU_ISA".to_owned(), "AVX2".to_owned());
        let differences = started.machine_differences(&later);
        assert_eq!(
            Difference::all_in_words(&differences),
            "with DNNL_MAX_CPU_ISA unset (now AVX2)"
        );
        assert_eq!(Difference::way_of_all(&differences), "with DNNL_MAX_CPU_ISA unset");
        let back = later.machine_differences(&started);
        assert_eq!(Difference::way_of_all(&back), "with DNNL_MAX_CPU_ISA=AVX2 set");
        // What follows from the device is not named beside it.
        later.device = "cuda:0".to_owned();
        assert_eq!(started.machine_differences(&later), []);
    }

    #[test]
    fn processors_of_one_name_and_other_kernels_are_other_machines() {
        let mut started = Environment::observe(CPU.device(0), None, &RunSettings::default(), 2);
        started.cpu = "AMD EPYC".to_owned();
        started.processor = Some(ProcessorIdentity {
            vendor: "AuthenticAMD".to_owned(),
            family: "25".to_owned(),
            model: "17".to_owned(),
            stepping: "1".to_owned(),
            microcode: "0xa".to_owned(),
        });
        started.instructions = BTreeMap::from([("ATen".to_owned(), "AVX-512".to_owned())]);
        let other = |change: fn(&mut Environment)| {
            let mut later = started.clone();
            change(&mut later);
            Difference::all_in_words(&started.machine_differences(&later))
        };
        let milan = other(|later| {
            later.processor.as_mut().unwrap().model = "1".to_owned();
            later.instructions.insert("ATen".to_owned(), "AVX2".to_owned());
        });
        assert_eq!(
            milan,
            "on AMD EPYC (family 25, model 17, stepping 1) (now AMD EPYC (family 25, model 1, stepping 1))"
        );
        let hidden = other(|later| drop(later.instructions.insert("ATen".to_owned(), "AVX2".to_owned())));
        assert_eq!(hidden, "with the vector instructions AVX-512 (now AVX2)");
        assert_eq!(other(|later| later.processor.as_mut().unwrap().microcode.push('b')), "");
        assert_eq!(
            other(|later| drop(later.system_state.insert("governor".to_owned(), "x".to_owned()))),
            ""
        );
        // A record from before this was recorded.
        assert_eq!(
            other(|later| {
                later.processor = None;
                later.instructions.clear();
            }),
            ""
        );
    }

    #[test]
    fn a_record_with_the_key_tf32_is_read() {
        let environment = Environment::observe(CPU.device(0), None, &RunSettings::default(), 2);
        let mut record = serde_json::to_value(&environment).unwrap();
        assert_eq!(record["precision"], "f32");
        let fields = record.as_object_mut().unwrap();
        fields.remove("precision");
        for (flag, precision) in [(true, Precision::Tf32), (false, Precision::F32)] {
            fields.insert("tf32".to_owned(), flag.into());
            let read: Environment = serde_json::from_value(fields.clone().into()).unwrap();
            assert_eq!(read.precision, Some(precision));
        }
    }

    #[test]
    fn the_versions_of_the_devices_own_libraries_are_recorded() {
        for backend in BACKENDS {
            let environment = Environment::observe(backend.device(0), None, &RunSettings::default(), 2);
            let record = serde_json::to_value(&environment).unwrap();
            for (name, version) in (backend.versions)() {
                let recorded = record.get(name).or_else(|| record["versions"].get(name));
                assert_eq!(recorded, Some(&version.into()), "{backend:?}");
            }
            assert_eq!(
                environment.libtorch.is_some(),
                backend.feature == "libtorch" && cfg!(feature = "libtorch"),
                "{backend:?}"
            );
        }
    }

    #[test]
    fn only_listed_variables_are_recorded_and_a_process_overrides_them() {
        let own = [
            ("AWS_SECRET_ACCESS_KEY", "hunter2"),
            ("OMP_NUM_THREADS", "9"),
            ("PATH", "/bin"),
            ("SLURM_JOB_ID", "4711"),
        ];
        let own = |name: &str| {
            let (_, value) = own.iter().find(|(known, _)| *known == name)?;
            Some(OsString::from(value))
        };
        let set = [("OMP_NUM_THREADS", "2".to_owned()), ("MKL_CBWR", "AUTO".to_owned())];
        let recorded = recorded_variables(own, &set);
        let recorded: Vec<(&str, &str)> = recorded.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        assert_eq!(
            recorded,
            [("MKL_CBWR", "AUTO"), ("OMP_NUM_THREADS", "2"), ("SLURM_JOB_ID", "4711")]
        );

        let environment = Environment::observe(CPU.device(0), None, &RunSettings::default(), 2);
        assert_eq!(environment.variables["OMP_NUM_THREADS"], "2");
        assert_eq!(environment.variables["MIMALLOC_PURGE_DELAY"], "-1");
    }
}
