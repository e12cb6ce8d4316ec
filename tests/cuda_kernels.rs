//! The CUDA kernels, compiled for every architecture and run on the processor: `scripts/cuda-kernels`.

use std::path::Path;
use std::process::Command;

#[macro_use]
mod skipped;

/// Its exit status where NVRTC is missing; all that needs none has been checked by then.
const WITHOUT_NVRTC: i32 = 77;

#[test]
fn the_kernels_are_right_on_the_processor_and_keep_their_registers_on_every_gpu() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = root.join(".venv/bin/python");
    let python = if own.exists() { own } else { "python3".into() };
    let Ok(ended) = Command::new(&python).arg(root.join("scripts/cuda-kernels")).output() else {
        return skipped!("there is no Python");
    };
    let said = String::from_utf8_lossy(&ended.stdout);
    if ended.status.code() == Some(WITHOUT_NVRTC) {
        return skipped!("there is no NVRTC, which nvidia-cuda-nvrtc-cu12 has: the kernels are not compiled for a GPU");
    }
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}{errors}");
    for architecture in ["sm_80", "sm_86", "sm_89", "sm_90", "sm_100"] {
        assert!(said.contains(architecture), "{said}");
    }
}
