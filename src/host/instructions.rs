//! The vector instructions that the libraries and our kernels use on this processor.

use std::collections::BTreeMap;

use crate::formats::ablation::Instructions;
use crate::kernels::Processor;
use crate::network::VectorInstructions;

/// oneDNN's variables that hold it to a set of instructions, in the order in which it looks for them.
const LIMITS: [&str; 2] = ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"];

/// The vector instructions that oneDNN takes for f32 on this processor, within what its variables allow (`init_max_cpu_isa`
/// in its `cpu_isa_traits.cpp`): extensions of AVX2 and of AVX-512, VNNI and AMX among them, change nothing for f32, and
/// libtorch's own `ATEN_CPU_CAPABILITY` does not reach oneDNN. Of a processor with neither set, those whose memory is
/// nearest.
pub fn vector_instructions() -> VectorInstructions {
    let limit = LIMITS
        .iter()
        .filter_map(std::env::var_os)
        .find(|value| !value.is_empty())
        .and_then(|value| value.into_string().ok());
    within(has_avx512(), limit.as_deref())
}

/// The sets of vector instructions that are really used, which variables may hold below what the processor has: ATen's, by
/// its own word, oneDNN's ([`vector_instructions`]), and those of the kernels of `fused`, which `[run] instructions` may name.
pub fn dispatched(instructions: Instructions) -> BTreeMap<String, String> {
    let kernels = instructions.processor().unwrap_or_else(Processor::detect).name();
    let sets = [("kernels", kernels.to_owned())].into_iter().chain(of_libtorch());
    sets.map(|(library, set)| (library.to_owned(), set)).collect()
}

#[cfg(not(feature = "libtorch"))]
fn of_libtorch() -> [(&'static str, String); 0] {
    []
}

#[cfg(feature = "libtorch")]
fn of_libtorch() -> [(&'static str, String); 2] {
    // It says AVX512 where others write AVX-512, and DEFAULT where it uses no more than the compiler's baseline.
    let aten = crate::libtorch::cpu_capability().unwrap_or_else(|_| "unknown".to_owned());
    let onednn = match vector_instructions() {
        VectorInstructions::Avx512 => "AVX-512",
        VectorInstructions::Avx2 if has_avx2() => "AVX2",
        VectorInstructions::Avx2 => "below AVX2",
    };
    [
        ("ATen", aten.replace("AVX512", "AVX-512")),
        ("oneDNN", onednn.to_owned()),
    ]
}

#[cfg(all(feature = "libtorch", target_arch = "x86_64"))]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
}

#[cfg(all(feature = "libtorch", not(target_arch = "x86_64")))]
fn has_avx2() -> bool {
    false
}

/// oneDNN's avx512_core.
#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx512() -> bool {
    false
}

/// oneDNN ignores a value that it does not know; of those that it knows, these hold it below AVX-512.
fn within(has_avx512: bool, limit: Option<&str>) -> VectorInstructions {
    const BELOW: [&str; 5] = ["SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2"];
    let is_below = limit.is_some_and(|limit| BELOW.iter().any(|name| name.eq_ignore_ascii_case(limit)));
    if has_avx512 && !is_below {
        VectorInstructions::Avx512
    } else {
        VectorInstructions::Avx2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_onednn_hold_a_processor_with_avx512_to_avx2_and_give_none_to_another() {
        for limit in [
            None,
            Some("ALL"),
            Some("AVX512_CORE"),
            Some("avx512_core_amx"),
            Some("typo"),
        ] {
            assert_eq!(within(true, limit), VectorInstructions::Avx512, "{limit:?}");
            assert_eq!(within(false, limit), VectorInstructions::Avx2, "{limit:?}");
        }
        for limit in ["AVX2", "avx2", "SSE41", "AVX2_VNNI_2"] {
            assert_eq!(within(true, Some(limit)), VectorInstructions::Avx2, "{limit}");
        }
    }
}
