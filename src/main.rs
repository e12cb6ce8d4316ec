//! The program: verbs in, exit status out.

mod commands;

/// An allocator that can keep the pages of large buffers: glibc's gives them back at every free, and a training step on
/// the CPU frees and takes the same buffers again and again. It serves libtorch too, and `[run] allocator` sets it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    commands::main()
}
