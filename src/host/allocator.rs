//! The allocator of main memory: mimalloc, which replaces `malloc` for the program and for libtorch.
//!
//! A training step frees every feature map that it has made, and the next step takes them all again. What an allocator gives
//! back to the system in between costs a page fault for every page, and each page has to be filled with zeros. mimalloc gives
//! back what has been free for a second, which a long step's maps are. So it is set to give nothing back while a trial or a
//! measurement runs; the process ends with it anyway.
//!
//! With `[run] allocator = "system"` tensors come from the C library's own allocator, as libtorch's do in a program that links
//! no other. The executable's `malloc` stays mimalloc, so small objects still come from it.

use crate::formats::ablation::Allocator;

/// The variable that mimalloc reads when a process starts: milliseconds until freed pages go back to the system, 0 for at
/// once and -1 for never.
pub fn allocator_variable(allocator: Allocator) -> (&'static str, String) {
    let delay = match allocator {
        Allocator::KeepPages => -1,
        Allocator::ReturnPages => 0,
        // What mimalloc does by itself with the little that is left to it.
        Allocator::System => 1000,
    };
    ("MIMALLOC_PURGE_DELAY", delay.to_string())
}
