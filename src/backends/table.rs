//! The table of backends.

use super::backend::Backend;
use super::cpu::CPU;
use super::cuda::CUDA;
use super::flex::FLEX;
use super::wgpu::WGPU;

/// Every backend that the program knows, built in or not, in the order in which help and errors list them.
pub static BACKENDS: [&Backend; 4] = [&CPU, &CUDA, &FLEX, &WGPU];
