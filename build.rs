//! Lets the program find the libtorch it was built against, refuses one of another version, compiles what calls libraries
//! in C and C++, and records what the program was built from.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let libtorch = env::var_os("CARGO_FEATURE_LIBTORCH").map(|_| link_libtorch());
    let (lib, version) = libtorch.unwrap_or_else(|| (PathBuf::new(), unknown()));
    record("LIBTORCH_LIB", &lib.to_string_lossy());
    record("LIBTORCH_VERSION", &version);
    compile_jpeg();
    record_lock_file();
    record_revision();
    let rustc = output(&env::var("RUSTC").expect("cargo sets RUSTC"), &["--version"]);
    record("RUSTC", &rustc.unwrap_or_else(unknown));
}

/// Makes `env!("DENSENET_BENCH_<name>")` available to the program.
fn record(name: &str, value: &str) {
    println!("cargo:rustc-env=DENSENET_BENCH_{name}={value}");
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// A command's output, or `None` where it is missing or fails.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

// --- libtorch -------------------------------------------------------------------------------------------------------

/// The version that `tch` 0.22.0 is written for.
const LIBTORCH_VERSION: &str = "2.9.0";

/// Checks libtorch's version, passes the linker its options and returns the folder of its libraries and the version.
fn link_libtorch() -> (PathBuf, String) {
    let lib = PathBuf::from(env::var_os("DEP_TCH_LIBTORCH_LIB").expect("torch-sys names libtorch's folder"));
    let version = checked_version(&lib);

    compile_native(&lib);

    // An rpath, so that no LD_LIBRARY_PATH is needed; of the old kind, so that none can put another libtorch in the
    // place of the one that was checked.
    println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags,-rpath,{}", lib.display());
    if lib.join("libtorch_cuda.so").exists() {
        // The CUDA kernels register themselves when their library is loaded; no symbol of it need be used, and the
        // linker would drop it.
        println!("cargo:rustc-link-arg=-Wl,--no-as-needed,-ltorch_cuda,-lc10_cuda,--as-needed");
    }
    (lib, version)
}

/// Compiles bindings of libtorch functions that tch does not expose, unless the last build compiled the same.
fn compile_native(lib: &Path) {
    const LIBRARY: &str = "densenet_bench_native";
    const SOURCES: [&str; 8] = [
        "src/libtorch/autocast.cpp",
        "src/libtorch/autograd.cpp",
        "src/libtorch/counting_allocator.cpp",
        "src/libtorch/in_place.cpp",
        "src/libtorch/step_graph.cpp",
        "src/libtorch/switches.cpp",
        "src/libtorch/trace.cpp",
        "src/libtorch/uploads.cpp",
    ];
    println!("cargo:rerun-if-env-changed=LIBTORCH_CXX11_ABI");
    let files = SOURCES
        .iter()
        .chain(&["src/libtorch/guarded.h", "src/libtorch/cuda/crt/host_defines.h"]);
    for file in files.clone() {
        println!("cargo:rerun-if-changed={file}");
    }
    let include = include_root(lib).join("include");
    // The string type of libtorch 2.9.0's own builds, unless set otherwise as for torch-sys.
    let abi = env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".to_owned());
    let mut native = cc::Build::new();
    native
        .cpp(true)
        .pic(true)
        .std("c++17")
        // Describing libtorch's headers to a debugger takes two thirds of the compiler's time.
        .debug(false)
        // libtorch's headers have warnings of their own, ours must have none.
        .flag("-isystem")
        .flag(&include)
        .flag("-isystem")
        .flag(include.join("torch/csrc/api/include"))
        .define("_GLIBCXX_USE_CXX11_ABI", abi.as_str())
        .files(SOURCES);

    if let Some(headers) = cuda_headers(lib) {
        native
            .flag("-isystem")
            .flag(headers)
            // What the wheel's headers lack: marks for CUDA's own compiler.
            .flag("-idirafter")
            .flag("src/libtorch/cuda")
            .define("DENSENET_BENCH_CUDA", None);
    }

    // Every change in src runs this script again, and libtorch's headers take the compiler many seconds.
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let stamp = out.join("native-compiled");
    let mut inputs = Sha256::new();
    inputs.update(format!("{:?}", native.get_compiler().to_command()));
    for file in files {
        inputs.update(fs::read(file).unwrap_or_default());
    }
    let inputs = format!("{:x}", inputs.finalize());
    let is_compiled = fs::read_to_string(&stamp).is_ok_and(|compiled| compiled == inputs);
    if is_compiled && out.join(format!("lib{LIBRARY}.a")).exists() {
        // The lines that `compile` prints to cargo.
        println!("cargo:rustc-link-lib=static={LIBRARY}");
        println!("cargo:rustc-link-search=native={}", out.display());
        println!("cargo:rustc-link-lib=stdc++");
        return;
    }
    native.compile(LIBRARY);
    // Where it cannot be written, the next build compiles again.
    let _ = fs::write(&stamp, inputs);
}

/// The folder of CUDA's own headers, where libtorch has CUDA and they are there: of the wheel beside PyTorch's, or of a toolkit.
fn cuda_headers(lib: &Path) -> Option<PathBuf> {
    if !lib.join("libtorch_cuda.so").exists() {
        return None;
    }
    println!("cargo:rerun-if-env-changed=CUDA_HOME");
    let beside = lib.parent().and_then(Path::parent).unwrap_or(lib);
    let toolkit = env::var_os("CUDA_HOME").map_or_else(|| PathBuf::from("/usr/local/cuda"), PathBuf::from);
    let folders = [
        beside.join("nvidia/cuda_runtime/include"),
        beside.join("nvidia/cu13/include"),
        lib.with_file_name("include"),
        toolkit.join("include"),
    ];
    let found = folders
        .into_iter()
        .find(|folder| folder.join("cuda_runtime_api.h").exists());
    if found.is_none() {
        println!(
            "cargo:warning=cuda_runtime_api.h was not found, so cuda-graph is left out; set CUDA_HOME to a toolkit's folder"
        );
    }
    found
}

/// The folder that holds libtorch's `include/`.
fn include_root(lib: &Path) -> PathBuf {
    let root = lib.parent().expect("libtorch's libraries are in a folder of it");
    env::var_os("LIBTORCH_INCLUDE").map_or(root.to_owned(), PathBuf::from)
}

/// The version of the libtorch, which has to be [`LIBTORCH_VERSION`] unless the check is bypassed. `torch-sys` checks a
/// `build-version` file alone, which PyPI's PyTorch does not have.
fn checked_version(lib: &Path) -> String {
    println!("cargo:rerun-if-env-changed=LIBTORCH_INCLUDE");
    println!("cargo:rerun-if-env-changed=LIBTORCH_BYPASS_VERSION_CHECK");
    let root = lib.parent().expect("libtorch's libraries are in a folder of it");
    let file = root.join("build-version");
    let header = include_root(lib).join("include/torch/csrc/api/include/torch/version.h");
    for path in [&file, &header] {
        if path.exists() {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
    let found = version_in_header(&header).or_else(|| fs::read_to_string(&file).ok());
    let found = found.as_deref().map_or("no version", str::trim);
    let plain = found.split('+').next().unwrap_or(found).to_owned();
    if plain == LIBTORCH_VERSION {
        return plain;
    }
    let message = format!(
        "found libtorch {found} in {}; densenet-bench needs {LIBTORCH_VERSION}",
        root.display()
    );
    if env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_some() {
        println!("cargo:warning={message}, and LIBTORCH_BYPASS_VERSION_CHECK lets it pass");
    } else {
        eprintln!(
            "error: {message}.\n\
             Unset LIBTORCH and LIBTORCH_USE_PYTORCH and run scripts/setup, or point them to a libtorch {LIBTORCH_VERSION}."
        );
        std::process::exit(1);
    }
    plain
}

/// The version in a `#define TORCH_VERSION "2.9.0"`, whose two parts may be on two lines.
fn version_in_header(header: &Path) -> Option<String> {
    let text = fs::read_to_string(header).ok()?;
    let (_, after) = text.split_once("#define TORCH_VERSION ")?;
    after.split('"').nth(1).map(str::to_owned)
}

// --- libjpeg-turbo ---------------------------------------------------------------------------------------------------

/// Compiles what calls the JPEG decoder that `mozjpeg-sys` has compiled, against its headers.
fn compile_jpeg() {
    const SOURCE: &str = "src/data_sets/jpeg.c";
    println!("cargo:rerun-if-changed={SOURCE}");
    let include = env::var_os("DEP_JPEG_INCLUDE").expect("mozjpeg-sys names its headers' folders");
    cc::Build::new()
        .pic(true)
        .includes(env::split_paths(&include))
        .file(SOURCE)
        .compile("densenet_bench_jpeg");
}

// --- What the program is built from ---------------------------------------------------------------------------------

fn record_lock_file() {
    let lock = fs::read_to_string("Cargo.lock").ok();
    if lock.is_some() {
        println!("cargo:rerun-if-changed=Cargo.lock");
    }
    let digest = lock.as_ref().map(|text| format!("{:x}", Sha256::digest(text)));
    record("LOCK_SHA256", &digest.unwrap_or_else(unknown));
    for package in ["burn", "tch", "cubecl", "wgpu"] {
        let version = lock.as_deref().and_then(|text| locked_version(text, package));
        let name = format!("{}_VERSION", package.to_uppercase());
        record(&name, version.unwrap_or("unknown"));
    }
}

/// The version of a package in the text of a `Cargo.lock`.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let (_, after) = lock.split_once(&format!("\nname = \"{package}\"\nversion = \""))?;
    after.split('"').next()
}

/// The commit, and whether tracked files differ from it as the program is built.
fn record_revision() {
    // Unpacked into another project's repository, that repository's commits do not describe this folder.
    let tracked = git(&["ls-files", "--error-unmatch", "Cargo.toml"]);
    let revision = tracked.and_then(|_| git(&["rev-parse", "--verify", "--quiet", "HEAD"]));
    let status = ["status", "--porcelain", "--untracked-files=no", "--", "."];
    let changes = revision.as_ref().and_then(|_| git(&status));
    let dirty = changes.map(|changes| !changes.is_empty());
    record("REVISION", &revision.unwrap_or_else(unknown));
    record("DIRTY", &dirty.map_or_else(unknown, |dirty| dirty.to_string()));

    // Either answer can change with the sources and the files that a commit or checkout writes. The index is left out,
    // since a mere `git status` may write it.
    for path in ["src", "Cargo.toml"] {
        println!("cargo:rerun-if-changed={path}");
    }
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    for file in ["HEAD", "logs/HEAD", "packed-refs"]
        .into_iter()
        .chain(branch.as_deref())
    {
        // cargo treats a missing file as always changed.
        if let Some(path) = git(&["rev-parse", "--git-path", file]).filter(|path| Path::new(path).exists()) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
}

/// Without optional locks, so that a build in the background never disturbs another git command.
fn git(arguments: &[&str]) -> Option<String> {
    output("git", &[&["--no-optional-locks"], arguments].concat())
}
